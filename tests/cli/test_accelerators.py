# SPDX-License-Identifier: Apache-2.0
"""compare -a: analytic prices, apart from measured ones."""

import json
import re
import unittest

from driver import SOURCE, Process

EXAMPLE = re.search(r"```yaml\n(.*?)```", (SOURCE / "accelerators/README.md").read_text(),
                    re.DOTALL)[1]


class Accelerators(Process):
    def compare(self, *arguments):
        return json.loads(self.run_program("compare", "-f", "json", *arguments).stdout)

    def test_example_of_the_readme(self):
        path = self.write("example.yaml", EXAMPLE)
        row, = self.compare("-a", path, self.tiny)
        self.assertEqual(row["energy_source"], "analytic")
        self.assertEqual(row["profile"], "example")
        self.assertGreater(row["energy_j"], 0)
        self.assertIsNone(row["energy_low_j"])
        self.assertEqual(row["weight_bytes"], 2 * row["params"])  # f32 is run in words of 16 bits

    def test_shipped_ones(self):
        names = sorted(p.stem for p in (SOURCE / "accelerators").glob("*.yaml"))
        self.assertGreaterEqual(len(names), 3)
        self.assertIn("eyeriss", names)
        for name in names:
            self.assertIn(f"`{name}`", (SOURCE / "accelerators/README.md").read_text())
            rows = self.compare("-a", name, "lenet5", "alexnet")
            self.assertGreater(rows[1]["energy_ratio"], 1)

    def test_analytic_is_never_compared_with_measured(self):
        rows = self.compare("-p", "test-device", "-a", "eyeriss", self.tiny)
        self.assertEqual([r["energy_source"] for r in rows], ["rapl", "analytic"])
        self.assertIsNone(rows[1]["energy_ratio"])
        self.assertIsNone(rows[1]["runtime_ratio"])
        self.assertEqual(rows[1]["macs_ratio"], 1)
        self.assertEqual(self.compare("-p", "test-device", "--analytic", self.tiny), rows)

    def test_sparsity_and_widths_save_where_the_hardware_can(self):
        path = self.write("skips.yaml", EXAMPLE)
        dense, sparse, gated, narrow = self.compare(
            "-a", path, self.tiny, "-t", "sparsity: 0.5", "-t", "sparsity: {activations: 0.5}",
            "-t", "precision: {weights: binary, activations: int8}")
        self.assertLess(sparse["energy_ratio"], 0.8)
        # Bound by memory: of 16 bits half are moved, with 5 bits of run length each.
        self.assertAlmostEqual(sparse["weight_bytes"] / dense["weight_bytes"], 0.5 * 21 / 16)
        self.assertLess(sparse["runtime_ratio"], 0.7)
        self.assertEqual(gated["energy_j"], dense["energy_j"])  # it skips weights alone
        self.assertLess(narrow["energy_ratio"], 0.6)

    def test_bad_descriptions(self):
        for old, new, message in (
                ("rows: 2", "rows: 0", "rows must be a whole number"),
                ("rows: 2", "rows: 2.5", "rows must be a whole number"),
                ("rows: 2\n", "", "rows is missing"),
                ("rows: 2", "rowz: 2", "did you mean 'rows'?"),
                ("weight_stationary", "nothing_stationary", "dataflow must be"),
                ("clock_hz: 100e6", "clock_hz: fast", "clock_hz must be a number"),
                ("mac_j: 1e-12", "mac_j: -1", "mac_j must be"),
                ("register: 1 ", "register: -1 ", "register must be"),
                ("dram: 200", "dram: 200\n  dram_j: 1e-9", "either dram"),
                ("buffer_j: 5e-12", "bufer_j: 5e-12", "did you mean 'buffer_j'?"),
                ("skips: [weights]", "skips: [wishes]", "skips must be"),
                ("skipping_saves_time: true", "skipping_saves_time: 3", "must be true or false"),
                ("word_bits: 16", "word_bits: 99", "word_bits must be"),
                ("name: example", "name:", "name is missing")):
            with self.subTest(new):
                text = EXAMPLE.replace(old, new, 1)
                self.assertNotEqual(text, EXAMPLE)
                path = self.write("bad.yaml", text)
                self.assert_error(message, "compare", "-a", path, self.tiny, code=2)
                self.assert_error("bad.yaml:", "compare", "-a", path, self.tiny, code=2)
        self.assert_error("did you mean 'eyeriss'?", "compare", "-a", "eyeris", self.tiny, code=2)
        self.assert_error("an accelerator's file", "compare", "-a", "", self.tiny, code=1)


if __name__ == "__main__":
    unittest.main()
