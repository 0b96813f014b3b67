// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "gpu/step_io.h"

#include "gpu/cuda/device_cuda.h"

#include <stdlib.h>

// Plain memory, the same on both sides.
static status open_plain(step_io *io, error *err)
{
  io->input = io->device_input = io->dev->allocate(io->dev, io->input_bytes);
  io->device_output = io->dev->allocate(io->dev, io->output_bytes);
  io->output = io->device_output;
  if (!io->input || !io->output) {
    return error_set(err, STATUS_NO_MEMORY, "no memory for a step of %zu bytes in and %zu out",
                     io->input_bytes, io->output_bytes);
  }
  const status code = io->dev->clear(io->dev, io->device_input, io->input_bytes, err);
  return code ? code : io->dev->clear(io->dev, io->device_output, io->output_bytes, err);
}

status step_io_new(step_io **out, device *dev, size_t input_bytes, size_t output_bytes, error *err)
{
  *out = NULL;
  step_io *io = calloc(1, sizeof *io);
  if (!io) {
    return error_set(err, STATUS_NO_MEMORY, "no memory for a step's input and output");
  }
  *io = (step_io){.dev = dev, .input_bytes = input_bytes, .output_bytes = output_bytes};
  const status code = dev->kind == COMPUTE_CUDA ? cuda_step_io_open(io, err) : open_plain(io, err);
  if (code != STATUS_OK) {
    step_io_free(io);
    return code;
  }
  *out = io;
  return STATUS_OK;
}

void step_io_free(step_io *io)
{
  if (!io) {
    return;
  }
  if (io->cuda) {
    cuda_step_io_close(io);
  }
  io->dev->release(io->dev, io->device_input);
  io->dev->release(io->dev, io->device_output);
  free(io);
}

void step_io_receive(step_io *io, run *r)
{
  if (io->cuda) {
    cuda_step_io_receive(io, r);
  }
}

void step_io_send(step_io *io, run *r)
{
  if (io->cuda) {
    cuda_step_io_send(io, r);
  }
}

status step_io_wait(step_io *io, error *err)
{
  return io->cuda ? cuda_step_io_wait(io, err) : STATUS_OK;
}
