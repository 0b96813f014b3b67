// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// CUDA against the CPU, with nothing but the core: every operator case in every storage type, a
// captured step against the same step uncaptured, a codec on both, then timing. Built twice:
// against the CUDA toolkit (scripts/gpu-check), and against the emulator, where it proves the
// kernels' logic on a machine without a device.
//
// Exit code 0: all within bounds; 1: something is not; 77: no CUDA device here.

#include "tests/gpu/gpu_check.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIXED_SEED 20260101

typedef struct check {
  device *cuda, *judge, *cpu; // judge: the CPU reference in double; cpu: in float
  int n_checked, n_failed;
  double worst;
  const char *worst_name;
  const char *only; // name of the one case to run, or null
  bool quick;       // one storage type, whole and one split: for sanitizers
} check;

// ---- every allocation starts as NaN, the arenas as far as the cases use them ----

#define POISON_BYTES ((size_t)8 << 20)

static void *(*plain_allocate)(device *dev, size_t bytes);

static void *poisoned_allocate(device *dev, size_t bytes)
{
  static unsigned char poison[1 << 20];
  unsigned char *data = plain_allocate(dev, bytes);
  memset(poison, 0xff, sizeof poison);
  const size_t end = bytes < POISON_BYTES ? bytes : POISON_BYTES;
  for (size_t at = 0; data && at < end; at += sizeof poison) {
    const size_t left = end - at;
    dev->upload(dev, data + at, poison, left < sizeof poison ? left : sizeof poison, NULL);
  }
  return data;
}

// ---- operators ----

static void report(check *k, const char *name, const char *what, bool passed, double off)
{
  ++k->n_checked;
  if (off > k->worst) {
    k->worst = off;
    k->worst_name = name;
  }
  if (!passed) {
    ++k->n_failed;
    printf("FAILED  %-24s %-12s off by %g\n", name, what, off);
  }
}

// |a - b| / |b|; infinite when anything is not finite or the counts differ.
static double relative_error(const op_bench *a, const op_bench *b)
{
  int64_t count_a = 0, count_b = 0;
  const double *x = op_bench_result(a, &count_a), *y = op_bench_result(b, &count_b);
  double off = 0.0, norm = 0.0;
  for (int64_t i = 0; i < count_a && i < count_b; ++i) {
    off += (x[i] - y[i]) * (x[i] - y[i]);
    norm += y[i] * y[i];
  }
  const bool usable = count_a == count_b && count_a > 0 && isfinite(off) && norm > 0.0;
  return usable ? sqrt(off / norm) : (double)INFINITY;
}

static op_bench *run_case(const op_case *c, device *dev, dtype storage, uint64_t seed,
                          int64_t piece)
{
  error err = {0};
  op_bench *b = NULL;
  if (op_bench_new(&b, c, dev, storage, seed, &err) != STATUS_OK ||
      op_bench_run(b, piece, &err) != STATUS_OK) {
    printf("FAILED  %-24s on %s: %s\n", c->name, dev->name, err.message);
    op_bench_free(b);
    return NULL;
  }
  return b;
}

static bool gives_codes(op_id op)
{
  return op == OP_NEAREST || op == OP_RVQ_ENCODE;
}

static bool has_matrix(op_id op)
{
  return op <= OP_NORM_LINEAR || op == OP_LSTM;
}

// Sums of a few thousand f32 products, in any order, against double. Codes: exactly; int8 weights
// against whole ones: their own rounding.
static double bound_of(const op_case *c, dtype storage)
{
  if (gives_codes(c->op)) {
    return 0.0;
  }
  return storage == DTYPE_I8 ? 0.03 : 3e-6;
}

static void check_case(check *k, const op_case *c, dtype storage, uint64_t seed)
{
  const dtype judged = storage == DTYPE_I8 ? DTYPE_F32 : storage;
  const int64_t unit = c->op == OP_CONV1D ? c->stride : 1;
  op_bench *truth = run_case(c, k->judge, judged, seed, 0);
  static const int64_t pieces[] = {0, 1, 3, 5, 20}; // 20: more than a ring's slots
  for (int i = 0; i < (c->streaming ? 5 : 1); i += k->quick ? 2 : 1) {
    op_bench *found = truth ? run_case(c, k->cuda, storage, seed, pieces[i] * unit) : NULL;
    const double off = found ? relative_error(found, truth) : (double)INFINITY;
    report(k, c->name, dtype_name(storage), off <= bound_of(c, storage), off);
    op_bench_free(found);
  }
  op_bench_free(truth);
}

// Long enough for cuBLAS: several chunks, each way of padding, taps that a stride does not join.
static const op_case long_cases[] = {
    {.op = OP_CONV1D,
     .name = "long_stride",
     .n = 2,
     .rows = 8401,
     .channels = 20,
     .outputs = 48,
     .kernel = 5,
     .stride = 2,
     .dilation = 1,
     .groups = 1,
     .pad_left = 3,
     .pad_right = 2,
     .mode = PAD_REFLECT,
     .act_in = ACT_ELU,
     .act_out = ACT_TANH,
     .bias = true},
    {.op = OP_CONV1D,
     .name = "long_dilated",
     .n = 1,
     .rows = 5000,
     .channels = 40,
     .outputs = 48,
     .kernel = 3,
     .stride = 1,
     .dilation = 3,
     .groups = 1,
     .pad_left = 6,
     .act_in = ACT_LEAKY_RELU,
     .bias = true,
     .residual = true},
    {.op = OP_CONV_TRANSPOSED1D,
     .name = "long_transposed",
     .n = 2,
     .rows = 1100,
     .channels = 64,
     .outputs = 32,
     .kernel = 10,
     .stride = 4,
     .groups = 1,
     .pad_left = 3,
     .pad_right = 3,
     .act_in = ACT_ELU,
     .bias = true},
    {.op = OP_LINEAR,
     .name = "long_linear",
     .n = 1,
     .rows = 5000,
     .channels = 60,
     .outputs = 65,
     .act_out = ACT_GELU,
     .bias = true,
     .residual = true},
    {.op = OP_CONV1D,
     .name = "grouped_tiles",
     .n = 2,
     .rows = 90,
     .channels = 40,
     .outputs = 60,
     .kernel = 4,
     .stride = 1,
     .dilation = 2,
     .groups = 2,
     .pad_left = 6,
     .mode = PAD_REPLICATE,
     .bias = true},
    {.op = OP_LSTM,
     .name = "batch_lstm",
     .n = 5,
     .rows = 3,
     .channels = 40,
     .outputs = 70,
     .streaming = true,
     .bias = true},
};

// Codes are compared with the fixed seed only: other draws may hold near ties, where both answers
// are right.
static void check_operators(check *k, const op_case *cases, int n_cases, uint64_t seed)
{
  static const dtype storages[] = {DTYPE_F32, DTYPE_F16, DTYPE_BF16, DTYPE_I8};
  for (int i = 0; i < n_cases; ++i) {
    const bool typed = has_matrix(cases[i].op);
    if (!op_available(&k->cuda->table, cases[i].op)) {
      continue;
    }
    for (int s = typed && k->quick ? 1 : 0; s < (!typed ? 1 : k->quick ? 2 : 4); ++s) {
      const bool wanted = !k->only || strcmp(k->only, cases[i].name) == 0;
      if (wanted && (!gives_codes(cases[i].op) || seed == FIXED_SEED)) {
        check_case(k, &cases[i], storages[s], seed);
      }
    }
  }
}

// ---- timing ----

static void time_operators(check *k)
{
  int n_cases = 0;
  const op_case *cases = op_cases(&n_cases);
  printf("%-20s %6s %10s %10s %10s\n", "operator", "type", "us", "GB/s", "GMAC/s");
  for (int i = 0; i < n_cases; ++i) {
    const op_case *c = &cases[i];
    for (int s = 0; c->bench && s < (has_matrix(c->op) ? 2 : 1); ++s) {
      const dtype storage = s ? DTYPE_F16 : DTYPE_F32;
      error err = {0};
      op_bench *b = NULL;
      double seconds = 0.0;
      if (op_bench_new(&b, c, k->cuda, storage, FIXED_SEED, &err) != STATUS_OK ||
          op_bench_time(b, 50, 41, &seconds, &err) != STATUS_OK) {
        printf("FAILED  %s: %s\n", c->name, err.message);
        ++k->n_failed;
      } else {
        printf("%-20s %6s %10.2f %10.1f %10.1f\n", c->name, dtype_name(storage), seconds * 1e6,
               op_case_bytes(c, storage) / seconds * 1e-9, op_case_macs(c) / seconds * 1e-9);
      }
      op_bench_free(b);
    }
  }
}

// The shapes that codecs train with: the call, and its sweeps to inputs and to weights. A sum's
// multiply-add counts once in each.
static void time_sweeps(check *k)
{
  int n_cases = 0;
  const op_case *cases = op_training_cases(&n_cases);
  printf("%-20s %10s %10s %10s %10s %10s %10s\n", "training", "us", "to inputs", "to weights",
         "GMAC/s", "to inputs", "to weights");
  for (int i = 0; i < n_cases; ++i) {
    const op_case *c = &cases[i];
    error err = {0};
    op_bench *b = NULL;
    op_sweep_times t = {0};
    if (op_bench_new(&b, c, k->cuda, DTYPE_F32, FIXED_SEED, &err) != STATUS_OK ||
        op_bench_time_back(b, 10, 21, &t, &err) != STATUS_OK) {
      printf("FAILED  %s: %s\n", c->name, err.message);
      ++k->n_failed;
    } else {
      const double work = op_case_macs(c) * 1e-9;
      printf("%-20s %10.2f %10.2f %10.2f %10.1f %10.1f %10.1f\n", c->name, t.forward * 1e6,
             t.to_inputs * 1e6, t.to_weights * 1e6, work / t.forward, work / t.to_inputs,
             work / t.to_weights);
    }
    op_bench_free(b);
  }
}

// ---- the whole ----

static bool open_devices(check *k, int *exit_code)
{
  error err = {0};
  const device_options cuda = {.kind = COMPUTE_CUDA};
  const device_options judge = {.kind = COMPUTE_CPU, .variant = "reference", .f64 = true};
  const device_options cpu = {.kind = COMPUTE_CPU};
  const status code = device_open(&k->cuda, &cuda, &err);
  if (code != STATUS_OK) {
    printf("%s\n", err.message);
    *exit_code = code == STATUS_UNSUPPORTED ? 77 : 1;
    return false;
  }
  if (device_open(&k->judge, &judge, &err) != STATUS_OK ||
      device_open(&k->cpu, &cpu, &err) != STATUS_OK) {
    printf("FAILED  %s\n", err.message);
    *exit_code = 1;
    return false;
  }
  plain_allocate = k->cuda->allocate;
  k->cuda->allocate = poisoned_allocate;
  return true;
}

int main(int argc, char **argv)
{
  uint64_t fresh = 0;
  bool bench = true;
  check k = {.worst_name = "none"};
  for (int i = 1; i < argc; ++i) {
    if (strcmp(argv[i], "--no-bench") == 0) {
      bench = false;
    } else if (strcmp(argv[i], "--quick") == 0) {
      k.quick = true;
    } else if (strcmp(argv[i], "--seed") == 0 && i + 1 < argc) {
      fresh = strtoull(argv[++i], NULL, 10);
    } else if (strcmp(argv[i], "--case") == 0 && i + 1 < argc) {
      k.only = argv[++i];
    } else {
      fprintf(stderr, "usage: gpu_check [--seed N] [--case NAME] [--quick] [--no-bench]\n");
      return 2;
    }
  }
  int exit_code = 0;
  if (open_devices(&k, &exit_code)) {
    printf("%s against %s\n", k.cuda->name, k.judge->name);
    int n_cases = 0;
    const op_case *cases = op_cases(&n_cases);
    for (int pass = 0; pass < (fresh ? 2 : 1); ++pass) {
      const uint64_t seed = pass ? fresh : FIXED_SEED;
      check_operators(&k, cases, n_cases, seed);
      check_operators(&k, long_cases, (int)(sizeof long_cases / sizeof *long_cases), seed);
    }
    const gpu_check_plan plan = {k.cuda, k.judge, fresh ? fresh : FIXED_SEED, k.only,
                                 bench ? 3e7 : 2e6};
    const gpu_check_result parts[] = {
        gpu_check_gradients(&plan),      gpu_check_products(&plan),
        gpu_check_step(k.cuda, bench),   gpu_check_codec(k.cuda, k.cpu, bench),
        gpu_check_losses(k.cuda, k.cpu), gpu_check_training()};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; ++i) {
      k.n_checked += parts[i].n_checked;
      k.n_failed += parts[i].n_failed;
    }
    if (bench) {
      time_operators(&k);
      time_sweeps(&k);
      gpu_check_training_speed();
    }
    printf("%d checks, %d failed; largest error %g (%s)\n", k.n_checked, k.n_failed, k.worst,
           k.worst_name);
    exit_code = k.n_failed ? 1 : 0;
  }
  device_unref(k.cuda);
  device_unref(k.judge);
  device_unref(k.cpu);
  return exit_code;
}
