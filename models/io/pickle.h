// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// A closed interpreter for the pickles that PyTorch writes: protocol 2, a fixed list of opcodes,
/// and a fixed list of names that may be "called", each of which only describes data. It can build
/// numbers, strings, tuples, lists, dicts, storages and tensor descriptions, and nothing else; any
/// other opcode or name is refused by name. Sources: the opcode comments of Python's pickletools
/// and the serialization notes of the PyTorch manual. Any thread but the audio thread.
#ifndef CONTINUO_MODELS_IO_PICKLE_H
#define CONTINUO_MODELS_IO_PICKLE_H

#include "base/element.h"
#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PICKLE_MAX_BYTES ((size_t)16 << 20)
#define PICKLE_MAX_VALUES ((size_t)1 << 20)

typedef enum pickle_kind {
  PICKLE_NONE,
  PICKLE_BOOL,
  PICKLE_INTEGER,
  PICKLE_NUMBER,
  PICKLE_STRING,
  PICKLE_TUPLE,
  PICKLE_LIST,
  PICKLE_DICT,
  PICKLE_GLOBAL,  ///< one of the allowed names, not called
  PICKLE_STORAGE, ///< a run of elements in an archive entry
  PICKLE_TENSOR,  ///< a view of a storage
  PICKLE_MARK,    ///< internal; never part of a result
} pickle_kind;

typedef struct pickle_value pickle_value;

/// Shared by reference, as in Python: a result may be a graph, even one with cycles.
struct pickle_value {
  pickle_kind kind;
  union {
    bool boolean;
    int64_t integer;
    double number;
    int global; ///< internal index
    struct {
      const char *bytes; ///< in the pickle, not terminated, any bytes
      size_t n_bytes;
    } string;
    struct {
      pickle_value **items; ///< of a dict: key, value, key, value, ...
      size_t n_items;
      size_t capacity;
    } list; ///< tuple, list, dict
    struct {
      const pickle_value *key; ///< a string: the entry's name under data/
      int64_t count;           ///< elements
      element_type type;
    } storage;
    struct {
      const pickle_value *storage; ///< PICKLE_STORAGE
      const pickle_value *dims;    ///< a tuple, unchecked
      const pickle_value *strides; ///< a tuple, unchecked
      int64_t offset;              ///< elements, unchecked
    } tensor;
  };
};

typedef struct pickle pickle;

/// Interpret `size_bytes` at `data`, which must outlive `*p`. `source` names it in messages.
/// Errors: STATUS_FORMAT, STATUS_UNSUPPORTED (an opcode, name or size outside the list),
/// STATUS_NO_MEMORY.
status pickle_read(pickle **p, const void *data, size_t size_bytes, const char *source, error *err);
void pickle_free(pickle *p); ///< null is fine

/// What the pickle stands for. Lives as long as `p`.
const pickle_value *pickle_root(const pickle *p);

#endif
