// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// Lyra v2: a small streaming speech codec at 16 kHz, 50 steps a second.
///
///   encoder  in      conv 1 -> 64, kernel 64, stride 16                        320 -> 20 rows a
///   step
///            stage   for each stride 5, 2, 2 (channels 64, 128, 256; double each time):
///                    3 units, dilation 1, 3, 9
///                    down    conv C -> 2C, kernel 2s, stride s, C/64 groups    20 -> 4 -> 2 -> 1
///            out     conv 512 -> 64, kernel 3, 4 groups
///   rvq      46 codebooks of 16 codewords of 64 dimensions: 4 bits each, the first counts most
///   decoder  in      conv 64 -> 512, kernel 3, 4 groups
///            stage   for each stride 2, 2, 5: up (transposed, kernel 2s, C/2, C/2/64 groups), 3
///            units out     transposed conv 64 -> 1, kernel 64, stride 16
///   unit     x + point2(act(point1(depthwise(act x)))): depthwise kernel 3 and dilated, point1
///            1x1 dense, point2 1x1 in C/64 groups
///
/// act is leaky ReLU, slope 0.3; it also stands before down, up and out, and nowhere else. All
/// padding is zeros on the left: a step of output needs no later input, and what the decoder gives
/// for a step lines up with that step's input (cross-correlation peaks at lag 0). One forward each
/// way: with a memory it streams, without it takes whole sequences. Sources: Zeghidour et al. 2021
/// (SoundStream); the wiring is that of Lyra's published v1.2.0 graphs.
#ifndef CONTINUO_MODELS_LYRA_H
#define CONTINUO_MODELS_LYRA_H

#include "models/layers.h"
#include "models/rvq.h"

#define LYRA_STAGES 3
#define LYRA_UNITS 3

typedef struct lyra_config {
  char name[64];                ///< as `continuo list models` shows it
  char licence[64];             ///< of the weights; "" when nobody has said
  uint32_t rate_hz;             ///< of the audio: 16000
  int64_t latent_dim;           ///< D: 64
  int64_t width;                ///< W, channels of the first stage: 64
  int64_t stride_in;            ///< of the first convolution, its kernel four times that: 16
  int64_t strides[LYRA_STAGES]; ///< after it, from the sample rate downwards: 5, 2, 2
  int64_t n_codebooks;          ///< 46
  int64_t codebook_size;        ///< a power of two: 16
} lyra_config;

/// Release v1.2 (and v1.3, whose weights differ).
lyra_config lyra_config_published(void);

/// STATUS_USAGE with one sentence naming the field, the value and what is possible.
status lyra_config_check(const lyra_config *config, error *err);
int64_t lyra_hop_samples(const lyra_config *config);

typedef struct lyra_unit {
  conv_layer depthwise; ///< [C, 1, 3], dilated
  conv_layer point1;    ///< [C, C, 1]
  conv_layer point2;    ///< [C, 64, 1]
} lyra_unit;

typedef struct lyra_encoder {
  conv_layer in;                            ///< [W, 1, 4 stride_in]
  lyra_unit units[LYRA_STAGES][LYRA_UNITS]; ///< C = 2^stage W
  conv_layer down[LYRA_STAGES];             ///< [2C, 64, 2 stride]
  conv_layer out;                           ///< [D, 2W, 3]
  layer_set set;
} lyra_encoder;

typedef struct lyra_decoder {
  conv_layer in;                            ///< [8W, D / 4, 3]
  conv_transposed_layer up[LYRA_STAGES];    ///< [2C, 64, 2 stride], first: last stride
  lyra_unit units[LYRA_STAGES][LYRA_UNITS]; ///< C = 4W, 2W, W
  conv_transposed_layer out;                ///< [W, 1, 4 stride_in]
  layer_set set;
} lyra_decoder;

/// Const after load.
typedef struct lyra {
  lyra_config config;
  lyra_encoder encoder;
  rvq quantiser;
  layer_set codebooks; ///< the quantiser's tensors
  lyra_decoder decoder;
} lyra;

/// Memory of n streams.
typedef codec_memory lyra_state;

/// A network without values: shapes, names and memory plans. Checks the config.
/// STATUS_USAGE, STATUS_NO_MEMORY.
status lyra_new(lyra **net, const lyra_config *config, error *err);
void lyra_free(lyra *net, device *dev); ///< null is fine

/// Its tensor tables: to randomise, refresh and visit.
codec_layers lyra_layers(lyra *net);

/// Masters for all of them, zero.
status lyra_allocate(lyra *net, error *err);

/// STATUS_NO_MEMORY, STATUS_DEVICE.
status lyra_state_init(lyra_state *s, const lyra *net, device *dev, int64_t n_streams, error *err);
void lyra_state_free(lyra_state *s); ///< harmless when zeroed

/// audio [n, T, 1], T a multiple of the hop, full scale 1 -> latents [n, T / hop, D].
/// `advance` is the caller's, once per streaming call.
tensor lyra_encode_forward(run *r, const lyra *net, tensor audio, stream_memory *m);

/// latents [n, T, D] -> audio [n, T hop, 1].
tensor lyra_decode_forward(run *r, const lyra *net, tensor latents, stream_memory *m);

#endif
