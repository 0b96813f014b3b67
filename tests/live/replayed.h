// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// What was played live is rendered again: a session under jackd, whose input, output and time are
/// not its own, against its record and against the file host.
#ifndef CONTINUO_TESTS_LIVE_REPLAYED_H
#define CONTINUO_TESTS_LIVE_REPLAYED_H

#include "tests/live/stage.h"

/// Anything is played (MIDI and messages, presets, effects), the block changes, the conductor
/// stalls; then the record is rendered again (plugin/replay_host.h): the output that was kept and
/// the output that the recorder heard, bit for bit, late stretches included. And a record that
/// lacks one control is not. argv: model file, folder of presets, seconds. Exit code as in
/// live_test.c.
int replayed(stage *s, char **argv);

/// The same for as many minutes as CONTINUO_SOAK says; argv without the seconds.
int replayed_soak(stage *s, char **argv);

/// The file host, given what the session received and the controls of its record, plays what the
/// recorder heard. argv: model file, seconds.
int both_hosts(stage *s, char **argv);

#endif
