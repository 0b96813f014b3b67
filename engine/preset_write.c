// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// The writing half of engine/preset.h.

#include "base/c_locale.h"
#include "engine/preset_words.h"

#include <string.h>

#define MOST_LINE_BYTES 190 ///< that libinih reads, with some to spare

// ---- what can be written -----------------------------------------------------------------------

static status check_word(const preset *p, const preset_word *word, error *err)
{
  const char *text = (const char *)p + word->offset;
  if (!memchr(text, '\0', word->size)) {
    return error_set(err, STATUS_USAGE, "the preset's %s is too long", word->key);
  }
  if (word->size != PRESET_COMMENT_BYTES) {
    return preset_word_takes(word, text)
               ? STATUS_OK
               : error_set(err, STATUS_USAGE, "the preset's %s is not %s: \"%.80s\"", word->key,
                           word->size == SHA256_HEX_BYTES ? "64 digits of 0 to 9 and a to f"
                                                          : "a line of text without \" ;\"",
                           text);
  }
  for (const char *line = text;; ++line) {
    const size_t length = strcspn(line, "\n");
    if (!preset_is_word(line, length)) {
      return error_set(err, STATUS_USAGE,
                       "the preset's comment has a line that is no text, has \" ;\" in it or more "
                       "than %d bytes: \"%.*s\"",
                       PRESET_WORD_BYTES - 1, length < 80 ? (int)length : 80, line);
    }
    line += length;
    if (!*line) {
      return STATUS_OK;
    }
  }
}

// ---- values of a newer format ------------------------------------------------------------------

/// Where a parameter is written.
static const char *section_of(int id)
{
  return id == PARAMETER_MODE ? "preset" : "parameters";
}

/// What stands for a parameter that this program cannot read; null: nothing.
static const preset_kept *find_kept(const preset *p, const char *section, const char *key)
{
  for (int i = 0; i < p->n_kept; ++i) {
    if (strcmp(p->kept[i].section, section) == 0 && strcmp(p->kept[i].key, key) == 0) {
      return &p->kept[i];
    }
  }
  return NULL;
}

static void write_kept(const preset_kept *kept, FILE *stream)
{
  // As tight as it may have stood: a longer line could not be read, a blank would begin a comment.
  const bool tight =
      strlen(kept->key) + strlen(kept->value) > MOST_LINE_BYTES || kept->value[0] == ';';
  fprintf(stream, tight ? "%s=%s\n" : "%s = %s\n", kept->key, kept->value);
}

/// Whether it is written in its parameter's place, or the player has bound that controller since.
static bool is_taken(const preset *p, const preset_kept *kept)
{
  const int id = parameter_find(kept->key), cc = preset_controller_find(kept->key);
  return (id >= 0 && strcmp(kept->section, section_of(id)) == 0) ||
         (cc >= 0 && strcmp(kept->section, "midi") == 0 && p->bound[cc] != PRESET_BOUND_STANDARD);
}

static void write_kept_of(const preset *p, const char *section, FILE *stream)
{
  for (int i = 0; i < p->n_kept; ++i) {
    if (strcmp(p->kept[i].section, section) == 0 && !is_taken(p, &p->kept[i])) {
      write_kept(&p->kept[i], stream);
    }
  }
}

static bool is_known_section(const char *section)
{
  return strcmp(section, "preset") == 0 || strcmp(section, "parameters") == 0 ||
         strcmp(section, "midi") == 0;
}

static void write_kept_sections(const preset *p, FILE *stream)
{
  for (int i = 0; i < p->n_kept; ++i) {
    const char *section = p->kept[i].section;
    bool written = is_known_section(section);
    for (int before = 0; before < i && !written; ++before) {
      written = strcmp(p->kept[before].section, section) == 0;
    }
    if (!written) {
      fprintf(stream, "\n[%s]\n", section);
      write_kept_of(p, section, stream);
    }
  }
}

// ---- parts of the file -------------------------------------------------------------------------

static void write_word(const preset *p, const preset_word *word, FILE *stream)
{
  const char *text = (const char *)p + word->offset;
  fprintf(stream, "# %s\n", word->help);
  for (;; ++text) { // a value for each line of it
    const size_t length = strcspn(text, "\n");
    fprintf(stream, "%s =%s%.*s\n", word->key, length ? " " : "", (int)length, text);
    text += length;
    if (!*text) {
      return;
    }
  }
}

static void write_expected(int id, FILE *stream)
{
  const parameter_info *info = parameter_get(id);
  const char *words = info->kind == PARAMETER_SWITCH ? "off|on" : info->words;
  char least[40], most[40], standard[40];
  parameter_format(id, info->standard, standard, sizeof standard);
  if (words) {
    for (const char *word = words; *word; word += strcspn(word, "|"), word += *word == '|') {
      fprintf(stream, "%s%.*s", word == words ? "" : ", ", (int)strcspn(word, "|"), word);
    }
  } else {
    parameter_format(id, info->least, least, sizeof least);
    parameter_format(id, info->most, most, sizeof most);
    fprintf(stream, "%s to %s%s%s", least, most, *info->unit ? " " : "", info->unit);
  }
  fprintf(stream, "; standard %s\n", standard);
}

static void write_parameter(const preset *p, int id, FILE *stream)
{
  const parameter_info *info = parameter_get(id);
  const preset_kept *kept = find_kept(p, section_of(id), info->key);
  fprintf(stream, "# %s: %s; ", info->name, info->help);
  write_expected(id, stream);
  if (kept && p->values[id] == info->standard) { // nobody has touched it
    write_kept(kept, stream);
    return;
  }
  char value[40];
  parameter_format(id, parameter_clamp(id, p->values[id]), value, sizeof value);
  fprintf(stream, "%s = %s\n", info->key, value);
}

static void write_controllers(const preset *p, FILE *stream)
{
  for (int cc = 0; cc < PRESET_N_CONTROLLERS; ++cc) {
    if (p->bound[cc] != PRESET_BOUND_STANDARD) {
      fprintf(stream, "cc%d = %s\n", cc, preset_bound_name(p->bound[cc]));
    }
  }
}

static void write_all(const preset *p, FILE *stream)
{
  fprintf(stream,
          "# A preset of continuo. # begins a comment, and \" ;\" behind a value.\n"
          "# A parameter that is left out has its standard value.\n"
          "\n[preset]\n# of this file, first of all\n"
          "format = %d\n",
          p->format);
  for (int i = 0; i < PRESET_N_WORDS; ++i) {
    write_word(p, &preset_words[i], stream);
  }
  write_parameter(p, PARAMETER_MODE, stream);
  write_kept_of(p, "preset", stream);
  fprintf(stream, "\n[parameters]\n");
  for (int i = 0; i < parameter_count(); ++i) {
    if (i != PARAMETER_MODE) {
      write_parameter(p, i, stream);
    }
  }
  write_kept_of(p, "parameters", stream);
  fprintf(stream,
          "\n# what learned controllers move, as in \"cc74 = mix\"; none: nothing\n[midi]\n");
  write_controllers(p, stream);
  write_kept_of(p, "midi", stream);
  write_kept_sections(p, stream);
}

status preset_write(const preset *p, FILE *stream, error *err)
{
  for (int i = 0; i < PRESET_N_WORDS; ++i) {
    const status code = check_word(p, &preset_words[i], err);
    if (code) {
      return code;
    }
  }
  for (int cc = 0; cc < PRESET_N_CONTROLLERS; ++cc) {
    if (p->bound[cc] != PRESET_BOUND_STANDARD && !preset_bound_name(p->bound[cc])) {
      return error_set(err, STATUS_USAGE, "the preset binds controller %d to no parameter", cc);
    }
  }
  c_locale c;
  if (!c_locale_enter(&c)) {
    return error_set(err, STATUS_NO_MEMORY, "no memory to write a preset");
  }
  write_all(p, stream);
  c_locale_leave(&c);
  return STATUS_OK;
}
