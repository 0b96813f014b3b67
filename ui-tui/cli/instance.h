// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// A running instance, asked through its control socket (plugin/control_socket.h). Main thread.
#ifndef CONTINUO_UI_TUI_CLI_INSTANCE_H
#define CONTINUO_UI_TUI_CLI_INSTANCE_H

#include "base/status.h"

#include <stddef.h>

typedef struct instance {
  int fd;
  char name[64];
  char text[4096]; ///< received and not read yet
  size_t n_text;
} instance;

/// Connect to the instance called `name`; null: to the one called continuo, else to the only one
/// there is. STATUS_NOT_FOUND where none runs, STATUS_USAGE where one must be chosen.
status instance_open(instance *i, const char *name, error *err);
void instance_close(instance *i);

/// Send one request (without a newline) and wait for its answer, `timeout_s` seconds at most. Each
/// line of a value goes to `each` (may be null). STATUS_DEVICE with the instance's own sentence
/// where it refused; STATUS_IO where it went away or did not answer.
status instance_ask(instance *i, const char *request, double timeout_s,
                    void (*each)(void *user, const char *line), void *user, error *err);

#endif
