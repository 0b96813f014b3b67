// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "engine/preset_model.h"

#include "base/file.h"
#include "models/model_path.h"

#include <stdio.h>
#include <string.h>

/// What the player calls it.
static const char *title(const preset *p)
{
  return *p->name ? p->name : "this preset";
}

static void lose(const preset *p, const char *why, preset_model *found)
{
  found->state = PRESET_MODEL_LOST;
  found->path[0] = '\0';
  snprintf(found->sentence, sizeof found->sentence,
           "%.80s is for the model \"%.100s\", %.250s: monitor sounds, the preset stays as it is",
           title(p), p->model, why);
}

void preset_model_failed(const preset *p, const error *why, preset_model *found)
{
  char words[300];
  snprintf(words, sizeof words, "which cannot be opened (%.240s)", why->message);
  lose(p, words, found);
}

static status hash_file(const char *path, char hex[SHA256_HEX_BYTES], error *err)
{
  file_map map;
  const status code = file_map_open(&map, path, err);
  if (code) {
    return code;
  }
  sha256 h;
  sha256_init(&h);
  sha256_update(&h, map.data, map.size_bytes);
  sha256_final_hex(&h, hex);
  file_map_close(&map);
  return STATUS_OK;
}

void preset_resolve_model(const preset *p, preset_model *found)
{
  memset(found, 0, sizeof *found);
  if (!*p->model || strcmp(p->model, "oracle") == 0) {
    return;
  }
  error err = {0};
  file_map map;
  if (model_find(p->model, found->path, &err) || file_map_open(&map, found->path, &err)) {
    if (err.code == STATUS_NOT_FOUND) {
      lose(p, "which is not here", found);
    } else {
      preset_model_failed(p, &err, found);
    }
    return;
  }
  file_map_close(&map);
  found->state = PRESET_MODEL_FOUND;
  char hex[SHA256_HEX_BYTES];
  if (*p->model_sha256 && hash_file(found->path, hex, &err)) {
    preset_model_failed(p, &err, found);
  } else if (*p->model_sha256 && strcmp(hex, p->model_sha256) != 0) {
    found->state = PRESET_MODEL_OTHER;
    snprintf(found->sentence, sizeof found->sentence,
             "%.80s was made with another model called \"%.100s\" than the one that is here: it "
             "may sound different",
             title(p), p->model);
  }
}

bool preset_model_plays(const preset_model *found)
{
  return found->state != PRESET_MODEL_LOST;
}
