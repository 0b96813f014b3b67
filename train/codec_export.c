// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "train/codec_export.h"

#include "models/model_tensors.h"
#include "train/checkpoint.h"

#include <stdio.h>
#include <string.h>

#define PROBE "generator.average." // what a checkpoint with averages holds

double codec_export_heard_s(const recipe *in, int64_t steps)
{
  return (double)steps * (double)in->batch.size * (double)in->data.crop_samples /
         (double)in->codec.rate_hz;
}

static status read_config(codec_export *e, const safetensors *file, error *err)
{
  json *config = NULL;
  const char *kind = "", *text = "";
  status code = safetensors_config(file, &config, err);
  if (code != STATUS_OK) {
    return code;
  }
  code = json_need_string(config, "kind", &kind, err);
  if (code == STATUS_OK && strcmp(kind, "codec training") != 0) {
    code = error_set(err, STATUS_FORMAT, "kind \"%.60s\" is no codec's checkpoint", kind);
  }
  code = code ? code : json_need_integer(config, "step", 0, INT64_MAX, &e->steps, err);
  code = code ? code : json_need_string(config, "recipe", &text, err);
  if (code != STATUS_OK) {
    error_prefix(err, "%s", file->path);
  } else {
    code = recipe_parse(&e->recipe, text, file->path, err);
  }
  json_free(config);
  return code;
}

/// Checkpoints keep every array flat.
static status read_flat(const safetensors *file, const char *group, const char *name,
                        const char *suffix, int64_t count, float *out, error *err)
{
  char full[3 * WEIGHT_NAME_BYTES];
  snprintf(full, sizeof full, "%s%s%s", group, name, suffix);
  return model_tensors_read(file, full, 1, &count, out, err);
}

static status read_weight(const safetensors *file, const char *group, weight *w, error *err)
{
  if (!w->norm_v) {
    return read_flat(file, group, w->name, "", weight_count(w), w->master, err);
  }
  status code = read_flat(file, group, w->name, ".g", w->dims[0], w->norm_g, err);
  code = code ? code : read_flat(file, group, w->name, ".v", weight_count(w), w->norm_v, err);
  if (code == STATUS_OK) {
    weight_fold(w);
  }
  return code;
}

static status read_network(codec_export *e, const safetensors *file, error *err)
{
  const codec_layers layers = seanet_layers(e->net);
  const char *group = e->averaged ? PROBE : "generator.values.";
  status code = STATUS_OK;
  for (int p = 0; p < CODEC_N_PARTS; ++p) {
    for (int i = 0; i < layers.sets[p]->n_weights && code == STATUS_OK; ++i) {
      code = read_weight(file, p == CODEC_CODEBOOKS ? "" : group, layers.sets[p]->weights[i], err);
    }
  }
  return code;
}

static bool has_average(const safetensors *file)
{
  for (size_t i = 0; i < file->n_tensors; ++i) {
    if (strncmp(file->tensors[i].name, PROBE, strlen(PROBE)) == 0) {
      return true;
    }
  }
  return false;
}

status codec_export_read(codec_export *e, const char *path, export_values values, error *err)
{
  safetensors file = {0};
  *e = (codec_export){0};
  status code = safetensors_open(&file, path, err);
  if (code != STATUS_OK) {
    return code;
  }
  code = read_config(e, &file, err);
  e->averaged = values != EXPORT_LAST && has_average(&file);
  if (code == STATUS_OK && values == EXPORT_AVERAGE && !e->averaged) {
    code = error_set(err, STATUS_USAGE, "%s: no average was kept (optimiser.average_decay is 0)",
                     path);
  }
  code = code ? code : seanet_new(&e->net, &e->recipe.codec, err);
  code = code ? code : seanet_allocate(e->net, err);
  code = code ? code : read_network(e, &file, err);
  code = code ? code : checkpoint_check(&file, err);
  safetensors_close(&file);
  return code;
}

void codec_export_free(codec_export *e)
{
  seanet_free(e->net, NULL);
  e->net = NULL;
}
