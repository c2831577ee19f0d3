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
        cells = [percent(curve[n]) if n in curve and n != most else "–" for n in SIZES]
        half = min(curve, key=lambda n: abs(n - most / 2))
        lines.append(f"| {label} | " + " | ".join(cells) + f" | {percent(curve[most])} ({most}) "
                     f"| {curve[half] / curve[most]:.2f}× ({half}) |")
    return "\n".join(lines) + "\n"


def main(folder, document):
    text = table(read(folder))
    print(text, end="")
    if document is not None:
        head, rest = document.read_text().split(BEGIN)
        document.write_text(head + BEGIN + "\n" + text + "\n" + END + rest.split(END)[1])


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]), None if sys.argv[2] == "-" else pathlib.Path(sys.argv[2]))
