// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// What a kind of token model is to models/token_model.c: a table of functions. Each kind embeds
/// `token_model` and `token_state` as first members of its own structs. Arguments have been checked
/// against models/token_model.h before a slot is called, and a token_sampling's values lie within
/// their ranges.
#ifndef CONTINUO_MODELS_TOKEN_MODEL_INTERNAL_H
#define CONTINUO_MODELS_TOKEN_MODEL_INTERNAL_H

#include "models/token_model.h"

#include <stdatomic.h>

/// Contracts: the function of the same name in models/token_model.h. Every slot but the last
/// is required.
typedef struct token_vtable {
  void (*close)(token_model *m); ///< last reference gone: free everything and the model itself

  /// Allocate a state as after `reset`; token_model.c fills the members of token_state afterwards.
  status (*state_new)(token_state **s, token_model *m, error *err);
  void (*state_free)(token_state *s);
  void (*reset)(token_state *s);
  status (*observe)(token_state *s, const int32_t *codes);
  status (*sample)(token_state *s, const token_sampling *how, token_step *out);
  int (*rewind)(token_state *s, int n_steps); ///< 1 to rewind_steps
  size_t (*state_bytes)(const token_state *s);
  status (*save)(const token_state *s, void *snapshot);
  status (*restore)(token_state *s, const void *snapshot);
  token_position (*position)(const token_state *s);
  void (*visit_memory)(const token_state *s, token_memory_visit visit, void *user);

  status (*set_classes)(token_state *s, const float *weights); ///< null without classes
} token_vtable;

struct token_model {
  const token_vtable *table;
  token_model_info info;
  token_sampling defaults;
  atomic_int references;
};

struct token_state {
  token_model *owner; ///< referenced
};

/// Give a newly allocated model its table, one reference and defaults for any kind; `info` and
/// better defaults are the caller's to fill.
void token_model_init(token_model *m, const token_vtable *table);

#endif
