// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// Search: x [rows, D], n_used codebooks [entries, D] -> codes [rows, n_used]. One kernel per
// codebook and one to finish; blocks are (row, slice of the codebook), one warp per codeword in
// turn. A stage cannot begin before the one before it has a winner, and blocks cannot wait for
// each other: so each block of a stage picks that winner itself from the slices' best, and
// subtracts its codeword on the way to its own search.
//
// Decode: codes [rows, n_used] -> y [rows, D]. One thread per element adds the codewords in order.
#include "gpu/cuda/search.cuh"

#include <math.h>

#define SEARCH_WARPS 8
#define SEARCH_THREADS (SEARCH_WARPS * WARP_LANES)
#define SEARCH_SLICES 32 // at most: one per lane of the warp that picks the winner
#define DECODE_THREADS 256

// A codeword and |e|^2 - 2 x.e, what differs between squared distances.
struct candidate {
  float distance;
  int32_t index;
};

struct search_stage {
  cuda_matrix before;             // codebook of the stage before; unused in the first
  cuda_matrix codebook;           // unused after the last
  const candidate *found;         // [rows, slices] of the stage before
  candidate *best;                // [rows, slices] of this one
  const float *from;              // [rows, D] what remained before the stage before
  float *rest;                    // [rows, D] what remains after it, or null
  int32_t *codes;                 // [rows, n_used]
  int dim, stage, n_used, slices; // slices: of the stage before when it is the last
};

// NaN never wins; at a tie the lower index does.
static __device__ bool nearer(const candidate &a, const candidate &b)
{
  return a.distance < b.distance || (a.distance == b.distance && a.index < b.index);
}

// The winner over the slices; the whole warp calls and gets it.
static __device__ int32_t pick_winner(const candidate *found, int slices, int entries, int lane)
{
  candidate mine = {INFINITY, INT32_MAX};
  if (lane < slices) {
    mine = found[lane];
  }
  for (int step = WARP_LANES / 2; step > 0; step /= 2) {
    candidate other;
    other.distance = __shfl_xor_sync(ALL_LANES, mine.distance, step);
    other.index = __shfl_xor_sync(ALL_LANES, mine.index, step);
    if (nearer(other, mine)) {
      mine = other;
    }
  }
  return mine.index < entries ? mine.index : 0; // nothing compared: not a number
}

// Stage the residual of this block's row in shared memory, zero up to `padded`; the block of slice
// 0 also writes it, and the code, out.
static __device__ void stage_residual(const search_stage &s, int64_t row, float *residual,
                                      int padded)
{
  __shared__ int32_t winner;
  if (s.stage > 0) {
    if (threadIdx.x < WARP_LANES) {
      const int32_t code =
          pick_winner(s.found + row * s.slices, s.slices, s.before.rows, threadIdx.x);
      if (threadIdx.x == 0) {
        winner = code;
      }
    }
    __syncthreads();
    if (blockIdx.y == 0 && threadIdx.x == 0) {
      s.codes[row * s.n_used + s.stage - 1] = winner;
    }
  }
  const unsigned char *entry = s.stage > 0 ? matrix_row<load_f32>(s.before, winner) : nullptr;
  for (int d = threadIdx.x; d < padded; d += SEARCH_THREADS) {
    float value = d < s.dim ? s.from[row * s.dim + d] : 0.0f;
    if (entry && d < s.dim) {
      value -= load_f32::at(entry, d);
    }
    residual[d] = value;
    if (s.rest && blockIdx.y == 0 && d < s.dim) {
      s.rest[row * s.dim + d] = value;
    }
  }
  __syncthreads();
}

// Blocks: x over rows, y over slices (one when the last codebook is done).
__global__ void __launch_bounds__(SEARCH_THREADS) search_kernel(const search_stage s)
{
  CUDA_SHARED_FLOATS(residual);
  __shared__ candidate found[SEARCH_WARPS];
  const int warp = threadIdx.x / WARP_LANES, lane = threadIdx.x % WARP_LANES;
  const int64_t row = blockIdx.x;
  const bool searches = s.stage < s.n_used;
  stage_residual(s, row, residual, searches ? s.codebook.stride : s.dim);
  if (!searches) {
    return;
  }
  const int slices = gridDim.y, per_slice = (s.codebook.rows + slices - 1) / slices;
  const int end = min(((int)blockIdx.y + 1) * per_slice, s.codebook.rows);
  candidate best = {INFINITY, INT32_MAX};
  for (int e = blockIdx.y * per_slice + warp; e < end; e += SEARCH_WARPS) {
    const unsigned char *entry = matrix_row<load_f32>(s.codebook, e);
    const float product = warp_sum(dot_lane<load_f32>(entry, residual, s.codebook.stride, lane));
    const candidate next = {s.codebook.norms[e] - 2.0f * product, e};
    if (nearer(next, best)) {
      best = next;
    }
  }
  if (lane == 0) {
    found[warp] = best;
  }
  __syncthreads();
  if (threadIdx.x == 0) {
    for (int w = 1; w < SEARCH_WARPS; ++w) {
      if (nearer(found[w], best)) {
        best = found[w];
      }
    }
    s.best[row * slices + blockIdx.y] = best;
  }
}

struct decode_books {
  const float *entries[OPS_MAX_CODEBOOKS];
  int rows[OPS_MAX_CODEBOOKS], stride[OPS_MAX_CODEBOOKS];
};

__global__ void decode_kernel(float *y, const int32_t *codes, const decode_books books,
                              int64_t count, int dim, int n_used)
{
  const int64_t i = (int64_t)blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= count) {
    return;
  }
  float sum = 0.0f;
  for (int k = 0; k < n_used; ++k) {
    const int32_t code = codes[i / dim * n_used + k];
    if (code >= 0 && code < books.rows[k]) {
      sum += books.entries[k][(int64_t)code * books.stride[k] + i % dim];
    }
  }
  y[i] = sum;
}

// ---------------------------------------------------------------------------------------------
// launchers

static int search_slices(const weight *codebook)
{
  const unsigned wanted = cuda_blocks(codebook->dims[0], WARP_LANES);
  return wanted < SEARCH_SLICES ? (int)wanted : SEARCH_SLICES;
}

void cuda_search(run *r, const char *what, int32_t *codes, float *rest, const float *x,
                 int64_t rows, const weight *const *codebooks, int n_used)
{
  const size_t mark = arena_mark(r->memory);
  const int dim = (int)codebooks[0]->dims[1];
  const size_t candidates = (size_t)rows * SEARCH_SLICES * sizeof(candidate);
  candidate *best[2] = {(candidate *)run_scratch(r, candidates),
                        (candidate *)run_scratch(r, candidates)};
  float *rests[2] = {(float *)run_scratch(r, (size_t)rows * (size_t)dim * sizeof(float)),
                     (float *)run_scratch(r, (size_t)rows * (size_t)dim * sizeof(float))};
  search_stage s = {};
  s.from = x;
  s.codes = codes;
  s.dim = dim;
  s.n_used = n_used;
  for (int k = 0; k <= n_used && run_ok(r); ++k) {
    const bool searches = k < n_used;
    const int slices = searches ? search_slices(codebooks[k]) : 1;
    s.stage = k;
    s.codebook = searches ? cuda_matrix_of(codebooks[k]) : cuda_matrix();
    s.best = best[k % 2];
    s.rest = !searches ? rest : k > 0 ? rests[k % 2] : nullptr;
    const size_t shared = (size_t)(searches ? s.codebook.stride : dim) * sizeof(float);
    if (shared > CUDA_SHARED_MAX_BYTES - 1024) {
      run_fail(r, STATUS_UNSUPPORTED, "%s: codewords of %d dimensions do not fit the device", what,
               dim);
    }
    cuda_launch(r, what, search_kernel, dim3((unsigned)rows, (unsigned)slices), SEARCH_THREADS,
                shared, s);
    s.from = k > 0 ? s.rest : x;
    s.before = s.codebook;
    s.found = s.best;
    s.slices = slices;
  }
  arena_rewind(r->memory, mark);
}

void cuda_rvq_encode(run *r, tensor *codes, tensor *residual, const tensor *x,
                     const weight *const *codebooks, int n_used)
{
  cuda_search(r, "rvq_encode", (int32_t *)codes->data, cuda_floats(residual), cuda_floats(x),
              tensor_rows(x), codebooks, n_used);
}

void cuda_rvq_decode(run *r, tensor *y, const tensor *codes, const weight *const *codebooks,
                     int n_used)
{
  decode_books books = {};
  for (int k = 0; k < n_used; ++k) {
    const cuda_matrix m = cuda_matrix_of(codebooks[k]);
    books.entries[k] = (const float *)(const void *)m.data;
    books.rows[k] = m.rows;
    books.stride[k] = m.stride;
  }
  const int64_t count = tensor_count(y);
  cuda_launch(r, "rvq_decode", decode_kernel, dim3(cuda_blocks(count, DECODE_THREADS)),
              DECODE_THREADS, 0, cuda_floats(y), (const int32_t *)codes->data, books, count,
              (int)tensor_channels(y), n_used);
}
