// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "engine/conductor.h"

#include "base/log.h"
#include "base/touched.h"
#include "engine/futex.h"
#include "engine/session_internal.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define WARM_UP_STEPS 4
#define CHUNK_SAMPLES 512 // between looks at messages

void conductor_destroy(conductor *c)
{
  pipeline_destroy(&c->way);
  player_free(c->player);
  free(c->input_hop);
  c->player = NULL;
  c->input_hop = NULL;
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

// Positions within the timeline, as all events give them.
static void tell_of_player(void *user, player_event_kind kind, uint64_t value,
                           uint64_t position_samples)
{
  static const session_event_kind kinds[] = {
      [PLAYER_EVENT_MODE] = EVENT_MODE,
      [PLAYER_EVENT_PLAYS] = EVENT_PLAYS,
      [PLAYER_EVENT_REFUSED] = EVENT_REFUSED,
      [PLAYER_EVENT_FEEDBACK] = EVENT_FEEDBACK,
  };
  session *s = user;
  emit(s, &(session_event){.kind = kinds[kind],
                           .position_samples = position_samples - s->conductor.base,
                           .value = value});
}

static status warm_up(conductor *c, error *err)
{
  for (int step = 0; step < WARM_UP_STEPS; ++step) {
    size_t n_given = 0;
    status st = pipeline_encode(&c->way);
    st = st == STATUS_OK ? pipeline_decode(&c->way, c->way.codes, NULL, 0.0f) : st;
    st = st == STATUS_OK ? pipeline_give(&c->way, &n_given) : st;
    if (st != STATUS_OK) {
      return error_set(err, st, "%s fails on silence (%s)", c->way.info->name, status_name(st));
    }
  }
  return STATUS_OK;
}

status conductor_init(session *s, rate_pair *rates, error *err)
{
  conductor *c = &s->conductor;
  status st = pipeline_init(&c->way, s->model, s->config.n_codebooks, err);
  if (st != STATUS_OK) {
    return st;
  }
  const player_config play = {
      .info = s->info,
      .n_used = c->way.n_used,
      .model = s->config.player,
      .corpus = s->config.corpus,
      .host_rate_hz = s->config.host_rate_hz,
      .tell = tell_of_player,
      .user = s,
  };
  histogram_reset(&c->encode);
  histogram_reset(&c->decode);
  histogram_reset(&c->total);
  c->times.schedstat = c->times.stat = -1;
  pipeline_restart(&c->way, rates);
  c->input_hop =
      touched_new((size_t)s->info->hop_samples * s->info->n_channels * sizeof *c->input_hop);
  feedback_init(&c->feedback, s->info->rate_hz, s->info->n_channels);
  st = c->input_hop ? player_new(&c->player, &play, err)
                    : error_set(err, STATUS_NO_MEMORY, "no memory for a hop");
  st = st == STATUS_OK ? warm_up(c, err) : st;
  pipeline_restart(&c->way, rates);
  if (st != STATUS_OK) {
    conductor_destroy(c);
  }
  return st;
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
  c->n_steps = 0;
  c->timeline = (uint32_t)m->number;
  c->take_ns = 0;
  if (m->rates != c->way.rates) {
    player_set_rate(c->player, m->rates->host_rate_hz);
  }
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

// For a performance that is rendered again later: what depended on a clock, or on a host's whim.
static void log_decision(session *s, const session_message *m)
{
  static const keep_kind kinds[] = {
      [MESSAGE_TIMELINE] = KEEP_TIMELINE, [MESSAGE_LATE] = KEEP_FADE_OUT,
      [MESSAGE_PAUSED] = KEEP_FADE_OUT,   [MESSAGE_RECOVERED] = KEEP_FADE_IN,
      [MESSAGE_OVERFLOW] = KEEP_CUT,      [MESSAGE_LATENCY] = KEEP_PLAN,
      [MESSAGE_GAP] = N_KEEP_KINDS,       [MESSAGE_CUT] = KEEP_CUT,
  };
  if (kinds[m->kind] != N_KEEP_KINDS) {
    keep_note(
        &s->kept,
        &(keep_entry){.position_samples = m->kind == MESSAGE_TIMELINE ? m->base : m->at,
                      .value = m->kind == MESSAGE_LATENCY ? m->host_rate_hz : (double)m->value,
                      .id = m->block_samples,
                      .kind = kinds[m->kind]});
  }
}

// Controls are logged as soon as they are seen, so that one that waits for its step is there too.
static void log_controls(session *s)
{
  conductor *c = &s->conductor;
  for (const uint64_t head = ring_head(&s->controls); c->n_logged < head; ++c->n_logged) {
    const control *asked = ring_at(&s->controls, c->n_logged);
    keep_note(&s->kept, &(keep_entry){.position_samples = asked->position_samples,
                                      .value = asked->value,
                                      .more = asked->more,
                                      .kind = asked->kind, // keep_kind begins with control_kind
                                      .id = asked->id});
  }
  atomic_store(&s->logged, c->n_logged);
}

static void take_message(session *s, const session_message *m)
{
  log_decision(s, m);
  static const session_event_kind kinds[] = {
      [MESSAGE_TIMELINE] = EVENT_TIMELINE, [MESSAGE_LATE] = EVENT_LATE,
      [MESSAGE_PAUSED] = EVENT_PAUSED,     [MESSAGE_RECOVERED] = EVENT_RECOVERED,
      [MESSAGE_GAP] = EVENT_GAP,           [MESSAGE_OVERFLOW] = EVENT_OVERFLOW,
      [MESSAGE_LATENCY] = EVENT_LATENCY,
  };
  if (m->kind == MESSAGE_CUT) { // for the record alone: no event tells of it
    return;
  }
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

// Wet samples and, beside them, the gain that the input aligned with them is to have.
static void write_given(session *s, uint64_t position, size_t skipped, size_t n_given)
{
  const conductor *c = &s->conductor;
  const uint32_t n_channels = s->info->n_channels;
  const player_sound *sound = &c->sound;
  const float rise = (sound->dry_to - sound->dry_from) / (float)(n_given ? n_given : 1);
  for (size_t i = skipped; i < n_given; ++i) {
    float *to = ring_at(&s->output, position + i);
    memcpy(to, c->way.rates->given + i * n_channels, n_channels * sizeof *to);
    to[n_channels] = rise == 0.0f ? sound->dry_to : sound->dry_from + rise * (float)(i + 1);
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
  write_given(s, position, (size_t)skipped, n_given);
  c->n_given += n_given;
  ring_publish(&s->output, end);
  return STATUS_OK;
}

// --- the player ---

// Stream position at which the step that is about to be coded starts: the first host sample not
// before it.
static uint64_t step_start(const session *s)
{
  const conductor *c = &s->conductor;
  const uint64_t host = c->way.rates->host_rate_hz;
  const uint64_t coded = c->n_steps * s->info->hop_samples;
  const uint64_t whole = coded / s->info->rate_hz * host; // in two parts: for years, no overflow
  const uint64_t part = (coded % s->info->rate_hz * host + s->info->rate_hz - 1) / s->info->rate_hz;
  return c->base + whole + part;
}

// A mode that was set, or an action: what an answer is measured from.
static void tell_of_control(session *s, const control *asked)
{
  const bool action = asked->kind == CONTROL_ACTION;
  if (action || (asked->kind == CONTROL_SET && asked->id == PARAMETER_MODE)) {
    const uint64_t stamp = asked->position_samples;
    const uint64_t base = s->conductor.base; // it may have come before the timeline began
    emit(s, &(session_event){.kind = EVENT_CONTROL,
                             .position_samples = stamp > base ? stamp - base : 0,
                             .value =
                                 action ? (uint64_t)N_MODES + asked->id : (uint64_t)asked->value});
  }
}

// Hand the player the controls that came at or before the step's start. The audio thread passes
// them on before the input of their block: those for this step are all there.
static void take_controls(session *s, uint64_t start_samples)
{
  conductor *c = &s->conductor;
  const uint64_t head = ring_head(&s->controls);
  uint64_t tail = ring_tail(&s->controls);
  log_controls(s);
  player_begin(c->player, start_samples);
  for (; tail < head; ++tail) {
    const control *asked = ring_at(&s->controls, tail);
    if (asked->position_samples > start_samples) {
      break;
    }
    tell_of_control(s, asked);
    player_control(c->player, asked);
  }
  ring_release(&s->controls, tail);
  player_take_waiting(c->player);
}

// Mode accompany hears itself too: what it played last, and the player.
static void mix_own_output(session *s)
{
  conductor *c = &s->conductor;
  const size_t n = (size_t)s->info->hop_samples * s->info->n_channels;
  for (size_t i = 0; i < n; ++i) {
    c->way.hop[i] += c->way.decoded[i];
  }
}

// The decoded hop's own level, then the gain that the player gives it.
static void apply_gain(session *s)
{
  conductor *c = &s->conductor;
  const uint32_t n_channels = s->info->n_channels;
  const uint32_t hop = s->info->hop_samples;
  const player_sound *sound = &c->sound;
  c->sounded = hop_level_of(c->way.decoded, hop, n_channels);
  if (s->config.output_stage && !s->config.script) { // else the record says
    c->fed_back = feedback_step(&c->feedback, c->input_hop, c->way.decoded, hop,
                                player_follows_input(c->player));
  }
  if (sound->wet_from == 1.0f && sound->wet_to == 1.0f) {
    return;
  }
  const float rise = (sound->wet_to - sound->wet_from) / (float)hop;
  for (uint32_t i = 0; i < hop; ++i) {
    const float gain = rise == 0.0f ? sound->wet_to : sound->wet_from + rise * (float)(i + 1);
    for (uint32_t k = 0; k < n_channels; ++k) {
      c->way.decoded[(size_t)i * n_channels + k] *= gain;
    }
  }
}

// What has become of the parameters, unless more of them are on their way here.
static void show_values(session *s)
{
  const conductor *c = &s->conductor;
  if (ring_head(&s->controls) != ring_tail(&s->controls)) {
    return;
  }
  for (int i = 0; i < parameter_count(); ++i) {
    const double value = player_value(c->player, i);
    if (atomic_load_explicit(&s->values[i], memory_order_relaxed) != value) {
      atomic_store_explicit(&s->values[i], value, memory_order_relaxed);
    }
  }
}

static void show(session *s)
{
  player_view view;
  show_values(s);
  player_read(s->conductor.player, &view);
  shown_state *to = &s->shown;
  atomic_store_explicit(&to->mode, view.mode, memory_order_relaxed);
  atomic_store_explicit(&to->plays, view.plays, memory_order_relaxed);
  atomic_store_explicit(&to->gate_open, view.gate_open, memory_order_relaxed);
  atomic_store_explicit(&to->fed_back, view.fed_back, memory_order_relaxed);
  atomic_store_explicit(&to->beat, view.beat, memory_order_relaxed);
  atomic_store_explicit(&to->bpm, view.bpm, memory_order_relaxed);
  atomic_store_explicit(&to->memory_steps, view.memory_steps, memory_order_relaxed);
  atomic_store_explicit(&to->place, view.place, memory_order_relaxed);
  atomic_store_explicit(&to->n_ignored, view.n_ignored, memory_order_relaxed);
}

// What the hop is heard as: encoded, or as the record of a performance has it. False: the record
// has no such step.
static bool hear_hop(session *s, player_hop *hop, status *st)
{
  conductor *c = &s->conductor;
  const session_script *script = s->config.script;
  *st = STATUS_OK;
  if (script) {
    session_heard then = {0.0, 0.0f, false};
    const bool there = script->next_step(script->user, c->timeline, c->way.codes, &then);
    hop->level = (hop_level){then.mean_square, then.peak};
    hop->fed_back = then.fed_back;
    return there;
  }
  hop->fed_back = c->fed_back;
  memcpy(c->input_hop, c->way.hop,
         (size_t)s->info->hop_samples * s->info->n_channels * sizeof *c->input_hop);
  hop->level = hop_level_of(c->way.hop, s->info->hop_samples, s->info->n_channels);
  if (player_wants_mix(c->player)) {
    mix_own_output(s);
  }
  *st = pipeline_encode(&c->way);
  if (*st == STATUS_OK) {
    const keep_step kept = {hop->level.mean_square, hop->level.peak, hop->fed_back, c->timeline};
    keep_add_step(&s->kept, &kept, c->way.codes);
  }
  return true;
}

// Hear the hop, let the player choose, decode what it chose. False: there was nothing to hear.
static bool play_hop(session *s, status *st, uint64_t *encoded_ns)
{
  conductor *c = &s->conductor;
  player_hop hop = {.codes = c->way.codes, .sounded = c->sounded};
  take_controls(s, step_start(s));
  const bool has_step = hear_hop(s, &hop, st);
  *encoded_ns = clock_wall_ns();
  c->way.n_filled = 0;
  if (!has_step) {
    return false;
  }
  *st = *st == STATUS_OK ? player_step(c->player, &hop, &c->sound) : *st;
  if (*st == STATUS_OK) {
    *st = pipeline_decode(&c->way, c->sound.codes, c->sound.blend_codes, c->sound.blend);
  }
  ++c->n_steps;
  return true;
}

static status step(session *s)
{
  conductor *c = &s->conductor;
  size_t n_given = 0;
  uint64_t encoded_ns = 0;
  stall_if_told(s);
  const uint64_t cpu_ns = clock_thread_cpu_ns();
  const uint64_t begun_ns = clock_wall_ns();
  status st = STATUS_OK;
  if (!play_hop(s, &st, &encoded_ns)) {
    return st;
  }
  const uint64_t decoded_ns = clock_wall_ns();
  if (st == STATUS_OK) {
    apply_gain(s);
    st = pipeline_give(&c->way, &n_given);
  }
  st = st == STATUS_OK ? write_output(s, n_given) : st;
  c->given_wall_ns = clock_wall_ns();
  const uint64_t used_ns = clock_thread_cpu_ns() - cpu_ns;
  c->worst_cpu_ns = used_ns > c->worst_cpu_ns ? used_ns : c->worst_cpu_ns;
  histogram_add(&c->encode, encoded_ns - begun_ns);
  histogram_add(&c->decode, decoded_ns - encoded_ns);
  histogram_add(&c->total, c->given_wall_ns - begun_ns + c->take_ns);
  c->take_ns = 0;
  count(&s->counts.steps, 1);
  show(s);
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
    log_controls(s);
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
