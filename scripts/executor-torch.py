#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Executor of kernels and networks on PyTorch's CPU side: see docs/EXECUTORS.md.

usage: executor-torch.py [--compile]

Eager, which needs Debian's python3-torch or any PyTorch from 1.13; or compiled by torch.compile, which
came with PyTorch 2.0.
"""

import ctypes
import json
import sys
import time

import torch
import torch.nn.functional as F

COLD_BYTES = 128 << 20  # weights that take turns should not fit any cache
MOST_SETS = 64
DTYPES = {"f32": torch.float32, "bf16": torch.bfloat16}


def keep_memory():
    """Freed memory is kept for the next tensor. By default glibc gives large pieces back to the
    system, which must clear every page of them anew each time: in a network, not in a kernel by
    itself, so that layers would not add up. PyTorch's tuning guide advises allocators that keep it.
    """
    m_trim_threshold, m_mmap_max = -1, -4
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except AttributeError:  # not glibc
        return
    mallopt(m_mmap_max, 0)
    mallopt(m_trim_threshold, -1)


class Refused(Exception):
    pass


def widened(size, window, stride, padding, dilation, out):
    """Rows that the far edge needs beyond the near edge's padding (`same`, ceil_mode)."""
    return max(0, (out - 1) * stride + dilation * (window - 1) + 1 - size - 2 * padding)


def window(s):
    """Arguments of a window, and the plane's height and width with what the far edge needs."""
    plane = []
    for axis, name in (("h", "height"), ("w", "width")):
        size = s["in_" + name]
        plane.append(size + widened(size, s["kernel_" + axis], s["stride_" + axis],
                                    s["padding_" + axis], s["dilation_" + axis],
                                    s["out_" + name]))
    pairs = {n: (s[n + "_h"], s[n + "_w"]) for n in ("kernel", "stride", "padding", "dilation")}
    return plane, pairs


def conv2d(s, new):
    plane, p = window(s)
    x = new(s["batch_size"], s["in_channels"], *plane)
    weights = (s["out_channels"], s["in_channels"] // s["groups"], *p["kernel"])
    return (lambda w, b: F.conv2d(x, w, b, p["stride"], p["padding"], p["dilation"], s["groups"]),
            [weights, weights[:1]])


def conv_transpose2d(s, new):
    x = new(s["batch_size"], s["in_channels"], s["in_height"], s["in_width"])
    pair = {n: (s[n + "_h"], s[n + "_w"]) for n in ("kernel", "stride", "padding", "dilation")}
    extra = [s["out_" + n] - ((s["in_" + n] - 1) * pair["stride"][i] - 2 * pair["padding"][i] +
                              pair["dilation"][i] * (pair["kernel"][i] - 1) + 1)
             for i, n in enumerate(("height", "width"))]
    weights = (s["in_channels"], s["out_channels"] // s["groups"], *pair["kernel"])
    return (lambda w, b: F.conv_transpose2d(x, w, b, pair["stride"], pair["padding"], extra,
                                            s["groups"], pair["dilation"]),
            [weights, (s["out_channels"],)])


def linear(s, new):
    x = new(s["batch_size"], s["in_features"])
    return (lambda w, b: F.linear(x, w, b),
            [(s["out_features"], s["in_features"]), (s["out_features"],)])


def matmul(s, new):
    a, b = new(s["batch_size"], s["m"], s["k"]), new(s["batch_size"], s["k"], s["n"])
    return lambda: torch.bmm(a, b), []


def attend(q, k, v):
    return torch.softmax(q @ k.transpose(-1, -2) * q.shape[-1] ** -0.5, dim=-1) @ v


def attention(s, new):
    head = (s["batch_size"], s["heads"])
    q, k = new(*head, s["query_length"], s["head_dim"]), new(*head, s["key_length"], s["head_dim"])
    v = new(*head, s["key_length"], s["value_dim"])
    return lambda: attend(q, k, v), []


def max_pool2d(s, new):
    plane, p = window(s)
    x = new(s["batch_size"], s["in_channels"], *plane)
    return lambda: F.max_pool2d(x, p["kernel"], p["stride"], p["padding"], p["dilation"]), []


def avg_pool2d(s, new):
    plane, p = window(s)
    if p["dilation"] != (1, 1):
        raise Refused("PyTorch has no dilated avg_pool2d")
    x = new(s["batch_size"], s["in_channels"], *plane)
    if p["kernel"] == tuple(plane) and p["padding"] == (0, 0):
        return lambda: F.adaptive_avg_pool2d(x, 1), []
    return lambda: F.avg_pool2d(x, p["kernel"], p["stride"], p["padding"]), []


def image(s, new):
    return new(s["batch_size"], s["in_channels"], s["in_height"], s["in_width"])


def batch_norm(s, new):
    x, c = image(s, new), (s["in_channels"],)
    return lambda m, v, w, b: F.batch_norm(x, m, v, w, b), [c, c, c, c]


def along_axis(s, new):
    return new(s["batch_size"], s["elements"] // s["axis_size"], s["axis_size"])


def layer_norm(s, new):
    x, c = along_axis(s, new), (s["axis_size"],)
    return lambda w, b: F.layer_norm(x, c, w, b), [c, c]


def lrn(s, new):
    x = image(s, new)
    return lambda: F.local_response_norm(x, s["size"]), []


def softmax(s, new):
    x = along_axis(s, new)
    return lambda: torch.softmax(x, dim=-1), []


UNARY = {
    "relu": F.relu, "relu6": F.relu6, "leaky_relu": F.leaky_relu, "sigmoid": torch.sigmoid,
    "tanh": torch.tanh, "gelu": F.gelu, "silu": F.silu, "hardswish": F.hardswish,
    "hardsigmoid": F.hardsigmoid,
}


def unary(function):
    def build(s, new):
        x = new(s["batch_size"], s["elements"])
        return lambda: function(x), []
    return build


def prelu(s, new):
    x = new(s["batch_size"], s["elements"])
    return lambda w: F.prelu(x, w), [(1,)]


def binary(function):
    """Operands of one size, or a small second one that is repeated over the first."""
    def build(s, new):
        n, rest = s["elements"], s["operand_elements"] - s["elements"]
        if rest <= 0:
            raise Refused("operands smaller than the result")
        n_more, part = divmod(rest, n)
        x = new(s["batch_size"], n)
        if part == 0:
            more = [new(s["batch_size"], n) for _ in range(n_more)]
        elif n_more == 0 and n % part == 0:
            x = x.view(s["batch_size"], part, n // part)
            more = [new(s["batch_size"], part, 1)]
        else:
            raise Refused("operands that do not divide the result")

        def run():
            y = x
            for z in more:
                y = function(y, z)
            return y
        return run, []
    return build


def concat(s, new):
    plane = s["elements"] // s["axis_size"]
    even = s["axis_size"] // s["operands"]
    part = even // 16 * 16 or even
    parts = [part] * (s["operands"] - 1)
    parts.append(s["axis_size"] - sum(parts))
    operands = [new(s["batch_size"], size, plane) for size in parts]
    return lambda: torch.cat(operands, 1), []


def copy(s, new):
    unit = s["unit"] * s["plane"]
    columns = s["elements"] // (s["rows"] * unit)
    x = new(s["batch_size"], s["rows"], columns, unit)
    if min(s["rows"], columns) == 1:  # nothing changes places, and what is contiguous is not copied
        return lambda: x.clone(), []
    x = x.transpose(1, 2)
    return lambda: x.contiguous(), []


def upsample(s, new):
    x = image(s, new)
    return lambda: F.interpolate(x, (s["out_height"], s["out_width"])), []


def embedding(s, new):
    index = torch.randint(s["num_embeddings"], (s["batch_size"],))
    return (lambda w: F.embedding(index, w)), [(s["num_embeddings"], s["embedding_dim"])]


KERNELS = {
    "conv2d": conv2d, "conv_transpose2d": conv_transpose2d, "linear": linear, "matmul": matmul,
    "scaled_dot_product_attention": attention, "max_pool2d": max_pool2d,
    "avg_pool2d": avg_pool2d, "batch_norm": batch_norm, "layer_norm": layer_norm, "lrn": lrn,
    "softmax": softmax, "prelu": prelu, "add": binary(torch.add), "mul": binary(torch.mul),
    "concat": concat, "copy": copy, "upsample": upsample, "embedding": embedding,
    **{name: unary(function) for name, function in UNARY.items()},
}


def new_tensors(task):
    """Tensors of random values, uniform in [-1, 1)."""
    if task["precision"] not in DTYPES:
        raise Refused("no eager kernels in " + task["precision"])
    dtype = DTYPES[task["precision"]]
    torch.manual_seed(task["seed"])
    if task["threads"] > 0:
        torch.set_num_threads(task["threads"])
    return lambda *shape: torch.rand(shape).mul_(2).sub_(1).to(dtype)


def prepare_kernel(task):
    """A function of the number of the pass."""
    new = new_tensors(task)
    run, weights = KERNELS[task["kernel"]](task["sizes"], new)
    size = sum(4 * torch.Size(shape).numel() for shape in weights)
    n_sets = 1
    reuse = task.get("reuse_bytes", COLD_BYTES if task["weights"] == "cold" else 0)
    if weights:
        n_sets = max(1, min(MOST_SETS, -(-reuse // max(1, size))))
    # Positive, for a variance is among them.
    sets = [[new(*shape).abs_().add_(0.1) for shape in weights] for _ in range(n_sets)]
    return lambda i: run(*sets[i % n_sets])


# --- Networks -------------------------------------------------------------------------------


def padded(x, p, value=0.0):
    """Padding that is the same at both edges is left to the operator."""
    top, left, bottom, right = p["padding"]
    if (top, left) == (bottom, right):
        return x, (top, left)
    return F.pad(x, (left, right, top, bottom), value=value), (0, 0)


def he(new, *shape):
    """Weights as He et al. (ICCV 2015) start networks: activations keep their scale. What grows from
    layer to layer is infinite in the end, and infinite values take other paths than a network's.
    """
    w = new(*shape)
    return w.mul_((6 * shape[0] / w.numel()) ** 0.5)  # a uniform distribution's variance is 1 / 3


def net_conv(step, shapes, new):
    p, c = step["params"], shapes[0][1]
    w = he(new, p["out_channels"], c // p["groups"], *p["kernel_size"])
    b = new(p["out_channels"]) if p["bias"] else None

    def run(x):
        x, pad = padded(x, p)
        return F.conv2d(x, w, b, p["stride"], pad, p["dilation"], p["groups"])
    return run


def net_linear(step, shapes, new):
    p = step["params"]
    w = he(new, p["out_features"], shapes[0][-1])
    b = new(p["out_features"]) if p["bias"] else None
    return lambda x: F.linear(x, w, b)


def net_max_pool(step, shapes, new):
    p, low = step["params"], float("-inf")

    def run(x):
        x, pad = padded(x, p, low)
        return F.max_pool2d(x, p["kernel_size"], p["stride"], pad, p["dilation"], p["ceil_mode"])
    return run


def net_avg_pool(step, shapes, new):
    p = step["params"]

    def run(x):
        x, pad = padded(x, p)
        return F.avg_pool2d(x, p["kernel_size"], p["stride"], pad, p["ceil_mode"],
                            p["count_include_pad"])
    return run


def net_norm(step, shapes, new):
    c = shapes[0][1]
    m, v, w, b = new(c), new(c).abs_().add_(0.5), new(c), new(c)
    return lambda x: F.batch_norm(x, m, v, w, b)


def net_layer_norm(step, shapes, new):
    shape = step["params"]["normalized_shape"]
    w, b = new(*shape), new(*shape)
    return lambda x: F.layer_norm(x, shape, w, b)


def net_shuffle(step, shapes, new):
    n, c, h, w = shapes[0]
    g = step["params"]["groups"]
    return lambda x: x.view(n, g, c // g, h, w).transpose(1, 2).reshape(n, c, h, w)


def net_parameter(step, shapes, new):
    w = new(1, *step["output"][1:])
    return lambda: w.expand(step["output"])


def reduce_all(function):
    def run(*tensors):
        y = tensors[0]
        for z in tensors[1:]:
            y = function(y, z)
        return y
    return lambda step, shapes, new: run


def of_params(function):
    """An operator without weights: function of its parameters and the tensor."""
    return lambda step, shapes, new: lambda *x: function(step["params"], *x)


def net_reshape(step, shapes, new):
    return lambda x: x.reshape(step["output"])


OPS = {
    "conv2d": net_conv, "linear": net_linear, "max_pool2d": net_max_pool,
    "avg_pool2d": net_avg_pool, "batch_norm": net_norm, "layer_norm": net_layer_norm,
    "channel_shuffle": net_shuffle, "parameter": net_parameter, "flatten": net_reshape,
    "reshape": net_reshape, "add": reduce_all(torch.add), "mul": reduce_all(torch.mul),
    "matmul": reduce_all(torch.matmul),
    "adaptive_avg_pool2d": of_params(lambda p, x: F.adaptive_avg_pool2d(x, p["output_size"])),
    "adaptive_max_pool2d": of_params(lambda p, x: F.adaptive_max_pool2d(x, p["output_size"])),
    "global_avg_pool2d": of_params(lambda p, x: F.adaptive_avg_pool2d(x, 1)),
    "global_max_pool2d": of_params(lambda p, x: F.adaptive_max_pool2d(x, 1)),
    "concat": of_params(lambda p, *x: torch.cat(x, p["dim"])),
    "softmax": of_params(lambda p, x: torch.softmax(x, p["dim"])),
    "leaky_relu": of_params(lambda p, x: F.leaky_relu(x, p["negative_slope"])),
    "lrn": of_params(lambda p, x: F.local_response_norm(x, p["size"], p["alpha"], p["beta"],
                                                        p["k"])),
    "dropout": of_params(lambda p, x: x), "identity": of_params(lambda p, x: x),
    "narrow": of_params(lambda p, x: x.narrow(p["dim"], p["start"], p["length"])),
    "select": of_params(lambda p, x: x.select(p["dim"], p["index"])),
    "transpose": of_params(lambda p, x: x.transpose(p["dim0"], p["dim1"])),
    "scaled_dot_product_attention": of_params(lambda p, q, k, v: attend(q, k, v)),
    **{name: of_params(lambda p, x, f=function: f(x)) for name, function in UNARY.items()},
}


def prepare_network(task):
    new = new_tensors(task)
    steps = task["steps"]
    last_use = {i: n for n, step in enumerate(steps) for i in step["inputs"]}
    last_use.update({i: len(steps) for i in task["outputs"]})
    program, inputs = [], {}  # (step, its function, where it reads, what is not needed afterwards)
    for n, step in enumerate(steps):
        if step["op"] == "input":
            inputs[n] = new(*step["output"])
        elif step["op"] not in OPS:
            raise Refused("no operator " + step["op"])
        else:
            run = OPS[step["op"]](step, [steps[i]["output"] for i in step["inputs"]], new)
            done = [i for i in set(step["inputs"]) if last_use[i] == n]
            program.append((n, run, step["inputs"], done))

    def forward(_):
        values = dict(inputs)
        for n, run, sources, done in program:
            values[n] = run(*[values[i] for i in sources])
            for i in done:
                del values[i]
        return values
    values = forward(0)
    for i in task["outputs"]:
        if list(values[i].shape) != steps[i]["output"]:
            raise Refused(f"step {i}: {list(values[i].shape)} instead of {steps[i]['output']}")
    return forward


def prepare(line, compiles):
    try:
        task = json.loads(line)
        run = prepare_kernel(task) if "kernel" in task else prepare_network(task)
        if compiles:
            run = torch.compile(run)
        run(0)
        return run, "ready"
    except Refused as why:
        return None, f"refused {why}"
    except MemoryError:
        return None, "memory not enough of it"
    except (RuntimeError, KeyError) as why:
        text = " ".join(str(why).split())
        return None, ("memory " if "allocate" in text else "refused ") + text[:300]


def run(forward, n):
    begin = time.perf_counter()
    for i in range(n):
        forward(i)
    return time.perf_counter() - begin


def main():
    compiles = sys.argv[1:] == ["--compile"]
    if sys.argv[1:] and not compiles:
        sys.exit("usage: executor-torch.py [--compile]")
    if compiles and not hasattr(torch, "compile"):
        sys.exit(f"PyTorch {torch.__version__} has no torch.compile, which came with 2.0")
    keep_memory()
    way = "compiled" if compiles else "eager"
    print(f"joulecast-executor 1 PyTorch {torch.__version__}, {way}", flush=True)
    forward = None
    with torch.inference_mode():
        for line in sys.stdin:
            if line.startswith("{"):
                forward = None  # memory first
                forward, answer = prepare(line, compiles)
            else:
                answer = f"seconds {run(forward, int(line.split()[1])):.9f}"
            print(answer, flush=True)


main()
