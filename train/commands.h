// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// The commands of `continuo-train`, one file each.
#ifndef CONTINUO_TRAIN_COMMANDS_H
#define CONTINUO_TRAIN_COMMANDS_H

#include "base/cli/command.h"
#include "base/cli/program.h"

// One line per command keeps parallel additions apart.
extern const command command_bench_codec;
extern const command command_codec;
extern const command command_eval_audio;
extern const command command_eval_codec;
extern const command command_export;
extern const command command_prepare_audio;

#endif
