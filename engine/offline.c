// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "engine/offline.h"

#include "models/io/resampler.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#define STEPS_PER_CALL 32

typedef struct offline_run {
  codec_state *state;
  resampler *in, *out;
  float *host;    // [n_host, n_channels] the input and the silence after it
  float *coded;   // [n_steps * hop, n_channels] at the codec's rate, coded in place
  int32_t *codes; // [STEPS_PER_CALL, n_used]
  size_t n_host;  // samples at the host's rate
  size_t n_steps;
  int n_used;
} offline_run;

// Room for everything that n_samples of output need: whole steps, and the input that fills them.
static status run_allocate(offline_run *r, const codec_info *info, size_t n_samples, error *err)
{
  const uint64_t n_wanted = resampler_inputs_for(r->out, n_samples) + info->model_delay_samples;
  r->n_steps = (size_t)((n_wanted + info->hop_samples - 1) / info->hop_samples);
  const uint64_t n_coded = (uint64_t)r->n_steps * info->hop_samples;
  r->n_host = (size_t)resampler_inputs_for(r->in, n_coded);
  r->n_host = r->n_host < n_samples ? n_samples : r->n_host;
  r->host = calloc(r->n_host * info->n_channels, sizeof *r->host);
  r->coded = calloc((size_t)n_coded * info->n_channels, sizeof *r->coded);
  r->codes = calloc((size_t)STEPS_PER_CALL * (size_t)r->n_used, sizeof *r->codes);
  return r->host && r->coded && r->codes
             ? STATUS_OK
             : error_set(err, STATUS_NO_MEMORY, "no memory for %zu samples", n_samples);
}

static status run_code(offline_run *r, const codec_info *info)
{
  const size_t hop_values = (size_t)info->hop_samples * info->n_channels;
  status st = STATUS_OK;
  for (size_t step = 0; st == STATUS_OK && step < r->n_steps; step += STEPS_PER_CALL) {
    const size_t rest = r->n_steps - step;
    const int n = (int)(rest < STEPS_PER_CALL ? rest : STEPS_PER_CALL);
    float *audio = r->coded + step * hop_values;
    st = codec_encode(r->state, audio, n, r->n_used, r->codes);
    if (st == STATUS_OK) {
      st = codec_decode(r->state, r->codes, n, r->n_used, audio);
    }
  }
  return st;
}

static status run_all(offline_run *r, const codec_info *info, float *out, size_t n_samples)
{
  const size_t n_coded = r->n_steps * info->hop_samples;
  const size_t delay = info->model_delay_samples;
  size_t n_taken = 0;
  size_t n_made = 0;
  status st = resampler_process(r->in, r->host, r->n_host, r->coded, n_coded, &n_taken, &n_made);
  if (st == STATUS_OK) {
    st = run_code(r, info);
  }
  if (st == STATUS_OK) {
    st = resampler_process(r->out, r->coded + delay * info->n_channels, n_coded - delay, out,
                           n_samples, &n_taken, &n_made);
  }
  return st == STATUS_OK && n_made != n_samples ? STATUS_INTERNAL : st;
}

static void run_destroy(offline_run *r)
{
  codec_state_free(r->state);
  resampler_free(r->in);
  resampler_free(r->out);
  free(r->host);
  free(r->coded);
  free(r->codes);
}

status offline_roundtrip(codec *model, int n_codebooks, uint32_t host_rate_hz, const float *in,
                         size_t n_samples, float *out, error *err)
{
  const codec_info *info = codec_get_info(model);
  offline_run r = {.n_used = n_codebooks ? n_codebooks : (int)info->n_codebooks};
  if (n_samples == 0) {
    return STATUS_OK;
  }
  device_flush_denormals();
  status st = resampler_new(&r.in, host_rate_hz, info->rate_hz, info->n_channels, err);
  if (st == STATUS_OK) {
    st = resampler_new(&r.out, info->rate_hz, host_rate_hz, info->n_channels, err);
  }
  if (st == STATUS_OK) {
    st = codec_state_new(&r.state, model, 1, STEPS_PER_CALL, err);
  }
  if (st == STATUS_OK) {
    st = run_allocate(&r, info, n_samples, err);
  }
  if (st == STATUS_OK) {
    for (size_t i = 0; i < n_samples * info->n_channels; ++i) {
      r.host[i] = isfinite(in[i]) ? in[i] : 0.0f;
    }
    st = run_all(&r, info, out, n_samples);
    if (st != STATUS_OK) {
      error_set(err, st, "%s failed offline: %s", info->name, status_name(st));
    }
  }
  run_destroy(&r);
  return st;
}
