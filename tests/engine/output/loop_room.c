// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "tests/engine/output/loop_room.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TAPS 2400
#define TAP_STEP 5
#define FADE 240 // samples
#define NEAR_FULL 0.85f

// Taps that die away, scaled so that the best of 600 frequencies has `gain`.
static size_t make_taps(const room *r, float taps[TAPS])
{
  if (!r->reverberant) {
    taps[0] = r->gain;
    return 1;
  }
  uint32_t seed = 77;
  double most = 0.0;
  for (int i = 0; i < TAPS; ++i) {
    seed = seed * 1664525u + 1013904223u;
    taps[i] = i % TAP_STEP ? 0.0f : expf((float)-i / 600.0f) * (float)(int32_t)seed / 2147483648.0f;
  }
  for (int f = 0; f < 600; ++f) {
    double re = 0.0, im = 0.0;
    for (int i = 0; i < TAPS; i += TAP_STEP) {
      re += (double)taps[i] * cos(M_PI * f / 600.0 * i);
      im += (double)taps[i] * sin(M_PI * f / 600.0 * i);
    }
    most = fmax(most, hypot(re, im));
  }
  for (int i = 0; i < TAPS; ++i) {
    taps[i] *= r->gain / (float)most;
  }
  return TAPS;
}

static float within(float x, float most)
{
  return x > most ? most : x < -most ? -most : x;
}

// At the microphone at sample `at`, of what the loudspeaker has given.
static float come_back(const float *speaker, size_t at, size_t delay, const float *taps,
                       size_t n_taps)
{
  float sum = 0.0f;
  for (size_t t = 0; t < n_taps && at >= delay + t; t += TAP_STEP) {
    sum += taps[t] * speaker[at - delay - t];
  }
  return sum;
}

typedef struct ear {
  double level, player_level; // mean squares
  double since_near, near_s;  // time since near full scale, and of the present stretch of it
} ear;

static void hear(ear *e, room_result *result, float in, float player, double now_s)
{
  const double sample_s = 1.0 / ROOM_RATE;
  e->level += ((double)in * (double)in - e->level) * 1e-4;
  e->player_level += ((double)player * (double)player - e->player_level) * 1e-4;
  if (result->dominant_s < 0.0 && e->level > 2.0 * e->player_level && e->level > 1e-6) {
    result->dominant_s = now_s;
  }
  e->since_near = fabsf(in) > NEAR_FULL ? 0.0 : e->since_near + sample_s;
  e->near_s = e->since_near < 0.02 ? e->near_s + sample_s : 0.0;
  result->most_hot_s = fmax(result->most_hot_s, e->near_s);
  if (result->found_s < 0.0) {
    result->hot_s = result->most_hot_s;
  }
}

room_result room_play(const room *r, const float *player, size_t n)
{
  room_result result = {.dominant_s = -1.0, .found_s = -1.0};
  ear e = {.since_near = 1.0};
  float taps[TAPS];
  const size_t n_taps = make_taps(r, taps);
  float *speaker = calloc(n, sizeof *speaker);
  feedback *f = malloc(sizeof *f);
  assert_true(speaker && f);
  feedback_init(f, ROOM_RATE, 1);
  feedback_set_ceiling(f, ROOM_CEILING);
  const float most = r->most > 0.0f ? r->most : ROOM_CEILING;
  int heard = FADE; // of FADE
  for (size_t at = 0; at + ROOM_HOP <= n; at += ROOM_HOP) {
    float in[ROOM_HOP];
    for (size_t i = 0; i < ROOM_HOP; ++i) {
      const float path = come_back(speaker, at + i, r->delay_samples, taps, n_taps);
      in[i] = within(player[at + i] + path, 1.0f);
      hear(&e, &result, in[i], player[at + i], (double)(at + i) / ROOM_RATE);
    }
    const bool muted = feedback_step(f, in, in, ROOM_HOP, true);
    if (muted && result.found_s < 0.0) {
      result.found_s = (double)at / ROOM_RATE;
      result.cause = f->cause;
      result.lag_ms = feedback_lag_ms(f);
    }
    for (size_t i = 0; i < ROOM_HOP; ++i) {
      heard += muted ? -(heard > 0) : heard < FADE;
      speaker[at + i] = within(in[i], most) * (float)heard / FADE;
    }
  }
  result.n_found = f->n_found;
  free(speaker);
  free(f);
  return result;
}

unsigned room_play_apart(const float *in, size_t n, float gain, size_t delay_samples)
{
  feedback *f = malloc(sizeof *f);
  assert_non_null(f);
  feedback_init(f, ROOM_RATE, 1);
  feedback_set_ceiling(f, ROOM_CEILING);
  for (size_t at = 0; at + ROOM_HOP <= n; at += ROOM_HOP) {
    float x[ROOM_HOP], y[ROOM_HOP];
    for (size_t i = 0; i < ROOM_HOP; ++i) {
      x[i] = in[at + i] * gain;
      y[i] = at + i >= delay_samples ? in[at + i - delay_samples] * gain : 0.0f;
    }
    feedback_step(f, x, y, ROOM_HOP, true);
  }
  const unsigned n_found = f->n_found;
  free(f);
  return n_found;
}
