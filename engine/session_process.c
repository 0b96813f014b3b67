// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// The audio thread's half of a session. Nothing here allocates, locks or logs; the only system call
// is one futex wake, and in freewheel the waits.

#include "engine/futex.h"
#include "engine/session_control.h"
#include "engine/session_internal.h"
#include "engine/session_mixer.h"
#include "engine/thread_times.h"

#include <math.h>
#include <string.h>

static void post(session *s, const session_message *m)
{
  ring_push(&s->messages, m); // full only while the conductor stands still; counters do not lose it
}

// Where stream position t stands in the timeline, as events give it.
static uint64_t in_timeline(const audio_side *a, uint64_t t)
{
  return t - a->base;
}

// The same of what is heard: the limiter gives it later.
static uint64_t heard_in_timeline(const audio_side *a)
{
  return in_timeline(a, a->t) + a->plan->latency_samples - a->plan->wet_samples;
}

static void cut_input(session *s)
{
  if (!s->audio.cut) {
    s->audio.cut = true;
    post(s, &(session_message){MESSAGE_CUT, .at = s->audio.t});
  }
}

static void note_host_time(session *s, uint32_t n_samples, uint64_t host_time)
{
  audio_side *a = &s->audio;
  if (atomic_load_explicit(&s->restarts, memory_order_relaxed)) {
    atomic_store_explicit(&s->restarts, false, memory_order_relaxed);
    cut_input(s);
  } else if (a->t > 0 && host_time != a->host_next) {
    const uint64_t lost = host_time > a->host_next ? host_time - a->host_next : 0;
    count(&s->counts.gaps, 1);
    count(&s->counts.gap_samples, lost);
    post(s, &(session_message){MESSAGE_GAP, .position = in_timeline(a, a->t), .value = lost});
  }
  a->host_next = host_time + n_samples;
}

// --- waiting, in freewheel only ---

static void ring_bell(session *s)
{
  atomic_fetch_add(&s->bell, 1);
  if (atomic_exchange(&s->asleep, 0)) {
    futex_wake(&s->bell);
  }
}

// Until the conductor has worked off input up to `position`, has failed, or the time is over.
static void wait_for_conductor(session *s, uint64_t position)
{
  const uint64_t begun_ns = clock_wall_ns();
  for (;;) {
    atomic_store(&s->waiting, 1);
    const uint32_t seen = atomic_load(&s->progress);
    const uint64_t waited_ns = clock_wall_ns() - begun_ns;
    if (atomic_load(&s->worked) >= position || atomic_load(&s->failed) ||
        waited_ns >= SESSION_WAIT_NS) {
      break;
    }
    futex_wait(&s->progress, seen, SESSION_WAIT_NS - waited_ns);
  }
  atomic_store(&s->waiting, 0);
}

// --- timelines and plans ---

static bool plan_is_pending(const session *s)
{
  return atomic_load_explicit(&s->offer, memory_order_acquire) != s->audio.plan;
}

static void adopt_plan(session *s)
{
  audio_side *a = &s->audio;
  const plan *offered = atomic_load_explicit(&s->offer, memory_order_acquire);
  const bool other_rate = offered->epoch != a->plan->epoch;
  const bool at_rest =
      s->config.script ? a->decided & DECIDE_PLAN : a->mode == HEARD_FALLBACK || a->t == 0;
  if (other_rate) { // what follows is at another rate than what is queued
    cut_input(s);
  }
  if (!at_rest || offered == a->plan) {
    return;
  }
  if (a->t > 0 && offered->epoch != a->plan->epoch) {
    s->kept.rate_hz = offered->host_rate_hz;
    keep_begin(&s->kept, a->t);
  }
  a->plan = offered;
  session_mixer_adopt_plan(s);
  a->wet_gain = a->mode == HEARD_WET ? offered->fade_samples : 0;
  atomic_store_explicit(&s->audio_serial, offered->serial, memory_order_release);
  post(s, &(session_message){MESSAGE_LATENCY, .position = heard_in_timeline(a),
                             .value = offered->latency_samples, .at = a->t,
                             .block_samples = offered->block_samples,
                             .host_rate_hz = offered->host_rate_hz});
}

// A timeline begins with the next sample that is pushed, once nothing of the last one is heard.
static void begin_timeline(session *s, uint64_t host_time)
{
  audio_side *a = &s->audio;
  const bool silent = a->mode == HEARD_FALLBACK || a->t == 0;
  const bool may =
      s->config.script
          ? a->decided & DECIDE_TIMELINE
          : silent && !plan_is_pending(s) &&
                atomic_load_explicit(&s->overflow, memory_order_acquire) != OVERFLOW_RAISED;
  if (!a->cut || !may) {
    return;
  }
  const session_message m = {
      .kind = MESSAGE_TIMELINE,
      .value = host_time,
      .number = a->timelines + 1,
      .n_pushed = a->n_pushed,
      .base = a->t,
      .epoch = a->plan->epoch,
      .rates = a->plan->rates,
  };
  if (!ring_push(&s->messages, &m)) {
    return; // next time
  }
  a->cut = false;
  a->base = a->t;
  a->timelines = m.number;
  atomic_store_explicit(&s->overflow, OVERFLOW_NONE, memory_order_relaxed);
  atomic_store_explicit(&s->timeline_host[m.number & 1], host_time, memory_order_release);
  atomic_store_explicit(&s->timeline_number, m.number, memory_order_release);
}

static void overflow(session *s)
{
  audio_side *a = &s->audio;
  a->cut = true;
  atomic_store_explicit(&s->overflow, OVERFLOW_RAISED, memory_order_release);
  count(&s->counts.overflows, 1);
  post(s, &(session_message){MESSAGE_OVERFLOW, .position = in_timeline(a, a->t), .at = a->t});
}

// --- input ---

static float larger(float a, float b)
{
  return a > b ? a : b;
}

static void note_peak(_Atomic uint32_t *counter, float peak)
{
  uint32_t bits = atomic_load_explicit(counter, memory_order_relaxed);
  float old;
  memcpy(&old, &bits, sizeof old);
  if (peak > old) {
    memcpy(&bits, &peak, sizeof bits);
    atomic_store_explicit(counter, bits, memory_order_relaxed);
  }
}

// Into the dry ring, interleaved, non-finite samples as 0.
static void keep_dry(session *s, const float *const *in, uint32_t n_samples)
{
  audio_side *a = &s->audio;
  const uint32_t n_channels = s->info->n_channels;
  const bool keeps = keep_is_on(&s->kept);
  uint64_t n_bad = 0;
  float peak = 0.0f;
  for (uint32_t i = 0; i < n_samples; ++i) {
    float *to = ring_at(&a->dry, a->t + i);
    for (uint32_t c = 0; c < n_channels; ++c) {
      const float x = in ? in[c][i] : 0.0f;
      const bool good = isfinite(x);
      n_bad += !good;
      to[c] = good ? (keeps ? keep_grid(x) : x) : 0.0f;
      peak = larger(peak, fabsf(to[c]));
    }
    keep_input(&s->kept, a->t + i, to);
  }
  if (n_bad) {
    count(&s->counts.nonfinite_samples, n_bad);
  }
  note_peak(&s->counts.input_peak, peak);
}

static bool input_has_room(const session *s, uint32_t n_samples)
{
  return s->input.capacity - (s->audio.n_pushed - ring_tail(&s->input)) >= n_samples;
}

// From the dry ring, where it lies clean, to the conductor.
static void push_input(session *s, uint32_t n_samples, bool waits)
{
  audio_side *a = &s->audio;
  if (!a->cut && waits && !input_has_room(s, n_samples)) {
    wait_for_conductor(s, a->n_pushed);
  }
  if (!a->cut && !input_has_room(s, n_samples)) {
    overflow(s);
  }
  if (a->cut) {
    return;
  }
  for (uint32_t i = 0; i < n_samples; ++i) {
    memcpy(ring_at(&s->input, a->n_pushed + i), ring_at(&a->dry, a->t + i), s->input.element_bytes);
  }
  a->n_pushed += n_samples;
  ring_publish(&s->input, a->n_pushed);
}

// --- output ---

// Wet sample at stream position t, one per channel, and the dry gain; zeros before the timeline's
// sample 0.
static const float *wet_at(const session *s, uint64_t t)
{
  static const float zeros[SESSION_MAX_CHANNELS + 1];
  const audio_side *a = &s->audio;
  const bool begun = t >= a->base + a->plan->wet_samples;
  return begun ? ring_at(&s->output, t - a->plan->wet_samples) : zeros;
}

// The last wet stretch, backwards and forwards in turn (so that it has no seam), fading.
static void hold_next(session *s, float *to)
{
  audio_side *a = &s->audio;
  const uint64_t phase = a->hold_read++ % (2 * SESSION_HOLD_SAMPLES);
  const uint64_t back = phase < SESSION_HOLD_SAMPLES ? phase : 2 * SESSION_HOLD_SAMPLES - 1 - phase;
  const float *from = ring_at(&a->hold, a->hold_end - 1 - back);
  for (uint32_t c = 0; c < s->info->n_channels; ++c) {
    to[c] = from[c] * a->hold_gain;
  }
  a->hold_gain = a->hold_gain > 1e-5f ? a->hold_gain * a->plan->hold_decay : 0.0f;
}

static void fallback_next(session *s, uint64_t t, float *to)
{
  const size_t bytes = s->info->n_channels * sizeof *to;
  const uint32_t latency = s->audio.plan->wet_samples;
  if (s->config.fallback == FALLBACK_HOLD) {
    hold_next(s, to);
  } else if (s->config.fallback == FALLBACK_DRY && t >= latency) {
    memcpy(to, ring_at(&s->audio.dry, t - latency), bytes);
  } else {
    memset(to, 0, bytes);
  }
}

static void keep_wet(session *s, uint64_t t, const float *wet)
{
  audio_side *a = &s->audio;
  memcpy(ring_at(&a->hold, t), wet, a->hold.element_bytes);
  a->hold_end = t + 1;
  a->hold_read = 0;
  a->hold_gain = 1.0f;
}

// Of the input beside what is heard. Where the input itself stands in for what is late, it is not
// heard twice.
static void set_dry_gain(session *s, float dry_gain, float wet_gain)
{
  s->audio.mixer.dry_gain = dry_gain * (s->config.fallback == FALLBACK_DRY ? wet_gain : 1.0f);
}

static void mix_next(session *s, uint64_t t, float *to)
{
  audio_side *a = &s->audio;
  const float gain = (float)a->wet_gain / (float)a->plan->fade_samples;
  const float *wet = wet_at(s, t);
  fallback_next(s, t, to);
  set_dry_gain(s, wet[s->info->n_channels], gain);
  for (uint32_t c = 0; c < s->info->n_channels; ++c) {
    to[c] += (wet[c] - to[c]) * gain;
  }
  if (a->mode == HEARD_FADE_OUT) {
    a->mode = --a->wet_gain == 0 ? HEARD_FALLBACK : a->mode;
  } else {
    a->mode = ++a->wet_gain == a->plan->fade_samples ? HEARD_WET : a->mode;
  }
}

static void give_next(session *s, uint64_t t, float *to)
{
  if (s->audio.mode == HEARD_WET) {
    const float *wet = wet_at(s, t);
    memcpy(to, wet, s->audio.hold.element_bytes);
    set_dry_gain(s, wet[s->info->n_channels], 1.0f);
    keep_wet(s, t, to);
  } else if (s->audio.mode == HEARD_FALLBACK) {
    fallback_next(s, t, to);
    set_dry_gain(s, s->audio.mixer.dry_gain, 0.0f);
  } else {
    mix_next(s, t, to);
  }
}

// How many wet samples lie beyond the block [t, t + n).
static int64_t wet_beyond(const session *s, uint32_t n_samples)
{
  const audio_side *a = &s->audio;
  const uint64_t wanted = a->t + n_samples;
  const uint64_t there = ring_head(&s->output) + a->plan->wet_samples;
  return (int64_t)(there - wanted);
}

static void note_fade_out(session *s, uint32_t n_samples, bool late)
{
  audio_side *a = &s->audio;
  if (!late) {
    post(s, &(session_message){MESSAGE_PAUSED, .position = heard_in_timeline(a), .at = a->t});
    return;
  }
  const uint64_t needed = a->t + n_samples + a->plan->fade_samples - a->plan->wet_samples;
  count(&s->counts.misses, 1);
  post(s, &(session_message){MESSAGE_LATE, .position = heard_in_timeline(a), .at = a->t,
                             .needed = needed, .wall_ns = clock_wall_ns()});
}

// Wet may come back: it has begun, nothing of it would be heard twice, and there has been enough of
// it for a while.
static bool may_come_back(session *s, uint32_t n_samples, int64_t beyond)
{
  audio_side *a = &s->audio;
  const uint64_t first = a->base > ring_tail(&s->output) ? a->base : ring_tail(&s->output);
  const bool enough =
      !a->cut && a->t >= first + a->plan->wet_samples && beyond >= (int64_t)a->plan->enough_samples;
  a->settled = enough ? a->settled + n_samples : 0;
  return a->settled >= a->plan->settle_samples;
}

// Whether this block begins a fade. Late is: less than one fade is left beyond the block, so that
// the fade, which begins now, still finds its samples.
static void choose_mode(session *s, uint32_t n_samples, bool waits)
{
  audio_side *a = &s->audio;
  if (s->config.script) {
    a->mode = a->decided & DECIDE_FADE_OUT  ? HEARD_FADE_OUT
              : a->decided & DECIDE_FADE_IN ? HEARD_FADE_IN
                                            : a->mode;
    return;
  }
  const int64_t beyond = wet_beyond(s, n_samples);
  const bool late = beyond < (int64_t)a->plan->fade_samples;
  const bool unplanned = plan_is_pending(s) || (n_samples > a->plan->block_samples && !waits);
  if (a->mode == HEARD_WET || a->mode == HEARD_FADE_IN) {
    if (late || unplanned || a->cut) {
      a->mode = HEARD_FADE_OUT;
      a->settled = 0;
      note_fade_out(s, n_samples, late && n_samples <= a->plan->block_samples);
    }
  } else if (a->mode == HEARD_FALLBACK && !late && !unplanned &&
             may_come_back(s, n_samples, beyond)) {
    a->mode = HEARD_FADE_IN;
    post(s, &(session_message){MESSAGE_RECOVERED, .position = heard_in_timeline(a), .at = a->t});
  }
}

static void pull_output(session *s, float *const *out, uint32_t n_samples, bool waits)
{
  audio_side *a = &s->audio;
  float peak = 0.0f;
  uint64_t n_late = 0;
  choose_mode(s, n_samples, waits);
  for (uint32_t i = 0; i < n_samples; ++i) {
    float sample[SESSION_MAX_CHANNELS];
    n_late += a->mode != HEARD_WET;
    give_next(s, a->t + i, sample);
    session_mix(s, a->t + i, a->mixer.dry_gain, sample);
    keep_output(&s->kept, a->t + i, sample);
    for (uint32_t c = 0; c < s->info->n_channels; ++c) {
      out[c][i] = sample[c];
      peak = larger(peak, fabsf(sample[c]));
    }
  }
  if (n_late) {
    count(&s->counts.late_samples, n_late);
  }
  note_peak(&s->counts.output_peak, peak);
}

static void release_output(session *s, uint32_t n_samples)
{
  const audio_side *a = &s->audio;
  const uint64_t next = a->t + n_samples;
  if (next > a->plan->wet_samples && next - a->plan->wet_samples > ring_tail(&s->output)) {
    ring_release(&s->output, next - a->plan->wet_samples);
  }
}

// A block that no plan can hold: its input is lost.
static void refuse_block(session *s, float *const *out, uint32_t n_samples)
{
  audio_side *a = &s->audio;
  for (uint32_t c = 0; c < s->info->n_channels; ++c) {
    memset(out[c], 0, n_samples * sizeof **out);
  }
  count(&s->counts.misses, 1);
  count(&s->counts.late_samples, n_samples);
  if (!a->cut) {
    overflow(s);
  }
  if (a->mode != HEARD_FALLBACK) {
    post(s, &(session_message){MESSAGE_PAUSED, .position = heard_in_timeline(a), .at = a->t});
  }
  a->mode = HEARD_FALLBACK;
  a->wet_gain = 0;
  a->settled = 0;
  keep_begin(&s->kept, a->t + n_samples); // nothing of this block is kept
}

void session_decide(session *s, unsigned decisions)
{
  s->audio.decided |= decisions;
}

void session_process(session *s, const float *const *in, float *const *out, uint32_t n_samples,
                     uint64_t host_time_samples)
{
  audio_side *a = &s->audio;
  if (n_samples == 0) {
    return;
  }
  const bool waits = atomic_load_explicit(&s->freewheel, memory_order_relaxed);
  if (n_samples > atomic_load_explicit(&s->counts.largest_block_samples, memory_order_relaxed)) {
    atomic_store_explicit(&s->counts.largest_block_samples, n_samples, memory_order_relaxed);
  }
  note_host_time(s, n_samples, host_time_samples);
  a->cut |= (a->decided & DECIDE_CUT) != 0;
  adopt_plan(s);
  if (n_samples > SESSION_MAX_BLOCK_SAMPLES) {
    refuse_block(s, out, n_samples);
  } else {
    begin_timeline(s, host_time_samples);
    session_stamp_controls(s, n_samples);
    keep_dry(s, in, n_samples);
    push_input(s, n_samples, waits);
    ring_bell(s);
    if (waits) {
      wait_for_conductor(s, a->n_pushed);
    }
    pull_output(s, out, n_samples, waits);
    keep_publish(&s->kept, a->t + n_samples);
  }
  release_output(s, n_samples);
  a->decided = 0;
  a->t += n_samples;
  atomic_store_explicit(&s->counts.position_samples, in_timeline(a, a->t), memory_order_relaxed);
}
