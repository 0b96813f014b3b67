// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// docs/control.md says of MIDI what the map does.

#include "base/file.h"
#include "engine/control/midi_map.h"
#include "engine/control/parameters.h"
#include "tests/temp_folder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static char page[65536];

static int read_page(void **state)
{
  (void)state;
  file_map map;
  if (file_map_open(&map, source_path("docs/control.md"), NULL) || map.size_bytes >= sizeof page) {
    return -1;
  }
  memcpy(page, map.data, map.size_bytes);
  page[map.size_bytes] = '\0';
  file_map_close(&map);
  return 0;
}

// The row of the table that begins with `head`, up to its end; null: there is none.
static const char *row_of(const char *head)
{
  static char row[256];
  char begins[64];
  const size_t n = (size_t)snprintf(begins, sizeof begins, "\n| %s", head);
  for (const char *at = strstr(page, begins); at; at = strstr(at + 1, begins)) {
    if (strchr(" ,", at[n])) { // and not of 36 for 3
      snprintf(row, sizeof row, "%.*s", (int)strcspn(at + 1, "\n"), at + 1);
      return row;
    }
  }
  return NULL;
}

static void assert_says(const char *head, const char *words)
{
  const char *row = row_of(head);
  if (!row || !strstr(row, words)) {
    fail_msg("the row \"%s\" does not say \"%s\": %s", head, words, row ? row : "(none)");
  }
}

static void test_notes(void **state)
{
  (void)state;
  static midi_map map;
  midi_map_init(&map, 48000);
  for (int note = 0; note < 128; ++note) {
    const uint8_t bytes[3] = {0x90, (uint8_t)note, 100};
    char head[32], words[64];
    control c;
    snprintf(head, sizeof head, "note %d", note);
    if (!midi_map_take(&map, bytes, 3, 0, &c)) {
      assert_null(row_of(head));
    } else if (c.kind == CONTROL_ACTION) {
      snprintf(words, sizeof words, "| %s", control_action_name((control_action)c.id));
      assert_says(head, words);
    } else {
      char mode[32];
      parameter_format(PARAMETER_MODE, c.value, mode, sizeof mode);
      snprintf(words, sizeof words, "| mode %s |", mode);
      assert_says(head, words);
    }
  }
}

static void test_controllers(void **state)
{
  (void)state;
  static midi_map map;
  midi_map_init(&map, 48000);
  for (int cc = 0; cc < MIDI_N_CONTROLLERS; ++cc) {
    const uint8_t bytes[3] = {0xb0, (uint8_t)cc, 127};
    char head[32], words[64];
    control c;
    snprintf(head, sizeof head, "CC %d", cc);
    if (!midi_map_take(&map, bytes, 3, 0, &c)) {
      assert_null(row_of(head));
    } else if (c.kind == CONTROL_SET) {
      snprintf(words, sizeof words, "`%s`", parameter_get(c.id)->key);
      assert_says(head, words);
    } else if (cc != 123) { // which shares a row
      assert_says(head, control_action_name((control_action)c.id));
    }
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_notes),
      cmocka_unit_test(test_controllers),
  };
  return cmocka_run_group_tests(tests, read_page, NULL);
}
