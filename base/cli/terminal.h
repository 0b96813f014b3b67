// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// One progress line on standard error, only where that is a terminal.
#ifndef CONTINUO_BASE_CLI_TERMINAL_H
#define CONTINUO_BASE_CLI_TERMINAL_H

#include <stdbool.h>
#include <stdint.h>

typedef struct progress {
  bool shown;       ///< a terminal listens and quiet was not asked for
  bool drawn;       ///< a line stands there now
  double started_s; ///< monotonic clock
  double last_drawn_s;
} progress;

void progress_begin(progress *p, bool quiet);

/// At most ten times a second: "12.3 s of 60.0 s, 21.0 x real time". total_s 0: unknown.
void progress_update(progress *p, double position_s, double total_s);

/// Any other line, redrawn in place.
void progress_line(progress *p, const char *text);

/// Remove the line.
void progress_end(progress *p);

/// Seconds of the monotonic clock.
double seconds_now(void);

#endif
