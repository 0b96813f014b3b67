# SPDX-FileCopyrightText: 2026 The continuo authors
# SPDX-License-Identifier: MIT
"""Write the small EnCodec checkpoints that tests/models/test_import_encodec.c imports.

Run by hand, with PyTorch and the published package `encodec` installed:

    python tests/reference/make_encodec_fixtures.py [FOLDER]

The networks are the package's own, narrow, with weights that are a function of (name, seed): what
is imported must be what layer_set_randomise makes. With FOLDER, one of the published size goes
there.
"""

import json
import os
import struct
import sys

import check_encodec_package as package
import torch
from encodec import EncodecModel
from encodec.modules import SEANetDecoder, SEANetEncoder
from encodec.quantization import ResidualVectorQuantizer

import seanet

DATA = os.path.join(os.path.dirname(__file__), "..", "models", "data")
SEED = 5


class Network(torch.nn.Module):
    """The parts of the package's model that have weights, at any size."""

    def __init__(self, config):
        super().__init__()
        options = dict(
            channels=config.n_channels, dimension=config.latent_dim,
            n_filters=config.encoder.width, ratios=list(reversed(config.strides)),
            norm="time_group_norm" if config.group_norm else "weight_norm",
            causal=config.causal)
        self.encoder = SEANetEncoder(**options)
        self.decoder = SEANetDecoder(**options)
        self.quantizer = ResidualVectorQuantizer(
            dimension=config.latent_dim, n_q=config.n_codebooks, bins=config.codebook_size)


def put_all(model, net, config):
    """Every tensor of ours into the package's network."""
    n = len(config.strides)
    layers = model.encoder.model
    package.put_conv(layers[0], "encoder.in", net, False)
    for i in range(n):
        package.put_unit(layers[1 + 3 * i], f"encoder.stage.{i}.unit.0", net)
        package.put_conv(layers[3 + 3 * i], f"encoder.stage.{i}.down", net, False)
    package.put_lstm(layers[3 * n + 1], "encoder", net)
    package.put_conv(layers[3 * n + 3], "encoder.out", net, False)
    layers = model.decoder.model
    package.put_conv(layers[0], "decoder.in", net, False)
    package.put_lstm(layers[1], "decoder", net)
    for i in range(n):
        package.put_conv(layers[3 + 3 * i], f"decoder.stage.{i}.up", net, True)
        package.put_unit(layers[4 + 3 * i], f"decoder.stage.{i}.unit.0", net)
    package.put_conv(layers[3 * n + 3], "decoder.out", net, False)
    for k, layer in enumerate(model.quantizer.vq.layers):
        layer._codebook.embed.data.copy_(net.codebook(k))
        layer._codebook.inited.fill_(1)


def make(config):
    net = seanet.Seanet(config, SEED)
    samples = config.hop * 16
    latents = net.encode(torch.zeros(1, config.n_channels, samples))  # makes every weight
    net.decode(net.dequantise(net.quantise(latents, config.n_codebooks)))
    model = Network(config)
    put_all(model, net, config)
    return model.state_dict()


def packed(state):
    """The same tensors as views of one storage, which makes a much smaller file."""
    whole = torch.cat([tensor.to(torch.float32).flatten() for tensor in state.values()])
    views, at = {}, 0
    for name, tensor in state.items():
        views[name] = whole[at:at + tensor.numel()].view(tensor.shape)
        at += tensor.numel()
    return {"best_state": views}


def hugging_face_name(name, parametrised):
    name = name.replace(".model.", ".layers.")
    for part in ("conv", "convtr"):
        name = name.replace(f".{part}.{part}.", ".conv.").replace(f".{part}.norm.", ".norm.")
    name = name.replace("quantizer.vq.", "quantizer.").replace("._codebook.", ".codebook.")
    if parametrised:
        name = name.replace(".weight_g", ".parametrizations.weight.original0")
        name = name.replace(".weight_v", ".parametrizations.weight.original1")
    return name


def save_safetensors(path, tensors):
    header, data = {"__metadata__": {"format": "pt"}}, b""
    for name, tensor in sorted(tensors.items()):
        raw = tensor.detach().contiguous().to(torch.float32).numpy().tobytes()
        header[name] = {"dtype": "F32", "shape": list(tensor.shape),
                        "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as stream:
        stream.write(struct.pack("<Q", len(text)) + text + data)


def hugging_face_config(config):
    stereo = config.n_channels == 2
    half = config.encoder
    return {
        "model_type": "encodec", "sampling_rate": 48000 if stereo else 24000,
        "audio_channels": config.n_channels, "hidden_size": config.latent_dim,
        "codebook_size": config.codebook_size, "codebook_dim": config.latent_dim,
        "num_filters": half.width, "kernel_size": half.kernel_in,
        "last_kernel_size": half.kernel_out, "residual_kernel_size": half.kernel_residual,
        "num_residual_layers": half.n_residual, "dilation_growth_rate": half.dilation_base,
        "compress": half.compress, "num_lstm_layers": half.n_lstm,
        "upsampling_ratios": list(reversed(config.strides)),
        "norm_type": "time_group_norm" if stereo else "weight_norm",
        "pad_mode": "reflect", "trim_right_ratio": 1.0, "use_causal_conv": config.causal,
        "use_conv_shortcut": True, "normalize": stereo,
        "chunk_length_s": 1.0 if stereo else None, "overlap": 0.01 if stereo else None,
    }


def save_hugging_face(folder, config, state, parametrised):
    os.makedirs(folder, exist_ok=True)
    save_safetensors(os.path.join(folder, "model.safetensors"),
                     {hugging_face_name(k, parametrised): v for k, v in state.items()
                      if "embed_avg" not in k})
    with open(os.path.join(folder, "config.json"), "w") as stream:
        json.dump(hugging_face_config(config), stream, indent=2, sort_keys=True)
        stream.write("\n")


def main():
    half = seanet.Half(width=2)
    narrow = dict(latent_dim=4, strides=(2, 3), n_codebooks=2, codebook_size=8, encoder=half,
                  decoder=half)
    mono = seanet.Config(**narrow)
    stereo = seanet.Config(n_channels=2, causal=False, group_norm=True, **narrow)
    torch.save(make(mono), os.path.join(DATA, "encodec_narrow.th"))
    torch.save(packed(make(stereo)), os.path.join(DATA, "encodec_narrow_stereo.th"))
    save_hugging_face(os.path.join(DATA, "encodec_hf"), mono, make(mono), True)
    save_hugging_face(os.path.join(DATA, "encodec_hf_stereo"), stereo, make(stereo), False)
    if len(sys.argv) > 1:
        torch.save(make(seanet.encodec_24khz()), os.path.join(sys.argv[1], "encodec_24khz.th"))


if __name__ == "__main__":
    main()
