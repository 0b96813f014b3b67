// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// The line protocol of the control socket: one request a line, words separated by blanks. Pure: it
/// only reads. Any thread.
///
///     set KEY VALUE [KEY VALUE ...]   all at one stamp
///     get [KEY]                       answered by lines "KEY VALUE" and a line "."
///     mode NAME                       = set mode NAME
///     do ACTION                       continue, again, mark ... (control_action_name)
///     panic                           = do panic
///     keep [FOLDER]                   the rest of the line, blanks included
///     preset NAME                     the same
///     learn [KEY]                     none: no more
///     telemetry                       answered as get is
///
/// What has no lines of its own is answered by "ok", or "error SENTENCE".
#ifndef CONTINUO_ENGINE_CONTROL_CONTROL_TEXT_H
#define CONTINUO_ENGINE_CONTROL_CONTROL_TEXT_H

#include "base/status.h"
#include "engine/control/control_sink.h"

#include <stddef.h>

#define CONTROL_LINE_BYTES 1024 ///< of a request, its end included
#define CONTROL_VALUE_BYTES 128 ///< room for any "KEY VALUE"

typedef enum text_verb {
  TEXT_SEND,      ///< `controls`
  TEXT_GET,       ///< parameter `id`; -1: all
  TEXT_KEEP,      ///< `argument`; "": the usual folder
  TEXT_PRESET,    ///< `argument`
  TEXT_LEARN,     ///< parameter `id`; -1: no more
  TEXT_TELEMETRY, ///< all figures
} text_verb;

typedef struct text_request {
  text_verb verb;
  control controls[CONTROL_BATCH_MAX]; ///< without stamps
  size_t n_controls;
  int id;
  char argument[CONTROL_LINE_BYTES]; ///< UTF-8 without control characters
} text_request;

/// Read one line of `n_bytes`, its newline left out. STATUS_USAGE says what is wrong; then `r` is
/// unspecified.
status control_text_parse(const char *line, size_t n_bytes, text_request *r, error *err);

/// "KEY VALUE", as control_text_parse reads it after "set"; returns `text`.
const char *control_text_value(int id, double value, char text[CONTROL_VALUE_BYTES]);

#endif
