# SPDX-FileCopyrightText: 2026 The continuo authors
# SPDX-License-Identifier: MIT
"""Makes tests/golden/training_*.safetensors: eleven whole training steps of small codecs by
codec_training.py, PyTorch in float64, which is taken as the truth. The same in float32 tells how
far rounding alone leads away. Weights of seed 29. The recipes stand in the files.
Run by hand: python tests/reference/make_training_golden.py"""

import math

import codec_training
import golden
import numpy as np
import seanet
import torch
import weights

SEED, STEPS, CLIPS, KEPT = 29, 11, 10, 24

SHARED = """
[data]
crop_samples = 960
first_only = true
balance_kinds = false
gain_low_db = 0
gain_high_db = 0
mix_probability = 0
silence_level_db = -200

[batch]
size = 4
micro_batches = 2

[phases]
unquantised = 0
reconstruction = 0
adversarial = 11

[run]
seed = 5
init = default
"""

# Fixed weights, all kinds of discriminators with weight norm, every second step.
FIXED = """[recipe]
name = fixed
""" + SHARED + """
[codec]
rate_hz = 24000
n_channels = 1
latent_dim = 8
strides = 3, 4, 5
n_codebooks = 3
codebook_size = 32
true_skip = true
causal = true
pad = zero
norm = none
act = elu
act_slope = 1
order = act_first

[encoder]
width = 4
kernel_in = 7
kernel_out = 3
kernel_residual = 3
n_residual = 2
dilation_base = 3
compress = 2
n_lstm = 0

[decoder]
width = 6
kernel_in = 7
kernel_out = 7
kernel_residual = 3
n_residual = 3
dilation_base = 3
compress = 2
n_lstm = 0

[optimiser]
rate = 1e-3
rate_final = 2e-4
rate_adversarial = 0
schedule = cosine
warmup_steps = 2
beta1 = 0.8
beta2 = 0.99
epsilon = 1e-8
weight_decay = 0.01
clip_norm = 0
average_decay = 0.999

[discriminator_optimiser]
rate = 1e-3
rate_final = 0
rate_adversarial = 0
schedule = constant
warmup_steps = 0
beta1 = 0.5
beta2 = 0.9
epsilon = 1e-8
weight_decay = 0
clip_norm = 1
average_decay = 0

[loss]
wave_l1 = 1
wave_l2 = 0.5
mel = 1
mel_adversarial = 0
commitment = 0.25
adversarial = 0.5
feature = 1
mel_windows = 64, 256
mel_bins = 16
mel_least_fft = 0
mel_log_weight = 1
mel_log_by_window = false
mel_log_absolute = true
mel_power = false
mel_log_floor = 1e-4
mel_log_floor_kind = add
mel_norm = mean
feature_relative = true
feature_sum = false
balancer = false
balancer_decay = 0.99

[quantiser]
dropout = example
dropout_share = 0.5
detached = true
commitment_sum = false
start_vectors = 32

[discriminator]
stft_windows = 256, 128
stft_channels = 4
stft_single = false
wave_scales = 2
wave_channels = 4
periods = 3
period_channels = 2
weight_norm = true
every = 2
probability = 1
hinge_generator = true
"""


def changed(text, **changes):
    """changes: section__key = value"""
    lines, section = [], ""
    for line in text.split("\n"):
        section = line[1:-1] if line.startswith("[") else section
        key = line.split(" = ")[0]
        wanted = changes.pop(f"{section}__{key}", None)
        lines.append(line if wanted is None else f"{key} = {wanted}")
    assert not changes, changes
    return "\n".join(lines)


# The balancer, weight norm in the codec, other losses, a clipped generator.
BALANCED = changed(
    FIXED, recipe__name="balanced", batch__micro_batches=1, codec__strides="4, 8",
    codec__true_skip="false", codec__norm="weight", codec__order="act_last",
    encoder__n_residual=1, encoder__dilation_base=2, decoder__n_residual=2, decoder__compress=1,
    optimiser__schedule="constant", optimiser__warmup_steps=0, optimiser__weight_decay=0,
    optimiser__clip_norm=0.5, optimiser__average_decay=0, discriminator_optimiser__clip_norm=0,
    loss__wave_l2=0, loss__mel_log_absolute="false", loss__mel_power="true",
    loss__mel_log_floor_kind="max", loss__feature_relative="false", loss__feature_sum="true",
    loss__balancer="true", quantiser__dropout="none", quantiser__commitment_sum="true",
    discriminator__stft_windows="128", discriminator__wave_scales=0,
    discriminator__weight_norm="false", discriminator__every=1,
    discriminator__hinge_generator="false")


def clips(crop):
    """[clips, crop], 16 bits each."""
    all_of_them = np.stack([0.6 * seanet.test_audio(crop, 1, SEED + i)[:, 0] * (0.5 + 0.05 * i)
                            for i in range(CLIPS)])
    return (np.round(all_of_them * 32768) / 32768 + 0.0).astype(np.float32)  # no negative zeros


def draw(settings):
    """[steps, batch] the clip of each example: train/crops.c over clips of one length."""
    seed, batch = settings.integer("run", "seed"), settings.integer("batch", "size")
    stream = weights.mix(weights.mix(np.uint64(seed)) ^ weights.name_key("crops.train"))
    counters = np.arange(STEPS * batch, dtype=np.uint64) * np.uint64(64) + np.uint64(1)
    u = (weights.mix(stream ^ counters) >> np.uint64(11)).astype(np.float64) * 2.0**-53
    return (u * CLIPS).astype(np.int32).reshape(STEPS, batch)


def sharpen(trainer):
    """Verdicts on both sides of the hinge's corners: while none has reached one, real and fake draw
    a bias with the same force, and where it goes is decided by rounding alone."""
    with torch.no_grad():
        for name, leaf in trainer.critic_store.leaves.items():
            if name.endswith((".out.weight", ".out.weight.g")):
                leaf.mul_(8)
            elif name.endswith(".out.bias"):
                leaf.fill_(1)


def record(settings, audio, drawn, dtype):
    """What the steps gave: numbers, codes, changes since the start and gradients by name."""
    trainer = codec_training.Trainer(settings, SEED, dtype)
    sharpen(trainer)
    leaves = {**trainer.store.leaves, **trainer.critic_store.leaves}
    start = {name: leaf.detach().clone() for name, leaf in leaves.items()}
    kept = {"numbers": [], "codes": [], "change": [], "gradient": [], "average": None}
    for step in range(STEPS):
        batch = torch.from_numpy(audio[drawn[step]]).to(dtype)
        found, codes = trainer.step(step, batch)
        kept["numbers"].append(found)
        kept["codes"].append(codes.numpy().astype(np.int32).reshape(-1, codes.shape[2]))
        kept["change"].append({n: (v.detach() - start[n]).double().numpy().reshape(-1)
                               for n, v in leaves.items()})
        kept["gradient"].append({n: g.double().numpy().reshape(-1).copy()
                                 for n, g in trainer.gradients.items()})
    kept["average"] = {n: (v - start[n]).double().numpy().reshape(-1)
                       for n, v in trainer.generator.averages.items()}
    kept["critics"] = set(trainer.critic_store.leaves)
    return kept


def thin(flat):
    """At most about KEPT of the values, evenly spaced."""
    return flat[::len(flat) // KEPT + 1]


def apart(ours, theirs, names):
    """Relative Euclidean distance over what is kept of the tensors of these names."""
    a, b = (np.concatenate([thin(x[n]) for n in names if n in x]) for x in (ours, theirs))
    return math.sqrt(((a - b)**2).sum() / (b**2).sum())


def drift(ours, theirs):
    """[steps, 5] of float32: worst number, then gradients and changes of codec and critics."""
    rows = []
    for a, b, *_ in zip(*[[dict(numbers=x["numbers"][i], change=x["change"][i],
                                gradient=x["gradient"][i]) for i in range(STEPS)]
                          for x in (ours, theirs)]):
        row = [max(abs(a["numbers"][n] - v) / (abs(v) + 1e-6) for n, v in b["numbers"].items())]
        for what in ("gradient", "change"):
            for critics in (False, True):
                names = [n for n in b[what] if (n in theirs["critics"]) == critics]
                some = any(np.any(b[what][n]) for n in names)
                row.append(apart(a[what], b[what], names) if names and some else 0.0)
        rows.append(row)
    return np.array(rows, np.float32)


def tensors_of(kept):
    names = sorted({n for row in kept["numbers"] for n in row})
    out = {f"number.{n}": np.array([row.get(n, 0.0) for row in kept["numbers"]], np.float32)
           for n in names}
    out["codes"] = np.stack(kept["codes"])
    for name in kept["change"][0]:
        out[f"change.{name}"] = np.stack([thin(row[name]) for row in kept["change"]]).astype(
            np.float32)
        gone = np.zeros_like(kept["change"][0][name])
        out[f"gradient.{name}"] = np.stack([thin(row.get(name, gone))
                                            for row in kept["gradient"]]).astype(np.float32)
        out[f"size.{name}"] = np.array([np.linalg.norm(row[name]) for row in kept["change"]],
                                       np.float32)
    for name, value in kept["average"].items():
        out[f"average.{name}"] = thin(value).astype(np.float32)
    return out


def make(name, text):
    settings = codec_training.Settings(text)
    audio, drawn = clips(settings.integer("data", "crop_samples")), draw(settings)
    truth = record(settings, audio, drawn, torch.float64)
    single = record(settings, audio, drawn, torch.float32)
    same = all(np.array_equal(a, b) for a, b in zip(truth["codes"], single["codes"]))
    rounding = drift(single, truth)
    print(name, "codes the same" if same else "CODES DIFFER: choose another seed")
    for step, row in enumerate(rounding):
        print(step, " ".join(f"{x:8.1e}" for x in row),
              " ".join(f"{k} {v:.4g}" for k, v in truth["numbers"][step].items()))
    golden.save(f"training_{name}", {"audio": audio, "drawn": drawn, "drift": rounding,
                                     **tensors_of(truth)},
                seed=SEED, recipe=text, torch=torch.__version__)


def main():
    torch.set_num_threads(1)
    make("fixed", FIXED)
    make("balanced", BALANCED)


main()
