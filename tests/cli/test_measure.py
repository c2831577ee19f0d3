# SPDX-License-Identifier: Apache-2.0
"""measure: from a plan to a dataset, with a program for an executor, and what interrupts it."""

import itertools
import os
import pathlib
import random
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
import unittest

from driver import PROGRAM, SOURCE, TINY, Process, read_csv

FAKE = SOURCE / "tests" / "exec" / "fake_executor.py"
COMMAND = f"command:exec {shlex.quote(sys.executable)} {shlex.quote(str(FAKE))}"
COLUMNS = ["kernel", "planned", "measured", "refused", "failed", "disturbed", "left"]

PLAN = """\
rows: 12
window_s: 0.005
kernels: {linear: 1, relu: 1}
batch_sizes: [1]
architectures: [tiny.yaml]
networks: [tiny.yaml]
network_batch_sizes: [1, 2]
"""


class Measure(Process):
    def setUp(self):
        super().setUp()
        self.plan = self.write("plan.yaml", PLAN)
        self.rows = self.folder / "rows"

    def arguments(self, *more):
        return ["measure", "-x", COMMAND, "-m", "none", "--plan", self.plan, "-o", "rows",
                "--max-load", "1", "-f", "csv", *more]

    def measure(self, **more):
        """The table as {kernel: record}. What it says of progress is no part of it."""
        result = subprocess.run([*PROGRAM, *self.arguments()], capture_output=True, text=True,
                                cwd=self.folder, timeout=300, **more)
        self.assertEqual(result.returncode, 0, result.stderr)
        table = read_csv(result.stdout)
        self.assertEqual(list(table[0]), COLUMNS)
        return {record["kernel"]: record for record in table}

    def configurations(self):
        """Sizes and repetitions of all rows, without what was measured."""
        found = []
        for path in sorted(self.rows.glob("*.csv")):
            for row in read_csv(path.read_text()):
                sizes = list(itertools.takewhile(lambda cell: cell[0] != "runtime_s", row.items()))
                sizes.append(("repetition", row["repetition"]))
                found.append((path.name, *sizes))
        return sorted(found)

    def begin(self):
        return subprocess.Popen([*PROGRAM, *self.arguments()], cwd=self.folder,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def begin_long(self):
        """A campaign that is never at its end when a test wants it in the middle."""
        self.write("plan.yaml", PLAN.replace("rows: 12", "rows: 100000"))
        return self.begin()

    def wait_for_rows(self, n, process):
        """Until the journal has n lines of rows, or the process is at its end."""
        journal = self.rows / "campaign.journal"
        end = time.monotonic() + 120
        while process.poll() is None and time.monotonic() < end:
            if journal.exists() and journal.read_text().count(" row ") >= n:
                return
            time.sleep(0.002)

    def test_a_plan_becomes_rows(self):
        table = self.measure()
        self.assertEqual(set(table), {"linear", "relu", "networks"})
        for kernel, planned in (("linear", 6), ("relu", 6), ("networks", 2)):
            self.assertEqual(int(table[kernel]["planned"]), planned)
            self.assertEqual(int(table[kernel]["measured"]), planned)
        linear = read_csv((self.rows / "linear.csv").read_text())
        self.assertEqual(len(linear), 12)
        for row in linear:
            product = int(row["in_features"]) * int(row["out_features"])
            slept = 2e-5 + 1e-9 * min(product, 10**6)
            self.assertGreaterEqual(float(row["runtime_s"]), slept * 0.999)
            self.assertEqual(row["meter"], "none")
            self.assertEqual(row["energy_j"], "")
            self.assertEqual(row["power_w"], "")
        networks = read_csv((self.rows / "networks.csv").read_text())
        self.assertEqual({(row["architecture"], row["batch_size"]) for row in networks},
                         {("tiny", "1"), ("tiny", "2")})
        device = (self.rows / "device.yaml").read_text()
        self.assertIn("executor: fake 1.0\n", device)
        self.assertIn("meter: none\n", device)
        self.assertRegex(device, r"conditions: .*cores [0-9]")
        self.assertIn("name: rows\n", device)

    def test_one_core_is_enough(self):
        core = min(os.sched_getaffinity(0))
        self.write("plan.yaml", PLAN.replace("rows: 12", "rows: 2"))
        self.measure(preexec_fn=lambda: os.sched_setaffinity(0, {core}))
        self.assertEqual(len(self.configurations()), 2 * 4)
        self.assertRegex((self.rows / "device.yaml").read_text(), rf"conditions: .*cores {core} of")

    def test_a_clock_that_jumps_changes_nothing_but_the_date(self):
        self.write("plan.yaml", PLAN.replace("rows: 12", "rows: 4"))
        sanitizer = os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"
        self.measure(env={**os.environ, "LD_PRELOAD": os.environ["JUMPING_CLOCK"],
                          "ASAN_OPTIONS": sanitizer})
        date = int(re.search(r"date: (\d{4})", (self.rows / "device.yaml").read_text())[1])
        self.assertGreater(abs(date - time.localtime().tm_year), 15, "the clock did not jump")
        rows = read_csv((self.rows / "linear.csv").read_text())
        self.assertEqual(len(rows), 4)
        for row in rows:
            self.assertLess(float(row["runtime_s"]), 1)
            self.assertGreaterEqual(float(row["window_s"]), 0.005)
            self.assertLess(float(row["window_s"]), 60)

    def test_declared_power_says_so(self):
        self.write("plan.yaml", PLAN.replace("rows: 12", "rows: 2"))
        arguments = self.arguments("--power-declared", "40,180")
        arguments[arguments.index("-m"):arguments.index("-m") + 2] = []
        self.run_program(*arguments)
        for row in read_csv((self.rows / "relu.csv").read_text()):
            self.assertEqual(row["meter"], "declared")
            self.assertEqual(float(row["idle_power_w"]), 40)
            self.assertAlmostEqual(float(row["power_w"]), 180, places=6)
            self.assertAlmostEqual(float(row["energy_j"]), 180 * float(row["runtime_s"]),
                                   places=9)

    def test_refusals_and_deaths_cost_their_kernel(self):
        self.write("plan.yaml", PLAN.replace("batch_sizes: [1]", "batch_sizes: [13]", 1)
                   .replace("network_batch_sizes: [1, 2]", "network_batch_sizes: [14, 1, 15]"))
        table = self.measure()
        self.assertEqual(int(table["linear"]["refused"]), 6)
        self.assertEqual(int(table["relu"]["refused"]), 6)
        self.assertEqual(int(table["networks"]["failed"]), 2)
        self.assertEqual(int(table["networks"]["measured"]), 1)

    @unittest.skipIf(PROGRAM[1:], "a wrapper does not begin anew")
    def test_a_crash_costs_its_kernel(self):
        self.write("plan.yaml", PLAN.replace("network_batch_sizes: [1, 2]",
                                             "network_batch_sizes: [1, 16]"))
        process = self.begin()
        out, err = process.communicate(timeout=300)
        self.assertEqual(process.returncode, 0, err)
        self.assertEqual(err.count("the executor's library crashed; what it crashed at is not"), 1)
        table = {record["kernel"]: record for record in read_csv(out)}
        self.assertEqual(int(table["networks"]["refused"]), 1)
        self.assertEqual(int(table["networks"]["measured"]), 1)
        self.assertEqual(int(table["linear"]["measured"]), 6)
        self.assertEqual(int(table["relu"]["measured"]), 6)

    @unittest.skipIf(PROGRAM[1:], "a wrapper does not begin anew")
    def test_a_program_that_begins_anew_knows_when_it_began(self):
        self.write("plan.yaml", PLAN.replace("rows: 12", "rows: 100000")
                   .replace("network_batch_sizes: [1, 2]", "network_batch_sizes: [16, 1]"))
        process = self.begin()
        self.wait_for_rows(1, process)
        journal = self.rows / "campaign.journal"
        while " crashed " not in journal.read_text() and process.poll() is None:
            time.sleep(0.01)
        n = journal.read_text().count(" row ")
        self.wait_for_rows(n + 1, process)  # of the program that began anew
        environment = pathlib.Path(f"/proc/{process.pid}/environ").read_text().split("\0")
        name = pathlib.Path(f"/proc/{process.pid}/comm").read_text()
        process.terminate()
        process.communicate(timeout=120)
        self.assertEqual(process.returncode, -signal.SIGTERM)
        began = [entry for entry in environment if entry.startswith(f"JOULECAST_BEGAN={process.pid} ")]
        self.assertEqual(len(began), 1, environment)
        self.assertEqual(name, "joulecast\n")

    def test_a_program_that_began_anew_has_the_rest_of_its_budget(self):
        self.write("plan.yaml", PLAN.replace("rows: 12", "rows: 4"))
        program = shlex.join([*PROGRAM, *self.arguments("--budget", "3h")])
        for began, is_used_up in (("$$ -1000000", True), ("1 -1000000", False), ("no number", False)):
            shutil.rmtree(self.rows, ignore_errors=True)
            result = subprocess.run(["sh", "-c", f'JOULECAST_BEGAN="{began}" exec {program}'],
                                    capture_output=True, text=True, cwd=self.folder, timeout=300)
            self.assertEqual(result.returncode, 0, result.stderr)
            self.assertEqual("the budget is used up" in result.stderr, is_used_up, began)

    @unittest.skipIf(PROGRAM[1:], "a wrapper does not begin anew")
    def test_a_library_that_always_crashes_ends_it(self):
        self.write("plan.yaml", PLAN.replace("batch_sizes: [1]", "batch_sizes: [16]", 1)
                   .replace("network_batch_sizes: [1, 2]", "network_batch_sizes: [16]"))
        process = self.begin()
        _, err = process.communicate(timeout=300)
        self.assertEqual(process.returncode, -signal.SIGSEGV, err)
        self.assertEqual(err.count("what it crashed at is not tried again"), 9)
        self.assertIn("crashed ten times in a row: the library is at fault", err)
        journal = (self.rows / "campaign.journal").read_text()
        self.assertEqual(journal.count(" crashed "), 10)

    def test_killed_at_any_moment_it_goes_on(self):
        whole = self.measure()
        expected = self.configurations()
        self.assertEqual(len(expected), 2 * 14)
        seeded = random.Random(1)
        for round_ in range(4):
            for path in self.rows.iterdir():
                path.unlink()
            process = self.begin()
            self.wait_for_rows(seeded.randrange(0, 20), process)
            time.sleep(seeded.random() * 0.02)
            process.kill()
            process.communicate()
            journal = (self.rows / "campaign.journal").read_text()
            before = [line for line in journal.splitlines() if " row " in line]
            table = self.measure()
            self.assertEqual(table, whole)
            self.assertEqual(self.configurations(), expected, round_)
            after = (self.rows / "campaign.journal").read_text()
            for line in before[:-1]:  # the last may have been torn
                self.assertIn(line + "\n", after)
            self.assertEqual(after.count(" row "), len(expected), "nothing is measured twice")

    def test_signals_stop_it_in_good_order(self):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)  # nohup's children ignore SIGHUP, rightly
            process = self.begin_long()
            self.wait_for_rows(3, process)
            process.send_signal(number)
            out, err = process.communicate(timeout=120)
            self.assertEqual(process.returncode, -number, err)
            self.assertIn("the same command goes on from here", err)
            self.assertIn("linear", out)
            n = len(self.configurations())  # the rows so far are a dataset
            self.assertGreaterEqual(n, 3)
            self.assertLess(n, 2 * 100000)
            for path in self.rows.iterdir():
                path.unlink()

    def test_rest_is_metered_after_signals_and_budgets(self):
        # Joules of 30 W, renewed with each reading.
        meter = self.write("meter.py", "import sys, time\n"
                           "print('joulecast-meter 1 a clock', flush=True)\n"
                           "for line in sys.stdin:\n"
                           "    print('joules', 30 * time.monotonic(), flush=True)\n")
        self.write("plan.yaml", PLAN.replace("rows: 12", "rows: 100000") + "meter_steps: 2\n")
        metered = ["-m", f"command:exec {shlex.quote(sys.executable)} {meter}"]
        for number in (signal.SIGINT, signal.SIGTERM, None):
            budget = ["--budget", "3s"] if number is None else []
            process = subprocess.Popen([*PROGRAM, *self.arguments(*metered, *budget)],
                                       cwd=self.folder, stdout=subprocess.PIPE,
                                       stderr=subprocess.PIPE, text=True)
            if number is not None:
                self.wait_for_rows(1, process)
                process.send_signal(number)
            _, err = process.communicate(timeout=120)
            self.assertEqual(process.returncode, 0 if number is None else -number, err)
            lines = (self.rows / "campaign.journal").read_text().splitlines()
            last = [line.split()[1:] for line in lines[-1:]][0]
            self.assertEqual(last[0], "idle", lines[-3:])
            self.assertAlmostEqual(float(last[1]), 30, delta=1)
            text = (self.rows / "device.yaml").read_text()
            self.assertRegex(text, r"(30|29\.\d|30\.\d) W at rest before")
            for path in self.rows.iterdir():
                path.unlink()

    def test_two_processes_are_refused(self):
        process = self.begin_long()
        self.wait_for_rows(1, process)
        self.assert_error("another process measures into this folder", *self.arguments(), code=3)
        process.terminate()
        process.communicate()

    def test_another_plan_is_refused(self):
        self.measure()
        self.write("plan.yaml", PLAN + "seed: 2\n")
        self.assert_error("of another plan", *self.arguments(), code=2)

    def test_a_budget_is_kept(self):
        self.write("plan.yaml", PLAN.replace("rows: 12", "rows: 100000"))
        begin = time.monotonic()
        result = subprocess.run([*PROGRAM, *self.arguments("--budget", "1s")],
                                capture_output=True, text=True, cwd=self.folder, timeout=300)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("the budget is used up; the same command goes on from here", result.stderr)
        self.assertGreaterEqual(time.monotonic() - begin, 1)
        self.assertGreater(len(self.configurations()), 0)

    @unittest.skipIf(os.geteuid() == 0, "nothing is read-only to root")
    def test_a_folder_that_cannot_be_written_is_told(self):
        self.rows.mkdir(mode=0o555)
        self.assert_error("Permission denied", *self.arguments(), code=3)

    def test_usage(self):
        self.assert_error("needs -o DATASET", "measure", code=1)
        for option, value, expected in (("--budget", "soon", "a time, as in 90s"),
                                        ("--budget", "-1", "a time, as in 90s"),
                                        ("--max-load", "2", "a share from 0 to 1"),
                                        ("--timeout", "0", "a number of seconds"),
                                        ("--power-declared", "40", "watts at rest"),
                                        ("--power-declared", "90,40", "watts at rest"),
                                        ("-j", "0", "a whole number from 1")):
            self.assert_error(expected, "measure", "-o", "rows", option, value, code=1)
        self.assert_error("there is no executor 'tpu'; there are", "measure", "-o", "rows", "-x",
                          "tpu", code=2)
        self.assert_error("there is no meter 'gas'; there are", "measure", "-o", "rows", "-x",
                          COMMAND, "-m", "gas", code=2)
        self.assert_error("needs a program", "measure", "-o", "rows", "-x", "command", code=2)
        self.assert_error("ended with exit code 127", "measure", "-o", "rows", "-x",
                          "command:no-such-program", code=2)
        self.assert_error("would take at least", "measure", "-o", "rows", "--plan",
                          self.write("huge.yaml", "rows: 1000000000\n"), code=2)
        self.assert_error("there is no", "measure", "-o", "rows", "--plan",
                          self.write("lost.yaml", "networks: [resnet999]\n"), code=2)


if __name__ == "__main__":
    unittest.main()
