#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the seeds of the fuzz corpus: seeds.py FOLDER. Small networks with many operators. Those
called bred-* were bred from them by libFuzzer in an hour, and reach what they alone do not."""

import pathlib
import sys

from proto import FLOAT, INT64, UINT8, INT8, model, node, tensor, value

X = [value("x", [1, 4, 8, 8])]
Y = [value("y", [1])]


def ints(name, *values):
    return tensor(name, [len(values)], INT64, list(values))


def number(name, v):
    return tensor(name, [], FLOAT, [v])


SEEDS = {
    "convolutions": model(
        [node("Conv", ["x", "w", "b"], ["a"], pads=[1, 1, 1, 1], kernel_shape=[3, 3]),
         node("BatchNormalization", ["a", "b", "b", "b", "b"], ["n"]), node("Relu", ["n"], ["r"]),
         node("MaxPool", ["r"], ["m"], kernel_shape=[2, 2], strides=[2, 2]),
         node("ConvTranspose", ["m", "t"], ["u"], strides=[2, 2]),
         node("GlobalAveragePool", ["u"], ["g"]), node("Flatten", ["g"], ["f"]),
         node("Gemm", ["f", "v"], ["y"], transB=1)],
        X, Y, [tensor("w", [6, 4, 3, 3]), tensor("b", [6]), tensor("t", [6, 4, 2, 2]),
               tensor("v", [5, 4])]),
    "shapes": model(
        [node("Shape", ["x"], ["s"]), node("Gather", ["s", "i"], ["n"], axis=0),
         node("Concat", ["n", "rest"], ["target"], axis=0), node("Reshape", ["x", "target"], ["v"]),
         node("Transpose", ["v"], ["t"], perm=[0, 2, 1]), node("Slice", ["t", "i", "e"], ["c"]),
         node("Split", ["c"], ["p", "q"], axis=2), node("Unsqueeze", ["q", "i"], ["u"]),
         node("Squeeze", ["u", "i"], ["z"]), node("Expand", ["z", "e"], ["y"])],
        X, Y, [ints("i", 0), ints("rest", -1, 8), ints("e", 1)]),
    "attention": model(
        [node("Transpose", ["x"], ["k"], perm=[0, 1, 3, 2]), node("MatMul", ["x", "k"], ["s"]),
         node("Mul", ["s", "c"], ["d"]), node("Softmax", ["d"], ["p"]),
         node("MatMul", ["p", "x"], ["o"]), node("MatMul", ["o", "w"], ["m"]),
         node("Add", ["m", "b"], ["l"]), node("Sigmoid", ["l"], ["g"]), node("Mul", ["l", "g"], ["y"])],
        X, Y, [number("c", 0.5), tensor("w", [8, 8]), tensor("b", [8])]),
    "norms": model(
        [node("ReduceMean", ["x"], ["m"], axes=[-1]), node("Sub", ["x", "m"], ["d"]),
         node("Pow", ["d", "two"], ["q"]), node("ReduceMean", ["q"], ["v"], axes=[-1]),
         node("Add", ["v", "e"], ["ve"]), node("Sqrt", ["ve"], ["r"]), node("Div", ["d", "r"], ["n"]),
         node("Mul", ["n", "g"], ["a"]), node("Add", ["a", "g"], ["l"]),
         node("Div", ["l", "rt"], ["h"]), node("Erf", ["h"], ["f"]), node("Add", ["f", "one"], ["p"]),
         node("Mul", ["l", "p"], ["t"]), node("Mul", ["t", "half"], ["y"])],
        X, Y, [number("two", 2.0), number("e", 1e-5), tensor("g", [8]), number("rt", 1.41421356),
               number("one", 1.0), number("half", 0.5)]),
    "integers": model(
        [node("QuantizeLinear", ["x", "s", "z"], ["q"]),
         node("QLinearConv", ["q", "s", "z", "w", "s", "z", "s", "z"], ["c"]),
         node("DequantizeLinear", ["c", "s", "z"], ["d"]), node("Resize", ["d", "", "f"], ["r"]),
         node("Sparkle", ["r"], ["y"])],
        X, Y, [number("s", 0.1), tensor("z", [], UINT8, [0]), tensor("w", [4, 4, 3, 3], INT8),
               tensor("f", [4], FLOAT, [1.0, 1.0, 2.0, 2.0])]),
    "recurrence": model(
        [node("LSTM", ["x", "w", "r"], ["a", "h"], hidden_size=4, layout=1),
         node("Einsum", ["a", "a"], ["e"], equation="btdh,bsdh->bts"), node("Pad", ["e", "p"], ["y"])],
        [value("x", ["n", 6, 8])], Y,
        [tensor("w", [1, 16, 8]), tensor("r", [1, 16, 4]), ints("p", 0, 0, 0, 0, 1, 1)]),
    "windows": model(
        [node("Conv", ["x", "w"], ["c"], pads=[1, 1, 0, 1, 1, 0], strides=[2, 1, 1], group=2),
         node("MaxPool", ["c"], ["m"], kernel_shape=[2, 2, 2], ceil_mode=1),
         node("ConvTranspose", ["m", "t"], ["u"], strides=[2, 2, 2], output_padding=[1, 0, 0]),
         node("GlobalAveragePool", ["u"], ["y"])],
        [value("x", [1, 4, 6, 7, 8])], Y, [tensor("w", [6, 2, 3, 3, 3]), tensor("t", [6, 3, 2, 2, 2])]),
    "einsum": model(
        [node("Einsum", ["x", "x"], ["a"], equation="...ij, ...kj"),
         node("Einsum", ["a", "w"], ["b"], equation="b...k,kz->b...z"),
         node("Einsum", ["b", "w", "b"], ["c"], equation="bcik,kz,bcik->bciz"),
         node("Einsum", ["c"], ["y"], equation="bcii->bc")],
        X, Y, [tensor("w", [8, 8])]),
}

if __name__ == "__main__":
    for name, content in SEEDS.items():
        (pathlib.Path(sys.argv[1]) / name).write_bytes(content)
