# SPDX-FileCopyrightText: 2026 The continuo authors
# SPDX-License-Identifier: MIT
"""Reading audio through sox, and the few measures of sound that the judge needs. Times in seconds."""

import os
import subprocess
import wave

import numpy as np

RATE_HZ = 24000  # all measures are taken here
ROWS_HZ = 100
WINDOW = 1024
BANDS = 40
LOW_HZ, HIGH_HZ = 40, 11000
SILENT = 1e-9  # power, -90 dBFS: below it nothing is heard


def sox(arguments, sound=None):
    """Run sox; what it writes to standard output."""
    ran = subprocess.run(["sox", "-V1", *arguments], input=sound, capture_output=True, check=False)
    if ran.returncode:
        raise OSError(f"sox {' '.join(arguments)}: {ran.stderr.decode(errors='replace').strip()}")
    return ran.stdout


def channels_and_rate(path):
    words = [subprocess.run(["soxi", "-V1", option, path], capture_output=True, text=True,
                            check=False).stdout.strip() for option in ("-c", "-r")]
    if not all(words):
        raise OSError(f"{path}: sox cannot read it")
    return int(words[0]), int(words[1])


def read(path, rate_hz=RATE_HZ):
    """The file's channels averaged, at rate_hz: float64 [n]."""
    out = sox([path, "-t", "f32", "-r", str(rate_hz), "-c", "1", "-"])
    return np.frombuffer(out, "<f4").astype(np.float64)


def read_exactly(path):
    """Samples as they are in the file: float32 [n, channels], and their rate."""
    channels, rate_hz = channels_and_rate(path)
    out = sox([path, "-t", "f32", "-"])
    return np.frombuffer(out, "<f4").reshape(-1, channels), rate_hz


def write(path, samples, rate_hz):
    """One channel, 24 bit, so that a round trip through this file costs nothing that is heard."""
    limit = 2 ** 23 - 1
    whole = np.clip(np.round(np.asarray(samples) * limit), -limit, limit).astype("<i4")
    data = whole.view(np.uint8).reshape(-1, 4)[:, :3].tobytes()
    with wave.open(os.fspath(path), "wb") as stream:
        stream.setnchannels(1)
        stream.setsampwidth(3)
        stream.setframerate(rate_hz)
        stream.writeframes(data)


def power_in_windows(sound, window_seconds, hop_seconds, rate_hz=RATE_HZ):
    """Mean power of each whole window."""
    n, hop = int(window_seconds * rate_hz), int(hop_seconds * rate_hz)
    total = np.concatenate([[0.0], np.cumsum(sound * sound)])
    first = np.arange(0, max(len(sound) - n, 0) + 1, hop)
    return (total[np.minimum(first + n, len(sound))] - total[first]) / n


def gated_power(sound, rate_hz=RATE_HZ):
    """Mean power of the 400 ms windows that are not pauses, after ITU-R BS.1770-4, unweighted."""
    power = power_in_windows(sound, 0.4, 0.1, rate_hz)
    loud = power[power > 1e-7]
    if not len(loud):
        return SILENT
    return float(np.mean(loud[loud >= 0.1 * np.mean(loud)]))


def mel_bank():
    """Triangles on the mel scale, each of area one: [BANDS, WINDOW / 2 + 1]."""
    edges = np.linspace(2595 * np.log10(1 + LOW_HZ / 700), 2595 * np.log10(1 + HIGH_HZ / 700), BANDS + 2)
    edges = 700 * (10 ** (edges / 2595) - 1)
    hz = np.arange(WINDOW // 2 + 1) * RATE_HZ / WINDOW
    up = (hz - edges[:-2, None]) / np.diff(edges)[:-1, None]
    down = (edges[2:, None] - hz) / np.diff(edges)[1:, None]
    bank = np.maximum(0.0, np.minimum(up, down))
    # A band narrower than a bin may lie between two: it takes the nearest.
    for band in np.flatnonzero(bank.sum(1) == 0):
        bank[band, int(round(edges[band + 1] * WINDOW / RATE_HZ))] = 1.0
    return bank / bank.sum(1, keepdims=True)


def log_mel(sound, reference):
    """Rows of band levels in dB, ROWS_HZ a second; 50 dB below reference (a band's power) is the floor."""
    hop = RATE_HZ // ROWS_HZ
    padded = np.pad(sound, WINDOW // 2)
    rows = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[:-1:hop]
    power = np.abs(np.fft.rfft(rows * np.hanning(WINDOW), axis=1)) ** 2 @ mel_bank().T
    return 10 * np.log10(np.maximum(power, 1e-5 * reference) / reference)


def band_reference(sound):
    """Power of a band in loud rows, for log_mel."""
    return max(gated_power(sound), SILENT) * np.sum(np.hanning(WINDOW) ** 2)


def onset_strength(rows):
    """How much comes up in each row: [n - 1]. Positive differences of the band levels, summed; their
    root, so that one crash does not outweigh a bar; blurred by 20 ms, what players are apart."""
    rise = np.sqrt(np.sum(np.maximum(np.diff(rows, axis=0), 0.0), axis=1))
    blur = np.exp(-0.5 * (np.arange(-8, 9) / (0.02 * ROWS_HZ)) ** 2)
    return np.convolve(rise, blur / blur.sum(), "same")


def autocorrelation(values, most_lag):
    """Of values less their mean, over what overlaps, 1 at lag 0: [most_lag + 1]."""
    values = values - np.mean(values)
    spectrum = np.fft.rfft(values, 2 * len(values))
    sums = np.fft.irfft(np.abs(spectrum) ** 2)[: most_lag + 1]
    means = sums / (len(values) - np.arange(most_lag + 1))
    return means / max(means[0], 1e-12)


def movement_db(rows):
    """How much band levels go up and down, at the pace of 100 ms: standard deviation, mean of bands."""
    total = np.cumsum(np.pad(rows, ((1, 0), (0, 0))), axis=0)
    slow = (total[10:] - total[:-10]) / 10
    return float(np.mean(np.std(slow, axis=0)))
