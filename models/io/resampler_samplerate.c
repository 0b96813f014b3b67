// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "models/io/resampler_converter.h"

#include <samplerate.h>
#include <stdlib.h>

// libsamplerate counts a call's samples in int.
#define CALL_SAMPLES 65536

struct converter {
  SRC_STATE *state;
  double ratio;
};

status converter_new(converter **c, double ratio, int n_channels, error *err)
{
  *c = NULL;
  converter *made = calloc(1, sizeof *made);
  if (!made) {
    return error_set(err, STATUS_NO_MEMORY, "no memory for a sample-rate converter");
  }
  int code = 0;
  made->ratio = ratio;
  made->state = src_new(SRC_SINC_MEDIUM_QUALITY, n_channels, &code);
  if (!made->state) {
    free(made);
    return error_set(err, STATUS_NO_MEMORY, "cannot make a sample-rate converter: %s",
                     src_strerror(code));
  }
  *c = made;
  return STATUS_OK;
}

void converter_free(converter *c)
{
  if (c) {
    src_delete(c->state);
    free(c);
  }
}

void converter_reset(converter *c)
{
  src_reset(c->state);
}

status converter_run(converter *c, const float *in, size_t n_in, float *out, size_t capacity,
                     size_t *consumed, size_t *produced)
{
  static const float nothing = 0.0f; // libsamplerate refuses null even for no input
  SRC_DATA data = {
      .data_in = n_in ? in : &nothing,
      .input_frames = (long)(n_in < CALL_SAMPLES ? n_in : CALL_SAMPLES),
      .data_out = out,
      .output_frames = (long)(capacity < CALL_SAMPLES ? capacity : CALL_SAMPLES),
      .src_ratio = c->ratio,
  };
  const int code = src_process(c->state, &data);
  *consumed = (size_t)data.input_frames_used;
  *produced = (size_t)data.output_frames_gen;
  return code ? STATUS_INTERNAL : STATUS_OK;
}
