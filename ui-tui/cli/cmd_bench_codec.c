// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// continuo bench codec: one hop at a time at the pace that audio arrives, each step timed from the
// moment it was due, so that a slow step is not forgiven by the wait it causes.

#include "base/cli/terminal.h"
#include "models/codec.h"
#include "models/model_path.h"
#include "ui-tui/cli/bench.h"
#include "ui-tui/cli/commands.h"
#include "ui-tui/cli/times.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define WARM_UP_STEPS 20
#define OFFLINE_STEPS 48 // a call: activations stay in cache, weights are read once for all

typedef struct bench_options {
  compute_options compute;
  const char *model;
  double seconds;
  int64_t n_codebooks;
  int storage; // index into "f16|f32|bf16|int8"
  bool unpaced;
  bool offline;
} bench_options;

typedef struct bench {
  const codec_info *info;
  codec_state *state;
  int n_used;
  float *audio; // one hop, or one call of many steps offline
  int32_t *codes;
  float *out;
  times encode, decode, total;
  int64_t misses;
  double elapsed_s; // of the steps alone
} bench;

static const dtype storages[] = {DTYPE_F16, DTYPE_F32, DTYPE_BF16, DTYPE_I8};
static const char *const storage_names[] = {"f16", "f32", "bf16", "int8"};

// Never silence: two chirps and a little noise, a pure function of the sample's number.
static void fill_signal(float *audio, uint32_t rate_hz, uint32_t n_channels, int64_t first,
                        int64_t count)
{
  for (int64_t i = 0; i < count; ++i) {
    const double t = (double)(first + i) / (double)rate_hz;
    uint32_t noise = (uint32_t)(first + i) * 2654435761u;
    noise ^= noise >> 15;
    const double value = 0.25 * sin(6.283185307179586 * (110.0 + 40.0 * sin(t)) * t) +
                         0.15 * sin(6.283185307179586 * (1500.0 + 900.0 * sin(0.7 * t)) * t) +
                         0.05 * ((double)(noise & 0xffffu) / 32768.0 - 1.0);
    for (uint32_t c = 0; c < n_channels; ++c) {
      audio[i * n_channels + c] = (float)value;
    }
  }
}

static void sleep_until(double due_s)
{
  const struct timespec due = {(time_t)due_s, (long)((due_s - floor(due_s)) * 1e9)};
  while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL) != 0 && !stop_requested()) {
  }
}

// One call of `n_steps` steps; times are kept unless it warms up. `due_s`: when its input was
// there.
static status bench_call(bench *b, int64_t step, int n_steps, double due_s, bool keep)
{
  const int64_t hop = b->info->hop_samples;
  fill_signal(b->audio, b->info->rate_hz, b->info->n_channels, step * hop, n_steps * hop);
  if (due_s > 0.0) {
    sleep_until(due_s);
  }
  const double started_s = seconds_now();
  status code = codec_encode(b->state, b->audio, n_steps, b->n_used, b->codes);
  const double encoded_s = seconds_now();
  code = code ? code : codec_decode(b->state, b->codes, n_steps, b->n_used, b->out);
  const double decoded_s = seconds_now();
  if (keep) {
    times_add(&b->encode, (encoded_s - started_s) * 1e6 / n_steps);
    times_add(&b->decode, (decoded_s - encoded_s) * 1e6 / n_steps);
    times_add(&b->total, (decoded_s - started_s) * 1e6 / n_steps);
    b->elapsed_s += decoded_s - started_s;
    const double hop_s = (double)(hop * n_steps) / (double)b->info->rate_hz;
    const double from_s = due_s > 0.0 ? due_s : started_s;
    b->misses += decoded_s - from_s > hop_s;
  }
  return code;
}

static status bench_loop(bench *b, const bench_options *options, int64_t n_calls, int n_steps,
                         bool quiet)
{
  const double hop_s = (double)b->info->hop_samples / (double)b->info->rate_hz;
  status code = STATUS_OK;
  for (int64_t i = 0; !code && i < WARM_UP_STEPS; ++i) {
    code = bench_call(b, i, n_steps, 0.0, false);
  }
  progress shown;
  progress_begin(&shown, quiet);
  const double begun_s = seconds_now() + hop_s;
  for (int64_t i = 0; !code && i < n_calls && !stop_requested(); ++i) {
    const bool paced = !options->unpaced && !options->offline;
    code =
        bench_call(b, WARM_UP_STEPS + i, n_steps, paced ? begun_s + (double)i * hop_s : 0.0, true);
    progress_update(&shown, (double)(i * n_steps) * hop_s, options->seconds);
  }
  progress_end(&shown);
  return code;
}

static void print_json(bench *b, const bench_options *options, const device *dev, int n_steps)
{
  const session_times encode = times_percentiles(&b->encode);
  const session_times decode = times_percentiles(&b->decode);
  const session_times total = times_percentiles(&b->total);
  const int64_t steps = b->total.count * n_steps;
  const double audio_s = (double)(steps * b->info->hop_samples) / (double)b->info->rate_hz;
  json_writer w;
  json_writer_init(&w, stdout);
  json_begin_object(&w, NULL);
  json_write_string(&w, "model", b->info->name);
  json_write_string(&w, "compute", dev->name);
  json_write_integer(&w, "threads", options->compute.n_threads ? options->compute.n_threads : 1);
  json_write_string(&w, "storage", storage_names[options->storage]);
  json_write_bool(&w, "paced", !options->unpaced && !options->offline);
  json_write_integer(&w, "steps_per_call", n_steps);
  json_write_integer(&w, "rate_hz", b->info->rate_hz);
  json_write_integer(&w, "hop_samples", b->info->hop_samples);
  json_write_integer(&w, "codebooks", b->n_used);
  json_write_integer(&w, "steps", steps);
  json_write_times(&w, "encode_us", &encode);
  json_write_times(&w, "decode_us", &decode);
  json_write_times(&w, "total_us", &total);
  json_write_integer(&w, "misses", b->misses);
  json_write_number(&w, "realtime_factor", b->elapsed_s > 0 ? audio_s / b->elapsed_s : 0.0);
  json_end_object(&w);
  json_writer_finish(&w, NULL);
  json_writer_free(&w);
}

static void print_row(const char *name, times *t)
{
  const session_times p = times_percentiles(t);
  printf("%-8s %10.1f %10.1f %10.1f %10.1f\n", name, p.p50_us, p.p99_us, p.p999_us, p.max_us);
}

static void print_table(bench *b, const bench_options *options, const device *dev, int n_steps)
{
  const int64_t steps = b->total.count * n_steps;
  const double hop_us = (double)b->info->hop_samples * 1e6 / (double)b->info->rate_hz;
  printf("%s, %d codebooks, %s weights, %s\n", b->info->name, b->n_used,
         storage_names[options->storage], dev->name);
  printf("%lld steps of %u samples at %u Hz (%.0f us each)\n\n", (long long)steps,
         b->info->hop_samples, b->info->rate_hz, hop_us);
  printf("us/step  %10s %10s %10s %10s\n", "p50", "p99", "p99.9", "max");
  print_row("encode", &b->encode);
  print_row("decode", &b->decode);
  print_row("total", &b->total);
  printf("\nmisses %lld, %.1f x real time\n", (long long)b->misses,
         b->elapsed_s > 0 ? (double)steps * hop_us * 1e-6 / b->elapsed_s : 0.0);
}

static status bench_open(bench *b, codec *model, const bench_options *options, int n_steps,
                         int64_t n_calls, error *err)
{
  b->info = codec_get_info(model);
  b->n_used = options->n_codebooks ? (int)options->n_codebooks : (int)b->info->n_codebooks;
  if ((uint32_t)b->n_used > b->info->n_codebooks) {
    return error_set(err, STATUS_USAGE, "--codebooks: %s has %u, found %d", b->info->name,
                     b->info->n_codebooks, b->n_used);
  }
  if (!b->info->streamable) {
    return error_set(err, STATUS_UNSUPPORTED,
                     "%s works on whole files only, it has no steps to time", b->info->name);
  }
  const size_t samples = (size_t)n_steps * b->info->hop_samples * b->info->n_channels;
  b->audio = calloc(samples, sizeof *b->audio);
  b->out = calloc(samples, sizeof *b->out);
  b->codes = calloc((size_t)n_steps * (size_t)b->n_used, sizeof *b->codes);
  if (!b->audio || !b->out || !b->codes) {
    return error_set(err, STATUS_NO_MEMORY, "no memory for %d steps", n_steps);
  }
  status code = times_new(&b->encode, n_calls, err);
  code = code ? code : times_new(&b->decode, n_calls, err);
  code = code ? code : times_new(&b->total, n_calls, err);
  code = code ? code : codec_state_new(&b->state, model, 1, n_steps, err);
  return code ? code : codec_state_prepare(b->state, b->n_used, err);
}

static void bench_close(bench *b)
{
  codec_state_free(b->state);
  times_free(&b->encode);
  times_free(&b->decode);
  times_free(&b->total);
  free(b->audio);
  free(b->out);
  free(b->codes);
}

static status bench_model(const command_context *context, const bench_options *options, device *dev,
                          error *err)
{
  char path[PATH_BYTES];
  status code = model_find(options->model, path, err);
  codec *model = NULL;
  const codec_options wanted = {
      .dev = dev, .storage = storages[options->storage], .log = &context->log};
  code = code ? code : codec_open(&model, path, &wanted, err);
  if (code) {
    return code;
  }
  const codec_info *info = codec_get_info(model);
  const int n_steps = options->offline ? OFFLINE_STEPS : 1;
  const double n_calls = ceil(options->seconds * (double)info->rate_hz /
                              ((double)info->hop_samples * (double)n_steps));
  bench b = {0};
  code = bench_open(&b, model, options, n_steps, (int64_t)n_calls, err);
  if (!code) {
    code = bench_loop(&b, options, (int64_t)n_calls, n_steps, context->quiet || context->json);
    code = code ? error_set(err, code, "%s: a step failed: %s", path, status_name(code)) : code;
  }
  if (!code && context->json) {
    print_json(&b, options, dev, n_steps);
  } else if (!code) {
    print_table(&b, options, dev, n_steps);
  }
  bench_close(&b);
  codec_unref(model);
  return code;
}

static status run_bench_codec(const command *self, command_context *context, int argc, char **argv,
                              error *err)
{
  bench_options options = {.seconds = 10.0};
  const option_row rows[] = {
      {'m', "model", "MODEL", "model file or name (default: default)", OPTION_STRING,
       &options.model, 0, 0, NULL},
      {'k', "codebooks", "N", "codebooks used (default: all)", OPTION_INTEGER, &options.n_codebooks,
       1, 64, NULL},
      {'s', "seconds", "S", "seconds of audio (default 10)", OPTION_NUMBER, &options.seconds, 0.1,
       86400, NULL},
      {0, "storage", "f16|f32|bf16|int8", "how weights are stored (default f16, as live)",
       OPTION_CHOICE, &options.storage, 0, 0, NULL},
      {0, "unpaced", NULL, "one step after another instead of at the pace of audio", OPTION_FLAG,
       &options.unpaced, 0, 0, NULL},
      {0, "offline", NULL, "48 steps to a call, as files are coded", OPTION_FLAG, &options.offline,
       0, 0, NULL},
      COMPUTE_ROWS(&options.compute),
      {0},
  };
  device *dev = NULL;
  status code = bench_begin(self, context, rows, &options.compute, argc, argv, &dev, err);
  if (dev) {
    code = bench_model(context, &options, dev, err);
    device_unref(dev);
  }
  return code;
}

const command command_bench_codec = {
    "bench codec", "", "Time encode, quantise and decode, hop by hop at the pace of audio",
    run_bench_codec};
