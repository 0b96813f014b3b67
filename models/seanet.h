// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// SEANet codec: a convolutional encoder, residual quantisation, a mirrored decoder.
///
///   encoder   in     conv C_in -> W, kernel k_in
///             stage  for each stride s (sample rate downwards), channels double each time:
///                    units  residual units, dilation 1, b, b^2, ...
///                    down   conv W -> 2W, kernel 2s, stride s
///             lstm   0 to 2 layers, their input added to their output
///             out    conv 2^stages W -> D, kernel k_out
///   rvq       up to 64 codebooks of D-dimensional codewords
///   decoder   in, lstm, then for each stride from the last: up (transposed conv, channels halve)
///             and units; out: conv W -> C_in
///   unit      x' + conv(k 1)(act(conv(k, dilated, C -> C / compress)(act x))), x' = x or conv(k 1)
///   x
///
/// One forward each way: with a memory it streams, without it takes whole sequences, under a tape
/// it trains. Sources: Tagliasacchi et al. 2020 (SEANet), Zeghidour et al. 2021 (SoundStream),
/// Defossez et al. 2022 (EnCodec).
#ifndef CONTINUO_MODELS_SEANET_H
#define CONTINUO_MODELS_SEANET_H

#include "models/layers.h"
#include "models/rvq.h"

#define SEANET_MAX_STAGES 8
#define SEANET_MAX_UNITS 4
#define SEANET_MAX_LSTM 2

typedef enum seanet_norm {
  SEANET_NORM_NONE,
  SEANET_NORM_WEIGHT,     ///< weight normalisation of every convolution: training only
  SEANET_NORM_TIME_GROUP, ///< one group over channels and time after each: never streams
} seanet_norm;

typedef enum seanet_order {
  SEANET_ACT_FIRST, ///< before each convolution but `in` (EnCodec, SoundStream as published)
  SEANET_ACT_LAST,  ///< in a unit: conv, act, conv k1, add, act; nowhere else (docs/codecs.md)
} seanet_order;

/// What encoder and decoder may have each for itself.
typedef struct seanet_half_config {
  int64_t width;           ///< W, channels at the sample rate
  int64_t kernel_in;       ///< of the first convolution
  int64_t kernel_out;      ///< of the last
  int64_t kernel_residual; ///< of a unit's first convolution
  int64_t n_residual;      ///< units per stage, 0 to SEANET_MAX_UNITS
  int64_t dilation_base;   ///< b
  int64_t compress;        ///< a unit's inner channels are C / compress
  int64_t n_lstm;          ///< layers, 0 to SEANET_MAX_LSTM
} seanet_half_config;

typedef struct seanet_config {
  char name[64];
  uint32_t rate_hz;
  int64_t n_channels;                 ///< of the audio, 1 or 2
  int64_t latent_dim;                 ///< D
  int64_t n_strides;                  ///< stages, 1 to SEANET_MAX_STAGES
  int64_t strides[SEANET_MAX_STAGES]; ///< from the sample rate downwards; their product is the hop
  int64_t n_codebooks, codebook_size; ///< 1 to OPS_MAX_CODEBOOKS; a power of two up to 65536
  seanet_half_config encoder, decoder;
  bool true_skip; ///< a unit's skip is the identity, else a 1x1 convolution
  bool causal;    ///< all padding on the left
  pad_mode pad;   ///< how padding rows are made
  seanet_norm norm;
  activation act;
  float act_slope; ///< ELU's alpha or leaky ReLU's slope
  seanet_order order;
  int64_t chunk_samples;        ///< 0, or: coded in chunks of this length, each with its scale
  int64_t chunk_stride_samples; ///< from chunk to chunk; the rest overlaps
  char licence[64];             ///< of the weights: SPDX id or words; "" unknown
} seanet_config;

/// Presets: the published shapes that importers and tests need.
seanet_config seanet_config_encodec_24khz(void);
seanet_config seanet_config_encodec_48khz(void);
seanet_config seanet_config_soundstream(void); ///< the variant of docs/codecs.md

/// STATUS_USAGE with one sentence naming the field, the value and what is possible.
status seanet_config_check(const seanet_config *config, error *err);
int64_t seanet_hop_samples(const seanet_config *config);
bool seanet_streamable(const seanet_config *config);

typedef struct seanet_unit {
  conv_layer conv1; ///< [C / compress, C, kernel_residual], dilated
  conv_layer conv2; ///< [C, C / compress, 1]
  conv_layer skip;  ///< [C, C, 1], unless true_skip
} seanet_unit;

typedef struct seanet_encoder {
  conv_layer in;                                          ///< [W, n_channels, kernel_in]
  seanet_unit units[SEANET_MAX_STAGES][SEANET_MAX_UNITS]; ///< C = 2^stage W
  conv_layer down[SEANET_MAX_STAGES];                     ///< [2C, C, 2 stride]
  lstm_layer lstm[SEANET_MAX_LSTM];                       ///< of 2^stages W
  conv_layer out;                                         ///< [D, 2^stages W, kernel_out]
  layer_set set;
} seanet_encoder;

typedef struct seanet_decoder {
  conv_layer in;                               ///< [2^stages W, D, kernel_in]
  lstm_layer lstm[SEANET_MAX_LSTM];            ///< of 2^stages W
  conv_transposed_layer up[SEANET_MAX_STAGES]; ///< [2C, C, 2 stride], first: last stride
  seanet_unit units[SEANET_MAX_STAGES][SEANET_MAX_UNITS];
  conv_layer out; ///< [n_channels, W, kernel_out]
  layer_set set;
} seanet_decoder;

/// Const after load.
typedef struct seanet {
  seanet_config config;
  seanet_encoder encoder;
  rvq quantiser;
  layer_set codebooks; ///< the quantiser's tensors
  seanet_decoder decoder;
} seanet;

/// Memory of n streams.
typedef codec_memory seanet_state;

/// A network without values: shapes, names and memory plans. Checks the config.
/// STATUS_USAGE, STATUS_NO_MEMORY.
status seanet_new(seanet **net, const seanet_config *config, error *err);
void seanet_free(seanet *net, device *dev); ///< null is fine

/// Its tensor tables: to randomise, refresh and visit.
codec_layers seanet_layers(seanet *net);

/// Masters for all of them, zero.
status seanet_allocate(seanet *net, error *err);

/// STATUS_NO_MEMORY, STATUS_DEVICE; STATUS_UNSUPPORTED when the network cannot stream.
status seanet_state_init(seanet_state *s, const seanet *net, device *dev, int64_t n_streams,
                         error *err);
void seanet_state_free(seanet_state *s); ///< harmless when zeroed

/// audio [n, T, n_channels] -> latents [n, T / hop, D]; whole sequences (state null) and a state
/// whose control is final take any T and give ceil(T / hop) rows. Streaming calls `advance` is the
/// caller's, once per call.
tensor seanet_encode_forward(run *r, const seanet *net, tensor audio, stream_memory *m);

/// latents [n, T, D] -> audio [n, T hop, n_channels].
tensor seanet_decode_forward(run *r, const seanet *net, tensor latents, stream_memory *m);

#endif
