// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// continuo-train bench codec: how fast a recipe trains here, on audio made up for it, phase by
// phase, with the very steps of a run.

#include "base/cli/terminal.h"
#include "base/json_writer.h"
#include "base/random.h"
#include "gpu/compute_options.h"
#include "train/codec_trainer.h"
#include "train/commands.h"
#include "train/set_format.h"
#include "train/set_writer.h"
#include "train/work_count.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define MOST_OVERRIDES 256
#define MOST_STEPS 65536
#define WARM_UP_STEPS 2
#define PHASE_STEPS ((int64_t)1 << 20) // where a phase begins; even, so that `every` starts anew
#define CLIPS 4
#define CLIP_S 15
#define PATH_BYTES 1024

typedef struct bench_options {
  const char *recipe;
  const char *overrides[MOST_OVERRIDES];
  int n_overrides;
  double seconds; // of the clock, for each phase
  double peak;    // GFLOP/s of all threads; 0: not known
  compute_options compute;
} bench_options;

typedef struct phase_times {
  const char *name;
  double *steps_s; // [MOST_STEPS], sorted at the end
  int64_t n_steps;
  double wall_s, cpu_s; // of all of them
  double flops;         // of all of them
} phase_times;

typedef struct bench {
  bench_options options;
  recipe recipe;
  dataset *set;
  crops *source;
  codec_trainer *trainer;
  double critics_work; // multiply-adds of one forward, over a lane's examples
} bench;

// ---- audio ----------------------------------------------------------------------------------

// Never silence: chirps and noise.
static void fill_clip(float *x, int64_t n, int clip, uint32_t rate_hz)
{
  for (int64_t i = 0; i < n; ++i) {
    const double t = (double)i / (double)rate_hz;
    const double noise = (double)random_uniform(1, (uint64_t)clip, (uint64_t)i) - 0.5;
    x[i] = (float)(0.3 * sin(6.283185307 * (110.0 + 60.0 * clip + 40.0 * sin(t)) * t) +
                   0.15 * sin(6.283185307 * (1500.0 + 900.0 * sin(0.7 * t)) * t) + 0.1 * noise);
  }
}

static status write_clips(set_writer *w, float *x, uint32_t rate_hz, error *err)
{
  const int64_t n = (int64_t)rate_hz * CLIP_S;
  status code = STATUS_OK;
  for (int i = 0; i < CLIPS && code == STATUS_OK; ++i) {
    char path[32];
    snprintf(path, sizeof path, "made-up/%d", i);
    const set_clip clip = {"made-up", path, false, 1.0, rate_hz, 1};
    fill_clip(x, n, i, rate_hz);
    code = set_writer_begin(w, &clip, (uint64_t)n, err);
    code = code ? code : set_writer_push(w, x, (size_t)n, err);
    code = code ? code : set_writer_end(w, err);
  }
  return code;
}

static status write_set(const char *folder, uint32_t rate_hz, error *err)
{
  const set_head head = {.rate_hz = rate_hz, .group = "", .rule = "none"};
  float *x = malloc((size_t)rate_hz * CLIP_S * sizeof *x);
  set_writer *w = NULL;
  status code = x ? set_writer_open(&w, folder, &head, err)
                  : error_set(err, STATUS_NO_MEMORY, "no memory for audio");
  if (code == STATUS_OK) {
    code = write_clips(w, x, rate_hz, err);
    if (code != STATUS_OK) {
      set_writer_abort(w);
    } else {
      code = set_writer_commit(w, err);
    }
  }
  free(x);
  return code;
}

static void remove_set(const char *folder)
{
  static const char *const files[] = {SET_INDEX_NAME, "audio-000.shard"};
  for (int i = 0; i < 2; ++i) {
    char path[PATH_BYTES + 32];
    snprintf(path, sizeof path, "%s/%s", folder, files[i]);
    unlink(path);
  }
  rmdir(folder);
}

// The set is mapped once it is open, so that its files can go at once.
static status open_audio(bench *b, error *err)
{
  char folder[PATH_BYTES];
  const char *parent = getenv("TMPDIR");
  snprintf(folder, sizeof folder, "%s/continuo-bench-XXXXXX", parent ? parent : P_tmpdir);
  if (!mkdtemp(folder)) {
    return error_set(err, STATUS_IO, "%s: cannot make a folder", folder);
  }
  status code = write_set(folder, b->recipe.codec.rate_hz, err);
  code = code ? code : dataset_open(&b->set, folder, err);
  remove_set(folder);
  return code ? code
              : crops_new(&b->source, b->set, &b->recipe.data, (uint64_t)b->recipe.run.seed, err);
}

// ---- opening --------------------------------------------------------------------------------

// Long phases, of which only the beginning is seen.
static void stretch_phases(recipe_phases *phases)
{
  const bool judged = phases->adversarial > 0;
  *phases = (recipe_phases){.reconstruction = PHASE_STEPS, .adversarial = judged ? PHASE_STEPS : 0};
}

static status open_trainer(bench *b, error *err)
{
  const trainer_options options = {
      .device = compute_device(&b->options.compute),
      .n_threads = (int)b->options.compute.n_threads,
  };
  status code = codec_trainer_new(&b->trainer, &b->recipe, b->source, &options, err);
  code = code ? code : codec_trainer_initialise(b->trainer, err);
  if (code != STATUS_OK) {
    return code;
  }
  lane *first = b->trainer->lanes[0];
  b->trainer->books->started = true; // k-means is no part of a step
  codebooks_assume_uniform(b->trainer->books, (double)(b->trainer->n_lanes * first->steps));
  return first->critics ? adversary_work(first->critics, &first->memory, first->examples,
                                         b->recipe.data.crop_samples, &b->critics_work, err)
                        : STATUS_OK;
}

static status open_bench(bench *b, error *err)
{
  status code =
      recipe_load(&b->recipe, b->options.recipe, b->options.overrides, b->options.n_overrides, err);
  if (code == STATUS_OK) {
    stretch_phases(&b->recipe.phases);
    code = open_audio(b, err);
  }
  return code ? code : open_trainer(b, err);
}

static void close_bench(bench *b)
{
  codec_trainer_free(b->trainer);
  crops_free(b->source);
  dataset_close(b->set);
}

// ---- steps ----------------------------------------------------------------------------------

/// Floating-point operations of the last step: two for each multiply-add. The codec's forward
/// counts three times (there, and back to inputs and to weights); so does each forward, over real
/// and over fake audio, of discriminators that learn; what they tell the generator is one more
/// sweep for each loss.
static double step_flops(const bench *b)
{
  const codec_trainer *t = b->trainer;
  const lane *l = t->lanes[0];
  const rvq *q = &l->net->quantiser;
  double work = 3.0 * (tape_multiply_adds(l->encoding) + tape_multiply_adds(l->decoding)) +
                (double)(l->steps * q->n_codebooks * q->size * q->dim);
  if (t->plan.adversarial) {
    work += b->critics_work * (2.0 + 2.0 + (t->plan.discriminate ? 4.0 : 0.0));
  }
  return 2.0 * work * (double)t->n_lanes;
}

static status time_step(bench *b, phase_times *p, error *err)
{
  trainer_report report;
  const double begun_s = seconds_now();
  const clock_t begun = clock();
  const status code = codec_trainer_step(b->trainer, &report, err);
  const double took_s = seconds_now() - begun_s;
  if (code == STATUS_OK) {
    p->cpu_s += (double)(clock() - begun) / (double)CLOCKS_PER_SEC;
    p->wall_s += took_s;
    p->flops += step_flops(b);
    p->steps_s[p->n_steps++] = took_s;
  }
  return code;
}

static int compare_seconds(const void *a, const void *b)
{
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/// Whole rounds of `every` steps, so that steps with and without learning are in proportion.
static status time_phase(bench *b, int64_t first, phase_times *p, error *err)
{
  const int64_t round = first ? b->recipe.discriminator.every : 1;
  status code = STATUS_OK;
  b->trainer->step = first;
  for (int64_t i = 0; i < WARM_UP_STEPS * round && code == STATUS_OK; ++i) {
    code = time_step(b, p, err);
  }
  p->n_steps = 0;
  p->wall_s = p->cpu_s = p->flops = 0.0;
  while (code == STATUS_OK && p->n_steps + round <= MOST_STEPS && !stop_requested() &&
         (p->wall_s < b->options.seconds || p->n_steps % round != 0)) {
    code = time_step(b, p, err);
  }
  qsort(p->steps_s, (size_t)p->n_steps, sizeof *p->steps_s, compare_seconds);
  return code;
}

// ---- what is seen ---------------------------------------------------------------------------

static double percentile_ms(const phase_times *p, double share)
{
  const int64_t at = (int64_t)ceil(share * (double)p->n_steps) - 1;
  return p->n_steps ? 1e3 * p->steps_s[at < 0 ? 0 : at] : 0.0;
}

static double audio_s(const bench *b, const phase_times *p)
{
  return (double)(p->n_steps * b->recipe.batch.size * b->recipe.data.crop_samples) /
         (double)b->recipe.codec.rate_hz;
}

static void show_phase(json_writer *w, const bench *b, const phase_times *p, bool as_json)
{
  const double gflops = p->flops / p->wall_s * 1e-9, peak = b->options.peak;
  if (!as_json) {
    printf("%-16s %8lld %10.2f %10.2f %10.1f %10.1f %10.1f", p->name, (long long)p->n_steps,
           audio_s(b, p) / p->wall_s, audio_s(b, p) / p->cpu_s, percentile_ms(p, 0.5),
           percentile_ms(p, 0.99), gflops);
    printf(peak > 0.0 ? "  %5.1f %%\n" : "\n", 100.0 * gflops / peak);
    return;
  }
  json_begin_object(w, p->name);
  json_write_integer(w, "steps", p->n_steps);
  json_write_number(w, "audio_s_per_s", audio_s(b, p) / p->wall_s);
  json_write_number(w, "audio_s_per_cpu_s", audio_s(b, p) / p->cpu_s);
  json_write_number(w, "step_ms_p50", percentile_ms(p, 0.5));
  json_write_number(w, "step_ms_p99", percentile_ms(p, 0.99));
  json_write_number(w, "gflop_per_step", p->flops / (double)p->n_steps * 1e-9);
  json_write_number(w, "gflops", gflops);
  if (peak > 0.0) {
    json_write_number(w, "share_of_peak", gflops / peak);
  }
  json_end_object(w);
}

static status begin_json(json_writer *w, const bench *b, error *err)
{
  char *text = NULL;
  const status code = recipe_write(&b->recipe, &text, err);
  json_writer_init(w, stdout);
  if (code == STATUS_OK) {
    json_begin_object(w, NULL);
    json_write_string(w, "device", b->trainer->lanes[0]->dev->name);
    json_write_integer(w, "threads", b->trainer->threads ? team_size(b->trainer->threads) : 1);
    json_write_string(w, "recipe", text);
  }
  free(text);
  return code;
}

static void begin_table(const bench *b)
{
  printf("%s, %s a lane, %d of %d lanes at a time\n\n", b->recipe.name,
         b->trainer->lanes[0]->dev->name, b->trainer->threads ? team_size(b->trainer->threads) : 1,
         b->trainer->n_lanes);
  printf("%-16s %8s %10s %10s %10s %10s %10s\n", "phase", "steps", "audio s/s", "per CPU s",
         "p50 ms", "p99 ms", "GFLOP/s");
}

static status time_phases(bench *b, bool as_json, error *err)
{
  static const char *const names[] = {"reconstruction", "adversarial"};
  const int n_phases = b->recipe.phases.adversarial > 0 ? 2 : 1;
  phase_times p = {.steps_s = malloc(MOST_STEPS * sizeof(double))};
  json_writer w;
  if (!p.steps_s) {
    return error_set(err, STATUS_NO_MEMORY, "no memory for times");
  }
  status code = STATUS_OK;
  if (as_json) {
    code = begin_json(&w, b, err);
  } else {
    begin_table(b);
  }
  for (int i = 0; i < n_phases && code == STATUS_OK; ++i) {
    p.name = names[i];
    code = time_phase(b, i * PHASE_STEPS, &p, err);
    if (code == STATUS_OK) {
      show_phase(&w, b, &p, as_json);
      fflush(stdout);
    }
  }
  if (as_json && code == STATUS_OK) {
    json_end_object(&w);
    code = json_writer_finish(&w, err);
  }
  if (as_json) {
    json_writer_free(&w);
  }
  free(p.steps_s);
  return code;
}

static status run_bench(const command *self, command_context *context, int argc, char **argv,
                        error *err)
{
  bench b = {.options = {.seconds = 10.0}};
  bench_options *o = &b.options;
  bool done = false;
  const option_row rows[] = {
      {'c', "recipe", "FILE", "the recipe (.ini); without: the defaults", OPTION_STRING, &o->recipe,
       0, 0, NULL},
      {'s', "seconds", "S", "to spend on each phase (default 10)", OPTION_NUMBER, &o->seconds, 0.01,
       86400, NULL},
      {0, "peak", "GFLOPS", "what all threads could do at most, to compare with", OPTION_NUMBER,
       &o->peak, 0.001, 1e9, NULL},
      COMPUTE_ROWS(&o->compute),
      PRODUCTS_ROW(&o->compute),
      {0},
  };
  status code = command_parse(self, context, rows, true, argc, argv, 0, MOST_OVERRIDES,
                              &o->n_overrides, &done, err);
  if (code != STATUS_OK || done) {
    return code;
  }
  for (int i = 0; i < o->n_overrides; ++i) {
    o->overrides[i] = argv[1 + i];
  }
  code = open_bench(&b, err);
  code = code ? code : time_phases(&b, context->json, err);
  close_bench(&b);
  return code;
}

const command command_bench_codec = {
    .name = "bench codec",
    .arguments = "[-c RECIPE] [SECTION.KEY=VALUE...]",
    .summary = "Time a recipe's training steps on made-up audio",
    .run = run_bench,
};
