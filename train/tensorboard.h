// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// A TensorBoard event log: one file per start of a run, "events.out.tfevents.*" in the run's
/// folder. A log never stops a training: what cannot be written is dropped whole and said once.
/// Times in it are the clock's; nothing in a training depends on them. One thread at a time.
///
///   tensorboard_open(&log, folder, first_step, &sink, &err);   // log may stay null: no log
///   tensorboard_scalar(log, step, "loss/mel", mel);
///   tensorboard_close(log);
#ifndef CONTINUO_TRAIN_TENSORBOARD_H
#define CONTINUO_TRAIN_TENSORBOARD_H

#include "base/log.h"
#include "base/status.h"
#include "train/picture.h"

#include <stdint.h>

typedef struct tensorboard tensorboard;

/// Begin a file in `folder`, to be read after those that are there. Values of `first_step` and
/// above in earlier files no longer count: a resumed run says where it goes on. Troubles later go
/// to `sink` (may be null, is copied). On failure `*t` is null. STATUS_NOT_FOUND, STATUS_IO,
/// STATUS_NO_MEMORY; STATUS_UNSUPPORTED: built without protobuf-c.
status tensorboard_open(tensorboard **t, const char *folder, int64_t first_step,
                        const log_sink *sink, error *err);

/// Every function below takes a null log and does nothing. Tags are UTF-8, "group/name".
void tensorboard_scalar(tensorboard *t, int64_t step, const char *tag, double value);
void tensorboard_image(tensorboard *t, int64_t step, const char *tag, const picture *image);

/// samples[n_samples, n_channels] within -1 to 1 (beyond is clipped), stored as 16-bit WAV.
void tensorboard_audio(tensorboard *t, int64_t step, const char *tag, const float *samples,
                       int64_t n_samples, int n_channels, uint32_t rate_hz);

/// Values gather in memory, at most about a MiB of them; bring them to the file.
void tensorboard_flush(tensorboard *t);
void tensorboard_close(tensorboard *t); ///< with a flush

#endif
