// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "models/io/pickle.h"

#include <stdlib.h>
#include <string.h>

#define POOL_VALUES 256

typedef struct pool {
  struct pool *next;
  size_t n_used;
  pickle_value values[POOL_VALUES];
} pool;

struct pickle {
  pool *pools; // every value ever made, newest pool first
  size_t n_values;
  pickle_value *stack; // a list, so that it grows as lists do
  pickle_value *memo;  // a list; holes are null
  const pickle_value *root;
  const uint8_t *at; // next opcode
  const uint8_t *end;
  const uint8_t *begin;
  const char *source;
  error *err;
};

/// What a name stands for when it is called (REDUCE) or used as a storage's type.
typedef enum meaning {
  MEANS_DICT,      // collections.OrderedDict()
  MEANS_TENSOR,    // (storage, offset, dims, strides, ...)
  MEANS_PARAMETER, // (tensor, ...)
  MEANS_SIZE,      // (tuple)
  MEANS_STORAGE,   // element type of a storage
} meaning;

static const struct {
  const char *module;
  const char *name;
  meaning means;
  element_type type;
} globals[] = {
    {"collections", "OrderedDict", MEANS_DICT, ELEMENT_F32},
    {"torch._utils", "_rebuild_tensor_v2", MEANS_TENSOR, ELEMENT_F32},
    {"torch._utils", "_rebuild_parameter", MEANS_PARAMETER, ELEMENT_F32},
    {"torch", "Size", MEANS_SIZE, ELEMENT_F32},
    {"torch", "DoubleStorage", MEANS_STORAGE, ELEMENT_F64},
    {"torch", "FloatStorage", MEANS_STORAGE, ELEMENT_F32},
    {"torch", "HalfStorage", MEANS_STORAGE, ELEMENT_F16},
    {"torch", "BFloat16Storage", MEANS_STORAGE, ELEMENT_BF16},
    {"torch", "LongStorage", MEANS_STORAGE, ELEMENT_I64},
    {"torch", "IntStorage", MEANS_STORAGE, ELEMENT_I32},
    {"torch", "ShortStorage", MEANS_STORAGE, ELEMENT_I16},
    {"torch", "CharStorage", MEANS_STORAGE, ELEMENT_I8},
    {"torch", "ByteStorage", MEANS_STORAGE, ELEMENT_U8},
    {"torch", "BoolStorage", MEANS_STORAGE, ELEMENT_BOOL},
};

static status bad(const pickle *p, const char *what)
{
  return error_set(p->err, STATUS_FORMAT, "%s: pickle: %s at byte %zu", p->source, what,
                   (size_t)(p->at - p->begin));
}

static status no_memory(const pickle *p)
{
  return error_set(p->err, STATUS_NO_MEMORY, "%s: no memory for its pickle", p->source);
}

static status new_value(pickle *p, pickle_kind kind, pickle_value **out)
{
  if (p->n_values >= PICKLE_MAX_VALUES) {
    return error_set(p->err, STATUS_UNSUPPORTED, "%s: pickle: more than %zu values", p->source,
                     PICKLE_MAX_VALUES);
  }
  if (!p->pools || p->pools->n_used == POOL_VALUES) {
    pool *fresh = calloc(1, sizeof *fresh);
    if (!fresh) {
      return no_memory(p);
    }
    fresh->next = p->pools;
    p->pools = fresh;
  }
  *out = &p->pools->values[p->pools->n_used++];
  (*out)->kind = kind;
  ++p->n_values;
  return STATUS_OK;
}

static status append(pickle *p, pickle_value *list, pickle_value *item)
{
  if (list->list.n_items == list->list.capacity) {
    const size_t capacity = list->list.capacity ? list->list.capacity * 2 : 4;
    pickle_value **items = realloc(list->list.items, capacity * sizeof *items);
    if (!items) {
      return no_memory(p);
    }
    list->list.items = items;
    list->list.capacity = capacity;
  }
  list->list.items[list->list.n_items++] = item;
  return STATUS_OK;
}

static status push(pickle *p, pickle_value *value)
{
  return append(p, p->stack, value);
}

static status push_new(pickle *p, pickle_kind kind, pickle_value **out)
{
  const status s = new_value(p, kind, out);
  return s ? s : push(p, *out);
}

// The top of the stack, which no mark may be; null when there is none.
static pickle_value *pop(pickle *p)
{
  const size_t n = p->stack->list.n_items;
  if (n == 0 || p->stack->list.items[n - 1]->kind == PICKLE_MARK) {
    return NULL;
  }
  return p->stack->list.items[--p->stack->list.n_items];
}

static pickle_value *top(const pickle *p)
{
  const size_t n = p->stack->list.n_items;
  return n ? p->stack->list.items[n - 1] : NULL;
}

// Take everything above the last mark off the stack, and the mark; `*items` stays valid until the
// next push.
static bool pop_to_mark(pickle *p, pickle_value ***items, size_t *n_items)
{
  size_t i = p->stack->list.n_items;
  const size_t end = i;
  while (i > 0 && p->stack->list.items[i - 1]->kind != PICKLE_MARK) {
    --i;
  }
  if (i == 0) {
    return false;
  }
  *items = p->stack->list.items + i;
  *n_items = end - i;
  p->stack->list.n_items = i - 1;
  return true;
}

// `n` bytes of argument, or null at the end of the data.
static const uint8_t *take(pickle *p, uint64_t n)
{
  if (n > (uint64_t)(p->end - p->at)) {
    return NULL;
  }
  const uint8_t *start = p->at;
  p->at += n;
  return start;
}

// A little-endian argument of `n` bytes (1 to 8), unsigned.
static bool take_unsigned(pickle *p, int n, uint64_t *out)
{
  const uint8_t *at = take(p, (uint64_t)n);
  *out = 0;
  for (int i = n; at && i > 0; --i) {
    *out = *out << 8 | at[i - 1];
  }
  return at != NULL;
}

static status op_integer(pickle *p, int n_bytes)
{
  uint64_t bits = 0;
  if (!take_unsigned(p, n_bytes, &bits)) {
    return bad(p, "ends inside a number");
  }
  pickle_value *value = NULL;
  const status s = push_new(p, PICKLE_INTEGER, &value);
  if (!s) {
    value->integer =
        n_bytes == 4 ? (int32_t)(uint32_t)bits : (int64_t)bits; // only BININT is signed
  }
  return s;
}

static status op_long(pickle *p)
{
  uint64_t n = 0;
  uint64_t bits = 0;
  if (!take_unsigned(p, 1, &n)) {
    return bad(p, "ends inside a number");
  }
  if (n > 8) {
    return bad(p, "an integer over 64 bits");
  }
  if (!take_unsigned(p, (int)n, &bits)) {
    return bad(p, "ends inside a number");
  }
  pickle_value *value = NULL;
  const status s = push_new(p, PICKLE_INTEGER, &value);
  if (!s) {
    if (n > 0 && n < 8 && bits >> (8 * n - 1)) { // two's complement of n bytes
      bits |= UINT64_MAX << (8 * n);
    }
    memcpy(&value->integer, &bits, sizeof bits);
  }
  return s;
}

static status op_number(pickle *p)
{
  const uint8_t *at = take(p, 8);
  if (!at) {
    return bad(p, "ends inside a number");
  }
  uint64_t bits = 0;
  for (int i = 0; i < 8; ++i) { // big-endian
    bits = bits << 8 | at[i];
  }
  pickle_value *value = NULL;
  const status s = push_new(p, PICKLE_NUMBER, &value);
  if (!s) {
    memcpy(&value->number, &bits, sizeof bits);
  }
  return s;
}

static status op_string(pickle *p, int length_bytes)
{
  uint64_t n = 0;
  const uint8_t *bytes = take_unsigned(p, length_bytes, &n) ? take(p, n) : NULL;
  if (!bytes) {
    return bad(p, "ends inside a string");
  }
  pickle_value *value = NULL;
  const status s = push_new(p, PICKLE_STRING, &value);
  if (!s) {
    value->string.bytes = (const char *)bytes;
    value->string.n_bytes = (size_t)n;
  }
  return s;
}

static status op_bool(pickle *p, bool boolean)
{
  pickle_value *value = NULL;
  const status s = push_new(p, PICKLE_BOOL, &value);
  if (!s) {
    value->boolean = boolean;
  }
  return s;
}

static status make_tuple(pickle *p, pickle_value *const *items, size_t n_items, pickle_value **out)
{
  status s = new_value(p, PICKLE_TUPLE, out);
  for (size_t i = 0; !s && i < n_items; ++i) {
    s = append(p, *out, items[i]);
  }
  return s;
}

static status op_tuple_to_mark(pickle *p)
{
  pickle_value **items = NULL;
  size_t n_items = 0;
  pickle_value *tuple = NULL;
  if (!pop_to_mark(p, &items, &n_items)) {
    return bad(p, "no mark");
  }
  const status s = make_tuple(p, items, n_items, &tuple);
  return s ? s : push(p, tuple);
}

static status op_short_tuple(pickle *p, int n)
{
  pickle_value *items[3] = {0};
  for (int i = n; i > 0; --i) {
    items[i - 1] = pop(p);
    if (!items[i - 1]) {
      return bad(p, "empty stack");
    }
  }
  pickle_value *tuple = NULL;
  const status s = make_tuple(p, items, (size_t)n, &tuple);
  return s ? s : push(p, tuple);
}

static status extend(pickle *p, pickle_kind kind, pickle_value *const *items, size_t n_items)
{
  pickle_value *list = top(p);
  if (!list || list->kind != kind || (kind == PICKLE_DICT && n_items % 2 != 0)) {
    return bad(p, "items for something that takes none");
  }
  status s = STATUS_OK;
  for (size_t i = 0; !s && i < n_items; ++i) {
    s = append(p, list, items[i]);
  }
  return s;
}

// APPEND and SETITEM have their items on the stack, APPENDS and SETITEMS above a mark.
static status op_extend_one(pickle *p, pickle_kind kind)
{
  pickle_value *last = pop(p);
  pickle_value *first = kind == PICKLE_DICT && last ? pop(p) : last;
  if (!first) {
    return bad(p, "empty stack");
  }
  pickle_value *items[2] = {first, last};
  return extend(p, kind, items, kind == PICKLE_DICT ? 2 : 1);
}

static status op_extend_to_mark(pickle *p, pickle_kind kind)
{
  pickle_value **items = NULL;
  size_t n_items = 0;
  if (!pop_to_mark(p, &items, &n_items)) {
    return bad(p, "no mark");
  }
  return extend(p, kind, items, n_items);
}

static status op_put(pickle *p, int index_bytes)
{
  uint64_t index = 0;
  pickle_value *value = top(p);
  if (!take_unsigned(p, index_bytes, &index) || !value || value->kind == PICKLE_MARK) {
    return bad(p, "nothing to remember");
  }
  if (index >= PICKLE_MAX_VALUES) {
    return error_set(p->err, STATUS_UNSUPPORTED, "%s: pickle: memo index %llu", p->source,
                     (unsigned long long)index);
  }
  while (p->memo->list.n_items <= index) {
    const status s = append(p, p->memo, NULL);
    if (s) {
      return s;
    }
  }
  p->memo->list.items[index] = value;
  return STATUS_OK;
}

static status op_get(pickle *p, int index_bytes)
{
  uint64_t index = 0;
  if (!take_unsigned(p, index_bytes, &index) || index >= p->memo->list.n_items ||
      !p->memo->list.items[index]) {
    return bad(p, "an unknown memo index");
  }
  return push(p, p->memo->list.items[index]);
}

// A line without its newline; null when there is none.
static const char *take_line(pickle *p, size_t *n_bytes)
{
  const uint8_t *start = p->at;
  const uint8_t *newline = p->at < p->end ? memchr(p->at, '\n', (size_t)(p->end - p->at)) : NULL;
  if (!newline) {
    return NULL;
  }
  *n_bytes = (size_t)(newline - start);
  p->at = newline + 1;
  return (const char *)start;
}

static bool line_is(const char *line, size_t n_bytes, const char *text)
{
  return n_bytes == strlen(text) && memcmp(line, text, n_bytes) == 0;
}

// At most 100 bytes of a foreign name, what is no printable ASCII shown as '?'.
static const char *printable(const char *bytes, size_t n_bytes, char text[101])
{
  size_t n = n_bytes < 100 ? n_bytes : 100;
  for (size_t i = 0; i < n; ++i) {
    text[i] = bytes[i] > ' ' && bytes[i] < 0x7f ? bytes[i] : '?';
  }
  text[n] = '\0';
  return text;
}

static status op_global(pickle *p)
{
  size_t module_bytes = 0;
  size_t name_bytes = 0;
  const char *module = take_line(p, &module_bytes);
  const char *name = module ? take_line(p, &name_bytes) : NULL;
  if (!name) {
    return bad(p, "ends inside a name");
  }
  for (size_t i = 0; i < sizeof globals / sizeof *globals; ++i) {
    if (line_is(module, module_bytes, globals[i].module) &&
        line_is(name, name_bytes, globals[i].name)) {
      pickle_value *value = NULL;
      const status s = push_new(p, PICKLE_GLOBAL, &value);
      if (!s) {
        value->global = (int)i;
      }
      return s;
    }
  }
  char module_text[101];
  char name_text[101];
  return error_set(p->err, STATUS_UNSUPPORTED,
                   "%s: pickle: it asks for %s.%s, which is not on the list of what is built",
                   p->source, printable(module, module_bytes, module_text),
                   printable(name, name_bytes, name_text));
}

static const pickle_value *item_of(const pickle_value *tuple, size_t index, pickle_kind kind)
{
  const pickle_value *item = index < tuple->list.n_items ? tuple->list.items[index] : NULL;
  return item && item->kind == kind ? item : NULL;
}

// The persistent id of a storage: ("storage", type, key, device, element count).
static status op_storage(pickle *p)
{
  const pickle_value *id = pop(p);
  if (!id || id->kind != PICKLE_TUPLE) {
    return bad(p, "bad persistent id");
  }
  const pickle_value *tag = item_of(id, 0, PICKLE_STRING);
  const pickle_value *type = item_of(id, 1, PICKLE_GLOBAL);
  const pickle_value *key = item_of(id, 2, PICKLE_STRING);
  const pickle_value *count = item_of(id, 4, PICKLE_INTEGER);
  if (!tag || !line_is(tag->string.bytes, tag->string.n_bytes, "storage") || !type || !key ||
      !count || globals[type->global].means != MEANS_STORAGE) {
    return bad(p, "bad persistent id");
  }
  pickle_value *value = NULL;
  const status s = push_new(p, PICKLE_STORAGE, &value);
  if (!s) {
    value->storage.type = globals[type->global].type;
    value->storage.key = key;
    value->storage.count = count->integer;
  }
  return s;
}

static status push_tensor(pickle *p, const pickle_value *args)
{
  const pickle_value *storage = item_of(args, 0, PICKLE_STORAGE);
  const pickle_value *offset = item_of(args, 1, PICKLE_INTEGER);
  const pickle_value *dims = item_of(args, 2, PICKLE_TUPLE);
  const pickle_value *strides = item_of(args, 3, PICKLE_TUPLE);
  if (!storage || !offset || !dims || !strides) {
    return bad(p, "bad description of a tensor");
  }
  pickle_value *value = NULL;
  const status s = push_new(p, PICKLE_TENSOR, &value);
  if (!s) {
    value->tensor.storage = storage;
    value->tensor.offset = offset->integer;
    value->tensor.dims = dims;
    value->tensor.strides = strides;
  }
  return s;
}

static status op_reduce(pickle *p)
{
  const pickle_value *args = pop(p);
  const pickle_value *callee = args ? pop(p) : NULL;
  if (!callee || callee->kind != PICKLE_GLOBAL || args->kind != PICKLE_TUPLE) {
    return bad(p, "a call of something that is no function");
  }
  pickle_value *first = args->list.n_items > 0 ? args->list.items[0] : NULL;
  pickle_value *made = NULL;
  switch (globals[callee->global].means) {
  case MEANS_DICT:
    return first ? bad(p, "OrderedDict with arguments") : push_new(p, PICKLE_DICT, &made);
  case MEANS_TENSOR:
    return push_tensor(p, args);
  case MEANS_PARAMETER:
    return first && first->kind == PICKLE_TENSOR ? push(p, first) : bad(p, "bad parameter");
  case MEANS_SIZE:
    return first && first->kind == PICKLE_TUPLE ? push(p, first) : bad(p, "bad size");
  case MEANS_STORAGE:
    break;
  }
  return bad(p, "a call of something that is no function");
}

// Attributes of a dict (a state dict's _metadata) are read past; nothing else takes attributes.
static status op_build(pickle *p)
{
  const pickle_value *attributes = pop(p);
  const pickle_value *object = top(p);
  return attributes && attributes->kind == PICKLE_DICT && object && object->kind == PICKLE_DICT
             ? STATUS_OK
             : bad(p, "attributes for something that takes none");
}

static status op_stop(pickle *p)
{
  p->root = pop(p);
  return p->root && p->stack->list.n_items == 0 ? STATUS_OK : bad(p, "not one value at the end");
}

static status op_protocol(pickle *p)
{
  uint64_t protocol = 0;
  if (!take_unsigned(p, 1, &protocol)) {
    return bad(p, "ends too early");
  }
  return protocol == 2
             ? STATUS_OK
             : error_set(p->err, STATUS_UNSUPPORTED, "%s: pickle: protocol %d, PyTorch writes 2",
                         p->source, (int)protocol);
}

static status run_opcode(pickle *p, uint8_t opcode)
{
  pickle_value *made = NULL;
  switch (opcode) {
  case 0x80:
    return op_protocol(p);
  case '(':
    return push_new(p, PICKLE_MARK, &made);
  case 'N':
    return push_new(p, PICKLE_NONE, &made);
  case 0x88:
    return op_bool(p, true);
  case 0x89:
    return op_bool(p, false);
  case 'K':
    return op_integer(p, 1);
  case 'M':
    return op_integer(p, 2);
  case 'J':
    return op_integer(p, 4);
  case 0x8a:
    return op_long(p);
  case 'G':
    return op_number(p);
  case 'U':
    return op_string(p, 1);
  case 'T':
  case 'X':
    return op_string(p, 4);
  case ')':
    return push_new(p, PICKLE_TUPLE, &made);
  case 't':
    return op_tuple_to_mark(p);
  case 0x85:
    return op_short_tuple(p, 1);
  case 0x86:
    return op_short_tuple(p, 2);
  case 0x87:
    return op_short_tuple(p, 3);
  case ']':
    return push_new(p, PICKLE_LIST, &made);
  case 'a':
    return op_extend_one(p, PICKLE_LIST);
  case 'e':
    return op_extend_to_mark(p, PICKLE_LIST);
  case '}':
    return push_new(p, PICKLE_DICT, &made);
  case 's':
    return op_extend_one(p, PICKLE_DICT);
  case 'u':
    return op_extend_to_mark(p, PICKLE_DICT);
  case 'q':
    return op_put(p, 1);
  case 'r':
    return op_put(p, 4);
  case 'h':
    return op_get(p, 1);
  case 'j':
    return op_get(p, 4);
  case 'c':
    return op_global(p);
  case 'Q':
    return op_storage(p);
  case 'R':
    return op_reduce(p);
  case 'b':
    return op_build(p);
  default:
    break;
  }
  return error_set(p->err, STATUS_UNSUPPORTED,
                   "%s: pickle: opcode 0x%02x at byte %zu is not one that PyTorch writes",
                   p->source, opcode, (size_t)(p->at - p->begin - 1));
}

static status run(pickle *p)
{
  status s = new_value(p, PICKLE_LIST, &p->stack);
  if (!s) {
    s = new_value(p, PICKLE_LIST, &p->memo);
  }
  while (!s) {
    if (p->at == p->end) {
      return bad(p, "ends without its last opcode");
    }
    const uint8_t opcode = *p->at++;
    if (opcode == '.') {
      return op_stop(p);
    }
    s = run_opcode(p, opcode);
  }
  return s;
}

status pickle_read(pickle **p, const void *data, size_t size_bytes, const char *source, error *err)
{
  *p = NULL;
  if (size_bytes > PICKLE_MAX_BYTES) {
    return error_set(err, STATUS_UNSUPPORTED, "%s: pickle of %zu bytes, at most %zu are read",
                     source, size_bytes, PICKLE_MAX_BYTES);
  }
  pickle *made = calloc(1, sizeof *made);
  if (!made) {
    return error_set(err, STATUS_NO_MEMORY, "%s: no memory for its pickle", source);
  }
  made->at = made->begin = data;
  made->end = made->begin + size_bytes;
  made->source = source;
  made->err = err;
  const status s = run(made);
  made->source = NULL; // both were only lent for the call
  made->err = NULL;
  if (s) {
    pickle_free(made);
    return s;
  }
  *p = made;
  return STATUS_OK;
}

static bool has_items(const pickle_value *value)
{
  return value->kind == PICKLE_TUPLE || value->kind == PICKLE_LIST || value->kind == PICKLE_DICT;
}

void pickle_free(pickle *p)
{
  pool *next = NULL;
  for (pool *block = p ? p->pools : NULL; block; block = next) {
    next = block->next;
    for (size_t i = 0; i < block->n_used; ++i) {
      if (has_items(&block->values[i])) {
        free(block->values[i].list.items);
      }
    }
    free(block);
  }
  free(p);
}

const pickle_value *pickle_root(const pickle *p)
{
  return p->root;
}
