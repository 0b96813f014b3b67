// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// What plays: a codec and, if one is asked for, what goes on playing through it. Shared by `live`,
/// `extend` and `replay`.
#ifndef CONTINUO_UI_TUI_CLI_INSTRUMENT_H
#define CONTINUO_UI_TUI_CLI_INSTRUMENT_H

#include "engine/play/mosaic.h"
#include "gpu/compute_options.h"
#include "models/codec.h"
#include "models/token_model.h"
#include "ui-tui/cli/commands.h"

typedef struct instrument_options {
  compute_options compute;
  const char *model;  ///< "oracle", "none", a token model, or (as elsewhere) a codec's file
  const char *codec;  ///< file or name
  const char *corpus; ///< recording, or folder of recordings, of the mosaic effect
  int64_t n_codebooks;
  int storage; ///< index into "f16|f32|bf16|int8"
} instrument_options;

#define INSTRUMENT_ROWS(o)                                                                         \
  {'m',                                                                                            \
   "model",                                                                                        \
   "oracle|none|MODEL",                                                                            \
   "what goes on playing (default: oracle); a codec is taken as --codec",                          \
   OPTION_STRING,                                                                                  \
   &(o)->model,                                                                                    \
   0,                                                                                              \
   0,                                                                                              \
   NULL},                                                                                          \
      {0, "codec", "CODEC", "codec file or name (default: default)", OPTION_STRING, &(o)->codec,   \
       0, 0,       NULL},                                                                          \
      {'k', "codebooks", "N", "codebooks used (default: all)", OPTION_INTEGER, &(o)->n_codebooks,  \
       1,   64,          NULL},                                                                    \
  {                                                                                                \
    0, "storage", "f16|f32|bf16|int8", "how weights are stored (default f16)", OPTION_CHOICE,      \
        &(o)->storage, 0, 0, NULL                                                                  \
  }

/// Of commands whose effects can use it.
#define INSTRUMENT_CORPUS_ROW(o)                                                                   \
  {                                                                                                \
    0, "corpus", "PATH", "recording, or folder of recordings, for the mosaic effect",              \
        OPTION_STRING, &(o)->corpus, 0, 0, NULL                                                    \
  }

/// The storage of that name, or STATUS_USAGE.
status instrument_storage(instrument_options *options, const char *name, error *err);
const char *instrument_storage_name(const instrument_options *options);

/// What a record calls the model that plays: "oracle" or "none".
struct instrument;
const char *instrument_model_name(const struct instrument *plays);

typedef struct instrument {
  device *dev;
  codec *codec;
  token_model *player; ///< null: nothing goes on playing
  mosaic *corpus;      ///< null: none
  char codec_path[4096];
} instrument;

/// STATUS_NOT_FOUND, STATUS_UNSUPPORTED (the codec works on whole files only), and the errors of
/// codec_open and oracle_new; nothing is kept then.
status instrument_open(instrument *made, const instrument_options *options,
                       const command_context *context, error *err);
void instrument_close(instrument *made); ///< a zeroed one is fine

#endif
