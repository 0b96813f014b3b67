// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "tests/engine/trial_codec.h"

#include "engine/thread_times.h"
#include "models/codec_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define JUMP_NS 50000

typedef struct trial_codec {
  codec base;
  atomic_int slow_steps;
  atomic_uint slow_ms;
  atomic_bool fails;
  bool transparent;
  void (*hook)(void *user);
  void *hook_user;
} trial_codec;

typedef struct trial_memory {
  uint32_t encoder_hash, decoder_hash; // of everything that has gone through
  uint32_t at;                         // in the delay line
} trial_memory;

typedef struct trial_state {
  codec_state base;
  trial_memory memory;
  float *line; // [delay_samples, n_channels]
  size_t line_values;
} trial_state;

// Work for `ms`. A jump of the thread's CPU time is no work: a hypervisor may have had the CPU, and
// the kernel charges that to us.
static void burn(uint32_t ms)
{
  const uint64_t wanted_ns = (uint64_t)ms * 1000000;
  uint64_t last_ns = clock_thread_cpu_ns();
  for (uint64_t done_ns = 0; done_ns < wanted_ns;) {
    const uint64_t now_ns = clock_thread_cpu_ns();
    done_ns += now_ns - last_ns < JUMP_NS ? now_ns - last_ns : 0;
    last_ns = now_ns;
  }
}

static uint32_t bits_of(float x)
{
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  return bits;
}

// The last bits of a sample depend on all samples before it.
static float stir(const trial_codec *c, uint32_t *hash, float x)
{
  if (c->transparent) {
    return x;
  }
  *hash = (*hash ^ bits_of(x)) * 2654435761u + 1u;
  return x + (float)(*hash >> 20) * 0x1p-22f;
}

static void trial_close(codec *c)
{
  free(c);
}

static status trial_state_new(codec_state **s, codec *c, int n_streams, int max_steps, error *err)
{
  (void)n_streams; // one
  (void)max_steps;
  trial_state *made = calloc(1, sizeof *made);
  const size_t n_values = (size_t)c->info.model_delay_samples * c->info.n_channels;
  float *line = calloc(n_values + 1, sizeof *line);
  if (!made || !line) {
    free(made);
    free(line);
    return error_set(err, STATUS_NO_MEMORY, "trial codec: no memory");
  }
  made->line = line;
  made->line_values = n_values;
  *s = &made->base;
  return STATUS_OK;
}

static void trial_state_free(codec_state *s)
{
  trial_state *t = (trial_state *)s;
  free(t->line);
  free(t);
}

static void trial_state_reset(codec_state *s, int stream, codec_start start)
{
  trial_state *t = (trial_state *)s;
  (void)stream;
  (void)start;
  memset(&t->memory, 0, sizeof t->memory);
  memset(t->line, 0, t->line_values * sizeof *t->line);
}

static status trial_encode(codec_state *s, const float *audio, int n_steps, int n_used,
                           int32_t *codes)
{
  trial_state *t = (trial_state *)s;
  trial_codec *c = (trial_codec *)s->owner;
  for (int step = 0; step < n_steps; ++step) {
    if (c->hook) {
      c->hook(c->hook_user);
    }
    if (atomic_load(&c->slow_steps) > 0) {
      atomic_fetch_sub(&c->slow_steps, 1);
      burn(atomic_load(&c->slow_ms));
    }
  }
  for (int i = 0; i < n_steps * n_used; ++i) {
    const float stirred = stir(c, &t->memory.encoder_hash, audio[i]);
    memcpy(&codes[i], &stirred, sizeof stirred);
  }
  return atomic_load(&c->fails) ? STATUS_DEVICE : STATUS_OK;
}

static status trial_decode(codec_state *s, const int32_t *codes, int n_steps, int n_used,
                           float *audio)
{
  trial_state *t = (trial_state *)s;
  for (int i = 0; i < n_steps * n_used; ++i) {
    float x;
    memcpy(&x, &codes[i], sizeof x);
    x = stir((const trial_codec *)s->owner, &t->memory.decoder_hash, x);
    if (t->line_values) {
      float *slot = &t->line[t->memory.at++ % t->line_values];
      const float oldest = *slot;
      *slot = x;
      x = oldest;
    }
    audio[i] = x;
  }
  return STATUS_OK;
}

static status trial_encode_final(codec_state *s, const float *audio, int n_samples, int n_used,
                                 int32_t *codes)
{
  return trial_encode(s, audio, n_samples / (int)s->owner->info.hop_samples, n_used, codes);
}

static size_t trial_state_bytes(const codec_state *s)
{
  const trial_state *t = (const trial_state *)s;
  return sizeof t->memory + t->line_values * sizeof *t->line;
}

static status trial_state_save(codec_state *s, void *snapshot)
{
  const trial_state *t = (const trial_state *)s;
  memcpy(snapshot, &t->memory, sizeof t->memory);
  memcpy((char *)snapshot + sizeof t->memory, t->line, t->line_values * sizeof *t->line);
  return STATUS_OK;
}

static status trial_state_restore(codec_state *s, const void *snapshot)
{
  trial_state *t = (trial_state *)s;
  memcpy(&t->memory, snapshot, sizeof t->memory);
  memcpy(t->line, (const char *)snapshot + sizeof t->memory, t->line_values * sizeof *t->line);
  return STATUS_OK;
}

static const codec_vtable trial_table = {
    .close = trial_close,
    .state_new = trial_state_new,
    .state_free = trial_state_free,
    .state_reset = trial_state_reset,
    .encode = trial_encode,
    .decode = trial_decode,
    .encode_final = trial_encode_final,
    .state_bytes = trial_state_bytes,
    .state_save = trial_state_save,
    .state_restore = trial_state_restore,
};

status trial_codec_open(codec **c, const trial_options *options)
{
  trial_codec *made = calloc(1, sizeof *made);
  *c = NULL;
  if (!made) {
    return STATUS_NO_MEMORY;
  }
  codec_init(&made->base, &trial_table);
  codec_info *info = &made->base.info;
  snprintf(info->kind, sizeof info->kind, "trial");
  snprintf(info->name, sizeof info->name, "trial codec");
  info->rate_hz = options->rate_hz;
  info->hop_samples = options->hop_samples;
  info->n_channels = options->n_channels;
  info->n_codebooks = options->hop_samples * options->n_channels;
  info->model_delay_samples = options->delay_samples;
  info->streamable = true;
  *c = &made->base;
  return STATUS_OK;
}

void trial_codec_be_slow(codec *c, int steps, uint32_t ms)
{
  trial_codec *t = (trial_codec *)c;
  atomic_store(&t->slow_ms, ms);
  atomic_store(&t->slow_steps, steps);
}

void trial_codec_be_transparent(codec *c)
{
  ((trial_codec *)c)->transparent = true;
}

void trial_codec_set_hook(codec *c, void (*hook)(void *user), void *user)
{
  trial_codec *t = (trial_codec *)c;
  t->hook = hook;
  t->hook_user = user;
}

void trial_codec_fail(codec *c)
{
  atomic_store(&((trial_codec *)c)->fails, true);
}
