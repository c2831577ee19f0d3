# SPDX-License-Identifier: Apache-2.0
"""The table of scripts/bench floors: learning curves, as joulecast prints them, side by side.

usage: floors.py FOLDER DOCUMENT|-

FOLDER has what `joulecast train --learning-curve -f csv` printed for each data set (NAME.csv). The
table goes to standard output, and into DOCUMENT between the two marks.
"""

import csv
import pathlib
import sys

BEGIN, END = "<!-- table of scripts/bench floors -->\n", "<!-- end of the second table -->\n"
SIZES = (50, 100, 200, 400, 800)


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


def main(folder, document):
    text = table(read(folder))
    print(text, end="")
    if document is not None:
        head, rest = document.read_text().split(BEGIN)
        document.write_text(head + BEGIN + "\n" + text + "\n" + END + rest.split(END)[1])


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]), None if sys.argv[2] == "-" else pathlib.Path(sys.argv[2]))
