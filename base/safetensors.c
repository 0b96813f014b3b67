// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "base/safetensors.h"

#include "base/json_writer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LENGTH_BYTES 8 // of the header's length field
#define METADATA_KEY "__metadata__"

// The format's names, in the order of element_type.
static const char *const type_names[ELEMENT_TYPES] = {
    "F64", "I64", "U64", "F32", "I32", "U32", "F16", "BF16", "I16", "U16", "I8", "U8", "BOOL",
};

static int compare_names(const void *a, const void *b)
{
  return strcmp(((const safetensors_tensor *)a)->name, ((const safetensors_tensor *)b)->name);
}

// By place in the file; an empty tensor stands before the one that begins where it does.
static int compare_places(const void *a, const void *b)
{
  const safetensors_tensor *x = a;
  const safetensors_tensor *y = b;
  if (x->data != y->data) {
    return (const char *)x->data < (const char *)y->data ? -1 : 1;
  }
  return (x->size_bytes > y->size_bytes) - (x->size_bytes < y->size_bytes);
}

static status bad_tensor(const safetensors *st, const char *name, const char *what, error *err)
{
  return error_set(err, STATUS_FORMAT, "%s: tensor \"%.200s\": %s", st->path, name, what);
}

static status read_type(const safetensors *st, const json *item, safetensors_tensor *t, error *err)
{
  const char *type = NULL;
  if (!json_get_string(json_member(item, "dtype"), &type)) {
    return bad_tensor(st, t->name, "no dtype", err);
  }
  for (int i = 0; i < ELEMENT_TYPES; ++i) {
    if (strcmp(type, type_names[i]) == 0) {
      t->type = (element_type)i;
      return STATUS_OK;
    }
  }
  return error_set(err, STATUS_UNSUPPORTED, "%s: tensor \"%.200s\": element type \"%.16s\"",
                   st->path, t->name, type);
}

static status read_shape(const safetensors *st, const json *item, safetensors_tensor *t, error *err)
{
  const json *shape = json_member(item, "shape");
  if (json_get_type(shape) != JSON_ARRAY) {
    return bad_tensor(st, t->name, "no shape", err);
  }
  if (json_count(shape) > ELEMENT_MAX_RANK) {
    return error_set(err, STATUS_UNSUPPORTED, "%s: tensor \"%.200s\": %zu dimensions, at most %d",
                     st->path, t->name, json_count(shape), ELEMENT_MAX_RANK);
  }
  for (const json *dim = json_first(shape); dim; dim = json_next(dim)) {
    if (!json_get_integer(dim, 0, INT64_MAX, &t->dims[t->rank++])) {
      return bad_tensor(st, t->name, "a dimension is not a whole number from 0", err);
    }
  }
  if (!element_size(t->type, t->rank, t->dims, &t->size_bytes)) {
    return bad_tensor(st, t->name, "its size overflows", err);
  }
  return STATUS_OK;
}

static status read_place(const safetensors *st, const json *item, const uint8_t *data,
                         size_t data_bytes, safetensors_tensor *t, error *err)
{
  const json *offsets = json_member(item, "data_offsets");
  int64_t begin = 0;
  int64_t end = 0;
  if (json_get_type(offsets) != JSON_ARRAY || json_count(offsets) != 2 ||
      !json_get_integer(json_element(offsets, 0), 0, INT64_MAX, &begin) ||
      !json_get_integer(json_element(offsets, 1), 0, INT64_MAX, &end)) {
    return bad_tensor(st, t->name, "no data_offsets", err);
  }
  if (begin > end || (uint64_t)end > data_bytes) {
    return error_set(
        err, STATUS_FORMAT,
        "%s: tensor \"%.200s\": bytes %lld to %lld of data, which has %zu (truncated?)", st->path,
        t->name, (long long)begin, (long long)end, data_bytes);
  }
  if ((uint64_t)(end - begin) != t->size_bytes) {
    char shape[192];
    return error_set(err, STATUS_FORMAT,
                     "%s: tensor \"%.200s\": %lld bytes, expected %zu for %s %s", st->path, t->name,
                     (long long)(end - begin), t->size_bytes, element_name(t->type),
                     element_shape_text(t->rank, t->dims, shape));
  }
  t->data = data + begin;
  return STATUS_OK;
}

static status read_tensors(safetensors *st, const uint8_t *data, size_t data_bytes, error *err)
{
  const size_t n_items = json_count(st->header);
  st->tensors = calloc(n_items ? n_items : 1, sizeof *st->tensors);
  if (!st->tensors) {
    return error_set(err, STATUS_NO_MEMORY, "%s: no memory for its list of tensors", st->path);
  }
  for (const json *item = json_first(st->header); item; item = json_next(item)) {
    if (strcmp(json_key(item), METADATA_KEY) == 0) {
      continue;
    }
    safetensors_tensor *t = &st->tensors[st->n_tensors++];
    t->name = json_key(item);
    status s = read_type(st, item, t, err);
    if (!s) {
      s = read_shape(st, item, t, err);
    }
    if (!s) {
      s = read_place(st, item, data, data_bytes, t, err);
    }
    if (s) {
      return s;
    }
  }
  return STATUS_OK;
}

static status check_tiling(safetensors *st, const uint8_t *data, size_t data_bytes, error *err)
{
  qsort(st->tensors, st->n_tensors, sizeof *st->tensors, compare_places);
  const uint8_t *expected = data;
  for (size_t i = 0; i < st->n_tensors; ++i) {
    if (st->tensors[i].data != expected) {
      return bad_tensor(st, st->tensors[i].name, "overlaps another or leaves a hole before it",
                        err);
    }
    expected += st->tensors[i].size_bytes;
  }
  if (expected != data + data_bytes) {
    return error_set(err, STATUS_FORMAT, "%s: %zu bytes after the last tensor", st->path,
                     (size_t)(data + data_bytes - expected));
  }
  qsort(st->tensors, st->n_tensors, sizeof *st->tensors, compare_names);
  return STATUS_OK;
}

static status check_metadata(const safetensors *st, error *err)
{
  const json *metadata = json_member(st->header, METADATA_KEY);
  if (metadata && json_get_type(metadata) != JSON_OBJECT) {
    return error_set(err, STATUS_FORMAT, "%s: metadata is no object", st->path);
  }
  for (const json *item = json_first(metadata); item; item = json_next(item)) {
    if (json_get_type(item) != JSON_STRING) {
      return error_set(err, STATUS_FORMAT, "%s: metadata \"%.100s\" is no string", st->path,
                       json_key(item));
    }
  }
  return STATUS_OK;
}

static status read_header(safetensors *st, const uint8_t *bytes, size_t size_bytes,
                          size_t *header_bytes, error *err)
{
  uint64_t length = 0;
  if (size_bytes < LENGTH_BYTES + 2) {
    return error_set(err, STATUS_FORMAT, "%s: %zu bytes are too few for a safetensors file",
                     st->path, size_bytes);
  }
  memcpy(&length, bytes, sizeof length);
  if (length > size_bytes - LENGTH_BYTES || bytes[LENGTH_BYTES] != '{') {
    return error_set(err, STATUS_FORMAT, "%s: not a safetensors file, or truncated", st->path);
  }
  *header_bytes = (size_t)length;
  return json_parse(&st->header, bytes + LENGTH_BYTES, *header_bytes, st->path, err);
}

status safetensors_read(safetensors *st, const void *data, size_t size_bytes, const char *source,
                        error *err)
{
  *st = (safetensors){.path = strdup(source)};
  if (!st->path) {
    return error_set(err, STATUS_NO_MEMORY, "%s: no memory to read it", source);
  }
  size_t header_bytes = 0;
  status s = read_header(st, data, size_bytes, &header_bytes, err);
  if (!s) {
    s = check_metadata(st, err);
  }
  if (!s) {
    const uint8_t *tensors = (const uint8_t *)data + LENGTH_BYTES + header_bytes;
    const size_t tensors_bytes = size_bytes - LENGTH_BYTES - header_bytes;
    s = read_tensors(st, tensors, tensors_bytes, err);
    if (!s) {
      s = check_tiling(st, tensors, tensors_bytes, err);
    }
  }
  if (s) {
    safetensors_close(st);
  }
  return s;
}

status safetensors_open(safetensors *st, const char *path, error *err)
{
  *st = (safetensors){0};
  file_map map;
  status s = file_map_open(&map, path, err);
  if (s) {
    return s;
  }
  s = safetensors_read(st, map.data, map.size_bytes, path, err);
  if (s) {
    file_map_close(&map);
    return s;
  }
  st->map = map;
  return STATUS_OK;
}

void safetensors_close(safetensors *st)
{
  free(st->tensors);
  json_free(st->header);
  free(st->path);
  file_map_close(&st->map);
  *st = (safetensors){0};
}

const safetensors_tensor *safetensors_find(const safetensors *st, const char *name)
{
  const safetensors_tensor key = {.name = name};
  return st->n_tensors
             ? bsearch(&key, st->tensors, st->n_tensors, sizeof *st->tensors, compare_names)
             : NULL;
}

const char *safetensors_metadata(const safetensors *st, const char *key)
{
  const char *value = NULL;
  (void)json_get_string(json_member(json_member(st->header, METADATA_KEY), key), &value);
  return value;
}

status safetensors_config(const safetensors *st, json **config, error *err)
{
  *config = NULL;
  const char *text = safetensors_metadata(st, SAFETENSORS_CONFIG_KEY);
  if (!text) {
    return error_set(err, STATUS_FORMAT,
                     "%s: no continuo model (metadata \"" SAFETENSORS_CONFIG_KEY "\" is missing)",
                     st->path);
  }
  return json_parse(config, text, strlen(text), st->path, err);
}

status safetensors_expect(const safetensors *st, const char *name, int rank, const int64_t *dims,
                          const safetensors_tensor **t, error *err)
{
  char expected[192];
  char found[192];
  *t = safetensors_find(st, name);
  if (!*t) {
    return error_set(err, STATUS_NOT_FOUND, "%s: tensor \"%.200s\": expected %s, found none",
                     st->path, name, element_shape_text(rank, dims, expected));
  }
  bool same = (*t)->rank == rank;
  for (int i = 0; same && i < rank; ++i) {
    same = (*t)->dims[i] == dims[i];
  }
  return same ? STATUS_OK
              : error_set(err, STATUS_FORMAT, "%s: tensor \"%.200s\": expected shape %s, found %s",
                          st->path, name, element_shape_text(rank, dims, expected),
                          element_shape_text((*t)->rank, (*t)->dims, found));
}

status safetensors_read_f32(const safetensors *st, const char *name, int rank, const int64_t *dims,
                            float *out, error *err)
{
  const safetensors_tensor *t = NULL;
  const status s = safetensors_expect(st, name, rank, dims, &t, err);
  if (!s) {
    element_to_f32(t->type, t->data, t->size_bytes / element_bytes(t->type), out);
  }
  return s;
}

static int compare_written(const void *a, const void *b)
{
  const safetensors_tensor *x = *(const safetensors_tensor *const *)a;
  const safetensors_tensor *y = *(const safetensors_tensor *const *)b;
  const size_t x_bytes = element_bytes(x->type);
  const size_t y_bytes = element_bytes(y->type);
  return x_bytes != y_bytes ? (x_bytes < y_bytes ? 1 : -1) : strcmp(x->name, y->name);
}

static int compare_pointed_names(const void *a, const void *b)
{
  return compare_names(*(const safetensors_tensor *const *)a,
                       *(const safetensors_tensor *const *)b);
}

static int compare_pairs(const void *a, const void *b)
{
  return strcmp((*(const safetensors_pair *const *)a)->key,
                (*(const safetensors_pair *const *)b)->key);
}

// Pointers to `n` things of `size` bytes, sorted; null without memory.
static const void **sorted(const void *items, size_t n, size_t size,
                           int (*compare)(const void *, const void *))
{
  const void **pointers = malloc((n ? n : 1) * sizeof *pointers);
  for (size_t i = 0; pointers && i < n; ++i) {
    pointers[i] = (const char *)items + i * size;
  }
  if (pointers) {
    qsort(pointers, n, sizeof *pointers, compare);
  }
  return pointers;
}

static status check_written(const char *path, const safetensors_tensor *const *tensors, size_t n,
                            error *err)
{
  for (size_t i = 0; i < n; ++i) {
    const safetensors_tensor *t = tensors[i];
    size_t size_bytes = 0;
    if (t->rank < 0 || t->rank > ELEMENT_MAX_RANK ||
        !element_size(t->type, t->rank, t->dims, &size_bytes) || size_bytes != t->size_bytes) {
      return error_set(err, STATUS_USAGE, "%s: tensor \"%.200s\": %zu bytes do not fit its shape",
                       path, t->name, t->size_bytes);
    }
    if (strcmp(t->name, METADATA_KEY) == 0 ||
        (i > 0 && strcmp(tensors[i - 1]->name, t->name) == 0)) {
      return error_set(err, STATUS_USAGE, "%s: tensor name \"%.200s\" is taken", path, t->name);
    }
  }
  return STATUS_OK;
}

static void write_header(json_writer *w, const safetensors_tensor *const *tensors, size_t n_tensors,
                         const safetensors_pair *const *metadata, size_t n_metadata)
{
  json_begin_object(w, NULL);
  if (n_metadata > 0) {
    json_begin_object(w, METADATA_KEY);
    for (size_t i = 0; i < n_metadata; ++i) {
      json_write_string(w, metadata[i]->key, metadata[i]->value);
    }
    json_end_object(w);
  }
  int64_t offset = 0;
  for (size_t i = 0; i < n_tensors; ++i) {
    const safetensors_tensor *t = tensors[i];
    json_begin_object(w, t->name);
    json_write_string(w, "dtype", type_names[t->type]);
    json_begin_array(w, "shape");
    for (int d = 0; d < t->rank; ++d) {
      json_write_integer(w, NULL, t->dims[d]);
    }
    json_end_array(w);
    json_begin_array(w, "data_offsets");
    json_write_integer(w, NULL, offset);
    offset += (int64_t)t->size_bytes;
    json_write_integer(w, NULL, offset);
    json_end_array(w);
    json_end_object(w);
  }
  json_end_object(w);
}

static bool write_bytes(FILE *stream, const void *data, size_t size_bytes)
{
  return size_bytes == 0 || fwrite(data, 1, size_bytes, stream) == size_bytes;
}

static status write_file(const char *path, const json_writer *header,
                         const safetensors_tensor *const *tensors, size_t n_tensors, error *err)
{
  file_save save;
  const status s = file_save_open(&save, path, err);
  if (s) {
    return s;
  }
  static const char spaces[8] = "       ";
  const size_t padding = (8 - header->size_bytes % 8) % 8;
  const uint64_t length = header->size_bytes + padding;
  bool ok = write_bytes(save.stream, &length, sizeof length) &&
            write_bytes(save.stream, header->data, header->size_bytes) &&
            write_bytes(save.stream, spaces, padding);
  for (size_t i = 0; ok && i < n_tensors; ++i) {
    ok = write_bytes(save.stream, tensors[i]->data, tensors[i]->size_bytes);
  }
  if (!ok) {
    error_set(err, STATUS_IO, "%s: cannot write: %s", path, strerror(errno));
    file_save_abort(&save);
    return STATUS_IO;
  }
  return file_save_commit(&save, err);
}

static status save_sorted(const char *path, const safetensors_tensor **tensors, size_t n_tensors,
                          const safetensors_pair *const *metadata, size_t n_metadata, error *err)
{
  if (n_tensors > 0) {
    qsort(tensors, n_tensors, sizeof *tensors, compare_pointed_names);
  }
  status s = check_written(path, tensors, n_tensors, err);
  if (s) {
    return s;
  }
  if (n_tensors > 0) {
    qsort(tensors, n_tensors, sizeof *tensors, compare_written);
  }
  json_writer header;
  json_writer_init(&header, NULL);
  write_header(&header, tensors, n_tensors, metadata, n_metadata);
  s = json_writer_finish(&header, err);
  if (s) {
    (void)error_prefix(err, "%s", path);
  } else {
    s = write_file(path, &header, tensors, n_tensors, err);
  }
  json_writer_free(&header);
  return s;
}

status safetensors_save(const char *path, const safetensors_tensor *tensors, size_t n_tensors,
                        const safetensors_pair *metadata, size_t n_metadata, error *err)
{
  const void **by_name = sorted(tensors, n_tensors, sizeof *tensors, compare_pointed_names);
  const void **by_key = sorted(metadata, n_metadata, sizeof *metadata, compare_pairs);
  const status s = by_name && by_key
                       ? save_sorted(path, (const safetensors_tensor **)by_name, n_tensors,
                                     (const safetensors_pair *const *)by_key, n_metadata, err)
                       : error_set(err, STATUS_NO_MEMORY, "%s: no memory to write it", path);
  free(by_name);
  free(by_key);
  return s;
}

static bool has_prefix(const char *name, const char *const *prefixes, size_t n_prefixes)
{
  for (size_t i = 0; i < n_prefixes; ++i) {
    if (strncmp(name, prefixes[i], strlen(prefixes[i])) == 0) {
      return true;
    }
  }
  return false;
}

static void hash_tensor(sha256 *h, const safetensors_tensor *t)
{
  const char *type = element_name(t->type);
  const int64_t rank = t->rank;
  sha256_update(h, t->name, strlen(t->name) + 1);
  sha256_update(h, type, strlen(type) + 1);
  sha256_update(h, &rank, sizeof rank);
  sha256_update(h, t->dims, (size_t)t->rank * sizeof *t->dims);
  sha256_update(h, t->data, t->size_bytes);
}

status safetensors_hash(const safetensors_tensor *tensors, size_t n_tensors,
                        const char *const *prefixes, size_t n_prefixes, char hex[SHA256_HEX_BYTES],
                        error *err)
{
  const void **by_name = sorted(tensors, n_tensors, sizeof *tensors, compare_pointed_names);
  if (!by_name) {
    return error_set(err, STATUS_NO_MEMORY, "no memory to hash tensors");
  }
  sha256 h;
  sha256_init(&h);
  for (size_t i = 0; i < n_tensors; ++i) {
    const safetensors_tensor *t = by_name[i];
    if (has_prefix(t->name, prefixes, n_prefixes)) {
      hash_tensor(&h, t);
    }
  }
  sha256_final_hex(&h, hex);
  free(by_name);
  return STATUS_OK;
}
