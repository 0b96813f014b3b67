// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// A run: one forward (and, in training, backward) sweep in progress. It carries the device, the
/// arena that activations come from, the device's stream, the tape, and one sticky status: after
/// the first failure every later operator is a no-op, so a forward reads without error branches.
#ifndef CONTINUO_GPU_RUN_H
#define CONTINUO_GPU_RUN_H

#include "base/arena.h"
#include "gpu/device.h"

typedef struct tape tape;

struct run {
  device *dev;
  arena *memory;           ///< device memory for activations and scratch
  void *stream;            ///< CUDA stream; null on the CPU
  tape *record;            ///< null unless training
  stream_control *control; ///< null for whole sequences
  bool measuring;          ///< CUDA: queue nothing, only take memory; the arena's peak is wanted
  error failure;           ///< code STATUS_OK until something fails
};

/// Start a run on `dev` with `memory`; control and tape null.
void run_init(run *r, device *dev, arena *memory);

/// A tensor from the run's arena, not cleared; data is null once the run has failed.
tensor run_tensor(run *r, dtype type, int rank, int64_t d0, int64_t d1, int64_t d2, int64_t d3);

/// Scratch of `bytes` from the arena; null once the run has failed.
void *run_scratch(run *r, size_t bytes);

/// Copy to or from device memory behind all queued work, and wait; nothing once the run has failed,
/// or where it only measures.
void run_upload(run *r, void *to, const void *from, size_t bytes);
void run_download(run *r, void *to, const void *from, size_t bytes);

/// Note the first failure; later ones are ignored.
void run_fail(run *r, status code, const char *format, ...) __attribute__((format(printf, 3, 4)));

static inline bool run_ok(const run *r)
{
  return r->failure.code == STATUS_OK;
}

#endif
