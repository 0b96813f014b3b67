// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// What resampler.c needs of a converter library; resampler_samplerate.c or, where the build has
/// none, resampler_none.c stands behind it. For resampler.c only.
#ifndef CONTINUO_MODELS_IO_RESAMPLER_CONVERTER_H
#define CONTINUO_MODELS_IO_RESAMPLER_CONVERTER_H

#include "base/status.h"

#include <stddef.h>

typedef struct converter converter;

/// ratio: output rate over input rate. STATUS_UNSUPPORTED, STATUS_NO_MEMORY.
status converter_new(converter **c, double ratio, int n_channels, error *err);
void converter_free(converter *c); ///< null is fine
void converter_reset(converter *c);

/// Take inputs and give outputs until one side ends. STATUS_INTERNAL when the library fails.
status converter_run(converter *c, const float *in, size_t n_in, float *out, size_t capacity,
                     size_t *consumed, size_t *produced);

#endif
