// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "train/comparison.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/// Samples that wait for the other side's.
typedef struct waiting {
  float *samples;
  size_t n, capacity;
  uint64_t total; ///< that came in all
} waiting;

struct comparison {
  mel_distance *mel;
  si_snr snr;
  waiting reference, clip;
};

status comparison_new(comparison **out, uint32_t rate_hz, error *err)
{
  *out = NULL;
  comparison *c = calloc(1, sizeof *c);
  if (!c) {
    return error_set(err, STATUS_NO_MEMORY, "no memory to compare clips");
  }
  const status code = mel_distance_new(&c->mel, (double)rate_hz, err);
  if (code != STATUS_OK) {
    free(c);
    return code;
  }
  *out = c;
  return STATUS_OK;
}

void comparison_free(comparison *c)
{
  if (c) {
    mel_distance_free(c->mel);
    free(c->reference.samples);
    free(c->clip.samples);
    free(c);
  }
}

static void drop(waiting *w, size_t n)
{
  w->n -= n;
  memmove(w->samples, w->samples + n, w->n * sizeof *w->samples);
}

static status keep(waiting *w, const float *audio, size_t n, error *err)
{
  if (w->n + n > w->capacity) {
    const size_t capacity = 2 * (w->n + n);
    float *more = realloc(w->samples, capacity * sizeof *more);
    if (!more) {
      return error_set(err, STATUS_NO_MEMORY, "no memory to compare clips");
    }
    w->samples = more;
    w->capacity = capacity;
  }
  if (n > 0) {
    memcpy(w->samples + w->n, audio, n * sizeof *audio);
  }
  w->n += n;
  w->total += n;
  return STATUS_OK;
}

static void measure(comparison *c)
{
  const size_t n = c->reference.n < c->clip.n ? c->reference.n : c->clip.n;
  if (n > 0) {
    si_snr_push(&c->snr, c->clip.samples, c->reference.samples, (int64_t)n);
    mel_distance_push(c->mel, c->clip.samples, c->reference.samples, (int64_t)n);
    drop(&c->reference, n);
    drop(&c->clip, n);
  }
}

status comparison_push_reference(comparison *c, const float *audio, size_t n_samples, error *err)
{
  const status code = keep(&c->reference, audio, n_samples, err);
  if (code == STATUS_OK) {
    measure(c);
  }
  return code;
}

status comparison_push_clip(comparison *c, const float *audio, size_t n_samples, error *err)
{
  const status code = keep(&c->clip, audio, n_samples, err);
  if (code == STATUS_OK) {
    measure(c);
  }
  return code;
}

comparison_result comparison_end(comparison *c)
{
  const mel_distances mel = mel_distance_end(c->mel);
  const double db = si_snr_db(&c->snr);
  const comparison_result result = {
      .si_snr_db = isnan(db) ? db : fmax(-COMPARISON_MOST_DB, fmin(COMPARISON_MOST_DB, db)),
      .mel = mel.whole,
      .mel_low = mel.low,
      .n_reference = c->reference.total,
      .n_clip = c->clip.total,
  };
  c->snr = (si_snr){0};
  c->reference.n = c->clip.n = 0;
  c->reference.total = c->clip.total = 0;
  return result;
}
