// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// Trains a codec: the step loop's body, and everything that a checkpoint must hold. Who calls
/// decides when to step, to save and to stop. One thread; the lanes run on a team of their own.
///
/// A step: lanes draw their crops, go forward and take the losses; sums over lanes decide the
/// factors of the losses; lanes sweep back; gradients are summed in the lanes' order, clipped,
/// applied; codebooks commit what the lanes tallied; all lanes get the new values. Nothing in it
/// depends on the clock, on the number of threads or on what ran before: only on recipe, data and
/// what a checkpoint holds.
///
/// On a device that can (gpu/updates.h), a step of one lane alone leaves the weights there: only
/// sums, latents and codes come to the host, and codebooks go back. Several lanes sum their
/// gradients here, and every step carries gradients and weights to and fro.
///
/// Several processes share the lanes: each carries as many, tells the others what its lanes found,
/// and makes the same update from the same sums; nothing else is ever sent. A step, a validation
/// and codec_trainer_expect_alike are then collective, and fail in all processes or in none.
#ifndef CONTINUO_TRAIN_CODEC_TRAINER_H
#define CONTINUO_TRAIN_CODEC_TRAINER_H

#include "base/log.h"
#include "gpu/cpu/team.h"
#include "train/balancer.h"
#include "train/lane.h"
#include "train/optimiser_device.h"

typedef enum trainer_phase {
  PHASE_UNQUANTISED,
  PHASE_RECONSTRUCTION,
  PHASE_ADVERSARIAL
} trainer_phase;

/// What a step gave.
typedef struct trainer_report {
  int64_t step;
  trainer_phase phase;
  lane_sums sums;       ///< means over the batch
  double total;         ///< weighted sum of the losses
  double gradient_norm; ///< before clipping
  double critics_norm;  ///< of the discriminators' gradient, when they learn
  double rate;          ///< learning rate
  int replaced;         ///< codewords
} trainer_report;

/// Means over the fixed validation crops.
typedef struct trainer_validation {
  lane_sums sums;
  double total;                      ///< weighted as the present step's losses are
  double entropy[OPS_MAX_CODEBOOKS]; ///< of each stage's use, 1: uniform
} trainer_validation;

typedef struct codec_trainer {
  recipe recipe;
  const crops *source;
  const log_sink *log;
  processes processes;
  bool (*stop)(void);
  lane **lanes;
  int n_lanes; ///< of this process; recipe.batch.micro_batches of all
  team *threads;
  optimiser *generator;
  optimiser *critics;                                ///< of the discriminators, null without
  optimiser_device *generator_there, *critics_there; ///< where values stay on the device; or null
  bool host_is_old; ///< what the optimisers hold here; codec_trainer_fetch
  balancer balance;
  codebooks *books;
  lane_sums *sums; ///< [micro_batches] of all lanes
  lane_arrays flats, critics_flats, tallies, rests, latents;
  float *tally;      ///< sum of the lanes' tallies
  int64_t step;      ///< the next one
  double best;       ///< least validation loss so far
  bool encoder_held; ///< all of it, by the recipe's names
  lane_step plan;    ///< of the step at hand
  double factors[LOSS_COUNT];
  uint64_t gather_first; ///< first example of a round that gathers latents
} codec_trainer;

typedef struct trainer_options {
  device_options device; ///< kind, variant, products; a lane's device has one thread
  int n_threads;         ///< that carry the lanes; 0: one
  const log_sink *log;   ///< may be null
  processes processes;   ///< that share the lanes; zeroed: alone
  bool (*stop)(void);    ///< asked during what takes longer than a step; null: never. Any thread
} trainer_options;

/// A trainer with an untrained network. Errors: those of lane_new; STATUS_USAGE when nothing has a
/// name that recipe.run.freeze gives, or the processes cannot share the micro-batches evenly.
status codec_trainer_new(codec_trainer **t, const recipe *wanted, const crops *source,
                         const trainer_options *options, error *err);
void codec_trainer_free(codec_trainer *t); ///< null is fine

/// Random weights, then as recipe.run.init says. STATUS_USAGE: codebooks are to stay as they are,
/// but have no values yet.
status codec_trainer_initialise(codec_trainer *t, error *err);

/// Start from a model file of the same network, codebooks included. STATUS_USAGE when it is another
/// (train/recipe_match.h); errors of seanet_load.
status codec_trainer_initialise_from(codec_trainer *t, const char *path, error *err);

int64_t codec_trainer_steps(const recipe *wanted); ///< of all phases
trainer_phase codec_trainer_phase(const recipe *wanted, int64_t step);

/// Give all lanes the leading lane's masters: after they were changed from outside.
status codec_trainer_follow(codec_trainer *t, error *err);

/// Bring the optimisers' values, moments and averages up to date where they stay on a device; what
/// saves or exports them has done so. Errors: the device's.
status codec_trainer_fetch(codec_trainer *t, error *err);

/// Whether all processes are about to take the same step from the same bits on the same data: else
/// STATUS_USAGE with a sentence. Nothing moves when alone.
status codec_trainer_expect_alike(const codec_trainer *t, error *err);

/// One step. STATUS_FORMAT with a sentence that says where when a loss or a gradient is not a
/// number: the trainer is then as before the step, save for its crops. STATUS_INTERRUPTED: asked to
/// stop while the codebooks start; the step can be taken again.
status codec_trainer_step(codec_trainer *t, trainer_report *report, error *err);

/// Forward over `n` fixed validation crops (rounded up to whole batches). Changes nothing.
status codec_trainer_validate(codec_trainer *t, int64_t n, trainer_validation *found, error *err);

/// Save everything, unless a value is not a number (STATUS_FORMAT); load into a trainer of the same
/// network. STATUS_USAGE when the file was made with another kernel variant or a recipe that it
/// cannot go on from (train/recipe_match.h); STATUS_FORMAT, STATUS_NOT_FOUND, STATUS_IO when it is
/// damaged: another may be whole.
status codec_trainer_save(const codec_trainer *t, const char *path, error *err);
status codec_trainer_load(codec_trainer *t, const char *path, error *err);

/// The playable network as a model file; `average`: with the averaged weights.
status codec_trainer_export(codec_trainer *t, const char *path, bool average, error *err);

#endif
