#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""CPU time of predict and batch on exported models, and of python3-onnx on the same files.

usage: onnx_models.py FOLDER, where exports are kept. JOULECAST names the program.
"""
import os
import pathlib
import resource
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
RUNS = 5
IMPORT = "import sys, onnx, onnx.shape_inference\n"
LOAD = ("for name in sys.argv[1:]:\n"
        "    onnx.shape_inference.infer_shapes(onnx.load(name, load_external_data=False))\n")


def export(folder):
    """ResNet-50 with its weights, and all classification models without theirs."""
    sys.path.insert(0, str(HERE.parent / "onnx"))
    names = subprocess.run([sys.executable, str(HERE.parent / "onnx" / "export.py"), "--list",
                            "classification"], capture_output=True, text=True, check=True
                           ).stdout.split()
    missing = [name for name in names if not (folder / f"{name}.json").exists()]
    if missing:
        print(f"exporting {len(missing)} models", file=sys.stderr)
        subprocess.run([sys.executable, str(HERE.parent / "onnx" / "export.py"), str(folder),
                        *missing], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    whole = folder / "weights"
    if not (whole / "resnet50-folded.json").exists():
        whole.mkdir(exist_ok=True)
        subprocess.run([sys.executable, str(HERE.parent / "onnx" / "export.py"), "--keep-weights",
                        str(whole), "resnet50:folded"], check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)
    return whole / "resnet50-folded.onnx", [str(folder / f"{name}.onnx") for name in names]


def cpu_s(*command):
    """The least of some runs, user and system."""
    least = float("inf")
    for _ in range(RUNS):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        least = min(least, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return least


def compare(what, ours, files, goal_s):
    theirs = (cpu_s(sys.executable, "-c", IMPORT + LOAD, *files) -
              cpu_s(sys.executable, "-c", IMPORT, *files))
    verdict = "met" if ours < goal_s else "MISSED"
    print(f"{what}: {1000 * ours:.1f} ms CPU (goal: under {1000 * goal_s:.0f} ms) {verdict}; "
          f"python3-onnx {1000 * theirs:.0f} ms, {theirs / ours:.1f} times as long")


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    resnet, files = export(folder)
    program = os.environ["JOULECAST"]
    size = resnet.stat().st_size / 1e6
    compare(f"predict resnet50.onnx ({size:.0f} MB)", cpu_s(program, "predict", str(resnet)),
            [str(resnet)], 0.02)
    compare(f"batch of {len(files)} exports of torchvision (large weights left out of the files)",
            cpu_s(program, "batch", *files), files, 1)


if __name__ == "__main__":
    main()
