// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// How controls come in and get their stamps. A flood costs its sender its messages, and nobody
// else anything: what comes faster than anybody can play is dropped and counted. Senders are told
// apart by their threads.

#include "engine/session_control.h"

#include "engine/session_internal.h"
#include "engine/thread_times.h"

#include <math.h>

#define CONTROLS_PER_S 2000.0
#define MOST_AT_ONCE 256.0 // a preset is some hundred; as many senders as there are have room
#define MOST_PER_BLOCK 64.0

void session_control_init(session *s)
{
  double values[PARAMETER_MAX];
  parameters_standard(values);
  for (int i = 0; i < PARAMETER_MAX; ++i) {
    atomic_init(&s->values[i], values[i]);
  }
  s->audio.allowance = MOST_AT_ONCE;
}

static bool is_valid(const control *c)
{
  switch ((control_kind)c->kind) {
  case CONTROL_SET:
    return parameter_get(c->id) && isfinite(c->value);
  case CONTROL_ACTION:
    return c->id < N_CONTROL_ACTIONS;
  case CONTROL_CLOCK:
    return isfinite(c->value) && isfinite(c->more) && c->more >= 0.0;
  }
  return false;
}

static void drop(session *s, size_t n)
{
  atomic_fetch_add_explicit(&s->counts.dropped_controls, n, memory_order_relaxed);
}

double session_parameter(const session *s, int id)
{
  return parameter_get(id) ? atomic_load_explicit(&s->values[id], memory_order_relaxed) : 0.0;
}

// --- [any but audio] ---

// The calling thread's; a new one takes the place of whoever has been quiet for longest.
static sender *find_sender(session *s)
{
  sender *quiet = &s->senders[0];
  for (int i = 0; i < SESSION_SENDERS; ++i) {
    sender *at = &s->senders[i];
    if (at->ns && pthread_equal(at->thread, pthread_self())) {
      return at;
    }
    quiet = at->ns < quiet->ns ? at : quiet;
  }
  *quiet = (sender){.thread = pthread_self()};
  return quiet;
}

static bool take_allowance(session *s, size_t n)
{
  sender *from = find_sender(s);
  const uint64_t now_ns = clock_wall_ns();
  const double passed_s = (double)(now_ns - from->ns) * 1e-9;
  const double most = from->ns ? from->allowance + passed_s * CONTROLS_PER_S : MOST_AT_ONCE;
  from->ns = now_ns;
  from->allowance = fmin(most, MOST_AT_ONCE);
  if (from->allowance < (double)n) {
    return false;
  }
  from->allowance -= (double)n;
  return true;
}

bool session_send(session *s, const control *batch, size_t n)
{
  bool good = true;
  if (n == 0) {
    return true;
  }
  for (size_t i = 0; i < n; ++i) {
    good = good && is_valid(&batch[i]);
  }
  pthread_mutex_lock(&s->asking);
  const uint64_t head = ring_head(&s->asked);
  good = good && n <= s->asked.capacity - (head - ring_tail(&s->asked)) && take_allowance(s, n);
  if (good) {
    ring_write(&s->asked, head, batch, n);
    ring_publish(&s->asked, head + n); // all of them at once: one stamp
  }
  pthread_mutex_unlock(&s->asking);
  if (!good) {
    drop(s, n);
  }
  return good;
}

// --- [audio] ---

bool session_send_at(session *s, const control *c, uint32_t offset_samples)
{
  audio_side *a = &s->audio;
  const bool urgent = c->kind == CONTROL_ACTION && c->id == ACTION_PANIC; // most of all in a flood
  const bool allowed = a->allowance >= 1.0 || urgent || s->config.script;
  if (!is_valid(c) || a->n_coming == SESSION_COMING || !allowed) {
    drop(s, 1);
    return false;
  }
  a->allowance -= 1.0;
  control *stamped = &a->coming[a->n_coming++];
  *stamped = *c;
  stamped->position_samples = a->t + offset_samples;
  return true;
}

static bool acts_on_sample(const control *c)
{
  return c->kind == CONTROL_SET ? parameter_get(c->id)->of_sample || c->id == PARAMETER_MODE
                                : c->kind == CONTROL_ACTION;
}

static void pass_on(session *s, control *c)
{
  mixer *m = &s->audio.mixer;
  const bool on_sample = acts_on_sample(c);
  if (c->kind == CONTROL_SET) {
    c->value = parameter_clamp(c->id, c->value);
  }
  if ((on_sample && m->n_on_sample == SESSION_ON_SAMPLE) || !ring_push(&s->controls, c)) {
    drop(s, 1);
    return;
  }
  if (c->kind == CONTROL_SET) {
    atomic_store_explicit(&s->values[c->id], c->value, memory_order_relaxed);
  }
  if (on_sample) {
    m->on_sample[m->n_on_sample++] = *c;
  }
}

// Offsets lie within the block and do not fall, whatever the host says: what takes stamped controls
// looks at the first only.
static uint64_t in_block(uint64_t position, uint64_t least, uint64_t most)
{
  return position < least ? least : position < most ? position : most;
}

void session_stamp_controls(session *s, uint32_t n_samples)
{
  audio_side *a = &s->audio;
  uint64_t last = a->t;
  control c;
  while (ring_pull(&s->asked, &c)) {
    c.position_samples = a->t;
    pass_on(s, &c);
  }
  for (uint32_t i = 0; i < a->n_coming; ++i) {
    last = in_block(a->coming[i].position_samples, last, a->t + n_samples - 1);
    a->coming[i].position_samples = last;
    pass_on(s, &a->coming[i]);
  }
  a->n_coming = 0;
  a->allowance += CONTROLS_PER_S * n_samples / a->plan->host_rate_hz;
  a->allowance = fmin(a->allowance, MOST_PER_BLOCK);
}
