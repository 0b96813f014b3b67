// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "train/codebooks.h"

#include "base/random.h"
#include "gpu/apply.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

static int64_t block_floats(const rvq *q)
{
  return q->n_codebooks * q->size * (q->dim + 1);
}

status codebooks_new(codebooks **out, const recipe_quantiser *options, rvq *quantiser, error *err)
{
  *out = NULL;
  codebooks *c = calloc(1, sizeof *c);
  if (c) {
    *c = (codebooks){.options = *options, .quantiser = quantiser};
    c->count = block_floats(quantiser);
    c->use = calloc((size_t)c->count, sizeof *c->use);
    c->recent = calloc((size_t)(CODEBOOKS_RECENT * quantiser->n_codebooks * quantiser->dim),
                       sizeof *c->recent);
  }
  if (!c || !c->use || !c->recent) {
    codebooks_free(c);
    return error_set(err, STATUS_NO_MEMORY, "no memory for the codebooks' averages");
  }
  c->sum = c->use + quantiser->n_codebooks * quantiser->size;
  *out = c;
  return STATUS_OK;
}

void codebooks_free(codebooks *c)
{
  if (c) {
    free(c->use);
    free(c->recent);
    free(c);
  }
}

void codebook_tally_place(codebook_tally *t, const rvq *q, float *block)
{
  *t = (codebook_tally){
      .use = block, .sum = block + q->n_codebooks * q->size, .count = block_floats(q)};
}

status codebook_tally_init(codebook_tally *t, const rvq *q, error *err)
{
  float *block = calloc((size_t)block_floats(q), sizeof *block);
  if (!block) {
    return error_set(err, STATUS_NO_MEMORY, "no memory for a tally of codewords");
  }
  codebook_tally_place(t, q, block);
  return STATUS_OK;
}

void codebook_tally_free(codebook_tally *t)
{
  free(t->use);
  *t = (codebook_tally){0};
}

// One vector through stage k: tallied and taken off the rest. Returns the square of what is left.
static double quantise_stage(const rvq *q, codebook_tally *t, int k, int32_t code, float *rest)
{
  const float *entry = q->codebooks[k].master + code * q->dim;
  const int64_t cell = k * q->size + code;
  double square = 0.0;
  if (t) {
    t->use[cell] += 1.0f;
  }
  for (int64_t d = 0; d < q->dim; ++d) {
    if (t) {
      t->sum[cell * q->dim + d] += rest[d];
    }
    rest[d] -= entry[d];
    square += (double)rest[d] * (double)rest[d];
  }
  return square;
}

static void add_scaled(float *to, const float *from, float factor, int64_t count)
{
  for (int64_t i = 0; i < count; ++i) {
    to[i] += factor * from[i];
  }
}

// One step of the example. Returns the sum of squares left over by the used stages.
static double quantise_step(const rvq *q, const recipe_quantiser *options, codebook_tally *t,
                            const codebook_example *e, int64_t step, float slope)
{
  const int64_t dim = q->dim;
  float rest[CODEBOOKS_MAX_DIM];
  float *quantised = e->quantised + step * dim;
  double squares = 0.0;
  memcpy(rest, e->latents + step * dim, (size_t)dim * sizeof *rest);
  memset(quantised, 0, (size_t)dim * sizeof *quantised);
  for (int k = 0; k < q->n_codebooks; ++k) {
    const int32_t code = e->codes[step * q->n_codebooks + k];
    if (e->rests) {
      memcpy(e->rests + (step * q->n_codebooks + k) * dim, rest, (size_t)dim * sizeof *rest);
    }
    const double square = quantise_stage(q, t, k, code, rest);
    if (k >= e->n_used) {
      continue;
    }
    squares += square;
    add_scaled(quantised, q->codebooks[k].master + code * dim, 1.0f, dim);
    if (e->gradient && (options->detached || k == 0)) {
      add_scaled(e->gradient + step * dim, rest, slope, dim);
    }
  }
  return squares;
}

double codebooks_quantise(const rvq *q, const recipe_quantiser *options, codebook_tally *t,
                          const codebook_example *e)
{
  const double parts = options->commitment_sum ? 1.0 : (double)e->n_used;
  const double mean = 1.0 / ((double)e->steps * (double)q->dim * parts);
  double squares = 0.0;
  for (int64_t s = 0; s < e->steps; ++s) {
    squares += quantise_step(q, options, t, e, s, (float)(2.0 * e->weight * mean));
  }
  return squares * mean;
}

// ---- start --------------------------------------------------------------------------------

/// One stage of the start.
typedef struct k_means {
  codebooks *c;
  device *dev;
  arena memory;
  const float *vectors;
  int64_t n;
  int32_t *codes; // [n]
  double *sums;   // [size, dim]
  int64_t *use;   // [size]
  uint64_t seed;
  int stage;
} k_means;

static void put_vector(k_means *m, int64_t entry, uint64_t draw)
{
  const rvq *q = m->c->quantiser;
  const uint64_t stream = random_name_key(q->codebooks[m->stage].name);
  const int64_t i = (int64_t)(random_bits(m->seed, stream, draw) % (uint64_t)m->n);
  memcpy(q->codebooks[m->stage].master + entry * q->dim, m->vectors + i * q->dim,
         (size_t)q->dim * sizeof(float));
}

// Codes of all vectors under the present codewords, in pieces that fit the arena.
static status assign(k_means *m, error *err)
{
  weight *book = &m->c->quantiser->codebooks[m->stage];
  const int64_t dim = book->dims[1], piece = 2048;
  ++book->version;
  status code = weight_refresh(m->dev, book, err);
  for (int64_t i = 0; i < m->n && code == STATUS_OK; i += piece) {
    const int64_t rows = m->n - i < piece ? m->n - i : piece;
    run r;
    arena_rewind(&m->memory, 0);
    run_init(&r, m->dev, &m->memory);
    const tensor x = run_tensor(&r, DTYPE_F32, 2, rows, dim, 1, 1);
    run_upload(&r, x.data, m->vectors + i * dim, tensor_bytes(&x));
    const tensor codes = apply_nearest(&r, x, book);
    run_download(&r, m->codes + i, codes.data, (size_t)rows * sizeof *m->codes);
    if (!run_ok(&r)) {
      return error_set(err, r.failure.code, "%s", r.failure.message);
    }
  }
  return code;
}

static void move_codewords(k_means *m, int iteration)
{
  const rvq *q = m->c->quantiser;
  float *book = q->codebooks[m->stage].master;
  memset(m->sums, 0, (size_t)(q->size * q->dim) * sizeof *m->sums);
  memset(m->use, 0, (size_t)q->size * sizeof *m->use);
  for (int64_t i = 0; i < m->n; ++i) {
    ++m->use[m->codes[i]];
    for (int64_t d = 0; d < q->dim; ++d) {
      m->sums[m->codes[i] * q->dim + d] += (double)m->vectors[i * q->dim + d];
    }
  }
  for (int64_t e = 0; e < q->size; ++e) {
    if (m->use[e] == 0) { // nobody's: try another place
      put_vector(m, e, (uint64_t)((iteration + 1) * q->size + e));
      continue;
    }
    for (int64_t d = 0; d < q->dim; ++d) {
      book[e * q->dim + d] = (float)(m->sums[e * q->dim + d] / (double)m->use[e]);
    }
  }
}

// The stage's averages as if it had always been so; the vectors become what is left of them.
static void finish_stage(k_means *m, float *vectors, double vectors_per_step)
{
  codebooks *c = m->c;
  const rvq *q = c->quantiser;
  const float *book = q->codebooks[m->stage].master;
  memset(m->use, 0, (size_t)q->size * sizeof *m->use);
  for (int64_t i = 0; i < m->n; ++i) {
    ++m->use[m->codes[i]];
    for (int64_t d = 0; d < q->dim; ++d) {
      vectors[i * q->dim + d] -= book[m->codes[i] * q->dim + d];
    }
  }
  for (int64_t e = 0; e < q->size; ++e) {
    const int64_t cell = m->stage * q->size + e;
    c->use[cell] = (float)((double)m->use[e] * vectors_per_step / (double)m->n);
    for (int64_t d = 0; d < q->dim; ++d) {
      c->sum[cell * q->dim + d] = c->use[cell] * book[e * q->dim + d];
    }
  }
}

static status run_stages(k_means *m, float *vectors, double vectors_per_step, error *err)
{
  const rvq *q = m->c->quantiser;
  for (m->stage = 0; m->stage < q->n_codebooks; ++m->stage) {
    for (int64_t e = 0; e < q->size; ++e) {
      put_vector(m, e, (uint64_t)e);
    }
    for (int i = 0; i <= m->c->options.start_iterations; ++i) {
      const bool stop = m->c->stop && m->c->stop();
      const status code =
          stop ? error_set(err, STATUS_INTERRUPTED, "stopped while the codebooks start")
               : assign(m, err);
      if (code != STATUS_OK) {
        return code;
      }
      if (i < m->c->options.start_iterations) {
        move_codewords(m, i);
      }
    }
    finish_stage(m, vectors, vectors_per_step);
  }
  m->c->started = true;
  return STATUS_OK;
}

status codebooks_start(codebooks *c, device *dev, float *vectors, int64_t n,
                       double vectors_per_step, uint64_t seed, error *err)
{
  const rvq *q = c->quantiser;
  if (n < q->size) {
    return error_set(err, STATUS_USAGE, "%lld vectors for %lld codewords", (long long)n,
                     (long long)q->size);
  }
  const size_t memory_bytes = (size_t)64 << 20;
  k_means m = {.c = c, .dev = dev, .vectors = vectors, .n = n, .seed = seed};
  void *memory = dev->allocate(dev, memory_bytes);
  m.codes = calloc((size_t)n, sizeof *m.codes);
  m.sums = calloc((size_t)(q->size * q->dim), sizeof *m.sums);
  m.use = calloc((size_t)q->size, sizeof *m.use);
  status code = STATUS_OK;
  if (!memory || !m.codes || !m.sums || !m.use) {
    code = error_set(err, STATUS_NO_MEMORY, "no memory for k-means of %lld vectors", (long long)n);
  } else {
    arena_init(&m.memory, memory, memory_bytes);
    code = run_stages(&m, vectors, vectors_per_step, err);
  }
  dev->release(dev, memory);
  free(m.codes);
  free(m.sums);
  free(m.use);
  return code;
}

int codebooks_hold(codebooks *c, const char *pattern)
{
  int matched = 0;
  for (int k = 0; k < c->quantiser->n_codebooks; ++k) {
    if (fnmatch(pattern, c->quantiser->codebooks[k].name, 0) == 0) {
      c->held[k] = true;
      ++matched;
    }
  }
  return matched;
}

void codebooks_assume_uniform(codebooks *c, double vectors_per_step)
{
  const rvq *q = c->quantiser;
  const float use = (float)(vectors_per_step / (double)q->size);
  for (int k = 0; k < q->n_codebooks; ++k) {
    for (int64_t e = 0; e < q->size; ++e) {
      c->use[k * q->size + e] = use;
      for (int64_t d = 0; d < q->dim; ++d) {
        c->sum[(k * q->size + e) * q->dim + d] = use * q->codebooks[k].master[e * q->dim + d];
      }
    }
  }
}

// ---- after each step ------------------------------------------------------------------------

void codebooks_remember(codebooks *c, const float *rests, int64_t n)
{
  const int64_t floats = c->quantiser->n_codebooks * c->quantiser->dim;
  for (int64_t i = 0; i < n; ++i, ++c->n_recent) {
    memcpy(c->recent + c->n_recent % CODEBOOKS_RECENT * floats, rests + i * floats,
           (size_t)floats * sizeof *rests);
  }
}

static void average_stage(codebooks *c, int k, const float *total)
{
  const rvq *q = c->quantiser;
  const float decay = (float)c->options.decay, fresh = 1.0f - decay;
  const float *use = total + k * q->size;
  const float *sum = total + q->n_codebooks * q->size + k * q->size * q->dim;
  float *to_use = c->use + k * q->size, *to_sum = c->sum + k * q->size * q->dim;
  for (int64_t e = 0; e < q->size; ++e) {
    to_use[e] = decay * to_use[e] + fresh * use[e];
  }
  for (int64_t i = 0; i < q->size * q->dim; ++i) {
    to_sum[i] = decay * to_sum[i] + fresh * sum[i];
  }
}

static double stage_use(const codebooks *c, int k)
{
  double all = 0.0;
  for (int64_t e = 0; e < c->quantiser->size; ++e) {
    all += (double)c->use[k * c->quantiser->size + e];
  }
  return all;
}

static void place_codewords(codebooks *c, int k)
{
  rvq *q = c->quantiser;
  const double all = stage_use(c, k), smoothing = c->options.smoothing;
  const double share = all / (all + (double)q->size * smoothing);
  for (int64_t e = 0; e < q->size; ++e) {
    const int64_t cell = k * q->size + e;
    const double use = ((double)c->use[cell] + smoothing) * share;
    for (int64_t d = 0; d < q->dim && use > 0.0; ++d) {
      q->codebooks[k].master[e * q->dim + d] = (float)((double)c->sum[cell * q->dim + d] / use);
    }
  }
  ++q->codebooks[k].version;
}

// Codewords that less than `dead_share` of uniform use chooses take the place of a recent vector.
static int replace_dead(codebooks *c, int k, int64_t step, uint64_t seed)
{
  const rvq *q = c->quantiser;
  const double uniform = stage_use(c, k) / (double)q->size;
  const int64_t known = c->n_recent < CODEBOOKS_RECENT ? c->n_recent : CODEBOOKS_RECENT;
  const uint64_t stream = random_name_key(q->codebooks[k].name);
  int replaced = 0;
  for (int64_t e = 0; e < q->size && known > 0; ++e) {
    const int64_t cell = k * q->size + e;
    if ((double)c->use[cell] >= c->options.dead_share * uniform) {
      continue;
    }
    const uint64_t draw = random_bits(seed, stream, (uint64_t)(step * q->size + e));
    const float *rest =
        c->recent + ((int64_t)(draw % (uint64_t)known) * q->n_codebooks + k) * q->dim;
    c->use[cell] = (float)uniform;
    for (int64_t d = 0; d < q->dim; ++d) {
      q->codebooks[k].master[e * q->dim + d] = rest[d];
      c->sum[cell * q->dim + d] = (float)uniform * rest[d];
    }
    ++replaced;
  }
  return replaced;
}

int codebooks_commit(codebooks *c, const float *total, int64_t step, uint64_t seed)
{
  if (!c->started || c->frozen) {
    return 0;
  }
  int replaced = 0;
  for (int k = 0; k < c->quantiser->n_codebooks; ++k) {
    if (c->held[k]) {
      continue;
    }
    average_stage(c, k, total);
    place_codewords(c, k);
    if (c->options.dead_interval > 0 && step % c->options.dead_interval == 0) {
      replaced += replace_dead(c, k, step, seed);
    }
  }
  return replaced;
}
