# SPDX-License-Identifier: Apache-2.0
"""The tables of scripts/bench floors: learning curves, as joulecast prints them, side by side, and
black boxes trained on as few rows.

usage: floors.py FOLDER DOCUMENT|-

FOLDER has each data set as imported (NAME/), and what `joulecast train --learning-curve -f csv`
printed for it (NAME.csv). The tables go to standard output, and into DOCUMENT between the two marks.
"""

import csv
import multiprocessing
import os
import pathlib
import sys

import numpy

from peers import PEERS

BEGIN, END = "<!-- table of scripts/bench floors -->\n", "<!-- end of the second table -->\n"
SIZES = (50, 100, 200, 400, 800)
BLACK_BOXES = ("gradient boosting", "Gaussian process")
N_FOLDS = 10

FEW = "raptorlake conv2d runtime", 200, 1.25  # goal: so many rows, at most so much worse than all


def nearest(curve, size):
    """The number of rows within a tenth of a size: repetitions of a configuration stay together."""
    close = [n for n in curve if abs(n - size) <= 0.1 * size and n != max(curve)]
    return min(close, key=lambda n: abs(n - size), default=None)


def percent(value):
    return f"{100 * value:.3g}"


def read(folder):
    """{label: {training rows: RMSPE}}; runtime and power, which are fitted."""
    curves = {}
    for path in sorted(folder.glob("*.csv")):
        with open(path, newline="") as file:
            for r in csv.DictReader(file):
                if r["target"] != "energy":
                    label = f"{path.stem.removesuffix('-pytorch')} {r['kernel']} {r['target']}"
                    curves.setdefault(label, {})[int(r["training_rows"])] = float(r["rmspe"])
    return curves


def table(curves):
    lines = ["| trained on | " + " | ".join(map(str, SIZES)) + " | all | halving costs |",
             "|" + " --- |" * (len(SIZES) + 3)]
    for label, curve in curves.items():
        most = max(curve)
        rows = [nearest(curve, size) for size in SIZES]
        cells = ["–" if n is None else percent(curve[n]) for n in rows]
        half = min(curve, key=lambda n: abs(n - most / 2))
        lines.append(f"| {label} | " + " | ".join(cells) + f" | {percent(curve[most])} ({most}) "
                     f"| {curve[half] / curve[most]:.2f}× ({half}) |")
    label, size, goal = FEW
    if label in curves:
        curve = curves[label]
        worse = curve[nearest(curve, size)] / curve[max(curve)]
        lines += ["", f"{label} with {size} rows: {worse:.2f}× of all (goal: at most {goal}×): "
                  + ("met" if worse <= goal else "**missed**") + "."]
    return "\n".join(lines) + "\n"


# ---- Black boxes on few rows ----


def read_configurations(path):
    """Sizes that vary, mean runtime and number of rows of each configuration of a kernel's file."""
    rows = {}
    with open(path, newline="") as file:
        for r in csv.DictReader(file):
            sizes = []
            for name, value in r.items():
                if name == "runtime_s":
                    break
                if name != "precision":
                    sizes.append((name, float(value)))
            rows.setdefault(tuple(sizes), []).append(float(r["runtime_s"]))
    names = [name for name, _ in next(iter(rows))]
    sizes = {name: numpy.array([dict(key)[name] for key in rows]) for name in names}
    counts = numpy.array([len(values) for values in rows.values()])
    return sizes, numpy.array([numpy.mean(values) for values in rows.values()]), counts


def error_of(task):
    """Held-out RMSPE of a black box that is trained on so many rows outside each fold, at random."""
    path, peer, size = task
    sizes, values, counts = read_configurations(path)
    order = numpy.random.RandomState(0).permutation(len(values))
    squares = []
    for fold in range(N_FOLDS):
        out, rest = order[fold::N_FOLDS], numpy.delete(order, numpy.s_[fold::N_FOLDS])
        rest = numpy.random.RandomState(1 + fold).permutation(rest)
        rest = rest[:1 + numpy.searchsorted(numpy.cumsum(counts[rest]), size)]
        predict, _ = PEERS[peer](path.stem, "runtime", {n: v[rest] for n, v in sizes.items()},
                                 values[rest])
        found = predict({n: v[out] for n, v in sizes.items()})
        squares.extend(numpy.repeat((found / values[out] - 1) ** 2, counts[out]))
    return numpy.sqrt(numpy.mean(squares))


def table_of_few(folder, curves):
    size = FEW[1]
    labels = [label for label in curves if label.endswith(" runtime")]
    files = [next(folder.glob(f"{label.split()[0]}-pytorch/{label.split()[1]}.csv"))
             for label in labels]
    with multiprocessing.Pool(os.cpu_count()) as pool:
        errors = iter(pool.map(error_of, [(file, peer, size) for file in files
                                          for peer in BLACK_BOXES], chunksize=1))
    lines = [f"| trained on {size} rows | joulecast | " + " | ".join(BLACK_BOXES) + " |",
             "|" + " --- |" * (len(BLACK_BOXES) + 2)]
    for label in labels:
        ours = curves[label][nearest(curves[label], size)]
        lines.append(" | ".join([f"| {label}", percent(ours),
                                 *(percent(next(errors)) for _ in BLACK_BOXES)]) + " |")
    return "\n".join(lines) + "\n"


def main(folder, document):
    curves = read(folder)
    text = table(curves)
    if curves:
        text += "\n" + table_of_few(folder, curves)
    print(text, end="")
    if document is not None:
        head, rest = document.read_text().split(BEGIN)
        document.write_text(head + BEGIN + "\n" + text + "\n" + END + rest.split(END)[1])


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]), None if sys.argv[2] == "-" else pathlib.Path(sys.argv[2]))
