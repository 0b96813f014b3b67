// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// Whole training steps, generator and discriminators, against PyTorch in float64 from the same
// weights over the same audio: tests/reference/make_training_golden.py, whose two recipes stand in
// the golden files. Between them they use every loss, every kind of discriminator but the residual
// one, the balancer, weight norm, clipping, weight decay, schedules, dropout of codebooks and
// micro-batches. On every CPU variant.

#include "train/codec_trainer.h"

#include "gpu/stft.h"
#include "tests/temp_folder.h"
#include "train/set_writer.h"

#include <float.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/models/golden.h"

#define SEED 29 // of the weights
#define KEPT 24 // of a tensor's values in the golden files
#define PATH_BYTES 700

typedef struct fixture {
  temp_folder *folder;
  char set_path[PATH_BYTES];
  safetensors golden;
  float *audio, *drift;
  int32_t *drawn, *codes;
  int64_t clips, steps;
  recipe recipe;
  dataset *set;
  crops *source;
  codec_trainer *trainer;
  float *start[2]; // all values of generator and critics, before the first step
} fixture;

static void ok(status code, const error *err)
{
  if (code != STATUS_OK) {
    fail_msg("%s", err->message);
  }
}

/// What the steps may differ by: rounding grows from step to step.
static double bar(int64_t step)
{
  return step == 0 ? 1e-4 : step <= 5 ? 1e-3 : 1e-2;
}

// ---- the same beginning -----------------------------------------------------------------------

static void write_set(const fixture *f)
{
  error err = {0};
  set_writer *w = NULL;
  const size_t crop = (size_t)f->recipe.data.crop_samples;
  const set_head head = {.rate_hz = f->recipe.codec.rate_hz, .group = "", .rule = "none"};
  ok(set_writer_open(&w, f->set_path, &head, &err), &err);
  for (int64_t i = 0; i < f->clips; ++i) {
    char path[32];
    snprintf(path, sizeof path, "clips/%02d", (int)i);
    const set_clip clip = {"clips", path, false, 1.0, head.rate_hz, 1};
    ok(set_writer_begin(w, &clip, crop, &err), &err);
    ok(set_writer_push(w, f->audio + (size_t)i * crop, crop, &err), &err);
    ok(set_writer_end(w, &err), &err);
  }
  ok(set_writer_commit(w, &err), &err);
}

static void remove_set(const fixture *f)
{
  static const char *const files[] = {"/index.jsonl", "/audio-000.shard", ""};
  for (int i = 0; i < 3; ++i) {
    char path[PATH_BYTES + 32];
    snprintf(path, sizeof path, "%s%s", f->set_path, files[i]);
    assert_int_equal(remove(path), 0);
  }
}

static const optimiser *optimiser_of(const fixture *f, int which)
{
  return which == 0 ? f->trainer->generator : f->trainer->critics;
}

static void remember_start(fixture *f)
{
  for (int which = 0; which < 2; ++which) {
    const optimiser *o = optimiser_of(f, which);
    float *at = f->start[which] = malloc((size_t)o->n_values * sizeof *at);
    assert_non_null(at);
    for (int i = 0; i < o->n_parameters; ++i) {
      memcpy(at, o->parameters[i].values, (size_t)o->parameters[i].count * sizeof *at);
      at += o->parameters[i].count;
    }
  }
}

static bool ends_with(const char *name, const char *suffix)
{
  const size_t length = strlen(name), tail = strlen(suffix);
  return length >= tail && !strcmp(name + length - tail, suffix);
}

/// With verdicts on both sides of the hinge's corners: while none has reached one, real and fake
/// draw a bias with the same force, and where it goes is decided by rounding alone.
static void randomise_critics(layer_set *set)
{
  layer_set_randomise(set, SEED);
  for (int i = 0; i < set->n_weights; ++i) {
    weight *w = set->weights[i];
    if (ends_with(w->name, ".out.bias")) {
      w->master[0] = 1.0f;
    } else if (ends_with(w->name, ".out.weight")) {
      float *values = w->norm_g ? w->norm_g : w->master;
      const int64_t count = w->norm_g ? w->dims[0] : weight_count(w);
      for (int64_t j = 0; j < count; ++j) {
        values[j] *= 8.0f;
      }
    }
  }
}

static void open_trainer(fixture *f, const char *variant)
{
  error err = {0};
  layer_set *sets[ADVERSARY_MAX];
  const trainer_options options = {.device = {.kind = COMPUTE_CPU, .variant = variant},
                                   .n_threads = 2};
  ok(codec_trainer_new(&f->trainer, &f->recipe, f->source, &options, &err), &err);
  lane *first = f->trainer->lanes[0];
  codec_layers_randomise(seanet_layers(first->net), SEED);
  const int n = adversary_sets(first->critics, sets);
  for (int i = 0; i < n; ++i) {
    randomise_critics(sets[i]);
  }
  optimiser_reset_average(f->trainer->generator);
  f->trainer->books->started = f->trainer->books->frozen = true;
  ok(codec_trainer_follow(f->trainer, &err), &err);
  remember_start(f);
}

static void open_fixture(fixture *f, const char *name, const char *variant)
{
  error err = {0};
  void *folder = NULL;
  *f = (fixture){0};
  assert_int_equal(temp_folder_make(&folder), 0);
  f->folder = folder;
  snprintf(f->set_path, sizeof f->set_path, "%s/set", f->folder->path);
  f->golden = golden_open(name);
  f->audio = golden_f32(&f->golden, "audio", &f->clips);
  f->drift = golden_f32(&f->golden, "drift", &f->steps);
  f->drawn = golden_i32(&f->golden, "drawn", &f->steps);
  f->codes = golden_i32(&f->golden, "codes", &f->steps);
  ok(recipe_parse(&f->recipe, safetensors_metadata(&f->golden, "recipe"), name, &err), &err);
  write_set(f);
  ok(dataset_open(&f->set, f->set_path, &err), &err);
  ok(crops_new(&f->source, f->set, &f->recipe.data, (uint64_t)f->recipe.run.seed, &err), &err);
  open_trainer(f, variant);
}

static void close_fixture(fixture *f)
{
  codec_trainer_free(f->trainer);
  crops_free(f->source);
  dataset_close(f->set);
  remove_set(f);
  free(f->start[0]);
  free(f->start[1]);
  free(f->audio);
  free(f->drift);
  free(f->drawn);
  free(f->codes);
  safetensors_close(&f->golden);
  void *folder = f->folder;
  assert_int_equal(temp_folder_remove(&folder), 0);
}

/// The golden file was made over the very crops that the trainer draws.
static void expect_crops(const fixture *f, int64_t step)
{
  const int64_t crop = f->recipe.data.crop_samples, batch = f->recipe.batch.size;
  float *audio = malloc((size_t)crop * sizeof *audio);
  assert_non_null(audio);
  for (int64_t i = 0; i < batch; ++i) {
    const int64_t clip = f->drawn[step * batch + i];
    crops_fill(f->source, (uint64_t)(step * batch + i), audio);
    assert_memory_equal(audio, f->audio + clip * crop, (size_t)crop * sizeof *audio);
  }
  free(audio);
}

// ---- what a step gave -------------------------------------------------------------------------

/// Each must be in the golden file, except that norms are there with a balancer only, and losses
/// with a weight.
static int list_numbers(const trainer_report *r, const char **names, double *values)
{
  static const char *const all[] = {
      "wave_l1",          "wave_l2",      "mel",           "adversarial",
      "feature",          "norm_wave_l1", "norm_wave_l2",  "norm_mel",
      "norm_adversarial", "norm_feature", "commitment",    "discriminator",
      "score_real",       "score_fake",   "latent_square", "error_square",
      "gradient_norm",    "critics_norm", "rate"};
  const lane_sums *s = &r->sums;
  const double rest[] = {s->commitment,    s->discriminator, s->score_real,
                         s->score_fake,    s->latent_square, s->error_square,
                         r->gradient_norm, r->critics_norm,  r->rate};
  const int n = (int)(sizeof all / sizeof *all);
  for (int i = 0; i < n; ++i) {
    names[i] = all[i];
    values[i] = i < LOSS_COUNT       ? s->losses[i]
                : i < 2 * LOSS_COUNT ? s->norms[i - LOSS_COUNT]
                                     : rest[i - 2 * LOSS_COUNT];
  }
  return n;
}

/// The worst relative difference.
static double compare_numbers(const fixture *f, const trainer_report *r)
{
  const char *names[32];
  double values[32], worst = 0.0;
  const int n = list_numbers(r, names, values);
  int found = 0;
  for (int i = 0; i < n; ++i) {
    char name[64];
    int64_t rows = 0;
    snprintf(name, sizeof name, "number.%s", names[i]);
    if (!safetensors_find(&f->golden, name)) {
      assert_true(values[i] == 0.0);
      continue;
    }
    float *expected = golden_f32(&f->golden, name, &rows);
    const double wanted = (double)expected[r->step];
    const double apart = fabs(values[i] - wanted) / (fabs(wanted) + 1e-6);
    free(expected);
    ++found;
    if (!(apart <= bar(r->step))) {
      fail_msg("step %d: %s is %.9g, PyTorch has %.9g, apart by %.1e", (int)r->step, names[i],
               values[i], wanted, apart);
    }
    worst = fmax(worst, apart);
  }
  assert_true(found >= 13);
  return worst;
}

/// How often each codeword was chosen, over all examples and stages.
static void compare_codes(const fixture *f, int64_t step)
{
  const rvq *q = f->trainer->books->quantiser;
  const int64_t vectors =
      f->recipe.batch.size * f->recipe.data.crop_samples / seanet_hop_samples(&f->recipe.codec);
  float *use = calloc((size_t)(q->n_codebooks * q->size), sizeof *use);
  assert_non_null(use);
  for (int64_t i = 0; i < vectors * q->n_codebooks; ++i) {
    const int32_t code = f->codes[step * vectors * q->n_codebooks + i];
    use[i % q->n_codebooks * q->size + code] += 1.0f;
  }
  assert_memory_equal(use, f->trainer->tally, (size_t)(q->n_codebooks * q->size) * sizeof *use);
  free(use);
}

typedef struct distance {
  double apart, size; // sums of squares
} distance;

/// `values` [count] (less `start` where there is one) against row `row` of what is kept of it.
static distance compare_kept(const fixture *f, const char *what, const parameter *p,
                             const float *values, const float *start, int64_t row)
{
  const int64_t stride = p->count / KEPT + 1, kept = (p->count + stride - 1) / stride;
  char name[2 * WEIGHT_NAME_BYTES];
  int64_t rows = 0;
  snprintf(name, sizeof name, "%s.%s", what, p->name);
  float *expected = golden_f32(&f->golden, name, &rows);
  const safetensors_tensor *t = safetensors_find(&f->golden, name);
  assert_int_equal(t->dims[t->rank - 1], kept);
  distance d = {0.0, 0.0};
  for (int64_t i = 0; i < kept; ++i) {
    const double wanted = (double)expected[row * kept + i];
    const double value = (double)values[i * stride] - (start ? (double)start[i * stride] : 0.0);
    d.apart += (value - wanted) * (value - wanted);
    d.size += wanted * wanted;
  }
  free(expected);
  return d;
}

/// Relative distance over all that is kept of one side: of gradients, or of changes since the
/// start, or of averages.
static double compare_all(const fixture *f, const char *what, int which, int64_t row)
{
  const optimiser *o = optimiser_of(f, which);
  const float *start = f->start[which];
  distance all = {0.0, 0.0};
  for (int i = 0; i < o->n_parameters; ++i) {
    const parameter *p = &o->parameters[i];
    const bool gradient = what[0] == 'g', average = what[0] == 'a';
    const distance d = compare_kept(f, what, p,
                                    gradient  ? p->gradient
                                    : average ? p->average
                                              : p->values,
                                    gradient ? NULL : start, row);
    all.apart += d.apart;
    all.size += d.size;
    start += p->count;
  }
  assert_true(all.size > 0.0);
  return sqrt(all.apart / all.size);
}

static void expect_within(double apart, int64_t step, const char *what)
{
  if (!(apart <= bar(step))) {
    fail_msg("step %d: %s apart by %.1e, at most %.0e allowed", (int)step, what, apart, bar(step));
  }
}

/// The whole of each tensor, by the size of its change; the values themselves round at every step.
static void compare_sizes(const fixture *f, int which, int64_t step)
{
  const optimiser *o = optimiser_of(f, which);
  const float *start = f->start[which];
  for (int i = 0; i < o->n_parameters; ++i) {
    const parameter *p = &o->parameters[i];
    char name[2 * WEIGHT_NAME_BYTES];
    int64_t rows = 0;
    double change = 0.0, size = 0.0;
    snprintf(name, sizeof name, "size.%s", p->name);
    float *expected = golden_f32(&f->golden, name, &rows);
    const double wanted = (double)expected[step];
    for (int64_t j = 0; j < p->count; ++j) {
      const double d = (double)p->values[j] - (double)start[j];
      change += d * d;
      size += (double)p->values[j] * (double)p->values[j];
    }
    const double rounding = 0.5 * (double)FLT_EPSILON * sqrt(size) * (double)(step + 1);
    const double apart = fmax(0.0, fabs(sqrt(change) - wanted) - rounding);
    snprintf(name, sizeof name, "size of the change of %s", p->name);
    expect_within(apart / wanted, step, name);
    free(expected);
    start += p->count;
  }
}

/// The worst of each kind, in the order of the golden file's "drift".
static void compare_step(const fixture *f, const trainer_report *r, double worst[5])
{
  static const char *const kinds[] = {"gradient", "change"};
  static const char *const sides[] = {"of the codec", "of the discriminators"};
  worst[0] = fmax(worst[0], compare_numbers(f, r));
  compare_codes(f, r->step);
  for (int kind = 0; kind < 2; ++kind) {
    for (int which = 0; which < 2; ++which) {
      if (kind == 0 && which == 1 && r->critics_norm == 0.0) {
        continue; // they did not learn
      }
      char what[64];
      const double apart = compare_all(f, kinds[kind], which, r->step);
      snprintf(what, sizeof what, "%s %s", kinds[kind], sides[which]);
      expect_within(apart, r->step, what);
      worst[1 + 2 * kind + which] = fmax(worst[1 + 2 * kind + which], apart);
    }
  }
  compare_sizes(f, 0, r->step);
  compare_sizes(f, 1, r->step);
}

static void compare_steps(const char *name, const char *variant)
{
  fixture f;
  error err = {0};
  double worst[5] = {0.0}, theirs[5] = {0.0};
  open_fixture(&f, name, variant);
  assert_int_equal(f.steps, 11);
  for (int64_t step = 0; step < f.steps; ++step) {
    trainer_report report;
    expect_crops(&f, step);
    ok(codec_trainer_step(f.trainer, &report, &err), &err);
    compare_step(&f, &report, worst);
    for (int i = 0; i < 5; ++i) {
      theirs[i] = fmax(theirs[i], (double)f.drift[step * 5 + i]);
    }
  }
  if (f.recipe.optimiser.average_decay > 0.0) {
    expect_within(compare_all(&f, "average", 0, 0), f.steps, "averages");
  }
  print_message("%s, %s: apart by at most (PyTorch in float32): numbers %.1e (%.1e), gradients "
                "%.1e (%.1e) and %.1e (%.1e), changes %.1e (%.1e) and %.1e (%.1e)\n",
                name, variant, worst[0], theirs[0], worst[1], theirs[1], worst[2], theirs[2],
                worst[3], theirs[3], worst[4], theirs[4]);
  close_fixture(&f);
}

static void compare_variants(const char *name)
{
  static const char *const variants[] = {"reference", "avx2", "avx512"};
  for (int i = 0; i < 3; ++i) {
    device *dev = NULL;
    const device_options options = {.kind = COMPUTE_CPU, .variant = variants[i]};
    if (device_open(&dev, &options, NULL) == STATUS_OK) {
      device_unref(dev);
      compare_steps(name, variants[i]);
    }
  }
}

static void fixed_weights(void **state)
{
  (void)state;
  compare_variants("training_fixed");
}

static void balanced(void **state)
{
  (void)state;
  compare_variants("training_balanced");
}

int main(void)
{
  if (!stft_available()) {
    return 77;
  }
  const struct CMUnitTest tests[] = {cmocka_unit_test(fixed_weights), cmocka_unit_test(balanced)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
