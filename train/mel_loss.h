// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// Multi-scale mel reconstruction loss between two waves x and t, with its gradient toward x.
/// For every window of w samples (periodic Hann, hop w / 4, edges mirrored, transform of
/// max(w, least_fft) samples), P = power or magnitude of the transform, S = mel bands of P
/// (train/mel_bank.h), L = log(S + floor) or log(max(S, floor)), natural, and
/// alpha = log_weight, times sqrt(w / 2) where `log_by_window`:
///
///   MEL_MEAN  mean over windows, rows and bands of |S_x - S_t| + alpha (L_x - L_t)^2
///             after EnCodec (Defossez et al. 2022, 3.4), whose linear term is L1 and whose
///             logarithmic term is squared in its public code; with `log_absolute`
///             alpha |L_x - L_t| instead, which single quiet bands cannot rule (Kumar et al. 2023)
///   MEL_SUM   sum over windows, mean over rows of
///             |S_x - S_t|_1 + alpha |L_x - L_t|_2, both norms over the bands
///             after SoundStream (Zeghidour et al. 2021, eq. 4 and 5)
///
/// Magnitude is sqrt(re^2 + im^2 + 1e-16), so that its derivative exists in silence. Where a
/// difference is 0 the norms' derivative is taken as 0.
#ifndef CONTINUO_TRAIN_MEL_LOSS_H
#define CONTINUO_TRAIN_MEL_LOSS_H

#include "gpu/run.h"
#include "train/recipe.h"

typedef struct mel_loss_config {
  int64_t windows[RECIPE_MAX_WINDOWS]; ///< samples, each a multiple of 4
  int n_windows;
  int64_t n_bands;             ///< per window; fewer where some would be empty
  int64_t least_fft;           ///< transform length at least this; 0: the window's
  double rate_hz;              ///< of the waves
  bool power;                  ///< |X|^2, else |X|
  bool normalised;             ///< windows of unit energy (EnCodec), else Hann as it is
  double log_weight;           ///< alpha; 0: no logarithmic term
  bool log_absolute;           ///< MEL_MEAN: |difference|, else its square
  bool log_by_window;          ///< times sqrt(window / 2)
  double log_floor;            ///< > 0
  recipe_log_floor floor_kind; ///< added, or the least value
  recipe_mel_norm norm;
} mel_loss_config;

typedef struct mel_loss mel_loss;

/// What a recipe asks for; MEL_MEAN goes with normalised windows, MEL_SUM with plain ones, each as
/// published.
void mel_loss_configure(mel_loss_config *config, const recipe_loss *from, double rate_hz);

/// For examples of n_samples. All memory is taken here. STATUS_USAGE: a window that cannot be, or
/// too few samples for it (half of the longest transform, and one more); STATUS_UNSUPPORTED: built
/// without KissFFT; STATUS_NO_MEMORY.
status mel_loss_new(mel_loss **out, const mel_loss_config *config, int64_t n_samples, error *err);
void mel_loss_free(mel_loss *l); ///< null is fine

/// The loss over one example x[n_samples] against target[n_samples]; adds factor * d loss / d x to
/// gradient[n_samples] where that is not null. Deterministic; one thread at a time for each object.
double mel_loss_apply(mel_loss *l, const float *x, const float *target, float factor,
                      float *gradient);

/// The same on a device that has losses (gpu/losses.h), over all examples at once. First, once: its
/// tables go to the device's memory; they are freed with the loss. STATUS_NO_MEMORY, STATUS_DEVICE.
status mel_loss_place(mel_loss *l, device *dev, error *err);

/// Numbers that a queued loss leaves in device memory: what mel_loss_total takes, fetched.
int mel_loss_sums(const mel_loss *l);

/// x, target, gradient [n, n_samples, 1] in device memory. Loss and gradient as above, summed over
/// the n; sums [mel_loss_sums]. Scratch of the run's arena is given back.
void mel_loss_queue(mel_loss *l, run *r, double *sums, const tensor *x, const tensor *target,
                    float factor, tensor *gradient);
double mel_loss_total(const mel_loss *l, const double *sums);

#endif
