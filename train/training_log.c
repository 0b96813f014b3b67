// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "train/training_log.h"

#include "train/spectrogram_image.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static void log_sums(tensorboard *log, int64_t step, const char *group, const lane_sums *sums)
{
  char tag[64];
  for (int i = 0; i < LOSS_COUNT; ++i) {
    snprintf(tag, sizeof tag, "%s/%s", group, lane_loss_names[i]);
    tensorboard_scalar(log, step, tag, sums->losses[i]);
  }
  snprintf(tag, sizeof tag, "%s/commitment", group);
  tensorboard_scalar(log, step, tag, sums->commitment);
  snprintf(tag, sizeof tag, "%s/snr_db", group);
  tensorboard_scalar(log, step, tag, sums->snr_db);
}

void training_log_step(tensorboard *log, const trainer_report *r, double memory_mib,
                       double audio_seconds_per_second)
{
  if (!log) {
    return;
  }
  log_sums(log, r->step, "train", &r->sums);
  tensorboard_scalar(log, r->step, "train/total", r->total);
  tensorboard_scalar(log, r->step, "encoder/latent_rms", sqrt(r->sums.latent_square));
  tensorboard_scalar(log, r->step, "optimiser/gradient_norm", r->gradient_norm);
  tensorboard_scalar(log, r->step, "optimiser/rate", r->rate);
  tensorboard_scalar(log, r->step, "codebooks/replaced", r->replaced);
  tensorboard_scalar(log, r->step, "machine/memory_mib", memory_mib);
  tensorboard_scalar(log, r->step, "machine/audio_seconds_per_second", audio_seconds_per_second);
  if (r->critics_norm > 0.0) {
    tensorboard_scalar(log, r->step, "discriminator/loss", r->sums.discriminator);
    tensorboard_scalar(log, r->step, "discriminator/score_real", r->sums.score_real);
    tensorboard_scalar(log, r->step, "discriminator/score_fake", r->sums.score_fake);
    tensorboard_scalar(log, r->step, "discriminator/gradient_norm", r->critics_norm);
  }
}

/// The crops that the lanes hold, each above what the codec made of it, and as sound.
static void log_clips(tensorboard *log, const codec_trainer *t)
{
  const float *clips[2 * TRAINING_LOG_CLIPS];
  const int64_t crop = t->recipe.data.crop_samples, each = t->lanes[0]->samples;
  float *outputs = calloc((size_t)(t->n_lanes * each), sizeof *outputs);
  int n = 0;
  for (int i = 0; i < t->n_lanes && outputs; ++i) {
    lane *l = t->lanes[i];
    lane_output(l, outputs + i * each);
    for (int64_t j = 0; j < l->examples && n < TRAINING_LOG_CLIPS; ++j, ++n) {
      char tag[64];
      clips[2 * n] = l->audio + j * crop;
      clips[2 * n + 1] = outputs + i * each + j * crop;
      for (int k = 0; k < 2; ++k) {
        snprintf(tag, sizeof tag, "clip %d/%s", n, k ? "codec" : "audio");
        tensorboard_audio(log, t->step, tag, clips[2 * n + k], crop, 1, t->recipe.codec.rate_hz);
      }
    }
  }
  picture image = {0};
  if (spectrogram_image(&image, clips, 2 * n, crop, NULL) == STATUS_OK) {
    tensorboard_image(log, t->step, "clips", &image);
    free(image.pixels);
  }
  free(outputs);
}

void training_log_validation(tensorboard *log, const codec_trainer *t,
                             const trainer_validation *found)
{
  if (!log) {
    return;
  }
  log_sums(log, t->step, "validation", &found->sums);
  tensorboard_scalar(log, t->step, "validation/total", found->total);
  for (int k = 0; k < (int)t->recipe.codec.n_codebooks; ++k) {
    char tag[64];
    snprintf(tag, sizeof tag, "entropy/stage_%d", k);
    tensorboard_scalar(log, t->step, tag, found->entropy[k]);
  }
  log_clips(log, t);
  tensorboard_flush(log);
}
