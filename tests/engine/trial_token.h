// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// A token model for tests: notes every call, and draws codes that depend on the seed, the step and
/// on every code of its context, so that one too many, one too few or one changed is seen. Not
/// thread-safe: one thread plays all its states.
#ifndef CONTINUO_TESTS_ENGINE_TRIAL_TOKEN_H
#define CONTINUO_TESTS_ENGINE_TRIAL_TOKEN_H

#include "models/token_model.h"

#include <stdbool.h>
#include <stddef.h>

#define TRIAL_TOKEN_OWN 500    ///< first codes drawn are this and up
#define TRIAL_TOKEN_CALLS 8192 ///< noted; the rest is only counted
#define TRIAL_TOKEN_BLEND 0.25f

typedef struct trial_token_options {
  uint32_t n_codebooks, rewind_steps;
  bool generates;
} trial_token_options;

typedef enum trial_call_kind {
  TRIAL_OBSERVED,
  TRIAL_DREW,
  TRIAL_REWOUND,
  TRIAL_RESET,
  TRIAL_SAVED,    ///< only counted
  TRIAL_RESTORED, ///< only counted
} trial_call_kind;

typedef struct trial_call {
  trial_call_kind kind;
  int state;          ///< states are numbered as they are made, from 0
  int32_t first_code; ///< observed or drawn
  int n_steps;        ///< rewound
  token_sampling how;
} trial_call;

token_model *trial_token_new(const trial_token_options *options);

/// Says nothing from here on (all codes -1), or speaks again.
void trial_token_hush(token_model *m, bool hushed);
/// Draws come with blend codes (one more than the codes) and TRIAL_TOKEN_BLEND from here on.
void trial_token_be_blended(token_model *m);
/// Every draw from the next on fails.
void trial_token_fail(token_model *m);

size_t trial_token_n_calls(const token_model *m);
const trial_call *trial_token_call(const token_model *m, size_t i);
/// So many of that kind so far.
size_t trial_token_count(const token_model *m, trial_call_kind kind);

#endif
