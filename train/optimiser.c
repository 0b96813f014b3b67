// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "train/optimiser.h"

#include <fnmatch.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static status add_parameter(optimiser *o, weight *w, const char *suffix, float *values,
                            int64_t count, bool decays, error *err)
{
  if (o->n_parameters == OPTIMISER_MAX_PARAMETERS) {
    return error_set(err, STATUS_UNSUPPORTED, "more than %d parameters", OPTIMISER_MAX_PARAMETERS);
  }
  parameter *p = &o->parameters[o->n_parameters++];
  *p = (parameter){.owner = w, .values = values, .count = count, .decays = decays};
  snprintf(p->name, sizeof p->name, "%s%s", w->name, suffix);
  o->n_values += count;
  return STATUS_OK;
}

static status list_parameters(optimiser *o, layer_set *const *sets, int n_sets, error *err)
{
  status code = STATUS_OK;
  for (int s = 0; s < n_sets; ++s) {
    for (int i = 0; i < sets[s]->n_weights && code == STATUS_OK; ++i) {
      weight *w = sets[s]->weights[i];
      if (w->use == WEIGHT_CODEBOOK) {
        continue;
      }
      const bool decays = w->use != WEIGHT_VECTOR;
      if (w->norm_v) {
        code = add_parameter(o, w, ".g", w->norm_g, w->dims[0], false, err);
        code = code ? code : add_parameter(o, w, ".v", w->norm_v, weight_count(w), decays, err);
      } else {
        code = add_parameter(o, w, "", w->master, weight_count(w), decays, err);
      }
    }
  }
  return code;
}

static float *take(float **block, int64_t count)
{
  float *taken = *block;
  *block += count;
  return taken;
}

status optimiser_new(optimiser **out, const recipe_optimiser *options, layer_set *const *sets,
                     int n_sets, error *err)
{
  *out = NULL;
  optimiser *o = calloc(1, sizeof *o);
  if (!o) {
    return error_set(err, STATUS_NO_MEMORY, "no memory for an optimiser");
  }
  o->options = *options;
  const status code = list_parameters(o, sets, n_sets, err);
  if (code != STATUS_OK) {
    optimiser_free(o);
    return code;
  }
  const bool averages = options->average_decay > 0.0;
  o->block = calloc((size_t)o->n_values * (averages ? 4 : 3) + 1, sizeof *o->block);
  if (!o->block) {
    error_set(err, STATUS_NO_MEMORY, "no memory to optimise %lld values", (long long)o->n_values);
    optimiser_free(o);
    return STATUS_NO_MEMORY;
  }
  float *at = o->block;
  o->gradients = take(&at, o->n_values);
  float *gradient = o->gradients;
  for (int i = 0; i < o->n_parameters; ++i) {
    parameter *p = &o->parameters[i];
    p->gradient = take(&gradient, p->count);
    p->mean = take(&at, p->count);
    p->square = take(&at, p->count);
    p->average = averages ? take(&at, p->count) : NULL;
  }
  optimiser_reset_average(o);
  *out = o;
  return STATUS_OK;
}

void optimiser_free(optimiser *o)
{
  if (o) {
    free(o->block);
    free(o);
  }
}

int optimiser_freeze(optimiser *o, const char *pattern)
{
  int matched = 0;
  for (int i = 0; i < o->n_parameters; ++i) {
    if (fnmatch(pattern, o->parameters[i].name, 0) == 0) {
      o->parameters[i].frozen = true;
      ++matched;
    }
  }
  return matched;
}

/// One weight's gradients, g before v.
static status collect_weight(device *dev, const weight *w, float *flat, error *err)
{
  const size_t bytes = (size_t)weight_count(w) * sizeof *flat;
  float *whole = flat + (w->norm_v ? w->dims[0] : 0);
  status code = dev->download(dev, whole, w->grad, bytes, err);
  if (code == STATUS_OK && w->norm_v) {
    weight_norm_backward(w, whole, flat, whole);
  }
  return code ? code : dev->clear(dev, w->grad, bytes, err);
}

status optimiser_collect(const optimiser *o, device *dev, layer_set *const *sets, int n_sets,
                         float *flat, error *err)
{
  status code = STATUS_OK;
  memset(flat, 0, (size_t)o->n_values * sizeof *flat);
  for (int s = 0; s < n_sets; ++s) {
    for (int i = 0; i < sets[s]->n_weights && code == STATUS_OK; ++i) {
      const weight *w = sets[s]->weights[i];
      if (w->use == WEIGHT_CODEBOOK) {
        continue;
      }
      if (w->grad) {
        code = collect_weight(dev, w, flat, err);
      }
      flat += weight_count(w) + (w->norm_v ? w->dims[0] : 0);
    }
  }
  return code;
}

double optimiser_norm(const optimiser *o)
{
  double sum = 0.0;
  for (int i = 0; i < o->n_parameters; ++i) {
    const parameter *p = &o->parameters[i];
    for (int64_t j = 0; j < p->count && !p->frozen; ++j) {
      sum += (double)p->gradient[j] * (double)p->gradient[j];
    }
  }
  return sqrt(sum);
}

static void adam_update(parameter *p, const adam_step *a)
{
  const float keep = p->decays ? a->keep : 1.0f;
  for (int64_t i = 0; i < p->count; ++i) {
    const float g = p->gradient[i] * a->scale;
    p->mean[i] = a->beta1 * p->mean[i] + (1.0f - a->beta1) * g;
    p->square[i] = a->beta2 * p->square[i] + (1.0f - a->beta2) * (g * g);
    const float spread = sqrtf(p->square[i] * a->correct2) + a->epsilon;
    p->values[i] = keep * p->values[i] - a->rate * p->mean[i] / spread;
  }
}

static void average_update(parameter *p, float decay)
{
  for (int64_t i = 0; i < p->count; ++i) {
    p->average[i] = decay * p->average[i] + (1.0f - decay) * p->values[i];
  }
}

/// What does not move is its own average: one that lagged behind would never arrive.
static void rest_average(parameter *p)
{
  if (p->average) {
    memcpy(p->average, p->values, (size_t)p->count * sizeof(float));
  }
}

adam_step optimiser_next(optimiser *o, double rate, double scale)
{
  const recipe_optimiser *options = &o->options;
  const double n = (double)++o->updates;
  // A young average must not remember the beginning: (1 + n) / (10 + n) until the decay.
  const double young = (1.0 + n) / (10.0 + n);
  return (adam_step){
      .beta1 = (float)options->beta1,
      .beta2 = (float)options->beta2,
      .rate = (float)(rate / (1.0 - pow(options->beta1, n))),
      .epsilon = (float)options->epsilon,
      .keep = (float)(1.0 - rate * options->weight_decay),
      .scale = (float)scale,
      .correct2 = (float)(1.0 / (1.0 - pow(options->beta2, n))),
      .average_decay = (float)fmin(options->average_decay, young),
  };
}

void optimiser_step(optimiser *o, double rate, double scale)
{
  const adam_step a = optimiser_next(o, rate, scale);
  for (int i = 0; i < o->n_parameters; ++i) {
    parameter *p = &o->parameters[i];
    if (p->frozen) {
      rest_average(p);
      continue;
    }
    adam_update(p, &a);
    if (p->average) {
      average_update(p, a.average_decay);
    }
    ++p->owner->version;
  }
}

double optimiser_rate(const recipe_optimiser *options, int64_t step, int64_t n_steps)
{
  if (step < options->warmup_steps) {
    return options->rate * (double)(step + 1) / (double)options->warmup_steps;
  }
  if (options->schedule == SCHEDULE_CONSTANT || n_steps <= options->warmup_steps) {
    return options->rate;
  }
  const double at =
      (double)(step - options->warmup_steps) / (double)(n_steps - options->warmup_steps);
  const double half = 0.5 * (options->rate - options->rate_final);
  return options->rate_final + half * (1.0 + cos(3.14159265358979323846 * fmin(at, 1.0)));
}

void optimiser_use_average(optimiser *o)
{
  for (int i = 0; i < o->n_parameters; ++i) {
    parameter *p = &o->parameters[i];
    if (p->average) {
      memcpy(p->values, p->average, (size_t)p->count * sizeof(float));
      ++p->owner->version;
    }
  }
}

void optimiser_reset_average(optimiser *o)
{
  for (int i = 0; i < o->n_parameters; ++i) {
    parameter *p = &o->parameters[i];
    if (p->average) {
      memcpy(p->average, p->values, (size_t)p->count * sizeof(float));
    }
  }
}
