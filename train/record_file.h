// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// TFRecord files, which TensorBoard reads: records of a length (8 bytes, little-endian), the
/// masked CRC-32C of those 8 bytes, the data, the masked CRC-32C of the data (4 bytes each).
/// Records gather in memory; what cannot be written is dropped whole, so that the file ends in a
/// whole record at any time. One thread at a time for each file.
/// Sources: TensorFlow's format description; RFC 3720, appendix B.4, for CRC-32C.
#ifndef CONTINUO_TRAIN_RECORD_FILE_H
#define CONTINUO_TRAIN_RECORD_FILE_H

#include "base/status.h"

#include <stddef.h>
#include <stdint.h>

/// CRC with Castagnoli's polynomial; "123456789" gives 0xE3069283.
uint32_t crc32c(const void *data, size_t size_bytes);

typedef struct record_file record_file;

/// Create `path`, which must not be there. STATUS_NOT_FOUND (its folder), STATUS_IO (also: it is
/// there; errno stays), STATUS_NO_MEMORY.
status record_file_create(record_file **f, const char *path, error *err);

/// Room for one more record of `size_bytes`, its data is the caller's to fill
/// at once, then to seal. Null: no memory.
uint8_t *record_file_begin(record_file *f, size_t size_bytes);
void record_file_seal(record_file *f); ///< the data of the record begun last is there

size_t record_file_pending(const record_file *f); ///< bytes not yet written

/// Write what is pending. On failure it is dropped and the file ends where it ended before.
/// STATUS_IO.
status record_file_flush(record_file *f, error *err);
void record_file_close(record_file *f);   ///< without a flush; null is fine
void record_file_discard(record_file *f); ///< close and remove; null is fine

#endif
