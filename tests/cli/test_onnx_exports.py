# SPDX-License-Identifier: Apache-2.0
"""ONNX files as PyTorch exports them: parameters and MACs against PyTorch's own count, and the zoo
against the export of the same network. Skips where there is no Python with torch and torchvision.

JOULECAST_EXPORTS names a folder that keeps the exports; JOULECAST_EXPORT_NAMES other networks.
"""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import unittest

from driver import SOURCE, Process

NAMES = os.environ.get("JOULECAST_EXPORT_NAMES", "resnet18 resnet18:folded mobilenet_v3_small "
                       "shufflenet_v2_x1_0 squeezenet1_1 bert").split()
ZOO = {path.stem for path in (SOURCE / "architectures").glob("*.yaml")}
# PyTorch's exporter writes a concatenation of concatenations as one.
NESTED = {"inception_v3"}
# It writes a channel shuffle as a reshape that splits channels, beyond which they are not followed.
SPLITS = {"shufflenet_v2_x1_0"}
FOLDER = pathlib.Path(os.environ.get("JOULECAST_EXPORTS", "exports"))


def find_python():
    """A Python that has what exports need; Debian's is not always the first."""
    for python in (sys.executable, "/usr/bin/python3"):
        if shutil.which(python) and subprocess.run(
                [python, "-c", "import onnx, torchvision"], capture_output=True,
                check=False).returncode == 0:
            return python
    return None


class Exports(Process):
    @classmethod
    def setUpClass(cls):
        python = find_python()
        if python is None:
            raise unittest.SkipTest("no Python with onnx, torch and torchvision")
        FOLDER.mkdir(parents=True, exist_ok=True)
        missing = [name for name in NAMES
                   if not (FOLDER / (name.replace(":", "-") + ".json")).exists()]
        if missing:
            subprocess.run([python, str(SOURCE / "tests" / "onnx" / "export.py"), str(FOLDER),
                            *missing], check=True, capture_output=True, timeout=250)

    def test_counts_are_the_frameworks(self):
        for name in NAMES:
            path = FOLDER / (name.replace(":", "-") + ".onnx")
            counted = json.loads(path.with_suffix(".json").read_text())
            document = self.predict(str(path.absolute()), "--strict")
            totals = document["totals"]
            with self.subTest(name):
                self.assertEqual((totals["params"], totals["macs"]),
                                 (counted["params"], counted["macs"]))

    def test_zoo_and_export_are_pruned_alike(self):
        for name in set(NAMES) & ZOO - NESTED - SPLITS:
            ours, theirs = (
                json.loads(self.run_program("compare", "-p", "test-device", "-f", "json", network,
                                            "-t", "prune: 0.5").stdout)[1]
                for network in (name, str((FOLDER / f"{name}.onnx").absolute())))
            for key in ("params", "macs", "weight_bytes", "activation_bytes", "energy_j"):
                with self.subTest(name=name, key=key):
                    self.assertEqual(theirs[key], ours[key])

    def test_zoo_and_export_cost_the_same(self):
        for name in set(NAMES) & ZOO:
            ours = self.predict(name, "-b", "2")["totals"]
            theirs = self.predict(str((FOLDER / f"{name}.onnx").absolute()), "-b", "2")["totals"]
            for key in ("params", "macs", "weight_bytes", "activation_bytes", "runtime_s",
                        "energy_j", "energy_low_j", "energy_high_j", "layers_unmodelled"):
                if name not in NESTED or key in ("params", "macs"):
                    with self.subTest(name=name, key=key):
                        self.assertAlmostEqual(theirs[key] / ours[key], 1, places=9)


if __name__ == "__main__":
    unittest.main()
