// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "tests/live/tap_sound.h"

#include <math.h>
#include <string.h>

#define TURN 6.283185307179586

int tap_sound_find(const char *name)
{
  static const char *const names[N_TAP_SOUNDS] = {"noise", "rhythm", "phrases"};
  for (int i = 0; i < N_TAP_SOUNDS; i++) {
    if (strcmp(name, names[i]) == 0) {
      return i;
    }
  }
  return -1;
}

// The finaliser of MurmurHash3.
static uint64_t scramble(uint64_t x)
{
  x ^= x >> 33;
  x *= 0xff51afd7ed558ccdULL;
  x ^= x >> 33;
  x *= 0xc4ceb9fe1a85ec53ULL;
  x ^= x >> 33;
  return x;
}

// Noise that depends on the position alone.
static float noise(uint64_t position, unsigned channel)
{
  return (float)(scramble(position * 2 + channel + 1) >> 40) / (float)(1 << 23) - 1.0F;
}

// Onsets at many hop phases.
static float noise_and_tone(uint64_t position, unsigned channel, uint32_t rate_hz)
{
  if (position / (rate_hz / 4) % 4 == 3) {
    return 0.0F;
  }
  double phase = fmod(220.0 * (channel + 1) * (double)position / rate_hz, 1.0);
  return 0.3F * (float)sin(TURN * phase) + 0.2F * noise(position, channel);
}

// Eighths: a drum on each beat, a brush between, a tone of a small scale on two of three.
static float rhythm(uint64_t position, unsigned channel, uint32_t rate_hz)
{
  static const double scale_hz[] = {220.0, 246.9, 277.2, 329.6, 370.0, 440.0};
  const uint64_t eighth = rate_hz / 4;
  const uint64_t note = position / eighth;
  const double since_s = (double)(position % eighth) / rate_hz;
  const uint64_t drawn = scramble(note + 77);
  const double tone_hz = scale_hz[drawn % 6];
  const float hiss = noise(position, channel);
  float x = 0.02F * hiss;
  if (note % 2 == 0) {
    x += 0.15F * (float)(exp(-18.0 * since_s) * sin(TURN * 62.0 * since_s));
  } else {
    x += 0.08F * (float)exp(-40.0 * since_s) * hiss;
  }
  if (drawn / 6 % 3) {
    x += 0.12F * (float)(exp(-5.0 * since_s) * sin(TURN * tone_hz * since_s));
  }
  return x;
}

float tap_sound_at(tap_sound sound, uint64_t position, unsigned channel, uint32_t rate_hz)
{
  switch (sound) {
  case TAP_RHYTHM:
    return rhythm(position, channel, rate_hz);
  case TAP_PHRASES:
    return position / rate_hz % 7 < 5 ? rhythm(position, channel, rate_hz) : 0.0F;
  case TAP_NOISE:
  case N_TAP_SOUNDS:
    break;
  }
  return noise_and_tone(position, channel, rate_hz);
}
