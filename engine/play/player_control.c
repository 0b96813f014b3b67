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

static bool draws(play_mode mode)
{
  return mode == MODE_CONTINUE || mode == MODE_ACCOMPANY || mode == MODE_ANSWER ||
         mode == MODE_GENERATE;
}

static void do_again(player *p, bool next_seed)
{
  // Who plays in mode answer is listened to: nothing would sound, and what he plays be forgotten.
  const bool listens = player_mode(p) == MODE_ANSWER && p->face.gate.is_open;
  if (listens || !player_go_to(p, PLACE_AGAIN)) {
    return;
  }
  if (next_seed) {
    const double seed = parameter_clamp(PARAMETER_SEED, player_get(p, PARAMETER_SEED) + 1);
    p->face.values[PARAMETER_SEED] = seed;
    p->face.places[PLACE_AGAIN].seed = (uint64_t)seed;
  }
  if (!draws(player_mode(p))) {
    player_note_mode(p, MODE_CONTINUE);
  }
  player_set_plays(p, true);
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
  p->face.counts[player_memory(p)] = (player_counts){0};
  for (int i = 0; i < PLAYER_PLACES; ++i) {
    player_place *place = &p->face.places[i];
    const bool stays = place->memory != player_memory(p);
    place->taken = place->taken && stays;
    place->due = place->due && stays;
  }
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
    player_take_place(p, PLACE_MARK);
    break;
  case ACTION_RETURN:
    player_go_to(p, PLACE_MARK);
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

// Put off to the next beat or bar; false where there is nothing to wait for. When too many wait,
// the newest takes the place of the one before it.
static bool put_off(player *p, const control *c)
{
  player_face *f = &p->face;
  const int quantise = (int)player_get(p, PARAMETER_QUANTISE);
  if (quantise == QUANTISE_OFF || !waits_for_beats(c) || !beat_clock_runs(&f->beat)) {
    return false;
  }
  f->n_waiting -= f->n_waiting == PLAYER_WAITING;
  f->waiting[f->n_waiting] = *c;
  f->due[f->n_waiting] = beat_clock_next(&f->beat, c->position_samples, quantise == QUANTISE_BAR);
  ++f->n_waiting;
  return true;
}

// The one that is due first, up to `until`; of several the one that came first. -1: none.
static int first_due(const player_face *f, uint64_t until_samples)
{
  int first = -1;
  for (int i = 0; i < f->n_waiting; ++i) {
    if (f->due[i] <= until_samples && (first < 0 || f->due[i] < f->due[first])) {
      first = i;
    }
  }
  return first;
}

static void take_waiting(player *p, uint64_t until_samples)
{
  player_face *f = &p->face;
  for (int i; (i = first_due(f, until_samples)) >= 0;) {
    const control c = f->waiting[i];
    --f->n_waiting;
    memmove(&f->waiting[i], &f->waiting[i + 1], (size_t)(f->n_waiting - i) * sizeof c);
    memmove(&f->due[i], &f->due[i + 1], (size_t)(f->n_waiting - i) * sizeof *f->due);
    take_effect(p, &c);
  }
}

void player_begin(player *p, uint64_t start_samples)
{
  p->face.start_samples = start_samples;
}

void player_control(player *p, const control *c)
{
  take_waiting(p, c->position_samples); // what was due before it comes first
  if (!put_off(p, c)) {
    take_effect(p, c);
  }
}

void player_take_waiting(player *p)
{
  take_waiting(p, p->face.start_samples);
}
