// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// What the sweep back needs beside products, for one vector width. Included once by a file that has
// included a vector vocabulary and vector_math.h.

// `act` is a constant where this is called: a loop of its own for each.
static inline __attribute__((always_inline)) void chain_all(float *to, const float *start,
                                                            const float *d, const float *x,
                                                            int64_t count, const activation act,
                                                            float slope)
{
  const vec slopes = vec_set(slope);
  for (int64_t i = 0; i < count; i += VEC_LANES) {
    const vec_mask mask = vec_first(count - i);
    const vec share = vec_derivative(vec_load_masked(x + i, mask), act, slopes);
    const vec from = start ? vec_load_masked(start + i, mask) : vec_zero();
    vec_store_masked(to + i, mask, vec_fma(vec_load_masked(d + i, mask), share, from));
  }
}

static void chain(float *to, const float *start, const float *d, const float *x, int64_t count,
                  activation act, float slope)
{
  switch (act) {
  case ACT_ELU:
    chain_all(to, start, d, x, count, ACT_ELU, slope);
    break;
  case ACT_LEAKY_RELU:
    chain_all(to, start, d, x, count, ACT_LEAKY_RELU, slope);
    break;
  case ACT_RELU:
    chain_all(to, start, d, x, count, ACT_RELU, slope);
    break;
  case ACT_GELU:
    chain_all(to, start, d, x, count, ACT_GELU, slope);
    break;
  case ACT_SILU:
    chain_all(to, start, d, x, count, ACT_SILU, slope);
    break;
  case ACT_TANH:
    chain_all(to, start, d, x, count, ACT_TANH, slope);
    break;
  case ACT_SIGMOID:
    chain_all(to, start, d, x, count, ACT_SIGMOID, slope);
    break;
  case ACT_NONE:
    chain_all(to, start, d, x, count, ACT_NONE, slope);
    break;
  }
}

static inline __attribute__((always_inline)) void chain_result_all(float *to, const float *d,
                                                                   const float *y, int64_t count,
                                                                   const activation act,
                                                                   float slope)
{
  const vec slopes = vec_set(slope);
  for (int64_t i = 0; i < count; i += VEC_LANES) {
    const vec_mask mask = vec_first(count - i);
    const vec share = vec_derivative_of_result(vec_load_masked(y + i, mask), act, slopes);
    vec_store_masked(to + i, mask, vec_mul(vec_load_masked(d + i, mask), share));
  }
}

static void chain_result(float *to, const float *d, const float *y, int64_t count, activation act,
                         float slope)
{
  switch (act) {
  case ACT_ELU:
    chain_result_all(to, d, y, count, ACT_ELU, slope);
    break;
  case ACT_LEAKY_RELU:
    chain_result_all(to, d, y, count, ACT_LEAKY_RELU, slope);
    break;
  case ACT_RELU:
    chain_result_all(to, d, y, count, ACT_RELU, slope);
    break;
  case ACT_TANH:
    chain_result_all(to, d, y, count, ACT_TANH, slope);
    break;
  case ACT_SIGMOID:
    chain_result_all(to, d, y, count, ACT_SIGMOID, slope);
    break;
  default:
    chain_result_all(to, d, y, count, ACT_NONE, slope);
    break;
  }
}

static void add_scaled(float *y, const float *a, float factor, int64_t count)
{
  for (int64_t i = 0; i < count; i += VEC_LANES) {
    const vec_mask mask = vec_first(count - i);
    const vec sum =
        vec_fma(vec_set(factor), vec_load_masked(a + i, mask), vec_load_masked(y + i, mask));
    vec_store_masked(y + i, mask, sum);
  }
}

static void add_product(float *y, const float *a, const float *b, int64_t count)
{
  for (int64_t i = 0; i < count; i += VEC_LANES) {
    const vec_mask mask = vec_first(count - i);
    const vec sum = vec_fma(vec_load_masked(a + i, mask), vec_load_masked(b + i, mask),
                            vec_load_masked(y + i, mask));
    vec_store_masked(y + i, mask, sum);
  }
}

// Sums of one vector of columns from zero, four rows at a time.
static vec column_sum(const float *x, int64_t rows, int64_t columns, vec_mask mask)
{
  vec sum[4] = {vec_zero(), vec_zero(), vec_zero(), vec_zero()};
  int64_t row = 0;
  for (; row + 4 <= rows; row += 4) {
    VEC_UNROLL
    for (int i = 0; i < 4; ++i) {
      sum[i] = vec_add(sum[i], vec_load_masked(x + (row + i) * columns, mask));
    }
  }
  for (; row < rows; ++row) {
    sum[0] = vec_add(sum[0], vec_load_masked(x + row * columns, mask));
  }
  return vec_add(vec_add(sum[0], sum[1]), vec_add(sum[2], sum[3]));
}

#define COLUMN_ROWS 1024 // summed from zero, so that a long sum stays accurate

static void column_sums(float *to, const float *x, int64_t rows, int64_t columns)
{
  for (int64_t row = 0; row < rows; row += COLUMN_ROWS) {
    const int64_t count = rows - row < COLUMN_ROWS ? rows - row : COLUMN_ROWS;
    for (int64_t c = 0; c < columns; c += VEC_LANES) {
      const vec_mask mask = vec_first(columns - c);
      const vec sum = column_sum(x + row * columns + c, count, columns, mask);
      vec_store_masked(to + c, mask, vec_add(vec_load_masked(to + c, mask), sum));
    }
  }
}

// `add` is a constant where this is called.
static inline __attribute__((always_inline)) void transpose_all(float *to, int64_t to_step,
                                                                const float *from,
                                                                int64_t from_step, int64_t rows,
                                                                int64_t columns, const bool add)
{
  for (int64_t i = 0; i < rows; i += VEC_LANES) {
    const vec_mask down = vec_first(rows - i);
    for (int64_t j = 0; j < columns; j += VEC_LANES) {
      const vec_mask across = vec_first(columns - j);
      const int64_t wide = columns - j < VEC_LANES ? columns - j : VEC_LANES;
      vec square[VEC_LANES];
      for (int64_t s = 0; s < VEC_LANES; ++s) {
        square[s] =
            i + s < rows ? vec_load_masked(from + (i + s) * from_step + j, across) : vec_zero();
      }
      vec_transpose(square);
      for (int64_t s = 0; s < wide; ++s) {
        float *at = to + (j + s) * to_step + i;
        const vec value = add ? vec_add(vec_load_masked(at, down), square[s]) : square[s];
        vec_store_masked(at, down, value);
      }
    }
  }
}

static void transpose(float *to, int64_t to_step, const float *from, int64_t from_step,
                      int64_t rows, int64_t columns)
{
  transpose_all(to, to_step, from, from_step, rows, columns, false);
}

static void transpose_add(float *to, int64_t to_step, const float *from, int64_t from_step,
                          int64_t rows, int64_t columns)
{
  transpose_all(to, to_step, from, from_step, rows, columns, true);
}

static void turn(const turn_job *job)
{
  const vec_mask across = vec_first(job->columns);
  for (int64_t n = 0; n < job->count; ++n) {
    const float *from = job->from + n * job->from_next;
    vec square[VEC_LANES];
    VEC_UNROLL
    for (int i = 0; i < VEC_LANES; ++i) {
      square[i] = i < job->rows ? vec_load_masked(from + i * job->from_step, across) : vec_zero();
    }
    vec_transpose(square);
    for (int64_t j = 0; j < job->columns; ++j) {
      vec_store(job->to[j] + n * job->step[j], square[j]);
    }
  }
}
