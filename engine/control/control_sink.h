// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// Where controls go, and what else may be asked of a running instance: what stands between those
/// who listen to the outside (control socket, OSC) and the session that they do not know.
#ifndef CONTINUO_ENGINE_CONTROL_CONTROL_SINK_H
#define CONTINUO_ENGINE_CONTROL_CONTROL_SINK_H

#include "base/status.h"
#include "engine/control/control.h"

#include <stdbool.h>
#include <stddef.h>

#define CONTROL_BATCH_MAX 64 ///< controls that are sent at once at most

/// A session's control side (session_send, session_parameter). Any number of threads may call at
/// once, never the audio thread.
typedef struct control_sink {
  /// All of `batch` get one stamp, or none of them is taken (no room, no session) and false.
  bool (*send)(void *user, const control *batch, size_t n);
  double (*value)(void *user, int id); ///< of a parameter, as last stamped
  void *user;
} control_sink;

/// What only the program can do. Functions that are null are refused in words.
typedef struct control_host {
  /// Write down the performance; `folder` null: where it is usual.
  status (*keep)(void *user, const char *folder, error *err);
  status (*preset)(void *user, const char *name, error *err);
  /// The next MIDI controller that moves is bound to parameter `id`; -1: no more.
  status (*learn)(void *user, int id, error *err);
  /// Call `line` for each figure, in order. Keys and values without white space at their ends.
  void (*telemetry)(void *user, void (*line)(void *to, const char *key, const char *value),
                    void *to);
  void *user;
} control_host;

#endif
