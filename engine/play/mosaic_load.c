// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// A mosaic from files: each is read into one list of steps, encoded first where it is sound.

#include "engine/play/mosaic.h"
#include "models/io/audio_file.h"
#include "models/io/code_file.h"
#include "models/whole_encoder.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_STEPS 256
#define BLOCK_SAMPLES 4096

typedef struct step_list {
  codec *model;
  const codec_info *info;
  const char *path; // being read
  int32_t *codes;   // [n_steps, info->n_codebooks]
  size_t n_steps, capacity;
} step_list;

static status make_room(step_list *l, size_t n_more, error *err)
{
  if (n_more > MOSAIC_MAX_STEPS - l->n_steps) {
    return error_set(err, STATUS_USAGE, "%s: too long, a mosaic holds at most %d steps", l->path,
                     MOSAIC_MAX_STEPS);
  }
  if (l->n_steps + n_more <= l->capacity) {
    return STATUS_OK;
  }
  const size_t capacity =
      2 * l->capacity > l->n_steps + n_more ? 2 * l->capacity : l->n_steps + n_more;
  int32_t *grown = realloc(l->codes, capacity * l->info->n_codebooks * sizeof *grown);
  if (!grown) {
    return error_set(err, STATUS_NO_MEMORY, "%s: no memory for %zu steps", l->path, capacity);
  }
  l->codes = grown;
  l->capacity = capacity;
  return STATUS_OK;
}

// codes [n_steps, n_codebooks], n_codebooks at most the codec's.
static status append(step_list *l, const int32_t *codes, size_t n_steps, size_t n_codebooks,
                     error *err)
{
  const size_t n_all = l->info->n_codebooks;
  const status st = make_room(l, n_steps, err);
  for (size_t step = 0; st == STATUS_OK && step < n_steps; ++step) {
    int32_t *to = l->codes + l->n_steps++ * n_all;
    for (size_t k = 0; k < n_all; ++k) {
      to[k] = k < n_codebooks ? codes[step * n_codebooks + k] : -1;
    }
  }
  return st;
}

static status append_encoded(void *user, const int32_t *codes, size_t n_steps, error *err)
{
  step_list *l = user;
  return append(l, codes, n_steps, l->info->n_codebooks, err);
}

static status encode(step_list *l, audio_reader *reader, error *err)
{
  const code_sink sink = {.write = append_encoded, .user = l};
  whole_encoder *encoder = NULL;
  size_t n_samples = 0;
  float *block = malloc((size_t)BLOCK_SAMPLES * l->info->n_channels * sizeof *block);
  status st = block ? whole_encoder_new(&encoder, l->model, &(whole_options){0}, sink, err)
                    : error_set(err, STATUS_NO_MEMORY, "%s: no memory to read it", l->path);
  do {
    if (st == STATUS_OK) {
      st = audio_reader_read(reader, block, BLOCK_SAMPLES, &n_samples, err);
    }
    if (st == STATUS_OK) {
      st = whole_encoder_push(encoder, block, n_samples, err);
    }
  } while (st == STATUS_OK && n_samples > 0);
  if (st == STATUS_OK) {
    st = whole_encoder_finish(encoder, NULL, err);
  }
  whole_encoder_free(encoder);
  free(block);
  return st;
}

// What the file does not tell is 0 or "".
static bool fits(const code_info *file, const codec_info *info)
{
  return file->n_codebooks <= info->n_codebooks &&
         (!file->rate_hz || file->rate_hz == info->rate_hz) &&
         (!file->hop_samples || file->hop_samples == info->hop_samples) &&
         (!file->codebook_size || file->codebook_size == info->codebook_size) &&
         (!file->model[0] || strcmp(file->model, info->name) == 0);
}

static status read_codes(step_list *l, code_reader *reader, error *err)
{
  const code_info *file = code_reader_info(reader);
  const size_t n_codebooks = file->n_codebooks;
  if (!fits(file, l->info)) {
    return error_set(err, STATUS_FORMAT, "%s: codes of %s (%u Hz, hop %u, %u x %u), expected %s",
                     l->path, file->model[0] ? file->model : "another codec", file->rate_hz,
                     file->hop_samples, file->n_codebooks, file->codebook_size, l->info->name);
  }
  int32_t *block = malloc(BLOCK_STEPS * n_codebooks * sizeof *block);
  code_run got = {0};
  status st =
      block ? STATUS_OK : error_set(err, STATUS_NO_MEMORY, "%s: no memory to read it", l->path);
  do {
    if (st == STATUS_OK) {
      st = code_reader_read(reader, block, BLOCK_STEPS, &got, err);
    }
    if (st == STATUS_OK) {
      st = append(l, block, got.n_steps, n_codebooks, err);
    }
  } while (st == STATUS_OK && got.n_steps > 0);
  free(block);
  return st;
}

static status read_file(step_list *l, error *err)
{
  audio_reader *sound = NULL;
  code_reader *codes = NULL;
  status st = audio_reader_open(&sound, l->path, l->info->rate_hz, l->info->n_channels, err);
  if (st == STATUS_OK) {
    st = encode(l, sound, err);
    audio_reader_close(sound);
    return st;
  }
  if (st != STATUS_FORMAT && st != STATUS_UNSUPPORTED) {
    return st;
  }
  st = code_reader_open(&codes, l->path, err);
  if (st == STATUS_OK) {
    st = read_codes(l, codes, err);
    code_reader_close(codes);
  } else if (st == STATUS_FORMAT) {
    error_set(err, st, "%s: neither a recording nor codes", l->path);
  }
  return st;
}

static status find_codebooks(mosaic_codebooks *books, const codec *c, const codec_info *info,
                             error *err)
{
  const int n = (int)info->n_codebooks;
  books->n = n < MOSAIC_MAX_COMPARED ? n : MOSAIC_MAX_COMPARED;
  for (int k = 0; k < books->n; ++k) {
    books->vectors[k] = codec_codebook(c, k, &books->size, &books->dim);
    if (!books->vectors[k] || !info->streamable) {
      return error_set(err, STATUS_UNSUPPORTED, "%s: no codec for a mosaic", info->name);
    }
  }
  return STATUS_OK;
}

status mosaic_load(mosaic **m, codec *c, const char *const *paths, size_t n_paths, error *err)
{
  const codec_info *info = codec_get_info(c);
  const size_t n_codebooks = info->n_codebooks;
  step_list list = {.model = c, .info = info};
  mosaic_codebooks books = {0};
  *m = NULL;
  mosaic_recording *recordings = calloc(n_paths + 1, sizeof *recordings);
  if (!recordings) {
    return error_set(err, STATUS_NO_MEMORY, "no memory for a mosaic of %zu files", n_paths);
  }
  status st = find_codebooks(&books, c, info, err);
  for (size_t i = 0; st == STATUS_OK && i < n_paths; ++i) {
    const size_t first = list.n_steps;
    list.path = paths[i];
    st = read_file(&list, err);
    recordings[i].n_steps = list.n_steps - first;
  }
  for (size_t i = 0, first = 0; st == STATUS_OK && i < n_paths; ++i) { // now that they stay put
    recordings[i].codes = list.codes + first * n_codebooks;
    first += recordings[i].n_steps;
  }
  if (st == STATUS_OK) {
    st = mosaic_new_from_codes(m, recordings, n_paths, (int)n_codebooks, &books, err);
  }
  free(recordings);
  free(list.codes);
  return st;
}
