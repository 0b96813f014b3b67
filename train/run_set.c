// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "train/run_set.h"

#include "base/file.h"
#include "base/json_writer.h"

#include <stdio.h>
#include <string.h>

#define NOTE_NAME "set.json"

status run_set_store(const run_folder *f, const dataset *set, const char *folder, error *err)
{
  json_writer w;
  json_writer_init(&w, NULL);
  json_begin_object(&w, NULL);
  json_write_string(&w, "folder", folder);
  json_write_string(&w, "sha256", dataset_sha256(set));
  json_write_integer(&w, "rate_hz", dataset_rate_hz(set));
  json_write_integer(&w, "clips", (int64_t)dataset_n_clips(set));
  json_write_string(&w, "rule", dataset_rule(set));
  json_end_object(&w);
  status code = json_writer_finish(&w, err);
  code = code ? code : run_folder_write(f, NOTE_NAME, w.data, err);
  json_writer_free(&w);
  return code;
}

status run_set_read(const run_folder *f, char sha256_hex[SHA256_HEX_BYTES], error *err)
{
  char path[RUN_PATH_BYTES];
  file_map map;
  json *note = NULL;
  const char *found = "";
  run_folder_file(f, NOTE_NAME, path);
  status code = file_map_open(&map, path, err);
  if (code != STATUS_OK) {
    return code;
  }
  code = json_parse(&note, map.data, map.size_bytes, path, err);
  if (code == STATUS_OK) {
    code = json_need_string(note, "sha256", &found, err);
    if (code == STATUS_OK && strlen(found) != SHA256_HEX_BYTES - 1) {
      code = error_set(err, STATUS_FORMAT, "sha256: expected %d digits", SHA256_HEX_BYTES - 1);
    }
    if (code != STATUS_OK) {
      error_prefix(err, "%s", path);
    }
  }
  snprintf(sha256_hex, SHA256_HEX_BYTES, "%s", found);
  json_free(note);
  file_map_close(&map);
  return code;
}

status run_set_check(const run_folder *f, const dataset *set, error *err)
{
  char sha256_hex[SHA256_HEX_BYTES];
  const status code = run_set_read(f, sha256_hex, err);
  if (code == STATUS_NOT_FOUND) {
    return STATUS_OK;
  }
  if (code == STATUS_OK && strcmp(sha256_hex, dataset_sha256(set)) != 0) {
    return error_set(err, STATUS_USAGE,
                     "%s: was trained on another set, sha256 %.12s..., this one's is %.12s...; "
                     "--init-from starts a new run from an old one's weights",
                     f->path, sha256_hex, dataset_sha256(set));
  }
  return code;
}
