// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "base/utf8.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

// Every code point, written and recognised; a sequence cut short is none.
static void test_all_code_points(void **state)
{
  (void)state;
  for (uint32_t point = 0; point < 0x110000; ++point) {
    char bytes[4];
    const size_t n = utf8_encode(point, bytes);
    const size_t expected = point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    const int surrogate = point >= 0xd800 && point < 0xe000;
    if (n != expected || utf8_sequence((uint8_t *)bytes, n) != (surrogate ? 0 : n) ||
        utf8_sequence((uint8_t *)bytes, n - 1) != 0) {
      fail_msg("U+%04X", point);
    }
  }
}

// Of all byte quadruples that begin with three chosen bytes or fewer, exactly the valid sequences
// pass: counted against the number of code points of each length.
static void test_no_other_bytes(void **state)
{
  (void)state;
  long counts[5] = {0};
  for (uint32_t lead = 0; lead < 0x100; ++lead) {
    for (uint32_t second = 0; second < 0x100; ++second) {
      for (uint32_t rest = 0; rest < 4; ++rest) { // third and fourth: good or bad
        const uint8_t bytes[4] = {(uint8_t)lead, (uint8_t)second, rest & 1 ? 0x80 : 0x41,
                                  rest & 2 ? 0xbf : 0xc0};
        ++counts[utf8_sequence(bytes, 4)];
      }
    }
  }
  assert_int_equal(counts[1], 0x80 * 0x100 * 4);
  assert_int_equal(counts[2], 0x780 / 0x40 * 0x40 * 4);
  assert_int_equal(counts[3], (0x10000 - 0x800 - 0x800) / 0x40 * 2);
  assert_int_equal(counts[4], 0x100000 / 0x1000);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_all_code_points),
      cmocka_unit_test(test_no_other_bytes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
