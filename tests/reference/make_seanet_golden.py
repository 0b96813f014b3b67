# SPDX-FileCopyrightText: 2026 The continuo authors
# SPDX-License-Identifier: MIT
"""Makes tests/golden/seanet_*.safetensors from seanet.py (PyTorch, float32), weights of seed 7.
Run by hand: python tests/reference/make_seanet_golden.py"""

import numpy as np
import torch

import golden
import seanet

SEED = 7


def whole(name, config, n_samples):
    net = seanet.Seanet(config, SEED)
    audio = seanet.test_audio(n_samples, config.n_channels, SEED)
    latents = net.encode(seanet.batch(audio))
    codes = net.quantise(latents, config.n_codebooks)
    wave = net.decode(net.dequantise(codes))
    golden.save(name, {"audio": audio, "latents": seanet.rows(latents),
                       "codes": codes.numpy().astype(np.int32), "wave": seanet.rows(wave)}, seed=SEED)


def chunked(name, config, chunk, stride, n_samples):
    net = seanet.Seanet(config, SEED)
    audio = seanet.test_audio(n_samples, config.n_channels, SEED)
    codes, scales, wave = seanet.round_trip_chunks(net, audio, chunk, stride)
    golden.save(name, {"audio": audio, "codes": np.concatenate(codes).astype(np.int32),
                       "scales": np.array(scales, np.float32), "wave": wave},
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
