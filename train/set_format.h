// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// Layout of a set of training audio: a folder with an index and shards of samples.
///
/// `index.jsonl`: one JSON object per line. The first is the head: format, version, rate_hz, how
/// the set was made, the shards, the number of clips and the sha256 of all lines after it. Each
/// further line is a clip: kind, path, split, shard, offset and samples (in samples from the
/// shard's first), peak, rms, gain_db, file_rate_hz, file_channels, sha256 of its bytes in the
/// shard.
///
/// `audio-NNN.shard`: the header below, then mono samples, 16 bits, little-endian, two's
/// complement, full scale at 32768. Everything in the header is little-endian:
///
///   at 0   16 bytes  "continuo-shard" and two bytes 0
///   at 16  u32       version
///   at 20  u32       rate_hz
///   at 24  u64       samples after the header
///   at 32  32 bytes  sha256 of the clips' sha256 digests, in the index's order
#ifndef CONTINUO_TRAIN_SET_FORMAT_H
#define CONTINUO_TRAIN_SET_FORMAT_H

#include <stdint.h>

#define SET_INDEX_NAME "index.jsonl"
#define SET_FORMAT_NAME "continuo-set"
#define SET_VERSION 1
#define SET_MAX_LINE_BYTES (1 << 20) ///< of a clip; the head may be longer

#define SHARD_MAGIC "continuo-shard\0" ///< with its own NUL 16 bytes
#define SHARD_MAGIC_BYTES 16
#define SHARD_HEADER_BYTES 64
#define SHARD_NAME_BYTES 32
#define SHARD_BYTES ((uint64_t)256 << 20) ///< a new shard begins before the clip that would pass it

#endif
