// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// Stands in for the .cu files where there is no CUDA toolkit.
#include "gpu/cuda/device_cuda.h"

status device_open_cuda(device **dev, const device_options *options, error *err)
{
  (void)options;
  *dev = NULL;
  return error_set(err, STATUS_UNSUPPORTED, "this build has no CUDA");
}

int device_list_cuda(char (*names)[128], int capacity)
{
  (void)names;
  (void)capacity;
  return 0;
}

// Without a CUDA device nobody has anything to capture or to wait for on one.

status cuda_capture_new(cuda_capture **c, run *r, void (*body)(run *, void *), void *user,
                        error *err)
{
  (void)r;
  (void)body;
  (void)user;
  *c = NULL;
  return error_set(err, STATUS_UNSUPPORTED, "this build has no CUDA");
}

status cuda_capture_launch(cuda_capture *c, error *err)
{
  (void)c;
  return error_set(err, STATUS_UNSUPPORTED, "this build has no CUDA");
}

status cuda_capture_wait(cuda_capture *c, error *err)
{
  (void)c;
  return error_set(err, STATUS_UNSUPPORTED, "this build has no CUDA");
}

void cuda_capture_free(cuda_capture *c)
{
  (void)c;
}

status cuda_step_io_open(step_io *io, error *err)
{
  (void)io;
  return error_set(err, STATUS_UNSUPPORTED, "this build has no CUDA");
}

void cuda_step_io_close(step_io *io)
{
  (void)io;
}

void cuda_step_io_receive(step_io *io, run *r)
{
  (void)io;
  run_fail(r, STATUS_UNSUPPORTED, "this build has no CUDA");
}

void cuda_step_io_send(step_io *io, run *r)
{
  (void)io;
  run_fail(r, STATUS_UNSUPPORTED, "this build has no CUDA");
}

status cuda_step_io_wait(step_io *io, error *err)
{
  (void)io;
  return error_set(err, STATUS_UNSUPPORTED, "this build has no CUDA");
}
