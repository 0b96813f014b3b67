// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "train/critics_file.h"

#include "train/checkpoint.h"

#include <stdio.h>
#include <string.h>

#define PREFIX "discriminator.values."

status critics_file_extract(const char *path_from, const char *path, error *err)
{
  safetensors file = {0};
  checkpoint list = {0};
  status code = safetensors_open(&file, path_from, err);
  if (code != STATUS_OK) {
    return code;
  }
  for (size_t i = 0; i < file.n_tensors; ++i) {
    const safetensors_tensor *t = &file.tensors[i];
    if (strncmp(t->name, PREFIX, strlen(PREFIX)) == 0) {
      checkpoint_add(&list, t->name, t->type, (void *)(uintptr_t)t->data,
                     (int64_t)(t->size_bytes / element_bytes(t->type)));
    }
  }
  if (list.n_entries == 0 && !list.failed) {
    code = error_set(err, STATUS_NOT_FOUND, "%s: holds no discriminators", path_from);
  }
  code = code ? code
              : checkpoint_save(&list, path, "{\"kind\": \"discriminators\", \"version\": 2}", err);
  checkpoint_free(&list);
  safetensors_close(&file);
  return code;
}

status critics_file_load(optimiser *critics, const char *path, error *err)
{
  safetensors file = {0};
  checkpoint list = {0};
  status code = safetensors_open(&file, path, err);
  if (code != STATUS_OK) {
    return code;
  }
  for (int i = 0; i < critics->n_parameters; ++i) {
    char name[2 * WEIGHT_NAME_BYTES];
    snprintf(name, sizeof name, PREFIX "%s", critics->parameters[i].name);
    checkpoint_add(&list, name, ELEMENT_F32, critics->parameters[i].values,
                   critics->parameters[i].count);
  }
  code = checkpoint_check(&file, err);
  code = code ? code : checkpoint_load(&list, &file, err);
  for (int i = 0; i < critics->n_parameters && code == STATUS_OK; ++i) {
    ++critics->parameters[i].owner->version;
  }
  checkpoint_free(&list);
  safetensors_close(&file);
  return code;
}
