// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// continuo-train eval codec: what a codec does to sounds, in figures.

#include "base/cli/program.h"
#include "gpu/compute_options.h"
#include "models/model_path.h"
#include "train/codec_trial.h"
#include "train/commands.h"
#include "train/eval_tables.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_FOLDERS 4096
#define DEFAULT_RATE_HZ 24000
#define LEAST_BETWEEN_S 0.1

static const dtype storages[] = {DTYPE_F16, DTYPE_F32, DTYPE_BF16, DTYPE_I8};
#define STORAGE_WORDS "f16|f32|bf16|int8"

typedef struct eval_command {
  const char *model, *set, *wavs, *codebooks;
  const char *const *folders;
  int n_folders;
  int split, storage;
  int64_t rate_hz; ///< 0: not given
  bool random_codes;
  compute_options compute;
} eval_command;

typedef struct evaluation {
  const eval_command *command;
  const command_context *context;
  char path[PATH_BYTES]; ///< of the model
  device *dev;
  codec *model;
  const codec_info *info;
  clip_list clips;
  codec_trial_options options;
  codec_trial *trial;
  skipped_files skipped;
  progress line;
} evaluation;

// ---- options ------------------------------------------------------------------------------------

static int compare_counts(const void *a, const void *b)
{
  return *(const int *)a - *(const int *)b;
}

static void sort_counts(codec_trial_options *o)
{
  int kept = 0;
  qsort(o->counts, (size_t)o->n_counts, sizeof *o->counts, compare_counts);
  for (int i = 0; i < o->n_counts; ++i) {
    if (i == 0 || o->counts[i] != o->counts[kept - 1]) {
      o->counts[kept++] = o->counts[i];
    }
  }
  o->n_counts = kept;
}

/// "1,2,8" or "all" among them.
static status parse_counts(const char *text, const codec_info *info, codec_trial_options *o,
                           error *err)
{
  const char *at = text;
  o->n_counts = 0;
  do {
    at += o->n_counts > 0; // the comma
    const size_t length = strcspn(at, ",");
    char *end = NULL;
    long count = strtol(at, &end, 10);
    if (length == 3 && strncmp(at, "all", 3) == 0) {
      count = (long)info->n_codebooks;
      end = (char *)(uintptr_t)at + 3;
    }
    if (length == 0 || end != at + length || count < 1 || count > (long)info->n_codebooks ||
        o->n_counts == CLIP_CODER_MAX_BRANCHES) {
      return error_set(err, STATUS_USAGE,
                       "--codebooks: expected numbers from 1 to %u, or \"all\", with commas, found "
                       "\"%s\"",
                       info->n_codebooks, text);
    }
    o->counts[o->n_counts++] = (int)count;
    at += length;
  } while (*at == ',');
  sort_counts(o);
  return STATUS_OK;
}

static status open_model(evaluation *e, error *err)
{
  status code = model_find(e->command->model, e->path, err);
  code = code ? code : compute_open(&e->command->compute, &e->dev, err);
  if (code == STATUS_OK) {
    const codec_options options = {
        .dev = e->dev, .storage = storages[e->command->storage], .log = &e->context->log};
    code = codec_open(&e->model, e->path, &options, err);
  }
  if (code == STATUS_OK) {
    e->info = codec_get_info(e->model);
  }
  return code;
}

static status open_clips(evaluation *e, error *err)
{
  const eval_command *o = e->command;
  if (!o->set) {
    return clip_list_open_folders(&e->clips, o->folders, o->n_folders,
                                  o->rate_hz ? (uint32_t)o->rate_hz : DEFAULT_RATE_HZ,
                                  &e->context->log, err);
  }
  const status code = clip_list_open_set(&e->clips, o->set, o->split == 1, err);
  if (code == STATUS_OK && o->rate_hz && o->rate_hz != e->clips.rate_hz) {
    return error_set(err, STATUS_USAGE, "%s: prepared at %u Hz, so --rate %lld cannot be", o->set,
                     e->clips.rate_hz, (long long)o->rate_hz);
  }
  return code;
}

static status open_trial(evaluation *e, error *err)
{
  const eval_command *o = e->command;
  e->options = (codec_trial_options){.random_codes = o->random_codes,
                                     .wall_clock = e->dev->kind != COMPUTE_CPU,
                                     .rate_hz = e->clips.rate_hz,
                                     .wavs = o->wavs};
  if (o->codebooks) {
    const status code = parse_counts(o->codebooks, e->info, &e->options, err);
    if (code != STATUS_OK) {
      return code;
    }
  } else {
    codec_trial_choose_counts(e->info, &e->options);
  }
  const status code = codec_trial_new(&e->trial, e->model, &e->options, err);
  return code ? error_prefix(err, "%s", e->path) : code;
}

// ---- the clips ----------------------------------------------------------------------------------

static void show(evaluation *e, size_t clip, double *last_s)
{
  const double now_s = seconds_now();
  if (e->line.shown && now_s - *last_s >= LEAST_BETWEEN_S) {
    char text[160];
    snprintf(text, sizeof text, "%zu of %zu, %.1f min, %.80s", clip, e->clips.n_clips,
             e->trial->audio_s / 60.0, clip_list_path(&e->clips, clip));
    progress_line(&e->line, text);
    *last_s = now_s;
  }
}

static status try_clips(evaluation *e, error *err)
{
  double last_s = 0.0;
  status code = STATUS_OK;
  for (size_t i = 0; i < e->clips.n_clips && code == STATUS_OK; ++i) {
    error why = {0};
    bool bad = false;
    if (stop_requested()) {
      return error_set(err, STATUS_INTERRUPTED, "stopped after %zu of %zu clips", i,
                       e->clips.n_clips);
    }
    show(e, i, &last_s);
    code = codec_trial_clip(e->trial, &e->clips, i, &bad, &why);
    if (code != STATUS_OK && bad) {
      code = skipped_add(&e->skipped, &e->context->log, &e->line, &why, err);
    } else if (code != STATUS_OK) {
      *err = why;
    }
  }
  if (code == STATUS_OK && e->trial->scores[0].n_clips == 0) {
    code = error_set(err, STATUS_FORMAT, "none of %zu files could be read: %.300s",
                     e->clips.n_clips, e->skipped.sentences[0]);
  }
  return code;
}

// ---- what is printed ----------------------------------------------------------------------------

static double bits_per_step(const codec_info *info, int n_codebooks)
{
  double bits = 0.0;
  for (uint32_t size = info->codebook_size; size > 1; size >>= 1) {
    bits += 1.0;
  }
  return bits * n_codebooks;
}

static double kbps(const codec_info *info, int n_codebooks)
{
  return bits_per_step(info, n_codebooks) * (double)info->rate_hz / (double)info->hop_samples / 1e3;
}

static const char *storage_name(const evaluation *e)
{
  static const char *const names[] = {"f16", "f32", "bf16", "int8"};
  return names[e->command->storage];
}

static int most_used(const evaluation *e)
{
  return e->options.counts[e->options.n_counts - 1];
}

static void print_head(const evaluation *e)
{
  const codec_info *info = e->info;
  const codec_trial *t = e->trial;
  printf("%s: %s \"%s\", %u Hz, %.2f steps/s, %u codebooks of %u; %s on %s\n", e->path, info->kind,
         info->name, info->rate_hz, (double)info->rate_hz / (double)info->hop_samples,
         info->n_codebooks, info->codebook_size, storage_name(e), e->dev->name);
  printf("%zu clips, %.1f s, compared at %u Hz%s\n", t->scores[0].n_clips, t->audio_s,
         e->clips.rate_hz, e->options.random_codes ? "; the codes are random" : "");
  printf("%.2f %% of %s (encoding %.2f, decoding %.2f), %.1f x real time\n",
         100.0 * (t->encode_s + t->decode_s) / t->audio_s,
         e->options.wall_clock ? "real time" : "a core", 100.0 * t->encode_s / t->audio_s,
         100.0 * t->decode_s / t->audio_s, t->audio_s / (t->encode_s + t->decode_s));
}

static void print_use(const evaluation *e)
{
  printf("\nentropy of each codebook's use on steps above -60 dBFS, 1 for even use\n");
  printf("  %-18s %6s\n", "kind", "steps");
  for (size_t i = 0; i < e->trial->n_uses; ++i) {
    const code_use *use = &e->trial->uses[i];
    printf("  %-18.40s %6lld ", use->kind ? use->kind : "all", (long long)use->n_steps);
    for (int k = 0; k < most_used(e); ++k) {
      printf(" %.3f", codec_trial_entropy(e->trial, use, k));
    }
    printf("\n");
  }
}

static status print_text(const evaluation *e, error *err)
{
  status code = STATUS_OK;
  print_head(e);
  print_use(e);
  for (int i = e->options.n_counts - 1; i >= 0 && code == STATUS_OK; --i) {
    const int n = e->options.counts[i];
    printf("\n%d codebook%s, %g bits a step, %.4g kbps\n", n, n == 1 ? "" : "s",
           bits_per_step(e->info, n), kbps(e->info, n));
    code = eval_print_table(&e->trial->scores[i], err);
  }
  return code;
}

static void write_speed(json_writer *w, const evaluation *e)
{
  const codec_trial *t = e->trial;
  json_begin_object(w, "speed");
  json_write_string(w, "clock", e->options.wall_clock ? "wall" : "processor");
  json_write_number(w, "encode_percent", 100.0 * t->encode_s / t->audio_s);
  json_write_number(w, "decode_percent", 100.0 * t->decode_s / t->audio_s);
  json_write_number(w, "percent", 100.0 * (t->encode_s + t->decode_s) / t->audio_s);
  json_write_number(w, "times_real_time", t->audio_s / (t->encode_s + t->decode_s));
  json_end_object(w);
}

static void write_use(json_writer *w, const evaluation *e)
{
  json_begin_array(w, "entropy");
  for (size_t i = 0; i < e->trial->n_uses; ++i) {
    const code_use *use = &e->trial->uses[i];
    json_begin_object(w, NULL);
    json_write_string(w, "kind", use->kind ? use->kind : "all");
    json_write_integer(w, "steps", use->n_steps);
    json_begin_array(w, "codebooks");
    for (int k = 0; k < most_used(e); ++k) {
      json_write_number(w, NULL, codec_trial_entropy(e->trial, use, k));
    }
    json_end_array(w);
    json_end_object(w);
  }
  json_end_array(w);
}

static void write_head(json_writer *w, const evaluation *e)
{
  const codec_info *info = e->info;
  json_write_string(w, "model", e->path);
  json_write_string(w, "name", info->name);
  json_write_string(w, "kind", info->kind);
  json_write_integer(w, "rate_hz", info->rate_hz);
  json_write_integer(w, "hop_samples", info->hop_samples);
  json_write_integer(w, "codebooks", info->n_codebooks);
  json_write_integer(w, "codebook_size", info->codebook_size);
  json_write_string(w, "storage", storage_name(e));
  json_write_string(w, "device", e->dev->name);
  json_write_integer(w, "compared_at_hz", e->clips.rate_hz);
  json_write_integer(w, "clips", (int64_t)e->trial->scores[0].n_clips);
  json_write_number(w, "seconds", e->trial->audio_s);
  json_write_bool(w, "random_codes", e->options.random_codes);
}

static status print_json(const evaluation *e, error *err)
{
  status code = STATUS_OK;
  json_writer w;
  json_writer_init(&w, stdout);
  json_begin_object(&w, NULL);
  write_head(&w, e);
  write_speed(&w, e);
  write_use(&w, e);
  json_begin_array(&w, "results");
  for (int i = 0; i < e->options.n_counts && code == STATUS_OK; ++i) {
    const int n = e->options.counts[i];
    json_begin_object(&w, NULL);
    json_write_integer(&w, "codebooks", n);
    json_write_number(&w, "bits_per_step", bits_per_step(e->info, n));
    json_write_number(&w, "kbps", kbps(e->info, n));
    code = eval_write_scores(&w, &e->trial->scores[i], err);
    json_end_object(&w);
  }
  json_end_array(&w);
  skipped_write(&w, &e->skipped);
  json_end_object(&w);
  code = code ? code : json_writer_finish(&w, err);
  json_writer_free(&w);
  return code;
}

// ---- the command --------------------------------------------------------------------------------

static status evaluate(const eval_command *o, const command_context *context, error *err)
{
  evaluation e = {.command = o, .context = context};
  progress_begin(&e.line, context->quiet);
  status code = open_model(&e, err);
  code = code ? code : open_clips(&e, err);
  code = code ? code : open_trial(&e, err);
  code = code ? code : try_clips(&e, err);
  progress_end(&e.line);
  if (code == STATUS_OK) {
    code = context->json ? print_json(&e, err) : print_text(&e, err);
  }
  codec_trial_free(e.trial);
  clip_list_close(&e.clips);
  skipped_free(&e.skipped);
  codec_unref(e.model);
  device_unref(e.dev);
  return code;
}

static status run_eval_codec(const command *self, command_context *context, int argc, char **argv,
                             error *err)
{
  eval_command o = {0};
  const option_row rows[] = {
      {'d', "data", "SET", "what `prepare` made, instead of folders", OPTION_STRING, &o.set, 0, 0,
       NULL},
      {0, "split", "validation|all", "which clips of SET (default validation)", OPTION_CHOICE,
       &o.split, 0, 0, NULL},
      {'k', "codebooks", "LIST",
       "decode with so many: \"2,8\", \"all\" (default: 10 to 40 bits, all)", OPTION_STRING,
       &o.codebooks, 0, 0, NULL},
      {'r', "rate", "HZ", "compare at this rate (default 24000, or the set's)", OPTION_INTEGER,
       &o.rate_hz, 1000, 768000, NULL},
      {0, "wavs", "DIR", "write references and what was decoded", OPTION_STRING, &o.wavs, 0, 0,
       NULL},
      {0, "random-codes", NULL, "decode codes drawn evenly: the score of knowing nothing",
       OPTION_FLAG, &o.random_codes, 0, 0, NULL},
      {0, "storage", STORAGE_WORDS, "how weights are kept while it runs (default f16, as live)",
       OPTION_CHOICE, &o.storage, 0, 0, NULL},
      COMPUTE_ROWS(&o.compute),
      {0}};
  int n_operands = 0;
  bool done = false;
  const status code = command_parse(self, context, rows, true, argc, argv, 1, MOST_FOLDERS,
                                    &n_operands, &done, err);
  if (code || done) {
    return code;
  }
  o.model = argv[1];
  o.folders = (const char *const *)argv + 2;
  o.n_folders = n_operands - 1;
  if (!o.set == !o.n_folders) {
    return error_set(err, STATUS_USAGE, "needs folders of recordings, or --data SET, and not both");
  }
  if (!o.set && o.split) {
    return error_set(err, STATUS_USAGE, "--split is of a set: folders are taken whole");
  }
  return evaluate(&o, context, err);
}

const command command_eval_codec = {"eval codec", "MODEL DIR...",
                                    "Measure what a codec does to recordings", run_eval_codec};
