# SPDX-License-Identifier: Apache-2.0
"""compare: metrics and ratios beside each other, in every format."""

import json
import unittest

import profile
from driver import Process, read_csv

# As tiny.yaml of the driver, with half of the filters.
HALF = """\
name: half
inputs: {image: [3, 32, 32]}
layers:
  - conv2d: {out_channels: 4, kernel_size: 3, padding: 1}
  - relu:
  - flatten:
  - linear: {out_features: 10}
"""


class Compare(Process):
    def setUp(self):
        super().setUp()
        self.half = self.write("half.yaml", HALF)
        self.write("profiles/other-device.yaml", profile.text(name="other-device", meter="none"))

    def compare(self, *arguments, **more):
        return json.loads(self.run_program("compare", "-p", "test-device", "-f", "json",
                                           *arguments, **more).stdout)

    def test_metrics_are_those_of_predict(self):
        for row, path in zip(self.compare("-b", "4", self.tiny, self.half),
                             (self.tiny, self.half)):
            predicted = self.predict("-b", "4", path)
            for name in ("architecture", "profile", "batch_size", "precision"):
                self.assertEqual(row[name], predicted[name])
            for name in ("params", "macs", "weight_bytes", "activation_bytes", "runtime_s",
                         "power_w", "energy_j", "energy_low_j", "energy_high_j",
                         "energy_per_sample_j", "energy_source"):
                self.assertEqual(row[name], predicted["totals"][name])

    def test_ratios_by_hand(self):
        base, half = self.compare(self.tiny, self.half)
        for metric in ("params", "macs", "bytes", "runtime", "power", "energy"):
            self.assertEqual(base[f"{metric}_ratio"], 1)
        # conv2d 3 -> 8 or 4 channels, linear 8192 or 4096 -> 10.
        self.assertAlmostEqual(half["params_ratio"], (4 * 27 + 4 + 40970) / (8 * 27 + 8 + 81930))
        self.assertAlmostEqual(half["macs_ratio"], 0.5)
        self.assertAlmostEqual(half["energy_ratio"], half["energy_j"] / base["energy_j"])
        self.assertAlmostEqual(half["power_ratio"], half["energy_ratio"] / half["runtime_ratio"])
        moved = [row["weight_bytes"] + row["activation_bytes"] for row in (base, half)]
        self.assertAlmostEqual(half["bytes_ratio"], moved[1] / moved[0])

    def test_several_devices(self):
        rows = self.compare("-p", "other-device", self.tiny, self.half)
        self.assertEqual([(r["profile"], r["architecture"]) for r in rows],
                         [("test-device", "tiny"), ("test-device", "half"),
                          ("other-device", "tiny"), ("other-device", "half")])
        self.assertIsNone(rows[3]["energy_j"])
        self.assertIsNone(rows[3]["energy_ratio"])
        # Each device's first network is its baseline: without a meter the times are the same.
        self.assertEqual(rows[3]["runtime_ratio"], rows[1]["runtime_ratio"])
        # One network: devices are compared.
        rows = self.compare("-p", "test-device", self.tiny)
        self.assertEqual([r["energy_ratio"] for r in rows], [1, 1])

    def test_every_format(self):
        arguments = ("compare", "-p", "test-device", "-p", "other-device", self.tiny, self.half)
        records = json.loads(self.run_program(*arguments, "-f", "json").stdout)
        lines = self.run_program(*arguments, "-f", "jsonl").stdout.splitlines()
        self.assertEqual([json.loads(line) for line in lines], records)
        rows = read_csv(self.run_program(*arguments, "-f", "csv").stdout)
        self.assertEqual([list(row) for row in rows], [list(record) for record in records])
        self.assertEqual(rows[3]["energy_j"], "")
        for name in ("table", "markdown", "html"):
            text = self.run_program(*arguments, "-f", name).stdout
            self.assertIn("tiny", text)
            self.assertIn("×0.50", text)
            self.assertIn("Ratios (×) are to tiny", text)
        table = self.run_program(*arguments).stdout
        self.assertLessEqual(max(map(len, table.splitlines())), 80)

    def test_other_figures_by_hand(self):
        known = self.write("known.yaml", "error_rate: 0.2\n" + HALF)
        half = self.write("half-technique.yaml", "error_rate: 0.3\nsteps: [prune: 0.5]\n")
        rows = self.compare("-b", "4", known, self.tiny, "-t", half, "--alpha", "2",
                            "--inferences", "1e9", "--carbon", "400", "--pue", "1.5")
        base, pruned, unknown, _ = rows
        for row, error in ((base, 0.2), (pruned, 0.3)):
            joules = row["energy_j"] / 4
            self.assertAlmostEqual(row["energy_per_1000_j"] / (1000 * joules), 1)
            self.assertEqual(row["error_rate"], error)
            self.assertAlmostEqual(row["energy_precision"] / (error ** 2 * joules), 1)
            self.assertAlmostEqual(row["year_kwh"] / (joules * 1e9 * 1.5 / 3.6e6), 1)
            self.assertAlmostEqual(row["year_co2_kg"] / (row["year_kwh"] * 0.4), 1)
        self.assertIsNone(unknown["error_rate"])
        self.assertIsNone(unknown["energy_precision"])
        text = " ".join(self.run_program("compare", "-p", "test-device", known, "--inferences",
                                         "1e9", "--carbon", "400", "--pue", "1.5", "--alpha",
                                         "1").stdout.split())
        single, = self.compare(known)
        for assumption in ("1e+09 inferences a year",
                           f"at {single['energy_per_1000_j']:.3g} J for each 1,000", "400 g", "PUE 1.5", "batches of 1",
                           "no idle energy", "energy-precision ratio"):
            self.assertIn(assumption, text)
        for option, value in (("--pue", "0.5"), ("--carbon", "-1"), ("--inferences", "0"),
                              ("--alpha", "none")):
            self.assert_error("must be", "compare", "-p", "test-device", self.tiny, option, value,
                              code=1)
        for option, value in (("--pue", "1.2"), ("--carbon", "0")):
            self.assert_error("need --inferences", "compare", "-p", "test-device", self.tiny, option,
                              value, code=1)
        for value in ("0", "1.5", "low"):
            bad = self.write("bad.yaml", f"error_rate: {value}\n" + HALF)
            self.assert_error("bad.yaml:1: error_rate must be", "compare", "-p", "test-device", bad,
                              code=2)

    def test_large_ratios_fit_their_column(self):
        # 4, 250 and 20,000 input features for one output, without bias: parameters are as many.
        linear = "inputs: {{x: [{}]}}\nlayers:\n  - linear: {{out_features: 1, bias: false}}\n"
        paths = [self.write(f"n{n}.yaml", linear.format(n)) for n in (4, 250, 20000, 8000000)]
        table = self.run_program("compare", "-p", "test-device", *paths).stdout
        self.assertLessEqual(max(map(len, table.splitlines())), 80)
        for factor in ("×62.5 ", "×5000 ", "×2e+06 "):
            self.assertIn(factor, table)

    def test_errors(self):
        self.assert_error("needs ARCH...", "compare", code=1)
        self.assert_error("no-such-net", "compare", "-p", "test-device", self.tiny, "no-such-net",
                          code=2)
        self.assert_error("no-such-profile", "compare", "-p", "no-such-profile", self.tiny, code=2)
        self.assert_error("a profile's file or name", "compare", "-p", "", self.tiny, code=1)


if __name__ == "__main__":
    unittest.main()
