# SPDX-FileCopyrightText: 2026 The continuo authors
# SPDX-License-Identifier: MIT
"""Independent discriminators and adversarial losses in PyTorch: what models/*_discriminator.c and
train/adversary.c are compared with. Written from the published descriptions, with our tensor names.
Layout here is PyTorch's (channels second); `rows` turns results to channels last."""

import math

import torch
import torch.nn.functional as F

import parameters


class Net(parameters.Store):
    """The weights of all of them."""

    def conv2d(self, name, x, channels, kernel, stride=(1, 1), dilation=(1, 1), padding=(0, 0)):
        w = self.get(name + ".weight", "conv2d", (channels, x.shape[1], *kernel))
        b = self.get(name + ".bias", "vector", (channels,))
        return F.conv2d(x, w, b, stride=stride, dilation=dilation, padding=padding)

    def conv1d(self, name, x, channels, kernel, stride=1, groups=1):
        """Centred, with zeros on the right until no row is dropped."""
        w = self.get(name + ".weight", "conv1d", (channels, x.shape[1] // groups, kernel), 1, groups)
        b = self.get(name + ".bias", "vector", (channels,))
        pad = kernel // 2
        rows = math.ceil((x.shape[-1] + 2 * pad - kernel) / stride) + 1
        more = (rows - 1) * stride + kernel - x.shape[-1] - 2 * pad
        return F.conv1d(F.pad(x, (pad, pad + more)), w, b, stride=stride, groups=groups)


def spectrum(x, window, scaled):
    """[n, T] -> [n, 2, rows, bins]"""
    hann = torch.hann_window(window, dtype=x.dtype)
    z = torch.stft(x, window, window // 4, window, hann, center=False, return_complex=True)
    if scaled:
        z = z / hann.pow(2).sum().sqrt()
    return torch.stack([z.real, z.imag], 1).transpose(2, 3)


def stft(net, x, window, channels):
    def act(y):
        return F.leaky_relu(y, 0.2)

    name, features = f"stft.{window}", []
    y = act(net.conv2d(name + ".in", spectrum(x, window, True), channels, (3, 9), padding=(1, 4)))
    features.append(y)
    for i, d in enumerate((1, 2, 4)):
        y = act(net.conv2d(f"{name}.dilated.{i}", y, channels, (3, 9), (1, 2), (d, 1), (d, 4)))
        features.append(y)
    y = act(net.conv2d(name + ".mix", y, channels, (3, 3), padding=(1, 1)))
    features.append(y)
    return net.conv2d(name + ".out", y, 1, (3, 3), padding=(1, 1)), features


def stft_residual(net, x, window, channels):
    name, features = f"stft_residual.{window}", []
    y = F.elu(net.conv2d(name + ".in", spectrum(x, window, False), channels, (7, 7), padding=(3, 3)))
    features.append(y)
    for i, (widen, stride) in enumerate(((2, 1), (4, 2), (4, 1), (8, 2), (8, 1), (16, 2))):
        unit, steps = f"{name}.unit.{i}", (stride, 2)
        z = F.elu(net.conv2d(unit + ".first", y, y.shape[1], (3, 3), padding=(1, 1)))
        z = F.pad(z, (2, 1, (stride + 2) // 2, stride + 1 - (stride + 2) // 2))
        z = net.conv2d(unit + ".strided", z, widen * channels, (stride + 2, 4), steps)
        y = F.elu(z + net.conv2d(unit + ".skip", y, widen * channels, (1, 1), steps))
        features.append(y)
    return net.conv2d(name + ".out", y, 1, (1, window // 128)), features


def wave(net, x, decimation, channels):
    def act(y):
        return F.leaky_relu(y, 0.2)

    name, features, y = f"wave.{decimation}", [], x[:, None]
    if decimation > 1:
        kernel = max(4, decimation)
        y = F.avg_pool1d(y, kernel, decimation, (kernel - decimation) // 2, count_include_pad=False)
    y = act(net.conv1d(name + ".in", y, channels, 15))
    features.append(y)
    for i in range(4):
        c = y.shape[1]
        y = act(net.conv1d(f"{name}.down.{i}", y, min(4 * c, 64 * channels), 41, 4, c // 4))
        features.append(y)
    y = act(net.conv1d(name + ".mix", y, y.shape[1], 5))
    features.append(y)
    return net.conv1d(name + ".out", y, 1, 3), features


def period(net, x, samples, channels):
    def act(y):
        return F.leaky_relu(y, 0.1)

    name, features = f"period.{samples}", []
    y = F.pad(x[:, None], (0, -x.shape[-1] % samples), mode="reflect")
    y = y.reshape(x.shape[0], 1, -1, samples)
    for i, widen in enumerate((1, 4, 16, 32)):
        y = act(net.conv2d(f"{name}.down.{i}", y, widen * channels, (5, 1), (3, 1), padding=(2, 0)))
        features.append(y)
    y = act(net.conv2d(name + ".mix", y, y.shape[1], (5, 1), padding=(2, 0)))
    features.append(y)
    return net.conv2d(name + ".out", y, 1, (3, 1), padding=(1, 0)), features


def rows(x):
    """Channels last, flat."""
    return x.detach().movedim(1, -1).contiguous().numpy().reshape(-1)


def discriminator_loss(nets, real, fake):
    """nets: functions of audio -> logits, features"""
    total = 0.0
    for net in nets:
        total = total + F.relu(1 - net(real)[0]).mean() + F.relu(1 + net(fake)[0]).mean()
    return total / len(nets)


def feature_distance(ours, theirs, kind):
    if kind == "relative":
        return F.l1_loss(ours, theirs) / theirs.abs().mean()
    if kind == "mean":
        return F.l1_loss(ours, theirs)
    return (ours - theirs).abs().sum([d for d in (1, 3) if d < ours.dim()]).mean()


def generator_losses(nets, real, fake, hinge, features):
    """features: relative, mean, or sum (over channels and bins)"""
    adversarial, feature = 0.0, 0.0
    for net in nets:
        logits, ours = net(fake)
        theirs = [f.detach() for f in net(real)[1]]
        adversarial = adversarial + (F.relu(1 - logits).mean() if hinge else -logits.mean())
        apart = [feature_distance(a, b, features) for a, b in zip(ours, theirs)]
        feature = feature + sum(apart) / len(apart)
    return adversarial / len(nets), feature / len(nets)
