# SPDX-License-Identifier: Apache-2.0
"""Command lines: what is accepted, what is refused, and how."""

import os
import re
import unittest

from driver import SOURCE, Process

COMMANDS = ("predict", "batch", "compare", "convert", "trace", "import", "measure", "calibrate", "validate",
            "train", "evaluate", "executors", "profiles", "meters", "ops")


class Usage(Process):
    def test_help_is_data(self):
        text = self.run_program("--help").stdout
        for command in COMMANDS:
            self.assertIn(f"\n  {command} ", text)
            self.assertIn(f"usage: joulecast {command} ",
                          self.run_program(command, "--help").stdout)
            self.assertEqual(self.run_program(command, "-h").stdout,
                             self.run_program(command, "--help").stdout)

    def test_help_fits_a_terminal(self):
        for command in COMMANDS:
            for line in self.run_program(command, "--help").stdout.splitlines():
                self.assertLessEqual(len(line), 100)

    def test_every_command_has_a_man_page_that_knows_its_options(self):
        listed = re.findall(r"^  (\w+) ", self.run_program("--help").stdout, re.MULTILINE)
        self.assertEqual(sorted(listed), sorted(COMMANDS))
        for command in listed:
            page = (SOURCE / f"docs/man/joulecast-{command}.1").read_text()
            options = re.findall(r"^  (?:-(\w), |    )--([\w-]+)",
                                 self.run_program(command, "--help").stdout, re.MULTILINE)
            self.assertGreaterEqual(len(options), 2)
            for letter, name in options:
                if name != "help":
                    self.assertRegex(page, rf"Fl ({letter or '-'} |-{name}\s)", command)

    def test_version(self):
        self.assertRegex(self.run_program("--version").stdout, r"\Ajoulecast \d+\.\d+\.\d+\n\Z")

    def test_commands(self):
        self.assert_error("needs a command", code=1)
        self.assert_error("did you mean 'predict'?", "predcit", code=1)
        self.assert_error("see joulecast --help", "frobnicate", code=1)
        self.assert_error("there is no command", "", code=1)

    def test_options(self):
        self.assert_error("did you mean 'format'?", "ops", "--fromat", "csv", code=1)
        self.assert_error("there is no option -z", "ops", "-z", code=1)
        self.assert_error("-f needs a value", "ops", "-f", code=1)
        self.assert_error("--format needs a value", "ops", "--format", code=1)
        self.assert_error("takes no value", "ops", "--help=yes", code=1)

    def test_values(self):
        for value in ("0", "-1", "1.5", "many", "", "99999999999999999999", "1 "):
            self.assert_error("must be a whole number", "predict", "-b", value, "x", code=1)
        self.assert_error("must be f32, tf32, f16, bf16 or int8", "predict", "--precision", "f8", "x",
                          code=1)
        self.assert_error("must be table, csv", "predict", "-f", "xml", "x", code=1)
        self.assert_error("must be csv or jsonl", "batch", "-f", "table", "x", code=1)
        self.assert_error("must be a whole number", "batch", "-j", "0", "x", code=1)

    def test_operands(self):
        self.assert_error("needs ARCH...", "predict", code=1)
        self.assert_error("needs PATH...", "batch", code=1)
        self.assert_error("one argument too many: 'x'", "ops", "x", code=1)

    def test_control_characters_stay_out_of_messages(self):
        result = self.assert_error("no_such?[31m?name", "predict", "-p", "no_such\x1b[31m\nname",
                                   self.tiny, code=2)
        self.assertNotIn("\x1b", result.stderr)


class Output(Process):
    def test_full_disk_is_reported(self):
        for arguments in (("ops",), ("--help",), ("--version",), ("predict", "--help"),
                          ("predict", "-p", "test-device", self.tiny),
                          ("batch", "-p", "test-device", self.tiny)):
            with open("/dev/full", "w") as full:
                self.assert_error("standard output: ", *arguments, code=2, stdout=full)

    def test_closed_pipe_is_reported(self):
        for arguments in (("ops",), ("predict", "-p", "test-device", self.tiny),
                          ("batch", "-p", "test-device", *[self.tiny] * 500)):
            reading, writing = os.pipe()
            os.close(reading)
            try:
                self.assert_error("standard output: Broken pipe", *arguments, code=2,
                                  stdout=writing)
            finally:
                os.close(writing)

    def test_file_gets_what_standard_output_would(self):
        for arguments in (("ops",), ("predict", "-p", "test-device", self.tiny),
                          ("batch", "-p", "test-device", self.tiny)):
            shown = self.run_program(*arguments).stdout
            self.assertEqual(self.run_program(*arguments, "-o", "out").stdout, "")
            self.assertEqual((self.folder / "out").read_text(), shown)
            self.assertEqual(self.run_program(*arguments, "-o", "-").stdout, shown)

    def test_failure_leaves_the_file_as_it_was(self):
        path = self.folder / "kept"
        path.write_text("before")
        self.assert_error("not a regular file", "predict", "-p", "test-device", self.tiny,
                          str(self.folder / "profiles") + "/", "-o", "kept", code=2)
        self.assertEqual(path.read_text(), "before")
        self.assertEqual(sorted(p.name for p in self.folder.iterdir()),
                         ["kept", "profiles", "tiny.yaml"])

    def test_file_permissions_follow_the_mask(self):
        before = os.umask(0o027)
        self.addCleanup(os.umask, before)
        self.run_program("ops", "-o", "out")
        self.assertEqual((self.folder / "out").stat().st_mode & 0o777, 0o640)

    def test_file_behind_a_link_is_replaced(self):
        (self.folder / "real").write_text("before")
        (self.folder / "link").symlink_to("real")
        self.run_program("ops", "-o", "link")
        self.assertTrue((self.folder / "link").is_symlink())
        self.assertIn("conv2d", (self.folder / "real").read_text())

    def test_unwritable_targets(self):
        self.assert_error("no/such/folder/x: No such file", "ops", "-o", "no/such/folder/x",
                          code=2)
        self.assert_error("profiles: Is a directory", "ops", "-o", "profiles", code=2)
        self.assert_error("/dev/full: No space left", "ops", "-o", "/dev/full", code=2)


if __name__ == "__main__":
    unittest.main()
