// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "engine/extend.h"

#include "engine/control/parameters.h"
#include "engine/keep/keep.h"
#include "engine/session.h"

#include <string.h>

#define BLOCK_SAMPLES 1024

typedef struct extend_run {
  session *s;
  uint32_t n_channels;
  const float *in;
  size_t n_in, n_out;
  float *out;
  uint64_t t; // samples put through
} extend_run;

static void play_block(extend_run *r, uint32_t n)
{
  static const size_t most = BLOCK_SAMPLES;
  float planes[2 * SESSION_MAX_CHANNELS][BLOCK_SAMPLES];
  const float *in[SESSION_MAX_CHANNELS];
  float *out[SESSION_MAX_CHANNELS];
  n = n < most ? n : (uint32_t)most;
  for (uint32_t c = 0; c < r->n_channels; ++c) {
    for (uint32_t i = 0; i < n; ++i) {
      const float heard = r->t + i < r->n_in ? r->in[(r->t + i) * r->n_channels + c] : 0.0f;
      planes[c][i] = keep_grid(heard); // as a live session that keeps what it hears
    }
    in[c] = planes[c];
    out[c] = planes[SESSION_MAX_CHANNELS + c];
  }
  session_process(r->s, in, out, n, r->t);
  const uint64_t latency = session_latency_samples(r->s);
  for (uint32_t i = 0; i < n; ++i) {
    const uint64_t at = r->t + i - latency; // wraps before the first sample
    for (uint32_t c = 0; r->t + i >= latency && at < r->n_out && c < r->n_channels; ++c) {
      r->out[at * r->n_channels + c] = out[c][i];
    }
  }
  r->t += n;
}

static status play_to(extend_run *r, uint64_t end, error *err)
{
  session_telemetry t;
  while (r->t < end) {
    const uint64_t rest = end - r->t;
    play_block(r, rest < BLOCK_SAMPLES ? (uint32_t)rest : BLOCK_SAMPLES);
  }
  session_read_telemetry(r->s, &t);
  return t.late_samples ? error_set(err, STATUS_DEVICE, "the model failed or gave no answer")
                        : STATUS_OK;
}

status extend(const extend_config *config, const float *in, size_t n_in, size_t n_more, float *out,
              error *err)
{
  const session_config wanted = {
      .model = config->model,
      .player = config->player,
      .n_codebooks = config->n_codebooks,
      .host_rate_hz = config->host_rate_hz,
      .block_samples = BLOCK_SAMPLES,
      .output_stage = true,
      .offline = true,
  };
  extend_run r = {.n_channels = codec_get_info(config->model)->n_channels,
                  .in = in,
                  .n_in = n_in,
                  .n_out = n_in + n_more,
                  .out = out};
  status st = session_open(&r.s, &wanted, err);
  if (st != STATUS_OK) {
    return st;
  }
  const control go_on = {.kind = CONTROL_SET, .id = PARAMETER_MODE, .value = MODE_CONTINUE};
  memset(out, 0, (n_in + n_more) * r.n_channels * sizeof *out);
  session_send(r.s, config->controls, config->n_controls);
  st = play_to(&r, n_in, err);
  session_send(r.s, &go_on, 1);
  st = st == STATUS_OK ? play_to(&r, r.n_out + session_latency_samples(r.s), err) : st;
  session_close(r.s);
  return st;
}
