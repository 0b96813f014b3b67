// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// A performance of anything at all, kept and rendered again: bit for bit what was heard. With an
// argument: one of so many seconds.

#include "base/random.h"
#include "engine/control/parameters.h"
#include "gpu/device.h"
#include "models/model_path.h"
#include "models/oracle.h"
#include "plugin/file_host.h"
#include "plugin/replay_host.h"
#include "tests/engine/trial_controls.h"
#include "tests/plugin/record_feeder.h"
#include "tests/temp_folder.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MOST_BLOCK 2048
#define OFTEN 7          // a control every so many blocks
#define NOW_AND_THEN 400 // a larger block, or a preset

typedef struct stage {
  device *dev;
  codec *codec;
  token_model *oracle;
  char path[PATH_BYTES];
  temp_folder *folder;
} stage;

static stage the_stage;

static int open_stage(void **state)
{
  error err = {STATUS_OK, ""};
  const device_options cpu = {.n_threads = 1};
  stage *g = &the_stage;
  if (temp_folder_make((void **)&g->folder)) {
    return -1;
  }
  *state = g->folder;
  if (model_find(NULL, g->path, &err) || device_open(&g->dev, &cpu, &err)) {
    fprintf(stderr, "%s\n", err.message);
    return -1;
  }
  const codec_options options = {.dev = g->dev, .storage = DTYPE_F16};
  if (codec_open(&g->codec, g->path, &options, &err) ||
      oracle_new(&g->oracle, g->codec, NULL, &err)) {
    fprintf(stderr, "%s\n", err.message);
    return -1;
  }
  return 0;
}

static int close_stage(void **state)
{
  token_model_unref(the_stage.oracle);
  codec_unref(the_stage.codec);
  device_unref(the_stage.dev);
  return temp_folder_remove(state);
}

typedef struct performer {
  session *s;
  uint64_t seed, n_blocks, t;
  uint32_t rate_hz, block; // largest so far
  bool steady;             // the largest block stays, and so does the caller
  uint64_t ahead;          // of the caller's time
  const trial_presets *presets;
  float *in, *out; // everything played and heard
} performer;

static uint64_t chance(const performer *p, const char *what)
{
  return random_bits(p->seed, random_name_key(what), p->n_blocks);
}

// Plucked notes of a small scale with silences between phrases.
static float sound_at(const performer *p, uint64_t t)
{
  static const double notes[] = {220, 246.9, 277.2, 329.6, 370};
  const double s = (double)t / p->rate_hz;
  const uint64_t note = (uint64_t)(s * 4.0);
  const double since = s - (double)note / 4.0;
  const bool rests = note / 16 % 2;
  const double hz = notes[random_bits(p->seed, 1, note) % 5];
  return rests ? 0.0f : (float)(0.4 * exp(-6.0 * since) * sin(2.0 * 3.14159265358979 * hz * s));
}

static void control_something(performer *p, uint32_t n)
{
  const control c = trial_control(p->seed, p->n_blocks);
  if (chance(p, "way") % 2) {
    session_send(p->s, &c, 1); // refused where time goes faster than senders may send
  } else {
    assert_true(session_send_at(p->s, &c, (uint32_t)(chance(p, "offset") % n)));
  }
  if (p->presets && chance(p, "preset") % (NOW_AND_THEN / OFTEN) == 0) {
    const uint64_t i = chance(p, "which") % (uint64_t)p->presets->n;
    session_send(p->s, p->presets->batches[i], (size_t)parameter_count());
  }
}

static void play_block(performer *p)
{
  const uint32_t n = 1 + (uint32_t)(chance(p, "size") % p->block);
  const float *ins[] = {p->in + p->t};
  float *outs[] = {p->out + p->t};
  for (uint32_t i = 0; i < n; ++i) {
    p->in[p->t + i] = sound_at(p, p->t + i);
  }
  if (chance(p, "control") % OFTEN == 0) {
    control_something(p, n);
  }
  if (!p->steady && chance(p, "larger") % NOW_AND_THEN == 0 && p->block < MOST_BLOCK) {
    error err = {STATUS_OK, ""};
    p->block *= 2;
    assert_int_equal(session_set_block(p->s, p->block, &err), STATUS_OK);
  }
  if (!p->steady && chance(p, "caller") % NOW_AND_THEN == 0) {
    session_restart(p->s);
    p->ahead = chance(p, "time") % 1000000;
  }
  session_process(p->s, ins, outs, n, p->t + p->ahead);
  p->t += n;
  ++p->n_blocks;
}

static session_config config_of(uint32_t rate_hz, uint32_t block, double keep_s)
{
  return (session_config){.model = the_stage.codec,
                          .player = the_stage.oracle,
                          .host_rate_hz = rate_hz,
                          .block_samples = block,
                          .fallback = FALLBACK_DRY,
                          .output_stage = true,
                          .keep_s = keep_s,
                          .offline = true};
}

typedef void (*spoiler)(performance *record);

static replay_result render(const char *folder, spoiler spoil)
{
  error err = {STATUS_OK, ""};
  performance record;
  char out[700];
  snprintf(out, sizeof out, "%s.wav", folder);
  if (performance_read(&record, folder, &err)) {
    fail_msg("%s", err.message);
  }
  if (spoil) {
    spoil(&record);
  }
  const replay_config again = {.model = the_stage.codec,
                               .player = the_stage.oracle,
                               .performance = &record,
                               .folder = folder,
                               .out = out};
  replay_result result;
  if (replay_run(&again, &result, &err)) {
    fail_msg("%s", err.message);
  }
  performance_free(&record);
  return result;
}

static void open_performer(performer *p, double seconds, double keep_s)
{
  error err = {STATUS_OK, ""};
  const uint64_t n = (uint64_t)(seconds * p->rate_hz) + MOST_BLOCK;
  p->block = 256;
  p->in = calloc(n, sizeof *p->in);
  p->out = calloc(n, sizeof *p->out);
  assert_true(p->in && p->out);
  const session_config config = config_of(p->rate_hz, p->block, keep_s);
  assert_int_equal(session_open(&p->s, &config, &err), STATUS_OK);
}

// Write what was played to a folder of its own, and play no more.
static void keep_performance(performer *p, char folder[600])
{
  error err = {STATUS_OK, ""};
  snprintf(folder, 600, "%s/performance-%u-%llu", the_stage.folder->path, p->rate_hz,
           (unsigned long long)p->seed);
  const session_names names = {the_stage.path, "oracle", "cpu", "f16", NULL};
  if (session_keep(p->s, folder, &names, &err)) {
    fail_msg("%s", err.message);
  }
  session_telemetry t;
  session_read_telemetry(p->s, &t);
  print_message("seed %llu, %u Hz: %llu steps, blocks up to %u, %llu controls refused\n",
                (unsigned long long)p->seed, p->rate_hz, (unsigned long long)t.steps, p->block,
                (unsigned long long)t.dropped_controls);
  assert_int_equal(t.gaps, 0);
  session_close(p->s);
}

static void free_performer(performer *p)
{
  free(p->in);
  free(p->out);
}

static void assert_heard(const performer *p)
{
  double energy = 0.0;
  for (uint64_t i = 0; i < p->t; ++i) {
    energy += (double)p->out[i] * (double)p->out[i];
  }
  assert_true(energy / (double)p->t > 1e-6); // it was no silence
}

static void say(const replay_result *result)
{
  print_message("  %llu samples rendered again, %llu differ (first %llu)\n",
                (unsigned long long)result->n_samples, (unsigned long long)result->n_different,
                (unsigned long long)result->first_different);
}

static void check_performance(performer *p, double seconds, double keep_s)
{
  char folder[600];
  open_performer(p, seconds, keep_s);
  while (p->t < (uint64_t)(seconds * p->rate_hz)) {
    play_block(p);
  }
  keep_performance(p, folder);
  const replay_result result = render(folder, NULL);
  say(&result);
  assert_int_equal(result.n_different, 0);
  assert_true(result.n_samples >= (uint64_t)(fmin(seconds, keep_s) * p->rate_hz));
  assert_heard(p);
  free_performer(p);
}

static void test_anything_at_all_is_rendered_again(void **state)
{
  (void)state;
  for (uint64_t seed = 1; seed <= 4; ++seed) {
    performer p = {.seed = seed, .rate_hz = 48000};
    check_performance(&p, 20.0, 600.0);
  }
}

static void test_other_rates(void **state)
{
  (void)state;
  performer p = {.seed = 5, .rate_hz = 44100};
  check_performance(&p, 15.0, 600.0);
  p = (performer){.seed = 6, .rate_hz = 24000};
  check_performance(&p, 15.0, 600.0);
}

// More was played than is kept: the steps before are in the record, their sound is not.
static void test_the_end_of_a_longer_one(void **state)
{
  (void)state;
  performer p = {.seed = 7, .rate_hz = 48000};
  check_performance(&p, 30.0, 8.0);
}

// --- a record that is not what happened ---

#define CONTINUED_S 3 // when the only control comes

static void forget_control(performance *record)
{
  for (size_t i = 0; i < record->n_entries; ++i) {
    if (record->entries[i].kind == KEEP_SET) {
      memmove(&record->entries[i], &record->entries[i + 1],
              (record->n_entries - i - 1) * sizeof *record->entries);
      --record->n_entries;
      return;
    }
  }
  fail_msg("there is no control to forget");
}

static void delay_control(performance *record)
{
  for (size_t i = 0; i < record->n_entries; ++i) {
    record->entries[i].position_samples += record->entries[i].kind == KEEP_SET ? 960 : 0;
  }
}

static void change_code(performance *record)
{
  record->codes[50 * record->head.n_codebooks] ^= 1;
}

static void forget_step(performance *record)
{
  record->n_steps -= 100;
  memmove(record->steps + 50, record->steps + 150, (record->n_steps - 50) * sizeof *record->steps);
}

// Each of these is heard, so that what equals has not only been compared with itself.
static void test_another_record_is_another_sound(void **state)
{
  (void)state;
  static const spoiler spoilers[] = {forget_control, delay_control, change_code, forget_step};
  performer p = {.seed = 8, .rate_hz = 48000, .steady = true};
  const control c = {.kind = CONTROL_SET, .id = PARAMETER_MODE, .value = MODE_CONTINUE};
  char folder[600];
  open_performer(&p, 6.0, 600.0);
  while (p.t < 6 * (uint64_t)p.rate_hz) {
    const float *ins[] = {p.in + p.t};
    float *outs[] = {p.out + p.t};
    for (uint32_t i = 0; i < p.block; ++i) {
      p.in[p.t + i] = sound_at(&p, p.t + i);
    }
    if (p.t / p.block == CONTINUED_S * p.rate_hz / p.block) {
      assert_true(session_send(p.s, &c, 1));
    }
    session_process(p.s, ins, outs, p.block, p.t);
    p.t += p.block;
  }
  keep_performance(&p, folder);
  assert_int_equal(render(folder, NULL).n_different, 0);
  for (size_t i = 0; i < sizeof spoilers / sizeof *spoilers; ++i) {
    const replay_result result = render(folder, spoilers[i]);
    say(&result);
    assert_true(result.n_different > 0);
  }
  free_performer(&p);
}

// --- the file host, given the same input and the same controls ---

static void write_input(const performer *p, const char *path)
{
  error err = {STATUS_OK, ""};
  audio_writer *writer;
  if (audio_writer_open(&writer, path, p->rate_hz, 1, AUDIO_ENCODING_F32, p->t, &err) ||
      audio_writer_write(writer, p->in, p->t, &err) || audio_writer_commit(writer, &err)) {
    fail_msg("%s", err.message);
  }
}

// Samples of the file that are not what was heard L later.
static uint64_t count_different(const performer *p, const char *path, uint32_t latency_samples)
{
  error err = {STATUS_OK, ""};
  audio_reader *reader;
  const uint64_t n = p->t - latency_samples;
  float *file = calloc(n, sizeof *file);
  uint64_t n_different = 0;
  size_t n_got = 0;
  assert_non_null(file);
  if (audio_reader_open(&reader, path, p->rate_hz, 1, &err) ||
      audio_reader_read(reader, file, n, &n_got, &err)) {
    fail_msg("%s", err.message);
  }
  assert_int_equal(n_got, n);
  for (uint64_t i = 0; i < n; ++i) {
    n_different += memcmp(&file[i], &p->out[i + latency_samples], sizeof *file) != 0;
  }
  audio_reader_close(reader);
  free(file);
  return n_different;
}

static void test_the_file_host_plays_the_same(void **state)
{
  (void)state;
  error err = {STATUS_OK, ""};
  performer p = {.seed = 9, .rate_hz = 48000, .steady = true};
  char folder[600], in[700], out[700];
  open_performer(&p, 20.0, 600.0);
  while (p.t < 20 * (uint64_t)p.rate_hz) {
    play_block(&p);
  }
  const uint32_t latency_samples = session_latency_samples(p.s);
  keep_performance(&p, folder);
  snprintf(in, sizeof in, "%s/../in.wav", folder);
  snprintf(out, sizeof out, "%s/../out.wav", folder);
  write_input(&p, in);
  performance record;
  assert_int_equal(performance_read(&record, folder, &err), STATUS_OK);
  record_feeder f = {.record = &record, .block_samples = p.block};
  const file_host_config config = {.session = config_of(p.rate_hz, p.block, 600.0),
                                   .in = in,
                                   .out = out,
                                   .on_begin = record_feeder_begin,
                                   .on_progress = record_feeder_go_on,
                                   .user = &f};
  file_host_result result;
  if (file_host_run(&config, &result, &err)) {
    fail_msg("%s", err.message);
  }
  assert_int_equal(f.next, record.n_entries);
  assert_int_equal(f.n_refused, 0);
  assert_int_equal(count_different(&p, out, latency_samples), 0);
  assert_heard(&p);
  performance_free(&record);
  free_performer(&p);
}

// --- a long one, with presets ---

static double long_seconds;

static void test_a_long_one(void **state)
{
  (void)state;
  trial_presets presets;
  assert_true(trial_presets_load(&presets, source_path("presets")));
  performer p = {.seed = 10, .rate_hz = 48000, .presets = &presets};
  check_performance(&p, long_seconds, 600.0);
  trial_presets_free(&presets);
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_anything_at_all_is_rendered_again),
      cmocka_unit_test(test_other_rates),
      cmocka_unit_test(test_the_end_of_a_longer_one),
      cmocka_unit_test(test_another_record_is_another_sound),
      cmocka_unit_test(test_the_file_host_plays_the_same),
  };
  const struct CMUnitTest long_tests[] = {
      cmocka_unit_test(test_a_long_one),
  };
  if (argc < 2) {
    return cmocka_run_group_tests(tests, open_stage, close_stage);
  }
  long_seconds = atof(argv[1]);
  return cmocka_run_group_tests(long_tests, open_stage, close_stage);
}
