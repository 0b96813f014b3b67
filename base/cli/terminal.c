// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "base/cli/terminal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LEAST_BETWEEN_S 0.1

double seconds_now(void)
{
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

void progress_begin(progress *p, bool quiet)
{
  const char *kind = getenv("TERM");
  const bool dumb = kind && strcmp(kind, "dumb") == 0;
  *p = (progress){.shown = !quiet && !dumb && isatty(STDERR_FILENO), .started_s = seconds_now()};
}

void progress_line(progress *p, const char *text)
{
  if (p->shown) {
    fprintf(stderr, "\r%s\x1b[K", text);
    fflush(stderr);
    p->drawn = true;
  }
}

void progress_update(progress *p, double position_s, double total_s)
{
  const double now_s = seconds_now();
  if (!p->shown || now_s - p->last_drawn_s < LEAST_BETWEEN_S) {
    return;
  }
  p->last_drawn_s = now_s;
  const double spent_s = now_s - p->started_s;
  char text[128], of[32] = "";
  if (total_s > 0.0) {
    snprintf(of, sizeof of, " of %.1f s", total_s);
  }
  snprintf(text, sizeof text, "%.1f s%s, %.1f x real time", position_s, of,
           spent_s > 0.0 ? position_s / spent_s : 0.0);
  progress_line(p, text);
}

void progress_end(progress *p)
{
  if (p->drawn) {
    fprintf(stderr, "\r\x1b[K");
    fflush(stderr);
    p->drawn = false;
  }
}
