// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// The directory of a zip archive in memory, and its stored (uncompressed) entries in place; zip64
/// included. Source: PKWARE APPNOTE 6.3.10, sections 4.3 and 4.5.3. Nothing in the file is trusted.
/// Any thread but the audio thread; a read archive is const.
#ifndef CONTINUO_MODELS_IO_ZIP_FILE_H
#define CONTINUO_MODELS_IO_ZIP_FILE_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct zip_entry {
  const char *name; ///< in the archive, not terminated
  size_t name_bytes;
  const uint8_t *data; ///< the entry's bytes, inside the archive
  size_t size_bytes;
  uint32_t crc32; ///< as the directory says
} zip_entry;

typedef struct zip_file {
  zip_entry *entries; ///< in the directory's order
  size_t n_entries;
  uint32_t crc_table[256];
} zip_file;

/// True when the bytes end as a zip archive does (it may still be damaged).
bool zip_file_detect(const uint8_t *data, size_t size_bytes);

/// Read the directory of an archive, which must outlive `zip`. `source` names it in messages.
/// Errors: STATUS_FORMAT, STATUS_UNSUPPORTED (compressed or encrypted entry, split archive),
/// STATUS_NO_MEMORY. On failure nothing is left to close.
status zip_file_read(zip_file *zip, const uint8_t *data, size_t size_bytes, const char *source,
                     error *err);
void zip_file_close(zip_file *zip);

/// The first entry of exactly that name, or null.
const zip_entry *zip_file_find(const zip_file *zip, const char *name, size_t name_bytes);

/// Whether the bytes agree with the directory's CRC-32.
bool zip_entry_intact(const zip_file *zip, const zip_entry *entry);

#endif
