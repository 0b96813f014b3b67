// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// The bypass codec: a step's codes are the bits of its samples, n_codebooks = hop * n_channels,
// interleaved as the audio is. With fewer codebooks used, the samples left out become zero. It has
// no memory, so its snapshots are empty.

#include "models/codec_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void bypass_close(codec *c)
{
  free(c);
}

static status bypass_state_new(codec_state **s, codec *c, int n_streams, int max_steps, error *err)
{
  (void)n_streams;
  (void)max_steps;
  *s = calloc(1, sizeof **s);
  return *s ? STATUS_OK : error_set(err, STATUS_NO_MEMORY, "codec %s: no memory", c->info.name);
}

static void bypass_state_free(codec_state *s)
{
  free(s);
}

static void bypass_state_reset(codec_state *s, int stream, codec_start start)
{
  (void)s;
  (void)stream;
  (void)start;
}

static status bypass_encode(codec_state *s, const float *audio, int n_steps, int n_used,
                            int32_t *codes)
{
  const size_t n_all = s->owner->info.n_codebooks;
  const size_t rows = (size_t)s->n_streams * (size_t)n_steps;
  for (size_t row = 0; row < rows; ++row) {
    memcpy(codes + row * (size_t)n_used, audio + row * n_all, (size_t)n_used * sizeof *codes);
  }
  return STATUS_OK;
}

// -1 says nothing; as bits it would be not a number, which no clean sample is.
static float sample_of(int32_t code)
{
  float x = 0.0f;
  if (code != -1) {
    memcpy(&x, &code, sizeof x);
  }
  return x;
}

static status bypass_decode(codec_state *s, const int32_t *codes, int n_steps, int n_used,
                            float *audio)
{
  const size_t n_all = s->owner->info.n_codebooks;
  const size_t rows = (size_t)s->n_streams * (size_t)n_steps;
  for (size_t row = 0; row < rows; ++row) {
    float *to = audio + row * n_all;
    for (size_t k = 0; k < (size_t)n_used; ++k) {
      to[k] = sample_of(codes[row * (size_t)n_used + k]);
    }
    memset(to + n_used, 0, (n_all - (size_t)n_used) * sizeof *to);
  }
  return STATUS_OK;
}

/// The samples are the latents.
static status bypass_decode_blend(codec_state *s, const int32_t *codes, const int32_t *other,
                                  float blend, int n_used, float *audio)
{
  const size_t n_all = s->owner->info.n_codebooks;
  for (size_t row = 0; row < (size_t)s->n_streams; ++row) {
    for (size_t k = 0; k < n_all; ++k) {
      const bool used = k < (size_t)n_used;
      const float a = used ? sample_of(codes[row * (size_t)n_used + k]) : 0.0f;
      const float b = used ? sample_of(other[row * (size_t)n_used + k]) : 0.0f;
      audio[row * n_all + k] = (1.0f - blend) * a + blend * b;
    }
  }
  return STATUS_OK;
}

static status bypass_encode_final(codec_state *s, const float *audio, int n_samples, int n_used,
                                  int32_t *codes)
{
  const size_t n_all = s->owner->info.n_codebooks;
  const size_t n_values = (size_t)n_samples * s->owner->info.n_channels;
  const size_t n_steps = (n_values + n_all - 1) / n_all;
  for (int stream = 0; stream < s->n_streams; ++stream) {
    for (size_t step = 0; step < n_steps; ++step) {
      for (size_t k = 0; k < (size_t)n_used; ++k) {
        const size_t at = step * n_all + k;
        const float value = at < n_values ? audio[(size_t)stream * n_values + at] : 0.0f;
        memcpy(codes++, &value, sizeof value);
      }
    }
  }
  return STATUS_OK;
}

static size_t bypass_state_bytes(const codec_state *s)
{
  (void)s;
  return 0;
}

static status bypass_state_save(codec_state *s, void *snapshot)
{
  (void)s;
  (void)snapshot;
  return STATUS_OK;
}

static status bypass_state_restore(codec_state *s, const void *snapshot)
{
  (void)s;
  (void)snapshot;
  return STATUS_OK;
}

static const codec_vtable bypass_table = {
    .close = bypass_close,
    .state_new = bypass_state_new,
    .state_free = bypass_state_free,
    .state_reset = bypass_state_reset,
    .encode = bypass_encode,
    .decode = bypass_decode,
    .encode_final = bypass_encode_final,
    .state_bytes = bypass_state_bytes,
    .state_save = bypass_state_save,
    .state_restore = bypass_state_restore,
    .decode_blend = bypass_decode_blend,
};

status codec_open_bypass(codec **c, uint32_t rate_hz, uint32_t hop_samples, uint32_t n_channels,
                         error *err)
{
  *c = NULL;
  if (rate_hz < 1 || rate_hz > 384000 || hop_samples < 1 || hop_samples > 1u << 20 ||
      n_channels < 1 || n_channels > 8) {
    return error_set(err, STATUS_USAGE,
                     "bypass codec: %u Hz, hop %u, %u channels; expected 1 to 384000 Hz, hop 1 to "
                     "%u, 1 to 8 channels",
                     (unsigned)rate_hz, (unsigned)hop_samples, (unsigned)n_channels, 1u << 20);
  }
  codec *made = calloc(1, sizeof *made);
  if (!made) {
    return error_set(err, STATUS_NO_MEMORY, "bypass codec: no memory");
  }
  codec_init(made, &bypass_table);
  snprintf(made->info.kind, sizeof made->info.kind, "bypass");
  snprintf(made->info.name, sizeof made->info.name, "bypass_%u", (unsigned)rate_hz);
  made->info.rate_hz = rate_hz;
  made->info.hop_samples = hop_samples;
  made->info.n_channels = n_channels;
  made->info.n_codebooks = hop_samples * n_channels;
  made->info.streamable = true;
  *c = made;
  return STATUS_OK;
}
