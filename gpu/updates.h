// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// What an optimiser does with weights that stay on a device between steps. device->updates has
/// these; null on the CPU, where train/optimiser.h does it in the weights' own masters.
///
/// `values` of a weight are, in device memory, its g [dims[0]] and then its v (the shape of the
/// master) where it is normalised (norm_v is there), else its master. Each queues work on the run
/// and returns. Trainer's thread.
#ifndef CONTINUO_GPU_UPDATES_H
#define CONTINUO_GPU_UPDATES_H

#include "gpu/ops.h"

/// One update of Adam with decoupled weight decay, the same for every element. With g the gradient
/// times `scale`: mean = beta1 mean + (1 - beta1) g; square = beta2 square + (1 - beta2) g^2;
/// value = keep value - rate mean / (sqrt(square correct2) + epsilon); and, where there is one,
/// average = average_decay average + (1 - average_decay) value.
/// Sources: Kingma and Ba 2015, Loshchilov and Hutter 2019.
typedef struct adam_step {
  float beta1, beta2;
  float rate; ///< over 1 - beta1^n
  float epsilon, keep, scale;
  float correct2; ///< 1 / (1 - beta2^n)
  float average_decay;
} adam_step;

typedef struct update_ops {
  /// to, laid out as `values`: the gradient w->grad, through weight normalisation where there is
  /// one (weight_norm_backward); w->grad becomes zero.
  void (*collect)(run *r, float *to, const float *values, const weight *w);

  /// All arrays [count]; average may be null.
  void (*adam)(run *r, float *values, const float *gradient, float *mean, float *square,
               float *average, int64_t count, const adam_step *step);

  /// w->form (made before by weight_refresh, in f32) from the values, and w->form_version: now it
  /// is of this version, though the host's master is not. STATUS_UNSUPPORTED: another storage, a
  /// codebook.
  void (*refresh)(run *r, weight *w, const float *values);
} update_ops;

#endif
