// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "ui-tui/cli/live.h"
#include "ui-tui/cli/times.h"

#include <stdio.h>

static void print_json(const session_telemetry *t, const char *host)
{
  json_writer w;
  json_writer_init(&w, stdout);
  json_begin_object(&w, NULL);
  json_write_string(&w, "host", host);
  json_write_integer(&w, "host_rate_hz", t->host_rate_hz);
  json_write_integer(&w, "block_samples", t->block_samples);
  json_write_integer(&w, "rate_hz", t->codec_rate_hz);
  json_write_integer(&w, "hop_samples", t->hop_samples);
  json_write_integer(&w, "latency_samples", t->latency_samples);
  json_write_integer(&w, "steps", (int64_t)t->steps);
  json_write_integer(&w, "misses", (int64_t)t->misses);
  json_write_integer(&w, "own_misses", (int64_t)t->own_misses);
  json_write_integer(&w, "late_samples", (int64_t)t->late_samples);
  json_write_integer(&w, "gaps", (int64_t)t->gaps);
  json_write_integer(&w, "gap_samples", (int64_t)t->gap_samples);
  json_write_integer(&w, "xruns", (int64_t)t->xruns);
  json_write_integer(&w, "overflows", (int64_t)t->overflows);
  json_write_integer(&w, "nonfinite_samples", (int64_t)t->nonfinite_samples);
  json_write_integer(&w, "dropped_controls", (int64_t)t->dropped_controls);
  json_write_integer(&w, "memory_steps", (int64_t)t->memory_steps);
  json_write_times(&w, "encode_us", &t->encode);
  json_write_times(&w, "decode_us", &t->decode);
  json_write_times(&w, "total_us", &t->total);
  json_write_number(&w, "realtime_factor", t->realtime_factor);
  json_end_object(&w);
  json_writer_finish(&w, NULL);
  json_writer_free(&w);
}

static void print_summary(const session_telemetry *t, const char *host)
{
  printf("%s, %u Hz\n", host, t->host_rate_hz);
  printf("latency   %u samples (%.1f ms)\n", t->latency_samples,
         t->host_rate_hz ? 1e3 * t->latency_samples / t->host_rate_hz : 0.0);
  printf("steps     %llu, each p50 %.0f us, p99 %.0f us, p99.9 %.0f us, max %.0f us of %.0f us\n",
         (unsigned long long)t->steps, t->total.p50_us, t->total.p99_us, t->total.p999_us,
         t->total.max_us,
         t->codec_rate_hz ? 1e6 * (double)t->hop_samples / (double)t->codec_rate_hz : 0.0);
  printf("misses    %llu (%llu our own), %llu samples replaced\n", (unsigned long long)t->misses,
         (unsigned long long)t->own_misses, (unsigned long long)t->late_samples);
  printf("gaps      %llu (%llu samples), xruns %llu, overflows %llu\n", (unsigned long long)t->gaps,
         (unsigned long long)t->gap_samples, (unsigned long long)t->xruns,
         (unsigned long long)t->overflows);
  if (t->nonfinite_samples) {
    printf("input     %llu samples were not numbers and counted as silence\n",
           (unsigned long long)t->nonfinite_samples);
  }
}

void live_report(const session_telemetry *t, const char *host, const command_context *context)
{
  if (context->json) {
    print_json(t, host);
  } else {
    print_summary(t, host);
  }
}
