// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "base/random.h"
#include "engine/play/mosaic.h"
#include "models/io/audio_file.h"
#include "models/io/code_file.h"
#include "tests/failing_alloc.h"
#include "tests/temp_folder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/models/random_seanet.h"

enum { HOP = 8, USED = 4, STEPS = 300, RATE = 8000 };

static device *dev;
static codec *model;
static float audio[STEPS * HOP];
static int32_t codes[STEPS * USED];

static codec *small_codec(uint64_t seed)
{
  const seanet_half_config half = {.width = 4,
                                   .kernel_in = 7,
                                   .kernel_out = 3,
                                   .kernel_residual = 3,
                                   .dilation_base = 2,
                                   .compress = 1};
  const seanet_config config = {.name = "small",
                                .rate_hz = RATE,
                                .n_channels = 1,
                                .latent_dim = 8,
                                .n_strides = 1,
                                .strides = {HOP},
                                .n_codebooks = USED,
                                .codebook_size = 32,
                                .encoder = half,
                                .decoder = half,
                                .true_skip = true,
                                .causal = true,
                                .pad = PAD_ZERO,
                                .norm = SEANET_NORM_NONE,
                                .act = ACT_ELU,
                                .act_slope = 1.0f};
  return random_seanet_codec(&config, dev, DTYPE_F32, seed);
}

static void make_path(char path[700], const temp_folder *folder, const char *name)
{
  snprintf(path, 700, "%s/%s", folder->path, name);
}

static void write_sound(const char *path)
{
  audio_writer *w = NULL;
  assert_int_equal(audio_writer_open(&w, path, RATE, 1, AUDIO_ENCODING_F32, STEPS * HOP, NULL),
                   STATUS_OK);
  assert_int_equal(audio_writer_write(w, audio, STEPS * HOP, NULL), STATUS_OK);
  assert_int_equal(audio_writer_commit(w, NULL), STATUS_OK);
}

static void write_codes(const char *path, const code_info *info, size_t n_steps)
{
  code_writer *w = NULL;
  static int32_t narrow[STEPS * USED];
  for (size_t i = 0; i < n_steps * info->n_codebooks; ++i) {
    narrow[i] = codes[i / info->n_codebooks * USED + i % info->n_codebooks];
  }
  assert_int_equal(code_writer_open(&w, path, info, NULL, NULL), STATUS_OK);
  assert_int_equal(code_writer_write(w, narrow, n_steps, NULL), STATUS_OK);
  assert_int_equal(code_writer_commit(w, CODE_UNKNOWN, NULL), STATUS_OK);
}

static code_info info_of_model(void)
{
  return (code_info){.rate_hz = RATE,
                     .hop_samples = HOP,
                     .n_channels = 1,
                     .n_codebooks = USED,
                     .codebook_size = 32,
                     .n_samples = CODE_UNKNOWN,
                     .model = "small"};
}

static int set_up(void **state)
{
  codec_state *s = NULL;
  assert_int_equal(device_open(&dev, &(device_options){0}, NULL), STATUS_OK);
  model = small_codec(3);
  for (uint64_t i = 0; i < STEPS * HOP; ++i) {
    audio[i] = random_uniform(1, i / 400, i) - 0.5f;
  }
  assert_int_equal(codec_state_new(&s, model, 1, STEPS, NULL), STATUS_OK);
  assert_int_equal(codec_encode(s, audio, STEPS, USED, codes), STATUS_OK);
  codec_state_free(s);
  return temp_folder_make(state);
}

static int tear_down(void **state)
{
  codec_unref(model);
  device_unref(dev);
  return temp_folder_remove(state);
}

static void sound_and_codes_make_one_mosaic(void **state)
{
  char sound[700];
  char steps[700];
  char few[700];
  mosaic *m = NULL;
  code_info info = info_of_model();
  make_path(sound, *state, "sound.wav");
  make_path(steps, *state, "steps.npy");
  make_path(few, *state, "few.npy");
  write_sound(sound);
  write_codes(steps, &info, 100);
  info.n_codebooks = 2;
  write_codes(few, &info, 50);
  const char *const paths[] = {sound, steps, few};
  assert_int_equal(mosaic_load(&m, model, paths, 3, NULL), STATUS_OK);
  assert_int_equal(mosaic_n_steps(m), STEPS + 100 + 50);
  assert_int_equal(mosaic_n_codebooks(m), USED);
  assert_memory_equal(mosaic_codes(m, 0), codes, sizeof codes);
  assert_memory_equal(mosaic_codes(m, STEPS), codes, sizeof(int32_t) * USED * 100);
  assert_memory_equal(mosaic_codes(m, STEPS + 100), codes, sizeof(int32_t) * 2);
  assert_int_equal(mosaic_codes(m, STEPS + 100)[2], -1);
  assert_int_equal(mosaic_next(m, STEPS - 2), STEPS - 1);
  assert_int_equal(mosaic_next(m, STEPS - 1), -1);
  assert_int_equal(mosaic_next(m, STEPS + 99), -1);
  const mosaic_query query = {codes + USED, USED, 3, -1, 0, 0};
  assert_memory_equal(mosaic_codes(m, mosaic_find(m, &query)), codes + USED, 3 * sizeof *codes);
  mosaic_unref(m);
}

static void expect_error(const char *path, status expected)
{
  mosaic *m = NULL;
  error err = {0};
  assert_int_equal(mosaic_load(&m, model, &path, 1, &err), expected);
  assert_null(m);
  assert_non_null(strstr(err.message, path));
}

static void errors_name_the_file(void **state)
{
  char path[700];
  code_info info = info_of_model();
  make_path(path, *state, "missing.wav");
  expect_error(path, STATUS_NOT_FOUND);
  make_path(path, *state, "words.txt");
  FILE *words = fopen(path, "w");
  assert_non_null(words);
  fputs("neither one nor the other, and long enough to be looked at twice", words);
  assert_int_equal(fclose(words), 0);
  expect_error(path, STATUS_FORMAT);
  info.n_codebooks = 8; // more than the codec has
  make_path(path, *state, "wide.npy");
  write_codes(path, &info, 10);
  expect_error(path, STATUS_FORMAT);
}

static void codes_of_another_codec_are_refused(void **state)
{
  char path[700];
  code_info info = info_of_model();
  code_writer *w = NULL;
  make_path(path, *state, "codes.rvq");
  if (code_writer_open(&w, path, &info, NULL, NULL) == STATUS_UNSUPPORTED) {
    skip(); // no libogg
  }
  code_writer_abort(w);
  mosaic *m = NULL;
  const char *const paths[] = {path};
  write_codes(path, &info, 20);
  assert_int_equal(mosaic_load(&m, model, paths, 1, NULL), STATUS_OK);
  assert_int_equal(mosaic_n_steps(m), 20);
  assert_memory_equal(mosaic_codes(m, 0), codes, sizeof(int32_t) * USED * 20);
  mosaic_unref(m);
  snprintf(info.model, sizeof info.model, "other");
  write_codes(path, &info, 20);
  expect_error(path, STATUS_FORMAT);
  info = info_of_model();
  info.hop_samples = 2 * HOP;
  write_codes(path, &info, 20);
  expect_error(path, STATUS_FORMAT);
}

static void a_codec_without_codebooks_is_refused(void **unused)
{
  (void)unused;
  codec *bypass = NULL;
  mosaic *m = NULL;
  assert_int_equal(codec_open_bypass(&bypass, RATE, HOP, 1, NULL), STATUS_OK);
  assert_int_equal(mosaic_load(&m, bypass, NULL, 0, NULL), STATUS_UNSUPPORTED);
  assert_int_equal(mosaic_load(&m, model, NULL, 0, NULL), STATUS_USAGE);
  codec_unref(bypass);
}

static status load_one(void *user, error *err)
{
  mosaic *m = NULL;
  const status st = mosaic_load(&m, model, user, 2, err);
  mosaic_unref(m);
  return st;
}

static void every_allocation_may_fail(void **state)
{
  char sound[700];
  char steps[700];
  const code_info info = info_of_model();
  make_path(sound, *state, "sound.wav");
  make_path(steps, *state, "steps.npy");
  write_sound(sound);
  write_codes(steps, &info, 100);
  const char *paths[] = {sound, steps};
  assert_true(failing_alloc_each(load_one, paths) > 20);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(sound_and_codes_make_one_mosaic),
      cmocka_unit_test(errors_name_the_file),
      cmocka_unit_test(codes_of_another_codec_are_refused),
      cmocka_unit_test(a_codec_without_codebooks_is_refused),
      cmocka_unit_test(every_allocation_may_fail),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
