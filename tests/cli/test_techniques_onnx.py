# SPDX-License-Identifier: Apache-2.0
"""compare -t on ONNX files: what the same network in YAML costs under the same technique."""

import json
import sys
import unittest

from driver import SOURCE, Process

sys.path.insert(0, str(SOURCE / "tests" / "onnx"))
from proto import model, node, tensor, value

YAML = """\
name: network
inputs: {image: [3, 8, 8]}
blocks:
  block:
    layers:
      - add:
          branches:
            - []
            - - conv2d: {out_channels: 8, kernel_size: 3, padding: 1, bias: false}
              - relu
              - conv2d: {out_channels: 8, kernel_size: 1, bias: false}
layers:
  - conv2d: {name: stem, out_channels: 8, kernel_size: 3, padding: 1}
  - block: {repeat: 2}
  - HEAD
  - linear: {out_features: 10}
"""
# Of each technique what the file in YAML and the exported one call the layers.
TECHNIQUES = (
    ("prune: 0.5", "prune: 0.5"),
    ("prune: {energy: 0.6}", "prune: {energy: 0.6}"),
    ("prune: {keep: {stem: 6}}", "prune: {keep: {stem/Conv: 6}}"),
    ('depth: {drop: "block[1]"}', "depth: {drop: block/block.1}"),
    ("sparsity: 0.25", "sparsity: 0.25"),
    ("precision: {weights: binary, layers: block}", "precision: {weights: binary, layers: block}"),
    ('active: {fraction: 0.5, layers: "block[0]"}', "active: {fraction: 0.5, layers: block/block.0}"),
    ('exits: [{after: "block[0]", rate: 0.5}]', "exits: [{after: block/block.0, rate: 0.5}]"),
)
SAME = ("params", "macs", "weight_bytes", "activation_bytes", "runtime_s", "energy_j",
        "energy_worst_j", "params_ratio", "energy_ratio")


def network(head, second="w2"):
    """The network as an exporter writes it; `second` names the weights of the second block."""
    nodes = [node("Conv", ["image", "w", "b"], ["x0"], "/stem/Conv", pads=[1] * 4)]
    for i, weights in enumerate(("w1", second)):
        nodes += [
            node("Conv", [f"x{i}", weights], [f"c{i}"], f"/block/block.{i}/a/Conv", pads=[1] * 4),
            node("Relu", [f"c{i}"], [f"r{i}"], f"/block/block.{i}/Relu"),
            node("Conv", [f"r{i}", f"{weights}b"], [f"d{i}"], f"/block/block.{i}/b/Conv"),
            node("Add", [f"x{i}", f"d{i}"], [f"x{i + 1}"], f"/block/block.{i}/Add")]
    nodes += head + [node("Gemm", ["f", "wf", "bf"], ["y"], "/fc/Gemm", transB=1)]
    tensors = [tensor("w", [8, 3, 3, 3]), tensor("b", [8]), tensor("bf", [10])]
    tensors += [tensor(name, [8, 8, 3, 3]) for name in ("w1", "w2")]
    tensors += [tensor(name, [8, 8, 1, 1]) for name in ("w1b", "w2b")]
    return nodes, tensors


HEADS = {  # what leads to the linear layer: in ONNX, in YAML, inputs of the linear layer
    "flatten": ([node("Flatten", ["x2"], ["f"])], "flatten", 512),
    "pool": ([node("GlobalAveragePool", ["x2"], ["p"]), node("Flatten", ["p"], ["f"])],
             "global_avg_pool2d\n  - flatten", 8),
    "reshape": ([node("GlobalAveragePool", ["x2"], ["p"]), node("Reshape", ["p", "s"], ["f"])],
                "global_avg_pool2d\n  - flatten", 8),
    "reduce": ([node("ReduceMean", ["x2"], ["f"], axes=[2, 3], keepdims=0)],
               "reduce: {dims: [2, 3]}", 8),
}


class TechniquesOnnx(Process):
    def put(self, head, name="network.onnx", **more):
        nodes, last, features = HEADS[head]
        all_nodes, tensors = network(nodes, **more)
        tensors += [tensor("wf", [10, features]), tensor("s", [2], 7, [1, -1])]
        path = self.folder / name
        path.write_bytes(model(all_nodes, [value("image", [1, 3, 8, 8])], [value("y", [1, 10])],
                               tensors))
        return str(path), self.write("network.yaml", YAML.replace("HEAD", last))

    def compare(self, *arguments, device=("-p", "test-device")):
        return json.loads(self.run_program("compare", *device, "-f", "json", *arguments).stdout)

    def test_same_as_yaml(self):
        for head in HEADS:
            onnx, yaml = self.put(head)
            for ours, theirs in TECHNIQUES:
                for device in (("-p", "test-device"), ("-a", "eyeriss")):
                    with self.subTest(head=head, technique=theirs, device=device):
                        expected = self.compare(yaml, "-t", ours, device=device)
                        rows = self.compare(onnx, "-t", theirs, device=device)
                        for row, wanted in zip(rows, expected, strict=True):
                            self.assertEqual({k: row[k] for k in SAME}, {k: wanted[k] for k in SAME})

    def test_by_hand(self):
        onnx, _ = self.put("pool")
        base, half = self.compare(onnx, "-t", "prune: 0.5")
        self.assertEqual(base["params"], 8 * 27 + 8 + 2 * (64 * 9 + 64) + 90)
        self.assertEqual(half["params"], 4 * 27 + 4 + 2 * (16 * 9 + 16) + 50)
        self.assertIsNone(half["note"])

    def test_weights_of_two_layers_count_once(self):
        onnx, _ = self.put("pool", second="w1")
        base, half = self.compare(onnx, "-t", "prune: 0.5")
        self.assertEqual(base["params"], 8 * 27 + 8 + 64 * 9 + 64 + 90)
        self.assertEqual(half["params"], 4 * 27 + 4 + 16 * 9 + 16 + 50)

    def test_mixed_with_yaml(self):
        onnx, yaml = self.put("pool")
        rows = self.compare(yaml, onnx, "-t", "prune: 0.5")
        self.assertEqual([row["energy_ratio"] for row in rows[::2]], [1, 1])
        self.assertEqual(rows[1]["energy_ratio"], rows[3]["energy_ratio"])
        self.write("own.yaml", "architecture: network.onnx\nsteps: [prune: 0.5]\n")
        cascade = self.write("cascade.yaml", """\
networks:
  - {name: first, architecture: network.onnx, steps: [prune: 0.5], next: {second: 0.25}}
  - {name: second, architecture: network.yaml}
""")
        whole, own, both = self.compare(yaml, str(self.folder / "own.yaml"), cascade)
        self.assertEqual(own["params"], rows[1]["params"])
        self.assertAlmostEqual(both["energy_j"], own["energy_j"] + 0.25 * whole["energy_j"])

    def test_a_network_beside_the_technique(self):
        self.put("pool")
        (self.folder / "nets").mkdir()
        (self.folder / "network.onnx").rename(self.folder / "nets" / "moved.onnx")
        path = self.write("nets/own.yaml", "architecture: moved.onnx\nsteps: [prune: 0.5]\n")
        self.assertEqual(len(self.compare(path)), 1)

    def test_trace(self):
        onnx, _ = self.put("pool")
        self.write("run.csv", "sample,exit,confidence,correct\n"
                              "1,block/block.0,0.9,1\n1,final,,1\n2,block/block.0,0.1,0\n2,final,,1\n")
        technique = self.write("exits.yaml", "steps:\n- exits: {confidences: run.csv, threshold: 0.5, "
                                             "at: [{after: block/block.0}]}\n")
        points = json.loads(self.run_program("trace", "-p", "test-device", "-f", "json", technique,
                                             onnx).stdout)
        self.assertEqual((points[0]["reach_end"], points[-1]["reach_end"]), (0, 1))

    def test_errors(self):
        onnx, _ = self.put("pool")
        for technique, message in (
                ("prune: {ratio: 0.5, layers: block/block.7}", "did you mean 'block/block."),
                ("depth: 0.5", "nothing of network is written with `repeat`; name what goes: drop"),
                ("depth: {drop: stem}", "cannot be dropped"),
                ("prune: {ratio: 0.5, layers: fc}", "they are outputs of the network")):
            path = self.write("refused.yaml", technique)
            with self.subTest(technique):
                self.assert_error("refused.yaml:1: ", "compare", "-p", "test-device", onnx, "-t",
                                  path, code=2)
                self.assert_error(message, "compare", "-p", "test-device", onnx, "-t", path, code=2)


if __name__ == "__main__":
    unittest.main()
