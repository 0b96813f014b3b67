// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// What lanes find out and what is summed over them. A sum is taken in the order of the lanes of
/// all processes, always from the lanes' own numbers: who carried a lane changes no bit.
#ifndef CONTINUO_TRAIN_LANE_SUMS_H
#define CONTINUO_TRAIN_LANE_SUMS_H

#include "train/processes.h"

#include <stdint.h>

/// Losses of the generator whose gradient arrives at the decoder's output.
typedef enum lane_loss {
  LOSS_WAVE_L1,
  LOSS_WAVE_L2,
  LOSS_MEL,
  LOSS_ADVERSARIAL,
  LOSS_FEATURE,
  LOSS_COUNT
} lane_loss;

extern const char *const lane_loss_names[LOSS_COUNT]; ///< "wave_l1", ...

/// Sums over a lane's examples, divided by the whole batch's size: adding over lanes gives means.
typedef struct lane_sums {
  double losses[LOSS_COUNT];
  double commitment;
  double discriminator;          ///< loss of the discriminators, when they learn
  double score_real, score_fake; ///< what they say of audio and of the codec's, when they learn
  double norms[LOSS_COUNT];      ///< mean norm of each loss's gradient over an example
  double latent_square;          ///< mean square of the encoder's output
  double error_square;           ///< mean square of out - in
  double audio_square;           ///< mean square of in
  double snr_db;                 ///< of each example, 1e-10 added to both powers
} lane_sums;

void lane_sums_add(lane_sums *to, const lane_sums *from);
void lane_sums_scale(lane_sums *sums, double factor); ///< all but norms and scores

/// An array for each lane of all processes, in one block: lanes write where the others' will lie.
typedef struct lane_arrays {
  float *all;      ///< [n_lanes, count]
  int64_t count;   ///< floats of a lane
  int64_t n_lanes; ///< of all processes
  int64_t n_own;   ///< of one process
} lane_arrays;

/// `n_lanes` is a multiple of the number of processes. All zero. STATUS_NO_MEMORY.
status lane_arrays_init(lane_arrays *a, const processes *p, int64_t n_lanes, int64_t count,
                        error *err);
void lane_arrays_free(lane_arrays *a); ///< harmless when zeroed

float *lane_arrays_of(const lane_arrays *a, int64_t lane); ///< [count], `lane` of all processes

/// Fetch what lanes of other processes wrote. Collective.
void lane_arrays_gather(lane_arrays *a, const processes *p);

/// to[count] = the sum over lanes, or that added to it lane by lane (`more`). Gathered before.
void lane_arrays_sum(const lane_arrays *a, float *to, bool more);

#endif
