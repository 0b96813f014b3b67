// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "gpu/tape.h"

#include <stdlib.h>

struct tape {
  tape_node *nodes;
  tensor *gradients; // by slot; slot 0 means "none" and is never used
  int n_nodes, n_slots, capacity;
};

status tape_new(tape **out, int capacity, error *err)
{
  *out = NULL;
  tape *t = calloc(1, sizeof *t);
  if (t && capacity > 0) {
    t->nodes = calloc((size_t)capacity, sizeof *t->nodes);
    t->gradients = calloc((size_t)capacity * 2 + 1, sizeof *t->gradients);
    t->capacity = capacity;
  }
  if (!t || !t->nodes || !t->gradients) {
    tape_free(t);
    return error_set(err, STATUS_NO_MEMORY, "no memory for a tape of %d calls", capacity);
  }
  tape_reset(t);
  *out = t;
  return STATUS_OK;
}

void tape_free(tape *t)
{
  if (t) {
    free(t->nodes);
    free(t->gradients);
    free(t);
  }
}

void tape_reset(tape *t)
{
  t->n_nodes = 0;
  t->n_slots = 1;
}

void tape_watch(run *r, tensor *t)
{
  tape *record = r->record;
  if (!record || !run_ok(r) || t->grad) {
    return;
  }
  if (record->n_slots > record->capacity * 2) {
    run_fail(r, STATUS_INTERNAL, "tape is full: %d tensors", record->n_slots);
    return;
  }
  record->gradients[record->n_slots] = *t;
  record->gradients[record->n_slots].data = NULL;
  t->grad = record->n_slots++;
}

tape_node *tape_push(run *r, op_id op, tensor *out)
{
  tape *record = r->record;
  if (!record || !run_ok(r)) {
    return NULL;
  }
  if (record->n_nodes == record->capacity) {
    run_fail(r, STATUS_INTERNAL, "tape is full: %d calls", record->capacity);
    return NULL;
  }
  tape_watch(r, out);
  tape_node *node = &record->nodes[record->n_nodes++];
  *node = (tape_node){.op = op, .out = *out};
  return node;
}

tensor tape_gradient(run *r, const tensor *t)
{
  if (!r->record || !t->grad) {
    return (tensor){0};
  }
  tensor *gradient = &r->record->gradients[t->grad];
  if (!gradient->data) {
    tensor view =
        tensor_view(NULL, t->type, t->rank, t->dims[0], t->dims[1], t->dims[2], t->dims[3]);
    *gradient =
        run_tensor(r, view.type, view.rank, view.dims[0], view.dims[1], view.dims[2], view.dims[3]);
    if (gradient->data) {
      r->dev->clear(r->dev, gradient->data, tensor_bytes(gradient), &r->failure);
    }
  }
  return *gradient;
}

void tape_backward(run *r, const tensor *output, const tensor *seed)
{
  tensor top = tape_gradient(r, output);
  if (!top.data) {
    run_fail(r, STATUS_USAGE, "the tensor to sweep from is not on the tape");
    return;
  }
  r->dev->table.add(r, &top, &top, seed);
  for (int i = r->record->n_nodes - 1; i >= 0 && run_ok(r); --i) {
    const tape_node *node = &r->record->nodes[i];
    if (!r->record->gradients[node->out.grad].data) {
      continue; // nothing that is swept from depends on this call
    }
    if (!r->dev->table.backward[node->op]) {
      run_fail(r, STATUS_UNSUPPORTED, "%s has no backward on %s", op_name(node->op), r->dev->name);
      return;
    }
    r->dev->table.backward[node->op](r, node);
  }
}

status weight_track(device *dev, weight *w, error *err)
{
  const size_t bytes = (size_t)weight_count(w) * dtype_bytes(dev->real);
  if (!w->grad) {
    w->grad = dev->allocate(dev, bytes);
    w->form_version = 0; // a form for training may hold more: the next refresh makes it
  }
  if (!w->grad) {
    return error_set(err, STATUS_NO_MEMORY, "%s: no memory for its gradient", w->name);
  }
  return dev->clear(dev, w->grad, bytes, err);
}
