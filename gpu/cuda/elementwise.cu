// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// a, b -> y of a's shape; b has a's shape or is one row, repeated. One thread per element; y may
// be a.
#include "gpu/cuda/gradient.cuh"

#define ELEMENT_THREADS 256

__global__ void add_kernel(float *y, const float *a, const float *b, int64_t count, int64_t period)
{
  const int64_t i = (int64_t)blockIdx.x * blockDim.x + threadIdx.x;
  if (i < count) {
    y[i] = a[i] + b[i % period];
  }
}

__global__ void multiply_kernel(float *y, const float *a, const float *b, int64_t count,
                                int64_t period)
{
  const int64_t i = (int64_t)blockIdx.x * blockDim.x + threadIdx.x;
  if (i < count) {
    y[i] = a[i] * b[i % period];
  }
}

__global__ void scale_kernel(float *y, const float *a, int64_t count, float factor)
{
  const int64_t i = (int64_t)blockIdx.x * blockDim.x + threadIdx.x;
  if (i < count) {
    y[i] = factor * a[i];
  }
}

__global__ void multiply_backward_kernel(float *to, const float *dy, const float *by, int64_t count,
                                         int64_t period)
{
  const int64_t i = (int64_t)blockIdx.x * blockDim.x + threadIdx.x;
  if (i < count) {
    to[i] += dy[i] * by[i % period];
  }
}

// ---------------------------------------------------------------------------------------------
// launchers

void cuda_add(run *r, tensor *y, const tensor *a, const tensor *b)
{
  const int64_t count = tensor_count(a);
  cuda_launch(r, "add", add_kernel, dim3(cuda_blocks(count, ELEMENT_THREADS)), ELEMENT_THREADS, 0,
              cuda_floats(y), cuda_floats(a), cuda_floats(b), count, tensor_count(b));
}

void cuda_multiply(run *r, tensor *y, const tensor *a, const tensor *b)
{
  const int64_t count = tensor_count(a);
  cuda_launch(r, "multiply", multiply_kernel, dim3(cuda_blocks(count, ELEMENT_THREADS)),
              ELEMENT_THREADS, 0, cuda_floats(y), cuda_floats(a), cuda_floats(b), count,
              tensor_count(b));
}

void cuda_scale(run *r, tensor *y, const tensor *a, float factor)
{
  const int64_t count = tensor_count(a);
  cuda_launch(r, "scale", scale_kernel, dim3(cuda_blocks(count, ELEMENT_THREADS)), ELEMENT_THREADS,
              0, cuda_floats(y), cuda_floats(a), count, factor);
}

void cuda_add_backward(run *r, const tape_node *node)
{
  const tensor dy = tape_gradient(r, &node->out), da = tape_gradient(r, &node->in[0]);
  const tensor db = tape_gradient(r, &node->in[1]);
  const int64_t count = tensor_count(&dy), period = tensor_count(&node->in[1]);
  gradient_add(r, "add backward", cuda_floats(&da), cuda_floats(&dy), 1.0f, count);
  if (db.data && period == count) {
    gradient_add(r, "add backward", cuda_floats(&db), cuda_floats(&dy), 1.0f, count);
  } else if (db.data) {
    gradient_columns(r, "add backward", cuda_floats(&db), cuda_floats(&dy), nullptr, count / period,
                     period);
  }
}

static void add_products(run *r, const tensor *to, const tensor *dy, const tensor *by)
{
  const int64_t count = tensor_count(dy);
  cuda_launch(r, "multiply backward", multiply_backward_kernel,
              dim3(cuda_blocks(count, ELEMENT_THREADS)), ELEMENT_THREADS, 0, cuda_floats(to),
              cuda_floats(dy), cuda_floats(by), count, tensor_count(by));
}

void cuda_multiply_backward(run *r, const tape_node *node)
{
  const tensor *a = &node->in[0], *b = &node->in[1];
  const tensor dy = tape_gradient(r, &node->out), da = tape_gradient(r, a);
  const tensor db = tape_gradient(r, b);
  const int64_t count = tensor_count(&dy), period = tensor_count(b);
  if (da.data) {
    add_products(r, &da, &dy, b);
  }
  if (db.data && period == count) {
    add_products(r, &db, &dy, a);
  } else if (db.data) {
    gradient_columns(r, "multiply backward", cuda_floats(&db), cuda_floats(&dy), cuda_floats(a),
                     count / period, period);
  }
}

void cuda_scale_backward(run *r, const tape_node *node)
{
  const tensor dy = tape_gradient(r, &node->out), dx = tape_gradient(r, &node->in[0]);
  gradient_add(r, "scale backward", cuda_floats(&dx), cuda_floats(&dy), node->args.factor,
               tensor_count(&dy));
}
