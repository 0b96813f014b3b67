// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// continuo-train: the program that makes what continuo plays.

#include "train/commands.h"

#ifndef CONTINUO_VERSION
#define CONTINUO_VERSION "unknown"
#endif

static const command *const commands[] = {
    &command_bench_codec, &command_codec,  &command_eval_audio,
    &command_eval_codec,  &command_export, &command_prepare_audio,
};

int main(int argc, char **argv)
{
  const program self = {
      .name = "continuo-train",
      .version = CONTINUO_VERSION,
      .purpose = "Trains the networks that continuo plays",
      .commands = commands,
      .n_commands = (int)(sizeof commands / sizeof *commands),
  };
  return program_run(&self, argc, argv);
}
