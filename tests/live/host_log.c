// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "tests/live/host_log.h"

#include "engine/session.h"

#include <stdlib.h>
#include <string.h>

// The wrapper has no argument of its own to find the log by.
static _Atomic(host_log *) current;

// The linker's names for the wrapper and what it wraps.
void __real_session_process(session *s, const float *const *in, float *const *out,
                            uint32_t n_samples, uint64_t host_time_samples);
void __wrap_session_process(session *s, const float *const *in, float *const *out,
                            uint32_t n_samples, uint64_t host_time_samples);

void __wrap_session_process(session *s, const float *const *in, float *const *out,
                            uint32_t n_samples, uint64_t host_time_samples)
{
  host_log *log = atomic_load(&current);
  uint32_t n_cycles = log ? atomic_load(&log->n_cycles) : 0;
  if (log && log->n_samples + n_samples <= log->max_samples && n_cycles < log->max_cycles) {
    for (int c = 0; c < log->n_channels; c++)
      memcpy(log->samples[c] + log->n_samples, in[c], n_samples * sizeof(float));
    log->cycles[n_cycles] = (host_cycle){host_time_samples, log->n_samples, n_samples};
    log->n_samples += n_samples;
    atomic_store(&log->n_cycles, n_cycles + 1);
  }
  __real_session_process(s, in, out, n_samples, host_time_samples);
}

bool host_log_open(host_log *log, int n_channels, uint64_t max_samples)
{
  *log = (host_log){.max_samples = max_samples,
                    .max_cycles = (uint32_t)(max_samples / 16),
                    .n_channels = n_channels};
  log->cycles = malloc(log->max_cycles * sizeof *log->cycles);
  bool good = log->cycles != NULL;
  if (good) // touched now, so that the audio thread meets no page fault
    memset(log->cycles, 0xff, log->max_cycles * sizeof *log->cycles);
  for (int c = 0; c < n_channels && good; c++) {
    log->samples[c] = malloc(max_samples * sizeof(float));
    good = log->samples[c] != NULL;
    if (good)
      memset(log->samples[c], 0xff, max_samples * sizeof(float));
  }
  atomic_store(&current, good ? log : NULL);
  return good;
}

void host_log_restart(host_log *log)
{
  atomic_store(&log->n_cycles, 0);
  log->n_samples = 0;
  log->n_unwired = 0;
}

void host_log_wired(host_log *log)
{
  log->n_unwired = atomic_load(&log->n_cycles) + 2; // a server may connect a cycle later
}

void host_log_end(host_log *log)
{
  (void)log;
  atomic_store(&current, NULL);
}

void host_log_close(host_log *log)
{
  host_log_end(log);
  free(log->cycles);
  free(log->samples[0]);
  free(log->samples[1]);
  *log = (host_log){0};
}
