// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// What encode, decode and roundtrip have in common: their options, the model, the recording.
#ifndef CONTINUO_UI_TUI_CLI_CODING_H
#define CONTINUO_UI_TUI_CLI_CODING_H

#include "base/cli/terminal.h"
#include "base/json_writer.h"
#include "models/io/audio_file.h"
#include "models/whole_decoder.h"
#include "models/whole_encoder.h"
#include "ui-tui/cli/commands.h"

#define CODING_BLOCK_SAMPLES 4096 // read from a recording at a time

typedef struct coding_options {
  compute_options compute;
  const char *model;
  int64_t n_codebooks;
  double kbps;
  bool codebooks_given, kbps_given;
  int start;   ///< index into "zero|reflect"
  int storage; ///< index into "f32|f16|bf16|int8"
} coding_options;

#define CODING_MODEL_ROW(o)                                                                        \
  {                                                                                                \
    'm', "model", "MODEL", "model file or name (default: default)", OPTION_STRING, &(o)->model, 0, \
        0, NULL                                                                                    \
  }
#define CODING_RATE_ROWS(o)                                                                        \
  {'k',                                                                                            \
   "codebooks",                                                                                    \
   "N",                                                                                            \
   "codebooks used (default: all)",                                                                \
   OPTION_INTEGER,                                                                                 \
   &(o)->n_codebooks,                                                                              \
   1,                                                                                              \
   64,                                                                                             \
   &(o)->codebooks_given},                                                                         \
  {                                                                                                \
    'b', "bitrate", "KBPS", "the same as a bitrate: as many codebooks as fit", OPTION_NUMBER,      \
        &(o)->kbps, 0.001, 10000, &(o)->kbps_given                                                 \
  }
#define CODING_START_ROWS(o)                                                                       \
  {0,                                                                                              \
   "start",                                                                                        \
   "zero|reflect",                                                                                 \
   "start from silence, or as EnCodec's original does",                                            \
   OPTION_CHOICE,                                                                                  \
   &(o)->start,                                                                                    \
   0,                                                                                              \
   0,                                                                                              \
   NULL},                                                                                          \
  {                                                                                                \
    0, "storage", "f32|f16|bf16|int8", "how weights are stored (default f32)", OPTION_CHOICE,      \
        &(o)->storage, 0, 0, NULL                                                                  \
  }

/// What a command does once options are read and the model is open.
typedef struct coding_action {
  bool encoder, decoder; ///< halves of the model that are needed
  const char *result;    ///< what goes to standard output when OUT is "-", in words
  status (*work)(const coding_options *options, const command_context *context, codec *model,
                 const char *in, const char *out, error *err);
} coding_action;

/// A whole command: parse `rows`, which fill `options`, open, work, close.
status coding_run(const command *self, command_context *context, coding_options *options,
                  const option_row *rows, int argc, char **argv, const coding_action *action,
                  error *err);

/// Codebooks that -k or -b ask for, within what the model has.
status coding_codebooks(const coding_options *options, const codec_info *info, int *n_used,
                        error *err);

/// Open the recording at the model's rate and channels, and say aloud what is converted.
status coding_open_audio(const char *path, const codec_info *info, const command_context *context,
                         audio_reader **reader, error *err);

/// Read it all into the encoder, with progress. Ends with whole_encoder_finish.
status coding_encode_all(audio_reader *reader, whole_encoder *encoder, const codec_info *info,
                         const command_context *context, uint64_t *n_samples, error *err);

/// One line, or one object with --json: what was done and how fast.
typedef struct coding_report {
  const char *in, *out, *model;
  uint32_t rate_hz;
  int n_codebooks;
  uint64_t n_samples; ///< per channel, at the model's rate
  uint64_t lost_steps;
  uint64_t nonfinite_samples, clipped_samples;
  double seconds; ///< spent
} coding_report;
void coding_print(const coding_report *report, const command_context *context);

#endif
