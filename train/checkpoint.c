// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "train/checkpoint.h"

#include <stdlib.h>
#include <string.h>

static bool make_room(checkpoint *c)
{
  if (c->n_entries < c->capacity) {
    return true;
  }
  const size_t capacity = c->capacity ? 2 * c->capacity : 256;
  safetensors_tensor *entries = realloc(c->entries, capacity * sizeof *entries);
  if (entries) {
    c->entries = entries;
    c->capacity = capacity;
  }
  return entries != NULL;
}

void checkpoint_add(checkpoint *c, const char *name, element_type type, void *data, int64_t count)
{
  char *copy = strdup(name);
  if (!copy || !make_room(c)) {
    free(copy);
    c->failed = true;
    return;
  }
  c->entries[c->n_entries++] = (safetensors_tensor){
      .name = copy,
      .type = type,
      .rank = 1,
      .dims = {count},
      .data = data,
      .size_bytes = (size_t)count * element_bytes(type),
  };
}

void checkpoint_free(checkpoint *c)
{
  for (size_t i = 0; i < c->n_entries; ++i) {
    free((void *)(uintptr_t)c->entries[i].name);
  }
  free(c->entries);
  *c = (checkpoint){0};
}

status checkpoint_save(const checkpoint *c, const char *path, const char *config, error *err)
{
  if (c->failed) {
    return error_set(err, STATUS_NO_MEMORY, "%s: no memory for a checkpoint", path);
  }
  const safetensors_pair pairs[] = {{SAFETENSORS_CONFIG_KEY, config}};
  return safetensors_save(path, c->entries, c->n_entries, pairs, 1, err);
}

static status check_entry(const safetensors *file, const safetensors_tensor *entry,
                          const safetensors_tensor **found, error *err)
{
  const status code = safetensors_expect(file, entry->name, entry->rank, entry->dims, found, err);
  if (code == STATUS_OK && (*found)->type != entry->type) {
    return error_set(err, STATUS_FORMAT, "%s: %s: expected %s, found %s", file->path, entry->name,
                     element_name(entry->type), element_name((*found)->type));
  }
  return code;
}

status checkpoint_load(const checkpoint *c, const safetensors *file, error *err)
{
  if (c->failed) {
    return error_set(err, STATUS_NO_MEMORY, "%s: no memory for a checkpoint", file->path);
  }
  for (size_t i = 0; i < c->n_entries; ++i) {
    const safetensors_tensor *found = NULL;
    const status code = check_entry(file, &c->entries[i], &found, err);
    if (code != STATUS_OK) {
      return code;
    }
  }
  for (size_t i = 0; i < c->n_entries; ++i) {
    const safetensors_tensor *found = safetensors_find(file, c->entries[i].name);
    memcpy((void *)(uintptr_t)c->entries[i].data, found->data, found->size_bytes);
  }
  return STATUS_OK;
}
