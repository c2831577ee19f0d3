# SPDX-License-Identifier: Apache-2.0
"""profiles and ops: tables in every format."""

import json
import unittest

import profile
from driver import Process, read_csv


class Lists(Process):
    def test_ops_in_every_format(self):
        records = json.loads(self.run_program("ops", "-f", "json").stdout)
        names = [r["op"] for r in records]
        self.assertIn("conv2d", names)
        self.assertEqual(names, sorted(names))
        self.assertIn("kernel_size", records[names.index("conv2d")]["parameters"])
        self.assertEqual(records[names.index("relu")]["parameters"], [])
        rows = read_csv(self.run_program("ops", "-f", "csv").stdout)
        self.assertEqual([r["op"] for r in rows], names)
        self.assertEqual([r["parameters"].split() for r in rows],
                         [r["parameters"] for r in records])
        lines = self.run_program("ops", "-f", "jsonl").stdout.splitlines()
        self.assertEqual([json.loads(line) for line in lines], records)
        table = self.run_program("ops").stdout
        markdown = self.run_program("ops", "-f", "markdown").stdout
        html = self.run_program("ops", "-f", "html").stdout
        for name in names:
            self.assertIn(f"\n{name} ", table)
            self.assertIn(f"| {name} |", markdown)
            self.assertIn(f"<td>{name}", html)
        self.assertLessEqual(max(map(len, table.splitlines())), 80)

    def test_executors_in_every_format(self):
        records = json.loads(self.run_program("executors", "-f", "json").stdout)
        by_name = {r["executor"]: r for r in records}
        self.assertEqual(set(by_name), {"onednn", "cudnn", "command"})
        for record in records:
            self.assertIn(record["status"], ("ready", "absent"))
            if record["status"] == "ready":
                self.assertIsNone(record["problem"])
                self.assertTrue(record["software"])
            else:
                self.assertTrue(record["problem"])
                self.assertIsNone(record["threads"])
        if by_name["onednn"]["status"] == "ready":
            self.assertIn("oneDNN", by_name["onednn"]["software"])
            self.assertGreaterEqual(by_name["onednn"]["threads"], 1)
        rows = read_csv(self.run_program("executors", "-f", "csv").stdout)
        self.assertEqual([r["executor"] for r in rows], [r["executor"] for r in records])
        table = self.run_program("executors").stdout
        self.assertIn("onednn", table)
        self.assertLessEqual(max(map(len, table.splitlines())), 80)

    def test_profiles_of_the_path(self):
        records = json.loads(self.run_program("profiles", "-f", "json").stdout)
        ours = [r for r in records if r["profile"] == "test-device"]
        self.assertEqual(len(ours), 1)
        self.assertEqual(ours[0]["device"], "A machine")
        self.assertEqual(ours[0]["meter"], "rapl")
        self.assertEqual(ours[0]["date"], "2024-01-02")
        self.assertEqual(ours[0]["kernels"], ["conv2d"])
        self.assertIn("test-device", self.run_program("profiles").stdout)

    def test_a_folder_of_the_path_may_hold_datasets(self):
        (self.folder / "profiles/in-a-folder").mkdir()
        self.write("profiles/in-a-folder/profile.yaml", profile.text(name="in-a-folder"))
        names = [r["profile"] for r in json.loads(
            self.run_program("profiles", "-f", "json").stdout)]
        self.assertIn("in-a-folder", names)

    def test_a_bad_profile_does_not_hide_the_others(self):
        self.write("profiles/broken.yaml", "nonsense: true\n")
        result = self.run_program("profiles", "-f", "json", code=2)
        self.assertIn("broken.yaml", result.stderr)
        self.assertIn("test-device", [r["profile"] for r in json.loads(result.stdout)])

    def test_an_empty_line_before_a_profile_is_damage(self):
        self.write("profiles/shifted.yaml", "\n" + profile.text(name="shifted"))
        result = self.run_program("profiles", "-f", "json", code=2)
        self.assertIn("digest does not match", result.stderr)


if __name__ == "__main__":
    unittest.main()
