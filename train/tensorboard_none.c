// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// Stands in for tensorboard.c where protobuf-c is missing.

#include "train/tensorboard.h"

status tensorboard_open(tensorboard **t, const char *folder, int64_t first_step,
                        const log_sink *sink, error *err)
{
  (void)first_step;
  (void)sink;
  *t = NULL;
  return error_set(err, STATUS_UNSUPPORTED,
                   "%s: this build writes no TensorBoard log (protobuf-c is missing)", folder);
}

void tensorboard_scalar(tensorboard *t, int64_t step, const char *tag, double value)
{
  (void)t;
  (void)step;
  (void)tag;
  (void)value;
}

void tensorboard_image(tensorboard *t, int64_t step, const char *tag, const picture *image)
{
  (void)t;
  (void)step;
  (void)tag;
  (void)image;
}

void tensorboard_audio(tensorboard *t, int64_t step, const char *tag, const float *samples,
                       int64_t n_samples, int n_channels, uint32_t rate_hz)
{
  (void)t;
  (void)step;
  (void)tag;
  (void)samples;
  (void)n_samples;
  (void)n_channels;
  (void)rate_hz;
}

void tensorboard_flush(tensorboard *t)
{
  (void)t;
}

void tensorboard_close(tensorboard *t)
{
  (void)t;
}
