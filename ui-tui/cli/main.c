// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// continuo: the program that plays and converts.

#include "ui-tui/cli/commands.h"

#ifndef CONTINUO_VERSION
#define CONTINUO_VERSION "unknown"
#endif

static const command *const commands[] = {
    &command_live,        &command_extend,    &command_replay,       &command_encode,
    &command_decode,      &command_roundtrip, &command_import,       &command_info,
    &command_bench_codec, &command_bench_ops, &command_bench_oracle, &command_list,
    &command_set,         &command_get,       &command_telemetry,    &command_mode,
    &command_do,          &command_panic,     &command_keep,         &command_preset,
    &command_learn,
};

int main(int argc, char **argv)
{
  const program self = {
      .name = "continuo",
      .version = CONTINUO_VERSION,
      .purpose = "Neural audio played live: a streaming codec in a JACK graph",
      .commands = commands,
      .n_commands = (int)(sizeof commands / sizeof *commands),
  };
  return program_run(&self, argc, argv);
}
