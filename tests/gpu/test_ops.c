// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// Every operator case: variants against the reference in double, and the exactness that the
// project promises: pieces equal the whole, threads do not matter, a stream among many is alone.

#include "gpu/cases/op_cases.h"
#include "gpu/cpu/device_cpu.h"

#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SEED 20260101

#define MAX_VARIANTS 8
#ifdef __SANITIZE_THREAD__
#define N_RANDOM 4 // what threads share does not depend on shapes, and each takes many seconds
#else
#define N_RANDOM 60
#endif

// Opened once: every variant that this processor has, alone and with two threads.
typedef struct devices {
  device *judge;             // reference in double
  device *one[MAX_VARIANTS]; // [0] is the reference in float
  device *two[MAX_VARIANTS];
  const char *names[MAX_VARIANTS];
  int count;
} devices;

static device *open_device(const char *variant, bool f64, int n_threads)
{
  error err = {0};
  device *dev = NULL;
  const device_options options = {
      .kind = COMPUTE_CPU, .n_threads = n_threads, .variant = variant, .f64 = f64};
  if (device_open(&dev, &options, &err) != STATUS_OK) {
    fail_msg("%s", err.message);
  }
  return dev;
}

static int open_devices(void **state)
{
  static devices d;
  int n_variants = 0;
  const cpu_variant *variants = cpu_variants(&n_variants);
  d.judge = open_device("reference", true, 1);
  for (int v = n_variants - 1; v >= 0 && d.count < MAX_VARIANTS; --v) { // the reference is last
    if (!variants[v].supported()) {
      print_message("%s: this processor has none, skipped\n", variants[v].name);
      continue;
    }
    d.names[d.count] = variants[v].name;
    d.one[d.count] = open_device(variants[v].name, false, 1);
    d.two[d.count++] = open_device(variants[v].name, false, 2);
  }
  *state = &d;
  return 0;
}

static int close_devices(void **state)
{
  devices *d = *state;
  for (int v = 0; v < d->count; ++v) {
    device_unref(d->one[v]);
    device_unref(d->two[v]);
  }
  device_unref(d->judge);
  return 0;
}

static op_bench *run_case(const op_case *c, device *dev, dtype storage, int64_t piece)
{
  error err = {0};
  op_bench *b = NULL;
  if (op_bench_new(&b, c, dev, storage, SEED, &err) != STATUS_OK ||
      op_bench_run(b, piece, &err) != STATUS_OK) {
    fail_msg("%s on %s: %s", c->name, dev->name, err.message);
  }
  return b;
}

// |a - b| / |b|; infinite when anything is not finite.
static double relative_error(const op_bench *a, const op_bench *b)
{
  int64_t count_a = 0, count_b = 0;
  const double *x = op_bench_result(a, &count_a), *y = op_bench_result(b, &count_b);
  assert_int_equal(count_a, count_b);
  assert_true(count_a > 0);
  double off = 0.0, norm = 0.0;
  for (int64_t i = 0; i < count_a; ++i) {
    off += (x[i] - y[i]) * (x[i] - y[i]);
    norm += y[i] * y[i];
  }
  if (norm == 0.0) { // a rectifier may leave nothing
    return off == 0.0 ? 0.0 : (double)INFINITY;
  }
  return isfinite(off) ? sqrt(off / norm) : (double)INFINITY;
}

static bool same_bits(const op_bench *a, const op_bench *b)
{
  int64_t count_a = 0, count_b = 0;
  const double *x = op_bench_result(a, &count_a), *y = op_bench_result(b, &count_b);
  return count_a == count_b && memcmp(x, y, (size_t)count_a * sizeof *x) == 0;
}

static bool has_matrix(op_id op)
{
  return op <= OP_NORM_LINEAR || op == OP_LSTM;
}

static void check_near_double(const devices *d, const op_case *c)
{
  const dtype storages[] = {DTYPE_F32, DTYPE_F16, DTYPE_BF16};
  for (int s = 0; s < (has_matrix(c->op) ? 3 : 1); ++s) {
    op_bench *truth = run_case(c, d->judge, storages[s], 0);
    for (int v = 0; v < d->count; ++v) {
      op_bench *found = run_case(c, d->one[v], storages[s], 0);
      const double off = relative_error(found, truth);
      if (!(off < 3e-6)) {
        fail_msg("%s %s on %s: relative error %g", c->name, dtype_name(storages[s]), d->names[v],
                 off);
      }
      op_bench_free(found);
    }
    op_bench_free(truth);
  }
}

static void each_variant_is_near_double(void **state)
{
  int n_cases = 0;
  const op_case *cases = op_cases(&n_cases);
  for (int i = 0; i < n_cases; ++i) {
    check_near_double(*state, &cases[i]);
  }
}

static void check_int8(const devices *d, const op_case *c)
{
  op_bench *truth = run_case(c, d->judge, DTYPE_F32, 0);
  op_bench *reference = run_case(c, d->one[0], DTYPE_I8, 0);
  for (int v = 0; v < d->count; ++v) {
    op_bench *found = run_case(c, d->one[v], DTYPE_I8, 0);
    if (!(relative_error(found, truth) < 0.03) || !(relative_error(found, reference) < 3e-3)) {
      fail_msg("%s i8 on %s: %g from f64, %g from the reference", c->name, d->names[v],
               relative_error(found, truth), relative_error(found, reference));
    }
    op_bench_free(found);
  }
  op_bench_free(truth);
  op_bench_free(reference);
}

static void int8_is_near_and_variants_agree(void **state)
{
  int n_cases = 0;
  const op_case *cases = op_cases(&n_cases);
  for (int i = 0; i < n_cases; ++i) {
    if (has_matrix(cases[i].op)) {
      check_int8(*state, &cases[i]);
    }
  }
}

// Integer sums are exact in every variant; what differs is the last bit of activations, which an
// LSTM quantises again.
static void check_int8_agrees(const devices *d, const op_case *c)
{
  op_bench *reference = run_case(c, d->one[0], DTYPE_I8, 0);
  for (int v = 1; v < d->count; ++v) {
    op_bench *found = run_case(c, d->one[v], DTYPE_I8, 0);
    const double off = relative_error(found, reference);
    if (!(off < (c->op == OP_LSTM || c->act_in != ACT_NONE ? 3e-3 : 3e-6))) {
      fail_msg("%s i8 on %s: %g from the reference", c->name, d->names[v], off);
    }
    op_bench_free(found);
  }
  op_bench_free(reference);
}

// Pieces, threads and neighbours on one variant, in every storage type.
static void check_exactness(const devices *d, int v, const op_case *c, dtype storage)
{
  device *one = d->one[v], *two = d->two[v];
  const char *variant = d->names[v];
  op_bench *whole = run_case(c, one, storage, 0);
  const int64_t unit = c->op == OP_CONV1D ? c->stride : 1;
  for (int64_t pieces = 1; c->streaming && pieces <= 5; pieces += 2) {
    op_bench *split = run_case(c, one, storage, pieces * unit);
    if (!same_bits(whole, split)) {
      fail_msg("%s %s %s: pieces of %lld rows differ from the whole", c->name, variant,
               dtype_name(storage), (long long)(pieces * unit));
    }
    op_bench_free(split);
  }
  op_bench *threaded = run_case(c, two, storage, 0);
  if (!same_bits(whole, threaded)) {
    fail_msg("%s %s %s: two threads differ from one", c->name, variant, dtype_name(storage));
  }
  op_bench_free(threaded);
  for (int64_t n = 0; c->n > 1 && n < c->n; ++n) {
    error err = {0};
    op_bench *alone = NULL;
    if (op_bench_new_stream(&alone, c, one, storage, SEED, n, &err) != STATUS_OK ||
        op_bench_run(alone, 0, &err) != STATUS_OK) {
      fail_msg("%s: %s", c->name, err.message);
    }
    int64_t count = 0, each = 0;
    const double *all = op_bench_result(whole, &count), *one_of = op_bench_result(alone, &each);
    assert_int_equal(count, each * c->n);
    if (memcmp(all + n * each, one_of, (size_t)each * sizeof *all) != 0) {
      fail_msg("%s %s %s: stream %lld differs from itself alone", c->name, variant,
               dtype_name(storage), (long long)n);
    }
    op_bench_free(alone);
  }
  op_bench_free(whole);
}

static void check_bits(const devices *d, const op_case *c)
{
  const dtype storages[] = {DTYPE_F32, DTYPE_F16, DTYPE_BF16, DTYPE_I8};
  for (int v = 0; v < d->count; ++v) {
    for (int s = 0; s < (has_matrix(c->op) ? 4 : 1); ++s) {
      check_exactness(d, v, c, storages[s]);
    }
  }
}

static void bits_do_not_depend_on_pieces_threads_or_neighbours(void **state)
{
  int n_cases = 0;
  const op_case *cases = op_cases(&n_cases);
  for (int i = 0; i < n_cases; ++i) {
    check_bits(*state, &cases[i]);
  }
}

// Shapes that nobody thought of; the seed is in the name.
static void random_shapes_are_near_and_exact(void **state)
{
  for (uint64_t seed = 0; seed < N_RANDOM; ++seed) {
    char name[32];
    const op_case c = op_case_random(seed, name);
    check_near_double(*state, &c);
    check_bits(*state, &c);
    if (has_matrix(c.op)) {
      check_int8_agrees(*state, &c);
    }
  }
}

// Has a sweep back, of its own or as a composition; not from caches.
static bool differentiable(const device *dev, const op_case *c)
{
  const bool cached = c->attention.cache == CACHE_CROSS || c->attention.cache == CACHE_STEP;
  return c->op == OP_NORM_LINEAR || (dev->table.backward[c->op] && !cached);
}

// Central differences against the tape, in double.
static void gradients_match_finite_differences(void **state)
{
  int n_cases = 0, checked = 0;
  const op_case *cases = op_cases(&n_cases);
  device *dev = ((const devices *)*state)->judge;
  for (int i = 0; i < n_cases; ++i) {
    const op_case *c = &cases[i];
    if (!differentiable(dev, c) || c->rows * c->channels * c->outputs > 400000) {
      continue;
    }
    error err = {0};
    op_bench *b = NULL;
    if (op_bench_new(&b, c, dev, DTYPE_F32, SEED, &err) != STATUS_OK ||
        op_bench_backward(b, &err) != STATUS_OK) {
      fail_msg("%s: %s", c->name, err.message);
    }
    for (int slot = 0; slot < op_bench_slots(b); ++slot) {
      int64_t count = 0;
      const double *gradient = op_bench_gradient(b, slot, &count);
      for (int64_t k = 0; k < 24; ++k) {
        const int64_t index = (k * 7919 + 13) % count;
        const double h = 0x1p-12; // exact in f32 next to weights of order one
        const double slope =
            (op_bench_loss(b, slot, index, h) - op_bench_loss(b, slot, index, -h)) / (2 * h);
        if (!(fabs(slope - gradient[index]) < 1e-5 * (1.0 + fabs(slope)))) {
          fail_msg("%s d%s[%lld]: tape %g, differences %g", c->name, op_bench_slot_name(b, slot),
                   (long long)index, gradient[index], slope);
        }
        ++checked;
      }
    }
    op_bench_free(b);
  }
  assert_true(checked > 100);
}

static double gradient_error(const op_bench *found, const op_bench *truth, int slot)
{
  int64_t count = 0;
  const double *x = op_bench_gradient(found, slot, &count);
  const double *y = op_bench_gradient(truth, slot, &count);
  double off = 0.0, norm = 0.0;
  for (int64_t i = 0; i < count; ++i) {
    off += (x[i] - y[i]) * (x[i] - y[i]);
    norm += y[i] * y[i];
  }
  if (norm == 0.0) {
    return off == 0.0 ? 0.0 : (double)INFINITY;
  }
  return isfinite(off) ? sqrt(off / norm) : (double)INFINITY;
}

static op_bench *sweep_case(const op_case *c, device *dev, dtype storage)
{
  error err = {0};
  op_bench *b = NULL;
  if (op_bench_new(&b, c, dev, storage, SEED, &err) != STATUS_OK ||
      op_bench_backward(b, &err) != STATUS_OK) {
    fail_msg("%s on %s: %s", c->name, dev->name, err.message);
  }
  return b;
}

// Every variant's sweep back against the reference in double.
static void check_sweep(const devices *d, const op_case *c, dtype storage)
{
  op_bench *truth = sweep_case(c, d->judge, storage);
  for (int v = 0; v < d->count; ++v) {
    op_bench *found = sweep_case(c, d->one[v], storage);
    for (int slot = 0; slot < op_bench_slots(truth); ++slot) {
      const double off = gradient_error(found, truth, slot);
      if (!(off < 5e-6)) {
        fail_msg("%s %s on %s: d%s: relative error %g", c->name, dtype_name(storage), d->names[v],
                 op_bench_slot_name(truth, slot), off);
      }
    }
    op_bench_free(found);
  }
  op_bench_free(truth);
}

static void each_variant_sweeps_back_near_double(void **state)
{
  const devices *d = *state;
  int n_cases = 0, checked = 0;
  const op_case *cases = op_cases(&n_cases);
  for (int i = 0; i < n_cases; ++i) {
    if (differentiable(d->judge, &cases[i])) {
      check_sweep(d, &cases[i], DTYPE_F32);
      ++checked;
    }
  }
  assert_true(checked > 20);
}

static void check_same_gradients(const op_bench *a, const op_bench *b, const char *name)
{
  for (int slot = 0; slot < op_bench_slots(a); ++slot) {
    int64_t count = 0;
    const double *x = op_bench_gradient(a, slot, &count), *y = op_bench_gradient(b, slot, &count);
    if (memcmp(x, y, (size_t)count * sizeof *x) != 0) {
      fail_msg("%s: d%s is not the same twice", name, op_bench_slot_name(a, slot));
    }
  }
}

// Large enough to be shared out.
static void two_threads_sweep_back_the_same_bits(void **state)
{
  const devices *d = *state;
  static const op_case shared[] = {{.op = OP_LSTM,
                                    .name = "lstm_shared",
                                    .n = 3,
                                    .rows = 7,
                                    .channels = 70,
                                    .outputs = 70,
                                    .bias = true,
                                    .residual = true},
                                   {.op = OP_CONV1D,
                                    .name = "conv_shared",
                                    .n = 2,
                                    .rows = 90,
                                    .channels = 33,
                                    .outputs = 40,
                                    .kernel = 5,
                                    .stride = 1,
                                    .dilation = 1,
                                    .groups = 1,
                                    .pad_left = 4,
                                    .act_in = ACT_ELU,
                                    .bias = true},
                                   {.op = OP_LINEAR,
                                    .name = "linear_shared",
                                    .n = 2,
                                    .rows = 90,
                                    .channels = 70,
                                    .outputs = 50,
                                    .act_out = ACT_TANH,
                                    .bias = true}};
  for (int i = 0; i < d->count * 3; ++i) {
    const op_case *c = &shared[i % 3];
    op_bench *one = sweep_case(c, d->one[i / 3], DTYPE_F32);
    op_bench *two = sweep_case(c, d->two[i / 3], DTYPE_F32);
    check_same_gradients(one, two, c->name);
    op_bench_free(one);
    op_bench_free(two);
  }
}

static void random_shapes_sweep_back_near_double(void **state)
{
  const devices *d = *state;
  int checked = 0;
  for (uint64_t seed = 0; seed < 4 * N_RANDOM; ++seed) {
    char name[32];
    const op_case c = op_case_random(seed, name);
    if (differentiable(d->judge, &c)) {
      check_sweep(d, &c, seed % 4 == 0 ? DTYPE_BF16 : DTYPE_F32);
      ++checked;
    }
  }
  assert_true(checked >= N_RANDOM / 2);
}

// One trainer's lane: a device of its own, no team, all cases with a sweep back.
typedef struct lane {
  const char *variant;
  device *dev;
  op_bench **swept; // by case; null where there is no sweep back
  status code;
  error failure; // tells more where `code` is not STATUS_OK
} lane;

static void *lane_work(void *user)
{
  lane *l = user;
  int n_cases = 0;
  const op_case *cases = op_cases(&n_cases);
  const device_options options = {.kind = COMPUTE_CPU, .n_threads = 1, .variant = l->variant};
  l->code = device_open(&l->dev, &options, &l->failure);
  for (int i = 0; !l->code && i < n_cases; ++i) {
    if (differentiable(l->dev, &cases[i])) {
      l->code = op_bench_new(&l->swept[i], &cases[i], l->dev, DTYPE_F32, SEED, &l->failure);
      l->code = l->code ? l->code : op_bench_backward(l->swept[i], &l->failure);
    }
  }
  return NULL;
}

static void lanes_at_once_have_the_same_bits(void **state)
{
  const devices *d = *state;
  int n_cases = 0, checked = 0;
  const op_case *cases = op_cases(&n_cases);
  for (int v = 0; v < d->count; ++v) {
    lane lanes[2] = {{.variant = d->names[v]}, {.variant = d->names[v]}};
    pthread_t threads[2];
    for (int i = 0; i < 2; ++i) {
      lanes[i].swept = calloc((size_t)n_cases, sizeof *lanes[i].swept);
      assert_non_null(lanes[i].swept);
      assert_int_equal(pthread_create(&threads[i], NULL, lane_work, &lanes[i]), 0);
    }
    for (int i = 0; i < 2; ++i) {
      pthread_join(threads[i], NULL);
      if (lanes[i].code != STATUS_OK) {
        fail_msg("%s: %s", d->names[v], lanes[i].failure.message);
      }
    }
    for (int i = 0; i < n_cases; ++i) {
      if (lanes[0].swept[i]) {
        check_same_gradients(lanes[0].swept[i], lanes[1].swept[i], cases[i].name);
        ++checked;
      }
      op_bench_free(lanes[0].swept[i]);
      op_bench_free(lanes[1].swept[i]);
    }
    for (int i = 0; i < 2; ++i) {
      free(lanes[i].swept);
      device_unref(lanes[i].dev);
    }
  }
  assert_true(checked > 40);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(each_variant_is_near_double),
      cmocka_unit_test(int8_is_near_and_variants_agree),
      cmocka_unit_test(bits_do_not_depend_on_pieces_threads_or_neighbours),
      cmocka_unit_test(random_shapes_are_near_and_exact),
      cmocka_unit_test(gradients_match_finite_differences),
      cmocka_unit_test(each_variant_sweeps_back_near_double),
      cmocka_unit_test(two_threads_sweep_back_the_same_bits),
      cmocka_unit_test(random_shapes_sweep_back_near_double),
      cmocka_unit_test(lanes_at_once_have_the_same_bits),
  };
  return cmocka_run_group_tests(tests, open_devices, close_devices);
}
