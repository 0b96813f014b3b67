// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "tests/live/long_play.h"

#include "engine/keep/keep.h"
#include "engine/output/limiter.h"
#include "tests/live/anything.h"
#include "tests/live/step_log.h"
#include "tests/live/verdict.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RATE_HZ 48000
#define BLOCK_SAMPLES 256
#define SPARE_BYTES 0.5e6 // that memory may grow beyond what is written down
#define SPARE_TIME 1.25   // of a step, between the first and the last quarter
#define LEAST_TIMED_S 240 // below it other effects play in the one quarter than in the other
#define TRUE_PEAK_SPARE 1.0232930 // 0.2 dB

typedef struct reading {
  double resident_bytes;
  uint64_t steps;
  uint64_t n_controls;
} reading;

typedef struct trial {
  anything playing;
  int seconds;
  reading begun, ended; // after a quarter, and at the end
  float reduction_db;
  uint64_t most_steps; // ever in a memory
} trial;

// ---- memory ------------------------------------------------------------------------------------

static double resident_bytes(void)
{
  unsigned long whole = 0, resident = 0;
  FILE *f = fopen("/proc/self/statm", "r");
  if (f && fscanf(f, "%lu %lu", &whole, &resident) != 2) {
    resident = 0;
  }
  if (f) {
    fclose(f);
  }
  return (double)resident * (double)sysconf(_SC_PAGESIZE);
}

static reading read_now(const trial *t)
{
  return (reading){resident_bytes(), step_log_count(), t->playing.n_controls};
}

// What is written down of each step and control, by the record (engine/keep/keep.h) and by the
// test; MIDI brings one control a message.
static double written_bytes(const trial *t)
{
  const double n_codebooks = codec_get_info(t->playing.s->model)->n_codebooks;
  const double of_step = sizeof(keep_step) + n_codebooks * sizeof(int32_t) + sizeof(step_entry);
  const double steps = (double)(t->ended.steps - t->begun.steps);
  const double midi = 0.75 * t->seconds * RATE_HZ / ANYTHING_MIDI_SAMPLES;
  const double controls = (double)(t->ended.n_controls - t->begun.n_controls) + midi;
  return steps * of_step + controls * sizeof(keep_entry);
}

static bool memory_is_flat(const trial *t)
{
  printf("at most %" PRIu64 " steps were remembered\n", t->most_steps);
  const double grown = t->ended.resident_bytes - t->begun.resident_bytes;
  const double written = written_bytes(t);
  printf("memory: %.1f MB after a quarter, %.2f MB more at the end; %.2f MB were written down\n",
         1e-6 * t->begun.resident_bytes, 1e-6 * grown, 1e-6 * written);
  if (stage_said(t->playing.s, "memory is not all locked")) {
    printf("memory could not be locked, so pages come as they are needed: not judged\n");
    return true;
  }
  return demand(t->begun.resident_bytes > 0 && grown <= written + SPARE_BYTES,
                "memory does not grow beyond that");
}

// ---- time --------------------------------------------------------------------------------------

static int by_size(const void *a, const void *b)
{
  const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
  return (x > y) - (x < y);
}

// Median and 90th percentile of the CPU time of steps [from, to).
static void step_times(uint64_t from, uint64_t to, double us[2])
{
  uint64_t *times = calloc((size_t)(to - from) + 1, sizeof *times);
  size_t n = 0;
  step_entry e;
  for (uint64_t i = from; times && i < to; i++) {
    if (step_log_get(i, &e)) {
      times[n++] = e.cpu_ns;
    }
  }
  us[0] = us[1] = 0.0;
  if (n > 0) {
    qsort(times, n, sizeof *times, by_size);
    us[0] = 1e-3 * (double)times[n / 2];
    us[1] = 1e-3 * (double)times[n * 9 / 10];
  }
  free(times);
}

// In simulated time engine_session_hour judges it against plain steps, in every build.
static bool time_is_flat(const trial *t)
{
  const uint64_t n = step_log_count();
  double first[2], last[2];
  step_times(n / 16, n / 4, first); // the first steps find nothing in the caches
  step_times(n - n / 4, n, last);
  printf("CPU time of a step: p50 %.0f p90 %.0f us in the first quarter, p50 %.0f p90 %.0f us in "
         "the last\n",
         first[0], first[1], last[0], last[1]);
  if (t->seconds < LEAST_TIMED_S) {
    return demand(first[0] > 0, "steps were timed, too few to compare");
  }
  return demand(first[0] > 0 && last[0] <= SPARE_TIME * first[0] &&
                    last[1] <= SPARE_TIME * first[1],
                "a step takes as long at the end as at the beginning");
}

// ---- level -------------------------------------------------------------------------------------

// All that the recorder heard, the fallback too.
static bool level_is_bounded(const trial *t)
{
  const double ceiling = (double)LIMITER_DEFAULT_CEILING;
  take recording;
  true_peak meter;
  float peak = 0.0F, between = 0.0F;
  double squares = 0.0;
  if (!take_load(&recording, t->playing.s->take_path)) {
    return demand(false, "there is a recording");
  }
  true_peak_reset(&meter);
  const float *got = recording.samples[2];
  for (uint64_t i = 0; i < recording.header.n_samples; i++) {
    peak = fmaxf(peak, fabsf(got[i]));
    between = fmaxf(between, true_peak_step(&meter, got[i]));
    squares += (double)got[i] * (double)got[i];
  }
  const double n = (double)recording.header.n_samples;
  printf("%.0f s heard: peak %.4f, true peak %.4f, ceiling %.4f, mean level %.1f dB; the limiter "
         "took up to %.1f dB\n",
         n / RATE_HZ, (double)peak, (double)between, ceiling, 10.0 * log10(squares / n + 1e-20),
         (double)t->reduction_db);
  bool good = demand(n >= 0.9 * t->seconds * RATE_HZ && squares / n > 1e-6, "something was heard");
  good = demand(t->reduction_db > 0.0F, "the limiter had something to do") && good;
  good = demand((double)peak <= ceiling, "no sample is above the ceiling") && good;
  good = demand((double)between <= TRUE_PEAK_SPARE * ceiling, "nor between samples") && good;
  take_free(&recording);
  return good;
}

// ---- playing -----------------------------------------------------------------------------------

// Loud for a second in three, so that the limiter is needed: a preset may turn it down again at
// once.
static void set_level(const trial *t, int second)
{
  const control c = {
      .kind = CONTROL_SET, .id = PARAMETER_LEVEL, .value = second % 3 == 0 ? 12.0 : 0.0};
  if (second % 3 <= 1) {
    session_send(jack_host_session(t->playing.s->host), &c, 1);
  }
}

static void note_reduction(trial *t)
{
  session_telemetry now;
  jack_host_read_telemetry(t->playing.s->host, &now);
  t->reduction_db = fmaxf(t->reduction_db, now.reduction_db);
  t->most_steps = now.memory_steps > t->most_steps ? now.memory_steps : t->most_steps;
}

static bool play(trial *t)
{
  const bool good = anything_begin(&t->playing);
  for (int second = 0; second < t->seconds; second++) {
    set_level(t, second);
    anything_go_on(&t->playing);
    note_reduction(t);
    if (second == t->seconds / 4) {
      t->begun = read_now(t);
    }
  }
  t->ended = read_now(t);
  return anything_end(&t->playing) && good;
}

static int play_and_judge(trial *t, const char *model)
{
  int code;
  stage *s = t->playing.s;
  const stage_options options = {.rate_hz = RATE_HZ,
                                 .block_samples = BLOCK_SAMPLES,
                                 .codec = model,
                                 .fallback = FALLBACK_DRY,
                                 .sound = "phrases",
                                 .instrument = true,
                                 .keep_s = 60,
                                 .least = LOG_WARNING,
                                 .forgets = true,
                                 .record_seconds = t->seconds + 60};
  if (!verdict_set_up(s, &options, &code)) {
    return code;
  }
  bool good = demand(play(t), "all was played");
  verdict_count_up(s);
  note_reduction(t);
  good = verdict_callback_is_clean(s) && good;
  good = demand(stage_end_take(s), "the recording is whole") && good;
  good = anything_was_played(s) && good;
  good = memory_is_flat(t) && good;
  good = time_is_flat(t) && good;
  good = level_is_bounded(t) && good;
  return !(verdict_no_own_miss(s) && good);
}

int long_play(stage *s, char **argv)
{
  trial t = {.playing = {.s = s, .keeps_ceiling = true, .remembers = true},
             .seconds = atoi(argv[2])};
  if (!trial_presets_load(&t.playing.presets, argv[1])) {
    return SKIPPED; // a build without INI files
  }
  const int code = play_and_judge(&t, argv[0]);
  trial_presets_free(&t.playing.presets);
  return code;
}

int long_play_soak(stage *s, char **argv)
{
  const char *minutes = getenv("CONTINUO_SOAK");
  char seconds[32];
  char *all[] = {argv[0], argv[1], seconds};
  if (!minutes || atoi(minutes) <= 0) {
    printf("skipped: CONTINUO_SOAK does not say how many minutes\n");
    return SKIPPED;
  }
  snprintf(seconds, sizeof seconds, "%d", 60 * atoi(minutes));
  return long_play(s, all);
}
