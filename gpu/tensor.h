// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// A tensor: data, type, up to four dimensions, the device it lies on. Row-major and contiguous,
/// the last dimension fastest. Activations are time-major with channels last: [n, T, C], where n
/// counts streams, T rows (samples or steps at this layer's rate) and C channels.
#ifndef CONTINUO_GPU_TENSOR_H
#define CONTINUO_GPU_TENSOR_H

#include <stddef.h>
#include <stdint.h>

typedef enum dtype { DTYPE_F32, DTYPE_F64, DTYPE_F16, DTYPE_BF16, DTYPE_I8, DTYPE_I32 } dtype;

#define TENSOR_MAX_DIMS 4

typedef struct tensor {
  void *data;                    ///< device memory; null marks "no tensor" and a failed run
  dtype type;                    ///< element type
  int rank;                      ///< 0 to 4
  int64_t dims[TENSOR_MAX_DIMS]; ///< unused trailing entries are 1
  int32_t grad;                  ///< slot of its gradient on the run's tape, 0 when it has none
} tensor;

size_t dtype_bytes(dtype type);
const char *dtype_name(dtype type);

/// Number of elements; 0 for a null tensor.
int64_t tensor_count(const tensor *t);
size_t tensor_bytes(const tensor *t);

/// View of memory that someone else owns. Unused dimensions are 1.
tensor tensor_view(void *data, dtype type, int rank, int64_t d0, int64_t d1, int64_t d2,
                   int64_t d3);

/// Same data seen as [d0, d1, d2, d3] (first `rank` used); the element count must agree.
tensor tensor_reshape(tensor t, int rank, int64_t d0, int64_t d1, int64_t d2, int64_t d3);

/// Product of all dimensions but the last: the rows of a matrix whose columns are channels.
int64_t tensor_rows(const tensor *t);

/// The last dimension.
int64_t tensor_channels(const tensor *t);

#endif
