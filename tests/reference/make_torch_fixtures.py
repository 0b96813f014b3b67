# SPDX-FileCopyrightText: 2026 The continuo authors
# SPDX-License-Identifier: MIT
"""Write the small PyTorch files that tests/models/test_torch_file.c reads.

Run by hand, with PyTorch installed: python tests/reference/make_torch_fixtures.py
Values are simple sequences, so that the test can state them.
"""

import argparse
import collections
import os
import zipfile

import torch

FOLDER = os.path.join(os.path.dirname(__file__), "..", "models", "data")


def path(name):
    return os.path.join(FOLDER, name)


def ramp(*shape, dtype=torch.float32):
    count = 1
    for n in shape:
        count *= n
    return torch.arange(count, dtype=torch.float64).sub(2).reshape(shape).to(dtype)


def plain():
    tensors = collections.OrderedDict()
    for name, dtype in [
        ("f64", torch.float64), ("f32", torch.float32), ("f16", torch.float16),
        ("bf16", torch.bfloat16), ("i64", torch.int64), ("i32", torch.int32),
        ("i16", torch.int16), ("i8", torch.int8),
    ]:
        tensors["types." + name] = ramp(2, 3, dtype=dtype)
    tensors["types.u8"] = torch.tensor([0, 7, 255], dtype=torch.uint8)
    tensors["types.bool"] = torch.tensor([True, False, True])
    base = ramp(4, 5)
    tensors["view.base"] = base
    tensors["view.transposed"] = base.t()
    tensors["view.rows"] = base[1:3]
    tensors["view.columns"] = base[:, 1:4:2]
    tensors["shape.scalar"] = torch.tensor(2.5)
    tensors["shape.empty"] = torch.zeros(0, 3)
    tensors["shape.ones"] = ramp(1, 4, 1)
    tensors["parameter"] = torch.nn.Parameter(ramp(3))
    tensors._metadata = collections.OrderedDict([("", {"version": 1})])
    torch.save(tensors, path("torch_plain.pt"))


def nested():
    torch.save(
        {
            "best_state": {"a.weight": ramp(2, 2), "b": [ramp(2), 5]},
            "epoch": 300, "negative": -70000, "large": 2**40, "small": -1, "lr": 3e-4,
            "name": "caf\u00e9", "flag": True, "none": None, "shape": torch.Size([1, 2]),
            3: "by number",
        },
        path("torch_nested.pt"),
    )


def modules():
    torch.manual_seed(1)
    old = torch.nn.utils.weight_norm(torch.nn.Conv1d(2, 3, 4))
    new = torch.nn.utils.parametrizations.weight_norm(torch.nn.Conv1d(2, 3, 4))
    net = torch.nn.ModuleDict({"old": old, "new": new, "lstm": torch.nn.LSTM(2, 2, 1)})
    torch.save(net.state_dict(), path("torch_modules.pt"))


def refused():
    torch.save({"w": ramp(2)}, path("torch_legacy.pt"), _use_new_zipfile_serialization=False)
    torch.save({"w": ramp(2), "args": argparse.Namespace(a=1)}, path("torch_class.pt"))
    torch.save({"w": torch.zeros(1).expand(1000, 1000)}, path("torch_expanded.pt"))
    torch.save({"w": ramp(2)}, path("torch_protocol4.pt"), pickle_protocol=4)
    with zipfile.ZipFile(path("torch_plain.pt")) as source:
        with zipfile.ZipFile(path("torch_compressed.pt"), "w", zipfile.ZIP_DEFLATED) as target:
            for name in source.namelist():
                stamped = zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0))
                stamped.compress_type = zipfile.ZIP_DEFLATED
                target.writestr(stamped, source.read(name))


if __name__ == "__main__":
    os.makedirs(FOLDER, exist_ok=True)
    plain()
    nested()
    modules()
    refused()
