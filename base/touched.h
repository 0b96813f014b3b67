// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// Memory for threads that may not wait for a page: zeros, every page of which is there already.
/// calloc gives addresses without pages behind them, and so does malloc with memset after it,
/// which compilers take for calloc.
#ifndef CONTINUO_BASE_TOUCHED_H
#define CONTINUO_BASE_TOUCHED_H

#include <stddef.h>

/// `bytes` zeros, aligned for anything, to be freed with free; null when there is no memory. Not
/// from the audio thread.
void *touched_new(size_t bytes);

#endif
