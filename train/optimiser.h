// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// Adam with decoupled weight decay over the parameters of some layer sets. A weight-normalised
/// matrix is two parameters, g and v. Sources: Kingma and Ba 2015, Loshchilov and Hutter 2019.
/// Trainer's thread only; arithmetic is f32, element by element, so any split of the work gives the
/// same bits.
#ifndef CONTINUO_TRAIN_OPTIMISER_H
#define CONTINUO_TRAIN_OPTIMISER_H

#include "gpu/updates.h"
#include "models/layers.h"
#include "train/recipe.h"

#define OPTIMISER_MAX_PARAMETERS (2 * LAYERS_MAX_WEIGHTS)

/// One array of values that is trained.
typedef struct parameter {
  weight *owner; ///< its version is raised by every update
  char name[WEIGHT_NAME_BYTES + 4];
  float *values;   ///< master, g or v, host memory
  float *gradient; ///< [count], part of `gradients`: the sum over all lanes
  float *mean;     ///< [count] running mean of the gradient
  float *square;   ///< [count] running mean of its square
  float *average;  ///< [count] averaged values, null without average_decay
  int64_t count;
  bool decays; ///< weight decay applies: matrices, not biases and scales
  bool frozen; ///< left as it is
} parameter;

typedef struct optimiser {
  recipe_optimiser options;
  parameter parameters[OPTIMISER_MAX_PARAMETERS];
  int n_parameters;
  int64_t n_values;
  int64_t updates;  ///< made so far
  float *gradients; ///< [n_values] of all parameters, in their order
  float *block;     ///< all arrays, one allocation
} optimiser;

/// Parameters of `sets` (masters allocated), all moments zero. Codebooks are left out: they learn
/// by running averages. STATUS_NO_MEMORY, STATUS_UNSUPPORTED (too many).
status optimiser_new(optimiser **o, const recipe_optimiser *options, layer_set *const *sets,
                     int n_sets, error *err);
void optimiser_free(optimiser *o); ///< null is fine

/// Freeze what `pattern` (shell wildcards) matches, for good: no update touches it, and its average
/// becomes the value that it has. Returns how many parameters that were.
int optimiser_freeze(optimiser *o, const char *pattern);

/// Move the gradients that `sets` (the same layers, of one lane) hold in w->grad (f32, memory of
/// `dev`) into `flat` [n_values], through weight normalisation where there is one; w->grad is zero
/// afterwards. Errors: the device's.
status optimiser_collect(const optimiser *o, device *dev, layer_set *const *sets, int n_sets,
                         float *flat, error *err);

/// Euclidean norm of the whole gradient, summed in double in the parameters' order.
double optimiser_norm(const optimiser *o);

/// One update with learning rate `rate`; gradients times `scale` first (clipping).
void optimiser_step(optimiser *o, double rate, double scale);

/// Count one more update, and what it does to each element but for the decay: `keep` is of those
/// that decay.
adam_step optimiser_next(optimiser *o, double rate, double scale);

/// Learning rate at `step` of `n_steps`: linear warm-up, then the schedule.
double optimiser_rate(const recipe_optimiser *options, int64_t step, int64_t n_steps);

/// Copy the averages into the weights' values (or values into averages: before the first update).
void optimiser_use_average(optimiser *o);
void optimiser_reset_average(optimiser *o);

#endif
