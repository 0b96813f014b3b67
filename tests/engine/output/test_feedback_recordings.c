// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// Feedback detection over real recordings, where they are at hand: never without a loop, in time
// with one. Skipped (exit status 77) without them.

#include "models/io/audio_file.h"
#include "tests/engine/output/loop_room.h"

#include <dirent.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MOST_FILES 2000
#define MOST_S 40 ///< of each file

static const char *folder(char path[512], const char *name)
{
  const char *shared = getenv("CONTINUO_SHARED");
  snprintf(path, 512, "%s/data/%s", shared ? shared : "", name);
  return path;
}

static bool there(const char *name)
{
  char path[512];
  DIR *dir = opendir(folder(path, name));
  if (dir) {
    closedir(dir);
  }
  return dir != NULL;
}

static int is_audio(const struct dirent *entry)
{
  return strstr(entry->d_name, ".flac") || strstr(entry->d_name, ".ogg");
}

// The first seconds at 24 kHz, one channel, peak 0.95. Free it.
static float *load(const char *path, size_t *n)
{
  audio_reader *reader = NULL;
  error err = {0};
  if (audio_reader_open(&reader, path, ROOM_RATE, 1, &err)) {
    fail_msg("%s", err.message);
  }
  const size_t capacity = (size_t)MOST_S * ROOM_RATE;
  float *x = malloc(capacity * sizeof *x);
  assert_non_null(x);
  *n = 0;
  size_t got = 1;
  while (got && *n < capacity) {
    assert_int_equal(audio_reader_read(reader, x + *n, capacity - *n, &got, &err), STATUS_OK);
    *n += got;
  }
  audio_reader_close(reader);
  float peak = 1e-6f;
  for (size_t i = 0; i < *n; ++i) {
    peak = fmaxf(peak, fabsf(x[i]));
  }
  for (size_t i = 0; i < *n; ++i) {
    x[i] *= 0.95f / peak;
  }
  return x;
}

// Calls `use` with every step-th recording of a folder.
static void each(const char *name, int step, void (*use)(const char *file, float *x, size_t n))
{
  char path[512];
  struct dirent **entries;
  const int n_entries = scandir(folder(path, name), &entries, is_audio, alphasort);
  assert_true(n_entries > 0);
  for (int i = 0; i < n_entries; ++i) {
    char file[1024];
    size_t n;
    if (i % step == 0) {
      snprintf(file, sizeof file, "%s/%s", path, entries[i]->d_name);
      float *x = load(file, &n);
      use(entries[i]->d_name, x, n);
      free(x);
    }
    free(entries[i]);
  }
  free(entries);
}

static void play_apart(const char *file, float *x, size_t n)
{
  const size_t delays[] = {0, 2400};
  for (unsigned d = 0; d < 2; ++d) {
    if (room_play_apart(x, n, 1.0f, delays[d])) {
      fail_msg("%s, delay %zu: feedback found where there is none", file, delays[d]);
    }
  }
}

static void recordings_without_a_loop_are_left_alone(void **unused)
{
  (void)unused;
  each("drums", 1, play_apart);
  each("music", 1, play_apart);
  each("kathleen", 20, play_apart);
}

static void play_quietly_in_rooms(const char *file, float *x, size_t n)
{
  const size_t most = 12 * ROOM_RATE;
  const float gains[] = {0.5f, 2.0f};
  const size_t delays_ms[] = {40, 150, 400};
  for (size_t i = 0; i < n; ++i) {
    x[i] *= 0.2f;
  }
  for (unsigned g = 0; g < 2; ++g) {
    for (unsigned d = 0; d < 3; ++d) {
      const room r = {.delay_samples = delays_ms[d] * ROOM_RATE / 1000, .gain = gains[g]};
      const room_result result = room_play(&r, x, n < most ? n : most);
      if (gains[g] < 1.0f ? result.n_found > 0 : result.n_found < 1 || result.hot_s > 1.2) {
        fail_msg("%s, %zu ms, gain %.1f: found %u times, near full scale for %.2f s", file,
                 delays_ms[d], (double)gains[g], result.n_found, result.hot_s);
      }
    }
  }
}

static void recordings_in_a_room_are_told_apart(void **unused)
{
  (void)unused;
  each("drums", 12, play_quietly_in_rooms);
  each("music", 6, play_quietly_in_rooms);
  each("kathleen", 300, play_quietly_in_rooms);
}

int main(void)
{
  if (!there("drums") || !there("music") || !there("kathleen")) {
    puts("no recordings: skipped");
    return 77;
  }
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(recordings_without_a_loop_are_left_alone),
      cmocka_unit_test(recordings_in_a_room_are_told_apart),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
