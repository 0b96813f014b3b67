// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// What our own process callback was really given, cycle by cycle. The linker puts our wrapper in
/// front of session_process (-Wl,--wrap), so nothing of this is in the program itself. It tells
/// what a recorder in another process cannot know: which cycles a server passed over, for whom.
#ifndef CONTINUO_TESTS_LIVE_HOST_LOG_H
#define CONTINUO_TESTS_LIVE_HOST_LOG_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct host_cycle {
  uint64_t time_samples; ///< host_time_samples as given to session_process
  uint64_t at;           ///< its first sample in `samples`
  uint32_t n_samples;
} host_cycle;

typedef struct host_log {
  host_cycle *cycles;
  float *samples[2];    ///< [n_samples] per channel
  atomic_uint n_cycles; ///< complete ones; grows while the session runs
  uint64_t n_samples;   ///< the audio thread's own
  uint32_t n_unwired;   ///< leading cycles during which not everything was connected yet
  uint64_t max_samples;
  uint32_t max_cycles;
  int n_channels;
} host_log;

/// Log everything from now on, up to `max_samples`. Only while no session runs. False: no memory.
bool host_log_open(host_log *log, int n_channels, uint64_t max_samples);
void host_log_restart(host_log *log); ///< forget what was logged; only while no session runs
void host_log_wired(host_log *log);   ///< from about now on everything is connected
void host_log_end(host_log *log);     ///< log nothing more; only while no session runs
void host_log_close(host_log *log);   ///< harmless when not open

#endif
