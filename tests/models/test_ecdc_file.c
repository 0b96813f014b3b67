// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// The golden files were written by the published package: tests/reference/ecdc_exchange.py.
#include "models/io/ecdc_file.h"

#include "tests/models/scratch.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

typedef struct golden {
  const char *name;
  const char *model;
  uint64_t n_samples;
  uint32_t n_codebooks;
  size_t n_segments;
  size_t steps[3];
} golden;

static const golden goldens[] = {
    {"24khz_2.ecdc", "encodec_24khz", 4000, 2, 1, {13}},
    {"24khz_3.ecdc", "encodec_24khz", 1, 3, 1, {1}},
    {"24khz_32.ecdc", "encodec_24khz", 1000, 32, 1, {4}},
    {"48khz_2.ecdc", "encodec_48khz", 47620, 2, 2, {149, 1}},
    {"48khz_4.ecdc", "encodec_48khz", 96100, 4, 3, {150, 150, 4}},
};
#define N_GOLDENS (sizeof goldens / sizeof goldens[0])

// The codes of tests/reference/ecdc_exchange.py.
static int32_t known_code(size_t segment, size_t step, size_t codebook)
{
  return (int32_t)((step * 389 + codebook * 577 + step * codebook * 31 + segment * 101) % 1024);
}

static float known_scale(size_t segment)
{
  return (float)(0.3 * (double)(segment + 1));
}

static const char *golden_path(const char *name)
{
  static char path[1024];
  const char *source = getenv("CONTINUO_SOURCE");
  snprintf(path, sizeof path, "%s/tests/golden/ecdc/%s", source ? source : ".", name);
  return path;
}

static code_info info_of(const golden *g)
{
  const bool stereo = strcmp(g->model, "encodec_48khz") == 0;
  code_info info = {
      .rate_hz = stereo ? 48000 : 24000,
      .hop_samples = 320,
      .n_channels = stereo ? 2 : 1,
      .n_codebooks = g->n_codebooks,
      .codebook_size = 1024,
      .n_samples = CODE_UNKNOWN,
  };
  strcpy(info.model, g->model);
  return info;
}

static status write_known(const char *path, const golden *g, error *err)
{
  const code_info info = info_of(g);
  ecdc_writer *w = NULL;
  status code = ecdc_writer_open(&w, path, &info, err);
  if (code != STATUS_OK) {
    return code;
  }
  for (size_t s = 0; s < g->n_segments && code == STATUS_OK; ++s) {
    if (info.n_channels == 2) {
      code = ecdc_writer_begin_segment(w, known_scale(s), err);
    }
    for (size_t t = 0; t < g->steps[s] && code == STATUS_OK; ++t) {
      int32_t step[32];
      for (size_t k = 0; k < g->n_codebooks; ++k) {
        step[k] = known_code(s, t, k);
      }
      code = ecdc_writer_write(w, step, 1, err);
    }
  }
  if (code != STATUS_OK) {
    ecdc_writer_abort(w);
    return code;
  }
  return ecdc_writer_commit(w, g->n_samples, err);
}

// Steps read before the end, or before the first error.
static size_t read_known(ecdc_reader *r, const golden *g, size_t room, status *code, error *err)
{
  int32_t codes[200 * 32];
  size_t n = 0;
  size_t segment = 0;
  size_t step = 0;
  code_run run;
  assert_true(room <= 200);
  while ((*code = ecdc_reader_read(r, codes, room, &run, err)) == STATUS_OK && run.n_steps) {
    if (step == g->steps[segment]) {
      ++segment;
      step = 0;
    }
    assert_true(run.first_step == n && run.segment == segment && run.segment_step == step);
    assert_true(run.n_steps <= room && step + run.n_steps <= g->steps[segment] && !run.lost);
    assert_true(run.scale == (info_of(g).n_channels == 2 ? known_scale(segment) : 1.0f));
    for (size_t i = 0; i < run.n_steps; ++i, ++step) {
      for (size_t k = 0; k < g->n_codebooks; ++k) {
        assert_int_equal(codes[i * g->n_codebooks + k], known_code(segment, step, k));
      }
    }
    n += run.n_steps;
  }
  return n;
}

static size_t all_steps(const golden *g)
{
  return g->steps[0] + g->steps[1] + g->steps[2];
}

static void the_original_s_files_are_read(void **state)
{
  (void)state;
  static const size_t rooms[] = {1, 7, 200};
  for (size_t i = 0; i < N_GOLDENS; ++i) {
    const golden *g = &goldens[i];
    for (size_t k = 0; k < 3; ++k) {
      ecdc_reader *r = NULL;
      error err = {0};
      if (ecdc_reader_open(&r, golden_path(g->name), &err) != STATUS_OK) {
        fail_msg("%s", err.message);
      }
      const code_info *info = ecdc_reader_info(r);
      assert_string_equal(info->model, g->model);
      assert_int_equal(info->n_samples, g->n_samples);
      assert_int_equal(info->n_codebooks, g->n_codebooks);
      assert_int_equal(info->codebook_size, 1024);
      status code = STATUS_OK;
      assert_int_equal(read_known(r, g, rooms[k], &code, &err), all_steps(g));
      assert_int_equal(code, STATUS_OK);
      assert_true(ecdc_reader_ended(r));
      ecdc_reader_close(r);
    }
  }
}

static void our_files_are_the_original_s(void **state)
{
  (void)state;
  const char *keep = getenv("CONTINUO_ECDC_OUT"); // for ecdc_exchange.py check
  for (size_t i = 0; i < N_GOLDENS; ++i) {
    char path[1024];
    error err = {0};
    snprintf(path, sizeof path, "%s/%s", keep ? keep : scratch_dir.folder, goldens[i].name);
    if (write_known(path, &goldens[i], &err) != STATUS_OK) {
      fail_msg("%s", err.message);
    }
    size_t size[2];
    uint8_t *ours = scratch_read(path, &size[0]);
    uint8_t *theirs = scratch_read(golden_path(goldens[i].name), &size[1]);
    assert_true(ours && theirs && size[0] == size[1]);
    assert_memory_equal(ours, theirs, size[0]);
    free(ours);
    free(theirs);
  }
}

// Every byte short: an error that names the file, after the steps that were whole.
static void cut_anywhere(void **state)
{
  (void)state;
  for (size_t i = 0; i < N_GOLDENS; ++i) {
    const golden *g = &goldens[i];
    size_t size = 0;
    uint8_t *data = scratch_read(golden_path(g->name), &size);
    const char *path = scratch_path(&scratch_dir, "cut.ecdc");
    assert_non_null(data);
    for (size_t cut = 0; cut < size; ++cut) {
      ecdc_reader *r = NULL;
      error err = {0};
      scratch_write(path, data, cut);
      status code = ecdc_reader_open(&r, path, &err);
      if (code == STATUS_OK) {
        assert_true(read_known(r, g, 200, &code, &err) < all_steps(g));
        assert_false(ecdc_reader_ended(r));
      }
      assert_int_equal(code, STATUS_FORMAT);
      assert_non_null(strstr(err.message, path));
      ecdc_reader_close(r);
    }
    free(data);
  }
}

static void refuse(const char *json, uint8_t version, status want, const char *word)
{
  uint8_t data[512] = {'E', 'C', 'D', 'C', version, 0, 0, 0, (uint8_t)strlen(json)};
  memcpy(data + 9, json, strlen(json));
  const char *path = scratch_path(&scratch_dir, "bad.ecdc");
  scratch_write(path, data, 9 + strlen(json));
  ecdc_reader *r = NULL;
  error err = {0};
  const status got = ecdc_reader_open(&r, path, &err);
  if (got != want || !strstr(err.message, word) || !strstr(err.message, path)) {
    fail_msg("%s: status %d, \"%s\", expected %d and \"%s\"", json, got, err.message, want, word);
  }
  assert_null(r);
}

static void bad_headers_are_refused(void **state)
{
  (void)state;
  refuse("{\"m\": \"encodec_24khz\", \"al\": 9, \"nc\": 8, \"lm\": true}", 0, STATUS_UNSUPPORTED,
         "entropy-coded");
  refuse("{\"m\": \"encodec_32khz\", \"al\": 9, \"nc\": 8, \"lm\": false}", 0, STATUS_UNSUPPORTED,
         "encodec_32khz");
  refuse("{\"m\": \"encodec_24khz\", \"al\": 9, \"nc\": 8, \"lm\": false}", 1, STATUS_UNSUPPORTED,
         "version 1");
  refuse("{\"m\": \"encodec_24khz\", \"al\": -1, \"nc\": 8, \"lm\": false}", 0, STATUS_FORMAT,
         "al");
  refuse("{\"m\": \"encodec_24khz\", \"al\": 9, \"nc\": 33, \"lm\": false}", 0, STATUS_FORMAT,
         "nc");
  refuse("{\"m\": \"encodec_48khz\", \"al\": 9, \"nc\": 0, \"lm\": false}", 0, STATUS_FORMAT, "nc");
  refuse("{\"m\": \"encodec_24khz\", \"al\": 9, \"nc\": 8}", 0, STATUS_FORMAT, "lm");
  refuse("{\"m\": 7, \"al\": 9, \"nc\": 8, \"lm\": false}", 0, STATUS_FORMAT, "m");
  refuse("[1, 2", 0, STATUS_FORMAT, "");
  ecdc_reader *r = NULL;
  error err = {0};
  const char *path = scratch_path(&scratch_dir, "huge.ecdc");
  scratch_write(path, "ECDC\0\377\377\377\377", 9);
  assert_int_equal(ecdc_reader_open(&r, path, &err), STATUS_FORMAT);
  scratch_write(path, "", 0);
  assert_int_equal(ecdc_reader_open(&r, path, &err), STATUS_FORMAT);
  assert_int_equal(ecdc_reader_open(&r, scratch_dir.folder, &err), STATUS_IO);
  ecdc_reader_close(NULL);
}

static void misuse_is_refused(void **state)
{
  (void)state;
  ecdc_writer *w = NULL;
  error err = {0};
  scratch_count(&scratch_dir, 1);
  const char *path = scratch_path(&scratch_dir, "no.ecdc");
  code_info info = info_of(&goldens[0]);
  strcpy(info.model, "lyra");
  assert_int_equal(ecdc_writer_open(&w, path, &info, &err), STATUS_UNSUPPORTED);
  info = info_of(&goldens[0]);
  info.n_codebooks = 33;
  assert_int_equal(ecdc_writer_open(&w, path, &info, &err), STATUS_USAGE);
  info = info_of(&goldens[0]);
  const int32_t bad[2][2] = {{0, 1024}, {0, -1}};
  for (int i = 0; i < 2; ++i) {
    assert_int_equal(ecdc_writer_open(&w, path, &info, &err), STATUS_OK);
    assert_int_equal(ecdc_writer_write(w, bad[i], 1, &err), STATUS_USAGE);
    assert_int_equal(ecdc_writer_begin_segment(w, 1.0f, &err), STATUS_USAGE);
    ecdc_writer_abort(w);
  }
  golden wrong = goldens[0]; // one step more or less than the samples have
  wrong.n_samples = 13 * 320 + 1;
  assert_int_equal(write_known(path, &wrong, &err), STATUS_USAGE);
  wrong.n_samples = 12 * 320;
  assert_int_equal(write_known(path, &wrong, &err), STATUS_USAGE);
  wrong = goldens[4];
  wrong.steps[1] = 149;
  assert_int_equal(write_known(path, &wrong, &err), STATUS_USAGE);
  wrong = goldens[4];
  wrong.n_samples = 48000;
  assert_int_equal(write_known(path, &wrong, &err), STATUS_USAGE);
  assert_int_equal(scratch_count(&scratch_dir, 0), 0);
  ecdc_writer_abort(NULL);
}

static void no_samples_and_unknown_length(void **state)
{
  (void)state;
  const char *path = scratch_path(&scratch_dir, "z.ecdc");
  const int32_t step[2] = {5, 1023};
  for (uint64_t n = 0; n < 3; ++n) {
    const code_info info = info_of(&goldens[0]);
    ecdc_writer *w = NULL;
    assert_int_equal(ecdc_writer_open(&w, path, &info, NULL), STATUS_OK);
    for (uint64_t i = 0; i < n; ++i) {
      assert_int_equal(ecdc_writer_write(w, step, 1, NULL), STATUS_OK);
    }
    assert_int_equal(ecdc_writer_commit(w, CODE_UNKNOWN, NULL), STATUS_OK);
    ecdc_reader *r = NULL;
    assert_int_equal(ecdc_reader_open(&r, path, NULL), STATUS_OK);
    assert_int_equal(ecdc_reader_info(r)->n_samples, n * 320);
    int32_t codes[20];
    code_run run;
    assert_int_equal(ecdc_reader_read(r, codes, 10, &run, NULL), STATUS_OK);
    assert_int_equal(run.n_steps, n);
    assert_true(ecdc_reader_ended(r));
    ecdc_reader_close(r);
  }
}

static void full_disk_leaves_nothing(void **state)
{
  (void)state;
  struct rlimit old;
  signal(SIGXFSZ, SIG_IGN);
  assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
  scratch_count(&scratch_dir, 1);
  const char *path = scratch_path(&scratch_dir, "full.ecdc");
  for (rlim_t most = 0; most < 1598; most += 150) {
    const struct rlimit tight = {most, old.rlim_max};
    error err = {0};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &tight), 0);
    const status code = write_known(path, &goldens[4], &err);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    assert_int_equal(code, STATUS_IO);
    assert_non_null(strstr(err.message, path));
    assert_non_null(strstr(err.message, "File too large"));
    assert_int_equal(scratch_count(&scratch_dir, 0), 0);
  }
  error err = {0};
  assert_int_equal(write_known("/dev/full", &goldens[4], &err), STATUS_IO);
  assert_non_null(strstr(err.message, "/dev/full: cannot write: No space left on device"));
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_original_s_files_are_read),
      cmocka_unit_test(our_files_are_the_original_s),
      cmocka_unit_test(cut_anywhere),
      cmocka_unit_test(bad_headers_are_refused),
      cmocka_unit_test(misuse_is_refused),
      cmocka_unit_test(no_samples_and_unknown_length),
      cmocka_unit_test(full_disk_leaves_nothing),
  };
  return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
