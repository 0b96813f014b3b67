// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "base/random.h"
#include "engine/offline.h"
#include "plugin/file_host.h"
#include "tests/engine/trial_codec.h"
#include "tests/models/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static char in_path[512], out_path[512];

static int set_up(void **state)
{
  if (scratch_setup(state) != 0) {
    return -1;
  }
  snprintf(in_path, sizeof in_path, "%s", scratch_path(&scratch_dir, "in.wav"));
  snprintf(out_path, sizeof out_path, "%s", scratch_path(&scratch_dir, "out.wav"));
  return 0;
}

static codec *open_model(uint32_t n_channels)
{
  codec *c = NULL;
  const trial_options options = {24000, 320, n_channels, 123};
  assert_int_equal(trial_codec_open(&c, &options), STATUS_OK);
  return c;
}

static float *noise(size_t n_values)
{
  float *x = calloc(n_values, sizeof *x);
  assert_non_null(x);
  for (size_t i = 0; i < n_values; ++i) {
    x[i] = random_uniform(5, 5, i) - 0.5f;
  }
  return x;
}

static void write_wav(const float *x, size_t n_samples, uint32_t rate_hz, uint32_t n_channels)
{
  audio_writer *w = NULL;
  error err = {0};
  assert_int_equal(
      audio_writer_open(&w, in_path, rate_hz, n_channels, AUDIO_ENCODING_F32, n_samples, &err),
      STATUS_OK);
  assert_int_equal(audio_writer_write(w, x, n_samples, &err), STATUS_OK);
  assert_int_equal(audio_writer_commit(w, &err), STATUS_OK);
}

// The output file is the offline result: same length, same bits.
static void render_equals_offline(uint32_t rate_hz, uint32_t n_channels, size_t n_samples,
                                  uint32_t block, bool random_blocks)
{
  codec *model = open_model(n_channels);
  const size_t n_values = n_samples * n_channels;
  float *in = noise(n_values);
  float *expected = calloc(n_values, sizeof *expected);
  float *found = calloc(n_values + n_channels, sizeof *found);
  audio_reader *r = NULL;
  file_host_result result;
  error err = {0};
  size_t n_found = 0;
  write_wav(in, n_samples, rate_hz, n_channels);
  const file_host_config config = {
      .session = {.model = model, .block_samples = block},
      .in = in_path,
      .out = out_path,
      .random_blocks = random_blocks,
      .seed = 3,
  };
  if (file_host_run(&config, &result, &err) != STATUS_OK) {
    fail_msg("%s", err.message);
  }
  assert_int_equal(result.n_samples, n_samples);
  assert_int_equal(result.telemetry.misses, 0);
  assert_string_equal(result.conversion, "");
  assert_int_equal(offline_roundtrip(model, 0, rate_hz, in, n_samples, expected, &err), STATUS_OK);
  assert_int_equal(audio_reader_open(&r, out_path, 0, 0, &err), STATUS_OK);
  assert_int_equal(audio_reader_read(r, found, n_samples + 1, &n_found, &err), STATUS_OK);
  assert_int_equal(audio_reader_info(r)->rate_hz, rate_hz);
  assert_int_equal(n_found, n_samples);
  assert_memory_equal(expected, found, n_values * sizeof *found);
  audio_reader_close(r);
  free(in);
  free(expected);
  free(found);
  codec_unref(model);
}

static void a_render_equals_the_offline_result(void **unused)
{
  (void)unused;
  render_equals_offline(48000, 1, 48000, 256, false);
  render_equals_offline(44100, 2, 30001, 0, false);
  render_equals_offline(24000, 1, 24000, 8192, true);
  render_equals_offline(96000, 1, 50000, 700, true);
  render_equals_offline(8000, 1, 1, 64, false);
}

static void the_file_is_brought_to_the_rate_and_channels_asked_for(void **unused)
{
  (void)unused;
  codec *model = open_model(1);
  float *in = noise(2 * 44100);
  file_host_result result;
  error err = {0};
  write_wav(in, 44100, 44100, 2);
  const file_host_config config = {
      .session = {.model = model, .host_rate_hz = 48000}, .in = in_path, .out = out_path};
  assert_int_equal(file_host_run(&config, &result, &err), STATUS_OK);
  assert_int_equal(result.n_samples, 48000);
  assert_int_equal(result.telemetry.host_rate_hz, 48000);
  assert_true(result.conversion[0] != '\0');
  free(in);
  codec_unref(model);
}

static bool stop_soon(void *user, const file_host_progress *progress, session *s)
{
  (void)s;
  assert_int_equal(progress->expected_samples, 48000);
  return progress->n_samples < *(const uint64_t *)user;
}

static void what_fails_leaves_nothing(void **unused)
{
  (void)unused;
  codec *model = open_model(1);
  float *in = noise(48000);
  file_host_result result;
  error err = {0};
  uint64_t most = 10000;
  write_wav(in, 48000, 48000, 1);
  file_host_config config = {.session = {.model = model},
                             .in = in_path,
                             .out = out_path,
                             .on_progress = stop_soon,
                             .user = &most};
  assert_int_equal(scratch_count(&scratch_dir, 0), 1);
  assert_int_equal(file_host_run(&config, &result, &err), STATUS_INTERRUPTED);
  assert_int_equal(scratch_count(&scratch_dir, 0), 1);
  config.on_progress = NULL;
  trial_codec_fail(model);
  assert_int_equal(file_host_run(&config, &result, &err), STATUS_DEVICE);
  assert_int_equal(scratch_count(&scratch_dir, 0), 1);
  config.session.block_samples = 10000;
  assert_int_equal(file_host_run(&config, &result, &err), STATUS_USAGE);
  config.in = scratch_path(&scratch_dir, "absent.wav");
  assert_int_equal(file_host_run(&config, &result, &err), STATUS_NOT_FOUND);
  assert_non_null(strstr(err.message, "absent.wav"));
  assert_int_equal(scratch_count(&scratch_dir, 0), 1);
  free(in);
  codec_unref(model);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(a_render_equals_the_offline_result, set_up, scratch_teardown),
      cmocka_unit_test_setup_teardown(the_file_is_brought_to_the_rate_and_channels_asked_for,
                                      set_up, scratch_teardown),
      cmocka_unit_test_setup_teardown(what_fails_leaves_nothing, set_up, scratch_teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
