// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// Whole Ogg pages out of a source that may be damaged or still growing. libogg's own page finder
/// waits for the end of whatever page it believes to have seen; where damage has made that one too
/// long, near the end of a file, it would take the good pages behind it along. This one looks for
/// them. For rvq_reader.c.
#ifndef CONTINUO_MODELS_IO_RVQ_PAGES_H
#define CONTINUO_MODELS_IO_RVQ_PAGES_H

#include "base/status.h"
#include "models/io/byte_stream.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PAGE_MAX_BYTES (27 + 255 + 255 * 255)

typedef struct rvq_pages {
  byte_source *source;
  size_t pos, fill;       ///< of what is in `data`
  uint64_t skipped_bytes; ///< that belonged to no whole page
  uint8_t data[2 * PAGE_MAX_BYTES];
} rvq_pages;

/// A page whose checksum is right and that holds exactly one whole packet.
typedef struct rvq_page {
  uint32_t serial;
  bool first, last; ///< of the stream
  uint64_t position;
  const uint8_t *packet; ///< valid until the next call
  size_t packet_bytes;
} rvq_page;

void rvq_pages_init(rvq_pages *p, byte_source *source);

/// The next page; `*found` false at the present end of the source. STATUS_IO.
status rvq_pages_next(rvq_pages *p, rvq_page *page, bool *found, error *err);

/// Is `data` exactly one such page? It is written to and restored.
bool rvq_page_parse(uint8_t *data, size_t size, rvq_page *page);

#endif
