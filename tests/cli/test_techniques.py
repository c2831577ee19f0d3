# SPDX-License-Identifier: Apache-2.0
"""compare -t: every example of docs/TECHNIQUES.md, values known by hand, and invariants."""

import itertools
import json
import re
import unittest

import profile
from driver import SOURCE, Process

BLOCKS = re.findall(r"```yaml\n(.*?)```", (SOURCE / "docs/TECHNIQUES.md").read_text(), re.DOTALL)

RESIDUAL = """\
inputs: {image: [3, 16, 16]}
blocks:
  unit:
    layers:
      - add:
          branches:
            - []
            - - conv2d: {out_channels: 4, kernel_size: 1, bias: false}
              - relu
              - conv2d: {out_channels: in_channels * 2, kernel_size: 1, bias: false}
      - relu
layers:
  - conv2d: {name: stem, out_channels: 8, kernel_size: 1, bias: false}
  - unit: {repeat: 4}
  - global_avg_pool2d
  - flatten
  - linear: {out_features: 5, bias: false}
"""


class Techniques(Process):
    def setUp(self):
        super().setUp()
        self.small = self.write("small.yaml", BLOCKS[0])
        self.residual = self.write("residual.yaml", RESIDUAL)

    def compare(self, *arguments, **more):
        return json.loads(self.run_program("compare", "-p", "test-device", "-f", "json",
                                           *arguments, **more).stdout)

    def under(self, network, *techniques):
        """The rows of techniques, each of which is steps written out; without the baseline."""
        arguments = itertools.chain.from_iterable(("-t", t) for t in techniques)
        return self.compare(network, *arguments)[1:]

    def refuse(self, message, network, technique, line=1):
        path = self.write("refused.yaml", technique)
        self.assert_error(f"refused.yaml:{line}: ", "compare", "-p", "test-device", network,
                          "-t", path, code=2)
        self.assert_error(message, "compare", "-p", "test-device", network, "-t", path, code=2)


class Examples(Techniques):
    def test_all(self):
        self.assertGreater(len(BLOCKS), 12)
        for block in BLOCKS:
            *_, last = block.strip().splitlines()
            path = self.write("example.yaml", block)
            with self.subTest(block):
                if last.startswith("# error "):
                    self.assert_error(last[8:], "compare", "-p", "test-device", self.small, "-t",
                                      path, code=2)
                    continue
                match = re.fullmatch(r"# (small )?gives (\d+) parameters, (\d+) MACs", last)
                self.assertIsNotNone(match, last)
                rows = (self.compare(self.small, "-t", path) if match[1] else self.compare(path))
                self.assertEqual((rows[-1]["params"], rows[-1]["macs"]),
                                 (int(match[2]), int(match[3])))


class Pruning(Techniques):
    def test_channels_of_an_addition_stay_equal(self):
        # stem 3 -> 8, units 8 -> 4 -> 8, linear 8 -> 5: halving the stem halves every unit's end.
        base, half = self.compare(self.residual, "-t", "prune: {ratio: 0.5, layers: stem}")
        self.assertEqual(base["params"], 24 + 4 * 64 + 40)
        self.assertEqual(half["params"], 12 + 4 * 32 + 20)
        # The inner channels are a group of their own in each unit.
        inner, = self.under(self.residual, 'prune: {ratio: 0.5, layers: "unit[1].conv2d_1"}')
        self.assertEqual(inner["params"], 24 + 3 * 64 + 32 + 40)

    def test_depthwise_and_concat(self):
        network = self.write("depthwise.yaml", """\
inputs: {image: [3, 8, 8]}
layers:
  - concat:
      branches:
        - [conv2d: {name: a, out_channels: 4, kernel_size: 1, bias: false}]
        - [conv2d: {name: b, out_channels: 8, kernel_size: 1, bias: false}]
  - batch_norm
  - conv2d: {name: each, out_channels: 24, kernel_size: 3, groups: 12, bias: false}
  - conv2d: {name: mix, out_channels: 6, kernel_size: 1, bias: false}
  - global_avg_pool2d
""")
        base, pruned = self.compare(network, "-t", "prune: {ratio: 0.5, layers: a}")
        self.assertEqual(base["params"], 12 + 24 + 24 + 24 * 9 + 24 * 6)
        self.assertEqual(pruned["params"], 6 + 24 + 20 + 20 * 9 + 20 * 6)

    def test_groups_stay_equal(self):
        network = self.write("groups.yaml", """\
inputs: {image: [3, 8, 8]}
layers:
  - conv2d: {name: first, out_channels: 12, kernel_size: 1, bias: false}
  - conv2d: {name: grouped, out_channels: 12, kernel_size: 1, groups: 3, bias: false}
  - conv2d: {name: last, out_channels: 2, kernel_size: 1, bias: false}
""")
        pruned, = self.under(network, "prune: {ratio: 0.4, layers: first}")  # 7.2: 6 or 9
        self.assertEqual(pruned["params"], 3 * 6 + 12 * 2 + 24)
        self.refuse("keep a multiple of 3", network, "prune:\n  keep: {first: 8}\n", line=2)
        uneven = self.write("uneven.yaml", """\
inputs: {image: [3, 8, 8]}
layers:
  - concat:
      branches:
        - [conv2d: {name: a, out_channels: 4, kernel_size: 1}]
        - [conv2d: {name: b, out_channels: 4, kernel_size: 1}]
  - conv2d: {out_channels: 4, kernel_size: 1, groups: 2}
  - conv2d: {out_channels: 2, kernel_size: 1}
""")
        self.refuse("groups have to stay equal", uneven, "prune: {ratio: 0.5, layers: a}")

    def test_every_network_of_the_zoo(self):
        for path in sorted((SOURCE / "architectures").glob("*.yaml")):
            base, none, half = self.compare(str(path), "-t", "prune: 0", "-t", "prune: 0.5")
            for name in base:
                if name not in ("technique", "note", "error_rate", "energy_precision"):
                    self.assertEqual(none[name], base[name], (path, name))
            for name in ("params", "macs", "weight_bytes", "activation_bytes", "energy_j"):
                self.assertLess(half[name], base[name], (path, name))
                self.assertGreater(half[name], 0)

    def test_by_energy(self):
        base, pruned = self.compare("alexnet", "-t", "prune: {energy: 0.5}")
        self.assertLessEqual(pruned["energy_ratio"], 0.5)
        self.assertGreater(pruned["energy_ratio"], 0.49)  # no further than it must
        threes, = self.under(self.small, "prune: {energy: 0.7, multiple_of: 3}")
        conv = {3 * n: 28 * 3 * n for n in range(1, 6)} | {16: 28 * 16}
        self.assertIn(threes["params"], [conv[a] + (9 * a + 1) * b + 10 * (64 * b + 1)
                                         for a in conv for b in (*range(3, 32, 3), 32)])
        by_options = self.compare("alexnet", "--prune", "energy", "--target-energy", "0.5")[1]
        self.assertEqual(by_options, pruned)
        same, = self.under("alexnet", "prune: {energy: 1}")
        self.assertEqual(same["energy_j"], base["energy_j"])
        self.refuse("pruning channels brings the energy to", "alexnet", "prune: {energy: 0.001}")


class Names(Techniques):
    def test_steps_that_name_files(self):
        (self.folder / "nets").mkdir()
        self.write("nets/half.yaml", "steps: [prune: 0.5]\n")
        self.write("nets/both.yml", "steps: [technique: half.yaml, precision: f32]\n")
        text = "technique: nets/half.yaml"
        rows = self.under(self.small, text, str(self.folder / "nets/both.yml"), "prune: 0.5")
        self.assertEqual([row["technique"] for row in rows], [text, "both", "prune: 0.5"])
        self.assertEqual(rows[0]["params"], rows[2]["params"])
        self.assertEqual(rows[1]["params"], rows[2]["params"])
        self.refuse("nets/gone.yaml: No such file", self.small,
                    "- prune: 0.5\n- technique: nets/gone.yaml\n", line=2)


class Others(Techniques):
    def test_depth(self):
        half, none, block = self.under(self.residual, "depth: 0.5", "depth: 0",
                                       'depth: {drop: "unit[2]"}')
        self.assertEqual(half["params"], 24 + 2 * 64 + 40)
        self.assertEqual(none["params"], 24 + 4 * 64 + 40)
        self.assertEqual(block["params"], 24 + 3 * 64 + 40)

    def test_depth_in_branches(self):
        # Each convolution has 64 weights; each of the repeated units, and the last one, two of them.
        network = self.write("branches.yaml", """\
inputs: {image: [8, 4, 4]}
layers:
  - add:
      repeat: 3
      branches:
        - []
        - - conv2d: {out_channels: 8, kernel_size: 1, bias: false, repeat: 2}
          - relu
  - add:
      name: last
      branches:
        - []
        - - conv2d: {name: inner, out_channels: 8, kernel_size: 1, bias: false}
          - conv2d: {name: outer, out_channels: 8, kernel_size: 1, bias: false}
          - relu
""")
        for technique, convolutions in (
                ('depth: {drop: "add_1[2]"}', 6), ("depth: {drop: last}", 6),
                ("depth: {ratio: 0.5, layers: add_1}", 4), ("depth: {ratio: 1, layers: add_1}", 2),
                ("depth: {ratio: 0.5, layers: conv2d_1}", 5), ("depth: {drop: [inner, outer]}", 6),
                ("[depth: {drop: last}, depth: {ratio: 1, layers: add_1}]", 0)):
            with self.subTest(technique):
                row, = self.under(network, technique)
                self.assertEqual(row["params"], 64 * convolutions)
                self.assertEqual(row["macs"], 16 * 64 * convolutions)

    def test_depth_leaves_what_others_take(self):
        network = self.write("taken.yaml", """\
inputs: {image: [8, 4, 4]}
layers:
  - add:
      name: unit
      branches:
        - []
        - - conv2d: {name: inner, out_channels: 8, kernel_size: 1, bias: false}
          - conv2d: {name: outer, out_channels: 8, kernel_size: 1, bias: false}
  - add: {inputs: [unit, inner]}
""")
        row, = self.under(network, "depth: {drop: unit}")
        self.assertEqual(row["params"], 64)  # outer went, inner stays

    def test_what_is_dropped_together(self):
        # 8 -> 4 -> 8: neither convolution can go alone, both can, in one statement or in two.
        network = self.write("pair.yaml", """\
inputs: {image: [8, 4, 4]}
layers:
  - conv2d: {name: down, out_channels: 4, kernel_size: 1, bias: false}
  - conv2d: {name: up, out_channels: 8, kernel_size: 1, bias: false}
  - conv2d: {name: last, out_channels: 8, kernel_size: 1, bias: false}
""")
        for technique in ("depth: {drop: [down, up]}", "[depth: {drop: up}, depth: {drop: down}]"):
            row, = self.under(network, technique)
            self.assertEqual(row["params"], 64)
        self.refuse("'down' cannot be dropped: it takes 1x8x4x4 and gives 1x4x4x4", network,
                    "depth: {drop: down}")

    def test_ratios_of_depth(self):
        # The statement that names a block goes before the one that does not; drops count.
        for technique, left in (
                ("[depth: 0.5, depth: {ratio: 0, layers: unit}]", 4),
                ("[depth: {ratio: 0.25, layers: unit}, depth: 1]", 3),
                ('[depth: {drop: "unit[0]"}, depth: 0.5]', 2),
                ("[depth: 0.5, depth: {ratio: 0.5, layers: unit}]", 2)):
            with self.subTest(technique):
                row, = self.under(self.residual, technique)
                self.assertEqual(row["params"], 24 + left * 64 + 40)
        self.refuse("contradicts line 1 of", self.residual, "[depth: 0.5, depth: 0.25]")

    def test_depth_of_repeats_in_repeats(self):
        network = self.write("nested.yaml", """\
inputs: {image: [8, 4, 4]}
blocks:
  stage:
    layers:
      - conv2d: {name: unit, out_channels: 8, kernel_size: 1, bias: false, repeat: 3}
layers:
  - stage: {repeat: 2}
""")
        for technique, left in (("depth: 0.5", 3), ("depth: {ratio: 0.5, layers: stage}", 3),
                                ('depth: {ratio: 0.334, layers: "stage[1].unit"}', 5),
                                ('depth: {ratio: 0.334, layers: ["stage[0]", "stage[1]"]}', 4)):
            with self.subTest(technique):
                row, = self.under(network, technique)
                self.assertEqual(row["params"], 64 * left)

    def test_sparsity_is_priced_as_dense(self):
        base, sparse = self.compare(self.small, "-t", "sparsity: 0.25")
        for name in ("runtime_s", "energy_j", "weight_bytes", "activation_bytes"):
            self.assertEqual(sparse[name], base[name])
        self.assertLess(sparse["macs_ratio"], 0.26)

        self.assertIn("Priced as dense", sparse["note"])
        self.assertIn("zero weights", sparse["note"])
        self.assertIsNone(base["note"])

    def test_zeros_that_a_profile_declares_to_skip(self):
        # Convolutions cost 1 ns a MAC at 10 W, all else 1 ns a byte at 5 W.
        self.write("profiles/sparse.yaml", profile.text(
            name="sparse", skips=", skips_weights: 0.8, skips_outputs: 0.5"))
        base, sparse, active, inputs = json.loads(self.run_program(
            "compare", "-p", "sparse", "-f", "json", self.small, "-t", "sparsity: 0.25",
            "-t", "active: {fraction: 0.5, layers: [late, relu]}", "-t",
            "sparsity: {activations: 0.5}").stdout)
        conv_j = (442368 + 1179648) * 1e-8
        linear_j = 4 * (2048 + 10 * 2048 + 10) * 5e-9
        relu_j = 4 * (2 * 16 * 1024 + 2 * 32 * 256) * 5e-9
        self.assertAlmostEqual(sparse["energy_j"],
                               base["energy_j"] - 0.8 * 0.75 * (conv_j + linear_j), places=12)
        self.assertAlmostEqual(active["energy_j"], base["energy_j"]
                               - 0.5 * 0.5 * (1179648e-8 + relu_j), places=12)
        self.assertEqual(inputs["energy_j"], base["energy_j"])
        self.assertEqual([r["energy_source"] for r in (base, sparse, active, inputs)],
                         ["rapl", "declared", "declared", "rapl"])
        self.assertIn("Declared, not measured: that zero weights spare up to 80 %", sparse["note"])
        self.assertIn("Priced as dense", inputs["note"])
        self.assertEqual(sparse["weight_bytes"], base["weight_bytes"])
        for bad in (", skips_weights: 1.5", ", skips_weights: -1", ", skips_weights: all"):
            path = self.write("bad.yaml", profile.text(skips=bad))
            self.assert_error("bad.yaml:3: ", "compare", "-p", path, self.small, code=2)

    def test_precision_without_rows_is_unknown(self):
        row, mixed = self.under(self.small, "precision: int4",
                                "precision: {weights: binary, layers: early}")
        for r, reason in ((row, "no rows in int4"), (mixed, "no rows of binary weights with f32")):
            self.assertIsNone(r["energy_j"])
            self.assertIsNone(r["runtime_s"])
            self.assertIn(reason, r["note"])
        self.assertEqual(row["weight_bytes"], 25578 / 2)
        self.assertEqual(mixed["weight_bytes"], 448 / 8 + 4 * (25578 - 448))

    def test_exits_by_hand(self):
        # The test's profile prices convolutions at 10 W and 1 ns a MAC, all else at 5 W, 1 ns a byte.
        exit_at = "exits: [{{after: max_pool2d_1, rate: {}}}]"
        base, *rows = self.compare(self.small, *itertools.chain.from_iterable(
            ("-t", exit_at.format(rate)) for rate in (0, 0.4, 1)))
        classifier_j = 5e-9 * 4 * (16 * 256 + 16)  # the mean
        classifier_j += 5e-9 * 4 * (16 + 160 + 10)  # the linear layer
        pooled_j = 5e-9 * 4 * 16 * (2 * 1024 + 1024 + 256)  # relu and pooling: read and written
        head_j = 442368e-8 + pooled_j
        for row, rate in zip(rows, (0, 0.4, 1)):
            left = base["energy_j"] - head_j
            self.assertAlmostEqual(row["energy_j"],
                                   head_j + classifier_j + (1 - rate) * left, places=12)
            self.assertEqual((row["exits"], row["exit_rate"], row["exits_dropped"]),
                             (["max_pool2d_1"], [rate], []))
            self.assertAlmostEqual(row["exit_break_even_rate"][0], classifier_j / left, places=12)
            self.assertAlmostEqual(row["exit_classifier_j"][0], classifier_j, places=12)
        self.assertIsNone(base["exits"])
        last = self.run_program("compare", "-p", "test-device", self.small, "-t",
                                "exits: [{after: linear, rate: 0.5}]").stdout
        self.assertIn("50 % of all inputs leave; it costs more than it can save",
                      " ".join(last.split()))
        text = self.run_program("compare", "-p", "test-device", self.small, "-t",
                                exit_at.format(0.4)).stdout
        self.assertIn(f"40 % of all inputs leave; it pays from {100 * classifier_j / left:.2g} % on",
                      " ".join(text.split()))
        middle = rows[1]
        self.assertAlmostEqual(middle["energy_p50_j"], base["energy_j"] + classifier_j, places=12)
        self.assertAlmostEqual(middle["energy_worst_j"], base["energy_j"] + classifier_j, places=12)
        self.assertAlmostEqual(rows[2]["energy_p50_j"], head_j + classifier_j, places=12)

    def test_exits_that_do_not_pay_are_dropped(self):
        useless = "exits: [{after: early, rate: 0.0001}, {after: max_pool2d_1, rate: 0.5}]"
        both = self.compare(self.small, "-t", useless)
        pruned = self.compare(self.small, "-t", useless, "--prune-exits")
        good = self.compare(self.small, "-t", "exits: [{after: max_pool2d_1, rate: 0.5}]")
        self.assertLess(pruned[1]["energy_j"], both[1]["energy_j"])
        self.assertEqual(pruned[1]["params"], good[1]["params"])
        # Its inputs go on, and leave later in the proportions of the others.
        self.assertAlmostEqual(pruned[1]["energy_ratio"], good[1]["energy_ratio"], places=3)
        self.assertEqual(pruned[1]["exits_dropped"], ["early"])
        self.assertEqual(both[1]["exits_dropped"], [])

    def test_cascade(self):
        path = self.write("cascade.yaml", """\
networks:
  - {name: a, architecture: tiny.yaml, next: {b: 0.3, c: 0.1}}
  - {name: b, architecture: small.yaml, next: {c: 0.5, done: 0.5}}
  - {name: c, architecture: residual.yaml}
""")
        tiny, small, residual, cascade = self.compare(self.tiny, self.small, self.residual, path)
        for name in ("energy_j", "runtime_s"):
            self.assertAlmostEqual(cascade[name], tiny[name] + 0.3 * small[name]
                                   + 0.25 * residual[name], places=12)
        self.assertAlmostEqual(cascade["energy_p50_j"], tiny["energy_j"], places=12)
        self.assertAlmostEqual(cascade["energy_worst_j"], sum(
            r["energy_j"] for r in (tiny, small, residual)), places=12)
        self.assertIsNone(cascade["architecture"])
        self.assertEqual(cascade["stages"], ["a", "b", "c"])
        for reach, expected in zip(cascade["stage_reach"], (1, 0.3, 0.25)):
            self.assertAlmostEqual(reach, expected, places=12)
        # a goes on to two, c is the last; without b its inputs go to c at once.
        self.assertEqual([cascade["stage_break_even_rate"][i] for i in (0, 2)], [None, None])
        self.assertAlmostEqual(cascade["stage_break_even_rate"][1],
                               small["energy_j"] / residual["energy_j"], places=12)
        self.assertIsNone(tiny["stages"])
        table = self.run_program("compare", "-p", "test-device", path).stdout
        self.assertIn("stage b: 30 % of all inputs reach it", " ".join(table.split()))
        self.assertIn("energy of single inputs", " ".join(table.split()))

    def test_what_says_itself_what_is_done(self):
        path = self.write("cascade.yaml", """\
networks:
  - {name: a, architecture: small.yaml, next: {b: 0.3}}
  - {name: b, architecture: residual.yaml}
""")
        for arguments in (["-t", "prune: 0.5"], ["--prune", "0.5"]):
            self.assert_error("write the steps of -t or --prune into it", "compare", "-p",
                              "test-device", path, *arguments, code=2)
        rows = self.run_program("compare", "-p", "test-device", "-f", "json", self.small, path,
                                "-t", "prune: 0.5", warns=True)
        self.assertIn("cascade.yaml says itself", rows.stderr)
        self.assertEqual(len(json.loads(rows.stdout)), 3)

    def test_without_joules_exits_are_judged_by_runtime(self):
        exits = "exits: [{after: early, rate: 0.0001}, {after: max_pool2d_1, rate: 0.9}]"
        arguments = ("compare", "-p", "epyc-onednn", "-f", "json", self.small, "-t", exits)
        _, row = json.loads(self.run_program(*arguments).stdout)
        self.assertIsNone(row["energy_j"])
        self.assertIn("judged by runtime", row["note"])
        self.assertTrue(all(0 < rate for rate in row["exit_break_even_rate"]))
        _, pruned = json.loads(self.run_program(*arguments, "--prune-exits").stdout)
        self.assertEqual(pruned["exits_dropped"], ["early"])
        self.assertLess(pruned["runtime_s"], row["runtime_s"])
        self.assert_error("no joules to prune by", "compare", "-p", "epyc-onednn", self.small,
                          "--prune", "energy", "--target-energy", "0.5", code=2)

    def test_pruned_alike_and_then_by_energy(self):
        alone, both = self.under(self.residual, "prune: {energy: 0.4}",
                                 "[prune: 0.25, prune: {energy: 0.4}]")
        for row in alone, both:
            self.assertLessEqual(row["energy_ratio"], 0.4)
        # Dearer than the energy asks for is what the ratio alone has taken of no layer.
        self.assertLessEqual(both["params"], self.under(self.residual, "prune: 0.25")[0]["params"])

    def test_formats_that_a_machine_only_moves(self):
        self.write("profiles/moves.yaml", profile.text("moves", more=[("copy", "1e-9", "bf16")]))
        row = self.compare(self.small, "-t", "precision: bf16", "-p", "moves")[-1]
        self.assertIsNone(row["runtime_s"])
        self.assertIn("no rows in bf16", row["note"])

    def test_formats_of_weights_are_of_layers_with_weights(self):
        int8, weights, mixed = self.under(self.small, "precision: int8",
                                          "precision: {weights: int8}",
                                          "precision: {weights: int8, layers: linear}")
        self.assertEqual([row["precision"] for row in (int8, weights, mixed)],
                         ["int8", "mixed", "mixed"])
        self.refuse("none of its layers", self.small, "precision: {weights: int8, layers: relu}")


class Invariants(Techniques):
    STEPS = ("prune: {ratio: 0.25, layers: late}", "precision: f32", "sparsity: 0.5",
             "exits: [{after: max_pool2d_1, rate: 0.3}]", "active: {fraction: 0.5, layers: early}")

    def test_order_does_not_matter(self):
        rows = self.under(self.small, *("[" + ", ".join(order) + "]" for order in
                                        itertools.islice(itertools.permutations(self.STEPS), 0, 60,
                                                         7)))
        for row in rows[1:]:
            self.assertEqual({**row, "technique": None}, {**rows[0], "technique": None})

    def test_no_depth_is_the_baseline_where_nothing_repeats(self):
        base, row = self.compare(self.small, "-t", "depth: 0")
        for key in ("params", "macs", "energy_j", "runtime_s", "energy_low_j"):
            self.assertEqual(row[key], base[key])

    def test_nothing_is_the_baseline(self):
        for nothing in ("prune: 0", "depth: {ratio: 0}", "sparsity: 1", "active: 1",
                        "precision: f32"):
            base, row = self.compare(self.residual, "-t", nothing)
            self.assertEqual({**row, "technique": None}, base, nothing)

    def test_exits_that_nobody_takes_are_the_baseline(self):
        base, row = self.compare(self.small, "-t", "exits: [{after: early, rate: 0}, "
                                 "{after: max_pool2d_1, rate: 0}]", "--prune-exits")
        self.assertEqual(row["exits_dropped"], ["early", "max_pool2d_1"])
        self.assertEqual({k: v for k, v in row.items() if "exit" not in k and k != "technique"},
                         {k: v for k, v in base.items() if "exit" not in k and k != "technique"})
        path = self.write("nobody.yaml", """\
networks:
  - {name: a, architecture: small.yaml, next: {b: 0}}
  - {name: b, architecture: tiny.yaml}
""")
        base, row = self.compare(self.small, path)
        for name in ("macs", "activation_bytes", "runtime_s", "energy_j", "energy_worst_j"):
            self.assertEqual(row[name], base[name])

    def test_expected_energy_lies_between_the_paths(self):
        cheapest = self.under(self.small, "exits: [{after: max_pool2d_1, rate: 1}]")[0]
        for rate in (0.1, 0.25, 0.5, 0.75, 0.9):
            row, = self.under(self.small, f"exits: [{{after: max_pool2d_1, rate: {rate}}}]")
            self.assertGreater(row["energy_j"], cheapest["energy_j"])
            self.assertLess(row["energy_j"], row["energy_worst_j"])
            self.assertLessEqual(row["energy_p50_j"], row["energy_p95_j"])
            self.assertLessEqual(row["energy_p95_j"], row["energy_worst_j"])


class BadInput(Techniques):
    def test_values(self):
        for technique, message in (
                ("prune: 1.5", "prune must be a number from 0 to 1"),
                ("prune: -0.1", "prune must be a number from 0 to 1"),
                ("prune: 1", "leaves no channel"),
                ("prune: {ratoi: 0.5}", "did you mean 'ratio'?"),
                ("prune: {multiple_of: 8}", "prune needs one of"),
                ("prune: {ratio: 0.5, layers: lat}", "did you mean 'late'?"),
                ("prune: {ratio: 0.5, layers: relu}", "none of its layers makes channels"),
                ("prun: 0.5", "did you mean 'prune'?"),
                ("step: [prune: 0.5]", "did you mean 'steps'?"),
                ("{prune: 0.5, depth: 0.5}", "'depth' needs a dash of its own"),
                ("prune: {ratio: 0.5, layers: []}", "layers names nothing"),
                ("precision: int7", "precision must be f32"),
                ("sparsity: {layers: late}", "sparsity needs density or activations"),
                ("sparsity: {density: 0.5, layers: relu}", "none of its layers has work"),
                ("active: many", "active must be a number"),
                ("depth: 0.5", "nothing of small is written with `repeat`"),
                ("exits: [{after: nowhere, rate: 0.5}]", "has no layer or block 'nowhere'"),
                ("exits: [{after: late, rate: 2}]", "rate must be a number from 0 to 1"),
                ("exits: [{after: late}]", "an exit needs `after` and `rate`"),
                ("exits: [{after: relu, rate: 0.1}]", "names 2"),
                ("exits: [{after: late, rate: 0.1}, {after: late, rate: 0.1}]", "has an exit"),
                ("exits: [{after: late, rate: 0.1, layers: [linear: {out_features: x}]}]",
                 "linear"),
                ("[precision: int8, precision: f16]", "contradicts line 1"),
                ("[prune: {energy: 0.9}, prune: {energy: 0.8}]", "names one"),
                ("technique: refused.yaml", "more than 8 deep"),
                ("5", "a step must be"), ("", "a step must be")):
            with self.subTest(technique):
                self.refuse(message, self.small, technique)
        self.refuse("keep", self.small, "prune:\n  keep: {late: 64}\n", line=2)

    def test_what_is_dropped_has_nothing_else(self):
        for technique in ("prune: {ratio: 0.5, layers: [stem, unit]}", "precision: {weights: int8, "
                          "layers: unit}", 'exits: [{after: "unit[1]", rate: 0.5}]'):
            with self.subTest(technique):
                self.refuse("line 1 of", self.residual,
                            f'- depth: {{drop: unit}}\n- {technique}\n', line=2)

    def test_options(self):
        for arguments, message in (
                (("--prune", "energy"), "belong together"),
                (("--target-energy", "0.5"), "belong together"),
                (("--prune", "2"), "must be energy, or a ratio"),
                (("--prune", "energy", "--target-energy", "2"), "must be a share"),
                (("-t", ""), "must be a technique's file")):
            self.assert_error(message, "compare", "-p", "test-device", self.small, *arguments,
                              code=1)

    def test_cascades(self):
        for body, line, message in (
                ("[{name: a, architecture: small.yaml, next: {b: 0.5}}]", 1, "no network 'b'"),
                ("[{name: a, architecture: small.yaml, next: {a: 0.5}}]", 1, "does not come after"),
                ("[{name: a, architecture: small.yaml},\n {name: a, architecture: tiny.yaml}]", 2,
                 "two networks 'a'"),
                ("[{name: a}]", 1, "needs `name` and `architecture`"),
                ("[{name: a, architecture: gone.yaml}]", 1, "gone.yaml"),
                ("[{name: a, architecture: small.yaml, next: {done: 0.5, b: 0.6}},\n"
                 " {name: b, architecture: tiny.yaml}]", 1, "sum to 1.1"),
                ("[{name: a, architecture: small.yaml, steps: [prune: 2]}]", 1, "prune must be")):
            path = self.write("refused.yaml", f"networks: {body}\n")
            with self.subTest(body):
                self.assert_error(f"{line}: ", "compare", "-p", "test-device", path, code=2)
                self.assert_error(message, "compare", "-p", "test-device", path, code=2)
        path = self.write("cascade.yaml", "networks: [{name: a, architecture: small.yaml}]\n")
        self.assert_error("is an operand", "compare", "-p", "test-device", self.small, "-t", path,
                          code=2)
        own = self.write("own.yaml", "architecture: small.yaml\nsteps: [prune: 0.5]\n")
        self.assert_error("own.yaml:1: a technique that names its networks is an operand",
                          "compare", "-p", "test-device", self.small, "-t", own, code=2)
        path = self.write("open.yaml", "steps: [prune: 0.5]\n")
        self.assert_error("names no `architecture`", "compare", "-p", "test-device", path, code=2)


if __name__ == "__main__":
    unittest.main()
