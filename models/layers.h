// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// Layers: weights + arguments + the place of their memory. A model lists its layers once, in a
/// layer_set; the set is then the tensor table (load, save, optimiser, tests) and the plan of the
/// memory that streaming needs. The same layer call streams when it is given a stream_memory and
/// takes whole sequences when it is given null.
///
/// Shapes: x is [n, T, C] (n streams, T rows, C channels); O channels out, K kernel, H state size.
/// Layers are const after load; a stream_memory belongs to one thread at a time.
#ifndef CONTINUO_MODELS_LAYERS_H
#define CONTINUO_MODELS_LAYERS_H

#include "gpu/apply.h"

#define LAYERS_MAX_WEIGHTS 512
#define LAYERS_MAX_MEMORIES 128

/// Everything a network (or one half of it) consists of, in the order of its forward.
typedef struct layer_set {
  weight *weights[LAYERS_MAX_WEIGHTS]; ///< the tensor table: name, use and shape are in the weight
  int n_weights;
  int64_t memory_rows[LAYERS_MAX_MEMORIES];     ///< rows kept per stream by memory m
  int64_t memory_channels[LAYERS_MAX_MEMORIES]; ///< channels of memory m
  int n_memories;
  int reflect_steps; ///< steps that a first call must bring when padding looks into the future
  bool overflow;     ///< more layers than the tables hold
} layer_set;

/// conv1d, then (48 kHz EnCodec) a group norm over time and channels.
typedef struct conv_layer {
  weight w;                      ///< [O, C / groups, K]
  weight bias;                   ///< [O]
  weight norm_scale, norm_shift; ///< [O], used when `normed`
  bool normed;
  conv1d_args args;
  int slot; ///< of its memory, -1: it needs none
} conv_layer;

/// Transposed conv1d; `normed` as above, with the statistics taken before trimming.
typedef struct conv_transposed_layer {
  weight w;                      ///< [C, O / groups, K]
  weight bias;                   ///< [O]
  weight norm_scale, norm_shift; ///< [O], used when `normed`
  bool normed;
  conv_transposed1d_args args;
  int slot; ///< of its memory, -1: it needs none
} conv_transposed_layer;

/// conv2d of pictures [n, H, W, C]; it keeps nothing between calls.
typedef struct conv2d_layer {
  weight w;    ///< [O, C / groups, kernel_h, kernel_w]
  weight bias; ///< [O]
  conv2d_args args;
} conv2d_layer;

typedef struct lstm_layer {
  weight w_ih;       ///< [4H, C], gates i, f, g, o
  weight w_hh;       ///< [4H, H]
  weight b_ih, b_hh; ///< [4H]
  int slot;
} lstm_layer;

/// What every conv layer of a network shares, and what names it.
typedef struct layer_place {
  const char *name;      ///< "encoder.in"; tensors are name.weight, name.bias, ...
  int64_t rows_per_step; ///< rows of x that one codec step brings
  bool normed;
} layer_place;

/// Set up a layer and enter it into `set`. Nothing is allocated, nothing can fail but the tables'
/// size (`overflow`, checked once by whoever built the set).
void conv_layer_init(conv_layer *l, layer_set *set, const layer_place *place, int64_t channels_in,
                     int64_t channels_out, const conv1d_args *args);
void conv_transposed_layer_init(conv_transposed_layer *l, layer_set *set, const layer_place *place,
                                int64_t channels_in, int64_t channels_out,
                                const conv_transposed1d_args *args);
void conv2d_layer_init(conv2d_layer *l, layer_set *set, const char *name, int64_t channels_in,
                       int64_t channels_out, const conv2d_args *args);
void lstm_layer_init(lstm_layer *l, layer_set *set, const char *name, int64_t channels,
                     int64_t size);

/// Odd kernels, dilated in height, zeros all round: with stride 1 a picture keeps its size.
conv2d_args conv2d_centred(int64_t kernel_h, int64_t kernel_w, int64_t dilation_h);

/// Enter one more tensor (a codebook, a table) into the set.
void layer_set_add(layer_set *set, weight *w);

/// Masters for every tensor: zeros, with g and v for the matrices when `normalised`.
status layer_set_allocate(layer_set *set, bool normalised, error *err);

/// Values that are a pure function of (tensor name, seed), for tests and untrained networks; they
/// keep activations near unit scale. tests/reference/weights.py makes the same bits. Masters must
/// be allocated and own their memory.
void layer_set_randomise(layer_set *set, uint64_t seed);

/// The values that PyTorch starts a convolutional network with, as a pure function of (tensor name,
/// seed): matrices, and the bias that follows each, uniform within 1 / sqrt(inputs of an output).
/// Source: He et al. 2015 with a = sqrt 5. Masters must be allocated.
void layer_set_start_uniform(layer_set *set, uint64_t seed);

/// Bring every compute form up to date; matrices in `storage`. See weight_refresh.
status layer_set_refresh(layer_set *set, device *dev, dtype storage, error *err);

/// Free the masters of a network that will only be played.
void layer_set_drop_masters(layer_set *set);
void layer_set_free(layer_set *set, device *dev);

/// The tensor called `name`, or null.
weight *layer_set_find(const layer_set *set, const char *name);
uint64_t layer_set_count(const layer_set *set); ///< elements of all tensors

/// The sets of a codec's network, in the order of its forward and of its file.
typedef enum codec_part { CODEC_ENCODER, CODEC_CODEBOOKS, CODEC_DECODER, CODEC_N_PARTS } codec_part;

/// The sets themselves lie in the network. Each function does to all of them what the layer_set
/// function of its name does to one, and stops at the first that fails.
typedef struct codec_layers {
  layer_set *sets[CODEC_N_PARTS];
} codec_layers;

status codec_layers_allocate(codec_layers layers, bool normalised, error *err);
void codec_layers_randomise(codec_layers layers, uint64_t seed);
status codec_layers_refresh(codec_layers layers, device *dev, dtype storage, error *err);
void codec_layers_drop_masters(codec_layers layers);
void codec_layers_free(codec_layers layers, device *dev);

/// Calls `visit` for every tensor.
void codec_layers_each(codec_layers layers, void (*visit)(void *user, weight *w), void *user);

/// Memory of n streams through one layer_set, carved from one block of device memory, so that a
/// snapshot is a copy of the block.
typedef struct stream_memory {
  stream_control control; ///< position and reset lie in the block
  bool zero_start;        ///< padding of streams that start is zeros, whatever the layer says
  tensor slots[LAYERS_MAX_MEMORIES];
  void *block;
  size_t block_bytes;
} stream_memory;

size_t stream_memory_bytes(const layer_set *set, const device *dev, int64_t n_streams);

/// Lay the memory out in `block` (stream_memory_bytes of `dev`'s memory) and reset every stream.
status stream_memory_init(stream_memory *m, const layer_set *set, device *dev, int64_t n_streams,
                          void *block, error *err);

/// The next call is stream `stream`'s first (-1: every stream's).
status stream_memory_reset(stream_memory *m, device *dev, int64_t stream, error *err);

/// Memory of n streams through an encoder and a decoder: one block, the encoder's part first.
typedef struct codec_memory {
  stream_memory encoder, decoder;
  device *dev; ///< not referenced: the owner's network is
  void *block;
  size_t block_bytes;
} codec_memory;

/// STATUS_NO_MEMORY, STATUS_DEVICE.
status codec_memory_init(codec_memory *m, const layer_set *encoder, const layer_set *decoder,
                         device *dev, int64_t n_streams, error *err);
void codec_memory_free(codec_memory *m); ///< harmless when never set up but zeroed

/// The layers themselves; m null: whole sequences. residual: null or [n, U, O], added.
tensor layer_conv(run *r, const conv_layer *l, tensor x, const tensor *residual, stream_memory *m);
tensor layer_conv_transposed(run *r, const conv_transposed_layer *l, tensor x, stream_memory *m);
tensor layer_conv2d(run *r, const conv2d_layer *l, tensor x);
tensor layer_lstm(run *r, const lstm_layer *l, tensor x, stream_memory *m);

#endif
