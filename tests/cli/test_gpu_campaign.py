# SPDX-License-Identifier: Apache-2.0
"""scripts/gpu-campaign from nothing to a dataset, a profile and a document, with another executor."""

import os
import shlex
import subprocess
import sys
import unittest

from driver import SOURCE, Process, read_csv

PLAN = """\
rows: 500
repetitions: 1
adaptive: 0
window_s: 0.005
meter_steps: 2
batch_sizes: [1]
precisions: {f32: 1}
max_macs: 1e6
max_bytes: 1e6
kernels: {conv2d: 6, linear: 4, relu: 3}
architectures: [lenet5]
networks: [lenet5, lenet_caffe]
network_batch_sizes: [1, 8]
network_precisions: {f32: 1}
"""
METER = """\
import sys, time
print("joulecast-meter 1 a clock", flush=True)
for line in sys.stdin:
    print("joules", 30 * time.monotonic(), flush=True)
"""


class GpuCampaign(Process):
    def run_script(self, *arguments):
        meter = self.write("meter.py", METER)
        environment = {**os.environ, "GPU_CAMPAIGN_EXECUTOR": "onednn",
                       "GPU_CAMPAIGN_METER": f"command:exec {shlex.quote(sys.executable)} {meter}"}
        return subprocess.run(
            ["bash", str(SOURCE / "scripts" / "gpu-campaign"), "--build", os.environ["BUILD"],
             "--no-build", "--work", "work", "--root", str(self.folder), *arguments],
            capture_output=True, text=True, env=environment, cwd=self.folder, timeout=280)

    def test_from_nothing_to_a_document(self):
        plan = self.write("plan.yaml", PLAN)
        (self.folder / "docs").mkdir()
        other = self.folder / "datasets" / "other"
        other.mkdir(parents=True)
        for name in ("networks.csv", "plan.yaml"):
            (other / name).write_text("")
        (self.folder / "docs" / "DATASETS.md").write_text("# x\n\n## other\n\nas it was\n\n## gone\n")
        arguments = ("--plan", plan, "--name", "here", "--minutes", "1")
        result = self.run_script(*arguments)
        self.assertEqual(result.returncode, 0, result.stderr)
        rows = self.folder / "datasets" / "here"
        # No more rows than there is time for: less than a minute, at more than 5 ms a row.
        written = (rows / "plan.yaml").read_text()
        n_rows = int(written.split("\nrows: ")[1].split()[0])
        self.assertGreaterEqual(n_rows, 20)
        self.assertLess(n_rows, 500)
        networks = read_csv((rows / "networks.csv").read_text())
        self.assertEqual(sorted((r["architecture"], r["batch_size"]) for r in networks),
                         [("lenet5", "1"), ("lenet5", "8"), ("lenet_caffe", "1"),
                          ("lenet_caffe", "8")])
        # On a busy machine the meter may answer a few ms late, of windows that may last five.
        for row in networks:
            self.assertAlmostEqual(float(row["power_w"]), 30, delta=10)
        for name in ("device.yaml", "profile.yaml", "conv2d.csv", "linear.csv", "relu.csv"):
            self.assertTrue((rows / name).exists(), name)
        document = (self.folder / "docs" / "DATASETS.md").read_text()
        self.assertIn("## other\n\nas it was\n", document)
        self.assertNotIn("## gone", document)
        for text in ("## here\n", "### Held out", "| conv2d | f32 | energy |", "predicted mJ",
                     "| lenet_caffe (new) | 8 |"):
            self.assertIn(text, document)
        # Again, it goes on from there: there is nothing left.
        journal = (rows / "campaign.journal").read_text()
        result = self.run_script(*arguments)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual((rows / "campaign.journal").read_text(), journal)
        # A profile from what is there, on any machine.
        (rows / "profile.yaml").unlink()
        result = self.run_script("--fit", "--name", "here")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertTrue((rows / "profile.yaml").exists())

    def test_usage(self):
        for arguments in (("--minutes", "soon"), ("--what",), ("--fit",)):
            self.assertEqual(self.run_script(*arguments).returncode, 1, arguments)


if __name__ == "__main__":
    unittest.main()
