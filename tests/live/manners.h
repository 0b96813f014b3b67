// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// How the JACK host behaves among others: what it says when no server is there, the name it takes,
/// what it connects to and when, its ports' flags and pretty names, and that it leaves none behind.
#ifndef CONTINUO_TESTS_LIVE_MANNERS_H
#define CONTINUO_TESTS_LIVE_MANNERS_H

#include "tests/live/stage.h"

/// argv: a codec. Exit code as in live_test.c.
int manners(stage *s, char **argv);

#endif
