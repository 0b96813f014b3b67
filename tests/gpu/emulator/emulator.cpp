// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include <cublas_v2.h>
#include <cuda_runtime.h>
#include <mma.h>

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <ucontext.h>

#include <numeric>
#include <vector>

#define STACK_BYTES (64 * 1024)
#define LANES 32

// The address sanitizer wants to be told of each change of stack.
#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#define LEAVE_FOR(stack, bytes) __sanitizer_start_switch_fiber(nullptr, stack, bytes)
#define ARRIVED(stack, bytes) __sanitizer_finish_switch_fiber(nullptr, stack, bytes)
#else
#define LEAVE_FOR(stack, bytes) ((void)(stack), (void)(bytes))
#define ARRIVED(stack, bytes) ((void)(stack), (void)(bytes))
#endif

struct emulated_stream {
  bool capturing;
  std::vector<std::function<void()>> captured;
};

struct emulated_graph {
  std::vector<std::function<void()>> work;
};

struct emulated_blas {
  cudaStream_t stream;
};

dim3 threadIdx, blockIdx, blockDim, gridDim;

// ---- fibers: one per thread that waits, reused by threads that finish ----

namespace {

// A stack comes from makecontext; switching is by jumps, which make no system call.
struct fiber {
  ucontext_t context;
  jmp_buf at;
  void *stack;
  bool entered;
  unsigned thread;
};

// Threads of a group (block or warp) arrive; the last one releases all. All must come.
struct barrier {
  unsigned expected, arrived, generation;
  std::vector<fiber *> waiting;
};

unsigned launches;

// An order of 0 to count - 1 that differs from launch to launch: i -> (i * step + offset) % count.
struct order {
  uint64_t count, step, offset;
  explicit order(uint64_t count_)
      : count(count_), step(launches * 37 % count_), offset(launches * 11)
  {
    do {
      ++step;
    } while (std::gcd(step, count) != 1); // a step that shares no factor with count visits all
  }
  uint64_t at(uint64_t i) const { return (i * step + offset) % count; }
};

struct block_run {
  const std::function<void()> *kernel;
  unsigned threads, started, finished;
  const order *threads_in_order;
  barrier all;
  std::vector<barrier> warps;
  std::vector<uint32_t> words; // [2 generations][threads]
  std::vector<fiber *> ready, idle;
  fiber *current;
  jmp_buf scheduler;
  const void *scheduler_stack;
  size_t scheduler_bytes;
};

block_run block;
std::vector<unsigned char> shared_memory;

void fail(const char *what)
{
  fprintf(stderr, "emulated kernel: %s (block %u %u %u, thread %u)\n", what, blockIdx.x, blockIdx.y,
          blockIdx.z, threadIdx.x);
  abort();
}

void back_to_scheduler(fiber *self)
{
  if (_setjmp(self->at) == 0) {
    LEAVE_FOR(block.scheduler_stack, block.scheduler_bytes);
    _longjmp(block.scheduler, 1);
  }
  ARRIVED(&block.scheduler_stack, &block.scheduler_bytes);
}

void fiber_main()
{
  ARRIVED(&block.scheduler_stack, &block.scheduler_bytes);
  for (;;) {
    fiber *self = block.current;
    while (block.started < block.threads) {
      self->thread = (unsigned)block.threads_in_order->at(block.started++);
      threadIdx = dim3(self->thread, 0, 0);
      (*block.kernel)();
      ++block.finished;
      if (!block.ready.empty()) {
        break; // others may go on
      }
    }
    block.idle.push_back(self);
    back_to_scheduler(self);
  }
}

std::vector<fiber *> all_fibers;

fiber *new_fiber()
{
  fiber *f = new fiber();
  f->stack = malloc(STACK_BYTES);
  getcontext(&f->context);
  f->context.uc_stack.ss_sp = f->stack;
  f->context.uc_stack.ss_size = STACK_BYTES;
  f->context.uc_link = nullptr;
  makecontext(&f->context, fiber_main, 0);
  all_fibers.push_back(f);
  return f;
}

// Fibers outlive the launches they serve; this returns them when the process ends.
struct fiber_owner {
  ~fiber_owner()
  {
    for (fiber *f : all_fibers) {
      free(f->stack);
      delete f;
    }
  }
} owner;

void resume(fiber *f)
{
  block.current = f;
  threadIdx = dim3(f->thread, 0, 0);
  if (_setjmp(block.scheduler) != 0) {
    const void *stack;
    size_t bytes;
    ARRIVED(&stack, &bytes);
    return;
  }
  LEAVE_FOR(f->stack, STACK_BYTES);
  if (f->entered) {
    _longjmp(f->at, 1);
  }
  f->entered = true;
  setcontext(&f->context);
}

void wait_at(barrier *b)
{
  fiber *self = block.current;
  if (++b->arrived == b->expected) {
    b->arrived = 0;
    ++b->generation;
    block.ready.insert(block.ready.end(), b->waiting.begin(), b->waiting.end());
    b->waiting.clear();
    return;
  }
  b->waiting.push_back(self);
  back_to_scheduler(self);
}

void run_block(const std::function<void()> &kernel, unsigned threads, const order &in_order)
{
  block.kernel = &kernel;
  block.threads = threads;
  block.started = block.finished = 0;
  block.threads_in_order = &in_order;
  block.all = {threads, 0, 0, {}};
  block.warps.assign((threads + LANES - 1) / LANES, barrier{LANES, 0, 0, {}});
  block.words.assign(2 * (size_t)threads, 0);
  while (block.finished < threads) {
    fiber *next = nullptr;
    if (!block.ready.empty()) {
      next = block.ready.back();
      block.ready.pop_back();
    } else if (block.started < threads) {
      if (block.idle.empty()) {
        block.idle.push_back(new_fiber());
      }
      next = block.idle.back();
      block.idle.pop_back();
    } else {
      fail("threads wait at a barrier that others have passed by");
    }
    resume(next);
  }
}

} // namespace

void emulated_failure(const char *what)
{
  fail(what);
}

void *emulated_shared()
{
  return shared_memory.data();
}

void emulated_block_barrier()
{
  wait_at(&block.all);
}

uint32_t emulated_exchange(uint32_t mine, int lane_mask)
{
  const unsigned thread = block.current->thread;
  barrier *warp = &block.warps[thread / LANES];
  uint32_t *words = block.words.data() + warp->generation % 2 * block.threads;
  words[thread] = mine;
  wait_at(warp);
  return words[thread ^ (unsigned)lane_mask];
}

void emulated_grid(dim3 grid, dim3 size, size_t shared_bytes, const std::function<void()> &kernel)
{
  const uint64_t count = (uint64_t)grid.x * grid.y * grid.z;
  ++launches;
  const order blocks(count), threads(size.x);
  shared_memory.resize(shared_bytes + 16);
  gridDim = grid;
  blockDim = size;
  for (uint64_t i = 0; i < count; ++i) {
    const uint64_t at = blocks.at(i);
    blockIdx = dim3((unsigned)(at % grid.x), (unsigned)(at / grid.x % grid.y),
                    (unsigned)(at / grid.x / grid.y));
    memset(shared_memory.data(), 0xff, shared_memory.size());
    run_block(kernel, size.x, threads);
  }
}

// ---- runtime ----

cudaError_t emulated_queue(cudaStream_t stream, const std::function<void()> &work)
{
  if (stream->capturing) {
    stream->captured.push_back(work);
  } else {
    work();
  }
  return cudaSuccess;
}

cudaError_t cudaGetDeviceCount(int *count)
{
  *count = 1;
  return cudaSuccess;
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp *properties, int)
{
  *properties = {};
  snprintf(properties->name, sizeof properties->name, "emulated");
  properties->multiProcessorCount = 1;
  properties->major = 8; // the least that has all that is emulated
  return cudaSuccess;
}

cudaError_t cudaSetDevice(int ordinal)
{
  return ordinal == 0 ? cudaSuccess : cudaErrorInvalidValue;
}

cudaError_t cudaGetLastError()
{
  return cudaSuccess;
}

const char *cudaGetErrorString(cudaError_t code)
{
  return code == cudaErrorMemoryAllocation ? "out of memory" : "invalid value";
}

cudaError_t emulated_malloc(void **data, size_t bytes)
{
  *data = nullptr;
  if (posix_memalign(data, 256, bytes ? bytes : 1) != 0) {
    return cudaErrorMemoryAllocation;
  }
  return cudaSuccess;
}

cudaError_t cudaFree(void *data)
{
  free(data);
  return cudaSuccess;
}

cudaError_t cudaFreeHost(void *data)
{
  free(data);
  return cudaSuccess;
}

cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t bytes, cudaMemcpyKind,
                            cudaStream_t stream)
{
  return emulated_queue(stream, [=] { memcpy(to, from, bytes); });
}

cudaError_t cudaMemsetAsync(void *data, int value, size_t bytes, cudaStream_t stream)
{
  return emulated_queue(stream, [=] { memset(data, value, bytes); });
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t *stream, unsigned)
{
  *stream = new emulated_stream();
  return cudaSuccess;
}

cudaError_t cudaStreamDestroy(cudaStream_t stream)
{
  delete stream;
  return cudaSuccess;
}

// Waiting, like allocating, is not allowed while capturing.
cudaError_t cudaStreamSynchronize(cudaStream_t stream)
{
  return stream->capturing ? cudaErrorInvalidValue : cudaSuccess;
}

cudaError_t cudaStreamQuery(cudaStream_t stream)
{
  return stream->capturing ? cudaErrorInvalidValue : cudaSuccess;
}

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode)
{
  stream->capturing = true;
  stream->captured.clear();
  return cudaSuccess;
}

cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t *graph)
{
  stream->capturing = false;
  *graph = new emulated_graph{stream->captured};
  return cudaSuccess;
}

cudaError_t cudaGraphInstantiate(cudaGraphExec_t *exec, cudaGraph_t graph, unsigned)
{
  *exec = new emulated_graph(*graph);
  return cudaSuccess;
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t exec, cudaStream_t)
{
  for (const std::function<void()> &work : exec->work) {
    work();
  }
  return cudaSuccess;
}

cudaError_t cudaGraphDestroy(cudaGraph_t graph)
{
  delete graph;
  return cudaSuccess;
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t exec)
{
  delete exec;
  return cudaSuccess;
}

// ---- cuBLAS ----

cublasStatus_t cublasCreate(cublasHandle_t *blas)
{
  *blas = new emulated_blas();
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasDestroy(cublasHandle_t blas)
{
  delete blas;
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasSetStream(cublasHandle_t blas, cudaStream_t stream)
{
  blas->stream = stream;
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasSetWorkspace(cublasHandle_t, void *, size_t)
{
  return CUBLAS_STATUS_SUCCESS;
}

namespace {

struct blas_call {
  cublasOperation_t op_a, op_b;
  int m, n, k, lda, ldb, ldc;
  float alpha, beta;
  bool rounds; // the operands, to bf16
};

float rounded(float value)
{
  return __bfloat162float(__float2bfloat16_rn(value));
}

void gemm(const blas_call &p, const float *a, const float *b, float *c)
{
  for (int j = 0; j < p.n; ++j) {
    for (int i = 0; i < p.m; ++i) {
      float sum = 0.0f;
      for (int l = 0; l < p.k; ++l) {
        const float left = a[p.op_a == CUBLAS_OP_N ? (size_t)l * p.lda + i : (size_t)i * p.lda + l];
        const float right =
            b[p.op_b == CUBLAS_OP_N ? (size_t)j * p.ldb + l : (size_t)l * p.ldb + j];
        sum += p.rounds ? rounded(left) * rounded(right) : left * right;
      }
      float *to = &c[(size_t)j * p.ldc + i];
      *to = p.alpha * sum + (p.beta == 0.0f ? 0.0f : p.beta * *to);
    }
  }
}

} // namespace

cublasStatus_t cublasGemmStridedBatchedEx(cublasHandle_t blas, cublasOperation_t op_a,
                                          cublasOperation_t op_b, int m, int n, int k,
                                          const void *alpha, const void *a, cudaDataType type_a,
                                          int lda, long long stride_a, const void *b,
                                          cudaDataType type_b, int ldb, long long stride_b,
                                          const void *beta, void *c, cudaDataType type_c, int ldc,
                                          long long stride_c, int count, cublasComputeType_t type,
                                          cublasGemmAlgo_t algo)
{
  const int least_a = op_a == CUBLAS_OP_N ? m : k, least_b = op_b == CUBLAS_OP_N ? k : n;
  if (m < 0 || n < 0 || k < 0 || lda < max(1, least_a) || ldb < max(1, least_b) ||
      ldc < max(1, m)) {
    return CUBLAS_STATUS_INVALID_VALUE;
  }
  if (type_a != CUDA_R_32F || type_b != CUDA_R_32F || type_c != CUDA_R_32F ||
      (type != CUBLAS_COMPUTE_32F && type != CUBLAS_COMPUTE_32F_FAST_16BF) ||
      algo != CUBLAS_GEMM_DEFAULT) {
    return CUBLAS_STATUS_NOT_SUPPORTED;
  }
  // Factors lie on the host: read now, not at replay.
  const float factor = *(const float *)alpha, keep = *(const float *)beta;
  const blas_call p = {
      op_a, op_b, m, n, k, lda, ldb, ldc, factor, keep, type == CUBLAS_COMPUTE_32F_FAST_16BF};
  const float *left = (const float *)a, *right = (const float *)b;
  float *to = (float *)c;
  emulated_queue(blas->stream, [=] {
    for (int i = 0; i < count; ++i) {
      gemm(p, left + i * stride_a, right + i * stride_b, to + i * stride_c);
    }
  });
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasGemmEx(cublasHandle_t blas, cublasOperation_t op_a, cublasOperation_t op_b,
                            int m, int n, int k, const void *alpha, const void *a,
                            cudaDataType type_a, int lda, const void *b, cudaDataType type_b,
                            int ldb, const void *beta, void *c, cudaDataType type_c, int ldc,
                            cublasComputeType_t type, cublasGemmAlgo_t algo)
{
  return cublasGemmStridedBatchedEx(blas, op_a, op_b, m, n, k, alpha, a, type_a, lda, 0, b, type_b,
                                    ldb, 0, beta, c, type_c, ldc, 0, 1, type, algo);
}
