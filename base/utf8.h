// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// UTF-8, checked strictly: no overlong forms, no surrogates, nothing above U+10FFFF.
/// Source: RFC 3629, section 4. Any thread.
#ifndef CONTINUO_BASE_UTF8_H
#define CONTINUO_BASE_UTF8_H

#include <stddef.h>
#include <stdint.h>

/// Length in bytes (1 to 4) of the valid sequence that `text` begins with; 0 when the bytes are no
/// valid sequence or `size_bytes` ends in the middle of one.
size_t utf8_sequence(const uint8_t *text, size_t size_bytes);

/// Write code point `point` (below 0x110000, no surrogate) as 1 to 4 bytes; returns how many.
size_t utf8_encode(uint32_t point, char bytes[4]);

#endif
