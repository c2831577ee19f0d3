# SPDX-License-Identifier: Apache-2.0
"""meters: the list of meters on this machine, on recorded ones, and programs that are meters."""

import json
import re
import unittest

from driver import SOURCE, Process, read_csv

NAMES = ["command", "declared", "rapl-powercap", "rapl-perf", "hwmon", "battery", "nvml", "none"]


class Meters(Process):
    def machine(self, name):
        """A folder with the files of tests/sysfs/NAME."""
        for line in (SOURCE / "tests/sysfs" / name).read_text().splitlines():
            if not line.startswith("#"):
                path, text = line.split(" ", 1)
                file = self.folder / name / path
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(text.replace("\\n", "\n").replace("\\t", "\t") + "\n")
        return str(self.folder / name)

    def meters(self, *arguments):
        return {r["meter"]: r for r in json.loads(
            self.run_program("meters", "-f", "json", *arguments).stdout)}

    def test_every_format_lists_every_meter(self):
        root = self.machine("virtual-machine")
        records = json.loads(self.run_program("meters", "--root", root, "-f", "json").stdout)
        self.assertEqual([r["meter"] for r in records], NAMES)
        rows = read_csv(self.run_program("meters", "--root", root, "-f", "csv").stdout)
        self.assertEqual([{k: v or None for k, v in r.items()} for r in rows], records)
        lines = self.run_program("meters", "--root", root, "-f", "jsonl").stdout.splitlines()
        self.assertEqual([json.loads(line) for line in lines], records)
        table = self.run_program("meters", "--root", root).stdout
        markdown = self.run_program("meters", "--root", root, "-f", "markdown").stdout
        html = self.run_program("meters", "--root", root, "-f", "html").stdout
        for name in NAMES:
            self.assertRegex(table, rf"(?m)^{name} ")
            self.assertIn(f"| {name} |", markdown)
            self.assertIn(f"<td>{name}", html)
        self.assertLessEqual(max(map(len, table.splitlines())), 80)

    def test_a_virtual_machine_has_none_and_says_why(self):
        meters = self.meters("--root", self.machine("virtual-machine"))
        self.assertEqual(meters["none"]["status"], "ready")
        for name in NAMES[:-1]:
            self.assertEqual(meters[name]["status"], "absent")
            self.assertIsNone(meters[name]["step_s"])
            self.assertIsNone(meters[name]["domains"])
        self.assertIn("virtual machine", meters["rapl-powercap"]["problem"])
        self.assertIn("recorded", meters["rapl-perf"]["problem"])
        self.assertIn("recorded", meters["nvml"]["problem"])
        self.assertIn("--power-declared", meters["declared"]["problem"])

    def test_recorded_sensors(self):
        meters = self.meters("--root", self.machine("acpi-server"), "hwmon")
        self.assertEqual(meters["hwmon"]["status"], "ready")
        self.assertEqual(meters["hwmon"]["step_s"], 1)
        self.assertEqual(meters["hwmon"]["domains"], "power_meter hwmon2")
        self.assertIsNone(meters["hwmon"]["problem"])
        meters = self.meters("--root", self.machine("intel-desktop"), "rapl-powercap", "battery")
        self.assertEqual(meters["rapl-powercap"]["status"], "absent")
        self.assertIn("has not moved", meters["rapl-powercap"]["problem"])
        self.assertEqual(list(meters), ["rapl-powercap", "battery"])

    def test_broken_files_are_named(self):
        root = self.machine("intel-desktop")
        (self.folder / "intel-desktop/sys/class/powercap/intel-rapl:0/energy_uj").write_text("?\n")
        problem = self.meters("--root", root, "rapl-powercap")["rapl-powercap"]
        self.assertEqual(problem["status"], "broken")
        self.assertTrue(problem["problem"].startswith(
            "/sys/class/powercap/intel-rapl:0/energy_uj: "), problem)

    def test_this_machine(self):
        meters = self.meters()
        self.assertEqual(list(meters), NAMES)
        for meter in meters.values():
            self.assertIn(meter["status"], ("ready", "absent", "forbidden", "broken"))
            self.assertEqual(meter["status"] == "ready", meter["problem"] is None)

    def test_the_program_of_the_documentation(self):
        page = (SOURCE / "docs/METERS.md").read_text()
        program = re.search(r"```python\n(.*?)```", page, re.DOTALL).group(1)
        self.write("power", "41.5\n")
        self.write("plug.py", program.replace("http://plug.local/power",
                                              (self.folder / "power").as_uri()))
        meter = self.meters("command:python3 plug.py")["command"]
        self.assertEqual(meter["status"], "ready", meter)
        self.assertEqual(meter["domains"], "plug in the kitchen")
        self.assertEqual(meter["source"], "external")

    def test_programs_that_are_no_meters(self):
        meters = self.meters("command:echo hello", "command:exit 4", "none")
        self.assertEqual(len(meters), 2)  # two records have one name
        self.assertEqual(meters["command"]["status"], "broken")
        self.assertIn("exit code 4", meters["command"]["problem"])

    def test_names(self):
        self.assert_error("did you mean 'battery'?", "meters", "batery", code=2)
        self.assert_error("there is no meter 'x:y'", "meters", "x:y", code=2)
        self.assert_error("No such file", "meters", "--root", "no-such-folder", code=2)
        self.assert_error("Not a directory", "meters", "--root", "tiny.yaml", code=2)


if __name__ == "__main__":
    unittest.main()
