// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// Reference spectra, the transform written out: part of reference_body.h.

typedef struct FN(stft_tables) {
  const stft_config *config;
  real *window;        // [window], times the scale
  real *cosine, *sine; // [n_fft]
  int64_t margin;      // of zeros before the window
} FN(stft_tables);

static FN(stft_tables) FN(stft_tables_new)(run *r, const stft_config *c)
{
  const double turn = 6.28318530717958647693;
  FN(stft_tables) t = {.config = c, .margin = (c->n_fft - c->window) / 2};
  t.window = run_scratch(r, (size_t)c->window * sizeof(real));
  t.cosine = run_scratch(r, (size_t)c->n_fft * sizeof(real));
  t.sine = run_scratch(r, (size_t)c->n_fft * sizeof(real));
  if (!run_ok(r)) {
    return t;
  }
  for (int64_t i = 0; i < c->window; ++i) {
    const double hann = 0.5 - 0.5 * cos(turn * (double)i / (double)c->window);
    t.window[i] = (real)(hann * (double)c->scale);
  }
  for (int64_t i = 0; i < c->n_fft; ++i) {
    t.cosine[i] = (real)cos(turn * (double)i / (double)c->n_fft);
    t.sine[i] = (real)sin(turn * (double)i / (double)c->n_fft);
  }
  return t;
}

// Sample under place `i` of a row's window.
static int64_t FN(stft_source)(const FN(stft_tables) * t, int64_t row, int64_t i, int64_t n_samples)
{
  const int64_t back = t->config->centred ? t->config->n_fft / 2 : 0;
  const int64_t place = row * t->config->hop + t->margin + i - back;
  const int64_t at = place < 0 ? -place : place;
  return at < n_samples ? at : 2 * (n_samples - 1) - at;
}

static void FN(stft)(run *r, tensor *y, const tensor *x, stft *plan)
{
  const FN(stft_tables) t = FN(stft_tables_new)(r, stft_settings(plan));
  const int64_t rows = y->dims[1], bins = y->dims[2], n_samples = x->dims[1];
  for (int64_t j = 0; run_ok(r) && j < y->dims[0] * rows * bins; ++j) {
    const int64_t k = j % bins, row = j / bins % rows;
    const real *from = (const real *)x->data + j / bins / rows * n_samples;
    real re = 0, im = 0;
    for (int64_t i = 0; i < t.config->window; ++i) {
      const int64_t angle = k * (t.margin + i) % t.config->n_fft;
      const real value = t.window[i] * from[FN(stft_source)(&t, row, i, n_samples)];
      re += value * t.cosine[angle];
      im -= value * t.sine[angle];
    }
    ((real *)y->data)[2 * j] = re;
    ((real *)y->data)[2 * j + 1] = im;
  }
}

static void FN(stft_backward)(run *r, const tape_node *node)
{
  const tensor dy = tape_gradient(r, &node->out), dx = tape_gradient(r, &node->in[0]);
  const FN(stft_tables) t = FN(stft_tables_new)(r, stft_settings(node->args.stft));
  const int64_t rows = dy.dims[1], bins = dy.dims[2], n_samples = dx.dims[1];
  for (int64_t j = 0; run_ok(r) && dx.data && j < dy.dims[0] * rows * t.config->window; ++j) {
    const int64_t i = j % t.config->window, row = j / t.config->window;
    const real *from = (const real *)dy.data + row * bins * 2;
    real sum = 0;
    for (int64_t k = 0; k < bins; ++k) {
      const int64_t angle = k * (t.margin + i) % t.config->n_fft;
      sum += from[2 * k] * t.cosine[angle] - from[2 * k + 1] * t.sine[angle];
    }
    real *to = (real *)dx.data + row / rows * n_samples;
    to[FN(stft_source)(&t, row % rows, i, n_samples)] += t.window[i] * sum;
  }
}
