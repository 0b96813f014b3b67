# SPDX-FileCopyrightText: 2026 The continuo authors
# SPDX-License-Identifier: MIT
"""Writes golden files: .safetensors with inputs and outputs only."""

import json
import pathlib
import struct

import numpy as np

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "golden"
_TYPES = {np.dtype(np.float32): "F32", np.dtype(np.int32): "I32"}


def save(name, tensors, **about):
    """tensors: name -> float32 or int32 array; about: words for the metadata."""
    header, body = {"__metadata__": {k: str(v) for k, v in about.items()}}, b""
    for key, value in tensors.items():
        value = np.ascontiguousarray(value)
        data = value.tobytes()
        header[key] = {"dtype": _TYPES[value.dtype], "shape": list(value.shape),
                       "data_offsets": [len(body), len(body) + len(data)]}
        body += data
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    FOLDER.mkdir(exist_ok=True)
    path = FOLDER / f"{name}.safetensors"
    path.write_bytes(struct.pack("<Q", len(text)) + text + body)
    print(f"{path.name}: {path.stat().st_size} bytes")
