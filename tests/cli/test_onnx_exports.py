# SPDX-License-Identifier: Apache-2.0
"""ONNX files as PyTorch exports them: parameters and MACs against PyTorch's own count, the zoo against
the export of the same network, and what `convert` makes of it. Skips where there is no Python with torch
and torchvision.

JOULECAST_EXPORTS names a folder that keeps the exports; JOULECAST_EXPORT_NAMES other networks, or
`all`: see scripts/exports.
"""

import json
import os
import pathlib
import subprocess
import unittest

import profile
from driver import SOURCE, Process, python_with

EXPORT = str(SOURCE / "tests" / "onnx" / "export.py")
FUSES = "{conv2d: [batch_norm, add, activation], linear: [activation], batch_norm: [relu]}"
ZOO = {path.stem for path in (SOURCE / "architectures").glob("*.yaml")}
# The zoo, and one network of each other family.
USUAL = " ".join(sorted(ZOO)) + (
    " resnet18:folded mobilenet_v3_small:folded convnext_tiny efficientnet_v2_s maxvit_t "
    "regnet_y_400mf resnext50_32x4d wide_resnet50_2 swin_t swin_v2_t lraspp_mobilenet_v3_large "
    "deeplabv3_mobilenet_v3_large fcn_resnet50 shufflenet_v2_x1_0:folded bert gpt2")
NAMES = os.environ.get("JOULECAST_EXPORT_NAMES", USUAL).split()
# It writes a channel shuffle as a reshape that splits channels, beyond which they are not followed.
SPLITS = {"shufflenet_v2_x1_0"}
# It writes the shortcut that is one copy as slices and a padding: passes of their own.
PASSES = {"resnet20"}
FOLDER = pathlib.Path(os.environ.get("JOULECAST_EXPORTS", "exports"))


def all_names(python):
    """All of torchvision's, with batch norm unfolded and folded, and transformers."""
    def named(kind):
        return subprocess.run([python, EXPORT, "--list", kind], capture_output=True, text=True,
                              check=True).stdout.split()
    images = named("classification") + named("segmentation") + named("others")
    return images + [f"{name}:folded" for name in images] + named("transformers")


def path_of(name):
    return str((FOLDER / (name.replace(":", "-") + ".onnx")).absolute())


class Exports(Process):
    @classmethod
    def setUpClass(cls):
        python = python_with("onnx", "torchvision")
        if python is None:
            raise unittest.SkipTest("no Python with onnx, torch and torchvision")
        if NAMES == ["all"]:
            NAMES[:] = all_names(python)
        FOLDER.mkdir(parents=True, exist_ok=True)
        missing = [name for name in NAMES
                   if not (FOLDER / (name.replace(":", "-") + ".json")).exists()]
        if missing:
            subprocess.run([python, EXPORT, str(FOLDER), *missing], check=True, capture_output=True)

    def test_counts_are_the_frameworks(self):
        for name in NAMES:
            counted = json.loads(pathlib.Path(path_of(name)).with_suffix(".json").read_text())
            with self.subTest(name):
                totals = self.predict(path_of(name), "--strict")["totals"]
                self.assertEqual((totals["params"], totals["macs"]),
                                 (counted["params"], counted["macs"]))

    def test_zoo_and_export_are_pruned_alike(self):
        for name in set(NAMES) & ZOO - SPLITS - PASSES:
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
            theirs = self.predict(path_of(name), "-b", "2")["totals"]
            counts = ["params", "macs", "weight_bytes"]
            sums = []
            if name not in PASSES:
                counts += ["activation_bytes", "layers_unmodelled"]
                sums += ["runtime_s", "energy_j", "energy_low_j", "energy_high_j"]
            for key in counts:
                with self.subTest(name=name, key=key):
                    self.assertEqual(theirs[key], ours[key])
            for key in sums:  # of the same layers, perhaps in another order
                with self.subTest(name=name, key=key):
                    self.assertAlmostEqual(theirs[key] / ours[key], 1, places=12)

    def test_converted_costs_the_same(self):
        self.write("profiles/fusing.yaml", profile.text("fusing", fuses=FUSES))
        for name in NAMES:
            converted = str(self.folder / "converted.yaml")
            with self.subTest(name):
                self.run_program("convert", path_of(name), "-o", converted)
                for arguments in (["-p", "test-device", "-b", "3"], ["-p", "fusing"]):
                    totals = [json.loads(self.run_program("predict", *arguments, "-f", "json", path
                                                          ).stdout)["totals"]
                              for path in (path_of(name), converted)]
                    self.assertEqual(*totals)


if __name__ == "__main__":
    unittest.main()
