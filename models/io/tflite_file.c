// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "models/io/tflite_file.h"

#include <stdlib.h>
#include <string.h>

#define MAX_TENSORS 65536
#define MAX_OPERATORS 65536
#define MAX_INDICES (1 << 20)
#define MAX_OPERATOR_CODES 65536

// The file while it is read. The first fault sticks: later reads give zeros and empty vectors, so
// the walk below needs no branch after every access and ends by itself.
typedef struct reader {
  const uint8_t *data;
  size_t size_bytes;
  const char *fault;   // what is wrong, null while all is well
  status fault_status; // STATUS_FORMAT or STATUS_UNSUPPORTED
  int32_t *indices;    // index lists land here
  size_t n_indices, capacity;
} reader;

// A flatbuffer table whose vtable and inline part lie within the file; bytes 0: absent.
typedef struct table {
  size_t at, vtable;
  uint16_t bytes, vtable_bytes;
} table;

typedef struct vector {
  size_t at; // first element
  size_t count;
} vector;

static void fail(reader *r, status code, const char *fault)
{
  if (!r->fault) {
    r->fault = fault;
    r->fault_status = code;
  }
}

static bool within(reader *r, size_t at, size_t bytes)
{
  if (r->fault) {
    return false;
  }
  if (at > r->size_bytes || bytes > r->size_bytes - at) {
    fail(r, STATUS_FORMAT, "an offset points outside the file");
    return false;
  }
  return true;
}

static uint16_t read_u16(reader *r, size_t at)
{
  if (!within(r, at, 2)) {
    return 0;
  }
  return (uint16_t)(r->data[at] | r->data[at + 1] << 8);
}

static uint32_t read_u32(reader *r, size_t at)
{
  if (!within(r, at, 4)) {
    return 0;
  }
  const uint8_t *p = r->data + at;
  return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static table read_table(reader *r, size_t at)
{
  table t = {0};
  const int64_t vtable = (int64_t)at - (int32_t)read_u32(r, at);
  if (r->fault) {
    return t;
  }
  if (vtable < 0) {
    fail(r, STATUS_FORMAT, "a table's layout points before the file");
    return t;
  }
  const uint16_t vtable_bytes = read_u16(r, (size_t)vtable);
  const uint16_t bytes = read_u16(r, (size_t)vtable + 2);
  if (!within(r, (size_t)vtable, vtable_bytes) || !within(r, at, bytes)) {
    return t;
  }
  if (vtable_bytes < 4 || bytes < 4) {
    fail(r, STATUS_FORMAT, "a table's layout is too small");
    return t;
  }
  return (table){at, (size_t)vtable, bytes, vtable_bytes};
}

// Where field `id` of `bytes` lies, or 0 when the table leaves it at its default.
static size_t field(reader *r, table t, unsigned id, size_t bytes)
{
  const size_t slot = 4 + 2 * (size_t)id;
  if (slot + 2 > t.vtable_bytes) {
    return 0;
  }
  const uint16_t offset = read_u16(r, t.vtable + slot);
  if (offset == 0) {
    return 0;
  }
  if (offset < 4 || offset + bytes > t.bytes) {
    fail(r, STATUS_FORMAT, "a field lies outside its table");
    return 0;
  }
  return t.at + offset;
}

static int32_t field_i32(reader *r, table t, unsigned id, int32_t otherwise)
{
  const size_t at = field(r, t, id, 4);
  return at ? (int32_t)read_u32(r, at) : otherwise;
}

static int field_i8(reader *r, table t, unsigned id)
{
  const size_t at = field(r, t, id, 1);
  return at && within(r, at, 1) ? (int8_t)r->data[at] : 0;
}

static float field_f32(reader *r, table t, unsigned id)
{
  const uint32_t bits = (uint32_t)field_i32(r, t, id, 0);
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

// Target of an offset field, 0 when absent.
static size_t field_target(reader *r, table t, unsigned id)
{
  const size_t at = field(r, t, id, 4);
  return at ? at + read_u32(r, at) : 0;
}

static table field_table(reader *r, table t, unsigned id)
{
  const size_t target = field_target(r, t, id);
  return target ? read_table(r, target) : (table){0};
}

static vector field_vector(reader *r, table t, unsigned id, size_t element_bytes)
{
  const size_t target = field_target(r, t, id);
  if (target == 0) {
    return (vector){0};
  }
  const vector v = {target + 4, read_u32(r, target)};
  // Counts are 32 bits and elements a few bytes, so the product cannot wrap in 64 bits.
  return within(r, v.at, v.count * element_bytes) ? v : (vector){0};
}

static table vector_table(reader *r, vector v, size_t i)
{
  const size_t at = v.at + 4 * i;
  const uint32_t offset = read_u32(r, at);
  return r->fault ? (table){0} : read_table(r, at + offset);
}

// A string with its terminator, which flatbuffers always write; "" when absent.
static const char *field_string(reader *r, table t, unsigned id)
{
  const vector v = field_vector(r, t, id, 1);
  if (v.at == 0 || !within(r, v.at, v.count + 1)) {
    return "";
  }
  const char *text = (const char *)r->data + v.at;
  if (text[v.count] != '\0' || memchr(text, '\0', v.count)) {
    fail(r, STATUS_FORMAT, "a name is not terminated");
    return "";
  }
  return text;
}

// Copy an index list; every entry is below `limit`, and at least `least`.
static const int32_t *field_indices(reader *r, table t, unsigned id, int32_t least, int limit,
                                    int *count)
{
  const vector v = field_vector(r, t, id, 4);
  *count = 0;
  if (v.count > r->capacity - r->n_indices) {
    fail(r, STATUS_UNSUPPORTED, "it has more operator inputs than this reader takes");
    return NULL;
  }
  int32_t *list = r->indices + r->n_indices;
  for (size_t i = 0; i < v.count; i++) {
    list[i] = (int32_t)read_u32(r, v.at + 4 * i);
    if (list[i] < least || list[i] >= limit) {
      fail(r, STATUS_FORMAT, "an operator names a tensor that does not exist");
      return NULL;
    }
  }
  r->n_indices += v.count;
  *count = (int)v.count;
  return list;
}

static int64_t element_bytes(tflite_type type)
{
  switch (type) {
  case TFLITE_F32:
  case TFLITE_I32:
    return 4;
  case TFLITE_I8:
  case TFLITE_U8:
    return 1;
  default:
    return 0;
  }
}

static void read_shape(reader *r, table t, tflite_tensor *tensor)
{
  const vector shape = field_vector(r, t, 0, 4);
  if (shape.count > TFLITE_MAX_DIMS) {
    fail(r, STATUS_UNSUPPORTED, "a tensor has more than 8 dimensions");
    return;
  }
  tensor->rank = (int)shape.count;
  for (size_t i = 0; i < TFLITE_MAX_DIMS; i++) {
    tensor->dims[i] = i < shape.count ? (int32_t)read_u32(r, shape.at + 4 * i) : 1;
    if (tensor->dims[i] < 0) {
      fail(r, STATUS_FORMAT, "a tensor has a negative dimension");
    }
  }
}

static void read_tensor(reader *r, table t, vector buffers, tflite_tensor *tensor)
{
  read_shape(r, t, tensor);
  tensor->type = (tflite_type)field_i8(r, t, 1);
  tensor->name = field_string(r, t, 3);
  const table quantisation = field_table(r, t, 4);
  tensor->quantised = quantisation.bytes && field_vector(r, quantisation, 2, 4).count > 0;

  const uint32_t buffer = (uint32_t)field_i32(r, t, 2, 0);
  if (buffer >= buffers.count) {
    fail(r, STATUS_FORMAT, "a tensor names a buffer that does not exist");
    return;
  }
  const table b = vector_table(r, buffers, buffer);
  const size_t elsewhere = field(r, b, 1, 8);
  if (elsewhere && (read_u32(r, elsewhere) > 1 || read_u32(r, elsewhere + 4) > 0)) {
    fail(r, STATUS_UNSUPPORTED, "its weights lie outside the flatbuffer");
  }
  const vector data = field_vector(r, b, 0, 1);
  if (data.count == 0) {
    return;
  }
  const int64_t count = tflite_tensor_count(tensor), bytes = element_bytes(tensor->type);
  if (count < 0 || (bytes && (uint64_t)count != data.count / (uint64_t)bytes) ||
      (bytes && data.count % (size_t)bytes)) {
    fail(r, STATUS_FORMAT, "a tensor's data does not have its shape's size");
    return;
  }
  tensor->data = r->data + data.at;
  tensor->data_bytes = data.count;
}

// BuiltinOptions differ per operator; only what importers check is kept.
static void read_options(reader *r, table t, tflite_operator *op)
{
  const table options = field_table(r, t, 4);
  op->stride_w = 1;
  op->dilation_w = 1;
  if (options.bytes == 0) {
    return;
  }
  const bool depthwise = op->opcode == TFLITE_DEPTHWISE_CONV_2D;
  switch (op->opcode) {
  case TFLITE_CONV_2D:
  case TFLITE_DEPTHWISE_CONV_2D:
    op->dilation_w = field_i32(r, options, depthwise ? 5 : 4, 1);
    op->activation = field_i8(r, options, depthwise ? 4 : 3);
    op->valid_padding = field_i8(r, options, 0) == 1;
    op->stride_w = field_i32(r, options, 1, 0);
    break;
  case TFLITE_TRANSPOSE_CONV:
    op->activation = field_i8(r, options, 3);
    op->valid_padding = field_i8(r, options, 0) == 1;
    op->stride_w = field_i32(r, options, 1, 0);
    break;
  case TFLITE_CONCATENATION:
    op->axis = field_i32(r, options, 0, 0);
    break;
  case TFLITE_LEAKY_RELU:
    op->alpha = field_f32(r, options, 0);
    break;
  default:
    break;
  }
}

static int read_opcode(reader *r, vector codes, uint32_t index)
{
  if (index >= codes.count) {
    fail(r, STATUS_FORMAT, "an operator has a code that does not exist");
    return -1;
  }
  const table code = vector_table(r, codes, index);
  const int old = field_i8(r, code, 0); // 127 marks "see the wider field"
  const int wide = field_i32(r, code, 3, 0);
  const int opcode = wide > old ? wide : old;
  return opcode == 32 ? -1 : opcode; // 32 is CUSTOM
}

static void *allocate(reader *r, size_t count, size_t bytes)
{
  if (r->fault || count == 0) {
    return NULL;
  }
  void *memory = calloc(count, bytes);
  if (!memory) {
    fail(r, STATUS_NO_MEMORY, "no memory for its graph");
  }
  return memory;
}

static void read_subgraph(reader *r, table t, vector codes, vector buffers, tflite_subgraph *g)
{
  g->name = field_string(r, t, 4);
  const vector tensors = field_vector(r, t, 0, 4);
  const vector operators = field_vector(r, t, 3, 4);
  if (tensors.count > MAX_TENSORS || operators.count > MAX_OPERATORS) {
    fail(r, STATUS_UNSUPPORTED, "a subgraph has more than 65536 tensors or operators");
    return;
  }
  g->tensors = allocate(r, tensors.count, sizeof *g->tensors);
  if (g->tensors) {
    g->n_tensors = (int)tensors.count;
  }
  for (int i = 0; i < g->n_tensors && !r->fault; i++) {
    read_tensor(r, vector_table(r, tensors, (size_t)i), buffers, &g->tensors[i]);
  }
  g->inputs = field_indices(r, t, 1, 0, g->n_tensors, &g->n_inputs);
  g->outputs = field_indices(r, t, 2, 0, g->n_tensors, &g->n_outputs);

  g->operators = allocate(r, operators.count, sizeof *g->operators);
  if (g->operators) {
    g->n_operators = (int)operators.count;
  }
  for (int i = 0; i < g->n_operators && !r->fault; i++) {
    const table o = vector_table(r, operators, (size_t)i);
    tflite_operator *op = &g->operators[i];
    op->opcode = read_opcode(r, codes, (uint32_t)field_i32(r, o, 0, 0));
    op->inputs = field_indices(r, o, 1, -1, g->n_tensors, &op->n_inputs);
    op->outputs = field_indices(r, o, 2, 0, g->n_tensors, &op->n_outputs);
    read_options(r, o, op);
  }
}

static void read_model(reader *r, tflite_file *file)
{
  if (r->size_bytes < 8 || memcmp(r->data + 4, "TFL3", 4) != 0) {
    fail(r, STATUS_FORMAT, "it does not carry the mark TFL3");
    return;
  }
  const table model = read_table(r, read_u32(r, 0));
  if (!r->fault && field_i32(r, model, 0, 0) != 3) {
    fail(r, STATUS_UNSUPPORTED, "its schema version is not 3");
  }
  const vector codes = field_vector(r, model, 1, 4);
  const vector subgraphs = field_vector(r, model, 2, 4);
  const vector buffers = field_vector(r, model, 4, 4);
  if (codes.count > MAX_OPERATOR_CODES || subgraphs.count > TFLITE_MAX_SUBGRAPHS) {
    fail(r, STATUS_UNSUPPORTED, "it has more than 16 subgraphs");
  }
  for (size_t i = 0; i < subgraphs.count && !r->fault; i++) {
    file->n_subgraphs = (int)i + 1;
    read_subgraph(r, vector_table(r, subgraphs, i), codes, buffers, &file->subgraphs[i]);
  }
  if (subgraphs.count == 0) {
    fail(r, STATUS_FORMAT, "it has no subgraph");
  }
}

status tflite_file_parse(tflite_file *file, const uint8_t *data, size_t size_bytes,
                         const char *name, error *err)
{
  *file = (tflite_file){0};
  reader r = {.data = data, .size_bytes = size_bytes};
  // An index takes four bytes of the file, so the file's own size bounds an honest list.
  r.capacity = size_bytes / 4 < MAX_INDICES ? size_bytes / 4 : MAX_INDICES;
  r.indices = malloc((r.capacity + 1) * sizeof *r.indices);
  file->indices = r.indices;
  if (!r.indices) {
    fail(&r, STATUS_NO_MEMORY, "no memory for its graph");
  } else {
    read_model(&r, file);
  }
  if (!r.fault) {
    return STATUS_OK;
  }
  tflite_file_close(file);
  return error_set(err, r.fault_status, "%s: not a readable TensorFlow Lite file: %s", name,
                   r.fault);
}

status tflite_file_open(tflite_file *file, const char *path, error *err)
{
  *file = (tflite_file){0};
  file_map map;
  const status opened = file_map_open(&map, path, err);
  if (opened != STATUS_OK) {
    return opened;
  }
  const status parsed = tflite_file_parse(file, map.data, map.size_bytes, path, err);
  if (parsed == STATUS_OK) {
    file->map = map;
  } else {
    file_map_close(&map);
  }
  return parsed;
}

void tflite_file_close(tflite_file *file)
{
  for (int i = 0; i < file->n_subgraphs; i++) {
    free(file->subgraphs[i].tensors);
    free(file->subgraphs[i].operators);
  }
  free(file->indices);
  if (file->map.data) {
    file_map_close(&file->map);
  }
  *file = (tflite_file){0};
}

int64_t tflite_tensor_count(const tflite_tensor *tensor)
{
  int64_t count = 1;
  for (int i = 0; i < tensor->rank; i++) {
    if (tensor->dims[i] == 0) {
      return 0;
    }
  }
  for (int i = 0; i < tensor->rank; i++) {
    if (count > (INT64_MAX >> 1) / tensor->dims[i]) {
      return -1;
    }
    count *= tensor->dims[i];
  }
  return count;
}

static bool copy_elements(const tflite_tensor *tensor, tflite_type type, int64_t from,
                          int64_t count, void *values)
{
  const int64_t have = (int64_t)(tensor->data_bytes / 4);
  if (tensor->type != type || !tensor->data || from < 0 || count < 0 || from > have ||
      count > have - from) {
    return false;
  }
  memcpy(values, tensor->data + 4 * from, 4 * (size_t)count);
  return true;
}

bool tflite_tensor_floats(const tflite_tensor *tensor, int64_t from, int64_t count, float *values)
{
  return copy_elements(tensor, TFLITE_F32, from, count, values);
}

bool tflite_tensor_ints(const tflite_tensor *tensor, int64_t from, int64_t count, int32_t *values)
{
  return copy_elements(tensor, TFLITE_I32, from, count, values);
}

int tflite_producer(const tflite_subgraph *graph, int32_t index)
{
  for (int i = 0; i < graph->n_operators; i++) {
    for (int j = 0; j < graph->operators[i].n_outputs; j++) {
      if (graph->operators[i].outputs[j] == index) {
        return i;
      }
    }
  }
  return -1;
}
