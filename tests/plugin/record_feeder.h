// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// Plays a performance's controls to the file host, each at its stamp: both functions are callbacks
/// of file_host_config, whose `user` is the feeder. Blocks must all be as long.
#ifndef CONTINUO_TESTS_PLUGIN_RECORD_FEEDER_H
#define CONTINUO_TESTS_PLUGIN_RECORD_FEEDER_H

#include "engine/keep/performance.h"
#include "plugin/file_host.h"

typedef struct record_feeder {
  const performance *record;
  uint32_t block_samples;
  size_t next; ///< entry
  uint64_t t;  ///< stream position of the coming block
  size_t n_refused;
} record_feeder;

status record_feeder_begin(void *user, session *s, error *err);
bool record_feeder_go_on(void *user, const file_host_progress *progress, session *s);

#endif
