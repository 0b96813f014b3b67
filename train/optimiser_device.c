// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "train/optimiser_device.h"

#include "gpu/losses.h"
#include "gpu/run.h"

#include <math.h>
#include <stdlib.h>

#define SCRATCH_BYTES ((size_t)1 << 20)

// One array for all parameters, in their order, in device memory.
typedef enum device_array { VALUES, GRADIENTS, MEANS, SQUARES, AVERAGES, N_ARRAYS } device_array;

struct optimiser_device {
  device *dev;
  optimiser *host;
  float *arrays[N_ARRAYS]; // [n_values]; no averages: null
  double *sum;             // [1] in device memory
  arena memory;            // scratch
  weight *weights[OPTIMISER_MAX_PARAMETERS];
  int n_weights;
};

static void list_weights(optimiser_device *d, layer_set *const *sets, int n_sets)
{
  for (int s = 0; s < n_sets; ++s) {
    for (int i = 0; i < sets[s]->n_weights; ++i) {
      if (sets[s]->weights[i]->use != WEIGHT_CODEBOOK) {
        d->weights[d->n_weights++] = sets[s]->weights[i];
      }
    }
  }
}

static bool has_averages(const optimiser *o)
{
  return o->n_parameters > 0 && o->parameters[0].average;
}

status optimiser_device_new(optimiser_device **out, optimiser *host, device *dev,
                            layer_set *const *sets, int n_sets, error *err)
{
  *out = NULL;
  optimiser_device *d = calloc(1, sizeof *d);
  if (!d) {
    return error_set(err, STATUS_NO_MEMORY, "no memory for an optimiser");
  }
  *d = (optimiser_device){.dev = device_ref(dev), .host = host};
  list_weights(d, sets, n_sets);
  void *scratch = dev->allocate(dev, SCRATCH_BYTES);
  arena_init(&d->memory, scratch, scratch ? SCRATCH_BYTES : 0);
  d->sum = dev->allocate(dev, sizeof *d->sum);
  bool there = scratch && d->sum;
  for (int a = 0; a < N_ARRAYS && there; ++a) {
    if (a != AVERAGES || has_averages(host)) {
      d->arrays[a] = dev->allocate(dev, (size_t)host->n_values * sizeof(float) + 1);
      there = d->arrays[a] != NULL;
    }
  }
  if (!there) {
    optimiser_device_free(d);
    return error_set(err, STATUS_NO_MEMORY, "%s: no memory to optimise %lld values", dev->name,
                     (long long)host->n_values);
  }
  *out = d;
  return STATUS_OK;
}

void optimiser_device_free(optimiser_device *d)
{
  if (d) {
    for (int a = 0; a < N_ARRAYS; ++a) {
      d->dev->release(d->dev, d->arrays[a]);
    }
    d->dev->release(d->dev, d->sum);
    d->dev->release(d->dev, d->memory.data);
    device_unref(d->dev);
    free(d);
  }
}

static float *host_array(const parameter *p, device_array a)
{
  float *const arrays[] = {p->values, p->gradient, p->mean, p->square, p->average};
  return arrays[a];
}

// Every array of every parameter, one way or the other.
static status move(optimiser_device *d, bool fetch, error *err)
{
  device *dev = d->dev;
  status code = STATUS_OK;
  for (int a = 0; a < N_ARRAYS; ++a) {
    int64_t at = 0;
    for (int i = 0; i < d->host->n_parameters && code == STATUS_OK && d->arrays[a]; ++i) {
      const parameter *p = &d->host->parameters[i];
      float *here = host_array(p, (device_array)a), *there = d->arrays[a] + at;
      const size_t bytes = (size_t)p->count * sizeof(float);
      code = fetch ? dev->download(dev, here, there, bytes, err)
                   : dev->upload(dev, there, here, bytes, err);
      at += p->count;
    }
  }
  return code;
}

status optimiser_device_send(optimiser_device *d, error *err)
{
  return move(d, false, err);
}

status optimiser_device_fetch(optimiser_device *d, error *err)
{
  return move(d, true, err);
}

static void begin(optimiser_device *d, run *r)
{
  arena_rewind(&d->memory, 0);
  run_init(r, d->dev, &d->memory);
}

static status result(const run *r, error *err)
{
  return run_ok(r) ? STATUS_OK : error_set(err, r->failure.code, "%s", r->failure.message);
}

// Values of one weight: its g and v, or its master.
static int64_t values_of(const weight *w)
{
  return weight_count(w) + (w->norm_v ? w->dims[0] : 0);
}

status optimiser_device_collect(optimiser_device *d, double *norm, error *err)
{
  run r;
  int64_t at = 0;
  double square = 0.0;
  begin(d, &r);
  for (int i = 0; i < d->n_weights && run_ok(&r); ++i) {
    d->dev->updates->collect(&r, d->arrays[GRADIENTS] + at, d->arrays[VALUES] + at, d->weights[i]);
    at += values_of(d->weights[i]);
  }
  at = 0;
  for (int i = 0; i < d->host->n_parameters && run_ok(&r); ++i) {
    const parameter *p = &d->host->parameters[i];
    if (p->frozen) {
      d->dev->zero(&r, d->arrays[GRADIENTS] + at, (size_t)p->count * sizeof(float));
    }
    at += p->count;
  }
  if (run_ok(&r)) {
    d->dev->losses->squares(&r, d->sum, d->arrays[GRADIENTS], 1, d->host->n_values);
  }
  run_download(&r, &square, d->sum, sizeof square);
  *norm = sqrt(square);
  return result(&r, err);
}

// A parameter at `at` of the arrays.
static void step_parameter(optimiser_device *d, run *r, const parameter *p, int64_t at,
                           adam_step step)
{
  float *average = d->arrays[AVERAGES] ? d->arrays[AVERAGES] + at : NULL;
  step.keep = p->decays ? step.keep : 1.0f;
  if (!p->frozen) {
    d->dev->updates->adam(r, d->arrays[VALUES] + at, d->arrays[GRADIENTS] + at,
                          d->arrays[MEANS] + at, d->arrays[SQUARES] + at, average, p->count, &step);
  } else if (average) { // what does not move is its own average
    tensor to = tensor_view(average, DTYPE_F32, 1, p->count, 1, 1, 1);
    const tensor from = tensor_view(d->arrays[VALUES] + at, DTYPE_F32, 1, p->count, 1, 1, 1);
    d->dev->table.scale(r, &to, &from, 1.0f);
  }
}

status optimiser_device_step(optimiser_device *d, double rate, double scale, error *err)
{
  run r;
  int64_t at = 0;
  const adam_step step = optimiser_next(d->host, rate, scale);
  begin(d, &r);
  for (int i = 0; i < d->host->n_parameters; ++i) {
    const parameter *p = &d->host->parameters[i];
    step_parameter(d, &r, p, at, step);
    at += p->count;
  }
  at = 0;
  for (int i = 0; i < d->n_weights && run_ok(&r); ++i) {
    d->dev->updates->refresh(&r, d->weights[i], d->arrays[VALUES] + at);
    at += values_of(d->weights[i]);
  }
  return result(&r, err);
}
