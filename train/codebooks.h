// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// How codebooks learn: a k-means start, then running averages of the vectors that chose each
/// codeword, with Laplace smoothing; codewords that hardly anything chooses are replaced by recent
/// vectors. Sources: van den Oord et al. 2017, appendix A; Zeghidour et al. 2021, section III-B;
/// Defossez et al. 2024 (Mimi: dead codes relative to uniform use). Nothing changes while lanes
/// run: they tally, and the trainer commits the sum after the step.
#ifndef CONTINUO_TRAIN_CODEBOOKS_H
#define CONTINUO_TRAIN_CODEBOOKS_H

#include "gpu/device.h"
#include "models/rvq.h"
#include "train/recipe.h"

#define CODEBOOKS_RECENT 1024
#define CODEBOOKS_MAX_DIM 4096 ///< seanet_config_check allows no more

/// What one lane saw in one step.
typedef struct codebook_tally {
  float *use;    ///< [n_codebooks, size] vectors that chose each codeword
  float *sum;    ///< [n_codebooks, size, dim] their sum; follows `use` in one block
  int64_t count; ///< floats in the block
} codebook_tally;

typedef struct codebooks {
  recipe_quantiser options;
  rvq *quantiser;               ///< of the leading lane: masters are the codewords
  bool (*stop)(void);           ///< asked during the start, null: never
  bool started;                 ///< k-means has been done
  bool frozen;                  ///< never change again
  bool held[OPS_MAX_CODEBOOKS]; ///< these never change at all
  float *use;                   ///< [n_codebooks, size] running averages, per step
  float *sum;                   ///< [n_codebooks, size, dim]; follows `use` in one block
  int64_t count;                ///< floats in that block
  float *recent;    ///< [CODEBOOKS_RECENT, n_codebooks, dim] ring of what each stage got lately
  int64_t n_recent; ///< ever put there
} codebooks;

/// STATUS_NO_MEMORY.
status codebooks_new(codebooks **c, const recipe_quantiser *options, rvq *quantiser, error *err);
void codebooks_free(codebooks *c); ///< null is fine

status codebook_tally_init(codebook_tally *t, const rvq *quantiser, error *err);
void codebook_tally_free(codebook_tally *t);

/// A tally in somebody else's `block` of codebooks.count floats; not to be freed.
void codebook_tally_place(codebook_tally *t, const rvq *quantiser, float *block);

/// One example on its way through the stages.
typedef struct codebook_example {
  const float *latents; ///< [steps, dim]
  const int32_t *codes; ///< [steps, n_codebooks], as rvq_encode found them
  int64_t steps;
  int n_used;       ///< stages that the decoder hears; all are tallied
  double weight;    ///< of the commitment loss
  float *quantised; ///< out [steps, dim]: the sum of the first n_used codewords
  float *rests;     ///< out [steps, n_codebooks, dim]: what each stage got; null: not wanted
  float *gradient;  ///< [steps, dim]: weight * dcommitment/dlatents is added; null: not wanted
} codebook_example;

/// Take `e` through the stages and add it to `t` (the lane's; null: nothing is tallied). Returns
/// the commitment loss: the mean square of what each used stage leaves over, their mean or their
/// sum. Codewords count as constants and the residual passes detached from stage to stage, so that
/// each stage draws the latents itself; not detached (as first published) only the first does.
double codebooks_quantise(const rvq *q, const recipe_quantiser *options, codebook_tally *t,
                          const codebook_example *e);

/// K-means, stage by stage, over `vectors` [n, dim] (overwritten by what is left over at the end).
/// `vectors_per_step`: how many a training step brings, which scales the averages. `seed` draws the
/// first codewords. STATUS_USAGE (fewer vectors than codewords), STATUS_NO_MEMORY,
/// STATUS_INTERRUPTED: asked to stop, not started, to be begun again from the first vector.
status codebooks_start(codebooks *c, device *dev, float *vectors, int64_t n,
                       double vectors_per_step, uint64_t seed, error *err);

/// Hold the codebooks whose names `pattern` (shell wildcards) matches; returns how many these are.
int codebooks_hold(codebooks *c, const char *pattern);

/// Averages for codewords that came from elsewhere, as if each were chosen equally often.
void codebooks_assume_uniform(codebooks *c, double vectors_per_step);

/// Remember what the stages got in a step [n, n_codebooks, dim], in global order.
void codebooks_remember(codebooks *c, const float *rests, int64_t n);

/// After the step: `total` [count] is the sum of all lanes' tallies. Returns how many codewords
/// were replaced.
int codebooks_commit(codebooks *c, const float *total, int64_t step, uint64_t seed);

#endif
