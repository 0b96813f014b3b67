// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// From a codec's training checkpoint to its network, without a trainer, a set or a device. Main
/// thread only.
#ifndef CONTINUO_TRAIN_CODEC_EXPORT_H
#define CONTINUO_TRAIN_CODEC_EXPORT_H

#include "models/seanet.h"
#include "train/recipe.h"

typedef enum export_values {
  EXPORT_AVERAGE_IF_ANY, ///< averaged weights where the recipe kept an average
  EXPORT_AVERAGE,
  EXPORT_LAST, ///< the weights as the last step left them
} export_values;

/// Codebooks are never averaged twice: they are running averages already.
typedef struct codec_export {
  seanet *net; ///< with masters
  recipe recipe;
  int64_t steps; ///< that it was trained for
  bool averaged;
} codec_export;

/// Read the checkpoint `path`. STATUS_FORMAT (damaged, no codec's checkpoint, a tensor that is not
/// what the recipe in it says, a value that is no number), STATUS_USAGE (an average that was not
/// kept), STATUS_NOT_FOUND, STATUS_IO, STATUS_NO_MEMORY. `codec_export_free` in any case.
status codec_export_read(codec_export *e, const char *path, export_values values, error *err);
void codec_export_free(codec_export *e);

/// Of audio that so many steps of a recipe hear, in seconds.
double codec_export_heard_s(const recipe *in, int64_t steps);

#endif
