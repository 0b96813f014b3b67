// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "train/codebooks.h"

#include "base/random.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { STAGES = 3, SIZE = 16, DIM = 4, STEPS = 5, VECTORS = 4000 };

typedef struct books {
  device *dev;
  layer_set set;
  rvq q;
  codebooks *c;
} books;

static const recipe_quantiser options = {.decay = 0.9,
                                         .smoothing = 1e-5,
                                         .dead_share = 0.1,
                                         .dead_interval = 1,
                                         .start_iterations = 20,
                                         .detached = true};

static void ok(status code, const error *err)
{
  if (code != STATUS_OK) {
    fail_msg("%s", err->message);
  }
}

static int open_books(void **state)
{
  error err = {0};
  books *b = calloc(1, sizeof *b);
  assert_non_null(b);
  ok(device_open(&b->dev, &(device_options){.kind = COMPUTE_CPU}, &err), &err);
  rvq_init(&b->q, &b->set, STAGES, SIZE, DIM);
  ok(layer_set_allocate(&b->set, false, &err), &err);
  layer_set_randomise(&b->set, 7);
  ok(codebooks_new(&b->c, &options, &b->q, &err), &err);
  *state = b;
  return 0;
}

static int close_books(void **state)
{
  books *b = *state;
  codebooks_free(b->c);
  layer_set_free(&b->set, b->dev);
  device_unref(b->dev);
  free(b);
  return 0;
}

static float noise(uint64_t stream, int64_t i)
{
  return 2.0f * random_uniform(3, stream, (uint64_t)i) - 1.0f;
}

// The plain search, in the order of the stages.
static void search(const rvq *q, const float *x, int32_t *codes)
{
  float rest[DIM];
  memcpy(rest, x, sizeof rest);
  for (int k = 0; k < STAGES; ++k) {
    double least = (double)INFINITY;
    for (int e = 0; e < SIZE; ++e) {
      double distance = 0.0;
      for (int d = 0; d < DIM; ++d) {
        const double gap = (double)rest[d] - (double)q->codebooks[k].master[e * DIM + d];
        distance += gap * gap;
      }
      if (distance < least) {
        least = distance;
        codes[k] = e;
      }
    }
    for (int d = 0; d < DIM; ++d) {
      rest[d] -= q->codebooks[k].master[codes[k] * DIM + d];
    }
  }
}

typedef struct example {
  float latents[STEPS][DIM], quantised[STEPS][DIM], gradient[STEPS][DIM];
  float rests[STEPS][STAGES][DIM];
  int32_t codes[STEPS][STAGES];
} example;

static double quantise(const rvq *q, const recipe_quantiser *o, codebook_tally *t, example *x,
                       int n_used)
{
  memset(x->gradient, 0, sizeof x->gradient);
  const codebook_example e = {.latents = x->latents[0],
                              .codes = x->codes[0],
                              .steps = STEPS,
                              .n_used = n_used,
                              .weight = 0.5,
                              .quantised = x->quantised[0],
                              .rests = x->rests[0][0],
                              .gradient = x->gradient[0]};
  return codebooks_quantise(q, o, t, &e);
}

static void fill(const rvq *q, example *x)
{
  for (int s = 0; s < STEPS; ++s) {
    for (int d = 0; d < DIM; ++d) {
      x->latents[s][d] = noise(1, s * DIM + d);
    }
    search(q, x->latents[s], x->codes[s]);
  }
}

// Central differences over the latents, codes held.
static void gradient_is_the_commitments(void **state)
{
  const books *b = *state;
  example x;
  fill(&b->q, &x);
  for (int n_used = 1; n_used <= STAGES; ++n_used) {
    example again = x;
    quantise(&b->q, &options, NULL, &x, n_used);
    for (int i = 0; i < STEPS * DIM; ++i) {
      const float step = 1e-2f;
      memcpy(again.latents, x.latents, sizeof x.latents);
      again.latents[i / DIM][i % DIM] += step;
      const double above = quantise(&b->q, &options, NULL, &again, n_used);
      again.latents[i / DIM][i % DIM] -= 2.0f * step;
      const double below = quantise(&b->q, &options, NULL, &again, n_used);
      const double slope = 0.5 * (above - below) / (2.0 * (double)step);
      assert_true(fabs(slope - (double)x.gradient[i / DIM][i % DIM]) < 1e-4);
    }
  }
}

// Stage by stage: what stage k adds to the gradient is what it leaves over, never nothing; in the
// form that was first published the stages after the first add nothing.
static void every_stage_draws_the_latents(void **state)
{
  const books *b = *state;
  recipe_quantiser summed = options, published = options;
  example x, less;
  fill(&b->q, &x);
  less = x;
  summed.commitment_sum = published.commitment_sum = true;
  published.detached = false;
  for (int k = 1; k < STAGES; ++k) {
    quantise(&b->q, &summed, NULL, &x, k + 1);
    quantise(&b->q, &summed, NULL, &less, k);
    double change = 0.0;
    for (int i = 0; i < STEPS * DIM; ++i) {
      change +=
          fabs((double)x.gradient[i / DIM][i % DIM] - (double)less.gradient[i / DIM][i % DIM]);
    }
    assert_true(change > 1e-3);
    quantise(&b->q, &published, NULL, &x, k + 1);
    quantise(&b->q, &published, NULL, &less, k);
    assert_memory_equal(x.gradient, less.gradient, sizeof x.gradient);
  }
}

static void quantised_is_the_sum_of_used_codewords(void **state)
{
  const books *b = *state;
  example x;
  fill(&b->q, &x);
  quantise(&b->q, &options, NULL, &x, 2);
  for (int s = 0; s < STEPS; ++s) {
    for (int d = 0; d < DIM; ++d) {
      const float sum = b->q.codebooks[0].master[x.codes[s][0] * DIM + d] +
                        b->q.codebooks[1].master[x.codes[s][1] * DIM + d];
      assert_true(fabsf(sum - x.quantised[s][d]) < 1e-6f);
      const float first = b->q.codebooks[0].master[x.codes[s][0] * DIM + d];
      assert_true(fabsf(x.latents[s][d] - first - x.rests[s][1][d]) < 1e-6f);
    }
  }
}

// Averages after one step, by hand.
static void commit_averages_with_smoothing(void **state)
{
  books *b = *state;
  error err = {0};
  example x;
  codebook_tally t;
  ok(codebook_tally_init(&t, &b->q, &err), &err);
  fill(&b->q, &x);
  b->c->started = true;
  b->c->options.dead_interval = 0;
  codebooks_assume_uniform(b->c, 3.2); // 0.2 each
  const float before = b->q.codebooks[1].master[0];
  quantise(&b->q, &options, &t, &x, 1);
  int chosen = 0;
  double sum = 0.0;
  for (int s = 0; s < STEPS; ++s) {
    if (x.codes[s][1] == 0) {
      ++chosen;
      sum += (double)x.rests[s][1][0];
    }
  }
  codebooks_commit(b->c, t.use, 1, 1);
  const double use = 0.9 * 0.2 + 0.1 * chosen;
  const double all = 0.9 * 3.2 + 0.1 * STEPS;
  const double smooth = (use + 1e-5) / (all + SIZE * 1e-5) * all;
  const double expected = (0.9 * 0.2 * (double)before + 0.1 * sum) / smooth;
  assert_true(fabs(expected - (double)b->q.codebooks[1].master[0]) < 1e-6);
  codebook_tally_free(&t);
}

static void dead_codewords_take_recent_vectors(void **state)
{
  books *b = *state;
  float rests[8][STAGES][DIM], total[STAGES * SIZE * (DIM + 1)] = {0};
  for (int i = 0; i < 8 * STAGES * DIM; ++i) {
    rests[i / STAGES / DIM][i / DIM % STAGES][i % DIM] = 10.0f + noise(5, i);
  }
  b->c->started = true;
  codebooks_assume_uniform(b->c, 16.0);
  codebooks_remember(b->c, rests[0][0], 8);
  b->c->use[2 * SIZE + 3] = 0.05f; // stage 2, codeword 3: under a tenth of uniform
  assert_int_equal(codebooks_commit(b->c, total, 1, 1), 1);
  const float *entry = b->q.codebooks[2].master + 3 * DIM;
  bool found = false;
  for (int i = 0; i < 8; ++i) {
    found = found || memcmp(entry, rests[i][2], sizeof rests[i][2]) == 0;
  }
  assert_true(found);
  assert_int_equal(codebooks_commit(b->c, total, 2, 1), 0);
}

static double left_over(const rvq *q, const float *vectors)
{
  double sum = 0.0;
  for (int i = 0; i < VECTORS; ++i) {
    int32_t codes[STAGES];
    float rest[DIM];
    memcpy(rest, vectors + i * DIM, sizeof rest);
    search(q, rest, codes);
    for (int d = 0; d < DIM; ++d) {
      for (int k = 0; k < STAGES; ++k) {
        rest[d] -= q->codebooks[k].master[codes[k] * DIM + d];
      }
      sum += (double)rest[d] * (double)rest[d];
    }
  }
  return sum / VECTORS / DIM;
}

// Uniform noise of variance 1/3: 16 codewords in 4 dimensions take off about two bits a stage in
// all, so each stage must leave clearly less than half the power.
static void k_means_starts_well(void **state)
{
  books *b = *state;
  error err = {0};
  float *vectors = calloc(VECTORS * DIM, sizeof *vectors),
        *rest = calloc(VECTORS * DIM, sizeof *rest);
  for (int i = 0; i < VECTORS * DIM; ++i) {
    vectors[i] = rest[i] = noise(9, i);
  }
  ok(codebooks_start(b->c, b->dev, rest, VECTORS, 10.0, 4, &err), &err);
  const double left = left_over(&b->q, vectors);
  print_message("left over %.4f of 0.333\n", left);
  assert_true(left < 0.333 * 0.45 * 0.45 * 0.45);
  double use = 0.0;
  for (int e = 0; e < SIZE; ++e) {
    use += (double)b->c->use[e];
  }
  assert_true(fabs(use - 10.0) < 1e-3);
  assert_int_equal(codebooks_start(b->c, b->dev, rest, SIZE - 1, 10.0, 4, &err), STATUS_USAGE);
  free(vectors);
  free(rest);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(gradient_is_the_commitments, open_books, close_books),
      cmocka_unit_test_setup_teardown(every_stage_draws_the_latents, open_books, close_books),
      cmocka_unit_test_setup_teardown(quantised_is_the_sum_of_used_codewords, open_books,
                                      close_books),
      cmocka_unit_test_setup_teardown(commit_averages_with_smoothing, open_books, close_books),
      cmocka_unit_test_setup_teardown(dead_codewords_take_recent_vectors, open_books, close_books),
      cmocka_unit_test_setup_teardown(k_means_starts_well, open_books, close_books),
  };
  return cmocka_run_group_tests_name("codebooks", tests, NULL, NULL);
}
