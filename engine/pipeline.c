// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "engine/pipeline.h"

#include <stdlib.h>
#include <string.h>

status rate_pair_init(rate_pair *pair, const codec_info *info, uint32_t host_rate_hz, error *err)
{
  memset(pair, 0, sizeof *pair);
  status st = resampler_new(&pair->in, host_rate_hz, info->rate_hz, info->n_channels, err);
  if (st == STATUS_OK) {
    st = resampler_new(&pair->out, info->rate_hz, host_rate_hz, info->n_channels, err);
  }
  if (st == STATUS_OK) {
    pair->host_rate_hz = host_rate_hz;
    pair->given_capacity = (size_t)((uint64_t)info->hop_samples * host_rate_hz / info->rate_hz) + 2;
    pair->given = calloc(pair->given_capacity * info->n_channels, sizeof *pair->given);
    if (!pair->given) {
      st = error_set(err, STATUS_NO_MEMORY, "no memory for a hop at %u Hz", host_rate_hz);
    }
  }
  if (st != STATUS_OK) {
    rate_pair_destroy(pair);
  }
  return st;
}

void rate_pair_destroy(rate_pair *pair)
{
  resampler_free(pair->in);
  resampler_free(pair->out);
  free(pair->given);
  memset(pair, 0, sizeof *pair);
}

status pipeline_init(pipeline *p, codec *model, int n_used, error *err)
{
  memset(p, 0, sizeof *p);
  p->info = codec_get_info(model);
  p->n_used = n_used ? n_used : (int)p->info->n_codebooks;
  if (p->n_used < 1 || (uint32_t)p->n_used > p->info->n_codebooks) {
    return error_set(err, STATUS_USAGE, "%s has 1 to %u codebooks, not %d", p->info->name,
                     p->info->n_codebooks, n_used);
  }
  const size_t hop_values = (size_t)p->info->hop_samples * p->info->n_channels;
  p->hop = calloc(hop_values, sizeof *p->hop);
  p->decoded = calloc(hop_values, sizeof *p->decoded);
  p->codes = calloc((size_t)p->n_used, sizeof *p->codes);
  status st = p->hop && p->decoded && p->codes
                  ? codec_state_new(&p->state, model, 1, 1, err)
                  : error_set(err, STATUS_NO_MEMORY, "no memory for a hop of %s", p->info->name);
  if (st == STATUS_OK) {
    st = codec_state_prepare(p->state, p->n_used, err);
  }
  if (st != STATUS_OK) {
    pipeline_destroy(p);
  }
  return st;
}

void pipeline_destroy(pipeline *p)
{
  codec_state_free(p->state);
  free(p->hop);
  free(p->decoded);
  free(p->codes);
  memset(p, 0, sizeof *p);
}

void pipeline_restart(pipeline *p, rate_pair *rates)
{
  p->rates = rates;
  p->n_filled = 0;
  p->delay_left = p->info->model_delay_samples;
  resampler_reset(rates->in);
  resampler_reset(rates->out);
  codec_state_reset(p->state, -1, CODEC_START_ZERO);
}

status pipeline_take(pipeline *p, const float *in, size_t n_in, size_t *n_taken, bool *full)
{
  size_t n_made = 0;
  float *to = p->hop + p->n_filled * p->info->n_channels;
  const size_t room = p->info->hop_samples - p->n_filled;
  const status st = resampler_process(p->rates->in, in, n_in, to, room, n_taken, &n_made);
  p->n_filled += n_made;
  *full = p->n_filled == p->info->hop_samples;
  return st;
}

status pipeline_encode(pipeline *p)
{
  p->n_filled = 0;
  return codec_encode(p->state, p->hop, 1, p->n_used, p->codes);
}

status pipeline_decode(pipeline *p, const int32_t *codes, const int32_t *other, float blend)
{
  return blend > 0.0f ? codec_decode_blend(p->state, codes, other, blend, p->n_used, p->decoded)
                      : codec_decode(p->state, codes, 1, p->n_used, p->decoded);
}

status pipeline_give(pipeline *p, size_t *n_given)
{
  const uint32_t hop = p->info->hop_samples;
  const uint32_t trimmed = p->delay_left < hop ? p->delay_left : hop;
  const float *from = p->decoded + (size_t)trimmed * p->info->n_channels;
  size_t n_taken = 0;
  p->delay_left -= trimmed;
  const status st = resampler_process(p->rates->out, from, hop - trimmed, p->rates->given,
                                      p->rates->given_capacity, &n_taken, n_given);
  return st == STATUS_OK && n_taken != hop - trimmed ? STATUS_INTERNAL : st;
}
