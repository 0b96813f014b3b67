// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// Whether the model that a preset was set for is here, and what to tell the player if not. The
/// preset itself is never changed: once its model is here it plays as it was meant.
/// Any thread but the audio thread.
#ifndef CONTINUO_ENGINE_PRESET_MODEL_H
#define CONTINUO_ENGINE_PRESET_MODEL_H

#include "base/data_folder.h"
#include "engine/preset.h"

typedef enum preset_model_state {
  PRESET_MODEL_ORACLE, ///< needs no file
  PRESET_MODEL_FOUND,
  PRESET_MODEL_OTHER, ///< there is one of that name, with another content: it plays
  PRESET_MODEL_LOST,  ///< nothing to play with: monitor sounds
} preset_model_state;

typedef struct preset_model {
  preset_model_state state;
  char path[PATH_BYTES]; ///< of the model's file; "" for the oracle and where it is lost
  char sentence[512];    ///< for the player, without a full stop; "" where all is well
} preset_model;

/// Find the preset's model as models/model_path.h does, and compare its hash where the preset has
/// one (reads the whole file).
void preset_resolve_model(const preset *p, preset_model *found);

/// The model was found but could not be opened, for the reason in `why`: it is lost, too.
void preset_model_failed(const preset *p, const error *why, preset_model *found);

/// Whether it can be played: the `has_model` of preset_to_controls.
bool preset_model_plays(const preset_model *found);

#endif
