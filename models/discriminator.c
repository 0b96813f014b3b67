// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "models/discriminator.h"

#include "gpu/tape.h"

#include <stdlib.h>

static const char *kind_name(discriminator_kind kind)
{
  static const char *const names[] = {"stft", "stft_residual", "wave", "period"};
  return names[kind];
}

// ---- config -----------------------------------------------------------------------------

typedef struct scale_rule {
  int64_t least, most, multiple; ///< of the scale
  int64_t channels_multiple;
} scale_rule;

static status check(const discriminator_config *config, error *err)
{
  static const scale_rule rules[] = {
      [DISCRIMINATOR_STFT] = {16, 65536, 4, 1},
      [DISCRIMINATOR_STFT_RESIDUAL] = {128, 65536, 128, 1},
      [DISCRIMINATOR_WAVE] = {1, 1024, 1, 4},
      [DISCRIMINATOR_PERIOD] = {1, 1024, 1, 1},
  };
  const scale_rule *rule = &rules[config->kind];
  const char *name = kind_name(config->kind);
  if (config->scale < rule->least || config->scale > rule->most ||
      config->scale % rule->multiple != 0) {
    return error_set(err, STATUS_USAGE,
                     "%s discriminator: scale %lld, expected a multiple of %lld from %lld to %lld",
                     name, (long long)config->scale, (long long)rule->multiple,
                     (long long)rule->least, (long long)rule->most);
  }
  if (config->channels < 1 || config->channels > 1024 ||
      config->channels % rule->channels_multiple != 0) {
    return error_set(err, STATUS_USAGE,
                     "%s discriminator: %lld channels, expected a multiple of %lld up to 1024",
                     name, (long long)config->channels, (long long)rule->channels_multiple);
  }
  return STATUS_OK;
}

// ---- building ---------------------------------------------------------------------------

static status build(discriminator *d, error *err)
{
  const discriminator_config *c = &d->config;
  switch (c->kind) {
  case DISCRIMINATOR_STFT:
    return stft_discriminator_init(&d->net.stft, &d->set, c->scale, c->channels, err);
  case DISCRIMINATOR_STFT_RESIDUAL:
    return stft_residual_discriminator_init(&d->net.stft_residual, &d->set, c->scale, c->channels,
                                            err);
  case DISCRIMINATOR_WAVE:
    wave_discriminator_init(&d->net.wave, &d->set, c->scale, c->channels);
    return STATUS_OK;
  case DISCRIMINATOR_PERIOD:
    return period_discriminator_init(&d->net.period, &d->set, c->scale, c->channels, err);
  }
  return STATUS_OK;
}

/// The first convolution over a spectrum is left without a norm, as EnCodec's code does.
static status allocate(discriminator *d, error *err)
{
  const bool spectral = d->config.kind <= DISCRIMINATOR_STFT_RESIDUAL;
  status code = STATUS_OK;
  for (int i = 0; i < d->set.n_weights && code == STATUS_OK; ++i) {
    weight *w = d->set.weights[i];
    const bool normed = d->config.weight_norm && w->use != WEIGHT_VECTOR && !(spectral && i == 0);
    code = weight_allocate(w, normed, err);
  }
  return code;
}

status discriminator_new(discriminator **out, const discriminator_config *config, error *err)
{
  *out = NULL;
  status code = check(config, err);
  if (code != STATUS_OK) {
    return code;
  }
  discriminator *d = calloc(1, sizeof *d);
  if (!d) {
    return error_set(err, STATUS_NO_MEMORY, "no memory for a %s discriminator",
                     kind_name(config->kind));
  }
  d->config = *config;
  code = build(d, err);
  if (code == STATUS_OK) {
    code = allocate(d, err);
  }
  if (code != STATUS_OK) {
    discriminator_free(d, NULL);
    return code;
  }
  *out = d;
  return STATUS_OK;
}

void discriminator_free(discriminator *d, device *dev)
{
  if (!d) {
    return;
  }
  layer_set_free(&d->set, dev);
  if (d->config.kind == DISCRIMINATOR_STFT) {
    stft_free(d->net.stft.spectrum);
  } else if (d->config.kind == DISCRIMINATOR_STFT_RESIDUAL) {
    stft_free(d->net.stft_residual.spectrum);
  } else if (d->config.kind == DISCRIMINATOR_PERIOD) {
    weight_free(dev, &d->net.period.pad);
  }
  free(d);
}

status discriminator_track(discriminator *d, device *dev, error *err)
{
  status code = STATUS_OK;
  if (d->config.kind == DISCRIMINATOR_PERIOD) {
    d->net.period.pad.frozen = true;
    code = weight_track(dev, &d->net.period.pad, err);
  }
  for (int i = 0; i < d->set.n_weights && code == STATUS_OK; ++i) {
    code = weight_track(dev, d->set.weights[i], err);
  }
  return code;
}

status discriminator_refresh(discriminator *d, device *dev, error *err)
{
  const status code = d->config.kind == DISCRIMINATOR_PERIOD
                          ? weight_refresh(dev, &d->net.period.pad, err)
                          : STATUS_OK;
  return code == STATUS_OK ? layer_set_refresh(&d->set, dev, DTYPE_F32, err) : code;
}

// ---- forward ----------------------------------------------------------------------------

int64_t discriminator_least_samples(const discriminator *d)
{
  return d->config.scale; // a window, a line, a mean
}

verdict discriminator_forward(run *r, const discriminator *d, tensor audio)
{
  if (run_ok(r) && audio.dims[1] < discriminator_least_samples(d)) {
    run_fail(r, STATUS_USAGE, "%s discriminator of scale %lld: %lld samples are too few",
             kind_name(d->config.kind), (long long)d->config.scale, (long long)audio.dims[1]);
  }
  if (!run_ok(r)) {
    return (verdict){.n_features = 0};
  }
  switch (d->config.kind) {
  case DISCRIMINATOR_STFT:
    return stft_discriminator_forward(r, &d->net.stft, audio);
  case DISCRIMINATOR_STFT_RESIDUAL:
    return stft_residual_discriminator_forward(r, &d->net.stft_residual, audio);
  case DISCRIMINATOR_WAVE:
    return wave_discriminator_forward(r, &d->net.wave, audio);
  case DISCRIMINATOR_PERIOD:
    return period_discriminator_forward(r, &d->net.period, audio);
  }
  return (verdict){.n_features = 0};
}
