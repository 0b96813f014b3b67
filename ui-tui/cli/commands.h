// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// The commands of `continuo`, one file each.
#ifndef CONTINUO_UI_TUI_CLI_COMMANDS_H
#define CONTINUO_UI_TUI_CLI_COMMANDS_H

#include "base/cli/command.h"
#include "base/cli/program.h"
#include "gpu/compute_options.h"

extern const command command_live, command_extend, command_replay, command_encode, command_decode,
    command_roundtrip, command_import, command_info, command_bench_codec, command_bench_ops,
    command_bench_oracle, command_list;
extern const command command_set, command_get, command_telemetry, command_mode, command_do,
    command_panic, command_keep, command_preset, command_learn;

#endif
