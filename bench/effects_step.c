// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// effects_step MODEL RECORDING CORPUS...: how long one step of each code effect takes, its fader at
// 1, and of all together, over the steps of a recording; the mosaic's corpus is of the further
// files. The thread's own CPU time, caches emptied before each step as the networks do it, the
// least of three tries from the same snapshot, so that what else the machine does is left out.

#include "engine/histogram.h"
#include "engine/play/code_effects.h"
#include "models/model_path.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CACHE_BYTES (16 << 20)
#define TRIES 3

typedef struct bench {
  mosaic *recording, *corpus;
  code_effects effects;
  void *snapshot;
  unsigned char *elsewhere; // [CACHE_BYTES]
  histogram times;
} bench;

static uint64_t cpu_ns(void)
{
  struct timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void empty_caches(bench *b)
{
  for (size_t i = 0; i < CACHE_BYTES; i += 64) {
    ((volatile unsigned char *)b->elsewhere)[i] += 1;
  }
}

static uint64_t time_step(bench *b, const code_effects_settings *s, const int32_t *codes)
{
  uint64_t least = UINT64_MAX;
  int32_t out[CODE_EFFECTS_MAX_CODEBOOKS];
  code_effects_save(&b->effects, b->snapshot);
  for (int i = 0; i < TRIES; ++i) {
    code_effects_restore(&b->effects, b->snapshot);
    empty_caches(b);
    const uint64_t begin = cpu_ns();
    code_effects_step(&b->effects, s, codes, out);
    const uint64_t ns = cpu_ns() - begin;
    least = ns < least ? ns : least;
  }
  return least;
}

static void print_times(bench *b, const char *name, const code_effects_settings *s)
{
  histogram_reset(&b->times);
  code_effects_reset(&b->effects);
  for (int64_t step = 0; step < mosaic_n_steps(b->recording); ++step) {
    histogram_add(&b->times, time_step(b, s, mosaic_codes(b->recording, step)));
  }
  printf("%-24s p50 %6.1f us  p99 %6.1f us  max %6.1f us\n", name,
         (double)histogram_percentile(&b->times, 0.5) / 1e3,
         (double)histogram_percentile(&b->times, 0.99) / 1e3,
         (double)histogram_percentile(&b->times, 1) / 1e3);
}

static void run_all(bench *b)
{
  code_effects_settings all;
  code_effects_settings s;
  code_effects_settings_init(&all);
  print_times(b, "all faders at 0", &all);
  for (int kind = 0; kind < CODE_N_EFFECTS; ++kind) {
    code_effects_settings_init(&s);
    s.knobs[kind].fader = 1;
    all.knobs[kind].fader = 1;
    print_times(b, code_effect_get_info((code_effect_kind)kind)->key, &s);
  }
  code_effects_settings_init(&s);
  for (int n = 1; n <= MOSAIC_MAX_COMPARED; ++n) {
    char name[32];
    snprintf(name, sizeof name, "mosaic, match %d", n);
    s.knobs[CODE_EFFECT_MOSAIC].fader = 1;
    s.knobs[CODE_EFFECT_MOSAIC].values[1] = (float)n;
    print_times(b, name, &s);
  }
  print_times(b, "all faders at 1", &all);
}

static status open_all(bench *b, const char *model, const char *const *paths, size_t n, error *err)
{
  char path[PATH_BYTES];
  device *dev = NULL;
  codec *c = NULL;
  status st = model_find(model, path, err);
  st = st ? st : device_open(&dev, &(device_options){0}, err);
  st = st ? st : codec_open(&c, path, &(codec_options){.dev = dev, .storage = DTYPE_F16}, err);
  st = st ? st : mosaic_load(&b->recording, c, paths, 1, err);
  st = st ? st : mosaic_load(&b->corpus, c, paths + 1, n - 1, err);
  st = st ? st : code_effects_init(&b->effects, mosaic_n_codebooks(b->recording), err);
  if (st == STATUS_OK) {
    b->snapshot = malloc(code_effects_bytes(&b->effects));
    b->elsewhere = calloc(CACHE_BYTES, 1);
    st = b->snapshot && b->elsewhere ? st : error_set(err, STATUS_NO_MEMORY, "no memory");
    code_effects_set_corpus(&b->effects, b->corpus);
  }
  codec_unref(c);
  device_unref(dev);
  return st;
}

int main(int argc, char **argv)
{
  static bench b;
  error err = {0};
  if (argc < 4) {
    fprintf(stderr, "usage: effects_step MODEL RECORDING CORPUS...\n");
    return 2;
  }
  const status st = open_all(&b, argv[1], (const char *const *)argv + 2, (size_t)argc - 2, &err);
  if (st == STATUS_OK) {
    printf("%lld steps, corpus of %lld\n", (long long)mosaic_n_steps(b.recording),
           (long long)mosaic_n_steps(b.corpus));
    run_all(&b);
  } else {
    fprintf(stderr, "effects_step: %s\n", err.message);
  }
  code_effects_destroy(&b.effects);
  mosaic_unref(b.recording);
  mosaic_unref(b.corpus);
  free(b.snapshot);
  free(b.elsewhere);
  return status_exit_code(st);
}
