// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "models/io/code_file.h"

#include "base/random.h"
#include "tests/failing_alloc.h"
#include "tests/models/scratch.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define N_BOOKS 8
#define N_STEPS 1000

static code_info encodec_info(void)
{
  return (code_info){
      .rate_hz = 24000,
      .hop_samples = 320,
      .n_channels = 1,
      .n_codebooks = N_BOOKS,
      .codebook_size = 1024,
      .n_samples = CODE_UNKNOWN,
      .model = "encodec_24khz",
  };
}

static int32_t *make_codes(void)
{
  int32_t *codes = malloc(N_STEPS * N_BOOKS * sizeof *codes);
  assert_non_null(codes);
  for (size_t i = 0; i < N_STEPS * N_BOOKS; ++i) {
    codes[i] = (int32_t)(random_bits(1, 0, i) % 1024);
  }
  return codes;
}

// .rvq needs libogg.
static bool can_write(const char *path)
{
  const code_info info = encodec_info();
  code_writer *w = NULL;
  const status code = code_writer_open(&w, path, &info, NULL, NULL);
  code_writer_abort(w);
  return code != STATUS_UNSUPPORTED;
}

static void write_codes(const char *path, const int32_t *codes, uint64_t n_samples)
{
  const code_info info = encodec_info();
  code_writer *w = NULL;
  error err = {0};
  if (code_writer_open(&w, path, &info, NULL, &err) != STATUS_OK) {
    fail_msg("%s", err.message);
  }
  for (size_t done = 0; done < N_STEPS; done += 100) {
    assert_int_equal(code_writer_write(w, codes + done * N_BOOKS, 100, &err), STATUS_OK);
  }
  assert_int_equal(code_writer_commit(w, n_samples, &err), STATUS_OK);
}

static void read_codes(code_reader *r, const int32_t *codes)
{
  static int32_t got[333 * N_BOOKS];
  size_t n = 0;
  code_run run;
  error err = {0};
  while (code_reader_read(r, got, 333, &run, &err) == STATUS_OK && run.n_steps) {
    assert_int_equal(run.first_step, n);
    assert_true(n + run.n_steps <= N_STEPS && !run.lost && run.scale == 1.0f);
    assert_memory_equal(got, codes + n * N_BOOKS, run.n_steps * N_BOOKS * sizeof *got);
    n += run.n_steps;
  }
  assert_int_equal(n, N_STEPS);
  assert_true(code_reader_ended(r));
  assert_int_equal(code_reader_damage(r).lost_steps, 0);
}

static void every_format_comes_back(void **state)
{
  (void)state;
  static const struct {
    const char *name;
    code_format format;
  } cases[] = {{"a.rvq", CODE_RVQ}, {"a.ecdc", CODE_ECDC}, {"a.NPY", CODE_NPY}};
  int32_t *codes = make_codes();
  const uint64_t n_samples = N_STEPS * 320 - 17;
  for (size_t i = 0; i < 3; ++i) {
    const char *path = scratch_path(&scratch_dir, cases[i].name);
    if (!can_write(path)) {
      print_message("skipped: this build cannot write %s\n", cases[i].name);
      continue;
    }
    write_codes(path, codes, n_samples);
    char other[600];
    snprintf(other, sizeof other, "%s.bin", path); // the reader does not go by the ending
    assert_int_equal(rename(path, other), 0);
    code_reader *r = NULL;
    assert_int_equal(code_reader_open(&r, other, NULL), STATUS_OK);
    assert_int_equal(code_reader_format(r), cases[i].format);
    const code_info *info = code_reader_info(r);
    assert_int_equal(info->n_codebooks, N_BOOKS);
    if (cases[i].format == CODE_NPY) {
      assert_int_equal(info->rate_hz, 0);
    } else {
      assert_string_equal(info->model, "encodec_24khz");
    }
    assert_int_equal(code_reader_n_steps(r), N_STEPS);
    read_codes(r, codes);
    assert_int_equal(code_reader_info(r)->n_samples,
                     cases[i].format == CODE_NPY ? CODE_UNKNOWN : n_samples);
    code_reader_close(r);
  }
  free(codes);
}

static void pipes_work(void **state)
{
  (void)state;
  int32_t *codes = make_codes();
  int ends[2];
  char path[64];
  assert_int_equal(pipe(ends), 0);
  snprintf(path, sizeof path, "/dev/fd/%d", ends[1]);
  if (!can_write(path)) {
    print_message("skipped: this build cannot write .rvq\n");
    free(codes);
    skip();
  }
  close(ends[0]);
  close(ends[1]);
  assert_int_equal(pipe(ends), 0);
  fcntl(ends[1], F_SETPIPE_SZ, 1 << 18);
  snprintf(path, sizeof path, "/dev/fd/%d", ends[1]);
  write_codes(path, codes, CODE_UNKNOWN);
  close(ends[1]);
  snprintf(path, sizeof path, "/dev/fd/%d", ends[0]);
  code_reader *r = NULL;
  assert_int_equal(code_reader_open(&r, path, NULL), STATUS_OK);
  read_codes(r, codes);
  code_reader_close(r);
  close(ends[0]);
  free(codes);
}

// 48 kHz: the segments of every length have the steps that reading will find.
static void steps_of_segments_are_counted(void **state)
{
  (void)state;
  static const uint64_t lengths[] = {1, 47520, 47521, 47620, 48000, 48001, 95040, 95041, 200000};
  const code_info info = {
      .rate_hz = 48000,
      .hop_samples = 320,
      .n_channels = 2,
      .n_codebooks = 2,
      .codebook_size = 1024,
      .n_samples = CODE_UNKNOWN,
      .model = "encodec_48khz",
      .segment_samples = 48000,
      .segment_stride_samples = 47520,
  };
  for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; ++i) {
    code_writer *w = NULL;
    const char *path = scratch_path(&scratch_dir, "s.ecdc");
    const int32_t step[2] = {1, 2};
    assert_int_equal(code_writer_open(&w, path, &info, NULL, NULL), STATUS_OK);
    uint64_t n_steps = 0;
    for (uint64_t at = 0; at < lengths[i]; at += 47520) {
      const uint64_t n = lengths[i] - at < 48000 ? lengths[i] - at : 48000;
      assert_int_equal(code_writer_begin_segment(w, 0.5f, NULL), STATUS_OK);
      for (uint64_t k = 0; k < (n + 319) / 320; ++k, ++n_steps) {
        assert_int_equal(code_writer_write(w, step, 1, NULL), STATUS_OK);
      }
    }
    assert_int_equal(code_writer_commit(w, lengths[i], NULL), STATUS_OK);
    code_reader *r = NULL;
    assert_int_equal(code_reader_open(&r, path, NULL), STATUS_OK);
    assert_int_equal(code_reader_n_steps(r), n_steps);
    code_reader_close(r);
  }
}

static void refuse_file(const char *name, const void *data, size_t size, status want)
{
  const char *path = scratch_path(&scratch_dir, name);
  code_reader *r = NULL;
  error err = {0};
  scratch_write(path, data, size);
  assert_int_equal(code_reader_open(&r, path, &err), want);
  assert_non_null(strstr(err.message, path));
  assert_null(r);
}

static void nonsense_is_refused(void **state)
{
  (void)state;
  code_reader *r = NULL;
  code_writer *w = NULL;
  error err = {0};
  code_info info = encodec_info();
  refuse_file("e.rvq", "", 0, STATUS_FORMAT);
  refuse_file("e.rvq", "OggS", 4, STATUS_FORMAT);
  refuse_file("e.ecdc", "ECDC", 4, STATUS_FORMAT);
  refuse_file("e.npy", "\x93NUMPY", 6, STATUS_FORMAT);
  refuse_file("e.wav", "RIFF\0\0\0\0WAVEfmt ", 16, STATUS_FORMAT);
  assert_int_equal(code_reader_open(&r, scratch_dir.folder, &err), STATUS_IO);
  assert_int_equal(code_reader_open(&r, scratch_path(&scratch_dir, "none"), &err),
                   STATUS_NOT_FOUND);
  scratch_count(&scratch_dir, 1);
  assert_int_equal(code_writer_open(&w, scratch_path(&scratch_dir, "a.mp3"), &info, NULL, &err),
                   STATUS_USAGE);
  info.segment_samples = 48000;
  assert_int_equal(code_writer_open(&w, scratch_path(&scratch_dir, "a.npy"), &info, NULL, &err),
                   STATUS_UNSUPPORTED);
  info = encodec_info();
  const int32_t lost[N_BOOKS] = {-1};
  assert_int_equal(code_writer_open(&w, scratch_path(&scratch_dir, "a.npy"), &info, NULL, &err),
                   STATUS_OK);
  assert_int_equal(code_writer_write(w, lost, 1, &err), STATUS_USAGE);
  assert_int_equal(code_writer_begin_segment(w, 1.0f, &err), STATUS_UNSUPPORTED);
  code_writer_abort(w);
  assert_int_equal(scratch_count(&scratch_dir, 0), 0);
  code_reader_close(NULL);
  code_writer_abort(NULL);
}

static status write_one(void *user, error *err)
{
  const code_info info = encodec_info();
  const int32_t step[N_BOOKS] = {1, 2, 3};
  code_writer *w = NULL;
  status code = code_writer_open(&w, user, &info, NULL, err);
  if (code != STATUS_OK) {
    return code;
  }
  code = code_writer_write(w, step, 1, err);
  if (code != STATUS_OK) {
    code_writer_abort(w);
    return code;
  }
  return code_writer_commit(w, CODE_UNKNOWN, err);
}

static status read_one(void *user, error *err)
{
  int32_t step[N_BOOKS];
  code_run run;
  code_reader *r = NULL;
  status code = code_reader_open(&r, user, err);
  if (code == STATUS_OK) {
    code = code_reader_read(r, step, 1, &run, err);
  }
  code_reader_close(r);
  return code;
}

static void allocations_fail_cleanly(void **state)
{
  (void)state;
  static const char *const names[] = {"m.rvq", "m.ecdc", "m.npy"};
  for (size_t i = 0; i < 3; ++i) {
    char path[512];
    scratch_count(&scratch_dir, 1);
    strcpy(path, scratch_path(&scratch_dir, names[i]));
    if (!can_write(path)) {
      continue; // without libogg
    }
    assert_true(failing_alloc_each(write_one, path) >= 3);
    assert_int_equal(scratch_count(&scratch_dir, 0), 1);
    assert_true(failing_alloc_each(read_one, path) >= 3);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_format_comes_back),       cmocka_unit_test(pipes_work),
      cmocka_unit_test(steps_of_segments_are_counted), cmocka_unit_test(nonsense_is_refused),
      cmocka_unit_test(allocations_fail_cleanly),
  };
  return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
