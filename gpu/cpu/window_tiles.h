// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// Which tiles cover a part of a window product: shared by all element types of one variant.
// Included after a vector vocabulary and vector_math.h.

#include "gpu/cpu/window.h"

#include <stdbool.h>

#define PANEL_LANES (2 * VEC_LANES)

// Rows, panels, vectors per panel; tallest first, for equal rows widest first. Sums, the weights at
// hand and one broadcast fit the registers.
#if VEC_REGISTERS == 32
#define TILE_MAX_ROWS 12
#define TILE_MAX_SUMS 16
#define TILES                                                                                      \
  TILE(12, 1, 2)                                                                                   \
  TILE(8, 1, 2)                                                                                    \
  TILE(6, 1, 2)                                                                                    \
  TILE(4, 2, 2)                                                                                    \
  TILE(4, 1, 2)                                                                                    \
  TILE(2, 4, 2)                                                                                    \
  TILE(2, 2, 2)                                                                                    \
  TILE(2, 1, 2)                                                                                    \
  TILE(1, 8, 2)                                                                                    \
  TILE(1, 4, 2)                                                                                    \
  TILE(1, 2, 2)                                                                                    \
  TILE(1, 1, 2)                                                                                    \
  TILE(12, 1, 1)                                                                                   \
  TILE(8, 1, 1)                                                                                    \
  TILE(6, 1, 1)                                                                                    \
  TILE(4, 1, 1)                                                                                    \
  TILE(2, 1, 1)                                                                                    \
  TILE(1, 1, 1)
#else
#define TILE_MAX_ROWS 6
#define TILE_MAX_SUMS 8
#define TILES                                                                                      \
  TILE(6, 1, 2)                                                                                    \
  TILE(4, 1, 2)                                                                                    \
  TILE(2, 2, 2)                                                                                    \
  TILE(2, 1, 2)                                                                                    \
  TILE(1, 4, 2)                                                                                    \
  TILE(1, 2, 2)                                                                                    \
  TILE(1, 1, 2)                                                                                    \
  TILE(6, 1, 1)                                                                                    \
  TILE(4, 1, 1)                                                                                    \
  TILE(2, 1, 1)                                                                                    \
  TILE(1, 1, 1)
#endif

#define TILES_I8                                                                                   \
  TILE(4, 1, 2)                                                                                    \
  TILE(2, 1, 2)                                                                                    \
  TILE(1, 4, 2)                                                                                    \
  TILE(1, 1, 2)                                                                                    \
  TILE(4, 1, 1)                                                                                    \
  TILE(2, 1, 1)                                                                                    \
  TILE(1, 1, 1)

// How far ahead a tile asks for weights: memory gave 54 GB/s with it and 47 without (Zen 5, 34 MB
// of weights per hop; 1 to 3 KB are alike, 4 KB is too far).
#define PREFETCH_BYTES 2048

#define FEW_OUTPUTS 4 // up to here lanes run over rows

// VEC_LANES values `step` apart; zeros for null.
static inline vec vec_column(const float *p, int64_t step)
{
  float column[VEC_LANES] = {0};
  for (int i = 0; p && i < VEC_LANES; ++i) {
    column[i] = p[i * step];
  }
  return vec_load(column);
}

typedef struct tile_shape {
  int rows, panels, vectors;
  void (*run)(const window_job *job, int64_t row, int64_t panel);
} tile_shape;

#define INLINE static inline __attribute__((always_inline))

// The vector of `base` that belongs to a sum; null for null.
INLINE const float *tile_at(const float *base, int64_t row, int64_t step, int64_t output)
{
  return base ? base + row * step + output : NULL;
}

// Sums of a tile from where the job lets them start. Panels of a tile follow each other in y.
INLINE void tile_start(vec sum[TILE_MAX_ROWS][TILE_MAX_SUMS], const window_job *job, int64_t row,
                       int64_t output, const int n_rows, const int n_sums)
{
  VEC_UNROLL
  for (int s = 0; s < n_sums; ++s) {
    const int64_t at = output + s * VEC_LANES;
    const vec_mask mask = vec_first(job->outputs - at);
    VEC_UNROLL
    for (int i = 0; i < n_rows; ++i) {
      const float *start = tile_at(job->start, row + i, job->start_step, at);
      sum[i][s] = start ? vec_load_masked(start, mask) : vec_zero();
    }
  }
}

// Sums to y, with the residual unless an activation comes before it.
INLINE void tile_store(vec sum[TILE_MAX_ROWS][TILE_MAX_SUMS], const window_job *job, int64_t row,
                       int64_t output, const int n_rows, const int n_sums)
{
  const float *added = job->act == ACT_NONE ? job->residual : NULL;
  VEC_UNROLL
  for (int s = 0; s < n_sums; ++s) {
    const int64_t at = output + s * VEC_LANES;
    const vec_mask mask = vec_first(job->outputs - at);
    VEC_UNROLL
    for (int i = 0; i < n_rows; ++i) {
      const float *residual = tile_at(added, row + i, job->residual_step, at);
      const vec value = residual ? vec_add(sum[i][s], vec_load_masked(residual, mask)) : sum[i][s];
      vec_store_masked(job->y + (row + i) * job->y_step + at, mask, value);
    }
  }
}

// Activation, and the residual after it: the tile's outputs again, hot in L1.
static void window_finish(const window_job *job, int64_t row, int64_t n_rows, int64_t output,
                          int64_t n_outputs)
{
  const vec slope = vec_set(job->slope);
  for (int64_t i = row; i < row + n_rows; ++i) {
    float *y = job->y + i * job->y_step + output;
    const float *residual = job->residual ? job->residual + i * job->residual_step + output : y;
    for (int64_t o = 0; o < n_outputs; o += VEC_LANES) {
      const vec_mask mask = vec_first(n_outputs - o);
      vec v = vec_activate(vec_load_masked(y + o, mask), job->act, slope);
      if (job->residual) {
        v = vec_add(v, vec_load_masked(residual + o, mask));
      }
      vec_store_masked(y + o, mask, v);
    }
  }
}

static const tile_shape *window_tile(const tile_shape *tiles, int n_tiles, int64_t rows,
                                     int64_t n_panels, int vectors)
{
  for (int i = 0; i < n_tiles; ++i) {
    if (tiles[i].vectors == vectors && tiles[i].rows <= rows && tiles[i].panels <= n_panels) {
      return &tiles[i];
    }
  }
  return NULL; // never: each width ends with a tile of one row and one panel
}

// Panels outside, rows inside: a panel comes from far once and stays in L1 for all rows.
static void window_band(const window_job *job, int64_t row, int64_t n_rows, int tile_rows,
                        const window_part *part, const tile_shape *tiles, int n_tiles)
{
  for (int64_t panel = part->panel_begin; panel < part->panel_end;) {
    const int64_t left = job->outputs - panel * PANEL_LANES;
    const int vectors = left > VEC_LANES ? 2 : 1;
    const int64_t beside = vectors == 2 ? (left + VEC_LANES - 1) / PANEL_LANES : 1; // as wide
    const int64_t span = part->panel_end - panel;
    const tile_shape *tile =
        window_tile(tiles, n_tiles, tile_rows, beside < span ? beside : span, vectors);
    for (int64_t i = row; i < row + n_rows; i += tile->rows) {
      tile->run(job, i, panel);
    }
    if (job->act != ACT_NONE) {
      const int64_t wide = tile->panels * PANEL_LANES;
      window_finish(job, row, n_rows, panel * PANEL_LANES, left < wide ? left : wide);
    }
    panel += tile->panels;
  }
}

// Rows of x that stay in L2 while all panels pass over them.
#define BLOCK_BYTES (256 * 1024)

static void window_tiles(const window_job *job, const window_part *part, const tile_shape *tiles,
                         int n_tiles)
{
  const int64_t row_bytes = (job->row_step > 0 ? job->row_step : 1) * (int64_t)sizeof(float);
  const int64_t fitting = BLOCK_BYTES / row_bytes / TILE_MAX_ROWS * TILE_MAX_ROWS;
  const int64_t block = fitting > TILE_MAX_ROWS ? fitting : TILE_MAX_ROWS;
  for (int64_t begin = part->row_begin; begin < part->row_end; begin += block) {
    const int64_t end = begin + block < part->row_end ? begin + block : part->row_end;
    for (int64_t row = begin; row < end;) {
      const int rows = window_tile(tiles, n_tiles, end - row, 1, 1)->rows;
      const int64_t band = (end - row) / rows * rows;
      window_band(job, row, band, rows, part, tiles, n_tiles);
      row += band;
    }
  }
}
