// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "train/dataset.h"

#include "base/file.h"
#include "base/sha256.h"
#include "tests/failing_alloc.h"
#include "train/set_format.h"

#include <dirent.h>
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/train/small_set.h"

static const char *set_path(void **state, const char *name)
{
  static char path[2][800];
  static int turn;
  turn ^= 1;
  snprintf(path[turn], sizeof path[turn], "%s/set%s%s", ((const temp_folder *)*state)->path,
           *name ? "/" : "", name);
  return path[turn];
}

// Files in the set's folder, temporary ones too; -1 when it is not there. Optionally removes them.
static int look_into(const char *folder, bool remove_them)
{
  DIR *dir = opendir(folder);
  int n = 0;
  for (const struct dirent *e = dir ? readdir(dir) : NULL; e; e = readdir(dir)) {
    if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0) {
      ++n;
      if (remove_them) {
        unlinkat(dirfd(dir), e->d_name, 0);
      }
    }
  }
  if (dir) {
    closedir(dir);
  }
  return dir ? n : -1;
}

static int remove_set(void **state)
{
  look_into(set_path(state, ""), true);
  rmdir(set_path(state, ""));
  return temp_folder_remove(state);
}

static void write_set(void **state, uint64_t shard_samples)
{
  error err = {0};
  if (small_set_write(set_path(state, ""), shard_samples, &err)) {
    fail_msg("%s", err.message);
  }
}

static dataset *open_set(void **state)
{
  dataset *d = NULL;
  error err = {0};
  if (dataset_open(&d, set_path(state, ""), &err)) {
    fail_msg("%s", err.message);
  }
  return d;
}

static void expect_samples(const dataset *d)
{
  static float x[20000];
  for (size_t clip = 0; clip < SMALL_CLIPS; ++clip) {
    const size_t n = small_clips[clip].n_samples;
    double energy = 0.0;
    dataset_read(d, clip, 0, n, x);
    for (size_t i = 0; i < n; ++i) {
      assert_true(x[i] == (float)small_sample(clip, i) / 32768.0f);
      energy += (double)x[i] * (double)x[i];
    }
    assert_true(dataset_energy(d, clip, 0, n) == energy);
    const dataset_clip *c = dataset_get_clip(d, clip);
    assert_true(fabs(c->rms - sqrt(energy / (double)n)) < 1e-9);
    assert_true(c->peak > 0.0 && c->peak <= 1.0);
  }
}

static void test_round_trip(void **state)
{
  write_set(state, 0);
  dataset *d = open_set(state);
  assert_int_equal(dataset_rate_hz(d), SMALL_RATE_HZ);
  assert_string_equal(dataset_rule(d), "by hand");
  assert_int_equal(strlen(dataset_sha256(d)), 64);
  assert_int_equal(dataset_n_clips(d), SMALL_CLIPS);
  assert_int_equal(dataset_n_kinds(d), 3);
  assert_string_equal(dataset_kind_name(d, 0), "drums");
  assert_string_equal(dataset_kind_name(d, 1), "speech");
  assert_string_equal(dataset_kind_name(d, 2), "waves");
  for (size_t i = 0; i < SMALL_CLIPS; ++i) {
    const dataset_clip *c = dataset_get_clip(d, i);
    assert_string_equal(c->path, small_clips[i].path);
    assert_string_equal(dataset_kind_name(d, c->kind), small_clips[i].kind);
    assert_int_equal(c->validation, small_clips[i].validation);
    assert_int_equal(c->n_samples, small_clips[i].n_samples);
    assert_int_equal(c->file_rate_hz, 44100);
    assert_int_equal(c->file_channels, 2);
    assert_true(c->gain_db == 0.0);
  }
  expect_samples(d);
  assert_int_equal(dataset_verify(d, NULL), STATUS_OK);
  dataset_close(d);
}

// Stretches that stick out on either side, or miss the clip, are silent there.
static void test_stretches(void **state)
{
  write_set(state, 0);
  dataset *d = open_set(state);
  float x[64];
  static const int64_t starts[] = {-100,           -64,      -63, -10, 0, 5, 39, 40, 41,
                                   INT64_MAX - 63, INT64_MIN};
  for (size_t s = 0; s < sizeof starts / sizeof *starts; ++s) {
    dataset_read(d, 6, starts[s], 64, x);
    for (int64_t i = 0; i < 64; ++i) {
      const int64_t at = starts[s] + i;
      const bool inside = at >= 0 && at < 40;
      assert_true(x[i] == (inside ? (float)small_sample(6, (size_t)at) / 32768.0f : 0.0f));
    }
    dataset_add(d, 6, starts[s], 64, -1.0f, x);
    for (int i = 0; i < 64; ++i) {
      assert_true(x[i] == 0.0f);
    }
  }
  dataset_close(d);
}

// A clip is never cut; a new shard begins before the one that does not fit.
static void test_shards(void **state)
{
  write_set(state, 3500);
  dataset *d = open_set(state);
  static const int expected[] = {0, 1, 1, 2, 3, 3, 3};
  for (size_t i = 0; i < SMALL_CLIPS; ++i) {
    assert_int_equal(dataset_get_clip(d, i)->shard, expected[i]);
  }
  expect_samples(d);
  assert_int_equal(dataset_verify(d, NULL), STATUS_OK);
  dataset_close(d);
  assert_int_equal(look_into(set_path(state, ""), false), 5);
}

static void hash_file(const char *path, char hex[SHA256_HEX_BYTES])
{
  file_map map;
  assert_int_equal(file_map_open(&map, path, NULL), STATUS_OK);
  sha256 h;
  sha256_init(&h);
  sha256_update(&h, map.data, map.size_bytes);
  sha256_final_hex(&h, hex);
  file_map_close(&map);
}

static void test_same_bytes(void **state)
{
  char before[2][SHA256_HEX_BYTES], after[2][SHA256_HEX_BYTES];
  write_set(state, 0);
  hash_file(set_path(state, "index.jsonl"), before[0]);
  hash_file(set_path(state, "audio-000.shard"), before[1]);
  look_into(set_path(state, ""), true);
  write_set(state, 0);
  hash_file(set_path(state, "index.jsonl"), after[0]);
  hash_file(set_path(state, "audio-000.shard"), after[1]);
  assert_memory_equal(before, after, sizeof before);
}

// A cancelled clip leaves nothing, also when what follows it is shorter; levels beyond full scale
// are clipped, gain is applied.
static void test_cancel_and_gain(void **state)
{
  const set_head head = {SMALL_RATE_HZ, 0.0, 0.0, "", "", 0};
  const set_clip clip = {"k", "k/a", false, 0.5, 1, 1}, loud = {"k", "k/b", false, 1.0, 1, 1};
  const float x[4] = {1.0f, -0.5f, 0.25f, 3.0e-5f};
  set_writer *w = NULL;
  assert_int_equal(set_writer_open(&w, set_path(state, ""), &head, NULL), STATUS_OK);
  assert_int_equal(set_writer_begin(w, &clip, 0, NULL), STATUS_OK);
  for (int i = 0; i < 10000; ++i) {
    assert_int_equal(set_writer_push(w, x, 4, NULL), STATUS_OK);
  }
  set_writer_cancel(w);
  set_writer_cancel(w);
  assert_int_equal(set_writer_begin(w, &clip, 0, NULL), STATUS_OK);
  assert_int_equal(set_writer_begin(w, &clip, 0, NULL), STATUS_INTERNAL);
  assert_int_equal(set_writer_push(w, x, 4, NULL), STATUS_OK);
  assert_int_equal(set_writer_end(w, NULL), STATUS_OK);
  assert_int_equal(set_writer_begin(w, &loud, 0, NULL), STATUS_OK);
  assert_int_equal(set_writer_end(w, NULL), STATUS_INTERNAL); // an empty clip is none
  const float over[2] = {7.0f, -7.0f};
  assert_int_equal(set_writer_push(w, over, 2, NULL), STATUS_OK);
  assert_int_equal(set_writer_end(w, NULL), STATUS_OK);
  assert_int_equal(set_writer_n_samples(w), 2);
  assert_int_equal(set_writer_n_bytes(w), 64 + 2 * 6);
  assert_int_equal(set_writer_n_shards(w), 1);
  assert_int_equal(set_writer_commit(w, NULL), STATUS_OK);
  dataset *d = open_set(state);
  float y[4];
  dataset_read(d, 0, 0, 4, y);
  const float halved[4] = {0.5f, -0.25f, 0.125f, 0.0f}, clipped[2] = {32767.0f / 32768.0f, -1.0f};
  assert_memory_equal(y, halved, sizeof halved);
  assert_true(fabs(dataset_get_clip(d, 0)->gain_db + 6.0206) < 1e-3);
  dataset_read(d, 1, 0, 2, y);
  assert_memory_equal(y, clipped, sizeof clipped);
  assert_true(dataset_get_clip(d, 1)->peak == 1.0);
  dataset_close(d);
}

// Replace the bytes `from` of a file of the set by as many, `to`.
static void patch(const char *path, const char *from, const char *to)
{
  FILE *stream = fopen(path, "r+b");
  assert_non_null(stream);
  static char data[1 << 20];
  const size_t n = fread(data, 1, sizeof data, stream);
  char *at = memmem(data, n, from, strlen(from));
  assert_non_null(at);
  memcpy(at, to, strlen(to));
  rewind(stream);
  assert_int_equal(fwrite(data, 1, n, stream), n);
  assert_int_equal(fclose(stream), 0);
}

static void expect_refused(void **state, status expected, const char *words)
{
  dataset *d = NULL;
  error err = {0};
  assert_int_equal(dataset_open(&d, set_path(state, ""), &err), expected);
  assert_null(d);
  if (!strstr(err.message, words) || !strstr(err.message, set_path(state, ""))) {
    fail_msg("does not say \"%s\": %s", words, err.message);
  }
}

static void flip_byte(const char *path, long at)
{
  FILE *stream = fopen(path, "r+b");
  assert_non_null(stream);
  assert_int_equal(fseek(stream, at, SEEK_SET), 0);
  const int c = fgetc(stream);
  assert_int_equal(fseek(stream, at, SEEK_SET), 0);
  fputc(c ^ 0x10, stream);
  assert_int_equal(fclose(stream), 0);
}

static void test_refused(void **state)
{
  expect_refused(state, STATUS_NOT_FOUND, "index.jsonl");
  write_set(state, 0);
  char index[800], shard[800];
  snprintf(index, sizeof index, "%s", set_path(state, "index.jsonl"));
  snprintf(shard, sizeof shard, "%s", set_path(state, "audio-000.shard"));
  patch(index, "\"validation\",\"shard\"", "\"valibation\",\"shard\"");
  expect_refused(state, STATUS_FORMAT, "checksum");
  patch(index, "\"valibation\",\"shard\"", "\"validation\",\"shard\"");
  patch(index, "\"rate_hz\":24000", "\"rate_hz\":16000");
  expect_refused(state, STATUS_FORMAT, "the index says 16000 Hz");
  patch(index, "\"rate_hz\":16000", "\"rate_hz\":24000");
  patch(index, "\"version\":1", "\"version\":2");
  expect_refused(state, STATUS_UNSUPPORTED, "version 2, expected 1");
  patch(index, "\"version\":2", "\"version\":1");
  patch(index, "\"clips\":7", "\"clips\":6");
  expect_refused(state, STATUS_FORMAT, "says 6 clips and lists 7");
  patch(index, "\"clips\":6", "\"clips\":7");
  patch(index, "audio-000.shard", "../io-000.shard");
  expect_refused(state, STATUS_FORMAT, "same folder");
  patch(index, "../io-000.shard", "audio-009.shard");
  expect_refused(state, STATUS_NOT_FOUND, "audio-009.shard");
  patch(index, "audio-009.shard", "audio-000.shard");
  flip_byte(shard, 0);
  expect_refused(state, STATUS_FORMAT, "not a shard");
  flip_byte(shard, 0);
  flip_byte(shard, 16);
  expect_refused(state, STATUS_UNSUPPORTED, "version 17");
  flip_byte(shard, 16);
  flip_byte(shard, 24);
  expect_refused(state, STATUS_FORMAT, "samples");
  flip_byte(shard, 24);
  flip_byte(shard, 40);
  expect_refused(state, STATUS_FORMAT, "another set");
  flip_byte(shard, 40);
  dataset_close(open_set(state));
}

static void test_cut_short(void **state)
{
  write_set(state, 0);
  struct stat info;
  char shard[800], index[800];
  snprintf(shard, sizeof shard, "%s", set_path(state, "audio-000.shard"));
  snprintf(index, sizeof index, "%s", set_path(state, "index.jsonl"));
  assert_int_equal(stat(shard, &info), 0);
  assert_int_equal(truncate(shard, info.st_size - 2), 0);
  expect_refused(state, STATUS_FORMAT, "samples");
  assert_int_equal(truncate(shard, info.st_size + 1), 0);
  expect_refused(state, STATUS_FORMAT, "samples");
  assert_int_equal(truncate(shard, 10), 0);
  expect_refused(state, STATUS_FORMAT, "not a shard");
  assert_int_equal(stat(index, &info), 0);
  assert_int_equal(truncate(index, info.st_size - 1), 0);
  expect_refused(state, STATUS_FORMAT, "checksum");
  assert_int_equal(truncate(index, 100), 0);
  expect_refused(state, STATUS_FORMAT, "not the index");
  assert_int_equal(truncate(index, 0), 0);
  expect_refused(state, STATUS_FORMAT, "not the index");
}

static void test_verify(void **state)
{
  write_set(state, 0);
  flip_byte(set_path(state, "audio-000.shard"), 64 + 2 * (3000 + 2000 + 1) + 17);
  dataset *d = open_set(state);
  error err = {0};
  assert_int_equal(dataset_verify(d, &err), STATUS_FORMAT);
  assert_non_null(strstr(err.message, "speech/a"));
  dataset_close(d);
}

static void test_folder(void **state)
{
  const set_head head = {SMALL_RATE_HZ, 0.0, 0.0, "", "", 0};
  set_writer *w = NULL, *second = NULL;
  error err = {0};
  char deep[800];
  snprintf(deep, sizeof deep, "%s", set_path(state, "deep"));
  assert_int_equal(set_writer_open(&w, deep, &head, &err), STATUS_NOT_FOUND);
  assert_int_equal(set_writer_open(&w, set_path(state, ""), &head, &err), STATUS_OK);
  assert_int_equal(set_writer_open(&second, set_path(state, ""), &head, &err), STATUS_USAGE);
  assert_non_null(strstr(err.message, "another run"));
  error ignored;
  assert_int_equal(small_set_clip(w, 0, &ignored), STATUS_OK);
  set_writer_abort(w);
  assert_int_equal(look_into(set_path(state, ""), false), -1);
  // What a killed run left goes, anything else stays and is named.
  write_set(state, 0);
  assert_int_equal(set_writer_open(&w, set_path(state, ""), &head, &err), STATUS_USAGE);
  assert_non_null(strstr(err.message, "holds a set already"));
  assert_int_equal(rename(set_path(state, "index.jsonl"), set_path(state, "index.jsonl.tmp-1-0")),
                   0);
  assert_int_equal(rename(set_path(state, "audio-000.shard"), set_path(state, "audio-17.shard")),
                   0);
  assert_int_equal(set_writer_open(&w, set_path(state, ""), &head, &err), STATUS_USAGE);
  assert_non_null(strstr(err.message, "not empty (audio-17.shard)"));
  assert_int_equal(look_into(set_path(state, ""), false), 2);
  assert_int_equal(rename(set_path(state, "audio-17.shard"), set_path(state, "audio-017.shard")),
                   0);
  write_set(state, 0);
  assert_int_equal(look_into(set_path(state, ""), false), 2);
  dataset_close(open_set(state));
}

static void test_full_disk(void **state)
{
  struct rlimit before;
  getrlimit(RLIMIT_FSIZE, &before);
  signal(SIGXFSZ, SIG_IGN);
  // In the first shard, in the second, while closing one, in the index.
  static const rlim_t limits[] = {10, 3000, 7000, 18063, 18100};
  for (size_t i = 0; i < sizeof limits / sizeof *limits; ++i) {
    const struct rlimit small = {limits[i], before.rlim_max};
    error err = {0};
    setrlimit(RLIMIT_FSIZE, &small);
    const status code = small_set_write(set_path(state, ""), limits[i] < 18000 ? 3500 : 8000, &err);
    setrlimit(RLIMIT_FSIZE, &before);
    if (i + 1 < sizeof limits / sizeof *limits) {
      assert_int_equal(code, STATUS_IO);
      assert_non_null(strstr(err.message, "too large"));
      assert_int_equal(look_into(set_path(state, ""), false), -1);
    } else {
      assert_int_equal(code, STATUS_OK);
    }
  }
}

static status write_once(void *user, error *err)
{
  const char *folder = user;
  const status code = small_set_write(folder, 3500, err);
  assert_int_equal(look_into(folder, true), code ? -1 : 5);
  rmdir(folder);
  return code;
}

static status open_once(void *user, error *err)
{
  dataset *d = NULL;
  const status code = dataset_open(&d, user, err);
  assert_int_equal(!d, code != STATUS_OK);
  dataset_close(d);
  return code;
}

static void test_allocations(void **state)
{
  char folder[800];
  snprintf(folder, sizeof folder, "%s", set_path(state, ""));
  assert_true(failing_alloc_each(write_once, folder) > 10);
  write_set(state, 3500);
  assert_true(failing_alloc_each(open_once, folder) > 10);
}

#define in_folder(test) cmocka_unit_test_setup_teardown(test, temp_folder_make, remove_set)

int main(void)
{
  const struct CMUnitTest tests[] = {
      in_folder(test_round_trip), in_folder(test_stretches),       in_folder(test_shards),
      in_folder(test_same_bytes), in_folder(test_cancel_and_gain), in_folder(test_refused),
      in_folder(test_cut_short),  in_folder(test_verify),          in_folder(test_folder),
      in_folder(test_full_disk),  in_folder(test_allocations),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
