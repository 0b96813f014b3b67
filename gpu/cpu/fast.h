// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// Operators on the vector kernels: contracts in gpu/ops.h. What they share stands here.
#ifndef CONTINUO_GPU_CPU_FAST_H
#define CONTINUO_GPU_CPU_FAST_H

#include "gpu/cpu/panels.h"
#include "gpu/cpu/team.h"
#include "gpu/tape.h"

/// Scratch of one operator: everything taken since `mark` goes back at its end, so that it stays in
/// the cache from one operator to the next.
static inline size_t scratch_begin(run *r)
{
  return arena_mark(r->memory);
}
static inline void scratch_end(run *r, size_t mark)
{
  arena_rewind(r->memory, mark);
}

/// The part of a job that is the weight's: panels, outputs, scales of one block.
window_job product_job(const panels *p, int64_t block);

/// The window product for weights of one type.
window_product product_for(const kernels *k, dtype type);

/// Run `jobs` window products on weights of p's kind. With a team, jobs are dealt out where there
/// are many, else each one's rows, else its panels. int8 takes scratch for the codes.
void products_run(run *r, const panels *p, window_job *jobs, int64_t n_jobs);

/// Call `work` on the whole team when there is enough to do, else on this thread alone.
void share_work(run *r, int64_t values, team_work work, void *user);

void fast_conv1d(run *r, tensor *y, const tensor *x, const weight *w, const weight *bias,
                 const tensor *residual, tensor *history, const stream_control *control,
                 const conv1d_args *args);
void fast_conv_transposed1d(run *r, tensor *y, const tensor *x, const weight *w, const weight *bias,
                            tensor *history, const stream_control *control,
                            const conv_transposed1d_args *args);
void fast_conv2d(run *r, tensor *y, const tensor *x, const weight *w, const weight *bias,
                 const conv2d_args *args);
void fast_linear(run *r, tensor *y, const tensor *x, const weight *w, const weight *bias,
                 const tensor *residual, activation act);
void fast_norm_linear(run *r, tensor *y, const tensor *x, const weight *norm_scale,
                      const weight *norm_shift, const norm_args *norm, const weight *w,
                      const weight *bias, activation act);
void fast_matmul(run *r, tensor *y, const tensor *a, const tensor *b, bool transpose_b);
void fast_lstm(run *r, tensor *y, const tensor *x, const weight *w_ih, const weight *w_hh,
               const weight *b_ih, const weight *b_hh, tensor *state, const stream_control *control,
               bool skip);
void fast_activate(run *r, tensor *y, const tensor *x, activation act, float slope);
void fast_norm(run *r, tensor *y, const tensor *x, const weight *scale, const weight *shift,
               const tensor *row_scale, const tensor *row_shift, const norm_args *args);
void fast_embed(run *r, tensor *y, const tensor *codes, const weight *table, bool accumulate);
void fast_add(run *r, tensor *y, const tensor *a, const tensor *b);
void fast_multiply(run *r, tensor *y, const tensor *a, const tensor *b);
void fast_scale(run *r, tensor *y, const tensor *a, float factor);
void fast_softmax(run *r, tensor *y, const tensor *x);
void fast_nearest(run *r, tensor *codes, const tensor *x, const weight *codebook);
void fast_rvq_encode(run *r, tensor *codes, tensor *residual, const tensor *x,
                     const weight *const *codebooks, int n_used);
void fast_rvq_decode(run *r, tensor *y, const tensor *codes, const weight *const *codebooks,
                     int n_used);
void fast_stft(run *r, tensor *y, const tensor *x, struct stft *plan);
void fast_stft_backward(run *r, const struct tape_node *node);

/// Backward: gpu/tape.h. On the calling thread alone; scratch of a few hundred KB, more for
/// activations of results and for pictures.
void fast_conv1d_backward(run *r, const tape_node *node);
void fast_conv_transposed1d_backward(run *r, const tape_node *node);
void fast_lstm_backward(run *r, const tape_node *node);
void fast_conv2d_backward(run *r, const tape_node *node);
void fast_linear_backward(run *r, const tape_node *node);
void fast_activate_backward(run *r, const tape_node *node);
void fast_add_backward(run *r, const tape_node *node);
void fast_multiply_backward(run *r, const tape_node *node);
void fast_scale_backward(run *r, const tape_node *node);

#endif
