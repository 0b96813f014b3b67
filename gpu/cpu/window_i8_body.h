// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// The window product with int8 weights. The windows have been cut out and quantised, one scale
// each. Integer sums are exact, so their order is free and every variant gets the same ones; the
// two scales are applied once, in the reference's order.

INLINE void tile_store_i8(vec_int whole[TILE_MAX_ROWS][TILE_MAX_SUMS], const window_job *job,
                          int64_t row, int64_t output, const int n_rows, const int n_sums)
{
  vec sum[TILE_MAX_ROWS][TILE_MAX_SUMS];
  tile_start(sum, job, row, output, n_rows, n_sums);
  VEC_UNROLL
  for (int s = 0; s < n_sums; ++s) {
    const int64_t at = output + s * VEC_LANES;
    const vec_mask mask = vec_first(job->outputs - at);
    const vec scales = vec_load_masked(job->scales + at, mask);
    const vec_int bias = vec_int_load_masked(job->sums + at, mask);
    VEC_UNROLL
    for (int i = 0; i < n_rows; ++i) {
      const vec value = vec_from_int(vec_int_less(whole[i][s], bias, VEC_CODE_BIAS));
      const vec unit = vec_mul(scales, vec_set(job->code_scales[row + i]));
      sum[i][s] = vec_add(sum[i][s], vec_mul(value, unit));
    }
  }
  tile_store(sum, job, row, output, n_rows, n_sums);
}

INLINE void tile_i8(const window_job *job, int64_t row, int64_t panel, const int n_rows,
                    const int n_panels, const int n_vectors)
{
  vec_int sum[TILE_MAX_ROWS][TILE_MAX_SUMS];
  const int n_sums = n_panels * n_vectors;
  VEC_UNROLL
  for (int s = 0; s < n_sums; ++s) {
    VEC_UNROLL
    for (int i = 0; i < n_rows; ++i) {
      sum[i][s] = vec_int_set(0);
    }
  }
  const int8_t *w = (const int8_t *)job->panels + panel * job->panel_bytes;
  const int8_t *x = job->codes + row * job->code_step;
  const int64_t turn = (int64_t)n_vectors * VEC_LANES * VEC_CODE_GROUP;
  for (int64_t j = 0; j < job->code_step; j += VEC_CODE_GROUP, w += turn) {
    vec_int inputs[TILE_MAX_ROWS];
    VEC_UNROLL
    for (int i = 0; i < n_rows; ++i) {
      inputs[i] = vec_code_set(x + i * job->code_step + j);
    }
    VEC_UNROLL
    for (int s = 0; s < n_sums; ++s) {
      const int64_t at =
          s / n_vectors * job->panel_bytes + (int64_t)(s % n_vectors) * VEC_LANES * VEC_CODE_GROUP;
      __builtin_prefetch(w + at + PREFETCH_BYTES);
      const vec_int weights = vec_code_load(w + at);
      VEC_UNROLL
      for (int i = 0; i < n_rows; ++i) {
        sum[i][s] = vec_code_dot(sum[i][s], inputs[i], weights);
      }
    }
  }
  tile_store_i8(sum, job, row, panel * PANEL_LANES, n_rows, n_sums);
}

#define TILE(rows, panels, vectors)                                                                \
  static void tile_i8_##rows##_##panels##_##vectors(const window_job *job, int64_t row,            \
                                                    int64_t panel)                                 \
  {                                                                                                \
    tile_i8(job, row, panel, rows, panels, vectors);                                               \
  }
TILES_I8
#undef TILE

#define TILE(rows, panels, vectors) {rows, panels, vectors, tile_i8_##rows##_##panels##_##vectors},
static const tile_shape tiles_i8[] = {TILES_I8};
#undef TILE

static void product_i8(const window_job *job, const window_part *part)
{
  window_tiles(job, part, tiles_i8, (int)(sizeof tiles_i8 / sizeof *tiles_i8));
}
