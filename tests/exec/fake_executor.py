#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""An executor that runs nothing, for tests: a pass takes a time that its sizes decide.

fake_executor.py [BEHAVIOUR]: what it does wrong, as the functions below say; nothing unless given.
A kernel whose batch_size is 13 is refused, of 14 needs too much memory, of 15 ends the program.
"""

import json
import os
import sys
import time

BEHAVIOUR = sys.argv[1] if len(sys.argv) > 1 else ""


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
    return 2e-5 + 1e-9 * min(product, 10**6)


def prepare(line):
    task = json.loads(line)
    batch = task["sizes"]["batch_size"] if "kernel" in task else task["batch_size"]
    if batch == 13:
        return None, "refused unlucky number"
    if batch == 14:
        return None, "memory 1 TB is needed"
    if batch == 15 or BEHAVIOUR == "dies":
        print("out of luck", file=sys.stderr)
        sys.exit(3)
    return task, "ready"


def run(task, n):
    begin = time.monotonic()
    time.sleep(n * pass_seconds(task))
    if BEHAVIOUR == "hangs":
        time.sleep(3600)
    if BEHAVIOUR == "slow":
        time.sleep(0.5)
        return "seconds 0.001"
    if BEHAVIOUR == "lies":
        return "seconds 1e9"
    if BEHAVIOUR == "nan":
        return "seconds nan"
    if BEHAVIOUR == "negative":
        return "seconds -1"
    if BEHAVIOUR == "babbles":
        return "x" * 100000
    if BEHAVIOUR == "twice":
        return "seconds 1e-5\nseconds 1e-5"
    return f"seconds {time.monotonic() - begin:.9f}"


def multiply():
    """A bomb: every process becomes two, until someone stops them. Bounded, lest a test that fails
    takes the machine with it."""
    for _ in range(13):
        try:
            os.fork()
        except OSError:
            pass
    time.sleep(3600)


def main():
    if BEHAVIOUR == "rude":
        say("good morning")
    if BEHAVIOUR == "multiplies":
        multiply()
    if BEHAVIOUR == "loud":
        print("warning: " + "y" * 300000, file=sys.stderr)
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
            if BEHAVIOUR == "unasked":
                say("by the way")


main()
