// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// A datagram of any bytes, as it would come from the network: what it asks for is in range, its
/// answers are OSC of a bounded number, and given back to the server none is answered again but
/// what was a question.
#include "tests/fuzz/fuzz.h"

#include "engine/control/parameters.h"
#include "plugin/osc_dispatch.h"

#include <string.h>

#define MOST_ANSWERS 4096

static struct {
  osc_dispatch dispatch;
  bool answered; // the datagram in hand is an answer of ours
  int n_answers;
} f;

static bool take_controls(void *user, const control *batch, size_t n)
{
  (void)user;
  fuzz_require(n > 0 && n <= CONTROL_BATCH_MAX);
  for (size_t i = 0; i < n; ++i) {
    if (batch[i].kind == CONTROL_ACTION) {
      fuzz_require(batch[i].id < N_CONTROL_ACTIONS);
    } else {
      fuzz_require(batch[i].kind == CONTROL_SET && parameter_get(batch[i].id));
      fuzz_require(batch[i].value == parameter_clamp(batch[i].id, batch[i].value));
    }
  }
  fuzz_require(!f.answered);
  return true;
}

static double give_value(void *user, int id)
{
  (void)user;
  return parameter_get(id)->most;
}

static void take_answer(void *user, const void *data, size_t n)
{
  (void)user;
  fuzz_require(!f.answered); // so two servers cannot quarrel
  fuzz_require(n > 0 && n <= OSC_ANSWER_BYTES && n % 4 == 0);
  fuzz_require(++f.n_answers <= MOST_ANSWERS);
  osc_dispatch other = f.dispatch;
  other.counts = (osc_counts){0};
  f.answered = true;
  osc_dispatch_data(&other, data, n);
  f.answered = false;
  fuzz_require(other.counts.unknown == 1 && other.counts.malformed == 0);
}

static bool take_subscriber(void *user, bool on)
{
  (void)user;
  return on;
}

static bool take_request(void *user, const osc_request *r)
{
  (void)user;
  fuzz_require(r->kind != OSC_PRESET || (r->name[0] && !strchr(r->name, '/')));
  fuzz_require(memchr(r->name, '\0', sizeof r->name) && r->id >= -1 && r->id < parameter_count());
  return true;
}

static bool may_go_on(void *user)
{
  (void)user;
  return f.answered || f.n_answers < MOST_ANSWERS / 2;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  f.dispatch = (osc_dispatch){.sink = {take_controls, give_value, NULL},
                              .answer = take_answer,
                              .subscribe = take_subscriber,
                              .request = take_request,
                              .may_go_on = may_go_on};
  f.n_answers = 0;
  osc_dispatch_data(&f.dispatch, data, size);
  const osc_counts *c = &f.dispatch.counts;
  fuzz_require(c->unknown + c->refused <= c->messages + c->malformed);
  fuzz_require(c->messages <= size);
  return 0;
}
