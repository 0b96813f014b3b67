// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// continuo live on files: the same engine, as fast as it goes.

#include "base/cli/terminal.h"
#include "plugin/file_host.h"
#include "ui-tui/cli/live.h"

typedef struct file_run {
  const live_options *options;
  progress shown;
  live_desk desk;
} file_run;

static status on_begin(void *user, session *s, error *err)
{
  file_run *play = user;
  live_desk_hold(&play->desk);
  live_desk_release(&play->desk, s);
  return live_begin(play->options, &play->desk, err);
}

static status on_end(void *user, session *s, error *err)
{
  (void)s;
  file_run *play = user;
  return live_end(play->options, &play->desk, err);
}

static bool on_progress(void *user, const file_host_progress *at, session *s)
{
  (void)s;
  file_run *play = user;
  const double rate = (double)at->host_rate_hz;
  progress_update(&play->shown, (double)at->n_samples / rate, (double)at->expected_samples / rate);
  return !stop_requested();
}

static void log_result(const file_host_result *result, const live_options *options,
                       const command_context *context)
{
  if (result->conversion[0]) {
    log_write(&context->log, LOG_INFO, "%s: %s", options->in, result->conversion);
  }
  if (result->nonfinite_samples) {
    log_write(&context->log, LOG_WARNING, "%s: %llu samples were not numbers and count as silence",
              options->in, (unsigned long long)result->nonfinite_samples);
  }
  if (result->clipped_samples) {
    log_write(&context->log, LOG_WARNING, "%s: %llu samples beyond full scale", options->out,
              (unsigned long long)result->clipped_samples);
  }
}

status live_file(const live_options *options, const instrument *plays, command_context *context,
                 error *err)
{
  file_run play = {.options = options};
  live_desk_config wanted = live_desk_wanted(options, plays, context);
  wanted.alone = true; // it is over before anybody could ask
  live_desk_open(&play.desk, &wanted);
  progress_begin(&play.shown, context->quiet);
  const file_host_config config = {.session = live_session_config(options, plays, context),
                                   .in = options->in,
                                   .out = options->out,
                                   .on_begin = on_begin,
                                   .on_end = on_end,
                                   .on_progress = on_progress,
                                   .user = &play};
  file_host_result result = {0};
  const status code = file_host_run(&config, &result, err);
  progress_end(&play.shown);
  live_desk_close(&play.desk);
  if (!code) {
    log_result(&result, options, context);
    live_report(&result.telemetry, "files", context);
  }
  return code;
}
