# SPDX-License-Identifier: Apache-2.0
"""ONNX files: counts known by hand, batches, unknown operators, and files that mean harm."""

import json
import os
import pathlib
import resource
import sys
import time
import unittest

from driver import PROGRAM, SOURCE, Process

sys.path.insert(0, str(SOURCE / "tests" / "onnx"))
from proto import (FLOAT, INT64, INT8, UINT8, attribute, graph, model, node, number, tensor, text,
                   value, varint)

IMAGE = value("image", [1, 3, 32, 32])
SMALL = dict(
    nodes=[
        node("Conv", ["image", "w", "b"], ["a"], "first", pads=[1, 1, 1, 1], kernel_shape=[3, 3]),
        node("Relu", ["a"], ["r"]),
        node("Flatten", ["r"], ["f"]),
        node("Gemm", ["f", "w2", "b2"], ["y"], "last", transB=1),
    ],
    inputs=[IMAGE],
    outputs=[value("y", [1, 10])],
    tensors=[tensor("w", [8, 3, 3, 3]), tensor("b", [8]), tensor("w2", [10, 8192]),
             tensor("b2", [10])])
# By hand: 3 -> 8 channels, 3x3 on 32x32, bias; 8192 -> 10, bias.
SMALL_PARAMS = 8 * 3 * 9 + 8 + 8192 * 10 + 10
SMALL_MACS = 8 * 3 * 9 * 32 * 32 + 8192 * 10


class Onnx(Process):
    def put(self, content, name="net.onnx"):
        path = self.folder / name
        path.write_bytes(content)
        return str(path)

    def predict_onnx(self, content, *arguments):
        return self.predict(self.put(content), *arguments)

    def one_layer(self, nodes, dims, tensors=(), opset=13, kind=FLOAT):
        """The layers that do work of a network with one input x and one output y."""
        content = model(nodes, [value("x", dims, kind)], [value("y", [1])], tensors, opset=opset)
        document = self.predict_onnx(content)
        return [layer for layer in document["layers"] if layer["kernel"] is not None]


class Counts(Onnx):
    def test_by_hand(self):
        document = self.predict_onnx(model(**SMALL))
        self.assertEqual(document["architecture"], "net")
        self.assertEqual(document["totals"]["params"], SMALL_PARAMS)
        self.assertEqual(document["totals"]["macs"], SMALL_MACS)
        self.assertEqual([layer["name"] for layer in document["layers"] if layer["macs"]],
                         ["first", "last"])

    def test_same_as_yaml(self):
        ours = self.predict(self.tiny)["totals"]
        self.assertEqual(self.predict_onnx(model(**SMALL))["totals"], ours)

    def test_batch_of_a_fixed_and_of_an_open_axis(self):
        opened = dict(SMALL, inputs=[value("image", ["n", 3, 32, 32])])
        ours = self.predict(self.tiny, "-b", "7")["totals"]
        for content in (model(**SMALL), model(**opened)):
            self.assertEqual(self.predict_onnx(content, "-b", "7")["totals"], ours)

    def test_shared_weights_count_once(self):
        layers = self.one_layer([node("MatMul", ["x", "w"], ["a"]), node("MatMul", ["a", "w"], ["y"])],
                                [1, 8, 16], [tensor("w", [16, 16])])
        self.assertEqual([layer["params"] for layer in layers], [256, 0])
        self.assertEqual([layer["macs"] for layer in layers], [8 * 256, 8 * 256])

    def test_dead_nodes_cost_nothing(self):
        layers = self.one_layer([node("MatMul", ["x", "w"], ["lost"]), node("Relu", ["x"], ["y"])],
                                [1, 16], [tensor("w", [16, 16])])
        self.assertEqual([layer["op"] for layer in layers], ["relu"])

    def test_depthwise_strided_dilated(self):
        # (14 + 2*2 - 2*(3-1) - 1) // 2 + 1 = 7
        layers = self.one_layer(
            [node("Conv", ["x", "w"], ["y"], group=6, pads=[2, 2, 2, 2], strides=[2, 2],
                  dilations=[2, 2])], [1, 6, 14, 14], [tensor("w", [12, 1, 3, 3])])
        self.assertEqual(layers[0]["output_shape"], [1, 12, 7, 7])
        self.assertEqual(layers[0]["macs"], 12 * 9 * 49)
        self.assertEqual(layers[0]["params"], 12 * 9)

    def test_same_padding(self):
        for way in ("SAME_UPPER", "SAME_LOWER"):
            layers = self.one_layer([node("Conv", ["x", "w"], ["y"], auto_pad=way, strides=[2, 2])],
                                    [1, 3, 15, 15], [tensor("w", [4, 3, 3, 3])])
            self.assertEqual(layers[0]["output_shape"], [1, 4, 8, 8])

    def test_signal_of_one_axis(self):
        layers = self.one_layer([node("Conv", ["x", "w"], ["y"], strides=[2])], [1, 4, 101],
                                [tensor("w", [8, 4, 5])])
        self.assertEqual(layers[0]["macs"], 8 * 4 * 5 * 49)

    def test_transposed_convolution(self):
        # (7 - 1)*2 - 2*1 + 4 = 14; each weight meets each input position.
        layers = self.one_layer([node("ConvTranspose", ["x", "w"], ["y"], strides=[2, 2],
                                      pads=[1, 1, 1, 1])], [1, 8, 7, 7], [tensor("w", [8, 5, 4, 4])])
        self.assertEqual(layers[0]["output_shape"], [1, 5, 14, 14])
        self.assertEqual(layers[0]["macs"], 8 * 5 * 16 * 49)

    def test_lstm(self):
        layers = self.one_layer(
            [node("Transpose", ["x"], ["t"], perm=[1, 0, 2]),
             node("LSTM", ["t", "w", "r", "b"], ["all", "y"], hidden_size=16)], [1, 20, 8],
            [tensor("w", [1, 64, 8]), tensor("r", [1, 64, 16]), tensor("b", [1, 128])])
        lstm = [layer for layer in layers if layer["op"] == "lstm"][0]
        self.assertEqual(lstm["params"], 64 * 8 + 64 * 16 + 128)
        self.assertEqual(lstm["macs"], 20 * (64 * 8 + 64 * 16))

    def test_resize_of_some_axes_and_with_one_scale(self):
        # 20 x 30 into 50 x 60: twice as large is 40 x 60, 2.5 times as large 50 x 75.
        for policy, size in ((None, [50, 60]), ("stretch", [50, 60]), ("not_larger", [40, 60]),
                             ("not_smaller", [50, 75])):
            more = {} if policy is None else {"keep_aspect_ratio_policy": policy}
            layers = self.one_layer(
                [node("Resize", ["x", "", "", "sizes"], ["y"], axes=[2, -1], **more)],
                [1, 3, 20, 30], [tensor("sizes", [2], INT64, [50, 60])], opset=18)
            self.assertEqual(layers[0]["output_shape"], [1, 3, *size])
            self.assertEqual(layers[0]["op"], "upsample")

    def test_quantising_alone_moves_what_it_passes_over(self):
        step = [tensor("s", [], FLOAT, [0.1]), tensor("z", [], UINT8, [0])]
        layers = self.one_layer([node("QuantizeLinear", ["x", "s", "z"], ["q"]),
                                 node("DequantizeLinear", ["q", "s", "z"], ["y"])], [1, 4, 8], step)
        self.assertEqual([(layer["kernel"], layer["output_shape"]) for layer in layers],
                         [("copy", [1, 4, 8])] * 2)
        layers = self.one_layer([node("DynamicQuantizeLinear", ["x"], ["y", "s", "z"])], [1, 4, 8])
        self.assertEqual([layer["kernel"] for layer in layers], ["copy"])

    def test_quantising_between_kernels_of_integers_is_part_of_them(self):
        tensors = [tensor("s", [], FLOAT, [0.1]), tensor("z", [], UINT8, [0]),
                   tensor("w", [16, 16], INT8), tensor("sw", [], FLOAT, [0.1]),
                   tensor("zw", [], INT8, [0])]
        nodes = [node("QuantizeLinear", ["x", "s", "z"], ["q0"])]
        for i in range(2):
            nodes += [node("DequantizeLinear", [f"q{i}", "s", "z"], [f"d{i}"]),
                      node("DequantizeLinear", ["w", "sw", "zw"], [f"w{i}"]),
                      node("MatMul", [f"d{i}", f"w{i}"], [f"p{i}"]),
                      node("QuantizeLinear", [f"p{i}", "s", "z"], [f"q{i + 1}"])]
        nodes += [node("DequantizeLinear", ["q2", "s", "z"], ["y"])]
        layers = self.one_layer(nodes, [1, 8, 16], tensors)
        self.assertEqual([layer["kernel"] for layer in layers], ["copy", "linear", "linear", "copy"])

    def test_einsum(self):
        layers = self.one_layer([node("Einsum", ["x", "x"], ["y"], equation="bhid,bhjd->bhij")],
                                [1, 4, 10, 8])
        self.assertEqual(layers[0]["macs"], 4 * 10 * 10 * 8)
        layers = self.one_layer([node("Einsum", ["x", "w"], ["y"], equation="bid,dhe->bihe")],
                                [1, 10, 8], [tensor("w", [8, 2, 3])])
        self.assertEqual((layers[0]["op"], layers[0]["macs"]), ("linear", 10 * 8 * 6))
        self.assertEqual(layers[0]["params"], 48)

    def test_einsum_of_dots_and_without_an_arrow(self):
        # The same product, of 4 heads of 10 by 8: rows, columns and the sum of 8 for each.
        for equation in ("bhid,bhjd->bhij", "...id,...jd->...ij", "b...id, b...jd -> b...ij"):
            layers = self.one_layer([node("Einsum", ["x", "x"], ["y"], equation=equation)], [1, 4, 10, 8])
            self.assertEqual([(layer["op"], layer["macs"], layer["output_shape"]) for layer in layers],
                             [("matmul", 4 * 10 * 10 * 8, [1, 4, 10, 10])])
        # What occurs once, in the order of the alphabet: b, i and j.
        for equation in ("bik,kj", "bik,kj->bij", "...k,kj", "...ik,kj->...ij"):
            layers = self.one_layer([node("Einsum", ["x", "w"], ["y"], equation=equation)], [1, 10, 8],
                                    [tensor("w", [8, 6])])
            self.assertEqual([(layer["op"], layer["macs"], layer["params"], layer["output_shape"])
                              for layer in layers], [("linear", 10 * 8 * 6, 48, [1, 10, 6])])

    def test_einsum_in_other_forms_is_named(self):
        x = [value("x", [1, 10, 8])]
        for equation, tensors, shape in (
                ("bij->bji", [], [1, 8, 10]), ("bij->b", [], [1]), ("...ij->...j", [], [1, 8]),
                ("bij,jk,kl->bil", [tensor("w0", [8, 6]), tensor("w1", [6, 7])], [1, 10, 7])):
            with self.subTest(equation):
                names = ["x"] + [f"w{i}" for i in range(len(tensors))]
                found, words = self.named([node("Einsum", names, ["c"], equation=equation)], x, tensors)
                self.assertEqual(found, shape)
                self.assertIn("Einsum (1)", words)
        found, _ = self.named([node("Einsum", ["x"], ["c"], equation="bii->bi")], [value("x", [1, 8, 8])])
        self.assertEqual(found, [1, 8])

    def test_wrong_einsum(self):
        for equation in ("bij", "bij,jk->bii", "bij,jk->bz", "bij,k->b", "bij,jk,kl->b", "bij,kj->bk", "b.j,jk",
                         "b..ij,jk", "bij,jk->b?", "", ",", "->", "bij,jk->" + "k" * 300):
            with self.subTest(equation):
                content = model([node("Einsum", ["x", "w"], ["y"], "sum", equation=equation)],
                                [value("x", [1, 10, 8])], [value("y", [1])], [tensor("w", [8, 6])])
                result = self.run_program("predict", self.put(content), code=2)
                self.assertIn("Einsum 'sum'", result.stderr)

    def test_integers_run_in_8_bits(self):
        small = [tensor("s", [], FLOAT, [0.1]), tensor("z", [], UINT8, [0])]
        content = model(
            [node("QuantizeLinear", ["x", "s", "z"], ["q"]),
             node("QLinearConv", ["q", "s", "z", "w", "s", "z", "s", "z"], ["c"]),
             node("DequantizeLinear", ["c", "s", "z"], ["y"])],
            [value("x", [1, 3, 8, 8])], [value("y", [1])], [*small, tensor("w", [4, 3, 3, 3], INT8)])
        totals = self.predict_onnx(content)["totals"]
        self.assertEqual(totals["macs"], 4 * 3 * 9 * 36)
        self.assertEqual(totals["params"], 4 * 3 * 9)

    def test_windows_of_a_wanted_size(self):
        # 8 cells, 2 apart, under a window of 4: 18, less the padding that 17 leave.
        layers = self.one_layer(
            [node("ConvTranspose", ["x", "w"], ["y"], strides=[2, 2], output_shape=[17, 16])],
            [1, 3, 8, 8], [tensor("w", [3, 5, 4, 4])])
        self.assertEqual(layers[0]["output_shape"], [1, 5, 17, 16])
        self.assert_error("exceeds 18", "predict", "-p", "test-device", self.put(model(
            [node("ConvTranspose", ["x", "w"], ["y"], strides=[2, 2], output_shape=[19, 18])],
            [value("x", [1, 3, 8, 8])], [value("y", [1])], [tensor("w", [3, 5, 4, 4])])), code=2)

    def named(self, nodes, inputs, tensors=(), opset=19):
        """The one layer that no operator describes, which stderr names, and what comes after it."""
        content = model([*nodes, node("Relu", ["c"], ["y"])], inputs, [value("y", [1])], tensors, opset=opset)
        result = self.run_program("predict", "-p", "test-device", "-f", "json", self.put(content), warns=True)
        layers = json.loads(result.stdout)["layers"]
        others = [layer for layer in layers if layer["op"] == "other"]
        self.assertEqual([layer["status"] for layer in others], ["fallback"])
        self.assertIn("not known", result.stderr)
        self.assertEqual(layers[-1]["output_shape"], others[0]["output_shape"])
        return others[0]["output_shape"], result.stderr

    def test_averages_of_cells_apart_are_named(self):
        shape, words = self.named([node("AveragePool", ["x"], ["c"], kernel_shape=[3, 3], dilations=[2, 2])],
                                  [value("x", [1, 3, 8, 8])])
        self.assertIn("AveragePool (1)", words)
        self.assertEqual(shape, [1, 3, 4, 4])  # 8 cells under a window of 5

    def test_windows_of_three_axes_are_named(self):
        x = [value("x", [1, 4, 8, 9, 10])]
        for name, more, weight, shape in (
                # (8 + 1 + 1 - 3) // 2 + 1, 9 + 1 + 1 - 3 + 1 and 10 - 5 + 1 cells.
                ("Conv", dict(pads=[1, 1, 0, 1, 1, 0], strides=[2, 1, 1], dilations=[1, 1, 2]), [6, 4, 3, 3, 3],
                 [6, 4, 9, 6]),
                ("Conv", dict(group=2, auto_pad="SAME_UPPER", strides=[2, 2, 3]), [6, 2, 3, 3, 3], [6, 4, 5, 4]),
                # (8 - 1) * 2 + 2 and so on, with one more along the last axis.
                ("ConvTranspose", dict(strides=[2, 2, 2], output_padding=[0, 0, 1]), [4, 6, 2, 2, 2],
                 [6, 16, 18, 21]),
                ("ConvTranspose", dict(strides=[2, 2, 2], output_shape=[15, 17, 20]), [4, 6, 2, 2, 2],
                 [6, 15, 17, 20]),
                ("MaxPool", dict(kernel_shape=[2, 2, 3], strides=[2, 2, 3]), None, [4, 4, 4, 3]),
                # Windows of 2 at 0, 2, .. 8, of 3 at 0, 3, .. 9: the last ones hang over.
                ("AveragePool", dict(kernel_shape=[2, 2, 3], strides=[2, 2, 3], ceil_mode=1), None,
                 [4, 4, 5, 4])):
            with self.subTest(name, **more):
                names, tensors = (["x"], []) if weight is None else (["x", "w"], [tensor("w", weight)])
                found, words = self.named([node(name, names, ["c"], **more)], x, tensors)
                self.assertEqual(found, [1, *shape])
                self.assertIn(f"{name} (1)", words)

    def test_means_of_three_axes(self):
        for name in ("GlobalAveragePool", "GlobalMaxPool"):
            layers = self.one_layer([node(name, ["x"], ["y"])], [1, 4, 8, 9, 10])
            self.assertEqual([(layer["op"], layer["output_shape"]) for layer in layers],
                             [("reduce", [1, 4, 1, 1, 1])])

    def test_computed_weights_are_named(self):
        shape, words = self.named([node("Tanh", ["v"], ["w"]), node("Conv", ["x", "w"], ["c"], pads=[1, 1, 1, 1])],
                                  [value("x", [1, 4, 8, 8]), value("v", [6, 4, 3, 3])])
        self.assertIn("Conv (1)", words)
        self.assertEqual(shape, [1, 6, 8, 8])

    def test_signal_of_one_axis_is_pooled(self):
        # 100 cells; windows of 2, 2 apart: 50; windows of 3: 48; then all of them.
        layers = self.one_layer([node("MaxPool", ["x"], ["a"], kernel_shape=[2], strides=[2]),
                                 node("AveragePool", ["a"], ["b"], kernel_shape=[3]),
                                 node("GlobalAveragePool", ["b"], ["y"])], [1, 4, 100])
        self.assertEqual([(layer["op"], layer["output_shape"]) for layer in layers],
                         [("max_pool2d", [1, 4, 1, 50]), ("avg_pool2d", [1, 4, 1, 48]),
                          ("global_avg_pool2d", [1, 4, 1, 1])])

    def test_scales_that_inputs_decide(self):
        # What dynamic quantization exports: the scale, and its product with that of the weights, are one
        # number for all samples, and multiply what comes out.
        nodes = [node("DynamicQuantizeLinear", ["x"], ["q", "scale", "zero"]),
                 node("MatMulInteger", ["q", "w", "zero", "wz"], ["c"]),
                 node("Cast", ["c"], ["f"], to=FLOAT), node("Mul", ["scale", "ws"], ["m"]),
                 node("Mul", ["f", "m"], ["y"])]
        layers = self.one_layer(nodes, [1, 16, 32], [tensor("w", [32, 8], INT8), tensor("wz", [], INT8, [0]),
                                                     tensor("ws", [8], FLOAT, [0.1] * 8)])
        self.assertEqual([(layer["macs"], layer["output_shape"]) for layer in layers if layer["macs"]],
                         [(16 * 32 * 8, [1, 16, 8])])
        self.assertEqual(layers[-1]["output_shape"], [1, 16, 8])

    def test_shape_arithmetic_is_folded(self):
        # What torch leaves of x.view(x.shape[0], -1, 4): Shape, Gather, Unsqueeze, Concat, Reshape.
        ints = [tensor("zero", [], INT64, [0]), tensor("axes", [1], INT64, [0]),
                tensor("rest", [2], INT64, [-1, 4])]
        nodes = [node("Shape", ["x"], ["s"]), node("Gather", ["s", "zero"], ["n"], axis=0),
                 node("Unsqueeze", ["n", "axes"], ["u"]),
                 node("Concat", ["u", "rest"], ["target"], axis=0),
                 node("Reshape", ["x", "target"], ["v"]), node("MatMul", ["v", "w"], ["y"])]
        layers = self.one_layer(nodes, [1, 6, 8], [*ints, tensor("w", [4, 2])])
        self.assertEqual([(layer["op"], layer["macs"]) for layer in layers], [("linear", 12 * 4 * 2)])


class Inputs(Onnx):
    """--input: sizes that a file leaves open."""

    def open_image(self):
        opened = dict(SMALL, inputs=[value("image", ["n", 3, "height", "width"])])
        return self.put(model(**opened))

    def test_sizes_of_one_input(self):
        path = self.open_image()
        ours = self.predict(self.tiny)["totals"]
        self.assertEqual(self.predict(path, "--input", "image=1,3,32,32")["totals"], ours)

    def test_batch_is_that_of_the_input_unless_said(self):
        path = self.open_image()
        five = self.predict(self.tiny, "-b", "5")["totals"]
        self.assertEqual(self.predict(path, "--input", "image=5,3,32,32")["totals"], five)
        self.assertEqual(self.predict(path, "--input", "image=1,3,32,32", "-b", "5")["totals"], five)
        self.assertEqual(self.predict(path, "--input", "image=2,3,32,32", "-b", "5")["totals"], five)
        fixed = self.put(model(**SMALL), "fixed.onnx")
        self.assertEqual(self.predict(fixed, "--input", "image=5,3,32,32")["totals"], five)

    def test_a_name_that_two_inputs_share(self):
        content = model([node("Add", ["a", "b"], ["s"]), node("MatMul", ["s", "w"], ["y"])],
                        [value("a", ["n", "length", 8]), value("b", ["n", "length", 8])],
                        [value("y", [1])], [tensor("w", [8, 16])])
        layers = self.predict_onnx(content, "--input", "a=1,20,8")["layers"]
        self.assertEqual(layers[-1]["macs"], 20 * 8 * 16)
        result = self.run_program("predict", self.put(content), "--input", "c=1,20,8", code=2)
        self.assertIn("input 'a'", result.stderr)

    def test_time_before_batch(self):
        # [length, batch, features], as PyTorch's LSTM has it by default.
        path = self.put(model([node("LSTM", ["x", "w", "r"], ["y"], hidden_size=4)],
                              [value("x", ["length", "n", 8])], [value("y", [1])],
                              [tensor("w", [1, 16, 8]), tensor("r", [1, 16, 4])]))
        one = 20 * 16 * (8 + 4)
        for sizes, batch in (("20,1,8", []), ("20,3,8", []), ("20,1,8", ["-b", "3"])):
            document = self.predict(path, "--strict", "--input", "x=" + sizes, *batch)
            n = 3 if batch or "3" in sizes else 1
            self.assertEqual(document["batch_size"], n)
            self.assertEqual(document["totals"]["macs"], n * one)

    def test_contradictions(self):
        path = self.put(model(**SMALL))
        self.assertIn("size 32 in the file", self.run_program(
            "predict", path, "--input", "image=1,3,33,32", code=2).stderr)
        self.assertIn("4 sizes", self.run_program(
            "predict", path, "--input", "image=1,3,32", code=2).stderr)

    def test_wrong_words(self):
        for wrong in ("image", "=1,3", "image=", "image=1,,3", "image=1,x", "image=0,3", "image=1,-3",
                      "image=1,2,3,4,5,6,7", "image=1,99999999999"):
            with self.subTest(wrong):
                self.assertIn("image=1,3,224,224", self.run_program(
                    "predict", self.tiny, "--input", wrong, code=1).stderr)

    def test_yaml_at_another_size(self):
        small = self.predict("resnet18", "--input", "image=1,3,112,112")
        whole = self.predict("resnet18")
        conv = [document["layers"][0] for document in (small, whole)]
        self.assertEqual(conv[0]["output_shape"], [1, 64, 56, 56])
        self.assertEqual(4 * conv[0]["macs"], conv[1]["macs"])
        self.assertEqual(small["totals"]["params"], whole["totals"]["params"])

    def test_a_name_that_nobody_has(self):
        result = self.run_program("predict", "-p", "test-device", self.tiny, "--input", "imgae=1,3,32,32",
                                  warns=True)
        self.assertIn("no input that --input names; it has image", result.stderr)

    def test_everywhere(self):
        path = self.open_image()
        says = ["--input", "image=1,3,32,32"]
        batch = self.run_program("batch", "-p", "test-device", "-f", "jsonl", *says, path).stdout
        self.assertEqual(json.loads(batch)["totals"]["macs"], SMALL_MACS)
        compared = json.loads(self.run_program("compare", "-p", "test-device", "-f", "json", *says,
                                               self.tiny, path).stdout)
        self.assertEqual([row["macs"] for row in compared], [SMALL_MACS] * 2)
        out = str(self.folder / "open.yaml")
        self.run_program("convert", *says, path, "-o", out)
        self.assertEqual(self.predict(out)["totals"], self.predict(self.tiny)["totals"])


class Unknown(Onnx):
    NODES = [node("Relu", ["x"], ["r"]), node("Sparkle", ["r"], ["y"], "s", domain="my.own")]

    def content(self):
        return model(self.NODES, [value("x", [1, 16])], [value("y", [1, 4])])

    def test_is_named_and_counted(self):
        path = self.put(self.content())
        result = self.run_program("predict", "-p", "test-device", "-f", "json", path, warns=True)
        document = json.loads(result.stdout)
        self.assertIn("Sparkle", result.stderr)
        self.assertEqual(document["layers"][-1]["op"], "other")
        self.assertEqual(document["layers"][-1]["output_shape"], [1, 4])
        self.assertEqual(document["layers"][-1]["status"], "fallback")

    def test_strict_refuses(self):
        result = self.run_program("predict", "--strict", self.put(self.content()), code=2)
        self.assertIn("Sparkle", result.stderr)

    def test_control_flow_is_refused(self):
        branch = text(1, "then_branch") + text(6, graph([node("Relu", ["x"], ["y"])], [], []))
        content = model([node("If", ["x"], ["y"]) + text(5, branch)], [value("x", [1, 16])],
                        [value("y", [1])])
        result = self.run_program("predict", self.put(content), code=2)
        self.assertIn("control flow", result.stderr)


class Convert(Onnx):
    def check(self, path, warns=False):
        out = str(self.folder / "converted.yaml")
        self.run_program("convert", path, "-o", out, warns=warns)
        totals = [json.loads(self.run_program("predict", "-p", "test-device", "-b", "3", "-f",
                                              "json", name, warns=warns).stdout)["totals"]
                  for name in (path, out)]
        self.assertEqual(*totals)

    def test_same_totals(self):
        self.check(self.put(model(**SMALL)))
        text = (self.folder / "converted.yaml").read_text()
        self.assertIn("out_channels: 8", text)

    def test_names_are_kept(self):
        path = self.put(model(**SMALL))
        self.check(path)
        layers = self.predict(str(self.folder / "converted.yaml"))["layers"]
        self.assertEqual([layer["name"] for layer in layers if layer["macs"]], ["first", "last"])

    def test_shared_weights(self):
        self.check(self.put(model(
            [node("MatMul", ["x", "w"], ["a"]), node("MatMul", ["a", "w"], ["b"]),
             node("Add", ["a", "b"], ["y"])], [value("x", [1, 8, 16])], [value("y", [1])],
            [tensor("w", [16, 16])])))

    def test_what_repeats_itself_is_a_block(self):
        nodes, last = [], "x"
        for i in range(5):
            nodes += [node("MatMul", [last, f"w{i}"], [f"a{i}"]), node("Relu", [f"a{i}"], [f"r{i}"]),
                      node("MatMul", [f"r{i}", f"v{i}"], [f"b{i}"]),
                      node("Add", [f"b{i}", last], [f"s{i}"])]
            last = f"s{i}"
        nodes += [node("Add", [last, "s0"], ["y"])]  # the first one is read elsewhere
        tensors = [tensor(f"{name}{i}", shape) for i in range(5)
                   for name, shape in (("w", [16, 64]), ("v", [64, 16]))]
        self.check(self.put(model([node("Tanh", ["z"], ["x"]), *nodes], [value("z", [1, 8, 16])],
                                  [value("y", [1])], tensors)))
        text = (self.folder / "converted.yaml").read_text()
        self.assertIn("repeat: 4", text)
        self.assertEqual(text.count("linear:"), 4, text)

    def test_names_that_blocks_have(self):
        nodes = [node("Relu", ["x"], ["a"], "input"), node("Tanh", ["x"], ["b"], "repeated_1"),
                 node("Add", ["a", "b"], ["c"], "add"), node("Add", ["c", "a"], ["s0"])]
        for i in range(4):
            nodes += [node("Relu", [f"s{i}"], [f"t{i}"], f"repeated_{i}"),
                      node("Tanh", [f"t{i}"], [f"u{i}"]), node("Add", [f"s{i}", f"u{i}"], [f"s{i + 1}"])]
        self.check(self.put(model(nodes, [value("x", [1, 16])], [value("s4", [1])])))
        self.assertIn("repeat: 4", (self.folder / "converted.yaml").read_text())

    def test_several_inputs(self):
        self.check(self.put(model(
            [node("Relu", ["b"], ["r"]), node("Add", ["a", "r"], ["y"])],
            [value("a", [1, 16]), value("b", [1, 16])], [value("y", [1])])))

    def test_seeds(self):
        for seed in sorted((SOURCE / "tests" / "fuzz" / "corpus" / "onnx").glob("[!b]*")):
            with self.subTest(seed.name):
                self.check(self.put(seed.read_bytes()), warns=True)


HALF, ONE, THREE, SIX = (tensor(name, [], FLOAT, [number]) for name, number in
                         (("half", 0.5), ("one", 1.0), ("three", 3.0), ("six", 6.0)))


class Patterns(Onnx):
    """What an exporter writes as several nodes is the kernel that the single operator is."""

    def assert_same(self, dims, decomposed, single, tensors=(), opset=20):
        def totals_and_layers(nodes):
            content = model(nodes, [value("x", dims)], [value("y", [1])], tensors, opset=opset)
            document = self.predict_onnx(content)
            work = [(layer["op"], layer["kernel"], layer["params"], layer["runtime_s"])
                    for layer in document["layers"] if layer["kernel"] is not None]
            return document["totals"], work
        whole = totals_and_layers(single)
        self.assertEqual(len(whole[1]), 1)
        self.assertEqual(totals_and_layers(decomposed), whole)

    def test_gelu_of_the_error_function(self):
        root = tensor("root", [], FLOAT, [2 ** 0.5])
        first = [node("Div", ["x", "root"], ["a"]), node("Erf", ["a"], ["e"]),
                 node("Add", ["e", "one"], ["s"])]
        for last in ([node("Mul", ["x", "s"], ["p"]), node("Mul", ["p", "half"], ["y"])],
                     [node("Mul", ["s", "half"], ["p"]), node("Mul", ["x", "p"], ["y"])],
                     [node("Mul", ["x", "half"], ["p"]), node("Mul", ["p", "s"], ["y"])]):
            self.assert_same([1, 8, 16], first + last, [node("Gelu", ["x"], ["y"])],
                             [root, HALF, ONE])

    def test_gelu_of_the_hyperbolic_tangent(self):
        tensors = [tensor("k", [], FLOAT, [0.044715]), tensor("r", [], FLOAT, [0.7978845608]),
                   HALF, ONE, THREE]
        last = [node("Mul", ["c", "k"], ["kc"]), node("Add", ["x", "kc"], ["s"]),
                node("Mul", ["s", "r"], ["t"]), node("Tanh", ["t"], ["h"]),
                node("Add", ["h", "one"], ["o"]), node("Mul", ["x", "half"], ["hx"]),
                node("Mul", ["hx", "o"], ["y"])]
        for cube in ([node("Pow", ["x", "three"], ["c"])],
                     [node("Mul", ["x", "x"], ["q"]), node("Mul", ["q", "x"], ["c"])],
                     [node("Mul", ["x", "x"], ["q"]), node("Mul", ["x", "q"], ["c"])]):
            self.assert_same([1, 8, 16], cube + last,
                             [node("Gelu", ["x"], ["y"], approximate="tanh")], tensors)

    def test_what_is_no_gelu_is_none(self):
        # 0.6 instead of 0.5, and a square instead of a cube.
        tensors = [tensor("root", [], FLOAT, [2 ** 0.5]), tensor("half", [], FLOAT, [0.6]), ONE]
        layers = self.one_layer(
            [node("Div", ["x", "root"], ["a"]), node("Erf", ["a"], ["e"]),
             node("Add", ["e", "one"], ["s"]), node("Mul", ["x", "s"], ["p"]),
             node("Mul", ["p", "half"], ["y"])], [1, 8], tensors)
        self.assertNotIn("gelu", [layer["op"] for layer in layers])
        self.assertEqual(len(layers), 5)

    def test_hardswish(self):
        zero = tensor("zero", [], FLOAT, [0.0])
        sixth = tensor("sixth", [], FLOAT, [1 / 6])
        first = [node("Add", ["x", "three"], ["a"]), node("Clip", ["a", "zero", "six"], ["c"])]
        for last in ([node("Mul", ["x", "c"], ["p"]), node("Div", ["p", "six"], ["y"])],
                     [node("Mul", ["c", "x"], ["p"]), node("Mul", ["p", "sixth"], ["y"])],
                     [node("Div", ["c", "six"], ["p"]), node("Mul", ["p", "x"], ["y"])]):
            self.assert_same([1, 8, 16], first + last, [node("HardSwish", ["x"], ["y"])],
                             [zero, THREE, SIX, sixth])
        old = [node("Add", ["x", "three"], ["a"]), node("Clip", ["a"], ["c"], min=0.0, max=6.0),
               node("Mul", ["x", "c"], ["p"]), node("Div", ["p", "six"], ["y"])]
        layers = self.one_layer(old, [1, 8], [THREE, SIX], opset=10)
        self.assertEqual([layer["op"] for layer in layers], ["hardswish"])

    def test_layer_norm(self):
        tensors = [tensor("two", [], FLOAT, [2.0]), tensor("eps", [], FLOAT, [1e-5]),
                   tensor("g", [16]), tensor("b", [16])]
        for axis in (-1, 2):
            first = [node("ReduceMean", ["x"], ["m"], axes=[axis]), node("Sub", ["x", "m"], ["d"]),
                     node("Pow", ["d", "two"], ["q"]), node("ReduceMean", ["q"], ["v"], axes=[axis]),
                     node("Add", ["v", "eps"], ["e"]), node("Sqrt", ["e"], ["r"])]
            last = [node("Mul", ["n", "g"], ["p"]), node("Add", ["p", "b"], ["y"])]
            for scaled in ([node("Div", ["d", "r"], ["n"])],
                           [node("Reciprocal", ["r"], ["i"]), node("Mul", ["d", "i"], ["n"])],
                           [node("Reciprocal", ["r"], ["i"]), node("Mul", ["i", "d"], ["n"])]):
                self.assert_same([1, 8, 16], first + scaled + last,
                                 [node("LayerNormalization", ["x", "g", "b"], ["y"], axis=-1)],
                                 tensors, opset=17)
        # Within a network whose shapes the file does not tell.
        nodes = [node("MatMul", ["x", "w"], ["h"]), node("ReduceMean", ["h"], ["m"], axes=[2]),
                 node("Sub", ["h", "m"], ["d"]), node("Mul", ["d", "d"], ["q"]),
                 node("ReduceMean", ["q"], ["v"], axes=[2]), node("Add", ["v", "eps"], ["e"]),
                 node("Sqrt", ["e"], ["r"]), node("Div", ["d", "r"], ["y"])]
        layers = self.one_layer(nodes, [1, 8, 4], [*tensors, tensor("w", [4, 16])])
        self.assertEqual([layer["op"] for layer in layers], ["linear", "layer_norm"])
        ids = [node("Gather", ["table", "x"], ["g"]), node("Add", ["g", "places"], ["h"]), *nodes[1:]]
        layers = self.one_layer(ids, [1, 8], [tensor("eps", [], FLOAT, [1e-5]), tensor("table", [50, 16]),
                                              tensor("places", [8, 16])], kind=INT64)
        self.assertEqual([layer["op"] for layer in layers][-1], "layer_norm")
        # A sum that broadcasts has more axes than its first operand: no norm over the second of three.
        wide = [node("Relu", ["x"], ["a"]), node("Add", ["a", "wide"], ["h"]),
                *[node("ReduceMean", [of], [to], axes=[1]) for of, to in (("h", "m"), ("q", "v"))], *nodes[2:4],
                *nodes[5:]]
        content = model(wide, [value("x", [1, 16])], [value("y", [1])], [*tensors, tensor("wide", [4, 1, 16])])
        result = self.run_program("predict", "-p", "test-device", "-f", "json", self.put(content), warns=True)
        self.assertNotIn("layer_norm", [layer["op"] for layer in json.loads(result.stdout)["layers"]])
        # A cube is no square.
        cube = [node("ReduceMean", ["x"], ["m"], axes=[-1]), node("Sub", ["x", "m"], ["d"]),
                node("Pow", ["d", "three"], ["q"]), node("ReduceMean", ["q"], ["v"], axes=[-1]), *nodes[5:]]
        layers = self.one_layer(cube, [1, 8, 16], [*tensors, THREE])
        self.assertNotIn("layer_norm", [layer["op"] for layer in layers])
        # Over another axis than the last it is none.
        nodes = [node("ReduceMean", ["x"], ["m"], axes=[1]), node("Sub", ["x", "m"], ["d"]),
                 node("Pow", ["d", "two"], ["q"]), node("ReduceMean", ["q"], ["v"], axes=[1]),
                 node("Add", ["v", "eps"], ["e"]), node("Sqrt", ["e"], ["r"]),
                 node("Div", ["d", "r"], ["y"])]
        layers = self.one_layer(nodes, [1, 8, 16], tensors)
        self.assertNotIn("layer_norm", [layer["op"] for layer in layers])


class Hostile(Onnx):
    """Clear error, exit 2, 256 MB of memory at most and 5 s, of processor time: machines are shared."""

    def refuse(self, content, *words):
        path = self.put(content)
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        result = self.run_program("predict", path, code=2)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        self.assertIn("net.onnx", result.stderr)
        for word in words:
            self.assertIn(word, result.stderr)
        if not {"JOULECAST_WRAPPER", "ASAN_OPTIONS"} & set(os.environ):
            self.assertLess(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, 5)
            self.assertLess(after.ru_maxrss, 256 * 1024) # of all children so far

    def test_empty_and_foreign(self):
        self.refuse(b"", "empty")
        self.refuse(b"name: tiny\n", "ONNX")
        self.refuse(bytes(range(256)) * 16)
        self.refuse(number(1, 8), "no graph")

    def test_truncated_everywhere(self):
        content = model(**SMALL)
        for end in range(0, len(content) - 1, 13):
            path = self.put(content[:end])
            self.assertIn("net.onnx", self.run_program("predict", path, code=2).stderr)

    def test_lengths_past_the_end(self):
        self.refuse(text(7, text(1, b"")[:-1] + varint(1 << 40)))
        self.refuse(varint(7 << 3 | 2) + varint((1 << 32) - 1) + b"x" * 100)

    def test_wrong_wire_types(self):
        self.refuse(number(7, 5))
        self.refuse(text(7, number(1, 5)))
        self.refuse(text(7, text(1, number(4, 7))))

    def test_a_million_nodes(self):
        self.refuse(text(7, text(1, b"") * 1000000), "more than")

    def test_a_billion_nodes_declared(self):
        # 2 bytes each, said by the graph's length, and the file ends after a few of them.
        self.refuse(text(7, b"")[:-1] + varint(2 * 10 ** 9) + text(1, b"") * 1000)

    @unittest.skipIf({"JOULECAST_WRAPPER", "ASAN_OPTIONS"} & set(os.environ), "memory of its own")
    def test_much_arithmetic_of_shapes(self):
        # 1024 numbers, worked out 40,000 times: 330 MB, were all of them kept.
        nodes = [node("Shape", ["x"], ["s0"])]
        nodes += [node("Concat", [f"s{i}", f"s{i}"], [f"s{i + 1}"], axis=0) for i in range(9)]
        nodes += [node("Add", [f"s{i}", f"s{i}"], [f"s{i + 1}"]) for i in range(9, 40000)]
        nodes += [node("Relu", ["x"], ["y"])]
        self.predict_onnx(model(nodes, [value("x", [1, 8])], [value("y", [1]), value("s40000", [1])]))
        most_kb = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        self.assertLess(most_kb, 256 * 1024)

    def test_many_sizes_told_of_unknown_operators(self):
        nodes = [node("Mystery", ["x"], [f"y{i}"]) for i in range(20000)]
        infos = [value(f"y{i}", [1, 8]) for i in reversed(range(20000))]
        path = self.put(model(nodes, [value("x", [1, 8])], infos))
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        result = self.run_program("predict", "-p", "test-device", "-f", "csv", path, warns=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        self.assertEqual(result.stdout.count("\n"), 20001)
        self.assertLess(after.ru_utime - before.ru_utime, 60)

    def test_deep_recursion(self):
        # Subgraphs in attributes in nodes; a length in front of each, so the file is quadratic
        # only in what the lengths take.
        inner = text(1, node("Relu", ["x"], ["y"]))
        for _ in range(20000):
            inner = text(1, text(5, text(6, inner)))
        self.refuse(text(8, number(2, 13)) + text(7, inner))

    def test_recursion_a_million_deep(self):
        # Begins of messages with lengths up to the end of the file: each is one byte of a field, and
        # five of a length, so that the inside of a level is 18 bytes shorter than the level.
        depth = 1000000
        content = bytearray(text(8, number(2, 13)))
        left = 18 * depth + 4
        content += varint(7 << 3 | 2) + varint(left)
        for _ in range(depth):
            for field in (1, 5, 6):
                left -= 6
                content += varint(field << 3 | 2)
                content += bytes(left >> 7 * k & 127 | (128 if k < 4 else 0) for k in range(5))
        content += b"\0" * 4
        self.refuse(bytes(content))

    def test_shapes_that_overflow(self):
        huge = 1 << 62
        for dims in ([1, huge, huge], [1, huge], [1, -5], [huge, 2]):
            self.refuse(model([node("Relu", ["x"], ["y"])], [value("x", dims)], [value("y", [1])]))
        self.refuse(model([node("MatMul", ["x", "w"], ["y"])], [value("x", [1, 4])],
                          [value("y", [1])], [tensor("w", [4, huge])]))
        self.refuse(model([node("Conv", ["x", "w"], ["y"], pads=[huge] * 4)],
                          [value("x", [1, 3, 8, 8])], [value("y", [1])],
                          [tensor("w", [4, 3, 3, 3])]), "pads")

    def test_windows_that_overflow(self):
        most = (1 << 31) - 1
        for dims in ([1, 1, 1 << 42], [1, 1, 1 << 42, 1, 1]):
            axes = len(dims) - 2
            for name, more in (("ConvTranspose", dict(strides=[most] * axes, dilations=[most] * axes)),
                               ("Conv", dict(strides=[most] * axes, dilations=[most] * axes)),
                               ("MaxPool", dict(kernel_shape=[most] * axes, dilations=[most] * axes,
                                                pads=[most] * 2 * axes))):
                with self.subTest(name, axes=axes):
                    names = ["x"] if name == "MaxPool" else ["x", "w"]
                    self.refuse(model([node(name, names, ["y"], "slides", **more)], [value("x", dims)],
                                      [value("y", [1])], [tensor("w", [1, 1] + [2] * axes)]), "slides")
            self.refuse(model([node("Conv", ["x", "w"], ["y"], "slides")], [value("x", dims)],
                              [value("y", [1])], [tensor("w", [1, 1] + [0] * axes)]), "slides")

    def test_the_largest_tensors(self):
        # 2^42 values are allowed, and are priced; more are not, of operands together neither.
        most = 1 << 21
        for nodes in ([node("Relu", ["x"], ["y"])], [node("Add", ["x", "one"], ["y"])]):
            layers = self.one_layer(nodes, [1, most, most], [tensor("one", [], FLOAT, [1.0])])
            self.assertGreater(layers[0]["runtime_s"], 0)
        self.refuse(model([node("Relu", ["x"], ["y"])], [value("x", [1, most, most + 1])],
                          [value("y", [1])]), "2^42")
        self.refuse(model([node("Sum", ["x", "x", "x"], ["y"])], [value("x", [1, most, most])],
                          [value("y", [1])]), "more than 2^42")

    def test_cycles_and_duplicates(self):
        self.refuse(model([node("Relu", ["b"], ["a"]), node("Relu", ["a"], ["b"])],
                          [value("x", [1])], [value("b", [1])]), "cycle")
        self.refuse(model([node("Relu", ["x"], ["y"]), node("Tanh", ["x"], ["y"])],
                          [value("x", [1])], [value("y", [1])]), "another node")
        self.refuse(model([node("Add", ["x", "w"], ["y"])], [value("x", [1, 4])],
                          [value("y", [1])], [tensor("w", [4])] * 2), "two initializers")
        self.refuse(model([node("Relu", ["q"], ["y"])], [value("x", [1])], [value("y", [1])]),
                    "from nowhere")
        # In what is one kernel, too: attention, whose mask nothing makes.
        self.refuse(model([node("Transpose", ["x"], ["k"], perm=[0, 1, 3, 2]), node("MatMul", ["x", "k"], ["s"]),
                           node("Add", ["s", "lost"], ["d"]), node("Softmax", ["d"], ["p"]),
                           node("MatMul", ["p", "x"], ["y"])], [value("x", [1, 4, 8, 8])], [value("y", [1])]),
                    "its input 'lost' comes from nowhere")

    def test_a_chain_of_100000(self):
        n = 100000
        nodes = [node("Identity", [f"v{i}"], [f"v{i + 1}"]) for i in range(n)]
        content = model(nodes, [value("v0", [1, 4])], [value(f"v{n}", [1, 4])])
        # A view of the input all the way: no layer, but no failure of the walk either.
        self.predict(self.put(content))

    def test_not_a_number(self):
        content = model([node("Resize", ["x", "", "s"], ["y"])], [value("x", [1, 3, 8, 8])],
                        [value("y", [1])],
                        [tensor("s", [4], FLOAT, [1.0, 1.0, float("nan"), float("inf")])])
        self.refuse(content, "scale")
        for op, setting in (("LeakyRelu", "alpha"), ("Clip", "min"), ("LRN", "beta"),
                            ("BatchNormalization", "epsilon"), ("Mystery", "factor")):
            self.refuse(model([node(op, ["x"], ["y"], "bad", **{setting: float("nan")})],
                              [value("x", [1, 4, 8, 8])], [value("y", [1])]), "bad", setting, "NaN")
        for op, setting in (("LeakyRelu", "alpha"), ("LRN", "bias"), ("InstanceNormalization", "epsilon")):
            for infinite in (float("inf"), -float("inf")):
                self.refuse(model([node(op, ["x"], ["y"], "bad", **{setting: infinite})],
                                  [value("x", [1, 4, 8, 8])], [value("y", [1])]), "bad", setting, "infinite")
        # In nodes, too, that would become one kernel with others.
        self.refuse(model([node("HardSigmoid", ["x"], ["h"], "bad", alpha=float("nan")),
                           node("Mul", ["x", "h"], ["y"])], [value("x", [1, 4])], [value("y", [1])]),
                    "HardSigmoid 'bad'", "alpha")
        # A bound may be infinite, and a constant may hold anything.
        layers = self.one_layer([node("Clip", ["x"], ["y"], min=0.0, max=float("inf"))], [1, 4],
                                opset=9)
        self.assertEqual(len(layers), 1)
        nan = node("Constant", [], ["c"], value_float=float("nan"))
        layers = self.one_layer([nan, node("Add", ["x", "c"], ["y"])], [1, 4])
        self.assertEqual([layer["kernel"] for layer in layers], ["pointwise"])

    def test_bounds_of_clip(self):
        infinite, nan = float("inf"), float("nan")

        def clip(low, high, opset):
            bounds = dict(min=low, max=high) if opset < 11 else {}
            names = ["low", "high"] if opset >= 11 else []
            return model([node("Clip", ["x", *names], ["y"], "clip", **bounds)], [value("x", [1, 4])],
                         [value("y", [1])], [tensor("low", [], FLOAT, [low]), tensor("high", [], FLOAT, [high])],
                         opset=opset)
        for opset in (10, 13):
            for low, high in ((nan, 6.0), (0.0, nan), (infinite, 6.0), (0.0, -infinite)):
                with self.subTest(opset=opset, low=low, high=high):
                    self.refuse(clip(low, high, opset), "Clip 'clip'", "'min'" if low else "'max'")
            for low, high, op in ((0.0, infinite, "relu"), (0.0, 6.0, "relu6"), (-infinite, 1.0, "clamp")):
                document = self.predict_onnx(clip(low, high, opset))
                self.assertEqual(document["layers"][-1]["op"], op)

    def test_many_outputs(self):
        # Looking each of them up among the others would take a minute.
        many = [value(f"x{i}", [1, 4]) for i in range(50000)]
        nodes = [node("DequantizeLinear", [f"x{i}", "s", "z"], [f"y{i}"]) for i in range(50000)]
        outputs = [value(f"y{i}", [1, 4]) for i in reversed(range(50000))]
        self.refuse(model(nodes, many, [*outputs, value("lost", [1])],
                          [tensor("s", [], FLOAT, [0.1]), tensor("z", [], INT8, [0])]), "'lost'")
        self.refuse(model([node("Relu", ["x0"], ["y"])], many,
                          [value("y", [1, 4]), *reversed(many), value("lost", [1])]), "'lost'")

    def test_opsets(self):
        nodes, inputs, outputs = [node("Relu", ["x"], ["y"])], [value("x", [1, 4])], [value("y", [1])]
        for opset in (1, 6, 21, 1 << 40):
            self.refuse(model(nodes, inputs, outputs, opset=opset), str(opset), "from 7 to 20")
        for opset in range(7, 21):
            self.assertEqual(len(self.one_layer(nodes, [1, 4], opset=opset)), 1)
        self.refuse(text(7, graph(nodes, inputs, outputs)), "of which opset", "from 7 to 20")

    def test_control_flow(self):
        for op in ("If", "Loop", "Scan"):
            self.refuse(model([node(op, ["x"], ["y"])], [value("x", [1, 4])], [value("y", [1])]),
                        op, "without control flow")
        branch = text(5, text(1, "then_branch") + text(6, graph([node("Relu", ["x"], ["y"])], [], [])))
        self.refuse(model([node("If", ["x"], ["y"]) + branch], [value("x", [1, 4])],
                          [value("y", [1])]), "If", "without control flow")

    def test_outputs_that_nothing_gives(self):
        self.refuse(model([node("Relu", ["x"], ["y"])], [value("x", [1, 4])],
                          [value("y", [1]), value("lost", [1])]), "nothing gives", "'lost'")
        # An input that is an output, too, is no mistake.
        self.predict_onnx(model([node("Relu", ["x"], ["y"])], [value("x", [1, 4])],
                                [value("y", [1]), value("x", [1])]))

    def test_nodes_of_one_name(self):
        layers = self.one_layer([node("Relu", ["x"], ["a"], "same"), node("Tanh", ["a"], ["b"], "same"),
                                 node("Exp", ["b"], ["y"], "other")], [1, 4])
        self.assertEqual([layer["name"] for layer in layers], ["same", "b", "other"])

    def test_open_sizes_name_the_input(self):
        self.refuse(model([node("Relu", ["image"], ["y"])],
                          [value("image", ["n", 3, "height", "width"])], [value("y", [1])]),
                    "input 'image'", "--input image=1,3,<height>,<width>")


if __name__ == "__main__":
    unittest.main()
