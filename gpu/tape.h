// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// The tape: what a forward did, so that gradients can be swept back through it. First order.
/// Every recorded operator leaves a node; its device's backward slot adds into the gradients of
/// its inputs and of its weights. One tape belongs to one run; trainer's thread only.
#ifndef CONTINUO_GPU_TAPE_H
#define CONTINUO_GPU_TAPE_H

#include "gpu/run.h"

#define TAPE_MAX_INPUTS 4
#define TAPE_MAX_WEIGHTS 4

/// One operator call. Tensors are views into the run's arena, which must live until the sweep.
typedef struct tape_node {
  op_id op;
  tensor out;
  tensor in[TAPE_MAX_INPUTS];        ///< in the order of the operator's tensor arguments
  weight *weights[TAPE_MAX_WEIGHTS]; ///< in the order of its weight arguments, null if absent
  const weight *const *codebooks;    ///< of the residual quantiser
  int n_used;
  union {
    conv1d_args conv1d;
    conv_transposed1d_args conv_transposed1d;
    struct {
      activation act;
      float slope;
    } activate;
    float factor;
  } args;
} tape_node;

/// A tape for at most `capacity` operator calls a step. STATUS_NO_MEMORY.
status tape_new(tape **t, int capacity, error *err);
void tape_free(tape *t); ///< null is fine

/// Forget all nodes and gradients; the arena may then be rewound.
void tape_reset(tape *t);

/// A node for the call that made `out`, which gets a gradient slot; null when the run has no tape
/// or has failed.
tape_node *tape_push(run *r, op_id op, tensor *out);

/// Gradient of `t`, same shape, zeroed when first asked for; data is null when `t` is not on the
/// tape (an input that nobody differentiates).
tensor tape_gradient(run *r, const tensor *t);

/// Give an input tensor a slot, so that its gradient is computed.
void tape_watch(run *r, tensor *t);

/// Add `seed` (shape of `output`) to the gradient of `output` and sweep all nodes backwards.
/// Operators without a backward on this device fail the run with STATUS_UNSUPPORTED.
void tape_backward(run *r, const tensor *output, const tensor *seed);

/// Allocate w->grad on the device (zeroed) so that sweeps add into it; weights without are frozen.
status weight_track(device *dev, weight *w, error *err);

#endif
