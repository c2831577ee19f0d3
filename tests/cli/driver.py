# SPDX-License-Identifier: Apache-2.0
"""Runs the program as a process of its own, so that leaks are seen under a sanitizer or valgrind.

A test is a unittest.TestCase over Process. Every run of the program must end with the exit code
that is expected and, where that is 0, with nothing but progress on stderr.
"""

import csv
import io
import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import unittest

import profile

SOURCE = pathlib.Path(__file__).resolve().parents[2]
# JOULECAST_WRAPPER: a command that the program is run under, such as valgrind.
PROGRAM = shlex.split(os.environ.get("JOULECAST_WRAPPER", "")) + [os.environ["JOULECAST"]]
# What takes long says how far it is, and under a sanitizer all does. What measures says how much of
# this machine its host gave to others, which no test can help.
PROGRESS = re.compile(r"joulecast: (\w+: \d+ %|the hypervisor gave \d).*\n")

TINY = """\
name: tiny
inputs: {image: [3, 32, 32]}
layers:
  - conv2d: {out_channels: 8, kernel_size: 3, padding: 1}
  - relu:
  - flatten:
  - linear: {out_features: 10}
"""


def python_with(*modules):
    """A Python that has these; Debian's is not always the first. None where there is none."""
    for python in (sys.executable, "/usr/bin/python3"):
        if shutil.which(python) and subprocess.run(
                [python, "-c", "import " + ", ".join(modules)], capture_output=True,
                check=False).returncode == 0:
            return python
    return None


class Process(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        holder = tempfile.TemporaryDirectory()
        self.addCleanup(holder.cleanup)
        self.folder = pathlib.Path(holder.name)
        (self.folder / "profiles").mkdir()
        self.write("profiles/test-device.yaml", profile.text())
        self.tiny = self.write("tiny.yaml", TINY)

    def write(self, name, text):
        path = self.folder / name
        path.write_text(text)
        return str(path)

    def run_program(self, *arguments, code=0, warns=False, stdin="", stdout=subprocess.PIPE, environment=None):
        """The finished process; fails the test where the exit code is another."""
        # Half a second, and leaks of their own: NVIDIA's libraries are not opened.
        variables = {**os.environ, "JOULECAST_PROFILE_PATH": str(self.folder / "profiles"),
                     "JOULECAST_CUDNN_MODULE": "none", "LC_ALL": "C", **(environment or {})}
        result = subprocess.run([*PROGRAM, *arguments], input=stdin, stdout=stdout,
                                stderr=subprocess.PIPE, text=True, errors="surrogateescape",
                                env=variables, cwd=self.folder, timeout=300)
        self.assertEqual(result.returncode, code, (arguments, result.stderr))
        if code == 0 and not warns:
            self.assertEqual(PROGRESS.sub("", result.stderr), "", arguments)
        return result

    def assert_error(self, expected, *arguments, code, **more):
        """The run fails with one line on stderr that has the text, and prints nothing."""
        result = self.run_program(*arguments, code=code, **more)
        self.assertIn(expected, result.stderr)
        self.assertEqual(result.stderr.count("\n"), 1, result.stderr)
        self.assertTrue(result.stderr.startswith("joulecast"), result.stderr)
        if result.stdout is not None:
            self.assertEqual(result.stdout, "")
        return result

    def predict(self, *arguments, **more):
        """The JSON of predict with the test's profile."""
        return json.loads(self.run_program("predict", "-p", "test-device", "-f", "json",
                                           *arguments, **more).stdout)

    def batch(self, *arguments, **more):
        """The records of batch, and the finished process."""
        result = self.run_program("batch", "-p", "test-device", "-f", "jsonl", *arguments, **more)
        return [json.loads(line) for line in result.stdout.splitlines()], result


def read_csv(text):
    return list(csv.DictReader(io.StringIO(text), strict=True))
