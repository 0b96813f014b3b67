// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// Code effects: a chain of transformations of the stream of codes that stands before the decoder.
/// One step in, one step out, no delay: what an effect does it does with steps of the past. Each
/// stands on a fader from 0 (its output is its input, at once and exactly, whatever it was doing)
/// to 1.
///
/// A step's output depends on the settings, codes and corpus of every step since init or reset and
/// on nothing else, so a performance can be replayed. Each effect remembers the last
/// CODE_EFFECTS_HISTORY_STEPS steps of its own input, also while its fader is at 0.
///
/// Only what came in goes out, or what is in the mosaic's corpus: codes of other steps, each in its
/// own codebook, or -1, which adds nothing in the decoder. So valid codes stay valid. What each
/// effect is good for: docs/effects.md.
///
/// Thread tags: [main] any normal thread; [step] the one thread that steps: the conductor's.
#ifndef CONTINUO_ENGINE_PLAY_CODE_EFFECTS_H
#define CONTINUO_ENGINE_PLAY_CODE_EFFECTS_H

#include "base/status.h"
#include "engine/play/mosaic.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CODE_EFFECTS_MAX_CODEBOOKS 64
#define CODE_EFFECTS_HISTORY_STEPS 512 ///< that each effect remembers; 10 s at 50 steps a second
#define CODE_EFFECT_MAX_SETTINGS 4

/// The effects, in the order in which they stand by default.
typedef enum code_effect_kind {
  CODE_EFFECT_MOSAIC,
  CODE_EFFECT_STRETCH,
  CODE_EFFECT_STUTTER,
  CODE_EFFECT_REVERSE,
  CODE_EFFECT_STEP_SHUFFLE,
  CODE_EFFECT_CODEBOOK_SWAP,
  CODE_EFFECT_CODEBOOK_SHUFFLE,
  CODE_EFFECT_CODEBOOK_MUTE,
  CODE_EFFECT_DEPTH,
  CODE_N_EFFECTS
} code_effect_kind;

/// One setting of an effect: everything that a list of parameters, a preset or a page needs.
typedef struct code_effect_setting {
  const char *key;  ///< "length"
  const char *name; ///< "Length"
  const char *help; ///< one sentence without a full stop
  const char *unit; ///< "steps", "codebooks", "times"; "" for a number without one
  float least, most, standard;
  bool whole; ///< rounded to a whole number, halves away from zero
} code_effect_setting;

typedef struct code_effect_info {
  const char *key;   ///< "step_shuffle": in presets, OSC, command lines
  const char *name;  ///< "Step shuffle"
  const char *help;  ///< what the effect does, one sentence without a full stop
  const char *fader; ///< what its fader does, likewise
  int n_settings;    ///< besides the fader
  code_effect_setting settings[CODE_EFFECT_MAX_SETTINGS];
} code_effect_info;

/// Never null. [any]
const code_effect_info *code_effect_get_info(code_effect_kind kind);

/// The effect of that key; CODE_N_EFFECTS when there is none. [any]
code_effect_kind code_effect_find(const char *key);

/// What one effect is told for one step.
typedef struct code_effect_knobs {
  float fader;   ///< 0 to 1
  int32_t place; ///< effects act in the order of their places; equals in the order of the enum
  float values[CODE_EFFECT_MAX_SETTINGS]; ///< as code_effect_info.settings lists them
} code_effect_knobs;

/// What the chain is told for one step. Numbers out of range are brought to its nearest end, NaN
/// counts as a fader of 0 or the setting's standard.
typedef struct code_effects_settings {
  code_effect_knobs knobs[CODE_N_EFFECTS];
  uint64_t seed; ///< of all chance; the same seed and steps make the same choices

  /// The clock. beat_steps: length of a beat, fractions allowed; below 1: no clock runs.
  /// beat_step: 0 for the first step that starts at or after a beat, then 1, 2, ... beat_number
  /// counts beats, so that lengths of 2, 4 and 8 beats know where they begin.
  float beat_steps;
  int32_t beat_step;
  int64_t beat_number;
} code_effects_settings;

/// Tell the clock's beat (fractions and all) at the step's start; beat_steps below 1: no clock
/// runs. A beat that falls on a step but for rounding is on it. [any]
void code_effects_settings_set_clock(code_effects_settings *s, double beat, double beat_steps);

/// All faders 0, all settings standard, places in the order of the enum, seed 0, no clock. [any]
void code_effects_settings_init(code_effects_settings *s);

typedef struct code_effects {
  int n_codebooks;
  const mosaic *corpus; ///< of CODE_EFFECT_MOSAIC, which does nothing without one; not owned
  void *memory;         ///< all that changes, in one plain block, so that a snapshot is a copy
  size_t memory_bytes;
} code_effects;

/// Allocates all there is, touched, and resets. n_codebooks: codes of a step, 1 to
/// CODE_EFFECTS_MAX_CODEBOOKS, STATUS_UNSUPPORTED outside. STATUS_NO_MEMORY. [main]
status code_effects_init(code_effects *e, int n_codebooks, error *err);
void code_effects_destroy(code_effects *e); ///< a zeroed one is fine

/// Forget everything: the next step is step 0. [step]
void code_effects_reset(code_effects *e);

/// in [n_codebooks] -> out [n_codebooks]; they may be the same, and overlap not otherwise. Constant
/// time; never allocates, locks or logs. [step]
void code_effects_step(code_effects *e, const code_effects_settings *s, const int32_t *in,
                       int32_t *out);

/// The mosaic's corpus from the next step on (null: none); it must live as long. Not part of a
/// snapshot, and not touched by reset. [step]
void code_effects_set_corpus(code_effects *e, const mosaic *corpus);

/// Size of a snapshot; taking one; going on from one of an object with as many codebooks: the
/// outputs are those of never having stopped. [step]
size_t code_effects_bytes(const code_effects *e);
void code_effects_save(const code_effects *e, void *snapshot);
void code_effects_restore(code_effects *e, const void *snapshot);

#endif
