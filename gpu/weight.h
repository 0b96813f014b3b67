// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// A trained parameter: an f32 master in its file's layout, the compute form that the device chose
/// (type, packing), and a version that tells whether the form is still true. Loading, training,
/// tying and 16-bit or int8 storage meet only here.
#ifndef CONTINUO_GPU_WEIGHT_H
#define CONTINUO_GPU_WEIGHT_H

#include "base/status.h"
#include "gpu/tensor.h"

#include <stdbool.h>

typedef struct device device;

/// What the weight is for: decides the layout of the master and how a device packs it.
typedef enum weight_use {
  WEIGHT_VECTOR,            ///< [c] bias, scale or shift; always f32 in the compute form
  WEIGHT_LINEAR,            ///< [out, in]
  WEIGHT_CONV1D,            ///< [out, in / groups, kernel]
  WEIGHT_CONV_TRANSPOSED1D, ///< [in, out / groups, kernel]
  WEIGHT_CONV2D,            ///< [out, in / groups, kernel_h, kernel_w]
  WEIGHT_TABLE,             ///< [rows, dim] embedding, looked up by row
  WEIGHT_CODEBOOK,          ///< [entries, dim] searched and looked up; always f32
} weight_use;

#define WEIGHT_NAME_BYTES 128

typedef struct weight {
  char name[WEIGHT_NAME_BYTES];  ///< tensor name in the model file, without ".g" / ".v"
  weight_use use;                ///< fixes the layout of `master`
  int rank;                      ///< 1 to 4
  int64_t dims[TENSOR_MAX_DIMS]; ///< shape of the master; unused entries 1
  int64_t groups;                ///< of a convolution, else 1
  int64_t stride;                ///< of a convolution (along the width of a 2-D one), else 1
  int64_t dilation;              ///< likewise; packing for the sweep back needs both
  float *master;                 ///< f32 values, host memory; with norm_v: g * v / |v|, kept folded
  float *norm_g;                 ///< weight normalisation over all but dim 0: [dims[0]], or null
  float *norm_v;                 ///< direction, same shape as master, or null
  bool owns_master;              ///< master is freed with the weight (else it is a mapped file)
  dtype storage;                 ///< wanted element type of the form: f32, f16, bf16 or i8
  void *form;                    ///< the device's packed copy, in its own layout
  size_t form_bytes;             ///< size of `form`
  void *adjoint;                 ///< packed the other way, for the sweep back; null: no gradient
  size_t adjoint_bytes;          ///< size of `adjoint`
  uint64_t version;              ///< raised by whoever changes the master (or g, v)
  uint64_t form_version;         ///< version that `form` was made from; 0: never
  void *grad;  ///< dLoss/dmaster on the device, in its real type, file layout; null: not trained
  bool frozen; ///< sweeps go through it to what lies before, and leave its gradient alone
} weight;

/// Set name, use and shape; nothing is allocated. `rank` dims are read from `dims`.
void weight_init(weight *w, const char *name, weight_use use, int rank, const int64_t *dims);

int64_t weight_count(const weight *w);

/// Allocate a zeroed master (and g, v when `normalised`). STATUS_NO_MEMORY.
status weight_allocate(weight *w, bool normalised, error *err);

/// Recompute master from g and v (no-op without them): master = g * v / |v|_2 over all but dim 0.
/// Source: Salimans and Kingma 2016, eq. 2.
void weight_fold(weight *w);

/// Gradients of g [dims[0]] and v (shape of the master) from the master's, all host memory, written
/// (not added); `dv` may be `dmaster`. Needs norm_g and norm_v. A direction of length zero, which
/// folds to zero, gets zero. Sums in double. Source: Salimans and Kingma 2016, eq. 3.
void weight_norm_backward(const weight *w, const float *dmaster, float *dg, float *dv);

/// Copy the master (and g, v) of `from`, whose shape and normalisation are the same.
void weight_copy_values(weight *to, const weight *from);

/// Bring the compute form up to date on `dev`: after load and after each optimiser update. Does
/// nothing when `form_version == version`. Not from the audio thread. Errors: STATUS_NO_MEMORY,
/// STATUS_UNSUPPORTED (storage type this device has no kernel for).
status weight_refresh(device *dev, weight *w, error *err);

/// Free the master (g, v) of a weight that will only be played: its form stays.
void weight_drop_master(weight *w);

/// Free everything the weight owns; `dev` is the device that holds the form.
void weight_free(device *dev, weight *w);

#endif
