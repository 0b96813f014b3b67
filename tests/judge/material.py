# SPDX-FileCopyrightText: 2026 The continuo authors
# SPDX-License-Identifier: MIT
"""What the judge is tried on: prompts, continuations and fakes. One channel at sound.RATE_HZ."""

import os
import subprocess
import tempfile

import numpy as np

import sound

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
MODEL = os.path.join(SOURCE, "presets", "models", "default.safetensors")
SHARED = os.environ.get("CONTINUO_SHARED", os.path.join(os.path.dirname(SOURCE), "shared"))


def seconds(count):
    return round(count * sound.RATE_HZ)


def run(command):
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    if ran.returncode:
        raise OSError(f"{' '.join(command)}: {ran.stderr.strip()}")
    return ran.stdout


def round_trip(binary, samples):
    """Through the codec, as the monitor gives it: float32 [n, 1], as the file holds it."""
    with tempfile.TemporaryDirectory() as folder:
        before, after = (os.path.join(folder, name) for name in ("before.wav", "after.wav"))
        sound.write(before, samples, sound.RATE_HZ)
        run([os.path.join(binary, "continuo"), "roundtrip", "-q", "-m", MODEL, before, after])
        return sound.read_exactly(after)[0]


def own_prompt():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "prompt.wav")
        run([os.path.join(SOURCE, "scripts", "demo-prompt"), path])
        return sound.read(path)


def levelled(samples, like):
    """With the gated level of like."""
    return samples * np.sqrt(sound.gated_power(like) / sound.gated_power(samples))


def white_noise(prompt, count, chance):
    return levelled(chance.standard_normal(count), prompt)


def coloured_noise(prompt, count, chance):
    """Noise with the prompt's long-time spectrum, line by line."""
    spectrum = np.abs(np.fft.rfft(prompt))
    noise = np.fft.rfft(chance.standard_normal(count))
    places = np.linspace(0.0, len(spectrum) - 1.0, len(noise))
    return levelled(np.fft.irfft(noise * np.interp(places, np.arange(len(spectrum)), spectrum), count), prompt)


def looped(prompt, length, count):
    """The last length seconds of the prompt, over and over."""
    return np.resize(prompt[len(prompt) - seconds(length):], count)


def chopped(prompt, count, chance):
    """Pieces of the prompt of 0.25 to 0.6 s, in any order: its sound without its time."""
    pieces, have = [], 0
    while have < count:
        length = seconds(chance.uniform(0.25, 0.6))
        first = chance.integers(0, len(prompt) - length)
        pieces.append(prompt[first: first + length])
        have += length
    return np.concatenate(pieces)[:count]


def bars(prompt, order, length):
    """The prompt's bars of length seconds in another order."""
    n = seconds(length)
    return np.concatenate([prompt[n * bar: n * (bar + 1)] for bar in order])


def slower(samples, share):
    """Played slower by share, as a tape."""
    places = np.arange(0.0, len(samples) - 1.0, 1.0 - share)
    return np.interp(places, np.arange(len(samples)), samples)


def files(folder, ending):
    path = os.path.join(SHARED, "data", folder)
    names = sorted(os.listdir(path)) if os.path.isdir(path) else []
    return [os.path.join(path, name) for name in names if name.endswith(ending)]


def drums():
    return files("drums", ".flac")


def music(least_seconds):
    """Titles that are long enough, and how long they are: [(path, seconds)]."""
    lengths = [(path, float(run(["soxi", "-D", path]))) for path in files("music", ".ogg")]
    return [(path, length) for path, length in lengths if length >= least_seconds]


def excerpt(path, first, length):
    out = sound.sox([path, "-t", "f32", "-r", str(sound.RATE_HZ), "-c", "1", "-",
                     "gain", "-3", "trim", str(first), str(length)])
    return np.frombuffer(out, "<f4").astype(np.float64)
