// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// Processes that the live tests start: sound servers, and the clients of live_tap.
#ifndef CONTINUO_TESTS_LIVE_CHILD_H
#define CONTINUO_TESTS_LIVE_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/types.h>

typedef struct child {
  pid_t pid;  ///< 0: none
  FILE *to;   ///< its stdin; null for a server
  FILE *from; ///< its stdout; null for a server
} child;

/// Start argv[0] (searched in PATH), output to the file `log`. It dies with us.
bool child_start_server(child *c, const char *const *argv, const char *log);

/// Start a program that takes commands on stdin, and wait for its first answer, "ok ...".
bool child_start_client(child *c, const char *const *argv);

/// Send one command line and wait for its answer; `answer` (may be null) gets what follows "ok".
/// False when the answer was "no ...", which is printed.
bool child_ask(child *c, char *answer, size_t size, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/// The same in two halves, for commands that take their time.
bool child_send(child *c, const char *line);
bool child_answer(child *c, char *answer, size_t size);

/// Send "quit" and wait; true when it ended well.
bool child_quit(child *c);

/// Kill with `signal`, reap. Harmless when none runs.
void child_kill(child *c, int signal);

/// Whether it still runs.
bool child_runs(child *c);

#endif
