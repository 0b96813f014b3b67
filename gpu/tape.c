// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "gpu/tape.h"

#include <stdlib.h>

// Where the gradient of one tensor (and of its views) stands.
typedef struct slot {
  void *data;    // in the run's arena; null until something is added
  size_t bytes;  // room at `data`
  tensor shape;  // type and size
  bool watched;  // somebody reads it after the sweep
  bool needed;   // by this sweep
  bool finished; // its call has been swept: to be read, not to be added to
} slot;

typedef struct block {
  void *data;
  size_t bytes;
} block;

struct tape {
  tape_node *nodes;
  slot *slots;  // slot 0 means "none" and is never used
  block *spare; // gradients that are done with: the next one of that size goes there
  int n_nodes, n_slots, n_spare, capacity;
  tape_targets targets;
  bool sweeping;
  tape *inner; // for segments that are made again; from the first one on
};

static size_t max_slots(int capacity)
{
  return (size_t)capacity * 2 + 1;
}

status tape_new(tape **out, int capacity, error *err)
{
  *out = NULL;
  tape *t = calloc(1, sizeof *t);
  if (t && capacity > 0) {
    t->nodes = calloc((size_t)capacity, sizeof *t->nodes);
    t->slots = calloc(max_slots(capacity), sizeof *t->slots);
    t->spare = calloc(max_slots(capacity), sizeof *t->spare);
    t->capacity = capacity;
  }
  if (!t || !t->nodes || !t->slots || !t->spare) {
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
    free(t->slots);
    free(t->spare);
    tape_free(t->inner);
    free(t);
  }
}

void tape_reset(tape *t)
{
  t->n_nodes = 0;
  t->n_slots = 1;
  t->n_spare = 0;
  t->targets = TAPE_ALL;
}

void tape_set_targets(tape *t, tape_targets targets)
{
  t->targets = targets;
}

int tape_position(const tape *t)
{
  return t->n_nodes;
}

static bool give_slot(run *r, tensor *t)
{
  tape *record = r->record;
  if (t->grad) {
    return true;
  }
  if ((size_t)record->n_slots == max_slots(record->capacity)) {
    run_fail(r, STATUS_INTERNAL, "tape is full: %d tensors", record->n_slots - 1);
    return false;
  }
  record->slots[record->n_slots] = (slot){.shape = *t};
  t->grad = record->n_slots++;
  return true;
}

void tape_watch(run *r, tensor *t)
{
  if (r->record && run_ok(r) && give_slot(r, t)) {
    r->record->slots[t->grad].watched = true;
  }
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
  if (!give_slot(r, out)) {
    return NULL;
  }
  tape_node *node = &record->nodes[record->n_nodes++];
  *node = (tape_node){.op = op, .out = *out};
  return node;
}

const tape_node *tape_call(const tape *t, int i)
{
  return i >= 0 && i < t->n_nodes ? &t->nodes[i] : NULL;
}

// ---- gradients ----

// The smallest spare block that holds `bytes`, else fresh memory.
static block take_block(run *r, size_t bytes)
{
  tape *t = r->record;
  int best = -1;
  for (int i = 0; i < t->n_spare; ++i) {
    if (t->spare[i].bytes >= bytes && (best < 0 || t->spare[i].bytes < t->spare[best].bytes)) {
      best = i;
    }
  }
  if (best < 0) {
    return (block){run_scratch(r, bytes), bytes};
  }
  const block found = t->spare[best];
  t->spare[best] = t->spare[--t->n_spare];
  return found;
}

static void give_back(tape *t, slot *s)
{
  if (s->data) {
    t->spare[t->n_spare++] = (block){s->data, s->bytes};
  }
  s->data = NULL;
  s->finished = false;
}

// Make the gradient ready to be added to.
static void open_gradient(run *r, slot *s)
{
  const int64_t *dims = s->shape.dims;
  const int64_t count = dims[0] * dims[1] * dims[2] * dims[3];
  const size_t bytes = (size_t)count * dtype_bytes(s->shape.type);
  if (s->data && !s->finished) {
    return;
  }
  if (!s->data) {
    const block found = take_block(r, bytes);
    s->data = found.data;
    s->bytes = found.bytes;
  }
  s->finished = false;
  if (s->data) {
    r->dev->zero(r, s->data, bytes);
  }
}

tensor tape_gradient(run *r, const tensor *t)
{
  if (!r->record || !t->grad) {
    return (tensor){0};
  }
  slot *s = &r->record->slots[t->grad];
  if (!r->record->sweeping && s->watched && !s->data) {
    open_gradient(r, s);
  }
  if (r->record->sweeping ? !s->needed : !s->watched) {
    return (tensor){0};
  }
  tensor gradient = *t;
  gradient.data = s->data;
  gradient.type = s->shape.type;
  gradient.grad = 0;
  return gradient;
}

void tape_clear_gradients(tape *t)
{
  for (int i = 1; i < t->n_slots; ++i) {
    give_back(t, &t->slots[i]);
  }
}

// ---- sweeps ----

void tape_seed(run *r, const tensor *output, const tensor *seed)
{
  if (!run_ok(r)) {
    return;
  }
  if (!r->record || !output->grad) {
    run_fail(r, STATUS_USAGE, "the tensor to sweep from is not on the tape");
    return;
  }
  slot *s = &r->record->slots[output->grad];
  open_gradient(r, s);
  if (run_ok(r)) {
    tensor sum = *output;
    sum.data = s->data;
    r->dev->table.add(r, &sum, &sum, seed);
  }
}

static bool weight_wanted(const tape *t, const weight *w)
{
  return (t->targets & TAPE_WEIGHTS) && w && w->grad && !w->frozen;
}

// Does a target lie before this call? What weights a segment has is not known.
static bool node_wanted(const tape *t, const tape_node *node)
{
  bool wanted = node->segment && (t->targets & TAPE_WEIGHTS);
  for (int i = 0; i < TAPE_MAX_WEIGHTS; ++i) {
    wanted = wanted || weight_wanted(t, node->weights[i]);
  }
  for (int i = 0; i < TAPE_MAX_INPUTS; ++i) {
    wanted = wanted || (node->in[i].grad && t->slots[node->in[i].grad].needed);
  }
  return wanted;
}

static void find_needed(tape *t, int first, int end)
{
  for (int i = 1; i < t->n_slots; ++i) {
    t->slots[i].needed = t->slots[i].watched && (t->targets & TAPE_TENSORS);
  }
  for (int i = first; i < end; ++i) {
    if (node_wanted(t, &t->nodes[i])) {
      t->slots[t->nodes[i].out.grad].needed = true;
    }
  }
}

// Make the segment again on a tape of its own, which adds straight to the gradients of the inputs.
static void sweep_segment(run *r, const tape_node *node, const tensor *seed)
{
  tape *outer = r->record, *inner = outer->inner;
  tensor inputs[TAPE_MAX_INPUTS];
  tape_reset(inner);
  inner->targets = outer->targets | TAPE_TENSORS; // only what is needed is watched
  r->record = inner;
  for (int i = 0; i < TAPE_MAX_INPUTS; ++i) {
    const slot *to = &outer->slots[node->in[i].grad];
    inputs[i] = node->in[i];
    inputs[i].grad = 0;
    if (node->in[i].grad && to->needed) {
      tape_watch(r, &inputs[i]);
      inner->slots[inputs[i].grad].data = to->data;
    }
  }
  const tensor out = node->segment(r, inputs, node->user);
  tape_backward(r, &out, seed);
  tape_reset(inner);
  r->record = outer;
}

static void sweep_operator(run *r, const tape_node *node)
{
  const tape *t = r->record;
  if (!r->dev->table.backward[node->op]) {
    run_fail(r, STATUS_UNSUPPORTED, "%s has no backward on %s", op_name(node->op), r->dev->name);
    return;
  }
  tape_node masked = *node; // other weights are shown without a gradient, and so cost nothing
  weight views[TAPE_MAX_WEIGHTS];
  for (int i = 0; i < TAPE_MAX_WEIGHTS; ++i) {
    if (node->weights[i] && !weight_wanted(t, node->weights[i])) {
      views[i] = *node->weights[i];
      views[i].grad = NULL;
      masked.weights[i] = &views[i];
    }
  }
  r->dev->table.backward[node->op](r, &masked);
}

static void sweep_node(run *r, const tape_node *node)
{
  const tape *t = r->record;
  for (int i = 0; i < TAPE_MAX_INPUTS; ++i) {
    if (node->in[i].grad && t->slots[node->in[i].grad].needed) {
      open_gradient(r, &t->slots[node->in[i].grad]);
    }
  }
  const size_t mark = arena_mark(r->memory);
  if (!run_ok(r)) {
    return;
  }
  if (node->segment) {
    const tensor seed = tape_gradient(r, &node->out);
    sweep_segment(r, node, &seed);
  } else {
    sweep_operator(r, node);
  }
  arena_rewind(r->memory, mark);
}

void tape_sweep(run *r, int first, int end)
{
  tape *t = r->record;
  if (!t || !run_ok(r)) {
    return;
  }
  find_needed(t, first, end);
  t->sweeping = true;
  for (int i = end - 1; i >= first && run_ok(r); --i) {
    const tape_node *node = &t->nodes[i];
    slot *out = &t->slots[node->out.grad];
    if (out->data && !out->finished && node_wanted(t, node)) {
      sweep_node(r, node);
    }
    if (out->watched) {
      out->finished = true;
    } else {
      give_back(t, out);
    }
  }
  t->sweeping = false;
}

void tape_backward(run *r, const tensor *output, const tensor *seed)
{
  tape_seed(r, output, seed);
  if (run_ok(r)) {
    tape_sweep(r, 0, r->record->n_nodes);
  }
}

// ---- segments that are made again ----

// Move `t` down to `mark`, to which the arena is rewound.
static tensor settle(run *r, const tensor *t, size_t mark)
{
  const unsigned char *bottom = r->memory->data + mark;
  const unsigned char *data = t->data;
  if (run_ok(r) && (data < bottom || data >= r->memory->data + r->memory->used_bytes ||
                    t->type != r->dev->real)) {
    run_fail(r, STATUS_USAGE, "a segment to be made again gives no tensor of its own");
  }
  tensor above = run_tensor(r, t->type, t->rank, t->dims[0], t->dims[1], t->dims[2], t->dims[3]);
  if (!run_ok(r)) {
    return (tensor){0};
  }
  r->dev->table.scale(r, &above, t, 1.0f); // a copy, in two moves that cannot overlap
  arena_rewind(r->memory, mark);
  tensor below = above;
  below.data = run_scratch(r, tensor_bytes(&above));
  r->dev->table.scale(r, &below, &above, 1.0f);
  return below;
}

static bool inner_tape(run *r)
{
  tape *t = r->record;
  error err = {0};
  if (!t->inner && tape_new(&t->inner, t->capacity, &err) != STATUS_OK) {
    run_fail(r, err.code, "%s", err.message);
  }
  return run_ok(r);
}

tensor tape_recompute(run *r, tape_segment segment, void *user, const tensor *inputs, int n_inputs)
{
  tape *record = r->record;
  if (!record || !run_ok(r)) {
    return segment(r, inputs, user);
  }
  if (n_inputs > TAPE_MAX_INPUTS || r->control) {
    run_fail(r, STATUS_USAGE, "a segment to be made again takes whole sequences, %d inputs at most",
             TAPE_MAX_INPUTS);
  }
  if (!run_ok(r) || !inner_tape(r)) {
    return (tensor){0};
  }
  tensor plain[TAPE_MAX_INPUTS] = {0};
  for (int i = 0; i < n_inputs; ++i) {
    plain[i] = inputs[i];
    plain[i].grad = 0;
  }
  const size_t mark = arena_mark(r->memory);
  r->record = NULL;
  const tensor made = segment(r, plain, user);
  r->record = record;
  tensor out = settle(r, &made, mark);
  tape_node *node = tape_push(r, OP_COUNT, &out);
  if (!node) {
    return (tensor){0};
  }
  node->segment = segment;
  node->user = user;
  for (int i = 0; i < n_inputs; ++i) {
    node->in[i] = inputs[i];
  }
  return out;
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
