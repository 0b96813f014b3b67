// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// What reading and writing a preset share: the words of its head, and what a word may be.
#ifndef CONTINUO_ENGINE_PRESET_WORDS_H
#define CONTINUO_ENGINE_PRESET_WORDS_H

#include "engine/preset.h"

#include <stdbool.h>
#include <stddef.h>

/// A word of [preset]: where it stands in the struct, and what is said about it in the file.
typedef struct preset_word {
  const char *key, *help;
  size_t offset, size; ///< of a char array in `preset`
} preset_word;

#define PRESET_N_WORDS 7
extern const preset_word preset_words[PRESET_N_WORDS];

/// The word's text within `p`.
char *preset_word_text(preset *p, const preset_word *word);

/// Whether `text` of `length` bytes can be written as a value and read back: UTF-8 on one line, at
/// most PRESET_WORD_BYTES - 1 bytes, no blank around it, no ";" that would begin a comment.
bool preset_is_word(const char *text, size_t length);

/// Whether the word may have this text: as above, and a hash is 64 hex digits.
bool preset_word_takes(const preset_word *word, const char *text);

/// "cc74" to 74; -1 when it is no controller.
int preset_controller_find(const char *text);

/// The key of what a controller moves, or "none"; null: no such thing.
const char *preset_bound_name(int bound);
/// The reverse; false when there is none.
bool preset_bound_find(const char *name, int16_t *bound);

#endif
