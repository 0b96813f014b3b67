# SPDX-FileCopyrightText: 2026 The continuo authors
# SPDX-License-Identifier: MIT
"""Makes tests/golden/seanet_*.safetensors from seanet.py (PyTorch, float32), weights of seed 7.
Run by hand: python tests/reference/make_seanet_golden.py"""

import numpy as np
import torch

import golden
import seanet

SEED = 7


def batch(array):
    """[rows, channels] -> [1, channels, rows]"""
    return torch.from_numpy(np.ascontiguousarray(array.T))[None]


def rows(tensor):
    """[1, channels, rows] -> [rows, channels]"""
    return tensor[0].t().contiguous().numpy()


def whole(name, config, n_samples):
    net = seanet.Seanet(config, SEED)
    audio = seanet.test_audio(n_samples, config.n_channels, SEED)
    latents = net.encode(batch(audio))
    codes = net.quantise(latents, config.n_codebooks)
    wave = net.decode(net.dequantise(codes))
    golden.save(name, {"audio": audio, "latents": rows(latents),
                       "codes": codes.numpy().astype(np.int32), "wave": rows(wave)}, seed=SEED)


def chunked(name, config, chunk, stride, n_samples):
    """48 kHz: chunks with their scales, each coded for itself, overlapped by triangles."""
    net = seanet.Seanet(config, SEED)
    audio = seanet.test_audio(n_samples, config.n_channels, SEED)
    total = np.zeros((n_samples, config.n_channels))
    weight_sum = np.zeros((n_samples, 1))
    t = np.linspace(0.0, 1.0, chunk + 2)[1:-1]
    triangle = (0.5 - np.abs(t - 0.5))[:, None]
    codes, scales = [], []
    for start in range(0, n_samples, stride):
        part = audio[start:start + chunk]
        scale = np.float32(1e-8 + np.sqrt(np.mean(part.mean(1).astype(np.float32)**2)))
        code = net.quantise(net.encode(batch(part / scale)), config.n_codebooks)
        wave = rows(net.decode(net.dequantise(code)))[:len(part)] * scale
        total[start:start + chunk] += triangle[:len(part)] * wave
        weight_sum[start:start + chunk] += triangle[:len(part)]
        codes.append(code.numpy().astype(np.int32))
        scales.append(scale)
    golden.save(name, {"audio": audio, "codes": np.concatenate(codes),
                       "scales": np.array(scales, np.float32),
                       "wave": (total / weight_sum).astype(np.float32)},
                seed=SEED, chunk_samples=chunk, chunk_stride_samples=stride)


def main():
    torch.set_num_threads(1)
    for pad in ("reflect", "zero"):
        config = seanet.encodec_24khz(pad=pad)
        whole(f"seanet_encodec_24khz_{pad}", config, 12 * 320)
        whole(f"seanet_encodec_24khz_{pad}_partial", config, 9 * 320 + 77)
    whole("seanet_encodec_24khz_short", seanet.encodec_24khz(), 350)
    whole("seanet_encodec_48khz", seanet.encodec_48khz(), 10 * 320 + 50)
    chunked("seanet_encodec_48khz_chunks", seanet.encodec_48khz(), 2400, 2376, 5500)
    whole("seanet_soundstream", seanet.soundstream(), 8 * 480)
    whole("seanet_soundstream_partial", seanet.soundstream(), 6 * 480 + 131)


main()
