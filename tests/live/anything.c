// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "tests/live/anything.h"

#define SEED 20
#define LISTENED_MS 2000
#define BETWEEN_MS 60      // controls
#define BETWEEN_PRESETS 50 // controls
#define SELDOM 64          // who remembers goes back once in so many times

bool anything_begin(anything *a)
{
  const control c = {.kind = CONTROL_SET, .id = PARAMETER_MODE, .value = MODE_CONTINUE};
  stage_run(a->s, LISTENED_MS);
  const bool good = session_send(jack_host_session(a->s->host), &c, 1);
  stage_run(a->s, 1000);
  a->n_controls++;
  return child_ask(&a->s->midi_player, NULL, 0, "anything %d %d %d", SEED, ANYTHING_MIDI_SAMPLES,
                   a->remembers) &&
         good;
}

static bool may(const anything *a, const control *c)
{
  const bool goes_back =
      c->kind == CONTROL_ACTION && (c->id == ACTION_AGAIN || c->id == ACTION_AGAIN_NEXT ||
                                    c->id == ACTION_RETURN || c->id == ACTION_FORGET);
  if (a->remembers && goes_back) {
    return c->id != ACTION_FORGET && a->n % SELDOM == 0;
  }
  return !a->keeps_ceiling || c->kind != CONTROL_SET || c->id != PARAMETER_CEILING;
}

static void send_something(anything *a)
{
  session *playing = jack_host_session(a->s->host);
  const control c = trial_control(SEED, a->n++);
  if (may(a, &c)) {
    session_send(playing, &c, 1);
    a->n_controls++;
  }
  if (a->presets.n && a->n % BETWEEN_PRESETS == 0) {
    const uint64_t i = a->n / BETWEEN_PRESETS % (uint64_t)a->presets.n;
    session_send(playing, a->presets.batches[i], (size_t)parameter_count());
    a->n_controls += (uint64_t)parameter_count();
  }
}

// The server's transport rolls, each time at another tempo, for 4 s of 7.
static void move_transport(anything *a)
{
  if (a->second % 7 == 2) {
    child_ask(&a->s->control, NULL, 0, "roll %d", 80 + 13 * (a->second % 5));
  } else if (a->second % 7 == 6) {
    child_ask(&a->s->control, NULL, 0, "halt");
  }
  a->second++;
}

void anything_go_on(anything *a)
{
  move_transport(a);
  for (int ms = 0; ms < 1000; ms += BETWEEN_MS) {
    send_something(a);
    stage_run(a->s, BETWEEN_MS);
  }
}

bool anything_end(anything *a)
{
  const bool good = child_ask(&a->s->midi_player, NULL, 0, "rest");
  stage_run(a->s, 500);
  return good;
}

bool anything_was_played(const stage *s)
{
  bool all = true;
  printf("modes:");
  for (int mode = 0; mode < N_MODES; mode++) {
    printf(" %u", s->n_modes[mode]);
    all = all && (s->n_modes[mode] > 0 || mode == MODE_GENERATE);
  }
  printf(" times\n");
  return demand(all, "every mode was played");
}
