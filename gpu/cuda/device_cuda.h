// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// What the rest of gpu/ sees of the CUDA half. Two sources give these: the .cu files where the
/// toolkit is there, cuda_none.c where it is not, so nobody else asks which.
#ifndef CONTINUO_GPU_CUDA_DEVICE_CUDA_H
#define CONTINUO_GPU_CUDA_DEVICE_CUDA_H

#include "gpu/device.h"
#include "gpu/step_io.h"

/// Open the first CUDA device (CUDA_VISIBLE_DEVICES chooses). `options->f64` is refused. Errors:
/// STATUS_UNSUPPORTED (this build has no CUDA, no device or driver, f64, a card too old for
/// bf16 products), STATUS_DEVICE, STATUS_NO_MEMORY.
/// Any thread but the audio thread.
status device_open_cuda(device **dev, const device_options *options, error *err);

/// As `device_list`, the CUDA devices only; 0 without a driver.
int device_list_cuda(char (*names)[128], int capacity);

/// The CUDA half of gpu/capture.h.
typedef struct cuda_capture cuda_capture;
status cuda_capture_new(cuda_capture **c, run *r, void (*body)(run *, void *), void *user,
                        error *err);
status cuda_capture_launch(cuda_capture *c, error *err);
status cuda_capture_wait(cuda_capture *c, error *err);
void cuda_capture_free(cuda_capture *c);

/// The CUDA half of gpu/step_io.h. Open sets the pointers and io->cuda; after its failure, and
/// after close, only device_input and device_output are left to free.
status cuda_step_io_open(step_io *io, error *err);
void cuda_step_io_close(step_io *io);
void cuda_step_io_receive(step_io *io, run *r);
void cuda_step_io_send(step_io *io, run *r);
status cuda_step_io_wait(step_io *io, error *err);

#endif
