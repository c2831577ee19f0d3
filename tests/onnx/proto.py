# SPDX-License-Identifier: Apache-2.0
"""Writes ONNX files by hand, field by field, so that tests need no library and can write nonsense.

Field numbers are those of onnx.proto. A message is bytes; `field` and its kin make one field.
"""

import struct

FLOAT, UINT8, INT8, INT32, INT64, BOOL = 1, 2, 3, 6, 7, 9


def varint(value):
    value &= (1 << 64) - 1
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def number(field, value):
    return varint(field << 3) + varint(value)


def real(field, value):
    return varint(field << 3 | 5) + struct.pack("<f", value)


def text(field, value):
    value = value.encode() if isinstance(value, str) else value
    return varint(field << 3 | 2) + varint(len(value)) + value


def tensor(name, dims, kind=FLOAT, values=None):
    """A tensor; without values it is a weight whose contents are elsewhere."""
    out = b"".join(number(1, d) for d in dims) + number(2, kind) + text(8, name)
    if values is not None:
        pack = {FLOAT: "f", INT64: "q", INT32: "i", UINT8: "B", INT8: "b", BOOL: "?"}[kind]
        out += text(9, struct.pack(f"<{len(values)}{pack}", *values))
    return out


def attribute(name, value):
    out = text(1, name)
    if isinstance(value, bytes):  # a tensor
        return out + text(5, value) + number(20, 4)
    if isinstance(value, str):
        return out + text(4, value) + number(20, 3)
    if isinstance(value, float):
        return out + real(2, value) + number(20, 1)
    if isinstance(value, int):
        return out + number(3, value) + number(20, 2)
    return out + b"".join(number(8, v) for v in value) + number(20, 7)


def node(op, inputs, outputs, name="", domain="", **attributes):
    return (b"".join(text(1, i) for i in inputs) + b"".join(text(2, o) for o in outputs) +
            text(3, name) + text(4, op) + (text(7, domain) if domain else b"") +
            b"".join(text(5, attribute(k, v)) for k, v in attributes.items()))


def value(name, dims, kind=FLOAT):
    """An input or output; a size that is a text is open."""
    shape = b"".join(text(1, text(2, d) if isinstance(d, str) else number(1, d)) for d in dims)
    return text(1, name) + text(2, text(1, number(1, kind) + text(2, shape)))


def graph(nodes, inputs, outputs, tensors=(), infos=()):
    return (b"".join(text(1, n) for n in nodes) + b"".join(text(5, t) for t in tensors) +
            b"".join(text(11, i) for i in inputs) + b"".join(text(12, o) for o in outputs) +
            b"".join(text(13, i) for i in infos))


def model(*arguments, opset=13, **more):
    return (number(1, 8) + text(8, text(1, "") + number(2, opset)) +
            text(7, graph(*arguments, **more)))
