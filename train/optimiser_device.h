// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// An optimiser whose values, moments and averages stay on a device from step to step: what the
/// host holds of them is old until they are fetched. For one lane of one process, whose gradients
/// need not be summed with others'. Trainer's thread.
#ifndef CONTINUO_TRAIN_OPTIMISER_DEVICE_H
#define CONTINUO_TRAIN_OPTIMISER_DEVICE_H

#include "train/optimiser.h"

typedef struct optimiser_device optimiser_device;

/// For `host`, which must outlive it, over `sets`, the same layers; `dev` has updates. Nothing is
/// sent yet. STATUS_NO_MEMORY.
status optimiser_device_new(optimiser_device **d, optimiser *host, device *dev,
                            layer_set *const *sets, int n_sets, error *err);
void optimiser_device_free(optimiser_device *d); ///< null is fine

/// The host's values, moments and averages to the device; and everything, the last gradient too,
/// back. Errors of all: the device's.
status optimiser_device_send(optimiser_device *d, error *err);
status optimiser_device_fetch(optimiser_device *d, error *err);

/// Take the gradients out of the sets' w->grad; their Euclidean norm, what is frozen left out.
status optimiser_device_collect(optimiser_device *d, double *norm, error *err);

/// As optimiser_step; the sets' compute forms are then of the new values.
status optimiser_device_step(optimiser_device *d, double rate, double scale, error *err);

#endif
