// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// Everything that a step depends on, in one stretch of memory and back.

#include "engine/play/player_internal.h"

#include <string.h>

// Where a place's snapshot of a model is no pointer but a flag and a copy.
typedef struct flat_place {
  bool taken;
  int memory;
  uint64_t seed, draw;
} flat_place;

static size_t model_bytes(const player *p)
{
  return p->models[0] ? token_state_bytes(p->models[0]) : 0;
}

static size_t heard_bytes(const player *p)
{
  return PLAYER_HEARD_STEPS * (size_t)p->config.n_used * sizeof *p->heard;
}

size_t player_bytes(const player *p)
{
  const size_t effects = p->has_effects ? code_effects_bytes(&p->effects) : 0;
  return sizeof p->face + heard_bytes(p) + effects + (PLAYER_MEMORIES + 2) * model_bytes(p) +
         2 * sizeof(flat_place);
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

static unsigned char *put_place(unsigned char *to, const player *p, const player_place *place)
{
  const flat_place flat = {place->taken, place->memory, place->seed, place->draw};
  to = put(to, &flat, sizeof flat);
  return place->model ? put(to, place->model, model_bytes(p)) : to;
}

static const unsigned char *take_place(const unsigned char *from, const player *p,
                                       player_place *place)
{
  flat_place flat;
  from = take(from, &flat, sizeof flat);
  place->taken = flat.taken;
  place->memory = flat.memory;
  place->seed = flat.seed;
  place->draw = flat.draw;
  return place->model ? take(from, place->model, model_bytes(p)) : from;
}

status player_save(const player *p, void *snapshot)
{
  unsigned char *to = put(snapshot, &p->face, sizeof p->face);
  to = put(to, p->heard, heard_bytes(p));
  to = put_place(to, p, &p->again);
  to = put_place(to, p, &p->mark);
  if (p->has_effects) {
    code_effects_save(&p->effects, to);
    to += code_effects_bytes(&p->effects);
  }
  for (int i = 0; i < PLAYER_MEMORIES && p->models[i]; ++i) {
    const status st = token_state_save(p->models[i], to);
    if (st != STATUS_OK) {
      return st;
    }
    to += model_bytes(p);
  }
  return STATUS_OK;
}

status player_restore(player *p, const void *snapshot)
{
  const unsigned char *from = take(snapshot, &p->face, sizeof p->face);
  from = take(from, p->heard, heard_bytes(p));
  from = take_place(from, p, &p->again);
  from = take_place(from, p, &p->mark);
  if (p->has_effects) {
    code_effects_restore(&p->effects, from);
    from += code_effects_bytes(&p->effects);
  }
  for (int i = 0; i < PLAYER_MEMORIES && p->models[i]; ++i) {
    const status st = token_state_restore(p->models[i], from);
    if (st != STATUS_OK) {
      return st;
    }
    from += model_bytes(p);
  }
  return STATUS_OK;
}

void player_visit_memory(const player *p, codec_memory_visit visit, void *user)
{
  visit(user, p, sizeof *p);
  visit(user, p->heard, heard_bytes(p));
  if (p->has_effects) {
    visit(user, p->effects.memory, p->effects.memory_bytes);
  }
  for (int i = 0; i < PLAYER_MEMORIES && p->models[i]; ++i) {
    token_visit_memory(p->models[i], visit, user);
  }
}
