# SPDX-License-Identifier: Apache-2.0
"""Layers to kernels: what a profile's executor fuses, and predict --kernels."""

import json
import sys
import unittest

import profile
from driver import SOURCE, Process

sys.path.insert(0, str(SOURCE / "tests" / "onnx"))
from proto import FLOAT, model, node, tensor, value

FUSES = "{conv2d: [batch_norm, add, activation], linear: [activation], batch_norm: [relu]}"
RESIDUAL = """inputs: {image: [8, 16, 16]}
layers:
  - conv2d: {name: first, out_channels: 8, kernel_size: 3, padding: 1, bias: false}
  - batch_norm
  - relu: {name: entry}
  - conv2d: {name: second, out_channels: 8, kernel_size: 3, padding: 1, bias: false}
  - batch_norm
  - silu
  - conv2d: {name: third, out_channels: 8, kernel_size: 3, padding: 1, bias: false}
  - batch_norm: {name: normed}
  - add: {inputs: [normed, entry]}
  - relu
  - flatten
"""


class Kernels(Process):
    def setUp(self):
        super().setUp()
        self.write("profiles/fusing.yaml", profile.text("fusing", fuses=FUSES))
        self.residual = self.write("residual.yaml", RESIDUAL)

    def predicted(self, *arguments, device="fusing"):
        return json.loads(self.run_program("predict", "-p", device, "-f", "json", *arguments).stdout)

    def kernels(self, *arguments, **more):
        return self.predicted("--kernels", *arguments, **more)["kernels"]

    def priced(self, path):
        """What is priced: kernels with sizes and cost, without names."""
        return [{key: kernel[key] for key in kernel if key != "layers"}
                for kernel in self.kernels(path) if kernel["kernel"] is not None]

    def test_a_residual_block(self):
        kernels = self.kernels(self.residual)
        self.assertEqual([kernel["layers"] for kernel in kernels], [
            ["first", "batch_norm_1", "entry"], ["second", "batch_norm_2", "silu"],
            ["third", "normed", "add", "relu_2"], ["flatten"]])
        self.assertEqual([kernel["kernel"] for kernel in kernels], ["conv2d"] * 3 + [None])
        # 1 ns a MAC: 8 channels to 8, 3x3, 16x16.
        for kernel in kernels[:3]:
            self.assertAlmostEqual(kernel["runtime_s"], 8 * 8 * 9 * 256 * 1e-9, 12)
            self.assertEqual(kernel["status"], "modelled")
        self.assertEqual(kernels[3]["status"], "free")
        self.assertIn("out_channels=8", kernels[0]["sizes"])

    def test_each_layer_stands_in_one_kernel(self):
        for name in ("resnet18", "mobilenet_v2", "vit_b_16"):
            for device in ("fusing", "test-device"):
                whole = self.predicted(name, device=device)
                kernels = self.kernels(name, device=device)
                with self.subTest(name=name, device=device):
                    self.assertEqual(sorted(one for kernel in kernels for one in kernel["layers"]),
                                     sorted(layer["name"] for layer in whole["layers"]))
                    for key in ("macs", "runtime_s", "energy_j"):
                        for rows in (kernels, whole["layers"]):
                            total = sum(row[key] for row in rows)
                            self.assertAlmostEqual(total / whole["totals"][key], 1, 12)

    def test_without_the_field_each_kernel_stands_by_itself(self):
        kernels = self.kernels(self.residual, device="test-device")
        self.assertEqual([len(kernel["layers"]) for kernel in kernels], [1] * 11)

    def test_fused_layers_are_free(self):
        layers = self.predicted(self.residual)["layers"]
        self.assertEqual([layer["status"] for layer in layers if layer["op"] != "conv2d"], ["free"] * 8)
        alone = self.predicted(self.residual, device="test-device")["totals"]
        fused = self.predicted(self.residual)["totals"]
        for same in ("params", "macs", "weight_bytes", "layers"):
            self.assertEqual(fused[same], alone[same])
        self.assertEqual(fused["layers_unmodelled"], 0)
        # Of the eight other layers only the sum moves anything: it reads its other operand.
        self.assertEqual(fused["activation_bytes"], (3 * 2 + 1) * 8 * 256 * 4)

    def test_a_fused_activation_costs_its_arithmetic(self):
        self.write("profiles/knowing.yaml",
                   profile.text("knowing", fuses=FUSES, more=(("relu", "1e-9"), ("silu", "5e-9"))))
        layers = {layer["op"]: layer for layer in
                  self.predicted(self.residual, device="knowing")["layers"]}
        # 8 channels of 16x16 values are read and written; what relu takes for them is no arithmetic.
        self.assertAlmostEqual(layers["silu"]["runtime_s"], (5e-9 - 1e-9) * 2 * 8 * 256 * 4, 15)
        self.assertAlmostEqual(layers["silu"]["energy_j"], 10 * layers["silu"]["runtime_s"], 15)
        self.assertNotEqual(layers["silu"]["status"], "free")
        self.assertEqual(layers["relu"]["runtime_s"], 0)
        self.assertEqual(layers["relu"]["status"], "free")

    def test_folded_and_unfolded_norms_are_the_same_kernels(self):
        weights = [tensor("w", [8, 8, 3, 3]), tensor("b", [8]), tensor("v", [8])]
        ends = ([value("x", [1, 8, 16, 16])], [value("y", [1])])
        unfolded = model([node("Conv", ["x", "w"], ["c"], pads=[1, 1, 1, 1]),
                          node("BatchNormalization", ["c", "b", "b", "b", "v"], ["n"]),
                          node("Relu", ["n"], ["y"])], *ends, weights)
        folded = model([node("Conv", ["x", "w", "b"], ["c"], pads=[1, 1, 1, 1]),
                        node("Relu", ["c"], ["y"])], *ends, weights)
        paths = [self.folder / "unfolded.onnx", self.folder / "folded.onnx"]
        for path, content in zip(paths, (unfolded, folded)):
            path.write_bytes(content)
        self.assertEqual(*(self.priced(str(path)) for path in paths))
        self.assertEqual(len(self.priced(str(paths[0]))), 1)

    def same_kernels(self, *graphs):
        """Each is a list of nodes from x to y; all give the same kernels and the same prices."""
        numbers = {"half": 0.5, "one": 1.0, "two": 2.0, "root": 2 ** 0.5, "eps": 1e-5, "three": 3.0,
                   "six": 6.0}
        tensors = [tensor(name, [], FLOAT, [number]) for name, number in numbers.items()]
        tensors += [tensor("g", [32]), tensor("w", [32, 32])]
        priced = []
        for i, nodes in enumerate(graphs):
            path = self.folder / f"form{i}.onnx"
            path.write_bytes(model(nodes, [value("x", [1, 16, 32])], [value("y", [1])], tensors,
                                   opset=17))
            priced.append(self.priced(str(path)))
        for other in priced[1:]:
            self.assertEqual(other, priced[0])
        return priced[0]

    def test_decomposed_patterns_are_the_single_operator(self):
        norm = [node("ReduceMean", ["x"], ["m"], axes=[-1]), node("Sub", ["x", "m"], ["d"]),
                node("Pow", ["d", "two"], ["q"]), node("ReduceMean", ["q"], ["v"], axes=[-1]),
                node("Add", ["v", "eps"], ["e"]), node("Sqrt", ["e"], ["r"]),
                node("Div", ["d", "r"], ["n"]), node("Mul", ["n", "g"], ["s"]),
                node("Add", ["s", "g"], ["y"])]
        kernels = self.same_kernels(
            norm, [node("LayerNormalization", ["x", "g", "g"], ["y"], axis=-1)])
        self.assertEqual([kernel["kernel"] for kernel in kernels], ["layer_norm"])
        kernels = self.same_kernels(
            [node("Div", ["x", "root"], ["a"]), node("Erf", ["a"], ["f"]),
             node("Add", ["f", "one"], ["p"]), node("Mul", ["x", "p"], ["h"]),
             node("Mul", ["h", "half"], ["y"])],
            [node("Gelu", ["x"], ["y"])])
        self.assertEqual([kernel["kernel"] for kernel in kernels], ["gelu"])
        kernels = self.same_kernels([node("Sigmoid", ["x"], ["s"]), node("Mul", ["s", "x"], ["y"])],
                                    [node("Sigmoid", ["x"], ["s"]), node("Mul", ["x", "s"], ["y"])])
        self.assertEqual([kernel["kernel"] for kernel in kernels], ["silu"])
        kernels = self.same_kernels(
            [node("HardSigmoid", ["x"], ["s"], alpha=1 / 6), node("Mul", ["x", "s"], ["y"])],
            [node("HardSwish", ["x"], ["y"])])
        self.assertEqual([kernel["kernel"] for kernel in kernels], ["hardswish"])
        kernels = self.same_kernels([node("MatMul", ["x", "w"], ["m"]), node("Add", ["m", "g"], ["y"])],
                                    [node("MatMul", ["x", "w"], ["m"]), node("Add", ["g", "m"], ["y"])])
        self.assertEqual([kernel["kernel"] for kernel in kernels], ["linear"])

    def test_dead_layers_are_said(self):
        dead = self.write("dead.yaml", """inputs: {x: [16]}
layers:
  - linear: {name: a, out_features: 16}
  - linear: {name: lost, out_features: 1000}
  - relu: {inputs: a}
""")
        result = self.run_program("predict", "-p", "test-device", "-f", "json", dead, warns=True)
        self.assertIn("dead.yaml:4: 1 layer, the first here, leads to no output and is left out",
                      result.stderr)
        self.assertEqual(json.loads(result.stdout)["totals"]["macs"], 256)

    def test_for_people(self):
        text = self.run_program("predict", "-p", "fusing", "--kernels", self.residual).stdout
        self.assertIn("third + batch_norm + add + relu", text)
        self.assertIn("1 layer without work", text)
        self.assertLessEqual(max(map(len, text.splitlines())), 80)

    def test_every_command_prices_fused_kernels(self):
        energy = self.predicted(self.residual)["totals"]["energy_j"]
        lines = self.run_program("batch", "-p", "fusing", "-f", "jsonl", self.residual).stdout
        self.assertEqual(json.loads(lines)["totals"]["energy_j"], energy)
        compared = json.loads(self.run_program("compare", "-p", "fusing", "-p", "test-device", "-f",
                                               "json", self.residual).stdout)
        self.assertEqual(compared[0]["energy_j"], energy)
        self.assertGreater(compared[1]["energy_j"], energy)

    def test_a_damaged_field(self):
        for wrong, message in (("{conv2d: [softmax]}", "no kernel that can be taken in"),
                               ("{conv3d: [add]}", "is no kernel"), ("[add]", "must be a mapping")):
            self.write("profiles/wrong.yaml", profile.text("wrong", fuses=wrong))
            self.assert_error(message, "predict", "-p", "wrong", self.residual, code=2)


if __name__ == "__main__":
    unittest.main()
