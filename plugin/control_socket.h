// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// The control socket of a running instance: a Unix stream socket that speaks the line protocol of
/// engine/control/control_text.h, for `continuo set` and scripts. Nothing but this user's programs
/// can reach it: the folder is private, and so is the socket.
///
/// It has no thread; its owner polls it. A client that asks faster than it is served waits, one
/// that does not read its answers is not heard further; lines that are none are answered by an
/// error and counted. [main] throughout.
#ifndef CONTINUO_PLUGIN_CONTROL_SOCKET_H
#define CONTINUO_PLUGIN_CONTROL_SOCKET_H

#include "base/log.h"
#include "base/status.h"
#include "engine/control/control_sink.h"

#include <stdbool.h>
#include <stdint.h>

#define CONTROL_SOCKET_ENDING ".sock"
#define CONTROL_SOCKET_CLIENTS 16     ///< at once; one more takes the place of the longest silent
#define CONTROL_SOCKET_REQUESTS 32    ///< of each client, per poll
#define CONTROL_SOCKET_PATH_BYTES 108 ///< as in sockaddr_un

typedef struct control_socket control_socket;

typedef struct control_socket_config {
  const char *name; ///< of the instance; with "/" and a leading "." replaced by "_"
  control_sink sink;
  control_host host;
  const log_sink *log; ///< may be null; must outlive the socket
} control_socket_config;

typedef struct control_socket_counts {
  uint64_t requests; ///< lines read
  uint64_t refused;  ///< of these, answered by an error
  uint64_t clients;  ///< that ever came
} control_socket_counts;

/// Listen at FOLDER/NAME.sock, NAME-2 and so on where another instance lives; what a dead one left
/// behind is replaced. STATUS_IO names the folder or the path and the reason.
status control_socket_open(control_socket **s, const control_socket_config *config, error *err);
void control_socket_close(control_socket *s); ///< removes the socket; null is fine

/// Serve who is there; never waits.
void control_socket_poll(control_socket *s);

const char *control_socket_path(const control_socket *s);
const char *control_socket_name(const control_socket *s); ///< "continuo", "continuo-2"
void control_socket_read_counts(const control_socket *s, control_socket_counts *counts);

/// The `index`-th folder where sockets may be, in order: continuo in $XDG_RUNTIME_DIR (if that is
/// set), /tmp/continuo-UID; false after the last, or where a path gets too long. An instance takes
/// the first. [any]
bool control_socket_folder(int index, char folder[CONTROL_SOCKET_PATH_BYTES]);

/// Whether `folder` is a folder of this user's that nobody else can write to. [any]
bool control_socket_is_private(const char *folder);

/// A connection to the instance that listens at `path`: a file descriptor; -1 with errno. [any]
int control_socket_connect(const char *path);

#endif
