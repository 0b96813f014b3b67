// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "models/io/torch_file.h"

#include "base/utf8.h"
#include "models/io/pickle.h"
#include "models/io/zip_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_DEPTH 16
#define MAX_VISITS ((size_t)1 << 20) // shared containers are walked once per path to them
#define MAX_NAME_BYTES 512
#define PICKLE_ENTRY "data.pkl"

typedef struct reader {
  torch_file *file;
  const zip_file *zip;
  const uint8_t *data; // the archive
  size_t size_bytes;
  const char *folder; // name of the archive's folder, with its slash, not terminated
  size_t folder_bytes;
  bool checksums;
  bool *checked;       // per entry of the archive
  size_t copied_bytes; // by making tensors contiguous
  size_t n_visits;
  size_t tensors_capacity;
  size_t scalars_capacity;
  char name[MAX_NAME_BYTES]; // of the value being walked
  size_t name_bytes;
  error *err;
} reader;

static status no_memory(const reader *r)
{
  return error_set(r->err, STATUS_NO_MEMORY, "%s: no memory for its tensors", r->file->path);
}

static status bad_tensor(const reader *r, const char *what)
{
  return error_set(r->err, STATUS_FORMAT, "%s: tensor \"%.200s\": %s", r->file->path, r->name,
                   what);
}

// Room for one more of `size` bytes in an array that grows.
static bool grow(void *array, size_t n, size_t *capacity, size_t size)
{
  if (n < *capacity) {
    return true;
  }
  const size_t more = *capacity ? *capacity * 2 : 64;
  void *old;
  memcpy(&old, array, sizeof old);
  void *fresh = realloc(old, more * size);
  if (!fresh) {
    return false;
  }
  memcpy(array, &fresh, sizeof fresh);
  *capacity = more;
  return true;
}

// `size` bytes that are freed with the file.
static void *own(torch_file *file, size_t size)
{
  if (!grow(&file->owned, file->n_owned, &file->owned_capacity, sizeof *file->owned)) {
    return NULL;
  }
  void *made = malloc(size ? size : 1);
  if (made) {
    file->owned[file->n_owned++] = made;
  }
  return made;
}

static const char *own_text(torch_file *file, const char *bytes, size_t n_bytes)
{
  char *text = own(file, n_bytes + 1);
  if (text) {
    memcpy(text, bytes, n_bytes);
    text[n_bytes] = '\0';
  }
  return text;
}

static bool is_text(const char *bytes, size_t n_bytes)
{
  for (size_t i = 0; i < n_bytes;) {
    const size_t n = utf8_sequence((const uint8_t *)bytes + i, n_bytes - i);
    if (n == 0 || bytes[i] == '\0') {
      return false;
    }
    i += n;
  }
  return true;
}

static status check_entry(reader *r, const zip_entry *entry)
{
  bool *checked = &r->checked[entry - r->zip->entries];
  if (r->checksums && !*checked && !zip_entry_intact(r->zip, entry)) {
    return error_set(r->err, STATUS_FORMAT, "%s: entry \"%.*s\" is damaged (its checksum differs)",
                     r->file->path, (int)(entry->name_bytes < 100 ? entry->name_bytes : 100),
                     entry->name);
  }
  *checked = true;
  return STATUS_OK;
}

// The entry "<folder><rest>", verified; STATUS_FORMAT when there is none.
static status find_entry(reader *r, const char *rest, size_t rest_bytes, const zip_entry **entry)
{
  char name[MAX_NAME_BYTES];
  if (r->folder_bytes + rest_bytes > sizeof name) {
    return bad_tensor(r, "the name of its storage is too long");
  }
  memcpy(name, r->folder, r->folder_bytes);
  memcpy(name + r->folder_bytes, rest, rest_bytes);
  *entry = zip_file_find(r->zip, name, r->folder_bytes + rest_bytes);
  return *entry ? check_entry(r, *entry) : bad_tensor(r, "its storage is missing");
}

static status read_storage(reader *r, const pickle_value *storage, const uint8_t **data)
{
  static const char folder[] = "data/";
  char rest[128];
  const size_t key_bytes = storage->storage.key->string.n_bytes;
  if (key_bytes > sizeof rest - sizeof folder) {
    return bad_tensor(r, "the name of its storage is too long");
  }
  memcpy(rest, folder, sizeof folder - 1);
  memcpy(rest + sizeof folder - 1, storage->storage.key->string.bytes, key_bytes);
  const zip_entry *entry = NULL;
  const status s = find_entry(r, rest, sizeof folder - 1 + key_bytes, &entry);
  if (s) {
    return s;
  }
  size_t size_bytes = 0;
  if (!element_size(storage->storage.type, 1, &storage->storage.count, &size_bytes) ||
      size_bytes != entry->size_bytes) {
    return error_set(r->err, STATUS_FORMAT,
                     "%s: tensor \"%.200s\": its storage has %zu bytes, expected %lld x %s",
                     r->file->path, r->name, entry->size_bytes, (long long)storage->storage.count,
                     element_name(storage->storage.type));
  }
  *data = entry->data;
  return STATUS_OK;
}

typedef struct shape {
  int rank;
  int64_t dims[ELEMENT_MAX_RANK];
  int64_t strides[ELEMENT_MAX_RANK];
  size_t count;    // elements
  bool contiguous; // and so is what the strides say
} shape;

static status read_shape(const reader *r, const pickle_value *tensor, shape *sh)
{
  const pickle_value *dims = tensor->tensor.dims;
  const pickle_value *strides = tensor->tensor.strides;
  *sh = (shape){.contiguous = true};
  if (dims->list.n_items != strides->list.n_items) {
    return bad_tensor(r, "as many strides as dimensions were expected");
  }
  if (dims->list.n_items > ELEMENT_MAX_RANK) {
    return error_set(r->err, STATUS_UNSUPPORTED,
                     "%s: tensor \"%.200s\": %zu dimensions, at most %d", r->file->path, r->name,
                     dims->list.n_items, ELEMENT_MAX_RANK);
  }
  sh->rank = (int)dims->list.n_items;
  for (int i = 0; i < sh->rank; ++i) {
    const pickle_value *dim = dims->list.items[i];
    const pickle_value *stride = strides->list.items[i];
    if (dim->kind != PICKLE_INTEGER || stride->kind != PICKLE_INTEGER || dim->integer < 0 ||
        stride->integer < 0) {
      return bad_tensor(r, "a dimension or stride is not a whole number from 0");
    }
    sh->dims[i] = dim->integer;
    sh->strides[i] = stride->integer;
  }
  if (!element_count(sh->rank, sh->dims, &sh->count) || sh->count > INT64_MAX) {
    return bad_tensor(r, "its size overflows");
  }
  int64_t expected = 1; // cannot overflow: element_count has multiplied the same
  for (int i = sh->rank - 1; i >= 0 && sh->count > 0; --i) {
    sh->contiguous = sh->contiguous && (sh->dims[i] == 1 || sh->strides[i] == expected);
    expected *= sh->dims[i];
  }
  return STATUS_OK;
}

// The element furthest from the start must lie in the storage.
static status check_reach(const reader *r, const pickle_value *tensor, const shape *sh)
{
  int64_t last = tensor->tensor.offset;
  bool overflow = last < 0;
  for (int i = 0; i < sh->rank && sh->count > 0; ++i) {
    int64_t step = 0;
    overflow = overflow || __builtin_mul_overflow(sh->dims[i] - 1, sh->strides[i], &step) ||
               __builtin_add_overflow(last, step, &last);
  }
  const int64_t count = tensor->tensor.storage->storage.count;
  if (overflow || last > count || (sh->count > 0 && last == count)) {
    return bad_tensor(r, "it reaches past its storage");
  }
  return STATUS_OK;
}

static void copy_elements(const shape *sh, size_t bytes, const uint8_t *from, uint8_t *to)
{
  int64_t index[ELEMENT_MAX_RANK] = {0};
  int64_t at = 0; // elements from the start
  for (size_t i = 0; i < sh->count; ++i) {
    memcpy(to + i * bytes, from + (size_t)at * bytes, bytes);
    for (int d = sh->rank - 1; d >= 0; --d) {
      at += sh->strides[d];
      if (++index[d] < sh->dims[d]) {
        break;
      }
      at -= sh->strides[d] * sh->dims[d];
      index[d] = 0;
    }
  }
}

// An expanded tensor could stand for any amount of memory, so copies may at most double the file.
static status make_contiguous(reader *r, const shape *sh, safetensors_tensor *t)
{
  if (t->size_bytes > r->size_bytes - r->copied_bytes) {
    return error_set(r->err, STATUS_UNSUPPORTED,
                     "%s: tensor \"%.200s\": it would grow to %zu bytes when made contiguous",
                     r->file->path, r->name, t->size_bytes);
  }
  r->copied_bytes += t->size_bytes;
  uint8_t *copy = own(r->file, t->size_bytes);
  if (!copy) {
    return no_memory(r);
  }
  copy_elements(sh, element_bytes(t->type), t->data, copy);
  t->data = copy;
  return STATUS_OK;
}

static status add_tensor(reader *r, const pickle_value *tensor)
{
  torch_file *file = r->file;
  const pickle_value *storage = tensor->tensor.storage;
  const uint8_t *data = NULL;
  shape sh;
  safetensors_tensor t = {.type = storage->storage.type};
  status s = read_shape(r, tensor, &sh);
  if (!s) {
    s = check_reach(r, tensor, &sh);
  }
  if (!s) {
    s = read_storage(r, storage, &data);
  }
  if (s) {
    return s;
  }
  t.rank = sh.rank;
  memcpy(t.dims, sh.dims, sizeof t.dims);
  if (!element_size(t.type, t.rank, t.dims, &t.size_bytes)) {
    return bad_tensor(r, "its size overflows");
  }
  t.data = data + (size_t)tensor->tensor.offset * element_bytes(t.type);
  s = sh.contiguous ? STATUS_OK : make_contiguous(r, &sh, &t);
  if (s) {
    return s;
  }
  t.name = own_text(file, r->name, r->name_bytes);
  if (!t.name || !grow(&file->tensors, file->n_tensors, &r->tensors_capacity, sizeof t)) {
    return no_memory(r);
  }
  file->tensors[file->n_tensors++] = t;
  return STATUS_OK;
}

// Scalars are extras: a string that is no text is left out rather than refused.
static status add_scalar(reader *r, const pickle_value *value)
{
  torch_file *file = r->file;
  torch_scalar sc = {.kind = TORCH_NONE};
  switch (value->kind) {
  case PICKLE_BOOL:
    sc.kind = TORCH_BOOL;
    sc.integer = value->boolean;
    break;
  case PICKLE_INTEGER:
    sc.kind = TORCH_INTEGER;
    sc.integer = value->integer;
    break;
  case PICKLE_NUMBER:
    sc.kind = TORCH_NUMBER;
    sc.number = value->number;
    break;
  case PICKLE_STRING:
    sc.kind = TORCH_STRING;
    break;
  default:
    break;
  }
  if (sc.kind == TORCH_BOOL || sc.kind == TORCH_INTEGER) {
    sc.number = (double)sc.integer;
  }
  if (sc.kind == TORCH_STRING) {
    if (!is_text(value->string.bytes, value->string.n_bytes)) {
      return STATUS_OK;
    }
    sc.string = own_text(file, value->string.bytes, value->string.n_bytes);
    if (!sc.string) {
      return no_memory(r);
    }
  }
  sc.name = own_text(file, r->name, r->name_bytes);
  if (!sc.name || !grow(&file->scalars, file->n_scalars, &r->scalars_capacity, sizeof sc)) {
    return no_memory(r);
  }
  file->scalars[file->n_scalars++] = sc;
  return STATUS_OK;
}

// Put ".<key>" behind the name; false when it does not fit or is no text.
static bool push_name(reader *r, const pickle_value *key, size_t index)
{
  char number[24];
  const char *bytes = number;
  size_t n_bytes = 0;
  if (key && key->kind == PICKLE_STRING) {
    bytes = key->string.bytes;
    n_bytes = key->string.n_bytes;
  } else if (!key || key->kind == PICKLE_INTEGER) {
    n_bytes = (size_t)snprintf(number, sizeof number, "%lld",
                               key ? (long long)key->integer : (long long)index);
  } else {
    return false;
  }
  const size_t dot = r->name_bytes > 0 ? 1 : 0;
  if (n_bytes >= sizeof r->name - r->name_bytes - dot || !is_text(bytes, n_bytes)) {
    return false;
  }
  memcpy(r->name + r->name_bytes, ".", dot);
  memcpy(r->name + r->name_bytes + dot, bytes, n_bytes);
  r->name_bytes += dot + n_bytes;
  r->name[r->name_bytes] = '\0';
  return true;
}

static status walk(reader *r, const pickle_value *value, int depth);

static status walk_items(reader *r, const pickle_value *list, int depth)
{
  const size_t stride = list->kind == PICKLE_DICT ? 2 : 1;
  const size_t name_bytes = r->name_bytes;
  if (depth >= MAX_DEPTH) {
    return error_set(r->err, STATUS_UNSUPPORTED, "%s: \"%.200s\" is nested too deeply",
                     r->file->path, r->name);
  }
  for (size_t i = 0; i + stride <= list->list.n_items; i += stride) {
    if (!push_name(r, stride == 2 ? list->list.items[i] : NULL, i)) {
      return error_set(r->err, STATUS_FORMAT, "%s: a key under \"%.200s\" cannot be a name",
                       r->file->path, r->name);
    }
    const status s = walk(r, list->list.items[i + stride - 1], depth + 1);
    if (s) {
      return s;
    }
    r->name_bytes = name_bytes;
    r->name[name_bytes] = '\0';
  }
  return STATUS_OK;
}

static status walk(reader *r, const pickle_value *value, int depth)
{
  if (++r->n_visits > MAX_VISITS) {
    return error_set(r->err, STATUS_UNSUPPORTED, "%s: more than %zu values", r->file->path,
                     MAX_VISITS);
  }
  switch (value->kind) {
  case PICKLE_TENSOR:
    return add_tensor(r, value);
  case PICKLE_TUPLE:
  case PICKLE_LIST:
  case PICKLE_DICT:
    return walk_items(r, value, depth);
  case PICKLE_GLOBAL:
  case PICKLE_STORAGE:
  case PICKLE_MARK:
    return STATUS_OK; // a bare type or storage says nothing to us
  default:
    return add_scalar(r, value);
  }
}

static int compare_tensors(const void *a, const void *b)
{
  return strcmp(((const safetensors_tensor *)a)->name, ((const safetensors_tensor *)b)->name);
}

static int compare_scalars(const void *a, const void *b)
{
  return strcmp(((const torch_scalar *)a)->name, ((const torch_scalar *)b)->name);
}

static status sort_found(const reader *r)
{
  torch_file *file = r->file;
  if (file->n_tensors > 0) {
    qsort(file->tensors, file->n_tensors, sizeof *file->tensors, compare_tensors);
  }
  if (file->n_scalars > 0) {
    qsort(file->scalars, file->n_scalars, sizeof *file->scalars, compare_scalars);
  }
  for (size_t i = 1; i < file->n_tensors; ++i) {
    if (strcmp(file->tensors[i - 1].name, file->tensors[i].name) == 0) {
      return error_set(r->err, STATUS_FORMAT, "%s: tensor \"%.200s\" stands there twice",
                       file->path, file->tensors[i].name);
    }
  }
  return STATUS_OK;
}

// The one entry "<folder>/data.pkl" tells the folder.
static status find_folder(reader *r)
{
  const size_t n = sizeof PICKLE_ENTRY - 1;
  for (size_t i = 0; i < r->zip->n_entries; ++i) {
    const zip_entry *entry = &r->zip->entries[i];
    if (entry->name_bytes > n && entry->name[entry->name_bytes - n - 1] == '/' &&
        memcmp(entry->name + entry->name_bytes - n, PICKLE_ENTRY, n) == 0) {
      r->folder = entry->name;
      r->folder_bytes = entry->name_bytes - n;
      return STATUS_OK;
    }
  }
  return error_set(r->err, STATUS_FORMAT, "%s: a zip archive, but not one of PyTorch's",
                   r->file->path);
}

static status check_byte_order(reader *r)
{
  static const char name[] = "byteorder"; // absent in older files, which are little-endian
  char full[MAX_NAME_BYTES];
  if (r->folder_bytes + sizeof name > sizeof full) {
    return error_set(r->err, STATUS_FORMAT, "%s: its folder's name is too long", r->file->path);
  }
  memcpy(full, r->folder, r->folder_bytes);
  memcpy(full + r->folder_bytes, name, sizeof name - 1);
  const zip_entry *entry = zip_file_find(r->zip, full, r->folder_bytes + sizeof name - 1);
  if (entry && (entry->size_bytes != 6 || memcmp(entry->data, "little", 6) != 0)) {
    return error_set(r->err, STATUS_UNSUPPORTED, "%s: its numbers are not little-endian",
                     r->file->path);
  }
  return STATUS_OK;
}

static status read_archive(reader *r)
{
  status s = find_folder(r);
  const zip_entry *entry = NULL;
  if (!s) {
    s = check_byte_order(r);
  }
  if (!s) {
    s = find_entry(r, PICKLE_ENTRY, sizeof PICKLE_ENTRY - 1, &entry);
  }
  pickle *p = NULL;
  if (!s) {
    s = pickle_read(&p, entry->data, entry->size_bytes, r->file->path, r->err);
  }
  if (!s) {
    s = walk(r, pickle_root(p), 0);
  }
  pickle_free(p);
  return s ? s : sort_found(r);
}

static status read_file(torch_file *file, const uint8_t *data, size_t size_bytes, bool checksums,
                        error *err)
{
  if (!zip_file_detect(data, size_bytes)) {
    return size_bytes > 1 && data[0] == 0x80
               ? error_set(err, STATUS_UNSUPPORTED,
                           "%s: a PyTorch file from before version 1.6; load and save it once with "
                           "a newer PyTorch",
                           file->path)
               : error_set(err, STATUS_FORMAT, "%s: not a PyTorch file, or truncated", file->path);
  }
  zip_file zip;
  status s = zip_file_read(&zip, data, size_bytes, file->path, err);
  if (s) {
    return s;
  }
  reader r = {.file = file,
              .zip = &zip,
              .data = data,
              .size_bytes = size_bytes,
              .checksums = checksums,
              .checked = calloc(zip.n_entries ? zip.n_entries : 1, sizeof(bool)),
              .err = err};
  s = r.checked ? read_archive(&r) : no_memory(&r);
  free(r.checked);
  zip_file_close(&zip);
  return s;
}

status torch_file_read(torch_file *file, const void *data, size_t size_bytes, bool checksums,
                       const char *source, error *err)
{
  *file = (torch_file){.path = strdup(source)};
  if (!file->path) {
    return error_set(err, STATUS_NO_MEMORY, "%s: no memory to read it", source);
  }
  const status s = read_file(file, data, size_bytes, checksums, err);
  if (s) {
    torch_file_close(file);
  }
  return s;
}

status torch_file_open(torch_file *file, const char *path, error *err)
{
  *file = (torch_file){0};
  file_map map;
  status s = file_map_open(&map, path, err);
  if (s) {
    return s;
  }
  s = torch_file_read(file, map.data, map.size_bytes, true, path, err);
  if (s) {
    file_map_close(&map);
    return s;
  }
  file->map = map;
  return STATUS_OK;
}

void torch_file_close(torch_file *file)
{
  for (size_t i = 0; i < file->n_owned; ++i) {
    free(file->owned[i]);
  }
  free(file->owned);
  free(file->tensors);
  free(file->scalars);
  free(file->path);
  file_map_close(&file->map);
  *file = (torch_file){0};
}

const safetensors_tensor *torch_file_find(const torch_file *file, const char *name)
{
  const safetensors_tensor key = {.name = name};
  return file->n_tensors
             ? bsearch(&key, file->tensors, file->n_tensors, sizeof *file->tensors, compare_tensors)
             : NULL;
}

const torch_scalar *torch_file_find_scalar(const torch_file *file, const char *name)
{
  const torch_scalar key = {.name = name};
  return file->n_scalars
             ? bsearch(&key, file->scalars, file->n_scalars, sizeof *file->scalars, compare_scalars)
             : NULL;
}
