// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "train/loss_sheet.h"

#include "gpu/run.h"
#include "train/adversarial_loss.h"
#include "train/balancer.h"
#include "train/wave_loss.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { KIND_WAVES, KIND_MEL, KIND_HINGE, KIND_FEATURE, KIND_NORMS };

status loss_sheet_init(loss_sheet *s, device *dev, int capacity, error *err)
{
  const size_t bytes = (size_t)capacity * sizeof(double);
  *s = (loss_sheet){.dev = dev, .capacity = capacity};
  s->numbers = calloc((size_t)capacity, sizeof *s->numbers);
  s->entries = calloc((size_t)capacity, sizeof *s->entries);
  s->remote = dev->losses ? dev->allocate(dev, bytes) : NULL;
  if (!s->numbers || !s->entries || (dev->losses && !s->remote)) {
    loss_sheet_free(s);
    return error_set(err, STATUS_NO_MEMORY, "no memory for a step's losses");
  }
  return STATUS_OK;
}

void loss_sheet_free(loss_sheet *s)
{
  free(s->numbers);
  free(s->entries);
  if (s->remote) {
    s->dev->release(s->dev, s->remote);
  }
  *s = (loss_sheet){0};
}

void loss_sheet_clear(loss_sheet *s)
{
  s->n_entries = s->n_numbers = 0;
  memset(s->numbers, 0, (size_t)s->capacity * sizeof *s->numbers);
}

// Room for a loss that leaves n numbers; -1: the run has failed.
static int take(loss_sheet *s, run *r, const loss_entry *wanted)
{
  if (run_ok(r) && s->n_numbers + wanted->n > s->capacity) {
    run_fail(r, STATUS_INTERNAL, "a sheet of %d losses is full", s->capacity);
  }
  if (!run_ok(r)) {
    return -1;
  }
  const int first = s->n_numbers;
  loss_entry *e = &s->entries[s->n_entries++];
  *e = *wanted;
  e->first = first;
  s->n_numbers += e->n;
  return first;
}

double loss_sheet_get(const loss_sheet *s, int index)
{
  return index >= 0 && index < s->n_numbers ? s->numbers[index] : 0.0;
}

// ---- sums from a device become what the loss is ----

static void finish_entry(const loss_entry *e, double *x)
{
  double sum = 0.0;
  switch (e->kind) {
  case KIND_WAVES:
  case KIND_HINGE:
    for (int i = 0; i < e->n; ++i) {
      x[i] /= (double)e->count;
    }
    break;
  case KIND_FEATURE: {
    const double unit = e->relative ? fmax(x[1] / (double)e->count, FEATURE_FLOOR) : 1.0;
    x[0] /= (double)e->count * unit;
    break;
  }
  case KIND_MEL:
    x[0] = mel_loss_total(e->mel, x);
    break;
  default:
    for (int i = 0; i < e->n; ++i) {
      sum += sqrt(x[i]);
    }
    x[0] = sum;
    break;
  }
}

void loss_sheet_read(loss_sheet *s, run *r)
{
  if (!s->remote || s->n_numbers == 0) {
    return;
  }
  run_download(r, s->numbers, s->remote, (size_t)s->n_numbers * sizeof *s->numbers);
  for (int i = 0; i < s->n_entries && run_ok(r); ++i) {
    finish_entry(&s->entries[i], s->numbers + s->entries[i].first);
  }
}

// ---- losses ----

static float *floats(const tensor *t)
{
  return t ? t->data : NULL;
}

static int64_t per_example(const tensor *x)
{
  return tensor_count(x) / x->dims[0];
}

int loss_sheet_waves(loss_sheet *s, run *r, const tensor *x, const tensor *target, float factor,
                     tensor *l1, tensor *l2)
{
  const int64_t n = x->dims[0], count = per_example(x);
  const int first =
      take(s, r, &(loss_entry){.kind = KIND_WAVES, .n = (int)(3 * n), .count = count});
  if (first < 0) {
    return first;
  }
  if (s->remote) {
    s->dev->losses->waves(r, s->remote + first, x->data, target->data, n, count, factor, floats(l1),
                          floats(l2));
    return first;
  }
  for (int64_t i = 0; i < n; ++i) {
    const float *at = (const float *)x->data + i * count;
    const float *of = (const float *)target->data + i * count;
    double *to = s->numbers + first + 3 * i;
    to[0] = wave_loss_l1(at, of, count, factor, l1 ? floats(l1) + i * count : NULL);
    to[1] = wave_loss_l2(at, of, count, factor, l2 ? floats(l2) + i * count : NULL);
    for (int64_t j = 0; j < count; ++j) {
      to[2] += (double)of[j] * (double)of[j];
    }
    to[2] /= (double)count;
  }
  return first;
}

int loss_sheet_mel(loss_sheet *s, run *r, mel_loss *mel, const tensor *x, const tensor *target,
                   float factor, tensor *gradient)
{
  const int64_t n = x->dims[0], count = per_example(x);
  const int first = take(
      s, r, &(loss_entry){.kind = KIND_MEL, .n = mel_loss_sums(mel), .count = count, .mel = mel});
  if (first < 0) {
    return first;
  }
  if (s->remote) {
    mel_loss_queue(mel, r, s->remote + first, x, target, factor, gradient);
    return first;
  }
  for (int64_t i = 0; i < n; ++i) {
    s->numbers[first] += mel_loss_apply(mel, (const float *)x->data + i * count,
                                        (const float *)target->data + i * count, factor,
                                        floats(gradient) + i * count);
  }
  return first;
}

int loss_sheet_hinge(loss_sheet *s, run *r, const tensor *logits, hinge_kind kind, double share,
                     tensor *seed)
{
  const int64_t count = tensor_count(logits);
  const int first = take(s, r, &(loss_entry){.kind = KIND_HINGE, .n = 2, .count = count});
  if (first < 0) {
    return first;
  }
  const float *values = logits->data;
  double *to = s->numbers + first;
  if (s->remote) {
    s->dev->losses->hinge(r, s->remote + first, values, count, kind, share, seed->data);
    return first;
  }
  if (kind == HINGE_NONE) {
    to[0] = adversarial_loss_generator(values, count, false, share, seed->data);
  } else {
    to[0] = (kind == HINGE_REAL ? adversarial_loss_real : adversarial_loss_fake)(values, count,
                                                                                 share, seed->data);
  }
  to[1] = ordered_sum(values, count) / (double)count;
  return first;
}

int loss_sheet_feature(loss_sheet *s, run *r, const tensor *fake, const tensor *real, bool relative,
                       double share, tensor *seed)
{
  const int64_t count = tensor_count(fake);
  const int first =
      take(s, r, &(loss_entry){.kind = KIND_FEATURE, .n = 2, .count = count, .relative = relative});
  if (first < 0) {
    return first;
  }
  if (s->remote) {
    s->dev->losses->feature(r, s->remote + first, fake->data, real->data, count, relative,
                            FEATURE_FLOOR, share, seed->data);
  } else {
    s->numbers[first] = feature_loss(fake->data, real->data, count, relative, share, seed->data);
  }
  return first;
}

int loss_sheet_norms(loss_sheet *s, run *r, const tensor *x)
{
  const int64_t n = x->dims[0], count = per_example(x);
  const int first = take(s, r, &(loss_entry){.kind = KIND_NORMS, .n = (int)n, .count = count});
  if (first < 0) {
    return first;
  }
  if (s->remote) {
    s->dev->losses->squares(r, s->remote + first, x->data, n, count);
  } else {
    s->numbers[first] = balancer_norms(x->data, n, count);
  }
  return first;
}
