// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "train/checkpoint.h"

#include <stdlib.h>
#include <string.h>

#define DIGEST_KEY "sha256" // metadata

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

/// Of the text, and of the arrays with their names, types and sizes.
static status digest(const safetensors_tensor *tensors, size_t n_tensors, const char *config,
                     char hex[SHA256_HEX_BYTES], error *err)
{
  static const char *const all[] = {""};
  const status code = safetensors_hash(tensors, n_tensors, all, 1, hex, err);
  if (code == STATUS_OK) {
    sha256 h;
    sha256_init(&h);
    sha256_update(&h, config, strlen(config) + 1);
    sha256_update(&h, hex, strlen(hex));
    sha256_final_hex(&h, hex);
  }
  return code;
}

status checkpoint_save(const checkpoint *c, const char *path, const char *config, error *err)
{
  char hex[SHA256_HEX_BYTES];
  if (c->failed) {
    return error_set(err, STATUS_NO_MEMORY, "%s: no memory for a checkpoint", path);
  }
  const status code = digest(c->entries, c->n_entries, config, hex, err);
  if (code != STATUS_OK) {
    return error_prefix(err, "%s", path);
  }
  const safetensors_pair pairs[] = {{SAFETENSORS_CONFIG_KEY, config}, {DIGEST_KEY, hex}};
  return safetensors_save(path, c->entries, c->n_entries, pairs, 2, err);
}

static status read_version(const safetensors *file, int64_t *version, error *err)
{
  json *config = NULL;
  status code = safetensors_config(file, &config, err);
  if (code != STATUS_OK) {
    return code;
  }
  code = json_need_integer(config, "version", 1, INT64_MAX, version, err);
  json_free(config);
  return code ? error_prefix(err, "%s", file->path) : code;
}

status checkpoint_check(const safetensors *file, error *err)
{
  char hex[SHA256_HEX_BYTES];
  int64_t version = 0;
  status code = read_version(file, &version, err);
  if (code != STATUS_OK || version == 1) {
    return code;
  }
  if (version > CHECKPOINT_VERSION) {
    return error_set(err, STATUS_UNSUPPORTED,
                     "%s: a checkpoint of version %lld, at most %d is known here", file->path,
                     (long long)version, CHECKPOINT_VERSION);
  }
  const char *written = safetensors_metadata(file, DIGEST_KEY);
  code = digest(file->tensors, file->n_tensors, safetensors_metadata(file, SAFETENSORS_CONFIG_KEY),
                hex, err);
  if (code == STATUS_OK && (!written || strcmp(written, hex) != 0)) {
    code = error_set(err, STATUS_FORMAT, "%s: damaged: its SHA-256 is %.12s..., expected %.12s...",
                     file->path, hex, written ? written : "none");
  }
  return code;
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
