// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "base/random.h"
#include "gpu/cases/op_bench.h"

#include <math.h>
#include <stdlib.h>

static int real_inputs(const op_bench *b)
{
  int count = 0;
  while (count < b->n_inputs && b->inputs[count].type == b->dev->real) {
    ++count;
  }
  return count;
}

static bool is_input(const op_bench *b, int slot)
{
  return slot < real_inputs(b);
}

// Index of the weight of a slot that is no input.
static int weight_at(const op_bench *b, int slot)
{
  return slot - real_inputs(b);
}

int op_bench_slots(const op_bench *b)
{
  return real_inputs(b) + b->n_weights;
}

const char *op_bench_slot_name(const op_bench *b, int slot)
{
  return is_input(b, slot) ? b->input_names[slot] : b->weights[weight_at(b, slot)].name;
}

static double seed_at(const op_bench *b, int64_t index)
{
  const double seed = (double)random_uniform(99, 7, (uint64_t)index) * 2.0 - 1.0;
  return b->c->bf16_values ? (double)op_bench_value(b, (float)seed) : seed;
}

const double *op_bench_gradient(const op_bench *b, int slot, int64_t *count)
{
  *count = is_input(b, slot) ? tensor_count(&b->inputs[slot])
                             : weight_count(&b->weights[weight_at(b, slot)]);
  return b->gradients[slot];
}

static status keep_gradient(op_bench *b, int slot, const void *values, error *err)
{
  int64_t count = 0;
  op_bench_gradient(b, slot, &count);
  const size_t bytes = (size_t)count * dtype_bytes(b->dev->real);
  free(b->gradients[slot]);
  b->gradients[slot] = calloc((size_t)count, sizeof(double));
  void *host = malloc(bytes);
  status code = host && b->gradients[slot]
                    ? STATUS_OK
                    : error_set(err, STATUS_NO_MEMORY, "no memory for gradients");
  if (code == STATUS_OK && values) {
    code = b->dev->download(b->dev, host, values, bytes, err);
    for (int64_t i = 0; code == STATUS_OK && i < count; ++i) {
      b->gradients[slot][i] =
          b->dev->real == DTYPE_F64 ? ((const double *)host)[i] : (double)((const float *)host)[i];
    }
  }
  free(host);
  return code;
}

// A loss's gradient toward `y`: fixed pseudo-random numbers.
static tensor make_seed(run *r, const op_bench *b, const tensor *y)
{
  tensor seed = run_tensor(r, y->type, y->rank, y->dims[0], y->dims[1], y->dims[2], y->dims[3]);
  const int64_t count = tensor_count(&seed);
  void *host = malloc((size_t)count * dtype_bytes(seed.type) + 1);
  if (run_ok(r) && !host) {
    run_fail(r, STATUS_NO_MEMORY, "no memory for a seed");
  }
  for (int64_t i = 0; host && i < count; ++i) {
    if (seed.type == DTYPE_F64) {
      ((double *)host)[i] = seed_at(b, i);
    } else {
      ((float *)host)[i] = (float)seed_at(b, i);
    }
  }
  if (run_ok(r)) {
    r->dev->upload(r->dev, seed.data, host, tensor_bytes(&seed), &r->failure);
  }
  free(host);
  return seed;
}

status op_bench_record(op_bench *b, run *r, error *err)
{
  status code = b->record ? STATUS_OK : tape_new(&b->record, 8, err);
  for (int i = 0; !code && i < b->n_weights; ++i) {
    code = weight_track(b->dev, &b->weights[i], err);
    code = code ? code : weight_refresh(b->dev, &b->weights[i], err);
  }
  if (code) {
    return code;
  }
  tape_reset(b->record);
  code = op_bench_ready(b, r, err);
  r->record = b->record;
  r->control = b->c->streaming ? &b->control : NULL;
  for (int i = 0; i < real_inputs(b); ++i) {
    b->inputs[i].grad = 0;
    tape_watch(r, &b->inputs[i]);
  }
  return code;
}

status op_bench_backward(op_bench *b, error *err)
{
  run r;
  const status code = op_bench_record(b, &r, err);
  if (code) {
    return code;
  }
  const tensor y = op_bench_call(&r, b);
  const tensor seed = make_seed(&r, b, &y);
  if (run_ok(&r)) {
    tape_backward(&r, &y, &seed);
  }
  for (int slot = 0; run_ok(&r) && slot < op_bench_slots(b); ++slot) {
    const void *values = is_input(b, slot) ? tape_gradient(&r, &b->inputs[slot]).data
                                           : b->weights[weight_at(b, slot)].grad;
    keep_gradient(b, slot, values, &r.failure);
  }
  return run_ok(&r) ? STATUS_OK
                    : error_set(err, r.failure.code, "%s: %s", b->c->name, r.failure.message);
}

static void set_element(op_bench *b, int slot, int64_t index, double value)
{
  if (is_input(b, slot)) {
    ((double *)b->inputs[slot].data)[index] = value;
    return;
  }
  weight *w = &b->weights[weight_at(b, slot)];
  w->master[index] = (float)value;
  ++w->version;
  weight_refresh(b->dev, w, NULL);
}

double op_bench_loss(op_bench *b, int slot, int64_t index, double delta)
{
  const double before = is_input(b, slot) ? ((const double *)b->inputs[slot].data)[index]
                                          : (double)b->weights[weight_at(b, slot)].master[index];
  tape *record = b->record;
  b->record = NULL;
  set_element(b, slot, index, before + delta);
  const status code = op_bench_run(b, 0, NULL);
  b->record = record;
  double loss = code ? (double)NAN : 0.0;
  for (int64_t i = 0; i < b->result_count; ++i) {
    loss += seed_at(b, i) * b->result[i];
  }
  set_element(b, slot, index, before);
  return loss;
}
