// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// x [n, T, C] -> y [n, T, H], state [n, 2, H] in place. One kernel per row of time: one warp per
// hidden unit sums its four gates over (x, h) and finishes its own cell, which no other warp
// reads. The new h goes to scratch, since every warp still reads the old one; a last kernel copies
// it into the state. Long sequences make the input's share of all rows' gates in one product.
#include "gpu/cuda/dense.cuh"
#include "gpu/cuda/gradient.cuh"

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

// What sequences that start from zero went through, made again for the way back.
struct lstm_trace {
  float *gates;  // [n, T, 4H] share of x, then i, f, g, o; back: gradients before activation
  float *before; // [n, T, H] h before each row
  float *cells;  // [n, T + 1, H] c before each row, and the last
  float *share;  // [n, 4H] of h in the gates; back, its first [n, H]: dh from the row after
  float *dcell;  // [n, H] dc from the row after
  const float *b_ih, *b_hh, *dy;
  int streams, rows, size;
};

// Row t of every stream. One thread per hidden unit.
__global__ void lstm_replay_kernel(const lstm_trace s, int t)
{
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= s.streams * s.size) {
    return;
  }
  const int n = i / s.size, unit = i % s.size;
  float *gates = s.gates + ((int64_t)n * s.rows + t) * 4 * s.size;
  float gate[4];
  for (int g = 0; g < 4; ++g) {
    const int row = g * s.size + unit;
    const float sum =
        gates[row] + s.share[(int64_t)n * 4 * s.size + row] + s.b_ih[row] + s.b_hh[row];
    gate[g] = activate_value(sum, g == 2 ? ACT_TANH : ACT_SIGMOID, 1.0f);
    gates[row] = gate[g];
  }
  float *cell = s.cells + ((int64_t)n * (s.rows + 1) + t) * s.size + unit;
  const float value = gate[1] * cell[0] + gate[0] * gate[2];
  cell[s.size] = value;
  if (t + 1 < s.rows) {
    s.before[((int64_t)n * s.rows + t + 1) * s.size + unit] = gate[3] * tanhf(value);
  }
}

// Gates of row t become the gradients of what they were before activation.
__global__ void lstm_gates_backward_kernel(const lstm_trace s, int t)
{
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= s.streams * s.size) {
    return;
  }
  const int n = i / s.size, unit = i % s.size;
  const int64_t row = (int64_t)n * s.rows + t;
  float *gates = s.gates + row * 4 * s.size + unit;
  const float *cells = s.cells + ((int64_t)n * (s.rows + 1) + t) * s.size + unit;
  const float in = gates[0], forget = gates[s.size], cell = gates[2 * s.size];
  const float out = gates[3 * s.size], level = tanhf(cells[s.size]);
  const float dh = s.dy[row * s.size + unit] + s.share[i];
  const float d = s.dcell[i] + dh * out * (1.0f - level * level);
  s.dcell[i] = d * forget;
  gates[0] = d * cell * in * (1.0f - in);
  gates[s.size] = d * cells[0] * forget * (1.0f - forget);
  gates[2 * s.size] = d * in * (1.0f - cell * cell);
  gates[3 * s.size] = dh * level * out * (1.0f - out);
}

// ---------------------------------------------------------------------------------------------
// launchers

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

static lstm_trace trace_of(run *r, const tape_node *node)
{
  const tensor *x = &node->in[0];
  const int64_t size = node->weights[1]->dims[1], n = x->dims[0], rows = x->dims[1];
  lstm_trace s = {};
  s.gates = (float *)run_scratch(r, (size_t)(n * rows * 4 * size) * sizeof(float));
  s.before = (float *)run_scratch(r, (size_t)(n * rows * size) * sizeof(float));
  s.cells = (float *)run_scratch(r, (size_t)(n * (rows + 1) * size) * sizeof(float));
  s.share = (float *)run_scratch(r, (size_t)(n * 4 * size) * sizeof(float));
  s.dcell = (float *)run_scratch(r, (size_t)(n * size) * sizeof(float));
  s.b_ih = cuda_vector(node->weights[2]);
  s.b_hh = cuda_vector(node->weights[3]);
  s.streams = (int)n;
  s.rows = (int)rows;
  s.size = (int)size;
  return s;
}

static void zero(run *r, float *to, int64_t count)
{
  if (run_ok(r)) {
    r->dev->zero(r, to, (size_t)count * sizeof(float));
  }
}

// The forward again: gates and cells of every row.
static void replay(run *r, const lstm_trace *s, const float *w_hh, int64_t ld)
{
  const dim3 grid(cuda_blocks((int64_t)s->streams * s->size, 256));
  zero(r, s->before, (int64_t)s->streams * s->rows * s->size);
  zero(r, s->cells, (int64_t)s->streams * (s->rows + 1) * s->size);
  for (int t = 0; t < s->rows && run_ok(r); ++t) {
    const cuda_product p = {
        s->share,
        {s->before + (int64_t)t * s->size, (int64_t)s->rows * s->size, 0, false},
        {w_hh, ld, 0, true},
        1,
        s->streams,
        s->size,
        4 * (int64_t)s->size,
        false};
    cuda_multiply_matrices(r, "lstm backward", &p);
    cuda_launch(r, "lstm backward", lstm_replay_kernel, grid, 256, 0, *s, t);
  }
}

// Back through time: gates become gradients.
static void through_time(run *r, const lstm_trace *s, const float *w_hh, int64_t ld)
{
  const dim3 grid(cuda_blocks((int64_t)s->streams * s->size, 256));
  zero(r, s->share, (int64_t)s->streams * s->size);
  zero(r, s->dcell, (int64_t)s->streams * s->size);
  for (int t = s->rows - 1; t >= 0 && run_ok(r); --t) {
    const int64_t width = 4 * (int64_t)s->size;
    cuda_launch(r, "lstm backward", lstm_gates_backward_kernel, grid, 256, 0, *s, t);
    const cuda_product p = {s->share,
                            {s->gates + t * width, s->rows * width, 0, false},
                            {w_hh, ld, 0, false},
                            1,
                            s->streams,
                            width,
                            s->size,
                            false};
    cuda_multiply_matrices(r, "lstm backward", &p);
  }
}

// to [4H, columns] += gates' times `of` [n T, columns].
static void collect_weight(run *r, const lstm_trace *s, const weight *w, const float *of)
{
  const int64_t width = 4 * (int64_t)s->size, columns = w->dims[1];
  const cuda_product p = {(float *)w->grad,
                          {s->gates, width, 0, true},
                          {of, columns, 0, false},
                          1,
                          width,
                          (int64_t)s->streams * s->rows,
                          columns,
                          true};
  if (w->grad) {
    cuda_multiply_matrices(r, "lstm backward", &p);
  }
}

// dx +=, and those of w_ih, w_hh, b_ih, b_hh, of whole sequences that start from zero. Two small
// products and two kernels per row of time: the launches are the floor, about 4 T of them.
void cuda_lstm_backward(run *r, const tape_node *node)
{
  const tensor *x = &node->in[0], dy = tape_gradient(r, &node->out), dx = tape_gradient(r, x);
  const int64_t channels = x->dims[2], rows = tensor_rows(x);
  const size_t mark = arena_mark(r->memory);
  int64_t ld_ih = 0, ld_hh = 0;
  const float *w_ih = gradient_matrix(r, node->weights[0], &ld_ih);
  const float *w_hh = gradient_matrix(r, node->weights[1], &ld_hh);
  lstm_trace s = trace_of(r, node);
  const int64_t width = 4 * (int64_t)s.size;
  s.dy = cuda_floats(&dy);
  const cuda_product share = {s.gates,
                              {cuda_floats(x), channels, 0, false},
                              {w_ih, ld_ih, 0, true},
                              1,
                              rows,
                              channels,
                              width,
                              false};
  cuda_multiply_matrices(r, "lstm backward", &share);
  replay(r, &s, w_hh, ld_hh);
  through_time(r, &s, w_hh, ld_hh);
  collect_weight(r, &s, node->weights[0], cuda_floats(x));
  collect_weight(r, &s, node->weights[1], s.before);
  for (int i = 2; i < 4; ++i) {
    gradient_columns(r, "lstm backward", (float *)node->weights[i]->grad, s.gates, nullptr, rows,
                     width);
  }
  if (dx.data) {
    const cuda_product p = {cuda_floats(&dx),
                            {s.gates, width, 0, false},
                            {w_ih, ld_ih, 0, false},
                            1,
                            rows,
                            width,
                            channels,
                            true};
    cuda_multiply_matrices(r, "lstm backward", &p);
    gradient_add(r, "lstm backward", node->args.skip ? cuda_floats(&dx) : nullptr, cuda_floats(&dy),
                 1.0f, tensor_count(&dy));
  }
  arena_rewind(r->memory, mark);
}
