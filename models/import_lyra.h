// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// Lyra's three published files (soundstream_encoder.tflite, quantizer.tflite, lyragan.tflite;
/// release v1.2.0, f32, Apache-2.0) to one model file of ours. What each file is follows from its
/// graph, not from its name. Any thread but the audio thread.
#ifndef CONTINUO_MODELS_IMPORT_LYRA_H
#define CONTINUO_MODELS_IMPORT_LYRA_H

#include "models/lyra.h"

/// Whether the file at `path` carries TensorFlow Lite's mark; false when it cannot be read.
bool import_lyra_recognises(const char *path);

/// Read the three files, in any order, into a new network with masters. Errors: those of
/// tflite_file_open; STATUS_USAGE (not three files, one part twice, one missing), STATUS_FORMAT
/// (not this network: names file, tensor, expected and found), STATUS_UNSUPPORTED (v1.3's int8).
status import_lyra_read(lyra **net, const char *const *paths, int n_paths, error *err);

/// The same, then written to `destination` whole or not at all; also STATUS_IO.
status import_lyra(const char *const *paths, int n_paths, const char *destination, error *err);

#endif
