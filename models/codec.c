// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "base/safetensors.h"
#include "models/codec_internal.h"
#include "models/codec_lyra.h"
#include "models/codec_seanet.h"

#include <math.h>
#include <string.h>

/// One line per kind that a file can hold; the functions are declared in the kind's own header.
static const codec_kind kinds[] = {
    {"lyra", codec_open_lyra_file},     // models/codec_lyra.h
    {"seanet", codec_open_seanet_file}, // models/codec_seanet.h
    {NULL, NULL},                       // end
};

const codec_kind *codec_find_kind(const char *name)
{
  for (const codec_kind *k = kinds; k->kind; ++k) {
    if (strcmp(k->kind, name) == 0) {
      return k;
    }
  }
  return NULL;
}

/// The "kind" of the file's config.
static status find_file_kind(const codec_kind **kind, const char *path, error *err)
{
  safetensors st;
  json *config = NULL;
  const char *name = NULL;
  status code = safetensors_open(&st, path, err);
  if (code != STATUS_OK) {
    return code;
  }
  code = safetensors_config(&st, &config, err);
  if (code == STATUS_OK) {
    code = json_need_string(config, "kind", &name, err);
    if (code != STATUS_OK) {
      error_prefix(err, "%s", path);
    }
  }
  if (code == STATUS_OK) {
    *kind = codec_find_kind(name);
    code = *kind ? STATUS_OK
                 : error_set(err, STATUS_UNSUPPORTED,
                             "%s: a model of kind \"%.60s\", which is no codec of this build", path,
                             name);
  }
  json_free(config);
  safetensors_close(&st);
  return code;
}

status codec_open(codec **c, const char *path, const codec_options *options, error *err)
{
  const codec_kind *kind = NULL;
  *c = NULL;
  const status code = find_file_kind(&kind, path, err);
  return code == STATUS_OK ? kind->open(c, path, options, err) : code;
}

void codec_init(codec *c, const codec_vtable *table)
{
  c->table = table;
  atomic_init(&c->references, 1);
}

codec *codec_ref(codec *c)
{
  atomic_fetch_add_explicit(&c->references, 1, memory_order_relaxed);
  return c;
}

void codec_unref(codec *c)
{
  if (c && atomic_fetch_sub_explicit(&c->references, 1, memory_order_acq_rel) == 1) {
    c->table->close(c);
  }
}

const codec_info *codec_get_info(const codec *c)
{
  return &c->info;
}

status codec_state_new(codec_state **s, codec *c, int n_streams, int max_steps, error *err)
{
  *s = NULL;
  if (n_streams < 1 || max_steps < 1) {
    return error_set(err, STATUS_USAGE,
                     "codec %s: %d streams of %d steps, expected at least 1 of 1", c->info.name,
                     n_streams, max_steps);
  }
  const status st = c->table->state_new(s, c, n_streams, max_steps, err);
  if (st == STATUS_OK) {
    (*s)->owner = codec_ref(c);
    (*s)->n_streams = n_streams;
    (*s)->max_steps = max_steps;
  }
  return st;
}

void codec_state_free(codec_state *s)
{
  if (s) {
    codec *owner = s->owner;
    owner->table->state_free(s);
    codec_unref(owner);
  }
}

status codec_state_prepare(codec_state *s, int n_used, error *err)
{
  const codec_info *info = &s->owner->info;
  if (n_used < 1 || (uint32_t)n_used > info->n_codebooks) {
    return error_set(err, STATUS_USAGE, "codec %s: %d codebooks, expected 1 to %u", info->name,
                     n_used, info->n_codebooks);
  }
  return s->owner->table->prepare ? s->owner->table->prepare(s, n_used, err) : STATUS_OK;
}

void codec_state_reset(codec_state *s, int stream, codec_start start)
{
  if (stream < s->n_streams) {
    s->owner->table->state_reset(s, stream, start);
  }
}

static bool call_fits(const codec_state *s, int n_steps, int n_used)
{
  return n_steps >= 0 && n_steps <= s->max_steps && n_used >= 1 &&
         (uint32_t)n_used <= s->owner->info.n_codebooks;
}

status codec_encode(codec_state *s, const float *audio, int n_steps, int n_used, int32_t *codes)
{
  if (!call_fits(s, n_steps, n_used)) {
    return STATUS_USAGE;
  }
  return n_steps ? s->owner->table->encode(s, audio, n_steps, n_used, codes) : STATUS_OK;
}

status codec_decode(codec_state *s, const int32_t *codes, int n_steps, int n_used, float *audio)
{
  if (!call_fits(s, n_steps, n_used)) {
    return STATUS_USAGE;
  }
  return n_steps ? s->owner->table->decode(s, codes, n_steps, n_used, audio) : STATUS_OK;
}

status codec_decode_blend(codec_state *s, const int32_t *codes, const int32_t *other, float blend,
                          int n_used, float *audio)
{
  const codec_vtable *table = s->owner->table;
  if (!call_fits(s, 1, n_used) || isnan(blend)) {
    return STATUS_USAGE;
  }
  if (blend <= 0.0f || blend >= 1.0f || !table->decode_blend) {
    return table->decode(s, blend < 0.5f ? codes : other, 1, n_used, audio);
  }
  return table->decode_blend(s, codes, other, blend, n_used, audio);
}

const float *codec_codebook(const codec *c, int k, int64_t *size, int64_t *dim)
{
  *size = *dim = 0;
  return c->table->codebook && k >= 0 && (uint32_t)k < c->info.n_codebooks
             ? c->table->codebook(c, k, size, dim)
             : NULL;
}

status codec_encode_final(codec_state *s, const float *audio, int n_samples, int n_used,
                          int32_t *codes)
{
  const int64_t most = (int64_t)s->max_steps * s->owner->info.hop_samples;
  if (n_samples < 0 || n_samples > most || !call_fits(s, 0, n_used)) {
    return STATUS_USAGE;
  }
  return s->owner->table->encode_final(s, audio, n_samples, n_used, codes);
}

status codec_decode_final(codec_state *s, const int32_t *codes, int n_steps, int n_used,
                          float *audio)
{
  const codec_vtable *table = s->owner->table;
  if (!call_fits(s, n_steps, n_used)) {
    return STATUS_USAGE;
  }
  if (n_steps == 0) {
    return STATUS_OK;
  }
  return (table->decode_final ? table->decode_final : table->decode)(s, codes, n_steps, n_used,
                                                                     audio);
}

status codec_encode_chunk(codec_state *s, const float *audio, int n_samples, int n_used,
                          int32_t *codes, float *scale)
{
  const codec_info *info = &s->owner->info;
  if (info->streamable) {
    return STATUS_UNSUPPORTED;
  }
  const int64_t most = (int64_t)s->max_steps * info->hop_samples;
  if (n_samples < 1 || n_samples > most || (uint32_t)n_samples > info->chunk_samples ||
      !call_fits(s, 0, n_used)) {
    return STATUS_USAGE;
  }
  return s->owner->table->encode_chunk(s, audio, n_samples, n_used, codes, scale);
}

status codec_decode_chunk(codec_state *s, const int32_t *codes, int n_steps, int n_used,
                          float scale, float *audio)
{
  if (s->owner->info.streamable) {
    return STATUS_UNSUPPORTED;
  }
  if (n_steps < 1 || !call_fits(s, n_steps, n_used)) {
    return STATUS_USAGE;
  }
  return s->owner->table->decode_chunk(s, codes, n_steps, n_used, scale, audio);
}

size_t codec_state_bytes(const codec_state *s)
{
  return s->owner->table->state_bytes(s);
}

status codec_state_save(codec_state *s, void *snapshot)
{
  return s->owner->table->state_save(s, snapshot);
}

status codec_state_restore(codec_state *s, const void *snapshot)
{
  return s->owner->table->state_restore(s, snapshot);
}

void codec_visit_memory(const codec_state *s, codec_memory_visit visit, void *user)
{
  if (s->owner->table->visit_memory) {
    s->owner->table->visit_memory(s, visit, user);
  }
}
