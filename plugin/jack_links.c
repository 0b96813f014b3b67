// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "plugin/jack_links.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static jack_link *find(const jack_links *l, int port, const char *peer)
{
  for (size_t i = 0; i < l->n_items; i++)
    if (l->items[i].port == port && strcmp(l->items[i].peer, peer) == 0)
      return &l->items[i];
  return NULL;
}

static status add(jack_links *l, int port, const char *peer, error *err)
{
  if (l->n_items == l->capacity) {
    size_t capacity = l->capacity ? 2 * l->capacity : 16;
    jack_link *items = realloc(l->items, capacity * sizeof *items);
    if (!items)
      return error_set(err, STATUS_NO_MEMORY, "no memory to remember connections");
    l->items = items;
    l->capacity = capacity;
  }
  jack_link *link = &l->items[l->n_items++];
  *link = (jack_link){.port = port};
  snprintf(link->peer, sizeof link->peer, "%s", peer);
  return STATUS_OK;
}

static void forget_all_but_pending(jack_links *l)
{
  size_t n_kept = 0;
  for (size_t i = 0; i < l->n_items; i++)
    if (l->items[i].pending)
      l->items[n_kept++] = l->items[i];
  l->n_items = n_kept;
}

void jack_links_free(jack_links *l)
{
  free(l->items);
  l->items = NULL;
  l->n_items = l->capacity = 0;
}

void jack_links_expect(jack_links *l)
{
  for (size_t i = 0; i < l->n_items; i++)
    l->items[i].pending = true;
}

status jack_links_remember(jack_links *l, const jack_process *p, error *err)
{
  forget_all_but_pending(l);
  for (int port = 0; port < JACK_N_PORTS; port++) {
    const char **peers = p->api->port_get_all_connections(p->client, p->ports[port]);
    status st = STATUS_OK;
    for (size_t i = 0; peers && peers[i] && !st; i++) {
      jack_link *known = find(l, port, peers[i]);
      if (known)
        known->pending = false;
      else
        st = add(l, port, peers[i], err);
    }
    if (peers)
      p->api->free(peers);
    if (st)
      return st;
  }
  return STATUS_OK;
}

static bool make(jack_links *l, const jack_process *p, int port, const char *peer)
{
  const char *own = p->api->port_name(p->ports[port]);
  bool input = jack_port_is_input(port);
  int refused =
      input ? p->api->connect(p->client, peer, own) : p->api->connect(p->client, own, peer);
  bool made = refused == 0 || refused == EEXIST;
  if (made)
    log_write(l->log, LOG_INFO, "connected %s %s %s", own, input ? "from" : "to", peer);
  return made;
}

static int make_pending(jack_links *l, const jack_process *p)
{
  int n_made = 0;
  for (size_t i = 0; i < l->n_items; i++) {
    jack_link *link = &l->items[i];
    if (!link->pending || !p->api->port_by_name(p->client, link->peer))
      continue;
    if (make(l, p, link->port, link->peer)) {
      link->pending = false;
      n_made++;
    }
  }
  return n_made;
}

static bool is_own(const jack_process *p, const char *name)
{
  const char *client = p->api->get_client_name(p->client);
  size_t length = strlen(client);
  return strncmp(name, client, length) == 0 && name[length] == ':';
}

static const char **wanted_ports(const jack_links *l, const jack_process *p, jack_side side)
{
  const char *type = side == JACK_SIDE_MIDI ? JACK_DEFAULT_MIDI_TYPE : JACK_DEFAULT_AUDIO_TYPE;
  unsigned long flags = side == JACK_SIDE_OUT ? JackPortIsInput : JackPortIsOutput;
  if (l->policy == JACK_CONNECT_PHYSICAL && side != JACK_SIDE_MIDI)
    return p->api->get_ports(p->client, NULL, type, flags | JackPortIsPhysical);
  return p->api->get_ports(p->client, l->pattern[side], type, flags);
}

// A one-channel model takes the first source only: a second, silent one would halve the level.
static int most_links(const jack_process *p, jack_side side)
{
  return side == JACK_SIDE_IN ? p->n_channels : side == JACK_SIDE_OUT ? JACK_PORTS_EACH_WAY : 1;
}

// A pattern that is the name of a port is taken as it stands, so that its brackets need no
// escaping. MIDI is connected only where it was asked for: keys that somebody plays would act.
static int follow_policy(jack_links *l, const jack_process *p, jack_side side)
{
  static const int first_port[] = {JACK_PORT_IN, JACK_PORT_OUT, JACK_PORT_MIDI};
  const char *pattern = l->pattern[side];
  int first = first_port[side];
  bool by_pattern = side == JACK_SIDE_MIDI || l->policy == JACK_CONNECT_PATTERNS;
  if ((by_pattern && !pattern) || (!by_pattern && l->policy == JACK_CONNECT_NEVER))
    return 0;
  if (by_pattern && p->api->port_by_name(p->client, pattern))
    return make(l, p, first, pattern);
  int limit = most_links(p, side);
  const char **names = wanted_ports(l, p, side);
  int n_made = 0;
  for (size_t i = 0; names && names[i] && n_made < limit; i++)
    if (!is_own(p, names[i]))
      n_made += make(l, p, first + n_made, names[i]);
  if (names)
    p->api->free(names);
  return n_made;
}

int jack_links_make(jack_links *l, const jack_process *p)
{
  int n_made = make_pending(l, p);
  for (int side = 0; side < JACK_N_SIDES; side++) {
    if (l->satisfied[side])
      continue;
    int n = follow_policy(l, p, (jack_side)side);
    l->satisfied[side] = n > 0;
    n_made += n;
  }
  return n_made;
}
