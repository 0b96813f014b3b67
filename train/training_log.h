// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// What a training run shows in TensorBoard: losses, norms and rates; at each validation the
/// entropy of every codebook, spectrograms and sound of the first validation crops, as they are and
/// as the codec gives them back. Main thread only.
#ifndef CONTINUO_TRAIN_TRAINING_LOG_H
#define CONTINUO_TRAIN_TRAINING_LOG_H

#include "train/codec_trainer.h"
#include "train/tensorboard.h"

#define TRAINING_LOG_CLIPS 4

/// One step's figures. A null log does nothing.
void training_log_step(tensorboard *log, const trainer_report *report, double memory_mib,
                       double audio_seconds_per_second);

/// After codec_trainer_validate, whose last batch the lanes still hold.
void training_log_validation(tensorboard *log, const codec_trainer *t,
                             const trainer_validation *found);

#endif
