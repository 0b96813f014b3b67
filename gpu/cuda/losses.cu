// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// Losses and their gradients; gpu/losses.h says which. Sums: each block a part, then one thread per
// sum its parts. All are bound by memory: what they read and write, once; the mel loss reads two
// spectra and writes one.
#include "gpu/cuda/sum.cuh"

extern "C" {
#include "gpu/losses.h"
#include "gpu/tape.h"
}

#define MEL_THREADS 128
#define MAGNITUDE_EPSILON 1e-16f // as train/mel_loss.c

// sums[i] = its parts [n_parts], one after the other. One thread per sum.
__global__ void sums_finish_kernel(double *sums, const double *parts, int n_parts, int count)
{
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < count) {
    sums[i] = parts_sum(parts + (int64_t)i * n_parts, n_parts);
  }
}

static __device__ float sign_of(float value)
{
  return (value > 0.0f ? 1.0f : 0.0f) - (value < 0.0f ? 1.0f : 0.0f);
}

// Blocks: x over parts, y over the n. parts [n, 3, parts].
__global__ void waves_kernel(double *parts, const float *x, const float *target, int64_t count,
                             float step_l1, float step_l2, float *l1, float *l2)
{
  __shared__ double shared[SUM_THREADS];
  const int64_t row = blockIdx.y * count;
  double sums[3] = {0.0, 0.0, 0.0};
  for (int64_t i = (int64_t)blockIdx.x * SUM_THREADS + threadIdx.x; i < count;
       i += (int64_t)gridDim.x * SUM_THREADS) {
    const float t = target[row + i], d = x[row + i] - t;
    const double off = (double)x[row + i] - (double)t;
    sums[0] += fabsf(d);
    sums[1] += off * off;
    sums[2] += (double)t * t;
    if (l1) {
      l1[row + i] = step_l1 * sign_of(d);
    }
    if (l2) {
      l2[row + i] = step_l2 * d;
    }
  }
  for (int k = 0; k < 3; ++k) {
    const double sum = block_sum(sums[k], shared);
    if (threadIdx.x == 0) {
      parts[(blockIdx.y * 3 + k) * gridDim.x + blockIdx.x] = sum;
    }
    __syncthreads();
  }
}

__global__ void squares_kernel(double *parts, const float *x, int64_t count)
{
  __shared__ double shared[SUM_THREADS];
  const int64_t row = blockIdx.y * count;
  double sum = 0.0;
  for (int64_t i = (int64_t)blockIdx.x * SUM_THREADS + threadIdx.x; i < count;
       i += (int64_t)gridDim.x * SUM_THREADS) {
    sum += (double)x[row + i] * (double)x[row + i];
  }
  sum = block_sum(sum, shared);
  if (threadIdx.x == 0) {
    parts[blockIdx.y * gridDim.x + blockIdx.x] = sum;
  }
}

// parts [2, parts].
__global__ void hinge_kernel(double *parts, const float *logits, int64_t count, int kind,
                             float step, float *seed)
{
  __shared__ double shared[SUM_THREADS];
  const float sign = kind == HINGE_FAKE ? 1.0f : -1.0f;
  double loss = 0.0, score = 0.0;
  for (int64_t i = (int64_t)blockIdx.x * SUM_THREADS + threadIdx.x; i < count;
       i += (int64_t)gridDim.x * SUM_THREADS) {
    const float margin = (kind == HINGE_NONE ? 0.0f : 1.0f) + sign * logits[i];
    const bool counts = kind == HINGE_NONE || margin > 0.0f;
    loss += counts ? margin : 0.0f;
    score += logits[i];
    seed[i] = counts ? sign * step : 0.0f;
  }
  loss = block_sum(loss, shared);
  __syncthreads();
  score = block_sum(score, shared);
  if (threadIdx.x == 0) {
    parts[blockIdx.x] = loss;
    parts[gridDim.x + blockIdx.x] = score;
  }
}

// parts [2, parts].
__global__ void feature_sums_kernel(double *parts, const float *fake, const float *real,
                                    int64_t count)
{
  __shared__ double shared[SUM_THREADS];
  double apart = 0.0, size = 0.0;
  for (int64_t i = (int64_t)blockIdx.x * SUM_THREADS + threadIdx.x; i < count;
       i += (int64_t)gridDim.x * SUM_THREADS) {
    apart += fabsf(fake[i] - real[i]);
    size += fabsf(real[i]);
  }
  apart = block_sum(apart, shared);
  __syncthreads();
  size = block_sum(size, shared);
  if (threadIdx.x == 0) {
    parts[blockIdx.x] = apart;
    parts[gridDim.x + blockIdx.x] = size;
  }
}

__global__ void feature_seed_kernel(float *seed, const double *sums, const float *fake,
                                    const float *real, int64_t count, bool relative, double floor,
                                    double weight)
{
  const int64_t i = (int64_t)blockIdx.x * blockDim.x + threadIdx.x;
  if (i < count) {
    const double mean = sums[1] / (double)count;
    const double unit = !relative ? 1.0 : mean > floor ? mean : floor;
    seed[i] = (float)(weight / ((double)count * unit)) * sign_of(fake[i] - real[i]);
  }
}

// ---- mel ----

static __device__ float mel_value(const float *bin, bool power)
{
  const float square = bin[0] * bin[0] + bin[1] * bin[1];
  return power ? square : sqrtf(square + MAGNITUDE_EPSILON);
}

static __device__ float mel_band(const mel_rows &m, const float *values, int band)
{
  float sum = 0.0f;
  for (int k = m.first[band]; k < m.first[band + 1]; ++k) {
    sum += m.rising[k] * values[k];
  }
  for (int k = m.first[band + 1]; k < m.first[band + 2]; ++k) {
    sum += m.falling[k] * values[k];
  }
  return sum;
}

// The logarithmic term of one band: what it adds to the row's sum; its difference (the sign where
// the absolute difference counts) and d L_x / d S_x.
static __device__ float mel_log_term(const mel_rows &m, float a, float t, float *difference,
                                     float *slope)
{
  const float least = m.log_floor;
  const float held_a = m.floor_added ? a + least : a > least ? a : least;
  const float held_t = m.floor_added ? t + least : t > least ? t : least;
  const float d = logf(held_a / held_t);
  *difference = m.log_absolute ? sign_of(d) : d;
  *slope = !m.floor_added && a < least ? 0.0f : 1.0f / held_a;
  return d * *difference;
}

// Sum over the block's threads, the same in each; all call.
static __device__ float mel_sum(float value, float *shared)
{
  __syncthreads();
  shared[threadIdx.x] = value;
  for (int half = MEL_THREADS / 2; half > 0; half /= 2) {
    __syncthreads();
    if ((int)threadIdx.x < half) {
      shared[threadIdx.x] += shared[threadIdx.x + half];
    }
  }
  __syncthreads();
  return shared[0];
}

// One block per row; a thread takes every MEL_THREADS-th bin, then every MEL_THREADS-th band.
__global__ void mel_kernel(double *losses, float *spectra, const float *targets, const mel_rows m)
{
  CUDA_SHARED_FLOATS(values); // of x [bins], of the target [bins], gradient of bands [bands]
  __shared__ float sums[MEL_THREADS];
  const int bins = (int)m.n_bins, bands = (int)m.n_bands;
  float *target_values = values + bins, *d_bands = target_values + bins;
  float *spectrum = spectra + (int64_t)blockIdx.x * bins * 2;
  const float *target = targets + (int64_t)blockIdx.x * bins * 2;
  for (int k = threadIdx.x; k < bins; k += MEL_THREADS) {
    values[k] = mel_value(spectrum + 2 * k, m.power);
    target_values[k] = mel_value(target + 2 * k, m.power);
  }
  __syncthreads();
  float linear = 0.0f, logs = 0.0f;
  for (int b = threadIdx.x; b < bands; b += MEL_THREADS) {
    const float a = mel_band(m, values, b), t = mel_band(m, target_values, b);
    float difference = 0.0f, slope = 0.0f;
    linear += fabsf(a - t);
    logs += m.log_weight > 0.0f ? mel_log_term(m, a, t, &difference, &slope) : 0.0f;
  }
  linear = mel_sum(linear, sums);
  logs = mel_sum(logs, sums);
  float along = m.log_absolute ? 1.0f : 2.0f; // of `logs` along each difference
  if (m.root) {
    logs = sqrtf(logs);
    along = logs > 0.0f ? 1.0f / logs : 0.0f;
  }
  for (int b = threadIdx.x; b < bands; b += MEL_THREADS) {
    const float a = mel_band(m, values, b), t = mel_band(m, target_values, b);
    float difference = 0.0f, slope = 0.0f;
    if (m.log_weight > 0.0f) {
      mel_log_term(m, a, t, &difference, &slope);
    }
    d_bands[b] = m.factor * sign_of(a - t) + m.factor * m.log_weight * along * difference * slope;
  }
  __syncthreads();
  for (int k = threadIdx.x; k < bins; k += MEL_THREADS) {
    const int s = m.segment[k];
    const float up = s < bands ? d_bands[s] * m.rising[k] : 0.0f;
    const float down = s > 0 && s <= bands ? d_bands[s - 1] * m.falling[k] : 0.0f;
    const float d = m.power ? 2.0f * (up + down) : (up + down) / values[k];
    spectrum[2 * k] *= d;
    spectrum[2 * k + 1] *= d;
  }
  if (threadIdx.x == 0) {
    losses[blockIdx.x] = linear + m.log_weight * logs;
  }
}

// parts [parts].
__global__ void doubles_kernel(double *parts, const double *x, int64_t count)
{
  __shared__ double shared[SUM_THREADS];
  double sum = 0.0;
  for (int64_t i = (int64_t)blockIdx.x * SUM_THREADS + threadIdx.x; i < count;
       i += (int64_t)gridDim.x * SUM_THREADS) {
    sum += x[i];
  }
  sum = block_sum(sum, shared);
  if (threadIdx.x == 0) {
    parts[blockIdx.x] = sum;
  }
}

// ---------------------------------------------------------------------------------------------
// launchers

static double *take_doubles(run *r, int64_t count)
{
  return (double *)run_scratch(r, (size_t)count * sizeof(double));
}

static void finish_sums(run *r, double *sums, const double *parts, unsigned n_parts, int64_t count)
{
  cuda_launch(r, "sums", sums_finish_kernel, dim3(cuda_blocks(count, SUM_THREADS)), SUM_THREADS, 0,
              sums, parts, (int)n_parts, (int)count);
}

static void cuda_waves(run *r, double *sums, const float *x, const float *target, int64_t n,
                       int64_t count, float factor, float *l1, float *l2)
{
  const size_t mark = arena_mark(r->memory);
  const unsigned parts = sum_parts(count);
  double *found = take_doubles(r, n * 3 * parts);
  cuda_launch(r, "wave losses", waves_kernel, dim3(parts, (unsigned)n), SUM_THREADS, 0, found, x,
              target, count, factor / (float)count, 2.0f * factor / (float)count, l1, l2);
  finish_sums(r, sums, found, parts, n * 3);
  arena_rewind(r->memory, mark); // later work is queued behind this
}

static void cuda_squares(run *r, double *sums, const float *x, int64_t n, int64_t count)
{
  const size_t mark = arena_mark(r->memory);
  const unsigned parts = sum_parts(count);
  double *found = take_doubles(r, n * parts);
  cuda_launch(r, "squares", squares_kernel, dim3(parts, (unsigned)n), SUM_THREADS, 0, found, x,
              count);
  finish_sums(r, sums, found, parts, n);
  arena_rewind(r->memory, mark);
}

static void cuda_hinge(run *r, double *sums, const float *logits, int64_t count, hinge_kind kind,
                       double weight, float *seed)
{
  const size_t mark = arena_mark(r->memory);
  const unsigned parts = sum_parts(count);
  double *found = take_doubles(r, 2 * parts);
  cuda_launch(r, "hinge loss", hinge_kernel, dim3(parts), SUM_THREADS, 0, found, logits, count,
              (int)kind, (float)(weight / (double)count), seed);
  finish_sums(r, sums, found, parts, 2);
  arena_rewind(r->memory, mark);
}

static void cuda_feature(run *r, double *sums, const float *fake, const float *real, int64_t count,
                         bool relative, double floor, double weight, float *seed)
{
  const size_t mark = arena_mark(r->memory);
  const unsigned parts = sum_parts(count);
  double *found = take_doubles(r, 2 * parts);
  cuda_launch(r, "feature loss", feature_sums_kernel, dim3(parts), SUM_THREADS, 0, found, fake,
              real, count);
  finish_sums(r, sums, found, parts, 2);
  cuda_launch(r, "feature loss", feature_seed_kernel, dim3(cuda_blocks(count, SUM_THREADS)),
              SUM_THREADS, 0, seed, sums, fake, real, count, relative, floor, weight);
  arena_rewind(r->memory, mark);
}

static void cuda_mel(run *r, double *sums, float *spectra, const float *target,
                     const mel_rows *rows)
{
  const size_t shared = (size_t)(2 * rows->n_bins + rows->n_bands) * sizeof(float);
  const size_t mark = arena_mark(r->memory);
  const unsigned parts = sum_parts(rows->n_rows);
  if (shared + MEL_THREADS * sizeof(float) > CUDA_SHARED_MAX_BYTES) {
    run_fail(r, STATUS_UNSUPPORTED, "mel loss: a transform of %lld bins does not fit the device",
             (long long)rows->n_bins);
  }
  double *losses = take_doubles(r, rows->n_rows), *found = take_doubles(r, parts);
  cuda_launch(r, "mel loss", mel_kernel, dim3((unsigned)rows->n_rows), MEL_THREADS, shared, losses,
              spectra, target, *rows);
  cuda_launch(r, "mel loss", doubles_kernel, dim3(parts), SUM_THREADS, 0, found, losses,
              rows->n_rows);
  finish_sums(r, sums, found, parts, 1);
  arena_rewind(r->memory, mark);
}

extern "C" const loss_ops cuda_loss_ops = {cuda_waves, cuda_mel,     cuda_stft_adjoint,
                                           cuda_hinge, cuda_feature, cuda_squares};
