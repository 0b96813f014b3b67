// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// The window product (gpu/cpu/window.h) for one element type of weights. Included once per type by
// a file that has included a vector vocabulary and defines
//   WEIGHT          element type in memory
//   WEIGHT_LOAD(p)  one vector of weights as f32
//   WEIGHT_NAME(f)  the function's name for this type
//
// A tile holds rows x panels x vectors sums in registers. With many rows a tile is tall: each
// vector of weights, converted once, serves all its rows, whose x come as broadcast operands. With
// one row (a live step) it is wide: many panels side by side give independent chains enough to
// hide the latency of an FMA and to take weights as fast as memory gives them.

// Where sum s of a tile finds its vector of weights.
#define WEIGHT_AT(s) ((s) / n_vectors * panel_step + (s) % n_vectors * VEC_LANES)

// Ask for the weights that sum s will need, once per cache line.
#define WEIGHT_AHEAD(s)                                                                            \
  if ((s) % n_vectors * VEC_LANES * (int)sizeof(WEIGHT) % 64 == 0) {                               \
    __builtin_prefetch((const char *)(w + WEIGHT_AT(s)) + ahead);                                  \
  }

// One term of all sums of a tile.
INLINE void WEIGHT_NAME(term)(vec sum[TILE_MAX_ROWS][TILE_MAX_SUMS], const float *x, int64_t x_step,
                              const WEIGHT *w, int64_t panel_step, int64_t ahead, const int n_rows,
                              const int n_panels, const int n_vectors)
{
  const int n_sums = n_panels * n_vectors;
  if (n_rows >= n_sums) { // tall: all weights at hand, one broadcast at a time
    vec weights[TILE_MAX_SUMS];
    VEC_UNROLL
    for (int s = 0; s < n_sums; ++s) {
      WEIGHT_AHEAD(s);
      weights[s] = WEIGHT_LOAD(w + WEIGHT_AT(s));
    }
    VEC_UNROLL
    for (int i = 0; i < n_rows; ++i) {
      const vec value = vec_set(x[i * x_step]);
      VEC_UNROLL
      for (int s = 0; s < n_sums; ++s) {
        sum[i][s] = vec_fma(value, weights[s], sum[i][s]);
      }
    }
  } else { // wide: all broadcasts at hand, one weight at a time
    vec values[TILE_MAX_ROWS];
    VEC_UNROLL
    for (int i = 0; i < n_rows; ++i) {
      values[i] = vec_set(x[i * x_step]);
    }
    VEC_UNROLL
    for (int s = 0; s < n_sums; ++s) {
      WEIGHT_AHEAD(s);
      const vec weights = WEIGHT_LOAD(w + WEIGHT_AT(s));
      VEC_UNROLL
      for (int i = 0; i < n_rows; ++i) {
        sum[i][s] = vec_fma(values[i], weights, sum[i][s]);
      }
    }
  }
}

INLINE void WEIGHT_NAME(tile)(const window_job *job, int64_t row, int64_t panel, const int n_rows,
                              const int n_panels, const int n_vectors)
{
  vec sum[TILE_MAX_ROWS][TILE_MAX_SUMS];
  const int lanes = n_vectors * VEC_LANES;
  const int64_t panel_step = job->panel_bytes / (int64_t)sizeof(WEIGHT);
  const WEIGHT *w = (const WEIGHT *)(const void *)job->panels + panel * panel_step;
  tile_start(sum, job, row, panel * PANEL_LANES, n_rows, n_panels * n_vectors);
  for (int64_t segment = 0; segment < job->segments; ++segment) {
    const float *x = job->x + row * job->row_step + job->offsets[segment];
    const float *const x_end = x + job->segment_length;
    // Beyond a panel's end lies its neighbour, which is in this tile: ask for the next tile's.
    const bool last = segment + 1 == job->segments;
    const int64_t turn = last ? PREFETCH_BYTES / (lanes * (int)sizeof(WEIGHT)) : 0;
    for (; x < x_end; ++x, w += lanes) {
      const int64_t skip = x_end - x <= turn ? (n_panels - 1) * job->panel_bytes : 0;
      WEIGHT_NAME(term)
      (sum, x, job->row_step, w, panel_step, PREFETCH_BYTES + skip, n_rows, n_panels, n_vectors);
    }
  }
  tile_store(sum, job, row, panel * PANEL_LANES, n_rows, n_panels * n_vectors);
}

// A function for each shape of tile that pays, so that each gets registers of its own.
#define TILE(rows, panels, vectors)                                                                \
  static void WEIGHT_NAME(tile_##rows##_##panels##_##vectors)(const window_job *job, int64_t row,  \
                                                              int64_t panel)                       \
  {                                                                                                \
    WEIGHT_NAME(tile)(job, row, panel, rows, panels, vectors);                                     \
  }
TILES
#undef TILE

#define TILE(rows, panels, vectors)                                                                \
  {rows, panels, vectors, WEIGHT_NAME(tile_##rows##_##panels##_##vectors)},
static const tile_shape WEIGHT_NAME(tiles)[] = {TILES};
#undef TILE

// Few outputs, many rows (the last convolution of a decoder): lanes run over rows instead. A square
// of x is turned in registers; each lane still sums its own window front to back.
INLINE void WEIGHT_NAME(few_rows)(const window_job *job, int64_t row, const int n_outputs)
{
  vec sum[FEW_OUTPUTS];
  VEC_UNROLL
  for (int o = 0; o < n_outputs; ++o) {
    sum[o] =
        vec_column(job->start ? job->start + row * job->start_step + o : NULL, job->start_step);
  }
  const WEIGHT *w = (const WEIGHT *)(const void *)job->panels;
  for (int64_t segment = 0; segment < job->segments; ++segment) {
    const float *x = job->x + row * job->row_step + job->offsets[segment];
    for (int64_t j = 0; j < job->segment_length; j += VEC_LANES) {
      const int64_t left = job->segment_length - j;
      const int64_t terms = left < VEC_LANES ? left : VEC_LANES;
      vec square[VEC_LANES];
      VEC_UNROLL
      for (int i = 0; i < VEC_LANES; ++i) {
        square[i] = vec_load_masked(x + i * job->row_step + j, vec_first(left));
      }
      vec_transpose(square);
      for (int64_t t = 0; t < terms; ++t, w += VEC_LANES) {
        float weights[VEC_LANES];
        vec_store(weights, WEIGHT_LOAD(w));
        VEC_UNROLL
        for (int o = 0; o < n_outputs; ++o) {
          sum[o] = vec_fma(square[t], vec_set(weights[o]), sum[o]);
        }
      }
    }
  }
  VEC_UNROLL
  for (int o = 0; o < n_outputs; ++o) {
    float column[VEC_LANES];
    vec_store(column, sum[o]);
    for (int i = 0; i < VEC_LANES; ++i) {
      job->y[(row + i) * job->y_step + o] = column[i];
    }
  }
}

static void WEIGHT_NAME(few)(const window_job *job, int64_t begin, int64_t end)
{
  for (int64_t row = begin; row < end; row += VEC_LANES) {
    switch (job->outputs) {
    case 1:
      WEIGHT_NAME(few_rows)(job, row, 1);
      break;
    case 2:
      WEIGHT_NAME(few_rows)(job, row, 2);
      break;
    case 3:
      WEIGHT_NAME(few_rows)(job, row, 3);
      break;
    default:
      WEIGHT_NAME(few_rows)(job, row, 4);
      break;
    }
  }
  if (job->act != ACT_NONE || job->residual) {
    window_finish(job, begin, end - begin, 0, job->outputs);
  }
}

static void WEIGHT_NAME(product)(const window_job *job, const window_part *part)
{
  window_part rest = *part;
  if (job->outputs <= FEW_OUTPUTS) {
    rest.row_begin += (part->row_end - part->row_begin) / VEC_LANES * VEC_LANES;
    WEIGHT_NAME(few)(job, part->row_begin, rest.row_begin);
  }
  window_tiles(job, &rest, WEIGHT_NAME(tiles),
               (int)(sizeof WEIGHT_NAME(tiles) / sizeof *WEIGHT_NAME(tiles)));
}

#undef WEIGHT_AHEAD
#undef WEIGHT_AT
