// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// What of a trainer goes into files: checkpoints and models.

#include "base/json_writer.h"
#include "base/sha256.h"
#include "models/seanet_file.h"
#include "train/checkpoint.h"
#include "train/codec_trainer.h"
#include "train/recipe_match.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/// Numbers that are no arrays, in the order of the checkpoint's "counters".
typedef struct trainer_counters {
  int64_t step, updates, critics_updates, n_recent, started;
} trainer_counters;

static void list_optimiser(checkpoint *c, const char *part, optimiser *o)
{
  static const char *const kinds[] = {"values", "mean", "square", "average"};
  for (int i = 0; i < o->n_parameters; ++i) {
    parameter *p = &o->parameters[i];
    float *const arrays[] = {p->values, p->mean, p->square, p->average};
    for (int k = 0; k < 4; ++k) {
      char name[2 * WEIGHT_NAME_BYTES];
      snprintf(name, sizeof name, "%s.%s.%s", part, kinds[k], p->name);
      if (arrays[k]) {
        checkpoint_add(c, name, ELEMENT_F32, arrays[k], p->count);
      }
    }
  }
}

static void list_all(codec_trainer *t, trainer_counters *counters, checkpoint *c)
{
  const rvq *q = t->books->quantiser;
  list_optimiser(c, "generator", t->generator);
  if (t->critics) {
    list_optimiser(c, "discriminator", t->critics);
  }
  checkpoint_add(c, "balancer", ELEMENT_F64, &t->balance,
                 (int64_t)(sizeof t->balance / sizeof(double)));
  for (int k = 0; k < q->n_codebooks; ++k) {
    checkpoint_add(c, q->codebooks[k].name, ELEMENT_F32, q->codebooks[k].master, q->size * q->dim);
  }
  checkpoint_add(c, "rvq.averages", ELEMENT_F32, t->books->use, t->books->count);
  checkpoint_add(c, "rvq.recent", ELEMENT_F32, t->books->recent,
                 CODEBOOKS_RECENT * q->n_codebooks * q->dim);
  checkpoint_add(c, "best", ELEMENT_F64, &t->best, 1);
  checkpoint_add(c, "counters", ELEMENT_I64, counters,
                 (int64_t)(sizeof *counters / sizeof(int64_t)));
}

static status describe(const codec_trainer *t, json_writer *w, error *err)
{
  char *text = NULL;
  const status code = recipe_write(&t->recipe, &text, err);
  if (code == STATUS_OK) {
    json_writer_init(w, NULL);
    json_begin_object(w, NULL);
    json_write_string(w, "kind", "codec training");
    json_write_integer(w, "version", CHECKPOINT_VERSION);
    json_write_integer(w, "step", t->step);
    json_write_string(w, "device", t->lanes[0]->dev->name);
    json_write_string(w, "recipe", text);
    json_end_object(w);
    free(text);
  }
  return code ? code : json_writer_finish(w, err);
}

static trainer_counters count_all(const codec_trainer *t)
{
  return (trainer_counters){t->step, t->generator->updates, t->critics ? t->critics->updates : 0,
                            t->books->n_recent, t->books->started};
}

/// A step can leave what only the next one's losses would show; the last good checkpoint must stay.
static status check_values(const checkpoint *list, const codec_trainer *t, error *err)
{
  for (size_t i = 0; i < list->n_entries; ++i) {
    const safetensors_tensor *entry = &list->entries[i];
    const float *values = entry->data;
    for (int64_t j = 0; entry->type == ELEMENT_F32 && j < entry->dims[0]; ++j) {
      if (!isfinite(values[j])) {
        return error_set(err, STATUS_FORMAT,
                         "after step %lld: %s is not a number, so nothing is saved",
                         (long long)t->step - 1, entry->name);
      }
    }
  }
  return STATUS_OK;
}

status codec_trainer_save(const codec_trainer *t, const char *path, error *err)
{
  codec_trainer *own = (codec_trainer *)(uintptr_t)t;
  trainer_counters counters = count_all(t);
  checkpoint list = {0};
  json_writer w = {0};
  status code = codec_trainer_fetch(own, err);
  list_all(own, &counters, &list);
  code = code ? code : check_values(&list, t, err);
  code = code ? code : describe(t, &w, err);
  code = code ? code : checkpoint_save(&list, path, w.data, err);
  json_writer_free(&w);
  checkpoint_free(&list);
  return code;
}

static status check_device(const codec_trainer *t, const safetensors *file, error *err)
{
  json *config = NULL;
  const char *made_on = NULL, *here = t->lanes[0]->dev->name;
  status code = safetensors_config(file, &config, err);
  code = code ? code : json_need_string(config, "device", &made_on, err);
  if (code == STATUS_OK && strcmp(made_on, here) != 0) {
    code = error_set(err, STATUS_USAGE,
                     "%s: was made on \"%s\", here is \"%s\": going on would not give the same "
                     "bits (--compute, --products and --variant choose)",
                     file->path, made_on, here);
  }
  json_free(config);
  return code;
}

static void digest_state(const codec_trainer *t, uint8_t digest[SHA256_BYTES], error *err)
{
  trainer_counters counters = count_all(t);
  checkpoint list = {0};
  json_writer w = {0};
  sha256 h;
  list_all((codec_trainer *)(uintptr_t)t, &counters, &list);
  if (list.failed) {
    error_set(err, STATUS_NO_MEMORY, "no memory to compare processes");
  } else if (describe(t, &w, err) == STATUS_OK) {
    sha256_init(&h);
    sha256_update(&h, w.data, strlen(w.data));
    for (size_t i = 0; i < list.n_entries; ++i) {
      sha256_update(&h, list.entries[i].data, list.entries[i].size_bytes);
    }
    sha256_final(&h, digest);
  }
  json_writer_free(&w);
  checkpoint_free(&list);
}

status codec_trainer_expect_alike(const codec_trainer *t, error *err)
{
  char name[128] = {0};
  uint8_t digest[SHA256_BYTES] = {0};
  error own = {0};
  if (t->processes.count == 1) {
    return STATUS_OK;
  }
  snprintf(name, sizeof name, "%s", t->lanes[0]->dev->name);
  digest_state(t, digest, &own);
  *err = own;
  status code = processes_agree(&t->processes, own.code, err);
  code = code ? code
              : processes_expect_same(&t->processes,
                                      "device (--compute, --products and --variant choose)", name,
                                      sizeof name, err);
  return code ? code
              : processes_expect_same(&t->processes, "recipe or state", digest, sizeof digest, err);
}

/// What a run keeps must be what the recipe says; the rest may change from here on, and is told.
static status check_recipe(const codec_trainer *t, const safetensors *file, error *err)
{
  json *config = NULL;
  const char *text = NULL;
  recipe before;
  status code = safetensors_config(file, &config, err);
  code = code ? code : json_need_string(config, "recipe", &text, err);
  code = code ? code : recipe_parse(&before, text, file->path, err);
  code = code ? code : recipe_match_run(&t->recipe, &before, file->path, t->log, err);
  json_free(config);
  return code;
}

/// Values were written behind the weights' backs: their forms are out of date.
static void touch_weights(const optimiser *o)
{
  for (int i = 0; o && i < o->n_parameters; ++i) {
    ++o->parameters[i].owner->version;
  }
}

static void touch_all(codec_trainer *t)
{
  touch_weights(t->generator);
  touch_weights(t->critics);
  for (int k = 0; k < t->books->quantiser->n_codebooks; ++k) {
    ++t->books->quantiser->codebooks[k].version;
  }
}

status codec_trainer_load(codec_trainer *t, const char *path, error *err)
{
  safetensors file = {0};
  trainer_counters counters = {0};
  checkpoint list = {0};
  status code = safetensors_open(&file, path, err);
  if (code != STATUS_OK) {
    return code;
  }
  list_all(t, &counters, &list);
  code = checkpoint_check(&file, err); // before what it says is believed
  code = code ? code : check_device(t, &file, err);
  code = code ? code : check_recipe(t, &file, err);
  code = code ? code : checkpoint_load(&list, &file, err);
  if (code == STATUS_OK) {
    t->step = counters.step;
    t->generator->updates = counters.updates;
    if (t->critics) {
      t->critics->updates = counters.critics_updates;
    }
    t->books->n_recent = counters.n_recent;
    t->books->started = counters.started != 0;
    touch_all(t);
    code = codec_trainer_follow(t, err);
  }
  checkpoint_free(&list);
  safetensors_close(&file);
  return code;
}

/// Swap what is trained with its average; again: back.
static void swap_average(optimiser *o)
{
  for (int i = 0; i < o->n_parameters; ++i) {
    parameter *p = &o->parameters[i];
    for (int64_t j = 0; p->average && j < p->count; ++j) {
      const float value = p->values[j];
      p->values[j] = p->average[j];
      p->average[j] = value;
    }
    ++p->owner->version;
  }
}

status codec_trainer_export(codec_trainer *t, const char *path, bool average, error *err)
{
  seanet *net = t->lanes[0]->net;
  layer_set *sets[LANE_SETS];
  const status fetched = codec_trainer_fetch(t, err);
  if (fetched != STATUS_OK) {
    return fetched;
  }
  lane_sets(t->lanes[0], sets);
  if (average) {
    swap_average(t->generator);
  }
  for (int s = 0; s < LANE_SETS; ++s) {
    for (int i = 0; i < sets[s]->n_weights; ++i) {
      weight_fold(sets[s]->weights[i]);
    }
  }
  const status code = seanet_save(net, path, NULL, 0, err);
  if (average) {
    swap_average(t->generator);
  }
  return code;
}
