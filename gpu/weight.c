// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "gpu/weight.h"

#include "gpu/device.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void weight_init(weight *w, const char *name, weight_use use, int rank, const int64_t *dims)
{
  *w = (weight){
      .use = use, .rank = rank, .groups = 1, .stride = 1, .dilation = 1, .storage = DTYPE_F32};
  snprintf(w->name, sizeof w->name, "%s", name);
  for (int i = 0; i < TENSOR_MAX_DIMS; ++i) {
    w->dims[i] = i < rank ? dims[i] : 1;
  }
}

int64_t weight_count(const weight *w)
{
  return w->dims[0] * w->dims[1] * w->dims[2] * w->dims[3];
}

status weight_allocate(weight *w, bool normalised, error *err)
{
  const size_t count = (size_t)weight_count(w);
  w->master = calloc(count, sizeof *w->master);
  w->owns_master = true;
  if (normalised) {
    w->norm_g = calloc((size_t)w->dims[0], sizeof *w->norm_g);
    w->norm_v = calloc(count, sizeof *w->norm_v);
  }
  if (!w->master || (normalised && (!w->norm_g || !w->norm_v))) {
    weight_drop_master(w);
    return error_set(err, STATUS_NO_MEMORY, "%s: no memory for %zu values", w->name, count);
  }
  w->version = 1;
  return STATUS_OK;
}

void weight_fold(weight *w)
{
  if (!w->norm_v) {
    return;
  }
  const int64_t inner = weight_count(w) / w->dims[0];
  for (int64_t i = 0; i < w->dims[0]; ++i) {
    const float *v = w->norm_v + i * inner;
    double squares = 0.0;
    for (int64_t j = 0; j < inner; ++j) {
      squares += (double)v[j] * (double)v[j];
    }
    const float factor = squares > 0.0 ? (float)((double)w->norm_g[i] / sqrt(squares)) : 0.0f;
    for (int64_t j = 0; j < inner; ++j) {
      w->master[i * inner + j] = v[j] * factor;
    }
  }
}

// With u = v / |v|: dg = dw . u and dv = g / |v| (dw - dg u).
void weight_norm_backward(const weight *w, const float *dmaster, float *dg, float *dv)
{
  const int64_t inner = weight_count(w) / w->dims[0];
  for (int64_t i = 0; i < w->dims[0]; ++i) {
    const float *v = w->norm_v + i * inner, *d = dmaster + i * inner;
    double squares = 0.0, product = 0.0;
    for (int64_t j = 0; j < inner; ++j) {
      squares += (double)v[j] * (double)v[j];
      product += (double)d[j] * (double)v[j];
    }
    const double inverse = squares > 0.0 ? 1.0 / sqrt(squares) : 0.0;
    const double along = product * inverse * inverse; // dg / |v|
    const double gain = (double)w->norm_g[i] * inverse;
    dg[i] = (float)(product * inverse);
    for (int64_t j = 0; j < inner; ++j) {
      dv[i * inner + j] = (float)(gain * ((double)d[j] - along * (double)v[j]));
    }
  }
}

void weight_copy_values(weight *to, const weight *from)
{
  const size_t bytes = (size_t)weight_count(from) * sizeof(float);
  memcpy(to->master, from->master, bytes);
  if (from->norm_v) {
    memcpy(to->norm_v, from->norm_v, bytes);
    memcpy(to->norm_g, from->norm_g, (size_t)from->dims[0] * sizeof(float));
  }
  ++to->version;
}

status weight_refresh(device *dev, weight *w, error *err)
{
  if (w->form && w->form_version == w->version) {
    return STATUS_OK;
  }
  if (!w->master) {
    return error_set(err, STATUS_INTERNAL, "%s: its master was dropped, nothing to pack", w->name);
  }
  weight_fold(w);
  const status code = dev->pack(dev, w, err);
  if (code == STATUS_OK) {
    w->form_version = w->version;
  }
  return code;
}

void weight_drop_master(weight *w)
{
  if (w->owns_master) {
    free(w->master);
  }
  free(w->norm_g);
  free(w->norm_v);
  w->master = w->norm_g = w->norm_v = NULL;
  w->owns_master = false;
}

void weight_free(device *dev, weight *w)
{
  weight_drop_master(w);
  if (w->form) {
    dev->release(dev, w->form);
  }
  if (w->adjoint) {
    dev->release(dev, w->adjoint);
  }
  if (w->grad) {
    dev->release(dev, w->grad);
  }
  w->form = NULL;
  w->adjoint = NULL;
  w->grad = NULL;
  w->form_version = 0;
}
