// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// A lane: one micro-batch's way through a training step, with its own replica of the network, its
/// own memory and its own sums. Network and losses are on the lane's device; the quantiser's choice
/// is tallied on the host (codes and latents are a few hundred kilobytes), where crops come from
/// and where optimiser and codebooks are. A lane runs on one thread and touches nothing of
/// another's, so the number of threads, or of processes, that carry the lanes changes no bit of the
/// result: sums over lanes are taken in the lanes' order.
#ifndef CONTINUO_TRAIN_LANE_H
#define CONTINUO_TRAIN_LANE_H

#include "gpu/tape.h"
#include "models/seanet.h"
#include "train/adversary.h"
#include "train/codebooks.h"
#include "train/crops.h"
#include "train/lane_sums.h"
#include "train/loss_sheet.h"
#include "train/mel_loss.h"
#include "train/recipe.h"

/// What a step does, the same for all lanes.
typedef struct lane_step {
  int64_t step;
  bool validation;            ///< the fixed crops, no dropout
  bool quantised;             ///< through the codebooks
  bool adversarial;           ///< the discriminators judge
  bool discriminate;          ///< and learn
  bool encoder_frozen;        ///< nothing flows into the encoder
  double weights[LOSS_COUNT]; ///< 0: the loss is not taken
  double commitment;
} lane_step;

typedef struct lane {
  const recipe *recipe;
  const crops *source;
  int64_t index;    ///< among all lanes of all processes
  int64_t examples; ///< of a micro-batch
  int64_t samples;  ///< of all its examples
  int64_t steps;    ///< codec steps of all its examples
  device *dev;      ///< CPU: of one thread
  seanet *net;      ///< the replica, its weights tracked
  tape *encoding, *decoding;
  arena memory; ///< of one step, in the device's memory
  run r;
  tensor latents, quantised, out; ///< of the step at hand
  tensor heard;                   ///< [examples, crop, 1] the audio where the device sees it
  tensor gradients[LOSS_COUNT];   ///< likewise: dloss/dout of each loss, batch means
  loss_sheet sheet;
  mel_loss *mel;
  adversary *critics;     ///< the discriminators, null when the recipe has no use for them
  codebook_tally tally;   ///< its arrays borrowed
  float *audio;           ///< [examples, crop]
  float *latent_gradient; ///< [steps, dim] of the commitment
  float *host_latents;    ///< [steps, dim]; null where the host sees the device's memory
  float *host_quantised;  ///< likewise
  int32_t *host_codes;    ///< [steps, n_codebooks], likewise
  float *rests;           ///< [steps, n_codebooks, dim] what each stage got; borrowed
  float *flat;            ///< the generator's gradient in the optimiser's order; borrowed
  float *critics_flat;    ///< the discriminators', likewise
  lane_sums sums;
  error failure; ///< of the last call
} lane;

/// A lane with an untrained replica; who makes it places the borrowed arrays before the first step.
/// STATUS_NO_MEMORY and what device and network say.
status lane_new(lane **l, const recipe *wanted, const crops *source, int64_t index,
                const device_options *options, error *err);
void lane_free(lane *l); ///< null is fine

/// The sets that the generator's optimiser trains: encoder and decoder.
#define LANE_SETS 2
void lane_sets(lane *l, layer_set *sets[LANE_SETS]);

/// Copy all masters (codebooks and discriminators too) of `from`, whose architecture is the same.
void lane_copy_weights(lane *l, lane *from);

/// Bring the compute forms up to date. Lane's thread.
status lane_refresh(lane *l, error *err);

/// Draw the crops of `step`, go forward, take the losses and their gradients at the output; the
/// discriminators judge, and their own gradients are taken if they learn. l->failure says whether
/// it went well. Lane's thread.
void lane_forward(lane *l, const lane_step *step);

/// Sweep `factors[i]` times each loss's gradient back; the result is in l->flat. Lane's thread.
void lane_backward(lane *l, const lane_step *step, const double factors[LOSS_COUNT]);

/// What the last forward gave: [examples, crop]. Lane's thread, or any while it rests.
void lane_output(lane *l, float *audio);

/// Latents of the crops of global examples [first, first + l->examples): [steps, dim]. Forward
/// only. Lane's thread.
void lane_encode(lane *l, uint64_t first, float *latents);

#endif
