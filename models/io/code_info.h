// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// What all files of codes have in common: what the codes are, and how a reader hands them out.
#ifndef CONTINUO_MODELS_IO_CODE_INFO_H
#define CONTINUO_MODELS_IO_CODE_INFO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CODE_UNKNOWN UINT64_MAX ///< a number that the file does not tell (yet)
#define CODE_MAX_CODEBOOKS 1024
#define CODE_MAX_CODEBOOK_SIZE 65536

/// A stream of codes. 0 and "" where a file does not tell (.npy tells n_codebooks only).
typedef struct code_info {
  uint32_t rate_hz;         ///< of the audio
  uint32_t hop_samples;     ///< per channel, per step
  uint32_t n_channels;      ///< of the audio
  uint32_t n_codebooks;     ///< codes per step
  uint32_t codebook_size;   ///< codes are below this
  uint64_t n_samples;       ///< per channel, to cut the decoded audio to, or CODE_UNKNOWN
  char model[64];           ///< name of the codec, UTF-8
  uint8_t model_sha256[32]; ///< of the codec's file; zeros: not told
  uint32_t segment_samples; ///< EnCodec 48 kHz codes segments of this many samples apart from
                            ///< each other; 0: one stream
  uint32_t segment_stride_samples; ///< from one segment's start to the next's
} code_info;

/// A stretch of codes as read: all of one segment, and all there or all lost.
typedef struct code_run {
  uint64_t first_step;   ///< of the whole stream
  size_t n_steps;        ///< 0: no more, for now or for ever
  bool lost;             ///< these steps were lost: every code is -1
  uint64_t segment;      ///< counted from 0; 0 without segments
  uint64_t segment_step; ///< of the first step, within its segment
  float scale;           ///< the segment's: decoded audio times this; 1 without
} code_run;

#endif
