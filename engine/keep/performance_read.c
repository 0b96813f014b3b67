// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "base/file.h"
#include "base/json.h"
#include "base/safetensors.h"
#include "engine/control/control.h"
#include "engine/control/parameters.h"
#include "engine/keep/performance.h"
#include "engine/keep/performance_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_ENTRIES (1u << 24)

// --- performance.json ---

static status take_text(const json *o, const char *key, char *to, size_t size, error *err)
{
  const char *text = NULL;
  const status st = json_need_string(o, key, &text, err);
  if (st == STATUS_OK && strlen(text) >= size) {
    return error_set(err, STATUS_FORMAT, "%s is too long", key);
  }
  if (st == STATUS_OK) {
    snprintf(to, size, "%s", text);
  }
  return st;
}

static status take_number(const json *o, const char *key, int64_t least, int64_t most, uint32_t *to,
                          error *err)
{
  int64_t value = 0;
  const status st = json_need_integer(o, key, least, most, &value, err);
  *to = (uint32_t)value;
  return st;
}

static status read_names(const json *o, performance_head *h, error *err)
{
  status st = take_text(o, "codec", h->codec, sizeof h->codec, err);
  st = st ? st : take_text(o, "codec_path", h->codec_path, sizeof h->codec_path, err);
  st = st ? st : take_text(o, "codec_sha256", h->codec_sha256, sizeof h->codec_sha256, err);
  st = st ? st : take_text(o, "model", h->model, sizeof h->model, err);
  st = st ? st : take_text(o, "kernels", h->kernels, sizeof h->kernels, err);
  st = st ? st : take_text(o, "storage", h->storage, sizeof h->storage, err);
  return st ? st : take_text(o, "corpus", h->corpus, sizeof h->corpus, err);
}

static status read_numbers(const json *o, performance_head *h, error *err)
{
  int64_t begin = 0;
  int64_t end = 0;
  int64_t input_begin = 0;
  int64_t fallback = 0;
  status st = take_number(o, "n_codebooks", 1, 1024, &h->n_codebooks, err);
  st = st ? st : take_number(o, "codebook_size", 0, 65536, &h->codebook_size, err);
  st = st ? st : take_number(o, "n_channels", 1, 8, &h->n_channels, err);
  st = st ? st : take_number(o, "codec_rate_hz", 1, 384000, &h->codec_rate_hz, err);
  st = st ? st : take_number(o, "hop_samples", 1, 1 << 20, &h->hop_samples, err);
  st = st ? st : take_number(o, "host_rate_hz", 1, 384000, &h->host_rate_hz, err);
  st = st ? st : take_number(o, "block_samples", 1, 8192, &h->block_samples, err);
  st = st ? st : take_number(o, "slack_samples", 0, 1 << 24, &h->slack_samples, err);
  st = st ? st : take_number(o, "end_rate_hz", 1, 384000, &h->end_rate_hz, err);
  st = st ? st : json_need_number(o, "fade_ms", &h->fade_ms, err);
  st = st ? st : json_need_integer(o, "fallback", 0, 2, &fallback, err);
  st = st ? st : json_need_bool(o, "output_stage", &h->output_stage, err);
  st = st ? st : json_need_integer(o, "begin_samples", 0, INT64_MAX / 2, &begin, err);
  st = st ? st : json_need_integer(o, "end_samples", begin, INT64_MAX / 2, &end, err);
  st = st ? st : json_need_integer(o, "input_begin_samples", 0, begin, &input_begin, err);
  h->fallback = (int)fallback;
  h->input_begin_samples = (uint64_t)input_begin;
  h->begin_samples = (uint64_t)begin;
  h->end_samples = (uint64_t)end;
  return st;
}

static status read_head(performance_head *h, const performance_files *files, error *err)
{
  json *root = NULL;
  int64_t format = 0;
  error inner = {STATUS_OK, ""};
  status st = json_parse(&root, files->head, files->head_bytes, files->source, err);
  if (st == STATUS_OK) {
    st = json_need_integer(root, "format", 1, INT32_MAX, &format, &inner);
    if (st == STATUS_OK && format > PERFORMANCE_FORMAT) {
      st = error_set(&inner, STATUS_UNSUPPORTED, "written by a later version (format %lld)",
                     (long long)format);
    }
    st = st ? st : read_names(root, h, &inner);
    st = st ? st : read_numbers(root, h, &inner);
    if (st != STATUS_OK) {
      error_set(err, st, "%s: performance.json: %s", files->source, inner.message);
    }
  }
  json_free(root);
  return st;
}

// --- controls.jsonl ---

// A parameter or an action that this version does not know cannot be played.
static status find_name(keep_entry *e, const char *name, error *err)
{
  const int id = e->kind == KEEP_SET ? parameter_find(name) : control_action_find(name);
  e->id = (uint32_t)id;
  return id >= 0 ? STATUS_OK
                 : error_set(err, STATUS_UNSUPPORTED, "there is no \"%s\" in this version", name);
}

static status read_entry(const json *line, keep_entry *e, error *err)
{
  const char *kind = NULL;
  const char *name = NULL;
  int64_t at = 0;
  int64_t block = 0;
  status st = json_need_integer(line, "at", 0, INT64_MAX, &at, err);
  st = st ? st : json_need_string(line, "kind", &kind, err);
  st = st ? st : json_need_string(line, "name", &name, err);
  st = st ? st : json_need_integer(line, "block", 0, 8192, &block, err);
  st = st ? st : json_need_number(line, "value", &e->value, err);
  st = st ? st : json_need_number(line, "more", &e->more, err);
  if (st != STATUS_OK) {
    return st;
  }
  e->position_samples = (uint64_t)at;
  e->id = (uint32_t)block;
  for (e->kind = 0; e->kind < N_KEEP_KINDS; ++e->kind) {
    if (strcmp(kind, performance_kind_name((keep_kind)e->kind)) == 0) {
      return e->kind == KEEP_SET || e->kind == KEEP_ACTION ? find_name(e, name, err) : STATUS_OK;
    }
  }
  return error_set(err, STATUS_FORMAT, "\"%s\" is no kind of control", kind);
}

static size_t count_lines(const uint8_t *text, size_t n_bytes)
{
  size_t n = 0;
  for (size_t i = 0; i < n_bytes; ++i) {
    n += text[i] == '\n';
  }
  return n;
}

// The next entry of `p`, from a line without its end.
static status read_line(performance *p, const uint8_t *text, size_t n_bytes, const char *source,
                        error *err)
{
  json *line = NULL;
  error inner = {STATUS_OK, ""};
  keep_entry *e = &p->entries[p->n_entries];
  status st = json_parse(&line, text, n_bytes, source, &inner);
  st = st ? st : read_entry(line, e, &inner);
  if (st == STATUS_OK && p->n_entries > 0 && e->position_samples < e[-1].position_samples) {
    st = error_set(&inner, STATUS_FORMAT, "positions fall");
  }
  if (st != STATUS_OK) {
    error_set(err, st, "%s: controls.jsonl: line %zu: %s", source, p->n_entries + 1, inner.message);
  }
  json_free(line);
  return st;
}

static status read_entries(performance *p, const performance_files *files, error *err)
{
  const uint8_t *at = files->controls;
  const uint8_t *end = at + files->controls_bytes;
  const size_t n = count_lines(at, files->controls_bytes);
  p->entries = n <= MOST_ENTRIES ? calloc(n + 1, sizeof *p->entries) : NULL;
  if (!p->entries) {
    return error_set(err, STATUS_NO_MEMORY, "%s: no memory for %zu controls", files->source, n);
  }
  status st = STATUS_OK;
  for (; st == STATUS_OK && p->n_entries < n; ++p->n_entries) {
    const uint8_t *stop = memchr(at, '\n', (size_t)(end - at));
    st = read_line(p, at, (size_t)(stop - at), files->source, err);
    at = stop + 1;
  }
  return st;
}

// --- steps.safetensors ---

static status expect(const safetensors *file, const char *name, element_type type, int rank,
                     const int64_t *dims, const void **data, error *err)
{
  const safetensors_tensor *t = NULL;
  const status st = safetensors_expect(file, name, rank, dims, &t, err);
  if (st == STATUS_OK && t->type != type) {
    return error_set(err, STATUS_FORMAT, "%s: %s has the wrong element type", file->path, name);
  }
  *data = st == STATUS_OK ? t->data : NULL;
  return st;
}

static status copy_steps(performance *p, const safetensors *file, error *err)
{
  const safetensors_tensor *codes = safetensors_find(file, "codes");
  const int64_t n = codes && codes->rank == 2 ? codes->dims[0] : 0;
  const int64_t shape[] = {n, p->head.n_codebooks};
  const void *data[5] = {NULL};
  status st = expect(file, "codes", ELEMENT_I32, 2, shape, &data[0], err);
  st = st ? st : expect(file, "mean_square", ELEMENT_F64, 1, shape, &data[1], err);
  st = st ? st : expect(file, "peak", ELEMENT_F32, 1, shape, &data[2], err);
  st = st ? st : expect(file, "timeline", ELEMENT_U32, 1, shape, &data[3], err);
  st = st ? st : expect(file, "fed_back", ELEMENT_U8, 1, shape, &data[4], err);
  if (st != STATUS_OK) {
    return st;
  }
  p->n_steps = (size_t)n;
  p->codes = calloc(p->n_steps * p->head.n_codebooks + 1, sizeof *p->codes);
  p->steps = calloc(p->n_steps + 1, sizeof *p->steps);
  if (!p->codes || !p->steps) {
    return error_set(err, STATUS_NO_MEMORY, "%s: no memory for %zu steps", file->path, p->n_steps);
  }
  memcpy(p->codes, data[0], p->n_steps * p->head.n_codebooks * sizeof *p->codes);
  for (size_t i = 0; i < p->n_steps; ++i) { // of any alignment
    memcpy(&p->steps[i].mean_square, (const double *)data[1] + i, sizeof(double));
    memcpy(&p->steps[i].peak, (const float *)data[2] + i, sizeof(float));
    memcpy(&p->steps[i].timeline, (const uint32_t *)data[3] + i, sizeof(uint32_t));
    p->steps[i].fed_back = ((const uint8_t *)data[4])[i] != 0;
  }
  return STATUS_OK;
}

static status read_steps(performance *p, const performance_files *files, error *err)
{
  safetensors file = {0};
  status st = safetensors_read(&file, files->steps, files->steps_bytes, files->source, err);
  if (st == STATUS_OK) {
    st = copy_steps(p, &file, err);
    safetensors_close(&file);
  }
  return st;
}

status performance_parse(performance *p, const performance_files *files, error *err)
{
  memset(p, 0, sizeof *p);
  status st = read_head(&p->head, files, err);
  st = st ? st : read_entries(p, files, err);
  st = st ? st : read_steps(p, files, err);
  if (st != STATUS_OK) {
    performance_free(p);
  }
  return st;
}

status performance_read(performance *p, const char *folder, error *err)
{
  static const char *const names[] = {"performance.json", "controls.jsonl", "steps.safetensors"};
  char path[PERFORMANCE_PATH_BYTES];
  file_map maps[3] = {{NULL, 0}};
  status st = STATUS_OK;
  memset(p, 0, sizeof *p);
  for (int i = 0; st == STATUS_OK && i < 3; ++i) {
    snprintf(path, sizeof path, "%s/%s", folder, names[i]);
    st = file_map_open(&maps[i], path, err);
  }
  if (st == STATUS_OK) {
    const performance_files files = {
        folder,
        maps[0].data,
        maps[1].data,
        maps[2].data,
        maps[0].size_bytes,
        maps[1].size_bytes,
        maps[2].size_bytes,
    };
    st = performance_parse(p, &files, err);
  }
  for (int i = 0; i < 3; ++i) {
    file_map_close(&maps[i]);
  }
  return st;
}

void performance_free(performance *p)
{
  free(p->entries);
  free(p->codes);
  free(p->steps);
  memset(p, 0, sizeof *p);
}

status performance_file_sha256(const char *path, char hex[65], error *err)
{
  file_map map;
  sha256 h;
  const status st = file_map_open(&map, path, err);
  if (st == STATUS_OK) {
    sha256_init(&h);
    sha256_update(&h, map.data, map.size_bytes);
    sha256_final_hex(&h, hex);
    file_map_close(&map);
  }
  return st;
}
