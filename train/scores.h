// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// Results of many clips, summed up per kind of sound and over all. Each clip counts once, however
/// long it is. One thread.
#ifndef CONTINUO_TRAIN_SCORES_H
#define CONTINUO_TRAIN_SCORES_H

#include "train/comparison.h"

typedef struct score {
  char *path;       ///< of the clip
  const char *kind; ///< one of scores.kinds
  double seconds;
  comparison_result result;
} score;

typedef struct scores {
  score *clips; ///< in the order in which they came
  size_t n_clips, capacity;
  char **kinds; ///< in the order of their first clips
  size_t n_kinds;
} scores;

typedef struct score_summary {
  size_t n_clips;
  double seconds;
  double si_snr_median_db, si_snr_mean_db; ///< over clips that have one; else not a number
  double mel, mel_low;                     ///< means
} score_summary;

/// STATUS_NO_MEMORY; nothing is added then.
status scores_add(scores *s, const char *kind, const char *path, double seconds,
                  const comparison_result *result, error *err);
void scores_free(scores *s); ///< harmless when zeroed

/// Of one kind (a name among s->kinds), or of all clips (null). STATUS_NO_MEMORY.
status scores_summarise(const scores *s, const char *kind, score_summary *summary, error *err);

#endif
