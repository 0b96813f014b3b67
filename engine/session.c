// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// The allocating half of a session: opening, plans, telemetry. [main] unless said.

#include "engine/session.h"

#include "engine/futex.h"
#include "engine/latency.h"
#include "engine/session_control.h"
#include "engine/session_internal.h"
#include "engine/session_mixer.h"

#include <inttypes.h>
#include <math.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define INPUT_SECONDS 2       // a longer stall overflows
#define ROOMY_RATE_HZ 192000u // rings are sized so that the host may rise to it
#define MOST_RING_SAMPLES (1u << 24)
#define HOLD_HALF_LIFE_S 0.1
#define CONDUCTOR_STACK_BYTES (1u << 20)

static status check_config(const session_config *config, error *err)
{
  const codec_info *info = codec_get_info(config->model);
  if (!info->streamable) {
    return error_set(err, STATUS_UNSUPPORTED, "%s cannot be played live: it codes whole files only",
                     info->name);
  }
  if (config->host_rate_hz < 1 || config->host_rate_hz > 384000) {
    return error_set(err, STATUS_USAGE, "a host rate of %u Hz, expected 1 to 384000",
                     config->host_rate_hz);
  }
  if (config->block_samples < 1 || config->block_samples > SESSION_MAX_BLOCK_SAMPLES) {
    return error_set(err, STATUS_USAGE, "blocks of %u samples, expected 1 to %d",
                     config->block_samples, SESSION_MAX_BLOCK_SAMPLES);
  }
  if (config->fade_ms != 0.0f && !(config->fade_ms >= 5.0f && config->fade_ms <= 10.0f)) {
    return error_set(err, STATUS_USAGE, "a fade of %g ms, expected 5 to 10",
                     (double)config->fade_ms);
  }
  if (info->n_channels > SESSION_MAX_CHANNELS) {
    return error_set(err, STATUS_UNSUPPORTED, "%s has %u channels, a session at most %d",
                     info->name, info->n_channels, SESSION_MAX_CHANNELS);
  }
  return STATUS_OK;
}

// --- plans ---

static uint32_t hop_at_host_rate(const codec_info *info, uint32_t host_rate_hz)
{
  const uint64_t scaled = (uint64_t)info->hop_samples * host_rate_hz;
  return (uint32_t)((scaled + info->rate_hz - 1) / info->rate_hz);
}

static status find_latency(const session *s, plan *p, uint32_t slack_samples, error *err)
{
  const latency_query query = {
      .in = p->rates->in,
      .out = p->rates->out,
      .host_rate_hz = p->host_rate_hz,
      .codec_rate_hz = s->info->rate_hz,
      .hop_samples = s->info->hop_samples,
      .model_delay_samples = s->info->model_delay_samples,
      .block_samples = p->block_samples,
  };
  uint64_t least = 0;
  const status st = latency_search(&query, &least, err);
  least += slack_samples;
  if (st == STATUS_OK && least > MOST_RING_SAMPLES) {
    return error_set(err, STATUS_UNSUPPORTED,
                     "%s at %u Hz would have a latency of %" PRIu64 " samples", s->info->name,
                     p->host_rate_hz, least);
  }
  p->wet_samples = (uint32_t)least;
  return st;
}

static void plan_free(plan *p)
{
  if (p->owns_rates) {
    rate_pair_destroy(p->rates);
    free(p->rates);
    if (p->peaks) {
      limiter_destroy(p->peaks);
    }
    free(p->peaks);
  }
  free(p);
}

static status plan_limiter(const session *s, plan *p, error *err)
{
  p->peaks = calloc(1, sizeof *p->peaks);
  return p->peaks ? limiter_init(p->peaks, p->host_rate_hz, s->info->n_channels, err)
                  : error_set(err, STATUS_NO_MEMORY, "no memory for a limiter");
}

// A plan for `block_samples` at `host_rate_hz`; `last`: whose rates and limiter it shares, null: of
// its own.
static status plan_new(plan **made, const session *s, uint32_t host_rate_hz, uint32_t block_samples,
                       const plan *last, error *err)
{
  *made = NULL;
  plan *p = calloc(1, sizeof *p);
  rate_pair *own = last ? NULL : calloc(1, sizeof *own);
  if (!p || (!last && !own)) {
    free(p);
    free(own);
    error_set(err, STATUS_NO_MEMORY, "no memory for a session at %u Hz", host_rate_hz);
    return STATUS_NO_MEMORY;
  }
  status st = own ? rate_pair_init(own, s->info, host_rate_hz, err) : STATUS_OK;
  const double fade_ms = s->config.fade_ms != 0.0f ? (double)s->config.fade_ms : 5.0;
  uint32_t slack = s->config.slack_samples;
  slack = slack ? slack : hop_at_host_rate(s->info, host_rate_hz);
  p->rates = own ? own : last->rates;
  p->peaks = own ? NULL : last->peaks;
  p->owns_rates = own != NULL;
  p->host_rate_hz = host_rate_hz;
  p->block_samples = block_samples;
  p->fade_samples = (uint32_t)ceil(fade_ms * host_rate_hz / 1000.0);
  slack = slack > p->fade_samples ? slack : p->fade_samples;
  p->enough_samples = p->fade_samples + (slack - p->fade_samples) / 2;
  p->settle_samples = hop_at_host_rate(s->info, host_rate_hz);
  p->hold_decay = (float)exp2(-1.0 / (HOLD_HALF_LIFE_S * host_rate_hz));
  st = st == STATUS_OK ? find_latency(s, p, slack, err) : st;
  st = st == STATUS_OK && own && s->config.output_stage ? plan_limiter(s, p, err) : st;
  if (st != STATUS_OK) {
    plan_free(p);
    return st;
  }
  p->latency_samples = p->wet_samples + (p->peaks ? limiter_delay_samples(p->peaks) : 0);
  *made = p;
  return STATUS_OK;
}

static plan *newest_plan(const session *s)
{
  return atomic_load_explicit(&s->offer, memory_order_relaxed); // only [main] writes it
}

// Free what neither the audio thread nor the conductor can still be using.
static void reap_plans(session *s)
{
  const uint64_t serial = atomic_load_explicit(&s->audio_serial, memory_order_acquire);
  const uint64_t epoch = atomic_load_explicit(&s->conductor_epoch, memory_order_acquire);
  plan **link = &newest_plan(s)->older;
  while (*link) {
    plan *p = *link;
    if (p->serial < serial && (!p->owns_rates || p->epoch < epoch)) {
      *link = p->older;
      plan_free(p);
    } else {
      link = &p->older;
    }
  }
}

static bool plan_fits(const session *s, const plan *p)
{
  const uint64_t reach =
      (uint64_t)p->wet_samples + 2 * SESSION_MAX_BLOCK_SAMPLES + p->rates->given_capacity;
  return reach <= s->output.capacity && reach <= s->audio.dry.capacity;
}

static void set_offer(session *s, plan *p)
{
  atomic_store_explicit(&s->latency_samples, p->latency_samples, memory_order_relaxed);
  atomic_store_explicit(&s->host_rate_hz, p->host_rate_hz, memory_order_relaxed);
  atomic_store_explicit(&s->block_samples, p->block_samples, memory_order_relaxed);
  atomic_store_explicit(&s->offer, p, memory_order_release);
}

static status offer_plan(session *s, plan *p, error *err)
{
  plan *last = newest_plan(s);
  if (!plan_fits(s, p)) {
    const status st = error_set(err, STATUS_UNSUPPORTED,
                                "a latency of %u samples is more than this session has room for: "
                                "open another",
                                p->latency_samples);
    plan_free(p);
    return st;
  }
  p->older = last;
  p->serial = last->serial + 1;
  p->epoch = last->epoch + p->owns_rates;
  set_offer(s, p);
  reap_plans(s);
  return STATUS_OK;
}

status session_set_block(session *s, uint32_t block_samples, error *err)
{
  const plan *last = newest_plan(s);
  if (block_samples < 1 || block_samples > SESSION_MAX_BLOCK_SAMPLES) {
    return error_set(err, STATUS_USAGE, "blocks of %u samples, expected 1 to %d", block_samples,
                     SESSION_MAX_BLOCK_SAMPLES);
  }
  if (block_samples <= last->block_samples) {
    return STATUS_OK;
  }
  plan *p = NULL;
  const status st = plan_new(&p, s, last->host_rate_hz, block_samples, last, err);
  return st == STATUS_OK ? offer_plan(s, p, err) : st;
}

status session_set_rate(session *s, uint32_t host_rate_hz, error *err)
{
  const plan *last = newest_plan(s);
  if (host_rate_hz < 1 || host_rate_hz > 384000) {
    return error_set(err, STATUS_USAGE, "a host rate of %u Hz, expected 1 to 384000", host_rate_hz);
  }
  if (host_rate_hz == last->host_rate_hz) {
    return STATUS_OK;
  }
  plan *p = NULL;
  const status st = plan_new(&p, s, host_rate_hz, last->block_samples, NULL, err);
  return st == STATUS_OK ? offer_plan(s, p, err) : st;
}

// --- memory ---

static status make_rings(session *s, const plan *p, error *err)
{
  const uint32_t rate_hz = p->host_rate_hz;
  const uint64_t roof = (ROOMY_RATE_HZ + rate_hz - 1) / rate_hz; // how far the rate may rise
  const uint64_t hop = hop_at_host_rate(s->info, rate_hz);
  const uint64_t reach = (roof * (p->wet_samples + hop) + 4 * SESSION_MAX_BLOCK_SAMPLES);
  uint64_t queue = (uint64_t)INPUT_SECONDS * rate_hz;
  queue = queue > 2 * reach ? queue : 2 * reach;
  const size_t bytes = s->info->n_channels * sizeof(float);
  if (queue > MOST_RING_SAMPLES) {
    return error_set(err, STATUS_UNSUPPORTED, "%s at %u Hz needs rings of %llu samples",
                     s->info->name, rate_hz, (unsigned long long)queue);
  }
  status st = ring_init(&s->input, queue, bytes, "input ring", err);
  st = st == STATUS_OK ? ring_init(&s->output, reach, bytes + sizeof(float), "output ring", err)
                       : st;
  st = st == STATUS_OK ? ring_init(&s->asked, SESSION_ASKED, sizeof(control), "control ring", err)
                       : st;
  st = st == STATUS_OK
           ? ring_init(&s->controls, SESSION_CONTROLS, sizeof(control), "control ring", err)
           : st;
  st = st == STATUS_OK ? ring_init(&s->audio.dry, reach, bytes, "dry ring", err) : st;
  st = st == STATUS_OK ? ring_init(&s->audio.hold, SESSION_HOLD_SAMPLES, bytes, "hold ring", err)
                       : st;
  st = st == STATUS_OK
           ? ring_init(&s->messages, SESSION_MESSAGES, sizeof(session_message), "message ring", err)
           : st;
  return st == STATUS_OK
             ? ring_init(&s->events, SESSION_MESSAGES, sizeof(session_event), "event ring", err)
             : st;
}

typedef struct lock_tally {
  size_t locked_bytes, refused_bytes;
} lock_tally;

static void lock_stretch(void *user, const void *data, size_t bytes)
{
  lock_tally *tally = user;
  *(mlock(data, bytes) == 0 ? &tally->locked_bytes : &tally->refused_bytes) += bytes;
}

// What the audio thread touches first, then what a step touches, as far as the limit goes.
static void lock_memory(session *s)
{
  const ring *const rings[] = {&s->input,    &s->output,    &s->messages,   &s->asked,
                               &s->controls, &s->audio.dry, &s->audio.hold, NULL};
  lock_tally own = {0};
  lock_tally model = {0};
  lock_stretch(&own, s, sizeof *s);
  for (const ring *const *r = rings; *r; ++r) {
    lock_stretch(&own, (*r)->data, ring_bytes(*r));
  }
  codec_visit_memory(s->conductor.way.state, lock_stretch, &model);
  player_visit_memory(s->conductor.player, lock_stretch, &model);
  if (own.refused_bytes || model.refused_bytes) {
    log_write(&s->log, LOG_WARNING,
              "memory is not all locked, paging may be heard: rings %zu of %zu KiB, model %zu of "
              "%zu KiB (see ulimit -l)",
              own.locked_bytes >> 10, (own.locked_bytes + own.refused_bytes) >> 10,
              model.locked_bytes >> 10, (model.locked_bytes + model.refused_bytes) >> 10);
  }
}

// --- opening and closing ---

static void set_priority(session *s)
{
  const bool real_time = s->config.priority > 1;
  const struct sched_param parameter = {.sched_priority = real_time ? s->config.priority - 1 : 0};
  const int refused =
      pthread_setschedparam(s->thread, real_time ? SCHED_FIFO : SCHED_OTHER, &parameter);
  if (refused) {
    log_write(&s->log, LOG_WARNING,
              "the conductor has no real-time priority (%s; see ulimit -r): misses are likely",
              strerror(refused));
  }
}

void session_set_priority(session *s, int priority)
{
  if (priority != s->config.priority) {
    s->config.priority = priority;
    set_priority(s);
  }
}

void session_restart(session *s)
{
  atomic_store_explicit(&s->restarts, true, memory_order_relaxed);
}

static status start_conductor(session *s, error *err)
{
  pthread_attr_t attributes;
  if (pthread_attr_init(&attributes) != 0) {
    return error_set(err, STATUS_NO_MEMORY, "no memory for the conductor thread");
  }
  pthread_attr_setstacksize(&attributes, CONDUCTOR_STACK_BYTES);
  const int code = pthread_create(&s->thread, &attributes, conductor_run, s);
  pthread_attr_destroy(&attributes);
  if (code != 0) {
    return error_set(err, STATUS_NO_MEMORY, "no conductor thread: %s", strerror(code));
  }
  pthread_setname_np(s->thread, "conductor");
  if (s->config.priority > 1) {
    set_priority(s);
  }
  return STATUS_OK;
}

static status build(session *s, error *err)
{
  plan *p = NULL;
  status st = plan_new(&p, s, s->config.host_rate_hz, s->config.block_samples, NULL, err);
  if (st != STATUS_OK) {
    return st;
  }
  p->serial = p->epoch = 1;
  set_offer(s, p);
  atomic_init(&s->audio_serial, 1);
  atomic_init(&s->conductor_epoch, 1);
  s->audio.plan = p;
  s->audio.cut = true; // until the first timeline begins
  s->audio.wet_gain = p->fade_samples;
  s->audio.hold_end = SESSION_HOLD_SAMPLES;
  st = make_rings(s, p, err);
  st = st == STATUS_OK ? conductor_init(s, p->rates, err) : st;
  st = st == STATUS_OK ? keep_init(&s->kept, s->config.keep_s, p->host_rate_hz, s->info->n_channels,
                                   (uint32_t)s->conductor.way.n_used,
                                   (double)s->info->rate_hz / s->info->hop_samples, err)
                       : st;
  if (st != STATUS_OK) {
    return st;
  }
  if (s->config.lock_memory) {
    lock_memory(s);
  }
  return start_conductor(s, err);
}

static void dismantle(session *s)
{
  conductor_destroy(&s->conductor);
  keep_destroy(&s->kept);
  ring_destroy(&s->input);
  ring_destroy(&s->output);
  ring_destroy(&s->asked);
  ring_destroy(&s->controls);
  ring_destroy(&s->messages);
  ring_destroy(&s->events);
  ring_destroy(&s->audio.dry);
  ring_destroy(&s->audio.hold);
  for (plan *p = newest_plan(s); p;) {
    plan *older = p->older;
    plan_free(p);
    p = older;
  }
  codec_unref(s->model);
  token_model_unref(s->config.player);
  pthread_mutex_destroy(&s->asking);
  free(s);
}

status session_open(session **s, const session_config *config, error *err)
{
  *s = NULL;
  status st = check_config(config, err);
  if (st != STATUS_OK) {
    return st;
  }
  session *made = aligned_alloc(CACHE_LINE_BYTES, sizeof *made);
  if (!made) {
    return error_set(err, STATUS_NO_MEMORY, "no memory for a session");
  }
  memset(made, 0, sizeof *made);
  made->model = codec_ref(config->model);
  made->info = codec_get_info(config->model);
  made->config = *config;
  made->config.player = config->player ? token_model_ref(config->player) : NULL;
  pthread_mutex_init(&made->asking, NULL);
  session_control_init(made);
  session_mixer_init(made);
  if (config->log) {
    made->log = *config->log;
  }
  atomic_init(&made->freewheel, config->offline);
  st = build(made, err);
  if (st != STATUS_OK) {
    dismantle(made);
    return st;
  }
  *s = made;
  return STATUS_OK;
}

void session_close(session *s)
{
  if (!s) {
    return;
  }
  atomic_store(&s->stop, true);
  atomic_fetch_add(&s->bell, 1);
  futex_wake(&s->bell);
  pthread_join(s->thread, NULL);
  dismantle(s);
}

// --- control and telemetry ---

void session_set_freewheel(session *s, bool on)
{
  atomic_store_explicit(&s->freewheel, on || s->config.offline, memory_order_relaxed);
}

void session_count_xrun(session *s)
{
  atomic_fetch_add_explicit(&s->counts.xruns, 1, memory_order_relaxed);
}

void session_inject_stall(session *s, uint32_t ms)
{
  atomic_store(&s->stall_ms, ms);
}

uint32_t session_latency_samples(const session *s)
{
  return atomic_load_explicit(&s->latency_samples, memory_order_relaxed);
}

int session_channels(const session *s)
{
  return (int)s->info->n_channels;
}

session_timeline session_get_timeline(const session *s)
{
  session_timeline line;
  do {
    line.number = atomic_load_explicit(&s->timeline_number, memory_order_acquire);
    line.host_time_samples =
        atomic_load_explicit(&s->timeline_host[line.number & 1], memory_order_acquire);
  } while (line.number != atomic_load_explicit(&s->timeline_number, memory_order_acquire));
  return line;
}

static session_times read_times(const histogram *h)
{
  return (session_times){
      .p50_us = (double)histogram_percentile(h, 0.5) * 1e-3,
      .p99_us = (double)histogram_percentile(h, 0.99) * 1e-3,
      .p999_us = (double)histogram_percentile(h, 0.999) * 1e-3,
      .max_us = (double)histogram_percentile(h, 1.0) * 1e-3,
  };
}

static float take_peak(_Atomic uint32_t *counter)
{
  const uint32_t bits = atomic_exchange_explicit(counter, 0, memory_order_relaxed);
  float peak;
  memcpy(&peak, &bits, sizeof peak);
  return peak;
}

static uint64_t value_of(const _Atomic uint64_t *counter)
{
  return atomic_load_explicit(counter, memory_order_relaxed);
}

int session_mode(const session *s)
{
  return atomic_load_explicit(&s->shown.mode, memory_order_relaxed);
}

void session_read_telemetry(session *s, session_telemetry *t)
{
  const counters *c = &s->counts;
  const shown_state *shown = &s->shown;
  limiter *peaks = newest_plan(s)->peaks;
  const double mean_s = histogram_mean_ns(&s->conductor.total) * 1e-9;
  const double hop_s = (double)s->info->hop_samples / s->info->rate_hz;
  *t = (session_telemetry){
      .latency_samples = session_latency_samples(s),
      .host_rate_hz = atomic_load_explicit(&s->host_rate_hz, memory_order_relaxed),
      .codec_rate_hz = s->info->rate_hz,
      .hop_samples = s->info->hop_samples,
      .block_samples = atomic_load_explicit(&s->block_samples, memory_order_relaxed),
      .largest_block_samples =
          atomic_load_explicit(&c->largest_block_samples, memory_order_relaxed),
      .position_samples = value_of(&c->position_samples),
      .steps = value_of(&c->steps),
      .misses = value_of(&c->misses),
      .own_misses = value_of(&c->own_misses),
      .late_samples = value_of(&c->late_samples),
      .gaps = value_of(&c->gaps),
      .gap_samples = value_of(&c->gap_samples),
      .xruns = value_of(&c->xruns),
      .overflows = value_of(&c->overflows),
      .nonfinite_samples = value_of(&c->nonfinite_samples),
      .encode = read_times(&s->conductor.encode),
      .decode = read_times(&s->conductor.decode),
      .total = read_times(&s->conductor.total),
      .input_peak = take_peak(&s->counts.input_peak),
      .output_peak = take_peak(&s->counts.output_peak),
      .realtime_factor = mean_s > 0.0 ? hop_s / mean_s : 0.0,
      .reduction_db = peaks ? limiter_reduction_db(peaks) : 0.0f,
      .dropped_controls = value_of(&c->dropped_controls) + value_of(&shown->n_ignored),
      .mode = atomic_load_explicit(&shown->mode, memory_order_relaxed),
      .plays = atomic_load_explicit(&shown->plays, memory_order_relaxed),
      .gate_open = atomic_load_explicit(&shown->gate_open, memory_order_relaxed),
      .fed_back = atomic_load_explicit(&shown->fed_back, memory_order_relaxed),
      .beat = atomic_load_explicit(&shown->beat, memory_order_relaxed),
      .bpm = atomic_load_explicit(&shown->bpm, memory_order_relaxed),
      .memory_steps = value_of(&shown->memory_steps),
      .place = value_of(&shown->place),
  };
}

bool session_next_event(session *s, session_event *event)
{
  return ring_pull(&s->events, event);
}
