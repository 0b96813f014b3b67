// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// Options that mean the same in every command that computes. Main thread only.
#ifndef CONTINUO_GPU_COMPUTE_OPTIONS_H
#define CONTINUO_GPU_COMPUTE_OPTIONS_H

#include "base/cli/command.h"
#include "gpu/device.h"

typedef struct compute_options {
  int kind;            ///< index into "auto|cpu|cuda"
  int64_t n_threads;   ///< 0: one
  const char *variant; ///< CPU variant; null: best
  int products;        ///< index into "f32|bf16"; 0 where a command has no PRODUCTS_ROW
} compute_options;

/// Rows for `compute_options`; to be listed among a command's rows.
#define COMPUTE_ROWS(options)                                                                      \
  {0,                                                                                              \
   "compute",                                                                                      \
   "auto|cpu|cuda",                                                                                \
   "where networks run (auto: a CUDA card if there is one)",                                       \
   OPTION_CHOICE,                                                                                  \
   &(options)->kind,                                                                               \
   0,                                                                                              \
   0,                                                                                              \
   NULL},                                                                                          \
      {0,                                                                                          \
       "threads",                                                                                  \
       "N",                                                                                        \
       "CPU threads that share one operator (default 1)",                                          \
       OPTION_INTEGER,                                                                             \
       &(options)->n_threads,                                                                      \
       1,                                                                                          \
       256,                                                                                        \
       NULL},                                                                                      \
  {                                                                                                \
    0, "variant", "NAME", "CPU kernels: reference, avx2 or avx512 (default: the best there is)",   \
        OPTION_STRING, &(options)->variant, 0, 0, NULL                                             \
  }

/// One more row, for commands that train.
#define PRODUCTS_ROW(options)                                                                      \
  {                                                                                                \
    0, "products", "f32|bf16",                                                                     \
        "on a CUDA card: what products of networks round their operands to (default f32)",         \
        OPTION_CHOICE, &(options)->products, 0, 0, NULL                                            \
  }

/// The same for `device_open`.
device_options compute_device(const compute_options *options);

/// Open the device that the options ask for; errors as `device_open`.
status compute_open(const compute_options *options, device **dev, error *err);

#endif
