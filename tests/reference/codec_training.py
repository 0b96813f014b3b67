# SPDX-FileCopyrightText: 2026 The continuo authors
# SPDX-License-Identifier: MIT
"""An independent trainer of a SEANet codec in PyTorch: what train/codec_trainer.c is compared with,
in what it computes (make_training_golden.py) and in speed (bench/train_codec_vs_pytorch). Codebooks
stay as they are. Settings are a resolved recipe (INI) in which every value is named."""

import configparser
import math

import discriminators
import numpy as np
import parameters
import seanet
import spectra
import torch
import torch.nn.functional as F
import weights

LOSSES = ("wave_l1", "wave_l2", "mel", "adversarial", "feature")


class Settings:
    """A recipe: settings.number("loss", "mel")."""

    def __init__(self, text):
        self.ini = configparser.ConfigParser()
        self.ini.read_string(text)

    def word(self, section, key):
        return self.ini.get(section, key)

    def number(self, section, key):
        return self.ini.getfloat(section, key)

    def integer(self, section, key):
        return int(self.number(section, key))

    def flag(self, section, key):
        return self.ini.getboolean(section, key)

    def numbers(self, section, key):
        return [int(x) for x in self.word(section, key).split(",") if x.strip()]


def half_of(s, name):
    keys = ("width", "kernel_in", "kernel_out", "kernel_residual", "n_residual", "dilation_base",
            "compress", "n_lstm")
    half = seanet.Half(**{key: s.integer(name, key) for key in keys})
    assert half.n_lstm == 0
    return half


def network(s, store):
    assert s.word("codec", "act") == "elu" and s.number("codec", "act_slope") == 1
    assert s.flag("codec", "causal") and s.integer("codec", "n_channels") == 1
    config = seanet.Config(latent_dim=s.integer("codec", "latent_dim"),
                           strides=tuple(s.numbers("codec", "strides")),
                           n_codebooks=s.integer("codec", "n_codebooks"),
                           codebook_size=s.integer("codec", "codebook_size"),
                           encoder=half_of(s, "encoder"), decoder=half_of(s, "decoder"),
                           true_skip=s.flag("codec", "true_skip"), pad=s.word("codec", "pad"),
                           act_last=s.word("codec", "order") == "act_last")
    return seanet.Seanet(config, 0, store)


def critics(s, store):
    """Functions of audio -> logits, features."""
    kinds = [(discriminators.stft, w, s.integer("discriminator", "stft_channels"))
             for w in s.numbers("discriminator", "stft_windows")]
    kinds += [(discriminators.wave, 1 << i, s.integer("discriminator", "wave_channels"))
              for i in range(s.integer("discriminator", "wave_scales"))]
    kinds += [(discriminators.period, p, s.integer("discriminator", "period_channels"))
              for p in s.numbers("discriminator", "periods")]
    assert not s.flag("discriminator", "stft_single")
    return [lambda x, k=k, a=a, c=c: k(store, x, a, c) for k, a, c in kinds]


class MelLoss:
    """Mean over windows, rows and bands of |difference| and weight * |difference of logarithms|,
    or its square."""

    def __init__(self, s, dtype):
        self.windows = s.numbers("loss", "mel_windows")
        self.power, self.absolute = s.flag("loss", "mel_power"), s.flag("loss", "mel_log_absolute")
        self.weight = s.number("loss", "mel_log_weight")
        self.floor = s.number("loss", "mel_log_floor")
        self.add = s.word("loss", "mel_log_floor_kind") == "add"
        assert s.word("loss", "mel_norm") == "mean" and not s.integer("loss", "mel_least_fft")
        assert not s.flag("loss", "mel_log_by_window")
        bands, rate_hz = s.integer("loss", "mel_bins"), s.number("codec", "rate_hz")
        self.banks = [spectra.bank(bands, w, rate_hz)[0].to(dtype) for w in self.windows]

    def held(self, bands):
        return bands + self.floor if self.add else bands.clamp(min=self.floor)

    def __call__(self, x, target):
        total = 0.0
        for window, bank in zip(self.windows, self.banks):
            a = bank @ spectra.values(x, window, window, self.power, True)
            with torch.no_grad():
                t = bank @ spectra.values(target, window, window, self.power, True)
            logs = self.held(a).log() - self.held(t).log()
            logs = logs.abs() if self.absolute else logs.square()
            total = total + (a - t).abs().mean() + self.weight * logs.mean()
        return total / len(self.windows)


class Balancer:
    """g = sum of w_i / (sum of w) * g_i / <mean norm of g_i over an example>"""

    def __init__(self, decay):
        self.decay, self.norms, self.counts = decay, {}, {}

    def factors(self, shares, norms):
        found = {}
        for name, share in shares.items():
            self.norms[name] = self.decay * self.norms.get(name, 0.0) + norms[name]
            self.counts[name] = self.decay * self.counts.get(name, 0.0) + 1.0
            mean = self.norms[name] / self.counts[name]
            found[name] = share / sum(shares.values()) / (mean + 1e-12)
        return found


class Optimiser:
    """AdamW; vectors and scales do not decay."""

    def __init__(self, s, section, leaves):
        self.s, self.section, self.leaves, self.updates = s, section, leaves, 0
        flat = [v for n, v in leaves.items() if n.endswith((".bias", ".g"))]
        rest = [v for n, v in leaves.items() if not n.endswith((".bias", ".g"))]
        self.adam = torch.optim.AdamW(
            [{"params": flat, "weight_decay": 0.0},
             {"params": rest, "weight_decay": s.number(section, "weight_decay")}],
            betas=(s.number(section, "beta1"), s.number(section, "beta2")),
            eps=s.number(section, "epsilon"))
        self.decay = s.number(section, "average_decay")
        self.averages = {n: v.detach().clone() for n, v in leaves.items()} if self.decay else {}

    def rate(self, step):
        """Warm-up, then constant or a cosine over the phase, which begins at step 0 here."""
        full, last = self.s.number(self.section, "rate"), self.s.number(self.section, "rate_final")
        warm = self.s.integer(self.section, "warmup_steps")
        steps = self.s.integer("phases", "adversarial")
        if step < warm:
            return full * (step + 1) / warm
        if self.s.word(self.section, "schedule") == "constant" or steps <= warm:
            return full
        at = (step - warm) / (steps - warm)
        return last + 0.5 * (full - last) * (1 + math.cos(math.pi * min(at, 1.0)))

    def step(self, step, gradients):
        """Returns the norm before clipping."""
        norm = torch.stack(torch._foreach_norm(list(gradients.values()))).norm().item()
        most = self.s.number(self.section, "clip_norm")
        scale = most / norm if 0.0 < most < norm else 1.0
        for name, leaf in self.leaves.items():
            leaf.grad = gradients[name] * scale if scale != 1.0 else gradients[name]
        for group in self.adam.param_groups:
            group["lr"] = self.rate(step)
        self.adam.step()
        self.updates += 1
        decay = min(self.decay, (1 + self.updates) / (10 + self.updates))
        if self.averages:
            with torch.no_grad():
                torch._foreach_lerp_(list(self.averages.values()),
                                     [self.leaves[name] for name in self.averages], 1 - decay)
        return norm


class Trainer:
    """judged: with discriminators."""

    def __init__(self, settings, weights_seed, dtype, judged=True):
        s = self.s = settings
        self.dtype, self.judged = dtype, judged
        self.seed = s.integer("run", "seed")
        self.batch = s.integer("batch", "size")
        self.micro_batches = s.integer("batch", "micro_batches")
        normed = s.word("codec", "norm") == "weight"
        self.store = parameters.Store(weights_seed, dtype, normed=lambda name: normed)
        self.books = parameters.Store(weights_seed, dtype, trained=False)
        self.net = network(s, self.store)
        size = (self.net.config.codebook_size, self.net.config.latent_dim)
        self.codebooks = [self.books.get(f"rvq.{k}.codebook", "codebook", size)
                          for k in range(self.net.config.n_codebooks)]
        self.mel = MelLoss(s, dtype)
        self.weights = {name: s.number("loss", name) for name in LOSSES[:3 + 2 * judged]}
        self.weights = {name: w for name, w in self.weights.items() if w > 0}
        self.balancer = Balancer(s.number("loss", "balancer_decay"))
        self.make_leaves()

    def make_leaves(self):
        """A forward names them all."""
        crop = self.s.integer("data", "crop_samples")
        silence = torch.zeros(1, crop, dtype=self.dtype)
        with torch.no_grad():
            self.net.decode(self.net.encode(silence[:, None]))
        self.generator = Optimiser(self.s, "optimiser", self.store.leaves)
        if not self.judged:
            return
        norm = self.s.flag("discriminator", "weight_norm")
        spectral_in = [f"stft.{w}.in.weight" for w in self.s.numbers("discriminator",
                                                                     "stft_windows")]
        self.critic_store = discriminators.Net(
            self.store.seed, self.dtype, normed=lambda name: norm and name not in spectral_in)
        self.nets = critics(self.s, self.critic_store)
        with torch.no_grad():
            for net in self.nets:
                net(silence)
        self.critics = Optimiser(self.s, "discriminator_optimiser", self.critic_store.leaves)

    # ---- the quantiser ----

    def used(self, step):
        """Codebooks that each example's decoder hears."""
        every = self.net.config.n_codebooks
        kind = self.s.word("quantiser", "dropout")
        assert kind in ("none", "example")
        if kind == "none":
            return [every] * self.batch
        examples = [step * self.batch + i for i in range(self.batch)]
        drawn = weights.uniform(self.seed, "quantiser dropout share", examples[-1] + 1)
        u = weights.uniform(self.seed, "quantiser dropout", examples[-1] + 1)
        share = np.float32(self.s.number("quantiser", "dropout_share"))
        return [1 + int(u[e] * np.float32(every)) if drawn[e] < share else every for e in examples]

    def quantise(self, latents, n_used):
        """latents [batch, D, steps]; straight through. Returns what the decoder hears, the
        commitment loss and the codes [batch, steps, codebooks]."""
        z = latents.transpose(1, 2)
        used = torch.tensor(n_used)
        total, codes, left = torch.zeros_like(z), [], []
        with torch.no_grad():
            rest = z.detach().clone()
            heard = torch.zeros_like(z)
            for k, table in enumerate(self.codebooks):
                flat = rest.reshape(-1, rest.shape[-1])
                code = ((table * table).sum(1) - 2 * flat @ table.t()).argmin(1)
                chosen = table[code].view_as(rest)
                rest = rest - chosen
                total = total + chosen
                heard = torch.where((used > k)[:, None, None], total, heard)
                codes.append(code.view(self.batch, -1))
                left.append(total)
        summed = self.s.flag("quantiser", "commitment_sum")
        assert self.s.flag("quantiser", "detached")
        commitment = 0.0
        for k, so_far in enumerate(left):
            share = (used > k) / (1 if summed else used)
            squares = (z - so_far).square().mean((1, 2))
            commitment = commitment + (share.to(self.dtype) * squares).mean()
        return ((z + (heard - z).detach()).transpose(1, 2), commitment, torch.stack(codes, 2))

    # ---- the losses ----

    def hear(self, real, fake, learn):
        """What each discriminator says of both: (logits, features) of the real and of the fake.
        Learning and judging share the forwards."""
        said = []
        for net in self.nets:
            with torch.set_grad_enabled(learn):
                of_real = net(real)
            said.append((of_real, net(fake)))
        return said

    def critic_loss(self, said):
        total, scores = 0.0, [0.0, 0.0]
        for (real, _), (fake, _) in said:
            total = total + F.relu(1 - real).mean() + F.relu(1 + fake).mean()
            scores[0] += real.detach().mean() / len(said)
            scores[1] += fake.detach().mean() / len(said)
        return total / len(said), scores

    def feature_loss(self, ours, theirs):
        """Relative to the real one's size, over each micro-batch for itself."""
        total = 0.0
        for a, b in zip(ours, theirs):
            parts = [x.reshape(self.micro_batches, -1) for x in (a, b)]
            apart = (parts[0] - parts[1]).abs().mean(1)
            if self.s.flag("loss", "feature_relative"):
                apart = apart / parts[1].abs().mean(1).clamp(min=1e-3)
            elif self.s.flag("loss", "feature_sum"):
                channels = a.shape[1] * (a.shape[3] if a.dim() == 4 else 1)
                apart = apart * channels
            total = total + apart.mean()
        return total / len(ours)

    def judge(self, said):
        adversarial, feature = 0.0, 0.0
        hinge = self.s.flag("discriminator", "hinge_generator")
        for (_, theirs), (logits, ours) in said:
            adversarial = adversarial + (F.relu(1 - logits).mean() if hinge else -logits.mean())
            feature = feature + self.feature_loss(ours, [b.detach() for b in theirs])
        return adversarial / len(said), feature / len(said)

    def output_losses(self, out, real, said):
        losses = {"wave_l1": lambda: F.l1_loss(out, real), "wave_l2": lambda: F.mse_loss(out, real),
                  "mel": lambda: self.mel(out, real)}
        found = {name: losses[name]() for name in self.weights if name in losses}
        if said:
            found["adversarial"], found["feature"] = self.judge(said)
        return found

    # ---- a step ----

    def at_output(self, losses, out):
        """The gradient at the decoder's output, and each loss's mean norm over an example."""
        if not self.s.flag("loss", "balancer"):
            total = sum(self.weights[name] * loss for name, loss in losses.items())
            return torch.autograd.grad(total, out)[0], {}
        gradients = {name: torch.autograd.grad(loss, out, retain_graph=True)[0]
                     for name, loss in losses.items()}
        norms = {name: g.norm(dim=1).sum().item() for name, g in gradients.items()}
        factors = self.balancer.factors(self.weights, norms)
        return sum(factors[name] * g for name, g in gradients.items()), norms

    def step(self, step, audio):
        """One step over audio [batch, samples]. Both sides learn from what they were before it.
        Returns numbers by name and the codes."""
        learn = self.judged and step % self.s.integer("discriminator", "every") == 0
        latents = self.net.encode(audio[:, None])
        heard, commitment, codes = self.quantise(latents, self.used(step))
        out = self.net.decode(heard)[:, 0]
        critic_gradients, found = {}, {}
        apart = out.detach().requires_grad_()
        said = self.hear(audio, apart, learn) if self.judged else []
        if learn:
            loss, scores = self.critic_loss(said)
            names, leaves = zip(*self.critic_store.leaves.items())
            critic_gradients = dict(zip(names, torch.autograd.grad(loss, leaves,
                                                                   retain_graph=True)))
            found.update(discriminator=loss.item(), score_real=scores[0].item(),
                         score_fake=scores[1].item())
        losses = self.output_losses(apart, audio, said)
        gradient, norms = self.at_output(losses, apart)
        names, leaves = zip(*self.store.leaves.items())
        # One sweep: what comes from the output, and the commitment beside it.
        gradients = dict(zip(names, torch.autograd.grad(
            [out, commitment], leaves,
            [gradient, torch.full_like(commitment, self.s.number("loss", "commitment"))])))
        found.update({name: loss.item() for name, loss in losses.items()})
        found.update({f"norm_{name}": norm for name, norm in norms.items()})
        found.update(commitment=commitment.item(), rate=self.generator.rate(step),
                     latent_square=latents.detach().square().mean().item(),
                     error_square=(out - audio).detach().square().mean().item())
        found["gradient_norm"] = self.generator.step(step, gradients)
        if learn:
            found["critics_norm"] = self.critics.step(step, critic_gradients)
        self.gradients = {**gradients, **critic_gradients}
        return found, codes
