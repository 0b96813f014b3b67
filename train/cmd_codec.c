// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// continuo-train codec: the step loop around codec_trainer, with what a run leaves behind.

#include "base/cli/program.h"
#include "base/cli/terminal.h"
#include "gpu/compute_options.h"
#include "train/codec_trainer.h"
#include "train/commands.h"
#include "train/critics_file.h"
#include "train/run_set.h"
#include "train/training_log.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MOST_OVERRIDES 256
#define MOST_TRIED 64 // checkpoints, latest first

typedef struct codec_options_given {
  const char *set, *recipe, *out, *from, *critics, *freeze;
  char freeze_override[RECIPE_WORD_BYTES]; // --freeze is a value of the recipe: a resume keeps it
  const char *overrides[MOST_OVERRIDES + 1];
  int n_overrides;
  bool resume;
  int64_t stop_after; // steps in this sitting; 0: to the end
  compute_options compute;
} codec_options_given;

typedef struct training {
  codec_options_given options;
  command_context *context;
  processes processes; // the first one alone writes and speaks
  recipe recipe;
  run_folder folder;
  dataset *set;
  bool validates; // the set keeps clips aside
  crops *source;
  codec_trainer *trainer;
  tensorboard *log; ///< null: none
  progress line;
  double seconds_per_step; // smoothed
  double last_s;
} training;

static bool leads(const training *t)
{
  return t->processes.rank == 0;
}

// ---- opening --------------------------------------------------------------------------------

static status read_recipe(training *t, error *err)
{
  char path[RUN_PATH_BYTES];
  if (!t->options.resume) {
    return recipe_load(&t->recipe, t->options.recipe, t->options.overrides, t->options.n_overrides,
                       err);
  }
  run_folder_file(&t->folder, "recipe.ini", path);
  return recipe_load(&t->recipe, path, t->options.overrides, t->options.n_overrides, err);
}

static status store_recipe(const training *t, error *err)
{
  char *text = NULL;
  status code = recipe_write(&t->recipe, &text, err);
  code = code ? code : run_folder_write(&t->folder, "recipe.ini", text, err);
  free(text);
  return code;
}

static bool keeps_aside(const dataset *set)
{
  for (size_t i = 0; i < dataset_n_clips(set); ++i) {
    if (dataset_get_clip(set, i)->validation) {
      return true;
    }
  }
  return false;
}

static status open_data(training *t, error *err)
{
  status code = dataset_open(&t->set, t->options.set, err);
  if (code == STATUS_OK && dataset_rate_hz(t->set) != t->recipe.codec.rate_hz) {
    code = error_set(err, STATUS_USAGE, "%s: prepared at %u Hz, the recipe wants %u Hz",
                     t->options.set, dataset_rate_hz(t->set), t->recipe.codec.rate_hz);
  }
  if (code == STATUS_OK) {
    code = crops_new(&t->source, t->set, &t->recipe.data, (uint64_t)t->recipe.run.seed, err);
    code = code ? error_prefix(err, "%s", t->options.set) : code;
  }
  t->validates = code == STATUS_OK && keeps_aside(t->set);
  if (code == STATUS_OK && !t->validates) {
    log_write(&t->context->log, LOG_WARNING,
              "%s: no clip is kept aside, so nothing is validated and none is the best",
              t->options.set);
  }
  return code;
}

/// Another device or recipe, no memory: an older checkpoint would not be better.
static bool is_final(status code)
{
  return code == STATUS_OK || code == STATUS_USAGE || code == STATUS_UNSUPPORTED ||
         code == STATUS_NO_MEMORY;
}

/// The latest checkpoint that can be read; older ones, then the best, when it is damaged.
static status load_latest(training *t, error *err)
{
  int64_t steps[MOST_TRIED];
  const int n = run_folder_list(&t->folder, steps, MOST_TRIED);
  status code = STATUS_NOT_FOUND;
  for (int i = 0; i <= n && !is_final(code); ++i) {
    char path[RUN_PATH_BYTES];
    if (i < n) {
      run_folder_checkpoint(&t->folder, steps[i], path);
    } else {
      run_folder_file(&t->folder, "checkpoints/best.safetensors", path);
    }
    code = codec_trainer_load(t->trainer, path, err);
    if (!is_final(code) && (i < n || code != STATUS_NOT_FOUND)) {
      log_write(&t->context->log, LOG_WARNING, "%s", err->message);
    }
  }
  if (code == STATUS_OK) {
    log_write(&t->context->log, LOG_INFO, "goes on from step %lld", (long long)t->trainer->step);
  } else if (!is_final(code)) {
    code = error_set(err, n ? STATUS_FORMAT : STATUS_NOT_FOUND,
                     "%s: no checkpoint that can be gone on from", t->folder.path);
  }
  return code;
}

static status load_critics(training *t, error *err)
{
  if (!t->trainer->critics) {
    return error_set(err, STATUS_USAGE, "--init-discriminators: the recipe has none");
  }
  const status code = critics_file_load(t->trainer->critics, t->options.critics, err);
  return code ? code : codec_trainer_follow(t->trainer, err);
}

static status begin_training(training *t, error *err)
{
  if (t->options.resume) {
    return load_latest(t, err);
  }
  status code = t->options.from ? codec_trainer_initialise_from(t->trainer, t->options.from, err)
                                : codec_trainer_initialise(t->trainer, err);
  if (code == STATUS_OK && t->options.critics) {
    code = load_critics(t, err);
  }
  return code;
}

static status save(training *t, error *err)
{
  char path[RUN_PATH_BYTES];
  if (!leads(t)) {
    return STATUS_OK;
  }
  run_folder_checkpoint(&t->folder, t->trainer->step, path);
  const status code = codec_trainer_save(t->trainer, path, err);
  if (code == STATUS_OK) {
    run_folder_prune(&t->folder, t->recipe.run.keep);
  }
  return code;
}

/// What the run is made of is written down with it; the recipe last, which makes it a run, so that
/// there is a checkpoint to go on from whenever it is killed.
static status store_inputs(training *t, error *err)
{
  status code = t->options.resume ? STATUS_OK : save(t, err);
  code = code ? code : run_set_store(&t->folder, t->set, t->options.set, err);
  return code ? code : store_recipe(t, err);
}

/// A run goes on without a log; what is missing is said once.
static void open_log(training *t)
{
  char path[RUN_PATH_BYTES];
  error why = {0};
  run_folder_file(&t->folder, "log", path);
  if (mkdir(path, 0777) != 0 && errno != EEXIST) {
    log_write(&t->context->log, LOG_WARNING, "%s: %s", path, strerror(errno));
  } else if (tensorboard_open(&t->log, path, t->trainer->step, &t->context->log, &why)) {
    log_write(&t->context->log, LOG_WARNING, "no TensorBoard log: %s", why.message);
  }
}

/// The lock is the leading process's; the others only read.
static status open_folder(training *t, error *err)
{
  if (leads(t)) {
    return run_folder_open(&t->folder, t->options.out, t->options.resume, err);
  }
  return t->options.resume ? run_folder_look(&t->folder, t->options.out, err) : STATUS_OK;
}

/// Up to where the first step could be taken, with nothing written into a run.
static status prepare_training(training *t, error *err)
{
  const trainer_options options = {
      .device = compute_device(&t->options.compute),
      .n_threads = (int)t->options.compute.n_threads,
      .log = &t->context->log,
      .processes = t->processes,
      .stop = stop_requested,
  };
  status code = STATUS_OK;
  if (!t->options.resume) {
    code = read_recipe(t, err); // before a folder is made
  }
  code = code ? code : open_folder(t, err);
  if (code == STATUS_OK && t->options.resume) {
    code = read_recipe(t, err);
  }
  code = code ? code : open_data(t, err);
  if (code == STATUS_OK && t->options.resume) {
    code = run_set_check(&t->folder, t->set, err);
  }
  code = code ? code : codec_trainer_new(&t->trainer, &t->recipe, t->source, &options, err);
  return code ? code : begin_training(t, err);
}

static status expect_alike(const training *t, error *err)
{
  const status code = processes_expect_same(&t->processes, "set (sha256)", dataset_sha256(t->set),
                                            SHA256_HEX_BYTES - 1, err);
  return code ? code : codec_trainer_expect_alike(t->trainer, err);
}

static status open_training(training *t, error *err)
{
  status code = processes_agree(&t->processes, prepare_training(t, err), err);
  code = code ? code : expect_alike(t, err);
  if (code == STATUS_OK && leads(t)) {
    code = store_inputs(t, err);
    if (code == STATUS_OK) {
      open_log(t);
    }
  }
  code = processes_agree(&t->processes, code, err);
  if (code != STATUS_OK) {
    run_folder_forget(&t->folder);
  }
  return code;
}

static void close_training(training *t)
{
  progress_end(&t->line);
  tensorboard_close(t->log);
  codec_trainer_free(t->trainer);
  crops_free(t->source);
  dataset_close(t->set);
  run_folder_close(&t->folder);
  processes_close(&t->processes);
}

// ---- what is seen ---------------------------------------------------------------------------

/// What the process itself holds; the mapped recordings, which the kernel keeps and drops as it
/// likes, are not counted.
static double memory_mib(void)
{
  char text[128] = "";
  FILE *file = fopen("/proc/self/statm", "r");
  if (file) {
    if (!fgets(text, sizeof text, file)) {
      text[0] = '\0';
    }
    fclose(file);
  }
  char *end = text;
  strtol(text, &end, 10); // the whole address space
  const long resident = strtol(end, &end, 10), shared = strtol(end, NULL, 10);
  return (double)(resident - shared) * (double)sysconf(_SC_PAGESIZE) / 1048576.0;
}

static void describe_step(const training *t, const trainer_report *r, char *text, size_t size)
{
  static const char *const phases[] = {"warm-up", "reconstruction", "adversarial"};
  const double audio_s = (double)(t->recipe.batch.size * t->recipe.data.crop_samples) /
                         (double)t->recipe.codec.rate_hz;
  const double left_s =
      (double)(codec_trainer_steps(&t->recipe) - r->step - 1) * t->seconds_per_step;
  const double snr_db =
      10.0 * log10((r->sums.audio_square + 1e-12) / (r->sums.error_square + 1e-12));
  snprintf(text, size,
           "step %lld %s: total %.4f mel %.4f wave %.4f commit %.4f SNR %.2f dB latent %.2f "
           "gradient %.3g rate %.2g replaced %d | %.1f s/s, %.0f MiB, %.0f min left",
           (long long)r->step, phases[r->phase], r->total, r->sums.losses[LOSS_MEL],
           r->sums.losses[LOSS_WAVE_L1], r->sums.commitment, snr_db, sqrt(r->sums.latent_square),
           r->gradient_norm, r->rate, r->replaced, audio_s / t->seconds_per_step, memory_mib(),
           left_s / 60.0);
}

static void show_step(training *t, const trainer_report *r)
{
  char text[512];
  const double now_s = seconds_now();
  const double took_s = now_s - t->last_s;
  t->last_s = now_s;
  t->seconds_per_step =
      t->seconds_per_step > 0.0 ? 0.98 * t->seconds_per_step + 0.02 * took_s : took_s;
  describe_step(t, r, text, sizeof text);
  progress_line(&t->line, text);
  if ((r->step + 1) % t->recipe.run.log_every == 0) {
    const double audio_s = (double)(t->recipe.batch.size * t->recipe.data.crop_samples) /
                           (double)t->recipe.codec.rate_hz;
    training_log_step(t->log, r, memory_mib(), audio_s / t->seconds_per_step);
  }
  if (!t->line.shown && (r->step + 1) % t->recipe.run.log_every == 0) {
    log_write(&t->context->log, LOG_INFO, "%s", text);
  }
}

static void show_validation(training *t, const trainer_validation *v)
{
  char text[512];
  const int n = (int)t->recipe.codec.n_codebooks;
  int at =
      snprintf(text, sizeof text, "validation at %lld: total %.4f mel %.4f SNR %.2f dB, entropy",
               (long long)t->trainer->step, v->total, v->sums.losses[LOSS_MEL], v->sums.snr_db);
  for (int k = 0; k < n && at < (int)sizeof text - 8; ++k) {
    at += snprintf(text + at, sizeof text - (size_t)at, " %.3f", v->entropy[k]);
  }
  progress_end(&t->line);
  log_write(&t->context->log, LOG_INFO, "%s", text);
}

// ---- the loop -------------------------------------------------------------------------------

static status validate(training *t, error *err)
{
  trainer_validation found;
  status code = codec_trainer_validate(t->trainer, t->recipe.run.validation_crops, &found, err);
  if (code != STATUS_OK) {
    return code;
  }
  const bool better = found.total < t->trainer->best;
  t->trainer->best = better ? found.total : t->trainer->best;
  if (leads(t)) {
    show_validation(t, &found);
    training_log_validation(t->log, t->trainer, &found);
  }
  if (better && leads(t)) {
    char path[RUN_PATH_BYTES];
    run_folder_file(&t->folder, "checkpoints/best.safetensors", path);
    code = codec_trainer_save(t->trainer, path, err);
  }
  t->last_s = seconds_now();
  return code;
}

static bool due(int64_t step, int64_t every)
{
  return every > 0 && step % every == 0;
}

/// What follows a step of all processes. What the leading one fails at, writing, it alone knows.
static status after_step(training *t, const trainer_report *report, error *err)
{
  status code = STATUS_OK;
  if (leads(t)) {
    show_step(t, report);
  }
  if (t->validates && due(t->trainer->step, t->recipe.run.validate_every)) {
    code = validate(t, err);
  }
  if (code == STATUS_OK && due(t->trainer->step, t->recipe.run.save_every)) {
    code = save(t, err);
  }
  return processes_agree(&t->processes, code, err);
}

/// What is left to do when the loop, which was to come to step `last`, has ended with `code`.
static status finish(training *t, status code, int64_t last, error *err)
{
  if (code != STATUS_OK && code != STATUS_INTERRUPTED) {
    return code; // the last good checkpoint stays
  }
  code = processes_agree(&t->processes, save(t, err), err);
  return code || t->trainer->step >= last
             ? code
             : error_set(err, STATUS_INTERRUPTED,
                         "stopped before step %lld of %lld, and saved; --resume goes on",
                         (long long)t->trainer->step, (long long)codec_trainer_steps(&t->recipe));
}

static status train(training *t, error *err)
{
  const int64_t end = codec_trainer_steps(&t->recipe);
  const int64_t stop = t->options.stop_after > 0 ? t->trainer->step + t->options.stop_after : end;
  status code = STATUS_OK;
  t->last_s = seconds_now();
  while (code == STATUS_OK && t->trainer->step < end && t->trainer->step < stop &&
         !processes_any(&t->processes, stop_requested())) {
    trainer_report report;
    code = codec_trainer_step(t->trainer, &report, err);
    if (code != STATUS_OK) {
      break;
    }
    code = after_step(t, &report, err);
  }
  return finish(t, code, stop < end ? stop : end, err);
}

static status check_options(const codec_options_given *o, error *err)
{
  if (!o->set || !o->out || (!o->recipe && !o->resume)) {
    return error_set(err, STATUS_USAGE, "needs -d SET, -o RUN and -c RECIPE (or --resume)");
  }
  if (o->resume && (o->recipe || o->from || o->critics)) {
    return error_set(err, STATUS_USAGE, "--resume takes recipe and weights from the run");
  }
  return STATUS_OK;
}

static status take_freeze(codec_options_given *o, error *err)
{
  const int size = (int)sizeof o->freeze_override;
  if (snprintf(o->freeze_override, (size_t)size, "run.freeze=%s", o->freeze) >= size) {
    return error_set(err, STATUS_USAGE, "--freeze %.40s...: too long", o->freeze);
  }
  o->overrides[o->n_overrides++] = o->freeze_override;
  return STATUS_OK;
}

static status run_codec(const command *self, command_context *context, int argc, char **argv,
                        error *err)
{
  training t = {.context = context, .folder = {.lock = -1}};
  codec_options_given *o = &t.options;
  bool done = false;
  const option_row rows[] = {
      {'d', "data", "SET", "what `prepare` made", OPTION_STRING, &o->set, 0, 0, NULL},
      {'c', "recipe", "FILE", "the recipe (.ini)", OPTION_STRING, &o->recipe, 0, 0, NULL},
      {'o', "output", "RUN", "folder of the run", OPTION_STRING, &o->out, 0, 0, NULL},
      {0, "resume", NULL, "go on with RUN", OPTION_FLAG, &o->resume, 0, 0, NULL},
      {0, "init-from", "MODEL", "start from this model's weights", OPTION_STRING, &o->from, 0, 0,
       NULL},
      {0, "init-discriminators", "FILE", "start from these discriminators", OPTION_STRING,
       &o->critics, 0, 0, NULL},
      {0, "freeze", "PATTERN", "leave what has these names as it is (\"encoder.* rvq.*\")",
       OPTION_STRING, &o->freeze, 0, 0, NULL},
      {0, "steps", "N", "stop (and save) after so many steps of this sitting", OPTION_INTEGER,
       &o->stop_after, 1, 1e12, NULL},
      COMPUTE_ROWS(&o->compute),
      PRODUCTS_ROW(&o->compute),
      {0},
  };
  status code = command_parse(self, context, rows, false, argc, argv, 0, MOST_OVERRIDES,
                              &o->n_overrides, &done, err);
  if (code != STATUS_OK || done) {
    return code;
  }
  for (int i = 0; i < o->n_overrides; ++i) {
    o->overrides[i] = argv[1 + i];
  }
  code = check_options(o, err);
  if (code == STATUS_OK && o->freeze) {
    code = take_freeze(o, err);
  }
  code = code ? code : processes_open(&t.processes, err);
  if (code != STATUS_OK) {
    return code;
  }
  const bool speaks = leads(&t);
  if (!speaks) {
    context->quiet = true;
    context->log.least = LOG_ERROR;
  }
  progress_begin(&t.line, context->quiet);
  code = open_training(&t, err);
  code = code ? code : train(&t, err);
  close_training(&t);
  return speaks ? code : STATUS_OK; // what went wrong is said once
}

const command command_codec = {
    .name = "codec",
    .arguments = "-d SET -c RECIPE -o RUN [SECTION.KEY=VALUE...]",
    .summary = "Train a codec",
    .run = run_codec,
};
