// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// What a checkpoint gives without a trainer is what the trainer itself would write.

#include "train/codec_export.h"

#include "base/file.h"
#include "models/seanet_file.h"
#include "train/codec_trainer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/temp_folder.h"
#include "tests/train/small_set.h"

typedef struct fixture {
  temp_folder *folder;
  char checkpoint[700];
  dataset *set;
  crops *source;
} fixture;

static void ok(status code, const error *err)
{
  if (code != STATUS_OK) {
    fail_msg("%s", err->message);
  }
}

static recipe small_recipe(const char *norm, const char *average_decay)
{
  char text[1024];
  recipe r;
  error err = {0};
  snprintf(text, sizeof text,
           "[recipe]\nname = small\n"
           "[codec]\nname = small\nlatent_dim = 8\nstrides = 4, 5\nn_codebooks = 2\n"
           "codebook_size = 16\nnorm = %s\n"
           "[encoder]\nwidth = 4\nn_residual = 1\n[decoder]\nwidth = 4\nn_residual = 1\n"
           "[data]\ncrop_samples = 400\n[batch]\nsize = 2\nmicro_batches = 1\n"
           "[phases]\nunquantised = 2\nreconstruction = 5\nadversarial = 0\n"
           "[optimiser]\nrate = 5e-3\nwarmup_steps = 1\naverage_decay = %s\n"
           "[loss]\nmel_windows = 32, 64\nmel_bins = 8\nadversarial = 0\nfeature = 0\n"
           "[quantiser]\nstart_vectors = 100\nstart_iterations = 2\n"
           "[discriminator]\nstft_windows =\nwave_scales = 0\n",
           norm, average_decay);
  ok(recipe_parse(&r, text, "small", &err), &err);
  return r;
}

static int make_fixture(void **state)
{
  static fixture f;
  char path[700];
  void *folder = NULL;
  error err = {0};
  if (temp_folder_make(&folder)) {
    return -1;
  }
  f = (fixture){.folder = folder};
  snprintf(path, sizeof path, "%s/set", f.folder->path);
  snprintf(f.checkpoint, sizeof f.checkpoint, "%s/step", f.folder->path);
  ok(small_set_write(path, 0, &err), &err);
  ok(dataset_open(&f.set, path, &err), &err);
  const recipe r = small_recipe("none", "0.9");
  ok(crops_new(&f.source, f.set, &r.data, 5, &err), &err);
  *state = &f;
  return 0;
}

static int remove_fixture(void **state)
{
  fixture *f = *state;
  void *folder = f->folder;
  crops_free(f->source);
  dataset_close(f->set);
  return temp_folder_remove(&folder);
}

/// A trainer after a few steps, with its checkpoint written.
static codec_trainer *train(const fixture *f, const recipe *wanted)
{
  const trainer_options options = {.device = {.kind = COMPUTE_CPU}, .n_threads = 1};
  codec_trainer *t = NULL;
  trainer_report report;
  error err = {0};
  ok(codec_trainer_new(&t, wanted, f->source, &options, &err), &err);
  ok(codec_trainer_initialise(t, &err), &err);
  for (int i = 0; i < 5; ++i) {
    ok(codec_trainer_step(t, &report, &err), &err);
  }
  ok(codec_trainer_save(t, f->checkpoint, &err), &err);
  return t;
}

static void expect_same_file(const char *a, const char *b)
{
  file_map x, y;
  error err = {0};
  ok(file_map_open(&x, a, &err), &err);
  ok(file_map_open(&y, b, &err), &err);
  assert_int_equal(x.size_bytes, y.size_bytes);
  assert_memory_equal(x.data, y.data, x.size_bytes);
  file_map_close(&x);
  file_map_close(&y);
}

static void gives_what_the_trainer_gives(void **state)
{
  const fixture *f = *state;
  static const char *const norms[] = {"none", "weight"};
  char ours[700], theirs[700];
  snprintf(ours, sizeof ours, "%s/ours", f->folder->path);
  snprintf(theirs, sizeof theirs, "%s/theirs", f->folder->path);
  for (int i = 0; i < 4; ++i) {
    error err = {0};
    codec_export e;
    const bool average = i & 1;
    const recipe wanted = small_recipe(norms[i / 2], "0.9");
    codec_trainer *t = train(f, &wanted);
    ok(codec_trainer_export(t, theirs, average, &err), &err);
    codec_trainer_free(t);
    ok(codec_export_read(&e, f->checkpoint, average ? EXPORT_AVERAGE_IF_ANY : EXPORT_LAST, &err),
       &err);
    ok(seanet_save(e.net, ours, NULL, 0, &err), &err);
    assert_int_equal(e.steps, 5);
    assert_int_equal(e.averaged, average);
    assert_memory_equal(&e.recipe, &wanted, sizeof wanted);
    assert_true(codec_export_heard_s(&e.recipe, e.steps) == 5 * 2 * 400 / 24000.0);
    codec_export_free(&e);
    expect_same_file(ours, theirs);
  }
}

static void no_average_was_kept(void **state)
{
  const fixture *f = *state;
  error err = {0};
  codec_export e;
  const recipe wanted = small_recipe("none", "0");
  codec_trainer_free(train(f, &wanted));
  assert_int_equal(codec_export_read(&e, f->checkpoint, EXPORT_AVERAGE, &err), STATUS_USAGE);
  assert_non_null(strstr(err.message, "average_decay"));
  codec_export_free(&e);
  ok(codec_export_read(&e, f->checkpoint, EXPORT_AVERAGE_IF_ANY, &err), &err);
  assert_false(e.averaged);
  codec_export_free(&e);
}

typedef struct damage {
  const char *from, *to; ///< same length
  status code;
  const char *word;
} damage;

static void damage_is_named(void **state)
{
  static const damage damages[] = {
      {"codec training", "codek training", STATUS_FORMAT, "codek training"},
      {"\\\"step\\\":5", "\\\"stop\\\":5", STATUS_FORMAT, "step"},
      {"latent_dim = 8", "latent_dim = 9", STATUS_FORMAT, "encoder.out.weight"},
      {"latent_dim = 8", "latent_dom = 8", STATUS_USAGE, "latent_dom"},
      {"generator.average.decoder.out.bias", "generator.average.decoder.out.bios", STATUS_NOT_FOUND,
       "generator.average.decoder.out.bias"},
      {"\"rvq.1.codebook\"", "\"rvq.1.codebock\"", STATUS_NOT_FOUND, "rvq.1.codebook"},
      {"clip_norm = 1", "clip_norm = 2", STATUS_FORMAT, "SHA-256"},
  };
  const fixture *f = *state;
  const recipe wanted = small_recipe("none", "0.9");
  error err = {0};
  file_map map;
  codec_trainer_free(train(f, &wanted));
  ok(file_map_open(&map, f->checkpoint, &err), &err);
  for (size_t i = 0; i <= sizeof damages / sizeof *damages; ++i) {
    const damage *d = i < sizeof damages / sizeof *damages ? &damages[i] : NULL;
    char *copy = malloc(map.size_bytes);
    codec_export e;
    assert_non_null(copy);
    memcpy(copy, map.data, map.size_bytes);
    if (d) {
      char *at = memmem(copy, map.size_bytes, d->from, strlen(d->from));
      assert_non_null(at);
      memcpy(at, d->to, strlen(d->to));
    }
    FILE *file = fopen(f->folder->file, "wb");
    const size_t kept = d ? map.size_bytes : map.size_bytes - 4; // the last: cut short
    assert_true(file && fwrite(copy, 1, kept, file) == kept && fclose(file) == 0);
    const status found = codec_export_read(&e, f->folder->file, EXPORT_AVERAGE_IF_ANY, &err);
    codec_export_free(&e);
    free(copy);
    if (found != (d ? d->code : STATUS_FORMAT) || (d && !strstr(err.message, d->word))) {
      fail_msg("%s: found %d, %s", d ? d->word : "cut", found, err.message);
    }
    assert_non_null(strstr(err.message, f->folder->file));
  }
  file_map_close(&map);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(gives_what_the_trainer_gives, make_fixture, remove_fixture),
      cmocka_unit_test_setup_teardown(no_average_was_kept, make_fixture, remove_fixture),
      cmocka_unit_test_setup_teardown(damage_is_named, make_fixture, remove_fixture),
  };
  return cmocka_run_group_tests_name("codec export", tests, NULL, NULL);
}
