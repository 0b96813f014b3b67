// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// The two models that `.ecdc` knows and how their samples are cut into segments. For ecdc_reader.c
/// and ecdc_writer.c.
#ifndef CONTINUO_MODELS_IO_ECDC_LAYOUT_H
#define CONTINUO_MODELS_IO_ECDC_LAYOUT_H

#include "models/io/code_info.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define ECDC_HEAD_BYTES 9 // "ECDC", u8 version, u32 bytes of JSON
#define ECDC_CODE_BITS 10
#define ECDC_SCALE_BYTES 4
#define ECDC_MAX_SAMPLES (INT64_C(1) << 48)

/// What a file of model `name` holds, n_samples unknown; n_codebooks is the most. Null: no such
/// model.
static inline const code_info *ecdc_model(const char *name)
{
  static const code_info models[] = {
      {.rate_hz = 24000,
       .hop_samples = 320,
       .n_channels = 1,
       .n_codebooks = 32,
       .codebook_size = 1024,
       .n_samples = CODE_UNKNOWN,
       .model = "encodec_24khz"},
      {.rate_hz = 48000,
       .hop_samples = 320,
       .n_channels = 2,
       .n_codebooks = 16,
       .codebook_size = 1024,
       .n_samples = CODE_UNKNOWN,
       .model = "encodec_48khz",
       .segment_samples = 48000,
       .segment_stride_samples = 47520},
  };
  for (size_t i = 0; i < sizeof models / sizeof models[0]; ++i) {
    if (strcmp(name, models[i].model) == 0) {
      return &models[i];
    }
  }
  return NULL;
}

/// Segments of a file of `n_samples`.
static inline uint64_t ecdc_n_segments(const code_info *i, uint64_t n_samples)
{
  if (!i->segment_samples) {
    return n_samples > 0;
  }
  return n_samples ? (n_samples - 1) / i->segment_stride_samples + 1 : 0;
}

/// Steps of segment `s`, below ecdc_n_segments.
static inline uint64_t ecdc_segment_steps(const code_info *i, uint64_t n_samples, uint64_t s)
{
  uint64_t left = n_samples - s * i->segment_stride_samples;
  if (i->segment_samples && left > i->segment_samples) {
    left = i->segment_samples;
  }
  return (left + i->hop_samples - 1) / i->hop_samples;
}

#endif
