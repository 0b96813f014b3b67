// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// continuo live on files: the same engine, as fast as it goes.

#include "plugin/file_host.h"
#include "ui-tui/cli/live.h"
#include "ui-tui/cli/terminal.h"

typedef struct file_progress {
  progress shown;
} file_progress;

static bool on_file_progress(void *user, double position_s, double total_s)
{
  progress_update(&((file_progress *)user)->shown, position_s, total_s);
  return !stop_requested();
}

status live_file(const live_options *options, codec *model, command_context *context, error *err)
{
  file_progress shown;
  progress_begin(&shown.shown, context->quiet);
  const file_host_config config = {.session = live_session_config(options, model, context),
                                   .in_path = options->in,
                                   .out_path = options->out,
                                   .progress = on_file_progress,
                                   .user = &shown,
                                   .log = &context->log};
  session_telemetry t = {0};
  const status code = file_host_run(&config, &t, err);
  progress_end(&shown.shown);
  if (!code) {
    live_report(&t, "files", context);
  }
  return code;
}
