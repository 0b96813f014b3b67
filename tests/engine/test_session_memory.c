// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// Where memory ends, and where the system refuses what real time wants.

#include "engine/offline.h"
#include "engine/session.h"
#include "tests/engine/trial_codec.h"
#include "tests/engine/trial_token.h"
#include "tests/failing_alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

static codec *open_model(void)
{
  codec *c = NULL;
  const trial_options options = {24000, 320, 1, 5};
  assert_int_equal(trial_codec_open(&c, &options), STATUS_OK);
  return c;
}

static token_model *trial;

static status open_and_change(void *user, error *err)
{
  session *s = NULL;
  const session_config config = {.model = user,
                                 .host_rate_hz = 48000,
                                 .block_samples = 64,
                                 .player = trial,
                                 .output_stage = true,
                                 .keep_s = 1.0};
  status st = session_open(&s, &config, err);
  if (st != STATUS_OK) {
    assert_null(s);
    return st;
  }
  const uint32_t latency = session_latency_samples(s);
  st = session_set_block(s, 512, err);
  assert_true(session_latency_samples(s) > latency || st != STATUS_OK);
  st = st == STATUS_OK ? session_set_rate(s, 44100, err) : st;
  session_close(s);
  return st;
}

static void every_allocation_of_a_session_may_fail(void **unused)
{
  (void)unused;
  codec *model = open_model();
  trial = trial_token_new(&(trial_token_options){.n_codebooks = 4, .rewind_steps = 100});
  assert_non_null(trial);
  assert_true(failing_alloc_each(open_and_change, model) > 35);
  token_model_unref(trial);
  codec_unref(model);
}

static status go_offline(void *user, error *err)
{
  static const float in[1000];
  static float out[1000];
  return offline_roundtrip(user, 0, 48000, in, 1000, out, err);
}

static void every_allocation_of_the_offline_run_may_fail(void **unused)
{
  (void)unused;
  codec *model = open_model();
  assert_true(failing_alloc_each(go_offline, model) > 5);
  codec_unref(model);
}

typedef struct warnings {
  int n_memory, n_priority;
} warnings;

static void note_warning(void *user, log_level level, const char *message)
{
  warnings *w = user;
  assert_int_equal(level, LOG_WARNING);
  w->n_memory += strstr(message, "ulimit -l") != NULL;
  w->n_priority += strstr(message, "ulimit -r") != NULL;
}

static void what_the_system_refuses_is_said_and_does_no_harm(void **unused)
{
  (void)unused;
  if (geteuid() == 0) {
    print_message("run by root, whom no limit binds\n");
    skip();
  }
  const struct rlimit nothing = {0, 0};
  assert_int_equal(setrlimit(RLIMIT_MEMLOCK, &nothing), 0);
  assert_int_equal(setrlimit(RLIMIT_RTPRIO, &nothing), 0);
  warnings seen = {0};
  const log_sink log = {note_warning, &seen, LOG_WARNING};
  codec *model = open_model();
  session *s = NULL;
  const session_config config = {.model = model,
                                 .host_rate_hz = 48000,
                                 .block_samples = 64,
                                 .lock_memory = true,
                                 .priority = 10,
                                 .log = &log};
  assert_int_equal(session_open(&s, &config, NULL), STATUS_OK);
  session_close(s);
  assert_int_equal(seen.n_memory, 1);
  assert_int_equal(seen.n_priority, 1);
  codec_unref(model);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_allocation_of_a_session_may_fail),
      cmocka_unit_test(every_allocation_of_the_offline_run_may_fail),
      cmocka_unit_test(what_the_system_refuses_is_said_and_does_no_harm),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
