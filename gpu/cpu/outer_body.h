// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// The outer product summed over rows (gpu/cpu/outer.h), for one vector width. Included once by a
// file that has included a vector vocabulary.
//
// A tile keeps n_a x n_vectors sums in registers while it walks down the rows: values of a are
// broadcast, vectors of b are loaded once for all of them. Where one side is short the tile grows
// along the other, so that there are always chains enough to hide the latency of an FMA.

#include "gpu/cpu/outer.h"

// Values of a, vectors of b: every height, because sides are cut evenly.
#if VEC_REGISTERS == 32
#define OUTER_HEIGHTS(T, v) T(1, v) T(2, v) T(3, v) T(4, v) T(5, v) T(6, v)
#define OUTER_TALL(T, v) OUTER_HEIGHTS(T, v) T(7, v) T(8, v) T(9, v) T(10, v) T(11, v) T(12, v)
#define OUTER_TILES(T) OUTER_TALL(T, 1) OUTER_TALL(T, 2) OUTER_HEIGHTS(T, 4) T(1, 8) T(2, 8) T(3, 8)
static const int outer_tallest[9] = {[1] = 12, [2] = 12, [4] = 6, [8] = 3};
#else
#define OUTER_HEIGHTS(T, v) T(1, v) T(2, v) T(3, v) T(4, v) T(5, v) T(6, v)
#define OUTER_TILES(T)                                                                             \
  OUTER_HEIGHTS(T, 1)                                                                              \
  T(7, 1) T(8, 1) T(9, 1) T(10, 1) OUTER_HEIGHTS(T, 2) T(1, 4) T(2, 4) T(3, 4) T(1, 8)
static const int outer_tallest[9] = {[1] = 10, [2] = 6, [4] = 3, [8] = 1};
#endif
#define OUTER_MOST 24 // sums of a tile

static inline __attribute__((always_inline)) void outer_tile(const outer_job *job, int64_t first_a,
                                                             int64_t first_b, const int n_a,
                                                             const int n_vectors)
{
  vec sum[OUTER_MOST];
  const float *a = job->a + first_a, *b = job->b + first_b;
  const vec_mask mask = vec_first(job->n_b - first_b - (n_vectors - 1) * VEC_LANES);
  VEC_UNROLL
  for (int i = 0; i < n_a; ++i) {
    VEC_UNROLL
    for (int v = 0; v < n_vectors; ++v) {
      sum[i * n_vectors + v] = vec_zero();
    }
  }
  for (int64_t row = 0; row < job->rows; ++row, a += job->a_step, b += job->b_step) {
    vec vectors[8];
    VEC_UNROLL
    for (int v = 0; v < n_vectors; ++v) {
      const float *at = b + v * VEC_LANES;
      vectors[v] = v + 1 < n_vectors ? vec_load(at) : vec_load_masked(at, mask);
    }
    VEC_UNROLL
    for (int i = 0; i < n_a; ++i) {
      const vec value = vec_set(a[i]);
      VEC_UNROLL
      for (int v = 0; v < n_vectors; ++v) {
        sum[i * n_vectors + v] = vec_fma(value, vectors[v], sum[i * n_vectors + v]);
      }
    }
  }
  VEC_UNROLL
  for (int i = 0; i < n_a; ++i) {
    float *to = job->sums + (first_a + i) * job->sums_step + first_b;
    VEC_UNROLL
    for (int v = 0; v < n_vectors; ++v) {
      const vec_mask m = v + 1 < n_vectors ? vec_first(VEC_LANES) : mask;
      float *at = to + v * VEC_LANES;
      vec_store_masked(at, m, vec_add(vec_load_masked(at, m), sum[i * n_vectors + v]));
    }
  }
}

#define OUTER_TILE(a, v)                                                                           \
  static void outer_tile_##a##_##v(const outer_job *job, int64_t first_a, int64_t first_b)         \
  {                                                                                                \
    outer_tile(job, first_a, first_b, a, v);                                                       \
  }
OUTER_TILES(OUTER_TILE)
#undef OUTER_TILE

typedef void (*outer_tile_run)(const outer_job *job, int64_t first_a, int64_t first_b);
#define OUTER_TILE(a, v) [v][a] = outer_tile_##a##_##v,
static const outer_tile_run outer_tiles[9][13] = {OUTER_TILES(OUTER_TILE)};
#undef OUTER_TILE

// Vectors of the next tile: two where there is height enough, more beside a short side.
static int outer_width(int64_t n_a, int64_t vectors)
{
  for (int wide = 8; wide > 2; wide /= 2) {
    if (n_a <= outer_tallest[wide] && vectors >= wide) {
      return wide;
    }
  }
  return vectors >= 2 ? 2 : 1;
}

static void outer(const outer_job *job)
{
  for (int64_t b = 0; b < job->n_b;) {
    const int width = outer_width(job->n_a, (job->n_b - b + VEC_LANES - 1) / VEC_LANES);
    const int64_t bands = (job->n_a + outer_tallest[width] - 1) / outer_tallest[width];
    for (int64_t band = 0; band < bands; ++band) { // of equal height, give or take one
      const int64_t begin = band * job->n_a / bands, end = (band + 1) * job->n_a / bands;
      outer_tiles[width][end - begin](job, begin, b);
    }
    b += width * VEC_LANES;
  }
}
