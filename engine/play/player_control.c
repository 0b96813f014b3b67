// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// The player's controls: what they do, and when.

#include "engine/play/effect_parameters.h"
#include "engine/play/player_internal.h"

#include <string.h>

static bool waits_for_beats(const control *c)
{
  static const bool of_action[N_CONTROL_ACTIONS] = {
      [ACTION_CONTINUE] = true,
      [ACTION_AGAIN] = true,
      [ACTION_AGAIN_NEXT] = true,
      [ACTION_RETURN] = true,
  };
  return c->kind == CONTROL_ACTION ? c->id < N_CONTROL_ACTIONS && of_action[c->id]
                                   : c->kind == CONTROL_SET && c->id == PARAMETER_MODE;
}

static void toggle_continue(player *p)
{
  const play_mode mode = player_mode(p);
  player_set_mode(p, mode == MODE_CONTINUE ? p->face.before : MODE_CONTINUE);
}

static void do_again(player *p, bool next_seed)
{
  if (!player_go_to(p, &p->again)) {
    return;
  }
  if (next_seed) {
    p->face.values[PARAMETER_SEED] =
        parameter_clamp(PARAMETER_SEED, player_get(p, PARAMETER_SEED) + 1);
    p->again.seed = (uint64_t)player_get(p, PARAMETER_SEED);
  }
  if (player_mode(p) != MODE_ANSWER && player_mode(p) != MODE_ACCOMPANY) {
    p->face.values[PARAMETER_MODE] = MODE_CONTINUE;
  }
  if (!p->face.plays) {
    p->face.plays = true;
    player_tell_event(p, PLAYER_EVENT_PLAYS, 1);
  }
}

static void do_panic(player *p)
{
  effect_parameters_off(p->face.values);
  p->face.values[PARAMETER_THRU] = THRU_OFF;
  p->face.n_waiting = 0;
  player_set_mode(p, MODE_LISTEN);
}

static void do_forget(player *p)
{
  token_state *model = player_model(p);
  if (model) {
    token_state_reset(model);
  }
  p->face.n_heard = p->face.n_silent = 0;
  p->again.taken = p->mark.taken = false;
}

static void act(player *p, const control *c)
{
  switch ((control_action)c->id) {
  case ACTION_CONTINUE:
    toggle_continue(p);
    break;
  case ACTION_AGAIN:
    do_again(p, false);
    break;
  case ACTION_AGAIN_NEXT:
    do_again(p, true);
    break;
  case ACTION_MARK:
    player_take_place(p, &p->mark);
    break;
  case ACTION_RETURN:
    player_go_to(p, &p->mark);
    break;
  case ACTION_FORGET:
    do_forget(p);
    break;
  case ACTION_PANIC:
    do_panic(p);
    break;
  case ACTION_TAP:
    beat_clock_tap(&p->face.beat, c->position_samples);
    p->face.values[PARAMETER_TEMPO] = parameter_clamp(PARAMETER_TEMPO, p->face.beat.set_bpm);
    break;
  case N_CONTROL_ACTIONS:
    break;
  }
}

static void set(player *p, const control *c)
{
  const double value = parameter_clamp(c->id, c->value);
  if (c->id == PARAMETER_MODE) {
    player_set_mode(p, (play_mode)value);
    return;
  }
  p->face.values[c->id] = value;
  if (c->id == PARAMETER_TEMPO) {
    beat_clock_set_tempo(&p->face.beat, value, c->position_samples);
  } else if (c->id == PARAMETER_BEATS_PER_BAR) {
    beat_clock_set_bar(&p->face.beat, (int)value);
  }
}

static void take_effect(player *p, const control *c)
{
  if (c->kind == CONTROL_ACTION) {
    act(p, c);
  } else if (c->kind == CONTROL_CLOCK) {
    beat_clock_follow(&p->face.beat, c->value, c->more, c->position_samples);
  } else if (c->kind == CONTROL_SET && parameter_get(c->id)) {
    set(p, c);
  }
}

// Put off to the next beat or bar; false where there is nothing to wait for.
static bool put_off(player *p, const control *c)
{
  player_face *f = &p->face;
  const int quantise = (int)player_get(p, PARAMETER_QUANTISE);
  if (quantise == QUANTISE_OFF || !waits_for_beats(c) || !beat_clock_runs(&f->beat) ||
      f->n_waiting == PLAYER_WAITING) {
    return false;
  }
  f->waiting[f->n_waiting] = *c;
  f->due[f->n_waiting] = beat_clock_next(&f->beat, c->position_samples, quantise == QUANTISE_BAR);
  ++f->n_waiting;
  return true;
}

void player_control(player *p, const control *c)
{
  if (!put_off(p, c)) {
    take_effect(p, c);
  }
}

void player_begin(player *p, uint64_t start_samples)
{
  player_face *f = &p->face;
  p->start_samples = start_samples;
  for (int i = 0; i < f->n_waiting;) { // in the order in which they came
    if (f->due[i] > start_samples) {
      ++i;
      continue;
    }
    const control c = f->waiting[i];
    --f->n_waiting;
    memmove(&f->waiting[i], &f->waiting[i + 1], (size_t)(f->n_waiting - i) * sizeof c);
    memmove(&f->due[i], &f->due[i + 1], (size_t)(f->n_waiting - i) * sizeof *f->due);
    take_effect(p, &c);
    i = 0; // panic empties the list
  }
}
