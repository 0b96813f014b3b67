// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "train/prepare.h"

#include "models/io/audio_file.h"
#include "tests/failing_alloc.h"
#include "tests/temp_folder.h"
#include "train/dataset.h"

#include <ftw.h>
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define RATE_HZ 24000

// Paths below the test's folder, in turns.
static const char *at(void **state, const char *name)
{
  static char path[8][800];
  static int turn;
  turn = (turn + 1) % 8;
  snprintf(path[turn], sizeof path[turn], "%s/%s", ((const temp_folder *)*state)->path, name);
  return path[turn];
}

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *ftw)
{
  (void)info;
  (void)type;
  (void)ftw;
  return remove(path);
}

static int remove_all(void **state)
{
  temp_folder *folder = *state;
  const int failed = nftw(folder->path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
  free(folder);
  return failed;
}

static void make_folder(const char *path)
{
  assert_int_equal(mkdir(path, 0777), 0);
}

// n samples per channel: channel c holds (c + 1) times a sine of 441 Hz at `level`.
static void write_audio(const char *path, uint32_t rate_hz, uint32_t n_channels, size_t n,
                        float level)
{
  audio_writer *w = NULL;
  error err = {0};
  float *x = calloc(n * n_channels + 1, sizeof *x);
  assert_non_null(x);
  for (size_t i = 0; i < n * n_channels; ++i) {
    const double t = (double)(i / n_channels) / rate_hz;
    x[i] = level * (float)(i % n_channels + 1) * (float)sin(2.0 * 3.14159265358979 * 441.0 * t);
  }
  status code = audio_writer_open(&w, path, rate_hz, n_channels, AUDIO_ENCODING_DEFAULT, n, &err);
  code = code ? code : audio_writer_write(w, x, n, &err);
  code = code ? code : audio_writer_commit(w, &err);
  free(x);
  if (code) {
    fail_msg("%s", err.message);
  }
}

static void write_text(const char *path, const char *text)
{
  FILE *stream = fopen(path, "w");
  assert_non_null(stream);
  assert_true(fputs(text, stream) >= 0);
  assert_int_equal(fclose(stream), 0);
}

static prepare_options plain_options(const char *const *folders, int n, const char *out)
{
  return (prepare_options){
      .folders = folders, .n_folders = n, .out = out, .rate_hz = RATE_HZ, .validation = 0.05};
}

static dataset *prepare_and_open(const prepare_options *options, prepare_report *report)
{
  error err = {0};
  dataset *d = NULL;
  if (prepare_audio(options, report, &err) || dataset_open(&d, options->out, &err) ||
      dataset_verify(d, &err)) {
    fail_msg("%s", err.message);
  }
  return d;
}

static const dataset_clip *find_clip(const dataset *d, const char *path, size_t *index)
{
  for (*index = 0; *index < dataset_n_clips(d); ++*index) {
    if (strcmp(dataset_get_clip(d, *index)->path, path) == 0) {
      return dataset_get_clip(d, *index);
    }
  }
  fail_msg("no clip %s", path);
  return NULL;
}

static void expect_kind(const dataset *d, const char *path, const char *kind)
{
  size_t i = 0;
  assert_string_equal(dataset_kind_name(d, find_clip(d, path, &i)->kind), kind);
}

// Kinds and names, and that both ways of naming the same folders give the same clips and split.
static void test_kinds(void **state)
{
  make_folder(at(state, "data"));
  make_folder(at(state, "data/effects"));
  make_folder(at(state, "data/effects/rain"));
  make_folder(at(state, "data/speech"));
  write_audio(at(state, "data/top.wav"), RATE_HZ, 1, 100, 0.5f);
  write_audio(at(state, "data/effects/rain/1.flac"), RATE_HZ, 1, 200, 0.5f);
  write_audio(at(state, "data/effects/rain/2.flac"), RATE_HZ, 1, 201, 0.5f);
  write_audio(at(state, "data/effects/dog.AIFF"), RATE_HZ, 1, 202, 0.5f);
  write_audio(at(state, "data/speech/b.wav"), RATE_HZ, 1, 300, 0.5f);
  write_audio(at(state, "data/speech/a.wav"), RATE_HZ, 1, 301, 0.5f);
  write_text(at(state, "data/speech/prompts.tsv"), "a\thello");
  write_text(at(state, "data/speech/._a.wav"), "left by a file system");
  const char *one[] = {at(state, "data")};
  char effects[800], speech[800], name[2][800];
  snprintf(effects, sizeof effects, "%s", at(state, "data/effects"));
  snprintf(speech, sizeof speech, "%s", at(state, "data/effects/../speech/"));
  const char *two[] = {speech, effects};
  prepare_report report;
  snprintf(name[0], sizeof name[0], "%s", at(state, "set1"));
  prepare_options options = plain_options(one, 1, name[0]);
  dataset *a = prepare_and_open(&options, &report);
  assert_int_equal(report.n_ignored, 1);
  assert_int_equal(report.n_skipped, 0);
  assert_int_equal(report.n_kinds, 3);
  prepare_report_free(&report);
  snprintf(name[1], sizeof name[1], "%s", at(state, "set2"));
  options = plain_options(two, 2, name[1]);
  dataset *b = prepare_and_open(&options, &report);
  prepare_report_free(&report);
  expect_kind(a, "data/top.wav", "data");
  expect_kind(a, "effects/rain/1.flac", "effects");
  expect_kind(a, "effects/dog.AIFF", "effects");
  assert_int_equal(dataset_n_clips(a), 6);
  assert_int_equal(dataset_n_clips(b), 5);
  for (size_t i = 0; i < 5; ++i) {
    size_t j = 0;
    const dataset_clip *clip = dataset_get_clip(b, i), *same = find_clip(a, clip->path, &j);
    assert_int_equal(clip->validation, same->validation);
    assert_string_equal(dataset_kind_name(b, clip->kind), dataset_kind_name(a, same->kind));
    assert_int_equal(clip->n_samples, same->n_samples);
    assert_true(i == 0 || strcmp(dataset_get_clip(b, i - 1)->path, clip->path) < 0);
  }
  dataset_close(a);
  dataset_close(b);
}

// What is at the set's rate, mono and within full scale stays as it is; the rest is converted.
static void test_samples(void **state)
{
  make_folder(at(state, "data"));
  write_audio(at(state, "data/same.wav"), RATE_HZ, 1, 1000, 0.5f);
  write_audio(at(state, "data/six.wav"), 96000, 6, 96000, 0.1f);
  write_audio(at(state, "data/loud.wav"), RATE_HZ, 1, 1000, 2.0f);
  write_audio(at(state, "data/one.wav"), RATE_HZ, 1, 1, 0.5f);
  const char *folders[] = {at(state, "data")};
  prepare_options options = plain_options(folders, 1, at(state, "set"));
  prepare_report report;
  dataset *d = prepare_and_open(&options, &report);
  assert_int_equal(report.n_scaled, 1);
  assert_int_equal(report.n_bytes, 64 + 2 * (1000 + 24000 + 1000 + 1));
  prepare_report_free(&report);
  static float x[24000];
  size_t clip = 0;
  const double step = 2.0 * 3.14159265358979 * 441.0 / RATE_HZ;
  assert_true(find_clip(d, "data/same.wav", &clip)->gain_db == 0.0);
  dataset_read(d, clip, 0, 1000, x);
  for (int i = 0; i < 1000; ++i) {
    assert_true(fabs((double)x[i] - 0.5 * sin(step * i)) <= 0.51 / 32768.0);
  }
  assert_int_equal(find_clip(d, "data/six.wav", &clip)->n_samples, 24000);
  assert_int_equal(dataset_get_clip(d, clip)->file_channels, 6);
  assert_int_equal(dataset_get_clip(d, clip)->file_rate_hz, 96000);
  dataset_read(d, clip, 0, 24000, x);
  for (int i = 200; i < 23800; ++i) { // the mean of 1 to 6 times 0.1
    assert_true(fabs((double)x[i] - 0.35 * sin(step * i)) < 1e-3);
  }
  const double gain_db = find_clip(d, "data/loud.wav", &clip)->gain_db;
  assert_true(fabs(gain_db + 6.02) < 0.01);
  assert_true(fabs(dataset_get_clip(d, clip)->peak - 32767.0 / 32768.0) < 1e-9);
  assert_int_equal(find_clip(d, "data/one.wav", &clip)->n_samples, 1);
  dataset_close(d);
}

// The high-pass acts on the set's samples, each clip from silence.
static void test_high_pass(void **state)
{
  make_folder(at(state, "data"));
  write_audio(at(state, "data/a.wav"), RATE_HZ, 1, 24000, 0.5f);
  const char *folders[] = {at(state, "data")};
  prepare_options options = plain_options(folders, 1, at(state, "set"));
  options.high_pass_hz = 4410.0;
  prepare_report report;
  dataset *d = prepare_and_open(&options, &report);
  prepare_report_free(&report);
  const double rms_db = 20.0 * log10(dataset_get_clip(d, 0)->rms);
  assert_true(rms_db < -45.0 && rms_db > -52.0); // -9 dB, and about 40 a decade
  dataset_close(d);
}

static void write_cut(const char *from, const char *to, long size)
{
  FILE *in = fopen(from, "rb"), *out = fopen(to, "wb");
  assert_non_null(in);
  assert_non_null(out);
  for (long i = 0; i < size; ++i) {
    fputc(fgetc(in), out);
  }
  fclose(in);
  assert_int_equal(fclose(out), 0);
}

typedef struct told {
  int skipped;
} told;

static void count_skipped(void *user, log_level level, const char *message)
{
  ((told *)user)->skipped += level == LOG_WARNING && strncmp(message, "skipped: ", 9) == 0;
}

static void test_bad_files(void **state)
{
  make_folder(at(state, "data"));
  write_audio(at(state, "data/good.wav"), RATE_HZ, 1, 1000, 0.5f);
  write_audio(at(state, "data/good2.wav"), RATE_HZ, 1, 900, 0.5f);
  write_audio(at(state, "data/z.flac"), RATE_HZ, 1, 20000, 0.5f);
  write_text(at(state, "data/empty.wav"), "");
  write_text(at(state, "data/text.wav"), "not a sound, whatever it is called");
  write_cut(at(state, "data/good.wav"), at(state, "data/cut.wav"), 1000);
  write_cut(at(state, "data/z.flac"), at(state, "data/cut.flac"), 9000);
  write_audio(at(state, "data/short.wav"), 96000, 1, 1, 0.5f);
  assert_int_equal(symlink("nowhere", at(state, "data/link.wav")), 0);
  assert_int_equal(symlink("..", at(state, "data/loop")), 0);
  make_folder(at(state, "data/folder.wav"));
  const char *folders[] = {at(state, "data")};
  prepare_options options = plain_options(folders, 1, at(state, "set"));
  told t = {0};
  const log_sink log = {count_skipped, &t, LOG_INFO};
  options.log = &log;
  prepare_report report;
  dataset *d = prepare_and_open(&options, &report);
  static const char *const names[] = {"cut.flac", "cut.wav", "empty.wav", "short.wav", "text.wav"};
  assert_int_equal(report.n_skipped, 5);
  assert_int_equal(t.skipped, 5);
  for (size_t i = 0; i < 5; ++i) {
    assert_non_null(strstr(report.skipped[i], names[i]));
  }
  prepare_report_free(&report);
  assert_int_equal(dataset_n_clips(d), 3);
  size_t clip = 0;
  assert_int_equal(find_clip(d, "data/good.wav", &clip)->n_samples, 1000);
  assert_int_equal(find_clip(d, "data/z.flac", &clip)->n_samples, 20000);
  dataset_close(d);
}

static void expect_refused(const prepare_options *options, status expected, const char *words)
{
  prepare_report report;
  error err = {0};
  struct stat info;
  assert_int_equal(prepare_audio(options, &report, &err), expected);
  if (!strstr(err.message, words)) {
    fail_msg("does not say \"%s\": %s", words, err.message);
  }
  prepare_report_free(&report);
  assert_int_equal(stat(options->out, &info), -1);
}

static void test_refused(void **state)
{
  make_folder(at(state, "data"));
  make_folder(at(state, "data/empty"));
  make_folder(at(state, "data/bad"));
  write_audio(at(state, "data/x.wav"), RATE_HZ, 1, 100, 0.5f);
  write_text(at(state, "data/bad/x.wav"), "no");
  char data[800], bad[800], empty[800], out[800];
  snprintf(data, sizeof data, "%s", at(state, "data"));
  snprintf(bad, sizeof bad, "%s", at(state, "data/bad"));
  snprintf(empty, sizeof empty, "%s", at(state, "data/empty"));
  snprintf(out, sizeof out, "%s", at(state, "set"));
  const char *folders[] = {data, empty};
  prepare_options options = plain_options(folders, 2, out);
  expect_refused(&options, STATUS_NOT_FOUND, "empty: no audio files in it");
  folders[1] = data;
  expect_refused(&options, STATUS_USAGE, "would both be called data/");
  folders[1] = at(state, "nowhere");
  expect_refused(&options, STATUS_NOT_FOUND, "nowhere: cannot look into it");
  folders[1] = at(state, "data/x.wav");
  expect_refused(&options, STATUS_NOT_FOUND, "x.wav: cannot look into it");
  folders[0] = bad;
  options.n_folders = 1;
  expect_refused(&options, STATUS_FORMAT, "none of 1 files could be read");
  folders[0] = data;
  options.group = "(";
  expect_refused(&options, STATUS_USAGE, "--group: \"(\"");
  options.group = NULL;
  options.high_pass_hz = 12000.0;
  expect_refused(&options, STATUS_USAGE, "below half the rate");
  options.high_pass_hz = (double)NAN;
  expect_refused(&options, STATUS_USAGE, "below half the rate");
  options.high_pass_hz = 0.0;
  options.validation = 1.0;
  expect_refused(&options, STATUS_USAGE, "0 to 1 expected");
  options.validation = 0.0;
  options.rate_hz = 0;
  expect_refused(&options, STATUS_USAGE, "rate");
}

static bool stop_at_once(void *user, const prepare_progress *p)
{
  return *(size_t *)user != p->n_done;
}

static void test_interrupted(void **state)
{
  make_folder(at(state, "data"));
  write_audio(at(state, "data/a.wav"), RATE_HZ, 1, 100, 0.5f);
  write_audio(at(state, "data/b.wav"), RATE_HZ, 1, 100, 0.5f);
  const char *folders[] = {at(state, "data")};
  prepare_options options = plain_options(folders, 1, at(state, "set"));
  options.progress = stop_at_once;
  for (size_t when = 0; when < 2; ++when) {
    options.user = &when;
    expect_refused(&options, STATUS_INTERRUPTED, "interrupted at file");
  }
}

static void test_full_disk(void **state)
{
  make_folder(at(state, "data"));
  write_audio(at(state, "data/a.wav"), RATE_HZ, 1, 50000, 0.5f);
  const char *folders[] = {at(state, "data")};
  prepare_options options = plain_options(folders, 1, at(state, "set"));
  struct rlimit before;
  getrlimit(RLIMIT_FSIZE, &before);
  const struct rlimit small = {60000, before.rlim_max};
  signal(SIGXFSZ, SIG_IGN);
  setrlimit(RLIMIT_FSIZE, &small);
  expect_refused(&options, STATUS_IO, "audio-000.shard: cannot write: File too large");
  setrlimit(RLIMIT_FSIZE, &before);
}

// A list of files without files.
static void fill_scan(scan *s, const char *format, size_t n)
{
  *s = (scan){.files = calloc(n, sizeof *s->files), .n_files = n, .capacity = n};
  assert_non_null(s->files);
  for (size_t i = 0; i < n; ++i) {
    char path[64];
    snprintf(path, sizeof path, format, i / 2, (int)(i % 2));
    s->files[i].path = strdup(path);
    s->files[i].kind = strndup(path, strcspn(path, "/"));
  }
}

static size_t count_aside(const scan *s)
{
  size_t n = 0;
  for (size_t i = 0; i < s->n_files; ++i) {
    n += s->files[i].validation;
  }
  return n;
}

// Fixed for ever: sets made later must keep the same clips aside.
static void test_split_is_fixed(void **state)
{
  (void)state;
  scan s;
  static const size_t expected[] = {63, 125, 126, 133, 137, 173, 184, 189};
  fill_scan(&s, "speech/clip%03zu_%d.wav", 200);
  assert_int_equal(scan_split(&s, 0.05, NULL, NULL), STATUS_OK);
  size_t n = 0;
  for (size_t i = 0; i < s.n_files; ++i) {
    if (s.files[i].validation) {
      assert_true(n < sizeof expected / sizeof *expected);
      assert_int_equal(i, expected[n]);
      ++n;
    }
  }
  assert_int_equal(n, sizeof expected / sizeof *expected);
  scan_free(&s);
}

static void test_split_share(void **state)
{
  (void)state;
  scan s;
  fill_scan(&s, "effects/%zu-%d.ogg", 20000);
  static const double shares[] = {0.0, 0.01, 0.05, 0.5};
  size_t last = 0;
  for (size_t i = 0; i < sizeof shares / sizeof *shares; ++i) {
    assert_int_equal(scan_split(&s, shares[i], NULL, NULL), STATUS_OK);
    const double expected = 20000.0 * shares[i];
    assert_true(fabs((double)count_aside(&s) - expected) <=
                4.0 * sqrt(expected * (1.0 - shares[i])));
    assert_true(count_aside(&s) >= last);
    last = count_aside(&s);
  }
  // The two parts of one recording stay together; a pattern that matches nothing changes nothing.
  assert_int_equal(scan_split(&s, 0.05, "effects/[0-9]+", NULL), STATUS_OK);
  const double pairs = (double)count_aside(&s) / 2.0;
  assert_true(fabs(pairs - 500.0) < 4.0 * sqrt(475.0));
  for (size_t i = 0; i < s.n_files; i += 2) {
    assert_int_equal(s.files[i].validation, s.files[i + 1].validation);
  }
  assert_int_equal(scan_split(&s, 0.5, "nothing like it", NULL), STATUS_OK);
  assert_int_equal(count_aside(&s), last);
  scan_free(&s);
}

// However few clips a kind has, one is kept aside, unless it is the only one.
static void test_split_each_kind(void **state)
{
  (void)state;
  scan s;
  fill_scan(&s, "kind%zu/%d.wav", 200); // two clips each
  assert_int_equal(scan_split(&s, 1e-9, NULL, NULL), STATUS_OK);
  assert_int_equal(count_aside(&s), 100);
  for (size_t i = 0; i < s.n_files; i += 2) {
    assert_int_equal(s.files[i].validation + s.files[i + 1].validation, 1);
  }
  assert_int_equal(scan_split(&s, 1e-9, "kind[0-9]+", NULL), STATUS_OK); // one group each
  assert_int_equal(count_aside(&s), 0);
  assert_int_equal(scan_split(&s, 0.0, NULL, NULL), STATUS_OK);
  assert_int_equal(count_aside(&s), 0);
  scan_free(&s);
}

typedef struct one_run {
  prepare_options options;
  const char *index, *shard;
} one_run;

static status prepare_once(void *user, error *err)
{
  const one_run *run = user;
  prepare_report report;
  const status code = prepare_audio(&run->options, &report, err);
  prepare_report_free(&report);
  remove(run->index);
  remove(run->shard);
  assert_int_equal(rmdir(run->options.out), code ? -1 : 0); // after a failure it is gone
  return code;
}

static void test_allocations(void **state)
{
  make_folder(at(state, "data"));
  write_audio(at(state, "data/a.wav"), 16000, 2, 100, 0.9f);
  write_text(at(state, "data/b.wav"), "no");
  const char *folders[] = {at(state, "data")};
  one_run run = {.options = plain_options(folders, 1, at(state, "set")),
                 .index = at(state, "set/index.jsonl"),
                 .shard = at(state, "set/audio-000.shard")};
  run.options.group = "a";
  assert_true(failing_alloc_each(prepare_once, &run) > 30);
}

#define in_folder(test) cmocka_unit_test_setup_teardown(test, temp_folder_make, remove_all)

int main(void)
{
  const struct CMUnitTest tests[] = {
      in_folder(test_kinds),
      in_folder(test_samples),
      in_folder(test_high_pass),
      in_folder(test_bad_files),
      in_folder(test_refused),
      in_folder(test_interrupted),
      in_folder(test_full_disk),
      cmocka_unit_test(test_split_is_fixed),
      cmocka_unit_test(test_split_share),
      cmocka_unit_test(test_split_each_kind),
      in_folder(test_allocations),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
