// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// A lane's discriminators and what a training step does with them: they learn to tell real audio
/// from the codec's (discriminate), and say how the codec's should change (judge). Every loss is
/// the mean over discriminators; feature matching also over their hidden layers.
///
/// One thread at a time, whose device has one thread of its own. After the first step of a size
/// nothing is allocated but from the arena given, and all of that is given back on return. The
/// order of every sum is fixed.
#ifndef CONTINUO_TRAIN_ADVERSARY_H
#define CONTINUO_TRAIN_ADVERSARY_H

#include "base/arena.h"
#include "models/discriminator.h"
#include "train/recipe.h"

#define ADVERSARY_MAX 32 ///< discriminators

typedef struct adversary adversary;

/// The discriminators that the recipe asks for, with start values drawn from its seed and weights
/// that are tracked. STATUS_USAGE: a network that cannot be, or crops shorter than a window;
/// STATUS_UNSUPPORTED: a device in double, or a build without transforms; STATUS_NO_MEMORY.
status adversary_new(adversary **a, const recipe *settings, device *dev, error *err);
void adversary_free(adversary *a); ///< null is fine

/// Their tensor tables, for optimiser, checkpoint and copies between lanes; returns how many.
int adversary_sets(adversary *a, layer_set *sets[ADVERSARY_MAX]);

/// Bring the compute forms up to date: after loading and after each update.
status adversary_refresh(adversary *a, error *err);

/// Multiply-adds of one forward of them all over [n_examples, n_samples] (train/work_count.h), for
/// who measures speed. STATUS_NO_MEMORY when the arena is full.
status adversary_work(adversary *a, arena *memory, int64_t n_examples, int64_t n_samples,
                      double *multiply_adds, error *err);

/// What a lane shows its discriminators.
typedef struct adversary_batch {
  const float *real, *fake; ///< [n_examples, n_samples], in the device's memory
  int64_t n_examples, n_samples;
  double example_weight; ///< 1 / examples of the whole step, over all lanes and processes
  bool learn;            ///< judging: discriminate as well, from the same forwards
  bool measuring;        ///< only take memory, see run.h
} adversary_batch;

/// Each is the lane's part: the lane's mean, times n_examples * example_weight. Parts add up to the
/// means over the step.
typedef struct adversary_losses {
  double discriminator;          ///< hinge on real and fake
  double adversarial, feature;   ///< the generator's
  double score_real, score_fake; ///< mean logits: discriminate
} adversary_losses;

/// The discriminators' step: d loss / d weights is added to each w->grad; losses but adversarial
/// and feature are set. STATUS_NO_MEMORY when the arena is full.
status adversary_discriminate(adversary *a, arena *memory, const adversary_batch *batch,
                              adversary_losses *losses, error *err);

/// The generator's side: d adversarial / d fake and d feature / d fake, both [n_examples,
/// n_samples] in the device's memory, and written; no w->grad is touched. Losses adversarial and
/// feature are set.
status adversary_judge(adversary *a, arena *memory, const adversary_batch *batch,
                       float *gradient_adversarial, float *gradient_feature,
                       adversary_losses *losses, error *err);

/// The same where no balancer needs them apart, in one sweep instead of two: gradient =
/// weight_adversarial * d adversarial / d fake + weight_feature * d feature / d fake.
status adversary_judge_weighted(adversary *a, arena *memory, const adversary_batch *batch,
                                double weight_adversarial, double weight_feature, float *gradient,
                                adversary_losses *losses, error *err);

#endif
