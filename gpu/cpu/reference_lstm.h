// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// Reference LSTM: part of reference_body.h, after the products.

typedef struct FN(lstm_cell) {
  const FN(form) * input, *recurrent;
  const real *b_ih, *b_hh;
  FN(window) window_x, window_h;
  int64_t in, size;
} FN(lstm_cell);

static FN(lstm_cell) FN(lstm_cell_of)(run *r, const weight *w_ih, const weight *w_hh,
                                      const weight *b_ih, const weight *b_hh)
{
  FN(lstm_cell)
  cell = {.input = FN(form_of)(w_ih),
          .recurrent = FN(form_of)(w_hh),
          .b_ih = FN(vector_of)(b_ih),
          .b_hh = FN(vector_of)(b_hh)};
  cell.in = cell.input->shape.length;
  cell.size = cell.recurrent->shape.length;
  cell.window_x = FN(window_new)(r, cell.input);
  cell.window_h = FN(window_new)(r, cell.recurrent);
  return cell;
}

// One step of one stream: h, c [H] are updated from x [C]; gates [4H] are i, f, g, o afterwards.
static void FN(lstm_step)(FN(lstm_cell) * cell, real *h, real *c, real *gates, const real *x)
{
  const int64_t size = cell->size;
  memcpy(cell->window_x.values, x, (size_t)cell->in * sizeof *x);
  memcpy(cell->window_h.values, h, (size_t)size * sizeof *h);
  FN(window_ready)(&cell->window_x, cell->in);
  FN(window_ready)(&cell->window_h, size);
  for (int64_t g = 0; g < 4 * size; ++g) {
    const real start = cell->b_ih[g] + cell->b_hh[g];
    const real sum = FN(window_sum)(cell->input, g, &cell->window_x, start);
    const bool is_cell = g / size == 2;
    gates[g] = FN(act)(FN(window_sum)(cell->recurrent, g, &cell->window_h, sum),
                       is_cell ? ACT_TANH : ACT_SIGMOID, 1);
  }
  for (int64_t i = 0; i < size; ++i) {
    c[i] = gates[size + i] * c[i] + gates[i] * gates[2 * size + i];
    h[i] = gates[3 * size + i] * R(tanh)(c[i]);
  }
}

static void FN(lstm)(run *r, tensor *y, const tensor *x, const weight *w_ih, const weight *w_hh,
                     const weight *b_ih, const weight *b_hh, tensor *state,
                     const stream_control *control, bool skip)
{
  FN(lstm_cell) cell = FN(lstm_cell_of)(r, w_ih, w_hh, b_ih, b_hh);
  const int64_t size = cell.size, rows = x->dims[1];
  real *gates = run_scratch(r, (size_t)(4 * size) * sizeof *gates);
  real *own = run_scratch(r, (size_t)(2 * size) * sizeof *own);
  if (!run_ok(r)) {
    return;
  }
  for (int64_t n = 0; n < x->dims[0]; ++n) {
    real *h = state ? (real *)state->data + n * 2 * size : own;
    if ((!state || !control || control->reset[n]) && rows > 0) {
      memset(h, 0, (size_t)(2 * size) * sizeof *h);
    }
    for (int64_t t = 0; t < rows; ++t) {
      const real *row = (const real *)x->data + (n * rows + t) * cell.in;
      real *to = (real *)y->data + (n * rows + t) * size;
      FN(lstm_step)(&cell, h, h + size, gates, row);
      for (int64_t i = 0; i < size; ++i) {
        to[i] = skip ? h[i] + row[i] : h[i];
      }
    }
  }
}

// What one stream went through, made again for the way back.
typedef struct FN(lstm_trace) {
  real *gates; // [T, 4H]; on the way back their pre-activations' gradients
  real *h, *c; // [T + 1, H], from zero
  real *dh, *dc;
} FN(lstm_trace);

static void FN(lstm_replay)(FN(lstm_cell) * cell, const FN(lstm_trace) * trace, const real *x,
                            int64_t rows)
{
  const size_t bytes = (size_t)cell->size * sizeof(real);
  memset(trace->h, 0, bytes);
  memset(trace->c, 0, bytes);
  for (int64_t t = 0; t < rows; ++t) {
    real *h = trace->h + t * cell->size, *c = trace->c + t * cell->size;
    memcpy(h + cell->size, h, bytes);
    memcpy(c + cell->size, c, bytes);
    FN(lstm_step)
    (cell, h + cell->size, c + cell->size, trace->gates + t * 4 * cell->size, x + t * cell->in);
  }
}

// Gates i, f, g, o [4H] -> gradients of their pre-activations; dc becomes the step before's.
static void FN(lstm_gates_backward)(real *gates, real *dc, const real *dh, const real *c_before,
                                    const real *c, int64_t size)
{
  real *in = gates, *forget = in + size, *cell = forget + size, *out = cell + size;
  for (int64_t i = 0; i < size; ++i) {
    const real level = R(tanh)(c[i]);
    const real d = dc[i] + dh[i] * out[i] * (1 - level * level);
    const real d_in = d * cell[i] * in[i] * (1 - in[i]);
    const real d_cell = d * in[i] * (1 - cell[i] * cell[i]);
    dc[i] = d * forget[i];
    forget[i] = d * c_before[i] * forget[i] * (1 - forget[i]);
    out[i] = dh[i] * level * out[i] * (1 - out[i]);
    in[i] = d_in;
    cell[i] = d_cell;
  }
}

// Back through time: trace->gates become gradients.
static void FN(lstm_through_time)(const FN(lstm_cell) * cell, const FN(lstm_trace) * trace,
                                  const real *dy, int64_t rows)
{
  const int64_t size = cell->size;
  memset(trace->dh, 0, (size_t)size * sizeof(real));
  memset(trace->dc, 0, (size_t)size * sizeof(real));
  for (int64_t t = rows - 1; t >= 0; --t) {
    real *gates = trace->gates + t * 4 * size;
    FN(add_scaled)(trace->dh, dy + t * size, 1, size);
    FN(lstm_gates_backward)
    (gates, trace->dc, trace->dh, trace->c + t * size, trace->c + (t + 1) * size, size);
    memset(trace->dh, 0, (size_t)size * sizeof(real));
    for (int64_t g = 0; g < 4 * size; ++g) {
      FN(add_scaled)(trace->dh, cell->recurrent->values + g * size, gates[g], size);
    }
  }
}

// The gradients of one stream from those of its pre-activations; dx may be null.
static void FN(lstm_collect)(const FN(lstm_cell) * cell, const FN(lstm_trace) * trace,
                             const tape_node *node, real *dx, const real *dy, const real *x,
                             int64_t rows)
{
  real *dw_ih = node->weights[0]->grad, *dw_hh = node->weights[1]->grad;
  for (int64_t t = 0; t < rows; ++t) {
    const real *gates = trace->gates + t * 4 * cell->size;
    real *to = dx ? dx + t * cell->in : NULL;
    for (int64_t g = 0; g < 4 * cell->size; ++g) {
      FN(add_scaled)(to, cell->input->values + g * cell->in, gates[g], cell->in);
      FN(add_scaled)(dw_ih ? dw_ih + g * cell->in : NULL, x + t * cell->in, gates[g], cell->in);
      FN(add_scaled)
      (dw_hh ? dw_hh + g * cell->size : NULL, trace->h + t * cell->size, gates[g], cell->size);
    }
    FN(add_scaled)(node->weights[2]->grad, gates, 1, 4 * cell->size);
    FN(add_scaled)(node->weights[3]->grad, gates, 1, 4 * cell->size);
    FN(add_scaled)(node->args.skip ? to : NULL, dy + t * cell->size, 1, cell->size);
  }
}

// dx +=, and those of w_ih, w_hh, b_ih, b_hh, of whole sequences that start from zero.
static void FN(lstm_backward)(run *r, const tape_node *node)
{
  const tensor *x = &node->in[0], dy = tape_gradient(r, &node->out), dx = tape_gradient(r, x);
  FN(lstm_cell)
  cell =
      FN(lstm_cell_of)(r, node->weights[0], node->weights[1], node->weights[2], node->weights[3]);
  const int64_t rows = x->dims[1], size = cell.size;
  FN(lstm_trace)
  trace = {.gates = run_scratch(r, (size_t)(rows * 4 * size) * sizeof(real)),
           .h = run_scratch(r, (size_t)((rows + 1) * size) * sizeof(real)),
           .c = run_scratch(r, (size_t)((rows + 1) * size) * sizeof(real)),
           .dh = run_scratch(r, (size_t)size * sizeof(real)),
           .dc = run_scratch(r, (size_t)size * sizeof(real))};
  FN(check_values)(r, node->weights[0]);
  FN(check_values)(r, node->weights[1]);
  for (int64_t n = 0; run_ok(r) && n < x->dims[0]; ++n) {
    const real *from = (const real *)x->data + n * rows * cell.in;
    const real *d = (const real *)dy.data + n * rows * size;
    FN(lstm_replay)(&cell, &trace, from, rows);
    FN(lstm_through_time)(&cell, &trace, d, rows);
    FN(lstm_collect)
    (&cell, &trace, node, dx.data ? (real *)dx.data + n * rows * cell.in : NULL, d, from, rows);
  }
}
