// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// Host and device side of a step. Input: pinned host memory -> device, one thread per word.
// Output: device -> pinned host memory, then the step's number into a word that the host watches.
// One block does the way out, so that one barrier orders all its writes before the number.
#include "gpu/cuda/common.cuh"

#include <stdlib.h>
#include <time.h>

#define RECEIVE_THREADS 256
#define SEND_THREADS 512
#define SPIN_NS 50000
#define LOOK_NS 20000
#define PATIENCE_NS 1000000000

struct cuda_step_io {
  uint32_t *host_input, *host_output;  // pinned, as the host sees them
  uint32_t *seen_input, *seen_output;  // the same, as the device does
  uint32_t *host_number, *seen_number; // steps finished, pinned
  uint32_t *number;                    // steps finished, device
  uint32_t waited;                     // number the host has waited for
};

static int words_of(size_t bytes)
{
  return (int)((bytes + sizeof(uint32_t) - 1) / sizeof(uint32_t));
}

__global__ void step_io_receive_kernel(uint32_t *to, const volatile uint32_t *from, int words)
{
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < words) {
    to[i] = from[i]; // volatile: the host rewrites it between launches
  }
}

__global__ void __launch_bounds__(SEND_THREADS)
    step_io_send_kernel(volatile uint32_t *to, const uint32_t *from, int words, uint32_t *number,
                        volatile uint32_t *finished)
{
  for (int i = threadIdx.x; i < words; i += SEND_THREADS) {
    to[i] = from[i];
  }
  __threadfence_system(); // each thread's words are out before it arrives
  __syncthreads();
  if (threadIdx.x == 0) {
    const uint32_t next = *number + 1;
    *number = next;
    __threadfence_system();
    *finished = next;
  }
}

// ---------------------------------------------------------------------------------------------
// host side

// Zeroed pinned memory of `words` words and its device address.
static bool pinned(uint32_t **host, uint32_t **seen, int words)
{
  const size_t bytes = (size_t)(words ? words : 1) * sizeof(uint32_t);
  if (cudaHostAlloc(host, bytes, cudaHostAllocMapped) != cudaSuccess) {
    *host = nullptr;
    return false;
  }
  memset(*host, 0, bytes);
  return cudaHostGetDevicePointer(seen, *host, 0) == cudaSuccess;
}

status cuda_step_io_open(step_io *io, error *err)
{
  device *dev = io->dev;
  const int words_in = words_of(io->input_bytes), words_out = words_of(io->output_bytes);
  cuda_step_io *c = (cuda_step_io *)calloc(1, sizeof *c);
  io->cuda = c;
  io->device_input = dev->allocate(dev, (size_t)words_in * sizeof(uint32_t));
  io->device_output = dev->allocate(dev, (size_t)words_out * sizeof(uint32_t));
  bool ok = c && io->device_input && io->device_output;
  if (ok) {
    c->number = (uint32_t *)dev->allocate(dev, sizeof(uint32_t));
    ok = c->number && pinned(&c->host_input, &c->seen_input, words_in) &&
         pinned(&c->host_output, &c->seen_output, words_out) &&
         pinned(&c->host_number, &c->seen_number, 1);
  }
  if (!ok) {
    cudaGetLastError();
    return error_set(err, STATUS_NO_MEMORY, "no pinned memory for a step of %zu bytes in, %zu out",
                     io->input_bytes, io->output_bytes);
  }
  io->input = c->host_input;
  io->output = c->host_output;
  status code = dev->clear(dev, c->number, sizeof(uint32_t), err);
  code = code ? code : dev->clear(dev, io->device_input, io->input_bytes, err);
  return code ? code : dev->clear(dev, io->device_output, io->output_bytes, err);
}

void cuda_step_io_close(step_io *io)
{
  cuda_step_io *c = io->cuda;
  cudaFreeHost(c->host_input);
  cudaFreeHost(c->host_output);
  cudaFreeHost(c->host_number);
  io->dev->release(io->dev, c->number);
  free(c);
  io->cuda = nullptr;
}

void cuda_step_io_receive(step_io *io, run *r)
{
  const int words = words_of(io->input_bytes);
  cuda_launch(r, "step input", step_io_receive_kernel, dim3(cuda_blocks(words, RECEIVE_THREADS)),
              RECEIVE_THREADS, 0, (uint32_t *)io->device_input, io->cuda->seen_input, words);
}

void cuda_step_io_send(step_io *io, run *r)
{
  cuda_launch(r, "step output", step_io_send_kernel, dim3(1), SEND_THREADS, 0,
              io->cuda->seen_output, (const uint32_t *)io->device_output,
              words_of(io->output_bytes), io->cuda->number, io->cuda->seen_number);
}

static int64_t now_ns()
{
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

status cuda_step_io_wait(step_io *io, error *err)
{
  const uint32_t wanted = ++io->cuda->waited;
  const int64_t start = now_ns();
  // The number wraps; the difference says which is ahead.
  while ((int32_t)(__atomic_load_n(io->cuda->host_number, __ATOMIC_ACQUIRE) - wanted) < 0) {
    const int64_t waited_ns = now_ns() - start;
    if (waited_ns > PATIENCE_NS) {
      // any call reports what the device has met since
      const cudaError_t code = cudaStreamQuery(((cuda_backend *)io->dev->backend)->queue.stream);
      return error_set(err, STATUS_DEVICE, "step did not finish within a second: %s",
                       code == cudaSuccess ? "no error reported" : cudaGetErrorString(code));
    }
    if (waited_ns > SPIN_NS) {
      const struct timespec pause = {0, LOOK_NS};
      nanosleep(&pause, nullptr);
    }
  }
  return STATUS_OK;
}
