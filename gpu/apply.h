// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// Applying an operator: work out the shape of the result, take it from the run's arena, call the
/// device's slot, put the call on the tape when there is one. Models are written with these, never
/// with the slots. After a failure they return a tensor whose data is null and do nothing.
/// Contracts: gpu/ops.h.
#ifndef CONTINUO_GPU_APPLY_H
#define CONTINUO_GPU_APPLY_H

#include "gpu/run.h"
#include "gpu/stft.h"

/// Streaming uses `history` (null: whole sequence) and the run's control.
tensor apply_conv1d(run *r, tensor x, const weight *w, const weight *bias, const tensor *residual,
                    tensor *history, const conv1d_args *args);
tensor apply_conv_transposed1d(run *r, tensor x, const weight *w, const weight *bias,
                               tensor *history, const conv_transposed1d_args *args);
tensor apply_conv2d(run *r, tensor x, const weight *w, const weight *bias, const conv2d_args *args);
tensor apply_linear(run *r, tensor x, const weight *w, const weight *bias, const tensor *residual,
                    activation act);
tensor apply_norm_linear(run *r, tensor x, const weight *norm_scale, const weight *norm_shift,
                         const norm_args *norm, const weight *w, const weight *bias,
                         activation act);
tensor apply_matmul(run *r, tensor a, tensor b, bool transpose_b);
/// Under a tape: whole sequences from zero, `state` null.
tensor apply_lstm(run *r, tensor x, const weight *w_ih, const weight *w_hh, const weight *b_ih,
                  const weight *b_hh, tensor *state, bool skip);
/// Under a tape: CACHE_NONE.
tensor apply_attention(run *r, tensor q, tensor k, tensor v, tensor *cache_k, tensor *cache_v,
                       const weight *sink_k, const weight *sink_v, const tensor *lengths,
                       const attention_args *args);
tensor apply_activation(run *r, tensor x, activation act, float slope);
tensor apply_norm(run *r, tensor x, const weight *scale, const weight *shift,
                  const tensor *row_scale, const tensor *row_shift, const norm_args *args);
tensor apply_embed(run *r, tensor codes, const weight *table);
tensor apply_add(run *r, tensor a, tensor b);
tensor apply_multiply(run *r, tensor a, tensor b);
tensor apply_scale(run *r, tensor a, float factor);
tensor apply_softmax(run *r, tensor x);
tensor apply_avg_pool1d(run *r, tensor x, const avg_pool1d_args *args);
tensor apply_reduce(run *r, tensor x, reduction kind);
tensor apply_stft(run *r, tensor x, stft *plan);
tensor apply_nearest(run *r, tensor x, const weight *codebook);
tensor apply_rvq_encode(run *r, tensor x, const weight *const *codebooks, int n_used);
tensor apply_rvq_decode(run *r, tensor codes, const weight *const *codebooks, int n_used);

/// The quantised values, whose gradient passes to `latent` unchanged (van den Oord et al. 2017).
tensor apply_straight_through(run *r, tensor quantised, tensor latent);

/// Rows that conv1d gives for `rows` of input: see ops.h.
int64_t conv1d_rows_out(int64_t rows, bool streaming, const conv1d_args *args);

/// Rows that a streaming conv1d, or transposed conv1d, keeps between calls.
int64_t conv1d_history_rows(const conv1d_args *args);
int64_t conv_transposed1d_history_rows(const conv_transposed1d_args *args);

#endif
