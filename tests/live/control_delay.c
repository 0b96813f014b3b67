// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "tests/live/control_delay.h"

#include "engine/play/player.h"

#include <stdatomic.h>

static atomic_int delay_steps;
static control held; // the conductor's
static int steps_left;

// The linker's names for the wrappers and what they wrap.
void __real_player_control(player *p, const control *c);
void __wrap_player_control(player *p, const control *c);
void __real_player_begin(player *p, uint64_t start_samples);
void __wrap_player_begin(player *p, uint64_t start_samples);

void __wrap_player_control(player *p, const control *c)
{
  const int delay = atomic_load(&delay_steps);
  if (delay > 0 && c->kind == CONTROL_ACTION && c->id == ACTION_CONTINUE) {
    held = *c;
    steps_left = delay + 1; // the step whose controls these are begins next
  } else {
    __real_player_control(p, c);
  }
}

void __wrap_player_begin(player *p, uint64_t start_samples)
{
  if (steps_left > 0 && --steps_left == 0) {
    __real_player_control(p, &held);
  }
  __real_player_begin(p, start_samples);
}

void control_delay_set(int steps)
{
  atomic_store(&delay_steps, steps);
}
