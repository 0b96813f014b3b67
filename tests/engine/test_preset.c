// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// Every parameter there and back, bit for bit; what a file may not say; saving in bad times.

#include "engine/preset.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/random.h"
#include "tests/failing_alloc.h"
#include "tests/temp_folder.h"

#include <locale.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define HEAD "[preset]\nformat = 1\n"
#define NEWER "[preset]\nformat = 2\n"

// ---- helpers -----------------------------------------------------------------------------------

/// The preset as text; the caller frees it.
static char *written(const preset *p)
{
  char *text = NULL;
  size_t size = 0;
  FILE *stream = open_memstream(&text, &size);
  error err = {0};
  assert_non_null(stream);
  if (preset_write(p, stream, &err)) {
    fail_msg("%s", err.message);
  }
  assert_int_equal(fclose(stream), 0);
  return text;
}

static void read_text(preset *p, const char *text)
{
  error err = {0};
  if (preset_parse(p, text, strlen(text), "a.ini", &err)) {
    fail_msg("%s\n%s", err.message, text);
  }
}

/// All there is in it, but for where `kept` lies.
static void assert_same(const preset *a, const preset *b)
{
  preset one = *a, other = *b;
  assert_int_equal(a->n_kept, b->n_kept);
  if (a->n_kept) {
    assert_memory_equal(a->kept, b->kept, (size_t)a->n_kept * sizeof *a->kept);
  }
  one.kept = other.kept = NULL;
  assert_memory_equal(&one, &other, sizeof one);
}

/// Writing it and reading that gives the same preset, and writing again the same text.
static void assert_round_trip(const preset *p)
{
  char *text = written(p);
  preset again;
  read_text(&again, text);
  assert_same(p, &again);
  char *second = written(&again);
  assert_string_equal(text, second);
  preset_free(&again);
  free(second);
  free(text);
}

/// Refused, with a sentence that begins with the place and holds every one of `parts`.
static void refused(const char *text, const char *const *parts)
{
  preset p;
  error err = {0};
  assert_int_equal(preset_parse(&p, text, strlen(text), "a.ini", &err), STATUS_FORMAT);
  assert_int_equal(err.code, STATUS_FORMAT);
  assert_int_equal(strncmp(err.message, "a.ini", 5), 0);
  assert_null(strchr(err.message, '\n'));
  for (; *parts; ++parts) {
    if (!strstr(err.message, *parts)) {
      fail_msg("\"%s\" is not in: %s", *parts, err.message);
    }
  }
}
#define REFUSED(text, ...) refused(text, (const char *const[]){__VA_ARGS__, NULL})

// ---- there and back ----------------------------------------------------------------------------

static void test_every_parameter_at_its_bounds(void **state)
{
  (void)state;
  preset p;
  preset_init(&p);
  assert_round_trip(&p);
  for (int i = 0; i < parameter_count(); ++i) {
    const parameter_info *info = parameter_get(i);
    const double values[] = {info->least, info->most, info->standard,
                             parameter_clamp(i, 0.5 * (info->least + info->most))};
    for (int k = 0; k < 4; ++k) {
      p.values[i] = values[k] + 0.0;
      assert_round_trip(&p);
    }
  }
}

static void test_every_parameter_at_random(void **state)
{
  (void)state;
  preset p;
  preset_init(&p);
  for (uint64_t round = 0; round < 200; ++round) {
    double values[PARAMETER_MAX];
    for (int i = 0; i < parameter_count(); ++i) {
      const parameter_info *info = parameter_get(i);
      // All 53 bits of a double, so that a digit too few would show.
      const double share = ldexp((double)(random_bits(7, round, (uint64_t)i) >> 11), -53);
      values[i] = info->least + share * (info->most - info->least);
    }
    preset_from_values(&p, values);
    assert_round_trip(&p);
  }
}

static void test_words_and_controllers(void **state)
{
  (void)state;
  preset p;
  preset_init(&p);
  strcpy(p.name, "Öde Höhe; nur leise");
  strcpy(p.author, "a = b");
  strcpy(p.tags, "soft, slow");
  strcpy(p.comment, "first line\n\n# third line = 3\n[x]");
  strcpy(p.model, "my drums");
  memset(p.model_sha256, 'a', 64);
  strcpy(p.codec, "default");
  memset(p.name + strlen(p.name), 'n', PRESET_WORD_BYTES - 1 - strlen(p.name));
  for (int cc = 0; cc < PRESET_N_CONTROLLERS; ++cc) {
    p.bound[cc] = (int16_t)(cc % (parameter_count() + 2) - 2);
  }
  assert_round_trip(&p);
  preset_free(&p);
  assert_int_equal(p.bound[127], PRESET_BOUND_STANDARD);
}

static void test_what_is_missing_is_standard(void **state)
{
  (void)state;
  preset p, plain;
  preset_init(&plain);
  read_text(&p, HEAD);
  assert_same(&p, &plain);
  read_text(&p, "\xef\xbb\xbf; mine\r\n[preset]\r\n format: 1 ; of today\r\nmode=answer\r\n"
                "comment = two\r\ncomment =\r\ncomment = three\r\n"
                "[parameters]\r\n  mix = 0.25\r\nfeedback_guard = off\r\n"
                "[midi]\r\ncc1 = mix\r\ncc127 = none");
  assert_true(p.values[PARAMETER_MODE] == MODE_ANSWER && p.values[PARAMETER_MIX] == 0.25);
  assert_true(p.values[PARAMETER_FEEDBACK_GUARD] == 0.0);
  assert_true(p.values[PARAMETER_LEVEL] == 0.0 && p.values[PARAMETER_JUMP] == 0.05);
  assert_string_equal(p.comment, "two\n\nthree");
  assert_int_equal(p.bound[1], PARAMETER_MIX);
  assert_int_equal(p.bound[127], PRESET_BOUND_NONE);
  assert_int_equal(p.bound[0], PRESET_BOUND_STANDARD);
  read_text(&p, HEAD "[parameters]\nmode = freeze\n"); // among the parameters, too
  assert_true(p.values[PARAMETER_MODE] == MODE_FREEZE);
}

static void test_locale_does_not_matter(void **state)
{
  (void)state;
  if (!setlocale(LC_NUMERIC, "de_DE.UTF-8") && !setlocale(LC_NUMERIC, "fr_FR.UTF-8")) {
    skip();
  }
  preset p;
  read_text(&p, HEAD "[parameters]\nmix = 0.5\n");
  assert_true(p.values[PARAMETER_MIX] == 0.5);
  assert_round_trip(&p);
  setlocale(LC_NUMERIC, "C");
}

// A line longer than libinih reads would be lost, and a file larger than is read, too.
static void test_lines_can_be_read(void **state)
{
  (void)state;
  preset p;
  preset_init(&p);
  memset(p.name, 'n', PRESET_WORD_BYTES - 1);
  for (int i = 0; i < parameter_count(); ++i) { // the longest numbers
    const parameter_info *info = parameter_get(i);
    p.values[i] = parameter_clamp(i, info->least + (info->most - info->least) / 3.0);
  }
  char *text = written(&p);
  int n_values = 0;
  for (const char *line = text; *line; line = strchr(line, '\n') + 1) {
    assert_true(strchr(line, '\n') - line < 196);
    n_values += *line >= 'a' && *line <= 'z';
  }
  assert_int_equal(n_values, 8 + parameter_count()); // format, seven words, every parameter
  assert_true(strlen(text) < PRESET_MAX_BYTES / 8);
  assert_non_null(strstr(text, "\n# level: of the output; -60 to 12 dB; standard 0\nlevel = "));
  assert_non_null(strstr(text, "\n# thru: what is heard of the input while listening; off, dry, "
                               "codec; standard off\nthru = dry\n"));
  free(text);
}

// ---- what is refused ---------------------------------------------------------------------------

static void test_no_preset(void **state)
{
  (void)state;
  REFUSED("", "nothing in it", "[preset]");
  REFUSED("\n\n# only words\n", "nothing in it");
  REFUSED("[parameters]\nmix = 1\n", "a.ini:2: ", "[preset]", "format = 1");
  REFUSED("[preset]\nname = x\nformat = 1\n", "a.ini:2: ", "format = 1 first");
  REFUSED("[preset]\nformat = x\n", "a.ini:2: ", "format = x");
  REFUSED("[preset]\nformat = 0\n", "format = 0");
  REFUSED("[preset]\nformat = -1\n", "format = -1");
  REFUSED("[preset]\nformat = 99999999999999999999\n", "format = 999");
  REFUSED(HEAD "format = 1\n", "a.ini:3: ", "already");
  REFUSED("\x7f"
          "ELF\x02\x01",
          "a.ini:1: ", "no text");
  REFUSED("\x89PNG\r\n\x1a\n", "a.ini:1: ", "no text");
  REFUSED("a preset, I swear\n", "a.ini:1: ", "[section] or key = value");
}

static void test_huge(void **state)
{
  (void)state;
  preset p;
  error err = {0};
  const size_t size = PRESET_MAX_BYTES + 1;
  char *text = malloc(size);
  assert_non_null(text);
  memset(text, '\n', size);
  memcpy(text, HEAD, strlen(HEAD));
  assert_int_equal(preset_parse(&p, text, size - 1, "a.ini", &err), STATUS_OK);
  assert_int_equal(preset_parse(&p, text, size, "a.ini", &err), STATUS_FORMAT);
  assert_non_null(strstr(err.message, "262145 bytes"));
  memset(text + strlen(HEAD), 'a', 5000);
  assert_int_equal(preset_parse(&p, text, 5000, "a.ini", &err), STATUS_FORMAT);
  assert_non_null(strstr(err.message, "a.ini:3: a line of"));
  free(text);
}

static void test_unknown(void **state)
{
  (void)state;
  REFUSED(HEAD "title = x\n", "a.ini:3: ", "title", "name, author");
  REFUSED(HEAD "[paramters]\nmix = 1\n", "a.ini:4: ", "[paramters]", "[parameters]");
  REFUSED(HEAD "[parameters]\nmixx = 1\n", "a.ini:4: ", "mixx");
  REFUSED(HEAD "[midi]\ncc7 = mixx\n", "a.ini:4: ", "cc7 = mixx", "a parameter or none");
  REFUSED(HEAD "[midi]\nnote = mix\n", "a.ini:4: ", "note", "cc0 to cc127");
  static const char *const no_controllers[] = {"cc128", "cc-1", "cc",   "cc07", "cc 7",
                                               "cc+7",  "CC7",  "cc7x", "xcc7"};
  for (int i = 0; i < 9; ++i) {
    char text[80];
    snprintf(text, sizeof text, HEAD "[midi]\n%s = mix\n", no_controllers[i]);
    REFUSED(text, "a.ini:4: ", "expected a controller");
  }
}

static void test_every_parameter_out_of_range(void **state)
{
  (void)state;
  for (int i = 0; i < parameter_count(); ++i) {
    const parameter_info *info = parameter_get(i);
    const double outside[] = {info->least - fmax(1.0, fabs(info->least) * 1e-9),
                              info->most + fmax(1.0, fabs(info->most) * 1e-9), (double)NAN,
                              (double)INFINITY};
    for (int k = 0; k < 4; ++k) {
      char text[160];
      snprintf(text, sizeof text, HEAD "[parameters]\n%s = %.17g\n", info->key, outside[k]);
      REFUSED(text, "a.ini:4: ", info->key);
    }
    char text[160];
    snprintf(text, sizeof text, HEAD "[parameters]\n%s = much\n", info->key);
    REFUSED(text, "a.ini:4: ", info->key, "much");
    snprintf(text, sizeof text, HEAD "[parameters]\n%s =\n", info->key);
    REFUSED(text, "a.ini:4: ", info->key);
    if (info->kind == PARAMETER_WHOLE) {
      snprintf(text, sizeof text, HEAD "[parameters]\n%s = 1.5\n", info->key);
      REFUSED(text, "a.ini:4: ", info->key, "whole");
    }
  }
}

static void test_twice(void **state)
{
  (void)state;
  REFUSED(HEAD "name = a\nname = a\n", "a.ini:4: ", "name", "line 3");
  REFUSED(HEAD "mode = listen\n[parameters]\nmode = listen\n", "a.ini:5: ", "mode", "line 3");
  REFUSED(HEAD "[parameters]\nmix = 1\n[midi]\ncc1 = mix\n[parameters]\nmix = 1\n",
          "a.ini:8: ", "mix", "line 4");
  REFUSED(HEAD "[midi]\ncc1 = mix\ncc2 = mix\ncc1 = level\n", "a.ini:6: ", "cc1", "line 4");
}

static void test_words_that_are_none(void **state)
{
  (void)state;
  char text[400];
  snprintf(text, sizeof text, HEAD "name = %0161d\n", 0);
  REFUSED(text, "a.ini:3: ", "name", "160 bytes");
  REFUSED(HEAD "name = a\tb\n", "a.ini:3: ", "name");
  REFUSED(HEAD "name =;b\n", "a.ini:3: ", "name");
  REFUSED(HEAD "model_sha256 = abc\n", "a.ini:3: ", "64 digits");
  char *long_comment = calloc(1, 20 * 200);
  assert_non_null(long_comment);
  strcpy(long_comment, HEAD);
  for (int i = 0; i < 15; ++i) {
    sprintf(long_comment + strlen(long_comment), "comment = %0150d\n", i);
  }
  REFUSED(long_comment, "a.ini:16: ", "2046 bytes");
  free(long_comment);
}

/// Cut anywhere a file is still read as what it says by then, or refused in one sentence.
static void test_truncated(void **state)
{
  (void)state;
  preset p, cut;
  preset_init(&p);
  strcpy(p.comment, "one\ntwo");
  char *text = written(&p);
  int n_refused = 0;
  for (size_t size = 0; size <= strlen(text); ++size) {
    error err = {0};
    if (preset_parse(&cut, text, size, "a.ini", &err)) {
      ++n_refused;
      assert_int_equal(strncmp(err.message, "a.ini", 5), 0);
      assert_true(strlen(err.message) > 10);
    }
    preset_free(&cut);
  }
  assert_true(n_refused > 100);
  assert_int_equal(preset_parse(&cut, text, strlen(text), "a.ini", NULL), STATUS_OK);
  free(text);
}

// ---- a newer format ----------------------------------------------------------------------------

static void test_newer_is_kept(void **state)
{
  (void)state;
  preset p;
  read_text(&p, NEWER "colour = blue\nmode = sing\ntempo = not the parameter\n"
                      "[parameters]\nmix = 0.5\nwarmth = 3\nwarmth = 4\nthru = sideways\n"
                      "level = 40\n"
                      "[scenes]\none=;tight\ntwo = a b ; said\n"
                      "[midi]\ncc1 = mix\nnote60 = mark\ncc2 = warmth\n"
                      "[scenes]\nthree =\n");
  assert_int_equal(p.format, 2);
  assert_true(p.values[PARAMETER_MIX] == 0.5);
  assert_true(p.values[PARAMETER_MODE] == MODE_MONITOR && p.values[PARAMETER_LEVEL] == 0.0);
  assert_int_equal(p.bound[1], PARAMETER_MIX);
  assert_int_equal(p.n_kept, 12);
  char *text = written(&p);
  static const char *const lines[] = {"\nformat = 2\n",
                                      "\ncolour = blue\n",
                                      "\nmode = sing\n",
                                      "\ntempo = not the parameter\n",
                                      "\nwarmth = 3\n",
                                      "\nwarmth = 4\n",
                                      "\nthru = sideways\n",
                                      "\nlevel = 40\n",
                                      "\n[scenes]\none=;tight\n",
                                      "\ntwo = a b\n",
                                      "\nthree = \n",
                                      "\nnote60 = mark\n",
                                      "\ncc2 = warmth\n",
                                      "\nmix = 0.5\n",
                                      "\ntempo = 0\n"};
  for (size_t i = 0; i < sizeof lines / sizeof *lines; ++i) {
    const char *found = strstr(text, lines[i]);
    if (!found || strstr(found + 1, lines[i])) {
      fail_msg("not once: %s\n%s", lines[i] + 1, text);
    }
  }
  preset again;
  read_text(&again, text);
  char *second = written(&again);
  assert_string_equal(text, second);
  assert_int_equal(again.n_kept, 12);
  free(second);
  free(text);
  // What the player sets comes before what is not known here.
  again.values[PARAMETER_LEVEL] = -3.0;
  again.bound[2] = PARAMETER_MIX;
  text = written(&again);
  assert_non_null(strstr(text, "\nlevel = -3\n"));
  assert_null(strstr(text, "level = 40"));
  assert_non_null(strstr(text, "\ncc2 = mix\n"));
  assert_null(strstr(text, "cc2 = warmth"));
  free(text);
  preset_free(&again);
  preset_free(&p);
}

static void test_newer_is_still_read_with_care(void **state)
{
  (void)state;
  REFUSED(NEWER "[parameters]\nmix = 0.5\nmix = 0.5\n", "a.ini:5: ", "mix");
  REFUSED(NEWER "[a b]\nx = 1\n", "a.ini:4: ", "letters");
  REFUSED(NEWER "[x]\na b = 1\n", "a.ini:4: ", "letters");
  REFUSED("[preset]\nformat = 2\nbad\n", "a.ini:3: ", "key = value");
  char *many = calloc(1, 8192);
  assert_non_null(many);
  strcpy(many, NEWER "[x]\n");
  for (int i = 0; i < PRESET_MAX_KEPT + 1; ++i) {
    sprintf(many + strlen(many), "k%d = 1\n", i);
  }
  REFUSED(many, "a.ini:260: ", "more than 256");
  free(many);
}

/// The longest line there may be, of something unknown.
static void test_long_newer_lines_stay_readable(void **state)
{
  (void)state;
  preset p;
  char text[400];
  const size_t head = strlen(NEWER "[x]\n");
  for (int size = 180; size <= 198; ++size) {
    snprintf(text, sizeof text, NEWER "[x]\nk=%0*d\n", size - 2, 1);
    assert_int_equal(strlen(text), head + (size_t)size + 1);
    read_text(&p, text);
    assert_round_trip(&p);
    preset_free(&p);
  }
}

// ---- controls ----------------------------------------------------------------------------------

static void test_controls(void **state)
{
  (void)state;
  preset p;
  control controls[PARAMETER_MAX];
  read_text(&p, HEAD "mode = answer\n[parameters]\nlevel = -6\nseed = 9007199254740991\n");
  const int n = preset_to_controls(&p, true, 12345, controls);
  assert_int_equal(n, parameter_count());
  bool seen[PARAMETER_MAX] = {false};
  for (int i = 0; i < n; ++i) {
    const control *c = &controls[i];
    assert_int_equal(c->kind, CONTROL_SET);
    assert_true(c->position_samples == 12345 && c->value == p.values[c->id]);
    assert_false(seen[c->id]);
    seen[c->id] = true;
    // Those of the sample stand before those of the step.
    assert_true(i == 0 || parameter_get(controls[i - 1].id)->of_sample ||
                !parameter_get(c->id)->of_sample);
  }
  assert_int_equal(controls[n - 1].id, PARAMETER_MODE);
  assert_true(controls[n - 1].value == MODE_ANSWER);
  assert_int_equal(preset_to_controls(&p, false, 1, controls), n);
  assert_true(controls[n - 1].value == MODE_MONITOR);
  assert_true(p.values[PARAMETER_MODE] == MODE_ANSWER);
}

static void test_from_values(void **state)
{
  (void)state;
  preset p;
  double values[PARAMETER_MAX];
  read_text(&p, HEAD "name = x\n[midi]\ncc1 = mix\n");
  parameters_standard(values);
  assert_false(preset_differs(&p, values));
  values[PARAMETER_MIX] = -3.0;
  values[PARAMETER_SEED] = 2.4;
  values[PARAMETER_LEVEL] = -0.0;
  values[PARAMETER_PULSE] = (double)NAN;
  assert_true(preset_differs(&p, values));
  preset_from_values(&p, values);
  assert_false(preset_differs(&p, values));
  assert_true(p.values[PARAMETER_MIX] == 0.0 && p.values[PARAMETER_SEED] == 2.0);
  assert_true(p.values[PARAMETER_PULSE] == parameter_get(PARAMETER_PULSE)->standard);
  assert_false(signbit(p.values[PARAMETER_LEVEL]));
  assert_string_equal(p.name, "x");
  assert_int_equal(p.bound[1], PARAMETER_MIX);
  assert_round_trip(&p);
}

// ---- files -------------------------------------------------------------------------------------

static void test_words_that_cannot_be_written(void **state)
{
  const temp_folder *folder = *state;
  static const char *const bad[] = {"a ; b", "; a", " a", "a ", "a\nb", "\xff", "a\x7f"};
  preset p;
  error err = {0};
  preset_init(&p);
  strcpy(p.name, "before");
  assert_int_equal(preset_save(&p, folder->file, &err), STATUS_OK);
  for (int i = 0; i < 7; ++i) {
    strcpy(p.name, bad[i]);
    assert_int_equal(preset_save(&p, folder->file, &err), STATUS_USAGE);
    assert_non_null(strstr(err.message, "name"));
    assert_non_null(strstr(err.message, folder->file));
    preset_init(&p);
    sprintf(p.comment, "fine\n%s", bad[i]);
    assert_int_equal(preset_save(&p, folder->file, &err), i == 4 ? STATUS_OK : STATUS_USAGE);
    preset_init(&p);
  }
  memset(p.tags, 't', sizeof p.tags);
  assert_int_equal(preset_save(&p, folder->file, &err), STATUS_USAGE);
  preset_init(&p);
  strcpy(p.model_sha256, "12");
  assert_int_equal(preset_save(&p, folder->file, &err), STATUS_USAGE);
  preset_init(&p);
  p.bound[5] = PARAMETER_MAX;
  assert_int_equal(preset_save(&p, folder->file, &err), STATUS_USAGE);
  assert_int_equal(temp_folder_count(folder), 1);
}

static void test_missing_file(void **state)
{
  const temp_folder *folder = *state;
  preset p;
  error err = {0};
  assert_int_equal(preset_load(&p, folder->file, &err), STATUS_NOT_FOUND);
  assert_non_null(strstr(err.message, folder->file));
  assert_int_equal(preset_load(&p, folder->path, &err), STATUS_IO);
}

static void save_named(const char *path, const char *name)
{
  preset p;
  error err = {0};
  preset_init(&p);
  strcpy(p.name, name);
  if (preset_save(&p, path, &err)) {
    fail_msg("%s", err.message);
  }
}

static void expect_named(const char *path, const char *name)
{
  preset p;
  error err = {0};
  if (preset_load(&p, path, &err)) {
    fail_msg("%s", err.message);
  }
  assert_string_equal(p.name, name);
}

static void test_full_disk(void **state)
{
  const temp_folder *folder = *state;
  preset p;
  struct rlimit before;
  error err = {0};
  save_named(folder->file, "old");
  preset_init(&p);
  getrlimit(RLIMIT_FSIZE, &before);
  signal(SIGXFSZ, SIG_IGN);
  for (rlim_t size = 0; size < 3000; size += 500) {
    const struct rlimit small = {size, before.rlim_max};
    setrlimit(RLIMIT_FSIZE, &small);
    const status code = preset_save(&p, folder->file, &err);
    setrlimit(RLIMIT_FSIZE, &before);
    assert_int_equal(code, STATUS_IO);
    assert_non_null(strstr(err.message, folder->file));
    expect_named(folder->file, "old");
    assert_int_equal(temp_folder_count(folder), 1);
  }
}

/// Killed at whatever moment, there is the old preset or the new one.
static void test_killed(void **state)
{
  const temp_folder *folder = *state;
  int n_killed = 0;
  for (int round = 0; round < 40; ++round) {
    save_named(folder->file, "whole");
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
      for (;;) {
        preset p;
        preset_init(&p);
        strcpy(p.name, "whole");
        if (preset_save(&p, folder->file, NULL)) {
          _exit(1);
        }
      }
    }
    usleep((useconds_t)(500 + random_bits(3, 4, (uint64_t)round) % 5000));
    kill(child, SIGKILL);
    int how = 0;
    waitpid(child, &how, 0);
    n_killed += WIFSIGNALED(how);
    expect_named(folder->file, "whole");
  }
  assert_int_equal(n_killed, 40);
}

static status write_and_read(void *user, error *err)
{
  const temp_folder *folder = user;
  preset p;
  static const char text[] = NEWER "[x]\na = 1\nb = 2\n";
  status code = preset_parse(&p, text, sizeof text - 1, "a.ini", err);
  if (code == STATUS_OK) {
    code = preset_save(&p, folder->file, err);
    preset_free(&p);
  }
  if (code == STATUS_OK) {
    code = preset_load(&p, folder->file, err);
    preset_free(&p);
  }
  return code;
}

static void test_no_memory(void **state)
{
  assert_true(failing_alloc_each(write_and_read, *state) >= 4);
  assert_int_equal(temp_folder_count(*state), 1);
}

#define in_folder(test) cmocka_unit_test_setup_teardown(test, temp_folder_make, temp_folder_remove)

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_every_parameter_at_its_bounds),
      cmocka_unit_test(test_every_parameter_at_random),
      cmocka_unit_test(test_words_and_controllers),
      cmocka_unit_test(test_what_is_missing_is_standard),
      cmocka_unit_test(test_locale_does_not_matter),
      cmocka_unit_test(test_lines_can_be_read),
      cmocka_unit_test(test_no_preset),
      cmocka_unit_test(test_huge),
      cmocka_unit_test(test_unknown),
      cmocka_unit_test(test_every_parameter_out_of_range),
      cmocka_unit_test(test_twice),
      cmocka_unit_test(test_words_that_are_none),
      cmocka_unit_test(test_truncated),
      cmocka_unit_test(test_newer_is_kept),
      cmocka_unit_test(test_newer_is_still_read_with_care),
      cmocka_unit_test(test_long_newer_lines_stay_readable),
      cmocka_unit_test(test_controls),
      cmocka_unit_test(test_from_values),
      in_folder(test_words_that_cannot_be_written),
      in_folder(test_missing_file),
      in_folder(test_full_disk),
      in_folder(test_killed),
      in_folder(test_no_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
