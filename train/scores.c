// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "train/scores.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static status no_memory(error *err)
{
  return error_set(err, STATUS_NO_MEMORY, "no memory for the scores of clips");
}

/// The list's own copy of a kind's name; null without memory.
static const char *find_kind(scores *s, const char *kind)
{
  for (size_t i = 0; i < s->n_kinds; ++i) {
    if (strcmp(s->kinds[i], kind) == 0) {
      return s->kinds[i];
    }
  }
  char **more = realloc(s->kinds, (s->n_kinds + 1) * sizeof *more);
  if (!more) {
    return NULL;
  }
  s->kinds = more;
  char *copy = strdup(kind);
  if (copy) {
    more[s->n_kinds++] = copy;
  }
  return copy;
}

status scores_add(scores *s, const char *kind, const char *path, double seconds,
                  const comparison_result *result, error *err)
{
  if (s->n_clips == s->capacity) {
    const size_t capacity = s->capacity ? 2 * s->capacity : 64;
    score *more = realloc(s->clips, capacity * sizeof *more);
    if (!more) {
      return no_memory(err);
    }
    s->clips = more;
    s->capacity = capacity;
  }
  const score added = {strdup(path), find_kind(s, kind), seconds, *result};
  if (!added.path || !added.kind) {
    free(added.path);
    return no_memory(err);
  }
  s->clips[s->n_clips++] = added;
  return STATUS_OK;
}

void scores_free(scores *s)
{
  for (size_t i = 0; i < s->n_clips; ++i) {
    free(s->clips[i].path);
  }
  for (size_t i = 0; i < s->n_kinds; ++i) {
    free(s->kinds[i]);
  }
  free(s->clips);
  free(s->kinds);
  *s = (scores){0};
}

static int compare_numbers(const void *a, const void *b)
{
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static double median(double *values, size_t n)
{
  if (n == 0) {
    return (double)NAN;
  }
  qsort(values, n, sizeof *values, compare_numbers);
  return n % 2 ? values[n / 2] : 0.5 * (values[n / 2 - 1] + values[n / 2]);
}

status scores_summarise(const scores *s, const char *kind, score_summary *summary, error *err)
{
  double *ratios = malloc((s->n_clips ? s->n_clips : 1) * sizeof *ratios);
  size_t n_ratios = 0;
  double sum_db = 0.0;
  *summary = (score_summary){0};
  if (!ratios) {
    return no_memory(err);
  }
  for (size_t i = 0; i < s->n_clips; ++i) {
    const score *clip = &s->clips[i];
    if (kind && strcmp(kind, clip->kind) != 0) {
      continue;
    }
    ++summary->n_clips;
    summary->seconds += clip->seconds;
    summary->mel += clip->result.mel;
    summary->mel_low += clip->result.mel_low;
    if (!isnan(clip->result.si_snr_db)) {
      ratios[n_ratios++] = clip->result.si_snr_db;
      sum_db += clip->result.si_snr_db;
    }
  }
  summary->mel /= (double)summary->n_clips; // not a number without clips
  summary->mel_low /= (double)summary->n_clips;
  summary->si_snr_mean_db = sum_db / (double)n_ratios;
  summary->si_snr_median_db = median(ratios, n_ratios);
  free(ratios);
  return STATUS_OK;
}
