// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// A neural codec: audio to codes and back, one step at a time or many. What stands behind it
/// (SEANet, Lyra, a pass-through for tests) is the file's business; sessions and commands see only
/// this. A loaded codec is const and counted; all memory of a stream is in a codec_state.
#ifndef CONTINUO_MODELS_CODEC_H
#define CONTINUO_MODELS_CODEC_H

#include "base/log.h"
#include "base/status.h"
#include "gpu/device.h"

#include <stdint.h>

typedef struct codec codec;
typedef struct codec_state codec_state;

typedef struct codec_info {
  char kind[16];                 ///< "seanet", "lyra", "bypass"
  char name[64];                 ///< as the file's config has it, e.g. "encodec_24khz"
  uint32_t rate_hz;              ///< sample rate of the audio it codes
  uint32_t hop_samples;          ///< per channel, per step
  uint32_t n_channels;           ///< of the audio, interleaved; 1 or 2
  uint32_t n_codebooks;          ///< most that can be used
  uint32_t codebook_size;        ///< entries per codebook, a power of two; 0: any 32 bits (bypass)
  uint32_t model_delay_samples;  ///< of encode + decode, measured, at rate_hz
  bool streamable;               ///< false: whole files only (EnCodec 48 kHz), in chunks
  uint32_t chunk_samples;        ///< of a codec that is not streamable, else 0
  uint32_t chunk_stride_samples; ///< from one chunk to the next; the rest overlaps
  bool reflect_start;            ///< the original starts from reflected input (EnCodec)
  uint32_t reflect_steps; ///< that the first call after a reflect start must bring, or be the last
  uint64_t n_parameters;  ///< weights and codebooks
  char licence[64];       ///< SPDX id or words; "" when the file says nothing
} codec_info;

typedef struct codec_options {
  device *dev;   ///< required; the codec takes a reference
  dtype storage; ///< of the compute form: DTYPE_F16 is the live default, DTYPE_F32 for parity
  bool encoder, decoder; ///< which halves are needed; both false means both
  const log_sink *log;   ///< may be null
} codec_options;

/// Start of a stream: from zeros (live, and every model of ours) or as EnCodec's original does,
/// which looks ahead: codec_encode and codec_decode give STATUS_USAGE when the first call brings
/// fewer than `reflect_steps`, or when streams of one state that start together start differently.
typedef enum codec_start { CODEC_START_ZERO, CODEC_START_REFLECT } codec_start;

/// Load a model file (.safetensors). Errors: whatever reading finds, always naming the file.
/// Not from the audio thread.
status codec_open(codec **c, const char *path, const codec_options *options, error *err);
codec *codec_ref(codec *c);
void codec_unref(codec *c); ///< null is fine
const codec_info *codec_get_info(const codec *c);

/// Memory of `n_streams` streams, for calls of at most `max_steps` steps each. Everything that a
/// step needs is allocated here. STATUS_NO_MEMORY.
status codec_state_new(codec_state **s, codec *c, int n_streams, int max_steps, error *err);
void codec_state_free(codec_state *s); ///< null is fine

/// Optional, before live use: capture the step of one call of one step with `n_used` codebooks,
/// from a zero start; on CUDA it becomes one graph each way. All other calls, and all calls without
/// it, give the same bits operator by operator. STATUS_USAGE, STATUS_NO_MEMORY, STATUS_DEVICE.
status codec_state_prepare(codec_state *s, int n_used, error *err);

/// Forget everything: the next call is stream `stream`'s first (-1: every stream's), starting as
/// `start` says. Encoder and decoder each.
void codec_state_reset(codec_state *s, int stream, codec_start start);

/// audio [n_streams, n_steps * hop, n_channels] f32 -> codes [n_streams, n_steps, n_used] i32, host
/// memory both. Encoder memory only. `n_steps` 0 is fine. n_used is 1 to n_codebooks.
/// Never allocates, locks or logs. STATUS_DEVICE, STATUS_USAGE.
status codec_encode(codec_state *s, const float *audio, int n_steps, int n_used, int32_t *codes);

/// codes [n_streams, n_steps, n_used] -> audio [n_streams, n_steps * hop, n_channels]. Decoder
/// memory only. A code below 0 or out of range adds nothing.
status codec_decode(codec_state *s, const int32_t *codes, int n_steps, int n_used, float *audio);

/// One step of each stream whose latents lie between two steps' codes, for crossfades that the
/// decoder does not hear as a cut: (1 - blend) * latent of `codes` + blend * latent of `other`,
/// both [n_streams, n_used] -> audio [n_streams, hop, n_channels]. The same decoder memory as
/// codec_decode's. `blend` 0 to 1; at 0 (or less) and 1 (or more) it is codec_decode of one of
/// them, bit for bit. A codec without latents decodes the one that weighs more. Never allocates,
/// locks or logs. STATUS_DEVICE, STATUS_USAGE, STATUS_UNSUPPORTED (a codec that takes chunks).
status codec_decode_blend(codec_state *s, const int32_t *codes, const int32_t *other, float blend,
                          int n_used, float *audio);

/// Codebook `k` (0 to n_codebooks - 1): [size, dim] f32 in host memory, kept as long as the codec;
/// null where there is none (bypass). Latents are sums of one row of each codebook. Any thread.
const float *codec_codebook(const codec *c, int k, int64_t *size, int64_t *dim);

/// The last call of a stream, `n_samples` (any number, up to max_steps hops) per channel: the tail
/// is padded as the codec's own offline run does. Returns ceil(n_samples / hop) steps of codes.
status codec_encode_final(codec_state *s, const float *audio, int n_samples, int n_used,
                          int32_t *codes);

/// The last call of a stream's decoder; differs from codec_decode only for a stream so short that
/// its reflect start needs to know that nothing follows.
status codec_decode_final(codec_state *s, const int32_t *codes, int n_steps, int n_used,
                          float *audio);

/// One chunk of a codec that is not streamable: n_samples (1 to chunk_samples) per channel ->
/// ceil(n_samples / hop) steps of codes and the chunk's scale. Chunks do not depend on each other.
/// STATUS_UNSUPPORTED for a streamable codec.
status codec_encode_chunk(codec_state *s, const float *audio, int n_samples, int n_used,
                          int32_t *codes, float *scale);

/// Back to n_steps * hop samples per channel.
status codec_decode_chunk(codec_state *s, const int32_t *codes, int n_steps, int n_used,
                          float scale, float *audio);

/// Size of a snapshot, and taking and restoring one: encoder and decoder memory of every stream.
/// Restoring and going on gives the same bits as never having stopped.
size_t codec_state_bytes(const codec_state *s);
status codec_state_save(codec_state *s, void *snapshot);
status codec_state_restore(codec_state *s, const void *snapshot);

/// Tell `visit` of each stretch of host memory that a step reads or writes, for locking it: the
/// stream's first, then the weights. On other devices than the CPU there is none. [main]
typedef void (*codec_memory_visit)(void *user, const void *data, size_t bytes);
void codec_visit_memory(const codec_state *s, codec_memory_visit visit, void *user);

/// A codec whose "codes" are its samples' bits, untouched: hop and rate are free, delay is zero.
/// It exists to prove latencies and equality; n_codebooks = hop_samples * n_channels (each sample
/// one i32). 1 to 384000 Hz, 1 to 8 channels; STATUS_USAGE, STATUS_NO_MEMORY.
status codec_open_bypass(codec **c, uint32_t rate_hz, uint32_t hop_samples, uint32_t n_channels,
                         error *err);

#endif
