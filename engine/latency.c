// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "engine/latency.h"

#define MOST_CALLBACKS (UINT64_C(1) << 26)

static uint64_t common_divisor(uint64_t a, uint64_t b)
{
  while (b) {
    const uint64_t rest = a % b;
    a = b;
    b = rest;
  }
  return a;
}

uint64_t latency_ready(const latency_query *q, uint64_t n_received)
{
  const uint64_t arrived = resampler_outputs_after(q->in, n_received);
  const uint64_t decoded = arrived - arrived % q->hop_samples;
  const uint64_t delay = q->model_delay_samples;
  return decoded > delay ? resampler_outputs_after(q->out, decoded - delay) : 0;
}

// Host samples after which block, hop and both resamplers stand as before, in callbacks.
static uint64_t callbacks_per_period(const latency_query *q)
{
  const uint64_t hop = (uint64_t)q->hop_samples * q->host_rate_hz;
  const uint64_t period = hop / common_divisor(hop, q->codec_rate_hz);
  return period / common_divisor(period, q->block_samples);
}

// The first callback at which the pattern is the periodic one: some output is ready.
static uint64_t first_callback(const latency_query *q)
{
  const uint64_t trimmed = q->model_delay_samples + resampler_inputs_for(q->out, 1);
  const uint64_t hops = (trimmed + q->hop_samples - 1) / q->hop_samples;
  const uint64_t received = resampler_inputs_for(q->in, hops * q->hop_samples);
  return (received + q->block_samples - 1) / q->block_samples;
}

status latency_search(const latency_query *q, uint64_t *latency_samples, error *err)
{
  const uint64_t count = callbacks_per_period(q);
  if (count > MOST_CALLBACKS) {
    return error_set(
        err, STATUS_UNSUPPORTED,
        "%u Hz with blocks of %u against a codec of %u Hz with hops of %u: the pattern "
        "repeats only after %llu blocks",
        q->host_rate_hz, q->block_samples, q->codec_rate_hz, q->hop_samples,
        (unsigned long long)count);
  }
  // Before the first output nothing is ready; there the requirement is below that one period on.
  const uint64_t first = first_callback(q);
  uint64_t most = q->block_samples;
  for (uint64_t i = first; i < first + count; ++i) {
    const uint64_t received = i * q->block_samples;
    const uint64_t wanted = received + q->block_samples - latency_ready(q, received);
    most = wanted > most ? wanted : most;
  }
  *latency_samples = most;
  return STATUS_OK;
}
