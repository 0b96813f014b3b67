// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// OSC messages written by hand, byte for byte, so that what is tested is not its own measure.
/// Source: Open Sound Control 1.0 specification.
#ifndef CONTINUO_TESTS_PLUGIN_OSC_WORDS_H
#define CONTINUO_TESTS_PLUGIN_OSC_WORDS_H

#include <stdint.h>
#include <string.h>

typedef struct osc_words {
  uint8_t bytes[16384];
  size_t n;
} osc_words;

static inline void osc_put_string(osc_words *w, const char *text)
{
  const size_t n = strlen(text) + 1;
  memset(w->bytes + w->n, 0, (n + 3) / 4 * 4);
  memcpy(w->bytes + w->n, text, n);
  w->n += (n + 3) / 4 * 4;
}

static inline void osc_put_u32(osc_words *w, uint32_t x)
{
  for (int shift = 24; shift >= 0; shift -= 8) {
    w->bytes[w->n++] = (uint8_t)(x >> shift);
  }
}

static inline void osc_put_u64(osc_words *w, uint64_t x)
{
  osc_put_u32(w, (uint32_t)(x >> 32));
  osc_put_u32(w, (uint32_t)x);
}

static inline void osc_put_float(osc_words *w, float x)
{
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  osc_put_u32(w, bits);
}

static inline void osc_put_double(osc_words *w, double x)
{
  uint64_t bits;
  memcpy(&bits, &x, sizeof bits);
  osc_put_u64(w, bits);
}

/// A message without arguments, with a float, with a word.
static inline void osc_put_plain(osc_words *w, const char *path)
{
  osc_put_string(w, path);
  osc_put_string(w, ",");
}

static inline void osc_put_path_float(osc_words *w, const char *path, float x)
{
  osc_put_string(w, path);
  osc_put_string(w, ",f");
  osc_put_float(w, x);
}

static inline void osc_put_path_word(osc_words *w, const char *path, const char *word)
{
  osc_put_string(w, path);
  osc_put_string(w, ",s");
  osc_put_string(w, word);
}

static inline void osc_begin_bundle(osc_words *w)
{
  osc_put_string(w, "#bundle");
  osc_put_u64(w, 1);
}

static inline void osc_put_element(osc_words *w, const osc_words *element)
{
  osc_put_u32(w, (uint32_t)element->n);
  memcpy(w->bytes + w->n, element->bytes, element->n);
  w->n += element->n;
}

#endif
