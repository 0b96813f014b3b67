// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// Training on CUDA against training on the CPU: whole steps of a small codec with every kind of
// discriminator, from the same state, phase by phase; CUDA against itself, bit for bit; and CUDA
// with products in bf16 against f32.

#include "base/random.h"
#include "tests/gpu/gpu_check.h"
#include "train/codec_trainer.h"
#include "train/set_format.h"
#include "train/set_writer.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define RATE_HZ 8000
#define CLIPS 3
#define CLIP_SAMPLES 6000
#define MOST_SAMPLES 96000 // of a clip, where speed is measured
#define PATH_BYTES 1024

// Sums in f32 in another order; where a loss is a sum of signs, a few of them turn.
#define LOSS_BOUND 2e-5
#define GRADIENT_BOUND 3e-4
#define VALUE_BOUND 2e-3

// Operands in bf16 are off by up to 2^-8, 1.7e-3 in the mean; the least still tells them from f32.
// What discriminators that know nothing learn from real and from fake audio nearly cancels.
#define ROUNDED_LOSS_BOUND 2e-2
#define ROUNDED_GRADIENT_BOUND 0.1
#define ROUNDED_CRITICS_BOUND 0.3
#define ROUNDED_GRADIENT_LEAST 3e-4
#define ROUNDED_STEPS 16 // of which the last quarter's loss is less than the first's

// Two phases short enough to be walked through, everything small, every operator that trains.
static const char *const small_recipe[] = {
    "codec.rate_hz=8000",
    "codec.latent_dim=8",
    "codec.strides=4,5",
    "codec.n_codebooks=3",
    "codec.codebook_size=16",
    "codec.norm=weight",
    "encoder.width=4",
    "encoder.n_residual=1",
    "encoder.n_lstm=1",
    "decoder.width=4",
    "decoder.n_residual=1",
    "decoder.n_lstm=1",
    "data.crop_samples=400",
    "batch.size=4",
    "phases.unquantised=2",
    "phases.reconstruction=2",
    "phases.adversarial=20",
    "optimiser.rate=2e-3",
    "optimiser.warmup_steps=2",
    "optimiser.average_decay=0.9",
    "loss.balancer=true",
    "loss.wave_l2=0.5",
    "loss.mel_windows=32,64",
    "loss.mel_bins=8",
    "loss.mel_log_floor=1e-3",
    "quantiser.start_vectors=200",
    "quantiser.start_iterations=3",
    "quantiser.dropout=example",
    "quantiser.dropout_share=0.5",
    "discriminator.stft_windows=64",
    "discriminator.stft_channels=4",
    "discriminator.wave_scales=1",
    "discriminator.wave_channels=4",
    "discriminator.periods=3",
    "discriminator.period_channels=4",
    "discriminator.weight_norm=true",
    "discriminator.every=1",
    "run.seed=5",
};
#define N_SMALL (sizeof small_recipe / sizeof *small_recipe)

typedef struct training_check {
  gpu_check_result result;
  char folder[PATH_BYTES];
  recipe recipe;
  dataset *set;
  crops *source;
  codec_trainer *cpu, *cuda, *again;
  double worst_loss, worst_gradient;
} training_check;

static void expect(training_check *k, bool passed, const char *what, double off)
{
  ++k->result.n_checked;
  if (!passed) {
    ++k->result.n_failed;
    printf("FAILED  training: %s (%g)\n", what, off);
  }
}

// ---- audio ----

static void fill_clip(float *x, int64_t n, int clip, double rate_hz)
{
  for (int64_t i = 0; i < n; ++i) {
    const double t = (double)i / rate_hz, f = 200.0 + 90.0 * clip;
    const double noise = (double)random_uniform(4, (uint64_t)clip, (uint64_t)i) - 0.5;
    x[i] = (float)(0.2 * sin(6.283185307 * f * t) * (1.0 + sin(20.0 * t)) + 0.05 * noise);
  }
}

static status write_set(const char *folder, uint32_t rate_hz, error *err)
{
  static float x[MOST_SAMPLES];
  const set_head head = {.rate_hz = rate_hz, .group = "", .rule = "none"};
  const size_t n_samples = rate_hz == RATE_HZ ? CLIP_SAMPLES : MOST_SAMPLES;
  set_writer *w = NULL;
  status code = set_writer_open(&w, folder, &head, err);
  for (int i = 0; i < CLIPS && code == STATUS_OK; ++i) {
    char path[32];
    snprintf(path, sizeof path, "made-up/%d", i);
    const set_clip clip = {"made-up", path, i == 0, 1.0, rate_hz, 1};
    fill_clip(x, (int64_t)n_samples, i, rate_hz);
    code = set_writer_begin(w, &clip, n_samples, err);
    code = code ? code : set_writer_push(w, x, n_samples, err);
    code = code ? code : set_writer_end(w, err);
  }
  return code ? code : set_writer_commit(w, err);
}

// The set is mapped once it is open, so that its files can go at once.
static status open_set(training_check *k, error *err)
{
  const char *parent = getenv("TMPDIR");
  char path[PATH_BYTES + 32];
  snprintf(k->folder, sizeof k->folder, "%s/continuo-check-XXXXXX", parent ? parent : P_tmpdir);
  if (!mkdtemp(k->folder)) {
    return error_set(err, STATUS_IO, "%s: cannot make a folder", k->folder);
  }
  status code = write_set(k->folder, k->recipe.codec.rate_hz, err);
  code = code ? code : dataset_open(&k->set, k->folder, err);
  static const char *const files[] = {SET_INDEX_NAME, "audio-000.shard"};
  for (int i = 0; i < 2; ++i) {
    snprintf(path, sizeof path, "%s/%s", k->folder, files[i]);
    unlink(path);
  }
  rmdir(k->folder);
  return code ? code : crops_new(&k->source, k->set, &k->recipe.data, 5, err);
}

static status open_trainer(training_check *k, codec_trainer **t, compute_kind kind,
                           compute_products products, error *err)
{
  const trainer_options options = {.device = {.kind = kind, .products = products}, .n_threads = 1};
  return codec_trainer_new(t, &k->recipe, k->source, &options, err);
}

static status open_check(training_check *k, int64_t n_lanes, error *err)
{
  status code = recipe_load(&k->recipe, NULL, small_recipe, N_SMALL, err);
  k->recipe.batch.micro_batches = n_lanes;
  code = code ? code : open_set(k, err);
  code = code ? code : open_trainer(k, &k->cpu, COMPUTE_CPU, PRODUCTS_F32, err);
  code = code ? code : open_trainer(k, &k->cuda, COMPUTE_CUDA, PRODUCTS_F32, err);
  code = code ? code : open_trainer(k, &k->again, COMPUTE_CUDA, PRODUCTS_F32, err);
  return code ? code : codec_trainer_initialise(k->cpu, err);
}

static void close_check(training_check *k)
{
  codec_trainer_free(k->cpu);
  codec_trainer_free(k->cuda);
  codec_trainer_free(k->again);
  crops_free(k->source);
  dataset_close(k->set);
}

// ---- the same state in two trainers ----

static void copy_optimiser(optimiser *to, const optimiser *from)
{
  to->updates = from->updates;
  for (int i = 0; i < to->n_parameters; ++i) {
    parameter *p = &to->parameters[i];
    const parameter *q = &from->parameters[i];
    const size_t bytes = (size_t)p->count * sizeof(float);
    memcpy(p->values, q->values, bytes);
    memcpy(p->mean, q->mean, bytes);
    memcpy(p->square, q->square, bytes);
    if (p->average) {
      memcpy(p->average, q->average, bytes);
    }
    ++p->owner->version;
  }
}

static status copy_state(codec_trainer *to, const codec_trainer *from, error *err)
{
  const rvq *q = from->books->quantiser;
  copy_optimiser(to->generator, from->generator);
  copy_optimiser(to->critics, from->critics);
  to->step = from->step;
  to->balance = from->balance;
  to->books->started = from->books->started;
  to->books->n_recent = from->books->n_recent;
  memcpy(to->books->use, from->books->use, (size_t)from->books->count * sizeof(float));
  memcpy(to->books->recent, from->books->recent,
         (size_t)(CODEBOOKS_RECENT * q->n_codebooks * q->dim) * sizeof(float));
  for (int i = 0; i < q->n_codebooks; ++i) {
    weight_copy_values(&to->books->quantiser->codebooks[i], &q->codebooks[i]);
  }
  return codec_trainer_follow(to, err);
}

// ---- comparing ----

static double distance(const float *a, const float *b, int64_t count)
{
  double off = 0.0, norm = 0.0;
  for (int64_t i = 0; i < count; ++i) {
    off += ((double)a[i] - (double)b[i]) * ((double)a[i] - (double)b[i]);
    norm += (double)b[i] * (double)b[i];
  }
  if (norm == 0.0) {
    return off == 0.0 ? 0.0 : (double)INFINITY;
  }
  return isfinite(off) ? sqrt(off / norm) : (double)INFINITY;
}

static double apart(double cuda, double cpu)
{
  return fabs(cuda - cpu) / (fabs(cpu) + 1e-6);
}

static void compare_number(training_check *k, const char *what, double cuda, double cpu)
{
  const double off = apart(cuda, cpu);
  k->worst_loss = off > k->worst_loss ? off : k->worst_loss;
  expect(k, off <= LOSS_BOUND, what, off);
}

// All values of one kind, parameter after parameter; to be freed.
static float *gather(const optimiser *o, int which)
{
  float *all = calloc((size_t)o->n_values + 1, sizeof *all), *at = all;
  for (int i = 0; i < o->n_parameters && all; ++i) {
    const parameter *p = &o->parameters[i];
    const float *const arrays[] = {p->gradient, p->mean, p->square, p->values, p->average};
    if (arrays[which]) { // there may be no averages
      memcpy(at, arrays[which], (size_t)p->count * sizeof *at);
    }
    at += p->count;
  }
  return all;
}

// Gradients, and what the update made of them. Adam divides by a gradient's size, so that rounding
// turns the step of a value whose gradient is nearly nothing: values are held to what a step can
// be.
static void compare_optimisers(training_check *k, const char *const names[5], const optimiser *cuda,
                               const optimiser *cpu)
{
  for (int i = 0; i < 5; ++i) {
    float *a = gather(cuda, i), *b = gather(cpu, i);
    const double off = a && b ? distance(a, b, cpu->n_values) : (double)INFINITY;
    if (i < 3) {
      k->worst_gradient = off > k->worst_gradient ? off : k->worst_gradient;
    }
    expect(k, off <= (i < 3 ? GRADIENT_BOUND : VALUE_BOUND), names[i], off);
    free(a);
    free(b);
  }
}

static void compare_reports(training_check *k, const trainer_report *cuda,
                            const trainer_report *cpu)
{
  for (int i = 0; i < LOSS_COUNT; ++i) {
    compare_number(k, lane_loss_names[i], cuda->sums.losses[i], cpu->sums.losses[i]);
    const double off = apart(cuda->sums.norms[i], cpu->sums.norms[i]);
    expect(k, off <= GRADIENT_BOUND, "the norm of a loss's gradient", off);
  }
  compare_number(k, "commitment", cuda->sums.commitment, cpu->sums.commitment);
  compare_number(k, "the discriminators' loss", cuda->sums.discriminator, cpu->sums.discriminator);
  compare_number(k, "the latents' square", cuda->sums.latent_square, cpu->sums.latent_square);
  compare_number(k, "the error's square", cuda->sums.error_square, cpu->sums.error_square);
}

static const char *const generator_names[] = {"the generator's gradient", "its running mean",
                                              "its running square", "the generator's values",
                                              "the generator's average"};
static const char *const critics_names[] = {"the discriminators' gradient", "its running mean",
                                            "its running square", "the discriminators' values",
                                            "the discriminators' average"};

// One step of both from the CPU's state; what the CPU's gives is where the next begins.
static status compare_step(training_check *k, error *err)
{
  trainer_report cpu, cuda;
  status code = copy_state(k->cuda, k->cpu, err);
  code = code ? code : codec_trainer_step(k->cpu, &cpu, err);
  const bool started = k->cpu->books->started && !k->cuda->books->started;
  if (code == STATUS_OK && started) { // k-means may go another way after a rounding
    return STATUS_OK;
  }
  code = code ? code : codec_trainer_step(k->cuda, &cuda, err);
  if (code == STATUS_OK) {
    compare_reports(k, &cuda, &cpu);
    code = codec_trainer_fetch(k->cuda, err);
    compare_optimisers(k, generator_names, k->cuda->generator, k->cpu->generator);
    if (cpu.critics_norm > 0.0) {
      compare_optimisers(k, critics_names, k->cuda->critics, k->cpu->critics);
    }
  }
  return code;
}

static bool same_optimisers(const optimiser *a, const optimiser *b)
{
  bool same = true;
  for (int i = 0; i < a->n_parameters; ++i) {
    const parameter *p = &a->parameters[i], *q = &b->parameters[i];
    const size_t bytes = (size_t)p->count * sizeof(float);
    same = same && memcmp(p->values, q->values, bytes) == 0;
    same = same && memcmp(p->square, q->square, bytes) == 0;
  }
  return same;
}

// CUDA by itself, from its own start through all phases, twice.
static status compare_runs(training_check *k, error *err)
{
  trainer_report first, second;
  codec_trainer *pair[] = {k->cuda, k->again};
  for (int i = 0; i < 2; ++i) {
    pair[i]->recipe.run.init = INIT_UNIT_VARIANCE;
    pair[i]->step = 0;
    pair[i]->books->started = false;
    const status code = codec_trainer_initialise(pair[i], err);
    if (code != STATUS_OK) {
      return code;
    }
  }
  copy_optimiser(k->again->critics, k->cuda->critics);
  status code = copy_state(k->again, k->cuda, err);
  for (int i = 0; i < 5 && code == STATUS_OK; ++i) {
    code = codec_trainer_step(k->cuda, &first, err);
    code = code ? code : codec_trainer_step(k->again, &second, err);
    code = code ? code : codec_trainer_fetch(k->cuda, err);
    code = code ? code : codec_trainer_fetch(k->again, err);
    const bool same = code == STATUS_OK && first.total == second.total &&
                      same_optimisers(k->cuda->generator, k->again->generator) &&
                      same_optimisers(k->cuda->critics, k->again->critics);
    expect(k, same, "a step gives other bits the second time", (double)i);
  }
  trainer_validation found;
  code = code ? code : codec_trainer_validate(k->cuda, 4, &found, err);
  expect(k, code == STATUS_OK && isfinite(found.total), "a validation", code ? 0.0 : found.total);
  return code;
}

// With several lanes, whose gradients meet on the host, or one, whose weights stay on the device.
static gpu_check_result check_lanes(int64_t n_lanes)
{
  training_check k = {.result = {0}};
  error err = {0};
  status code = open_check(&k, n_lanes, &err);
  const int64_t steps = 2 + 2 + 2;
  for (int64_t i = 0; i < steps && code == STATUS_OK; ++i) {
    code = compare_step(&k, &err);
  }
  code = code ? code : compare_runs(&k, &err);
  if (code != STATUS_OK) {
    expect(&k, false, err.message, 0.0);
  } else {
    printf("training in %d: %d checks, %d failed; %zu KiB for a step; losses off by %g, gradients "
           "by %g\n",
           (int)n_lanes, k.result.n_checked, k.result.n_failed,
           k.cuda->lanes[0]->memory.size_bytes >> 10, k.worst_loss, k.worst_gradient);
  }
  close_check(&k);
  return k.result;
}

// ---- products in bf16 ----

// Wide enough for the tiles that are rounded.
static const char *const wider[] = {"batch.size=2", "data.crop_samples=200", "encoder.width=12",
                                    "decoder.width=12", "discriminator.stft_channels=12"};

static status open_rounded(training_check *k, error *err)
{
  const char *values[N_SMALL + sizeof wider / sizeof *wider];
  memcpy(values, small_recipe, sizeof small_recipe);
  memcpy(values + N_SMALL, wider, sizeof wider);
  status code = recipe_load(&k->recipe, NULL, values, sizeof values / sizeof *values, err);
  k->recipe.batch.micro_batches = 1;
  code = code ? code : open_set(k, err);
  code = code ? code : open_trainer(k, &k->cuda, COMPUTE_CUDA, PRODUCTS_F32, err);
  code = code ? code : open_trainer(k, &k->again, COMPUTE_CUDA, PRODUCTS_BF16, err);
  return code ? code : codec_trainer_initialise(k->cuda, err);
}

static void compare_rounded(training_check *k, const char *what, double bound,
                            const optimiser *bf16, const optimiser *f32)
{
  float *a = gather(bf16, 1), *b = gather(f32, 1);
  const double off = a && b ? distance(a, b, f32->n_values) : (double)INFINITY;
  k->worst_gradient = off > k->worst_gradient ? off : k->worst_gradient;
  expect(k, off <= bound, what, off);
  expect(k, off >= ROUNDED_GRADIENT_LEAST, "products in bf16 are those in f32", off);
  free(a);
  free(b);
}

// A step of both from the same state: `again` has products in bf16.
static status compare_rounded_step(training_check *k, error *err)
{
  trainer_report f32, bf16;
  status code = codec_trainer_fetch(k->cuda, err);
  code = code ? code : copy_state(k->again, k->cuda, err);
  code = code ? code : codec_trainer_step(k->again, &bf16, err);
  code = code ? code : codec_trainer_step(k->cuda, &f32, err);
  code = code ? code : codec_trainer_fetch(k->cuda, err);
  code = code ? code : codec_trainer_fetch(k->again, err);
  if (code == STATUS_OK) {
    const double off = apart(bf16.total, f32.total);
    k->worst_loss = off > k->worst_loss ? off : k->worst_loss;
    expect(k, off <= ROUNDED_LOSS_BOUND, "the total loss with products in bf16", off);
    compare_rounded(k, "the generator's mean gradient with products in bf16",
                    ROUNDED_GRADIENT_BOUND, k->again->generator, k->cuda->generator);
    if (f32.critics_norm > 0.0) {
      compare_rounded(k, "the discriminators' mean gradient with products in bf16",
                      ROUNDED_CRITICS_BOUND, k->again->critics, k->cuda->critics);
    }
  }
  return code;
}

// The share of values that bf16 does not hold.
static double share_beyond_bf16(const optimiser *o, int which)
{
  float *all = gather(o, which);
  int64_t beyond = 0;
  for (int64_t i = 0; i < o->n_values && all; ++i) {
    uint32_t bits;
    memcpy(&bits, &all[i], sizeof bits);
    beyond += (bits & 0xffffu) != 0;
  }
  free(all);
  return (double)beyond / (double)o->n_values;
}

// What is stored stays f32: gradients (1) through the moments they make, squares, values.
static void check_masters(training_check *k)
{
  for (int which = 1; which < 4; ++which) {
    const double share = share_beyond_bf16(k->again->generator, which);
    expect(k, share > 0.9, generator_names[which], share);
  }
}

// From its own start, as long as nothing is quantised.
static status check_descent(training_check *k, error *err)
{
  double first = 0.0, last = 0.0;
  trainer_report report;
  k->again->recipe.phases.unquantised = ROUNDED_STEPS;
  k->again->step = 0;
  k->again->books->started = false;
  status code = codec_trainer_initialise(k->again, err);
  for (int i = 0; i < ROUNDED_STEPS && code == STATUS_OK; ++i) {
    code = codec_trainer_step(k->again, &report, err);
    first += i < ROUNDED_STEPS / 4 ? report.total : 0.0;
    last += i >= ROUNDED_STEPS - ROUNDED_STEPS / 4 ? report.total : 0.0;
  }
  expect(k, code != STATUS_OK || last < 0.9 * first, "the loss does not fall with products in bf16",
         last / first);
  return code;
}

// A state with codebooks and discriminators, then steps in the phases with and without those.
static gpu_check_result check_products_in_bf16(void)
{
  training_check k = {.result = {0}};
  error err = {0};
  status code = open_rounded(&k, &err);
  for (int i = 0; i < 6 && code == STATUS_OK; ++i) {
    trainer_report report;
    code = i == 2 ? codec_trainer_step(k.cuda, &report, &err) : compare_rounded_step(&k, &err);
  }
  if (code == STATUS_OK) {
    check_masters(&k);
    code = check_descent(&k, &err);
  }
  if (code != STATUS_OK) {
    expect(&k, code == STATUS_UNSUPPORTED, err.message, 0.0);
  }
  printf(
      "training with products in bf16: %d checks, %d failed; losses off by %g, gradients by %g\n",
      k.result.n_checked, k.result.n_failed, k.worst_loss, k.worst_gradient);
  close_check(&k);
  return k.result;
}

static void add_result(gpu_check_result *all, gpu_check_result found)
{
  all->n_checked += found.n_checked;
  all->n_failed += found.n_failed;
}

gpu_check_result gpu_check_training(void)
{
  gpu_check_result all = {0};
  for (int64_t n_lanes = 1; n_lanes <= 2; ++n_lanes) {
    add_result(&all, check_lanes(n_lanes));
  }
  add_result(&all, check_products_in_bf16());
  return all;
}

// ---- speed ----

// The network and discriminators of train/recipes/default.ini, whose file needs a reader.
static const char *const default_recipe[] = {
    "codec.rate_hz=24000",
    "codec.latent_dim=64",
    "codec.strides=3,4,5,8",
    "codec.n_codebooks=8",
    "codec.codebook_size=1024",
    "codec.true_skip=true",
    "codec.act=elu",
    "encoder.width=24",
    "encoder.kernel_out=3",
    "encoder.n_residual=2",
    "encoder.dilation_base=3",
    "encoder.n_lstm=0",
    "decoder.width=32",
    "decoder.n_residual=3",
    "decoder.dilation_base=3",
    "decoder.n_lstm=0",
    "data.crop_samples=24000",
    "batch.size=16",
    "batch.micro_batches=1",
    "phases.unquantised=0",
    "phases.reconstruction=1000000",
    "phases.adversarial=1000000",
    "optimiser.average_decay=0.999",
    "loss.balancer=true",
    "loss.mel_windows=64,128,256,512,1024,2048",
    "loss.mel_bins=64",
    "loss.mel_log_absolute=true",
    "quantiser.start_iterations=1",
    "discriminator.stft_windows=2048,1024,512",
    "discriminator.stft_channels=16",
    "discriminator.wave_scales=0",
    "discriminator.weight_norm=true",
    "discriminator.every=2",
};
#define N_DEFAULT (sizeof default_recipe / sizeof *default_recipe)
#define WARM_UP_STEPS 4
#define TIMED_STEPS 20

static double seconds_now(void)
{
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static status time_phase(training_check *k, const char *name, const char *products, int64_t first,
                         error *err)
{
  trainer_report report;
  status code = STATUS_OK;
  double began_s = 0.0;
  k->cuda->step = first;
  for (int i = 0; i < WARM_UP_STEPS + TIMED_STEPS && code == STATUS_OK; ++i) {
    began_s = i == WARM_UP_STEPS ? seconds_now() : began_s;
    code = codec_trainer_step(k->cuda, &report, err);
  }
  device *dev = k->cuda->lanes[0]->dev;
  code = code ? code : dev->synchronize(dev, err);
  if (code == STATUS_OK) {
    const double step_s = (seconds_now() - began_s) / TIMED_STEPS;
    printf("%-16s %-5s %8.2f ms a step, %8.1f audio-seconds per second, %zu MiB of activations\n",
           name, products, step_s * 1e3, (double)k->recipe.batch.size / step_s,
           k->cuda->lanes[0]->memory.size_bytes >> 20);
  }
  return code;
}

static void time_training(compute_products products)
{
  const char *name = products == PRODUCTS_BF16 ? "bf16" : "f32";
  training_check k = {.result = {0}};
  error err = {0};
  status code = recipe_load(&k.recipe, NULL, default_recipe, N_DEFAULT, &err);
  code = code ? code : open_set(&k, &err);
  code = code ? code : open_trainer(&k, &k.cuda, COMPUTE_CUDA, products, &err);
  code = code ? code : codec_trainer_initialise(k.cuda, &err);
  if (code == STATUS_OK) {
    k.cuda->books->started = true; // k-means is no part of a step
    codebooks_assume_uniform(k.cuda->books, (double)k.cuda->lanes[0]->steps);
  }
  code = code ? code : time_phase(&k, "reconstruction", name, 0, &err);
  code = code ? code : time_phase(&k, "adversarial", name, k.recipe.phases.reconstruction, &err);
  if (code != STATUS_OK) {
    printf("no speed of training in %s: %s\n", name, err.message);
  }
  close_check(&k);
}

void gpu_check_training_speed(void)
{
  time_training(PRODUCTS_F32);
  time_training(PRODUCTS_BF16);
}
