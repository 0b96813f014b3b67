// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// What a trainer computes beside operators, on a device whose memory the host does not see: losses
/// with their gradients, and sums. device->losses has these; null on the CPU, where train/ works on
/// the same memory itself (train/wave_loss.h, mel_loss.h and adversarial_loss.h say what each is).
///
/// Each queues work on the run and returns. What it finds goes to `sums`, doubles in device memory,
/// each summed in double in an order that the sizes alone decide. Trainer's thread.
#ifndef CONTINUO_GPU_LOSSES_H
#define CONTINUO_GPU_LOSSES_H

#include "gpu/ops.h"

/// Mel bands over the bins of a transform, in device memory; train/mel_bank.h has the triangles.
typedef struct mel_rows {
  int64_t n_rows, n_bins, n_bands;
  const int32_t *first;        ///< [n_bands + 2] bins first[s] to first[s + 1]: segment s
  const int32_t *segment;      ///< [n_bins] which one a bin lies in; n_bands + 1: in none
  const float *rising;         ///< [n_bins] weight in band `segment`
  const float *falling;        ///< [n_bins] and in the band before
  bool power;                  ///< |X|^2, else |X|
  bool log_absolute;           ///< |L_x - L_t|, else its square
  bool root;                   ///< the square root of the sum of squares over bands
  bool floor_added;            ///< log(S + floor), else log(max(S, floor))
  float log_floor, log_weight; ///< 0: no logarithmic term
  float factor;                ///< of the gradient, for a row
} mel_rows;

typedef enum hinge_kind {
  HINGE_REAL, ///< max(0, 1 - logit)
  HINGE_FAKE, ///< max(0, 1 + logit)
  HINGE_NONE, ///< -logit
} hinge_kind;

typedef struct loss_ops {
  /// x, target [n, count]: sums[n, 3] of |x - t|, (x - t)^2 and t^2 over each of the n; l1 and l2
  /// [n, count], where not null, are written: factor times the gradient of the means toward x.
  void (*waves)(run *r, double *sums, const float *x, const float *target, int64_t n, int64_t count,
                float factor, float *l1, float *l2);

  /// spectra, target [n_rows, n_bins, 2]: sums[1] of the rows' losses; spectra become the gradient.
  void (*mel)(run *r, double *sums, float *spectra, const float *target, const mel_rows *rows);

  /// d_x [n, T, 1] += the adjoint of `stft` (gpu/ops.h) applied to spectra.
  void (*spectra_back)(run *r, tensor *d_x, const tensor *spectra, struct stft *plan);

  /// sums[2] of the losses and of the logits; seed [count] is written: weight / count times the
  /// loss's slope.
  void (*hinge)(run *r, double *sums, const float *logits, int64_t count, hinge_kind kind,
                double weight, float *seed);

  /// sums[2] of |fake - real| and |real|; seed [count] is written: weight / (count * unit) times
  /// the sign, unit the mean of |real| (at least `floor`) where `relative`, else 1.
  void (*feature)(run *r, double *sums, const float *fake, const float *real, int64_t count,
                  bool relative, double floor, double weight, float *seed);

  /// sums[n] of x^2 over each row of x [n, count].
  void (*squares)(run *r, double *sums, const float *x, int64_t n, int64_t count);
} loss_ops;

#endif
