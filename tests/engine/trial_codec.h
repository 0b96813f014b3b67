// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// A codec for tests: lossless but for a delay that it declares, and touchy. Encoder and decoder
/// each have a memory that never forgets, so that one sample lost, doubled or changed changes all
/// that follow. It can be slow, or fail, on command.
#ifndef CONTINUO_TESTS_ENGINE_TRIAL_CODEC_H
#define CONTINUO_TESTS_ENGINE_TRIAL_CODEC_H

#include "models/codec.h"

#include <stdatomic.h>

typedef struct trial_options {
  uint32_t rate_hz, hop_samples, n_channels, delay_samples;
} trial_options;

status trial_codec_open(codec **c, const trial_options *options);

/// The next `steps` encode steps burn `ms` of CPU time each; any thread.
void trial_codec_be_slow(codec *c, int steps, uint32_t ms);

/// Samples pass unchanged from here on, like a bypass: not touchy then. While no step is made.
void trial_codec_be_transparent(codec *c);

/// Before each encode step from here on `hook` is called on the thread that makes it; null: none.
/// While no step is made.
void trial_codec_set_hook(codec *c, void (*hook)(void *user), void *user);

/// Every encode from the next on fails; any thread.
void trial_codec_fail(codec *c);

#endif
