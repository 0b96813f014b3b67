// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// One declarative list of operator cases. It drives the comparison of every variant with the
/// reference, the gradient check in double, the comparison of CUDA with the CPU, and timing.
#ifndef CONTINUO_GPU_CASES_OP_CASES_H
#define CONTINUO_GPU_CASES_OP_CASES_H

#include "gpu/apply.h"

#define OP_CASE_MAX_WEIGHTS 8

/// A call of one operator. What does not apply to it stays 0.
typedef struct op_case {
  op_id op;
  const char *name;                   ///< unique within the list
  int64_t n, rows, channels, outputs; ///< streams, rows in, channels in, channels out
  int64_t kernel, stride, dilation, groups;
  int64_t pad_left, pad_right; ///< whole convolutions; transposed: rows trimmed
  pad_mode mode;
  activation act_in, act_out;
  bool streaming;           ///< with history, state or cache, in pieces
  bool bias, residual;      ///< present; LSTM: residual means skip; pooling: bias counts padding
  bool bench;               ///< worth timing: a shape of a real network
  attention_args attention; ///< OP_ATTENTION; `kernel`: capacity of the cache, or, of whole
                            ///< sequences, rows of keys where they are not those of queries
  norm_args norm;           ///< OP_NORM, OP_NORM_LINEAR
  int64_t height, kernel_h; ///< OP_CONV2D: rows is the width
  int64_t stride_h, dilation_h; ///< OP_CONV2D along the height; 0: as along the width
  reduction reduce;             ///< OP_REDUCE
  stft_config stft;             ///< OP_STFT: rows is samples
  bool bf16_values; ///< inputs, matrices and seeds of sweeps back are rounded to what bf16 holds
} op_case;

/// The whole list.
const op_case *op_cases(int *count);

/// Shapes of a codec and of discriminators in training, for timing: two examples of half a second
/// at 24 kHz.
const op_case *op_training_cases(int *count);

/// An adversarial case: operator, sizes, padding and activations drawn from `seed`. `name` becomes
/// its name, so that a failure can be repeated.
op_case op_case_random(uint64_t seed, char name[32]);

/// What a case needs on one device: inputs, weights, state, arena; made from (name, seed) alone,
/// so that two devices get the same values.
typedef struct op_bench op_bench;
status op_bench_new(op_bench **b, const op_case *c, device *dev, dtype storage, uint64_t seed,
                    error *err);
void op_bench_free(op_bench *b);

/// Run the case once over rows in pieces of `piece` rows (0: all at once; only streaming cases
/// are split), starting fresh. The result stays in the bench.
status op_bench_run(op_bench *b, int64_t piece, error *err);

/// Seconds of one call on the device: `batch` calls captured in a row, the median of `launches`
/// launches, each waited for. Weights and input stay where they are, so small ones are in cache.
status op_bench_time(op_bench *b, int batch, int launches, double *seconds, error *err);

/// Seconds of the call and of its sweeps back on a CPU device of one thread, of which this thread's
/// CPU time counts: medians of `sweeps`.
typedef struct op_sweep_times {
  double forward, to_inputs, to_weights;
} op_sweep_times;
status op_bench_time_sweeps(op_bench *b, int sweeps, op_sweep_times *found, error *err);

/// Seconds on the device of the call and of its sweeps back, as op_bench_time takes them: a sweep's
/// is what a call with it takes more. The tape's own clearing and seeding count with the sweeps.
status op_bench_time_back(op_bench *b, int batch, int launches, op_sweep_times *found, error *err);

/// One stream of the case alone, in a bench of its own: stream `index` of the same inputs.
status op_bench_new_stream(op_bench **b, const op_case *c, device *dev, dtype storage,
                           uint64_t seed, int64_t index, error *err);

/// Result as doubles (codes too), and how many; the bench keeps it.
const double *op_bench_result(const op_bench *b, int64_t *count);

/// Multiply-adds and bytes (weights, input and output once) of one call: the two floors.
double op_case_macs(const op_case *c);
double op_case_bytes(const op_case *c, dtype storage);

/// For the gradient checks: sweep back from Loss = sum(seed * y) with fixed
/// pseudo-random seeds. Slots: every input that is not codes, then every weight, in order.
status op_bench_backward(op_bench *b, error *err);
int op_bench_slots(const op_bench *b);
const char *op_bench_slot_name(const op_bench *b, int slot);
const double *op_bench_gradient(const op_bench *b, int slot, int64_t *count);

/// On a double device: loss with element `index` of a slot changed by `delta`, which is undone
/// before returning.
double op_bench_loss(op_bench *b, int slot, int64_t index, double delta);

#endif
