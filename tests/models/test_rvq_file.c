// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "models/io/rvq_file.h"

#include "base/random.h"
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

#define N_BOOKS 8
#define N_STEPS 60
#define PAGE_STEPS 7

static code_info encodec_info(void)
{
  code_info info = {
      .rate_hz = 24000,
      .hop_samples = 320,
      .n_channels = 1,
      .n_codebooks = N_BOOKS,
      .codebook_size = 1024,
      .n_samples = CODE_UNKNOWN,
      .model = "encodec_24khz",
  };
  memset(info.model_sha256, 0xa5, sizeof info.model_sha256);
  return info;
}

static int open_scratch(void **state)
{
  rvq_writer *w = NULL;
  const code_info info = encodec_info();
  if (rvq_writer_open(&w, "/dev/null", &info, NULL, NULL) == STATUS_UNSUPPORTED) {
    exit(77); // this build has no libogg
  }
  rvq_writer_abort(w);
  return scratch_setup(state);
}

static int32_t *make_codes(const code_info *info, size_t n_steps)
{
  int32_t *codes = malloc((n_steps * info->n_codebooks + 1) * sizeof *codes);
  assert_non_null(codes);
  for (size_t i = 0; i < n_steps * info->n_codebooks; ++i) {
    codes[i] = (int32_t)(random_bits(info->codebook_size, 0, i) % info->codebook_size);
  }
  return codes;
}

static rvq_writer *create(const char *path, const code_info *info, uint32_t page_steps,
                          bool growing)
{
  rvq_writer *w = NULL;
  error err = {0};
  const rvq_writer_options options = {.page_steps = page_steps, .growing = growing};
  if (rvq_writer_open(&w, path, info, &options, &err) != STATUS_OK) {
    fail_msg("%s", err.message);
  }
  return w;
}

static void write_file(const char *path, const code_info *info, const int32_t *codes,
                       size_t n_steps, uint32_t page_steps, uint64_t n_samples)
{
  rvq_writer *w = create(path, info, page_steps, false);
  for (size_t done = 0, turn = 0; done < n_steps; ++turn) {
    size_t n = random_bits(3, 0, turn) % 12;
    n = n < n_steps - done ? n : n_steps - done;
    assert_int_equal(rvq_writer_write(w, codes + done * info->n_codebooks, n, NULL), STATUS_OK);
    done += n;
  }
  assert_int_equal(rvq_writer_commit(w, n_samples, NULL), STATUS_OK);
}

static rvq_reader *open_file(const char *path)
{
  rvq_reader *r = NULL;
  error err = {0};
  if (rvq_reader_open(&r, path, &err) != STATUS_OK) {
    fail_msg("%s", err.message);
  }
  return r;
}

// Read to the present end in uneven pieces; every step is either right or lost. Returns the steps.
static size_t read_and_compare(rvq_reader *r, const int32_t *codes, size_t from, bool *lost)
{
  const uint32_t width = rvq_reader_info(r)->n_codebooks;
  int32_t *got = malloc(50 * (size_t)width * sizeof *got);
  assert_non_null(got);
  size_t step = from;
  for (uint64_t turn = 0;; ++turn) {
    code_run run;
    const size_t room = 1 + random_bits(4, 0, turn) % 49;
    error err = {0};
    assert_int_equal(rvq_reader_read(r, got, room, &run, &err), STATUS_OK);
    if (run.n_steps == 0) {
      break;
    }
    assert_true(run.n_steps <= room && run.first_step == step && step + run.n_steps <= N_STEPS);
    for (size_t i = 0; i < run.n_steps; ++i, ++step) {
      if (lost) {
        lost[step] = run.lost;
      }
      for (uint32_t k = 0; k < width; ++k) {
        assert_int_equal(got[i * width + k], run.lost ? -1 : codes[step * width + k]);
      }
    }
  }
  free(got);
  return step;
}

static void codes_come_back(void **state)
{
  (void)state;
  static const struct {
    uint32_t n_codebooks, codebook_size, page_steps;
  } cases[] = {
      {8, 1024, 7},      {1, 2, 1},     {1, 2, 0},      {46, 16, 50},   {32, 1024, 0},
      {1024, 65536, 60}, {3, 1000, 13}, {5, 65536, 60}, {1, 17, 65536},
  };
  for (size_t c = 0; c < sizeof cases / sizeof cases[0]; ++c) {
    code_info info = encodec_info();
    info.n_codebooks = cases[c].n_codebooks;
    info.codebook_size = cases[c].codebook_size;
    int32_t *codes = make_codes(&info, N_STEPS);
    for (size_t n = 0; n <= N_STEPS; n += n < 10 ? 1 : 25) {
      const uint64_t n_samples = n ? n * 320 - 5 : 0;
      const char *path = scratch_path(&scratch_dir, "a.rvq");
      write_file(path, &info, codes, n, cases[c].page_steps, n_samples);
      rvq_reader *r = open_file(path);
      const code_info *got = rvq_reader_info(r);
      assert_int_equal(got->n_codebooks, info.n_codebooks);
      assert_int_equal(got->codebook_size, info.codebook_size);
      assert_int_equal(got->rate_hz, 24000);
      assert_int_equal(got->hop_samples, 320);
      assert_string_equal(got->model, info.model);
      assert_memory_equal(got->model_sha256, info.model_sha256, 32);
      assert_int_equal(got->n_samples, n_samples); // before anything is read
      assert_int_equal(read_and_compare(r, codes, 0, NULL), n);
      assert_true(rvq_reader_ended(r));
      assert_int_equal(got->n_samples, n_samples);
      assert_int_equal(rvq_reader_damage(r)->lost_steps + rvq_reader_damage(r)->skipped_bytes, 0);
      rvq_reader_close(r);
    }
    free(codes);
  }
}

typedef struct pages {
  uint8_t *data;
  size_t size;
  size_t n;
  size_t at[64]; // of each page, and of the end
} pages;

static pages split(const char *path)
{
  pages p = {0};
  p.data = scratch_read(path, &p.size);
  assert_non_null(p.data);
  size_t at = 0;
  while (at < p.size) {
    assert_true(p.n < 63);
    assert_memory_equal(p.data + at, "OggS", 4);
    p.at[p.n++] = at;
    size_t length = 27 + (size_t)p.data[at + 26];
    for (size_t i = 0; i < p.data[at + 26]; ++i) {
      length += p.data[at + 27 + i];
    }
    at += length;
  }
  assert_int_equal(at, p.size);
  p.at[p.n] = p.size;
  return p;
}

// Which steps may be lost when page `page` is: 2 before the first of codes.
static void check_losses(const bool *lost, size_t n_read, size_t page)
{
  for (size_t s = 0; s < n_read; ++s) {
    assert_true(!lost[s] || s / PAGE_STEPS + 2 == page);
  }
}

static void a_lost_page_costs_itself(void **state)
{
  (void)state;
  const code_info info = encodec_info();
  int32_t *codes = make_codes(&info, N_STEPS);
  write_file(scratch_path(&scratch_dir, "whole.rvq"), &info, codes, N_STEPS, PAGE_STEPS,
             N_STEPS * 320 - 9);
  pages p = split(scratch_dir.path);
  const char *path = scratch_path(&scratch_dir, "part.rvq");
  uint8_t *part = malloc(p.size);
  assert_non_null(part);
  const size_t n_code_pages = (N_STEPS + PAGE_STEPS - 1) / PAGE_STEPS;
  assert_int_equal(p.n, n_code_pages + 3); // header, comment, end
  for (size_t drop = 1; drop < p.n; ++drop) {
    const size_t length = p.at[drop + 1] - p.at[drop];
    memcpy(part, p.data, p.at[drop]);
    memcpy(part + p.at[drop], p.data + p.at[drop + 1], p.size - p.at[drop + 1]);
    scratch_write(path, part, p.size - length);
    bool lost[N_STEPS] = {false};
    rvq_reader *r = open_file(path);
    assert_int_equal(read_and_compare(r, codes, 0, lost), N_STEPS);
    check_losses(lost, N_STEPS, drop);
    const bool codes_dropped = drop >= 2 && drop < p.n - 1;
    assert_int_equal(rvq_reader_damage(r)->gaps, codes_dropped);
    assert_int_equal(rvq_reader_damage(r)->lost_steps,
                     !codes_dropped    ? 0
                     : drop == p.n - 2 ? N_STEPS - (n_code_pages - 1) * PAGE_STEPS
                                       : PAGE_STEPS);
    assert_int_equal(rvq_reader_ended(r), drop != p.n - 1);
    rvq_reader_close(r);
  }
  free(part);
  free(p.data);
  free(codes);
}

// One byte wrong anywhere: only the page that holds it is lost.
static void a_damaged_byte_costs_its_page(void **state)
{
  (void)state;
  const code_info info = encodec_info();
  int32_t *codes = make_codes(&info, N_STEPS);
  write_file(scratch_path(&scratch_dir, "whole.rvq"), &info, codes, N_STEPS, PAGE_STEPS,
             CODE_UNKNOWN);
  pages p = split(scratch_dir.path);
  const char *path = scratch_path(&scratch_dir, "bad.rvq");
  for (size_t at = 0, page = 0; at < p.size; ++at) {
    page += at == p.at[page + 1];
    p.data[at] ^= (uint8_t)(1 + random_bits(1, 1, at) % 255);
    scratch_write(path, p.data, p.size);
    rvq_reader *r = NULL;
    error err = {0};
    if (page == 0) {
      assert_int_equal(rvq_reader_open(&r, path, &err), STATUS_FORMAT);
      assert_non_null(strstr(err.message, path));
    } else {
      bool lost[N_STEPS] = {false};
      r = open_file(path);
      const size_t n = read_and_compare(r, codes, 0, lost);
      assert_int_equal(n, N_STEPS);
      check_losses(lost, n, page);
      // At the end, a page that claims to be longer may still be in the writing.
      assert_true(rvq_reader_damage(r)->skipped_bytes > 0 || page == p.n - 1);
      assert_int_equal(rvq_reader_ended(r), page != p.n - 1);
    }
    rvq_reader_close(r);
    free(p.data);
    p = split(scratch_path(&scratch_dir, "whole.rvq"));
    path = scratch_path(&scratch_dir, "bad.rvq");
  }
  free(p.data);
  free(codes);
}

// Cut at every byte, which is also every moment of a growing file.
static void cut_anywhere_then_grown(void **state)
{
  (void)state;
  const code_info info = encodec_info();
  int32_t *codes = make_codes(&info, N_STEPS);
  write_file(scratch_path(&scratch_dir, "whole.rvq"), &info, codes, N_STEPS, PAGE_STEPS,
             CODE_UNKNOWN);
  pages p = split(scratch_dir.path);
  const char *path = scratch_path(&scratch_dir, "cut.rvq");
  for (size_t cut = 0, whole = 0; cut < p.size; ++cut) {
    whole += cut == p.at[whole + 1];
    scratch_write(path, p.data, cut);
    rvq_reader *r = NULL;
    error err = {0};
    if (whole == 0) {
      assert_int_equal(rvq_reader_open(&r, path, &err), STATUS_FORMAT);
      assert_non_null(strstr(err.message, path));
      continue;
    }
    r = open_file(path);
    size_t n = read_and_compare(r, codes, 0, NULL);
    size_t want = whole > 2 ? (whole - 2) * PAGE_STEPS : 0;
    want = want < N_STEPS ? want : N_STEPS;
    assert_int_equal(n, want);
    assert_false(rvq_reader_ended(r));
    FILE *f = fopen(path, "ab");
    assert_non_null(f);
    assert_int_equal(fwrite(p.data + cut, 1, p.size - cut, f), p.size - cut);
    fclose(f);
    n = read_and_compare(r, codes, n, NULL);
    assert_int_equal(n, N_STEPS);
    assert_true(rvq_reader_ended(r));
    assert_int_equal(rvq_reader_damage(r)->skipped_bytes, 0);
    rvq_reader_close(r);
  }
  free(p.data);
  free(codes);
}

static void read_while_written(void **state)
{
  (void)state;
  const code_info info = encodec_info();
  int32_t *codes = make_codes(&info, N_STEPS);
  const char *path = scratch_path(&scratch_dir, "live.rvq");
  rvq_writer *w = create(path, &info, 1, true);
  rvq_reader *r = open_file(path);
  for (size_t s = 0; s < N_STEPS; ++s) {
    assert_int_equal(read_and_compare(r, codes, s, NULL), s);
    assert_int_equal(rvq_writer_write(w, codes + s * N_BOOKS, 1, NULL), STATUS_OK);
    assert_int_equal(read_and_compare(r, codes, s, NULL), s + 1);
    assert_false(rvq_reader_ended(r));
  }
  assert_int_equal(rvq_writer_commit(w, CODE_UNKNOWN, NULL), STATUS_OK);
  assert_int_equal(read_and_compare(r, codes, N_STEPS, NULL), N_STEPS);
  assert_true(rvq_reader_ended(r));
  assert_int_equal(rvq_reader_info(r)->n_samples, CODE_UNKNOWN);
  rvq_reader_close(r);
  free(codes);
}

static void lost_steps_are_stored(void **state)
{
  (void)state;
  const code_info info = encodec_info();
  int32_t *codes = make_codes(&info, N_STEPS);
  codes[10 * N_BOOKS + 3] = -1; // the whole step counts as lost
  for (size_t s = 30; s < 50; ++s) {
    codes[s * N_BOOKS] = -1;
  }
  const char *path = scratch_path(&scratch_dir, "lost.rvq");
  write_file(path, &info, codes, N_STEPS, PAGE_STEPS, CODE_UNKNOWN);
  rvq_reader *r = open_file(path);
  bool lost[N_STEPS] = {false};
  assert_int_equal(read_and_compare(r, codes, 0, lost), N_STEPS);
  for (size_t s = 0; s < N_STEPS; ++s) {
    assert_int_equal(lost[s], s == 10 || (s >= 30 && s < 50));
  }
  assert_int_equal(rvq_reader_damage(r)->gaps, 0);
  rvq_reader_close(r);
  free(codes);
}

static void segments_keep_their_scales(void **state)
{
  (void)state;
  code_info info = encodec_info();
  info.rate_hz = 48000;
  info.n_channels = 2;
  info.segment_samples = 48000;
  info.segment_stride_samples = 47520;
  int32_t *codes = make_codes(&info, N_STEPS);
  const char *path = scratch_path(&scratch_dir, "seg.rvq");
  rvq_writer *w = create(path, &info, PAGE_STEPS, false);
  assert_int_equal(rvq_writer_write(w, codes, 1, NULL), STATUS_USAGE);
  assert_int_equal(rvq_writer_begin_segment(w, -1.0f, NULL), STATUS_USAGE);
  for (int s = 0; s < 3; ++s) {
    assert_int_equal(rvq_writer_begin_segment(w, 0.5f + (float)s, NULL), STATUS_OK);
    assert_int_equal(rvq_writer_write(w, codes + s * 20 * N_BOOKS, 20, NULL), STATUS_OK);
  }
  assert_int_equal(rvq_writer_commit(w, 17000, NULL), STATUS_OK);
  rvq_reader *r = open_file(path);
  assert_int_equal(rvq_reader_info(r)->segment_stride_samples, 47520);
  int32_t got[PAGE_STEPS * N_BOOKS];
  size_t step = 0;
  code_run run;
  while (rvq_reader_read(r, got, PAGE_STEPS, &run, NULL) == STATUS_OK && run.n_steps) {
    assert_int_equal(run.segment, step / 20);
    assert_int_equal(run.segment_step, step % 20);
    assert_true(run.scale == 0.5f + (float)run.segment);
    assert_memory_equal(got, codes + step * N_BOOKS, run.n_steps * N_BOOKS * sizeof *got);
    step += run.n_steps;
  }
  assert_int_equal(step, 60);
  rvq_reader_close(r);
  free(codes);
}

// Pages of another stream between ours are none of ours, nor is what stands between pages.
static void foreign_bytes_are_passed_over(void **state)
{
  (void)state;
  code_info info = encodec_info();
  int32_t *codes = make_codes(&info, N_STEPS);
  write_file(scratch_path(&scratch_dir, "whole.rvq"), &info, codes, N_STEPS, PAGE_STEPS,
             CODE_UNKNOWN);
  pages ours = split(scratch_dir.path);
  strcpy(info.model, "another");
  write_file(scratch_path(&scratch_dir, "other.rvq"), &info, codes, N_STEPS, PAGE_STEPS,
             CODE_UNKNOWN);
  pages other = split(scratch_dir.path);
  const char *path = scratch_path(&scratch_dir, "mixed.rvq");
  FILE *f = fopen(path, "wb");
  assert_non_null(f);
  for (size_t i = 0; i < ours.n; ++i) {
    fwrite(ours.data + ours.at[i], 1, ours.at[i + 1] - ours.at[i], f);
    fwrite(other.data + other.at[i], 1, other.at[i + 1] - other.at[i], f);
    fwrite("OggOggSgO", 1, 9, f);
  }
  fclose(f);
  rvq_reader *r = open_file(path);
  bool lost[N_STEPS] = {false};
  assert_int_equal(read_and_compare(r, codes, 0, lost), N_STEPS);
  check_losses(lost, N_STEPS, 0);
  assert_true(rvq_reader_ended(r));
  assert_true(rvq_reader_damage(r)->skipped_bytes >= 9 * (ours.n - 2));
  rvq_reader_close(r);
  free(ours.data);
  free(other.data);
  free(codes);
}

static void pipes_work(void **state)
{
  (void)state;
  const code_info info = encodec_info();
  int32_t *codes = make_codes(&info, N_STEPS);
  int ends[2];
  char path[64];
  assert_int_equal(pipe(ends), 0);
  snprintf(path, sizeof path, "/dev/fd/%d", ends[1]);
  write_file(path, &info, codes, N_STEPS, PAGE_STEPS, 100);
  close(ends[1]);
  snprintf(path, sizeof path, "/dev/fd/%d", ends[0]);
  rvq_reader *r = open_file(path);
  assert_int_equal(rvq_reader_info(r)->n_samples, CODE_UNKNOWN);
  assert_int_equal(read_and_compare(r, codes, 0, NULL), N_STEPS);
  assert_true(rvq_reader_ended(r));
  assert_int_equal(rvq_reader_info(r)->n_samples, 100);
  rvq_reader_close(r);
  close(ends[0]);
  free(codes);
}

static void equal_codes_give_equal_files(void **state)
{
  (void)state;
  const code_info info = encodec_info();
  int32_t *codes = make_codes(&info, N_STEPS);
  size_t size[2];
  uint8_t *data[2];
  for (int i = 0; i < 2; ++i) {
    write_file(scratch_path(&scratch_dir, i ? "1.rvq" : "2.rvq"), &info, codes, N_STEPS, 0,
               CODE_UNKNOWN);
    data[i] = scratch_read(scratch_dir.path, &size[i]);
    assert_non_null(data[i]);
  }
  assert_int_equal(size[0], size[1]);
  assert_memory_equal(data[0], data[1], size[0]);
  free(data[0]);
  free(data[1]);
  free(codes);
}

static void full_disk_leaves_nothing(void **state)
{
  (void)state;
  const code_info info = encodec_info();
  int32_t *codes = make_codes(&info, N_STEPS);
  struct rlimit old;
  signal(SIGXFSZ, SIG_IGN);
  assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
  scratch_count(&scratch_dir, 1);
  const char *path = scratch_path(&scratch_dir, "full.rvq");
  for (rlim_t most = 0; most < 900; most += 90) {
    const struct rlimit tight = {most, old.rlim_max};
    rvq_writer *w = NULL;
    error err = {0};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &tight), 0);
    status code = rvq_writer_open(&w, path, &info, NULL, &err);
    if (code == STATUS_OK) {
      code = rvq_writer_write(w, codes, N_STEPS, &err);
      if (code == STATUS_OK) {
        code = rvq_writer_commit(w, CODE_UNKNOWN, &err);
      } else {
        rvq_writer_abort(w);
      }
    }
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    assert_int_equal(code, STATUS_IO);
    assert_non_null(strstr(err.message, path));
    assert_non_null(strstr(err.message, "File too large"));
    assert_int_equal(scratch_count(&scratch_dir, 0), 0);
  }
  rvq_writer *w = NULL;
  error err = {0};
  assert_int_equal(rvq_writer_open(&w, "/dev/full", &info, NULL, &err), STATUS_IO);
  assert_non_null(strstr(err.message, "/dev/full: cannot write: No space left on device"));
  free(codes);
}

static void nonsense_is_refused(void **state)
{
  (void)state;
  code_info info = encodec_info();
  rvq_writer *w = NULL;
  rvq_reader *r = NULL;
  error err = {0};
  scratch_count(&scratch_dir, 1);
  const char *path = scratch_path(&scratch_dir, "no.rvq");
  info.hop_samples = 0;
  assert_int_equal(rvq_writer_open(&w, path, &info, NULL, &err), STATUS_USAGE);
  info = encodec_info();
  info.codebook_size = 100000;
  assert_int_equal(rvq_writer_open(&w, path, &info, NULL, &err), STATUS_USAGE);
  info = encodec_info();
  const int32_t beyond[N_BOOKS] = {0, 0, 1024};
  w = create(path, &info, 0, false);
  assert_int_equal(rvq_writer_write(w, beyond, 1, &err), STATUS_USAGE);
  assert_int_equal(rvq_writer_begin_segment(w, 1.0f, &err), STATUS_USAGE);
  assert_int_equal(rvq_writer_commit(w, 1, &err), STATUS_USAGE); // no steps hold a sample
  assert_int_equal(scratch_count(&scratch_dir, 0), 0);
  assert_int_equal(rvq_reader_open(&r, path, &err), STATUS_NOT_FOUND);
  scratch_write(path, "", 0);
  assert_int_equal(rvq_reader_open(&r, path, &err), STATUS_FORMAT);
  scratch_write(path, "OggS but nothing that follows from it", 38);
  assert_int_equal(rvq_reader_open(&r, path, &err), STATUS_FORMAT);
  assert_int_equal(rvq_reader_open(&r, scratch_dir.folder, &err), STATUS_IO);
  assert_null(r);
  rvq_reader_close(NULL);
  rvq_writer_abort(NULL);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(codes_come_back),
      cmocka_unit_test(a_lost_page_costs_itself),
      cmocka_unit_test(a_damaged_byte_costs_its_page),
      cmocka_unit_test(cut_anywhere_then_grown),
      cmocka_unit_test(read_while_written),
      cmocka_unit_test(lost_steps_are_stored),
      cmocka_unit_test(segments_keep_their_scales),
      cmocka_unit_test(foreign_bytes_are_passed_over),
      cmocka_unit_test(pipes_work),
      cmocka_unit_test(equal_codes_give_equal_files),
      cmocka_unit_test(full_disk_leaves_nothing),
      cmocka_unit_test(nonsense_is_refused),
  };
  return cmocka_run_group_tests(tests, open_scratch, scratch_teardown);
}
