# SPDX-License-Identifier: Apache-2.0
"""A profile of known coefficients, so that predictions can be computed by hand.

conv2d:    1 ns a MAC, 10 W, rows of 1 to 1e9 MACs; interval from half to twice of each.
fallback:  1 ns a byte moved, 5 W.
"""

EVEN = "spread: [{at: 0, low: -0.6931471805599453, high: 0.6931471805599453}]"
ERRORS = ("held_out: {rows: 100, terms: 1, rmspe: 0.1, mape: 0.08, mdape: 0.07, "
          "within_10: 0.7, within_20: 0.9, bias: 0.01, coverage_90: 0.9}")


def model(coefficient, quantity):
    return (f"{{limits: [1e-12, null], bound: 0, backbone: [{{coefficient: {coefficient}, {quantity}: 1}}], "
            f"variables: [], terms: [], {EVEN}, {ERRORS}}}")


def kernel(head, runtime, power, shared=None):
    return "\n".join(f"    {line}" for line in (
        *head,
        "rows: 100",
        "configurations: 100",
        "dropped: []",
        "ranges: {macs: [1, 1000000000]}",
        "widening: 0.3",
        *([f"shared: {{runtime: {shared}, energy: {shared}}}"] if shared is not None else []),
        f"runtime: {runtime}",
        *([f"power: {power}", f"energy: {{{EVEN}, {ERRORS}}}"] if power else []),
    ))


def further(power, name, seconds, precision="f32"):
    head = [f"kernel: {name}", f"precision: {precision}"]
    body = kernel(head, model(seconds, "moved_bytes"), model("10", "calls") if power else None)
    return f"  -\n{body}\n"


def digest(data):
    value = 0xcbf29ce484222325
    for byte in data:
        value = (value ^ byte) * 0x100000001b3 % 2 ** 64
    return f"fnv1a64-{value:016x}"


def text(name="test-device", meter="rapl", version=1, shared=None, skips="", fuses=None,
         more=()):
    """more: (kernel, seconds for each moved byte, precision unless f32) of further models."""
    power = meter != "none"
    body = f"""format: joulecast-profile
version: {version}
device: {{name: {name}, machine: A machine, executor: by hand, meter: {meter}, meter_step_s: 0.001, date: "2024-01-02", source: nowhere, license: CC0-1.0{skips}{f", fuses: {fuses}" if fuses else ""}}}
provenance: {{dataset_digest: none, trainer: none, seed: 1, folds: 10}}
kernels:
  -
{kernel(["kernel: conv2d", "precision: f32"], model("1e-9", "macs"), model("10", "calls") if power else None, shared)}
{"".join(further(power, *one) for one in more)}fallback:
{kernel([], model("1e-9", "moved_bytes"), model("5", "calls") if power else None)}
"""
    return body + f"digest: {digest(body.encode())}\n"


if __name__ == "__main__":
    print(text(), end="")
