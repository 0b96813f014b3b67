// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "tests/engine/trial_stage.h"

#include "base/random.h"
#include "engine/session_internal.h"
#include "gpu/device.h"
#include "models/model_path.h"
#include "models/oracle.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#define CONTROLS_PER_S 25

int trial_stage_open(void **state)
{
  error err = {STATUS_OK, ""};
  char path[PATH_BYTES];
  const device_options cpu = {.n_threads = 1};
  trial_stage *g = calloc(1, sizeof *g);
  *state = g;
  if (!g || model_find(NULL, path, &err) || device_open(&g->dev, &cpu, &err)) {
    fprintf(stderr, "%s\n", err.message);
    return -1;
  }
  const codec_options options = {.dev = g->dev, .storage = DTYPE_F16};
  if (codec_open(&g->codec, path, &options, &err) || oracle_new(&g->oracle, g->codec, NULL, &err)) {
    fprintf(stderr, "%s\n", err.message);
    return -1;
  }
  return 0;
}

int trial_stage_close(void **state)
{
  trial_stage *g = *state;
  token_model_unref(g->oracle);
  codec_unref(g->codec);
  device_unref(g->dev);
  free(g);
  return 0;
}

float trial_stage_sound(uint64_t seed, uint32_t rate_hz, uint64_t t)
{
  static const double notes[] = {220, 246.9, 277.2, 329.6, 370};
  const double s = (double)t / rate_hz;
  const uint64_t note = (uint64_t)(s * 4.0);
  const double since = s - (double)note / 4.0;
  const double hz = notes[random_bits(seed, 1, note) % 5];
  const bool rests = note / 12 % 3 == 2;
  return rests ? 0.0f : (float)(0.4 * exp(-6.0 * since) * sin(6.283185307179586 * hz * s));
}

control trial_stage_control(uint64_t seed, uint64_t n)
{
  const uint64_t kind = random_bits(seed, 2, n) % 10;
  const uint64_t what = random_bits(seed, 3, n);
  control c = {.kind = CONTROL_SET, .id = PARAMETER_MODE};
  if (kind < 3) {
    c.value = (double)(what % N_MODES);
  } else if (kind < 5) {
    c.kind = CONTROL_ACTION;
    c.id = (uint16_t)(what % N_CONTROL_ACTIONS);
  } else if (kind < 6) {
    c.kind = CONTROL_CLOCK;
    c.value = (double)n;
    c.more = (double)(what % 4);
  } else {
    c.id = (uint16_t)(1 + what % (uint64_t)(parameter_count() - 1));
    const parameter_info *info = parameter_get(c.id);
    const double share = (double)(random_bits(seed, 4, n) % 1000) / 999.0;
    c.value = info->least + share * (info->most - info->least);
  }
  return c;
}

static uint64_t pause_before(const trial_script *s)
{
  return random_bits(s->seed, 5, s->n) % (2 * s->rate_hz / CONTROLS_PER_S);
}

trial_script trial_script_start(uint64_t seed, uint32_t rate_hz)
{
  trial_script s = {.seed = seed, .rate_hz = rate_hz};
  s.position_samples = pause_before(&s);
  return s;
}

bool trial_script_next(trial_script *s, uint64_t end_samples, control *c)
{
  if (s->position_samples >= end_samples) {
    return false;
  }
  *c = trial_stage_control(s->seed, s->n);
  c->position_samples = s->position_samples;
  ++s->n;
  s->position_samples += pause_before(s);
  return true;
}

void trial_stage_wait(session *s, uint64_t samples)
{
  while (s->audio.n_pushed - atomic_load(&s->worked) > samples && !atomic_load(&s->failed)) {
    nanosleep(&(struct timespec){.tv_nsec = 200000}, NULL);
  }
}
