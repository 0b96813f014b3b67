// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// One direction of a codec's single step, captured: input and output at fixed places, a graph of
/// its own on CUDA. Used by codec_network.c. Threads: the state's.
#ifndef CONTINUO_MODELS_CODEC_STEP_H
#define CONTINUO_MODELS_CODEC_STEP_H

#include "gpu/capture.h"
#include "gpu/step_io.h"

typedef struct codec_step {
  run r;
  arena memory; ///< the graph's activations
  step_io *io;
  capture *graph;
  int n_used; ///< codebooks that it was made for
} codec_step;

/// Capture `body`, which reads io->device_input and writes io->device_output between
/// step_io_receive and step_io_send. STATUS_NO_MEMORY, STATUS_DEVICE.
status codec_step_new(codec_step **s, device *dev, size_t arena_bytes, size_t input_bytes,
                      size_t output_bytes, void (*body)(run *r, void *user), void *user,
                      error *err);
void codec_step_free(codec_step *s); ///< null is fine

/// Host memory in, host memory out, one step. STATUS_DEVICE, or the run's failure.
status codec_step_run(codec_step *s, const void *input, void *output);

#endif
