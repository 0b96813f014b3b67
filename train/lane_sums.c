// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "train/lane_sums.h"

#include <stdlib.h>

const char *const lane_loss_names[LOSS_COUNT] = {"wave_l1", "wave_l2", "mel", "adversarial",
                                                 "feature"};

void lane_sums_add(lane_sums *to, const lane_sums *from)
{
  for (int i = 0; i < LOSS_COUNT; ++i) {
    to->losses[i] += from->losses[i];
    to->norms[i] += from->norms[i];
  }
  to->commitment += from->commitment;
  to->discriminator += from->discriminator;
  to->score_real += from->score_real;
  to->score_fake += from->score_fake;
  to->latent_square += from->latent_square;
  to->error_square += from->error_square;
  to->audio_square += from->audio_square;
  to->snr_db += from->snr_db;
}

void lane_sums_scale(lane_sums *sums, double factor)
{
  for (int i = 0; i < LOSS_COUNT; ++i) {
    sums->losses[i] *= factor;
  }
  sums->commitment *= factor;
  sums->discriminator *= factor;
  sums->latent_square *= factor;
  sums->error_square *= factor;
  sums->audio_square *= factor;
  sums->snr_db *= factor;
}

status lane_arrays_init(lane_arrays *a, const processes *p, int64_t n_lanes, int64_t count,
                        error *err)
{
  *a = (lane_arrays){.count = count, .n_lanes = n_lanes, .n_own = n_lanes / p->count};
  a->all = calloc((size_t)(n_lanes * count) + 1, sizeof *a->all);
  return a->all ? STATUS_OK : error_set(err, STATUS_NO_MEMORY, "no memory for a step's sums");
}

void lane_arrays_free(lane_arrays *a)
{
  free(a->all);
  *a = (lane_arrays){0};
}

float *lane_arrays_of(const lane_arrays *a, int64_t lane)
{
  return a->all + lane * a->count;
}

void lane_arrays_gather(lane_arrays *a, const processes *p)
{
  processes_gather(p, a->all, (size_t)(a->n_own * a->count) * sizeof *a->all);
}

void lane_arrays_sum(const lane_arrays *a, float *to, bool more)
{
  for (int64_t l = 0; l < a->n_lanes; ++l) {
    const float *from = lane_arrays_of(a, l);
    const bool first = l == 0 && !more;
    for (int64_t i = 0; i < a->count; ++i) {
      to[i] = first ? from[i] : to[i] + from[i];
    }
  }
}
