# SPDX-License-Identifier: Apache-2.0
"""predict: names, sums and values, in every format."""

import json
import os
import re
import unittest

import profile
from driver import Process, read_csv

HEAD = ["architecture", "profile", "batch_size", "precision"]
TOTALS = ["params", "macs", "weight_bytes", "activation_bytes", "runtime_s", "power_w", "energy_j",
          "energy_low_j", "energy_high_j", "energy_per_sample_j", "layers", "layers_unmodelled",
          "layers_extrapolated", "energy_source"]
LAYER = ["name", "op", "kernel", "input_shape", "output_shape", "params", "macs", "runtime_s",
         "power_w", "energy_j", "energy_low_j", "energy_high_j", "status"]

# By hand for tiny.yaml: conv2d 3 -> 8 channels, 3x3 on 32x32, bias; linear 8192 -> 10, bias.
CONV_MACS = 8 * 3 * 9 * 32 * 32
CONV_PARAMS = 8 * 3 * 9 + 8
LINEAR_MACS = 8192 * 10
LINEAR_PARAMS = 8192 * 10 + 10


class Json(Process):
    def test_names_and_order(self):
        document = self.predict(self.tiny)
        self.assertEqual(list(document), [*HEAD, "totals", "layers"])
        self.assertEqual(list(document["totals"]), TOTALS)
        for layer in document["layers"]:
            self.assertEqual(list(layer), LAYER)

    def test_values_known_by_hand(self):
        document = self.predict(self.tiny, "-b", "4")
        self.assertEqual([document[name] for name in HEAD], ["tiny", "test-device", 4, "f32"])
        conv, relu, flatten, linear = document["layers"]
        self.assertEqual(conv["macs"], 4 * CONV_MACS)
        self.assertEqual(conv["params"], CONV_PARAMS)
        self.assertEqual(linear["macs"], 4 * LINEAR_MACS)
        self.assertEqual(linear["params"], LINEAR_PARAMS)
        self.assertEqual(conv["input_shape"], [4, 3, 32, 32])
        self.assertEqual(conv["output_shape"], [4, 8, 32, 32])
        # The profile: 1 ns a MAC at 10 W inside its rows, else 1 ns a byte moved at 5 W.
        self.assertAlmostEqual(conv["runtime_s"] / (4e-9 * CONV_MACS), 1)
        self.assertAlmostEqual(conv["power_w"], 10)
        self.assertAlmostEqual(conv["energy_j"] / (4e-8 * CONV_MACS), 1)
        self.assertAlmostEqual(conv["energy_low_j"] / conv["energy_j"], 0.5)
        self.assertAlmostEqual(conv["energy_high_j"] / conv["energy_j"], 2)
        self.assertAlmostEqual(relu["runtime_s"] / (1e-9 * 2 * 4 * 8 * 32 * 32 * 4), 1)
        self.assertAlmostEqual(relu["power_w"], 5)
        self.assertEqual([layer["status"] for layer in document["layers"]],
                         ["modelled", "fallback", "free", "fallback"])
        self.assertIsNone(flatten["kernel"])
        self.assertIsNone(flatten["power_w"])
        self.assertEqual(flatten["energy_j"], 0)

    def test_totals_are_sums(self):
        document = self.predict(self.tiny, "-b", "8")
        totals, layers = document["totals"], document["layers"]
        for name in ("params", "macs"):
            self.assertEqual(totals[name], sum(layer[name] for layer in layers))
        for name in ("runtime_s", "energy_j"):
            self.assertAlmostEqual(totals[name] / sum(layer[name] for layer in layers), 1)
        self.assertAlmostEqual(totals["power_w"] * totals["runtime_s"] / totals["energy_j"], 1)
        self.assertAlmostEqual(totals["energy_per_sample_j"] * 8 / totals["energy_j"], 1)
        self.assertLess(totals["energy_low_j"], totals["energy_j"])
        self.assertGreater(totals["energy_high_j"], totals["energy_j"])
        self.assertEqual(totals["layers"], len(layers))
        self.assertEqual(totals["layers_unmodelled"],
                         sum(layer["status"] == "fallback" for layer in layers))
        self.assertEqual(totals["layers_extrapolated"], 0)
        self.assertEqual(totals["weight_bytes"], 4 * totals["params"])
        self.assertEqual(totals["energy_source"], "rapl")

    def test_errors_of_layers_partly_cancel(self):
        # Two layers of 1 unit, which are one kernel, and one of 2; intervals reach as far above as
        # each layer costs, and half as far below. A share s of the squares is common to all:
        # s·(1 + 1 + 2)² + (1 − s)·((1 + 1)² + 2²).
        three = self.write("three.yaml", "name: three\ninputs: {x: [16, 64, 64]}\nlayers:\n" +
                           "".join(f"  - conv2d: {{out_channels: {n}, kernel_size: 3, padding: 1, "
                                   "bias: false}\n" for n in (16, 16, 32)))
        for shared, squares in ((0, 8), (0.5, 12), (1, 16), (None, 16)):
            self.write("profiles/part.yaml", profile.text(name="part", shared=shared))
            totals = self.predict(three, "-p", "part")["totals"]
            unit = totals["energy_j"] / 4
            self.assertAlmostEqual((totals["energy_high_j"] / unit - 4) / squares ** 0.5, 1)
            self.assertAlmostEqual((4 - totals["energy_low_j"] / unit) / squares ** 0.5, 0.5)
        for wrong in (-0.1, 1.1, ".nan"):
            self.write("profiles/part.yaml", profile.text(name="part", shared=wrong))
            self.assertEqual(self.run_program("predict", "-p", "part", three, code=2).stdout, "")

    def test_fallbacks_share_one_error(self):
        two = self.write("two.yaml", "name: two\ninputs: {x: [100]}\nlayers:\n"
                         "  - relu:\n  - sigmoid:\n")
        document = self.predict(two)
        high = sum(layer["energy_high_j"] for layer in document["layers"])
        self.assertAlmostEqual(document["totals"]["energy_high_j"] / high, 1)

    def test_extrapolation_is_told(self):
        big = self.write("big.yaml", "name: big\ninputs: {x: [64, 512, 512]}\nlayers:\n"
                         "  - conv2d: {out_channels: 64, kernel_size: 3, padding: 1}\n")
        document = self.predict(big)
        self.assertEqual(document["layers"][0]["status"], "extrapolated")
        self.assertEqual(document["totals"]["layers_extrapolated"], 1)
        first = self.run_program("predict", "-p", "test-device", big).stdout.splitlines()[0]
        self.assertTrue(first.startswith("Most of big lies outside the rows of test-device"), first)

    def test_unknown_energy_is_null(self):
        self.write("profiles/no-meter.yaml", profile.text(name="no-meter", meter="none"))
        document = self.predict(self.tiny, "-p", "no-meter")
        for name in ("power_w", "energy_j", "energy_low_j", "energy_high_j",
                     "energy_per_sample_j", "energy_source"):
            self.assertIsNone(document["totals"][name], name)
        self.assertGreater(document["totals"]["runtime_s"], 0)
        rows = read_csv(self.run_program("predict", "-p", "no-meter", "-f", "csv",
                                         self.tiny).stdout)
        self.assertEqual(rows[0]["energy_j"], "")

    def test_joules_that_were_not_measured_say_so(self):
        for meter, words in (("declared", "not measured"), ("analytic", "not measured"),
                             ("rapl", "rapl: rows measured with it")):
            self.write("profiles/other.yaml", profile.text(name="other", meter=meter))
            self.assertEqual(self.predict(self.tiny, "-p", "other")["totals"]["energy_source"],
                             meter)
            self.assertIn(words, self.run_program("predict", "-p", "other", self.tiny).stdout)

    def test_several_architectures_are_a_list(self):
        other = self.write("other.yaml", "inputs: {x: [4]}\nlayers:\n  - relu:\n")
        documents = self.predict(self.tiny, other, self.tiny)
        self.assertEqual([d["architecture"] for d in documents], ["tiny", "other", "tiny"])
        self.assertEqual(documents[0], self.predict(self.tiny))


class Formats(Process):
    def formatted(self, name, *arguments):
        return self.run_program("predict", "-p", "test-device", "-f", name, *arguments).stdout

    def test_csv_is_the_layers_of_json(self):
        document = self.predict(self.tiny)
        rows = read_csv(self.formatted("csv", self.tiny))
        self.assertEqual(list(rows[0]), HEAD + LAYER)
        self.assertEqual(len(rows), len(document["layers"]))
        for row, layer in zip(rows, document["layers"]):
            for name in LAYER:
                value = layer[name]
                if name.endswith("_shape"):
                    self.assertEqual(row[name], "x".join(map(str, value)))
                elif value is None:
                    self.assertEqual(row[name], "")
                elif isinstance(value, str):
                    self.assertEqual(row[name], value)
                else:
                    self.assertEqual(float(row[name]), value)
            self.assertEqual(row["architecture"], "tiny")

    def test_json_lines_are_json(self):
        lines = self.formatted("jsonl", self.tiny, self.tiny).splitlines()
        self.assertEqual([json.loads(line) for line in lines], [self.predict(self.tiny)] * 2)

    def test_table_fits_80_columns(self):
        name = "a_name_that_is_much_longer_than_any_name_of_a_layer_that_a_person_would_give"
        path = self.write("long.yaml", f"name: {name}\ninputs: {{x: [256, 128, 128]}}\nlayers:\n"
                          f"  - conv2d: {{name: {name}, out_channels: 256, kernel_size: 3}}\n"
                          f"  - scaled_dot_product_attention: {{inputs: [{name}, {name}, {name}]}}\n")
        for line in self.formatted("table", path).splitlines():
            self.assertLessEqual(len(line), 80, line)

    def test_table_has_head_and_every_layer(self):
        text = self.formatted("table", self.tiny)
        for word in ("runtime", "power", "energy", "per sample", "90 %", "params", "MACs",
                     "1 MAC = 2 FLOP", "bytes", "A machine", "test-device", "batch size 1, f32",
                     "modelled", "fallback"):
            self.assertIn(word, text)
        layers = text[text.index("\nlayer"):].splitlines()[2:]
        self.assertEqual([line.split()[1] for line in layers],
                         ["conv2d", "relu", "flatten", "linear"])

    def test_markdown_tables_are_even(self):
        lines = self.formatted("markdown", self.tiny).splitlines()
        start = [line.startswith("| layer | op ") for line in lines].index(True)
        self.assertEqual(len(lines) - start, 2 + 4) # heading, rule, four layers to the end
        self.assertEqual({line.count("|") for line in lines[start:]}, {9})

    def test_html_stands_alone(self):
        text = self.formatted("html", self.tiny)
        self.assertTrue(text.startswith("<!DOCTYPE html>"))
        self.assertTrue(text.endswith("</html>\n"))
        self.assertIsNone(re.search(r"https?://|<script|<link|@import", text))


class Names(Process):
    def test_hostile_names_are_escaped(self):
        name = "a\"b,c|d<e>&f\\g"
        path = self.folder / (name + ".yaml")
        path.write_text("inputs: {x: [4]}\nlayers:\n  - relu:\n")
        document = self.predict(str(path))
        self.assertEqual(document["architecture"], name)
        text = self.run_program("predict", "-p", "test-device", "-f", "csv", str(path)).stdout
        self.assertEqual(read_csv(text)[0]["architecture"], name)
        html = self.run_program("predict", "-p", "test-device", "-f", "html", str(path)).stdout
        self.assertIn("<h1>a&quot;b,c|d&lt;e&gt;&amp;f\\g</h1>", html)

    def test_bad_bytes_in_names_become_replacement_characters(self):
        path = os.path.join(os.fsencode(self.folder), b"x\xff\xc3\xa9\xed\xa0\x80\x1b.yaml")
        with open(path, "w") as file:
            file.write("inputs: {x: [4]}\nlayers:\n  - relu:\n")
        document = self.predict(os.fsdecode(path))
        self.assertEqual(document["architecture"], "x\ufffd\u00e9\ufffd\ufffd\ufffd\x1b")
        table = self.run_program("predict", "-p", "test-device", os.fsdecode(path)).stdout
        self.assertNotIn("\x1b", table)

    def test_unknown_names(self):
        self.assert_error("there is no profile 'test-devise'; did you mean 'test-device'?",
                          "predict", "-p", "test-devise", self.tiny, code=2)
        self.assert_error("no-such.yaml: No such file", "predict", "-p", "test-device",
                          "no-such.yaml", code=2)
        zoo = {"JOULECAST_ZOO_PATH": str(self.folder)}
        self.assert_error("there is no zoo network 'tinny'; did you mean 'tiny'?", "predict",
                          "-p", "test-device", "tinny", code=2, environment=zoo)
        self.assertEqual(self.predict("tiny", environment=zoo), self.predict(self.tiny))

    def test_profile_of_another_version(self):
        self.write("profiles/new.yaml", profile.text(version=2))
        self.assert_error("version", "predict", "-p", "new", self.tiny, code=2)

    def test_error_in_an_architecture_names_file_and_line(self):
        path = self.write("bad.yaml", "inputs: {x: [4]}\nlayers:\n  - frobnicate:\n")
        self.assert_error(f"{path}:3: ", "predict", "-p", "test-device", path, code=2)

    def test_directory_named_like_a_profile_does_not_hide_it(self):
        (self.folder / "test-device").mkdir()
        self.assertEqual(self.predict(self.tiny)["profile"], "test-device")


if __name__ == "__main__":
    unittest.main()
