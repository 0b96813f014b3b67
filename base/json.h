// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// A strict JSON reader: text to a read-only tree in one block of memory. Source: RFC 8259.
/// Stricter than the RFC where it leaves a choice: UTF-8 is checked, a key stands once in an
/// object, a string holds no U+0000 (so every string is a C string), no byte order mark, and the
/// limits below. Writing is in json_writer.h. Any thread but the audio thread; a tree is const.
///
///   json *root;
///   int64_t rate_hz;
///   status s = json_parse(&root, text, size, path, err);
///   if (!s) s = json_need_integer(root, "rate_hz", 1, 768000, &rate_hz, err);
///   json_free(root);
#ifndef CONTINUO_BASE_JSON_H
#define CONTINUO_BASE_JSON_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JSON_MAX_DEPTH 64
#define JSON_MAX_BYTES ((size_t)16 << 20)
#define JSON_MAX_VALUES ((size_t)1 << 20)
#define JSON_MAX_NUMBER_BYTES 255

typedef enum json_type {
  JSON_NULL,
  JSON_BOOL,
  JSON_NUMBER,
  JSON_STRING,
  JSON_ARRAY,
  JSON_OBJECT,
} json_type;

/// One value; read it through the functions below.
typedef struct json json;

/// Parse `size_bytes` of `text` (no terminator needed). `*root` is null on failure. `source` names
/// the text in messages. Errors: STATUS_FORMAT (with the byte offset), STATUS_UNSUPPORTED (over a
/// limit), STATUS_NO_MEMORY.
status json_parse(json **root, const void *text, size_t size_bytes, const char *source, error *err);
void json_free(json *root); ///< the root only; null is fine

/// Every function below takes a null value, which is of no type and has no children.
json_type json_get_type(const json *value); ///< JSON_NULL for a null pointer
const char *json_type_name(json_type type); ///< "null", "bool", "number", ...
size_t json_count(const json *value);       ///< children of an array or object, else 0
const json *json_first(const json *value);  ///< first child in the text's order, or null
const json *json_next(const json *value);   ///< next sibling, or null
const char *json_key(const json *value);    ///< key of an object's member, else null

/// Member `key` of an object; null when there is none or `value` is no object. Linear in members.
const json *json_member(const json *value, const char *key);

/// Element `index` of an array, or null. Linear; go through a long array with first and next.
const json *json_element(const json *value, size_t index);

/// The value, if it has that type (and range); else false and `*out` is untouched.
bool json_get_string(const json *value, const char **out); ///< lives as long as the tree
bool json_get_bool(const json *value, bool *out);
bool json_get_number(const json *value, double *out);
/// A number that is integral and least <= it <= most. Exact in the whole int64 range when written
/// without fraction and exponent; written 1.0 or 1e3 it is the nearest double's value.
bool json_get_integer(const json *value, int64_t least, int64_t most, int64_t *out);

/// The same for a member that must be there: STATUS_FORMAT and a sentence naming key, expected and
/// found (the caller prefixes the file); `*out` is untouched on failure.
status json_need_string(const json *object, const char *key, const char **out, error *err);
status json_need_bool(const json *object, const char *key, bool *out, error *err);
status json_need_number(const json *object, const char *key, double *out, error *err);
status json_need_integer(const json *object, const char *key, int64_t least, int64_t most,
                         int64_t *out, error *err);

#endif
