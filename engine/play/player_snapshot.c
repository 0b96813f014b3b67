// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// Everything that a step depends on, in one stretch of memory and back.

#include "engine/play/player_internal.h"

#include <string.h>

size_t player_bytes(const player *p)
{
  const size_t memory = player_heard_bytes(p) + player_model_bytes(p);
  const size_t n_memories = PLAYER_MEMORIES + (p->copies[0].model ? PLAYER_PLACES : 0);
  const size_t effects = p->has_effects ? code_effects_bytes(&p->effects) : 0;
  return sizeof p->face + n_memories * memory + effects;
}

static unsigned char *put(unsigned char *to, const void *from, size_t bytes)
{
  memcpy(to, from, bytes);
  return to + bytes;
}

static const unsigned char *take(const unsigned char *from, void *to, size_t bytes)
{
  memcpy(to, from, bytes);
  return from + bytes;
}

status player_save(const player *p, void *snapshot)
{
  unsigned char *to = put(snapshot, &p->face, sizeof p->face);
  for (int i = 0; i < PLAYER_PLACES && p->copies[i].model; ++i) {
    to = put(to, p->copies[i].heard, player_heard_bytes(p));
    to = put(to, p->copies[i].model, player_model_bytes(p));
  }
  for (int i = 0; i < PLAYER_MEMORIES; ++i) {
    to = put(to, p->heard[i], player_heard_bytes(p));
    const status st = p->models[i] ? token_state_save(p->models[i], to) : STATUS_OK;
    if (st != STATUS_OK) {
      return st;
    }
    to += player_model_bytes(p);
  }
  if (p->has_effects) {
    code_effects_save(&p->effects, to);
  }
  return STATUS_OK;
}

status player_restore(player *p, const void *snapshot)
{
  const unsigned char *from = take(snapshot, &p->face, sizeof p->face);
  for (int i = 0; i < PLAYER_PLACES && p->copies[i].model; ++i) {
    from = take(from, p->copies[i].heard, player_heard_bytes(p));
    from = take(from, p->copies[i].model, player_model_bytes(p));
  }
  for (int i = 0; i < PLAYER_MEMORIES; ++i) {
    from = take(from, p->heard[i], player_heard_bytes(p));
    const status st = p->models[i] ? token_state_restore(p->models[i], from) : STATUS_OK;
    if (st != STATUS_OK) {
      return st;
    }
    from += player_model_bytes(p);
  }
  if (p->has_effects) {
    code_effects_restore(&p->effects, from);
  }
  return STATUS_OK;
}

void player_visit_memory(const player *p, codec_memory_visit visit, void *user)
{
  const size_t codes_bytes = (size_t)p->config.n_used * sizeof *p->codes;
  visit(user, p, sizeof *p);
  visit(user, p->codes, codes_bytes);
  visit(user, p->blend, codes_bytes);
  if (p->has_effects) {
    visit(user, p->effects.memory, p->effects.memory_bytes);
  }
  for (int i = 0; i < PLAYER_MEMORIES; ++i) {
    visit(user, p->heard[i], player_heard_bytes(p));
    if (p->models[i]) {
      token_visit_memory(p->models[i], visit, user);
    }
  }
  for (int i = 0; i < PLAYER_PLACES && p->copies[i].model; ++i) {
    visit(user, p->copies[i].heard, player_heard_bytes(p));
    visit(user, p->copies[i].model, player_model_bytes(p));
  }
}
