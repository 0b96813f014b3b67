// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// What writing and reading of performances share.
#ifndef CONTINUO_ENGINE_KEEP_PERFORMANCE_INTERNAL_H
#define CONTINUO_ENGINE_KEEP_PERFORMANCE_INTERNAL_H

#include "engine/keep/keep.h"

/// "set", "action" ...; null beyond.
const char *performance_kind_name(keep_kind kind);

#endif
