// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// Trying a codec on clips: what counts, what is written, what a bad clip does.

#include "train/codec_trial.h"

#include "models/codec_seanet.h"
#include "models/io/audio_file.h"
#include "train/wav_folder.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "tests/models/golden.h"
#include "tests/models/random_seanet.h"
#include "tests/temp_folder.h"
#include "tests/train/small_set.h"

#define SEED 5
enum { HOP = 20 };

static void ok(status code, const error *err)
{
  if (code != STATUS_OK) {
    fail_msg("%s", err->message);
  }
}

static codec *open_small(device *dev)
{
  const seanet_config config = small_seanet(seanet_config_soundstream());
  return random_seanet_codec(&config, dev, DTYPE_F16, SEED);
}

static const char *below(const temp_folder *folder, const char *name)
{
  static char path[1200];
  snprintf(path, sizeof path, "%s/%s", folder->path, name);
  return path;
}

// ---- what there is to listen to -----------------------------------------------------------------

static void expect_counts(uint32_t n_codebooks, uint32_t size, const int *counts, int n)
{
  const codec_info info = {.n_codebooks = n_codebooks, .codebook_size = size};
  codec_trial_options o = {0};
  codec_trial_choose_counts(&info, &o);
  assert_int_equal(o.n_counts, n);
  assert_memory_equal(o.counts, counts, (size_t)n * sizeof *counts);
}

static void ten_to_forty_bits_and_all(void **state)
{
  (void)state;
  expect_counts(8, 1024, (const int[]){1, 2, 3, 4, 8}, 5);
  expect_counts(46, 16, (const int[]){3, 5, 8, 10, 46}, 5);
  expect_counts(4, 1024, (const int[]){1, 2, 3, 4}, 4);
  expect_counts(2, 1024, (const int[]){1, 2}, 2);
  expect_counts(3, 65536, (const int[]){1, 2, 3}, 3);
}

// ---- clips --------------------------------------------------------------------------------------

static codec_trial *open_trial(codec *model, bool random_codes, const char *wavs)
{
  codec_trial *t = NULL;
  error err = {0};
  const codec_trial_options o = {.counts = {1, 4},
                                 .n_counts = 2,
                                 .random_codes = random_codes,
                                 .rate_hz = SMALL_RATE_HZ,
                                 .wavs = wavs};
  ok(codec_trial_new(&t, model, &o, &err), &err);
  return t;
}

static void try_all(codec_trial *t, const clip_list *list)
{
  for (size_t i = 0; i < list->n_clips; ++i) {
    error err = {0};
    bool bad = false;
    ok(codec_trial_clip(t, list, i, &bad, &err), &err);
    assert_false(bad);
  }
}

/// The set's clips are counted under their kinds; what is written measures as it was measured.
static void a_set_is_tried(void **state)
{
  const temp_folder *folder = *state;
  device *dev = variant_open(0, 1);
  codec *model = open_small(dev);
  clip_list list, written;
  error err = {0};
  char set[700], wavs[700], part[800];
  snprintf(set, sizeof set, "%s/set", folder->path);
  snprintf(wavs, sizeof wavs, "%s/deep/wavs", folder->path);
  ok(small_set_write(set, 0, &err), &err);
  ok(clip_list_open_set(&list, set, false, &err), &err);
  assert_int_equal(list.n_clips, 3); // those that small_set.h keeps aside
  assert_int_equal(list.rate_hz, SMALL_RATE_HZ);
  codec_trial *t = open_trial(model, false, wavs);
  try_all(t, &list);
  assert_int_equal(t->scores[0].n_kinds, 2);
  assert_string_equal(t->scores[1].clips[1].path, "speech/b");
  assert_true(t->audio_s == 3200.0 / SMALL_RATE_HZ);
  assert_true(t->encode_s > 0.0 && t->decode_s > 0.0);
  assert_int_equal(t->n_uses, 3);
  assert_int_equal(t->uses[0].n_steps, 2000 / HOP + 500 / HOP + 700 / HOP); // noise: all loud
  assert_string_equal(t->uses[2].kind, "speech");
  assert_int_equal(t->uses[2].n_steps, 1200 / HOP);

  comparison *again = NULL;
  ok(comparison_new(&again, SMALL_RATE_HZ, &err), &err);
  snprintf(part, sizeof part, "%s/reference", wavs);
  const char *const references = part;
  ok(clip_list_open_folders(&written, &references, 1, SMALL_RATE_HZ, NULL, &err), &err);
  assert_int_equal(written.n_clips, 3);
  for (size_t i = 0; i < 3; ++i) {
    static float clip[2000], other[2000];
    char path[1000];
    size_t n = 0, n_other = 0;
    clip_reader *r = NULL;
    audio_reader *o = NULL;
    snprintf(path, sizeof path, "%s/codebooks-04/%s", wavs, clip_list_path(&written, i));
    ok(clip_reader_open(&r, &written, i, &err), &err);
    ok(clip_reader_read(r, clip, 2000, &n, &err), &err);
    ok(audio_reader_open(&o, path, SMALL_RATE_HZ, 1, &err), &err);
    ok(audio_reader_read(o, other, 2000, &n_other, &err), &err);
    assert_int_equal(n, n_other);
    ok(comparison_push_reference(again, clip, n, &err), &err);
    ok(comparison_push_clip(again, other, n, &err), &err);
    const comparison_result a = comparison_end(again), b = t->scores[1].clips[i].result;
    assert_true(a.mel == b.mel && a.mel_low == b.mel_low && a.si_snr_db == b.si_snr_db);
    clip_reader_close(r);
    audio_reader_close(o);
  }
  comparison_free(again);
  clip_list_close(&written);
  clip_list_close(&list);
  codec_trial_free(t);
  codec_unref(model);
  device_unref(dev);
}

/// Random codes are spread evenly, and are the same every time.
static void random_codes_know_nothing(void **state)
{
  const temp_folder *folder = *state;
  device *dev = variant_open(0, 1);
  codec *model = open_small(dev);
  clip_list list;
  error err = {0};
  ok(small_set_write(below(folder, "set"), 0, &err), &err);
  ok(clip_list_open_set(&list, below(folder, "set"), true, &err), &err);
  assert_int_equal(list.n_clips, SMALL_CLIPS);
  codec_trial *t[2] = {open_trial(model, true, NULL), open_trial(model, true, NULL)};
  for (int i = 0; i < 2; ++i) {
    try_all(t[i], &list);
    for (int k = 0; k < 4; ++k) {
      assert_true(codec_trial_entropy(t[i], &t[i]->uses[0], k) > 0.97);
    }
  }
  for (size_t i = 0; i < SMALL_CLIPS; ++i) {
    assert_true(t[0]->scores[1].clips[i].result.mel == t[1]->scores[1].clips[i].result.mel);
  }
  codec_trial_free(t[0]);
  codec_trial_free(t[1]);
  clip_list_close(&list);
  codec_unref(model);
  device_unref(dev);
}

static void write_wav(const char *path, float level, size_t n)
{
  audio_writer *w = NULL;
  error err = {0};
  ok(audio_writer_open(&w, path, SMALL_RATE_HZ, 1, AUDIO_ENCODING_F32, n, &err), &err);
  for (size_t i = 0; i < n; ++i) {
    const float x = level * sinf(0.3f * (float)i);
    ok(audio_writer_write(w, &x, 1, &err), &err);
  }
  ok(audio_writer_commit(w, &err), &err);
}

/// What is below -60 dB is compared, but its codes do not count; what cannot be read leaves no
/// trace.
static void quiet_and_bad_clips(void **state)
{
  const temp_folder *folder = *state;
  device *dev = variant_open(0, 1);
  codec *model = open_small(dev);
  clip_list list;
  error err = {0};
  char path[700];
  snprintf(path, sizeof path, "%s/in", folder->path);
  const char *const in = path;
  assert_int_equal(mkdir(in, 0777), 0);
  write_wav(below(folder, "in/a.wav"), 0.0013f, 10 * HOP); // RMS -60.7 dB
  write_wav(below(folder, "in/c.wav"), 0.0015f, 10 * HOP); // -59.5 dB
  FILE *text = fopen(below(folder, "in/b.wav"), "w");
  assert_true(text && fputs("no audio\n", text) >= 0 && fclose(text) == 0);
  ok(clip_list_open_folders(&list, &in, 1, SMALL_RATE_HZ, NULL, &err), &err);
  assert_int_equal(list.n_clips, 3);
  codec_trial *t = open_trial(model, false, NULL);
  for (size_t i = 0; i < 3; ++i) {
    bool bad = false;
    const status code = codec_trial_clip(t, &list, i, &bad, &err);
    assert_int_equal(code, i == 1 ? STATUS_FORMAT : STATUS_OK);
    assert_int_equal(bad, i == 1);
  }
  assert_non_null(strstr(err.message, "b.wav"));
  assert_int_equal(t->scores[0].n_clips, 2);
  assert_true(t->uses[0].n_steps >= 9 && t->uses[0].n_steps <= 10); // a hop is no whole wave
  codec_trial_free(t);
  clip_list_close(&list);
  codec_unref(model);
  device_unref(dev);
}

static void without_codebooks_there_is_nothing_to_try(void **state)
{
  (void)state;
  codec *bypass = NULL;
  codec_trial *t = NULL;
  error err = {0};
  const codec_trial_options o = {.counts = {1}, .n_counts = 1, .rate_hz = SMALL_RATE_HZ};
  ok(codec_open_bypass(&bypass, SMALL_RATE_HZ, HOP, 1, &err), &err);
  assert_int_equal(codec_trial_new(&t, bypass, &o, &err), STATUS_UNSUPPORTED);
  assert_null(t);
  codec_unref(bypass);
}

static void names_stay_in_their_folder(void **state)
{
  static const char *const bad[] = {"",     "..",   "../x", "a/../../x", "/x",
                                    "a//x", "a/..", "./x",  "a/./x",     "a/.."};
  const temp_folder *folder = *state;
  audio_writer *w = NULL;
  error err = {0};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; ++i) {
    assert_int_equal(wav_folder_open(&w, folder->path, "p", bad[i], 8000, 0, &err), STATUS_FORMAT);
    assert_null(w);
  }
  static const char *const good[] = {"a", "b/..x", "b/c.wav", "d/e/f.flac"};
  static const char *const made[] = {"p/a.wav", "p/b/..x.wav", "p/b/c.wav", "p/d/e/f.flac.wav"};
  for (size_t i = 0; i < sizeof good / sizeof *good; ++i) {
    struct stat info;
    const float x = 0.5f;
    ok(wav_folder_open(&w, folder->path, "p", good[i], 8000, 1, &err), &err);
    ok(audio_writer_write(w, &x, 1, &err), &err);
    ok(audio_writer_commit(w, &err), &err);
    assert_int_equal(stat(below(folder, made[i]), &info), 0);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(ten_to_forty_bits_and_all),
      cmocka_unit_test(without_codebooks_there_is_nothing_to_try),
      cmocka_unit_test_setup_teardown(a_set_is_tried, temp_folder_make, temp_folder_remove),
      cmocka_unit_test_setup_teardown(random_codes_know_nothing, temp_folder_make,
                                      temp_folder_remove),
      cmocka_unit_test_setup_teardown(quiet_and_bad_clips, temp_folder_make, temp_folder_remove),
      cmocka_unit_test_setup_teardown(names_stay_in_their_folder, temp_folder_make,
                                      temp_folder_remove),
  };
  return cmocka_run_group_tests_name("codec trial", tests, NULL, NULL);
}
