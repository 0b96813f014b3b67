// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// Products with operands rounded to bf16. What rounding must give is the same call over values that
// are rounded already, in double on the CPU.

#include "base/arena.h"
#include "gpu/run.h"
#include "tests/gpu/gpu_check.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Relative, of the whole array. Operands are spread evenly about zero: rounding puts each off by
// 1.7e-3 and a product by 2.4e-3. Tensor cores may cut what they sum where f32 would round.
#define ROUNDED_BOUND 3e-5
#define OFF_LEAST 1.2e-3
#define OFF_MOST 3.6e-3
#define EXACT_BOUND 5e-6

typedef struct products_check {
  device *bf16, *judge;
  const gpu_check_plan *plan;
  bool may_refuse; // a card's cuBLAS may round operands, but need not
  gpu_check_result result;
  double worst;
} products_check;

// Without bias or activation, whose gradients are no products of rounded values. Of each kernel's
// tiles the narrow one and the wide one, with edges that do not fill them.
static const op_case own[] = {
    {.op = OP_CONV1D,
     .name = "narrow",
     .n = 2,
     .rows = 301,
     .channels = 20,
     .outputs = 25,
     .kernel = 7,
     .stride = 1,
     .dilation = 2,
     .groups = 1,
     .pad_left = 12},
    {.op = OP_CONV1D,
     .name = "wide",
     .n = 2,
     .rows = 1404,
     .channels = 40,
     .outputs = 70,
     .kernel = 6,
     .stride = 3,
     .dilation = 1,
     .groups = 1,
     .pad_left = 3,
     .mode = PAD_REFLECT},
    {.op = OP_CONV1D,
     .name = "groups",
     .n = 3,
     .rows = 400,
     .channels = 36,
     .outputs = 40,
     .kernel = 5,
     .stride = 2,
     .dilation = 1,
     .groups = 2,
     .pad_left = 3},
    {.op = OP_CONV_TRANSPOSED1D,
     .name = "transposed",
     .n = 2,
     .rows = 200,
     .channels = 24,
     .outputs = 14,
     .kernel = 6,
     .stride = 3,
     .dilation = 1,
     .groups = 1,
     .pad_right = 3},
    {.op = OP_CONV2D,
     .name = "picture",
     .n = 2,
     .height = 20,
     .rows = 33,
     .channels = 16,
     .outputs = 18,
     .kernel_h = 3,
     .kernel = 5,
     .stride_h = 1,
     .stride = 2,
     .dilation = 1,
     .dilation_h = 2,
     .groups = 1,
     .pad_left = 2,
     .pad_right = 2},
};

// The linear layer is large enough for cuBLAS.
static const op_case of_blas[] = {
    {.op = OP_LINEAR, .name = "linear", .n = 2, .rows = 150, .channels = 240, .outputs = 250},
    {.op = OP_MATMUL, .name = "product", .n = 2, .rows = 60, .channels = 70, .outputs = 50},
    {.op = OP_MATMUL,
     .name = "turned",
     .n = 2,
     .rows = 60,
     .channels = 70,
     .outputs = 50,
     .residual = true},
};

// What stays in f32: tiles of 8 columns, and spectra.
static const op_case exact[] = {
    {.op = OP_CONV1D,
     .name = "to_one",
     .n = 2,
     .rows = 400,
     .channels = 8,
     .outputs = 1,
     .kernel = 7,
     .stride = 1,
     .dilation = 1,
     .groups = 1,
     .pad_left = 6},
    {.op = OP_STFT, .name = "spectra", .n = 2, .rows = 1000, .stft = {128, 128, 32, true, 1.0f}},
};

static void report(products_check *k, bool passed, const char *name, const char *what, double off)
{
  ++k->result.n_checked;
  if (!passed) {
    ++k->result.n_failed;
    printf("FAILED  products in bf16: %s %s off by %g\n", name, what, off);
  }
}

// The call's result and all gradients; null after a failure, which is told.
static op_bench *sweep(products_check *k, const op_case *c, device *dev)
{
  error err = {0};
  op_bench *b = NULL;
  if (op_bench_new(&b, c, dev, DTYPE_F32, k->plan->seed, &err) != STATUS_OK ||
      op_bench_run(b, 0, &err) != STATUS_OK || op_bench_backward(b, &err) != STATUS_OK) {
    printf("FAILED  products in bf16: %s on %s: %s\n", c->name, dev->name, err.message);
    op_bench_free(b);
    return NULL;
  }
  return b;
}

static void compare(products_check *k, const char *name, const char *what, int64_t count,
                    const double *found, const double *rounded, const double *plain)
{
  const double off = gpu_check_distance(found, rounded, count);
  const double away = gpu_check_distance(found, plain, count);
  if (k->may_refuse && away <= EXACT_BOUND) {
    return;
  }
  k->worst = off > k->worst ? off : k->worst;
  report(k, off <= ROUNDED_BOUND, name, what, off);
  report(k, away >= OFF_LEAST && away <= OFF_MOST, name, "from f32", away);
}

static void check_rounded(products_check *k, const op_case *plain)
{
  op_case rounded = *plain;
  rounded.bf16_values = true;
  op_bench *found = sweep(k, plain, k->bf16);
  op_bench *truth = sweep(k, &rounded, k->judge), *apart = sweep(k, plain, k->judge);
  if (!found || !truth || !apart) {
    report(k, false, plain->name, "did not run", 0.0);
  } else {
    int64_t count = 0;
    compare(k, plain->name, "y", op_bench_result(found, &count) ? count : 0,
            op_bench_result(found, &count), op_bench_result(truth, &count),
            op_bench_result(apart, &count));
    for (int slot = 0; slot < op_bench_slots(found); ++slot) {
      const char *name = op_bench_slot_name(found, slot);
      const double *y = op_bench_gradient(found, slot, &count);
      if (strcmp(name, "bias") != 0) {
        compare(k, plain->name, name, count, y, op_bench_gradient(truth, slot, &count),
                op_bench_gradient(apart, slot, &count));
      }
    }
  }
  op_bench_free(found);
  op_bench_free(truth);
  op_bench_free(apart);
}

static void check_exact(products_check *k, const op_case *c)
{
  op_bench *found = sweep(k, c, k->bf16), *truth = sweep(k, c, k->judge);
  int64_t count = 0;
  const double *y = found ? op_bench_result(found, &count) : NULL;
  const double off =
      y && truth ? gpu_check_distance(y, op_bench_result(truth, &count), count) : (double)INFINITY;
  report(k, off <= EXACT_BOUND, c->name, "should be f32,", off);
  if (c->op == OP_STFT && found && truth) {
    y = op_bench_gradient(found, 0, &count);
    const double back = gpu_check_distance(y, op_bench_gradient(truth, 0, &count), count);
    report(k, back <= EXACT_BOUND, c->name, "should be f32 on its way back,", back);
  }
  op_bench_free(found);
  op_bench_free(truth);
}

// Halves go to the even: 1 + 2^-8 to 1, 1 + 3 * 2^-8 to 1 + 2^-6. Sixty-four of their products are
// 65, where f32 has 65.0029.
static void check_known_numbers(products_check *k)
{
  enum { SIDE = 64 };
  static float a[SIDE * SIDE], b[SIDE * SIDE], y[SIDE * SIDE];
  device *dev = k->bf16;
  error err = {0};
  void *block = dev->allocate(dev, 4 * sizeof a);
  arena memory;
  run r;
  for (int i = 0; i < SIDE * SIDE; ++i) {
    a[i] = 1.0f + 0x1p-8f;
    b[i] = 1.0f + 3.0f * 0x1p-8f;
  }
  arena_init(&memory, block, block ? 4 * sizeof a : 0);
  run_init(&r, dev, &memory);
  const tensor left = run_tensor(&r, DTYPE_F32, 3, 1, SIDE, SIDE, 1);
  const tensor right = run_tensor(&r, DTYPE_F32, 3, 1, SIDE, SIDE, 1);
  tensor found = run_tensor(&r, DTYPE_F32, 3, 1, SIDE, SIDE, 1);
  run_upload(&r, left.data, a, sizeof a);
  run_upload(&r, right.data, b, sizeof b);
  if (run_ok(&r)) {
    dev->table.matmul(&r, &found, &left, &right, false);
  }
  run_download(&r, y, found.data, sizeof y);
  err = r.failure;
  for (int i = 0; i < SIDE * SIDE && err.code == STATUS_OK; ++i) {
    const bool plain = k->may_refuse && fabs((double)y[i] - 65.0029) < 1e-3;
    if (y[i] != 65.0f && !plain) {
      err.code = STATUS_FORMAT;
      report(k, false, "known numbers,", "expected 65,", (double)y[i] - 65.0);
    }
  }
  report(k, err.code == STATUS_OK, "known numbers", err.message, 0.0);
  dev->release(dev, block);
}

gpu_check_result gpu_check_products(const gpu_check_plan *plan)
{
  products_check k = {.judge = plan->judge, .plan = plan};
  const device_options wanted = {.kind = COMPUTE_CUDA, .products = PRODUCTS_BF16};
  error err = {0};
  const status code = device_open(&k.bf16, &wanted, &err);
  if (code == STATUS_UNSUPPORTED) {
    printf("no products in bf16: %s\n", err.message);
    return k.result;
  }
  report(&k, code == STATUS_OK, "the device", err.message, 0.0);
  if (code == STATUS_OK) {
    report(&k, strstr(k.bf16->name, "products in bf16") != NULL, "the device's name", "", 0.0);
    for (size_t i = 0; i < sizeof own / sizeof *own; ++i) {
      check_rounded(&k, &own[i]);
    }
    for (size_t i = 0; i < sizeof exact / sizeof *exact; ++i) {
      check_exact(&k, &exact[i]);
    }
    k.may_refuse = !strstr(k.bf16->name, "emulated");
    for (size_t i = 0; i < sizeof of_blas / sizeof *of_blas; ++i) {
      check_rounded(&k, &of_blas[i]);
    }
    check_known_numbers(&k);
  }
  printf("products in bf16: %d checks, %d failed; off by %g\n", k.result.n_checked,
         k.result.n_failed, k.worst);
  device_unref(k.bf16);
  return k.result;
}
