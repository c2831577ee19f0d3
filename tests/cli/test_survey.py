# SPDX-License-Identifier: Apache-2.0
"""scripts/survey: what it writes is what compare says."""

import json
import os
import subprocess
import sys
import unittest

from driver import PROGRAM, SOURCE, Process


class Survey(Process):
    @unittest.skipIf(len(PROGRAM) > 1, "the program runs under a wrapper")
    def test_the_page(self):
        page = self.folder / "SURVEY.md"
        subprocess.run([sys.executable, SOURCE / "scripts/survey", "-o", page, PROGRAM[0]],
                       check=True, timeout=250, env=dict(os.environ))
        text = page.read_text()
        shipped = (SOURCE / "docs/SURVEY.md").read_text()
        for heading in ("## alexnet", "## vgg16", "## resnet50", "## lenet5", "## Beside"):
            self.assertIn(heading, text)
        self.assertEqual(text.splitlines(), shipped.splitlines(), "run scripts/survey")
        row = json.loads(subprocess.run(
            [PROGRAM[0], "compare", "-f", "json", "-p", "jetson-pytorch", "alexnet", "-t",
             "prune: 0.5"], check=True, capture_output=True, text=True).stdout)[1]
        cells = next(line for line in text.splitlines()
                     if line.startswith("| half of the channels |")).split(" | ")
        self.assertEqual(cells[1], f"{row['params_ratio']:.2f}")
        self.assertEqual(cells[2], f"{row['macs_ratio']:.2f}")
        self.assertEqual(cells[6], f"{row['energy_ratio']:.2f}")


if __name__ == "__main__":
    unittest.main()
