// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "base/log.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

void log_write(const log_sink *sink, log_level level, const char *format, ...)
{
  if (!sink || !sink->write || level < sink->least) {
    return;
  }
  char message[1024];
  va_list args;
  va_start(args, format);
  vsnprintf(message, sizeof message, format, args);
  va_end(args);
  sink->write(sink->user, level, message);
}
