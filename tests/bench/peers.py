# SPDX-License-Identifier: Apache-2.0
"""Other ways to predict runtime and power of a kernel from its sizes, for scripts/bench accuracy.

A peer is a function (kernel, target, sizes, values) -> (predict, terms): it is fitted to `values`
(seconds or watts, one a configuration) at `sizes` (a dict of arrays), and gives a function from
sizes to values and the number of terms it kept (None where that has no meaning). What it scales,
chooses or tunes, it does on these rows alone.
"""

import warnings
from itertools import combinations_with_replacement

import numpy
from scipy.optimize import minimize
from sklearn.ensemble import GradientBoostingRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel
from sklearn.linear_model import LassoLarsCV, RidgeCV


def work(kernel, sizes):
    """Operations, and elements of input, output and weights (each where the kernel has them)."""
    s = sizes
    n = s["batch_size"]
    if kernel == "linear":
        return [n * s["in_features"] * s["out_features"], n * s["in_features"],
                n * s["out_features"], s["in_features"] * s["out_features"]]
    if "kernel_h" not in s:  # one value in, one out
        return [n * s["elements"]]
    out = n * s["out_height"] * s["out_width"]
    window = s["kernel_h"] * s["kernel_w"]
    inputs = n * s["in_height"] * s["in_width"] * s["in_channels"]
    if "out_channels" not in s:  # a pooling
        return [out * s["in_channels"] * window, inputs, out * s["in_channels"]]
    depth = s["in_channels"] / s["groups"]
    return [out * s["out_channels"] * depth * window, inputs, out * s["out_channels"],
            s["out_channels"] * depth * window]


class Columns:
    """Columns of a design matrix: those that vary in the rows they are chosen on, each once."""

    def __init__(self, make, sizes):
        x = make(sizes)
        self.make, self.chosen = make, []
        for j in range(x.shape[1]):
            if numpy.ptp(x[:, j]) > 0 and not any(
                    numpy.array_equal(x[:, j], x[:, k]) for k in self.chosen):
                self.chosen.append(j)
        self.mean = x[:, self.chosen].mean(axis=0)
        self.scale = x[:, self.chosen].std(axis=0)

    def __call__(self, sizes):
        return (self.make(sizes)[:, self.chosen] - self.mean) / self.scale


def monomials(x, degree):
    """All products of up to `degree` columns, without the constant."""
    return [numpy.prod(x[:, list(c)], axis=1) for d in range(1, degree + 1)
            for c in combinations_with_replacement(range(x.shape[1]), d)]


# ---- NeuralPower ----

def neuralpower_columns(kernel, target):
    """The terms of NeuralPower's released programs (github.com/enyac-group/NeuralPower, commit
    565a1ef). Runtime: a polynomial of raw sizes, cubic (fully connected: quadratic). Power: a
    quadratic polynomial of raw sizes and their logarithms. Both with special terms, but for the
    power of fully connected layers. Where layers are grouped, channels are those of a group."""
    def make(sizes):
        s = sizes
        n = s["batch_size"]
        if kernel == "linear":
            raw = [n, s["in_features"], s["out_features"]]
            special = [n * s["in_features"] * s["out_features"]] if target == "runtime" else []
            degree = 2
        elif kernel == "max_pool2d":
            raw = [n, s["out_height"], s["out_width"], s["in_channels"], s["kernel_h"],
                   s["in_height"]]
            special = work(kernel, s)
            degree = 3
        else:
            operations, inputs, outputs, weights = work(kernel, s)
            raw = [n, s["out_height"], s["out_width"], s["kernel_w"],
                   s["in_channels"] / s["groups"], s["out_channels"], s["in_height"]]
            special = [operations / n, operations, operations / s["out_channels"], outputs,
                       weights, inputs, n * s["in_width"] * s["in_channels"],
                       n * s["in_height"] * s["in_channels"]]
            degree = 3
        raw = numpy.array(raw, float).T
        if target == "power":
            raw, degree = numpy.hstack([raw, numpy.log2(raw)]), 2
        return numpy.array(monomials(raw, degree) + special).T
    return make


def neuralpower(kernel, target, sizes, values):
    """Unweighted lasso on columns of unit variance. The whole path by least-angle regression, which
    is exact; λ of the least mean squared error in 10-fold cross-validation."""
    columns = Columns(neuralpower_columns(kernel, target), sizes)
    unit = values.std()
    # Columns that depend on each other end the path early; what would follow is far too small.
    warnings.simplefilter("ignore", ConvergenceWarning)
    model = LassoLarsCV(cv=10, precompute=True, max_iter=2000)
    model.fit(columns(sizes), values / unit)
    return lambda s: model.predict(columns(s)) * unit, numpy.count_nonzero(model.coef_) + 1


# ---- Ordinary polynomials ----

def polynomial(degree):
    def fit(kernel, target, sizes, values):
        """Ridge regression on all products of up to `degree` sizes; λ by leaving one out."""
        raw = Columns(lambda s: numpy.array(list(s.values()), float).T, sizes)
        columns = Columns(lambda s: numpy.array(monomials(raw(s), degree)).T, sizes)
        unit = values.std()
        model = RidgeCV(alphas=numpy.logspace(-6, 4, 21)).fit(columns(sizes), values / unit)
        return lambda s: model.predict(columns(s)) * unit, len(columns.chosen) + 1
    return fit


# ---- Black boxes ----

class Trend:
    """A line through ln(value) against ln(operations); black boxes fit what it leaves."""

    def __init__(self, kernel, sizes, values):
        self.kernel = kernel
        self.slope, self.height = numpy.polyfit(numpy.log(work(kernel, sizes)[0]),
                                                numpy.log(values), 1)

    def __call__(self, sizes):
        return self.height + self.slope * numpy.log(work(self.kernel, sizes)[0])


def gradient_boosting(kernel, target, sizes, values):
    """Trees on logarithms of sizes and amounts of work. Their depth and number are those with the
    least error on a fifth of the rows, which are then fitted too."""
    trend = Trend(kernel, sizes, values)
    columns = Columns(lambda s: numpy.log(numpy.array(
        [v + 1.0 for v in s.values()] + work(kernel, s))).T, sizes)
    x, y = columns(sizes), numpy.log(values) - trend(sizes)
    aside = numpy.arange(len(y)) % 5 == 0

    def make(depth, trees):
        return GradientBoostingRegressor(n_estimators=trees, max_depth=depth, learning_rate=0.06,
                                         subsample=0.5, max_features=0.3, min_samples_leaf=3,
                                         random_state=0)

    tried = []
    for depth in (4, 6):
        model = make(depth, 600).fit(x[~aside], y[~aside])
        for trees, predicted in enumerate(model.staged_predict(x[aside]), 1):
            tried.append((numpy.mean((predicted - y[aside]) ** 2), depth, trees))
    _, depth, trees = min(tried)
    model = make(depth, trees).fit(x, y)
    return lambda s: numpy.exp(trend(s) + model.predict(columns(s))), None


MOST_TUNING_ROWS = 300


def optimizer(objective, start, bounds):
    found = minimize(objective, start, jac=True, bounds=bounds, method="L-BFGS-B",
                     options={"maxiter": 30})
    return found.x, found.fun


def gaussian_process(kernel, target, sizes, values):
    """Matérn 3/2 with a length for each size, on logarithms. Its lengths are those of the greatest
    likelihood on 300 rows; it predicts from all rows."""
    trend = Trend(kernel, sizes, values)
    columns = Columns(lambda s: numpy.log(numpy.array(list(s.values()), float) + 1).T, sizes)
    x, y = columns(sizes), numpy.log(values) - trend(sizes)
    some = numpy.random.RandomState(0).permutation(len(y))[:MOST_TUNING_ROWS]
    prior = (ConstantKernel() * Matern(numpy.ones(x.shape[1]), (1e-2, 1e3), nu=1.5) +
             WhiteKernel(1e-2, (1e-6, 10)))
    # A length at its bound is that of a size which does not matter.
    warnings.simplefilter("ignore", ConvergenceWarning)
    tuned = GaussianProcessRegressor(prior, optimizer=optimizer, normalize_y=True)
    tuned.fit(x[some], y[some])
    model = GaussianProcessRegressor(tuned.kernel_, optimizer=None, normalize_y=True).fit(x, y)
    return lambda s: numpy.exp(trend(s) + model.predict(columns(s))), None


PEERS = {
    "NeuralPower": neuralpower,
    "polynomial, degree 2": polynomial(2),
    "polynomial, degree 3": polynomial(3),
    "gradient boosting": gradient_boosting,
    "Gaussian process": gaussian_process,
}
