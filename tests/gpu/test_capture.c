// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// Captured steps on the CPU: what they do, and what their failures say. The same on CUDA is part of
// gpu_check.

#include "gpu/capture.h"
#include "gpu/step_io.h"
#include "tests/gpu/gpu_check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static device *open_cpu(void)
{
  error err = {0};
  device *dev = NULL;
  const device_options options = {.kind = COMPUTE_CPU};
  if (device_open(&dev, &options, &err) != STATUS_OK) {
    fail_msg("%s", err.message);
  }
  return dev;
}

static void a_captured_step_is_the_step(void **state)
{
  (void)state;
  device *dev = open_cpu();
  const gpu_check_result result = gpu_check_step(dev, false);
  assert_true(result.n_checked > 20);
  assert_int_equal(result.n_failed, 0);
  device_unref(dev);
}

typedef struct counted {
  step_io *io;
  int n_calls;
  size_t scratch_bytes;
} counted;

static void count_body(run *r, void *user)
{
  counted *c = user;
  ++c->n_calls;
  step_io_receive(c->io, r);
  float *scratch = run_scratch(r, c->scratch_bytes);
  for (int i = 0; scratch && i < 4; ++i) {
    ((float *)c->io->device_output)[i] = 2.0f * ((const float *)c->io->device_input)[i];
  }
  step_io_send(c->io, r);
}

static void nothing_happens_before_the_first_launch(void **state)
{
  (void)state;
  device *dev = open_cpu();
  error err = {0};
  _Alignas(64) unsigned char block[256];
  arena memory;
  run r;
  capture *c = NULL;
  arena_init(&memory, block, sizeof block);
  run_init(&r, dev, &memory);
  counted counts = {.scratch_bytes = 200};
  assert_int_equal(step_io_new(&counts.io, dev, 16, 16, &err), STATUS_OK);
  assert_int_equal(capture_new(&c, &r, count_body, &counts, &err), STATUS_OK);
  assert_int_equal(counts.n_calls, 0);
  assert_true(((const float *)counts.io->output)[1] == 0.0f);
  for (int i = 1; i <= 3; ++i) { // the arena has room for one: every launch begins where it began
    ((float *)counts.io->input)[1] = (float)i;
    assert_int_equal(capture_launch(c, &err), STATUS_OK);
    assert_int_equal(step_io_wait(counts.io, &err), STATUS_OK);
    assert_true(((const float *)counts.io->output)[1] == 2.0f * (float)i);
  }
  assert_int_equal(capture_wait(c, &err), STATUS_OK);
  assert_int_equal(counts.n_calls, 3);
  capture_free(c);
  step_io_free(counts.io);
  device_unref(dev);
}

static void a_failing_launch_says_why(void **state)
{
  (void)state;
  device *dev = open_cpu();
  error err = {0};
  _Alignas(64) unsigned char block[128];
  arena memory;
  run r;
  capture *c = NULL;
  arena_init(&memory, block, sizeof block);
  run_init(&r, dev, &memory);
  counted counts = {.scratch_bytes = 4096};
  assert_int_equal(step_io_new(&counts.io, dev, 16, 16, &err), STATUS_OK);
  assert_int_equal(capture_new(&c, &r, count_body, &counts, &err), STATUS_OK);
  assert_int_equal(capture_launch(c, &err), STATUS_NO_MEMORY);
  assert_non_null(strstr(err.message, "4096"));
  capture_free(c);
  step_io_free(counts.io);
  step_io_free(NULL);
  capture_free(NULL);
  device_unref(dev);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_captured_step_is_the_step),
      cmocka_unit_test(nothing_happens_before_the_first_launch),
      cmocka_unit_test(a_failing_launch_says_why),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
