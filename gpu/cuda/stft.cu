// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// x [n, T, 1] -> y [n, rows, bins, 2]: the windowed rows in scratch, times the transform written
// out as a matrix [window, bins * 2]; and its adjoint, after which each sample gathers from the
// rows that show it. Cosines and sines are those of double precision, rounded once.
//
// Floor of the product: 4 rows window bins operations. Written out, a window of 2048 every 512
// samples is 0.8e9 operations per second of audio at 24 kHz, a hundredth of what a discriminator of
// that window then does with it; a fast transform would need a fiftieth, and be bound by its bytes.
// To be looked at where time shows it: transforms over 8192 samples are refused. Always in f32:
// what bf16 makes of a loud bin would drown quiet ones, whose logarithms the losses compare.
#include "gpu/cuda/gradient.cuh"

extern "C" {
#include "gpu/stft.h"
}

#define STFT_THREADS 256
#define STFT_MOST 8192

struct stft_call {
  int64_t samples, rows, bins, window, n_fft, hop;
  int64_t margin, back; // zeros before the window; samples that a centred row reaches back
  int64_t count;        // of what is written
  float scale;
};

static __device__ double turn_of(int64_t i, int64_t length)
{
  return 6.28318530717958647693 * (double)i / (double)length;
}

// window [window] and cosine, sine [n_fft], one after the other.
__global__ void stft_tables_kernel(float *to, const stft_call s)
{
  const int64_t i = (int64_t)blockIdx.x * blockDim.x + threadIdx.x;
  if (i < s.window) {
    to[i] = (float)((0.5 - 0.5 * cos(turn_of(i, s.window))) * (double)s.scale);
  }
  if (i < s.n_fft) {
    to[s.window + i] = (float)cos(turn_of(i, s.n_fft));
    to[s.window + s.n_fft + i] = (float)sin(turn_of(i, s.n_fft));
  }
}

// [window, bins, 2]: what bin k takes of place i.
__global__ void stft_matrix_kernel(float *to, const float *tables, const stft_call s)
{
  const int64_t at = (int64_t)blockIdx.x * blockDim.x + threadIdx.x;
  if (at < s.window * s.bins) {
    const int64_t angle = at % s.bins * (s.margin + at / s.bins) % s.n_fft;
    to[2 * at] = tables[s.window + angle];
    to[2 * at + 1] = -tables[s.window + s.n_fft + angle];
  }
}

// [n, rows, window] <- x, windowed, mirrored at the ends.
__global__ void stft_rows_kernel(float *to, const float *x, const float *tables, const stft_call s)
{
  const int64_t at = (int64_t)blockIdx.x * blockDim.x + threadIdx.x;
  if (at >= s.count) {
    return;
  }
  const int64_t i = at % s.window, row = at / s.window % s.rows, n = at / s.window / s.rows;
  const int64_t place = row * s.hop + s.margin + i - s.back, right = place < 0 ? -place : place;
  const int64_t from = right < s.samples ? right : 2 * (s.samples - 1) - right;
  to[at] = tables[i] * x[n * s.samples + from];
}

// What the rows' gradients [rows, window] give to place `place` of their sequence.
static __device__ float place_sum(const float *rows, const float *tables, const stft_call &s,
                                  int64_t place)
{
  const int64_t reach = place + s.back - s.margin; // of row 0's window
  const int64_t before = reach - s.window;         // the last row that ends before has hop * r <=
  float sum = 0.0f;
  for (int64_t r = before < 0 ? 0 : before / s.hop + 1; r < s.rows && r * s.hop <= reach; ++r) {
    const int64_t i = reach - r * s.hop;
    sum += tables[i] * rows[r * s.window + i];
  }
  return sum;
}

// One thread per sample.
__global__ void stft_gather_kernel(float *dx, const float *rows, const float *tables,
                                   const stft_call s)
{
  const int64_t at = (int64_t)blockIdx.x * blockDim.x + threadIdx.x;
  if (at >= s.count) {
    return;
  }
  const int64_t t = at % s.samples;
  const float *of = rows + at / s.samples * s.rows * s.window;
  float sum = place_sum(of, tables, s, t);
  if (s.back > 0 && t > 0) {
    sum += place_sum(of, tables, s, -t);
  }
  if (s.back > 0 && t < s.samples - 1) {
    sum += place_sum(of, tables, s, 2 * (s.samples - 1) - t);
  }
  dx[at] += sum;
}

// ---------------------------------------------------------------------------------------------
// launchers

static stft_call stft_call_of(const tensor *x, const tensor *y, const stft_config *c)
{
  stft_call s = {};
  s.samples = x->dims[1];
  s.rows = y->dims[1];
  s.bins = y->dims[2];
  s.window = c->window;
  s.n_fft = c->n_fft;
  s.hop = c->hop;
  s.margin = (c->n_fft - c->window) / 2;
  s.back = c->centred ? c->n_fft / 2 : 0;
  s.scale = c->scale;
  return s;
}

// Tables, and the matrix behind them, in scratch.
static float *make_tables(run *r, const stft_call *s, float **matrix)
{
  if (run_ok(r) && s->n_fft > STFT_MOST) {
    run_fail(r, STATUS_UNSUPPORTED, "stft: a transform of %lld samples, on CUDA at most %d",
             (long long)s->n_fft, STFT_MOST);
  }
  float *tables = (float *)run_scratch(r, (size_t)(s->window + 2 * s->n_fft) * sizeof(float));
  *matrix = (float *)run_scratch(r, (size_t)(s->window * s->bins * 2) * sizeof(float));
  cuda_launch(r, "stft", stft_tables_kernel, dim3(cuda_blocks(s->n_fft, STFT_THREADS)),
              STFT_THREADS, 0, tables, *s);
  cuda_launch(r, "stft", stft_matrix_kernel, dim3(cuda_blocks(s->window * s->bins, STFT_THREADS)),
              STFT_THREADS, 0, *matrix, tables, *s);
  return tables;
}

void cuda_stft(run *r, tensor *y, const tensor *x, stft *plan)
{
  const size_t mark = arena_mark(r->memory);
  stft_call s = stft_call_of(x, y, stft_settings(plan));
  float *matrix = nullptr;
  const float *tables = make_tables(r, &s, &matrix);
  s.count = x->dims[0] * s.rows * s.window;
  float *rows = (float *)run_scratch(r, (size_t)s.count * sizeof(float));
  cuda_launch(r, "stft", stft_rows_kernel, dim3(cuda_blocks(s.count, STFT_THREADS)), STFT_THREADS,
              0, rows, cuda_floats(x), tables, s);
  const cuda_product p = {cuda_floats(y),
                          {rows, s.window, 0, false},
                          {matrix, 2 * s.bins, 0, false},
                          1,
                          x->dims[0] * s.rows,
                          s.window,
                          2 * s.bins,
                          false,
                          true};
  cuda_multiply_matrices(r, "stft", &p);
  arena_rewind(r->memory, mark); // later work is queued behind this
}

void cuda_stft_adjoint(run *r, tensor *dx, const tensor *dy, stft *plan)
{
  const size_t mark = arena_mark(r->memory);
  stft_call s = stft_call_of(dx, dy, stft_settings(plan));
  float *matrix = nullptr;
  const float *tables = make_tables(r, &s, &matrix);
  const int64_t all_rows = dx->dims[0] * s.rows;
  float *rows = (float *)run_scratch(r, (size_t)(all_rows * s.window) * sizeof(float));
  const cuda_product p = {rows,
                          {cuda_floats(dy), 2 * s.bins, 0, false},
                          {matrix, 2 * s.bins, 0, true},
                          1,
                          all_rows,
                          2 * s.bins,
                          s.window,
                          false,
                          true};
  cuda_multiply_matrices(r, "stft backward", &p);
  s.count = tensor_count(dx);
  cuda_launch(r, "stft backward", stft_gather_kernel, dim3(cuda_blocks(s.count, STFT_THREADS)),
              STFT_THREADS, 0, cuda_floats(dx), rows, tables, s);
  arena_rewind(r->memory, mark);
}

void cuda_stft_backward(run *r, const tape_node *node)
{
  const tensor dy = tape_gradient(r, &node->out);
  tensor dx = tape_gradient(r, &node->in[0]);
  if (dx.data) {
    cuda_stft_adjoint(r, &dx, &dy, node->args.stft);
  }
}
