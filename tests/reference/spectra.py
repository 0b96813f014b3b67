# SPDX-FileCopyrightText: 2026 The continuo authors
# SPDX-License-Identifier: MIT
"""Mel matrices, made band by band, and spectra in PyTorch: what train/mel_bank.c and gpu/stft.h are
compared with."""

import math

import torch


def mel_matrix(n_bands, n_fft, rate_hz):
    """[bands, bins], triangles of height 1, O'Shaughnessy's scale; corners in Hz."""
    top = 2595 * math.log10(1 + rate_hz / 2 / 700)
    corner = [700 * (10 ** (top * b / (n_bands + 1) / 2595) - 1) for b in range(n_bands + 2)]
    hz = [rate_hz * k / n_fft for k in range(n_fft // 2 + 1)]
    rows = [[max(0.0, min((f - low) / (peak - low), (high - f) / (high - peak))) for f in hz]
            for low, peak, high in zip(corner, corner[1:], corner[2:])]
    return torch.tensor(rows, dtype=torch.float64), corner


def bank(n_bands, n_fft, rate_hz):
    """The most bands of which each has weights that sum to a quarter."""
    while True:
        matrix, corner = mel_matrix(n_bands, n_fft, rate_hz)
        if n_bands == 1 or matrix.sum(1).min() >= 0.25:
            return matrix, corner
        n_bands -= 1


def values(x, window, n_fft, power, normalised, centred=True):
    """[..., bins, rows]"""
    hann = torch.hann_window(window, periodic=True, dtype=x.dtype)
    spectra = torch.stft(x, n_fft, window // 4, window, hann, center=centred, pad_mode="reflect",
                         onesided=True, return_complex=True)
    if normalised:
        spectra = spectra / hann.square().sum().sqrt()
    squares = spectra.real ** 2 + spectra.imag ** 2
    return squares if power else (squares + 1e-16).sqrt()
