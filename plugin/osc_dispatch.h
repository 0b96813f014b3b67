// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// What OSC datagrams ask for: bytes in, controls and answers out; no socket. Messages are read and
/// written by liblo; bundles are opened here and acted on at once, their time tags unread, all
/// controls of one in a batch.
///
/// | path | arguments | does |
/// | --- | --- | --- |
/// | /continuo/set/KEY | number, word or T, F | sets a parameter; numbers are brought into range |
/// | /continuo/get/KEY | | answers /continuo/value KEY VALUE |
/// | /continuo/get | | the same for every parameter |
/// | /continuo/mode | word or index | sets the mode |
/// | /continuo/action/NAME | none, or not 0 | acts (buttons send 1 when pressed, 0 when let go) |
/// | /continuo/panic | the same | acts |
/// | /continuo/keep | the same | has the performance written down |
/// | /continuo/preset | word | has a preset loaded |
/// | /continuo/learn | key, or nothing | binds the next MIDI controller that moves |
/// | /continuo/subscribe | | answers with every value, then with each that changes, for a while |
/// | /continuo/unsubscribe | | no more of that |
/// | /continuo/ping | | answers /continuo/pong |
///
/// Values are answered as f, i (whole numbers that fit, switches), d (those that do not) or s
/// (words). A known path with wrong arguments is answered by /continuo/error PATH SENTENCE; other
/// paths are not answered, so that two servers never quarrel.
///
/// One thread at a time.
#ifndef CONTINUO_PLUGIN_OSC_DISPATCH_H
#define CONTINUO_PLUGIN_OSC_DISPATCH_H

#include "engine/control/control_sink.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define OSC_DATAGRAM_BYTES 8192 ///< longer ones are dropped
#define OSC_ANSWER_BYTES 1024

/// What only the program can do.
typedef enum osc_request_kind { OSC_KEEP, OSC_PRESET, OSC_LEARN } osc_request_kind;

typedef struct osc_request {
  osc_request_kind kind;
  int id;         ///< OSC_LEARN: parameter; -1: no more
  char name[128]; ///< OSC_PRESET: a name, no path
} osc_request;

typedef struct osc_counts {
  uint64_t messages;  ///< well formed
  uint64_t malformed; ///< no OSC, or cut off
  uint64_t unknown;   ///< of no path above
  uint64_t refused;   ///< of wrong arguments
  uint64_t dropped;   ///< not taken: too many at once
} osc_counts;

typedef struct osc_dispatch {
  control_sink sink;
  /// An answer to who asked. May be null.
  void (*answer)(void *user, const void *data, size_t n_bytes);
  /// False where there is no room for another subscriber.
  bool (*subscribe)(void *user, bool on);
  bool (*request)(void *user, const osc_request *r); ///< false: no room
  /// Asked before each message; false: it is dropped unread. May be null.
  bool (*may_go_on)(void *user);
  void *user;
  osc_counts counts;
  // of the datagram in hand
  control batch[CONTROL_BATCH_MAX];
  size_t n_batch;
} osc_dispatch;

/// Act on one datagram.
void osc_dispatch_data(osc_dispatch *d, const void *data, size_t n_bytes);

/// The answer that tells a parameter's value: its bytes; 0: no room for them.
size_t osc_value_message(int id, double value, uint8_t to[OSC_ANSWER_BYTES]);

#endif
