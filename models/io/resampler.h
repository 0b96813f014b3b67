// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// Sample-rate conversion of one endless stream: libsamplerate's medium sinc converter at a fixed
/// ratio, n channels interleaved. Equal rates are a copy.
///
/// Exactness. Output k stands at input position k * rate_in / rate_out; nothing is shifted, the
/// first output is at the first input, before which there is silence. The output's bits depend on
/// the input alone, not on how it is cut into calls. How much has come out depends on how much has
/// gone in alone: after n inputs, `resampler_outputs_after(n)`, in whole-number arithmetic, so the
/// pattern repeats exactly for ever although libsamplerate's own position is a double that drifts.
/// Both need that every call runs under the same flush-to-zero setting.
///
/// Nothing after `resampler_new` allocates, locks or makes a system call. One thread at a time.
#ifndef CONTINUO_MODELS_IO_RESAMPLER_H
#define CONTINUO_MODELS_IO_RESAMPLER_H

#include "base/status.h"

#include <stddef.h>
#include <stdint.h>

#define RESAMPLER_MAX_CHANNELS 128
#define RESAMPLER_MAX_RATIO 256 ///< either way
#define RESAMPLER_MAX_HZ 100000000

typedef struct resampler resampler;

/// Rates 1 to RESAMPLER_MAX_HZ, n_channels 1 to RESAMPLER_MAX_CHANNELS. STATUS_USAGE outside,
/// STATUS_UNSUPPORTED beyond RESAMPLER_MAX_RATIO or where the build has no libsamplerate (equal
/// rates always work), STATUS_NO_MEMORY.
status resampler_new(resampler **r, uint32_t rate_in_hz, uint32_t rate_out_hz, uint32_t n_channels,
                     error *err);
void resampler_free(resampler *r);  ///< null is fine
void resampler_reset(resampler *r); ///< as new

/// in [n_in, n_channels] -> out [capacity, n_channels]; they may not overlap. Takes all of `in` and
/// gives all outputs that are due unless `capacity` ends first; never stalls while both sides have
/// room. n_in or capacity 0 are fine, with null pointers. STATUS_USAGE after a flush,
/// STATUS_INTERNAL if libsamplerate fails.
status resampler_process(resampler *r, const float *in, size_t n_in, float *out, size_t capacity,
                         size_t *consumed, size_t *produced);

/// The end of a whole file: as if silence followed, give the rest up to `resampler_total` of all
/// inputs so far. Call until `produced` is 0; then only reset or free.
status resampler_flush(resampler *r, float *out, size_t capacity, size_t *produced);

/// Outputs due after the first `n_in` inputs since new or reset. Pure arithmetic, no state.
uint64_t resampler_outputs_after(const resampler *r, uint64_t n_in);

/// Least number of inputs after which `n_out` outputs are due.
uint64_t resampler_inputs_for(const resampler *r, uint64_t n_out);

/// Inputs that must follow the one an output stands at; 0 for equal rates.
uint32_t resampler_lookahead(const resampler *r);

/// Length of a converted whole file: n_in * rate_out / rate_in, halves up.
uint64_t resampler_total(const resampler *r, uint64_t n_in);

#endif
