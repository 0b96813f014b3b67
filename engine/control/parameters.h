// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// The parameters of the instrument: one table that commands, MIDI, OSC, presets, performances and
/// documents all go by. A value is a double: a number, a whole number, 0 or 1, or the index of a
/// word. Everything here is const: any thread. (The effects' part is put together by whoever asks
/// first; neither locks nor memory are needed after that.)
#ifndef CONTINUO_ENGINE_CONTROL_PARAMETERS_H
#define CONTINUO_ENGINE_CONTROL_PARAMETERS_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum parameter_kind {
  PARAMETER_REAL,
  PARAMETER_WHOLE,
  PARAMETER_CHOICE, ///< index into `words`
  PARAMETER_SWITCH, ///< 0 or 1; "off" or "on"
} parameter_kind;

/// Those of the session's own; the effects' follow, see engine/play/effect_parameters.h.
typedef enum parameter_id {
  PARAMETER_MODE,
  PARAMETER_THRU,
  PARAMETER_MEMORY,
  PARAMETER_QUANTISE,
  PARAMETER_TEMPO,
  PARAMETER_BEATS_PER_BAR,
  PARAMETER_GATE_OPEN,
  PARAMETER_GATE_CLOSE,
  PARAMETER_GATE_HOLD,
  PARAMETER_ANSWER_AFTER,
  PARAMETER_PHRASE_END,
  PARAMETER_FREEZE_LENGTH,
  PARAMETER_SEED,
  PARAMETER_TEMPERATURE,
  PARAMETER_MIN_RUN,
  PARAMETER_JUMP,
  PARAMETER_SIMILARITY,
  PARAMETER_PULSE,
  PARAMETER_FOLLOW,
  PARAMETER_BLEND,
  PARAMETER_REPEAT_LIMIT,
  PARAMETER_MATCH,
  PARAMETER_LEVEL,
  PARAMETER_MIX,
  PARAMETER_CEILING,
  PARAMETER_FEEDBACK_GUARD,
  N_OWN_PARAMETERS
} parameter_id;

/// Words of PARAMETER_MODE.
typedef enum play_mode {
  MODE_MONITOR,
  MODE_LISTEN,
  MODE_CONTINUE,
  MODE_ACCOMPANY,
  MODE_ANSWER,
  MODE_GENERATE,
  MODE_FREEZE,
  N_MODES
} play_mode;

enum { THRU_OFF, THRU_DRY, THRU_CODEC };            ///< of PARAMETER_THRU
enum { QUANTISE_OFF, QUANTISE_BEAT, QUANTISE_BAR }; ///< of PARAMETER_QUANTISE

#define PARAMETER_MAX 96 ///< room for all, the effects' included

typedef struct parameter_info {
  const char *key;   ///< "gate_open": lower snake, stable
  const char *name;  ///< for people
  const char *unit;  ///< "dB", "steps"; "" for none
  const char *help;  ///< half a sentence
  const char *words; ///< of a choice, separated by '|'; else null
  parameter_kind kind;
  double least, most, standard;
  bool of_sample; ///< acts on the sample, not on the step
} parameter_info;

int parameter_count(void);
const parameter_info *parameter_get(int id); ///< null: no such id
int parameter_find(const char *key);         ///< -1: none

/// `value` within range, whole where it must be; not a number becomes the standard.
double parameter_clamp(int id, double value);

/// Text ("-40", "on", "listen") to a value. STATUS_USAGE says what was expected and found.
status parameter_parse(int id, const char *text, double *value, error *err);

/// The value as text that parameter_parse reads back exactly.
void parameter_format(int id, double value, char *text, size_t text_bytes);

/// All at their standard values.
void parameters_standard(double values[PARAMETER_MAX]);

#endif
