// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// The tape: what a forward did, so that gradients can be swept back through it. First order.
/// Every recorded operator leaves a node; its device's backward slot adds into the gradients of
/// its inputs and of its weights. One tape belongs to one run; trainer's thread only.
///
/// A step: reset the tape, rewind the arena, forward, then any number of sweeps. A sweep goes over
/// all calls or over a stretch of them, from one seed or several, toward weights, watched tensors
/// or both. A loss balancer sweeps the losses' stretch once per loss toward the decoder's watched
/// output, reads and clears that gradient in between, and then sweeps the rest once.
///
/// Gradients lie in the run's arena and are used again as soon as the call that made their tensor
/// has been swept, so that a step of the same shapes never takes more than the first one did.
#ifndef CONTINUO_GPU_TAPE_H
#define CONTINUO_GPU_TAPE_H

#include "gpu/run.h"

#define TAPE_MAX_INPUTS 4
#define TAPE_MAX_WEIGHTS 4

/// A part of a forward: one tensor from up to TAPE_MAX_INPUTS others, with apply_* alone, and the
/// same whenever it is called.
typedef tensor (*tape_segment)(run *r, const tensor *inputs, void *user);

/// One operator call. Tensors are views into the run's arena, which must live until the sweep.
typedef struct tape_node {
  op_id op;             ///< OP_COUNT: a segment to be made again
  tape_segment segment; ///< null: an operator
  void *user;           ///< of the segment
  tensor out;
  tensor in[TAPE_MAX_INPUTS];        ///< in the order of the operator's tensor arguments
  weight *weights[TAPE_MAX_WEIGHTS]; ///< in the order of its weight arguments, null if absent
  const weight *const *codebooks;    ///< of the residual quantiser
  int n_used;
  union {
    conv1d_args conv1d;
    conv_transposed1d_args conv_transposed1d;
    conv2d_args conv2d;
    struct {
      activation act;
      float slope;
    } activate;
    float factor;
    bool transpose_b;
    bool skip;
    norm_args norm;
    attention_args attention;
    avg_pool1d_args avg_pool1d;
    reduction reduce;
    struct stft *stft; ///< must live until the sweep
  } args;
} tape_node;

/// What a sweep is for.
typedef enum tape_targets {
  TAPE_TENSORS = 1, ///< watched tensors only: every weight is frozen and costs nothing
  TAPE_WEIGHTS = 2, ///< tracked weights only
  TAPE_ALL = TAPE_TENSORS | TAPE_WEIGHTS,
} tape_targets;

/// A tape for at most `capacity` operator calls a step. STATUS_NO_MEMORY.
status tape_new(tape **t, int capacity, error *err);
void tape_free(tape *t); ///< null is fine

/// Forget all nodes and gradients and aim at TAPE_ALL; the arena may then be rewound.
void tape_reset(tape *t);

/// A node for the call that made `out`, which gets a gradient slot; null when the run has no tape
/// or has failed.
tape_node *tape_push(run *r, op_id op, tensor *out);

/// Keep the gradient of `t`: an input from outside, or the result of a recorded call. Views made
/// by tensor_reshape afterwards share it.
void tape_watch(run *r, tensor *t);

/// Gradient of `t`, in its shape. Between sweeps: of a watched tensor, zero if no sweep has come to
/// it; data is null for all others. In a backward slot: null when this sweep does not need it.
/// Watched inputs, and tensors made before the stretch that is swept, add up over sweeps until
/// tape_clear_gradients; what a sweep has passed through is made anew by the next.
tensor tape_gradient(run *r, const tensor *t);

/// Forget the gradients of all tensors (not of weights), so that the next sweep starts from zero.
void tape_clear_gradients(tape *t);

/// What the sweeps from here on are for.
void tape_set_targets(tape *t, tape_targets targets);

/// Calls recorded so far: where a stretch begins or ends.
int tape_position(const tape *t);

/// Add `seed` (shape of `output`) to the gradient of `output`, for the next sweep.
void tape_seed(run *r, const tensor *output, const tensor *seed);

/// Sweep calls [first, end) backwards from what was seeded. Calls that no target lies before are
/// skipped. Operators without a backward on this device fail the run with STATUS_UNSUPPORTED.
void tape_sweep(run *r, int first, int end);

/// Seed and sweep everything.
void tape_backward(run *r, const tensor *output, const tensor *seed);

/// segment(inputs) without keeping what it makes in between: that goes back to the arena at once,
/// and is made again when a sweep comes here. Costs a second forward; results and gradients are the
/// same, bit for bit. Whole sequences; segments may nest; `user` must live until the sweep. Without
/// a tape it is the segment itself. Errors: STATUS_USAGE (streaming, too many inputs, a result that
/// is no new tensor). Source: Chen et al. 2016, Training Deep Nets with Sublinear Memory Cost.
tensor tape_recompute(run *r, tape_segment segment, void *user, const tensor *inputs, int n_inputs);

/// The `i`-th recorded call, or null: for whoever looks at what a forward gave.
const tape_node *tape_call(const tape *t, int i);

/// Allocate w->grad on the device (zeroed) so that sweeps add into it; a weight that is tracked
/// already is only zeroed. What a sweep shall pass through must be tracked, and refreshed since,
/// even when it is `frozen` for good.
status weight_track(device *dev, weight *w, error *err);

#endif
