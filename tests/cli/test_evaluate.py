# SPDX-License-Identifier: Apache-2.0
"""joulecast evaluate: a profile on rows and on whole networks that it has not seen."""

import os
import subprocess
import unittest

from driver import PROGRAM, Process, read_csv

MEASURED = "runtime_s,runtime_rel_sd,power_w,energy_j,idle_power_w,iterations,window_s,meter,repetition"
NETWORKS = "architecture,batch_size,input_shape,precision," + MEASURED + "\n"


class Runs(Process):
    def records(self, *arguments):
        rows = read_csv(self.run_program("evaluate", "-f", "csv", *arguments).stdout)
        return {(row["kernel"], row["target"]): row for row in rows}

    def run_checked(self, *arguments):
        """As run_program, with text on stderr."""
        environment = dict(os.environ, JOULECAST_PROFILE_PATH=str(self.folder / "profiles"))
        result = subprocess.run([*PROGRAM, *arguments], capture_output=True, text=True,
                                env=environment, cwd=self.folder, timeout=300)
        self.assertEqual(result.returncode, 0, result.stderr)
        return result


class Evaluate(Runs):
    def test_networks_by_hand(self):
        # What the profile predicts, measured as 10 % less and then as 25 % more.
        totals = self.predict(self.tiny, "-b", "4")["totals"]
        lines = [f"{self.tiny},4,,f32,{totals['runtime_s'] * f},,,{totals['energy_j'] * f}"
                 for f in (1 / 1.1, 1.25)]
        (self.folder / "ds").mkdir()
        self.write("ds/networks.csv", NETWORKS + "".join(line + ",,,,,\n" for line in lines))
        records = self.records("-p", "test-device", "ds")
        self.assertEqual(set(records), {("network", "runtime"), ("network", "energy")})
        for record in records.values():
            self.assertEqual(record["rows"], "2")
            self.assertEqual(record["terms"], "")
            self.assertAlmostEqual(float(record["mape"]), (0.1 + 0.2) / 2)
            self.assertAlmostEqual(float(record["bias"]), 2 / (1 / 1.1 + 1.25) - 1)
            self.assertEqual(float(record["coverage_90"]), 1)

    def test_energy_that_was_not_metered_is_no_error(self):
        (self.folder / "ds").mkdir()
        self.write("ds/networks.csv", NETWORKS + f"{self.tiny},1,,f32,0.001,,,,,,,,\n")
        self.assertEqual(set(self.records("-p", "test-device", "ds")), {("network", "runtime")})

    def test_what_cannot_be_predicted_is_said_and_left_out(self):
        (self.folder / "ds").mkdir()
        self.write("ds/networks.csv", NETWORKS +
                   "no_such_net,1,,f32,1,,,,,,,,\n"
                   f"{self.tiny},1,3x64x64,f32,1,,,,,,,,\n"
                   f"{self.tiny},1,3x32x32,f32,0.001,,,,,,,,\n")
        process = self.run_checked("evaluate", "-p", "test-device", "-f", "csv", "ds")
        self.assertIn("no_such_net", process.stderr)
        self.assertIn("another input", process.stderr)
        self.assertEqual(process.stderr.count("\n"), 2, process.stderr)
        row, = read_csv(process.stdout)
        self.assertEqual(row["rows"], "1")


if __name__ == "__main__":
    unittest.main()
