// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// A command of `continuo` and its options: one table drives parsing, `--help` and the check that
/// the man page says the same.
#ifndef CONTINUO_UI_TUI_CLI_COMMAND_H
#define CONTINUO_UI_TUI_CLI_COMMAND_H

#include "base/log.h"
#include "base/status.h"
#include "gpu/device.h"

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
  const char *program; ///< "continuo live"
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

/// Options that mean the same in every command that computes.
typedef struct compute_options {
  int kind;            ///< index into "auto|cpu|cuda"
  int64_t n_threads;   ///< 0: one
  const char *variant; ///< CPU variant; null: best
} compute_options;

/// Rows for `compute_options`; to be listed among a command's rows.
#define COMPUTE_ROWS(options)                                                                      \
  {0,                                                                                              \
   "compute",                                                                                      \
   "auto|cpu|cuda",                                                                                \
   "where networks run (auto: a CUDA card if there is one)",                                       \
   OPTION_CHOICE,                                                                                  \
   &(options)->kind,                                                                               \
   0,                                                                                              \
   0,                                                                                              \
   NULL},                                                                                          \
      {0,                                                                                          \
       "threads",                                                                                  \
       "N",                                                                                        \
       "CPU threads that share one operator (default 1)",                                          \
       OPTION_INTEGER,                                                                             \
       &(options)->n_threads,                                                                      \
       1,                                                                                          \
       256,                                                                                        \
       NULL},                                                                                      \
  {                                                                                                \
    0, "variant", "NAME", "CPU kernels: reference, avx2 or avx512 (default: the best there is)",   \
        OPTION_STRING, &(options)->variant, 0, 0, NULL                                             \
  }

/// Open the device that the options ask for.
status compute_open(const compute_options *options, device **dev, error *err);

/// True once the user asked to stop (SIGINT, SIGTERM, SIGHUP); set by main's handler only.
bool stop_requested(void);

/// The commands, one file each.
extern const command command_live, command_encode, command_decode, command_roundtrip,
    command_import, command_info, command_bench_codec, command_bench_ops, command_list;

#endif
