// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// The losses of a trainer on a device against those on the CPU: every kind, every way the recipes
// ask for it, what each finds and each gradient.

#include "base/random.h"
#include "tests/gpu/gpu_check.h"
#include "train/loss_sheet.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXAMPLES 3
#define SAMPLES 700
#define VALUES (EXAMPLES * SAMPLES)
#define NUMBERS 64
#define ARENA_BYTES ((size_t)8 << 20)
#define BOUND 2e-6
#define MEL_BOUND 2e-4 // a transform in f32, then logarithms of what is weak

// One device's half.
typedef struct side {
  device *dev;
  arena memory;
  run r;
  loss_sheet sheet;
  tensor x, target, gradients[2]; // [EXAMPLES, SAMPLES, 1]
} side;

typedef struct losses_check {
  side sides[2]; // CUDA, CPU
  gpu_check_result result;
} losses_check;

static status open_side(side *s, device *dev, error *err)
{
  tensor *all[] = {&s->x, &s->target, &s->gradients[0], &s->gradients[1]};
  static float values[VALUES];
  void *block = dev->allocate(dev, ARENA_BYTES);
  s->dev = dev;
  arena_init(&s->memory, block, block ? ARENA_BYTES : 0);
  run_init(&s->r, dev, &s->memory);
  status code = block ? loss_sheet_init(&s->sheet, dev, NUMBERS, err)
                      : error_set(err, STATUS_NO_MEMORY, "no memory for losses");
  for (int i = 0; i < 4 && code == STATUS_OK; ++i) {
    void *data = dev->allocate(dev, sizeof values);
    *all[i] = tensor_view(data, DTYPE_F32, 3, EXAMPLES, SAMPLES, 1, 1);
    for (int j = 0; j < VALUES; ++j) {
      values[j] = i < 2 ? random_uniform(3, (uint64_t)i, (uint64_t)j) * 2.0f - 0.8f : 0.0f;
    }
    code = data ? dev->upload(dev, data, values, sizeof values, err)
                : error_set(err, STATUS_NO_MEMORY, "no memory for losses");
  }
  return code;
}

static void close_side(side *s)
{
  const tensor *all[] = {&s->x, &s->target, &s->gradients[0], &s->gradients[1]};
  for (int i = 0; i < 4; ++i) {
    s->dev->release(s->dev, all[i]->data);
  }
  s->dev->release(s->dev, s->memory.data);
  loss_sheet_free(&s->sheet);
}

static void begin(losses_check *k)
{
  for (int i = 0; i < 2; ++i) {
    side *s = &k->sides[i];
    arena_rewind(&s->memory, 0);
    loss_sheet_clear(&s->sheet);
    for (int g = 0; g < 2; ++g) {
      s->dev->zero(&s->r, s->gradients[g].data, VALUES * sizeof(float));
    }
  }
}

static void note(losses_check *k, const char *name, const char *what, double off, double bound)
{
  ++k->result.n_checked;
  if (!(off <= bound)) {
    ++k->result.n_failed;
    printf("FAILED  %s loss: %s off by %g\n", name, what, off);
  }
}

// What `n` numbers and both gradients are on one side and on the other.
static void compare(losses_check *k, const char *name, int n, double bound)
{
  static float host[2][VALUES];
  static double wide[2][VALUES];
  double numbers[2][NUMBERS];
  for (int i = 0; i < 2; ++i) {
    loss_sheet_read(&k->sides[i].sheet, &k->sides[i].r);
    for (int j = 0; j < n; ++j) {
      numbers[i][j] = loss_sheet_get(&k->sides[i].sheet, j);
    }
    if (!run_ok(&k->sides[i].r)) {
      note(k, name, k->sides[i].r.failure.message, (double)INFINITY, 0.0);
    }
  }
  note(k, name, "numbers", gpu_check_distance(numbers[0], numbers[1], n), bound);
  for (int g = 0; g < 2; ++g) {
    for (int i = 0; i < 2; ++i) {
      side *s = &k->sides[i];
      s->dev->download(s->dev, host[i], s->gradients[g].data, sizeof host[i], NULL);
      for (int j = 0; j < VALUES; ++j) {
        wide[i][j] = (double)host[i][j];
      }
    }
    note(k, name, "a gradient", gpu_check_distance(wide[0], wide[1], VALUES), bound);
  }
}

static void check_waves(losses_check *k)
{
  begin(k);
  for (int i = 0; i < 2; ++i) {
    side *s = &k->sides[i];
    loss_sheet_waves(&s->sheet, &s->r, &s->x, &s->target, 0.25f, &s->gradients[0],
                     &s->gradients[1]);
    loss_sheet_norms(&s->sheet, &s->r, &s->x);
  }
  compare(k, "wave", 3 * EXAMPLES + 1, BOUND);
}

static void check_hinges(losses_check *k)
{
  static const char *const names[] = {"hinge real", "hinge fake", "plain score"};
  for (int kind = HINGE_REAL; kind <= HINGE_NONE; ++kind) {
    begin(k);
    for (int i = 0; i < 2; ++i) {
      side *s = &k->sides[i];
      loss_sheet_hinge(&s->sheet, &s->r, &s->x, (hinge_kind)kind, 0.7, &s->gradients[0]);
    }
    compare(k, names[kind], 2, BOUND);
  }
}

static void check_features(losses_check *k)
{
  for (int relative = 0; relative < 2; ++relative) {
    begin(k);
    for (int i = 0; i < 2; ++i) {
      side *s = &k->sides[i];
      loss_sheet_feature(&s->sheet, &s->r, &s->x, &s->target, relative, 1.3, &s->gradients[0]);
    }
    compare(k, relative ? "relative feature" : "feature", 1, BOUND);
  }
}

static const mel_loss_config mel_configs[] = {
    {.windows = {32, 128, 500},
     .n_windows = 3,
     .n_bands = 12,
     .normalised = true,
     .log_weight = 1.0,
     .log_absolute = true,
     .log_floor = 2e-3,
     .floor_kind = LOG_FLOOR_ADD,
     .norm = MEL_MEAN},
    {.windows = {64, 256},
     .n_windows = 2,
     .n_bands = 20,
     .normalised = true,
     .log_weight = 0.5,
     .log_floor = 0.3,
     .floor_kind = LOG_FLOOR_MAX,
     .norm = MEL_MEAN},
    {.windows = {64, 128},
     .n_windows = 2,
     .n_bands = 16,
     .power = true,
     .log_weight = 1.0,
     .log_by_window = true,
     .log_floor = 1e-3,
     .floor_kind = LOG_FLOOR_ADD,
     .norm = MEL_SUM},
    {.windows = {32, 64},
     .n_windows = 2,
     .n_bands = 8,
     .least_fft = 256,
     .log_floor = 1e-3,
     .floor_kind = LOG_FLOOR_ADD,
     .norm = MEL_SUM},
};

static void check_mel(losses_check *k, const mel_loss_config *from)
{
  mel_loss_config config = *from;
  config.rate_hz = 8000.0;
  begin(k);
  mel_loss *mel[2] = {NULL, NULL};
  for (int i = 0; i < 2; ++i) {
    side *s = &k->sides[i];
    status code = mel_loss_new(&mel[i], &config, SAMPLES, &s->r.failure);
    if (code == STATUS_OK && s->dev->losses) {
      code = mel_loss_place(mel[i], s->dev, &s->r.failure);
    }
    if (code == STATUS_OK) {
      loss_sheet_mel(&s->sheet, &s->r, mel[i], &s->x, &s->target, 0.5f, &s->gradients[0]);
    }
  }
  compare(k, "mel", 1, MEL_BOUND);
  mel_loss_free(mel[0]);
  mel_loss_free(mel[1]);
}

gpu_check_result gpu_check_losses(device *cuda, device *cpu)
{
  static losses_check k;
  error err = {0};
  k = (losses_check){.result = {0}};
  status code = open_side(&k.sides[0], cuda, &err);
  code = code ? code : open_side(&k.sides[1], cpu, &err);
  if (code != STATUS_OK) {
    note(&k, "every", err.message, (double)INFINITY, 0.0);
  } else {
    check_waves(&k);
    check_hinges(&k);
    check_features(&k);
    for (size_t i = 0; i < sizeof mel_configs / sizeof *mel_configs; ++i) {
      check_mel(&k, &mel_configs[i]);
    }
  }
  for (int i = 0; i < 2; ++i) {
    if (k.sides[i].dev) {
      close_side(&k.sides[i]);
    }
  }
  printf("losses: %d checks, %d failed\n", k.result.n_checked, k.result.n_failed);
  return k.result;
}
