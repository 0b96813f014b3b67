// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// Brings what the model plays to the level of what the player plays: one slow gain, from the mean
/// squares of the two over the steps in which each is heard.
///
/// The gain moves while the player plays. When he falls silent his level is remembered, and the
/// gain may go on toward it for `solo_s` seconds of the model's sound; in mode "answer" the two
/// never sound together, and there would be no match without. Then everything stands still, so
/// that a long solo keeps its own dynamics. With solo_s 0 all stands still at once.
///
/// Plain struct without pointers: a copy is a snapshot. Constant time. The conductor, one thread at
/// a time.
#ifndef CONTINUO_ENGINE_OUTPUT_LEVEL_MATCH_H
#define CONTINUO_ENGINE_OUTPUT_LEVEL_MATCH_H

#include <stdbool.h>
#include <stdint.h>

#define LEVEL_MATCH_MOST_DB 12.0 ///< either way

typedef struct level_match_settings {
  float time_s;       ///< of the averages, in time that is heard; above 0
  float gate_db;      ///< hops below this mean square are not heard; full scale at 0
  float slew_db_by_s; ///< at most so fast does the gain move; above 0
  float solo_s;
} level_match_settings;

#define LEVEL_MATCH_DEFAULTS                                                                       \
  ((level_match_settings){.time_s = 4.0f, .gate_db = -50.0f, .slew_db_by_s = 6.0f, .solo_s = 8.0f})

typedef struct level_match {
  // from the settings
  double decay; ///< weight of a step in an average
  double gate_power;
  double slew;          ///< factor of the gain in one step, above 1
  uint32_t least_steps; ///< heard of each before the gain moves: 0.2 s
  uint32_t solo_steps;
  // state
  double in_power, out_power;   ///< means
  uint32_t in_steps, out_steps; ///< that these are of
  uint32_t solo_left;
  double gain;   ///< at amount 1
  float applied; ///< at the end of the last hop
} level_match;

typedef struct hop_gain {
  float start, end; ///< linear between; `start` is the `end` of the step before
} hop_gain;

/// Nothing heard yet, gain 1. Steps of hop_samples at rate_hz. Settings out of range count as the
/// defaults.
void level_match_init(level_match *m, const level_match_settings *settings, uint32_t hop_samples,
                      uint32_t rate_hz);

/// One step. in and out: mean squares of the hop of input and of the hop that was decoded, before
/// this gain (one that is not finite is not heard). playing: engine/output/gate.h. amount 0 to 1:
/// 0 is exactly 1.0f at the end of the hop, 1 the whole gain, between in proportion in dB.
hop_gain level_match_step(level_match *m, double in, double out, bool playing, float amount);

#endif
