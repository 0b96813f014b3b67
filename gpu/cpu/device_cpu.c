// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "gpu/cpu/device_cpu.h"

#include "base/arena.h"
#include "gpu/cpu/kernels.h"
#include "gpu/cpu/team.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>
#endif

static bool always(void)
{
  return true;
}

static void install_nothing(device *dev)
{
  (void)dev;
}

#if defined(CONTINUO_X86)
// gcc 12 and clang 14 do not know "f16c" by name.
static bool has_f16c(void)
{
  unsigned a = 0, b = 0, c = 0, d = 0;
  return __get_cpuid(1, &a, &b, &c, &d) && (c & bit_F16C) != 0;
}

static bool has_avx2(void)
{
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
         __builtin_cpu_supports("bmi2") && has_f16c();
}

// As Ice Lake and Zen 4 have it.
static bool has_avx512(void)
{
  return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
         __builtin_cpu_supports("avx512vnni");
}

static void install_avx2(device *dev)
{
  fast_install(dev, &kernels_avx2);
}

static void install_avx512(device *dev)
{
  fast_install(dev, &kernels_avx512);
}
#endif

const cpu_variant *cpu_variants(int *count)
{
  static const cpu_variant variants[] = {
#if defined(CONTINUO_X86)
    {"avx512", has_avx512, install_avx512},
    {"avx2", has_avx2, install_avx2},
#endif
    {"reference", always, install_nothing},
  };
  *count = (int)(sizeof variants / sizeof *variants);
  return variants;
}

static void *cpu_allocate(device *dev, size_t bytes)
{
  (void)dev;
  if (bytes > SIZE_MAX - ARENA_ALIGN_BYTES) {
    return NULL;
  }
  const size_t rounded = (bytes + ARENA_ALIGN_BYTES - 1) & ~(size_t)(ARENA_ALIGN_BYTES - 1);
  return aligned_alloc(ARENA_ALIGN_BYTES, rounded ? rounded : ARENA_ALIGN_BYTES);
}

static void cpu_release(device *dev, void *data)
{
  (void)dev;
  free(data);
}

static status cpu_copy(device *dev, void *to, const void *from, size_t bytes, error *err)
{
  (void)dev;
  (void)err;
  memcpy(to, from, bytes);
  return STATUS_OK;
}

static status cpu_clear(device *dev, void *data, size_t bytes, error *err)
{
  (void)dev;
  (void)err;
  memset(data, 0, bytes);
  return STATUS_OK;
}

static void cpu_zero(run *r, void *data, size_t bytes)
{
  (void)r;
  memset(data, 0, bytes);
}

static status cpu_synchronize(device *dev, error *err)
{
  (void)dev;
  (void)err;
  return STATUS_OK;
}

static void cpu_close(device *dev)
{
  team_free(dev->workers);
  free(dev);
}

static const cpu_variant *find_variant(const char *name, error *err)
{
  int count = 0;
  const cpu_variant *variants = cpu_variants(&count);
  for (int i = 0; i < count; ++i) {
    if (name ? strcmp(name, variants[i].name) == 0 : variants[i].supported()) {
      if (!variants[i].supported()) {
        error_set(err, STATUS_UNSUPPORTED, "this processor has no %s", name);
        return NULL;
      }
      return &variants[i];
    }
  }
  error_set(err, STATUS_USAGE, "%s: no such CPU variant", name);
  return NULL;
}

status device_open_cpu(device **out, const device_options *options, error *err)
{
  *out = NULL;
  const int n_threads = options->n_threads ? options->n_threads : 1;
  const char *wanted = options->f64 ? "reference" : options->variant;
  const cpu_variant *variant = find_variant(wanted, err);
  if (!variant) {
    return err ? err->code : STATUS_UNSUPPORTED;
  }
  if (options->f64 && options->variant && strcmp(options->variant, "reference") != 0) {
    return error_set(err, STATUS_USAGE, "double precision exists in the reference variant only");
  }
  if (options->products != PRODUCTS_F32) {
    return error_set(err, STATUS_USAGE,
                     "products in bf16 want a CUDA card of compute capability 8.0 or later; this "
                     "would be the CPU");
  }
  device *dev = calloc(1, sizeof *dev);
  if (!dev) {
    return error_set(err, STATUS_NO_MEMORY, "no memory for the CPU device");
  }
  dev->kind = COMPUTE_CPU;
  dev->real = options->f64 ? DTYPE_F64 : DTYPE_F32;
  dev->references = 1;
  dev->allocate = cpu_allocate;
  dev->release = cpu_release;
  dev->upload = cpu_copy;
  dev->download = cpu_copy;
  dev->clear = cpu_clear;
  dev->zero = cpu_zero;
  dev->synchronize = cpu_synchronize;
  dev->close = cpu_close;
  if (n_threads != 1) {
    const status code = team_new(&dev->workers, n_threads, err);
    if (code != STATUS_OK) {
      free(dev);
      return code;
    }
  }
  if (options->f64) {
    reference_install_f64(dev);
  } else {
    reference_install_f32(dev);
    variant->install(dev);
  }
  snprintf(dev->name, sizeof dev->name, "cpu %s, %d thread%s", variant->name, n_threads,
           n_threads == 1 ? "" : "s");
  *out = dev;
  return STATUS_OK;
}

int device_list_cpu(char (*names)[128], int capacity)
{
  int count = 0;
  int listed = 0;
  const cpu_variant *variants = cpu_variants(&count);
  for (int i = 0; i < count; ++i) {
    if (!variants[i].supported()) {
      continue;
    }
    if (listed < capacity) {
      snprintf(names[listed], sizeof names[listed], "cpu %s", variants[i].name);
    }
    ++listed;
  }
  return listed;
}

void device_flush_denormals(void)
{
#if defined(__x86_64__)
  _MM_SET_FLUSH_ZERO_MODE(_MM_FLUSH_ZERO_ON);
  _mm_setcsr(_mm_getcsr() | 0x0040u); // denormals are zero
#elif defined(__aarch64__)
  uint64_t control;
  __asm__ volatile("mrs %0, fpcr" : "=r"(control));
  __asm__ volatile("msr fpcr, %0" ::"r"(control | (1u << 24)));
#endif
}
