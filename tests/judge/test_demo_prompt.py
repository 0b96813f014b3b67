#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The continuo authors
# SPDX-License-Identifier: MIT
"""test_demo_prompt.py: scripts/demo-prompt makes the same bytes at every run, in the promised format
and level, and no bar twice."""

import array
import math
import os
import subprocess
import sys
import tempfile
import wave

SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "scripts", "demo-prompt")
BARS = 4

bad = 0


def holds(truth, words):
    global bad
    if not truth:
        bad += 1
        print(f"not ok: {words}")


def make(folder, name):
    path = os.path.join(folder, name)
    subprocess.run([sys.executable, SCRIPT, path], check=True)
    return path


def decibels(value):
    return 20 * math.log10(max(value, 1e-9))


def same_share(one, other):
    """How much of one bar is the other again: correlation, 1 for a copy."""
    product = math.fsum(a * b for a, b in zip(one, other))
    return product / math.sqrt(math.fsum(a * a for a in one) * math.fsum(b * b for b in other))


def main():
    with tempfile.TemporaryDirectory() as folder:
        paths = [make(folder, name) for name in ("one.wav", "two.wav")]
        contents = [open(path, "rb").read() for path in paths]
        holds(contents[0] == contents[1], "two runs differ")
        with wave.open(paths[0]) as stream:
            form = (stream.getframerate(), stream.getnchannels(), stream.getsampwidth())
            samples = array.array("h", stream.readframes(stream.getnframes()))
    holds(form == (48000, 1, 2), f"rate, channels and bytes are {form}")
    holds(len(samples) == 8 * 48000, f"{len(samples)} samples")
    values = [sample / 32768 for sample in samples]
    rms = decibels(math.sqrt(math.fsum(value * value for value in values) / len(values)))
    peak = decibels(max(abs(value) for value in values))
    holds(-18 <= rms <= -12, f"{rms:.1f} dBFS")
    holds(peak < -3, f"peak {peak:.1f} dBFS")
    length = len(values) // BARS
    bars = [values[length * bar: length * (bar + 1)] for bar in range(BARS)]
    for one in range(BARS):
        for other in range(one):
            share = same_share(bars[one], bars[other])
            holds(share < 0.8, f"bars {other} and {one} are {share:.2f} alike")
    print(f"{rms:.1f} dBFS, peak {peak:.1f} dBFS, {bad} not ok")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
