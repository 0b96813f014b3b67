// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// x [n, T, C] -> y [n, T, H], state [n, 2, H] in place. One kernel per row of time: one warp per
// hidden unit sums its four gates over (x, h) and finishes its own cell, which no other warp
// reads. The new h goes to scratch, since every warp still reads the old one; a last kernel copies
// it into the state. Long sequences make the input's share of all rows' gates in one product.
#include "gpu/cuda/dense.cuh"

#define LSTM_WARPS 4
#define LSTM_FEW_ROWS 4 // rows up to which each step reads w_ih itself

struct lstm_step {
  const float *x;     // [n, T, C]
  const float *gates; // [n, T, 4H] share of x, or null: sum it here
  cuda_matrix ih, hh; // [4H, C], [4H, H]
  const float *b_ih, *b_hh;
  const float *h;       // h of the row before, streams h_stride apart
  const uint8_t *reset; // [n] 1: h and c count as zero; null: none do
  bool fresh;           // all do
  float *c;             // streams 2H apart
  float *h_next;        // [n, H]
  float *y;             // [n, T, H]
  int64_t h_stride;
  int rows, t, size; // T, this row, H
  bool skip;
};

// Blocks: x over LSTM_WARPS units, y over streams.
template <typename Loader> __global__ void lstm_step_kernel(const lstm_step s)
{
  CUDA_SHARED_FLOATS(shared);
  const int lane = threadIdx.x % WARP_LANES, n = blockIdx.y;
  const int unit = blockIdx.x * LSTM_WARPS + threadIdx.x / WARP_LANES;
  const int64_t at = (int64_t)n * s.rows + s.t;
  const bool empty = s.fresh || (s.reset && s.reset[n]);
  float *h = shared, *x = shared + s.hh.stride;
  for (int j = threadIdx.x; j < s.hh.stride; j += LSTM_WARPS * WARP_LANES) {
    h[j] = j < s.size && !empty ? s.h[n * s.h_stride + j] : 0.0f;
  }
  for (int j = threadIdx.x; !s.gates && j < s.ih.stride; j += LSTM_WARPS * WARP_LANES) {
    x[j] = j < s.ih.columns ? s.x[at * s.ih.columns + j] : 0.0f;
  }
  __syncthreads();
  if (unit >= s.size) {
    return;
  }
  float gate[4];
#pragma unroll
  for (int g = 0; g < 4; ++g) {
    const int row = g * s.size + unit;
    float sum = dot_lane<Loader>(matrix_row<Loader>(s.hh, row), h, s.hh.stride, lane) *
                matrix_scale(s.hh, row);
    if (!s.gates) {
      sum += dot_lane<Loader>(matrix_row<Loader>(s.ih, row), x, s.ih.stride, lane) *
             matrix_scale(s.ih, row);
    }
    gate[g] = warp_sum(sum) + s.b_ih[row] + s.b_hh[row] +
              (s.gates ? s.gates[at * 4 * s.size + row] : 0.0f);
  }
  if (lane == 0) {
    float *c = s.c + (int64_t)n * 2 * s.size + unit;
    const float in = activate_value(gate[0], ACT_SIGMOID, 1.0f);
    const float forget = activate_value(gate[1], ACT_SIGMOID, 1.0f);
    const float out = activate_value(gate[3], ACT_SIGMOID, 1.0f);
    const float cell = (empty ? 0.0f : forget * *c) + in * tanhf(gate[2]);
    const float value = out * tanhf(cell);
    *c = cell;
    s.h_next[(int64_t)n * s.size + unit] = value;
    s.y[at * s.size + unit] = s.skip ? value + s.x[at * s.size + unit] : value;
  }
}

// state h [n] <- h [n, H]. One thread per element.
__global__ void lstm_keep_kernel(float *state, const float *h, int streams, int size)
{
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < streams * size) {
    state[(int64_t)(i / size) * 2 * size + i % size] = h[i];
  }
}

// ---------------------------------------------------------------------------------------------
// launcher

// The share of x in all gates: [n * T, 4H] in scratch.
static const float *lstm_input(run *r, const tensor *x, const weight *w_ih)
{
  dense_call d = dense_linear(cuda_floats(x), tensor_rows(x), w_ih);
  float *gates = (float *)run_scratch(r, (size_t)(tensor_rows(x) * w_ih->dims[0]) * sizeof(float));
  d.y = gates;
  dense_run(r, "lstm", &d);
  return gates;
}

// Queue all rows in turn; returns the h of the last.
static const float *lstm_rows(run *r, lstm_step *s, int streams, float *h_next[2])
{
  const size_t shared = (size_t)(s->hh.stride + (s->gates ? 0 : s->ih.stride)) * sizeof(float);
  const dim3 grid(cuda_blocks(s->size, LSTM_WARPS), (unsigned)streams);
  const float *last = nullptr;
  for (int t = 0; t < s->rows && run_ok(r); ++t) {
    s->t = t;
    s->h_next = h_next[t % 2];
    CUDA_WITH_LOADER(s->hh.type, cuda_launch(r, "lstm", lstm_step_kernel<Loader>, grid,
                                             LSTM_WARPS * WARP_LANES, shared, *s));
    last = s->h = s->h_next;
    s->h_stride = s->size;
    s->fresh = false;
    s->reset = nullptr;
  }
  return last;
}

void cuda_lstm(run *r, tensor *y, const tensor *x, const weight *w_ih, const weight *w_hh,
               const weight *b_ih, const weight *b_hh, tensor *state, const stream_control *control,
               bool skip)
{
  const int streams = (int)x->dims[0];
  lstm_step s = {};
  s.ih = cuda_matrix_of(w_ih);
  s.hh = cuda_matrix_of(w_hh);
  s.rows = (int)x->dims[1];
  s.size = s.hh.columns;
  if (!run_ok(r) || streams == 0 || s.rows == 0) {
    return;
  }
  if (s.ih.type != s.hh.type ||
      (size_t)(s.ih.stride + s.hh.stride) * sizeof(float) > CUDA_SHARED_MAX_BYTES) {
    run_fail(r, STATUS_UNSUPPORTED, "%s: an LSTM of %d to %d in %s and %s does not fit the device",
             w_ih->name, s.ih.columns, s.size, dtype_name(s.ih.type), dtype_name(s.hh.type));
    return;
  }
  const size_t mark = arena_mark(r->memory);
  const size_t bytes = (size_t)streams * (size_t)s.size * sizeof(float);
  float *h_next[2] = {(float *)run_scratch(r, bytes), (float *)run_scratch(r, bytes)};
  float *memory = state ? cuda_floats(state) : (float *)run_scratch(r, 2 * bytes);
  s.gates = s.rows > LSTM_FEW_ROWS ? lstm_input(r, x, w_ih) : nullptr;
  if (run_ok(r)) {
    s.x = cuda_floats(x);
    s.y = cuda_floats(y);
    s.b_ih = cuda_vector(b_ih);
    s.b_hh = cuda_vector(b_hh);
    s.h = memory;
    s.h_stride = 2 * s.size;
    s.c = memory + s.size;
    s.fresh = !state || !control;
    s.reset = control ? control->reset : nullptr;
    s.skip = skip;
    const float *last = lstm_rows(r, &s, streams, h_next);
    if (state) {
      cuda_launch(r, "lstm", lstm_keep_kernel, dim3(cuda_blocks((int64_t)streams * s.size, 256)),
                  256, 0, memory, last, streams, s.size);
    }
  }
  arena_rewind(r->memory, mark);
}
