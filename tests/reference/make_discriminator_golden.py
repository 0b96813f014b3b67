# SPDX-FileCopyrightText: 2026 The continuo authors
# SPDX-License-Identifier: MIT
"""Makes tests/golden/discriminator_*.safetensors and adversary.safetensors from discriminators.py
(PyTorch, float32), weights of seed 11. Long arrays are kept as every so many-th element.
Run by hand: python tests/reference/make_discriminator_golden.py"""

import numpy as np
import torch

import discriminators as d
import golden
import seanet

SEED, EXAMPLES, SAMPLES, KEPT = 11, 2, 1501, 256
KINDS = (("stft", d.stft, 64, 4), ("stft_residual", d.stft_residual, 256, 2),
         ("wave", d.wave, 2, 4), ("period", d.period, 3, 2))
# tests/train/test_adversary.c asks its recipe for these.
TOGETHER = ((d.stft, 128, 4), (d.stft, 64, 4), (d.wave, 1, 4), (d.wave, 2, 4), (d.period, 3, 2))


def thin(array):
    """At most about KEPT of the values, evenly spaced."""
    flat = np.ascontiguousarray(array).reshape(-1)
    return flat[::len(flat) // KEPT + 1]


def audio(seed):
    both = [seanet.test_audio(SAMPLES, 1, seed + i)[:, 0] for i in range(EXAMPLES)]
    return np.stack(both)


def forwards(real):
    for name, kind, scale, channels in KINDS:
        logits, features = kind(d.Net(SEED), torch.from_numpy(real), scale, channels)
        tensors = {"audio": real, "logits": d.rows(logits)}
        for i, f in enumerate(features):
            tensors[f"feature.{i}"] = thin(d.rows(f))
        golden.save(f"discriminator_{name}", tensors, seed=SEED, scale=scale, channels=channels)


def gradients(real, fake):
    net = d.Net(SEED)
    nets = [lambda x, k=kind, s=scale, c=channels: k(net, x, s, c)
            for kind, scale, channels in TOGETHER]
    real_t, fake_t = torch.from_numpy(real), torch.from_numpy(fake).requires_grad_()
    loss = d.discriminator_loss(nets, real_t, fake_t.detach())
    loss.backward()
    tensors = {"real": real, "fake": fake, "loss.discriminator": np.float32([loss.item()])}
    for name, w in net.leaves.items():
        tensors[f"gradient.{name}"] = thin(w.grad.numpy())
    for hinge, features in ((True, "relative"), (False, "mean"), (True, "sum")):
        losses = d.generator_losses(nets, real_t, fake_t, hinge, features)
        for which, label, value in zip(("adversarial", "feature"),
                                       ("hinge" if hinge else "mean", features), losses):
            tensors[f"loss.{which}.{label}"] = np.float32([value.item()])
            gradient, = torch.autograd.grad(value, fake_t, retain_graph=True)
            tensors[f"gradient.{which}.{label}"] = gradient.numpy()
    golden.save("adversary", tensors, seed=SEED)


def main():
    torch.set_num_threads(1)
    real, fake = audio(SEED), (0.7 * audio(SEED) + 0.2 * audio(SEED + 50)).astype(np.float32)
    forwards(real)
    gradients(real, fake)


main()
