// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// Every field, from its table: its default, its bounds, its text; then what a recipe refuses.

#include "train/recipe.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "models/seanet_file.h"
#include "tests/failing_alloc.h"
#include "tests/temp_folder.h"
#include "train/recipe_fields.h"

#include <float.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static recipe defaults(void)
{
  recipe r;
  error err = {0};
  if (recipe_load(&r, NULL, NULL, 0, &err)) {
    fail_msg("%s", err.message);
  }
  return r;
}

/// `text` must be refused with a sentence that holds every one of `parts` (null-ended).
static void refused(const char *text, const char *const *parts)
{
  recipe r;
  error err = {0};
  assert_int_equal(recipe_parse(&r, text, "a.ini", &err), STATUS_USAGE);
  for (; *parts; ++parts) {
    if (!strstr(err.message, *parts)) {
      fail_msg("\"%s\" is not in: %s", *parts, err.message);
    }
  }
}
#define REFUSED(text, ...) refused(text, (const char *const[]){__VA_ARGS__, NULL})

static status override(recipe *r, const char *text, error *err)
{
  return recipe_load(r, NULL, &text, 1, err);
}

// ---- the table ---------------------------------------------------------------------------------

static void test_defaults_are_possible(void **state)
{
  (void)state;
  recipe r = defaults();
  for (int i = 0; i < recipe_n_fields; ++i) {
    const recipe_field *f = &recipe_fields[i];
    char text[RECIPE_TEXT_BYTES];
    error err = {0};
    if (recipe_field_set(&r, f, f->initial, &err)) {
      fail_msg("%s", err.message);
    }
    recipe_field_get(&r, f, text);
    assert_string_equal(text, f->initial); // so the table says what a file would
    assert_ptr_equal(recipe_field_find(f->section, f->key), f);
    assert_true(f->help && f->help[0]);
  }
}

/// Text of `value` moved just outside, as the field's kind counts.
static void beyond(const recipe_field *f, double bound, double direction, char text[64])
{
  const double outside = f->kind == RECIPE_NUMBER
                             ? bound + direction * fmax(fabs(bound) * 1e-3, 1e-31)
                             : bound + direction;
  snprintf(text, 64, f->kind == RECIPE_NUMBER ? "%.17g" : "%.0f", outside);
}

static void assert_refuses(const recipe_field *f, const char *value)
{
  recipe r = defaults();
  const recipe before = r;
  char expected[160];
  error err = {0};
  recipe_field_expected(f, expected, sizeof expected);
  if (recipe_field_set(&r, f, value, &err) != STATUS_USAGE) {
    fail_msg("%s.%s took \"%s\"", f->section, f->key, value);
  }
  assert_non_null(strstr(err.message, f->section));
  assert_non_null(strstr(err.message, f->key));
  assert_non_null(strstr(err.message, expected));
  assert_memory_equal(&r, &before, sizeof r);
}

static void test_every_field_out_of_range(void **state)
{
  (void)state;
  for (int i = 0; i < recipe_n_fields; ++i) {
    const recipe_field *f = &recipe_fields[i];
    char text[64];
    if (f->kind == RECIPE_INTEGER || f->kind == RECIPE_NUMBER || f->kind == RECIPE_LIST) {
      beyond(f, f->least, -1.0, text);
      assert_refuses(f, text);
      beyond(f, f->most, 1.0, text);
      assert_refuses(f, text);
    }
    if (f->kind != RECIPE_WORD) {
      assert_refuses(f, "x");
      assert_refuses(f, "1 x");
      assert_refuses(f, "-");
    }
  }
}

static void test_every_field_takes_its_bounds(void **state)
{
  (void)state;
  recipe r = defaults();
  for (int i = 0; i < recipe_n_fields; ++i) {
    const recipe_field *f = &recipe_fields[i];
    const double bounds[] = {f->least, f->most};
    for (int j = 0; j < 2 && f->kind <= RECIPE_LIST; ++j) {
      char text[64], again[RECIPE_TEXT_BYTES];
      error err = {0};
      if (f->kind == RECIPE_BOOL || f->kind == RECIPE_WORD) {
        snprintf(text, sizeof text, "%s", j ? "true" : "false");
      } else {
        snprintf(text, sizeof text, f->kind == RECIPE_NUMBER ? "%.17g" : "%.0f", bounds[j]);
      }
      if (recipe_field_set(&r, f, text, &err)) {
        fail_msg("%s", err.message);
      }
      recipe_field_get(&r, f, again);
      if (f->kind == RECIPE_NUMBER) {
        assert_true(strtod(again, NULL) == bounds[j]);
      } else {
        assert_string_equal(again, text);
      }
    }
    for (int j = 0; f->kind == RECIPE_CHOICE && f->choices[j]; ++j) {
      char again[RECIPE_TEXT_BYTES];
      assert_int_equal(recipe_field_set(&r, f, f->choices[j], NULL), STATUS_OK);
      recipe_field_get(&r, f, again);
      assert_string_equal(again, f->choices[j]);
    }
  }
}

static void test_odd_values(void **state)
{
  (void)state;
  const recipe_field *integer = recipe_field_find("data", "crop_samples");
  const recipe_field *number = recipe_field_find("optimiser", "rate");
  const recipe_field *list = recipe_field_find("loss", "mel_windows");
  const recipe_field *word = recipe_field_find("data", "validation");
  static const char *const bad_integers[] = {"",  "12k", "1e3", "0x10", "99999999999999999999",
                                             "1,"};
  static const char *const bad_numbers[] = {"",       "nan", "inf", "-inf",
                                            "0x1p-3", "1e",  "1,5", "1e999"};
  static const char *const bad_lists[] = {
      ",", "64,,64", "64 x", "64k", "64 . 64", "16 16 16 16 16 16 16 16 16 16 16 16 16"};
  static const char *const bad_words[] = {"a ; b", "a;b", "a\nb", "a\x7f", "\xff"};
  for (int i = 0; i < 6; ++i) {
    assert_refuses(integer, bad_integers[i]);
    assert_refuses(list, bad_lists[i]);
  }
  for (int i = 0; i < 8; ++i) {
    assert_refuses(number, bad_numbers[i]);
  }
  for (int i = 0; i < 5; ++i) {
    assert_refuses(word, bad_words[i]);
  }
  char longest[RECIPE_TEXT_BYTES + 1];
  memset(longest, 'a', sizeof longest);
  longest[RECIPE_TEXT_BYTES] = '\0';
  assert_refuses(word, longest);
  recipe r = defaults();
  longest[RECIPE_TEXT_BYTES - 1] = '\0';
  assert_int_equal(recipe_field_set(&r, word, longest, NULL), STATUS_OK);
  assert_string_equal(r.data.validation, longest);
}

static void test_lists(void **state)
{
  (void)state;
  recipe r;
  error err = {0};
  assert_int_equal(override(&r, "loss.mel_windows= 64 128,256 , 512 ", &err), STATUS_OK);
  assert_int_equal(r.loss.mel_windows.n, 4);
  assert_int_equal(r.loss.mel_windows.values[2], 256);
  assert_int_equal(r.loss.mel_windows.values[4], 0); // nothing stays of the longer default
  assert_int_equal(override(&r, "codec.strides=5, 5, 6", &err), STATUS_OK);
  assert_int_equal(r.codec.n_strides, 3);
  assert_int_equal(seanet_hop_samples(&r.codec), 150);
  assert_int_equal(override(&r, "discriminator.periods=", &err), STATUS_OK);
  assert_int_equal(r.discriminator.periods.n, 0);
}

// ---- files -------------------------------------------------------------------------------------

static void test_what_a_file_says(void **state)
{
  (void)state;
  recipe r;
  error err = {0};
  const char *text = "\xef\xbb\xbf; a comment\r\n"
                     "[data] \r\n"
                     "  crop_samples = 4800 ; ten hops\n"
                     "\tfirst_only: yes\n"
                     "\n"
                     "# another\n"
                     "[encoder]\n"
                     "width=8\n"
                     "[codec]\n"
                     "name = two words = one\n"
                     "rate_hz = 48000\n"
                     "act = leaky_relu\n"
                     "act_slope = 0.3";
  if (recipe_parse(&r, text, "a.ini", &err)) {
    fail_msg("%s", err.message);
  }
  assert_int_equal(r.data.crop_samples, 4800);
  assert_true(r.data.first_only);
  assert_int_equal(r.codec.encoder.width, 8);
  assert_int_equal(r.codec.decoder.width, 24);
  assert_string_equal(r.codec.name, "two words = one");
  assert_int_equal(r.codec.rate_hz, 48000);
  assert_int_equal(r.codec.act, ACT_LEAKY_RELU);
  assert_true(r.codec.act_slope == 0.3f);
  assert_int_equal(r.batch.size, 4);
}

static void test_names_are_known(void **state)
{
  (void)state;
  REFUSED("[data]\ncrop_sample = 1\n", "a.ini:2: ", "data.crop_sample,", "data.crop_samples");
  REFUSED("[los]\nmel = 1\n", "a.ini:2: ", "los.mel,", "loss.mel");
  REFUSED("[loss]\n\n\ncrop_samples = 1\n", "a.ini:4: ", "data.crop_samples");
  REFUSED("seed = 1\n", "a.ini:1: ", "run.seed");
  REFUSED("[optimizer]\nrate = 1\n", "optimiser.rate");
}

static void test_bad_lines(void **state)
{
  (void)state;
  char longest[400];
  REFUSED("[data\n", "a.ini:1: ", "key = value");
  REFUSED("[data]\ncrop_samples\n[x]\ny = 1\n", "a.ini:2: ", "key = value");
  REFUSED("[data]\ncrop_samples = 12k\nbad\n", "a.ini:2: ", "data.crop_samples = 12k", "4194304");
  REFUSED("[run]\nseed = 1\nseed = 2\n", "a.ini:3: ", "run.seed", "line 2");
  REFUSED("[run]\nseed = \xff\n", "a.ini:2: no text");
  REFUSED("[run]\nseed = \x01\n", "a.ini:2: no text");
  snprintf(longest, sizeof longest, "#\n[run]\n#%250s\nseed = 1\n", "");
  REFUSED(longest, "a.ini:3: ", "251 bytes");
}

static void test_combinations(void **state)
{
  (void)state;
  REFUSED("[data]\ncrop_samples = 12001\n", "a.ini: ", "crop_samples is 12001", "480");
  REFUSED("[codec]\nstrides = 2 4 5 9\n", "crop_samples is 12000", "360");
  REFUSED("[batch]\nsize = 5\n", "batch.size is 5", "micro_batches, 2");
  REFUSED("[data]\nbalance_kinds = no\nkind_weights = a 2\n", "kind_weights is \"a 2\"",
          "balance_kinds");
  REFUSED("[data]\ngain_low_db = 7\n", "gain_low_db is 7", "gain_high_db, 6");
  REFUSED("[quantiser]\nstart_vectors = 1023\n", "start_vectors is 1023", "codebook_size, 1024");
  REFUSED("[discriminator]\nstft_windows =\n", "loss.adversarial is 0.1", "no discriminator");
  REFUSED("[discriminator]\nstft_windows = 512, 14000\n", "14000", "crop_samples, 12000");
  REFUSED("[discriminator]\nstft_windows = 512, 256, 512\n", "stft_windows has 512 twice");
  REFUSED("[discriminator]\nperiods = 2, 3, 5, 3\n", "discriminator.periods has 3 twice");
  REFUSED("[discriminator]\nheard_every = 4\n", "discriminator.every is 2", "heard_every, 4");
  REFUSED("[discriminator]\nstft_single = yes\n", "3 windows", "one");
  REFUSED("[loss]\nmel_windows = 66\n", "mel_windows has 66", "multiples of 4");
  REFUSED("[loss]\nmel_windows =\n", "mel_windows is empty");
  REFUSED("[loss]\nwave_l1 = 0\nmel = 0\n", "loss.wave_l1", "phases.reconstruction is 14000");
  REFUSED("[loss]\nwave_l1_warmup = 0\nmel_warmup = 0\n", "wave_l1_warmup", "unquantised is 300");
  REFUSED("[optimiser]\nrate = 1e-6\n", "optimiser.rate_final is 1e-05", "rate, 1e-06");
  REFUSED("[phases]\nunquantised = 0\nreconstruction = 0\nadversarial = 0\n", "all 0");
  REFUSED("[codec]\ncodebook_size = 1000\n", "a.ini: ", "power of two"); // seanet_config_check's
  REFUSED("[decoder]\ncompress = 5\n", "compress 5 does not divide width 24");
}

// Adam works in f32, where a decay nearer to 1 would be 1 and the mean square stay 0.
static void test_decays_leave_something(void **state)
{
  (void)state;
  for (int i = 0; i < recipe_n_fields; ++i) {
    const recipe_field *field = &recipe_fields[i];
    if (strstr(field->key, "beta") || strstr(field->key, "decay")) {
      assert_true(strcmp(field->key, "weight_decay") == 0 ||
                  1.0f - (float)field->most > 0.9f * (float)(1.0 - field->most));
    }
  }
}

static void test_what_is_possible_after_all(void **state)
{
  (void)state;
  recipe r;
  error err = {0};
  // No discriminator is asked for in any step, so its losses do not matter.
  const char *alone[] = {"phases.adversarial=0", "discriminator.stft_windows="};
  assert_int_equal(recipe_load(&r, NULL, alone, 2, &err), STATUS_OK);
  const char *unweighted[] = {"loss.adversarial=0", "loss.feature=0",
                              "discriminator.stft_windows="};
  assert_int_equal(recipe_load(&r, NULL, unweighted, 3, &err), STATUS_OK);
}

static void test_overrides(void **state)
{
  (void)state;
  recipe r;
  error err = {0};
  const char *good[] = {"optimiser.rate=1e-4", " data . validation = every 20th clip ",
                        "optimiser.rate=2e-4"};
  assert_int_equal(recipe_load(&r, NULL, good, 3, &err), STATUS_OK);
  assert_true(r.optimiser.rate == 2e-4);
  assert_string_equal(r.data.validation, "every 20th clip");
  static const char *const bad[] = {"rate", "rate=1", "optimiser.rate", "=optimiser.rate"};
  for (int i = 0; i < 4; ++i) {
    assert_int_equal(override(&r, bad[i], &err), STATUS_USAGE);
    assert_non_null(strstr(err.message, "section.key=value"));
  }
  assert_int_equal(override(&r, "optimiser.rat=1", &err), STATUS_USAGE);
  assert_non_null(strstr(err.message, "optimiser.rate"));
  assert_int_equal(override(&r, "optimiser.rate=2", &err), STATUS_USAGE);
  assert_non_null(strstr(err.message, "a number from 0 to 1"));
}

// ---- writing -----------------------------------------------------------------------------------

static void assert_round_trip(const recipe *r)
{
  char *text = NULL;
  recipe again;
  error err = {0};
  assert_int_equal(recipe_write(r, &text, &err), STATUS_OK);
  if (recipe_parse(&again, text, "written", &err)) {
    fail_msg("%s\n%s", err.message, text);
  }
  assert_memory_equal(&again, r, sizeof again);
  free(text);
}

static void test_round_trip(void **state)
{
  (void)state;
  recipe r = defaults();
  assert_round_trip(&r);
  r.optimiser.rate = 0.1 + 0.2; // 0.30000000000000004
  r.optimiser.epsilon = nextafter(1e-8, 1.0);
  r.loss.mel_log_floor = 1e-30;
  r.data.gain_low_db = -0.0;
  r.codec.act_slope = nextafterf(0.3f, 1.0f);
  r.run.seed = 9007199254740991;
  r.codec.pad = PAD_REPLICATE;
  snprintf(r.codec.licence, sizeof r.codec.licence, "CC-BY-4.0 (é), see card");
  assert_round_trip(&r);
}

static void test_written_lines_can_be_read(void **state)
{
  (void)state;
  recipe r = defaults();
  memset(r.data.validation, 'v', RECIPE_TEXT_BYTES - 1);
  char *text = NULL;
  error err = {0};
  assert_int_equal(recipe_write(&r, &text, &err), STATUS_OK);
  int n_values = 0;
  for (const char *line = text; *line; line = strchr(line, '\n') + 1) {
    const size_t length = (size_t)(strchr(line, '\n') - line);
    assert_true(length < 190); // libinih's limit is 197
    if (line[0] != '#' && line[0] != '[' && length > 0) {
      assert_true(line[-1] == '\n' && text < line);
      ++n_values;
    }
  }
  assert_int_equal(n_values, recipe_n_fields);
  assert_non_null(strstr(text, "\n# length of an example, a multiple of the hop; an integer from 1 "
                               "to 4194304\ncrop_samples = 12000\n"));
  free(text);
}

static void test_locale_does_not_matter(void **state)
{
  (void)state;
  if (!setlocale(LC_NUMERIC, "de_DE.UTF-8") && !setlocale(LC_NUMERIC, "fr_FR.UTF-8")) {
    skip();
  }
  const recipe r = defaults();
  assert_true(r.optimiser.rate == 1e-3 && r.optimiser.beta1 == 0.8);
  assert_round_trip(&r);
  setlocale(LC_NUMERIC, "C");
}

// ---- the recipes that come with the program -----------------------------------------------------

static recipe load_own(const char *name)
{
  char path[128];
  recipe r;
  error err = {0};
  snprintf(path, sizeof path, "train/recipes/%s.ini", name);
  if (recipe_load(&r, source_path(path), NULL, 0, &err)) {
    fail_msg("%s", err.message);
  }
  assert_string_equal(r.name, name);
  assert_round_trip(&r);
  return r;
}

/// What must not differ from a published shape.
static void assert_same_shape(const seanet_config *a, const seanet_config *b)
{
  assert_int_equal(a->rate_hz, b->rate_hz);
  assert_int_equal(a->latent_dim, b->latent_dim);
  assert_int_equal(a->n_strides, b->n_strides);
  assert_memory_equal(a->strides, b->strides, sizeof a->strides);
  assert_int_equal(a->n_codebooks, b->n_codebooks);
  assert_int_equal(a->codebook_size, b->codebook_size);
  assert_memory_equal(&a->encoder, &b->encoder, sizeof a->encoder);
  assert_memory_equal(&a->decoder, &b->decoder, sizeof a->decoder);
  assert_true(a->true_skip == b->true_skip && a->causal == b->causal && a->pad == b->pad);
  assert_true(a->norm == b->norm && a->act == b->act && a->act_slope == b->act_slope);
  assert_int_equal(a->order, b->order);
}

static void test_published_recipes(void **state)
{
  (void)state;
  const seanet_config soundstream = seanet_config_soundstream();
  const seanet_config encodec = seanet_config_encodec_24khz();
  recipe r = load_own("soundstream");
  assert_same_shape(&r.codec, &soundstream);
  r = load_own("encodec");
  assert_same_shape(&r.codec, &encodec);
}

/// One goes on where the other ended, adversarial from the first step.
static void test_further_default(void **state)
{
  (void)state;
  const recipe first = load_own("default"), further = load_own("default-further");
  assert_same_shape(&further.codec, &first.codec);
  assert_int_equal(further.phases.unquantised + further.phases.reconstruction, 0);
  assert_true(further.phases.adversarial > 0);
  recipe_discriminator same = further.discriminator;
  same.heard_every = first.discriminator.heard_every; // how often is no matter of weights
  assert_memory_equal(&same, &first.discriminator, sizeof same);
}

/// The overrides that soundstream.ini's head lists.
static void test_mended_soundstream(void **state)
{
  (void)state;
  static const char *const mended[] = {
      "data.first_only=false",     "data.silence_level_db=-60", "quantiser.detached=true",
      "quantiser.smoothing=1e-5",  "quantiser.decay=0.99",      "quantiser.start_vectors=20000",
      "quantiser.dropout=example", "loss.mel_log_floor=1e-5",   "loss.mel_log_floor_kind=add",
      "loss.feature=0.01",         "run.init=unit_variance",    "phases.unquantised=300"};
  const int n = (int)(sizeof mended / sizeof *mended);
  FILE *f = fopen(source_path("train/recipes/soundstream.ini"), "r");
  assert_non_null(f);
  char text[8192] = "";
  assert_true(fread(text, 1, sizeof text - 1, f) > 0);
  fclose(f);
  recipe r;
  error err = {0};
  assert_int_equal(recipe_load(&r, source_path("train/recipes/soundstream.ini"), mended, n, &err),
                   STATUS_OK);
  for (int i = 0; i < n; ++i) {
    assert_non_null(strstr(text, mended[i]));
  }
}

/// 4.94 M parameters beside the codebooks, as the recipe's comment says.
static void test_default_fits_its_budget(void **state)
{
  (void)state;
  const recipe r = load_own("default");
  seanet *net = NULL;
  error err = {0};
  assert_int_equal(seanet_new(&net, &r.codec, &err), STATUS_OK);
  const codec_info info = seanet_info(net);
  assert_int_equal(info.hop_samples, 480);
  assert_true(info.streamable);
  assert_in_range(info.n_parameters - 8 * 1024 * 64, 4930000, 4945000);
  seanet_free(net, NULL);
}

// ---- what can go wrong -------------------------------------------------------------------------

static void test_missing_file(void **state)
{
  const temp_folder *folder = *state;
  recipe r;
  error err = {0};
  assert_int_equal(recipe_load(&r, folder->file, NULL, 0, &err), STATUS_NOT_FOUND);
  assert_non_null(strstr(err.message, folder->file));
  FILE *f = fopen(folder->file, "w");
  assert_non_null(f);
  fclose(f);
  const recipe empty = defaults();
  assert_int_equal(recipe_load(&r, folder->file, NULL, 0, &err), STATUS_OK);
  assert_memory_equal(&r, &empty, sizeof r);
}

static status read_and_write(void *user, error *err)
{
  recipe *r = user;
  char *text = NULL;
  status code = recipe_parse(r, "[run]\nseed = 3\n", "a.ini", err);
  if (code == STATUS_OK) {
    code = recipe_write(r, &text, err);
  }
  free(text);
  return code;
}

static void test_no_memory(void **state)
{
  (void)state;
  recipe r;
  assert_true(failing_alloc_each(read_and_write, &r) >= 2);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_defaults_are_possible),
      cmocka_unit_test(test_every_field_out_of_range),
      cmocka_unit_test(test_every_field_takes_its_bounds),
      cmocka_unit_test(test_odd_values),
      cmocka_unit_test(test_lists),
      cmocka_unit_test(test_what_a_file_says),
      cmocka_unit_test(test_names_are_known),
      cmocka_unit_test(test_bad_lines),
      cmocka_unit_test(test_combinations),
      cmocka_unit_test(test_decays_leave_something),
      cmocka_unit_test(test_what_is_possible_after_all),
      cmocka_unit_test(test_overrides),
      cmocka_unit_test(test_round_trip),
      cmocka_unit_test(test_written_lines_can_be_read),
      cmocka_unit_test(test_locale_does_not_matter),
      cmocka_unit_test(test_published_recipes),
      cmocka_unit_test(test_further_default),
      cmocka_unit_test(test_mended_soundstream),
      cmocka_unit_test(test_default_fits_its_budget),
      cmocka_unit_test_setup_teardown(test_missing_file, temp_folder_make, temp_folder_remove),
      cmocka_unit_test(test_no_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
