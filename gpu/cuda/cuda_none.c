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
