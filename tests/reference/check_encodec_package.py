# SPDX-FileCopyrightText: 2026 The continuo authors
# SPDX-License-Identifier: MIT
"""Compares tests/reference/seanet.py with the published package `encodec` on the same random
weights: latents, codes and waveform of the 24 and 48 kHz models. Run by hand:

    python tests/reference/check_encodec_package.py
"""

import sys
import types

import numpy as np
import torch

try:
    import torchaudio  # noqa: F401
except Exception:  # only its resampler is used by the package, and not here
    for name in ("torchaudio", "torchaudio.transforms"):
        sys.modules[name] = types.ModuleType(name)
    sys.modules["torchaudio"].transforms = sys.modules["torchaudio.transforms"]

from encodec import EncodecModel  # noqa: E402

import seanet  # noqa: E402


def put_conv(module, name, net, transposed):
    """Put our tensors into one of the package's convolutions, weight-normalised or not."""
    conv = module.convtr if transposed else module.conv
    inner = conv.convtr if transposed else conv.conv
    weight, bias = net.store.leaves[name + ".weight"], net.store.leaves[name + ".bias"]
    with torch.no_grad():
        inner.bias.copy_(bias)
        if hasattr(inner, "weight_g"):
            inner.weight_v.copy_(weight)
            inner.weight_g.copy_(weight.flatten(1).norm(dim=1).view(-1, 1, 1))
        else:
            inner.weight.copy_(weight)
        if net.config.group_norm:
            conv.norm.weight.copy_(net.store.leaves[name + ".norm_scale"])
            conv.norm.bias.copy_(net.store.leaves[name + ".norm_shift"])


def put_lstm(module, part, net):
    with torch.no_grad():
        for l in range(2):
            for ours, theirs in (("w_ih", "weight_ih"), ("w_hh", "weight_hh"), ("b_ih", "bias_ih"),
                                 ("b_hh", "bias_hh")):
                getattr(module.lstm, f"{theirs}_l{l}").copy_(net.store.leaves[f"{part}.lstm.{l}.{ours}"])


def put_unit(module, name, net):
    put_conv(module.block[1], name + ".conv1", net, False)
    put_conv(module.block[3], name + ".conv2", net, False)
    put_conv(module.shortcut, name + ".skip", net, False)


def put_all(model, net):
    layers = model.encoder.model
    put_conv(layers[0], "encoder.in", net, False)
    for i in range(4):
        put_unit(layers[1 + 3 * i], f"encoder.stage.{i}.unit.0", net)
        put_conv(layers[3 + 3 * i], f"encoder.stage.{i}.down", net, False)
    put_lstm(layers[13], "encoder", net)
    put_conv(layers[15], "encoder.out", net, False)
    layers = model.decoder.model
    put_conv(layers[0], "decoder.in", net, False)
    put_lstm(layers[1], "decoder", net)
    for i in range(4):
        put_conv(layers[3 + 3 * i], f"decoder.stage.{i}.up", net, True)
        put_unit(layers[4 + 3 * i], f"decoder.stage.{i}.unit.0", net)
    put_conv(layers[15], "decoder.out", net, False)
    for k, layer in enumerate(model.quantizer.vq.layers):
        layer._codebook.embed.data.copy_(net.codebook(k))
        layer._codebook.inited.fill_(1)


def compare(model, config, n_samples, bandwidth):
    net = seanet.Seanet(config, 3)
    audio = torch.from_numpy(seanet.test_audio(n_samples, config.n_channels, 3).T.copy())[None]
    latents = net.encode(audio)
    codes = net.quantise(latents, config.n_codebooks)
    wave = net.decode(net.dequantise(codes))
    put_all(model.eval(), net)
    model.set_target_bandwidth(bandwidth)
    with torch.no_grad():
        theirs = model.encoder(audio)
        their_codes = model.quantizer.encode(theirs, model.frame_rate, bandwidth)
        their_wave = model.decoder(model.quantizer.decode(their_codes))
    for what, a, b in (("latents", latents, theirs), ("waveform", wave, their_wave)):
        error = ((a - b).norm() / b.norm()).item()
        print(f"{n_samples} samples: {what} relative error {error:.2e}")
        assert error < 1e-4
    equal = (their_codes[:, 0].t() == codes).float().mean().item()
    print(f"{n_samples} samples: {100 * equal:.2f} % of codes equal")
    assert equal > 0.99


def compare_chunks(n_samples):
    """A recording longer than a chunk: scales, codes and joined waveform of the 48 kHz model."""
    net = seanet.Seanet(seanet.encodec_48khz(), 3)
    audio = seanet.test_audio(n_samples, 2, 3)
    codes, scales, wave = seanet.round_trip_chunks(net, audio, 48000, 47520)
    model = EncodecModel.encodec_model_48khz(False)
    put_all(model.eval(), net)
    model.set_target_bandwidth(24.0)
    with torch.no_grad():
        chunks = model.encode(seanet.batch(audio))
        theirs = seanet.rows(model.decode([(torch.from_numpy(c).t()[None], s)
                                           for c, (_, s) in zip(codes, chunks)]))[:n_samples]
    assert len(chunks) == len(codes)
    for ours, scale, (their_codes, their_scale) in zip(codes, scales, chunks):
        equal = (their_codes[0].t().numpy() == ours).mean()
        print(f"chunk of {len(ours)} steps: {100 * equal:.2f} % of codes equal")
        assert equal > 0.97 and abs(their_scale.item() / scale - 1) < 1e-5
    error = np.linalg.norm(theirs - wave) / np.linalg.norm(theirs)
    print(f"{n_samples} samples in chunks: waveform relative error {error:.2e}")
    assert error < 1e-4


def main():
    torch.manual_seed(0)
    np.random.seed(0)
    for n_samples in (320 * 12, 320 * 12 + 77, 320 * 9 + 1, 350):
        compare(EncodecModel.encodec_model_24khz(False), seanet.encodec_24khz(), n_samples, 24.0)
        compare(EncodecModel.encodec_model_48khz(False), seanet.encodec_48khz(), n_samples, 24.0)
    for n_samples in (47900, 60000):
        compare_chunks(n_samples)


if __name__ == "__main__":
    main()
