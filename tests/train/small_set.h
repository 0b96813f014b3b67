// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// A small set of known samples, for tests of what reads sets. Include cmocka before.
#ifndef CONTINUO_TESTS_TRAIN_SMALL_SET_H
#define CONTINUO_TESTS_TRAIN_SMALL_SET_H

#include "base/random.h"
#include "tests/temp_folder.h"
#include "train/set_writer.h"

#include <stdint.h>

#define SMALL_RATE_HZ 24000

typedef struct small_clip {
  const char *kind, *path;
  bool validation;
  size_t n_samples;
} small_clip;

static const small_clip small_clips[] = {
    {"drums", "drums/a", false, 3000},  {"drums", "drums/b", true, 2000},
    {"drums", "drums/c", false, 1},     {"speech", "speech/a", false, 9000},
    {"speech", "speech/b", true, 500},  {"speech", "speech/c", true, 700},
    {"waves", "waves/only", false, 40},
};

#define SMALL_CLIPS (sizeof small_clips / sizeof *small_clips)

/// The 16 bits of sample `i` of clip `clip`; never 0.
static inline int16_t small_sample(size_t clip, size_t i)
{
  const int16_t value = (int16_t)(uint16_t)random_bits(clip, 7, i);
  return value ? value : 1;
}

static inline status small_set_clip(set_writer *w, size_t clip, error *err)
{
  const small_clip *s = &small_clips[clip];
  const set_clip wanted = {s->kind, s->path, s->validation, 1.0, 44100, 2};
  static float x[9000];
  assert_true(s->n_samples <= sizeof x / sizeof *x);
  for (size_t i = 0; i < s->n_samples; ++i) {
    x[i] = (float)small_sample(clip, i) / 32768.0f;
  }
  status code = set_writer_begin(w, &wanted, s->n_samples, err);
  const size_t half = s->n_samples / 2; // in two parts: any cut gives the same
  code = code ? code : set_writer_push(w, x, half, err);
  code = code ? code : set_writer_push(w, x + half, s->n_samples - half, err);
  code = code ? code : set_writer_end(w, err);
  return code;
}

/// Write it to `folder`, which is not there yet; `shard_samples` as in set_head.
static inline status small_set_write(const char *folder, uint64_t shard_samples, error *err)
{
  const set_head head = {SMALL_RATE_HZ, 20.0, 0.05, "", "by hand", shard_samples};
  set_writer *w = NULL;
  status code = set_writer_open(&w, folder, &head, err);
  for (size_t i = 0; i < SMALL_CLIPS && !code; ++i) {
    code = small_set_clip(w, i, err);
  }
  if (code) {
    set_writer_abort(w);
    return code;
  }
  return set_writer_commit(w, err);
}

#endif
