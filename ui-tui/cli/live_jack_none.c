// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// Stands in for live_jack.c in a build without JACK.

#include "ui-tui/cli/live.h"

status live_jack(const live_options *options, const instrument *plays, command_context *context,
                 error *err)
{
  (void)options;
  (void)plays;
  (void)context;
  return error_set(err, STATUS_UNSUPPORTED,
                   "this build has no JACK; play files with --in FILE --out FILE");
}
