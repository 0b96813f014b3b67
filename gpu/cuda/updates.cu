// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// Gradients to values to compute forms without leaving the device. All of it is bound by memory,
// and for networks of this size by its launches: two to four for each weight.
#include "gpu/cuda/gradient.cuh"
#include "gpu/cuda/sum.cuh"

extern "C" {
#include "gpu/cpu/rows.h"
#include "gpu/updates.h"
}

// One block per row of the master's first dimension. With u = v / |v|: dg = dw . u and
// dv = g / |v| (dw - dg u), as weight_norm_backward; sums in double.
__global__ void norm_collect_kernel(float *dg, float *dv, const float *g, const float *v,
                                    const float *grad, int64_t inner)
{
  __shared__ double shared[SUM_THREADS];
  __shared__ double along, gain;
  const int64_t row = blockIdx.x * inner;
  double squares = 0.0, product = 0.0;
  for (int64_t j = threadIdx.x; j < inner; j += SUM_THREADS) {
    squares += (double)v[row + j] * (double)v[row + j];
    product += (double)grad[row + j] * (double)v[row + j];
  }
  squares = block_sum(squares, shared);
  __syncthreads();
  product = block_sum(product, shared);
  if (threadIdx.x == 0) {
    const double inverse = squares > 0.0 ? 1.0 / sqrt(squares) : 0.0;
    along = product * inverse * inverse; // dg / |v|
    gain = (double)g[blockIdx.x] * inverse;
    dg[blockIdx.x] = (float)(product * inverse);
  }
  __syncthreads();
  for (int64_t j = threadIdx.x; j < inner; j += SUM_THREADS) {
    dv[row + j] = (float)(gain * ((double)grad[row + j] - along * (double)v[row + j]));
  }
}

// factors [dims[0]] = g / |v|. One block per row.
__global__ void norm_factor_kernel(float *factors, const float *g, const float *v, int64_t inner)
{
  __shared__ double shared[SUM_THREADS];
  double squares = 0.0;
  for (int64_t j = threadIdx.x; j < inner; j += SUM_THREADS) {
    const double value = v[blockIdx.x * inner + j];
    squares += value * value;
  }
  squares = block_sum(squares, shared);
  if (threadIdx.x == 0) {
    factors[blockIdx.x] = squares > 0.0 ? (float)((double)g[blockIdx.x] / sqrt(squares)) : 0.0f;
  }
}

__global__ void adam_kernel(float *values, const float *gradient, float *mean, float *square,
                            float *average, int64_t count, const adam_step a)
{
  const int64_t i = (int64_t)blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= count) {
    return;
  }
  const float g = gradient[i] * a.scale;
  const float m = a.beta1 * mean[i] + (1.0f - a.beta1) * g;
  const float s = a.beta2 * square[i] + (1.0f - a.beta2) * (g * g);
  const float value = a.keep * values[i] - a.rate * m / (sqrtf(s * a.correct2) + a.epsilon);
  mean[i] = m;
  square[i] = s;
  values[i] = value;
  if (average) {
    average[i] = a.average_decay * average[i] + (1.0f - a.average_decay) * value;
  }
}

// What the kernel needs of a weight to find an element of its matrix in the master.
struct master_layout {
  int use;
  int64_t rows, columns, stride; // of the form
  int64_t inner;                 // of a row of the master
  int64_t channels, outputs;     // of a group
  int64_t taps, kernel, groups, step;
};

// Element (row, column) of the matrix in the master, -1: nowhere. As rows_from_master.
static __device__ int64_t master_index(const master_layout &l, int64_t row, int64_t column)
{
  if (l.use == WEIGHT_CONV1D || l.use == WEIGHT_CONV2D) {
    return (row * l.channels + column % l.channels) * l.taps + column / l.channels;
  }
  if (l.use == WEIGHT_CONV_TRANSPOSED1D) {
    const int64_t all = l.outputs * l.groups, phase = row / all, o = row % all;
    const int64_t k = (l.taps - 1 - column / l.channels) * l.step + phase;
    const int64_t c = o / l.outputs * l.channels + column % l.channels;
    return k < l.kernel ? (c * l.outputs + o % l.outputs) * l.kernel + k : -1;
  }
  return row * l.columns + column;
}

__global__ void form_kernel(float *form, const float *values, const float *factors,
                            const master_layout l)
{
  const int64_t i = (int64_t)blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= l.rows * l.stride) {
    return;
  }
  const int64_t column = i % l.stride;
  const int64_t at = column < l.columns ? master_index(l, i / l.stride, column) : -1;
  const float value = at >= 0 ? values[at] : 0.0f;
  form[i] = factors && at >= 0 ? value * factors[at / l.inner] : value;
}

// ---------------------------------------------------------------------------------------------
// launchers

static void cuda_collect(run *r, float *to, const float *values, const weight *w)
{
  const int64_t count = weight_count(w), rows = w->dims[0], inner = count / rows;
  const float *grad = (const float *)w->grad;
  if (!run_ok(r)) {
    return;
  }
  if (w->norm_v) {
    cuda_launch(r, w->name, norm_collect_kernel, dim3((unsigned)rows), SUM_THREADS, 0, to,
                to + rows, values, values + rows, grad, inner);
  } else {
    cuda_passed(r,
                cudaMemcpyAsync(to, grad, (size_t)count * sizeof(float), cudaMemcpyDeviceToDevice,
                                cuda_queue_of(r)->stream),
                w->name);
  }
  if (run_ok(r)) {
    r->dev->zero(r, w->grad, (size_t)count * sizeof(float));
  }
}

static void cuda_adam(run *r, float *values, const float *gradient, float *mean, float *square,
                      float *average, int64_t count, const adam_step *step)
{
  cuda_launch(r, "adam", adam_kernel, dim3(cuda_blocks(count, SUM_THREADS)), SUM_THREADS, 0, values,
              gradient, mean, square, average, count, *step);
}

static master_layout layout_of(const weight *w, const pack_layout *form)
{
  master_layout l = {};
  l.use = w->use;
  l.rows = form->rows;
  l.columns = form->columns;
  l.stride = form->stride;
  l.inner = weight_count(w) / w->dims[0];
  l.groups = w->groups;
  l.channels = w->dims[1];
  l.taps = w->dims[2] * w->dims[3];
  if (w->use == WEIGHT_CONV_TRANSPOSED1D) {
    l.channels = w->dims[0] / w->groups;
    l.outputs = w->dims[1];
    l.kernel = w->dims[2];
    l.step = w->stride;
    l.taps = (w->dims[2] + w->stride - 1) / w->stride;
  }
  return l;
}

static void cuda_refresh(run *r, weight *w, const float *values)
{
  const pack_layout form = pack_layout_of(w);
  if (run_ok(r) && (form.type != DTYPE_F32 || w->use == WEIGHT_CODEBOOK || !w->form)) {
    run_fail(r, STATUS_UNSUPPORTED, "%s: cannot be brought up to date on the device", w->name);
  }
  const size_t mark = arena_mark(r->memory);
  const master_layout l = layout_of(w, &form);
  float *factors = nullptr;
  if (w->norm_v) {
    factors = (float *)run_scratch(r, (size_t)w->dims[0] * sizeof(float));
    cuda_launch(r, w->name, norm_factor_kernel, dim3((unsigned)w->dims[0]), SUM_THREADS, 0, factors,
                values, values + w->dims[0], l.inner);
    values += w->dims[0];
  }
  cuda_launch(r, w->name, form_kernel, dim3(cuda_blocks(l.rows * l.stride, SUM_THREADS)),
              SUM_THREADS, 0, (float *)w->form, values, factors, l);
  arena_rewind(r->memory, mark); // later work is queued behind this
  if (run_ok(r)) {
    w->form_version = w->version;
  }
}

extern "C" const update_ops cuda_update_ops = {cuda_collect, cuda_adam, cuda_refresh};
