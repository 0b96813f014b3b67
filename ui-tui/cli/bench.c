// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "ui-tui/cli/bench.h"

status bench_begin(const command *self, command_context *context, const option_row *rows,
                   const compute_options *compute, int argc, char **argv, device **dev, error *err)
{
  *dev = NULL;
  int n_operands = 0;
  bool done = false;
  status code = command_parse(self, context, rows, true, argc, argv, 0, 0, &n_operands, &done, err);
  if (code || done) {
    return code;
  }
  code = compute_open(compute, dev, err);
  if (!code) {
    device_flush_denormals();
  }
  return code;
}
