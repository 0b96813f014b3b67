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
    const device_options options = {
        .kind = COMPUTE_CPU, .n_threads = n_threads, .variant = names[i]};
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

/// Every CPU variant, then the CUDA device where there is one: null after the last.
static inline device *any_device_open(int index)
{
  int n_variants = 0;
  device *dev = variant_open(index, 1);
  while (!dev) {
    device *other = variant_open(n_variants, 1);
    if (!other) {
      break;
    }
    device_unref(other);
    ++n_variants;
  }
  const device_options options = {.kind = COMPUTE_CUDA};
  if (!dev && index == n_variants && device_open(&dev, &options, NULL) != STATUS_OK) {
    return NULL;
  }
  return dev;
}

/// `from` as [d0, d1, d2] in the run's arena.
static inline tensor to_device(run *r, const void *from, dtype type, int64_t d0, int64_t d1,
                               int64_t d2)
{
  tensor t = run_tensor(r, type, 3, d0, d1, d2, 1);
  assert_true(run_ok(r));
  assert_int_equal(r->dev->upload(r->dev, t.data, from, tensor_bytes(&t), NULL), STATUS_OK);
  return t;
}

/// A copy on the host, to be freed.
static inline void *to_host(run *r, const tensor *t)
{
  void *copy = malloc(tensor_bytes(t));
  assert_non_null(copy);
  assert_int_equal(r->dev->download(r->dev, copy, t->data, tensor_bytes(t), NULL), STATUS_OK);
  return copy;
}

#endif
