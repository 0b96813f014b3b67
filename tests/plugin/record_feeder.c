// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "tests/plugin/record_feeder.h"

// Controls of the coming block.
static void feed(record_feeder *f, session *s)
{
  for (; f->next < f->record->n_entries; ++f->next) {
    const keep_entry *e = &f->record->entries[f->next];
    if (e->position_samples >= f->t + f->block_samples) {
      break;
    }
    const control c = {
        .kind = (uint16_t)e->kind, .id = (uint16_t)e->id, .value = e->value, .more = e->more};
    if (e->kind <= KEEP_CLOCK) {
      f->n_refused += !session_send_at(s, &c, (uint32_t)(e->position_samples - f->t));
    }
  }
}

status record_feeder_begin(void *user, session *s, error *err)
{
  (void)err;
  feed(user, s);
  return STATUS_OK;
}

bool record_feeder_go_on(void *user, const file_host_progress *progress, session *s)
{
  record_feeder *f = user;
  (void)progress;
  f->t += f->block_samples;
  feed(f, s);
  return true;
}
