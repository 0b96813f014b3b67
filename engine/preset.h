// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// A preset: all parameters, the model they were set for, learned MIDI bindings and a few words, in
/// one INI file that a person can read and mail (docs/presets.md). Any thread but the audio thread;
/// one preset belongs to one thread at a time.
///
///   [preset]      format = 1 (first of all), name, author, tags, comment (a line each), model,
///                 model_sha256, codec, mode
///   [parameters]  key = value, as in engine/control/parameters.h; what is missing is standard
///   [midi]        cc74 = key: what a learned controller moves, or none
///
/// A file of this format or an older one with anything unknown in it is refused: it is a slip of
/// the pen. A file of a newer format is read as far as it is known; what is not (sections, keys,
/// values) is kept as it stands and written again, so that saving it here loses nothing.
#ifndef CONTINUO_ENGINE_PRESET_H
#define CONTINUO_ENGINE_PRESET_H

#include "base/sha256.h"
#include "base/status.h"
#include "engine/control/control.h"
#include "engine/control/parameters.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/// Rises whenever a section, a key or a word is added that older programs do not know.
#define PRESET_FORMAT 1
#define PRESET_WORD_BYTES 161     ///< longest name with its NUL: fits a line that libinih reads
#define PRESET_COMMENT_BYTES 2048 ///< of all its lines with their NUL
#define PRESET_N_CONTROLLERS 128
#define PRESET_MAX_KEPT 256                  ///< values of a newer format
#define PRESET_MAX_BYTES ((size_t)256 << 10) ///< of a file

/// A value of a newer format, as it stands.
typedef struct preset_kept {
  char section[48], key[48], value[200];
} preset_kept;

enum { PRESET_BOUND_NONE = -1, PRESET_BOUND_STANDARD = -2 }; ///< to nothing; as ever

/// Words are UTF-8, one line each, without blanks around them and without a ";" that would begin a
/// comment (first, or behind a blank); "" where nothing is said.
typedef struct preset {
  int format; ///< PRESET_FORMAT, or more
  char name[PRESET_WORD_BYTES];
  char author[PRESET_WORD_BYTES];
  char tags[PRESET_WORD_BYTES];        ///< parted by commas
  char comment[PRESET_COMMENT_BYTES];  ///< lines parted by '\n', each as a word
  char model[PRESET_WORD_BYTES];       ///< "oracle", or a token model as model_find knows it
  char model_sha256[SHA256_HEX_BYTES]; ///< of its file; "": any of that name
  char codec[PRESET_WORD_BYTES];       ///< that it was made with
  double values[PARAMETER_MAX];        ///< of every parameter
  int16_t bound[PRESET_N_CONTROLLERS]; ///< parameter of each controller, or one of those below
  preset_kept *kept;                   ///< of a newer format, in the file's order
  int n_kept;
} preset;

/// Standard values, model oracle, no words, controllers as ever. Nothing to free yet.
void preset_init(preset *p);
void preset_free(preset *p); ///< what it keeps; then as after preset_init

/// Read a file, or a text that `source` names in messages. STATUS_FORMAT: one sentence with file
/// and line, and what was expected and found; STATUS_NOT_FOUND, STATUS_IO, STATUS_NO_MEMORY;
/// STATUS_UNSUPPORTED in a build without libinih. After an error there is nothing to free.
status preset_load(preset *p, const char *path, error *err);
status preset_parse(preset *p, const char *text, size_t size_bytes, const char *source, error *err);

/// Write it with what each value means; reading it gives the same preset, bit for bit.
/// STATUS_USAGE: a word that could not be read back. Errors of `stream` are left to whoever closes
/// it.
status preset_write(const preset *p, FILE *stream, error *err);

/// Write the file whole or not at all. STATUS_USAGE as above; STATUS_NOT_FOUND (its folder),
/// STATUS_IO, STATUS_NO_MEMORY: what stood there before is untouched.
status preset_save(const preset *p, const char *path, error *err);

/// Take over all values as they are being played, each clamped; all else stays.
void preset_from_values(preset *p, const double values[PARAMETER_MAX]);

/// Whether what is played is no longer what the preset says.
bool preset_differs(const preset *p, const double values[PARAMETER_MAX]);

/// The controls that set every parameter at one stamp: those that act on the sample first, the mode
/// last. Without its model (`has_model` false, see engine/preset_model.h) the mode is monitor,
/// whatever the preset says. Returns how many there are, parameter_count().
int preset_to_controls(const preset *p, bool has_model, uint64_t position_samples,
                       control controls[PARAMETER_MAX]);

#endif
