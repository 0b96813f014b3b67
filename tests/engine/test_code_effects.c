// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// The chain: whatever holds for every effect. What each does: test_code_effects_each.c.

#include "base/random.h"
#include "engine/play/code_effects.h"
#include "tests/failing_alloc.h"
#include "tests/temp_folder.h"

#include <ctype.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MOST = CODE_EFFECTS_MAX_CODEBOOKS };

// Every code of the input is another one, and tells its step and codebook.
static int32_t code_of(uint64_t step, int k)
{
  return (int32_t)(step * MOST) + k;
}

static void step_in(uint64_t step, int n, int32_t *codes)
{
  for (int k = 0; k < n; ++k) {
    codes[k] = code_of(step, k);
  }
}

// A corpus for the mosaic, of codes that no input has (but each in its codebook).
enum { CORPUS_STEPS = 200, CORPUS_SIZE = 4096 };
static mosaic *corpus;

static int make_corpus(void **unused)
{
  (void)unused;
  static float words[CORPUS_SIZE];
  static int32_t codes[CORPUS_STEPS * MOST];
  const mosaic_codebooks books = {1, CORPUS_SIZE, 1, {words}};
  const mosaic_recording recording = {codes, CORPUS_STEPS};
  for (int i = 0; i < CORPUS_SIZE; ++i) {
    words[i] = random_uniform(1, 1, (uint64_t)i);
  }
  for (int i = 0; i < CORPUS_STEPS * MOST; ++i) {
    codes[i] = i % MOST + MOST * (int32_t)(random_bits(1, 2, (uint64_t)i) % (CORPUS_SIZE / MOST));
  }
  return mosaic_new_from_codes(&corpus, &recording, 1, MOST, &books, NULL) != STATUS_OK;
}

static int drop_corpus(void **unused)
{
  (void)unused;
  mosaic_unref(corpus);
  return 0;
}

static void begin(code_effects *e, int n_codebooks)
{
  assert_int_equal(code_effects_init(e, n_codebooks, NULL), STATUS_OK);
  code_effects_set_corpus(e, corpus);
}

// Settings that change at every step: any order, faders often at their ends, some of it nonsense.
static void wild_settings(uint64_t seed, uint64_t step, code_effects_settings *s)
{
  uint64_t at = step * 1000;
  code_effects_settings_init(s);
  s->seed = random_bits(seed, 1, step / 50);
  for (int kind = 0; kind < CODE_N_EFFECTS; ++kind) {
    const code_effect_info *info = code_effect_get_info((code_effect_kind)kind);
    const float fader = random_uniform(seed, 2, at++) * 2 - 0.5f;
    s->knobs[kind].fader = random_uniform(seed, 2, at++) < 0.02f ? NAN : fader;
    s->knobs[kind].place = (int32_t)(random_bits(seed, 3, at++) % 5) - 2;
    for (int i = 0; i < info->n_settings; ++i) {
      const code_effect_setting *setting = &info->settings[i];
      const float value = random_uniform(seed, 4, at++) * 1.2f - 0.1f;
      s->knobs[kind].values[i] = setting->least + value * (setting->most - setting->least);
      if (random_uniform(seed, 5, at++) < 0.01f) {
        s->knobs[kind].values[i] = (const float[]){NAN, INFINITY, -INFINITY, 1e30f}[at % 4];
      }
    }
  }
  const float clock = random_uniform(seed, 6, step / 100);
  s->beat_steps = clock < 0.4f ? 0.0f : clock < 0.45f ? INFINITY : clock * 60;
  s->beat_step = (int32_t)(random_bits(seed, 7, step) % 60) - 1;
  s->beat_number = (int64_t)random_bits(seed, 8, step / 60);
}

static void table_is_whole(void **unused)
{
  (void)unused;
  for (int kind = 0; kind < CODE_N_EFFECTS; ++kind) {
    const code_effect_info *info = code_effect_get_info((code_effect_kind)kind);
    assert_int_equal(code_effect_find(info->key), kind); // so no two have the same
    assert_true(info->name[0] && info->help[0] && info->fader[0]);
    assert_in_range(info->n_settings, 1, CODE_EFFECT_MAX_SETTINGS);
    for (int i = 0; i < info->n_settings; ++i) {
      const code_effect_setting *s = &info->settings[i];
      assert_true(s->key[0] && s->name[0] && s->help[0] && s->unit);
      assert_true(s->least < s->most && s->least <= s->standard && s->standard <= s->most);
      assert_true(!s->whole || roundf(s->standard) == s->standard);
      for (const char *c = s->key; *c; ++c) {
        assert_true(islower(*c) || *c == '_');
      }
      for (int j = 0; j < i; ++j) {
        assert_string_not_equal(s->key, info->settings[j].key);
      }
    }
  }
  assert_int_equal(code_effect_find("none such"), CODE_N_EFFECTS);
}

// The page for sound designers says of each effect and setting what the table says.
static void the_page_is_the_table(void **unused)
{
  (void)unused;
  static char page[100000];
  FILE *file = fopen(source_path("docs/effects.md"), "r");
  assert_non_null(file);
  assert_true(fread(page, 1, sizeof page - 1, file) > 0);
  assert_int_equal(fclose(file), 0);
  for (int kind = 0; kind < CODE_N_EFFECTS; ++kind) {
    const code_effect_info *info = code_effect_get_info((code_effect_kind)kind);
    char line[400];
    snprintf(line, sizeof line, "\n## %s (`%s`)\n", info->name, info->key);
    const char *section = strstr(page, line);
    assert_non_null(section);
    snprintf(line, sizeof line, "\n| `fader` | %s | 0 to 1 | 0 |\n", info->fader);
    assert_non_null(strstr(section, line));
    for (int i = 0; i < info->n_settings; ++i) {
      const code_effect_setting *s = &info->settings[i];
      snprintf(line, sizeof line, "\n| `%s` | %s | %g to %g%s%s | %g |\n", s->key, s->help,
               (double)s->least, (double)s->most, *s->unit ? " " : "", s->unit,
               (double)s->standard);
      assert_non_null(strstr(section, line));
    }
  }
}

static void settings_start_transparent(void **unused)
{
  (void)unused;
  code_effects_settings s;
  code_effects_settings_init(&s);
  for (int kind = 0; kind < CODE_N_EFFECTS; ++kind) {
    assert_true(s.knobs[kind].fader == 0.0f);
    assert_int_equal(s.knobs[kind].place, kind);
  }
  assert_true(s.beat_steps == 0.0f);
}

// However beats and steps lie, each beat has one first step and counts on from there.
static void the_clock_counts_every_beat_once(void **unused)
{
  (void)unused;
  const double lengths[] = {1, 1.5, 25, 31.578947368421, 100.0 / 3, 12.1};
  for (size_t i = 0; i < sizeof lengths / sizeof *lengths; ++i) {
    code_effects_settings s;
    int64_t last_number = -1;
    int32_t last_step = -1;
    for (int step = 0; step < 20000; ++step) {
      code_effects_settings_set_clock(&s, step / lengths[i], lengths[i]);
      if (s.beat_step == 0) {
        assert_int_equal(s.beat_number, last_number + 1);
        assert_true(fabs(step - ceil((double)s.beat_number * lengths[i])) < 1.5);
      } else {
        assert_int_equal(s.beat_number, last_number);
        assert_int_equal(s.beat_step, last_step + 1);
      }
      last_number = s.beat_number;
      last_step = s.beat_step;
    }
  }
  code_effects_settings s;
  const double none[] = {0, 0.9, -3, (double)NAN, (double)INFINITY};
  for (size_t i = 0; i < sizeof none / sizeof *none; ++i) {
    code_effects_settings_set_clock(&s, 3.5, none[i]);
    assert_true(s.beat_steps == 0.0f);
  }
}

static void faders_at_zero_change_nothing(void **unused)
{
  (void)unused;
  code_effects e;
  int32_t in[MOST];
  int32_t out[MOST];
  begin(&e, MOST);
  for (uint64_t step = 0; step < 3000; ++step) {
    code_effects_settings s;
    wild_settings(1, step, &s);
    for (int kind = 0; kind < CODE_N_EFFECTS; ++kind) {
      s.knobs[kind].fader = step % 3 ? 0.0f : (const float[]){-0.0f, -1.0f, NAN}[step % 9 / 3];
    }
    step_in(step, MOST, in);
    code_effects_step(&e, &s, in, out);
    assert_memory_equal(in, out, sizeof in);
  }
  code_effects_destroy(&e);
}

// However long it was up, a fader pulled down leaves the input, from that very step.
static void pulling_a_fader_down_is_at_once(void **unused)
{
  (void)unused;
  for (int kind = 0; kind < CODE_N_EFFECTS; ++kind) {
    code_effects e;
    int32_t in[MOST];
    int32_t out[MOST];
    bool heard = false;
    begin(&e, MOST);
    code_effects_settings s;
    code_effects_settings_init(&s);
    for (uint64_t step = 0; step < 2000; ++step) {
      s.knobs[kind].fader = step / 37 % 2 ? 1.0f : 0.0f;
      step_in(step, MOST, in);
      code_effects_step(&e, &s, in, out);
      const bool same = memcmp(in, out, sizeof in) == 0;
      assert_true(same || s.knobs[kind].fader > 0);
      heard = heard || !same;
    }
    assert_true(heard);
    code_effects_destroy(&e);
  }
}

// With a fader in between, some steps are changed and some are not, and another seed chooses
// others; depth and stretch are no matter of chance.
static void faders_between_are_shares(void **unused)
{
  (void)unused;
  enum { STEPS = 20000, N = 8 };
  for (int kind = 0; kind < CODE_N_EFFECTS; ++kind) {
    const bool chance = kind != CODE_EFFECT_STRETCH && kind != CODE_EFFECT_DEPTH;
    int n_changed[2] = {0};
    int n_different = 0;
    code_effects e[2];
    code_effects_settings s;
    code_effects_settings_init(&s);
    s.knobs[kind].fader = 0.25f;
    for (int i = 0; i < 2; ++i) {
      begin(&e[i], N);
    }
    for (uint64_t step = 0; step < STEPS; ++step) {
      int32_t in[N];
      int32_t out[2][N];
      step_in(step, N, in);
      for (uint64_t i = 0; i < 2; ++i) {
        s.seed = i;
        code_effects_step(&e[i], &s, in, out[i]);
        n_changed[i] += out[i][0] != in[0] || out[i][N - 1] != in[N - 1];
      }
      n_different += memcmp(out[0], out[1], sizeof out[0]) != 0;
    }
    assert_true(n_changed[0] > STEPS / 10);
    assert_true(!chance || n_changed[0] < STEPS / 2);
    assert_int_equal(n_different > 0, chance);
    code_effects_destroy(&e[0]);
    code_effects_destroy(&e[1]);
  }
}

// Only codes of the present and the past come out, none made up.
static void any_settings_give_valid_codes(void **unused)
{
  (void)unused;
  const int counts[] = {1, 2, 8, MOST};
  for (size_t i = 0; i < sizeof counts / sizeof *counts; ++i) {
    const int n = counts[i];
    code_effects e;
    int32_t codes[MOST + 1];
    begin(&e, n);
    codes[n] = 77;
    for (uint64_t step = 0; step < 20000; ++step) {
      code_effects_settings s;
      wild_settings(2, step, &s);
      step_in(step, n, codes);
      code_effects_step(&e, &s, codes, codes);
      for (int k = 0; k < n; ++k) {
        assert_true(codes[k] >= -1);
        assert_true(codes[k] <= code_of(step, k) || codes[k] < CORPUS_SIZE);
        assert_true(codes[k] == -1 || codes[k] % MOST == k);
      }
      assert_int_equal(codes[n], 77);
    }
    code_effects_destroy(&e);
  }
}

static void same_settings_give_the_same(void **unused)
{
  (void)unused;
  code_effects e[3];
  void *snapshot = NULL;
  int32_t in[MOST];
  int32_t out[3][MOST];
  for (int i = 0; i < 3; ++i) {
    begin(&e[i], MOST);
  }
  snapshot = malloc(code_effects_bytes(&e[0]));
  assert_non_null(snapshot);
  for (uint64_t step = 0; step < 4000; ++step) {
    code_effects_settings s;
    wild_settings(3, step, &s);
    step_in(step, MOST, in);
    if (step % 701 == 700) { // the third goes astray and is brought back
      code_effects_save(&e[0], snapshot);
      for (uint64_t i = 0; i < step % 600; ++i) {
        code_effects_step(&e[2], &s, out[0], out[2]);
      }
      code_effects_restore(&e[2], snapshot);
    }
    if (step == 2000) { // and reset is as new
      code_effects_destroy(&e[1]);
      begin(&e[1], MOST);
      code_effects_reset(&e[0]);
      code_effects_reset(&e[2]);
    }
    for (int i = 0; i < 3; ++i) {
      code_effects_step(&e[i], &s, in, out[i]);
    }
    assert_memory_equal(out[0], out[1], sizeof out[0]);
    assert_memory_equal(out[0], out[2], sizeof out[0]);
  }
  for (int i = 0; i < 3; ++i) {
    code_effects_destroy(&e[i]);
  }
  free(snapshot);
}

// A delay by one step, and each two steps twice.
static void expect_order(int delay_place, const int32_t *expected)
{
  code_effects e;
  code_effects_settings s;
  assert_int_equal(code_effects_init(&e, 1, NULL), STATUS_OK);
  code_effects_settings_init(&s);
  code_effect_knobs *delay = &s.knobs[CODE_EFFECT_CODEBOOK_SWAP];
  *delay = (code_effect_knobs){.fader = 1, .place = delay_place, .values = {0, 1, 1}};
  s.knobs[CODE_EFFECT_STUTTER] = (code_effect_knobs){.fader = 1, .values = {2, 2, 0}};
  for (int32_t step = 0; step < 8; ++step) {
    int32_t out;
    code_effects_step(&e, &s, &step, &out);
    assert_int_equal(out, expected[step]);
  }
  code_effects_destroy(&e);
}

static void places_decide_the_order(void **unused)
{
  (void)unused;
  expect_order(-1, (const int32_t[]){0, 0, 0, 0, 3, 4, 3, 4});
  expect_order(1, (const int32_t[]){0, 0, 1, 0, 1, 4, 5, 4});
}

static status open_and_close(void *user, error *err)
{
  (void)user;
  code_effects e;
  const status st = code_effects_init(&e, 8, err);
  code_effects_destroy(&e);
  return st;
}

static void allocation_may_fail(void **unused)
{
  (void)unused;
  code_effects e;
  error err = {0};
  assert_int_equal(failing_alloc_each(open_and_close, NULL), 1);
  assert_int_equal(code_effects_init(&e, 0, &err), STATUS_UNSUPPORTED);
  assert_int_equal(code_effects_init(&e, MOST + 1, &err), STATUS_UNSUPPORTED);
  code_effects_destroy(&e);
}

static void a_step_allocates_nothing(void **unused)
{
  (void)unused;
  code_effects e;
  int32_t codes[8];
  begin(&e, 8);
  failing_alloc_arm(-1);
  for (uint64_t step = 0; step < 1000; ++step) {
    code_effects_settings s;
    wild_settings(4, step, &s);
    step_in(step, 8, codes);
    code_effects_step(&e, &s, codes, codes);
  }
  assert_int_equal(failing_alloc_count(), 0);
  code_effects_destroy(&e);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(table_is_whole),
      cmocka_unit_test(the_page_is_the_table),
      cmocka_unit_test(settings_start_transparent),
      cmocka_unit_test(the_clock_counts_every_beat_once),
      cmocka_unit_test(faders_at_zero_change_nothing),
      cmocka_unit_test(pulling_a_fader_down_is_at_once),
      cmocka_unit_test(faders_between_are_shares),
      cmocka_unit_test(any_settings_give_valid_codes),
      cmocka_unit_test(same_settings_give_the_same),
      cmocka_unit_test(places_decide_the_order),
      cmocka_unit_test(allocation_may_fail),
      cmocka_unit_test(a_step_allocates_nothing),
  };
  return cmocka_run_group_tests(tests, make_corpus, drop_corpus);
}
