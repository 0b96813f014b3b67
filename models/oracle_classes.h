// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// Codewords merged into classes by their distance, so that an oracle hears as the same what sounds
/// alike. Deterministic: the same codebook always gives the same classes.
#ifndef CONTINUO_MODELS_ORACLE_CLASSES_H
#define CONTINUO_MODELS_ORACLE_CLASSES_H

#include "base/status.h"

#include <stdint.h>

/// Classes of the `size` codewords [size, dim]: at most `n_classes` (at least 1), numbered from 0,
/// to `classes` [size]. k-means from the codewords that lie farthest apart. STATUS_NO_MEMORY.
/// Source: Lloyd 1982; Gonzalez 1985 for the start.
status oracle_classes_make(uint16_t *classes, const float *codewords, int64_t size, int64_t dim,
                           uint32_t n_classes, error *err);

#endif
