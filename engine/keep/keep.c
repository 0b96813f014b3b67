// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "engine/keep/keep.h"

#include "base/touched.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define VALUE_BYTES 3

// Pages come as they are touched: the conductor meets a new one every few seconds.
static void *reserve(size_t bytes)
{
  void *memory =
      mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  return memory == MAP_FAILED ? NULL : memory;
}

static void give_back(void *memory, size_t bytes)
{
  if (memory) {
    munmap(memory, bytes);
  }
}

static size_t codes_bytes(const keep *k)
{
  return (size_t)k->capacity_steps * k->n_codebooks * sizeof *k->codes;
}

status keep_init(keep *k, double seconds, uint32_t rate_hz, uint32_t n_channels,
                 uint32_t n_codebooks, double steps_per_second, error *err)
{
  memset(k, 0, sizeof *k);
  k->n_channels = n_channels;
  k->n_codebooks = n_codebooks;
  k->rate_hz = rate_hz;
  if (seconds <= 0.0) {
    return STATUS_OK;
  }
  k->promised_samples = (uint64_t)(seconds * rate_hz);
  k->capacity_samples = k->promised_samples + (uint64_t)KEEP_MARGIN_S * rate_hz;
  k->capacity_steps = (uint64_t)(KEEP_HISTORY_S * steps_per_second);
  const size_t bytes = (size_t)k->capacity_samples * n_channels * VALUE_BYTES;
  k->input = touched_new(bytes); // now, not in the audio thread
  k->output = touched_new(bytes);
  k->log = reserve(KEEP_LOG_ENTRIES * sizeof *k->log);
  k->steps = reserve((size_t)k->capacity_steps * sizeof *k->steps);
  k->codes = reserve(codes_bytes(k));
  if (!k->input || !k->output || !k->log || !k->steps || !k->codes) {
    keep_destroy(k);
    return error_set(err, STATUS_NO_MEMORY, "no memory to keep %g s at %u Hz (%zu MiB)", seconds,
                     rate_hz, (2 * bytes) >> 20);
  }
  return STATUS_OK;
}

void keep_destroy(keep *k)
{
  free(k->input);
  free(k->output);
  give_back(k->log, KEEP_LOG_ENTRIES * sizeof *k->log);
  give_back(k->steps, (size_t)k->capacity_steps * sizeof *k->steps);
  give_back(k->codes, codes_bytes(k));
  memset(k, 0, sizeof *k);
}

static void put(const keep *k, uint8_t *to, uint64_t t, const float *sample, float full_scale)
{
  to += (size_t)(t % k->capacity_samples) * k->n_channels * VALUE_BYTES;
  for (uint32_t c = 0; c < k->n_channels; ++c) {
    const uint32_t bits = (uint32_t)keep_whole(sample[c], full_scale);
    to[0] = (uint8_t)bits;
    to[1] = (uint8_t)(bits >> 8);
    to[2] = (uint8_t)(bits >> 16);
    to += VALUE_BYTES;
  }
}

void keep_input(keep *k, uint64_t t, const float *sample)
{
  if (keep_is_on(k)) {
    put(k, k->input, t, sample, KEEP_INPUT_SCALE);
  }
}

void keep_output(keep *k, uint64_t t, const float *sample)
{
  if (keep_is_on(k)) {
    put(k, k->output, t, sample, 1.0f);
  }
}

void keep_publish(keep *k, uint64_t end_samples)
{
  atomic_store_explicit(&k->end_samples, end_samples, memory_order_release);
}

void keep_begin(keep *k, uint64_t t)
{
  atomic_store_explicit(&k->begin_samples, t, memory_order_release);
  keep_publish(k, t);
}

void keep_note(keep *k, const keep_entry *entry)
{
  const uint64_t n = atomic_load_explicit(&k->n_entries, memory_order_relaxed);
  if (!keep_is_on(k)) {
    return;
  }
  if (n == KEEP_LOG_ENTRIES) {
    atomic_store_explicit(&k->full, true, memory_order_relaxed);
    return;
  }
  k->log[n] = *entry;
  atomic_store_explicit(&k->n_entries, n + 1, memory_order_release);
}

void keep_add_step(keep *k, const keep_step *step, const int32_t *codes)
{
  const uint64_t n = atomic_load_explicit(&k->n_steps, memory_order_relaxed);
  if (!keep_is_on(k)) {
    return;
  }
  if (n == k->capacity_steps) {
    atomic_store_explicit(&k->full, true, memory_order_relaxed);
    return;
  }
  k->steps[n] = *step;
  memcpy(k->codes + n * k->n_codebooks, codes, k->n_codebooks * sizeof *codes);
  atomic_store_explicit(&k->n_steps, n + 1, memory_order_release);
}

// Read, then look whether the writer came by meanwhile.
static bool get(const keep *k, const uint8_t *ring_bytes, uint64_t from, size_t n, int32_t *out)
{
  for (size_t i = 0; i < n; ++i) {
    const uint8_t *at =
        ring_bytes + (size_t)((from + i) % k->capacity_samples) * k->n_channels * VALUE_BYTES;
    for (uint32_t c = 0; c < k->n_channels; ++c) {
      const uint32_t bits = at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16;
      *out++ = (int32_t)(bits << 8) >> 8;
      at += VALUE_BYTES;
    }
  }
  atomic_thread_fence(memory_order_acquire);
  const uint64_t end = atomic_load_explicit(&k->end_samples, memory_order_relaxed);
  return from + k->capacity_samples > end + (uint64_t)KEEP_MARGIN_S * k->rate_hz / 2;
}

bool keep_read_input(const keep *k, uint64_t from, size_t n, int32_t *out)
{
  return get(k, k->input, from, n, out);
}

bool keep_read_output(const keep *k, uint64_t from, size_t n, int32_t *out)
{
  return get(k, k->output, from, n, out);
}
