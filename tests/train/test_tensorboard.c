// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// Logs read back record by record.

#include "train/tensorboard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/failing_alloc.h"
#include "tests/temp_folder.h"
#include "train/record_file.h"

#include <tensorboard_event.pb-c.h>

#include <dirent.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>

typedef Continuo__Tensorboard__Event event;
#define MOST_EVENTS 64

/// Every record of one file.
typedef struct log_file {
  event *events[MOST_EVENTS];
  int n;
} log_file;

static uint64_t little(const uint8_t *bytes, int n)
{
  uint64_t value = 0;
  for (int i = n - 1; i >= 0; --i) {
    value = value << 8 | bytes[i];
  }
  return value;
}

static void assert_masked(const uint8_t *data, size_t size_bytes, const uint8_t *stored)
{
  const uint32_t crc = crc32c(data, size_bytes);
  assert_int_equal(little(stored, 4), (crc >> 15 | crc << 17) + 0xa282ead8u);
}

static log_file read_log(const char *folder, const char *name)
{
  char path[1024];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  FILE *file = fopen(path, "rb");
  assert_non_null(file);
  static uint8_t bytes[1 << 22];
  const size_t size_bytes = fread(bytes, 1, sizeof bytes, file);
  fclose(file);
  log_file log = {0};
  for (size_t at = 0; at < size_bytes; ++log.n) {
    assert_true(log.n < MOST_EVENTS && at + 16 <= size_bytes);
    const size_t length = little(bytes + at, 8);
    assert_true(length <= size_bytes - at - 16);
    assert_masked(bytes + at, 8, bytes + at + 8);
    assert_masked(bytes + at + 12, length, bytes + at + 12 + length);
    log.events[log.n] = continuo__tensorboard__event__unpack(NULL, length, bytes + at + 12);
    assert_non_null(log.events[log.n]);
    at += 16 + length;
  }
  return log;
}

static void free_log(log_file *log)
{
  for (int i = 0; i < log->n; ++i) {
    continuo__tensorboard__event__free_unpacked(log->events[i], NULL);
  }
}

/// Names of the folder's files in order; the caller frees each.
static int list(const temp_folder *folder, char *names[MOST_EVENTS])
{
  struct dirent **entries = NULL;
  const int n = scandir(folder->path, &entries, NULL, alphasort);
  int kept = 0;
  for (int i = 0; i < n; ++i) {
    if (entries[i]->d_name[0] != '.') {
      assert_non_null(strstr(entries[i]->d_name, "tfevents"));
      names[kept++] = strdup(entries[i]->d_name);
    }
    free(entries[i]);
  }
  free(entries);
  return kept;
}

static tensorboard *open_log(const temp_folder *folder, int64_t first_step, const log_sink *sink)
{
  tensorboard *t = NULL;
  error err = {0};
  if (tensorboard_open(&t, folder->path, first_step, sink, &err)) {
    fail_msg("%s", err.message);
  }
  return t;
}

/// The folder's only log.
static log_file read_only_log(const temp_folder *folder)
{
  char *names[MOST_EVENTS];
  assert_int_equal(list(folder, names), 1);
  const log_file log = read_log(folder->path, names[0]);
  free(names[0]);
  return log;
}

static const Continuo__Tensorboard__Value *value_of(const event *e, int64_t step, const char *tag)
{
  assert_int_equal(e->what_case, CONTINUO__TENSORBOARD__EVENT__WHAT_SUMMARY);
  assert_int_equal(e->step, step);
  assert_true(fabs(e->wall_time - (double)time(NULL)) < 60.0);
  assert_int_equal(e->summary->n_values, 1);
  assert_string_equal(e->summary->values[0]->tag, tag);
  return e->summary->values[0];
}

// ---- what is in a log --------------------------------------------------------------------------

static void test_scalars(void **state)
{
  const temp_folder *folder = *state;
  tensorboard *t = open_log(folder, 0, NULL);
  tensorboard_scalar(t, 1, "loss/mel", 0.5);
  tensorboard_scalar(t, 1000000000000, "loss/mel", 0.0);
  tensorboard_scalar(t, 3, "loss/é", (double)-INFINITY);
  tensorboard_close(t);
  log_file log = read_only_log(folder);
  assert_int_equal(log.n, 5);
  assert_int_equal(log.events[0]->what_case, CONTINUO__TENSORBOARD__EVENT__WHAT_FILE_VERSION);
  assert_string_equal(log.events[0]->file_version, "brain.Event:2");
  assert_int_equal(log.events[1]->what_case, CONTINUO__TENSORBOARD__EVENT__WHAT_SESSION);
  static const int64_t steps[] = {1, 1000000000000, 3};
  static const char *const tags[] = {"loss/mel", "loss/mel", "loss/é"};
  static const float values[] = {0.5f, 0.0f, -INFINITY};
  for (int i = 0; i < 3; ++i) {
    const Continuo__Tensorboard__Value *v = value_of(log.events[2 + i], steps[i], tags[i]);
    assert_int_equal(v->value_case, CONTINUO__TENSORBOARD__VALUE__VALUE_SCALAR);
    assert_true(v->scalar == values[i]);
  }
  free_log(&log);
}

static void test_image(void **state)
{
  const temp_folder *folder = *state;
  uint8_t pixels[6] = {0, 50, 100, 150, 200, 250};
  picture p = {.width = 3, .height = 2, .pixels = pixels};
  tensorboard *t = open_log(folder, 0, NULL);
  tensorboard_image(t, 7, "clip/0", &p);
  p.coloured = true;
  tensorboard_image(t, 8, "clip/1", &p);
  tensorboard_close(t);
  log_file log = read_only_log(folder);
  assert_int_equal(log.n, 4);
  for (int i = 0; i < 2; ++i) {
    const Continuo__Tensorboard__Value *v =
        value_of(log.events[2 + i], 7 + i, i ? "clip/1" : "clip/0");
    assert_int_equal(v->value_case, CONTINUO__TENSORBOARD__VALUE__VALUE_IMAGE);
    assert_int_equal(v->image->width, 3);
    assert_int_equal(v->image->height, 2);
    assert_int_equal(v->image->colours, i ? 3 : 1);
    uint8_t *png = NULL;
    size_t size_bytes = 0;
    p.coloured = i == 1;
    assert_int_equal(picture_png(&p, &png, &size_bytes, NULL), STATUS_OK);
    assert_int_equal(v->image->png.len, size_bytes);
    assert_memory_equal(v->image->png.data, png, size_bytes);
    free(png);
  }
  free_log(&log);
}

static void test_audio(void **state)
{
  const temp_folder *folder = *state;
  const float samples[] = {0.0f, 0.5f, -0.5f, 1.0f, -1.0f, 2.0f, -2.0f, 1.0f / 32767};
  static const int expected[] = {0, 16384, -16384, 32767, -32767, 32767, -32768, 1};
  tensorboard *t = open_log(folder, 0, NULL);
  tensorboard_audio(t, 9, "clip/0", samples, 4, 2, 24000);
  tensorboard_audio(t, 9, "clip/1", samples, 0, 1, 24000);
  tensorboard_close(t);
  log_file log = read_only_log(folder);
  assert_int_equal(log.n, 4);
  const Continuo__Tensorboard__Value *v = value_of(log.events[2], 9, "clip/0");
  assert_int_equal(v->value_case, CONTINUO__TENSORBOARD__VALUE__VALUE_AUDIO);
  assert_true(v->audio->rate_hz == 24000.0f);
  assert_int_equal(v->audio->n_channels, 2);
  assert_int_equal(v->audio->n_samples, 4);
  assert_string_equal(v->audio->content_type, "audio/wav");
  const uint8_t *wav = v->audio->data.data;
  assert_int_equal(v->audio->data.len, 44 + 16);
  assert_memory_equal(wav, "RIFF", 4);
  assert_int_equal(little(wav + 4, 4), 36 + 16);
  assert_memory_equal(wav + 8, "WAVEfmt ", 8);
  assert_int_equal(little(wav + 22, 2), 2);
  assert_int_equal(little(wav + 24, 4), 24000);
  assert_int_equal(little(wav + 28, 4), 96000);
  assert_int_equal(little(wav + 40, 4), 16);
  for (int i = 0; i < 8; ++i) {
    assert_int_equal((int16_t)little(wav + 44 + 2 * i, 2), expected[i]);
  }
  assert_int_equal(value_of(log.events[3], 9, "clip/1")->audio->data.len, 44);
  free_log(&log);
}

// ---- files -------------------------------------------------------------------------------------

/// Even when the clock was set back since.
static void test_resumed_log_is_read_last(void **state)
{
  const temp_folder *folder = *state;
  char path[700], *names[MOST_EVENTS];
  snprintf(path, sizeof path, "%s/events.out.tfevents.9999999998.000", folder->path);
  FILE *file = fopen(path, "w");
  assert_non_null(file);
  fclose(file);
  for (int i = 0; i < 3; ++i) {
    tensorboard_close(open_log(folder, 100 * i, NULL));
  }
  assert_int_equal(list(folder, names), 4);
  for (int i = 0; i < 4; ++i) {
    if (i > 0) {
      log_file log = read_log(folder->path, names[i]);
      assert_int_equal(log.n, 2);
      assert_int_equal(log.events[1]->what_case, CONTINUO__TENSORBOARD__EVENT__WHAT_SESSION);
      assert_int_equal(log.events[1]->session->state, CONTINUO__TENSORBOARD__SESSION__STATE__START);
      assert_int_equal(log.events[1]->step, 100 * (i - 1));
      free_log(&log);
    }
    free(names[i]);
  }
}

static void test_flush(void **state)
{
  const temp_folder *folder = *state;
  static float silence[1 << 19];
  tensorboard *t = open_log(folder, 0, NULL);
  tensorboard_scalar(t, 1, "a", 1.0);
  log_file log = read_only_log(folder);
  assert_int_equal(log.n, 2); // the scalar waits
  free_log(&log);
  tensorboard_flush(t);
  log = read_only_log(folder);
  assert_int_equal(log.n, 3);
  free_log(&log);
  for (int i = 0; i < 2; ++i) {
    tensorboard_audio(t, i, "b", silence, 1 << 19, 1, 24000); // by itself above a MiB
  }
  log = read_only_log(folder);
  assert_int_equal(log.n, 5);
  free_log(&log);
  tensorboard_close(t);
}

static void test_no_folder(void **state)
{
  const temp_folder *folder = *state;
  tensorboard *t = NULL;
  error err = {0};
  char path[700];
  snprintf(path, sizeof path, "%s/none", folder->path);
  assert_int_equal(tensorboard_open(&t, path, 0, NULL, &err), STATUS_NOT_FOUND);
  assert_null(t);
  assert_non_null(strstr(err.message, path));
}

static void test_null_log(void **state)
{
  (void)state;
  const picture p = {0};
  tensorboard_scalar(NULL, 0, "a", 0.0);
  tensorboard_image(NULL, 0, "a", &p);
  tensorboard_audio(NULL, 0, "a", NULL, 0, 1, 24000);
  tensorboard_flush(NULL);
  tensorboard_close(NULL);
}

// ---- troubles ----------------------------------------------------------------------------------

typedef struct messages {
  int n;
  char last[1024];
} messages;

static void take_message(void *user, log_level level, const char *message)
{
  messages *m = user;
  assert_int_equal(level, LOG_WARNING);
  ++m->n;
  snprintf(m->last, sizeof m->last, "%s", message);
}

static void limit_files(rlim_t bytes)
{
  struct rlimit limit;
  assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
  limit.rlim_cur = bytes;
  assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void test_full_disk_is_said_once(void **state)
{
  const temp_folder *folder = *state;
  messages m = {0};
  const log_sink sink = {.write = take_message, .user = &m};
  signal(SIGXFSZ, SIG_IGN);
  tensorboard *t = open_log(folder, 0, &sink);
  limit_files(100);
  for (int i = 0; i < 3; ++i) {
    tensorboard_scalar(t, i, "lost/lost/lost/lost/lost/lost/lost", 1.0);
    tensorboard_flush(t);
  }
  limit_files(RLIM_INFINITY);
  assert_int_equal(m.n, 1);
  assert_non_null(strstr(m.last, folder->path));
  tensorboard_scalar(t, 5, "kept", 1.0);
  tensorboard_close(t);
  assert_int_equal(m.n, 1);
  log_file log = read_only_log(folder);
  assert_int_equal(log.n, 3);
  (void)value_of(log.events[2], 5, "kept");
  free_log(&log);
}

static void test_bad_picture_is_said(void **state)
{
  const temp_folder *folder = *state;
  messages m = {0};
  const log_sink sink = {.write = take_message, .user = &m};
  const picture nothing = {0};
  tensorboard *t = open_log(folder, 0, &sink);
  tensorboard_image(t, 0, "a", &nothing);
  assert_int_equal(m.n, 1);
  tensorboard_close(t);
}

static status open_and_close(void *user, error *err)
{
  const temp_folder *folder = user;
  tensorboard *t = NULL;
  const status code = tensorboard_open(&t, folder->path, 0, NULL, err);
  tensorboard_close(t);
  return code;
}

static void test_no_memory_to_open(void **state)
{
  assert_true(failing_alloc_each(open_and_close, *state) >= 4);
  assert_int_equal(temp_folder_count(*state), 1); // what failed left nothing
}

/// One value is lost, which is said; those after it are kept.
static void test_no_memory_to_log(void **state)
{
  const temp_folder *folder = *state;
  static float silence[8192];
  messages m = {0};
  const log_sink sink = {.write = take_message, .user = &m};
  tensorboard *t = open_log(folder, 0, &sink);
  for (int i = 0; i < 2; ++i) {
    failing_alloc_arm(i); // of the WAV, then of the record
    tensorboard_audio(t, 1, "lost", silence, 8192, 1, 24000);
  }
  failing_alloc_arm(-1);
  assert_int_equal(m.n, 1);
  tensorboard_audio(t, 2, "kept", silence, 8192, 1, 24000);
  tensorboard_close(t);
  log_file log = read_only_log(folder);
  assert_int_equal(log.n, 3);
  free_log(&log);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, temp_folder_make, temp_folder_remove)

int main(void)
{
  const struct CMUnitTest tests[] = {
      IN_FOLDER(test_scalars),
      IN_FOLDER(test_image),
      IN_FOLDER(test_audio),
      IN_FOLDER(test_resumed_log_is_read_last),
      IN_FOLDER(test_flush),
      IN_FOLDER(test_no_folder),
      cmocka_unit_test(test_null_log),
      IN_FOLDER(test_full_disk_is_said_once),
      IN_FOLDER(test_bad_picture_is_said),
      IN_FOLDER(test_no_memory_to_open),
      IN_FOLDER(test_no_memory_to_log),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
