// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "tests/live/tap_midi.h"

#include <stddef.h>

#define RETURN_PEDAL 67

// splitmix64 (Steele, Lea, Flood 2014)
static uint64_t draw(tap_midi *m)
{
  uint64_t x = m->seed + ++m->n_drawn * 0x9e3779b97f4a7c15ULL;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

static uint64_t draw_below(tap_midi *m, uint64_t n)
{
  return n ? draw(m) % n : 0;
}

static void add(tap_midi *m, uint64_t at_samples, int n_bytes, unsigned a, unsigned b, unsigned c)
{
  m->next[m->n_next++] = (tap_message){
      at_samples, (uint8_t)n_bytes, {(uint8_t)a, (uint8_t)(b & 0x7f), (uint8_t)(c & 0x7f)}};
}

// Pedal down; after a while pedal up, and back to monitor.
static void plan_trigger(tap_midi *m, uint64_t last)
{
  const bool pressed = m->next[0].n_bytes && m->next[0].bytes[2] == 127;
  const uint64_t least = pressed ? m->hold_samples : m->quiet_samples;
  const uint64_t at = last + least + draw_below(m, m->spread_samples);
  if (pressed) {
    add(m, at, 3, 0xb0, 64, 0);
    add(m, at, 3, 0x90, 36, 100);
  } else {
    add(m, at, 3, 0xb0, 64, 127);
  }
}

// Again, the same with the next seed, return, forget.
static bool goes_back(unsigned note)
{
  return note == 44 || note == 45 || note == 47 || note == 48;
}

// Mostly what does something, now and then what means nothing.
static void plan_anything(tap_midi *m, uint64_t last)
{
  static const uint8_t controllers[] = {1,  7,  8,  20, 21, 22, 23, 24, 25, 26, 27,  28,
                                        64, 64, 66, 67, 70, 71, 72, 73, 74, 90, 120, 32};
  const uint64_t at = last + 1 + draw_below(m, 2 * (uint64_t)m->every_samples);
  const uint64_t kind = draw_below(m, 20);
  const unsigned value = (unsigned)draw_below(m, 128);
  const unsigned channel = (unsigned)draw_below(m, 16);
  if (kind < 8) {
    const unsigned note = 36 + (unsigned)draw_below(m, 15);
    add(m, at, 3, 0x90 | channel, m->remembers && goes_back(note) ? 36 : note, value);
  } else if (kind < 16) {
    const unsigned controller = controllers[draw_below(m, sizeof controllers)];
    add(m, at, 3, 0xb0 | channel, m->remembers && controller == RETURN_PEDAL ? 64 : controller,
        value);
  } else if (kind < 17) {
    add(m, at, 2, 0xc0 | channel, value, 0);
  } else if (kind < 19) {
    add(m, at, 1, 0xf8 + (unsigned)draw_below(m, 8), 0, 0);
  } else {
    add(m, at, 1 + (int)draw_below(m, 3), (unsigned)draw_below(m, 256), value, value);
  }
}

const tap_message *tap_midi_peek(tap_midi *m)
{
  const uint64_t last = m->next[0].at_samples;
  if (m->n_next == 0 && m->plan == TAP_MIDI_TRIGGERS) {
    plan_trigger(m, last);
  } else if (m->n_next == 0 && m->plan == TAP_MIDI_ANYTHING) {
    plan_anything(m, last);
  }
  return m->n_next ? &m->next[0] : NULL;
}

void tap_midi_take(tap_midi *m)
{
  if (--m->n_next > 0) {
    m->next[0] = m->next[1];
  }
}
