// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "gpu/cpu/fast.h"

#include <string.h>

#define WORTH_SHARING 16384 // multiply-adds or values below which waking the team costs more

static const int64_t at_start[1] = {0};

window_job product_job(const panels *p, int64_t block)
{
  const int64_t first = block * p->block_outputs;
  return (window_job){.segments = 1,
                      .segment_length = p->length,
                      .offsets = at_start,
                      .panels = p->data + block * p->block_bytes,
                      .panel_bytes = p->panel_bytes,
                      .outputs = p->block_outputs,
                      .scales = p->matrix.scales ? p->matrix.scales + first : NULL,
                      .sums = p->sums ? p->sums + first : NULL};
}

void share_work(run *r, int64_t values, team_work work, void *user)
{
  if (values < WORTH_SHARING) {
    work(user, 0, 1);
  } else {
    team_run(r->dev->workers, work, user);
  }
}

typedef struct products {
  const kernels *k;
  window_product product;
  window_job *jobs;
  int64_t n_jobs;
  int64_t n_panels;
} products;

window_product product_for(const kernels *k, dtype type)
{
  switch (type) {
  case DTYPE_F16:
    return k->product_f16;
  case DTYPE_BF16:
    return k->product_bf16;
  case DTYPE_I8:
    return k->product_i8;
  default:
    return k->product_f32;
  }
}

static void products_work(void *user, int index, int n)
{
  const products *p = user;
  if (p->n_jobs >= 4 * n || n == 1) {
    int64_t begin, end;
    team_slice(p->n_jobs, 1, index, n, &begin, &end);
    for (int64_t i = begin; i < end; ++i) {
      const window_part whole = {0, p->jobs[i].rows, 0, p->n_panels};
      p->product(&p->jobs[i], &whole);
    }
    return;
  }
  const int64_t grain = 12; // a tall tile
  for (int64_t i = 0; i < p->n_jobs; ++i) {
    window_part part = {0, p->jobs[i].rows, 0, p->n_panels};
    if (p->jobs[i].rows >= 2 * grain * n) {
      team_slice(p->jobs[i].rows, grain, index, n, &part.row_begin, &part.row_end);
    } else {
      team_slice(p->n_panels, 1, index, n, &part.panel_begin, &part.panel_end);
    }
    // A member without a part must not touch the rows: with few outputs they are not cut by panel.
    if (part.row_begin < part.row_end && part.panel_begin < part.panel_end) {
      p->product(&p->jobs[i], &part);
    }
  }
}

// Cut the windows of the jobs' rows out and quantise each.
static void quantise_work(void *user, int index, int n)
{
  const products *p = user;
  for (int64_t i = 0; i < p->n_jobs; ++i) {
    const window_job *job = &p->jobs[i];
    const int64_t length = job->segments * job->segment_length;
    int64_t begin, end;
    team_slice(job->rows, 1, index, n, &begin, &end);
    for (int64_t row = begin; row < end; ++row) {
      int8_t *codes = job->codes + row * job->code_step;
      const float *x = job->x + row * job->row_step;
      job->code_scales[row] =
          p->k->quantise(codes, x, job->offsets, job->segments, job->segment_length);
      memset(codes + length, 0, (size_t)(job->code_step - length));
    }
  }
}

static bool codes_prepare(run *r, products *p, int64_t macs)
{
  for (int64_t i = 0; i < p->n_jobs; ++i) {
    window_job *job = &p->jobs[i];
    const int64_t length = job->segments * job->segment_length, unit = p->k->code_group;
    job->code_step = (length + unit - 1) / unit * unit;
    job->codes = run_scratch(r, (size_t)(job->rows * job->code_step));
    job->code_scales = run_scratch(r, (size_t)job->rows * sizeof(float));
  }
  if (run_ok(r)) {
    share_work(r, macs, quantise_work, p);
  }
  return run_ok(r);
}

void products_run(run *r, const panels *w, window_job *jobs, int64_t n_jobs)
{
  const kernels *k = kernels_of(r->dev);
  products p = {.k = k,
                .product = product_for(k, w->type),
                .jobs = jobs,
                .n_jobs = n_jobs,
                .n_panels = w->n_panels};
  int64_t macs = 0;
  for (int64_t i = 0; i < n_jobs; ++i) {
    macs += jobs[i].rows * jobs[i].outputs * w->length;
  }
  if (w->type != DTYPE_I8 || codes_prepare(r, &p, macs)) {
    share_work(r, macs, products_work, &p);
  }
}
