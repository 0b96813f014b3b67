// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// A performance of anything at all, kept and rendered again: bit for bit what was heard.

#include "base/random.h"
#include "engine/control/parameters.h"
#include "gpu/device.h"
#include "models/model_path.h"
#include "models/oracle.h"
#include "plugin/replay_host.h"
#include "tests/temp_folder.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MOST_BLOCK 2048
#define OFTEN 7 // a control every so many blocks

typedef struct stage {
  device *dev;
  codec *codec;
  token_model *oracle;
  char path[PATH_BYTES];
  temp_folder *folder;
} stage;

static stage the_stage;

static int open_stage(void **state)
{
  error err = {STATUS_OK, ""};
  const device_options cpu = {.n_threads = 1};
  stage *g = &the_stage;
  if (temp_folder_make((void **)&g->folder)) {
    return -1;
  }
  *state = g->folder;
  if (model_find(NULL, g->path, &err) || device_open(&g->dev, &cpu, &err)) {
    fprintf(stderr, "%s\n", err.message);
    return -1;
  }
  const codec_options options = {.dev = g->dev, .storage = DTYPE_F16};
  if (codec_open(&g->codec, g->path, &options, &err) ||
      oracle_new(&g->oracle, g->codec, NULL, &err)) {
    fprintf(stderr, "%s\n", err.message);
    return -1;
  }
  return 0;
}

static int close_stage(void **state)
{
  token_model_unref(the_stage.oracle);
  codec_unref(the_stage.codec);
  device_unref(the_stage.dev);
  return temp_folder_remove(state);
}

typedef struct performer {
  session *s;
  uint64_t seed, n_blocks, t;
  uint32_t rate_hz, block; // largest so far
  float *out;              // everything heard
} performer;

static uint64_t chance(const performer *p, const char *what)
{
  return random_bits(p->seed, random_name_key(what), p->n_blocks);
}

// Plucked notes of a small scale with silences between phrases.
static float sound_at(const performer *p, uint64_t t)
{
  static const double notes[] = {220, 246.9, 277.2, 329.6, 370};
  const double s = (double)t / p->rate_hz;
  const uint64_t note = (uint64_t)(s * 4.0);
  const double since = s - (double)note / 4.0;
  const bool rests = note / 16 % 2;
  const double hz = notes[random_bits(p->seed, 1, note) % 5];
  return rests ? 0.0f : (float)(0.4 * exp(-6.0 * since) * sin(2.0 * 3.14159265358979 * hz * s));
}

static control some_control(const performer *p)
{
  const uint64_t kind = chance(p, "kind") % 10;
  control c = {.kind = CONTROL_SET, .id = PARAMETER_MODE};
  if (kind < 4) {
    c.value = (double)(chance(p, "mode") % N_MODES);
  } else if (kind < 6) {
    c.kind = CONTROL_ACTION;
    c.id = (uint16_t)(chance(p, "action") % N_CONTROL_ACTIONS);
  } else if (kind < 7) {
    c.kind = CONTROL_CLOCK;
    c.value = (double)p->n_blocks;
    c.more = (double)(chance(p, "bps") % 4);
  } else {
    c.id = (uint16_t)(1 + chance(p, "id") % (uint64_t)(parameter_count() - 1));
    const parameter_info *info = parameter_get(c.id);
    const double share = (double)(chance(p, "value") % 1000) / 999.0;
    c.value = info->least + share * (info->most - info->least);
  }
  return c;
}

static void play_block(performer *p)
{
  static float in[MOST_BLOCK];
  const uint32_t n = 1 + (uint32_t)(chance(p, "size") % p->block);
  const float *ins[] = {in};
  float *outs[] = {p->out + p->t};
  for (uint32_t i = 0; i < n; ++i) {
    in[i] = sound_at(p, p->t + i);
  }
  if (chance(p, "control") % OFTEN == 0) {
    const control c = some_control(p);
    if (chance(p, "way") % 2) {
      assert_true(session_send(p->s, &c, 1));
    } else {
      assert_true(session_send_at(p->s, &c, (uint32_t)(chance(p, "offset") % n)));
    }
  }
  if (chance(p, "larger") % 400 == 0 && p->block < MOST_BLOCK) {
    error err = {STATUS_OK, ""};
    p->block *= 2;
    assert_int_equal(session_set_block(p->s, p->block, &err), STATUS_OK);
  }
  session_process(p->s, ins, outs, n, p->t);
  p->t += n;
  ++p->n_blocks;
}

static session_config config_of(uint32_t rate_hz, uint32_t block, double keep_s)
{
  return (session_config){.model = the_stage.codec,
                          .player = the_stage.oracle,
                          .host_rate_hz = rate_hz,
                          .block_samples = block,
                          .fallback = FALLBACK_DRY,
                          .output_stage = true,
                          .keep_s = keep_s,
                          .offline = true};
}

static replay_result render(const char *folder)
{
  error err = {STATUS_OK, ""};
  performance record;
  char out[700];
  snprintf(out, sizeof out, "%s.wav", folder);
  if (performance_read(&record, folder, &err)) {
    fail_msg("%s", err.message);
  }
  const replay_config again = {.model = the_stage.codec,
                               .player = the_stage.oracle,
                               .performance = &record,
                               .folder = folder,
                               .out = out};
  replay_result result;
  if (replay_run(&again, &result, &err)) {
    fail_msg("%s", err.message);
  }
  performance_free(&record);
  return result;
}

static void check_performance(uint64_t seed, uint32_t rate_hz, double seconds, double keep_s)
{
  error err = {STATUS_OK, ""};
  const uint64_t n = (uint64_t)(seconds * rate_hz);
  performer p = {.seed = seed, .rate_hz = rate_hz, .block = 256};
  char folder[600];
  snprintf(folder, sizeof folder, "%s/performance-%u-%llu", the_stage.folder->path, rate_hz,
           (unsigned long long)seed);
  p.out = calloc(n + MOST_BLOCK, sizeof *p.out);
  assert_non_null(p.out);
  const session_config config = config_of(rate_hz, p.block, keep_s);
  assert_int_equal(session_open(&p.s, &config, &err), STATUS_OK);
  while (p.t < n) {
    play_block(&p);
  }
  const session_names names = {the_stage.path, "oracle", "cpu", "f16", NULL};
  if (session_keep(p.s, folder, &names, &err)) {
    fail_msg("%s", err.message);
  }
  session_telemetry t;
  session_read_telemetry(p.s, &t);
  session_close(p.s);
  const replay_result result = render(folder);
  print_message(
      "seed %llu, %u Hz: %llu steps, %llu samples rendered again, %llu differ (first %llu)\n",
      (unsigned long long)seed, rate_hz, (unsigned long long)t.steps,
      (unsigned long long)result.n_samples, (unsigned long long)result.n_different,
      (unsigned long long)result.first_different);
  assert_int_equal(result.n_different, 0);
  assert_true(result.n_samples >= (uint64_t)(fmin(seconds, keep_s) * rate_hz));
  double energy = 0.0;
  for (uint64_t i = 0; i < n; ++i) {
    energy += (double)p.out[i] * (double)p.out[i];
  }
  assert_true(energy / (double)n > 1e-6); // it was no silence
  free(p.out);
}

static void test_anything_at_all_is_rendered_again(void **state)
{
  (void)state;
  for (uint64_t seed = 1; seed <= 4; ++seed) {
    check_performance(seed, 48000, 20.0, 600.0);
  }
}

static void test_other_rates(void **state)
{
  (void)state;
  check_performance(5, 44100, 15.0, 600.0);
  check_performance(6, 24000, 15.0, 600.0);
}

// More was played than is kept: the steps before are in the record, their sound is not.
static void test_the_end_of_a_longer_one(void **state)
{
  (void)state;
  check_performance(7, 48000, 30.0, 8.0);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_anything_at_all_is_rendered_again),
      cmocka_unit_test(test_other_rates),
      cmocka_unit_test(test_the_end_of_a_longer_one),
  };
  return cmocka_run_group_tests(tests, open_stage, close_stage);
}
