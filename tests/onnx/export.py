#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Exports networks of torchvision to ONNX, with the framework's own counts beside each file.

usage: export.py [--keep-weights] FOLDER NAME[:folded]...
       export.py --list classification|segmentation|transformers|others

NAME is a classification model of torchvision, a segmentation model, a transformer defined here
(bert, gpt2), or one of networks.py; --list prints the names there are. `:folded` lets the exporter fold batch norm into convolutions, as it does by default;
without it they stay. FOLDER/NAME.onnx gets no weights larger than 1024 values: they are marked as
external data in a file that is not there, which a reader that costs networks has no need of
(--keep-weights leaves them).
FOLDER/NAME.json gets {"params", "macs"}: learned parameters, and multiply-accumulates of
convolutions, linear layers and matrix products as PyTorch's dispatcher sees them for one sample.
"""
import json
import math
import os
import sys
import warnings

import onnx
import torch
import torchvision
from torch.utils._python_dispatch import TorchDispatchMode

from networks import NETWORKS

# Values of weights do not matter here, and random ones take most of the time.
for initializer in ("kaiming_normal_", "kaiming_uniform_", "trunc_normal_", "normal_", "uniform_",
                    "xavier_uniform_", "xavier_normal_"):
    setattr(torch.nn.init, initializer, lambda tensor, *args, **kwargs: tensor)

LARGE_VALUES = 1024

# The exporter has no way to write `zero_`, by which Swin 2 clears the biases of its keys.
torch.onnx.register_custom_op_symbolic(
    "aten::zero", lambda g, x: g.op("Mul", x, g.op("Constant", value_t=torch.tensor(0.0))), 9)


class CountMacs(TorchDispatchMode):
    """Sums the multiply-accumulates of what passes through PyTorch's dispatcher."""

    def __init__(self):
        super().__init__()
        self.macs = 0
        self.is_paused = False

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        out = function(*args, **(kwargs or {}))
        name = "" if self.is_paused else function.overloadpacket.__name__
        if name == "convolution":
            weight, transposed = args[1], args[6]
            positions = args[0].numel() // args[0].shape[1] if transposed else (
                out.numel() // out.shape[1])
            self.macs += positions * weight.numel()
        elif name in ("mm", "bmm"):
            self.macs += out.numel() * args[0].shape[-1]
        elif name in ("addmm", "baddbmm"):
            self.macs += out.numel() * args[1].shape[-1]
        return out


class Bert(torch.nn.Module):
    """Encoder of Devlin et al. (arXiv 1810.04805): word, place and segment embeddings, 12 layers."""

    def __init__(self, width=768, heads=12, depth=2, words=30522):
        super().__init__()
        self.words = torch.nn.Embedding(words, width)
        self.places = torch.nn.Embedding(512, width)
        self.segments = torch.nn.Embedding(2, width)
        self.norm = torch.nn.LayerNorm(width, eps=1e-12)
        self.layers = torch.nn.ModuleList([BertLayer(width, heads) for _ in range(depth)])
        self.pooler = torch.nn.Linear(width, width)

    def forward(self, input_ids, attention_mask, token_type_ids):
        mask = (1.0 - attention_mask[:, None, None, :].to(torch.float32)) * -10000.0
        places = torch.arange(input_ids.shape[1]).unsqueeze(0).expand(input_ids.shape)
        x = self.words(input_ids) + self.places(places) + self.segments(token_type_ids)
        x = self.norm(x)
        for layer in self.layers:
            x = layer(x, mask)
        return x, torch.tanh(self.pooler(x[:, 0]))


class BertLayer(torch.nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.query = torch.nn.Linear(width, width)
        self.key = torch.nn.Linear(width, width)
        self.value = torch.nn.Linear(width, width)
        self.out = torch.nn.Linear(width, width)
        self.norm1 = torch.nn.LayerNorm(width, eps=1e-12)
        self.up = torch.nn.Linear(width, 4 * width)
        self.down = torch.nn.Linear(4 * width, width)
        self.norm2 = torch.nn.LayerNorm(width, eps=1e-12)

    def split(self, x):
        return x.view(x.shape[0], x.shape[1], self.heads, -1).permute(0, 2, 1, 3)

    def forward(self, x, mask):
        q, k, v = self.split(self.query(x)), self.split(self.key(x)), self.split(self.value(x))
        scores = torch.matmul(q, k.transpose(-1, -2)) / math.sqrt(q.shape[-1]) + mask
        y = torch.matmul(torch.softmax(scores, -1), v).permute(0, 2, 1, 3).contiguous()
        x = self.norm1(self.out(y.view(x.shape)) + x)
        return self.norm2(self.down(torch.nn.functional.gelu(self.up(x))) + x)


class Gpt2(torch.nn.Module):
    """Decoder of Radford et al. (2019): fused projections, tanh GELU, causal mask, tied output."""

    def __init__(self, width=768, heads=12, depth=2, words=50257):
        super().__init__()
        self.words = torch.nn.Embedding(words, width)
        self.places = torch.nn.Embedding(1024, width)
        self.layers = torch.nn.ModuleList([Gpt2Layer(width, heads) for _ in range(depth)])
        self.norm = torch.nn.LayerNorm(width)

    def forward(self, input_ids):
        x = self.words(input_ids) + self.places(torch.arange(input_ids.shape[-1]))
        for layer in self.layers:
            x = layer(x)
        return torch.matmul(self.norm(x), self.words.weight.t())


class Gpt2Layer(torch.nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.norm1 = torch.nn.LayerNorm(width)
        self.qkv = torch.nn.Linear(width, 3 * width)
        self.out = torch.nn.Linear(width, width)
        self.norm2 = torch.nn.LayerNorm(width)
        self.up = torch.nn.Linear(width, 4 * width)
        self.down = torch.nn.Linear(4 * width, width)
        self.register_buffer("causal", torch.tril(torch.ones(1024, 1024, dtype=torch.bool)))

    def forward(self, x):
        q, k, v = self.qkv(self.norm1(x)).split(x.shape[-1], dim=2)
        q, k, v = (t.view(t.shape[0], t.shape[1], self.heads, -1).transpose(1, 2)
                   for t in (q, k, v))
        scores = torch.matmul(q, k.transpose(-1, -2)) / (q.shape[-1] ** 0.5)
        n = scores.shape[-1]
        scores = torch.where(self.causal[:n, :n], scores, torch.tensor(-1e4))
        y = torch.matmul(torch.softmax(scores, -1), v).transpose(1, 2).contiguous()
        x = x + self.out(y.view(x.shape))
        h = self.up(self.norm2(x))
        h = 0.5 * h * (1 + torch.tanh(math.sqrt(2 / math.pi) * (h + 0.044715 * torch.pow(h, 3))))
        return x + self.down(h)


class FirstOutput(torch.nn.Module):
    """A segmentation model without the name of its output."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, x):
        return self.model(x)["out"]


def build(name):
    """The model in inference mode, and one sample of its inputs by name."""
    if name == "bert":
        ids = torch.zeros(1, 128, dtype=torch.long)
        mask = torch.ones(1, 128, dtype=torch.long)
        return Bert().eval(), {"input_ids": ids, "attention_mask": mask, "token_type_ids": ids}
    if name == "gpt2":
        return Gpt2().eval(), {"input_ids": torch.zeros(1, 64, dtype=torch.long)}
    if hasattr(torchvision.models.segmentation, name):
        maker = getattr(torchvision.models.segmentation, name)
        model = FirstOutput(maker(weights=None, weights_backbone=None))
        return model.eval(), {"image": torch.rand(1, 3, 224, 224)}
    if name in NETWORKS:
        make, size = NETWORKS[name]
        return make().eval(), {"image": torch.rand(1, *size)}
    options = {}
    if name in ("googlenet", "inception_v3"):
        options = {"aux_logits": False, "init_weights": False}
    model = getattr(torchvision.models, name)(weights=None, **options)
    size = 299 if name == "inception_v3" else 224
    return model.eval(), {"image": torch.rand(1, 3, size, size)}


def make_distinct(model):
    """Gives each tensor a value of its own: the exporter writes equal ones only once."""
    with torch.no_grad():
        for i, tensor in enumerate([*model.parameters(), *model.buffers()]):
            if tensor.dtype.is_floating_point and tensor.numel() > 0:
                tensor.view(-1)[0] = i + 2


def count_folding(model, inputs):
    """What folding changes: a batch norm of what a convolution gives becomes its bias."""
    made, change = {}, [0]

    def note(conv, _, out):
        made[id(out)] = (out, conv)

    def fold(norm, taken):
        _, conv = made.get(id(taken[0]), (None, None))
        if conv is not None:
            bias = conv.out_channels if conv.bias is None else 0
            change[0] += bias - sum(p.numel() for p in norm.parameters())

    hooks = [module.register_forward_hook(note) if isinstance(module, torch.nn.Conv2d) else
             module.register_forward_pre_hook(fold) for module in model.modules()
             if isinstance(module, (torch.nn.Conv2d, torch.nn.BatchNorm2d))]
    model(*inputs.values())
    for hook in hooks:
        hook.remove()
    return change[0]


def count_params(model, inputs, folded):
    """Learned values in the file. Folded, batch norm is part of convolutions, and biases of relative
    positions are written out for each pair in place of the table they are looked up in. Swin 2 computes
    them from coordinates that the file holds among the weights, and so it does the biases it clears."""
    count = sum(p.numel() for p in model.parameters())
    count += count_folding(model, inputs) if folded else 0
    cleared = set()
    for module in model.modules():
        if hasattr(module, "cpb_mlp"):
            count += module.relative_coords_table.numel()
            cleared.add(module.qkv.out_features // 3)
        elif folded and hasattr(module, "relative_position_bias_table"):
            table = module.relative_position_bias_table
            count += module.relative_position_index.numel() * table.shape[-1] - table.numel()
    return count + (sum(cleared) if folded else 0)


def count_macs(model, inputs):
    """What depends on the inputs: a reader computes the rest once, and PyTorch in every pass."""
    with CountMacs() as counter:
        def pause(*_):
            counter.is_paused = True

        def resume(*_):
            counter.is_paused = False

        hooks = [hook for module in model.modules() if hasattr(module, "cpb_mlp") for hook in
                 (module.cpb_mlp.register_forward_pre_hook(pause),
                  module.cpb_mlp.register_forward_hook(resume))]
        # With gradients on, attention takes its ordinary way and not one opaque kernel.
        model(*inputs.values())
        for hook in hooks:
            hook.remove()
    return counter.macs


def strip(path):
    """Takes the large weights out of a file."""
    model = onnx.load(path, load_external_data=False)
    for tensor in model.graph.initializer:
        if math.prod(tensor.dims) > LARGE_VALUES:
            tensor.ClearField("raw_data")
            tensor.ClearField("float_data")
            tensor.data_location = onnx.TensorProto.EXTERNAL
            del tensor.external_data[:]
            entry = tensor.external_data.add()
            entry.key, entry.value = "location", "weights-not-there.bin"
    onnx.save(model, path)
    for other in os.listdir(os.path.dirname(path)):
        if not other.endswith((".onnx", ".json", ".py")):
            os.unlink(os.path.join(os.path.dirname(path), other))


def export(folder, request, keep_weights=False, **options):
    name, _, kind = request.partition(":")
    folded = kind == "folded"
    model, inputs = build(name)
    make_distinct(model)
    macs = count_macs(model, inputs)
    params = count_params(model, inputs, folded)
    path = os.path.join(folder, request.replace(":", "-") + ".onnx")
    mode = torch.onnx.TrainingMode.EVAL if folded else torch.onnx.TrainingMode.PRESERVE
    torch.onnx.export(model, tuple(inputs.values()), path, input_names=list(inputs),
                      training=mode, do_constant_folding=folded,
                      **{"opset_version": 13, **options})
    if not keep_weights:
        strip(path)
    with open(path[:-5] + ".json", "w", encoding="utf-8") as out:
        json.dump({"params": params, "macs": macs}, out)


def list_names(kind):
    models = torchvision.models
    return {"classification": lambda: models.list_models(module=models),
            "segmentation": lambda: models.list_models(module=models.segmentation),
            "transformers": lambda: ["bert", "gpt2"],
            "others": lambda: list(NETWORKS)}[kind]()


def main(arguments):
    if arguments[0] == "--list":
        print(*list_names(arguments[1]), sep="\n")
        return
    keep_weights = arguments[0] == "--keep-weights"
    folder, *names = arguments[1:] if keep_weights else arguments
    for name in names:
        export(folder, name, keep_weights)


if __name__ == "__main__":
    warnings.filterwarnings("ignore")
    main(sys.argv[1:])
