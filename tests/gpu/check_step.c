// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "base/random.h"
#include "gpu/capture.h"
#include "gpu/step_io.h"
#include "tests/gpu/gpu_check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define HOP 80
#define CHANNELS 24
#define ENTRIES 64
#define BOOKS 3
#define ARENA_BYTES ((size_t)16 << 20)
#define STEPS 24
#define BENCH_STEPS 4000

// Down, recurrence, quantise, look up, up: every kind of memory that a step carries.
enum { DOWN, DOWN_BIAS, IH, HH, B_IH, B_HH, UP, UP_BIAS, BOOK, N_WEIGHTS = BOOK + BOOKS };

typedef struct net {
  device *dev;
  weight weights[N_WEIGHTS];
  const weight *books[BOOKS];
  tensor down_history, state, up_history;
  stream_control control;
  arena memory;
  step_io *io; // in: [1, HOP, 1] audio; out: the same, then [1, 1, BOOKS] codes
  run r;
} net;

static const conv1d_args down_args = {.kernel = 2 * HOP,
                                      .stride = HOP,
                                      .dilation = 1,
                                      .groups = 1,
                                      .pad_left = HOP,
                                      .act_out = ACT_ELU,
                                      .act_slope = 1.0f};
static const conv_transposed1d_args up_args = {.kernel = 2 * HOP,
                                               .stride = HOP,
                                               .groups = 1,
                                               .trim_right = HOP,
                                               .act_in = ACT_ELU,
                                               .act_slope = 1.0f};

static status add_weight(net *m, int index, weight_use use, int rank, const int64_t *dims,
                         float spread, error *err)
{
  weight *w = &m->weights[index];
  char name[16];
  snprintf(name, sizeof name, "weight%d", index);
  weight_init(w, name, use, rank, dims);
  w->storage = DTYPE_F16;
  w->groups = 1;
  w->stride = use == WEIGHT_CONV_TRANSPOSED1D ? HOP : 1;
  status code = weight_allocate(w, false, err);
  const int64_t count =
      weight_count(w); // codebooks hold every entry four times: the first must win
  const int64_t period = use == WEIGHT_CODEBOOK ? count / 4 : count;
  for (int64_t i = 0; !code && i < count; ++i) {
    w->master[i] = (random_uniform(5, (uint64_t)index, (uint64_t)(i % period)) - 0.5f) * spread;
  }
  return code ? code : weight_refresh(m->dev, w, err);
}

static status build_weights(net *m, error *err)
{
  const int64_t down[] = {CHANNELS, 1, 2 * HOP}, gates[] = {4 * CHANNELS, CHANNELS};
  const int64_t up[] = {CHANNELS, 1, 2 * HOP}, book[] = {ENTRIES, CHANNELS};
  const int64_t vectors[] = {CHANNELS, 4 * CHANNELS, 1};
  status code = add_weight(m, DOWN, WEIGHT_CONV1D, 3, down, 0.5f, err);
  code = code ? code : add_weight(m, DOWN_BIAS, WEIGHT_VECTOR, 1, &vectors[0], 0.5f, err);
  code = code ? code : add_weight(m, IH, WEIGHT_LINEAR, 2, gates, 0.7f, err);
  code = code ? code : add_weight(m, HH, WEIGHT_LINEAR, 2, gates, 0.7f, err);
  code = code ? code : add_weight(m, B_IH, WEIGHT_VECTOR, 1, &vectors[1], 0.3f, err);
  code = code ? code : add_weight(m, B_HH, WEIGHT_VECTOR, 1, &vectors[1], 0.3f, err);
  code = code ? code : add_weight(m, UP, WEIGHT_CONV_TRANSPOSED1D, 3, up, 0.5f, err);
  code = code ? code : add_weight(m, UP_BIAS, WEIGHT_VECTOR, 1, &vectors[2], 0.5f, err);
  for (int k = 0; !code && k < BOOKS; ++k) {
    code = add_weight(m, BOOK + k, WEIGHT_CODEBOOK, 2, book, 1.0f / (float)(1 << k), err);
    m->books[k] = &m->weights[BOOK + k];
  }
  return code;
}

static tensor memory_of(net *m, int64_t rows, int64_t channels)
{
  void *data = m->dev->allocate(m->dev, (size_t)(rows * channels) * sizeof(float));
  return tensor_view(data, DTYPE_F32, 3, 1, rows, channels, 1);
}

static status net_open(net *m, device *dev, error *err)
{
  *m = (net){.dev = dev};
  m->down_history = memory_of(m, conv1d_history_rows(&down_args), 1);
  m->state = memory_of(m, 2, CHANNELS);
  m->up_history = memory_of(m, conv_transposed1d_history_rows(&up_args), CHANNELS);
  m->control.n_streams = 1;
  m->control.position = dev->allocate(dev, sizeof(int64_t));
  m->control.reset = dev->allocate(dev, 1);
  void *block = dev->allocate(dev, ARENA_BYTES);
  arena_init(&m->memory, block, block ? ARENA_BYTES : 0);
  run_init(&m->r, dev, &m->memory);
  m->r.control = &m->control;
  if (!m->down_history.data || !m->state.data || !m->up_history.data || !m->control.position ||
      !m->control.reset || !block) {
    return error_set(err, STATUS_NO_MEMORY, "no memory for the small codec");
  }
  const status code = build_weights(m, err);
  const size_t out = HOP * sizeof(float) + BOOKS * sizeof(int32_t);
  return code ? code : step_io_new(&m->io, dev, HOP * sizeof(float), out, err);
}

static void net_close(net *m)
{
  device *dev = m->dev;
  for (int i = 0; i < N_WEIGHTS; ++i) {
    weight_free(dev, &m->weights[i]);
  }
  dev->release(dev, m->down_history.data);
  dev->release(dev, m->state.data);
  dev->release(dev, m->up_history.data);
  dev->release(dev, m->control.position);
  dev->release(dev, m->control.reset);
  dev->release(dev, m->memory.data);
  step_io_free(m->io);
}

// One step, from the device's input to its output.
static void net_step(run *r, void *user)
{
  net *m = user;
  const weight *w = m->weights;
  step_io_receive(m->io, r);
  tensor x = tensor_view(m->io->device_input, DTYPE_F32, 3, 1, HOP, 1, 1);
  x = apply_conv1d(r, x, &w[DOWN], &w[DOWN_BIAS], NULL, &m->down_history, &down_args);
  x = apply_lstm(r, x, &w[IH], &w[HH], &w[B_IH], &w[B_HH], &m->state, true);
  if (run_ok(r)) {
    float *out = m->io->device_output;
    tensor audio = tensor_view(out, DTYPE_F32, 3, 1, HOP, 1, 1);
    tensor codes = tensor_view(out + HOP, DTYPE_I32, 3, 1, 1, BOOKS, 1);
    r->dev->table.rvq_encode(r, &codes, NULL, &x, m->books, BOOKS);
    x = apply_rvq_decode(r, codes, m->books, BOOKS);
    if (run_ok(r)) {
      r->dev->table.conv_transposed1d(r, &audio, &x, &w[UP], &w[UP_BIAS], &m->up_history,
                                      r->control, &up_args);
      r->dev->table.advance(r, &m->control, 1);
    }
  }
  step_io_send(m->io, r);
}

static status net_reset(net *m, error *err)
{
  const uint8_t reset = 1;
  const status code = m->dev->upload(m->dev, m->control.reset, &reset, 1, err);
  return code ? code : m->dev->clear(m->dev, m->control.position, sizeof(int64_t), err);
}

static void write_input(net *m, uint64_t step)
{
  for (uint64_t i = 0; i < HOP; ++i) {
    ((float *)m->io->input)[i] = random_uniform(9, step, i) - 0.5f;
  }
}

// One step, captured or not; the output is then readable.
static status step_once(net *m, capture *c, uint64_t step, error *err)
{
  write_input(m, step);
  if (c) {
    const status code = capture_launch(c, err);
    return code ? code : step_io_wait(m->io, err);
  }
  arena_rewind(&m->memory, 0);
  net_step(&m->r, m);
  if (!run_ok(&m->r)) {
    return error_set(err, m->r.failure.code, "%s", m->r.failure.message);
  }
  return step_io_wait(m->io, err);
}

// Steps of `plain` and of `captured` side by side; both start again in the middle.
static void compare_steps(net *plain, net *captured, capture *c, gpu_check_result *result)
{
  error err = {0};
  bool heard = false;
  for (uint64_t step = 0; step < STEPS; ++step) {
    status code = STATUS_OK;
    if (step == 0 || step == STEPS / 2) {
      code = net_reset(plain, &err);
      code = code ? code : net_reset(captured, &err);
    }
    code = code ? code : step_once(plain, NULL, step, &err);
    code = code ? code : step_once(captured, c, step, &err);
    ++result->n_checked;
    const float *a = plain->io->output, *b = captured->io->output;
    const int32_t *codes = (const int32_t *)(a + HOP);
    heard = heard || a[HOP / 2] != 0.0f;
    bool first = true;
    for (int k = 0; k < BOOKS; ++k) {
      first = first && codes[k] >= 0 && codes[k] < ENTRIES / 4;
    }
    if (code || !first || memcmp(a, b, plain->io->output_bytes) != 0) {
      printf("FAILED  captured step %d: %s\n", (int)step,
             code     ? err.message
             : !first ? "not the lowest of equal codewords"
                      : "other bits");
      ++result->n_failed;
      return;
    }
  }
  ++result->n_checked;
  if (!heard) {
    printf("FAILED  captured step: silence\n");
    ++result->n_failed;
  }
}

static int by_value(const void *a, const void *b)
{
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static double now_us(void)
{
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec * 1e6 + (double)t.tv_nsec * 1e-3;
}

static void time_steps(net *m, capture *c)
{
  static double us[BENCH_STEPS];
  error err = {0};
  for (int i = 0; i < BENCH_STEPS; ++i) {
    const double start = now_us();
    if (step_once(m, c, (uint64_t)i, &err) != STATUS_OK) {
      printf("no latency: %s\n", err.message);
      return;
    }
    us[i] = now_us() - start;
  }
  qsort(us, BENCH_STEPS, sizeof *us, by_value);
  printf("small codec, input to output, back to back: p50 %.1f us, p99 %.1f, max %.1f\n",
         us[BENCH_STEPS / 2], us[BENCH_STEPS * 99 / 100], us[BENCH_STEPS - 1]);
}

gpu_check_result gpu_check_step(device *dev, bool bench)
{
  gpu_check_result result = {0};
  error err = {0};
  net plain = {.dev = dev}, captured = {.dev = dev};
  capture *c = NULL;
  status code = net_open(&plain, dev, &err);
  code = code ? code : net_open(&captured, dev, &err);
  code = code ? code : capture_new(&c, &captured.r, net_step, &captured, &err);
  if (code) {
    printf("FAILED  small codec: %s\n", err.message);
    result.n_checked = result.n_failed = 1;
  } else {
    compare_steps(&plain, &captured, c, &result);
    if (bench && result.n_failed == 0) {
      time_steps(&captured, c);
    }
  }
  capture_free(c);
  net_close(&plain);
  net_close(&captured);
  return result;
}
