// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "models/whole_encoder.h"

#include <stdlib.h>
#include <string.h>

#define DEFAULT_STEPS 16

struct whole_encoder {
  codec *owner;
  codec_state *state;
  const codec_info *info;
  code_sink sink;
  int n_used;
  size_t capacity_samples; ///< of a call, or of a chunk
  size_t kept_samples;     ///< at the start of `audio`
  float *audio;            ///< [capacity, n_channels]
  int32_t *codes;          ///< [ceil(capacity / hop), n_used]
  uint64_t n_samples;      ///< pushed so far
};

static int steps_per_call(const codec_info *info, const whole_options *options)
{
  if (!info->streamable) {
    return (int)((info->chunk_samples + info->hop_samples - 1) / info->hop_samples);
  }
  int steps = options->max_steps ? options->max_steps : DEFAULT_STEPS;
  if (options->start == CODEC_START_REFLECT && steps < (int)info->reflect_steps) {
    steps = (int)info->reflect_steps;
  }
  return steps;
}

static status check(const codec_info *info, const whole_options *options, error *err)
{
  if (options->n_used < 0 || (uint32_t)options->n_used > info->n_codebooks) {
    return error_set(err, STATUS_USAGE, "%s: %d codebooks, expected 1 to %u", info->name,
                     options->n_used, info->n_codebooks);
  }
  if (options->max_steps < 0) {
    return error_set(err, STATUS_USAGE, "%s: calls of %d steps", info->name, options->max_steps);
  }
  return STATUS_OK;
}

static status allocate(whole_encoder *e, const whole_options *options, error *err)
{
  const int n_steps = steps_per_call(e->info, options);
  const size_t hop = e->info->hop_samples;
  e->capacity_samples = e->info->streamable ? (size_t)n_steps * hop : e->info->chunk_samples;
  e->audio = malloc(e->capacity_samples * e->info->n_channels * sizeof *e->audio);
  e->codes = malloc((size_t)n_steps * (size_t)e->n_used * sizeof *e->codes);
  if (!e->audio || !e->codes) {
    return error_set(err, STATUS_NO_MEMORY, "%s: no memory to encode", e->info->name);
  }
  const status code = codec_state_new(&e->state, e->owner, 1, n_steps, err);
  if (code == STATUS_OK) {
    codec_state_reset(e->state, -1, options->start);
  }
  return code;
}

status whole_encoder_new(whole_encoder **out, codec *c, const whole_options *options,
                         code_sink sink, error *err)
{
  const codec_info *info = codec_get_info(c);
  *out = NULL;
  status code = check(info, options, err);
  if (code != STATUS_OK) {
    return code;
  }
  whole_encoder *e = calloc(1, sizeof *e);
  if (!e) {
    return error_set(err, STATUS_NO_MEMORY, "%s: no memory to encode", info->name);
  }
  e->owner = codec_ref(c);
  e->info = info;
  e->sink = sink;
  e->n_used = options->n_used ? options->n_used : (int)info->n_codebooks;
  code = allocate(e, options, err);
  if (code != STATUS_OK) {
    whole_encoder_free(e);
    return code;
  }
  *out = e;
  return STATUS_OK;
}

void whole_encoder_free(whole_encoder *e)
{
  if (e) {
    codec_state_free(e->state);
    codec_unref(e->owner);
    free(e->audio);
    free(e->codes);
    free(e);
  }
}

static status failed(const whole_encoder *e, status code, error *err)
{
  return error_set(err, code, "%s: encoding failed (%s)", e->info->name, status_name(code));
}

/// Everything kept is one call of a streaming codec.
static status flush_stream(whole_encoder *e, bool final, error *err)
{
  const size_t hop = e->info->hop_samples;
  const size_t n_steps = (e->kept_samples + hop - 1) / hop;
  const status code =
      final ? codec_encode_final(e->state, e->audio, (int)e->kept_samples, e->n_used, e->codes)
            : codec_encode(e->state, e->audio, (int)n_steps, e->n_used, e->codes);
  if (code != STATUS_OK) {
    return failed(e, code, err);
  }
  e->kept_samples = 0;
  return n_steps ? e->sink.write(e->sink.user, e->codes, n_steps, err) : STATUS_OK;
}

/// Everything kept is a chunk; what the next one shares with it stays.
static status flush_chunk(whole_encoder *e, error *err)
{
  const size_t hop = e->info->hop_samples, stride = e->info->chunk_stride_samples;
  const size_t n_steps = (e->kept_samples + hop - 1) / hop;
  float scale = 1.0f;
  status code =
      codec_encode_chunk(e->state, e->audio, (int)e->kept_samples, e->n_used, e->codes, &scale);
  if (code != STATUS_OK) {
    return failed(e, code, err);
  }
  code = e->sink.begin_segment(e->sink.user, scale, err);
  if (code == STATUS_OK) {
    code = e->sink.write(e->sink.user, e->codes, n_steps, err);
  }
  const size_t dropped = stride < e->kept_samples ? stride : e->kept_samples;
  e->kept_samples -= dropped;
  memmove(e->audio, e->audio + dropped * e->info->n_channels,
          e->kept_samples * e->info->n_channels * sizeof *e->audio);
  return code;
}

status whole_encoder_push(whole_encoder *e, const float *audio, size_t n_samples, error *err)
{
  const size_t n_channels = e->info->n_channels;
  e->n_samples += n_samples;
  while (n_samples > 0) {
    // A streaming call waits for the sample after it: the last call must know that it is the last.
    if (e->info->streamable && e->kept_samples == e->capacity_samples) {
      const status code = flush_stream(e, false, err);
      if (code != STATUS_OK) {
        return code;
      }
    }
    const size_t room = e->capacity_samples - e->kept_samples;
    const size_t taken = n_samples < room ? n_samples : room;
    memcpy(e->audio + e->kept_samples * n_channels, audio, taken * n_channels * sizeof *audio);
    e->kept_samples += taken;
    audio += taken * n_channels;
    n_samples -= taken;
    if (!e->info->streamable && e->kept_samples == e->capacity_samples) {
      const status code = flush_chunk(e, err);
      if (code != STATUS_OK) {
        return code;
      }
    }
  }
  return STATUS_OK;
}

status whole_encoder_finish(whole_encoder *e, uint64_t *n_samples, error *err)
{
  if (n_samples) {
    *n_samples = e->n_samples;
  }
  if (e->kept_samples == 0) {
    return STATUS_OK;
  }
  return e->info->streamable ? flush_stream(e, true, err) : flush_chunk(e, err);
}
