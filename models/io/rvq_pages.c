// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "models/io/rvq_pages.h"

#include <ogg/ogg.h>
#include <string.h>

#define HEAD_BYTES 27 // before the table of segments; RFC 3533, section 6

typedef enum verdict { PAGE_GOOD, PAGE_BAD, PAGE_INCOMPLETE } verdict;

void rvq_pages_init(rvq_pages *p, byte_source *source)
{
  p->source = source;
  p->pos = p->fill = 0;
  p->skipped_bytes = 0;
}

// Offset of the next capture pattern at or after `from`, or of where one may begin at the end.
static size_t find_capture(const rvq_pages *p, size_t from)
{
  for (; from < p->fill; ++from) {
    const uint8_t *hit = memchr(p->data + from, 'O', p->fill - from);
    if (!hit) {
      return p->fill;
    }
    from = (size_t)(hit - p->data);
    const size_t left = p->fill - from;
    if (memcmp(hit, "OggS", left < 4 ? left : 4) == 0) {
      return from;
    }
  }
  return p->fill;
}

// The checksum stands within the bytes it covers; libogg computes it in place.
static bool checksum_right(uint8_t *head, size_t head_bytes, size_t body_bytes)
{
  uint8_t stored[4];
  ogg_page page = {head, (long)head_bytes, head + head_bytes, (long)body_bytes};
  memcpy(stored, head + 22, 4);
  ogg_page_checksum_set(&page);
  const bool right = memcmp(stored, head + 22, 4) == 0;
  memcpy(head + 22, stored, 4);
  return right;
}

static verdict judge(uint8_t *head, size_t left, size_t *page_bytes)
{
  if (left < HEAD_BYTES || left < HEAD_BYTES + (size_t)head[26]) {
    return PAGE_INCOMPLETE;
  }
  const size_t head_bytes = HEAD_BYTES + (size_t)head[26];
  size_t body_bytes = 0;
  for (size_t i = HEAD_BYTES; i < head_bytes; ++i) {
    body_bytes += head[i];
  }
  if (left < head_bytes + body_bytes) {
    return PAGE_INCOMPLETE;
  }
  *page_bytes = head_bytes + body_bytes;
  return head[4] == 0 && checksum_right(head, head_bytes, body_bytes) ? PAGE_GOOD : PAGE_BAD;
}

// At the present end, an incomplete page is either being written or a damaged one that claims too
// much. It is the latter if a whole page lies within it.
static size_t find_page_within(rvq_pages *p, size_t at, size_t *page_bytes)
{
  for (at = find_capture(p, at + 1); at < p->fill; at = find_capture(p, at + 1)) {
    if (judge(p->data + at, p->fill - at, page_bytes) == PAGE_GOOD) {
      return at;
    }
  }
  return p->fill;
}

static status refill(rvq_pages *p, bool *more, error *err)
{
  size_t n = 0;
  memmove(p->data, p->data + p->pos, p->fill - p->pos);
  p->fill -= p->pos;
  p->pos = 0;
  const status code =
      byte_source_read_some(p->source, p->data + p->fill, sizeof p->data - p->fill, &n, err);
  p->fill += n;
  *more = n > 0;
  return code;
}

static void skip_to(rvq_pages *p, size_t at)
{
  p->skipped_bytes += at - p->pos;
  p->pos = at;
}

// Fill `page`; false unless it holds exactly one whole packet.
static bool parse(const uint8_t *head, size_t page_bytes, rvq_page *page)
{
  const size_t n_segments = head[26];
  const size_t head_bytes = HEAD_BYTES + n_segments;
  *page = (rvq_page){
      .first = head[5] & 2,
      .last = head[5] & 4,
      .packet = head + head_bytes,
      .packet_bytes = page_bytes - head_bytes,
  };
  for (unsigned i = 0; i < 8; ++i) {
    page->position |= (uint64_t)head[6 + i] << (8 * i);
  }
  for (unsigned i = 0; i < 4; ++i) {
    page->serial |= (uint32_t)head[14 + i] << (8 * i);
  }
  bool one = n_segments > 0 && !(head[5] & 1) && head[head_bytes - 1] < 255;
  for (size_t i = HEAD_BYTES; one && i + 1 < head_bytes; ++i) {
    one = head[i] == 255;
  }
  return one;
}

status rvq_pages_next(rvq_pages *p, rvq_page *page, bool *found, error *err)
{
  *found = false;
  while (!*found) {
    size_t page_bytes = 0;
    skip_to(p, find_capture(p, p->pos));
    verdict v = judge(p->data + p->pos, p->fill - p->pos, &page_bytes);
    if (v == PAGE_INCOMPLETE) {
      bool more = false;
      const status code = refill(p, &more, err);
      if (code != STATUS_OK) {
        return code;
      }
      if (more) {
        continue;
      }
      const size_t within = find_page_within(p, p->pos, &page_bytes);
      if (within == p->fill) {
        return STATUS_OK;
      }
      skip_to(p, within);
      v = PAGE_GOOD;
    }
    if (v == PAGE_BAD) {
      skip_to(p, p->pos + 1);
      continue;
    }
    *found = parse(p->data + p->pos, page_bytes, page);
    p->pos += page_bytes;
    p->skipped_bytes += *found ? 0 : page_bytes;
  }
  return STATUS_OK;
}

bool rvq_page_parse(uint8_t *data, size_t size, rvq_page *page)
{
  size_t page_bytes = 0;
  return size >= 4 && memcmp(data, "OggS", 4) == 0 && judge(data, size, &page_bytes) == PAGE_GOOD &&
         page_bytes == size && parse(data, page_bytes, page);
}
