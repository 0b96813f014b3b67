// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "tests/live/answer.h"

#include "engine/control/parameters.h"
#include "engine/keep/keep.h"
#include "models/io/resampler.h"
#include "tests/live/control_delay.h"
#include "tests/live/sent_log.h"
#include "tests/live/verdict.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define RATE_HZ 48000
#define LISTENED_MS 3000 // before the first trigger, so that there is something to go on from
#define HOLD_SAMPLES 1440
#define MOST_MEMORY_STEPS 200

typedef struct trial {
  stage *s;
  uint32_t block_samples, hop_samples; // at the host's rate
  uint32_t memory_steps;               // of the decoder
  unsigned n_wanted;
  take_part part;
  take_stretch stretches[MAX_STRETCHES];
  int n_stretches;
  sent_log sent;
  uint32_t latency_samples;
  double *of_stamp, *of_client; // [n] samples from either to the departure
  size_t n, n_left_out, n_silent, n_stamped_otherwise;
} trial;

// ---- the decoder's memory ----------------------------------------------------------------------

static void draw_codes(uint64_t *seed, const codec_info *info, int32_t *codes)
{
  for (uint32_t k = 0; k < info->n_codebooks; k++) {
    *seed = *seed * 6364136223846793005ULL + 1442695040888963407ULL;
    codes[k] = (int32_t)((*seed >> 33) % info->codebook_size);
  }
}

// Steps after which two decoders that have heard different things give the same again, bit for bit.
// 0: not found.
static uint32_t steps_to_forget(codec *model)
{
  const codec_info *info = codec_get_info(model);
  const int n_used = (int)info->n_codebooks;
  const size_t bytes = (size_t)info->hop_samples * info->n_channels * sizeof(float);
  codec_state *a = NULL, *b = NULL;
  int32_t *codes = calloc(info->n_codebooks, sizeof *codes);
  float *of_a = malloc(bytes), *of_b = malloc(bytes);
  uint64_t seed = 1;
  uint32_t last = MOST_MEMORY_STEPS;
  error err = {STATUS_OK, ""};
  if (codes && of_a && of_b && !codec_state_new(&a, model, 1, 1, &err) &&
      !codec_state_new(&b, model, 1, 1, &err)) {
    last = 0;
    for (uint32_t step = 0; step < 2 * MOST_MEMORY_STEPS; step++) {
      const bool alike = step >= MOST_MEMORY_STEPS;
      draw_codes(&seed, info, codes);
      codec_decode(a, codes, 1, n_used, of_a);
      if (!alike) {
        draw_codes(&seed, info, codes);
      }
      codec_decode(b, codes, 1, n_used, of_b);
      if (alike && memcmp(of_a, of_b, bytes) != 0) {
        last = step - MOST_MEMORY_STEPS + 1;
      }
    }
  }
  codec_state_free(a);
  codec_state_free(b);
  free(codes);
  free(of_a);
  free(of_b);
  return last < MOST_MEMORY_STEPS / 2 ? last : 0;
}

// ---- what was heard ----------------------------------------------------------------------------

// Before anything hears it, input is brought to the grid of what is kept.
static void bring_to_grid(take_part *part)
{
  for (uint64_t i = 0; i < part->n_samples * part->n_channels; i++) {
    part->received[i] = keep_grid(part->received[i]);
  }
}

static bool proves(const trial *t, uint64_t at)
{
  bool within = false;
  for (int i = 0; i < t->n_stretches && !within; i++) {
    within = at >= t->stretches[i].from && at < t->stretches[i].to;
  }
  return within && t->part.heard[at];
}

static bool departs(const trial *t, uint64_t at)
{
  for (uint32_t c = 0; c < t->part.n_channels; c++) {
    const float due = take_due(&t->part, at, c, t->latency_samples);
    if (memcmp(&t->part.got[at * t->part.n_channels + c], &due, sizeof due) != 0) {
      return true;
    }
  }
  return false;
}

// JACK's time of a sample of the timeline. Its cycles are in order.
static uint32_t jack_time(const host_log *log, uint64_t from, uint64_t at)
{
  uint32_t i = 0;
  const uint32_t n = atomic_load(&log->n_cycles);
  while (i < n && log->cycles[i].time_samples != from) {
    i++;
  }
  const uint64_t first = i < n ? log->cycles[i].at : 0;
  while (i + 1 < n && log->cycles[i + 1].at <= first + at) {
    i++;
  }
  return (uint32_t)(log->cycles[i].time_samples + first + at - log->cycles[i].at);
}

static bool is_pedal(const tap_sent *m)
{
  return m->bytes[0] == 0xb0 && m->bytes[1] == 64 && m->bytes[2] == 127;
}

static bool was_sent_at(const sent_log *log, uint32_t time_samples)
{
  for (size_t i = 0; i < log->n; i++) {
    if (log->messages[i].time_samples == time_samples && is_pedal(&log->messages[i])) {
      return true;
    }
  }
  return false;
}

// ---- measuring ---------------------------------------------------------------------------------

// An answer later than four hops after L is none at all. All of that stretch must prove something.
static void measure(trial *t, uint64_t stamp, uint64_t timeline_from)
{
  const uint64_t end = stamp + t->latency_samples + 4 * (uint64_t)t->hop_samples;
  uint64_t at = stamp;
  if (end >= t->part.n_samples) {
    return; // nobody heard it any more
  }
  for (uint64_t i = stamp; i < end; i++) {
    if (!proves(t, i)) {
      t->n_left_out++;
      return;
    }
  }
  while (at < end && !departs(t, at)) {
    at++;
  }
  t->n_silent += at == end;
  t->of_stamp[t->n] = (double)(at - stamp);
  const uint32_t sent = jack_time(&t->s->log, timeline_from, stamp);
  t->n_stamped_otherwise += !was_sent_at(&t->sent, sent);
  t->of_client[t->n++] = (double)(uint32_t)(jack_time(&t->s->log, timeline_from, at) - sent);
}

static bool is_trigger(const session_event *e)
{
  return e->kind == EVENT_CONTROL && e->value == (uint64_t)N_MODES + ACTION_CONTINUE;
}

static unsigned count_triggers(const stage *s)
{
  unsigned n = 0;
  for (size_t i = 0; i < s->n_events; i++) {
    n += is_trigger(&s->events[i].event);
  }
  return n;
}

static int by_size(const void *a, const void *b)
{
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

// Nearest rank, of a sorted array.
static double percentile(const double *sorted, size_t n, double share)
{
  const size_t rank = (size_t)ceil(share * (double)n);
  return n ? sorted[rank > 0 ? rank - 1 : 0] : 0.0;
}

static void say_distribution(const char *since, const double *sorted, size_t n)
{
  static const double shares[] = {0.0, 0.1, 0.5, 0.9, 0.99, 1.0};
  static const char *const names[] = {"min", "p10", "p50", "p90", "p99", "max"};
  printf("from %s:", since);
  for (int i = 0; i < 6; i++) {
    const double samples = percentile(sorted, n, shares[i]);
    printf(" %s %.0f (%.2f ms)", names[i], samples, 1e3 * samples / RATE_HZ);
  }
  printf("\n");
}

// The earliest at which anything could be heard: the hop that begins with the stamp, and before it
// what the resampler lets through.
static double earliest(const trial *t)
{
  const codec_info *info = codec_get_info(t->s->model);
  resampler *out = NULL;
  error err = {STATUS_OK, ""};
  if (resampler_new(&out, info->rate_hz, RATE_HZ, info->n_channels, &err)) {
    return t->latency_samples;
  }
  const double rings = (double)(resampler_lookahead(out) + 1) * RATE_HZ / info->rate_hz;
  resampler_free(out);
  return t->latency_samples - rings;
}

static bool judge(trial *t, bool in_time)
{
  const double bar = t->latency_samples + t->hop_samples + 2.0 * t->block_samples;
  qsort(t->of_stamp, t->n, sizeof *t->of_stamp, by_size);
  qsort(t->of_client, t->n, sizeof *t->of_client, by_size);
  printf("%zu triggers, %zu left out; decoder's memory %u steps; L %u, hop %u, block %u: bar %.0f "
         "samples (%.2f ms)\n",
         t->n, t->n_left_out, t->memory_steps, t->latency_samples, t->hop_samples, t->block_samples,
         bar, 1e3 * bar / RATE_HZ);
  say_distribution("the stamp", t->of_stamp, t->n);
  say_distribution("the MIDI client's message", t->of_client, t->n);
  bool good = demand(t->n >= t->n_wanted, "there were enough triggers");
  good =
      demand(t->n_stamped_otherwise == 0, "each stamp is the sample that the client sent") && good;
  good = demand(t->n > 0 && t->of_stamp[0] >= earliest(t),
                "until an answer is possible, output is the monitor's, bit for bit") &&
         good;
  const bool met = t->n > 0 && percentile(t->of_stamp, t->n, 0.99) <= bar;
  if (!in_time) {
    return demand(!met, "a control that acts one step late misses the bar") && good;
  }
  good = demand(t->n_silent == 0, "every trigger was answered") && good;
  good = demand(t->n > 0 && percentile(t->of_client, t->n, 0.99) <= bar,
                "so it is from the client's own time on") &&
         good;
  return demand(met, "the answer comes within L, one hop and two blocks at p99") && good;
}

static bool measure_all(trial *t, uint64_t timeline_from)
{
  stage *s = t->s;
  const unsigned n = count_triggers(s);
  size_t n_sent = 0;
  t->of_stamp = calloc(n + 1, sizeof *t->of_stamp);
  t->of_client = calloc(n + 1, sizeof *t->of_client);
  if (!t->of_stamp || !t->of_client || !take_render(&t->part, RATE_HZ, s->model)) {
    return demand(false, "there is an offline result");
  }
  t->n_stretches =
      verdict_stretches(s, 0, s->first_latency_samples, s->counts.host_rate_hz, t->stretches);
  for (size_t i = 0; i < s->n_events; i++) {
    if (is_trigger(&s->events[i].event)) {
      measure(t, s->events[i].event.position_samples, timeline_from);
    }
  }
  for (size_t i = 0; i < t->sent.n; i++) {
    n_sent += is_pedal(&t->sent.messages[i]);
  }
  return demand(n_sent == n, "every message that was sent was stamped");
}

// That the limiter had nothing to do: where it acts, nothing is equal.
static bool was_quiet(const trial *t)
{
  printf("peak sent %.3f, got %.3f; limiter %.1f dB\n", (double)t->part.peak_sent,
         (double)t->part.peak_got, (double)t->s->counts.reduction_db);
  return demand(t->part.peak_sent > 0.2F && t->part.peak_got > 0.1F && t->part.peak_got < 0.7F,
                "something was played and heard, below the limiter's ceiling");
}

// The recording against the render.
static bool judge_take(trial *t, bool in_time)
{
  stage *s = t->s;
  take recording;
  bool good = false;
  const session_timeline timeline = session_get_timeline(jack_host_session(s->host));
  t->latency_samples = session_latency_samples(jack_host_session(s->host));
  if (!take_load(&recording, s->take_path)) {
    return demand(false, "there is a recording");
  }
  if (demand(timeline.number == 1, "one timeline lasted") &&
      take_align(&t->part, &recording, &s->log, timeline.host_time_samples, false, false) &&
      sent_log_load(&t->sent, s->midi_path)) {
    take_verdict v;
    take_compare(&v, &t->part, &(take_stretch){0, UINT64_MAX, 0}, 1);
    good = demand(v.n_sent_different == 0, "the session received what was sent");
    bring_to_grid(&t->part);
    good = measure_all(t, timeline.host_time_samples) && good;
    good = was_quiet(t) && good;
    good = judge(t, in_time) && good;
  }
  take_free(&recording);
  return good;
}

// ---- playing -----------------------------------------------------------------------------------

// Until as many came as are wanted, and one more for each that can have been spoilt.
static void run_triggers(trial *t, double period_s)
{
  stage *s = t->s;
  for (int left = (int)(2.0 * t->n_wanted * period_s) + 5; left > 0; left--) {
    session_telemetry now;
    jack_host_read_telemetry(s->host, &now);
    if (count_triggers(s) >= t->n_wanted + 2 + 2 * (now.misses + now.gaps)) {
      break;
    }
    stage_run(s, 1000);
  }
}

static int play(stage *s, char **argv, bool in_time)
{
  int code;
  trial t = {.s = s, .block_samples = (uint32_t)atoi(argv[0]), .n_wanted = (unsigned)atoi(argv[2])};
  const stage_options options = {.rate_hz = RATE_HZ,
                                 .block_samples = t.block_samples,
                                 .codec = argv[1],
                                 .sound = "rhythm",
                                 .instrument = true,
                                 .keep_s = 60,
                                 .least = LOG_WARNING,
                                 .record_seconds = t.n_wanted + 30};
  if (!verdict_set_up(s, &options, &code)) {
    return code;
  }
  const codec_info *info = codec_get_info(s->model);
  t.hop_samples = info->hop_samples * (RATE_HZ / info->rate_hz);
  t.memory_steps = steps_to_forget(s->model);
  bool good = demand(t.memory_steps > 0, "the decoder's memory is finite");
  // One step until monitor is back, the decoder's memory, one for the resampler's; heard L later.
  const uint32_t quiet = (t.memory_steps + 2) * t.hop_samples + s->first_latency_samples;
  const uint32_t hold = HOLD_SAMPLES + (in_time ? 0 : t.hop_samples);
  stage_run(s, LISTENED_MS);
  control_delay_set(in_time ? 0 : 1);
  good = child_ask(&s->midi_player, NULL, 0, "triggers %u %u %u %u", t.block_samples, hold, quiet,
                   t.hop_samples) &&
         good;
  run_triggers(&t, (double)(hold + quiet + t.hop_samples) / RATE_HZ);
  good = child_ask(&s->midi_player, NULL, 0, "rest") && good;
  stage_run(s, 500);
  control_delay_set(0);
  verdict_count_up(s);
  good = verdict_callback_is_clean(s) && good;
  good = demand(stage_end_take(s) && stage_end_midi(s), "the recording is whole") && good;
  good = judge_take(&t, in_time) && good;
  good = verdict_no_own_miss(s) && good;
  take_part_free(&t.part);
  sent_log_free(&t.sent);
  free(t.of_stamp);
  free(t.of_client);
  return !good;
}

int answer(stage *s, char **argv)
{
  return play(s, argv, true);
}

int answer_soak(stage *s, char **argv)
{
  if (getenv("CONTINUO_SOAK")) {
    return answer(s, argv);
  }
  printf("skipped: CONTINUO_SOAK is not set\n");
  return SKIPPED;
}

int planted_answer(stage *s, char **argv)
{
  return play(s, argv, false);
}
