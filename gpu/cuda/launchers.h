// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// The launchers: one per operator, named and ordered as in gpu/ops.h, whose contracts hold.
/// Activations are f32. Each queues work on the run's stream and returns; none waits or allocates
/// outside the run's arena, so all can be captured.
#ifndef CONTINUO_GPU_CUDA_LAUNCHERS_H
#define CONTINUO_GPU_CUDA_LAUNCHERS_H

#include "gpu/losses.h"
#include "gpu/run.h"
#include "gpu/updates.h"

extern const loss_ops cuda_loss_ops;
extern const update_ops cuda_update_ops;

void cuda_conv1d(run *r, tensor *y, const tensor *x, const weight *w, const weight *bias,
                 const tensor *residual, tensor *history, const stream_control *control,
                 const conv1d_args *args);
void cuda_conv_transposed1d(run *r, tensor *y, const tensor *x, const weight *w, const weight *bias,
                            tensor *history, const stream_control *control,
                            const conv_transposed1d_args *args);
void cuda_conv2d(run *r, tensor *y, const tensor *x, const weight *w, const weight *bias,
                 const conv2d_args *args);
void cuda_linear(run *r, tensor *y, const tensor *x, const weight *w, const weight *bias,
                 const tensor *residual, activation act);
void cuda_norm_linear(run *r, tensor *y, const tensor *x, const weight *norm_scale,
                      const weight *norm_shift, const norm_args *norm, const weight *w,
                      const weight *bias, activation act);
void cuda_matmul(run *r, tensor *y, const tensor *a, const tensor *b, bool transpose_b);
void cuda_lstm(run *r, tensor *y, const tensor *x, const weight *w_ih, const weight *w_hh,
               const weight *b_ih, const weight *b_hh, tensor *state, const stream_control *control,
               bool skip);
void cuda_attention(run *r, tensor *y, const tensor *q, const tensor *k, const tensor *v,
                    tensor *cache_k, tensor *cache_v, const weight *sink_k, const weight *sink_v,
                    const tensor *lengths, const stream_control *control,
                    const attention_args *args);
void cuda_activate(run *r, tensor *y, const tensor *x, activation act, float slope);
void cuda_norm(run *r, tensor *y, const tensor *x, const weight *scale, const weight *shift,
               const tensor *row_scale, const tensor *row_shift, const norm_args *args);
void cuda_embed(run *r, tensor *y, const tensor *codes, const weight *table, bool accumulate);
void cuda_add(run *r, tensor *y, const tensor *a, const tensor *b);
void cuda_multiply(run *r, tensor *y, const tensor *a, const tensor *b);
void cuda_scale(run *r, tensor *y, const tensor *a, float factor);
void cuda_softmax(run *r, tensor *y, const tensor *x);
void cuda_nearest(run *r, tensor *codes, const tensor *x, const weight *codebook);
void cuda_rvq_encode(run *r, tensor *codes, tensor *residual, const tensor *x,
                     const weight *const *codebooks, int n_used);
void cuda_rvq_decode(run *r, tensor *y, const tensor *codes, const weight *const *codebooks,
                     int n_used);
void cuda_avg_pool1d(run *r, tensor *y, const tensor *x, const avg_pool1d_args *args);
void cuda_reduce(run *r, tensor *y, const tensor *x, reduction kind);
void cuda_stft(run *r, tensor *y, const tensor *x, struct stft *plan);
/// dx += the adjoint of cuda_stft applied to dy.
void cuda_stft_adjoint(run *r, tensor *dx, const tensor *dy, struct stft *plan);
void cuda_advance(run *r, stream_control *control, int64_t n_steps);

/// Backward of recorded calls, as ops->backward has them.
void cuda_conv1d_backward(run *r, const struct tape_node *node);
void cuda_conv_transposed1d_backward(run *r, const struct tape_node *node);
void cuda_conv2d_backward(run *r, const struct tape_node *node);
void cuda_linear_backward(run *r, const struct tape_node *node);
void cuda_matmul_backward(run *r, const struct tape_node *node);
void cuda_lstm_backward(run *r, const struct tape_node *node);
void cuda_attention_backward(run *r, const struct tape_node *node);
void cuda_activate_backward(run *r, const struct tape_node *node);
void cuda_norm_backward(run *r, const struct tape_node *node);
void cuda_embed_backward(run *r, const struct tape_node *node);
void cuda_add_backward(run *r, const struct tape_node *node);
void cuda_multiply_backward(run *r, const struct tape_node *node);
void cuda_scale_backward(run *r, const struct tape_node *node);
void cuda_softmax_backward(run *r, const struct tape_node *node);
void cuda_avg_pool1d_backward(run *r, const struct tape_node *node);
void cuda_reduce_backward(run *r, const struct tape_node *node);
void cuda_stft_backward(run *r, const struct tape_node *node);

#endif
