// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "gpu/device.h"

#include "gpu/cpu/device_cpu.h"
#include "gpu/cuda/device_cuda.h"

#include <stdio.h>

status device_open(device **dev, const device_options *options, error *err)
{
  *dev = NULL;
  switch (options->kind) {
  case COMPUTE_CPU:
    return device_open_cpu(dev, options, err);
  case COMPUTE_CUDA:
    return device_open_cuda(dev, options, err);
  case COMPUTE_AUTO:
    break;
  }
  if (!options->variant && !options->f64 && device_open_cuda(dev, options, NULL) == STATUS_OK) {
    return STATUS_OK;
  }
  return device_open_cpu(dev, options, err);
}

device *device_ref(device *dev)
{
  __atomic_add_fetch(&dev->references, 1, __ATOMIC_RELAXED);
  return dev;
}

void device_unref(device *dev)
{
  if (dev && __atomic_sub_fetch(&dev->references, 1, __ATOMIC_ACQ_REL) == 0) {
    dev->close(dev);
  }
}

int device_list(char (*names)[128], int capacity)
{
  int count = device_list_cpu(names, capacity);
  char(*rest)[128] = count < capacity ? names + count : NULL;
  count += device_list_cuda(rest, rest ? capacity - count : 0);
  return count;
}
