// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// continuo live as a JACK client: open, watch, report.

#include "base/cli/terminal.h"
#include "engine/control/parameters.h"
#include "plugin/jack_host.h"
#include "ui-tui/cli/live.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define POLL_NS 10000000L

static double decibels(float peak)
{
  return peak > 1e-6f ? 20.0 * log10((double)peak) : -120.0;
}

static void draw_status(progress *shown, const session_telemetry *t)
{
  char line[192];
  char mode[24];
  parameter_format(PARAMETER_MODE, t->mode, mode, sizeof mode);
  snprintf(line, sizeof line,
           "%-10s %s  in %6.1f dB  out %6.1f dB  L %u (%.1f ms)  step p99 %.0f us  misses %llu  "
           "gaps %llu  xruns %llu",
           mode,
           t->plays       ? "plays  "
           : t->gate_open ? "hears  "
                          : "silence",
           decibels(t->input_peak), decibels(t->output_peak), t->latency_samples,
           t->host_rate_hz ? 1e3 * t->latency_samples / t->host_rate_hz : 0.0, t->total.p99_us,
           (unsigned long long)t->misses, (unsigned long long)t->gaps,
           (unsigned long long)t->xruns);
  progress_line(shown, line);
}

static void watch_jack(jack_host *host, live_desk *desk, const live_options *options,
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
    live_desk_hold(desk);
    jack_host_poll(host);
    session *s = jack_host_session(host);
    live_desk_release(desk, s);
    live_desk_poll(desk);
    if (jack_host_connected(host) && shown.shown && seconds_now() - drawn_s > 0.25) {
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

static status play_jack(jack_host *host, live_desk *desk, const live_options *options,
                        const command_context *context, error *err)
{
  live_desk_hold(desk);
  live_desk_release(desk, jack_host_session(host));
  status code = live_begin(options, desk, err);
  if (!code) {
    log_write(&context->log, LOG_INFO, "Ctrl-C ends");
    watch_jack(host, desk, options, context);
    live_desk_remember(desk);
    code = live_end(options, desk, err);
  }
  live_desk_hold(desk); // nobody asks the session any more
  live_desk_release(desk, NULL);
  return code;
}

status live_jack(const live_options *options, const instrument *plays, command_context *context,
                 error *err)
{
  live_desk desk;
  const live_desk_config wanted = live_desk_wanted(options, plays, context);
  const jack_host_config config = {.session = live_session_config(options, plays, context),
                                   .client_name = options->name,
                                   .exact_name = options->exact_name,
                                   .server_name = options->server,
                                   .connect = connect_policy(options),
                                   .connect_in = options->connect_in,
                                   .connect_out = options->connect_out,
                                   .connect_midi = options->connect_midi,
                                   .midi = &desk.midi,
                                   .log = &context->log};
  jack_host *host = NULL;
  live_desk_open(&desk, &wanted);
  status code = jack_host_open(&host, &config, err);
  if (!code) {
    session_telemetry t;
    char server[160];
    snprintf(server, sizeof server, "%s", jack_host_server(host));
    code = play_jack(host, &desk, options, context, err);
    jack_host_read_telemetry(host, &t);
    jack_host_close(host);
    live_report(&t, server, context);
  }
  live_desk_close(&desk);
  return code;
}
