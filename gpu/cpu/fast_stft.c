// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "gpu/cpu/fast.h"
#include "gpu/stft.h"
#include "gpu/tape.h"

// One sequence after the other on the calling thread, because the plan's scratch is one thread's.

void fast_stft(run *r, tensor *y, const tensor *x, stft *plan)
{
  (void)r;
  const int64_t n_samples = x->dims[1], each = y->dims[1] * y->dims[2] * 2;
  for (int64_t n = 0; n < x->dims[0]; ++n) {
    stft_forward(plan, (float *)y->data + n * each, (const float *)x->data + n * n_samples,
                 n_samples);
  }
}

void fast_stft_backward(run *r, const tape_node *node)
{
  const tensor dy = tape_gradient(r, &node->out), dx = tape_gradient(r, &node->in[0]);
  const int64_t n_samples = dx.dims[1], each = dy.dims[1] * dy.dims[2] * 2;
  for (int64_t n = 0; dx.data && n < dx.dims[0]; ++n) {
    stft_backward(node->args.stft, (float *)dx.data + n * n_samples,
                  (const float *)dy.data + n * each, n_samples);
  }
}
