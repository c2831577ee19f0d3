# SPDX-License-Identifier: Apache-2.0
"""The table of scripts/bench accuracy: held-out errors of joulecast and of its peers, same folds.

usage: accuracy.py FOLDER CACHE DOCUMENT|-

FOLDER has, for each data set, what `joulecast train` printed with `-f csv` (NAME-errors.csv) and
wrote with `--held-out` (NAME-rows.csv). The table goes to standard output, and into DOCUMENT between
the two marks. What peers predict is kept in the folder CACHE, and used again while their code, the
rows and the folds are the same.
"""

import csv
import hashlib
import multiprocessing
import os
import pathlib
import pickle
import sys
import time

import numpy

import peers
from peers import PEERS

BEGIN, END = "<!-- table of scripts/bench accuracy -->\n", "<!-- end of the table -->\n"
TARGETS = ("runtime", "power", "energy")
BLACK_BOXES = ("gradient boosting", "Gaussian process")
LONG_S = 0.002  # energy goals of raptorlake's convolutions are for calls as long as this
MOST_TERMS = 80

# RMSPE, in per cent, by data set, kernel and target; "long" is energy of calls of LONG_S or more.
GOALS = {
    "raptorlake-pytorch": {
        "conv2d": {"runtime": 12, "power": 18, "long": 15},
        "max_pool2d": {"runtime": 3, "power": 4.5, "energy": 4},
        "linear": {"runtime": 14},
    },
    "xeon5120-pytorch": {
        "conv2d": {"runtime": 15, "power": 1, "energy": 15},
        "linear": {"runtime": 5, "power": 1, "energy": 5},
        "max_pool2d": {"runtime": 8, "power": 1, "energy": 8},
    },
    "jetson-pytorch": {"conv2d": {"runtime": 15, "power": 9, "energy": 17}},
}


class Rows:
    """The rows of one kernel: sizes, folds, and measured and predicted values by target."""

    def __init__(self, records):
        names = list(records[0])
        names = [c for c in names[2:names.index("row")] if records[0][c] != ""]
        first = {}
        for r in records:
            first.setdefault(r["row"], r)
        number = {row: i for i, row in enumerate(first)}
        own = list(first.values())
        self.sizes = {c: numpy.array([float(r[c]) for r in own]) for c in names}
        self.fold = numpy.array([int(r["fold"]) for r in own])
        keys = [tuple(r[c] for c in names) for r in own]
        ids = {key: i for i, key in enumerate(dict.fromkeys(keys))}
        self.configuration = numpy.array([ids[key] for key in keys])
        self.measured = {t: numpy.full(len(own), numpy.nan) for t in TARGETS}
        self.ours = {t: numpy.full(len(own), numpy.nan) for t in TARGETS}
        for r in records:
            self.measured[r["target"]][number[r["row"]]] = float(r["measured"])
            self.ours[r["target"]][number[r["row"]]] = float(r["predicted"])

    def take(self, some):
        return {name: values[some] for name, values in self.sizes.items()}

    def configurations(self, target, chosen):
        """Sizes, and mean measured value, of each configuration among the rows chosen."""
        chosen = chosen & ~numpy.isnan(self.measured[target])
        ids, first, inverse = numpy.unique(self.configuration[chosen], return_index=True,
                                           return_inverse=True)
        total = numpy.bincount(inverse, self.measured[target][chosen])
        order = numpy.argsort(first)  # as in the file
        means = total / numpy.bincount(inverse)
        return self.take(numpy.flatnonzero(chosen)[first[order]]), means[order]

    def digest(self, kernel, peer):
        """Of all that the predictions of a peer depend on."""
        digest = hashlib.sha256(pathlib.Path(peers.__file__).read_bytes())
        digest.update(f"{kernel} {peer} {list(self.sizes)}".encode())
        for values in (*self.sizes.values(), self.fold, *(self.measured[t] for t in TARGETS)):
            digest.update(values.tobytes())
        return digest.hexdigest()

    def scatter(self, target):
        """Relative standard deviation of repetitions: what no model can predict. None without."""
        y, ids = self.measured[target], self.configuration
        known = ~numpy.isnan(y)
        logs = numpy.log(y[known])
        _, inverse, counts = numpy.unique(ids[known], return_inverse=True, return_counts=True)
        if (counts > 1).sum() < 30:
            return None
        means = numpy.bincount(inverse, logs) / counts
        return numpy.sqrt(numpy.sum((logs - means[inverse]) ** 2) / (counts - 1).sum())


def read_rows(path):
    by_kernel = {}
    with open(path, newline="") as file:
        for r in csv.DictReader(file):
            by_kernel.setdefault(r["kernel"], []).append(r)
    return {kernel: Rows(records) for kernel, records in by_kernel.items()}


def read_terms(path):
    with open(path, newline="") as file:
        return {(r["kernel"], r["target"]): int(r["terms"]) for r in csv.DictReader(file)}


def cross_validate(task):
    """Held-out predictions of a peer, mean number of terms, and seconds of CPU."""
    rows, kernel, peer, cache = task
    kept = cache / rows.digest(kernel, peer)
    if kept.exists():
        return pickle.loads(kept.read_bytes())
    begin = time.process_time()
    predicted = {t: numpy.full(len(rows.fold), numpy.nan) for t in TARGETS}
    terms = {}
    for target in ("runtime", "power"):
        if numpy.isnan(rows.measured[target]).all():
            continue
        counts = []
        for fold in numpy.unique(rows.fold):
            sizes, values = rows.configurations(target, rows.fold != fold)
            predict, n = PEERS[peer](kernel, target, sizes, values)
            out = rows.fold == fold
            predicted[target][out] = predict(rows.take(out))
            counts.append(n)
        terms[target] = None if counts[0] is None else round(numpy.mean(counts))
    predicted["energy"] = predicted["runtime"] * predicted["power"]
    result = predicted, terms, time.process_time() - begin
    unfinished = kept.with_suffix(f".{os.getpid()}")
    unfinished.write_bytes(pickle.dumps(result))
    unfinished.rename(kept)
    return result


class Errors:
    def __init__(self, predicted, measured, chosen):
        chosen = chosen & ~numpy.isnan(measured) & ~numpy.isnan(predicted)
        self.rows = chosen.sum()
        if self.rows > 0:
            e = predicted[chosen] / measured[chosen] - 1
            self.rmspe = 100 * numpy.sqrt(numpy.mean(e ** 2))
            self.mdape = 100 * numpy.median(abs(e))
            self.bias = 100 * (predicted[chosen].sum() / measured[chosen].sum() - 1)
            self.negative = 100 * numpy.mean(predicted[chosen] < 0)


def without_worst(rows, target, chosen):
    """RMSPE in per cent without the configuration that has most of the squared error."""
    measured, predicted = rows.measured[target], rows.ours[target]
    chosen = chosen & ~numpy.isnan(measured) & ~numpy.isnan(predicted)
    squares = (predicted[chosen] / measured[chosen] - 1) ** 2
    by_configuration = numpy.bincount(rows.configuration[chosen], squares)
    counts = numpy.bincount(rows.configuration[chosen])
    worst = numpy.argmax(by_configuration)
    return 100 * numpy.sqrt((squares.sum() - by_configuration[worst])
                            / max(1, counts.sum() - counts[worst]))


def percent(value, sign=False):
    digits = 2 if abs(value) < 0.995 else 1 if abs(value) < 99.5 else 0
    return f"{value:{'+' if sign else ''},.{digits}f}".replace("-", "−")


def cell(errors, terms=None):
    text = f"{percent(errors.rmspe)} / {percent(errors.mdape)} / {percent(errors.bias, True)}"
    text += "" if terms is None else f"; {terms}"
    return text + (f"; {percent(errors.negative)} % < 0" if errors.negative > 0 else "")


def sum_of_terms(terms, target):
    """Energy has those of both its models."""
    if target == "energy":
        both = [terms.get(t) for t in ("runtime", "power")]
        return None if None in both else f"{both[0]}+{both[1]}"
    return terms.get(target)


HEAD = ("data set, kernel, target", "rows", "goal", "joulecast", *PEERS, "scatter")


class Table:
    def __init__(self):
        self.lines = ["| " + " | ".join(HEAD) + " |", "|" + " --- |" * len(HEAD)]
        self.goals, self.missed, self.beaten, self.large = 0, [], [], []
        self.runtimes = 0

    def add(self, name, kernel, rows, terms, results):
        goals = GOALS.get(name, {}).get(kernel, {})
        for target in TARGETS + (("long",) if "long" in goals else ()):
            words = f"energy, rows ≥ {1000 * LONG_S:.0f} ms" if target == "long" else target
            label = f"{name.removesuffix('-pytorch')} {kernel} {words}"
            chosen = numpy.ones(len(rows.fold), bool)
            if target == "long":
                chosen, target = rows.measured["runtime"] >= LONG_S, "energy"
                goal = goals["long"]
            else:
                goal = goals.get(target)
            self.add_line(label, target, rows, chosen, goal, terms, results)

    def add_line(self, label, target, rows, chosen, goal, terms, results):
        measured = rows.measured[target]
        ours = Errors(rows.ours[target], measured, chosen)
        if ours.rows == 0:
            return
        n = sum_of_terms(terms, target)
        others = {peer: Errors(predicted[target], measured, chosen)
                  for peer, (predicted, _, _) in results.items()}
        cells = [cell(others[peer], sum_of_terms(results[peer][1], target))
                 if peer in results else "–"
                 for peer in PEERS]
        scatter = rows.scatter(target)
        self.lines.append("| " + " | ".join([
            label, str(ours.rows), self.judge(label, goal, ours, others,
                                                  without_worst(rows, target, chosen)),
            cell(ours, n), *cells,
            "–" if scatter is None else percent(100 * scatter)]) + " |")
        if target != "energy" and n >= MOST_TERMS:
            self.large.append(f"{label} ({n})")
        if target == "runtime":
            self.runtimes += 1
            best = min(BLACK_BOXES, key=lambda peer: others[peer].rmspe)
            if ours.rmspe > others[best].rmspe:
                self.beaten.append(f"{label} ({percent(ours.rmspe)} against "
                                   f"{percent(others[best].rmspe)}, {best})")

    def judge(self, label, goal, ours, others, without_worst):
        if goal is None:
            return "–"
        self.goals += 1
        if ours.rmspe <= goal:
            return f"≤ {goal}: met"
        ceiling = min(others[peer].rmspe for peer in BLACK_BOXES)
        self.missed.append(f"{label} ({percent(ours.rmspe)} for {goal}; the better black box has "
                           f"{percent(ceiling)}; without the one configuration that is missed "
                           f"most it is {percent(without_worst)})")
        return f"≤ {goal}: **missed**"

    def text(self):
        def listed(items):
            return "".join(f"- {item}\n" for item in items)
        met = self.goals - len(self.missed)
        text = "\n".join(self.lines) + f"\n\nGoals met: {met} of {self.goals}.\n"
        if self.missed:
            text += f"\nMissed, RMSPE in per cent:\n\n{listed(self.missed)}"
        better = self.runtimes - len(self.beaten)
        text += (f"\nRuntime at or better than both black boxes: {better} of {self.runtimes} "
                 "kernels.\n")
        if self.beaten:
            text += f"\nA black box does better at:\n\n{listed(self.beaten)}"
        if self.large:
            text += f"\n{MOST_TERMS} terms or more:\n\n{listed(self.large)}"
        return text


def write_into(document, text):
    old = document.read_text()
    head, rest = old.split(BEGIN)
    tail = rest.split(END)[1]
    document.write_text(head + BEGIN + "\n" + text + "\n" + END + tail)


def main(folder, cache, document):
    cache.mkdir(exist_ok=True)
    names = sorted((p.name.removesuffix("-rows.csv") for p in folder.glob("*-rows.csv")),
                   key=list(GOALS).index)
    sets = {name: read_rows(folder / f"{name}-rows.csv") for name in names}
    tasks = [(name, kernel, peer) for name in names for kernel in sets[name] for peer in PEERS
             if peer != "NeuralPower" or kernel in ("conv2d", "linear", "max_pool2d")]
    # What has goals first, and of that the longest, so that no process is left alone with it.
    slow = list(PEERS)[::-1]
    tasks.sort(key=lambda t: (t[1] not in GOALS[t[0]], slow.index(t[2]), t[1]))
    with multiprocessing.Pool(os.cpu_count()) as pool:
        done = dict(zip(tasks, pool.imap(
            cross_validate,
            [(sets[name][kernel], kernel, peer, cache) for name, kernel, peer in tasks])))
    table = Table()
    for name in names:
        terms = read_terms(folder / f"{name}-errors.csv")
        for kernel, rows in sets[name].items():
            table.add(name, kernel, rows, {t: terms.get((kernel, t)) for t in TARGETS},
                      {peer: done[name, kernel, peer] for peer in PEERS
                       if (name, kernel, peer) in done})
    print(table.text(), end="")
    for peer in PEERS:
        used = sum(result[2] for task, result in done.items() if task[2] == peer)
        print(f"{peer}: {used:.0f} s CPU", file=sys.stderr)
    if document is not None:
        write_into(document, table.text())


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]),
         None if sys.argv[3] == "-" else pathlib.Path(sys.argv[3]))
