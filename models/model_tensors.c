// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "models/model_tensors.h"

#include "gpu/cpu/rows.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SCALE_SUFFIX ".scale"
#define NAME_BYTES (WEIGHT_NAME_BYTES + sizeof ".v" SCALE_SUFFIX)

const char *const model_storage_words[] = {"f32", "f16", "bf16", "int8", NULL};

// ---- to a file ----------------------------------------------------------------------------------

typedef struct listing {
  model_tensors *list;
  char (*names)[NAME_BYTES];
  char *at; ///< free part of the block
  model_storage storage;
  error *err;
} listing;

static void add(listing *l, const weight *w, const char *suffix, element_type type, int rank,
                const void *data)
{
  safetensors_tensor *t = &l->list->tensors[l->list->count];
  char *name = l->names[l->list->count++];
  snprintf(name, NAME_BYTES, "%s%s", w->name, suffix);
  *t = (safetensors_tensor){.name = name, .type = type, .rank = rank, .data = data};
  memcpy(t->dims, w->dims, (size_t)rank * sizeof *t->dims);
  (void)element_size(type, rank, t->dims, &t->size_bytes); // it is in memory, so it fits
}

/// Room in the block, kept aligned.
static void *take(listing *l, size_t size_bytes)
{
  void *taken = l->at;
  l->at += (size_bytes + 7) / 8 * 8;
  return taken;
}

static void add_int8(listing *l, const weight *w, const char *suffix, const float *values)
{
  const int64_t count = weight_count(w), row = count / w->dims[0];
  char scale_suffix[sizeof ".v" SCALE_SUFFIX];
  float *scales = take(l, (size_t)w->dims[0] * sizeof *scales);
  int8_t *codes = take(l, (size_t)count);
  for (int64_t i = 0; i < w->dims[0]; ++i) {
    scales[i] = quantise_row_i8(codes + i * row, values + i * row, row);
  }
  snprintf(scale_suffix, sizeof scale_suffix, "%s" SCALE_SUFFIX, suffix);
  add(l, w, suffix, ELEMENT_I8, w->rank, codes);
  add(l, w, scale_suffix, ELEMENT_F32, 1, scales);
}

static status add_16(listing *l, const weight *w, const char *suffix, const float *values)
{
  const bool half = l->storage == MODEL_F16;
  const int64_t count = weight_count(w);
  uint16_t *bits = take(l, (size_t)count * sizeof *bits);
  for (int64_t i = 0; i < count; ++i) {
    bits[i] = half ? f16_from_f32(values[i]) : bf16_from_f32(values[i]);
    if (isfinite(values[i]) && !isfinite(half ? f32_from_f16(bits[i]) : f32_from_bf16(bits[i]))) {
      return error_set(l->err, STATUS_USAGE, "tensor \"%.120s%s\": element %lld, %g, is beyond %s",
                       w->name, suffix, (long long)i, (double)values[i],
                       model_storage_words[l->storage]);
    }
  }
  add(l, w, suffix, half ? ELEMENT_F16 : ELEMENT_BF16, w->rank, bits);
  return STATUS_OK;
}

static status add_matrix(listing *l, const weight *w, const char *suffix, const float *values)
{
  if (l->storage == MODEL_F32 || w->use == WEIGHT_VECTOR || w->use == WEIGHT_CODEBOOK) {
    add(l, w, suffix, ELEMENT_F32, w->rank, values);
    return STATUS_OK;
  }
  if (l->storage == MODEL_INT8) {
    add_int8(l, w, suffix, values);
    return STATUS_OK;
  }
  return add_16(l, w, suffix, values);
}

static status add_weight(listing *l, const weight *w)
{
  if (!w->norm_v) {
    return add_matrix(l, w, "", w->master);
  }
  add(l, w, ".g", ELEMENT_F32, 1, w->norm_g);
  return add_matrix(l, w, ".v", w->norm_v);
}

static status make_room(listing *l, codec_layers layers)
{
  size_t most = 0, bytes = 0;
  for (int p = 0; p < CODEC_N_PARTS; ++p) {
    const layer_set *set = layers.sets[p];
    most += 3 * (size_t)set->n_weights; // g, v and v's scales
    for (int i = 0; i < set->n_weights && l->storage != MODEL_F32; ++i) {
      const weight *w = set->weights[i];
      bytes += (size_t)weight_count(w) * 2 + (size_t)w->dims[0] * sizeof(float) + 16;
    }
  }
  l->list->tensors = calloc(most + 1, sizeof *l->list->tensors);
  l->list->names = l->names = calloc(most + 1, sizeof *l->names);
  l->list->block = l->at = malloc(bytes + 1);
  return l->list->tensors && l->names && l->at
             ? STATUS_OK
             : error_set(l->err, STATUS_NO_MEMORY, "no memory to list a model's tensors");
}

status model_tensors_make(model_tensors *list, codec_layers layers, model_storage storage,
                          error *err)
{
  *list = (model_tensors){0};
  listing l = {.list = list, .storage = storage, .err = err};
  status code = make_room(&l, layers);
  for (int p = 0; p < CODEC_N_PARTS; ++p) {
    for (int i = 0; i < layers.sets[p]->n_weights && code == STATUS_OK; ++i) {
      code = add_weight(&l, layers.sets[p]->weights[i]);
    }
  }
  return code;
}

void model_tensors_free(model_tensors *list)
{
  free(list->tensors);
  free(list->names);
  free(list->block);
  *list = (model_tensors){0};
}

// ---- from a file --------------------------------------------------------------------------------

/// Codes already in `out` become values.
static status apply_scales(const safetensors *st, const char *name, int64_t rows, size_t row,
                           float *out, error *err)
{
  char scale_name[NAME_BYTES];
  const safetensors_tensor *t = NULL;
  snprintf(scale_name, sizeof scale_name, "%s" SCALE_SUFFIX, name);
  const status code = safetensors_expect(st, scale_name, 1, &rows, &t, err);
  if (code != STATUS_OK) {
    return code;
  }
  if (t->type != ELEMENT_F32) {
    return error_set(err, STATUS_FORMAT, "%s: tensor \"%.200s\": expected f32, found %s", st->path,
                     scale_name, element_name(t->type));
  }
  for (size_t i = 0; i < (size_t)rows; ++i) {
    float scale = 0.0f;
    memcpy(&scale, (const char *)t->data + i * sizeof scale, sizeof scale);
    for (size_t k = 0; k < row; ++k) {
      out[i * row + k] *= scale;
    }
  }
  return STATUS_OK;
}

status model_tensors_read(const safetensors *st, const char *name, int rank, const int64_t *dims,
                          float *out, error *err)
{
  const safetensors_tensor *t = NULL;
  size_t count = 0;
  status code = safetensors_expect(st, name, rank, dims, &t, err);
  if (code != STATUS_OK || !element_count(rank, dims, &count) || count == 0) {
    return code;
  }
  element_to_f32(t->type, t->data, count, out);
  if (t->type == ELEMENT_I8 && rank > 0) {
    code = apply_scales(st, name, dims[0], count / (size_t)dims[0], out, err);
  }
  for (size_t i = 0; i < count && code == STATUS_OK; ++i) {
    if (!isfinite(out[i])) {
      return error_set(err, STATUS_FORMAT, "%s: tensor \"%.200s\": element %zu is no finite number",
                       st->path, name, i);
    }
  }
  return code;
}
