// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "models/whole_decoder.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_STEPS 16

struct whole_decoder {
  codec *owner;
  codec_state *state;
  const codec_info *info;
  audio_sink sink;
  int n_used;
  size_t capacity_steps; ///< of a call, or of a chunk
  size_t kept_steps;     ///< in `codes`
  int32_t *codes;        ///< [capacity, n_used]
  float *audio;          ///< [capacity hop, n_channels]
  uint64_t written_samples;

  // Chunked codecs: what is decoded and not yet written, from sample `written_samples` on.
  bool in_segment;        ///< one has begun
  float scale;            ///< its
  float *sum;             ///< [chunk_samples, n_channels] of weight * audio
  float *weights;         ///< [chunk_samples] of weights
  size_t blended_samples; ///< of them valid
};

static status allocate(whole_decoder *d, const whole_options *options, error *err)
{
  const codec_info *info = d->info;
  const size_t hop = info->hop_samples;
  size_t steps = options->max_steps ? (size_t)options->max_steps : DEFAULT_STEPS;
  if (options->start == CODEC_START_REFLECT && steps < info->reflect_steps) {
    steps = info->reflect_steps;
  }
  if (!info->streamable) {
    steps = (info->chunk_samples + hop - 1) / hop;
    d->sum = calloc((size_t)info->chunk_samples * info->n_channels, sizeof *d->sum);
    d->weights = calloc(info->chunk_samples, sizeof *d->weights);
  }
  d->capacity_steps = steps;
  d->codes = malloc(steps * (size_t)d->n_used * sizeof *d->codes);
  d->audio = malloc(steps * hop * info->n_channels * sizeof *d->audio);
  if (!d->codes || !d->audio || (!info->streamable && (!d->sum || !d->weights))) {
    return error_set(err, STATUS_NO_MEMORY, "%s: no memory to decode", info->name);
  }
  const status code = codec_state_new(&d->state, d->owner, 1, (int)steps, err);
  if (code == STATUS_OK) {
    codec_state_reset(d->state, -1, options->start);
  }
  return code;
}

status whole_decoder_new(whole_decoder **out, codec *c, const whole_options *options,
                         audio_sink sink, error *err)
{
  const codec_info *info = codec_get_info(c);
  *out = NULL;
  if (options->n_used < 0 || (uint32_t)options->n_used > info->n_codebooks ||
      options->max_steps < 0) {
    return error_set(err, STATUS_USAGE, "%s: %d codebooks in calls of %d steps, expected 1 to %u",
                     info->name, options->n_used, options->max_steps, info->n_codebooks);
  }
  whole_decoder *d = calloc(1, sizeof *d);
  if (!d) {
    return error_set(err, STATUS_NO_MEMORY, "%s: no memory to decode", info->name);
  }
  d->owner = codec_ref(c);
  d->info = info;
  d->sink = sink;
  d->n_used = options->n_used ? options->n_used : (int)info->n_codebooks;
  const status code = allocate(d, options, err);
  if (code != STATUS_OK) {
    whole_decoder_free(d);
    return code;
  }
  *out = d;
  return STATUS_OK;
}

void whole_decoder_free(whole_decoder *d)
{
  if (d) {
    codec_state_free(d->state);
    codec_unref(d->owner);
    free(d->codes);
    free(d->audio);
    free(d->sum);
    free(d->weights);
    free(d);
  }
}

static status failed(const whole_decoder *d, status code, error *err)
{
  return error_set(err, code, "%s: decoding failed (%s)", d->info->name, status_name(code));
}

/// Hand on at most what `limit_samples` of the whole leaves.
static status write(whole_decoder *d, const float *audio, size_t n_samples, uint64_t limit_samples,
                    error *err)
{
  const uint64_t room = limit_samples > d->written_samples ? limit_samples - d->written_samples : 0;
  const size_t count = n_samples < room ? n_samples : (size_t)room;
  d->written_samples += count;
  return count ? d->sink.write(d->sink.user, audio, count, err) : STATUS_OK;
}

// ---- streaming codecs ----------------------------------------------------------------------

static status flush_stream(whole_decoder *d, bool final, uint64_t limit_samples, error *err)
{
  const int n_steps = (int)d->kept_steps;
  const status code = final ? codec_decode_final(d->state, d->codes, n_steps, d->n_used, d->audio)
                            : codec_decode(d->state, d->codes, n_steps, d->n_used, d->audio);
  if (code != STATUS_OK) {
    return failed(d, code, err);
  }
  d->kept_steps = 0;
  return write(d, d->audio, (size_t)n_steps * d->info->hop_samples, limit_samples, err);
}

// ---- chunked codecs ------------------------------------------------------------------------

/// Weight of sample i of a chunk: highest in the middle, above zero at the edges.
static float triangle(size_t i, size_t length)
{
  const double t = (double)(i + 1) / (double)(length + 1);
  return (float)(0.5 - fabs(t - 0.5));
}

/// Decode the segment that is complete and blend it in.
static status blend_segment(whole_decoder *d, error *err)
{
  const size_t chunk = d->info->chunk_samples, n_channels = d->info->n_channels;
  const size_t decoded = d->kept_steps * d->info->hop_samples;
  if (d->kept_steps == 0) {
    return STATUS_OK;
  }
  const status code =
      codec_decode_chunk(d->state, d->codes, (int)d->kept_steps, d->n_used, d->scale, d->audio);
  if (code != STATUS_OK) {
    return failed(d, code, err);
  }
  d->kept_steps = 0;
  const size_t n_samples = decoded < chunk ? decoded : chunk;
  for (size_t i = 0; i < n_samples; ++i) {
    const float share = triangle(i, chunk);
    d->weights[i] += share;
    for (size_t c = 0; c < n_channels; ++c) {
      d->sum[i * n_channels + c] += share * d->audio[i * n_channels + c];
    }
  }
  d->blended_samples = n_samples > d->blended_samples ? n_samples : d->blended_samples;
  return STATUS_OK;
}

/// The first `n_samples` will not change any more: hand them on and move the rest up.
static status settle(whole_decoder *d, size_t n_samples, uint64_t limit_samples, error *err)
{
  const size_t chunk = d->info->chunk_samples, n_channels = d->info->n_channels;
  for (size_t i = 0; i < n_samples; ++i) {
    for (size_t c = 0; c < n_channels; ++c) { // where a damaged file has nothing, silence
      const size_t at = i * n_channels + c;
      d->audio[at] = d->weights[i] > 0.0f ? d->sum[at] / d->weights[i] : 0.0f;
    }
  }
  const size_t left = chunk - n_samples;
  memmove(d->sum, d->sum + n_samples * n_channels, left * n_channels * sizeof *d->sum);
  memmove(d->weights, d->weights + n_samples, left * sizeof *d->weights);
  memset(d->sum + left * n_channels, 0, n_samples * n_channels * sizeof *d->sum);
  memset(d->weights + left, 0, n_samples * sizeof *d->weights);
  d->blended_samples = d->blended_samples > n_samples ? d->blended_samples - n_samples : 0;
  return write(d, d->audio, n_samples, limit_samples, err);
}

status whole_decoder_begin_segment(whole_decoder *d, float scale, error *err)
{
  status code = STATUS_OK;
  if (d->info->streamable) {
    return error_set(err, STATUS_USAGE, "%s: codes one stream, not segments", d->info->name);
  }
  if (!(scale > 0.0f) || isinf(scale)) {
    return error_set(err, STATUS_FORMAT, "%s: a segment's scale is %g", d->info->name,
                     (double)scale);
  }
  if (d->in_segment) {
    code = blend_segment(d, err);
    if (code == STATUS_OK) {
      code = settle(d, d->info->chunk_stride_samples, UINT64_MAX, err);
    }
  }
  d->in_segment = true;
  d->scale = scale;
  return code;
}

// ---- both ----------------------------------------------------------------------------------

status whole_decoder_push(whole_decoder *d, const int32_t *codes, size_t n_steps, error *err)
{
  if (!d->info->streamable && !d->in_segment) {
    return error_set(err, STATUS_USAGE, "%s: codes before their segment's scale", d->info->name);
  }
  while (n_steps > 0) {
    if (d->kept_steps == d->capacity_steps) {
      if (!d->info->streamable) {
        return error_set(err, STATUS_FORMAT, "%s: a segment of more than %zu steps", d->info->name,
                         d->capacity_steps);
      }
      const status code = flush_stream(d, false, UINT64_MAX, err);
      if (code != STATUS_OK) {
        return code;
      }
    }
    const size_t room = d->capacity_steps - d->kept_steps;
    const size_t taken = n_steps < room ? n_steps : room;
    memcpy(d->codes + d->kept_steps * (size_t)d->n_used, codes,
           taken * (size_t)d->n_used * sizeof *codes);
    d->kept_steps += taken;
    codes += taken * (size_t)d->n_used;
    n_steps -= taken;
  }
  return STATUS_OK;
}

status whole_decoder_finish(whole_decoder *d, uint64_t n_samples, error *err)
{
  if (d->info->streamable) {
    return d->kept_steps ? flush_stream(d, true, n_samples, err) : STATUS_OK;
  }
  const status code = blend_segment(d, err);
  return code == STATUS_OK ? settle(d, d->blended_samples, n_samples, err) : code;
}
