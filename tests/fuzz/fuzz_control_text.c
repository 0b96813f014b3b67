// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// Each line of the input is a request or is refused in words; what it asks for is in range, and
/// written again as values it asks for the same.
#include "tests/fuzz/fuzz.h"

#include "engine/control/control_text.h"
#include "engine/control/parameters.h"

#include <stdio.h>
#include <string.h>

static void check_controls(const text_request *r)
{
  fuzz_require(r->n_controls > 0 && r->n_controls <= CONTROL_BATCH_MAX);
  for (size_t i = 0; i < r->n_controls; ++i) {
    const control *c = &r->controls[i];
    if (c->kind == CONTROL_ACTION) {
      fuzz_require(c->id < N_CONTROL_ACTIONS);
      continue;
    }
    fuzz_require(c->kind == CONTROL_SET && parameter_get(c->id));
    fuzz_require(c->value == parameter_clamp(c->id, c->value));
    char value[CONTROL_VALUE_BYTES], line[CONTROL_VALUE_BYTES + 4];
    static text_request again;
    snprintf(line, sizeof line, "set %s", control_text_value(c->id, c->value, value));
    fuzz_require(control_text_parse(line, strlen(line), &again, NULL) == STATUS_OK);
    fuzz_require(again.n_controls == 1 && again.controls[0].id == c->id &&
                 again.controls[0].value == c->value);
  }
}

static void check_line(const char *line, size_t n)
{
  static text_request r;
  error err = {STATUS_OK, ""};
  if (control_text_parse(line, n, &r, &err)) {
    fuzz_require(err.code == STATUS_USAGE && err.message[0]);
    return;
  }
  fuzz_require(strlen(r.argument) < n);
  if (r.verb == TEXT_SEND) {
    check_controls(&r);
  } else {
    fuzz_require(r.n_controls == 0 && r.id >= -1 && r.id < parameter_count());
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  const char *text = (const char *)data;
  while (size > 0) {
    const char *end = memchr(text, '\n', size);
    const size_t n = end ? (size_t)(end - text) : size;
    check_line(text, n);
    text += n + (end != NULL);
    size -= n + (end != NULL);
  }
  return 0;
}
