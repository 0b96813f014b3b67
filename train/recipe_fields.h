// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// The table of a recipe's fields: what reads, checks, writes and documents them (recipe.h).
/// Main thread only; the C locale must be in force wherever numbers are read or written.
#ifndef CONTINUO_TRAIN_RECIPE_FIELDS_H
#define CONTINUO_TRAIN_RECIPE_FIELDS_H

#include "train/recipe.h"

#include <stddef.h>

/// Longest text of a field in bytes: with its key it fits a line that libinih reads (200).
#define RECIPE_TEXT_BYTES 161

typedef enum recipe_kind {
  RECIPE_INTEGER, ///< int64_t or uint32_t
  RECIPE_NUMBER,  ///< double or float
  RECIPE_BOOL,    ///< "true", "false"; also yes, no, on, off, 1, 0
  RECIPE_WORD,    ///< a line of text
  RECIPE_LIST,    ///< whole numbers, parted by commas or blanks
  RECIPE_CHOICE,  ///< an enum, by its word
} recipe_kind;

typedef struct recipe_field {
  const char *section, *key;
  recipe_kind kind;
  size_t offset, size;             ///< in `recipe`, bytes
  double least, most;              ///< of a number, integer or each of a list, both possible
  const char *initial;             ///< the default, as it would be written
  const char *const *choices;      ///< a null pointer after the last
  size_t count_offset, count_size; ///< of a list's length
  const char *help;
} recipe_field;

/// Fields of one section stand together.
extern const recipe_field recipe_fields[];
extern const int recipe_n_fields;

/// The field, or null.
const recipe_field *recipe_field_find(const char *section, const char *key);

/// The one whose "section.key" is fewest edits away.
const recipe_field *recipe_field_nearest(const char *section, const char *key);

/// Put the value that `text` means in its place. STATUS_USAGE: "section.key = text: expected ...".
status recipe_field_set(recipe *r, const recipe_field *field, const char *text, error *err);

/// The value as text that sets the same value again, bit for bit.
void recipe_field_get(const recipe *r, const recipe_field *field, char text[RECIPE_TEXT_BYTES]);

/// What is possible, in words ("an integer from 1 to 64").
void recipe_field_expected(const recipe_field *field, char *text, size_t size_bytes);

#endif
