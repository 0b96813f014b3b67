// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// A compute device: its memory, its operators, its way to pack weights. Counted: shared by every
/// model, session and training run of the process.
#ifndef CONTINUO_GPU_DEVICE_H
#define CONTINUO_GPU_DEVICE_H

#include "base/status.h"
#include "gpu/ops.h"

typedef struct team team; ///< the CPU device's worker threads

typedef enum compute_kind { COMPUTE_AUTO, COMPUTE_CPU, COMPUTE_CUDA } compute_kind;

/// How the products of networks are made. BF16: each operand is rounded to bf16, products are
/// summed in f32; weights, gradients, results and all else stay f32. Spectra are always in f32.
typedef enum compute_products { PRODUCTS_F32, PRODUCTS_BF16 } compute_products;

typedef struct device_options {
  compute_kind kind;   ///< AUTO: CUDA where it works, else CPU; says which through `device_name`
  int n_threads;       ///< CPU: threads that share an operator, 1 to 256; 0: 1 live default
  const char *variant; ///< CPU: "reference", "avx2", "avx512"; null: best that the processor has
  bool f64;            ///< CPU reference compiled for double: activations and weights are f64
  compute_products products; ///< BF16: CUDA only, compute capability 8.0 or later
} device_options;

/// The device's own half; a backend fills it at open.
struct device {
  compute_kind kind;                ///< CPU or CUDA, never AUTO
  char name[128];                   ///< "cpu avx512, 1 thread", the card's name, or that with
                                    ///< ", products in bf16"; whoever stores it can tell
  dtype real;                       ///< type of activations: f32, or f64 under `f64`
  ops table;                        ///< every slot filled
  team *workers;                    ///< CPU: null with one thread
  const struct loss_ops *losses;    ///< CUDA: gpu/losses.h; null: the host sees the memory
  const struct update_ops *updates; ///< CUDA: gpu/updates.h; null likewise
  void *backend;                    ///< CUDA: streams and handles; CPU: its vector kernels
  int references;                   ///< atomic count, touched by ref/unref only

  status (*pack)(device *dev, weight *w, error *err); ///< make w->form from w->master
  void *(*allocate)(device *dev, size_t bytes);       ///< 64-byte aligned, null on failure
  void (*release)(device *dev, void *data);           ///< null is fine
  status (*upload)(device *dev, void *to, const void *from, size_t bytes, error *err);
  status (*download)(device *dev, void *to, const void *from, size_t bytes, error *err);
  status (*clear)(device *dev, void *data, size_t bytes, error *err); ///< set to zero
  void (*zero)(run *r, void *data, size_t bytes); ///< the same in the order of the run's work
  status (*synchronize)(device *dev, error *err); ///< wait for all queued work
  void (*close)(device *dev);                     ///< free backend and device itself
};

/// Open a device. Errors: STATUS_UNSUPPORTED (no CUDA here, a variant that this processor
/// or card lacks), STATUS_USAGE (unknown variant, threads, bf16 on the CPU), STATUS_DEVICE,
/// STATUS_NO_MEMORY. Any thread but the audio thread.
status device_open(device **dev, const device_options *options, error *err);
device *device_ref(device *dev);
void device_unref(device *dev); ///< null is fine

/// Fill `names` with up to `capacity` lines for `continuo list devices`; returns how many exist.
int device_list(char (*names)[128], int capacity);

/// Set flush-to-zero and denormals-are-zero for the calling thread. Every thread that runs CPU
/// operators calls it first; `run` does it for the team.
void device_flush_denormals(void);

#endif
