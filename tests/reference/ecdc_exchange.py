# SPDX-FileCopyrightText: 2026 The continuo authors
# SPDX-License-Identifier: MIT
"""Exchanges .ecdc files with the published package `encodec` (0.1.1). Run by hand:

    python tests/reference/ecdc_exchange.py make           # writes tests/golden/ecdc/*.ecdc
    python tests/reference/ecdc_exchange.py check FILE...   # reads files with the package

`make` lets the package write files of known codes and reads them back with it. `check` reads any
files of the same codes, for instance those that tests/models/test_ecdc_file.c leaves where the
environment variable CONTINUO_ECDC_OUT points. tests/models/test_ecdc_file.c knows the same codes and
compares bytes.
"""

import importlib
import io
import pathlib
import sys
import types

import torch

try:
    import torchaudio  # noqa: F401
except Exception:  # only its resampler is used by the package, and not here
    for module in ("torchaudio", "torchaudio.transforms"):
        sys.modules[module] = types.ModuleType(module)
    sys.modules["torchaudio"].transforms = sys.modules["torchaudio.transforms"]

from encodec.model import EncodecModel  # noqa: E402

compress = importlib.import_module("encodec.compress")  # the package exports a function so named

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "golden" / "ecdc"
HOP = 320
# name: model, samples, codebooks
CASES = {
    "24khz_2": ("encodec_24khz", 4000, 2),
    "24khz_3": ("encodec_24khz", 1, 3),
    "24khz_32": ("encodec_24khz", 1000, 32),
    "48khz_2": ("encodec_48khz", 47620, 2),
    "48khz_4": ("encodec_48khz", 96100, 4),
}


def code(segment, step, codebook):
    return (step * 389 + codebook * 577 + step * codebook * 31 + segment * 101) % 1024


def scale(segment):
    return 0.3 * (segment + 1)


def segments(model, n_samples):
    length = model.segment_length or n_samples
    stride = model.segment_stride or n_samples
    return [min(length, n_samples - at) for at in range(0, n_samples, stride)]


def known(model, n_samples, n_codebooks):
    out = []
    for s, length in enumerate(segments(model, n_samples)):
        n_steps = -(-length // HOP)
        codes = torch.tensor([[[code(s, t, k) for t in range(n_steps)]
                               for k in range(n_codebooks)]])
        out.append((codes, torch.tensor([scale(s)]) if model.normalize else None))
    return out


def build(name):
    """The package's model with random weights: its encoder and decoder are not run here."""
    model = {"encodec_24khz": EncodecModel.encodec_model_24khz,
             "encodec_48khz": EncodecModel.encodec_model_48khz}[name](pretrained=False)
    model.name = name  # set with the pretrained weights only
    return model


def read(data):
    """What the package unpacks from the file, before its decoder would run."""
    seen = {}

    def keep(model):
        def decode(frames):
            seen["frames"], seen["model"] = frames, model
            return torch.zeros(1, model.channels, 1)
        model.decode = decode
        return model

    compress.MODELS = {name: (lambda name=name: keep(build(name)))
                       for name in ("encodec_24khz", "encodec_48khz")}
    compress.decompress_from_file(io.BytesIO(data))
    return seen["model"], seen["frames"]


def check(path):
    name, n_samples, n_codebooks = CASES[pathlib.Path(path).stem]
    model, frames = read(pathlib.Path(path).read_bytes())
    want = known(model, n_samples, n_codebooks)
    assert model.name == name and len(frames) == len(want), path
    for (codes, factor), (want_codes, want_factor) in zip(frames, want):
        assert torch.equal(codes, want_codes), path
        assert (factor is None) == (want_factor is None), path
        assert factor is None or factor.item() == want_factor.item(), path
    print(f"{path}: {len(frames)} segments, equal codes")


def make():
    FOLDER.mkdir(parents=True, exist_ok=True)
    for stem, (name, n_samples, n_codebooks) in CASES.items():
        model = build(name)
        model.encode = lambda _, m=model, n=n_samples, k=n_codebooks: known(m, n, k)
        out = io.BytesIO()
        compress.compress_to_file(model, torch.zeros(model.channels, n_samples), out, use_lm=False)
        path = FOLDER / f"{stem}.ecdc"
        path.write_bytes(out.getvalue())
        check(path)


if __name__ == "__main__":
    if len(sys.argv) < 2 or sys.argv[1] not in ("make", "check"):
        sys.exit(__doc__)
    if sys.argv[1] == "make":
        make()
    for file in sys.argv[2:]:
        check(file)
