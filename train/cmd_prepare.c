// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// continuo-train prepare audio: folders of recordings to a set to train on.

#include "base/cli/terminal.h"
#include "base/json_writer.h"
#include "train/commands.h"
#include "train/prepare.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LEAST_BETWEEN_S 0.1
#define MOST_FOLDERS 4096

typedef struct prepare_command {
  const char *out, *validation, *group;
  int64_t rate_hz;
  double high_pass_hz;
  int kind;
} prepare_command;

typedef struct shown_progress {
  progress line;
  double last_s;
} shown_progress;

static bool show_progress(void *user, const prepare_progress *p)
{
  shown_progress *shown = user;
  const double now_s = seconds_now();
  if (shown->line.shown && now_s - shown->last_s >= LEAST_BETWEEN_S) {
    char text[160];
    const double spent_s = now_s - shown->line.started_s;
    snprintf(text, sizeof text, "%zu of %zu, %.1f min, %.0f x real time, %.60s", p->n_done,
             p->n_files, p->done_s / 60.0, spent_s > 0.0 ? p->done_s / spent_s : 0.0, p->path);
    progress_line(&shown->line, text);
    shown->last_s = now_s;
  }
  return !stop_requested();
}

// A warning must not stand behind the progress line.
typedef struct clear_log {
  const log_sink *to;
  progress *line;
} clear_log;

static void write_clear(void *user, log_level level, const char *message)
{
  const clear_log *log = user;
  progress_end(log->line);
  log_write(log->to, level, "%s", message);
}

// "5%" and "5" are the same.
static status parse_percent(const char *text, double *share, error *err)
{
  char *end = NULL;
  const double percent = strtod(text, &end);
  if (end == text || strcmp(end + (*end == '%'), "") != 0 || !(percent >= 0.0 && percent <= 50.0)) {
    return error_set(err, STATUS_USAGE, "--validation: 0%% to 50%% expected, found \"%s\"", text);
  }
  *share = percent / 100.0;
  return STATUS_OK;
}

static void write_totals(json_writer *w, const prepare_report *r, uint32_t rate_hz)
{
  static const char *const splits[] = {"train", "validation"};
  json_begin_array(w, "kinds");
  for (size_t i = 0; i < r->n_kinds; ++i) {
    json_begin_object(w, NULL);
    json_write_string(w, "kind", r->kinds[i].kind);
    for (int s = 0; s < 2; ++s) {
      json_begin_object(w, splits[s]);
      json_write_integer(w, "clips", (int64_t)r->kinds[i].n_clips[s]);
      json_write_integer(w, "samples", (int64_t)r->kinds[i].n_samples[s]);
      json_write_number(w, "seconds", (double)r->kinds[i].n_samples[s] / (double)rate_hz);
      json_end_object(w);
    }
    json_end_object(w);
  }
  json_end_array(w);
}

static void print_json(const prepare_options *o, const prepare_report *r, double seconds)
{
  json_writer w;
  json_writer_init(&w, stdout);
  json_begin_object(&w, NULL);
  json_write_string(&w, "set", o->out);
  json_write_integer(&w, "rate_hz", o->rate_hz);
  write_totals(&w, r, o->rate_hz);
  json_begin_array(&w, "skipped");
  for (size_t i = 0; i < r->n_skipped; ++i) {
    json_write_string(&w, NULL, r->skipped[i]);
  }
  json_end_array(&w);
  json_write_integer(&w, "ignored_files", (int64_t)r->n_ignored);
  json_write_integer(&w, "scaled_clips", (int64_t)r->n_scaled);
  json_write_integer(&w, "shards", r->n_shards);
  json_write_integer(&w, "bytes", (int64_t)r->n_bytes);
  json_write_number(&w, "seconds", seconds);
  json_end_object(&w);
  json_writer_finish(&w, NULL);
  json_writer_free(&w);
}

static void print_text(const prepare_options *o, const prepare_report *r, double seconds)
{
  uint64_t clips[2] = {0}, samples[2] = {0};
  const double minute = 60.0 * (double)o->rate_hz;
  printf("%-20s  %16s  %16s\n", "kind", "train", "validation");
  for (size_t i = 0; i < r->n_kinds; ++i) {
    const prepare_total *t = &r->kinds[i];
    printf("%-20.60s", t->kind);
    for (int s = 0; s < 2; ++s) {
      printf("  %6llu %7.2f m", (unsigned long long)t->n_clips[s],
             (double)t->n_samples[s] / minute);
      clips[s] += t->n_clips[s];
      samples[s] += t->n_samples[s];
    }
    printf("\n");
  }
  printf("%-20s  %6llu %7.2f min  %4llu %7.2f min\n", "all", (unsigned long long)clips[0],
         (double)samples[0] / minute, (unsigned long long)clips[1], (double)samples[1] / minute);
  printf("%s: %d shard%s, %.1f MB, in %.1f s", o->out, r->n_shards, r->n_shards == 1 ? "" : "s",
         (double)r->n_bytes / 1e6, seconds);
  if (r->n_scaled) {
    printf("; turned down to full scale: %zu", r->n_scaled);
  }
  if (r->n_skipped) {
    printf("; skipped: %zu", r->n_skipped);
  }
  printf("\n");
}

static status prepare(const prepare_command *wanted, const command_context *context,
                      const char *const *folders, int n_folders, error *err)
{
  shown_progress shown = {0};
  progress_begin(&shown.line, context->quiet);
  const clear_log clear = {&context->log, &shown.line};
  const log_sink log = {write_clear, (void *)&clear, context->log.least};
  prepare_options options = {.folders = folders,
                             .n_folders = n_folders,
                             .kind = (scan_kind)wanted->kind,
                             .out = wanted->out,
                             .rate_hz = (uint32_t)wanted->rate_hz,
                             .high_pass_hz = wanted->high_pass_hz,
                             .group = wanted->group,
                             .log = &log,
                             .progress = show_progress,
                             .user = &shown};
  status code = parse_percent(wanted->validation, &options.validation, err);
  if (code) {
    return code;
  }
  prepare_report report;
  code = prepare_audio(&options, &report, err);
  progress_end(&shown.line);
  const double seconds = seconds_now() - shown.line.started_s;
  if (!code && context->json) {
    print_json(&options, &report, seconds);
  } else if (!code && !context->quiet) {
    print_text(&options, &report, seconds);
  }
  prepare_report_free(&report);
  return code;
}

static status run(const command *self, command_context *context, int argc, char **argv, error *err)
{
  prepare_command wanted = {.validation = "5%", .rate_hz = 24000, .high_pass_hz = 20.0};
  const option_row rows[] = {
      {'o', "output", "SET", "folder of the set: not there yet, or empty", OPTION_STRING,
       &wanted.out, 0, 0, NULL},
      {'r', "rate", "HZ", "sample rate of the set (default 24000)", OPTION_INTEGER, &wanted.rate_hz,
       1000, 768000, NULL},
      {0, "validation", "SHARE", "per cent of the clips kept aside, by name (default 5%)",
       OPTION_STRING, &wanted.validation, 0, 0, NULL},
      {0, "group", "REGEX", "clips whose paths match with the same text stay together",
       OPTION_STRING, &wanted.group, 0, 0, NULL},
      {0, "kind", "auto|folder|below", "where a clip's kind of sound comes from", OPTION_CHOICE,
       &wanted.kind, 0, 0, NULL},
      {0, "high-pass", "HZ", "take away what is below (default 20, 0: nothing)", OPTION_NUMBER,
       &wanted.high_pass_hz, 0, 10000, NULL},
      {0}};
  int n_operands = 0;
  bool done = false;
  const status code = command_parse(self, context, rows, true, argc, argv, 1, MOST_FOLDERS,
                                    &n_operands, &done, err);
  if (code || done) {
    return code;
  }
  if (!wanted.out || !*wanted.out) {
    return error_set(err, STATUS_USAGE, "name the set's folder with -o SET");
  }
  return prepare(&wanted, context, (const char *const *)argv + 1, n_operands, err);
}

const command command_prepare_audio = {"prepare audio", "DIR... -o SET",
                                       "Make a set to train on from folders of recordings", run};
