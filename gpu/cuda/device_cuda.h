// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// What the rest of gpu/ sees of the CUDA half. Two sources give these: the .cu files where the
/// toolkit is there, cuda_none.c where it is not, so nobody else asks which.
#ifndef CONTINUO_GPU_CUDA_DEVICE_CUDA_H
#define CONTINUO_GPU_CUDA_DEVICE_CUDA_H

#include "gpu/device.h"

/// Open the first CUDA device (CUDA_VISIBLE_DEVICES chooses). `options->f64` is refused. Errors:
/// STATUS_UNSUPPORTED (this build has no CUDA, no device or driver, f64), STATUS_DEVICE,
/// STATUS_NO_MEMORY.
/// Any thread but the audio thread.
status device_open_cuda(device **dev, const device_options *options, error *err);

/// As `device_list`, the CUDA devices only; 0 without a driver.
int device_list_cuda(char (*names)[128], int capacity);

#endif
