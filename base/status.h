// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// Status codes and the one error record that every fallible function fills.
#ifndef CONTINUO_BASE_STATUS_H
#define CONTINUO_BASE_STATUS_H

#include <stdarg.h>
#include <stdbool.h>

/// Outcome of a call; zero is success. `status_exit_code` gives the process exit code of each.
typedef enum status {
  STATUS_OK = 0,
  STATUS_USAGE,       ///< the caller asked for something meaningless (option, range, combination)
  STATUS_NOT_FOUND,   ///< a file, tensor, device or server is not there
  STATUS_IO,          ///< the operating system refused: permission, full disk, broken pipe
  STATUS_FORMAT,      ///< a file is not what it claims to be, or is damaged
  STATUS_UNSUPPORTED, ///< understood, but this build or device cannot do it
  STATUS_NO_MEMORY,   ///< an allocation failed
  STATUS_DEVICE,      ///< the compute device or sound server failed
  STATUS_INTERRUPTED, ///< stopped by a signal or by the user
  STATUS_INTERNAL,    ///< a defect of ours
} status;

/// What went wrong, in one sentence that names file, tensor, expected and found.
typedef struct error {
  status code;
  char message[512]; ///< UTF-8, no trailing newline, no full stop
} error;

/// Fill `err` (may be null) and return `code`. Any thread; does not allocate.
status error_set(error *err, status code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#ifdef __clang_analyzer__ // it cannot see that the function returns the code it was given
static inline status error_set_returns(status ignored, status code)
{
  (void)ignored;
  return code;
}
#define error_set(err, code, ...) error_set_returns((error_set)(err, code, __VA_ARGS__), code)
#endif

/// Put "prefix: " before the message already in `err` (may be null); returns its code.
status error_prefix(error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/// Short name of a status, as the man pages print it ("not found").
const char *status_name(status code);

/// Exit code of the process: 0 ok, 2 usage, 3 not found, 4 i/o, 5 format, 6 unsupported,
/// 7 memory, 8 device or server, 130 interrupted, 70 internal. 1 is left to the shell.
int status_exit_code(status code);

#endif
