// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// What whole_encoder and whole_decoder have in common.
#ifndef CONTINUO_MODELS_WHOLE_OPTIONS_H
#define CONTINUO_MODELS_WHOLE_OPTIONS_H

#include "models/codec.h"

#include <stddef.h>

typedef struct whole_options {
  int n_used;        ///< codebooks, 1 to n_codebooks; 0: all
  codec_start start; ///< ignored by chunked codecs
  int max_steps;     ///< of one call inside; 0: a good number
} whole_options;

#endif
