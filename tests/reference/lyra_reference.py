#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The continuo authors
# SPDX-License-Identifier: MIT
"""Golden files for Lyra: the published graphs under the TFLite runtime, on a made-up input.

Usage: lyra_reference.py LYRA_FOLDER OUT.bin
LYRA_FOLDER holds soundstream_encoder.tflite, quantizer.tflite and lyragan.tflite of release
v1.2.0. Needs tflite-runtime 2.14 and numpy 1.26.

OUT.bin, little-endian: "LYG1", u32 steps, u32 codebooks, u32 dim, u32 hop; i16 input[steps * hop]
(full scale 32768); f32 features[steps * dim]; i8 codes[steps * codebooks]; f32 decoded[steps *
hop] from all codes; u32 used; f32 decoded[steps * hop] again from the first `used` codebooks.
"""
import struct
import sys

import numpy as np
from tflite_runtime.interpreter import Interpreter

STEPS, HOP, CODEBOOKS, DIM, USED = 60, 320, 46, 64, 16


def made_up_input():
    """Voiced-like chirps, noise bursts, clicks and silence: all that a speech codec meets."""
    t = np.arange(STEPS * HOP) / 16000.0
    phase = 2 * np.pi * np.cumsum(120 + 60 * np.sin(2 * np.pi * 1.3 * t)) / 16000
    voiced = sum(np.sin(k * phase) / k * (1 + np.cos(2 * np.pi * (0.7 * k) * t)) / 2
                 for k in range(1, 25))
    noise = np.random.default_rng(20260101).standard_normal(len(t))
    x = 0.25 * voiced * (np.sin(2 * np.pi * 2.1 * t) > -0.4)
    x += 0.08 * noise * (np.sin(2 * np.pi * 3.7 * t + 1) > 0.5)
    x[5000:7000] = 0
    x[5600] = 0.9
    x[12000:12010] = -0.7
    return np.clip(np.round(x * 32768), -32768, 32767).astype("<i2")


def load(folder, name):
    model = Interpreter(f"{folder}/{name}.tflite", num_threads=1)
    model.allocate_tensors()
    return model


def run_plain(model, x):
    model.set_tensor(model.get_input_details()[0]["index"], x)
    model.invoke()
    return model.get_tensor(model.get_output_details()[0]["index"]).copy()


def decode(folder, codes):
    quantizer = load(folder, "quantizer").get_signature_runner("decode")
    generator = load(folder, "lyragan")
    hops = []
    for row in codes:
        latent = quantizer(encoding_indices=row.reshape(CODEBOOKS, 1, 1).astype(np.int32))
        hops.append(run_plain(generator, latent["output_0"].reshape(1, 1, DIM)).reshape(HOP))
    return np.concatenate(hops)


def main():
    folder, out = sys.argv[1:3]
    x = made_up_input()
    encoder = load(folder, "soundstream_encoder")
    encode = load(folder, "quantizer").get_signature_runner("encode")
    features, codes = [], []
    for i in range(STEPS):
        hop = (x[i * HOP:(i + 1) * HOP] / np.float32(32768)).astype(np.float32)
        features.append(run_plain(encoder, hop.reshape(1, HOP)).reshape(DIM))
        result = encode(input_frames=features[-1].reshape(1, 1, DIM),
                        num_quantizers=np.int32(CODEBOOKS))
        # One output is the codes, the other the bits per code.
        codes.append(max(result.values(), key=np.size).reshape(CODEBOOKS))
    codes = np.array(codes)
    assert codes.min() >= 0 and codes.max() < 16
    fewer = codes.copy()
    fewer[:, USED:] = -1
    with open(out, "wb") as f:
        f.write(b"LYG1" + struct.pack("<4I", STEPS, CODEBOOKS, DIM, HOP))
        f.write(x.tobytes())
        f.write(np.array(features, "<f4").tobytes())
        f.write(codes.astype("i1").tobytes())
        f.write(decode(folder, codes).astype("<f4").tobytes())
        f.write(struct.pack("<I", USED) + decode(folder, fewer).astype("<f4").tobytes())


if __name__ == "__main__":
    main()
