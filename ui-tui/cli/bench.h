// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// What every `continuo bench` command begins with.
#ifndef CONTINUO_UI_TUI_CLI_BENCH_H
#define CONTINUO_UI_TUI_CLI_BENCH_H

#include "base/cli/command.h"
#include "gpu/compute_options.h"

/// Read the options in `rows` (no operands, --json among them), open the device that `compute`, set
/// by them, asks for, and flush denormals in this thread, as live. `dev`, one reference, stays null
/// where there is nothing to time: at --help and on failure. STATUS_USAGE and what compute_open
/// says.
status bench_begin(const command *self, command_context *context, const option_row *rows,
                   const compute_options *compute, int argc, char **argv, device **dev, error *err);

#endif
