// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// A control sink without a session: it keeps what is sent as values and counts, and takes only so
/// many controls at a time. Any thread.
#ifndef CONTINUO_TESTS_PLUGIN_TRIAL_SINK_H
#define CONTINUO_TESTS_PLUGIN_TRIAL_SINK_H

#include "engine/control/control_sink.h"
#include "engine/control/parameters.h"

#include <pthread.h>
#include <stdint.h>

typedef struct trial_sink {
  pthread_mutex_t lock;
  double values[PARAMETER_MAX];
  uint64_t n_actions[N_CONTROL_ACTIONS];
  uint64_t n_sent, n_dropped; ///< controls
  uint64_t n_batches;
  size_t largest_batch;
  uint64_t room; ///< controls that are still taken
  bool out_of_range;
} trial_sink;

static inline bool trial_sink_send(void *user, const control *batch, size_t n)
{
  trial_sink *t = user;
  pthread_mutex_lock(&t->lock);
  const bool taken = n <= t->room;
  t->n_dropped += taken ? 0 : n;
  t->n_sent += taken ? n : 0;
  t->n_batches += taken;
  t->room -= taken ? n : 0;
  t->largest_batch = n > t->largest_batch ? n : t->largest_batch;
  for (size_t i = 0; i < n && taken; ++i) {
    if (batch[i].kind == CONTROL_SET && parameter_get(batch[i].id)) {
      t->out_of_range |= batch[i].value != parameter_clamp(batch[i].id, batch[i].value);
      t->values[batch[i].id] = batch[i].value;
    } else if (batch[i].kind == CONTROL_ACTION && batch[i].id < N_CONTROL_ACTIONS) {
      ++t->n_actions[batch[i].id];
    } else {
      t->out_of_range = true;
    }
  }
  pthread_mutex_unlock(&t->lock);
  return taken;
}

static inline double trial_sink_value(void *user, int id)
{
  trial_sink *t = user;
  pthread_mutex_lock(&t->lock);
  const double value = t->values[id];
  pthread_mutex_unlock(&t->lock);
  return value;
}

static inline control_sink trial_sink_init(trial_sink *t)
{
  *t = (trial_sink){.lock = PTHREAD_MUTEX_INITIALIZER, .room = UINT64_MAX};
  parameters_standard(t->values);
  return (control_sink){trial_sink_send, trial_sink_value, t};
}

#endif
