# SPDX-FileCopyrightText: 2026 The continuo authors
# SPDX-License-Identifier: MIT
"""Writes tests/golden/spectra.safetensors: spectra, mel losses with gradients and mel distances of
two made-up waves, by PyTorch in double.
Run by hand: python tests/reference/make_spectra_golden.py"""

import math

import golden
import numpy as np
import spectra
import torch
from spectra import values

RATE_HZ = 24000
N_SAMPLES = 2400
LONG_WINDOWS = [32, 64, 128, 256, 512, 1024, 2048]


def waves():
    """A chord and a drum, and the same out of tune with other noise; f32."""
    rng = np.random.default_rng(7)
    t = np.arange(N_SAMPLES) / RATE_HZ
    out = []
    for detune, seed_level in ((1.0, 0.02), (1.01, 0.03)):
        chord = sum(0.2 / (i + 1) * np.sin(2 * np.pi * 220 * detune * r * t + i)
                    for i, r in enumerate((1.0, 1.26, 1.5, 2.0, 7.1)))
        drum = np.exp(-t * 60) * rng.standard_normal(N_SAMPLES) * 0.3
        noise = rng.standard_normal(N_SAMPLES) * seed_level
        out.append((chord + drum + noise).astype(np.float32))
    return out


def mel_loss(x, target, windows, n_bands, least_fft, power, normalised, log_weight, by_window,
             floor, add_floor, sums):
    loss = 0.0
    for window in windows:
        n_fft = max(window, least_fft)
        matrix, _ = spectra.bank(n_bands, n_fft, RATE_HZ)
        a, t = (matrix @ values(w, window, n_fft, power, normalised) for w in (x, target))
        log_a, log_t = ((s + floor).log() if add_floor else s.clamp(min=floor).log()
                        for s in (a, t))
        alpha = log_weight * (math.sqrt(window / 2) if by_window else 1.0)
        if sums:
            loss = loss + ((a - t).abs().sum(0) + alpha * (log_a - log_t).norm(dim=0)).mean()
        else:
            loss = loss + ((a - t).abs() + alpha * (log_a - log_t) ** 2).mean() / len(windows)
    return loss


def mel_distance(x, target):
    """Whole, and over bands that end at 7 kHz or below."""
    whole, low = [], []
    for window in LONG_WINDOWS:
        matrix, corner = spectra.bank(64, window, RATE_HZ)
        pad = window - window // 4
        end = -(-N_SAMPLES // (window // 4)) * (window // 4) - N_SAMPLES + pad
        a, t = (torch.clamp(matrix @ values(torch.nn.functional.pad(w, (pad, end)), window, window,
                                            False, True, centred=False), min=1e-5)
                for w in (x, target))
        distance = (a.log10() - t.log10()).abs()
        whole.append(distance.mean())
        n_low = sum(high <= 7000 for high in corner[2:])
        low.append(distance[:n_low].mean())
    return torch.stack(whole).mean(), torch.stack(low).mean()


def si_snr_db(x, target):
    x, target = x - x.mean(), target - target.mean()
    projected = target * (x @ target) / (target @ target)
    return 10 * torch.log10(projected.square().sum() / (x - projected).square().sum())


def main():
    x32, target32 = waves()
    target = torch.tensor(target32, dtype=torch.float64)
    tensors = {"x": x32, "target": target32}
    kinds = {
        "encodec": (LONG_WINDOWS, 64, 0, False, True, 1.0, False, 1e-5, True, False),
        "soundstream": (LONG_WINDOWS[1:], 64, 512, True, False, 1.0, True, 1e-20, False, True),
    }
    for name, kind in kinds.items():
        x = torch.tensor(x32, dtype=torch.float64, requires_grad=True)
        loss = mel_loss(x, target, *kind)
        loss.backward()
        tensors[f"{name}_loss"] = np.array([loss.item()], np.float32)
        tensors[f"{name}_gradient"] = x.grad.numpy().astype(np.float32)
    x = torch.tensor(x32, dtype=torch.float64)
    tensors["distances"] = np.array([d.item() for d in mel_distance(x, target)], np.float32)
    tensors["si_snr_db"] = np.array([si_snr_db(x, target).item()], np.float32)
    hann = torch.hann_window(48, periodic=True, dtype=torch.float64)
    for name, centred in (("centred", True), ("plain", False)):
        stft = torch.stft(x[:300], 80, 12, 48, hann, center=centred, pad_mode="reflect",
                             return_complex=True)
        tensors[f"stft_{name}"] = torch.view_as_real(stft.T).numpy().astype(np.float32)
    golden.save("spectra", tensors, torch=torch.__version__, rate_hz=RATE_HZ)


main()
