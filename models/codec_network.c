// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "models/codec_network.h"

#include "models/codec_step.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/// One direction of a state: what has begun, and how.
typedef struct direction {
  stream_memory *memory; ///< null when the codec only takes chunks
  uint8_t *fresh;        ///< [n] 1: the next call is the stream's first
  int reflect_steps;     ///< that a reflect start needs at once
  codec_step *step;      ///< a single step, captured; null until prepared
} direction;

typedef struct network_state {
  codec_state base;
  const codec_network *network;
  codec_memory memory;
  direction encode, decode;
  uint8_t *starts;   ///< [3 n] codec_start of each stream, then both directions' `fresh`
  arena activations; ///< of one call
  float *audio;      ///< device, [n, max_steps hop, channels]
  int32_t *codes;    ///< device, [n, max_steps, n_codebooks]
  int32_t *other;    ///< device, [n, n_codebooks]: what a blend fades to
  int n_streams, max_steps;
  int n_prepared; ///< codebooks of the captured steps
} network_state;

static network_state *state_of(codec_state *s)
{
  return (network_state *)s;
}

static const codec_network *network_of(const codec *c)
{
  return (const codec_network *)c;
}

// ---- one call ---------------------------------------------------------------------------

static size_t samples_bytes(const network_state *s, int64_t n_samples)
{
  return (size_t)(s->n_streams * n_samples * s->network->base.info.n_channels) * sizeof(float);
}

static size_t codes_bytes(const network_state *s, int64_t n_steps, int n_used)
{
  return (size_t)(s->n_streams * n_steps * n_used) * sizeof(int32_t);
}

static void begin(network_state *s, run *r)
{
  device_flush_denormals();
  arena_rewind(&s->activations, 0);
  run_init(r, s->network->dev, &s->activations);
}

/// s->audio -> codes, in the arena.
static tensor forward_encode(network_state *s, run *r, int64_t n_samples, int n_used)
{
  const codec_network *network = s->network;
  const tensor audio = tensor_view(s->audio, DTYPE_F32, 3, s->n_streams, n_samples,
                                   network->base.info.n_channels, 1);
  stream_memory *m = s->encode.memory;
  const tensor latents = network->encode_forward(r, network->net, audio, m);
  const tensor codes = rvq_encode(r, network->quantiser, latents, n_used);
  if (m && run_ok(r)) {
    r->dev->table.advance(r, &m->control, codes.dims[1]);
  }
  return codes;
}

/// s->codes -> audio, in the arena.
static tensor forward_decode(network_state *s, run *r, int64_t n_steps, int n_used)
{
  const codec_network *network = s->network;
  const tensor codes = tensor_view(s->codes, DTYPE_I32, 3, s->n_streams, n_steps, n_used, 1);
  stream_memory *m = s->decode.memory;
  const tensor latents = rvq_decode(r, network->quantiser, codes);
  const tensor audio = network->decode_forward(r, network->net, latents, m);
  if (m && run_ok(r)) {
    r->dev->table.advance(r, &m->control, n_steps);
  }
  return audio;
}

/// s->codes and s->other, one step -> audio, in the arena.
static tensor forward_blend(network_state *s, run *r, float blend, int n_used)
{
  const codec_network *network = s->network;
  const tensor codes = tensor_view(s->codes, DTYPE_I32, 3, s->n_streams, 1, n_used, 1);
  const tensor other = tensor_view(s->other, DTYPE_I32, 3, s->n_streams, 1, n_used, 1);
  stream_memory *m = s->decode.memory;
  const tensor from = apply_scale(r, rvq_decode(r, network->quantiser, codes), 1.0f - blend);
  const tensor to = apply_scale(r, rvq_decode(r, network->quantiser, other), blend);
  const tensor audio = network->decode_forward(r, network->net, apply_add(r, from, to), m);
  if (m && run_ok(r)) {
    r->dev->table.advance(r, &m->control, 1);
  }
  return audio;
}

/// A single step from the captured input to the captured output.
static void encode_body(run *r, void *user)
{
  network_state *s = user;
  const codec_network *network = s->network;
  const codec_info *info = &network->base.info;
  const codec_step *step = s->encode.step;
  const tensor audio = tensor_view(step->io->device_input, DTYPE_F32, 3, s->n_streams,
                                   info->hop_samples, info->n_channels, 1);
  tensor codes =
      tensor_view(step->io->device_output, DTYPE_I32, 3, s->n_streams, 1, s->n_prepared, 1);
  step_io_receive(step->io, r);
  const tensor latents = network->encode_forward(r, network->net, audio, s->encode.memory);
  if (run_ok(r)) {
    r->dev->table.rvq_encode(r, &codes, NULL, &latents, network->quantiser->stages, s->n_prepared);
    r->dev->table.advance(r, &s->encode.memory->control, 1);
    step_io_send(step->io, r);
  }
}

static void decode_body(run *r, void *user)
{
  network_state *s = user;
  const codec_network *network = s->network;
  const codec_info *info = &network->base.info;
  const codec_step *step = s->decode.step;
  const tensor codes =
      tensor_view(step->io->device_input, DTYPE_I32, 3, s->n_streams, 1, s->n_prepared, 1);
  tensor audio = tensor_view(step->io->device_output, DTYPE_F32, 3, s->n_streams, info->hop_samples,
                             info->n_channels, 1);
  step_io_receive(step->io, r);
  const tensor latents = rvq_decode(r, network->quantiser, codes);
  const tensor made = network->decode_forward(r, network->net, latents, s->decode.memory);
  if (run_ok(r)) {
    r->dev->table.scale(r, &audio, &made, 1.0f); // a copy to the fixed place
    r->dev->table.advance(r, &s->decode.memory->control, 1);
    step_io_send(step->io, r);
  }
}

/// Whether a call is the one that was captured. After begin_streams.
static bool is_captured(const network_state *s, const direction *d, int64_t n_steps, int n_used,
                        bool final)
{
  return d->step && n_steps == 1 && n_used == s->n_prepared && !final && d->memory->zero_start;
}

static status run_captured(direction *d, int n_streams, const void *input, void *output)
{
  device_flush_denormals();
  d->memory->control.final = false;
  memset(d->fresh, 0, (size_t)n_streams);
  return codec_step_run(d->step, input, output);
}

/// How the streams that start with this call start; STATUS_USAGE when that cannot be.
static status begin_streams(network_state *s, direction *d, int n_steps, bool final)
{
  bool any_fresh = false;
  for (int i = 0; i < s->n_streams; ++i) {
    any_fresh |= d->fresh[i];
  }
  if (!any_fresh && !final) {
    return STATUS_OK;
  }
  codec_start start = CODEC_START_ZERO;
  bool seen = false;
  for (int i = 0; i < s->n_streams; ++i) {
    if (!d->fresh[i] && !final) {
      continue;
    }
    if (seen && s->starts[i] != start) {
      return STATUS_USAGE;
    }
    start = (codec_start)s->starts[i];
    seen = true;
  }
  if (any_fresh && start == CODEC_START_REFLECT && n_steps < d->reflect_steps && !final) {
    return STATUS_USAGE;
  }
  d->memory->zero_start = start == CODEC_START_ZERO;
  return STATUS_OK;
}

/// Samples to s->audio; each stream's `n_samples` are followed by zeros up to `n_filled`.
static status upload_samples(network_state *s, const float *audio, int n_samples, int n_filled)
{
  device *dev = s->network->dev;
  if (n_filled == n_samples) {
    return dev->upload(dev, s->audio, audio, samples_bytes(s, n_samples), NULL);
  }
  status code = dev->clear(dev, s->audio, samples_bytes(s, n_filled), NULL);
  const size_t n_channels = s->network->base.info.n_channels;
  const size_t from = (size_t)n_samples * n_channels, to = (size_t)n_filled * n_channels;
  for (size_t i = 0; i < (size_t)s->n_streams && code == STATUS_OK; ++i) {
    code = dev->upload(dev, s->audio + i * to, audio + i * from, from * sizeof *audio, NULL);
  }
  return code;
}

static status encode_samples(network_state *s, const float *audio, int n_samples, int n_used,
                             bool final, int32_t *codes)
{
  device *dev = s->network->dev;
  const int hop = (int)s->network->base.info.hop_samples;
  const int n_steps = (n_samples + hop - 1) / hop;
  const bool fills = s->network->pads_audio;
  const int n_filled = fills ? n_steps * hop : n_samples;
  if (!s->network->has_encoder || !s->encode.memory) {
    return STATUS_UNSUPPORTED;
  }
  status code = begin_streams(s, &s->encode, n_steps, final);
  if (code != STATUS_OK) {
    return code;
  }
  if (is_captured(s, &s->encode, n_steps, n_used, final)) {
    return run_captured(&s->encode, s->n_streams, audio, codes);
  }
  run r;
  begin(s, &r);
  code = upload_samples(s, audio, n_samples, n_filled);
  if (code != STATUS_OK) {
    return code;
  }
  s->encode.memory->control.final = final && !fills;
  const tensor out = forward_encode(s, &r, n_filled, n_used);
  memset(s->encode.fresh, 0, (size_t)s->n_streams);
  return run_ok(&r) ? dev->download(dev, codes, out.data, codes_bytes(s, n_steps, n_used), NULL)
                    : r.failure.code;
}

static status network_encode(codec_state *base, const float *audio, int n_steps, int n_used,
                             int32_t *codes)
{
  network_state *s = state_of(base);
  const int hop = (int)s->network->base.info.hop_samples;
  return encode_samples(s, audio, n_steps * hop, n_used, false, codes);
}

static status network_encode_final(codec_state *base, const float *audio, int n_samples, int n_used,
                                   int32_t *codes)
{
  return n_samples ? encode_samples(state_of(base), audio, n_samples, n_used, true, codes)
                   : STATUS_OK;
}

static status decode_steps(network_state *s, const int32_t *codes, int n_steps, int n_used,
                           bool final, float *audio)
{
  device *dev = s->network->dev;
  if (!s->network->has_decoder || !s->decode.memory) {
    return STATUS_UNSUPPORTED;
  }
  status code = begin_streams(s, &s->decode, n_steps, final);
  if (code != STATUS_OK) {
    return code;
  }
  if (is_captured(s, &s->decode, n_steps, n_used, final)) {
    return run_captured(&s->decode, s->n_streams, codes, audio);
  }
  run r;
  begin(s, &r);
  code = dev->upload(dev, s->codes, codes, codes_bytes(s, n_steps, n_used), NULL);
  if (code != STATUS_OK) {
    return code;
  }
  s->decode.memory->control.final = final;
  const tensor out = forward_decode(s, &r, n_steps, n_used);
  memset(s->decode.fresh, 0, (size_t)s->n_streams);
  const int64_t n_samples = (int64_t)n_steps * s->network->base.info.hop_samples;
  return run_ok(&r) ? dev->download(dev, audio, out.data, samples_bytes(s, n_samples), NULL)
                    : r.failure.code;
}

static status network_decode(codec_state *base, const int32_t *codes, int n_steps, int n_used,
                             float *audio)
{
  return decode_steps(state_of(base), codes, n_steps, n_used, false, audio);
}

static status network_decode_final(codec_state *base, const int32_t *codes, int n_steps, int n_used,
                                   float *audio)
{
  return decode_steps(state_of(base), codes, n_steps, n_used, true, audio);
}

static status network_decode_blend(codec_state *base, const int32_t *codes, const int32_t *other,
                                   float blend, int n_used, float *audio)
{
  network_state *s = state_of(base);
  device *dev = s->network->dev;
  if (!s->network->has_decoder || !s->decode.memory) {
    return STATUS_UNSUPPORTED;
  }
  status code = begin_streams(s, &s->decode, 1, false);
  if (code != STATUS_OK) {
    return code;
  }
  run r;
  begin(s, &r);
  code = dev->upload(dev, s->codes, codes, codes_bytes(s, 1, n_used), NULL);
  code = code ? code : dev->upload(dev, s->other, other, codes_bytes(s, 1, n_used), NULL);
  if (code != STATUS_OK) {
    return code;
  }
  s->decode.memory->control.final = false;
  const tensor out = forward_blend(s, &r, blend, n_used);
  memset(s->decode.fresh, 0, (size_t)s->n_streams);
  const int64_t n_samples = s->network->base.info.hop_samples;
  return run_ok(&r) ? dev->download(dev, audio, out.data, samples_bytes(s, n_samples), NULL)
                    : r.failure.code;
}

// ---- chunks -----------------------------------------------------------------------------

/// Root of the mean square of the channels' mean, never zero.
static float chunk_scale(const float *audio, int n_samples, int n_channels)
{
  double sum = 0.0;
  for (int i = 0; i < n_samples; ++i) {
    float mono = 0.0f;
    for (int c = 0; c < n_channels; ++c) {
      mono += audio[i * n_channels + c];
    }
    mono /= (float)n_channels;
    sum += (double)mono * (double)mono;
  }
  return (float)(1e-8 + sqrt(sum / n_samples));
}

static status upload_scaled(network_state *s, const float *audio, int64_t n_values, float scale)
{
  float part[1024];
  device *dev = s->network->dev;
  for (int64_t at = 0; at < n_values; at += 1024) {
    const int64_t count = n_values - at < 1024 ? n_values - at : 1024;
    for (int64_t i = 0; i < count; ++i) {
      part[i] = audio[at + i] / scale;
    }
    const status code = dev->upload(dev, s->audio + at, part, (size_t)count * sizeof *part, NULL);
    if (code != STATUS_OK) {
      return code;
    }
  }
  return STATUS_OK;
}

static status network_encode_chunk(codec_state *base, const float *audio, int n_samples, int n_used,
                                   int32_t *codes, float *scale)
{
  network_state *s = state_of(base);
  const codec_info *info = &s->network->base.info;
  if (!s->network->has_encoder) {
    return STATUS_UNSUPPORTED;
  }
  *scale = chunk_scale(audio, n_samples, (int)info->n_channels);
  run r;
  begin(s, &r);
  const status code = upload_scaled(s, audio, (int64_t)n_samples * info->n_channels, *scale);
  if (code != STATUS_OK) {
    return code;
  }
  const tensor out = forward_encode(s, &r, n_samples, n_used);
  return run_ok(&r) ? s->network->dev->download(s->network->dev, codes, out.data,
                                                codes_bytes(s, out.dims[1], n_used), NULL)
                    : r.failure.code;
}

static status network_decode_chunk(codec_state *base, const int32_t *codes, int n_steps, int n_used,
                                   float scale, float *audio)
{
  network_state *s = state_of(base);
  device *dev = s->network->dev;
  if (!s->network->has_decoder) {
    return STATUS_UNSUPPORTED;
  }
  run r;
  begin(s, &r);
  status code = dev->upload(dev, s->codes, codes, codes_bytes(s, n_steps, n_used), NULL);
  if (code != STATUS_OK) {
    return code;
  }
  tensor out = forward_decode(s, &r, n_steps, n_used);
  out = apply_scale(&r, out, scale);
  const int64_t n_samples = (int64_t)n_steps * s->network->base.info.hop_samples;
  return run_ok(&r) ? dev->download(dev, audio, out.data, samples_bytes(s, n_samples), NULL)
                    : r.failure.code;
}

// ---- state ------------------------------------------------------------------------------

static void network_state_free(codec_state *base)
{
  network_state *s = state_of(base);
  device *dev = s->network->dev;
  codec_step_free(s->encode.step);
  codec_step_free(s->decode.step);
  codec_memory_free(&s->memory);
  dev->release(dev, s->activations.data);
  dev->release(dev, s->audio);
  dev->release(dev, s->codes);
  dev->release(dev, s->other);
  free(s->starts);
  free(s);
}

static void network_state_reset(codec_state *base, int stream, codec_start start)
{
  network_state *s = state_of(base);
  if (!s->encode.memory) {
    return; // every chunk starts anew
  }
  const int begin_at = stream < 0 ? 0 : stream;
  const int end = stream < 0 ? s->n_streams : stream + 1;
  memset(s->starts + begin_at, (int)start, (size_t)(end - begin_at));
  memset(s->encode.fresh + begin_at, 1, (size_t)(end - begin_at));
  memset(s->decode.fresh + begin_at, 1, (size_t)(end - begin_at));
  stream_memory_reset(s->encode.memory, s->network->dev, stream, NULL);
  stream_memory_reset(s->decode.memory, s->network->dev, stream, NULL);
}

/// One call of the largest size each way; what it fails with.
static error rehearse(network_state *s)
{
  const codec_info *info = &s->network->base.info;
  const int n_codebooks = (int)info->n_codebooks;
  run r;
  begin(s, &r);
  if (s->network->has_encoder) {
    forward_encode(s, &r, (int64_t)s->max_steps * info->hop_samples, n_codebooks);
  }
  if (s->network->has_decoder && run_ok(&r)) {
    arena_rewind(&s->activations, 0);
    const tensor audio = forward_decode(s, &r, s->max_steps, n_codebooks);
    if (!info->streamable) {
      apply_scale(&r, audio, 1.0f);
    }
    if (info->streamable && run_ok(&r)) {
      arena_rewind(&s->activations, 0);
      forward_blend(s, &r, 0.5f, n_codebooks);
    }
  }
  const status code = s->network->dev->synchronize(s->network->dev, NULL);
  if (run_ok(&r) && code != STATUS_OK) {
    run_fail(&r, code, "the device failed in its first step");
  }
  return r.failure;
}

/// Find the arena that the largest call needs by running it with ever larger ones.
static status size_arena(network_state *s, error *err)
{
  device *dev = s->network->dev;
  size_t bytes = (size_t)1 << 20;
  for (;;) {
    dev->release(dev, s->activations.data);
    void *data = dev->allocate(dev, bytes);
    arena_init(&s->activations, data, data ? bytes : 0);
    if (!data) {
      return error_set(err, STATUS_NO_MEMORY,
                       "%s: no memory for activations of %d steps (%zu bytes)",
                       s->network->base.info.name, s->max_steps, bytes);
    }
    const error failure = rehearse(s);
    if (failure.code != STATUS_NO_MEMORY) {
      return failure.code == STATUS_OK ? STATUS_OK
                                       : error_set(err, failure.code, "%s", failure.message);
    }
    bytes *= 2;
  }
}

static status allocate_state(network_state *s, error *err)
{
  const codec_network *network = s->network;
  const codec_info *info = &network->base.info;
  device *dev = network->dev;
  const size_t audio_bytes = samples_bytes(s, (int64_t)s->max_steps * info->hop_samples);
  const size_t code_bytes = codes_bytes(s, s->max_steps, (int)info->n_codebooks);
  const size_t other_bytes = codes_bytes(s, 1, (int)info->n_codebooks);
  s->starts = calloc((size_t)s->n_streams, 3);
  s->audio = dev->allocate(dev, audio_bytes);
  s->codes = dev->allocate(dev, code_bytes);
  s->other = dev->allocate(dev, other_bytes);
  if (!s->starts || !s->audio || !s->codes || !s->other) {
    return error_set(err, STATUS_NO_MEMORY, "%s: no memory for calls of %d steps", info->name,
                     s->max_steps);
  }
  status code = dev->clear(dev, s->audio, audio_bytes, err);
  if (code == STATUS_OK) {
    code = dev->clear(dev, s->codes, code_bytes, err);
  }
  if (code == STATUS_OK) {
    code = dev->clear(dev, s->other, other_bytes, err);
  }
  s->encode = (direction){.fresh = s->starts + s->n_streams};
  s->decode = (direction){.fresh = s->starts + 2 * (size_t)s->n_streams};
  if (code == STATUS_OK && info->streamable) {
    const layer_set *encoder = network->layers.sets[CODEC_ENCODER];
    const layer_set *decoder = network->layers.sets[CODEC_DECODER];
    code = codec_memory_init(&s->memory, encoder, decoder, dev, s->n_streams, err);
    s->encode.memory = &s->memory.encoder;
    s->decode.memory = &s->memory.decoder;
    s->encode.reflect_steps = encoder->reflect_steps;
    s->decode.reflect_steps = decoder->reflect_steps;
    s->memory.encoder.zero_start = s->memory.decoder.zero_start = true;
  }
  return code;
}

static status network_state_new(codec_state **out, codec *c, int n_streams, int max_steps,
                                error *err)
{
  const codec_network *network = network_of(c);
  if (!c->info.streamable && n_streams != 1) {
    return error_set(err, STATUS_UNSUPPORTED, "%s: codes in chunks, one stream at a time",
                     c->info.name);
  }
  if ((int64_t)max_steps * c->info.hop_samples > INT32_MAX) {
    return error_set(err, STATUS_USAGE, "%s: calls of %d steps are too long", c->info.name,
                     max_steps);
  }
  network_state *s = calloc(1, sizeof *s);
  if (!s) {
    return error_set(err, STATUS_NO_MEMORY, "%s: no memory for a state", c->info.name);
  }
  s->network = network;
  s->n_streams = n_streams;
  s->max_steps = max_steps;
  status code = allocate_state(s, err);
  if (code == STATUS_OK) {
    code = size_arena(s, err);
  }
  if (code != STATUS_OK) {
    network_state_free(&s->base);
    return code;
  }
  network_state_reset(&s->base, -1, CODEC_START_ZERO);
  *out = &s->base;
  return STATUS_OK;
}

static status network_prepare(codec_state *base, int n_used, error *err)
{
  network_state *s = state_of(base);
  device *dev = s->network->dev;
  const size_t arena_bytes = s->activations.size_bytes;
  const size_t audio_bytes = samples_bytes(s, s->network->base.info.hop_samples);
  const size_t code_bytes = codes_bytes(s, 1, n_used);
  codec_step_free(s->encode.step);
  codec_step_free(s->decode.step);
  s->encode.step = s->decode.step = NULL;
  s->n_prepared = n_used;
  status code = STATUS_OK;
  if (s->network->has_encoder && s->encode.memory) {
    s->encode.memory->zero_start = true;
    s->encode.memory->control.final = false;
    code = codec_step_new(&s->encode.step, dev, arena_bytes, audio_bytes, code_bytes, encode_body,
                          s, err);
  }
  if (code == STATUS_OK && s->network->has_decoder && s->decode.memory) {
    s->decode.memory->zero_start = true;
    s->decode.memory->control.final = false;
    code = codec_step_new(&s->decode.step, dev, arena_bytes, code_bytes, audio_bytes, decode_body,
                          s, err);
  }
  return code;
}

static size_t network_state_bytes(const codec_state *base)
{
  const network_state *s = (const network_state *)base;
  return s->memory.block_bytes + 3 * (size_t)s->n_streams;
}

static status network_state_save(codec_state *base, void *snapshot)
{
  network_state *s = state_of(base);
  device *dev = s->network->dev;
  memcpy((char *)snapshot + s->memory.block_bytes, s->starts, 3 * (size_t)s->n_streams);
  return s->memory.block
             ? dev->download(dev, snapshot, s->memory.block, s->memory.block_bytes, NULL)
             : STATUS_OK;
}

static status network_state_restore(codec_state *base, const void *snapshot)
{
  network_state *s = state_of(base);
  device *dev = s->network->dev;
  memcpy(s->starts, (const char *)snapshot + s->memory.block_bytes, 3 * (size_t)s->n_streams);
  return s->memory.block ? dev->upload(dev, s->memory.block, snapshot, s->memory.block_bytes, NULL)
                         : STATUS_OK;
}

// ---- the codec --------------------------------------------------------------------------

static void network_close(codec *c)
{
  codec_network *network = (codec_network *)c;
  network->net_free(network->net, network->dev);
  device_unref(network->dev);
  free(network->codebooks);
  free(network);
}

static void visit_weights(const layer_set *set, codec_memory_visit visit, void *user)
{
  for (int i = 0; i < set->n_weights; ++i) {
    const weight *w = set->weights[i];
    if (w->form) {
      visit(user, w->form, w->form_bytes);
    }
  }
}

static void network_visit_memory(const codec_state *state, codec_memory_visit visit, void *user)
{
  const network_state *s = (const network_state *)state;
  const codec_info *info = &s->network->base.info;
  if (s->network->dev->kind != COMPUTE_CPU) {
    return;
  }
  visit(user, s->activations.data, s->activations.size_bytes);
  visit(user, s->audio, samples_bytes(s, (int64_t)s->max_steps * info->hop_samples));
  visit(user, s->codes, codes_bytes(s, s->max_steps, (int)info->n_codebooks));
  visit(user, s->other, codes_bytes(s, 1, (int)info->n_codebooks));
  if (s->memory.block) {
    visit(user, s->memory.block, s->memory.block_bytes);
  }
  for (int i = 0; i < CODEC_N_PARTS; ++i) {
    visit_weights(s->network->layers.sets[i], visit, user);
  }
}

static const float *network_codebook(const codec *c, int k, int64_t *size, int64_t *dim)
{
  const codec_network *network = network_of(c);
  *size = network->quantiser->size;
  *dim = network->quantiser->dim;
  return network->codebooks + (size_t)k * (size_t)(*size * *dim);
}

static const codec_vtable network_table = {
    .close = network_close,
    .state_new = network_state_new,
    .state_free = network_state_free,
    .state_reset = network_state_reset,
    .encode = network_encode,
    .decode = network_decode,
    .encode_final = network_encode_final,
    .state_bytes = network_state_bytes,
    .state_save = network_state_save,
    .state_restore = network_state_restore,
    .visit_memory = network_visit_memory,
    .decode_blend = network_decode_blend,
    .codebook = network_codebook,
    .prepare = network_prepare,
    .decode_final = network_decode_final,
    .encode_chunk = network_encode_chunk,
    .decode_chunk = network_decode_chunk,
};

/// The masters will be gone.
static status keep_codebooks(codec_network *network, error *err)
{
  const rvq *q = network->quantiser;
  const size_t count = (size_t)(q->size * q->dim);
  network->codebooks = malloc((size_t)q->n_codebooks * count * sizeof *network->codebooks);
  if (!network->codebooks) {
    return error_set(err, STATUS_NO_MEMORY, "%s: no memory for the codebooks",
                     network->base.info.name);
  }
  for (int k = 0; k < q->n_codebooks; ++k) {
    memcpy(network->codebooks + (size_t)k * count, q->codebooks[k].master, count * sizeof(float));
  }
  return STATUS_OK;
}

/// Packs what `options` asks for, and the codebooks.
static status pack(codec_network *network, const codec_options *options, error *err)
{
  const bool both = options->encoder == options->decoder;
  network->has_encoder = both || options->encoder;
  network->has_decoder = both || options->decoder;
  const bool wanted[CODEC_N_PARTS] = {network->has_encoder, true, network->has_decoder};
  status code = STATUS_OK;
  for (int i = 0; i < CODEC_N_PARTS && code == STATUS_OK; ++i) {
    if (wanted[i]) {
      code = layer_set_refresh(network->layers.sets[i], options->dev, options->storage, err);
    }
  }
  return code;
}

status codec_network_new(codec **c, const codec_network *parts, const codec_options *options,
                         error *err)
{
  *c = NULL;
  if (options->dev->real != DTYPE_F32) {
    return error_set(err, STATUS_UNSUPPORTED, "%s: codecs compute in single precision",
                     parts->base.info.name);
  }
  codec_network *network = malloc(sizeof *network);
  if (!network) {
    return error_set(err, STATUS_NO_MEMORY, "%s: no memory for the codec", parts->base.info.name);
  }
  *network = *parts;
  network->dev = options->dev;
  status code = keep_codebooks(network, err);
  code = code ? code : pack(network, options, err);
  if (code != STATUS_OK) {
    free(network->codebooks);
    free(network);
    return code;
  }
  codec_layers_drop_masters(network->layers);
  codec_init(&network->base, &network_table);
  device_ref(network->dev);
  *c = &network->base;
  return STATUS_OK;
}
