# SPDX-License-Identifier: Apache-2.0
"""Validation runs: the rates a threshold gives, and the front over all thresholds."""

import json
import re
import unittest

from driver import Process, read_csv

# Confidence at a, b; right at a, b and at the end.
SAMPLES = (
    (0.9, 0.9, 1, 1, 1),
    (0.8, 0.9, 1, 1, 1),
    (0.7, 0.6, 0, 1, 1),
    (0.2, 0.8, 0, 1, 1),
    (0.1, 0.3, 0, 0, 1),
)

NETWORK = """\
inputs: {image: [3, 16, 16]}
layers:
  - conv2d: {name: a, out_channels: 8, kernel_size: 3, padding: 1}
  - conv2d: {name: b, out_channels: 8, kernel_size: 3, padding: 1}
  - conv2d: {name: c, out_channels: 64, kernel_size: 3, padding: 1}
  - global_avg_pool2d
"""

TECHNIQUE = """\
steps:
  - exits:
      confidences: run.csv
      threshold: {threshold}
      at:
        - {{after: a, layers: [global_avg_pool2d]}}
        - {{after: b, layers: [global_avg_pool2d]}}
"""


def run_of(samples, order=lambda records: records):
    records = []
    for i, (at_a, at_b, *correct) in enumerate(samples):
        for exit_, confidence, right in zip(("a", "b", "final"), (at_a, at_b, ""), correct):
            records.append(f"s{i},{exit_},{confidence},{right}")
    return "sample,exit,confidence,correct\n" + "\n".join(order(records)) + "\n"


class Trace(Process):
    def setUp(self):
        super().setUp()
        self.network = self.write("network.yaml", NETWORK)
        self.write("run.csv", run_of(SAMPLES))
        self.technique = self.write("exits.yaml", TECHNIQUE.format(threshold=0.75))

    def trace(self, *arguments):
        return json.loads(self.run_program("trace", "-p", "test-device", "-f", "json",
                                           *arguments).stdout)

    def compare(self, technique):
        return json.loads(self.run_program("compare", "-p", "test-device", "-f", "json",
                                           self.network, "-t", technique).stdout)

    def test_a_threshold_gives_rates(self):
        # At 0.75 two leave at a, both right; one at b, right; two reach the end, right.
        row = self.compare(self.technique)[1]
        given = self.compare("exits: [{after: a, rate: 0.4, layers: [global_avg_pool2d]}, "
                             "{after: b, rate: 0.2, layers: [global_avg_pool2d]}]")[1]
        self.assertEqual(row["error_rate"], 0)
        self.assertAlmostEqual(row["energy_j"] / given["energy_j"], 1)
        # At 0.65 the third leaves at a, wrong.
        row = self.compare(self.write("lower.yaml", TECHNIQUE.format(threshold=0.65)))[1]
        self.assertAlmostEqual(row["error_rate"], 0.2)

    def test_trace(self):
        points = self.trace(self.technique, self.network)
        first, last = points[0], points[-1]
        self.assertEqual(first["reach_end"], 0)
        self.assertAlmostEqual(first["error_rate"], 0.6)
        self.assertEqual(last["reach_end"], 1)
        self.assertEqual(last["error_rate"], 0)
        self.assertEqual([p["threshold"] for p in points],
                         sorted({p["threshold"] for p in points}))
        energies = [p["energy_j"] for p in points]
        self.assertEqual(energies, sorted(energies))
        best = [p for p in points if p["pareto"] == "yes"]
        for p in points:
            beaten = any(q["energy_j"] <= p["energy_j"] and q["error_rate"] <= p["error_rate"]
                         and (q["energy_j"] < p["energy_j"] or q["error_rate"] < p["error_rate"])
                         for q in points)
            self.assertEqual(p["pareto"], "no" if beaten else "yes")
        self.assertIn(first, best)
        self.assertNotIn(last, best)  # none is wrong at a lower threshold either
        self.assertEqual(len(self.trace("-n", "2", self.technique, self.network)), 2)

    def test_a_cascade(self):
        # The samples as above, a and b being networks, and c the last.
        self.write("wide.yaml", NETWORK.replace("out_channels: 64", "out_channels: 128"))
        text = """\
confidences: run.csv
threshold: {}
networks:
  - {{name: a, architecture: network.yaml, steps: [prune: {{ratio: 0.5, layers: a}}]}}
  - {{name: b, architecture: network.yaml}}
  - {{name: c, architecture: wide.yaml}}
"""
        path = self.write("cascade.yaml", text.format(0.75))
        self.write("a.yaml", "architecture: network.yaml\nsteps: [prune: {ratio: 0.5, layers: a}]\n")
        a, b, c, row = (r["energy_j"] for r in json.loads(self.run_program(
            "compare", "-p", "test-device", "-f", "json", "a.yaml", "network.yaml", "wide.yaml",
            path).stdout))
        # At 0.75 two of five leave at a, one at b.
        self.assertAlmostEqual(row / (a + 0.6 * b + 0.4 * c), 1)
        points = self.trace(path)
        self.assertEqual((points[0]["reach_end"], points[-1]["reach_end"]), (0, 1))
        self.assertAlmostEqual(points[0]["error_rate"], 0.6)
        self.assertEqual(points[-1]["error_rate"], 0)
        self.assertAlmostEqual(points[0]["energy_j"] / a, 1)
        self.assertAlmostEqual(points[-1]["energy_j"] / (a + b + c), 1)
        self.assertIn("A cascade: an input leaves", " ".join(self.run_program(
            "trace", "-p", "test-device", path).stdout.split()))
        for old, new, line, message in (
                ("threshold: 0.75\n", "", 1, "belong together"),
                ("threshold: 0.75", "threshold: 2", 2, "must be a number from 0 to 1"),
                ("name: b, ", "name: b, next: {c: 0.5}, ", 5, "leave `next` out"),
                ("name: a, ", "name: a, next: {done: 1}, ", 4, "leave `next` out"),
                ("name: b, ", "name: other, ", 3, "exit must be one of"),
                ("  - {name: b, architecture: network.yaml}\n  - {name: c, architecture: wide.yaml}\n",
                 "", 1, "needs two of them")):
            bad = text.format(0.75).replace(old, new, 1)
            self.assertNotEqual(bad, text.format(0.75))
            with self.subTest(new):
                refused = self.write("refused.yaml", bad)
                result = self.assert_error(message, "trace", "-p", "test-device", refused, code=2)
                self.assertRegex(result.stderr, f"(refused.yaml|run.csv):{line}: ")
        path = self.write("alone.yaml", "threshold: 0.5\nsteps: [prune: 0.5]\n")
        self.assert_error("alone.yaml:1: 'threshold' belongs to", "trace", "-p", "test-device", path,
                          self.network, code=2)

    def test_order_of_records_does_not_matter(self):
        before = self.trace(self.technique, self.network)
        self.write("run.csv", run_of(SAMPLES, lambda records: records[::-1]))
        self.assertEqual(self.trace(self.technique, self.network), before)

    def check_drawing(self, page, records):
        """A point for each threshold at its energy and error, and a line through the front."""
        svg = page[page.index("<svg"):page.index("</svg>")]
        points = re.findall(r'<circle cx="(.*?)" cy="(.*?)" r="4"( class="marked")?/>', svg)
        self.assertEqual([m != "" for *_, m in points], [r["pareto"] == "yes" for r in records])
        dearest, worst = (max(r[name] for r in records) for name in ("energy_j", "error_rate"))
        for (x, y, _), record in zip(points, records):
            self.assertAlmostEqual(float(x), 80 + 540 * record["energy_j"] / dearest, delta=0.06)
            self.assertAlmostEqual(float(y), 310 - 290 * record["error_rate"] / worst, delta=0.06)
        line = re.search(r'<polyline class="front" points="(.*?) "', svg)[1].split()
        self.assertEqual(line, [f"{x},{y}" for x, y, m in points if m])

    def test_formats(self):
        arguments = ("trace", "-p", "test-device", self.technique, self.network)
        records = json.loads(self.run_program(*arguments, "-f", "json").stdout)
        rows = read_csv(self.run_program(*arguments, "-f", "csv").stdout)
        self.assertEqual([list(r) for r in rows], [list(r) for r in records])
        for name in ("table", "markdown", "html"):
            text = self.run_program(*arguments, "-f", name).stdout
            self.assertIn("█", text)
            self.assertIn("error, drawn", text)
            self.assertIn("Pareto front", text)
        self.assertLessEqual(max(map(len, self.run_program(*arguments).stdout.splitlines())), 80)
        self.check_drawing(self.run_program(*arguments, "-f", "html").stdout, records)
        own = self.write("own.yaml", "architecture: network.yaml\n"
                         + TECHNIQUE.format(threshold=0.5))
        self.assertEqual(self.trace(own), records)
        analytic, *_ = json.loads(self.run_program("trace", "-a", "eyeriss", "-f", "json",
                                                   self.technique, self.network).stdout)
        self.assertEqual(analytic["energy_source"], "analytic")

    def test_errors(self):
        def refuse(message, code=2, technique=self.technique):
            self.assert_error(message, "trace", "-p", "test-device", technique, self.network,
                              code=code)
        for old, new, message in (
                ("s0,a,0.9,1", "s0,a,1.9,1", "run.csv:2: confidence must be"),
                ("s0,a,0.9,1", "s0,a,0.9,maybe", "run.csv:2: correct must be 0 or 1"),
                ("s0,a,0.9,1", "s0,x,0.9,1", "run.csv:2: exit must be one of"),
                ("s0,a,0.9,1\n", "", "no whole number of samples"),
                ("s0,a,0.9,1", "s1,a,0.9,1", "must have one record for each exit"),
                ("confidence,", "confidenz,", "there is no column 'confidence'")):
            with self.subTest(new):
                self.write("run.csv", run_of(SAMPLES).replace(old, new, 1))
                refuse(message)
        self.write("run.csv", run_of(SAMPLES))
        refuse("a number from 0 to 1", technique=self.write("high.yaml",
                                                            TECHNIQUE.format(threshold=2)))
        refuse("no key 'rate'", technique=self.write(
            "rate.yaml", TECHNIQUE.format(threshold=0.5).replace("after: b", "rate: 0.1, after: b")))
        refuse("leave one out", technique=self.write(
            "both.yaml", "error_rate: 0.1\n" + TECHNIQUE.format(threshold=0.5)))
        refuse("no validation run", technique=self.write("none.yaml", "steps: [prune: 0.5]\n"))
        self.write("gone.yaml", TECHNIQUE.format(threshold=0.5).replace("run.csv", "gone.csv"))
        refuse("gone.csv: No such file", technique="gone.yaml")
        self.assert_error("name an ARCH after it", "trace", "-p", "test-device", self.technique,
                          code=2)
        self.assert_error("must be a whole number", "trace", "-n", "1", self.technique, code=1)
        self.assert_error("takes one device", "trace", "-p", "test-device", "-a", "eyeriss",
                          self.technique, code=1)


if __name__ == "__main__":
    unittest.main()
