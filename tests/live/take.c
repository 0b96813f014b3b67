// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "tests/live/take.h"

#include "engine/offline.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *read_array(FILE *f, size_t n, size_t item_bytes)
{
  void *data = calloc(n ? n : 1, item_bytes);
  if (data && fread(data, item_bytes, n, f) == n)
    return data;
  free(data);
  return NULL;
}

bool take_load(take *t, const char *path)
{
  *t = (take){0};
  FILE *f = fopen(path, "rb");
  bool good = f && fread(&t->header, sizeof t->header, 1, f) == 1 && t->header.magic == TAP_MAGIC;
  if (good) {
    t->cycles = read_array(f, t->header.n_cycles, sizeof *t->cycles);
    t->xruns = read_array(f, t->header.n_xruns, sizeof *t->xruns);
    good = t->cycles && t->xruns;
  }
  for (int c = 0; c < TAP_CHANNELS && good; c++) {
    t->samples[c] = read_array(f, t->header.n_samples, sizeof(float));
    good = t->samples[c] != NULL;
  }
  if (f)
    fclose(f);
  if (!good)
    printf("%s: not a whole recording\n", path);
  return good;
}

void take_free(take *t)
{
  free(t->cycles);
  free(t->xruns);
  for (int c = 0; c < TAP_CHANNELS; c++)
    free(t->samples[c]);
  *t = (take){0};
}

// ---- laying the two beside each other ----------------------------------------------------------

static bool allocate(take_part *part, size_t n_samples)
{
  size_t n_values = n_samples * part->n_channels + 1;
  part->received = calloc(n_values, sizeof(float));
  part->sent = calloc(n_values, sizeof(float));
  part->got = calloc(n_values, sizeof(float));
  part->expected = calloc(n_values, sizeof(float));
  part->heard = calloc(n_samples + 1, 1);
  return part->received && part->sent && part->got && part->expected && part->heard;
}

static bool log_jumps(const host_log *log, uint32_t i)
{
  return i > 0 && log->cycles[i].time_samples !=
                      log->cycles[i - 1].time_samples + log->cycles[i - 1].n_samples;
}

static bool take_jumps(const take *t, uint32_t i)
{
  return i > 0 &&
         t->cycles[i].time_samples != t->cycles[i - 1].time_samples + t->cycles[i - 1].n_samples;
}

// A jump counts for the cycles on both sides of it, two each: a client that is late reads the clock
// of one cycle and the buffers of another.
static bool log_is_smooth(const host_log *log, uint32_t n_cycles, uint32_t i)
{
  for (uint32_t k = i > 1 ? i - 1 : 0; k <= i + 2 && k < n_cycles; k++)
    if (log_jumps(log, k))
      return false;
  return true;
}

static bool take_is_smooth(const take *t, uint32_t i)
{
  for (uint32_t k = i > 1 ? i - 1 : 0; k <= i + 2 && k < t->header.n_cycles; k++)
    if (take_jumps(t, k))
      return false;
  return true;
}

// JACK says xruns afterwards, from a thread of its own. Around one, an asynchronous server may have
// handed out buffers that nobody had written in that cycle.
#define XRUN_MS 30

static bool far_from_xruns(const take *t, uint32_t time_samples)
{
  const int32_t near = (int32_t)(t->header.rate_hz * XRUN_MS / 1000);
  for (uint32_t i = 0; i < t->header.n_xruns; i++)
    if (abs((int32_t)(t->xruns[i] - time_samples)) < near)
      return false;
  return true;
}

static void copy_cycle(take_part *part, const take *t, uint64_t from, uint64_t to,
                       uint32_t n_samples)
{
  for (uint32_t i = 0; i < n_samples; i++) {
    part->heard[to + i] = 1;
    for (uint32_t c = 0; c < part->n_channels; c++) {
      uint64_t value = (to + i) * part->n_channels + c;
      part->sent[value] = part->mixed ? 0.5F * (t->samples[0][from + i] + t->samples[1][from + i])
                                      : t->samples[c][from + i];
      part->got[value] = t->samples[2 + c][from + i];
      part->peak_got = fmaxf(part->peak_got, fabsf(part->got[value]));
      part->peak_sent = fmaxf(part->peak_sent, fabsf(part->sent[value]));
    }
  }
}

static void receive_cycle(take_part *part, const host_log *log, const host_cycle *cycle,
                          uint64_t to)
{
  for (uint32_t i = 0; i < cycle->n_samples; i++)
    for (uint32_t c = 0; c < part->n_channels; c++)
      part->received[(to + i) * part->n_channels + c] = log->samples[c][cycle->at + i];
}

// Both lists ascend but for the jumps, so a cycle's partner is looked for around the last one's.
static bool find_cycle(const take *t, uint32_t time_samples, uint32_t *near, uint64_t *at)
{
  for (uint32_t step = 0; step < 64; step++) {
    uint32_t i = *near + step;
    if (i >= t->header.n_cycles)
      return false;
    if (t->cycles[i].time_samples != time_samples)
      continue;
    for (; *near < i; (*near)++)
      *at += t->cycles[*near].n_samples;
    return true;
  }
  return false;
}

// Where the recording first reaches `time_samples`. Takes are far shorter than half of JACK's 32
// bits: the difference tells before from after.
static void skip_to(const take *t, uint32_t time_samples, uint32_t *near, uint64_t *at)
{
  for (; *near < t->header.n_cycles && (int32_t)(t->cycles[*near].time_samples - time_samples) < 0;
       (*near)++)
    *at += t->cycles[*near].n_samples;
}

// One line for each stretch of cycles that are not compared.
static void say_skipped(uint64_t from, uint64_t to)
{
  if (to > from)
    printf("not compared: samples %" PRIu64 " to %" PRIu64
           ": not connected yet, a jump of time, an xrun, or a cycle that the recorder has not\n",
           from, to);
}

bool take_align(take_part *part, const take *t, const host_log *log, uint64_t from, bool mixed,
                bool asynchronous)
{
  *part = (take_part){.n_channels = (uint32_t)log->n_channels, .mixed = mixed};
  uint32_t n_cycles = atomic_load(&log->n_cycles), first = 0, near = 0;
  uint64_t at = 0, skipped_from = 0;
  while (first < n_cycles && log->cycles[first].time_samples != from)
    first++;
  skip_to(t, (uint32_t)from, &near, &at);
  if (first == n_cycles || near == t->header.n_cycles ||
      !allocate(part, (size_t)(log->cycles[n_cycles - 1].at + log->cycles[n_cycles - 1].n_samples)))
    return false;
  uint32_t end = t->cycles[t->header.n_cycles - 1].time_samples;
  for (uint32_t i = first; i < n_cycles; i++) {
    const host_cycle *cycle = &log->cycles[i];
    uint64_t to = cycle->at - log->cycles[first].at;
    if ((int32_t)((uint32_t)cycle->time_samples - end) > 0)
      break;
    receive_cycle(part, log, cycle, to);
    part->n_samples = to + cycle->n_samples;
    if (find_cycle(t, (uint32_t)cycle->time_samples, &near, &at) && i >= log->n_unwired &&
        t->cycles[near].n_samples == cycle->n_samples && log_is_smooth(log, n_cycles, i) &&
        take_is_smooth(t, near) &&
        (!asynchronous || far_from_xruns(t, t->cycles[near].time_samples))) {
      copy_cycle(part, t, at, to, cycle->n_samples);
      say_skipped(skipped_from, to);
      skipped_from = part->n_samples;
    }
  }
  say_skipped(skipped_from, part->n_samples);
  return true;
}

void take_part_free(take_part *part)
{
  free(part->received);
  free(part->sent);
  free(part->got);
  free(part->expected);
  free(part->heard);
  *part = (take_part){0};
}

bool take_render(take_part *part, uint32_t rate_hz, codec *model)
{
  error err = {STATUS_OK, ""};
  if (offline_roundtrip(model, 0, rate_hz, part->received, (size_t)part->n_samples, part->expected,
                        &err) == STATUS_OK)
    return true;
  printf("no offline result: %s\n", err.message);
  return false;
}

float take_due(const take_part *part, uint64_t at, uint32_t channel, uint32_t latency_samples)
{
  return at < latency_samples ? 0.0F
                              : part->expected[(at - latency_samples) * part->n_channels + channel];
}

// ---- comparing ---------------------------------------------------------------------------------

static bool same_bits(float a, float b)
{
  return memcmp(&a, &b, sizeof a) == 0;
}

static void compare_stretch(take_verdict *v, const take_part *part, const take_stretch *s)
{
  uint64_t to = s->to < part->n_samples ? s->to : part->n_samples;
  for (uint64_t at = s->from; at < to; at++) {
    if (!part->heard[at])
      continue;
    v->n_left_out--;
    for (uint32_t c = 0; c < part->n_channels; c++) {
      uint64_t value = at * part->n_channels + c;
      v->n_compared++;
      if (!same_bits(part->sent[value], part->received[value]) && v->n_sent_different++ == 0)
        v->first_sent_different = at;
      if (!same_bits(part->got[value], take_due(part, at, c, s->latency_samples)) &&
          v->n_different++ == 0)
        v->first_different = at;
    }
  }
}

void take_compare(take_verdict *v, const take_part *part, const take_stretch *stretches,
                  int n_stretches)
{
  *v = (take_verdict){.n_left_out = part->n_samples};
  for (int i = 0; i < n_stretches; i++)
    compare_stretch(v, part, &stretches[i]);
}
