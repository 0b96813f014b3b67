// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "engine/control/midi_map.h"

#include "engine/control/parameters.h"
#include "engine/play/effect_parameters.h"

#include <math.h>
#include <string.h>

#define HALF 64 // a pedal or switch is pressed from here on
#define PROGRAM_ASKED (UINT32_C(1) << 31)

enum {
  CC_BANK_HIGH = 0,
  CC_DATA_HIGH = 6,
  CC_BANK_LOW = 32,
  CC_DATA_LOW = 38,
  CC_SUSTAIN = 64,
  CC_SOSTENUTO = 66,
  CC_SOFT = 67,
  CC_DATA_UP = 96,
  CC_LAST_PARAMETER_NUMBER = 101,
  CC_ALL_SOUND_OFF = 120,
  CC_ALL_NOTES_OFF = 123,
};

static const struct {
  uint8_t cc;
  uint8_t id;
} standard[] = {
    {1, PARAMETER_TEMPERATURE}, {7, PARAMETER_LEVEL},  {8, PARAMETER_MIX},
    {70, PARAMETER_SIMILARITY}, {71, PARAMETER_JUMP},  {72, PARAMETER_MIN_RUN},
    {73, PARAMETER_FOLLOW},     {74, PARAMETER_PULSE},
};

static const struct {
  uint8_t cc;
  uint8_t action;
} pedals[] = {{CC_SUSTAIN, ACTION_CONTINUE}, {CC_SOSTENUTO, ACTION_MARK}, {CC_SOFT, ACTION_RETURN}};

static const uint8_t note_actions[] = {ACTION_CONTINUE, ACTION_AGAIN,  ACTION_AGAIN_NEXT,
                                       ACTION_MARK,     ACTION_RETURN, ACTION_FORGET,
                                       ACTION_PANIC,    ACTION_TAP};

void midi_map_init(midi_map *m, uint32_t rate_hz)
{
  memset(m, 0, sizeof *m);
  midi_clock_init(&m->clock, rate_hz);
  for (int cc = 0; cc < MIDI_N_CONTROLLERS; ++cc) {
    atomic_store(&m->bound[cc], midi_map_standard(cc));
  }
  atomic_store(&m->learning, -1);
}

// ---- bindings ----------------------------------------------------------------------------------

int midi_map_standard(int cc)
{
  const int effect = cc - MIDI_EFFECT_CONTROLLERS;
  if (effect >= 0 && effect < CODE_N_EFFECTS) {
    return parameter_of_effect((code_effect_kind)effect, EFFECT_FADER);
  }
  for (size_t i = 0; i < sizeof standard / sizeof *standard; ++i) {
    if (standard[i].cc == cc) {
      return standard[i].id;
    }
  }
  return -1;
}

static bool can_be_bound(int cc)
{
  return cc > CC_BANK_HIGH && cc < CC_ALL_SOUND_OFF && cc != CC_DATA_HIGH && cc != CC_BANK_LOW &&
         cc != CC_DATA_LOW && (cc < CC_DATA_UP || cc > CC_LAST_PARAMETER_NUMBER);
}

// Two threads that bind at once may leave two controllers to a parameter, no worse.
static void bind_controller(midi_map *m, int cc, int id)
{
  for (int i = 0; id >= 0 && i < MIDI_N_CONTROLLERS; ++i) {
    if (atomic_load(&m->bound[i]) == id) {
      atomic_store(&m->bound[i], -1);
    }
  }
  atomic_store(&m->bound[cc], id);
}

bool midi_map_bind(midi_map *m, int cc, int id)
{
  if (!can_be_bound(cc) || id < -1 || id >= parameter_count()) {
    return false;
  }
  bind_controller(m, cc, id);
  return true;
}

int midi_map_bound(const midi_map *m, int cc)
{
  return cc >= 0 && cc < MIDI_N_CONTROLLERS ? atomic_load(&m->bound[cc]) : -1;
}

void midi_map_learn(midi_map *m, int id)
{
  atomic_store(&m->learning, parameter_get(id) ? id : -1);
}

int midi_map_learning(const midi_map *m)
{
  return atomic_load(&m->learning);
}

uint32_t midi_map_learned(const midi_map *m)
{
  return atomic_load(&m->n_learned);
}

// ---- messages ----------------------------------------------------------------------------------

static bool send(control *out, control_kind kind, int id, double value)
{
  out->kind = (uint16_t)kind;
  out->id = (uint16_t)id;
  out->value = value;
  out->more = 0.0;
  return true;
}

static bool take_note(uint8_t note, control *out)
{
  const int mode = note - MIDI_MODE_NOTES, action = note - MIDI_ACTION_NOTES;
  if (mode >= 0 && mode < N_MODES) {
    return send(out, CONTROL_SET, PARAMETER_MODE, mode);
  }
  if (action >= 0 && action < (int)(sizeof note_actions)) {
    return send(out, CONTROL_ACTION, note_actions[action], 0.0);
  }
  return false;
}

static double scale(int id, uint8_t value)
{
  const parameter_info *p = parameter_get(id);
  const double share = value / 127.0;
  if (p->kind == PARAMETER_SWITCH) {
    return value >= HALF;
  }
  if (p->kind == PARAMETER_CHOICE) { // equal parts of 0 to 127
    return floor(value * (p->most + 1.0) / 128.0);
  }
  if (strcmp(p->unit, "Hz") == 0 && p->least > 0.0) {
    return parameter_clamp(id, p->least * pow(p->most / p->least, share));
  }
  return parameter_clamp(id, p->least + share * (p->most - p->least));
}

static bool take_pedal(const midi_map *m, uint8_t cc, uint8_t value, control *out)
{
  if (value < HALF || m->pressed[cc]) {
    return false;
  }
  for (size_t i = 0; i < sizeof pedals / sizeof *pedals; ++i) {
    if (pedals[i].cc == cc) {
      return send(out, CONTROL_ACTION, pedals[i].action, 0.0);
    }
  }
  return false;
}

static bool take_controller(midi_map *m, int channel, uint8_t cc, uint8_t value, control *out)
{
  if (cc == CC_BANK_HIGH || cc == CC_BANK_LOW) {
    uint16_t *bank = &m->bank[channel];
    *bank = (uint16_t)(cc == CC_BANK_HIGH ? (*bank & 0x7f) | value << 7 : (*bank & ~0x7f) | value);
    return false;
  }
  if (cc == CC_ALL_SOUND_OFF || cc == CC_ALL_NOTES_OFF) {
    return send(out, CONTROL_ACTION, ACTION_PANIC, 0.0);
  }
  if (can_be_bound(cc)) {
    const int id = atomic_exchange(&m->learning, -1);
    if (id >= 0) {
      bind_controller(m, cc, id);
      atomic_fetch_add(&m->n_learned, 1);
    }
  }
  const int id = atomic_load(&m->bound[cc]);
  const bool asked =
      id >= 0 ? send(out, CONTROL_SET, id, scale(id, value)) : take_pedal(m, cc, value, out);
  m->pressed[cc] = value >= HALF;
  return asked;
}

static bool take_channel_message(midi_map *m, const uint8_t *bytes, control *out)
{
  const int channel = bytes[0] & 0x0f;
  switch (bytes[0] & 0xf0) {
  case 0x90:
    return bytes[2] > 0 && take_note(bytes[1], out); // at velocity 0 it ends
  case 0xb0:
    return take_controller(m, channel, bytes[1], bytes[2], out);
  case 0xc0:
    atomic_store(&m->program, PROGRAM_ASKED | (uint32_t)m->bank[channel] << 7 | bytes[1]);
    return false;
  default: // note off, pressure, bend
    return false;
  }
}

static bool take_system_message(midi_map *m, const uint8_t *bytes, uint64_t position, control *out)
{
  switch (bytes[0]) {
  case 0xf2:
    midi_clock_song_position(&m->clock, bytes[1] | bytes[2] << 7);
    return false;
  case 0xf8:
    return midi_clock_tick(&m->clock, position, out);
  case 0xfa:
    midi_clock_start(&m->clock);
    return false;
  case 0xfb:
    midi_clock_continue(&m->clock);
    return false;
  case 0xfc:
    return midi_clock_stop(&m->clock, position, out);
  default: // time code, song select, tune request, active sensing, reset
    return false;
  }
}

// Bytes of the message that begins with `first`; 0: none begins so; -1: any number.
static int message_bytes(uint8_t first)
{
  static const int8_t channel[8] = {3, 3, 3, 3, 2, 2, 3, 0};
  static const int8_t system[16] = {-1, 2, 3, 2, 0, 0, 1, 0, 1, 0, 1, 1, 1, 0, 1, 1};
  if (first < 0x80) {
    return 0;
  }
  return first < 0xf0 ? channel[(first >> 4) - 8] : system[first & 0x0f];
}

static bool is_message(const uint8_t *bytes, size_t n_bytes)
{
  const int wanted = n_bytes > 0 ? message_bytes(bytes[0]) : 0;
  if (wanted < 0) { // its inside is nobody's business here
    return n_bytes >= 2 && bytes[n_bytes - 1] == 0xf7;
  }
  return wanted > 0 && n_bytes == (size_t)wanted && (wanted < 2 || bytes[1] < 0x80) &&
         (wanted < 3 || bytes[2] < 0x80);
}

static void count_one(_Atomic uint64_t *counter)
{
  const uint64_t old = atomic_load_explicit(counter, memory_order_relaxed);
  atomic_store_explicit(counter, old + 1, memory_order_relaxed); // one writer
}

bool midi_map_begin(midi_map *m, uint32_t rate_hz, uint64_t position_samples, control *out)
{
  if (rate_hz != m->clock.rate_hz) {
    midi_clock_set_rate(&m->clock, rate_hz);
  }
  return midi_clock_pass(&m->clock, position_samples, out);
}

bool midi_map_take(midi_map *m, const uint8_t *bytes, size_t n_bytes, uint64_t position_samples,
                   control *out)
{
  count_one(&m->n_messages);
  if (!is_message(bytes, n_bytes)) {
    count_one(&m->n_malformed);
    return false;
  }
  out->position_samples = position_samples;
  return bytes[0] < 0xf0 ? take_channel_message(m, bytes, out)
                         : take_system_message(m, bytes, position_samples, out);
}

// ---- for main ----------------------------------------------------------------------------------

bool midi_map_take_program(midi_map *m, int *bank, int *program)
{
  const uint32_t asked = atomic_exchange(&m->program, 0);
  *bank = (int)(asked >> 7 & 0x3fff);
  *program = (int)(asked & 0x7f);
  return (asked & PROGRAM_ASKED) != 0;
}

uint64_t midi_map_messages(const midi_map *m)
{
  return atomic_load_explicit(&m->n_messages, memory_order_relaxed);
}

uint64_t midi_map_malformed(const midi_map *m)
{
  return atomic_load_explicit(&m->n_malformed, memory_order_relaxed);
}
