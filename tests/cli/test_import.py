# SPDX-License-Identifier: Apache-2.0
"""joulecast import: foreign CSV files to datasets.

What the mappings of the shipped devices make of the real files is compared with what Python's own
csv module reads in them.
"""

import csv
import math
import os
import pathlib
import re
import subprocess
import unittest

from driver import PROGRAM, SOURCE, Process, read_csv

SHARED = pathlib.Path(os.environ.get("JOULECAST_SHARED_DATA", SOURCE.parent / "shared" / "data"))

MAPPING = """\
device: {name: test, machine: a machine}
precision: f32
kernels:
  rows.csv:
    kernel: linear
    columns:
      batch_size: n
      in_features: a
      out_features: b
      runtime_s: t * 1e-6
      energy_j: e
"""
ROWS = "n,a,b,t,e\n1,2,3,4,5\n"


class Import(Process):
    def import_rows(self, mapping=MAPPING, rows=ROWS, name="rows.csv"):
        self.write("mapping.yaml", mapping)
        self.write(name, rows)
        return subprocess.run([*PROGRAM, "import", "mapping.yaml", name, "-o", "ds"],
                              cwd=self.folder, capture_output=True, text=True, timeout=300)

    def imported(self, name, **inputs):
        """Rows of a file of the dataset."""
        result = self.import_rows(**inputs)
        self.assertEqual(result.returncode, 0, result.stderr)
        return read_csv((self.folder / "ds" / name).read_text())

    def assert_refused(self, expected, **inputs):
        result = self.import_rows(**inputs)
        self.assertEqual(result.returncode, 2, (inputs, result.stderr))
        self.assertIn(expected, result.stderr)
        self.assertEqual(result.stderr.count("\n"), 1, result.stderr)
        self.assertFalse((self.folder / "ds").exists())

    def refuse_mappings(self, cases):
        """Cases are (part of MAPPING, what replaces it, message with its line)."""
        for old, new, expected in cases:
            with self.subTest(new):
                self.assertIn(old, MAPPING)
                self.assert_refused(expected, mapping=MAPPING.replace(old, new))

    def refuse_rows(self, cases):
        for rows, expected in cases:
            with self.subTest(rows):
                self.assert_refused(expected, rows=rows)


class Readme(Import):
    def test_the_example_of_the_readme_is_what_happens(self):
        text = (SOURCE / "datasets" / "README.md").read_text()
        mapping, = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
        rows, linear, conv2d = re.findall(r"```csv\n(.*?)```", text, re.DOTALL)
        report, = re.findall(r"```text\n(.*?)```", text, re.DOTALL)
        result = self.import_rows(mapping, rows, "layers.csv")
        self.assertEqual(result.stderr, report.replace("DATASET", "ds"))
        self.assertEqual(result.stdout, "")
        self.assertEqual((self.folder / "ds" / "linear.csv").read_text(), linear)
        self.assertEqual((self.folder / "ds" / "conv2d.csv").read_text(), conv2d)

    def test_the_keys_of_a_device_are_those_of_the_readme(self):
        text = (SOURCE / "datasets" / "README.md").read_text()
        keys = re.search(r"`device.yaml` has the keys (.*?);", text, re.DOTALL).group(1)
        lines = [f"  {key}: {0.5 if key == 'meter_step_s' else 'word'}\n"
                 for key in re.findall(r"`(\w+)`", keys)]
        self.assertEqual(len(lines), 12)
        mapping = MAPPING.replace(" {name: test, machine: a machine}\n", "\n" + "".join(lines))
        self.imported("linear.csv", mapping=mapping)
        written = (self.folder / "ds" / "device.yaml").read_text()
        self.assertEqual(written.splitlines(), [line.strip() for line in lines])


class Mapping(Import):
    def test_units_and_constants(self):
        row, = self.imported("linear.csv",
                             mapping=MAPPING.replace("batch_size: n", "batch_size: 2 * n + 1"))
        self.assertEqual(row["batch_size"], "3")
        self.assertEqual(float(row["runtime_s"]), 4 * 1e-6)
        self.assertEqual(row["power_w"], "")

    def test_an_empty_cell_is_unknown_and_so_is_what_follows_from_it(self):
        for empty in ("", "NA", "nan", '""'):
            row, = self.imported("linear.csv", rows=f"n,a,b,t,e\n1,2,3,{empty},5\n")
            self.assertEqual((row["runtime_s"], row["energy_j"]), ("", "5"))

    def test_a_row_with_nothing_measured_is_dropped(self):
        result = self.import_rows(rows=ROWS + "1,2,3,,\n")
        self.assertIn("2 rows read, 1 kept", result.stderr)
        self.assertIn("1 dropped: none of runtime_s, power_w and energy_j is known",
                      result.stderr)

    def test_a_definition_hides_the_column_of_its_name(self):
        define = MAPPING.replace("    columns:", "    define: {t: t + 1, u: t * 10}\n    columns:")
        row, = self.imported("linear.csv", mapping=define.replace("energy_j: e", "energy_j: u"))
        self.assertEqual((float(row["runtime_s"]), row["energy_j"]), (5 * 1e-6, "50"))

    def test_another_separator(self):
        rows, = self.imported("linear.csv", rows=ROWS.replace(",", ";"), mapping=MAPPING.replace(
            "    columns:", '    separator: ";"\n    columns:'))
        self.assertEqual(rows["out_features"], "3")

    def test_precision_and_meter_from_columns(self):
        mapping = MAPPING.replace("precision: f32\n", "").replace(
            "    columns:", "    precision: {column: p, values: {float: f32, half: f16}}\n"
                            "    meter: {column: m}\n    columns:")
        rows = self.imported("linear.csv", mapping=mapping,
                             rows="n,a,b,t,e,p,m\n1,2,3,4,5,half,rapl\n1,2,3,4,5,float,\n")
        self.assertEqual([(r["precision"], r["meter"]) for r in rows],
                         [("f16", "rapl"), ("f32", "")])

    def test_text_conditions_come_before_numbers_are_read(self):
        mapping = MAPPING + ("    drop:\n      - when: {s: [failed, 'lost, too']}\n"
                             "        because: it did not run\n")
        result = self.import_rows(mapping=mapping,
                                  rows='n,a,b,t,e,s\n1,2,3,4,5,ok\n1,2,3,-,x,failed\n'
                                       '1,2,3,-,-,"lost, too"\n')
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("3 rows read, 1 kept", result.stderr)
        self.assertIn("2 dropped: it did not run", result.stderr)

    def test_networks(self):
        mapping = MAPPING.replace("kernels:", "networks:").replace(
            "kernel: linear", "architecture: {column: name, values: {VGG: vgg16}}\n"
                              "    input: [3, a, a]")
        mapping = mapping.replace("      in_features: a\n      out_features: b\n", "")
        row, = self.imported("networks.csv", mapping=mapping, rows="name,n,a,t,e\nVGG,8,224,1,2\n")
        self.assertEqual([row[c] for c in ("architecture", "batch_size", "input_shape")],
                         ["vgg16", "8", "3x224x224"])

    def test_files_of_other_kernels_stay(self):
        self.imported("linear.csv")
        self.imported("relu.csv", rows="n,a,t\n1,2,3\n", mapping=MAPPING.replace(
            "kernel: linear", "kernel: relu").replace(
            "in_features", "elements").replace("      out_features: b\n", "").replace(
            "      energy_j: e\n", ""))
        self.assertEqual(sorted(p.name for p in (self.folder / "ds").iterdir()),
                         ["device.yaml", "linear.csv", "relu.csv"])

    def test_a_failed_import_leaves_the_dataset_as_it_was(self):
        self.imported("linear.csv")
        before = (self.folder / "ds" / "linear.csv").read_text()
        result = self.import_rows(rows=ROWS + "1,2,3,x,5\n")
        self.assertEqual(result.returncode, 2)
        self.assertEqual((self.folder / "ds" / "linear.csv").read_text(), before)
        self.assertEqual(sorted(p.name for p in (self.folder / "ds").iterdir()),
                         ["device.yaml", "linear.csv"])


class Errors(Import):
    def test_keys(self):
        self.refuse_mappings([
            ("device: {", "devise: {", "mapping.yaml:1: a mapping has no key 'devise'; did you "
                                       "mean 'device'?"),
            ("device: {name: test, machine: a machine}", "meter: x",
             "mapping.yaml:1: 'device:' is missing"),
            ("device: {name: test, machine: a machine}", "device: [x]",
             "mapping.yaml:1: a device is a list"),
            ("device: {name: test, machine: a machine}", "device: no.yaml", "no.yaml: No such file"),
            ("device: {name: test, ", "device: {nam: test, ", "a device has no key 'nam'"),
            ("kernel: linear", "kernl: linear", "mapping.yaml:5: a file has no key 'kernl'; did"),
            ("    kernel: linear\n", "", "mapping.yaml:4: rows.csv: 'kernel:' is missing"),
            ("kernels:", "kernels: [x]\nnetworks:", "mapping.yaml:3: 'kernels' must be a mapping"),
            ("kernels:\n", "networks: {rows.csv: x}\nkernels:\n",
             "mapping.yaml:3: rows.csv stands here twice, first in line 5"),
            ("precision: f32\n", "", "mapping.yaml:3: rows.csv: the precision is not given"),
            ("precision: f32", "precision: f64", "mapping.yaml:2: 'f64', which must be f32"),
            ("precision: f32", "precision: f32\nmeter: a_meter_of_a_very_long_name",
             "mapping.yaml:3: 'a_meter_of_a_very_long_name', which must be a name of up to 23"),
            ("    kernel:", "    separator: x\n    kernel:", "mapping.yaml:5: 'separator' must be"),
            ("    kernel:", "    names: [x]\n    kernel:", "mapping.yaml:5: 'names' must give"),
            ("    kernel:", "    define: x\n    kernel:", "mapping.yaml:5: 'define' must be a"),
        ])

    def test_empty_and_malformed(self):
        self.assert_refused("mapping.yaml:1: a mapping is nothing", mapping="")
        self.assert_refused("mapping.yaml:1: a mapping is a list", mapping="[x]")
        self.assert_refused("mapping.yaml:1: no file is mapped", mapping="device: {name: x}\n")
        self.assert_refused("mapping.yaml:2: not valid YAML", mapping="device: {name\n")

    def test_kernels(self):
        self.refuse_mappings([
            ("kernel: linear", "kernel: liner", "mapping.yaml:5: 'liner', which must be a kernel "
                                                "such as conv2d or relu; did you mean 'linear'?"),
            ("kernel: linear", "kernel: {column: x}", "mapping.yaml:5: 'values:' is missing"),
            ("kernel: linear", "kernel: {values: [relu]}", "mapping.yaml:5: 'column:' must name"),
            ("kernel: linear", "kernel: {column: x, values: relu}", "mapping.yaml:5: 'values' must"),
            ("kernel: linear", "kernel: {column: x, values: {a: b}}", "mapping.yaml:5: 'b', which"),
            ("kernel: linear", "kernel: {colum: x}", "'colum'; did you mean 'column'?"),
            ("kernel: linear", "kernel: [linear]", "a text taken from a column is a list"),
        ])

    def test_columns(self):
        self.refuse_mappings([
            ("runtime_s:", "runtime:", "mapping.yaml:10: rows of rows.csv have no column 'runtime'; "
                                       "did you mean 'runtime_s'?"),
            ("in_features:", "in_channels:", "mapping.yaml:8: rows of rows.csv have no column"),
            ("energy_j: e", "meter: e", "mapping.yaml:11: 'meter' is a text: write it beside"),
            ("      in_features: a\n", "", "mapping.yaml:4: rows.csv: a column of linear is not "
                                           "given: in_features is missing or 0"),
            ("      runtime_s: t * 1e-6\n      energy_j: e\n", "",
             "mapping.yaml:4: rows.csv: none of runtime_s, power_w and energy_j is given"),
            ("t * 1e-6", "t *", "mapping.yaml:10: runtime_s: "),
            ("t * 1e-6", "[t]", "mapping.yaml:10: runtime_s is a list; must be a number or"),
            ("t * 1e-6", "sqrt(t)", "mapping.yaml:10: runtime_s: no such function"),
            ("t * 1e-6", "", "mapping.yaml:10: runtime_s is nothing"),
            ("    columns:", "    columns: {}\n    names:", "mapping.yaml:6: 'columns' must say"),
        ])

    def test_networks(self):
        mapping = MAPPING.replace("kernels:", "networks:").replace(
            "kernel: linear", "architecture: a\n    input: [3]").replace(
            "      in_features: a\n      out_features: b\n", "")
        for old, new, expected in [
            ("[3]", "3", "mapping.yaml:6: 'input' must be the sizes of one sample"),
            ("[3]", "[1, 1, 1, 1, 1, 1]", "mapping.yaml:6: 'input' must be the sizes"),
            ("      batch_size: n\n", "", "mapping.yaml:4: rows.csv: the column batch_size is not"),
            ("batch_size: n", "batch_size: n - 1", "rows.csv:2: batch_size"),
            ("architecture: a", "architecture: ''", "mapping.yaml:5: '', which must be a name"),
            ("energy_j: e", "architecture: e", "'architecture' is a text: write it beside"),
        ]:
            self.assert_refused(expected, mapping=mapping.replace(old, new))

    def test_rules(self):
        for key, rule, expected in [
            ("drop", "x", "mapping.yaml:12: 'drop' must be a list of rules"),
            ("drop", "[{when: t < 1}]", "mapping.yaml:12: the rule has no 'because:'"),
            ("drop", "[{because: x}]", "mapping.yaml:12: the rule has no 'when:'"),
            ("drop", "[{when: t <, because: x}]", "mapping.yaml:12: when: "),
            ("drop", "[{when: {n: a, t: b}, because: x}]", "'when' compares one column, not 2"),
            ("drop", "[{when: {n: [[a]]}, because: x}]", "compares with a text or a list of texts"),
            ("drop", "[{when: q < 1, because: x}]", "mapping.yaml:12: rows.csv has no column 'q'"),
            ("drop", "[{when: t < 1, because: x, fields: [t]}]", "no key 'fields'"),
            ("drop", "[" + 65 * "{when: t < 1, because: x}," + "]", "more than 64 rules"),
            ("unknown", "[{when: t < 1, because: x}]", "the rule has no 'fields:'"),
            ("unknown", "[{when: t < 1, because: x, fields: []}]", "'fields' is empty"),
            ("unknown", "[{when: t < 1, because: x, fields: [power]}]",
             "'fields' has 'power'; must be measured columns such as power_w"),
        ]:
            with self.subTest(rule):
                self.assert_refused(expected, mapping=f"{MAPPING}    {key}: {rule}\n")

    def test_files(self):
        self.assert_refused("mapping.yaml: no file 'row.csv' is mapped, only rows.csv; did you",
                            name="row.csv")
        self.write("mapping.yaml", MAPPING)
        path = self.write("rows.csv", ROWS)
        arguments = ("import", "mapping.yaml", path, path, "-o", "ds")
        self.assert_error("given twice", *arguments, code=2)
        (self.folder / "rows.csv").unlink()
        self.assert_error("rows.csv: No such file", "import", "mapping.yaml", "rows.csv", "-o",
                          "ds", code=2)
        self.assert_error("needs -o DATASET", "import", "mapping.yaml", "rows.csv", code=1)
        self.assert_error("needs MAPPING CSV...", "import", "mapping.yaml", code=1)
        self.assert_error("ds/x: No such file", "import", "mapping.yaml", "rows.csv", "-o", "ds/x",
                          code=2)

    def test_rows(self):
        self.refuse_rows([
            ("", "rows.csv: empty"),
            ("n,a,b,tt,e\n", "mapping.yaml:10: rows.csv has no column 't'"),
            ("n,a,b,t,t,e\n", "rows.csv:1: two columns are called 't'"),
            ("n,a,b,t,e\n1,2,3,4\n", "rows.csv:2: 4 fields, but the first line names 5 columns"),
            ("n,a,b,t,e\n1,2,3,4,5,6\n", "rows.csv:2: 6 fields"),
            ("n,a,b,t,e\n\n1,2,3,4,\"5\n", "rows.csv:3: column 'e': a field in quotes is never"),
            ("n,a,b,t,e\n1,2,3,4,5\0\n", "rows.csv:2: a NUL byte"),
            (ROWS + "1,2,3,4s,5\n", "rows.csv:3: t is '4s', which must be a number, or empty"),
            (ROWS + "1,2,3,inf,5\n", "rows.csv:3: t is 'inf', which must be a number"),
            (ROWS + "1,2,3.5,4,5\n", "rows.csv:3: out_features (b, line 9 of the mapping) is 3.5, "
                                     "which must be a whole number"),
            (ROWS + "1,2,,4,5\n", "out_features (b, line 9 of the mapping) is unknown, which"),
            (ROWS + "1,2,-3,4,5\n", "is -3, which must be a whole number"),
            (ROWS + "1,2,1e300,4,5\n", "is 1e+300, which must be a whole number"),
            (ROWS + "1,2,9e15,4,5\n", "out_features is 9000000000000000, which is not between"),
            (ROWS + "1,2,0,4,5\n", "rows.csv:3: out_features is missing or 0"),
            (ROWS + "1,2,3,4,-5\n", "rows.csv:3: energy_j (e, line 11 of the mapping) is -5, which "
                                    "cannot be; drop such rows"),
            (ROWS + "1,2,3,0,5\n", "rows.csv:3: runtime_s (t * 1e-6, line 10 of the mapping) is 0"),
        ])

    def test_words_without_a_meaning(self):
        mapping = MAPPING.replace("kernel: linear", "kernel: {column: k, values: {fc: linear}}")
        self.assert_refused("rows.csv:2: k is 'conv', which line 5 of the mapping gives no meaning",
                            mapping=mapping, rows="k,n,a,b,t,e\nconv,1,2,3,4,5\n")
        mapping = MAPPING.replace("precision: f32", "precision: {column: p}")
        self.assert_refused("rows.csv:2: p is 'double', which must be f32, tf32, f16, bf16 or int8",
                            mapping=mapping, rows="p,n,a,b,t,e\ndouble,1,2,3,4,5\n")


class Memory(Import):
    def test_memory_does_not_grow_with_the_file(self):
        self.write("mapping.yaml", MAPPING)
        small, large = (self.peak_bytes(n_rows) for n_rows in (100, 200_000))
        # Both runs hold the same buffers; what differs is noise of the allocator.
        self.assertLess(large - small, 1024 * 1024)
        with open(self.folder / "ds" / "linear.csv") as file:
            self.assertEqual(sum(1 for _ in file), 200_001)

    def peak_bytes(self, n_rows):
        with open(self.folder / "rows.csv", "w") as file:
            file.write("n,a,b,t,e\n")
            file.writelines(f"{i % 64 + 1},{i % 1000 + 1},3,{i + 0.125},5\n" for i in range(n_rows))
        child = subprocess.Popen([*PROGRAM, "import", "mapping.yaml", "rows.csv", "-o", "ds"],
                                 cwd=self.folder, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        self.assertEqual(child.returncode, 0)
        return usage.ru_maxrss * 1024


@unittest.skipUnless(SHARED.is_dir(), f"the public measurements are not at {SHARED}")
class Shared(Import):
    """The shipped mappings on the files they were written for."""

    def import_device(self, device, *names):
        paths = [str(SHARED / device / name) for name in names]
        result = subprocess.run([*PROGRAM, "import", SOURCE / "datasets" / device / "mapping.yaml",
                                 *paths, "-o", self.folder / "ds"],
                                capture_output=True, text=True, timeout=300)
        self.assertEqual(result.returncode, 0, result.stderr)
        return result.stderr

    def rows(self, name):
        return read_csv((self.folder / "ds" / name).read_text())

    def source(self, device, name):
        with open(SHARED / device / name, newline="") as file:
            return list(csv.DictReader(file))

    def assert_sum(self, rows, column, expected):
        """Sums of a column agree to rounding; an empty cell counts as nothing."""
        actual = math.fsum(float(row[column]) for row in rows if row[column] != "")
        self.assertAlmostEqual(actual / math.fsum(expected), 1, delta=1e-12)

    def test_raptorlake(self):
        report = self.import_device("raptorlake-pytorch", "conv.csv", "linear.csv", "pool.csv")
        self.assertIn("1000 rows read, 993 kept: linear 993", report)
        self.assertIn("7 dropped: ", report)
        for name, ours, count in (("conv.csv", "conv2d.csv", 1000), ("linear.csv", "linear.csv", 993),
                                  ("pool.csv", "max_pool2d.csv", 1000)):
            rows = self.rows(ours)
            self.assertEqual(len(rows), count)
            source = [row for row in self.source("raptorlake-pytorch", name)
                      if float(row["for_energy"]) > 0]
            self.assert_sum(rows, "runtime_s", [float(r["for_time"]) / 1e6 for r in source])
            self.assert_sum(rows, "energy_j", [float(r["for_energy"]) / 1e6 for r in source])
            self.assert_sum(rows, "power_w",
                            [float(r["for_energy"]) / float(r["for_time"]) for r in source])
            self.assert_sum(rows, "batch_size", [float(r["batch_size"]) for r in source])

    def test_jetson(self):
        self.import_device("jetson-pytorch", "conv2d.csv")
        rows, source = self.rows("conv2d.csv"), self.source("jetson-pytorch", "conv2d.csv")
        self.assertEqual(len(rows), 999)
        self.assert_sum(rows, "runtime_s", [float(r["time_s_per_fwd"]) for r in source])
        self.assert_sum(rows, "energy_j", [float(r["all_energy_J"]) for r in source])
        self.assert_sum(rows, "groups", [float(r["groups"]) for r in source])
        for row in rows:
            self.assertAlmostEqual(float(row["power_w"]) * float(row["runtime_s"]) /
                                   float(row["energy_j"]), 1, delta=1e-12)
            self.assertLess(float(row["idle_power_w"]), float(row["power_w"]))

    def test_xeon(self):
        self.import_device("xeon5120-pytorch", "conv2d.csv", "linear.csv", "maxpool2d.csv",
                           "activations.csv", "networks.csv")
        self.assertEqual(
            {name: len(self.rows(name + ".csv")) for name in
             ("conv2d", "linear", "max_pool2d", "relu", "sigmoid", "tanh", "softmax", "networks")},
            {"conv2d": 1500, "linear": 1500, "max_pool2d": 1500, "relu": 1500, "sigmoid": 1500,
             "tanh": 1500, "softmax": 1500, "networks": 120})
        for name, ours in (("conv2d.csv", "conv2d.csv"), ("networks.csv", "networks.csv")):
            rows, source = self.rows(ours), self.source("xeon5120-pytorch", name)
            good = [row for row in source if row["bad_half_reading"] == "0"]
            self.assertLess(len(good), len(source))
            self.assert_sum(rows, "runtime_s", [float(r["time_s"]) for r in source])
            self.assert_sum(rows, "energy_j", [float(r["cpu_energy_J"]) for r in good])
            self.assert_sum(rows, "power_w", [float(r["cpu_power_W"]) for r in good])

    def test_layers_of_networks(self):
        report = self.import_device("xeon5120-pytorch", "network_layers.csv")
        self.assertIn("3660 rows read, 3300 kept: conv2d 1080, linear 360, max_pool2d 540, relu 1320",
                      report)
        self.assertIn("240 dropped: dropout does no work at inference", report)
        # The source states the work of each layer, the addition of the bias counted as one more
        # multiply-accumulate for each output; ours follows from the sizes.
        for row, source in zip(self.rows("conv2d.csv"),
                               (r for r in self.source("xeon5120-pytorch", "network_layers.csv")
                                if r["module"] == "Conv2d"), strict=True):
            batch, height, width, k, c_in, c_out = (
                int(row[c]) for c in ("batch_size", "out_height", "out_width", "kernel_h",
                                      "in_channels", "out_channels"))
            self.assertEqual(batch * height * width * c_out * (k * k * c_in + 1),
                             int(source["macs"]))


if __name__ == "__main__":
    unittest.main()
