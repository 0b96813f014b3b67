// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "engine/preset_words.h"

#include "base/utf8.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MEMBER(name) offsetof(preset, name), sizeof((preset *)0)->name

const preset_word preset_words[PRESET_N_WORDS] = {
    {"name", "as it is shown", MEMBER(name)},
    {"author", "who made it", MEMBER(author)},
    {"tags", "words to find it by, parted by commas", MEMBER(tags)},
    {"comment", "what to expect and what to try; as many lines as it takes", MEMBER(comment)},
    {"model", "what goes on playing: oracle, or a token model by its name", MEMBER(model)},
    {"model_sha256", "of the model's file; empty: any of that name", MEMBER(model_sha256)},
    {"codec", "that it was made with; it plays with any", MEMBER(codec)},
};

char *preset_word_text(preset *p, const preset_word *word)
{
  return (char *)p + word->offset;
}

bool preset_is_word(const char *text, size_t length)
{
  char before = ' ';
  for (size_t i = 0; i < length;) {
    const size_t step = utf8_sequence((const uint8_t *)text + i, length - i);
    const bool begins_comment = text[i] == ';' && before == ' ';
    if (step == 0 || begins_comment || (unsigned char)text[i] < ' ' || text[i] == 0x7f) {
      return false;
    }
    before = text[i];
    i += step;
  }
  return length == 0 || (length < PRESET_WORD_BYTES && text[0] != ' ' && text[length - 1] != ' ');
}

bool preset_word_takes(const preset_word *word, const char *text)
{
  const size_t length = strlen(text);
  if (word->size == SHA256_HEX_BYTES && length > 0) {
    return length == SHA256_HEX_BYTES - 1 && strspn(text, "0123456789abcdef") == length;
  }
  return preset_is_word(text, length);
}

int preset_controller_find(const char *text)
{
  char again[16];
  const long cc = strncmp(text, "cc", 2) == 0 ? strtol(text + 2, NULL, 10) : -1;
  if (cc < 0 || cc >= PRESET_N_CONTROLLERS) {
    return -1;
  }
  snprintf(again, sizeof again, "cc%ld", cc); // no other way of writing it
  return strcmp(again, text) == 0 ? (int)cc : -1;
}

const char *preset_bound_name(int bound)
{
  const parameter_info *info = parameter_get(bound);
  return info ? info->key : bound == PRESET_BOUND_NONE ? "none" : NULL;
}

bool preset_bound_find(const char *name, int16_t *bound)
{
  const int id = parameter_find(name);
  *bound = (int16_t)(id < 0 ? PRESET_BOUND_NONE : id);
  return id >= 0 || strcmp(name, "none") == 0;
}
