// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// Input and output of a captured step. On CUDA the host's side is pinned memory that the device
/// sees: the step's first kernel fetches the input, its last writes the output and then raises a
/// number that the host waits for, so that no driver call stands between the result and its
/// reader. On the CPU both sides are the same plain memory.
///
/// One step: write `input`; capture_launch; step_io_wait; read `output`. The captured function
/// begins with step_io_receive, reads `input_tensor`, writes `output_tensor`, and ends with
/// step_io_send.
///
/// Threads: the conductor that owns the run.
#ifndef CONTINUO_GPU_STEP_IO_H
#define CONTINUO_GPU_STEP_IO_H

#include "gpu/run.h"

typedef struct step_io {
  void *input;         ///< host: written before the launch
  const void *output;  ///< host: read after step_io_wait
  void *device_input;  ///< what the operators read, 64-byte aligned
  void *device_output; ///< what the operators write, 64-byte aligned
  size_t input_bytes, output_bytes;
  device *dev;
  struct cuda_step_io *cuda; ///< null on the CPU
} step_io;

/// Memory for both directions, zeroed. STATUS_NO_MEMORY, STATUS_DEVICE. Not from the audio thread.
status step_io_new(step_io **io, device *dev, size_t input_bytes, size_t output_bytes, error *err);
void step_io_free(step_io *io); ///< null is fine; no launch may be under way

/// Queue the way in and the way out: the first and the last call of a captured function.
void step_io_receive(step_io *io, run *r);
void step_io_send(step_io *io, run *r);

/// Wait for the output of the oldest launch not yet waited for: spins 50 us, then looks again
/// every 20 us. STATUS_DEVICE when a second passes or the device has failed. Does not allocate or
/// lock.
status step_io_wait(step_io *io, error *err);

#endif
