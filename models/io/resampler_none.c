// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "models/io/resampler_converter.h"

status converter_new(converter **c, double ratio, int n_channels, error *err)
{
  (void)ratio;
  (void)n_channels;
  *c = NULL;
  return error_set(err, STATUS_UNSUPPORTED,
                   "this build has no libsamplerate, so it cannot change the sample rate");
}

void converter_free(converter *c)
{
  (void)c;
}

void converter_reset(converter *c)
{
  (void)c;
}

status converter_run(converter *c, const float *in, size_t n_in, float *out, size_t capacity,
                     size_t *consumed, size_t *produced)
{
  (void)c;
  (void)in;
  (void)n_in;
  (void)out;
  (void)capacity;
  *consumed = *produced = 0;
  return STATUS_INTERNAL;
}
