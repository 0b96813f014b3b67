// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// Clips written as .wav files under their own names in a folder, with the folders they need. Main
/// thread only.
#ifndef CONTINUO_TRAIN_WAV_FOLDER_H
#define CONTINUO_TRAIN_WAV_FOLDER_H

#include "models/io/audio_file.h"

/// Open "<folder>/<part>/<path>", ".wav" added unless `path` ends in it, for one channel of f32, so
/// that what is written can be measured again to the bit. STATUS_FORMAT when `path` would lead out
/// of the folder; errors of audio_writer_open.
status wav_folder_open(audio_writer **w, const char *folder, const char *part, const char *path,
                       uint32_t rate_hz, uint64_t expected_samples, error *err);

#endif
