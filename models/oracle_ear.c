// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "models/oracle_ear.h"

#include <string.h>

#define LANES 8

/// Codebooks of `size` that say enough together.
static int count_enough(uint64_t size)
{
  int count = 1;
  uint64_t words = size;
  while (words <= UINT32_MAX && count < ORACLE_EAR_BOOKS) {
    words *= size;
    ++count;
  }
  return count;
}

void oracle_ear_init(oracle_ear *ear, const codec *c, uint32_t n_codebooks)
{
  memset(ear, 0, sizeof *ear);
  const int enough = count_enough(codec_get_info(c)->codebook_size);
  const int most = (int)n_codebooks < enough ? (int)n_codebooks : enough;
  while (ear->n_codebooks < most && (ear->codebooks[ear->n_codebooks] = codec_codebook(
                                         c, ear->n_codebooks, &ear->size, &ear->dim)) != NULL) {
    ++ear->n_codebooks;
  }
  const int64_t heard = (ear->dim + LANES - 1) / LANES * LANES;
  ear->n_heard = heard < ORACLE_EAR_DIM ? (int)heard : ORACLE_EAR_DIM;
}

/// Sums run in lanes, in an order that no compiler may change.
static float add_lanes(const float *sums)
{
  float sum = 0.0f;
  for (int i = 0; i < LANES; ++i) {
    sum += sums[i];
  }
  return sum;
}

void oracle_ear_hear(const oracle_ear *ear, const int32_t *codes, oracle_latent *latent)
{
  const int64_t n = ear->dim < ORACLE_EAR_DIM ? ear->dim : ORACLE_EAR_DIM;
  memset(latent->values, 0, (size_t)ear->n_heard * sizeof *latent->values);
  for (int k = 0; k < ear->n_codebooks; ++k) {
    if (codes[k] < 0 || codes[k] >= ear->size) {
      continue;
    }
    const float *row = ear->codebooks[k] + codes[k] * ear->dim;
    for (int64_t i = 0; i < n; ++i) {
      latent->values[i] += row[i];
    }
  }
  float sums[LANES] = {0};
  for (int i = 0; i < ear->n_heard; i += LANES) {
    for (int lane = 0; lane < LANES; ++lane) {
      sums[lane] += latent->values[i + lane] * latent->values[i + lane];
    }
  }
  latent->energy = add_lanes(sums);
}

float oracle_ear_difference(const oracle_ear *ear, const oracle_latent *a, const oracle_latent *b)
{
  float sums[LANES] = {0};
  for (int i = 0; i < ear->n_heard; i += LANES) {
    for (int lane = 0; lane < LANES; ++lane) {
      const float d = a->values[i + lane] - b->values[i + lane];
      sums[lane] += d * d;
    }
  }
  const float most = a->energy + b->energy;
  const float difference = most > 0.0f ? add_lanes(sums) / most : 0.0f;
  return difference < 2.0f ? difference : 2.0f;
}
