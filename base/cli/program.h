// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// The outside of a command-line program: finds the command, runs it, turns its status into an exit
/// code and one sentence. Holds the process's signal state, so only programs link it.
#ifndef CONTINUO_BASE_CLI_PROGRAM_H
#define CONTINUO_BASE_CLI_PROGRAM_H

#include "base/cli/command.h"

#include <stdbool.h>

typedef struct program {
  const char *name;    ///< "continuo"
  const char *version; ///< "0.1.0"
  const char *purpose; ///< a sentence for the usage text
  const command *const *commands;
  int n_commands;
} program;

/// Run the command that `argv` names, or --help or --version. Returns the process's exit code.
/// Watches SIGINT, SIGTERM and, but for nohup, SIGHUP while a command runs; ignores SIGPIPE and
/// SIGXFSZ. Main thread, once.
int program_run(const program *self, int argc, char **argv);

/// True once the user asked to stop (SIGINT, SIGTERM, SIGHUP). Asked a third time, the process dies
/// of the signal. Any thread.
bool stop_requested(void);

#endif
