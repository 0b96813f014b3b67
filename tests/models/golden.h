// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// Golden files (tests/golden, made by tests/reference) and the small things that tests of networks
/// share. Include after cmocka.h.
#ifndef CONTINUO_TESTS_MODELS_GOLDEN_H
#define CONTINUO_TESTS_MODELS_GOLDEN_H

#include "base/safetensors.h"
#include "gpu/run.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/// tests/golden/<name>.safetensors
static inline safetensors golden_open(const char *name)
{
  const char *source = getenv("CONTINUO_SOURCE");
  char path[1024];
  safetensors st;
  error err = {0};
  snprintf(path, sizeof path, "%s/tests/golden/%s.safetensors", source ? source : ".", name);
  if (safetensors_open(&st, path, &err) != STATUS_OK) {
    fail_msg("%s", err.message);
  }
  return st;
}

static inline const safetensors_tensor *golden_find(const safetensors *st, const char *name)
{
  const safetensors_tensor *t = safetensors_find(st, name);
  assert_non_null(t);
  return t;
}

/// A copy as f32, and its rows (first dimension).
static inline float *golden_f32(const safetensors *st, const char *name, int64_t *rows)
{
  const safetensors_tensor *t = golden_find(st, name);
  const size_t count = t->size_bytes / element_bytes(t->type);
  float *values = malloc(count * sizeof *values);
  assert_non_null(values);
  element_to_f32(t->type, t->data, count, values);
  *rows = t->dims[0];
  return values;
}

static inline int32_t *golden_i32(const safetensors *st, const char *name, int64_t *rows)
{
  const safetensors_tensor *t = golden_find(st, name);
  assert_int_equal(t->type, ELEMENT_I32);
  int32_t *values = malloc(t->size_bytes);
  assert_non_null(values);
  memcpy(values, t->data, t->size_bytes);
  *rows = t->dims[0];
  return values;
}

/// |a - b| / |b|, Euclidean.
static inline double relative_error(const float *a, const float *b, size_t count)
{
  double difference = 0.0, size = 0.0;
  for (size_t i = 0; i < count; ++i) {
    const double d = (double)a[i] - (double)b[i];
    difference += d * d;
    size += (double)b[i] * (double)b[i];
  }
  return sqrt(difference / size);
}

/// An arena in a device's memory.
static inline arena arena_on(device *dev, size_t bytes)
{
  arena a;
  void *data = dev->allocate(dev, bytes);
  assert_non_null(data);
  arena_init(&a, data, bytes);
  return a;
}

/// Open every CPU variant that this machine has, in turn: null after the last.
static inline device *variant_open(int index, int n_threads)
{
  static const char *const names[] = {"reference", "avx2", "avx512"};
  for (int found = 0, i = 0; i < 3; ++i) {
    device *dev = NULL;
    const device_options options = {COMPUTE_CPU, n_threads, names[i], false};
    if (device_open(&dev, &options, NULL) != STATUS_OK) {
      continue;
    }
    if (found++ == index) {
      return dev;
    }
    device_unref(dev);
  }
  return NULL;
}

#endif
