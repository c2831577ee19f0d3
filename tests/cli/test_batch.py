# SPDX-License-Identifier: Apache-2.0
"""batch: order, bad files, and the three ways to name files."""

import os
import subprocess
import unittest

from driver import PROGRAM, TINY, Process, read_csv
from test_predict import HEAD, TOTALS


class Batch(Process):
    def make_files(self, n, bad=()):
        for i in range(n):
            text = TINY.replace("name: tiny", f"name: net{i:04d}")
            self.write(f"files/{i:04d}.yaml", "layers: [" if i in bad else text)

    def setUp(self):
        super().setUp()
        (self.folder / "files").mkdir()

    def test_names_and_order(self):
        records, _ = self.batch(self.tiny)
        self.assertEqual(list(records[0]), [*HEAD, "totals"])
        self.assertEqual(list(records[0]["totals"]), TOTALS)

    def test_same_as_predict_without_layers(self):
        document = self.predict(self.tiny, "-b", "2", "--precision", "f32")
        del document["layers"]
        self.assertEqual(self.batch(self.tiny, "-b", "2")[0], [document])

    def test_csv_is_json(self):
        record = self.batch(self.tiny)[0][0]
        flat = {**{name: record[name] for name in HEAD}, **record["totals"]}
        rows = read_csv(self.run_program("batch", "-p", "test-device", self.tiny).stdout)
        self.assertEqual(len(rows), 1)
        self.assertEqual(list(rows[0]), HEAD + TOTALS)
        for name, value in flat.items():
            if isinstance(value, str):
                self.assertEqual(rows[0][name], value)
            else:
                self.assertEqual(float(rows[0][name]), value)

    def test_order_does_not_depend_on_threads(self):
        self.make_files(300)
        expected = [f"net{i:04d}" for i in range(300)]
        outputs = set()
        for threads in ("1", "2", "7"):
            records, result = self.batch("files", "-j", threads)
            self.assertEqual([r["architecture"] for r in records], expected)
            outputs.add(result.stdout)
        self.assertEqual(len(outputs), 1)

    def test_bad_files_are_reported_and_left_out(self):
        bad = (0, 5, 17, 63)
        self.make_files(64, bad)
        for threads in ("1", "3"):
            records, result = self.batch("files", "no-such.yaml", "-j", threads, code=2)
            self.assertEqual([r["architecture"] for r in records],
                             [f"net{i:04d}" for i in range(64) if i not in bad])
            lines = result.stderr.splitlines()
            self.assertEqual(len(lines), len(bad) + 1)
            for i in bad:
                self.assertEqual(sum(f"files/{i:04d}.yaml:" in line for line in lines), 1)

    def test_folders_are_walked_in_order(self):
        for name in ("b.yaml", "a/z.yml", "a/b/c.yaml", "c/x.yaml", "a.txt", ".hidden.yaml"):
            (self.folder / "files" / name).parent.mkdir(parents=True, exist_ok=True)
            self.write("files/" + name, TINY.replace("name: tiny", f"name: {name.split('.')[0]}"))
        (self.folder / "files/c/loop").symlink_to(self.folder / "files")
        (self.folder / "files/empty").mkdir()
        records, _ = self.batch("files/", self.tiny)
        self.assertEqual([r["architecture"] for r in records],
                         ["a/b/c", "a/z", "b", "c/x", "tiny"])

    def test_list_on_standard_input(self):
        self.make_files(3)
        listed = "files/0002.yaml\n\nfiles/0000.yaml\r\nfiles/0001.yaml"
        records, _ = self.batch("-", self.tiny, stdin=listed)
        self.assertEqual([r["architecture"] for r in records],
                         ["net0002", "net0000", "net0001", "tiny"])

    def test_list_with_an_overlong_line(self):
        listed = "x" * 200000 + "\n" + self.tiny + "\n"
        records, result = self.batch("-", stdin=listed, code=2)
        self.assertEqual([r["architecture"] for r in records], ["tiny"])
        self.assertIn("a line is longer than any path", result.stderr)

    def test_a_caller_that_waits_gets_each_answer(self):
        process = subprocess.Popen([*PROGRAM, "batch", "-p", self.folder / "profiles/test-device.yaml",
                                    "-f", "jsonl", "-"],
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(3): # deadlocks, up to the suite's time limit, if an answer is held back
            process.stdin.write(self.tiny + "\n")
            process.stdin.flush()
            self.assertIn('"tiny"', process.stdout.readline())
        process.stdin.close()
        self.assertEqual(process.wait(), 0)
        process.stdout.close()

    def test_nothing_is_no_error(self):
        self.assertEqual(self.batch("files")[0], [])
        text = self.run_program("batch", "-p", "test-device", "files").stdout
        self.assertEqual(text.count("\n"), 1)

    @unittest.skipIf(os.geteuid() == 0, "root may read everything")
    def test_unreadable_folder_is_reported(self):
        (self.folder / "files").chmod(0)
        self.addCleanup((self.folder / "files").chmod, 0o700)
        records, result = self.batch("files", self.tiny, code=2)
        self.assertEqual(len(records), 1)
        self.assertIn("files: Permission denied", result.stderr)

    def test_more_threads_than_files(self):
        self.assertEqual(len(self.batch(self.tiny, "-j", "64")[0]), 1)


if __name__ == "__main__":
    unittest.main()
