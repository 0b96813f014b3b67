// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "gpu/tape.h"
#include "tests/gpu/gpu_check.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define N_RANDOM 120
#define BOUND 5e-6 // relative, as for the CPU's variants: sums in f32 against double

typedef struct sweep_check {
  const gpu_check_plan *plan;
  gpu_check_result result;
  double worst;
  char worst_name[96];
} sweep_check;

double gpu_check_distance(const double *a, const double *b, int64_t count)
{
  double off = 0.0, norm = 0.0;
  for (int64_t i = 0; i < count; ++i) {
    off += (a[i] - b[i]) * (a[i] - b[i]);
    norm += b[i] * b[i];
  }
  if (norm == 0.0) {
    return off == 0.0 ? 0.0 : (double)INFINITY;
  }
  return isfinite(off) ? sqrt(off / norm) : (double)INFINITY;
}

static op_bench *sweep_case(const op_case *c, device *dev, dtype storage, uint64_t seed)
{
  error err = {0};
  op_bench *b = NULL;
  if (op_bench_new(&b, c, dev, storage, seed, &err) != STATUS_OK ||
      op_bench_backward(b, &err) != STATUS_OK) {
    printf("FAILED  %-24s back on %s: %s\n", c->name, dev->name, err.message);
    op_bench_free(b);
    return NULL;
  }
  return b;
}

static void report(sweep_check *k, const op_case *c, const char *slot, const char *what, double off,
                   double bound)
{
  ++k->result.n_checked;
  if (!(off <= bound)) {
    ++k->result.n_failed;
    printf("FAILED  %-24s d%s %s off by %g\n", c->name, slot, what, off);
  }
  if (!(off <= k->worst)) {
    k->worst = off;
    snprintf(k->worst_name, sizeof k->worst_name, "%s d%s", c->name, slot);
  }
}

static void compare(sweep_check *k, const op_case *c, const op_bench *truth, const op_bench *found,
                    const op_bench *again)
{
  for (int slot = 0; slot < op_bench_slots(truth); ++slot) {
    int64_t count = 0;
    const char *name = op_bench_slot_name(truth, slot);
    const double *x = op_bench_gradient(truth, slot, &count);
    const double *y = op_bench_gradient(found, slot, &count);
    const double *z = op_bench_gradient(again, slot, &count);
    report(k, c, name, "", gpu_check_distance(y, x, count), BOUND);
    const bool same = memcmp(y, z, (size_t)count * sizeof *y) == 0;
    report(k, c, name, "twice", same ? 0.0 : (double)INFINITY, 0.0);
  }
}

// Has a sweep back on the CPU, of its own or as a composition; not from caches.
static bool differentiable(const device *judge, const op_case *c)
{
  const bool cached = c->attention.cache == CACHE_CROSS || c->attention.cache == CACHE_STEP;
  return c->op == OP_NORM_LINEAR || (judge->table.backward[c->op] && !cached);
}

static void check_sweep(sweep_check *k, const op_case *c, dtype storage)
{
  const gpu_check_plan *plan = k->plan;
  if (!differentiable(plan->judge, c) || (plan->only && strcmp(plan->only, c->name) != 0)) {
    return;
  }
  op_bench *truth = sweep_case(c, plan->judge, storage, plan->seed);
  op_bench *found = sweep_case(c, plan->cuda, storage, plan->seed);
  op_bench *again = sweep_case(c, plan->cuda, storage, plan->seed);
  if (truth && found && again) {
    compare(k, c, truth, found, again);
  } else {
    ++k->result.n_checked;
    ++k->result.n_failed;
  }
  op_bench_free(truth);
  op_bench_free(found);
  op_bench_free(again);
}

// Fewer rows, no shorter than what a kernel reaches.
static op_case cut_case(const op_case *from, double most_macs)
{
  op_case c = *from;
  const int64_t reach = (c.kernel - 1) * (c.dilation ? c.dilation : 1) + 2;
  const int64_t reach_h = (c.kernel_h - 1) * (c.dilation_h ? c.dilation_h : 1) + 2;
  while (op_case_macs(&c) > most_macs && (c.rows > 2 * reach || c.height > 2 * reach_h)) {
    if (c.rows > 2 * reach) {
      c.rows = c.rows / 2 + 1;
    } else {
      c.height = c.height / 2 + 1;
    }
  }
  return c;
}

// Enough windows for several splits of a sum over them, every way of padding; enough rows and keys
// for several tiles of each size, every mask, rows that see nothing or only the sink.
static const op_case long_cases[] = {
    {.op = OP_CONV1D,
     .name = "split_reflect",
     .n = 2,
     .rows = 1500,
     .channels = 6,
     .outputs = 10,
     .kernel = 5,
     .stride = 1,
     .dilation = 2,
     .groups = 2,
     .pad_left = 5,
     .pad_right = 3,
     .mode = PAD_REFLECT,
     .act_in = ACT_ELU,
     .act_out = ACT_GELU,
     .bias = true,
     .residual = true},
    {.op = OP_CONV1D,
     .name = "split_replicate",
     .n = 3,
     .rows = 1400,
     .channels = 5,
     .outputs = 40,
     .kernel = 6,
     .stride = 2,
     .dilation = 2,
     .groups = 1,
     .pad_left = 10,
     .mode = PAD_REPLICATE,
     .act_out = ACT_TANH,
     .bias = true},
    {.op = OP_CONV1D,
     .name = "reflect_short",
     .n = 2,
     .rows = 4,
     .channels = 3,
     .outputs = 5,
     .kernel = 7,
     .stride = 1,
     .dilation = 1,
     .groups = 1,
     .pad_left = 6,
     .mode = PAD_REFLECT,
     .act_in = ACT_SILU,
     .bias = true},
    {.op = OP_CONV_TRANSPOSED1D,
     .name = "split_transposed",
     .n = 2,
     .rows = 700,
     .channels = 12,
     .outputs = 10,
     .kernel = 8,
     .stride = 3,
     .groups = 2,
     .pad_left = 2,
     .pad_right = 1,
     .act_in = ACT_ELU,
     .act_out = ACT_SIGMOID,
     .bias = true},
    {.op = OP_ATTENTION,
     .name = "attention_tiles",
     .n = 2,
     .rows = 110,
     .attention = {4, 2, 64, MASK_CAUSAL, CACHE_NONE, 0, 0, 0, 10000.0f, 0.125f}},
    {.op = OP_ATTENTION,
     .name = "attention_window_tiles",
     .n = 2,
     .rows = 141,
     .bias = true,
     .attention = {3, 1, 32, MASK_WINDOW_SINK, CACHE_NONE, 40, 0, 0, 10000.0f, 0.2f}},
    {.op = OP_ATTENTION,
     .name = "attention_prefix_tiles",
     .n = 1,
     .rows = 90,
     .attention = {2, 2, 25, MASK_PREFIX, CACHE_NONE, 0, 50, 0, 0.0f, 0.2f}},
    {.op = OP_ATTENTION,
     .name = "attention_other_keys",
     .n = 3,
     .rows = 50,
     .kernel = 37,
     .bias = true,
     .residual = true,
     .attention = {2, 1, 96, MASK_FULL, CACHE_NONE, 0, 0, 0, 10000.0f, 0.1f}},
    {.op = OP_ATTENTION,
     .name = "attention_widest",
     .n = 1,
     .rows = 21,
     .bias = true,
     .attention = {2, 2, 256, MASK_CAUSAL, CACHE_NONE, 0, 0, 0, 10000.0f, 0.0625f}},
    {.op = OP_ATTENTION,
     .name = "attention_blind_rows",
     .n = 2,
     .rows = 80,
     .kernel = 20,
     .residual = true,
     .attention = {1, 1, 16, MASK_WINDOW_SINK, CACHE_NONE, 6, 0, 0, 0.0f, 0.25f}},
    {.op = OP_ATTENTION,
     .name = "attention_only_the_sink", // and lengths more than a tile short of the window
     .n = 5,
     .rows = 36,
     .kernel = 20,
     .bias = true,
     .residual = true,
     .attention = {2, 1, 160, MASK_WINDOW_SINK, CACHE_NONE, 6, 0, 0, 10000.0f, 0.08f}},
    {.op = OP_ADD, .name = "add_row_long", .n = 2, .rows = 1300, .channels = 40, .bias = true},
};

gpu_check_result gpu_check_gradients(const gpu_check_plan *plan)
{
  sweep_check k = {.plan = plan, .worst_name = "none"};
  int count = 0;
  const op_case *cases = op_cases(&count);
  for (int i = 0; i < count; ++i) {
    check_sweep(&k, &cases[i], DTYPE_F32);
  }
  for (size_t i = 0; i < sizeof long_cases / sizeof *long_cases; ++i) {
    check_sweep(&k, &long_cases[i], DTYPE_F32);
  }
  cases = op_training_cases(&count);
  for (int i = 0; i < count; ++i) {
    const op_case c = cut_case(&cases[i], plan->most_macs);
    check_sweep(&k, &c, DTYPE_F32);
  }
  for (uint64_t i = 0; i < N_RANDOM; ++i) {
    char name[32];
    const op_case c = op_case_random(plan->seed + i, name);
    check_sweep(&k, &c, i % 4 == 0 ? DTYPE_BF16 : DTYPE_F32);
  }
  if (!plan->only && k.result.n_checked < 300) {
    printf("FAILED  only %d gradients were compared\n", k.result.n_checked);
    ++k.result.n_failed;
  }
  printf("gradients: %d checks, %d failed; largest error %g (%s)\n", k.result.n_checked,
         k.result.n_failed, k.worst, k.worst_name);
  return k.result;
}
