// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "engine/conductor.h"

#include "base/log.h"
#include "engine/futex.h"
#include "engine/session_internal.h"

#include <string.h>
#include <time.h>

#define WARM_UP_STEPS 4
#define CHUNK_SAMPLES 512 // between looks at messages

status conductor_init(conductor *c, codec *model, int n_codebooks, rate_pair *rates, error *err)
{
  const status made = pipeline_init(&c->way, model, n_codebooks, err);
  if (made != STATUS_OK) {
    return made;
  }
  histogram_reset(&c->encode);
  histogram_reset(&c->decode);
  histogram_reset(&c->total);
  c->times.schedstat = c->times.stat = -1;
  pipeline_restart(&c->way, rates);
  for (int step = 0; step < WARM_UP_STEPS; ++step) {
    size_t n_given = 0;
    status st = pipeline_encode(&c->way);
    st = st == STATUS_OK ? pipeline_decode(&c->way) : st;
    st = st == STATUS_OK ? pipeline_give(&c->way, &n_given) : st;
    if (st != STATUS_OK) {
      error_set(err, st, "%s fails on silence (%s)", c->way.info->name, status_name(st));
      conductor_destroy(c);
      return st;
    }
  }
  pipeline_restart(&c->way, rates);
  return STATUS_OK;
}

void conductor_destroy(conductor *c)
{
  pipeline_destroy(&c->way);
}

static void tell(session *s, const session_event *event)
{
  ring_push(&s->events, event); // when nobody takes them, the oldest stay
}

static uint64_t us_between(uint64_t from_ns, uint64_t to_ns)
{
  return to_ns > from_ns ? (to_ns - from_ns) / 1000 : 0;
}

// The result that was late has come at `wall_ns`: what does the kernel account for? The stretch
// looked at begins at the last rest before the lateness, when there was nothing to be late with.
static void settle_late(session *s, uint64_t wall_ns)
{
  conductor *c = &s->conductor;
  thread_times_mark now;
  const thread_times_mark *newest = &c->marks[c->newest_mark];
  const thread_times_mark *since =
      newest->wall_ns <= c->late_wall_ns ? newest : &c->marks[1 - c->newest_mark];
  thread_times_read(&c->times, &now);
  session_event *e = &c->late_event;
  e->since_ns = since->wall_ns;
  e->due_ns = c->late_wall_ns;
  e->done_ns = wall_ns;
  e->value = us_between(c->late_wall_ns, wall_ns);
  e->run_delay_us = us_between(since->run_delay_ns, now.run_delay_ns);
  e->steal_us = thread_times_steal_ns(since, &now) / 1000;
  e->cpu_us = c->worst_cpu_ns / 1000;
  const uint64_t hop_us = UINT64_C(1000000) * s->info->hop_samples / s->info->rate_hz;
  e->own = e->cpu_us > hop_us || e->run_delay_us + e->steal_us < e->value;
  if (e->own) {
    count(&s->counts.own_misses, 1);
  }
  c->late = false;
  tell(s, e);
  for (int i = 0; i < c->n_held; ++i) {
    tell(s, &c->held[i]);
  }
  c->n_held = 0;
}

// In order: while a lateness lasts, what follows it waits.
static void emit(session *s, const session_event *event)
{
  conductor *c = &s->conductor;
  if (c->late && c->n_held == CONDUCTOR_HELD_EVENTS) {
    settle_late(s, clock_wall_ns());
  }
  if (c->late) {
    c->held[c->n_held++] = *event;
  } else {
    tell(s, event);
  }
}

static void settle_late_if_over(session *s)
{
  conductor *c = &s->conductor;
  if (c->late && c->base + c->n_given >= c->late_needed) {
    settle_late(s, c->given_wall_ns);
  } else if (c->late && atomic_load(&s->failed)) {
    settle_late(s, clock_wall_ns());
  }
}

static void begin_timeline(session *s, const session_message *m)
{
  conductor *c = &s->conductor;
  if (c->late) {
    settle_late(s, clock_wall_ns());
  }
  c->n_taken = m->n_pushed;
  c->base = m->base;
  c->n_given = 0;
  c->take_ns = 0;
  pipeline_restart(&c->way, m->rates);
  atomic_store_explicit(&s->conductor_epoch, m->epoch, memory_order_release);
  ring_release(&s->input, c->n_taken);
  ring_publish(&s->output, c->base);
}

static void note_late(session *s, const session_message *m)
{
  conductor *c = &s->conductor;
  if (c->late) {
    settle_late(s, c->given_wall_ns);
  }
  c->late = true;
  c->late_event = (session_event){.kind = EVENT_LATE, .position_samples = m->position};
  c->late_needed = m->needed;
  c->late_wall_ns = m->wall_ns;
  settle_late_if_over(s);
}

static void take_message(session *s, const session_message *m)
{
  static const session_event_kind kinds[] = {
      [MESSAGE_TIMELINE] = EVENT_TIMELINE, [MESSAGE_LATE] = EVENT_LATE,
      [MESSAGE_PAUSED] = EVENT_PAUSED,     [MESSAGE_RECOVERED] = EVENT_RECOVERED,
      [MESSAGE_GAP] = EVENT_GAP,           [MESSAGE_OVERFLOW] = EVENT_OVERFLOW,
      [MESSAGE_LATENCY] = EVENT_LATENCY,
  };
  session_event e = {kinds[m->kind], .position_samples = m->position, .value = m->value};
  if (m->kind == MESSAGE_LATE) {
    note_late(s, m);
    return;
  }
  if (m->kind == MESSAGE_TIMELINE) {
    begin_timeline(s, m);
    e.value = m->number;
    e.position_samples = m->value;
  }
  emit(s, &e);
}

static void take_messages(session *s)
{
  session_message m;
  while (ring_pull(&s->messages, &m)) {
    take_message(s, &m);
  }
}

// After an overflow nothing that is queued will ever be heard.
static void clear_overflow(session *s)
{
  conductor *c = &s->conductor;
  if (atomic_load_explicit(&s->overflow, memory_order_acquire) == OVERFLOW_RAISED) {
    c->n_taken = ring_head(&s->input);
    ring_release(&s->input, c->n_taken);
    atomic_store_explicit(&s->overflow, OVERFLOW_CLEARED, memory_order_release);
  }
}

static void stall_if_told(session *s)
{
  const uint32_t ms = atomic_exchange(&s->stall_ms, 0);
  if (ms) {
    const struct timespec pause = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};
    nanosleep(&pause, NULL);
  }
}

// Write a hop's output where it belongs; what process has already passed over is thrown away.
static status write_output(session *s, size_t n_given)
{
  conductor *c = &s->conductor;
  const uint64_t position = c->base + c->n_given;
  const uint64_t tail = ring_tail(&s->output);
  const uint64_t end = position + n_given;
  const uint64_t skipped = tail > position ? (tail < end ? tail - position : n_given) : 0;
  if (end > tail && end - tail > s->output.capacity) {
    return STATUS_INTERNAL; // the rings are sized so that this cannot be
  }
  const float *from = c->way.rates->given + (size_t)skipped * s->info->n_channels;
  ring_write(&s->output, position + skipped, from, n_given - (size_t)skipped);
  c->n_given += n_given;
  ring_publish(&s->output, end);
  return STATUS_OK;
}

static status step(session *s)
{
  conductor *c = &s->conductor;
  size_t n_given = 0;
  stall_if_told(s);
  const uint64_t cpu_ns = clock_thread_cpu_ns();
  const uint64_t begun_ns = clock_wall_ns();
  status st = pipeline_encode(&c->way);
  const uint64_t encoded_ns = clock_wall_ns();
  st = st == STATUS_OK ? pipeline_decode(&c->way) : st;
  const uint64_t decoded_ns = clock_wall_ns();
  st = st == STATUS_OK ? pipeline_give(&c->way, &n_given) : st;
  st = st == STATUS_OK ? write_output(s, n_given) : st;
  c->given_wall_ns = clock_wall_ns();
  const uint64_t used_ns = clock_thread_cpu_ns() - cpu_ns;
  c->worst_cpu_ns = used_ns > c->worst_cpu_ns ? used_ns : c->worst_cpu_ns;
  histogram_add(&c->encode, encoded_ns - begun_ns);
  histogram_add(&c->decode, decoded_ns - encoded_ns);
  histogram_add(&c->total, c->given_wall_ns - begun_ns + c->take_ns);
  c->take_ns = 0;
  count(&s->counts.steps, 1);
  settle_late_if_over(s);
  return st;
}

// Work off one stretch of queued input that lies in one piece, up to `head`.
static status work(session *s, uint64_t head)
{
  conductor *c = &s->conductor;
  const uint64_t wrap = s->input.capacity - (c->n_taken & (s->input.capacity - 1));
  uint64_t n = head - c->n_taken;
  n = n < wrap ? n : wrap;
  n = n < CHUNK_SAMPLES ? n : CHUNK_SAMPLES;
  const float *in = ring_at(&s->input, c->n_taken);
  status st = STATUS_OK;
  bool full = true;
  for (uint64_t done = 0; st == STATUS_OK && (full || done < n);) {
    size_t n_taken = 0;
    const uint64_t begun_ns = clock_wall_ns();
    st = pipeline_take(&c->way, in + done * s->info->n_channels, (size_t)(n - done), &n_taken,
                       &full);
    c->take_ns += clock_wall_ns() - begun_ns;
    done += n_taken;
    if (st == STATUS_OK && full) {
      st = step(s);
    }
  }
  c->n_taken += n;
  ring_release(&s->input, c->n_taken);
  return st;
}

// Tell a process call that waits in freewheel.
static void tell_progress(session *s)
{
  atomic_store(&s->worked, s->conductor.n_taken);
  atomic_fetch_add(&s->progress, 1);
  if (atomic_load(&s->waiting)) {
    futex_wake(&s->progress);
  }
}

static void rest(session *s, uint32_t seen_bell)
{
  conductor *c = &s->conductor;
  if (c->worst_cpu_ns) { // once per step at most: reading the steal is not cheap
    c->newest_mark = 1 - c->newest_mark;
    thread_times_read(&c->times, &c->marks[c->newest_mark]);
    c->worst_cpu_ns = 0;
  }
  atomic_store(&s->asleep, 1);
  if (atomic_load(&s->bell) == seen_bell) {
    futex_wait(&s->bell, seen_bell, 0);
  }
  atomic_store(&s->asleep, 0);
}

static void fail(session *s, status st)
{
  log_write(&s->log, LOG_ERROR, "%s failed (%s): only the fallback is heard from here on",
            s->info->name, status_name(st));
  atomic_store(&s->failed, true);
  settle_late_if_over(s);
  emit(s, &(session_event){.kind = EVENT_FAILED, .value = (uint64_t)st});
}

void *conductor_run(void *user)
{
  session *s = user;
  conductor *c = &s->conductor;
  device_flush_denormals();
  thread_times_open(&c->times);
  thread_times_read(&c->times, &c->marks[0]);
  c->marks[1] = c->marks[0];
  while (!atomic_load(&s->stop)) {
    const uint32_t seen_bell = atomic_load(&s->bell);
    const uint64_t head = ring_head(&s->input); // before the messages: those about it are there
    clear_overflow(s);
    take_messages(s);
    const bool failed = atomic_load(&s->failed);
    if (failed) {
      c->n_taken = head > c->n_taken ? head : c->n_taken;
      ring_release(&s->input, c->n_taken);
    }
    if (c->n_taken < head) {
      const status st = work(s, head);
      if (st != STATUS_OK) {
        fail(s, st);
      }
      tell_progress(s);
    } else {
      tell_progress(s);
      rest(s, seen_bell);
    }
  }
  thread_times_close(&c->times);
  return NULL;
}
