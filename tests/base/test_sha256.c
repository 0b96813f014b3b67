// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "base/sha256.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void expect(const char *text, size_t repeats, const char *digest)
{
  for (int portable = 0; portable < 2; ++portable) { // both ways, where the processor has two
    sha256 h;
    char hex[SHA256_HEX_BYTES];
    sha256_init(&h);
    h.has_instructions = h.has_instructions && !portable;
    for (size_t i = 0; i < repeats; ++i) {
      sha256_update(&h, text, strlen(text));
    }
    sha256_final_hex(&h, hex);
    assert_string_equal(hex, digest);
  }
}

// The examples of FIPS 180-4's companion documents.
static void test_known_digests(void **state)
{
  (void)state;
  expect("", 1, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  expect("abc", 1, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  expect("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1,
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  expect("a", 1000000, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

// Every split of 200 bytes, an empty update between, gives what one update gives.
static void test_any_split(void **state)
{
  (void)state;
  uint8_t data[200];
  for (size_t i = 0; i < sizeof data; ++i) {
    data[i] = (uint8_t)(i * 37);
  }
  for (size_t size = 0; size <= sizeof data; ++size) {
    sha256 whole;
    uint8_t expected[SHA256_BYTES];
    sha256_init(&whole);
    sha256_update(&whole, data, size);
    sha256_final(&whole, expected);
    for (size_t split = 0; split <= size; ++split) {
      sha256 parts;
      uint8_t digest[SHA256_BYTES];
      sha256_init(&parts);
      sha256_update(&parts, data, split);
      sha256_update(&parts, NULL, 0);
      sha256_update(&parts, data + split, size - split);
      sha256_final(&parts, digest);
      assert_memory_equal(digest, expected, sizeof digest);
    }
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_known_digests),
      cmocka_unit_test(test_any_split),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
