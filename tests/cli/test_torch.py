# SPDX-License-Identifier: Apache-2.0
"""scripts/executor-torch.py: every kind of kernel and a network, measured through PyTorch."""

import json
import shlex
import subprocess
import unittest

from driver import PROGRAM, SOURCE, Process, python_with, read_csv

SCRIPT = SOURCE / "scripts" / "executor-torch.py"
PYTHON = python_with("torch")


def compiles():
    return PYTHON is not None and subprocess.run(
        [PYTHON, "-c", "import torch; torch.compile"], capture_output=True,
        check=False).returncode == 0


PLAN = """\
rows: 120
repetitions: 1
window_s: 0.001
rel_error: 0.5
batch_sizes: [1]
max_macs: 1e6
max_bytes: 1e6
networks: [tiny.yaml, residual.yaml]
"""
RESIDUAL = """\
name: residual
inputs: {image: [4, 8, 8]}
layers:
  - add:
      branches:
        - []
        - - conv2d: {out_channels: 4, kernel_size: 3, padding: 1, bias: false}
          - batch_norm
          - hardswish
  - max_pool2d: {kernel_size: 3, stride: 2, padding: 1}
  - global_avg_pool2d
  - flatten
  - linear: {out_features: 3}
  - softmax: {dim: 1}
"""


@unittest.skipIf(PYTHON is None, "no Python has torch (python3-torch)")
class Torch(Process):
    def test_all_kinds_of_kernels_and_networks_run(self):
        plan = self.write("plan.yaml", PLAN)
        self.write("residual.yaml", RESIDUAL)
        executor = f"command:exec {PYTHON} {shlex.quote(str(SCRIPT))}"
        result = subprocess.run([*PROGRAM, "measure", "-x", executor, "-j", "1", "-m", "none",
                                 "--plan", plan, "-o", "rows", "--max-load", "1", "-f", "csv"],
                                capture_output=True, text=True, cwd=self.folder, timeout=280)
        self.assertEqual(result.returncode, 0, result.stderr)
        table = {row["kernel"]: row for row in read_csv(result.stdout)}
        self.assertEqual(int(table["networks"]["measured"]), 2, result.stdout)
        not_in_it = {"pointwise", "reduce", "group_norm", "recurrent"}
        for kernel, row in table.items():
            if kernel not in not_in_it:
                self.assertGreater(int(row["measured"]), 0, kernel)
                self.assertEqual(int(row["failed"]), 0, kernel)
        self.assertIn("PyTorch", (self.folder / "rows" / "device.yaml").read_text())

    def ask(self, *lines, arguments=()):
        return subprocess.run([PYTHON, str(SCRIPT), *arguments], input="".join(lines), text=True,
                              capture_output=True, timeout=120, check=False)

    def test_a_network_of_another_shape_is_refused(self):
        step = {"op": "linear", "inputs": [0], "output": [1, 3], "params": {"out_features": 4, "bias": True}}
        network = {"network": "wrong", "batch_size": 1, "precision": "f32", "threads": 1, "seed": 1,
                   "weights": "cold", "outputs": [1],
                   "steps": [{"op": "input", "inputs": [], "output": [1, 8], "params": {}}, step]}
        answers = self.ask(json.dumps(network) + "\n").stdout.splitlines()
        self.assertEqual(answers[1], "refused step 1: [1, 4] instead of [1, 3]")

    def test_activations_keep_their_scale(self):
        code = ("import runpy, sys, torch; sys.argv = sys.argv[:1]; "
                f"names = runpy.run_path({str(SCRIPT)!r}); "
                "new = names['new_tensors']({'precision': 'f32', 'seed': 1, 'threads': 1}); "
                "x = new(4, 256).abs()\n"
                "for _ in range(20): x = torch.relu(x @ names['he'](new, 256, 256).T)\n"
                "print(float(x.square().mean()))")
        found = subprocess.run([PYTHON, "-c", code], input="", text=True, capture_output=True,
                               timeout=120, check=True).stdout.splitlines()[-1]
        self.assertTrue(0.01 < float(found) < 10, found)  # 1 / 3 at first

    @unittest.skipIf(compiles(), "this PyTorch compiles")
    def test_compiling_needs_pytorch_2(self):
        result = self.ask(arguments=["--compile"])
        self.assertEqual(result.returncode, 1)
        self.assertIn("has no torch.compile, which came with 2.0", result.stderr)


if __name__ == "__main__":
    unittest.main()
