// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "models/import.h"

#include "models/codec.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

typedef struct fixture {
  char folder[64], destination[96], text[96];
} fixture;

static int setup(void **state)
{
  fixture *f = calloc(1, sizeof *f);
  assert_non_null(f);
  snprintf(f->folder, sizeof f->folder, "/tmp/continuo-test-XXXXXX");
  assert_non_null(mkdtemp(f->folder));
  snprintf(f->destination, sizeof f->destination, "%s/model.safetensors", f->folder);
  snprintf(f->text, sizeof f->text, "%s/notes.txt", f->folder);
  FILE *stream = fopen(f->text, "w");
  assert_non_null(stream);
  assert_true(fputs("no model\n", stream) >= 0);
  assert_int_equal(fclose(stream), 0);
  *state = f;
  return 0;
}

static int teardown(void **state)
{
  fixture *f = *state;
  unlink(f->destination);
  unlink(f->text);
  const int left = rmdir(f->folder); // fails when a temporary file was left behind
  free(f);
  return left;
}

static void refuse(const fixture *f, const char *source, int n_sources, status code,
                   const char *words)
{
  error err = {0};
  assert_int_equal(model_import(&source, n_sources, f->destination, NULL, &err), code);
  if (!strstr(err.message, words)) {
    fail_msg("\"%s\" does not say \"%s\"", err.message, words);
  }
  assert_int_not_equal(access(f->destination, F_OK), 0);
}

static void test_what_is_no_model_is_refused(void **state)
{
  const fixture *f = *state;
  refuse(f, NULL, 0, STATUS_USAGE, "nothing to import");
  refuse(f, f->text, 1, STATUS_UNSUPPORTED, "notes.txt");
  refuse(f, f->folder, 1, STATUS_UNSUPPORTED, f->folder);
  refuse(f, "/nowhere/at/all", 1, STATUS_NOT_FOUND, "/nowhere/at/all");
  refuse(f, "", 1, STATUS_NOT_FOUND, "cannot open");
}

static void test_importers_describe_themselves(void **state)
{
  (void)state;
  assert_non_null(strstr(model_import_describe(0), "Lyra"));
  assert_null(model_import_describe(-1));
  assert_null(model_import_describe(1000));
}

static void test_lyra_from_its_folder_plays(void **state)
{
  const fixture *f = *state;
  char folder[2048], one[2100];
  const char *shared = getenv("CONTINUO_SHARED");
  snprintf(folder, sizeof folder, "%s/data/lyra", shared ? shared : "");
  snprintf(one, sizeof one, "%s/lyragan.tflite", folder);
  if (access(one, R_OK) != 0) {
    print_message("no Lyra weights in %s\n", folder);
    skip();
  }
  refuse(f, one, 1, STATUS_USAGE, "encoder is missing");
  error err = {0};
  const char *mixed[] = {folder, f->text}; // a named file is never passed over
  assert_int_equal(model_import(mixed, 2, f->destination, NULL, &err), STATUS_FORMAT);
  assert_non_null(strstr(err.message, "notes.txt"));
  const char *source = folder;
  if (model_import(&source, 1, f->destination, NULL, &err) != STATUS_OK) {
    fail_msg("%s", err.message);
  }
  device *dev = NULL;
  codec *c = NULL;
  const device_options cpu = {.kind = COMPUTE_CPU, .n_threads = 1};
  assert_int_equal(device_open(&dev, &cpu, &err), STATUS_OK);
  const codec_options options = {.dev = dev, .storage = DTYPE_F32};
  assert_int_equal(codec_open(&c, f->destination, &options, &err), STATUS_OK);
  assert_string_equal(codec_get_info(c)->name, "lyra_v1.2");
  assert_string_equal(codec_get_info(c)->licence, "Apache-2.0");
  codec_unref(c);
  device_unref(dev);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_what_is_no_model_is_refused, setup, teardown),
      cmocka_unit_test(test_importers_describe_themselves),
      cmocka_unit_test_setup_teardown(test_lyra_from_its_folder_plays, setup, teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
