// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "engine/play/code_grid.h"

#include <math.h>
#include <stddef.h>

#define MOST_PARTS 32
#define MOST_BEATS 8

// A segment is `beats` beats, or one beat in `divisions`.
typedef struct division {
  int beats, divisions;
} division;

// The power of two that is nearest by ratio.
static int nearest_power(double wanted, int most)
{
  int power = 1;
  while (power < most && wanted * wanted > 2.0 * power * power) {
    power *= 2;
  }
  return power;
}

// Fives and sevens would only be heard as out of time, triplets are for who nearly asks for them.
static int nearest_part(double wanted)
{
  for (int triplet = 3; triplet < MOST_PARTS; triplet *= 2) {
    if (wanted > triplet * (7.0 / 8.0) && wanted < triplet * (8.0 / 7.0)) {
      return triplet;
    }
  }
  return nearest_power(wanted, MOST_PARTS);
}

static division divide(const code_clock *clock, double length_steps)
{
  if (length_steps >= clock->beat_steps) {
    return (division){nearest_power(length_steps / clock->beat_steps, MOST_BEATS), 1};
  }
  int divisions = nearest_part(clock->beat_steps / length_steps);
  while (divisions > 1 && divisions > clock->beat_steps) {
    --divisions; // no part may be shorter than a step
  }
  return (division){1, divisions};
}

double code_grid_snap(const code_clock *clock, double length_steps)
{
  if (!(clock->beat_steps >= 1)) {
    return length_steps;
  }
  const division d = divide(clock, length_steps);
  return clock->beat_steps * d.beats / d.divisions;
}

static bool begins_by_clock(const code_clock *clock, double length_steps)
{
  const division d = divide(clock, length_steps);
  const int64_t at = clock->beat_step;
  if (at <= 0) {
    return clock->beat_number % d.beats == 0;
  }
  const double per_step = d.divisions / clock->beat_steps;
  const double part = floor((double)at * per_step);
  return part != floor((double)(at - 1) * per_step) && part < d.divisions;
}

void code_grid_begin(code_grid *g, uint64_t now)
{
  g->previous = g->start;
  g->start = now;
}

bool code_grid_step(code_grid *g, const code_clock *clock, double length_steps, uint64_t now)
{
  const uint64_t since = now - g->start;
  bool begins = now == 0 || since >= CODE_GRID_MAX_STEPS;
  if (clock->beat_steps >= 1) {
    begins = begins || begins_by_clock(clock, length_steps);
  } else {
    begins = begins || (double)since >= length_steps;
  }
  if (begins) {
    code_grid_begin(g, now);
  }
  return begins;
}
