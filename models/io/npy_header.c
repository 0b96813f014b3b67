// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "models/io/npy_header.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static const uint8_t magic[6] = {0x93, 'N', 'U', 'M', 'P', 'Y'};

// NumPy's names without the byte order, in the order of element_type; bf16 has none.
static const char *const type_names[ELEMENT_TYPES] = {
    "f8", "i8", "u8", "f4", "i4", "u4", "f2", "", "i2", "u2", "i1", "u1", "b1",
};

status npy_preamble_read(const uint8_t *bytes, size_t n_bytes, const char *source,
                         size_t *text_offset, size_t *text_bytes, error *err)
{
  if (n_bytes < 10 || memcmp(bytes, magic, sizeof magic) != 0) {
    return error_set(err, STATUS_FORMAT, "%s: not a .npy file", source);
  }
  if (bytes[6] < 1 || bytes[6] > 3 || bytes[7] != 0) {
    return error_set(err, STATUS_UNSUPPORTED, "%s: .npy version %d.%d, 1.0 to 3.0 are read", source,
                     bytes[6], bytes[7]);
  }
  *text_offset = bytes[6] == 1 ? 10 : 12;
  if (n_bytes < *text_offset) {
    return error_set(err, STATUS_FORMAT, "%s: .npy header is truncated", source);
  }
  *text_bytes = bytes[8] | (size_t)bytes[9] << 8;
  if (bytes[6] > 1) {
    *text_bytes |= (size_t)bytes[10] << 16 | (size_t)bytes[11] << 24;
  }
  return *text_bytes <= NPY_MAX_HEADER_BYTES
             ? STATUS_OK
             : error_set(err, STATUS_UNSUPPORTED,
                         "%s: .npy header of %zu bytes, at most %d are read", source, *text_bytes,
                         NPY_MAX_HEADER_BYTES);
}

typedef struct parser {
  const char *at;
  const char *end;
  const char *source;
  error *err;
} parser;

static status bad(const parser *p, const char *what)
{
  return error_set(p->err, STATUS_FORMAT, "%s: .npy header: %s", p->source, what);
}

static void skip_space(parser *p)
{
  while (p->at < p->end && (*p->at == ' ' || *p->at == '\n')) {
    ++p->at;
  }
}

static bool take(parser *p, char c)
{
  skip_space(p);
  if (p->at < p->end && *p->at == c) {
    ++p->at;
    return true;
  }
  return false;
}

static bool take_word(parser *p, const char *word)
{
  const size_t n = strlen(word);
  skip_space(p);
  if ((size_t)(p->end - p->at) >= n && memcmp(p->at, word, n) == 0) {
    p->at += n;
    return true;
  }
  return false;
}

// A quoted string without escapes, shorter than `size`.
static bool take_string(parser *p, char *text, size_t size)
{
  const char quote = take(p, '\'') ? '\'' : take(p, '"') ? '"' : '\0';
  size_t n = 0;
  while (quote && p->at < p->end && *p->at != quote && n + 1 < size) {
    text[n++] = *p->at++;
  }
  text[n] = '\0';
  return quote && p->at < p->end && *p->at++ == quote;
}

static status read_type(parser *p, npy_shape *shape)
{
  char descr[16];
  if (!take_string(p, descr, sizeof descr)) {
    return bad(p, "descr is no plain type"); // a list: a record array
  }
  for (int i = 0; i < ELEMENT_TYPES; ++i) {
    const bool one_byte = element_bytes((element_type)i) == 1;
    const char *order = one_byte ? "|<=" : "<=";
    if (type_names[i][0] && descr[0] && strchr(order, descr[0]) &&
        strcmp(descr + 1, type_names[i]) == 0) {
      shape->type = (element_type)i;
      return STATUS_OK;
    }
  }
  return error_set(p->err, STATUS_UNSUPPORTED, "%s: .npy elements of type \"%s\" are not read",
                   p->source, descr);
}

static bool take_number(parser *p, int64_t *value)
{
  skip_space(p);
  const char *start = p->at;
  *value = 0;
  while (p->at < p->end && *p->at >= '0' && *p->at <= '9') {
    if (__builtin_mul_overflow(*value, 10, value) ||
        __builtin_add_overflow(*value, *p->at - '0', value)) {
      return false;
    }
    ++p->at;
  }
  return p->at > start;
}

// A tuple: (), (3,), (3, 4)
static status read_dims(parser *p, npy_shape *shape)
{
  shape->rank = 0;
  if (!take(p, '(')) {
    return bad(p, "shape is no tuple");
  }
  while (!take(p, ')')) {
    if (shape->rank == ELEMENT_MAX_RANK) {
      return error_set(p->err, STATUS_UNSUPPORTED, "%s: .npy shape: more than %d dimensions",
                       p->source, ELEMENT_MAX_RANK);
    }
    if (!take_number(p, &shape->dims[shape->rank])) {
      return bad(p, "a dimension is no whole number from 0");
    }
    ++shape->rank;
    if (!take(p, ',')) {
      return take(p, ')') && shape->rank > 1 ? STATUS_OK : bad(p, "shape is no tuple");
    }
  }
  return STATUS_OK;
}

enum { HAS_TYPE = 1, HAS_ORDER = 2, HAS_SHAPE = 4, HAS_ALL = 7 };

static status read_item(parser *p, npy_shape *shape, bool *fortran, int *has)
{
  char key[24];
  if (!take_string(p, key, sizeof key) || !take(p, ':')) {
    return bad(p, "expected a key");
  }
  const int which = strcmp(key, "descr") == 0           ? HAS_TYPE
                    : strcmp(key, "fortran_order") == 0 ? HAS_ORDER
                    : strcmp(key, "shape") == 0         ? HAS_SHAPE
                                                        : 0;
  if (which == 0 || (*has & which)) {
    return bad(p, "a key that is unknown or stands twice");
  }
  *has |= which;
  if (which == HAS_ORDER) {
    *fortran = take_word(p, "True");
    return *fortran || take_word(p, "False") ? STATUS_OK : bad(p, "fortran_order is no bool");
  }
  return which == HAS_TYPE ? read_type(p, shape) : read_dims(p, shape);
}

status npy_header_read(npy_shape *shape, const char *text, size_t text_bytes, const char *source,
                       error *err)
{
  parser p = {text, text + text_bytes, source, err};
  bool fortran = false;
  int has = 0;
  *shape = (npy_shape){.type = ELEMENT_F32};
  if (!take(&p, '{')) {
    return bad(&p, "no dict");
  }
  while (!take(&p, '}')) {
    const status s = read_item(&p, shape, &fortran, &has);
    if (s) {
      return s;
    }
    if (!take(&p, ',')) {
      if (!take(&p, '}')) {
        return bad(&p, "expected ',' or '}'");
      }
      break;
    }
  }
  skip_space(&p);
  if (has != HAS_ALL || p.at != p.end) {
    return bad(&p, "not descr, fortran_order and shape alone");
  }
  if (fortran && shape->rank > 1) {
    return error_set(err, STATUS_UNSUPPORTED, "%s: .npy in Fortran order", source);
  }
  return element_size(shape->type, shape->rank, shape->dims, &shape->size_bytes)
             ? STATUS_OK
             : bad(&p, "its size overflows");
}

status npy_header_write(uint8_t bytes[NPY_WRITTEN_BYTES], const npy_shape *shape, const char *path,
                        error *err)
{
  const char *name = type_names[shape->type];
  if (!name[0]) {
    return error_set(err, STATUS_USAGE, "%s: .npy has no type for %s", path,
                     element_name(shape->type));
  }
  char *text = (char *)bytes + 10;
  const size_t text_bytes = NPY_WRITTEN_BYTES - 10;
  size_t n =
      (size_t)snprintf(text, text_bytes, "{'descr': '%c%s', 'fortran_order': False, 'shape': (",
                       element_bytes(shape->type) == 1 ? '|' : '<', name);
  for (int i = 0; i < shape->rank; ++i) { // 8 x 21 characters fit
    n += (size_t)snprintf(text + n, text_bytes - n, "%s%" PRId64 "%s", i ? " " : "", shape->dims[i],
                          i + 1 < shape->rank || shape->rank == 1 ? "," : "");
  }
  n += (size_t)snprintf(text + n, text_bytes - n, "), }");
  memset(text + n, ' ', text_bytes - n);
  text[text_bytes - 1] = '\n';
  memcpy(bytes, magic, sizeof magic);
  bytes[6] = 1;
  bytes[7] = 0;
  bytes[8] = (uint8_t)(text_bytes & 0xff);
  bytes[9] = (uint8_t)(text_bytes >> 8);
  return STATUS_OK;
}
