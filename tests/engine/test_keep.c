// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// What is kept in memory, and what is written of it. That it renders again: test_replay_host.c.

#include "engine/control/control.h"
#include "engine/control/parameters.h"
#include "engine/keep/performance.h"
#include "models/io/audio_file.h"
#include "tests/temp_folder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#define RATE_HZ 1000
#define BOOKS 3

static keep kept;

static int open_kept(void **state)
{
  error err = {STATUS_OK, ""};
  return temp_folder_make(state) || keep_init(&kept, 4.0, RATE_HZ, 2, BOOKS, 10.0, &err);
}

static int close_kept(void **state)
{
  keep_destroy(&kept);
  return temp_folder_remove(state);
}

static float wave(uint64_t t, int channel)
{
  return (float)((int64_t)(t % 1000) - 500) / 1024.0f * (channel ? -1.0f : 1.0f);
}

static void play_to(uint64_t from, uint64_t to)
{
  for (uint64_t t = from; t < to; ++t) {
    const float in[] = {2.0f * wave(t, 0), wave(t, 1)};
    const float out[] = {wave(t, 0), wave(t, 1)};
    keep_input(&kept, t, in);
    keep_output(&kept, t, out);
    if (t % 100 == 0) {
      const int32_t codes[BOOKS] = {(int32_t)t % 16, 1, 2};
      keep_add_step(&kept, &(keep_step){0.1 * (double)t, 0.5f, false, 1}, codes);
    }
  }
  keep_publish(&kept, to);
}

static performance_head some_head(void)
{
  return (performance_head){.codec = "trial",
                            .model = "none",
                            .kernels = "cpu",
                            .storage = "f16",
                            .n_codebooks = BOOKS,
                            .codebook_size = 16,
                            .n_channels = 2,
                            .codec_rate_hz = 1000,
                            .hop_samples = 100,
                            .host_rate_hz = RATE_HZ,
                            .block_samples = 64};
}

static void the_grid_is_exact_and_wide(void **state)
{
  (void)state;
  for (int i = -100; i <= 100; ++i) {
    const float x = (float)i * 0.039f;
    assert_true(keep_grid(keep_grid(x)) == keep_grid(x));
    assert_true(keep_grid(x) - x < 3e-7f && x - keep_grid(x) < 3e-7f);
  }
  assert_true(keep_grid(100.0f) < KEEP_INPUT_SCALE && keep_grid(100.0f) > 3.999999f);
  assert_true(keep_grid(-100.0f) == -KEEP_INPUT_SCALE);
  assert_int_equal(keep_whole(-1.0f, 1.0f), -8388608);
  assert_int_equal(keep_whole(1.0f, 1.0f), 8388607);
}

static void the_last_stretch_is_there_and_no_more(void **state)
{
  (void)state;
  int32_t back[20];
  play_to(0, 100000); // many times round
  assert_true(keep_read_output(&kept, 96000, 10, back));
  for (uint64_t i = 0; i < 10; ++i) {
    assert_int_equal(back[2 * i], keep_whole(wave(96000 + i, 0), 1.0f));
    assert_int_equal(back[2 * i + 1], keep_whole(wave(96000 + i, 1), 1.0f));
  }
  assert_true(keep_read_input(&kept, 96000, 10, back));
  assert_int_equal(back[0], keep_whole(2.0f * wave(96000, 0), KEEP_INPUT_SCALE));
  assert_false(keep_read_input(&kept, 10000, 10, back)); // overwritten
}

static void a_folder_is_written_and_read_back(void **state)
{
  const temp_folder *folder = *state;
  error err = {STATUS_OK, ""};
  char path[700];
  performance_head head = some_head();
  performance p;
  play_to(0, 10000);
  keep_note(&kept, &(keep_entry){9000, -3.25, 0.0, KEEP_SET, PARAMETER_LEVEL});
  keep_note(&kept, &(keep_entry){8000, 0.0, 0.0, KEEP_FADE_OUT, 0});
  keep_note(&kept, &(keep_entry){9000, 0.0, 0.0, KEEP_ACTION, ACTION_MARK});
  keep_note(&kept, &(keep_entry){20000, 0.0, 0.0, KEEP_ACTION, ACTION_TAP}); // not heard yet
  snprintf(path, sizeof path, "%s/p", folder->path);
  assert_int_equal(performance_write(&kept, &head, path, &err), STATUS_OK);
  assert_int_equal(head.begin_samples, 6000); // four seconds, and the input three before
  assert_int_equal(head.input_begin_samples, 3000);
  assert_int_equal(performance_read(&p, path, &err), STATUS_OK);
  assert_int_equal(p.n_entries, 3);
  assert_int_equal(p.entries[0].kind, KEEP_FADE_OUT);
  assert_int_equal(p.entries[1].id, PARAMETER_LEVEL);
  assert_true(p.entries[1].value == -3.25);
  assert_int_equal(p.entries[2].id, ACTION_MARK);
  assert_int_equal(p.n_steps, 100);
  assert_int_equal(p.codes[BOOKS * 99], 9900 % 16);
  assert_true(p.steps[99].mean_square == 0.1 * 9900);
  performance_free(&p);
}

static void sound_is_written_bit_for_bit(void **state)
{
  const temp_folder *folder = *state;
  error err = {STATUS_OK, ""};
  char path[700], file[720];
  performance_head head = some_head();
  audio_reader *reader = NULL;
  float back[2 * 4000];
  size_t n = 0;
  play_to(0, 10000);
  snprintf(path, sizeof path, "%s/p", folder->path);
  assert_int_equal(performance_write(&kept, &head, path, &err), STATUS_OK);
  snprintf(file, sizeof file, "%s/output.flac", path);
  assert_int_equal(audio_reader_open(&reader, file, 0, 0, &err), STATUS_OK);
  assert_int_equal(audio_reader_read(reader, back, 4000, &n, &err), STATUS_OK);
  assert_int_equal(n, 4000);
  for (uint64_t i = 0; i < n; ++i) {
    assert_true(KEEP_STEPS * back[2 * i] == (float)keep_whole(wave(6000 + i, 0), 1.0f));
  }
  audio_reader_close(reader);
}

static void what_cannot_be_written_leaves_nothing(void **state)
{
  const temp_folder *folder = *state;
  error err = {STATUS_OK, ""};
  char path[700];
  performance_head head = some_head();
  snprintf(path, sizeof path, "%s/p", folder->path);
  assert_int_equal(performance_write(&kept, &head, path, &err), STATUS_USAGE); // nothing heard
  play_to(0, 1000);
  assert_int_equal(mkdir(path, 0777), 0);
  assert_int_equal(performance_write(&kept, &head, path, &err), STATUS_USAGE); // is there
  assert_int_equal(performance_write(&kept, &head, "/nowhere/at/all", &err), STATUS_IO);
  assert_non_null(strstr(err.message, "/nowhere"));
  assert_int_equal(temp_folder_count(folder), 1);
  keep off = {0};
  assert_int_equal(performance_write(&off, &head, path, &err), STATUS_USAGE);
}

static void writes(const char *folder, const char *name, const char *text)
{
  char path[720];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  FILE *stream = fopen(path, "w");
  assert_non_null(stream);
  fputs(text, stream);
  assert_int_equal(fclose(stream), 0);
}

static void what_is_wrong_is_said_in_one_sentence(void **state)
{
  static const struct {
    const char *line, *sentence;
    status code;
  } cases[] = {
      {"{\"at\":1}\n", "line 1", STATUS_FORMAT},
      {"nonsense\n", "line 1", STATUS_FORMAT},
      {"{\"at\":1,\"kind\":\"set\",\"name\":\"nobody\",\"value\":1,\"more\":0,\"block\":0}\n",
       "nobody", STATUS_UNSUPPORTED},
      {"{\"at\":1,\"kind\":\"jump\",\"name\":\"\",\"value\":1,\"more\":0,\"block\":0}\n", "jump",
       STATUS_FORMAT},
      {"{\"at\":2,\"kind\":\"cut\",\"name\":\"\",\"value\":1,\"more\":0,\"block\":0}\n"
       "{\"at\":1,\"kind\":\"cut\",\"name\":\"\",\"value\":1,\"more\":0,\"block\":0}\n",
       "positions fall", STATUS_FORMAT},
  };
  const temp_folder *folder = *state;
  error err = {STATUS_OK, ""};
  char path[700];
  performance_head head = some_head();
  performance p;
  play_to(0, 1000);
  snprintf(path, sizeof path, "%s/p", folder->path);
  assert_int_equal(performance_write(&kept, &head, path, &err), STATUS_OK);
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; ++i) {
    writes(path, "controls.jsonl", cases[i].line);
    assert_int_equal(performance_read(&p, path, &err), cases[i].code);
    assert_non_null(strstr(err.message, cases[i].sentence));
  }
  writes(path, "performance.json", "{\"format\": 2}");
  assert_int_equal(performance_read(&p, path, &err), STATUS_UNSUPPORTED);
  assert_non_null(strstr(err.message, "later version"));
  assert_int_equal(performance_read(&p, "/nowhere", &err), STATUS_NOT_FOUND);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, open_kept, close_kept)
  const struct CMUnitTest tests[] = {
      CASE(the_grid_is_exact_and_wide),
      CASE(the_last_stretch_is_there_and_no_more),
      CASE(a_folder_is_written_and_read_back),
      CASE(sound_is_written_bit_for_bit),
      CASE(what_cannot_be_written_leaves_nothing),
      CASE(what_is_wrong_is_said_in_one_sentence),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
