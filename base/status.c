// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "base/status.h"

#include <stdio.h>
#include <string.h>

status(error_set)(error *err, status code, const char *format, ...)
{
  if (err) {
    va_list args;
    va_start(args, format);
    err->code = code;
    vsnprintf(err->message, sizeof err->message, format, args);
    va_end(args);
  }
  return code;
}

status error_prefix(error *err, const char *format, ...)
{
  if (!err) {
    return STATUS_INTERNAL;
  }
  char joined[sizeof err->message];
  va_list args;
  va_start(args, format);
  vsnprintf(joined, sizeof joined, format, args);
  va_end(args);
  // Both may fill their buffers; what does not fit is cut at the end of the sentence.
  strncat(joined, ": ", sizeof joined - strlen(joined) - 1);
  strncat(joined, err->message, sizeof joined - strlen(joined) - 1);
  memcpy(err->message, joined, sizeof joined);
  return err->code;
}

const char *status_name(status code)
{
  switch (code) {
  case STATUS_OK:
    return "ok";
  case STATUS_USAGE:
    return "usage";
  case STATUS_NOT_FOUND:
    return "not found";
  case STATUS_IO:
    return "i/o";
  case STATUS_FORMAT:
    return "format";
  case STATUS_UNSUPPORTED:
    return "unsupported";
  case STATUS_NO_MEMORY:
    return "no memory";
  case STATUS_DEVICE:
    return "device";
  case STATUS_INTERRUPTED:
    return "interrupted";
  case STATUS_INTERNAL:
    return "internal";
  }
  return "unknown";
}

int status_exit_code(status code)
{
  switch (code) {
  case STATUS_OK:
    return 0;
  case STATUS_USAGE:
    return 2;
  case STATUS_NOT_FOUND:
    return 3;
  case STATUS_IO:
    return 4;
  case STATUS_FORMAT:
    return 5;
  case STATUS_UNSUPPORTED:
    return 6;
  case STATUS_NO_MEMORY:
    return 7;
  case STATUS_DEVICE:
    return 8;
  case STATUS_INTERRUPTED:
    return 130;
  case STATUS_INTERNAL:
    return 70;
  }
  return 70;
}
