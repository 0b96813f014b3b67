// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// continuo live: a session behind a JACK client, or behind files. This file only opens, watches
// and reports; the sound is the engine's.

#include "models/codec.h"
#include "plugin/file_host.h"
#include "plugin/jack_host.h"
#include "ui-tui/cli/command.h"
#include "ui-tui/cli/paths.h"
#include "ui-tui/cli/terminal.h"
#include "ui-tui/cli/times.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define POLL_NS 10000000L

enum { AUDIO_JACK, AUDIO_FILE };

typedef struct live_options {
  compute_options compute;
  const char *model, *name, *server, *connect_in, *connect_out, *in, *out;
  int mode, audio, storage, fallback;
  bool audio_given, connect, no_connect, connect_flag, exact_name;
  int64_t n_codebooks, slack_samples, block_samples;
  double fade_ms, seconds;
} live_options;

static const dtype storages[] = {DTYPE_F16, DTYPE_F32, DTYPE_BF16, DTYPE_I8};

static session_config config_of(const live_options *options, codec *model,
                                const command_context *context)
{
  return (session_config){.model = model,
                          .n_codebooks = (int)options->n_codebooks,
                          .block_samples = (uint32_t)options->block_samples,
                          .slack_samples = (uint32_t)options->slack_samples,
                          .fade_ms = (float)options->fade_ms,
                          .fallback = (session_fallback)options->fallback,
                          .lock_memory = true,
                          .log = &context->log};
}

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
  printf("gaps      %llu (%llu samples), xruns %llu, overflows %llu\n",
         (unsigned long long)t->gaps, (unsigned long long)t->gap_samples,
         (unsigned long long)t->xruns, (unsigned long long)t->overflows);
  if (t->nonfinite_samples) {
    printf("input     %llu samples were not numbers and counted as silence\n",
           (unsigned long long)t->nonfinite_samples);
  }
}

static double decibels(float peak)
{
  return peak > 1e-6f ? 20.0 * log10((double)peak) : -120.0;
}

static void draw_status(progress *shown, const session_telemetry *t)
{
  char line[160];
  snprintf(line, sizeof line,
           "in %6.1f dB  out %6.1f dB  L %u (%.1f ms)  step p99 %.0f us  misses %llu  gaps %llu  "
           "xruns %llu",
           decibels(t->input_peak), decibels(t->output_peak), t->latency_samples,
           t->host_rate_hz ? 1e3 * t->latency_samples / t->host_rate_hz : 0.0, t->total.p99_us,
           (unsigned long long)t->misses, (unsigned long long)t->gaps,
           (unsigned long long)t->xruns);
  progress_line(shown, line);
}

// What the session has to tell, as log lines.
static void log_events(session *s, const command_context *context)
{
  session_event event;
  while (session_next_event(s, &event)) {
    const unsigned long long at = event.position_samples, value = event.value;
    switch (event.kind) {
    case EVENT_LATE:
      log_write(&context->log, LOG_WARNING,
                "late by %llu us at sample %llu%s: step took %llu us of processor time, waited %llu "
                "us for it, %llu us were stolen",
                value, at, event.own ? "" : ", not our own", (unsigned long long)event.cpu_us,
                (unsigned long long)event.run_delay_us, (unsigned long long)event.steal_us);
      break;
    case EVENT_RECOVERED:
      log_write(&context->log, LOG_INFO, "recovered at sample %llu", at);
      break;
    case EVENT_GAP:
      log_write(&context->log, LOG_WARNING, "the host skipped %llu samples", value);
      break;
    case EVENT_OVERFLOW:
      log_write(&context->log, LOG_WARNING, "input was lost, starting afresh");
      break;
    case EVENT_LATENCY:
      log_write(&context->log, LOG_INFO, "latency is now %llu samples", value);
      break;
    case EVENT_TIMELINE:
      log_write(&context->log, LOG_DEBUG, "timeline %llu began at host sample %llu", value, at);
      break;
    }
  }
}

static void watch_jack(jack_host *host, const live_options *options,
                       const command_context *context)
{
  progress shown;
  progress_begin(&shown, context->quiet);
  const double begun_s = seconds_now();
  double drawn_s = 0.0;
  while (!stop_requested() &&
         (options->seconds <= 0.0 || seconds_now() - begun_s < options->seconds)) {
    const struct timespec pause = {0, POLL_NS};
    nanosleep(&pause, NULL);
    jack_host_poll(host);
    session *s = jack_host_session(host);
    if (s) {
      log_events(s, context);
    }
    if (s && shown.shown && seconds_now() - drawn_s > 0.25) {
      session_telemetry t;
      jack_host_read_telemetry(host, &t);
      draw_status(&shown, &t);
      drawn_s = seconds_now();
    }
  }
  progress_end(&shown);
}

// On a terminal the musician is there and wants to hear; under a session manager or headless,
// connections are somebody else's business.
static bool connects_by_default(void)
{
  const char *manager = getenv("NSM_URL");
  return isatty(STDIN_FILENO) && isatty(STDERR_FILENO) && !(manager && *manager);
}

static jack_connect_policy connect_policy(const live_options *options)
{
  if (options->no_connect) {
    return JACK_CONNECT_NEVER;
  }
  if (options->connect_in || options->connect_out) {
    return JACK_CONNECT_PATTERNS;
  }
  return options->connect_flag || connects_by_default() ? JACK_CONNECT_PHYSICAL
                                                        : JACK_CONNECT_NEVER;
}

static status live_jack(const live_options *options, codec *model, command_context *context,
                        error *err)
{
  const jack_host_config config = {.session = config_of(options, model, context),
                                   .client_name = options->name,
                                   .exact_name = options->exact_name,
                                   .server_name = options->server,
                                   .connect = connect_policy(options),
                                   .connect_in = options->connect_in,
                                   .connect_out = options->connect_out,
                                   .log = &context->log};
  jack_host *host = NULL;
  const status code = jack_host_open(&host, &config, err);
  if (code) {
    return code;
  }
  session_telemetry t;
  jack_host_read_telemetry(host, &t);
  log_write(&context->log, LOG_INFO, "%s (%s), client \"%s\", %u Hz, blocks of %u",
            jack_host_server(host), jack_host_library(host), jack_host_client_name(host),
            t.host_rate_hz, t.block_samples);
  log_write(&context->log, LOG_INFO, "monitor: latency %u samples (%.1f ms); Ctrl-C ends",
            t.latency_samples, 1e3 * t.latency_samples / t.host_rate_hz);
  char server[160];
  snprintf(server, sizeof server, "%s", jack_host_server(host));
  watch_jack(host, options, context);
  jack_host_read_telemetry(host, &t);
  jack_host_close(host);
  if (context->json) {
    print_json(&t, server);
  } else {
    print_summary(&t, server);
  }
  return STATUS_OK;
}

typedef struct file_progress {
  progress shown;
} file_progress;

static bool on_file_progress(void *user, double position_s, double total_s)
{
  progress_update(&((file_progress *)user)->shown, position_s, total_s);
  return !stop_requested();
}

static status live_file(const live_options *options, codec *model, command_context *context,
                        error *err)
{
  file_progress shown;
  progress_begin(&shown.shown, context->quiet);
  const file_host_config config = {.session = config_of(options, model, context),
                                   .in_path = options->in,
                                   .out_path = options->out,
                                   .progress = on_file_progress,
                                   .user = &shown,
                                   .log = &context->log};
  session_telemetry t = {0};
  const status code = file_host_run(&config, &t, err);
  progress_end(&shown.shown);
  if (!code && context->json) {
    print_json(&t, "files");
  } else if (!code) {
    print_summary(&t, "files");
  }
  return code;
}

static status check_options(live_options *options, error *err)
{
  if (!options->audio_given) {
    options->audio = options->in || options->out ? AUDIO_FILE : AUDIO_JACK;
  }
  if (options->audio == AUDIO_FILE && (!options->in || !options->out)) {
    return error_set(err, STATUS_USAGE, "--audio file needs --in FILE and --out FILE");
  }
  if (options->audio == AUDIO_JACK && (options->in || options->out)) {
    return error_set(err, STATUS_USAGE, "--in and --out belong to --audio file");
  }
  if (options->no_connect && (options->connect_flag || options->connect_in || options->connect_out)) {
    return error_set(err, STATUS_USAGE, "--no-connect contradicts --connect");
  }
  return STATUS_OK;
}

static status play(const live_options *options, command_context *context, error *err)
{
  char path[PATH_BYTES];
  device *dev = NULL;
  codec *model = NULL;
  status code = model_find(options->model, path, err);
  code = code ? code : compute_open(&options->compute, &dev, err);
  const codec_options wanted = {
      .dev = dev, .storage = storages[options->storage], .log = &context->log};
  code = code ? code : codec_open(&model, path, &wanted, err);
  if (!code) {
    const codec_info *info = codec_get_info(model);
    log_write(&context->log, LOG_INFO, "%s: %u Hz, hop %u samples, %u codebooks, on %s",
              info->name, info->rate_hz, info->hop_samples,
              options->n_codebooks ? (unsigned)options->n_codebooks : info->n_codebooks, dev->name);
    if (!info->streamable) {
      code = error_set(err, STATUS_UNSUPPORTED,
                       "%s: %s works on whole files only (see continuo roundtrip)", path,
                       info->name);
    } else if (options->audio == AUDIO_JACK) {
      code = live_jack(options, model, context, err);
    } else {
      code = live_file(options, model, context, err);
    }
  }
  codec_unref(model);
  device_unref(dev);
  return code;
}

static status run_live(const command *self, command_context *context, int argc, char **argv, error *err)
{
  live_options options = {.block_samples = 1024};
  const option_row rows[] = {
      {0, "mode", "monitor", "what to do: monitor is the codec's round trip", OPTION_CHOICE,
       &options.mode, 0, 0, NULL},
      {'m', "model", "MODEL", "model file or name (default: default)", OPTION_STRING,
       &options.model, 0, 0, NULL},
      {'k', "codebooks", "N", "codebooks used (default: all)", OPTION_INTEGER,
       &options.n_codebooks, 1, 64, NULL},
      {0, "audio", "jack|file", "where sound comes from and goes to (default: jack)",
       OPTION_CHOICE, &options.audio, 0, 0, &options.audio_given},
      {'n', "name", "NAME", "client name (default: continuo)", OPTION_STRING, &options.name, 0, 0,
       NULL},
      {'x', "exact-name", NULL, "fail if the name is taken", OPTION_FLAG, &options.exact_name, 0,
       0, NULL},
      {0, "server", "NAME", "JACK server (default: $JACK_DEFAULT_SERVER)", OPTION_STRING,
       &options.server, 0, 0, NULL},
      {0, "connect", NULL, "connect to the physical ports (default on a terminal)", OPTION_FLAG,
       &options.connect_flag, 0, 0, NULL},
      {0, "no-connect", NULL, "connect to nothing", OPTION_FLAG, &options.no_connect, 0, 0, NULL},
      {0, "connect-in", "PORTS", "feed us from these ports (a name or regular expression)",
       OPTION_STRING, &options.connect_in, 0, 0, NULL},
      {0, "connect-out", "PORTS", "play to these ports", OPTION_STRING, &options.connect_out, 0, 0,
       NULL},
      {0, "in", "FILE", "recording to play through (--audio file), - is a pipe", OPTION_STRING,
       &options.in, 0, 0, NULL},
      {0, "out", "FILE", "where the result goes (--audio file), - is a pipe", OPTION_STRING,
       &options.out, 0, 0, NULL},
      {'s', "seconds", "S", "end by itself after S seconds (JACK)", OPTION_NUMBER,
       &options.seconds, 0.1, 1e7, NULL},
      {0, "slack", "SAMPLES", "latency beyond the least possible (default: one hop)",
       OPTION_INTEGER, &options.slack_samples, 1, 192000, NULL},
      {0, "fade", "MS", "crossfade to and from the fallback (default 5)", OPTION_NUMBER,
       &options.fade_ms, 5, 10, NULL},
      {0, "fallback", "silence|dry|hold", "what is heard while a result is late", OPTION_CHOICE,
       &options.fallback, 0, 0, NULL},
      {0, "block", "SAMPLES", "block of the file host (default 1024)", OPTION_INTEGER,
       &options.block_samples, 1, SESSION_MAX_BLOCK_SAMPLES, NULL},
      {0, "storage", "f16|f32|bf16|int8", "how weights are stored (default f16)", OPTION_CHOICE,
       &options.storage, 0, 0, NULL},
      COMPUTE_ROWS(&options.compute),
      {0},
  };
  int n_operands = 0;
  bool done = false;
  status code =
      command_parse(self, context, rows, true, argc, argv, 0, 0, &n_operands, &done, err);
  if (code || done) {
    return code;
  }
  code = check_options(&options, err);
  return code ? code : play(&options, context, err);
}

const command command_live = {"live", "", "Play through a codec live, as a JACK client or on files",
                              run_live};
