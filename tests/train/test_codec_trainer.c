// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "train/codec_trainer.h"

#include "base/random.h"
#include "models/codec.h"
#include "models/seanet_file.h"
#include "tests/temp_folder.h"
#include "train/critics_file.h"
#include "train/set_writer.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { RATE = 8000, HOP = 20, CROP = 400, CLIPS = 6, CLIP_SAMPLES = 4000 };

typedef struct fixture {
  temp_folder *folder;
  char set_path[700];
  dataset *set;
  crops *source;
  recipe recipe;
} fixture;

static void ok(status code, const error *err)
{
  if (code != STATUS_OK) {
    fail_msg("%s", err->message);
  }
}

// Two tones with a slow beat and a little noise.
static float sample(int clip, int i)
{
  const double t = (double)i / RATE, f = 200.0 + 90.0 * clip;
  const double tone = sin(6.283185307 * f * t) + 0.5 * sin(6.283185307 * 2.7 * f * t + clip);
  const double noise = (double)random_uniform(4, (uint64_t)clip, (uint64_t)i) - 0.5;
  return (float)(0.2 * tone * (1.0 + sin(20.0 * t)) + 0.02 * noise);
}

static void write_set(const char *path)
{
  error err = {0};
  set_writer *w = NULL;
  const set_head head = {.rate_hz = RATE, .validation = 0.2, .group = "", .rule = "the last"};
  ok(set_writer_open(&w, path, &head, &err), &err);
  for (int c = 0; c < CLIPS; ++c) {
    char name[32];
    float x[CLIP_SAMPLES];
    snprintf(name, sizeof name, "tones/%d", c);
    for (int i = 0; i < CLIP_SAMPLES; ++i) {
      x[i] = sample(c, i);
    }
    const set_clip clip = {.kind = "tones",
                           .path = name,
                           .validation = c == CLIPS - 1,
                           .gain = 1.0,
                           .file_rate_hz = RATE,
                           .file_channels = 1};
    ok(set_writer_begin(w, &clip, CLIP_SAMPLES, &err), &err);
    ok(set_writer_push(w, x, CLIP_SAMPLES, &err), &err);
    ok(set_writer_end(w, &err), &err);
  }
  ok(set_writer_commit(w, &err), &err);
}

static recipe small_recipe(void)
{
  recipe r;
  error err = {0};
  static const char text[] =
      "[recipe]\nname = small\n"
      "[codec]\nname = small\nrate_hz = 8000\nlatent_dim = 8\nstrides = 4, 5\n"
      "n_codebooks = 3\ncodebook_size = 16\n"
      "[encoder]\nwidth = 4\nn_residual = 1\nn_lstm = 0\n"
      "[decoder]\nwidth = 4\nn_residual = 1\nn_lstm = 0\n"
      "[data]\ncrop_samples = 400\n"
      "[batch]\nsize = 4\nmicro_batches = 2\n"
      "[phases]\nunquantised = 10\nreconstruction = 70\nadversarial = 0\n"
      "[optimiser]\nrate = 5e-3\nwarmup_steps = 5\n"
      "[loss]\nmel_windows = 32, 64\nmel_bins = 8\nadversarial = 0\n"
      "feature = 0\n"
      "[quantiser]\nstart_vectors = 400\nstart_iterations = 5\n"
      "dropout = example\ndropout_share = 0.5\n"
      "[discriminator]\nstft_windows =\nwave_scales = 0\n"
      "[run]\nseed = 5\n";
  ok(recipe_parse(&r, text, "small", &err), &err);
  return r;
}

static int make_fixture(void **state)
{
  error err = {0};
  fixture *f = calloc(1, sizeof *f);
  void *folder = NULL;
  if (!f || temp_folder_make(&folder)) {
    return -1;
  }
  f->folder = folder;
  snprintf(f->set_path, sizeof f->set_path, "%s/set", f->folder->path);
  write_set(f->set_path);
  f->recipe = small_recipe();
  ok(dataset_open(&f->set, f->set_path, &err), &err);
  ok(crops_new(&f->source, f->set, &f->recipe.data, 5, &err), &err);
  *state = f;
  return 0;
}

static int remove_fixture(void **state)
{
  fixture *f = *state;
  char path[800];
  crops_free(f->source);
  dataset_close(f->set);
  snprintf(path, sizeof path, "%s/index.jsonl", f->set_path);
  remove(path);
  snprintf(path, sizeof path, "%s/audio-000.shard", f->set_path);
  remove(path);
  remove(f->set_path);
  void *folder = f->folder;
  free(f);
  return temp_folder_remove(&folder);
}

static codec_trainer *open_trainer(const fixture *f, const recipe *wanted, int n_threads)
{
  error err = {0};
  codec_trainer *t = NULL;
  const trainer_options options = {.device = {.kind = COMPUTE_CPU}, .n_threads = n_threads};
  ok(codec_trainer_new(&t, wanted, f->source, &options, &err), &err);
  return t;
}

static void steps(codec_trainer *t, int n, trainer_report *last)
{
  error err = {0};
  for (int i = 0; i < n; ++i) {
    ok(codec_trainer_step(t, last, &err), &err);
  }
}

static void expect_same_parameters(const optimiser *a, const optimiser *b)
{
  for (int i = 0; i < a->n_parameters; ++i) {
    const parameter *p = &a->parameters[i], *q = &b->parameters[i];
    const size_t bytes = (size_t)p->count * sizeof(float);
    assert_memory_equal(p->values, q->values, bytes);
    assert_memory_equal(p->mean, q->mean, bytes);
    assert_memory_equal(p->square, q->square, bytes);
    if (p->average) {
      assert_memory_equal(p->average, q->average, bytes);
    }
  }
}

static void expect_same_bits(const codec_trainer *a, const codec_trainer *b)
{
  assert_int_equal(a->step, b->step);
  expect_same_parameters(a->generator, b->generator);
  if (a->critics) {
    expect_same_parameters(a->critics, b->critics);
  }
  assert_memory_equal(a->books->use, b->books->use, (size_t)a->books->count * sizeof(float));
  for (int k = 0; k < a->books->quantiser->n_codebooks; ++k) {
    const weight *book = &a->books->quantiser->codebooks[k];
    assert_memory_equal(book->master, b->books->quantiser->codebooks[k].master,
                        (size_t)weight_count(book) * sizeof(float));
  }
}

// First without the quantiser, then with it: the waveform is found, and stays found.
static void learns(void **state)
{
  const fixture *f = *state;
  error err = {0};
  trainer_report report;
  trainer_validation before, warm, after;
  recipe longer = f->recipe;
  longer.phases = (recipe_phases){.unquantised = 1200, .reconstruction = 800};
  codec_trainer *t = open_trainer(f, &longer, 1);
  ok(codec_trainer_initialise(t, &err), &err);
  ok(codec_trainer_validate(t, 8, &before, &err), &err);
  steps(t, 1200, &report);
  --t->step; // the warm-up's own losses
  ok(codec_trainer_validate(t, 8, &warm, &err), &err);
  ++t->step;
  steps(t, 800, &report);
  ok(codec_trainer_validate(t, 8, &after, &err), &err);
  print_message("SNR %.2f, %.2f, %.2f dB, mel %.3f, %.3f, %.3f, entropy %.2f %.2f %.2f\n",
                before.sums.snr_db, warm.sums.snr_db, after.sums.snr_db,
                before.sums.losses[LOSS_MEL], warm.sums.losses[LOSS_MEL],
                after.sums.losses[LOSS_MEL], after.entropy[0], after.entropy[1], after.entropy[2]);
  assert_true(warm.sums.snr_db > 2.0);
  assert_true(after.sums.snr_db > before.sums.snr_db + 2.0);
  assert_true(after.sums.losses[LOSS_MEL] < 0.8 * before.sums.losses[LOSS_MEL]);
  assert_true(after.entropy[0] > 0.6 && after.entropy[1] > 0.6 && after.entropy[2] > 0.6);
  codec_trainer_free(t);
}

// The same with discriminators that learn on about two steps of three, and the balancer.
static recipe judged_recipe(const recipe *from)
{
  recipe r = *from;
  r.phases = (recipe_phases){.unquantised = 6, .reconstruction = 8, .adversarial = 40};
  r.loss.adversarial = r.loss.feature = 1.0;
  r.loss.balancer = true;
  r.discriminator.stft_windows = (recipe_list){{64, 32}, 2};
  r.discriminator.stft_channels = 4;
  r.discriminator.every = 1;
  r.discriminator.probability = 0.7;
  return r;
}

// Lanes carry the numbers; threads only carry lanes.
static void threads_change_no_bit(void **state)
{
  const fixture *f = *state;
  error err = {0};
  trainer_report report;
  const recipe judged = judged_recipe(&f->recipe);
  codec_trainer *one = open_trainer(f, &judged, 1), *two = open_trainer(f, &judged, 2);
  ok(codec_trainer_initialise(one, &err), &err);
  ok(codec_trainer_initialise(two, &err), &err);
  steps(one, 25, &report);
  assert_int_equal(report.phase, PHASE_ADVERSARIAL);
  assert_true(report.sums.losses[LOSS_ADVERSARIAL] > 0.0 && report.sums.losses[LOSS_FEATURE] > 0.0);
  steps(two, 25, &report);
  expect_same_bits(one, two);
  codec_trainer_free(one);
  codec_trainer_free(two);
}

/// Values of all parameters, in their order; to be freed.
static float *values_of(const optimiser *o)
{
  float *copy = calloc((size_t)o->n_values, sizeof *copy);
  assert_non_null(copy);
  float *at = copy;
  for (int i = 0; i < o->n_parameters; ++i) {
    const parameter *p = &o->parameters[i];
    memcpy(at, p->values, (size_t)p->count * sizeof *at);
    at += p->count;
  }
  return copy;
}

// Between the steps on which discriminators are heard they say nothing and do not learn.
static void critics_are_heard_at_times(void **state)
{
  const fixture *f = *state;
  error err = {0};
  trainer_report report;
  recipe r = judged_recipe(&f->recipe);
  r.discriminator.heard_every = 3;
  r.discriminator.every = 6;
  r.discriminator.probability = 1.0;
  codec_trainer *t = open_trainer(f, &r, 1);
  ok(codec_trainer_initialise(t, &err), &err);
  steps(t, 14, &report);
  for (int i = 14; i < 32; ++i) {
    float *before = values_of(t->critics);
    steps(t, 1, &report);
    float *after = values_of(t->critics);
    assert_int_equal(report.phase, PHASE_ADVERSARIAL);
    assert_int_equal(report.sums.losses[LOSS_ADVERSARIAL] > 0.0, i % 3 == 0);
    assert_int_equal(report.sums.losses[LOSS_FEATURE] > 0.0, i % 3 == 0);
    assert_int_equal(memcmp(before, after, (size_t)t->critics->n_values * sizeof *after) != 0,
                     i % 6 == 0);
    free(before);
    free(after);
  }
  codec_trainer_free(t);
}

// Saved before the codebooks start, before the discriminators do, and after: loading goes on with
// the same bits, also from the file that a validation in between must not have changed.
static void resume_changes_no_bit(void **state)
{
  const fixture *f = *state;
  error err = {0};
  trainer_report report;
  trainer_validation found;
  const recipe judged = judged_recipe(&f->recipe);
  codec_trainer *whole = open_trainer(f, &judged, 1);
  ok(codec_trainer_initialise(whole, &err), &err);
  static const int saves[] = {4, 12, 30};
  for (int i = 0; i < 3; ++i) {
    steps(whole, saves[i] - (int)whole->step, &report);
    ok(codec_trainer_save(whole, f->folder->file, &err), &err);
    ok(codec_trainer_validate(whole, 4, &found, &err), &err);
    codec_trainer *again = open_trainer(f, &judged, 2);
    ok(codec_trainer_load(again, f->folder->file, &err), &err);
    steps(whole, 8, &report);
    steps(again, 8, &report);
    expect_same_bits(whole, again);
    codec_trainer_free(again);
  }
  codec_trainer_free(whole);
}

static int asked, asked_before_stopping;

static bool stop_at_last(void)
{
  return ++asked > asked_before_stopping;
}

// Stopped while latents are gathered or while k-means runs, wherever: taken again, the step gives
// the same bits, also from what was saved in between.
static void stops_while_codebooks_start(void **state)
{
  const fixture *f = *state;
  error err = {0};
  trainer_report report;
  codec_trainer *whole = open_trainer(f, &f->recipe, 1);
  ok(codec_trainer_initialise(whole, &err), &err);
  steps(whole, 15, &report);
  for (int calls = 0; calls < 25; calls += 6) {
    codec_trainer *t = NULL;
    const trainer_options options = {.device = {.kind = COMPUTE_CPU}, .stop = stop_at_last};
    ok(codec_trainer_new(&t, &f->recipe, f->source, &options, &err), &err);
    ok(codec_trainer_initialise(t, &err), &err);
    steps(t, 10, &report);
    asked = 0;
    asked_before_stopping = calls;
    assert_int_equal(codec_trainer_step(t, &report, &err), STATUS_INTERRUPTED);
    assert_int_equal(t->step, 10);
    ok(codec_trainer_save(t, f->folder->file, &err), &err);
    codec_trainer *again = open_trainer(f, &f->recipe, 1);
    ok(codec_trainer_load(again, f->folder->file, &err), &err);
    asked_before_stopping = 1 << 20;
    steps(t, 5, &report);
    steps(again, 5, &report);
    expect_same_bits(whole, t);
    expect_same_bits(whole, again);
    codec_trainer_free(again);
    codec_trainer_free(t);
  }
  codec_trainer_free(whole);
}

static void another_variant_is_refused(void **state)
{
  const fixture *f = *state;
  error err = {0};
  codec_trainer *t = open_trainer(f, &f->recipe, 1), *other = NULL;
  ok(codec_trainer_initialise(t, &err), &err);
  ok(codec_trainer_save(t, f->folder->file, &err), &err);
  const trainer_options options = {.device = {.kind = COMPUTE_CPU, .variant = "reference"}};
  ok(codec_trainer_new(&other, &f->recipe, f->source, &options, &err), &err);
  if (strcmp(other->lanes[0]->dev->name, t->lanes[0]->dev->name) != 0) {
    assert_int_equal(codec_trainer_load(other, f->folder->file, &err), STATUS_USAGE);
    print_message("%s\n", err.message);
  }
  codec_trainer_free(other);
  codec_trainer_free(t);
}

/// Every parameter whose name begins with `still` is as in `before`, every other one is not.
static void expect_moved_but(const codec_trainer *t, const float *before, const char *still)
{
  for (int i = 0; i < t->generator->n_parameters; ++i) {
    const parameter *p = &t->generator->parameters[i];
    const size_t bytes = (size_t)p->count * sizeof(float);
    const bool same = memcmp(p->values, before, bytes) == 0;
    if (same != (strncmp(p->name, still, strlen(still)) == 0)) {
      fail_msg("%s %s", p->name, same ? "did not move" : "moved");
    }
    if (same && memcmp(p->values, p->average, bytes) != 0) {
      fail_msg("%s: its average is another", p->name);
    }
    before += p->count;
  }
}

// A moment must not carry the encoder on, and what is exported is the encoder that the codebooks
// and the decoder were trained for.
static void frozen_encoder_stays(void **state)
{
  const fixture *f = *state;
  error err = {0};
  trainer_report report;
  recipe frozen = f->recipe;
  frozen.phases.freeze_encoder = 15;
  codec_trainer *t = open_trainer(f, &frozen, 1);
  ok(codec_trainer_initialise(t, &err), &err);
  steps(t, 15, &report);
  float *before = values_of(t->generator);
  const weight *book = &t->books->quantiser->codebooks[0];
  const size_t book_bytes = (size_t)weight_count(book) * sizeof(float);
  float *codewords = malloc(book_bytes);
  assert_non_null(codewords);
  memcpy(codewords, book->master, book_bytes);
  steps(t, 10, &report);
  expect_moved_but(t, before, "encoder.");
  assert_memory_equal(codewords, book->master, book_bytes);
  free(before);
  free(codewords);
  codec_trainer_free(t);
}

static void copy_books(const codec_trainer *t, float *out)
{
  for (int k = 0; k < t->books->quantiser->n_codebooks; ++k) {
    const weight *book = &t->books->quantiser->codebooks[k];
    memcpy(out + k * weight_count(book), book->master, (size_t)weight_count(book) * sizeof *out);
  }
}

// The recipe names what is frozen, so that a run that goes on freezes the same; `rvq*` means
// codebooks, which only a model can bring.
static void what_the_recipe_names_stays(void **state)
{
  const fixture *f = *state;
  error err = {0};
  trainer_report report;
  float books[2][3 * 16 * 8];
  recipe r = f->recipe;
  codec_trainer *t = open_trainer(f, &r, 1);
  ok(codec_trainer_initialise(t, &err), &err);
  steps(t, 12, &report);
  ok(codec_trainer_export(t, f->folder->file, false, &err), &err);
  codec_trainer_free(t);
  r.phases = (recipe_phases){.reconstruction = 20};
  snprintf(r.run.freeze, sizeof r.run.freeze, "encoder.*, rvq.1.*");
  t = open_trainer(f, &r, 2);
  ok(codec_trainer_initialise_from(t, f->folder->file, &err), &err);
  float *before = values_of(t->generator);
  copy_books(t, books[0]);
  steps(t, 10, &report);
  expect_moved_but(t, before, "encoder.");
  copy_books(t, books[1]);
  for (int k = 0; k < 3; ++k) {
    assert_int_equal(memcmp(books[0] + k * 128, books[1] + k * 128, 512) == 0, k == 1);
  }
  free(before);
  codec_trainer_free(t);
}

static void what_cannot_be_frozen_is_said(void **state)
{
  const fixture *f = *state;
  error err = {0};
  codec_trainer *t = NULL;
  const trainer_options options = {.device = {.kind = COMPUTE_CPU}};
  recipe r = f->recipe;
  snprintf(r.run.freeze, sizeof r.run.freeze, "decoder.* encodre.*");
  assert_int_equal(codec_trainer_new(&t, &r, f->source, &options, &err), STATUS_USAGE);
  assert_null(t);
  assert_non_null(strstr(err.message, "\"encodre.*\""));
  assert_non_null(strstr(err.message, "encoder."));
  snprintf(r.run.freeze, sizeof r.run.freeze, "rvq.*");
  t = open_trainer(f, &r, 1);
  assert_int_equal(codec_trainer_initialise(t, &err), STATUS_USAGE);
  assert_non_null(strstr(err.message, "--init-from"));
  codec_trainer_free(t);
}

// Only a name and the place are worth stopping for.
static void what_is_no_number_is_named(void **state)
{
  const fixture *f = *state;
  error err = {0};
  trainer_report report;
  codec_trainer *t = open_trainer(f, &f->recipe, 1);
  ok(codec_trainer_initialise(t, &err), &err);
  steps(t, 2, &report);
  t->lanes[0]->net->decoder.out.bias.master[0] = NAN;
  ++t->lanes[0]->net->decoder.out.bias.version;
  ok(codec_trainer_follow(t, &err), &err);
  assert_int_equal(codec_trainer_step(t, &report, &err), STATUS_FORMAT);
  assert_non_null(strstr(err.message, "step 2"));
  print_message("%s\n", err.message);
  assert_int_equal(t->step, 2);
  assert_int_equal(codec_trainer_save(t, f->folder->file, &err), STATUS_FORMAT);
  assert_non_null(strstr(err.message, "generator.values.decoder.out.bias"));
  assert_null(fopen(f->folder->file, "rb"));
  codec_trainer_free(t);
}

// Memory of a step is found by the first step of a phase and never grows after.
static void memory_stays(void **state)
{
  const fixture *f = *state;
  error err = {0};
  trainer_report report;
  const recipe judged = judged_recipe(&f->recipe);
  codec_trainer *t = open_trainer(f, &judged, 1);
  ok(codec_trainer_initialise(t, &err), &err);
  steps(t, 20, &report);
  const size_t peak = t->lanes[0]->memory.peak_bytes;
  steps(t, 30, &report);
  assert_int_equal(t->lanes[0]->memory.peak_bytes, peak);
  codec_trainer_free(t);
}

// What is exported is what plays: a codec that the engine opens.
static void exports_what_plays(void **state)
{
  const fixture *f = *state;
  error err = {0};
  trainer_report report;
  codec *c = NULL;
  codec_trainer *t = open_trainer(f, &f->recipe, 1);
  ok(codec_trainer_initialise(t, &err), &err);
  steps(t, 12, &report);
  ok(codec_trainer_export(t, f->folder->file, true, &err), &err);
  const codec_options options = {.dev = t->lanes[0]->dev, .storage = DTYPE_F32};
  ok(codec_open(&c, f->folder->file, &options, &err), &err);
  assert_int_equal(codec_get_info(c)->hop_samples, HOP);
  codec_unref(c);
  seanet *net = NULL;
  ok(seanet_load(&net, f->folder->file, &err), &err);
  const parameter *p = &t->generator->parameters[0];
  assert_memory_equal(layer_set_find(&net->encoder.set, p->name)->master, p->average,
                      (size_t)p->count * sizeof(float));
  seanet_free(net, NULL);
  codec_trainer_free(t);
}

// Discriminators go through a file of their own; others than the recipe's are refused untouched.
static void discriminators_start_warm(void **state)
{
  const fixture *f = *state;
  error err = {0};
  trainer_report report;
  char path[700];
  recipe judged = judged_recipe(&f->recipe);
  snprintf(path, sizeof path, "%s/critics", f->folder->path);
  codec_trainer *t = open_trainer(f, &judged, 1), *fresh = open_trainer(f, &judged, 1);
  ok(codec_trainer_initialise(t, &err), &err);
  steps(t, 20, &report);
  ok(codec_trainer_save(t, f->folder->file, &err), &err);
  ok(critics_file_extract(f->folder->file, path, &err), &err);
  ok(critics_file_load(fresh->critics, path, &err), &err);
  for (int i = 0; i < t->critics->n_parameters; ++i) {
    const parameter *p = &t->critics->parameters[i];
    assert_memory_equal(p->values, fresh->critics->parameters[i].values,
                        (size_t)p->count * sizeof(float));
  }
  judged.discriminator.stft_channels = 6;
  codec_trainer *other = open_trainer(f, &judged, 1);
  const float before = other->critics->parameters[0].values[0];
  assert_int_not_equal(critics_file_load(other->critics, path, &err), STATUS_OK);
  assert_true(other->critics->parameters[0].values[0] == before);
  codec_trainer_free(other);
  codec_trainer_free(fresh);
  codec_trainer_free(t);
  remove(path);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(learns, make_fixture, remove_fixture),
      cmocka_unit_test_setup_teardown(threads_change_no_bit, make_fixture, remove_fixture),
      cmocka_unit_test_setup_teardown(critics_are_heard_at_times, make_fixture, remove_fixture),
      cmocka_unit_test_setup_teardown(resume_changes_no_bit, make_fixture, remove_fixture),
      cmocka_unit_test_setup_teardown(stops_while_codebooks_start, make_fixture, remove_fixture),
      cmocka_unit_test_setup_teardown(another_variant_is_refused, make_fixture, remove_fixture),
      cmocka_unit_test_setup_teardown(frozen_encoder_stays, make_fixture, remove_fixture),
      cmocka_unit_test_setup_teardown(what_the_recipe_names_stays, make_fixture, remove_fixture),
      cmocka_unit_test_setup_teardown(what_cannot_be_frozen_is_said, make_fixture, remove_fixture),
      cmocka_unit_test_setup_teardown(what_is_no_number_is_named, make_fixture, remove_fixture),
      cmocka_unit_test_setup_teardown(memory_stays, make_fixture, remove_fixture),
      cmocka_unit_test_setup_teardown(discriminators_start_warm, make_fixture, remove_fixture),
      cmocka_unit_test_setup_teardown(exports_what_plays, make_fixture, remove_fixture),
  };
  return cmocka_run_group_tests_name("codec trainer", tests, NULL, NULL);
}
