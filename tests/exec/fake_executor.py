#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""An executor that runs nothing, for tests: a pass takes a time that its sizes decide.

A kernel whose batch_size is 13 is refused, of 14 needs too much memory, of 15 ends the program, and
of 16 the program that asks for it, by a signal, as a library in that program would that crashes.
`--erratic KERNEL` lets that kernel take up to thirty times as long, in no order of its sizes.
"""

import hashlib
import json
import os
import signal
import sys
import time

ERRATIC = sys.argv[2] if sys.argv[1:2] == ["--erratic"] else None


def say(text):
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def pass_seconds(task):
    """20 microseconds, and one for every thousand elements or features."""
    if "network" in task:
        return 1e-4 * len(task["steps"])
    product = 1
    for size in task["sizes"].values():
        product *= max(1, size)
    seconds = 2e-5 + 1e-9 * min(product, 10**6)
    if task["kernel"] == ERRATIC:
        seconds *= 30 ** (hashlib.sha256(str(task["sizes"]).encode()).digest()[0] / 255)
    return seconds


def prepare(line):
    task = json.loads(line)
    batch = task["sizes"]["batch_size"] if "kernel" in task else task["batch_size"]
    if batch == 13:
        return None, "refused unlucky number"
    if batch == 14:
        return None, "memory 1 TB is needed"
    if batch == 15:
        print("out of luck", file=sys.stderr)
        sys.exit(3)
    if batch == 16:
        os.kill(os.getppid(), signal.SIGSEGV)
    return task, "ready"


def run(task, n):
    begin = time.monotonic()
    time.sleep(n * pass_seconds(task))
    return f"seconds {time.monotonic() - begin:.9f}"


def main():
    say("joulecast-executor 1 fake 1.0")
    task = None
    for line in sys.stdin:
        if line.startswith("{"):
            task, answer = prepare(line)
            say(answer)
        else:
            word, n = line.split()
            assert word == "run"
            say(run(task, int(n)))


main()
