// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// A long performance of anything at all, with every mode and effect: no miss of its own, a clean
/// callback, memory and step time that do not grow, an output that the limiter holds.
#ifndef CONTINUO_TESTS_LIVE_LONG_PLAY_H
#define CONTINUO_TESTS_LIVE_LONG_PLAY_H

#include "tests/live/stage.h"

/// argv: model file, folder of presets, seconds. Exit code as in live_test.c.
int long_play(stage *s, char **argv);

/// For as many minutes as CONTINUO_SOAK says; argv without the seconds.
int long_play_soak(stage *s, char **argv);

#endif
