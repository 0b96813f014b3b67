// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// A loudspeaker and a microphone around a session: what builds up is faded out and told, unless the
// guard is off; what does not come back is left alone. How it is found: test_feedback.c.

#include "base/random.h"
#include "engine/control/parameters.h"
#include "engine/session.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define RATE_HZ 24000
#define BLOCK 240
#define ROOM 2400 // samples from loudspeaker to microphone: 100 ms
#define SECONDS 6

typedef struct outcome {
  int n_told;      ///< times that it was faded out
  float late_peak; ///< over the last second
} outcome;

static outcome play_in_a_room(float gain, bool guard)
{
  static float out[SECONDS * RATE_HZ];
  error err = {STATUS_OK, ""};
  codec *model = NULL;
  session *s = NULL;
  outcome o = {0, 0.0f};
  assert_int_equal(codec_open_bypass(&model, RATE_HZ, 480, 1, &err), STATUS_OK);
  const session_config config = {.model = model,
                                 .host_rate_hz = RATE_HZ,
                                 .block_samples = BLOCK,
                                 .output_stage = true,
                                 .offline = true};
  assert_int_equal(session_open(&s, &config, &err), STATUS_OK);
  const control set = {.kind = CONTROL_SET, .id = PARAMETER_FEEDBACK_GUARD, .value = guard};
  assert_true(session_send(s, &set, 1));
  for (uint64_t t = 0; t < SECONDS * RATE_HZ; t += BLOCK) {
    float in[BLOCK];
    const float *ins[] = {in};
    float *outs[] = {out + t};
    for (uint64_t i = 0; i < BLOCK; ++i) {
      const float noise = 0.02f * (random_uniform(3, 1, t + i) - 0.5f);
      const float back = t + i >= ROOM ? gain * out[t + i - ROOM] : 0.0f;
      in[i] = fminf(1.0f, fmaxf(-1.0f, noise + back));
    }
    session_process(s, ins, outs, BLOCK, t);
  }
  session_event e;
  while (session_next_event(s, &e)) {
    o.n_told += e.kind == EVENT_FEEDBACK && e.value == 1;
  }
  for (int i = (SECONDS - 1) * RATE_HZ; i < SECONDS * RATE_HZ; ++i) {
    o.late_peak = fmaxf(o.late_peak, fabsf(out[i]));
  }
  session_close(s);
  codec_unref(model);
  return o;
}

static void what_builds_up_is_faded_out_and_told(void **state)
{
  (void)state;
  const outcome o = play_in_a_room(2.0f, true);
  assert_true(o.n_told >= 1);
  const outcome loud = play_in_a_room(2.0f, false);
  assert_int_equal(loud.n_told, 0);
  assert_true(loud.late_peak > 0.5f); // it would have gone on
}

static void what_dies_away_is_left_alone(void **state)
{
  (void)state;
  assert_int_equal(play_in_a_room(0.4f, true).n_told, 0);
  assert_int_equal(play_in_a_room(0.0f, true).n_told, 0);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_builds_up_is_faded_out_and_told),
      cmocka_unit_test(what_dies_away_is_left_alone),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
