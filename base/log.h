// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// Where messages for people go. A library never prints by itself: whoever owns the process hands
/// a sink down, and null means silence. Never called from the audio thread.
#ifndef CONTINUO_BASE_LOG_H
#define CONTINUO_BASE_LOG_H

typedef enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERROR } log_level;

typedef struct log_sink {
  void (*write)(void *user, log_level level, const char *message); ///< one line, no newline
  void *user;
  log_level least; ///< messages below this level are dropped
} log_sink;

/// Format and hand to `sink` (may be null).
void log_write(const log_sink *sink, log_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
