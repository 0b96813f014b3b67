// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// The operators, each once, with its shape contract. A device is a table of these: the CPU table
/// starts as reference C and faster variants overwrite slots; the CUDA table has one launcher per
/// slot with the same name and argument order. Output first. Every pointer is device memory;
/// `y` never aliases an input unless said. Rows are [n, T] flattened where the time does not
/// matter. Letters: n streams, T rows in, U rows out, C channels in, O channels out, K kernel,
/// D head or codeword dimension.
///
/// Exactness (CPU): each output element is one sequential sum in the order given below, whatever
/// the number of streams, rows or threads; so any chunking equals the whole, bit for bit.
///
/// Weights in f16 or bf16 widen to f32 and sum in f32. In int8 each window of activations (each
/// row of a matrix product, each output row and group of a convolution; x and h apart in an LSTM)
/// is quantised with one scale, max |window| / 127; the integer sum, times both scales, is added
/// to what the sum starts from.
///
/// Threads: the conductor (or the trainer) that owns the run. Nothing here allocates but from the
/// run's arena, nothing locks, nothing logs. Failures set the run's sticky status.
#ifndef CONTINUO_GPU_OPS_H
#define CONTINUO_GPU_OPS_H

#include "gpu/tensor.h"
#include "gpu/weight.h"

#include <stdbool.h>

typedef struct run run;
struct stft;
struct tape_node;

typedef enum activation {
  ACT_NONE,
  ACT_ELU,        ///< x > 0 ? x : slope * (e^x - 1)
  ACT_LEAKY_RELU, ///< x > 0 ? x : slope * x
  ACT_RELU,
  ACT_GELU, ///< 0.5 x (1 + erf(x / sqrt 2))
  ACT_SILU, ///< x / (1 + e^-x)
  ACT_TANH,
  ACT_SIGMOID,
} activation;

typedef enum pad_mode {
  PAD_ZERO,
  PAD_REFLECT,   ///< mirrored without repeating the edge row; short input: docs/codecs.md
  PAD_REPLICATE, ///< the edge row again
} pad_mode;

/// Where each of n streams stands. Device memory, so that a captured graph can replay.
typedef struct stream_control {
  int64_t n_streams;
  int64_t *position; ///< [n] steps since the stream's start
  uint8_t *reset;    ///< [n] 1: this call is the stream's first, its memories count as empty
  bool final;        ///< host flag: no more input follows, so right padding is due (offline)
} stream_control;

typedef struct conv1d_args {
  int64_t kernel, stride, dilation, groups;
  int64_t pad_left;   ///< rows before the first; causal: (kernel - 1) * dilation + 1 - stride
  int64_t pad_right;  ///< rows after the last; streaming: declared delay instead
  pad_mode mode;      ///< how padding rows are made
  activation act_in;  ///< applied to x before the window; the history holds activated rows
  activation act_out; ///< applied to the result, before the residual
  float act_slope;    ///< of ELU (alpha) or leaky ReLU, both sides
} conv1d_args;

typedef struct conv_transposed1d_args {
  int64_t kernel, stride, groups;
  int64_t trim_left,
      trim_right; ///< rows cut from (T - 1) * stride + kernel; streaming: 0, kernel - stride
  activation act_in, act_out;
  float act_slope;
} conv_transposed1d_args;

typedef struct conv2d_args {
  int64_t kernel_h, kernel_w, stride_h, stride_w, dilation_h, dilation_w, groups;
  int64_t pad_top, pad_bottom, pad_left, pad_right; ///< rows and columns of zeros
  activation act_in, act_out;
  float act_slope;
} conv2d_args;

typedef enum norm_kind {
  NORM_LAYER, ///< over the last dimension
  NORM_RMS,   ///< over the last dimension, no mean
  NORM_GROUP, ///< over time and channels of each stream, in `groups` channel groups: whole only
} norm_kind;

typedef struct norm_args {
  norm_kind kind;
  int64_t groups; ///< NORM_GROUP
  float epsilon;
} norm_args;

typedef enum attention_mask {
  MASK_CAUSAL,      ///< row t sees rows <= t
  MASK_WINDOW_SINK, ///< row t sees the last `window` rows and the learned sink
  MASK_FULL,        ///< every row sees every row below `lengths`
  MASK_PREFIX,      ///< full among the first `prefix` rows, causal after
} attention_mask;

typedef enum attention_cache {
  CACHE_NONE,  ///< keys and values are the sequence at hand
  CACHE_RING,  ///< appended to a ring [n, capacity, kv_heads * D], oldest overwritten
  CACHE_CROSS, ///< a static cache that is only read, [n, capacity, kv_heads * D], `lengths` valid
  CACHE_STEP,  ///< a cache that lives for one step: row index = `step_row`, reset every step
} attention_cache;

typedef struct attention_args {
  int64_t n_heads, n_kv_heads, head_dim;
  attention_mask mask;
  attention_cache cache;
  int64_t window;   ///< MASK_WINDOW_SINK: rows seen, the present one included
  int64_t prefix;   ///< MASK_PREFIX
  int64_t step_row; ///< CACHE_STEP: rows already in the cache before this call
  float rope_base;  ///< rotary base (10000); 0: no rotation. Pairs (i, i + D / 2)
  float scale;      ///< of q . k, usually 1 / sqrt(D)
} attention_args;

typedef struct avg_pool1d_args {
  int64_t kernel, stride;
  int64_t pad;        ///< rows of zeros on either side, at most kernel / 2
  bool count_padding; ///< divide by `kernel` everywhere, else by the real rows in the window
} avg_pool1d_args;

typedef enum reduction {
  REDUCE_SUM,
  REDUCE_MEAN,
  REDUCE_ABS_MEAN,    ///< of |x|; its gradient at 0 is 0
  REDUCE_SQUARE_MEAN, ///< of x^2
} reduction;

#define OPS_MAX_CODEBOOKS 64

/// Slots in the order of `struct ops`; names in `op_name`.
typedef enum op_id {
  OP_CONV1D,
  OP_CONV_TRANSPOSED1D,
  OP_CONV2D,
  OP_LINEAR,
  OP_NORM_LINEAR,
  OP_MATMUL,
  OP_LSTM,
  OP_ATTENTION,
  OP_ACTIVATE,
  OP_NORM,
  OP_EMBED,
  OP_ADD,
  OP_MULTIPLY,
  OP_SCALE,
  OP_SOFTMAX,
  OP_NEAREST,
  OP_RVQ_ENCODE,
  OP_RVQ_DECODE,
  OP_AVG_POOL1D,
  OP_REDUCE,
  OP_STFT,
  OP_ADVANCE,
  OP_COUNT
} op_id;

typedef struct ops {
  /// y[n, U, O] = act_out(bias + sum over taps k, channels c of w[o, c, k] * pad(act_in(x))[...])
  /// + residual. Order of the sum: bias, then taps oldest first, channels innermost.
  /// x[n, T, C]; residual [n, U, O] or null; bias null or [O].
  /// history null (whole sequence: both pads are made, U = ceil((T + pads - k_eff) / stride) + 1,
  /// the right pad extended so that no row of x is dropped, see docs/codecs.md) or
  /// [n, k_eff - stride, C] in place (streaming: T a multiple of stride unless control->final;
  /// U = T / stride; a reset stream starts from its pad; rows kept are activated rows).
  void (*conv1d)(run *r, tensor *y, const tensor *x, const weight *w, const weight *bias,
                 const tensor *residual, tensor *history, const stream_control *control,
                 const conv1d_args *args);

  /// y[n, U, O] with U = (T - 1) * stride + kernel - trims whole, T * stride streaming.
  /// Output row t * stride + j gathers taps j, j + stride, ... from rows t, t - 1, ...: order of
  /// the sum: bias, oldest row first, channels innermost. history [n, ceil(kernel / stride) - 1, C]
  /// keeps the last activated input rows (zero at the start), so nothing has to be un-added.
  void (*conv_transposed1d)(run *r, tensor *y, const tensor *x, const weight *w, const weight *bias,
                            tensor *history, const stream_control *control,
                            const conv_transposed1d_args *args);

  /// x[n, H, W, C] -> y[n, H', W', O]; zero padding; bias, then kernel rows, columns, channels.
  void (*conv2d)(run *r, tensor *y, const tensor *x, const weight *w, const weight *bias,
                 const conv2d_args *args);

  /// y[rows, O] = act(bias + x[rows, C] w^T) + residual; bias and residual may be null.
  void (*linear)(run *r, tensor *y, const tensor *x, const weight *w, const weight *bias,
                 const tensor *residual, activation act);

  /// linear(norm(x)); norm_scale and norm_shift [C] may be null (1 and 0).
  void (*norm_linear)(run *r, tensor *y, const tensor *x, const weight *norm_scale,
                      const weight *norm_shift, const norm_args *norm, const weight *w,
                      const weight *bias, activation act);

  /// y[n, M, O] = a[n, M, C] b[n, C, O], or b[n, O, C] transposed when `transpose_b`.
  void (*matmul)(run *r, tensor *y, const tensor *a, const tensor *b, bool transpose_b);

  /// One LSTM layer over x[n, T, C] -> y[n, T, H]; gates i, f, g, o as PyTorch stacks them:
  /// w_ih [4H, C], w_hh [4H, H], b_ih, b_hh [4H]. Pre-activation: b_ih + b_hh, then w_ih x, then
  /// w_hh h. state [n, 2, H] (h, c) in place, zero for a reset stream; null: zero, not kept.
  /// y may alias nothing. `skip`: y = h + x (needs C = H).
  void (*lstm)(run *r, tensor *y, const tensor *x, const weight *w_ih, const weight *w_hh,
               const weight *b_ih, const weight *b_hh, tensor *state, const stream_control *control,
               bool skip);

  /// One attention step: rotate q and k by position, append k and v to the cache, attend.
  /// q[n, T, heads * D], k, v[n, T, kv_heads * D] -> y[n, T, heads * D]. cache_k, cache_v null for
  /// CACHE_NONE. Ring slot = position % capacity. sink_k, sink_v [kv_heads * D] or null: one extra
  /// key and value that every row sees. lengths [n] i32 or null: valid rows of each stream.
  void (*attention)(run *r, tensor *y, const tensor *q, const tensor *k, const tensor *v,
                    tensor *cache_k, tensor *cache_v, const weight *sink_k, const weight *sink_v,
                    const tensor *lengths, const stream_control *control,
                    const attention_args *args);

  /// y = act(x), any shape; y may be x.
  void (*activate)(run *r, tensor *y, const tensor *x, activation act, float slope);

  /// y = norm(x) * scale + shift; scale and shift [C] weights, or per row tensors row_scale,
  /// row_shift [rows, C] (adaptive norms), each null or given; y may be x.
  void (*norm)(run *r, tensor *y, const tensor *x, const weight *scale, const weight *shift,
               const tensor *row_scale, const tensor *row_shift, const norm_args *args);

  /// y[rows, D] = table[codes[rows]]; with `accumulate`, y += instead. Codes i32; a code outside
  /// the table gives a zero row.
  void (*embed)(run *r, tensor *y, const tensor *codes, const weight *table, bool accumulate);

  /// y = a + b and y = a * b, same shape, or b [C] repeated over rows; y may be a.
  void (*add)(run *r, tensor *y, const tensor *a, const tensor *b);
  void (*multiply)(run *r, tensor *y, const tensor *a, const tensor *b);

  /// y = factor * a; y may be a.
  void (*scale)(run *r, tensor *y, const tensor *a, float factor);

  /// Softmax over the last dimension, largest subtracted first; y may be x.
  void (*softmax)(run *r, tensor *y, const tensor *x);

  /// codes[rows] i32 = index of the codeword nearest to x[rows, D] in squared Euclidean distance,
  /// the lowest index at a tie. distance = |e|^2 - 2 x.e (the part that differs).
  void (*nearest)(run *r, tensor *codes, const tensor *x, const weight *codebook);

  /// Residual quantisation: residual = x; for each used codebook k: codes[rows, k] = nearest,
  /// residual -= codeword. x[rows, D] -> codes[rows, n_used] i32; residual [rows, D] or null.
  void (*rvq_encode)(run *r, tensor *codes, tensor *residual, const tensor *x,
                     const weight *const *codebooks, int n_used);

  /// y[rows, D] = sum over k of codebook k's entry codes[rows, k], in that order. A code outside
  /// its codebook adds nothing.
  void (*rvq_decode)(run *r, tensor *y, const tensor *codes, const weight *const *codebooks,
                     int n_used);

  /// y[n, U, C] = mean of each channel over `kernel` rows of x[n, T, C], every `stride` rows:
  /// U = floor((T + 2 pad - kernel) / stride) + 1. Whole sequences. As PyTorch's AvgPool1d.
  void (*avg_pool1d)(run *r, tensor *y, const tensor *x, const avg_pool1d_args *args);

  /// y[1] = x reduced over all its elements, summed in double.
  void (*reduce)(run *r, tensor *y, const tensor *x, reduction kind);

  /// y[n, rows, bins, 2] = spectra of x[n, T, 1], real and imaginary parts, as gpu/stft.h has them:
  /// a picture whose channels they are. Works in the plan's scratch: one run at a time.
  void (*stft)(run *r, tensor *y, const tensor *x, struct stft *plan);

  /// After a step: position += n_steps and reset = 0 for every stream.
  void (*advance)(run *r, stream_control *control, int64_t n_steps);

  /// Backward of a recorded call (gpu/tape.h): adds into the gradients of its inputs and weights.
  /// Null where there is none.
  void (*backward[OP_COUNT])(run *r, const struct tape_node *node);

  const char *variant[OP_COUNT]; ///< what runs: "reference", "avx2", "avx512", "cuda"
} ops;

const char *op_name(op_id op);

/// Is the forward slot of `op` filled? Operators that only training uses may be missing on a
/// device; applying one there fails the run with STATUS_UNSUPPORTED.
bool op_available(const ops *table, op_id op);

#endif
