// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "base/utf8.h"

static int in_range(uint8_t byte, uint8_t least, uint8_t most)
{
  return byte >= least && byte <= most;
}

size_t utf8_sequence(const uint8_t *text, size_t size_bytes)
{
  if (size_bytes == 0) {
    return 0;
  }
  const uint8_t first = text[0];
  if (first < 0x80) {
    return 1;
  }
  const size_t length = in_range(first, 0xc2, 0xdf)   ? 2
                        : in_range(first, 0xe0, 0xef) ? 3
                        : in_range(first, 0xf0, 0xf4) ? 4
                                                      : 0;
  if (length == 0 || size_bytes < length) {
    return 0;
  }
  // The second byte's range is what keeps out overlong forms, surrogates and what is above
  // U+10FFFF.
  const uint8_t least = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
  const uint8_t most = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
  if (!in_range(text[1], least, most)) {
    return 0;
  }
  for (size_t i = 2; i < length; ++i) {
    if (!in_range(text[i], 0x80, 0xbf)) {
      return 0;
    }
  }
  return length;
}

size_t utf8_encode(uint32_t point, char bytes[4])
{
  if (point < 0x80) {
    bytes[0] = (char)point;
    return 1;
  }
  const size_t length = point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
  static const uint8_t marks[5] = {0, 0, 0xc0, 0xe0, 0xf0};
  for (size_t i = length - 1; i > 0; --i) {
    bytes[i] = (char)(0x80 | (point & 0x3f));
    point >>= 6;
  }
  bytes[0] = (char)(marks[length] | point);
  return length;
}
