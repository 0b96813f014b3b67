// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "models/oracle_classes.h"

#include <float.h>
#include <stdlib.h>
#include <string.h>

#define ROUNDS 12

typedef struct clusters {
  const float *codewords;
  int64_t size, dim;
  uint32_t count;
  float *centres;   ///< [count, dim]
  float *distances; ///< [size] squared, to the nearest centre
  uint32_t *members;
} clusters;

static float distance(const float *a, const float *b, int64_t dim)
{
  float sum = 0.0f;
  for (int64_t i = 0; i < dim; ++i) {
    sum += (a[i] - b[i]) * (a[i] - b[i]);
  }
  return sum;
}

static const float *codeword(const clusters *c, int64_t i)
{
  return c->codewords + i * c->dim;
}

/// Centres: the codeword next to the origin, then always the one farthest from all so far.
static void start_centres(clusters *c)
{
  int64_t chosen = 0;
  float least = FLT_MAX;
  for (int64_t i = 0; i < c->size; ++i) {
    float norm = 0.0f;
    for (int64_t d = 0; d < c->dim; ++d) {
      norm += codeword(c, i)[d] * codeword(c, i)[d];
    }
    c->distances[i] = FLT_MAX;
    if (norm < least) {
      least = norm;
      chosen = i;
    }
  }
  for (uint32_t k = 0; k < c->count; ++k) {
    memcpy(c->centres + (int64_t)k * c->dim, codeword(c, chosen), (size_t)c->dim * sizeof(float));
    float most = -1.0f;
    const float *centre = c->centres + (int64_t)k * c->dim;
    for (int64_t i = 0; i < c->size; ++i) {
      const float d = distance(codeword(c, i), centre, c->dim);
      c->distances[i] = d < c->distances[i] ? d : c->distances[i];
      if (c->distances[i] > most) {
        most = c->distances[i];
        chosen = i;
      }
    }
  }
}

static void assign(const clusters *c, uint16_t *classes)
{
  for (int64_t i = 0; i < c->size; ++i) {
    float least = FLT_MAX;
    for (uint32_t k = 0; k < c->count; ++k) {
      const float d = distance(codeword(c, i), c->centres + (int64_t)k * c->dim, c->dim);
      if (d < least) {
        least = d;
        classes[i] = (uint16_t)k;
      }
    }
  }
}

/// A centre that nothing is nearest to stays where it is.
static void move_centres(clusters *c, const uint16_t *classes)
{
  memset(c->members, 0, c->count * sizeof *c->members);
  for (int64_t i = 0; i < c->size; ++i) {
    float *centre = c->centres + (int64_t)classes[i] * c->dim;
    const float share = 1.0f / (float)++c->members[classes[i]]; // a running mean
    for (int64_t d = 0; d < c->dim; ++d) {
      const float before = share == 1.0f ? 0.0f : centre[d];
      centre[d] = before + (codeword(c, i)[d] - before) * share;
    }
  }
}

status oracle_classes_make(uint16_t *classes, const float *codewords, int64_t size, int64_t dim,
                           uint32_t n_classes, error *err)
{
  clusters c = {.codewords = codewords, .size = size, .dim = dim};
  c.count = (int64_t)n_classes < size ? n_classes : (uint32_t)size;
  c.centres = malloc((size_t)c.count * (size_t)dim * sizeof *c.centres);
  c.distances = malloc((size_t)size * sizeof *c.distances);
  c.members = malloc(c.count * sizeof *c.members);
  const bool room = c.centres && c.distances && c.members;
  if (room) {
    start_centres(&c);
    assign(&c, classes);
    for (int round = 0; round < ROUNDS; ++round) {
      move_centres(&c, classes);
      assign(&c, classes);
    }
  }
  free(c.centres);
  free(c.distances);
  free(c.members);
  return room ? STATUS_OK : error_set(err, STATUS_NO_MEMORY, "no memory for an oracle's classes");
}
