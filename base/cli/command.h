// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// A command of a program and its options: one table drives parsing, `--help` and the check that
/// the man page says the same. Main thread only.
#ifndef CONTINUO_BASE_CLI_COMMAND_H
#define CONTINUO_BASE_CLI_COMMAND_H

#include "base/log.h"
#include "base/status.h"

#include <stdbool.h>
#include <stdint.h>

typedef enum option_kind {
  OPTION_FLAG,    ///< bool, set to true
  OPTION_NOT,     ///< bool, set to false ("--no-connect")
  OPTION_STRING,  ///< const char *
  OPTION_INTEGER, ///< int64_t within [least, most]
  OPTION_NUMBER,  ///< double within [least, most]
  OPTION_CHOICE,  ///< int, index into the words of `argument` ("jack|file")
} option_kind;

typedef struct option_row {
  char letter;          ///< short form, 0 for none
  const char *name;     ///< long form, without dashes
  const char *argument; ///< shown in help; for a choice its words, separated by '|'; null: none
  const char *help;     ///< half a sentence
  option_kind kind;
  void *target;       ///< where the value goes
  double least, most; ///< of a number
  bool *given;        ///< set when the option occurs; may be null
} option_row;

/// What every command gets.
typedef struct command_context {
  const char *program; ///< "continuo live", as messages and help begin
  log_sink log;        ///< to standard error
  bool quiet;          ///< warnings and errors only
  bool verbose;        ///< everything
  bool json;           ///< one object on standard output
} command_context;

typedef struct command {
  const char *name;      ///< "live", "bench codec"
  const char *arguments; ///< after the options, for the usage line: "IN OUT.rvq|OUT.ecdc|OUT.npy"
  const char *summary;   ///< half a sentence
  status (*run)(const struct command *self, command_context *context, int argc, char **argv,
                error *err);
} command;

/// Parse argv[1..] by `rows` (ended by a null name) plus the common options --help, --quiet,
/// --verbose and, when `has_json`, --json. Moves the operands to the front of argv[1..] and gives
/// their number. Sets `*done` when help was asked for and printed. STATUS_USAGE says what is wrong.
status command_parse(const command *self, command_context *context, const option_row *rows,
                     bool has_json, int argc, char **argv, int least_operands, int most_operands,
                     int *n_operands, bool *done, error *err);

#endif
