// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// For as long as one likes: five minutes are simulated, or as many as CONTINUO_SOAK says (60: the
// hour). Modes, actions, effects and parameters at random, the codec that ships, an
// oracle, everything kept. Memory and the time of a step stay as they are, no sample is above the
// ceiling, none is no number.

#include "base/random.h"
#include "base/touched.h"
#include "engine/output/level.h"
#include "engine/session_internal.h"
#include "tests/engine/trial_stage.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define RATE_HZ 48000
#define MOST_BLOCK 1024
#define SEED 1
#define STANDARD_SECONDS 300
#define CEILINGS 64
#define YARDSTICK_STEPS 10

// What holds for samples that enter the limiter at `from` and later.
typedef struct ceiling {
  uint64_t from;
  float most;
} ceiling;

typedef struct hour {
  session *s;
  size_t n_seconds;
  uint64_t t;
  uint64_t delay; // of the limiter
  ceiling ceilings[CEILINGS];
  uint64_t n_ceilings;
  double loudest; // mean square of a second
  codec_state *yardstick;
  double *cpu_ms; // [n_seconds] of the whole process
  double *shares; // [n_seconds] of that, by what the same work took beside it
  double *kib;    // [n_seconds] resident, but for the record, which grows by design
  uint64_t n_modes, n_own_steps;
} hour;

// --- what is played ---

// Two controls a second. Memories are to fill up: they are seldom emptied.
static bool is_wanted(const control *c, uint64_t n)
{
  const bool forgets = c->kind == CONTROL_ACTION && c->id == ACTION_FORGET;
  return n % (forgets ? 997 : 12) == 0;
}

static void note_ceiling(hour *h, uint64_t position, double value)
{
  const float most = (float)level_amplitude(parameter_clamp(PARAMETER_CEILING, value));
  h->ceilings[h->n_ceilings++ % CEILINGS] = (ceiling){position, most};
}

static void send_controls(hour *h, trial_script *script, uint32_t n_samples)
{
  control c;
  for (uint64_t n = script->n; trial_script_next(script, h->t + n_samples, &c); n = script->n) {
    if (is_wanted(&c, n)) {
      assert_true(session_send_at(h->s, &c, (uint32_t)(c.position_samples - h->t)));
      if (c.kind == CONTROL_SET && c.id == PARAMETER_CEILING) {
        note_ceiling(h, c.position_samples, c.value);
      }
    }
  }
}

// --- what is looked at ---

static float ceiling_at(const hour *h, uint64_t t)
{
  for (uint64_t i = h->n_ceilings; i-- > 0;) {
    const ceiling *c = &h->ceilings[i % CEILINGS];
    if (c->from + h->delay <= t) {
      return c->most;
    }
  }
  return 0.0f;
}

static double check_samples(const hour *h, const float *out, uint32_t n)
{
  double sum = 0.0;
  for (uint32_t i = 0; i < n; ++i) {
    if (!(fabsf(out[i]) <= ceiling_at(h, h->t + i))) {
      fail_msg("sample %llu is %g, the ceiling %g", (unsigned long long)(h->t + i), (double)out[i],
               (double)ceiling_at(h, h->t + i));
    }
    sum += (double)out[i] * (double)out[i];
  }
  return sum;
}

static double process_ms(void)
{
  struct timespec now;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return 1e3 * (double)now.tv_sec + 1e-6 * (double)now.tv_nsec;
}

// What the machine takes for a piece of work that is always the same: others use it too.
static double yardstick_ms(const hour *h)
{
  static float audio[4096];
  int32_t codes[64];
  const codec_info *info = h->s->info;
  const double begun_ms = process_ms();
  for (int step = 0; step < YARDSTICK_STEPS; ++step) {
    codec_encode(h->yardstick, audio, 1, (int)info->n_codebooks, codes);
    codec_decode(h->yardstick, codes, 1, (int)info->n_codebooks, audio);
  }
  return process_ms() - begun_ms;
}

static double resident_kib(const hour *h)
{
  const keep *k = &h->s->kept;
  const double step_bytes = sizeof(keep_step) + k->n_codebooks * sizeof(int32_t);
  const double record = (double)atomic_load(&k->n_steps) * step_bytes +
                        (double)atomic_load(&k->n_entries) * sizeof(keep_entry);
  unsigned long all = 0, resident = 0;
  FILE *f = fopen("/proc/self/statm", "r");
  assert_non_null(f);
  assert_int_equal(fscanf(f, "%lu %lu", &all, &resident), 2);
  fclose(f);
  return ((double)resident * (double)sysconf(_SC_PAGESIZE) - record) / 1024.0;
}

static void take_events(hour *h)
{
  for (session_event e; session_next_event(h->s, &e);) {
    h->n_modes += e.kind == EVENT_MODE;
  }
}

// --- a second ---

static void play_second(hour *h, size_t second, trial_script *script)
{
  static float in[MOST_BLOCK], out[MOST_BLOCK];
  const float *ins[] = {in};
  float *outs[] = {out};
  const uint64_t end = (second + 1) * (uint64_t)RATE_HZ;
  const double begun_ms = process_ms();
  double sum = 0.0;
  while (h->t < end) {
    const uint64_t wanted = 1 + random_bits(SEED, 7, h->t) % MOST_BLOCK;
    const uint32_t n = (uint32_t)(wanted < end - h->t ? wanted : end - h->t);
    for (uint32_t i = 0; i < n; ++i) {
      in[i] = trial_stage_sound(SEED, RATE_HZ, h->t + i);
    }
    send_controls(h, script, n);
    session_process(h->s, ins, outs, n, h->t);
    sum += check_samples(h, out, n);
    h->t += n;
  }
  h->cpu_ms[second] = process_ms() - begun_ms;
  h->shares[second] = h->cpu_ms[second] / yardstick_ms(h);
  h->kib[second] = resident_kib(h);
  h->loudest = fmax(h->loudest, sum / RATE_HZ);
  take_events(h);
}

static int by_value(const void *a, const void *b)
{
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static double median(const double *values, size_t n)
{
  double sorted[3600];
  n = n < 3600 ? n : 3600;
  memcpy(sorted, values, n * sizeof *sorted);
  qsort(sorted, n, sizeof *sorted, by_value);
  return sorted[n / 2];
}

// The last tenth's median and the first's, of which the first seconds are not counted: not all of
// the program has been in memory before.
static void first_and_last(const double *values, size_t n, double *first, double *last)
{
  const size_t tenth = n / 10, start = n / 60;
  *first = median(values + start, tenth);
  *last = median(values + n - tenth, tenth);
}

static void open_hour(hour *h, const trial_stage *g)
{
  error err = {STATUS_OK, ""};
  const char *asked = getenv("CONTINUO_SOAK");
  const long minutes = asked ? atol(asked) : 0;
  const session_config config = {.model = g->codec,
                                 .player = g->oracle,
                                 .host_rate_hz = RATE_HZ,
                                 .block_samples = MOST_BLOCK,
                                 .output_stage = true,
                                 .keep_s = 600.0,
                                 .offline = true};
  memset(h, 0, sizeof *h);
  h->n_seconds = minutes > 0 ? 60 * (size_t)minutes : STANDARD_SECONDS;
  h->cpu_ms = touched_new(h->n_seconds * sizeof *h->cpu_ms);
  h->shares = touched_new(h->n_seconds * sizeof *h->shares);
  h->kib = touched_new(h->n_seconds * sizeof *h->kib);
  assert_true(h->cpu_ms && h->shares && h->kib);
  assert_int_equal(codec_state_new(&h->yardstick, g->codec, 1, 1, &err), STATUS_OK);
  if (session_open(&h->s, &config, &err)) {
    fail_msg("%s", err.message);
  }
  h->delay = limiter_delay_samples(h->s->audio.plan->peaks);
  h->ceilings[h->n_ceilings++].most =
      (float)level_amplitude(parameter_get(PARAMETER_CEILING)->standard);
  h->ceilings[0].from = 0 - h->delay; // from the first sample that comes out
}

static void nothing_grows_and_nothing_is_too_loud(void **state)
{
  static hour h;
  session_telemetry t;
  double first_ms, last_ms, first_share, last_share, first_kib, last_kib;
  open_hour(&h, *state);
  trial_script script = trial_script_start(SEED, RATE_HZ);
  for (size_t second = 0; second < h.n_seconds; ++second) {
    play_second(&h, second, &script);
  }
  session_read_telemetry(h.s, &t);
  first_and_last(h.cpu_ms, h.n_seconds, &first_ms, &last_ms);
  first_and_last(h.shares, h.n_seconds, &first_share, &last_share);
  first_and_last(h.kib, h.n_seconds, &first_kib, &last_kib);
  print_message("%zu s: %llu steps, %llu mode changes, %llu steps remembered\n", h.n_seconds,
                (unsigned long long)t.steps, (unsigned long long)h.n_modes,
                (unsigned long long)t.memory_steps);
  print_message("CPU per second, medians: first tenth %.2f ms, last %.2f ms\n", first_ms, last_ms);
  print_message("by what %d plain steps took beside it: %.3f, %.3f\n", YARDSTICK_STEPS, first_share,
                last_share);
  print_message("resident but for the record: first tenth %.0f KiB, last %.0f KiB\n", first_kib,
                last_kib);
  print_message("a step: p50 %.0f us, p99 %.0f, p99.9 %.0f, max %.0f; loudest second %.1f dB\n",
                t.total.p50_us, t.total.p99_us, t.total.p999_us, t.total.max_us,
                level_db(h.loudest));
  assert_true(h.n_modes > h.n_seconds / 20);
  assert_true(last_kib - first_kib < 1024.0);
  assert_true(last_share < 1.25 * first_share);
  assert_true(h.loudest > 1e-4 && h.loudest <= 1.0); // something was heard
  assert_int_equal(t.late_samples, 0);
  assert_int_equal(t.dropped_controls, 0);
  session_close(h.s);
  codec_state_free(h.yardstick);
  free(h.cpu_ms);
  free(h.shares);
  free(h.kib);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(nothing_grows_and_nothing_is_too_loud),
  };
  return cmocka_run_group_tests(tests, trial_stage_open, trial_stage_close);
}
