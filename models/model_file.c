// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "models/model_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// ---- saving
// --------------------------------------------------------------------------------------

static status hash_file(const char *path, char hex[SHA256_HEX_BYTES], error *err)
{
  file_map map;
  const status code = file_map_open(&map, path, err);
  if (code == STATUS_OK) {
    sha256 h;
    sha256_init(&h);
    sha256_update(&h, map.data, map.size_bytes);
    sha256_final_hex(&h, hex);
    file_map_close(&map);
  }
  return code;
}

static status write_sources(json_writer *w, const model_origin *origin, error *err)
{
  status code = STATUS_OK;
  json_begin_array(w, "sources");
  for (int i = 0; i < origin->n_sources && code == STATUS_OK; ++i) {
    char hex[SHA256_HEX_BYTES] = "";
    const char *slash = strrchr(origin->sources[i], '/');
    code = hash_file(origin->sources[i], hex, err);
    json_begin_object(w, NULL);
    json_write_string(w, "file", slash ? slash + 1 : origin->sources[i]);
    json_write_string(w, "sha256", hex);
    json_end_object(w);
  }
  json_end_array(w);
  return code;
}

static void write_training(json_writer *w, const model_training *training)
{
  json_begin_object(w, "training");
  json_write_string(w, "program", training->program);
  json_write_integer(w, "steps", training->steps);
  json_write_number(w, "audio_seconds", training->audio_seconds);
  json_write_bool(w, "averaged", training->averaged);
  json_write_string(w, "set_sha256", training->set_sha256);
  json_write_string(w, "recipe", training->recipe);
  json_end_object(w);
}

/// What the meaning of codes rests on, and what does not touch it.
static const char *const encoder_prefixes[] = {"encoder.", "rvq."};
static const char *const decoder_prefixes[] = {"decoder."};

static status write_hashes(json_writer *w, const model_tensors *list, error *err)
{
  char hex[SHA256_HEX_BYTES];
  status code = safetensors_hash(list->tensors, list->count, encoder_prefixes, 2, hex, err);
  if (code == STATUS_OK) {
    json_write_string(w, "encoder_sha256", hex);
    code = safetensors_hash(list->tensors, list->count, decoder_prefixes, 1, hex, err);
  }
  if (code == STATUS_OK) {
    json_write_string(w, "decoder_sha256", hex);
  }
  return code;
}

static status write_config(json_writer *w, const model_file_draft *draft, const model_tensors *list,
                           error *err)
{
  const codec_info *info = draft->info;
  const model_origin none = {0}, *origin = draft->origin ? draft->origin : &none;
  json_begin_object(w, NULL);
  json_write_string(w, "kind", info->kind);
  json_write_integer(w, "version", MODEL_FILE_VERSION);
  json_write_string(w, "name", info->name);
  json_write_string(w, "licence", info->licence);
  if (origin->attribution) {
    json_write_string(w, "attribution", origin->attribution);
  }
  json_write_integer(w, "rate_hz", info->rate_hz);
  json_write_integer(w, "hop_samples", info->hop_samples);
  json_write_integer(w, "n_channels", info->n_channels);
  json_write_integer(w, "n_codebooks", info->n_codebooks);
  json_write_integer(w, "codebook_size", info->codebook_size);
  json_write_integer(w, "model_delay_samples", info->model_delay_samples);
  status code = write_hashes(w, list, err);
  if (code == STATUS_OK) {
    code = write_sources(w, origin, err);
  }
  if (origin->training) {
    write_training(w, origin->training);
  }
  json_begin_object(w, "network");
  draft->write_network(w, draft->config);
  json_end_object(w);
  json_end_object(w);
  return code == STATUS_OK ? json_writer_finish(w, err) : code;
}

status model_file_save(const char *path, const model_file_draft *draft, error *err)
{
  model_tensors list;
  json_writer w;
  json_writer_init(&w, NULL);
  const model_storage storage = draft->origin ? draft->origin->storage : MODEL_F32;
  status code = model_tensors_make(&list, draft->layers, storage, err);
  if (code != STATUS_OK) {
    error_prefix(err, "%s", path);
  }
  code = code ? code : write_config(&w, draft, &list, err);
  if (code == STATUS_OK) {
    const safetensors_pair config = {SAFETENSORS_CONFIG_KEY, w.data};
    code = safetensors_save(path, list.tensors, list.count, &config, 1, err);
  }
  json_writer_free(&w);
  model_tensors_free(&list);
  return code;
}

// ---- loading
// -------------------------------------------------------------------------------------

typedef struct integer_key {
  const char *key;
  int64_t least, most;
  uint32_t *out;
} integer_key;

static status read_words(codec_info *info, const json *config, error *err)
{
  const char *kind = "", *name = "", *licence = "";
  int64_t version = 0;
  status code = json_need_string(config, "kind", &kind, err);
  if (code == STATUS_OK) {
    code = json_need_integer(config, "version", 1, INT32_MAX, &version, err);
  }
  if (code == STATUS_OK && version > MODEL_FILE_VERSION) {
    code = error_set(err, STATUS_UNSUPPORTED, "version %lld, this build reads up to %d",
                     (long long)version, MODEL_FILE_VERSION);
  }
  if (code == STATUS_OK) {
    code = json_need_string(config, "name", &name, err);
  }
  (void)json_get_string(json_member(config, "licence"), &licence);
  snprintf(info->kind, sizeof info->kind, "%s", kind);
  snprintf(info->name, sizeof info->name, "%s", name);
  snprintf(info->licence, sizeof info->licence, "%s", licence);
  return code;
}

status model_file_read_info(codec_info *info, const json *config, const char *kind,
                            const char *path, error *err)
{
  *info = (codec_info){0};
  status code = read_words(info, config, err);
  if (code == STATUS_OK && kind && strcmp(info->kind, kind) != 0) {
    code = error_set(err, STATUS_FORMAT, "kind: expected \"%s\", found \"%s\"", kind, info->kind);
  }
  const integer_key keys[] = {
      {"rate_hz", 1, 768000, &info->rate_hz},
      {"hop_samples", 1, 65536, &info->hop_samples},
      {"n_channels", 1, 2, &info->n_channels},
      {"n_codebooks", 1, OPS_MAX_CODEBOOKS, &info->n_codebooks},
      {"codebook_size", 2, 65536, &info->codebook_size},
      {"model_delay_samples", 0, 768000, &info->model_delay_samples},
  };
  for (size_t i = 0; i < sizeof keys / sizeof *keys && code == STATUS_OK; ++i) {
    int64_t value = 0;
    code = json_need_integer(config, keys[i].key, keys[i].least, keys[i].most, &value, err);
    *keys[i].out = (uint32_t)value;
  }
  return code == STATUS_OK ? code : error_prefix(err, "%s", path);
}

static status load_normalised(const safetensors *st, weight *w, const char *direction, error *err)
{
  char length[WEIGHT_NAME_BYTES + 2];
  snprintf(length, sizeof length, "%s.g", w->name);
  status code = model_tensors_read(st, length, 1, w->dims, w->norm_g, err);
  if (code == STATUS_OK) {
    code = model_tensors_read(st, direction, w->rank, w->dims, w->norm_v, err);
  }
  if (code == STATUS_OK) {
    weight_fold(w);
  }
  return code;
}

static status load_weight(const safetensors *st, weight *w, error *err)
{
  char direction[WEIGHT_NAME_BYTES + 2];
  const safetensors_tensor *t = NULL;
  snprintf(direction, sizeof direction, "%s.v", w->name);
  const bool normalised = safetensors_find(st, direction) != NULL;
  // Before allocating: what a config asks for may be far larger than what the file holds.
  status code = safetensors_expect(st, normalised ? direction : w->name, w->rank, w->dims, &t, err);
  if (code == STATUS_OK) {
    code = weight_allocate(w, normalised, err);
  }
  if (code != STATUS_OK) {
    return code;
  }
  return normalised ? load_normalised(st, w, direction, err)
                    : model_tensors_read(st, w->name, w->rank, w->dims, w->master, err);
}

static status load_set(const safetensors *st, layer_set *set, error *err)
{
  status code = STATUS_OK;
  for (int i = 0; i < set->n_weights && code == STATUS_OK; ++i) {
    code = load_weight(st, set->weights[i], err);
  }
  return code;
}

static status check_hash(const safetensors *st, const json *config, const char *key,
                         const char *const *prefixes, size_t n_prefixes, error *err)
{
  const char *promised = "";
  char found[SHA256_HEX_BYTES];
  status code = json_need_string(config, key, &promised, err);
  if (code != STATUS_OK) {
    return error_prefix(err, "%s", st->path);
  }
  code = safetensors_hash(st->tensors, st->n_tensors, prefixes, n_prefixes, found, err);
  if (code == STATUS_OK && strcmp(promised, found) != 0) {
    code = error_set(err, STATUS_FORMAT, "%s: damaged, its tensors do not match its %s", st->path,
                     key);
  }
  return code;
}

/// The network that the config describes must also be the codec that it promises.
static status check_promise(const model_file *file, const codec_info *made, error *err)
{
  const codec_info *info = &file->info;
  if (info->hop_samples == made->hop_samples && info->n_channels == made->n_channels &&
      info->model_delay_samples == made->model_delay_samples) {
    return STATUS_OK;
  }
  return error_set(
      err, STATUS_FORMAT, "%s: hop %u, channels %u, delay %u, but such a network has %u, %u and %u",
      file->tensors.path, info->hop_samples, info->n_channels, info->model_delay_samples,
      made->hop_samples, made->n_channels, made->model_delay_samples);
}

status model_file_open(model_file *file, const char *path, const char *kind, error *err)
{
  *file = (model_file){0};
  status code = safetensors_open(&file->tensors, path, err);
  if (code != STATUS_OK) {
    return code;
  }
  code = safetensors_config(&file->tensors, &file->config, err);
  if (code == STATUS_OK) {
    code = model_file_read_info(&file->info, file->config, kind, path, err);
  }
  if (code != STATUS_OK) {
    model_file_close(file);
    return code;
  }
  file->network = json_member(file->config, "network");
  return STATUS_OK;
}

void model_file_close(model_file *file)
{
  json_free(file->config);
  safetensors_close(&file->tensors);
}

status model_file_reject(const model_file *file, const error *why, error *err)
{
  const status code = why->code == STATUS_USAGE ? STATUS_FORMAT : why->code;
  return error_set(err, code, "%s: %s", file->tensors.path, why->message);
}

status model_file_load(const model_file *file, const codec_info *made, codec_layers layers,
                       error *err)
{
  const safetensors *st = &file->tensors;
  status code = check_promise(file, made, err);
  for (int i = 0; i < CODEC_N_PARTS && code == STATUS_OK; ++i) {
    code = load_set(st, layers.sets[i], err);
  }
  // Whether the tensors are those that the config was written for.
  if (code == STATUS_OK) {
    code = check_hash(st, file->config, "encoder_sha256", encoder_prefixes, 2, err);
  }
  if (code == STATUS_OK) {
    code = check_hash(st, file->config, "decoder_sha256", decoder_prefixes, 1, err);
  }
  return code;
}
