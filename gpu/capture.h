// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// A sequence of operators recorded once and launched many times: one graph launch on CUDA, the
/// same function called again on the CPU. Everything that changes from step to step must lie in
/// device memory at addresses that stay (input, output, histories, stream_control); the function
/// may not upload, download, wait, or branch on device data.
///
/// Threads: as the run. Launching neither allocates, locks nor logs on the CPU; on CUDA it makes
/// one driver call.
#ifndef CONTINUO_GPU_CAPTURE_H
#define CONTINUO_GPU_CAPTURE_H

#include "gpu/run.h"

typedef struct capture capture;

/// Record what `body(r, user)` queues; nothing is computed yet, so no state moves. Whatever the
/// arena holds above its present mark belongs to the capture from now on. `r` and `user` must
/// outlive it. Errors: the run's failure, STATUS_DEVICE, STATUS_NO_MEMORY. Not from the audio
/// thread.
status capture_new(capture **c, run *r, void (*body)(run *, void *), void *user, error *err);

/// Do it once more: on the CPU it is done on return, on CUDA it is queued (step_io_wait waits).
/// What was queued on the device elsewhere is not waited for. STATUS_DEVICE, or the run's failure.
status capture_launch(capture *c, error *err);

/// Wait for the last launch.
status capture_wait(capture *c, error *err);

void capture_free(capture *c); ///< null is fine; waits for the last launch

#endif
