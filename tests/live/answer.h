// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// How long the instrument takes to answer: a pedal is pressed for "continue" at any phase of block
/// and hop while a rhythm goes on. What is measured is the first sample that departs from what
/// would have been heard without it: the input that the session received, through the codec in one
/// go (engine/offline.h). A little later the mode is monitor again; once the decoder has forgotten,
/// the output is that render again, bit for bit, and the pedal is pressed anew.
///
/// A trigger next to a stretch that proves nothing (a miss, a cycle that the recorder has not) is
/// left out, counted, and another is sent for it.
#ifndef CONTINUO_TESTS_LIVE_ANSWER_H
#define CONTINUO_TESTS_LIVE_ANSWER_H

#include "tests/live/stage.h"

/// argv: block, model file, triggers. Bar: from the stamp, p99 is at most L, one hop and two
/// blocks. Exit code as in live_test.c.
int answer(stage *s, char **argv);

/// The same, where CONTINUO_SOAK is set.
int answer_soak(stage *s, char **argv);

/// The measure on trial: each "continue" acts one step late, and the bar must be missed.
int planted_answer(stage *s, char **argv);

#endif
