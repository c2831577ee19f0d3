# SPDX-License-Identifier: Apache-2.0
"""joulecast train --held-out: every row with its fold and its prediction by models without it."""

import json
import math
import unittest

from driver import Process, read_csv

POOLS = [(n, c, h) for n in (1, 2, 4, 8) for c in (3, 16, 64) for h in (8, 16, 32)]
LINEARS = [(n, i, o) for n in (1, 8, 64) for i in (16, 100, 512) for o in (10, 256)]
REPETITIONS = 2


class HeldOut(Process):
    def setUp(self):
        super().setUp()
        (self.folder / "rows").mkdir()
        self.linears = [(n, i, o, 1e-5 + 1e-10 * n * i * o * (1 + 0.1 * r), 20 + r)
                        for n, i, o in LINEARS for r in range(REPETITIONS)]
        self.pools = [(n, c, h, 2e-5 + 1e-9 * n * c * h * h) for n, c, h in POOLS]
        self.write("rows/linear.csv",
                   "batch_size,in_features,out_features,precision,runtime_s,power_w\n" + "".join(
                       f"{n},{i},{o},f32,{t!r},{p}\n" for n, i, o, t, p in self.linears))
        self.write("rows/max_pool2d.csv",
                   "batch_size,in_channels,in_height,in_width,kernel_h,kernel_w,stride_h,stride_w,"
                   "padding_h,padding_w,precision,runtime_s\n" + "".join(
                       f"{n},{c},{h},{h},2,2,2,2,0,0,f32,{t!r}\n" for n, c, h, t in self.pools))

    def train(self):
        """The held-out rows and the table of errors."""
        result = self.run_program("train", "rows", "-o", "profile.yaml", "-f", "json",
                                  "--held-out", "held-out.csv")
        return read_csv((self.folder / "held-out.csv").read_text()), json.loads(result.stdout)

    def test_rows_are_those_of_the_files(self):
        rows, _ = self.train()
        linear = [r for r in rows if r["kernel"] == "linear"]
        self.assertEqual([r["target"] for r in linear],
                         ["runtime", "power", "energy"] * len(self.linears))
        for r, (n, i, o, t, p) in zip(linear[::3], self.linears):
            self.assertEqual([int(r[c]) for c in ("batch_size", "in_features", "out_features")],
                             [n, i, o])
            self.assertEqual(float(r["measured"]), t)
            self.assertEqual((r["precision"], r["in_channels"], r["kernel_h"]), ("f32", "", ""))
        self.assertEqual([int(r["row"]) for r in linear[1::3]],
                         list(range(1, len(self.linears) + 1)))
        for r, (_, _, _, t, p) in zip(linear[2::3], self.linears):
            self.assertTrue(math.isclose(float(r["measured"]), t * p))
        pools = [r for r in rows if r["kernel"] == "max_pool2d"]
        self.assertEqual({r["target"] for r in pools}, {"runtime"})
        self.assertEqual([(int(r["row"]), float(r["measured"]), r["in_features"]) for r in pools],
                         [(k + 1, p[3], "") for k, p in enumerate(self.pools)])

    def test_folds_are_even_and_share_configurations(self):
        rows, _ = self.train()
        for kernel, sizes in (("linear", ("batch_size", "in_features", "out_features")),
                              ("max_pool2d", ("batch_size", "in_channels", "in_height"))):
            folds = {}
            for r in rows:
                if r["kernel"] == kernel:
                    folds.setdefault(tuple(r[s] for s in sizes), set()).add(int(r["fold"]))
            self.assertTrue(all(len(f) == 1 for f in folds.values()), folds)
            counts = [sum(f == {k} for f in folds.values()) for k in range(10)]
            self.assertLessEqual(max(counts) - min(counts), 1)

    def test_the_errors_of_the_table_are_those_of_the_rows(self):
        rows, table = self.train()
        self.assertEqual(len(table), 4)
        for record in table:
            own = [r for r in rows if (r["kernel"], r["target"]) ==
                   (record["kernel"], record["target"])]
            self.assertEqual(len(own), record["rows"])
            errors = [float(r["predicted"]) / float(r["measured"]) - 1 for r in own]
            inside = [float(r["low"]) <= float(r["measured"]) <= float(r["high"]) for r in own]
            n = len(own)
            self.assertAlmostEqual(record["mape"], sum(map(abs, errors)) / n, 9)
            self.assertAlmostEqual(record["rmspe"], math.sqrt(sum(e * e for e in errors) / n), 9)
            self.assertAlmostEqual(record["coverage_90"], sum(inside) / n, 9)

    def test_a_file_that_cannot_be_written(self):
        result = self.run_program("train", "rows", "-o", "profile.yaml", "--held-out",
                                  "nowhere/held-out.csv", code=2)
        self.assertIn("nowhere/held-out.csv", result.stderr)


if __name__ == "__main__":
    unittest.main()
