# SPDX-License-Identifier: Apache-2.0
"""measure -x cudnn -m nvml as a process, on libraries of the tests' own: from a plan to a profile."""

import os
import signal
import subprocess
import time
import unittest

from driver import PROGRAM, TINY, Process, read_csv

PLAN = """\
rows: 14
repetitions: 1
adaptive: 0
window_s: 0.01
meter_steps: 5
max_macs: 1e5
max_bytes: 1e5
batch_sizes: [1]
precisions: {f16: 1, tf32: 1}
kernels: {conv2d: 4, linear: 2, relu: 1}
architectures: [tiny.yaml]
networks: [tiny.yaml]
network_precisions: {f16: 1}
"""
FAKES = {"JOULECAST_CUDNN_MODULE": os.environ["FAKE_CUDNN_MODULE"],
         "LD_LIBRARY_PATH": os.environ["FAKE_NVML_FOLDER"]}


class Cudnn(Process):
    def measure(self, *arguments, **keywords):
        plan = self.write("plan.yaml", PLAN)
        return self.run_program("measure", "-x", "cudnn", "--plan", plan, "--max-load", "1",
                                "-o", "rows", *arguments, environment=FAKES, warns=True, **keywords)

    def test_rows_of_a_gpu(self):
        self.measure()
        rows = read_csv((self.folder / "rows" / "conv2d.csv").read_text())
        self.assertGreaterEqual(len(rows), 4)
        for row in rows:
            self.assertIn(row["precision"], ("f16", "tf32"))
            self.assertEqual(row["meter"], "nvml")  # of the GPU, unless another is named
            self.assertAlmostEqual(float(row["power_w"]), 120, delta=60)
            self.assertGreater(float(row["energy_rel_sd"]), 0)
            self.assertEqual(float(row["temperature_c"]), 50)
            self.assertEqual(float(row["throttled"]), 0)
            self.assertIn(row["algorithm"].split(";")[0].split(",")[0],
                          ("winograd", "implicit_precomp_gemm", "implicit_gemm"))
        device = (self.folder / "rows" / "device.yaml").read_text()
        self.assertIn("machine: NVIDIA Fake 100", device)
        self.assertIn("cuDNN 9", device)
        self.assertIn("SM 1755 of 1980 MHz, memory 1593 of 2619 MHz", device)
        self.assertIn("GPU at work 1755 MHz to 1755 MHz", device)
        # A GPU that draws 120 W whatever it does.
        self.assertRegex(device.replace("\n  ", " "), "delay of the meter not measured: power rises from 1")
        self.assertIn("at most 700 W, persistent, mode 3", device)
        networks = read_csv((self.folder / "rows" / "networks.csv").read_text())
        self.assertEqual([(r["architecture"], r["precision"]) for r in networks], [("tiny", "f16")])
        self.run_program("train", "rows", "-o", "gpu.yaml", warns=True)
        self.run_program("predict", "-p", "gpu.yaml", "--precision", "f16", "tiny.yaml", warns=True)

    def test_what_is_cut_is_kept(self):
        plan = self.write("plan.yaml", PLAN.replace("rows: 14", "rows: 400"))
        process = subprocess.Popen(
            [*PROGRAM, "measure", "-x", "cudnn", "--plan", plan, "--max-load", "1", "-o", "rows"],
            cwd=self.folder, env={**os.environ, **FAKES}, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)
        journal = self.folder / "rows" / "campaign.journal"
        while not journal.exists() or journal.read_text().count(" row ") < 3:
            self.assertIsNone(process.poll())
            time.sleep(0.05)
        process.kill()  # no word of farewell
        process.wait()
        kept = journal.read_text().count(" row ")
        self.assertGreaterEqual(kept, 3)
        plan = self.write("plan.yaml", PLAN.replace("rows: 14", "rows: 400"))
        self.run_program("measure", "-x", "cudnn", "--plan", plan, "--max-load", "1", "--budget", "12s",
                         "-o", "rows", environment=FAKES, warns=True)
        self.assertGreater(journal.read_text().count(" row "), kept)
        self.assertTrue((self.folder / "rows" / "device.yaml").exists())

    def test_layouts(self):
        plan = self.write("plan.yaml", PLAN)
        text = self.run_program("measure", "-x", "cudnn:nwhc", "--plan", plan, "-o", "rows",
                                environment=FAKES, code=2).stderr
        self.assertIn("cudnn:nhwc", text)

    def test_without_its_libraries(self):
        text = self.run_program("measure", "-x", "cudnn", "-o", "rows", code=2,
                                environment={"JOULECAST_CUDNN_MODULE": "/no/such/module.so"}).stderr
        self.assertIn("CUDA toolkit", text)


if __name__ == "__main__":
    unittest.main()
