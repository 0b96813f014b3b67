// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// The CUDA device: its memory, its queue, its table of launchers.
#include "gpu/cuda/matrix.cuh"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLAS_WORKSPACE_BYTES ((size_t)32 << 20) // what cuBLAS asks for on the largest cards

static status cuda_status(cudaError_t code, const char *what, error *err)
{
  if (code == cudaSuccess) {
    return STATUS_OK;
  }
  cudaGetLastError();
  return error_set(err, code == cudaErrorMemoryAllocation ? STATUS_NO_MEMORY : STATUS_DEVICE,
                   "%s: %s", what, cudaGetErrorString(code));
}

status cuda_queue_open(cuda_queue *queue, size_t workspace_bytes, error *err)
{
  *queue = {};
  status code = cuda_status(cudaStreamCreateWithFlags(&queue->stream, cudaStreamNonBlocking),
                            "CUDA stream", err);
  if (code == STATUS_OK) {
    code =
        cuda_status(cudaMalloc(&queue->blas_workspace, workspace_bytes), "cuBLAS workspace", err);
  }
  if (code == STATUS_OK && cublasCreate(&queue->blas) != CUBLAS_STATUS_SUCCESS) {
    queue->blas = nullptr;
    code = error_set(err, STATUS_DEVICE, "cuBLAS does not start");
  }
  if (code == STATUS_OK && (cublasSetStream(queue->blas, queue->stream) != CUBLAS_STATUS_SUCCESS ||
                            cublasSetWorkspace(queue->blas, queue->blas_workspace,
                                               BLAS_WORKSPACE_BYTES) != CUBLAS_STATUS_SUCCESS)) {
    code = error_set(err, STATUS_DEVICE, "cuBLAS refuses its stream or workspace");
  }
  if (code != STATUS_OK) {
    cuda_queue_close(queue);
  }
  return code;
}

void cuda_queue_close(cuda_queue *queue)
{
  if (queue->blas) {
    cublasDestroy(queue->blas);
  }
  if (queue->blas_workspace) {
    cudaFree(queue->blas_workspace);
  }
  if (queue->stream) {
    cudaStreamDestroy(queue->stream);
  }
  *queue = {};
}

// Every entry point may be the thread's first: the current device is the thread's own.
static cuda_backend *backend_of(device *dev)
{
  cuda_backend *backend = (cuda_backend *)dev->backend;
  cudaSetDevice(backend->ordinal);
  return backend;
}

static void *cuda_allocate(device *dev, size_t bytes)
{
  backend_of(dev);
  void *data = nullptr;
  if (cudaMalloc(&data, bytes ? bytes : 1) != cudaSuccess) {
    cudaGetLastError();
    return nullptr;
  }
  return data;
}

static void cuda_release(device *dev, void *data)
{
  backend_of(dev);
  cudaFree(data);
}

// Copies and clears wait: the host's memory may be gone when the caller returns.
static status cuda_copy(device *dev, void *to, const void *from, size_t bytes, cudaMemcpyKind kind,
                        error *err)
{
  const cudaStream_t stream = backend_of(dev)->queue.stream;
  if (bytes == 0) {
    return STATUS_OK;
  }
  cudaError_t code = cudaMemcpyAsync(to, from, bytes, kind, stream);
  if (code == cudaSuccess) {
    code = cudaStreamSynchronize(stream);
  }
  return cuda_status(code, "copy", err);
}

static status cuda_upload(device *dev, void *to, const void *from, size_t bytes, error *err)
{
  return cuda_copy(dev, to, from, bytes, cudaMemcpyHostToDevice, err);
}

static status cuda_download(device *dev, void *to, const void *from, size_t bytes, error *err)
{
  return cuda_copy(dev, to, from, bytes, cudaMemcpyDeviceToHost, err);
}

static status cuda_clear(device *dev, void *data, size_t bytes, error *err)
{
  const cudaStream_t stream = backend_of(dev)->queue.stream;
  if (bytes == 0) {
    return STATUS_OK;
  }
  cudaError_t code = cudaMemsetAsync(data, 0, bytes, stream);
  if (code == cudaSuccess) {
    code = cudaStreamSynchronize(stream);
  }
  return cuda_status(code, "clear", err);
}

static void cuda_zero(run *r, void *data, size_t bytes)
{
  if (run_ok(r) && !r->measuring && bytes > 0) {
    cuda_passed(r, cudaMemsetAsync(data, 0, bytes, cuda_queue_of(r)->stream), "clear");
  }
}

static status cuda_synchronize(device *dev, error *err)
{
  return cuda_status(cudaStreamSynchronize(backend_of(dev)->queue.stream), "wait", err);
}

static status cuda_pack(device *dev, weight *w, error *err)
{
  const pack_layout layout = pack_layout_of(w);
  if (layout.type == DTYPE_F64 || layout.type == DTYPE_I32) {
    return error_set(err, STATUS_UNSUPPORTED, "%s: no %s weights on CUDA", w->name,
                     dtype_name(layout.type));
  }
  if (layout.rows > INT32_MAX / 2 || layout.stride > INT32_MAX / 2) {
    return error_set(err, STATUS_UNSUPPORTED, "%s: too large for CUDA", w->name);
  }
  void *host = malloc(layout.bytes + 1);
  void *form = w->form ? w->form : cuda_allocate(dev, layout.bytes);
  status code = host && form ? STATUS_OK
                             : error_set(err, STATUS_NO_MEMORY, "%s: no memory to pack %zu bytes",
                                         w->name, layout.bytes);
  if (code == STATUS_OK) {
    code = pack_weight(w, &layout, host, err);
  }
  if (code == STATUS_OK) {
    code = cuda_upload(dev, form, host, layout.bytes, err);
  }
  free(host);
  if (code != STATUS_OK && !w->form) {
    cuda_release(dev, form);
  } else if (code == STATUS_OK) {
    w->form = form;
    w->form_bytes = layout.bytes;
  }
  return code;
}

static void cuda_close(device *dev)
{
  cuda_backend *backend = backend_of(dev);
  cuda_queue_close(&backend->queue);
  free(backend);
  free(dev);
}

static void fill_table(ops *table)
{
  table->conv1d = cuda_conv1d;
  table->conv_transposed1d = cuda_conv_transposed1d;
  table->conv2d = cuda_conv2d;
  table->linear = cuda_linear;
  table->norm_linear = cuda_norm_linear;
  table->matmul = cuda_matmul;
  table->lstm = cuda_lstm;
  table->attention = cuda_attention;
  table->activate = cuda_activate;
  table->norm = cuda_norm;
  table->embed = cuda_embed;
  table->add = cuda_add;
  table->multiply = cuda_multiply;
  table->scale = cuda_scale;
  table->softmax = cuda_softmax;
  table->nearest = cuda_nearest;
  table->rvq_encode = cuda_rvq_encode;
  table->rvq_decode = cuda_rvq_decode;
  table->avg_pool1d = cuda_avg_pool1d;
  table->reduce = cuda_reduce;
  table->stft = cuda_stft;
  table->advance = cuda_advance;
  table->backward[OP_CONV1D] = cuda_conv1d_backward;
  table->backward[OP_CONV_TRANSPOSED1D] = cuda_conv_transposed1d_backward;
  table->backward[OP_CONV2D] = cuda_conv2d_backward;
  table->backward[OP_LINEAR] = cuda_linear_backward;
  table->backward[OP_MATMUL] = cuda_matmul_backward;
  table->backward[OP_LSTM] = cuda_lstm_backward;
  table->backward[OP_ATTENTION] = cuda_attention_backward;
  table->backward[OP_ACTIVATE] = cuda_activate_backward;
  table->backward[OP_NORM] = cuda_norm_backward;
  table->backward[OP_EMBED] = cuda_embed_backward;
  table->backward[OP_ADD] = cuda_add_backward;
  table->backward[OP_MULTIPLY] = cuda_multiply_backward;
  table->backward[OP_SCALE] = cuda_scale_backward;
  table->backward[OP_SOFTMAX] = cuda_softmax_backward;
  table->backward[OP_AVG_POOL1D] = cuda_avg_pool1d_backward;
  table->backward[OP_REDUCE] = cuda_reduce_backward;
  table->backward[OP_STFT] = cuda_stft_backward;
  for (int i = 0; i < OP_COUNT; ++i) {
    table->variant[i] = "cuda";
  }
}

static void fill_device(device *dev, cuda_backend *backend, const char *name)
{
  dev->kind = COMPUTE_CUDA;
  dev->real = DTYPE_F32;
  dev->backend = backend;
  dev->references = 1;
  dev->pack = cuda_pack;
  dev->allocate = cuda_allocate;
  dev->release = cuda_release;
  dev->upload = cuda_upload;
  dev->download = cuda_download;
  dev->clear = cuda_clear;
  dev->zero = cuda_zero;
  dev->losses = &cuda_loss_ops;
  dev->updates = &cuda_update_ops;
  dev->synchronize = cuda_synchronize;
  dev->close = cuda_close;
  fill_table(&dev->table);
  snprintf(dev->name, sizeof dev->name, "%.100s%s", name,
           backend->bf16 ? ", products in bf16" : "");
}

static int device_count(error *err)
{
  int count = 0;
  const cudaError_t code = cudaGetDeviceCount(&count);
  if (code != cudaSuccess || count == 0) {
    cudaGetLastError();
    error_set(err, STATUS_UNSUPPORTED, "no CUDA device here: %s",
              code == cudaSuccess ? "none found" : cudaGetErrorString(code));
    return 0;
  }
  return count;
}

status device_open_cuda(device **out, const device_options *options, error *err)
{
  *out = nullptr;
  if (options->f64) {
    return error_set(err, STATUS_UNSUPPORTED, "double precision exists on the CPU only");
  }
  if (device_count(err) == 0) {
    return STATUS_UNSUPPORTED;
  }
  cudaDeviceProp properties;
  status code = cuda_status(cudaSetDevice(0), "CUDA device 0", err);
  if (code == STATUS_OK) {
    code = cuda_status(cudaGetDeviceProperties(&properties, 0), "CUDA device 0", err);
  }
  if (code != STATUS_OK) {
    return code;
  }
  if (options->products == PRODUCTS_BF16 && properties.major < 8) {
    return error_set(err, STATUS_UNSUPPORTED,
                     "products in bf16 want compute capability 8.0 or later; %.80s has %d.%d",
                     properties.name, properties.major, properties.minor);
  }
  device *dev = (device *)calloc(1, sizeof *dev);
  cuda_backend *backend = (cuda_backend *)calloc(1, sizeof *backend);
  if (!dev || !backend) {
    free(dev);
    free(backend);
    return error_set(err, STATUS_NO_MEMORY, "no memory for the CUDA device");
  }
  backend->bf16 = options->products == PRODUCTS_BF16;
  backend->n_multiprocessors = properties.multiProcessorCount;
  code = cuda_queue_open(&backend->queue, BLAS_WORKSPACE_BYTES, err);
  if (code != STATUS_OK) {
    free(dev);
    free(backend);
    return code;
  }
  fill_device(dev, backend, properties.name);
  *out = dev;
  return STATUS_OK;
}

int device_list_cuda(char (*names)[128], int capacity)
{
  const int count = device_count(nullptr);
  for (int i = 0; i < count && i < capacity; ++i) {
    cudaDeviceProp properties;
    if (cudaGetDeviceProperties(&properties, i) == cudaSuccess) {
      snprintf(names[i], sizeof names[i], "cuda %.80s (compute %d.%d)%s", properties.name,
               properties.major, properties.minor, i ? ", not used" : "");
    } else {
      snprintf(names[i], sizeof names[i], "cuda device %d", i);
    }
  }
  return count;
}
