// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "engine/play/mosaic.h"

#include "engine/play/mosaic_index.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct mosaic {
  int n_codebooks;
  size_t n_steps;
  int32_t *codes; // [n_steps, n_codebooks], recording after recording
  bool *ends;     // [n_steps] the last of its recording
  mosaic_space space;
  mosaic_index indices[MOSAIC_MAX_COMPARED]; // by 1, 2, 3 codebooks
  int n_indices;
  atomic_int references;
};

static status check(const mosaic_recording *recordings, size_t n_recordings, int n_codebooks,
                    const mosaic_codebooks *books, size_t *n_steps, error *err)
{
  *n_steps = 0;
  for (size_t i = 0; i < n_recordings; ++i) {
    if (recordings[i].n_steps > MOSAIC_MAX_STEPS - *n_steps) {
      return error_set(err, STATUS_USAGE, "a mosaic holds at most %d steps", MOSAIC_MAX_STEPS);
    }
    *n_steps += recordings[i].n_steps;
  }
  if (*n_steps == 0) {
    return error_set(err, STATUS_USAGE, "a mosaic of no steps");
  }
  if (n_codebooks < 1 || books->n < 1 || books->n > MOSAIC_MAX_COMPARED) {
    return error_set(err, STATUS_USAGE, "a mosaic compares 1 to %d codebooks, not %d of %d",
                     MOSAIC_MAX_COMPARED, books->n, n_codebooks);
  }
  if (books->size < 1 || books->size > MOSAIC_MAX_CODEBOOK_SIZE || books->dim < 1 ||
      books->dim > MOSAIC_MAX_DIM) {
    return error_set(
        err, STATUS_USAGE, "a mosaic compares codebooks of up to %d by %d, not %lld by %lld",
        MOSAIC_MAX_CODEBOOK_SIZE, MOSAIC_MAX_DIM, (long long)books->size, (long long)books->dim);
  }
  return STATUS_OK;
}

static status copy_steps(mosaic *m, const mosaic_recording *recordings, size_t n_recordings,
                         error *err)
{
  const size_t step_bytes = (size_t)m->n_codebooks * sizeof *m->codes;
  m->codes = malloc(m->n_steps * step_bytes);
  m->ends = calloc(m->n_steps, sizeof *m->ends);
  if (!m->codes || !m->ends) {
    return error_set(err, STATUS_NO_MEMORY, "no memory for a mosaic of %zu steps", m->n_steps);
  }
  size_t at = 0;
  for (size_t i = 0; i < n_recordings; ++i) {
    if (recordings[i].n_steps) {
      memcpy(m->codes + at * (size_t)m->n_codebooks, recordings[i].codes,
             recordings[i].n_steps * step_bytes);
      at += recordings[i].n_steps;
      m->ends[at - 1] = true;
    }
  }
  return STATUS_OK;
}

static status build_indices(mosaic *m, error *err)
{
  const int n = m->space.n < m->n_codebooks ? m->space.n : m->n_codebooks;
  status st = STATUS_OK;
  for (; st == STATUS_OK && m->n_indices < n; ++m->n_indices) {
    st = mosaic_index_init(&m->indices[m->n_indices], &m->space, m->n_indices + 1, m->codes,
                           m->n_steps, m->n_codebooks, err);
  }
  return st;
}

status mosaic_new_from_codes(mosaic **m, const mosaic_recording *recordings, size_t n_recordings,
                             int n_codebooks, const mosaic_codebooks *books, error *err)
{
  size_t n_steps = 0;
  *m = NULL;
  status st = check(recordings, n_recordings, n_codebooks, books, &n_steps, err);
  if (st != STATUS_OK) {
    return st;
  }
  mosaic *made = calloc(1, sizeof *made);
  if (!made) {
    return error_set(err, STATUS_NO_MEMORY, "no memory for a mosaic");
  }
  atomic_init(&made->references, 1);
  made->n_codebooks = n_codebooks;
  made->n_steps = n_steps;
  st = copy_steps(made, recordings, n_recordings, err);
  if (st == STATUS_OK) {
    st = mosaic_space_init(&made->space, books, err);
  }
  if (st == STATUS_OK) {
    st = build_indices(made, err);
  }
  if (st != STATUS_OK) {
    mosaic_unref(made);
    return st;
  }
  *m = made;
  return STATUS_OK;
}

mosaic *mosaic_ref(mosaic *m)
{
  atomic_fetch_add(&m->references, 1);
  return m;
}

void mosaic_unref(mosaic *m)
{
  if (!m || atomic_fetch_sub(&m->references, 1) != 1) {
    return;
  }
  for (int i = 0; i < MOSAIC_MAX_COMPARED; ++i) {
    mosaic_index_destroy(&m->indices[i]);
  }
  mosaic_space_destroy(&m->space);
  free(m->codes);
  free(m->ends);
  free(m);
}

int64_t mosaic_n_steps(const mosaic *m)
{
  return (int64_t)m->n_steps;
}

int mosaic_n_codebooks(const mosaic *m)
{
  return m->n_codebooks;
}

const int32_t *mosaic_codes(const mosaic *m, int64_t step)
{
  return m->codes + step * m->n_codebooks;
}

int64_t mosaic_next(const mosaic *m, int64_t step)
{
  return m->ends[step] ? -1 : step + 1;
}

int64_t mosaic_find(const mosaic *m, const mosaic_query *q)
{
  const int n = q->n_compared < m->n_indices ? q->n_compared : m->n_indices;
  const mosaic_index *x = &m->indices[n < 1 ? 0 : n - 1];
  float latent[MOSAIC_MAX_DIM];
  const int n_used = q->n_codes < x->n_compared ? q->n_codes : x->n_compared;
  mosaic_space_latent(&m->space, q->codes, n_used, latent);
  const bool next_there = q->next >= 0 && q->next < (int64_t)m->n_steps;
  const int32_t next_key = next_there ? x->key_of_step[q->next] : -1;
  const mosaic_search found = mosaic_index_search(x, &m->space, latent, next_key);
  if (found.next_distance - q->stay * x->spread <= found.distance) {
    return q->next;
  }
  const uint32_t first = x->key_steps[found.key];
  const uint32_t n_steps = x->key_steps[found.key + 1] - first;
  return x->steps[first + (uint32_t)(q->chance % n_steps)];
}
