// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// continuo import: a foreign checkpoint becomes one model file, once.

#include "models/import.h"
#include "ui-tui/cli/commands.h"

static status run_import(const command *self, command_context *context, int argc, char **argv,
                         error *err)
{
  int n_operands = 0;
  bool done = false;
  status code =
      command_parse(self, context, NULL, false, argc, argv, 2, 16, &n_operands, &done, err);
  if (code || done) {
    return code;
  }
  const char *destination = argv[n_operands];
  code =
      model_import((const char *const *)argv + 1, n_operands - 1, destination, &context->log, err);
  if (!code) {
    log_write(&context->log, LOG_INFO, "wrote %s", destination);
  }
  return code;
}

const command command_import = {"import", "SRC... DST.safetensors",
                                "Turn EnCodec, Hugging Face or Lyra files into a model file",
                                run_import};
