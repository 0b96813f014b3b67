// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "engine/play/mosaic_index.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static int64_t padded(int64_t n)
{
  return (n + MOSAIC_LANES - 1) / MOSAIC_LANES * MOSAIC_LANES;
}

// --- the codebooks

static void turn(const float *vectors, int64_t size, int64_t dim, int64_t size_padded,
                 float *across)
{
  for (int64_t row = 0; row < size; ++row) {
    for (int64_t d = 0; d < dim; ++d) {
      across[d * size_padded + row] = vectors[row * dim + d];
    }
  }
}

status mosaic_space_init(mosaic_space *s, const mosaic_codebooks *books, error *err)
{
  *s = (mosaic_space){.n = books->n, .size = books->size, .dim = books->dim};
  s->size_padded = padded(books->size);
  const size_t n_values = (size_t)(s->size * s->dim);
  bool there = true;
  for (int k = 0; k < s->n; ++k) {
    s->vectors[k] = malloc(n_values * sizeof(float));
    there = there && s->vectors[k];
    if (k > 0) {
      s->across[k] = calloc((size_t)(s->size_padded * s->dim), sizeof(float));
      there = there && s->across[k];
    }
  }
  if (!there) {
    mosaic_space_destroy(s);
    return error_set(err, STATUS_NO_MEMORY, "no memory for a mosaic's codebooks");
  }
  for (int k = 0; k < s->n; ++k) {
    memcpy(s->vectors[k], books->vectors[k], n_values * sizeof(float));
    if (k > 0) {
      turn(s->vectors[k], s->size, s->dim, s->size_padded, s->across[k]);
    }
  }
  return STATUS_OK;
}

void mosaic_space_destroy(mosaic_space *s)
{
  for (int k = 0; k < MOSAIC_MAX_COMPARED; ++k) {
    free(s->vectors[k]);
    free(s->across[k]);
  }
  *s = (mosaic_space){0};
}

void mosaic_space_latent(const mosaic_space *s, const int32_t *codes, int n, float *out)
{
  memset(out, 0, (size_t)s->dim * sizeof *out);
  for (int k = 0; k < n && k < s->n; ++k) {
    if (codes[k] >= 0 && codes[k] < s->size) {
      const float *vector = s->vectors[k] + codes[k] * s->dim;
      for (int64_t d = 0; d < s->dim; ++d) {
        out[d] += vector[d];
      }
    }
  }
}

// --- making an index

// Codes of a key and a step, so that numbers sort as keys do and then as steps do.
#define STEP_BITS 20
#define CODE_BITS 12
_Static_assert((MOSAIC_MAX_STEPS - 1) >> STEP_BITS == 0, "steps fit");
_Static_assert((MOSAIC_MAX_CODEBOOK_SIZE - 1) >> CODE_BITS == 0, "codes fit");
_Static_assert(STEP_BITS + MOSAIC_MAX_COMPARED * CODE_BITS <= 64, "all fit");

typedef struct sorted_steps {
  uint64_t *entries; // [n], sorted
  size_t n;
  int n_compared;
} sorted_steps;

static int32_t code_at(const sorted_steps *s, size_t i, int k)
{
  const int shift = STEP_BITS + (s->n_compared - 1 - k) * CODE_BITS;
  return (int32_t)(s->entries[i] >> shift & ((1u << CODE_BITS) - 1));
}

static bool new_key(const sorted_steps *s, size_t i)
{
  return i == 0 || s->entries[i] >> STEP_BITS != s->entries[i - 1] >> STEP_BITS;
}

static bool new_class(const sorted_steps *s, size_t i)
{
  return i == 0 || code_at(s, i, 0) != code_at(s, i - 1, 0);
}

static int compare_entries(const void *a, const void *b)
{
  const uint64_t x = *(const uint64_t *)a;
  const uint64_t y = *(const uint64_t *)b;
  return (x > y) - (x < y);
}

static status sort_steps(sorted_steps *s, const mosaic_space *space, const int32_t *codes,
                         size_t n_steps, int n_codebooks, error *err)
{
  s->entries = malloc((n_steps ? n_steps : 1) * sizeof *s->entries);
  if (!s->entries) {
    return error_set(err, STATUS_NO_MEMORY, "no memory to sort %zu steps of a mosaic", n_steps);
  }
  for (size_t step = 0; step < n_steps; ++step) {
    uint64_t entry = 0;
    bool valid = true;
    for (int k = 0; k < s->n_compared; ++k) {
      const int32_t code = codes[step * (size_t)n_codebooks + (size_t)k];
      valid = valid && code >= 0 && code < space->size;
      entry = entry << CODE_BITS | (uint64_t)(valid ? code : 0);
    }
    if (valid) {
      s->entries[s->n++] = entry << STEP_BITS | step;
    }
  }
  qsort(s->entries, s->n, sizeof *s->entries, compare_entries);
  return s->n ? STATUS_OK : error_set(err, STATUS_USAGE, "a mosaic of no steps");
}

static status allocate(mosaic_index *x, const mosaic_space *space, const sorted_steps *s,
                       size_t n_steps, error *err)
{
  for (size_t i = 0; i < s->n; ++i) {
    x->n_keys += new_key(s, i);
    x->n_classes += new_class(s, i);
  }
  const size_t n_centres = (size_t)(padded(x->n_classes) * space->dim);
  x->class_codes = malloc(x->n_classes * sizeof *x->class_codes);
  x->class_keys = calloc(x->n_classes + 1, sizeof *x->class_keys);
  x->centres = calloc(n_centres, sizeof *x->centres);
  x->centre_norms = malloc(x->n_classes * sizeof *x->centre_norms);
  x->radii = malloc(x->n_classes * sizeof *x->radii);
  x->keys = calloc(x->n_keys, sizeof *x->keys);
  x->key_steps = calloc(x->n_keys + 1, sizeof *x->key_steps);
  x->steps = calloc(s->n + 1, sizeof *x->steps);
  x->key_of_step = malloc(n_steps * sizeof *x->key_of_step);
  const bool there = x->class_codes && x->class_keys && x->centres && x->centre_norms && x->radii &&
                     x->keys && x->key_steps && x->steps && x->key_of_step;
  return there ? STATUS_OK
               : error_set(err, STATUS_NO_MEMORY, "no memory for a mosaic of %zu steps", n_steps);
}

static void fill_keys(mosaic_index *x, const sorted_steps *s, size_t n_steps)
{
  uint32_t key = 0;
  uint32_t class = 0;
  for (size_t step = 0; step < n_steps; ++step) {
    x->key_of_step[step] = -1;
  }
  for (size_t i = 0; i < s->n; ++i) {
    if (new_class(s, i)) {
      x->class_codes[class] = code_at(s, i, 0);
      x->class_keys[class ++] = key;
    }
    if (new_key(s, i)) {
      for (int k = 1; k < x->n_compared; ++k) {
        x->keys[key].fine[k - 1] = (uint16_t)code_at(s, i, k);
      }
      x->key_steps[key++] = (uint32_t)i;
    }
    x->steps[i] = (uint32_t)(s->entries[i] & ((1u << STEP_BITS) - 1));
    x->key_of_step[x->steps[i]] = (int32_t)key - 1;
  }
  x->class_keys[class] = key;
  x->key_steps[key] = (uint32_t)s->n;
}

static void key_latent(const mosaic_index *x, const mosaic_space *space, uint32_t class,
                       uint32_t key, float *out)
{
  int32_t codes[MOSAIC_MAX_COMPARED] = {x->class_codes[class]};
  for (int k = 1; k < x->n_compared; ++k) {
    codes[k] = x->keys[key].fine[k - 1];
  }
  mosaic_space_latent(space, codes, x->n_compared, out);
}

static float squared_distance(const float *a, const float *b, int64_t dim)
{
  float sum = 0;
  for (int64_t d = 0; d < dim; ++d) {
    sum += (a[d] - b[d]) * (a[d] - b[d]);
  }
  return sum;
}

// The ball around a class: the mean of its keys, and the farthest of them.
static void fill_class(mosaic_index *x, const mosaic_space *space, uint32_t class)
{
  static const float zeros[MOSAIC_MAX_DIM] = {0};
  float latent[MOSAIC_MAX_DIM];
  float centre[MOSAIC_MAX_DIM] = {0};
  const int64_t stride = padded(x->n_classes);
  const uint32_t first = x->class_keys[class];
  const uint32_t end = x->class_keys[class + 1];
  for (uint32_t key = first; key < end; ++key) {
    key_latent(x, space, class, key, latent);
    x->keys[key].norm = squared_distance(latent, zeros, space->dim);
    for (int64_t d = 0; d < space->dim; ++d) {
      centre[d] += latent[d];
    }
  }
  for (int64_t d = 0; d < space->dim; ++d) {
    centre[d] /= (float)(end - first);
    x->centres[d * stride + class] = centre[d];
  }
  x->centre_norms[class] = squared_distance(centre, zeros, space->dim);
  x->radii[class] = 0;
  for (uint32_t key = first; key < end; ++key) {
    key_latent(x, space, class, key, latent);
    x->radii[class] = fmaxf(x->radii[class], sqrtf(squared_distance(latent, centre, space->dim)));
  }
}

// Mean squared distance from the mean: mean of squares less square of the mean.
static void fill_spread(mosaic_index *x, const mosaic_space *space)
{
  double mean[MOSAIC_MAX_DIM] = {0};
  float latent[MOSAIC_MAX_DIM];
  const double n = (double)x->key_steps[x->n_keys];
  double spread = 0;
  for (uint32_t class = 0; class < x->n_classes; ++class) {
    for (uint32_t key = x->class_keys[class]; key < x->class_keys[class + 1]; ++key) {
      const double share = (double)(x->key_steps[key + 1] - x->key_steps[key]) / n;
      key_latent(x, space, class, key, latent);
      spread += share * (double)x->keys[key].norm;
      for (int64_t d = 0; d < space->dim; ++d) {
        mean[d] += share * (double)latent[d];
      }
    }
  }
  for (int64_t d = 0; d < space->dim; ++d) {
    spread -= mean[d] * mean[d];
  }
  x->spread = (float)fmax(spread, 0);
}

status mosaic_index_init(mosaic_index *x, const mosaic_space *space, int n_compared,
                         const int32_t *codes, size_t n_steps, int n_codebooks, error *err)
{
  sorted_steps s = {.n_compared = n_compared};
  *x = (mosaic_index){.n_compared = n_compared};
  status st = sort_steps(&s, space, codes, n_steps, n_codebooks, err);
  if (st == STATUS_OK) {
    st = allocate(x, space, &s, n_steps, err);
  }
  if (st == STATUS_OK) {
    fill_keys(x, &s, n_steps);
    for (uint32_t class = 0; class < x->n_classes; ++class) {
      fill_class(x, space, class);
    }
    fill_spread(x, space);
  } else {
    mosaic_index_destroy(x);
  }
  free(s.entries);
  return st;
}

void mosaic_index_destroy(mosaic_index *x)
{
  free(x->class_codes);
  free(x->class_keys);
  free(x->centres);
  free(x->centre_norms);
  free(x->radii);
  free(x->keys);
  free(x->key_steps);
  free(x->steps);
  free(x->key_of_step);
  *x = (mosaic_index){0};
}

// --- searching it

// out [n_padded]: products of q [dim] with the columns of across [dim, n_padded].
static void products(const float *across, int64_t dim, int64_t n_padded, const float *q, float *out)
{
  int64_t first = 0;
  do { // n_padded is at least one row of lanes
    float sums[MOSAIC_LANES] = {0};
    for (int64_t d = 0; d < dim; ++d) {
      const float *row = across + d * n_padded + first;
      for (int lane = 0; lane < MOSAIC_LANES; ++lane) {
        sums[lane] += q[d] * row[lane];
      }
    }
    memcpy(out + first, sums, sizeof sums);
    first += MOSAIC_LANES;
  } while (first < n_padded);
}

// What belongs to a query: its products with the further codewords, and the classes left as a heap,
// the one that could hold the nearest key on top.
typedef struct search_work {
  const float *latent;
  float norm; // squared
  float fine[MOSAIC_MAX_COMPARED - 1][MOSAIC_MAX_CODEBOOK_SIZE];
  float bounds[MOSAIC_MAX_CODEBOOK_SIZE]; // [n_classes] no key of the class is nearer; squared
  uint16_t heap[MOSAIC_MAX_CODEBOOK_SIZE];
  uint32_t n_heap;
} search_work;

static void sift_down(search_work *w, uint32_t at)
{
  const uint16_t class = w->heap[at];
  for (;;) {
    uint32_t child = 2 * at + 1;
    if (child + 1 < w->n_heap && w->bounds[w->heap[child + 1]] < w->bounds[w->heap[child]]) {
      ++child;
    }
    if (child >= w->n_heap || w->bounds[w->heap[child]] >= w->bounds[class]) {
      break;
    }
    w->heap[at] = w->heap[child];
    at = child;
  }
  w->heap[at] = class;
}

static void begin_search(search_work *w, const mosaic_index *x, const mosaic_space *space)
{
  const int64_t dim = space->dim;
  w->norm = 0;
  for (int64_t d = 0; d < dim; ++d) {
    w->norm += w->latent[d] * w->latent[d];
  }
  w->fine[0][0] = 0;
  w->fine[1][0] = 0;
  for (int k = 1; k < x->n_compared; ++k) {
    products(space->across[k], dim, space->size_padded, w->latent, w->fine[k - 1]);
  }
  products(x->centres, dim, padded(x->n_classes), w->latent, w->bounds);
  for (uint32_t class = 0; class < x->n_classes; ++class) {
    const float squared = w->norm - 2 * w->bounds[class] + x->centre_norms[class];
    const float away = sqrtf(fmaxf(squared, 0)) - x->radii[class];
    w->bounds[class] = away > 0 ? away * away : 0;
    w->heap[class] = (uint16_t) class;
  }
  w->n_heap = x->n_classes;
  for (uint32_t at = w->n_heap / 2; at-- > 0;) {
    sift_down(w, at);
  }
}

// Squared distances to keys of a class: |q|^2 - 2 q.x + |x|^2, q.x a sum over codebooks.
static float class_part(const search_work *w, const mosaic_index *x, const mosaic_space *space,
                        uint32_t class)
{
  const float *vector = space->vectors[0] + x->class_codes[class] * space->dim;
  float product = 0;
  for (int64_t d = 0; d < space->dim; ++d) {
    product += w->latent[d] * vector[d];
  }
  return w->norm - 2 * product;
}

// Keys that are not compared by a further codebook find zeros in its place.
static float key_part(const search_work *w, mosaic_key key)
{
  return key.norm - 2 * (w->fine[0][key.fine[0]] + w->fine[1][key.fine[1]]);
}

static uint32_t class_of(const mosaic_index *x, uint32_t key)
{
  uint32_t low = 0;
  uint32_t high = x->n_classes;
  while (high - low > 1) {
    const uint32_t middle = (low + high) / 2;
    if (x->class_keys[middle] <= key) {
      low = middle;
    } else {
      high = middle;
    }
  }
  return low;
}

mosaic_search mosaic_index_search(const mosaic_index *x, const mosaic_space *space,
                                  const float *latent, int32_t next_key)
{
  search_work w;
  mosaic_search best = {0, INFINITY, INFINITY};
  uint32_t budget = MOSAIC_BUDGET_KEYS;
  w.latent = latent;
  begin_search(&w, x, space);
  if (next_key >= 0) {
    const uint32_t key = (uint32_t)next_key;
    best.next_distance = class_part(&w, x, space, class_of(x, key)) + key_part(&w, x->keys[key]);
  }
  while (w.n_heap > 0 && budget > 0 && w.bounds[w.heap[0]] < best.distance) {
    const uint32_t class = w.heap[0];
    const float part = class_part(&w, x, space, class);
    const uint32_t first = x->class_keys[class];
    const uint32_t end = x->class_keys[class + 1];
    const uint32_t last = end - first < budget ? end : first + budget;
    for (uint32_t key = first; key < last; ++key) {
      const float distance = part + key_part(&w, x->keys[key]);
      if (distance < best.distance) {
        best.distance = distance;
        best.key = key;
      }
    }
    budget -= last - first;
    w.heap[0] = w.heap[--w.n_heap];
    sift_down(&w, 0);
  }
  return best;
}
