#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The continuo authors
# SPDX-License-Identifier: MIT
"""Write the hand-made TensorFlow Lite files that tests and fuzzing start from.

One graph: x[1, 1, 6, 2] -> convolution (stride 2) -> leaky ReLU -> transposed convolution.
Usage: tflite_seed.py OUT_FOLDER. Needs nothing but Python.
"""
import pathlib
import struct
import sys


class Table:
    """Fields by id: ('b' | 'i' | 'f', value) inline, or bytes, str, list or Table by offset."""

    def __init__(self, **fields):
        self.fields = {int(k[1:]): v for k, v in fields.items()}


def pad(out, bytes_):
    while len(out) % bytes_:
        out.append(0)


def emit(out, node):
    """Append `node`; returns where it starts. Offsets point forward, so children come after."""
    if isinstance(node, str):
        pad(out, 4)
        at = len(out)
        text = node.encode()
        out += struct.pack("<I", len(text)) + text + b"\0"
        return at
    if isinstance(node, (bytes, list)) and (isinstance(node, bytes) or
                                            not node or isinstance(node[0], int)):
        pad(out, 16)
        out += b"\0" * 12
        at = len(out)
        data = node if isinstance(node, bytes) else struct.pack("<%di" % len(node), *node)
        out += struct.pack("<I", len(node)) + data
        return at
    if isinstance(node, list):
        pad(out, 4)
        at = len(out)
        out += struct.pack("<I", len(node)) + b"\0" * 4 * len(node)
        for i, child in enumerate(node):
            slot = at + 4 + 4 * i
            struct.pack_into("<I", out, slot, emit(out, child) - slot)
        return at
    pad(out, 4)
    count = max(node.fields, default=-1) + 1
    inline = 4 + 4 * len(node.fields)
    vtable = len(out)
    offsets = [0] * count
    for slot, field in enumerate(sorted(node.fields)):
        offsets[field] = 4 + 4 * slot
    out += struct.pack("<%dH" % (count + 2), 4 + 2 * count, inline, *offsets)
    pad(out, 4)
    at = len(out)
    out += struct.pack("<i", at - vtable) + b"\0" * (inline - 4)
    for field, value in node.fields.items():
        slot = at + offsets[field]
        if isinstance(value, tuple):
            struct.pack_into("<" + value[0], out, slot, value[1])
        else:
            struct.pack_into("<I", out, slot, emit(out, value) - slot)
    return at


def tensor(name, shape, buffer, type_=0):
    return Table(f0=shape, f1=("b", type_), f2=("i", buffer), f3=name)


def model():
    floats = lambda n: struct.pack("<%df" % n, *[0.25 * i - 1 for i in range(n)])
    buffers = [Table(), Table(f0=floats(24)), Table(f0=floats(4)), Table(f0=floats(16)),
               Table(f0=struct.pack("<4i", 1, 1, 4, 2))]
    tensors = [tensor("x", [1, 1, 6, 2], 0), tensor("conv.weight", [4, 1, 3, 2], 1),
               tensor("conv.bias", [4], 2), tensor("u", [1, 1, 2, 4], 0),
               tensor("v", [1, 1, 2, 4], 0), tensor("up.shape", [4], 4, 2),
               tensor("up.weight", [2, 1, 2, 4], 3), tensor("y", [1, 1, 4, 2], 0)]
    conv = Table(f0=("b", 1), f1=("i", 2), f2=("i", 1))
    up = Table(f0=("b", 1), f1=("i", 2), f2=("i", 1))
    operators = [Table(f0=("i", 0), f1=[0, 1, 2], f2=[3], f3=("b", 1), f4=conv),
                 Table(f0=("i", 1), f1=[3], f2=[4], f3=("b", 75), f4=Table(f0=("f", 0.3))),
                 Table(f0=("i", 2), f1=[5, 6, 4, -1], f2=[7], f3=("b", 49), f4=up)]
    graph = Table(f0=tensors, f1=[0], f2=[7], f3=operators, f4="main")
    codes = [Table(f0=("b", 3), f3=("i", 3)), Table(f0=("b", 98), f3=("i", 98)),
             Table(f0=("b", 67), f3=("i", 67))]
    return Table(f0=("i", 3), f1=codes, f2=[graph], f3="hand-made", f4=buffers)


def main():
    folder = pathlib.Path(sys.argv[1])
    out = bytearray(b"\0\0\0\0TFL3")
    struct.pack_into("<I", out, 0, emit(out, model()))
    (folder / "three_operators.tflite").write_bytes(out)
    (folder / "cut_short.tflite").write_bytes(out[:len(out) // 2])


if __name__ == "__main__":
    main()
