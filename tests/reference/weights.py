# SPDX-FileCopyrightText: 2026 The continuo authors
# SPDX-License-Identifier: MIT
"""Weights that are a function of (tensor name, seed): the NumPy twin of layer_set_randomise in
models/layers.c and of base/random.c, bit for bit."""

import math

import numpy as np

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def mix(x):
    """One round of splitmix64's finaliser over x + golden ratio."""
    with np.errstate(over="ignore"):
        x = np.uint64(x) + _GOLDEN
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return x ^ (x >> np.uint64(31))


def name_key(name):
    """FNV-1a."""
    value = 0xCBF29CE484222325
    for byte in name.encode():
        value = ((value ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return np.uint64(value)


def uniform(seed, name, count):
    """`count` values in [0, 1), float32."""
    stream = mix(mix(np.uint64(seed)) ^ name_key(name))
    bits = mix(stream ^ np.arange(count, dtype=np.uint64))
    return (bits >> np.uint64(40)).astype(np.float32) * np.float32(2.0**-24)


def tensor(seed, name, use, shape, stride=1, groups=1):
    """use: vector, linear, conv1d, conv_transposed1d, table, codebook; shape as in the file."""
    centre = 0.0
    if use == "vector":
        centre, reach = (1.0 if name.endswith(".norm_scale") else 0.0), 0.1
    elif use == "conv_transposed1d":
        reach = math.sqrt(3.0 * stride / ((shape[0] // groups) * shape[2]))
    elif use in ("table", "codebook"):
        reach = 0.3
    else:
        reach = math.sqrt(3.0 / math.prod(shape[1:]))
    u = uniform(seed, name, math.prod(shape))
    value = np.float32(centre) + (np.float32(2) * u - np.float32(1)) * np.float32(reach)
    return value.reshape(shape)
