# SPDX-FileCopyrightText: 2026 The continuo authors
# SPDX-License-Identifier: MIT
"""An independent SEANet codec in PyTorch, for whole sequences: what models/seanet.c is compared
with. Written from the published description (layers, paddings, quantiser), with our tensor names.
Layout here is PyTorch's [batch, channels, time]; the files hold [time, channels]."""

import dataclasses
import math

import numpy as np
import torch
import torch.nn.functional as F

import parameters
import weights


@dataclasses.dataclass
class Half:
    width: int = 32
    kernel_in: int = 7
    kernel_out: int = 7
    kernel_residual: int = 3
    n_residual: int = 1
    dilation_base: int = 2
    compress: int = 2
    n_lstm: int = 2


@dataclasses.dataclass
class Config:
    n_channels: int = 1
    latent_dim: int = 128
    strides: tuple = (2, 4, 5, 8)
    n_codebooks: int = 32
    codebook_size: int = 1024
    encoder: Half = dataclasses.field(default_factory=Half)
    decoder: Half = dataclasses.field(default_factory=Half)
    true_skip: bool = False
    causal: bool = True
    pad: str = "reflect"  # or "zero"
    group_norm: bool = False
    act_last: bool = False

    @property
    def hop(self):
        return math.prod(self.strides)


def encodec_24khz(**changes):
    return Config(**changes)


def encodec_48khz():
    return Config(n_channels=2, n_codebooks=16, causal=False, group_norm=True)


def soundstream():
    half = dict(kernel_residual=7, n_residual=3, dilation_base=3, compress=1, n_lstm=0)
    return Config(latent_dim=512, strides=(3, 4, 5, 8), n_codebooks=8,
                  encoder=Half(kernel_out=3, **half), decoder=Half(kernel_out=7, **half),
                  true_skip=True, pad="zero", act_last=True)


def reflect(x, left, right):
    """Mirror both ends; a sequence too short for it is first prolonged with zeros."""
    short = max(left, right) - x.shape[-1] + 1
    if short > 0:
        x = F.pad(x, (0, short))
    x = F.pad(x, (left, right), mode="reflect")
    return x[..., :x.shape[-1] - short] if short > 0 else x


class Seanet:
    def __init__(self, config, seed, store=None):
        """store: where the weights are; none: a fixed set of its own"""
        self.config, self.store = config, store or parameters.Store(seed, trained=False)

    def get(self, *arguments):
        return self.store.get(*arguments)

    def norm(self, name, x):
        if not self.config.group_norm:
            return x
        channels = x.shape[1]
        return F.group_norm(x, 1, self.get(name + ".norm_scale", "vector", (channels,)),
                            self.get(name + ".norm_shift", "vector", (channels,)), 1e-5)

    def conv(self, name, x, channels, kernel, stride=1, dilation=1):
        w = self.get(name + ".weight", "conv1d", (channels, x.shape[1], kernel))
        b = self.get(name + ".bias", "vector", (channels,))
        reach = (kernel - 1) * dilation + 1
        padding = reach - stride
        rows = math.ceil((x.shape[-1] - reach + padding) / stride + 1)
        extra = (rows - 1) * stride + reach - padding - x.shape[-1]
        right = 0 if self.config.causal else padding // 2
        pads = (padding - right, right + extra)
        x = reflect(x, *pads) if self.config.pad == "reflect" else F.pad(x, pads)
        return self.norm(name, F.conv1d(x, w, b, stride=stride, dilation=dilation))

    def conv_transposed(self, name, x, channels, stride):
        kernel = 2 * stride
        w = self.get(name + ".weight", "conv_transposed1d", (x.shape[1], channels, kernel), stride)
        b = self.get(name + ".bias", "vector", (channels,))
        y = self.norm(name, F.conv_transpose1d(x, w, b, stride=stride))
        right = stride if self.config.causal else stride // 2
        return y[..., stride - right:y.shape[-1] - right]

    def unit(self, name, half, j, x):
        channels, dilation = x.shape[1], half.dilation_base**j
        y = x if self.config.act_last else F.elu(x)
        y = self.conv(name + ".conv1", y, channels // half.compress, half.kernel_residual,
                      dilation=dilation)
        y = self.conv(name + ".conv2", F.elu(y), channels, 1)
        skip = x if self.config.true_skip else self.conv(name + ".skip", x, channels, 1)
        return F.elu(y + skip) if self.config.act_last else y + skip

    def lstm(self, name, half, x):
        size = x.shape[1]
        if not half.n_lstm:
            return x
        net = torch.nn.LSTM(size, size, half.n_lstm)
        with torch.no_grad():
            for l in range(half.n_lstm):
                for ours, theirs, shape in (("w_ih", "weight_ih", (4 * size, size)),
                                            ("w_hh", "weight_hh", (4 * size, size)),
                                            ("b_ih", "bias_ih", (4 * size,)),
                                            ("b_hh", "bias_hh", (4 * size,))):
                    use = "vector" if len(shape) == 1 else "linear"
                    getattr(net, f"{theirs}_l{l}").copy_(self.get(f"{name}.{l}.{ours}", use, shape))
        rows = x.permute(2, 0, 1)
        with torch.no_grad():  # nothing here is trained with one
            return (net(rows)[0] + rows).permute(1, 2, 0)

    def act(self, x):
        return x if self.config.act_last else F.elu(x)

    def encode(self, audio):
        """[1, channels, samples] -> latents [1, D, steps]"""
        c, half = self.config, self.config.encoder
        x = self.conv("encoder.in", audio, half.width, half.kernel_in)
        for i, stride in enumerate(c.strides):
            for j in range(half.n_residual):
                x = self.unit(f"encoder.stage.{i}.unit.{j}", half, j, x)
            x = self.conv(f"encoder.stage.{i}.down", self.act(x), 2 * x.shape[1], 2 * stride, stride)
        x = self.lstm("encoder.lstm", half, x)
        return self.conv("encoder.out", self.act(x), c.latent_dim, half.kernel_out)

    def decode(self, latents):
        """[1, D, steps] -> [1, channels, steps * hop]"""
        c, half = self.config, self.config.decoder
        x = self.conv("decoder.in", latents, half.width << len(c.strides), half.kernel_in)
        x = self.lstm("decoder.lstm", half, x)
        for i, stride in enumerate(reversed(c.strides)):
            x = self.conv_transposed(f"decoder.stage.{i}.up", self.act(x), x.shape[1] // 2, stride)
            for j in range(half.n_residual):
                x = self.unit(f"decoder.stage.{i}.unit.{j}", half, j, x)
        return self.conv("decoder.out", self.act(x), c.n_channels, half.kernel_out)

    def codebook(self, k):
        c = self.config
        return self.get(f"rvq.{k}.codebook", "codebook", (c.codebook_size, c.latent_dim))

    def quantise(self, latents, n_used):
        """[1, D, steps] -> codes [steps, n_used]"""
        residual, codes = latents[0].t().clone(), []
        for k in range(n_used):
            table = self.codebook(k)
            distance = (table * table).sum(1)[None, :] - 2 * residual @ table.t()
            code = distance.argmin(1)
            residual = residual - table[code]
            codes.append(code)
        return torch.stack(codes, 1)

    def dequantise(self, codes):
        """[steps, n_used] -> latents [1, D, steps]"""
        return sum(self.codebook(k)[codes[:, k]] for k in range(codes.shape[1])).t()[None]


def test_audio(n_samples, n_channels, seed):
    """A few gliding tones and noise, [samples, channels] float32."""
    t = np.arange(n_samples)[:, None] / 24000.0
    noise = weights.uniform(seed, "audio.noise", n_samples * n_channels)
    noise = noise.reshape(n_samples, n_channels) * 2.0 - 1.0
    sides = np.arange(1, n_channels + 1)[None, :]
    tone = np.sin(2 * np.pi * (220 * sides * t + 900 * t * t)) + 0.5 * np.sin(2 * np.pi * 1370 * t)
    swell = 0.3 + 0.7 * np.abs(np.sin(2 * np.pi * 9 * t))
    return (swell * (0.5 * tone + 0.3 * noise)).astype(np.float32)


def batch(array):
    """[rows, channels] -> [1, channels, rows]"""
    return torch.from_numpy(np.ascontiguousarray(array.T))[None]


def rows(tensor):
    """[1, channels, rows] -> [rows, channels]"""
    return tensor[0].t().contiguous().numpy()


def round_trip_chunks(net, audio, chunk, stride):
    """48 kHz: chunks with their scales, each coded for itself, overlapped by triangles.
    audio [samples, channels] -> codes and scale of each chunk, audio again."""
    n_samples = len(audio)
    total = np.zeros(audio.shape)
    weight_sum = np.zeros((n_samples, 1))
    t = np.linspace(0.0, 1.0, chunk + 2)[1:-1]
    triangle = (0.5 - np.abs(t - 0.5))[:, None]
    codes, scales = [], []
    for start in range(0, n_samples, stride):
        part = audio[start:start + chunk]
        scale = np.float32(1e-8 + np.sqrt(np.mean(part.mean(1).astype(np.float32)**2)))
        code = net.quantise(net.encode(batch(part / scale)), net.config.n_codebooks)
        wave = rows(net.decode(net.dequantise(code)))[:len(part)] * scale
        total[start:start + chunk] += triangle[:len(part)] * wave
        weight_sum[start:start + chunk] += triangle[:len(part)]
        codes.append(code.numpy())
        scales.append(scale)
    return codes, scales, (total / weight_sum).astype(np.float32)
