// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// TensorFlow Lite files, as far as reading weights and wiring needs: subgraphs, tensors, operators
/// and the options of convolutions. Everything is bounds-checked against the file; nothing
/// recurses. Source: FlatBuffers internals (flatbuffers.dev) and tensorflow/lite/schema/schema.fbs,
/// version 3. Any thread but the audio thread; an open file is const.
#ifndef CONTINUO_MODELS_IO_TFLITE_FILE_H
#define CONTINUO_MODELS_IO_TFLITE_FILE_H

#include "base/file.h"
#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// TensorType of the schema; values not named here are kept as they are.
typedef enum tflite_type {
  TFLITE_F32 = 0,
  TFLITE_F16 = 1,
  TFLITE_I32 = 2,
  TFLITE_U8 = 3,
  TFLITE_I64 = 4,
  TFLITE_I8 = 9,
  TFLITE_RESOURCE = 13,
} tflite_type;

/// BuiltinOperator of the schema: those an importer asks for by name.
typedef enum tflite_opcode {
  TFLITE_ADD = 0,
  TFLITE_CONCATENATION = 2,
  TFLITE_CONV_2D = 3,
  TFLITE_DEPTHWISE_CONV_2D = 4,
  TFLITE_RESHAPE = 22,
  TFLITE_GATHER = 36,
  TFLITE_STRIDED_SLICE = 45,
  TFLITE_SPLIT = 49,
  TFLITE_TRANSPOSE_CONV = 67,
  TFLITE_LEAKY_RELU = 98,
} tflite_opcode;

#define TFLITE_MAX_DIMS 8

typedef struct tflite_tensor {
  const char *name;              ///< "" when it has none; NUL-terminated, lives in the file
  tflite_type type;              ///< element type
  int rank;                      ///< 0 to 8
  int64_t dims[TFLITE_MAX_DIMS]; ///< unused trailing entries are 1; none is negative
  bool quantised;                ///< carries quantisation scales
  const uint8_t *data;           ///< constant's bytes, any alignment; null for an activation
  size_t data_bytes;             ///< with f32, i32, i8 and u8: exactly the shape's
} tflite_tensor;

typedef struct tflite_operator {
  int opcode;               ///< BuiltinOperator; -1 for an unknown custom one
  const int32_t *inputs;    ///< tensor indices of its subgraph, -1 for an absent optional one
  int n_inputs;             ///<
  const int32_t *outputs;   ///< tensor indices of its subgraph
  int n_outputs;            ///<
  bool valid_padding;       ///< convolutions: VALID, else SAME
  int stride_w, dilation_w; ///< convolutions, along the last spatial axis; else 1
  int activation;           ///< fused ActivationFunctionType of a convolution, 0: none
  int axis;                 ///< concatenation
  float alpha;              ///< leaky ReLU
} tflite_operator;

typedef struct tflite_subgraph {
  const char *name; ///< "" when it has none
  tflite_tensor *tensors;
  int n_tensors;
  tflite_operator *operators; ///< in execution order
  int n_operators;
  const int32_t *inputs, *outputs; ///< tensor indices
  int n_inputs, n_outputs;
} tflite_subgraph;

#define TFLITE_MAX_SUBGRAPHS 16

typedef struct tflite_file {
  tflite_subgraph subgraphs[TFLITE_MAX_SUBGRAPHS];
  int n_subgraphs;
  file_map map;     ///< empty when parsed from memory
  int32_t *indices; ///< storage behind every index list
} tflite_file;

/// Map and read `path`. Errors: those of file_map_open; STATUS_FORMAT (not TFL3, damaged, out of
/// range), STATUS_UNSUPPORTED (more than 16 subgraphs, 65536 tensors or operators, 8 dimensions,
/// or buffers outside the flatbuffer), STATUS_NO_MEMORY. On error nothing stays open.
status tflite_file_open(tflite_file *file, const char *path, error *err);

/// The same from memory that outlives `file`; `name` stands for the path in messages.
status tflite_file_parse(tflite_file *file, const uint8_t *data, size_t size_bytes,
                         const char *name, error *err);
void tflite_file_close(tflite_file *file); ///< a zeroed file is fine

/// Number of elements of the tensor's shape; -1 when it does not fit in 62 bits.
int64_t tflite_tensor_count(const tflite_tensor *tensor);

/// Copy `count` f32 values of a constant from element `from` on; false when the tensor is no f32
/// constant or holds fewer.
bool tflite_tensor_floats(const tflite_tensor *tensor, int64_t from, int64_t count, float *values);

/// Same for i32.
bool tflite_tensor_ints(const tflite_tensor *tensor, int64_t from, int64_t count, int32_t *values);

/// Index of the operator that gives tensor `index`, or -1 (an input or a constant).
int tflite_producer(const tflite_subgraph *graph, int32_t index);

#endif
