// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "plugin/jack_metadata.h"

#include <stdio.h>

// libjack exports these as variables; spelled out they need no library.
#define KEY_PRETTY_NAME "http://jackaudio.org/metadata/pretty-name"
#define KEY_PORT_GROUP "http://jackaudio.org/metadata/port-group"
#define KEY_ORDER "http://jackaudio.org/metadata/order"
#define KEY_ICON_NAME "http://jackaudio.org/metadata/icon-name"
#define TYPE_TEXT "text/plain"
#define TYPE_INTEGER "http://www.w3.org/2001/XMLSchema#int"

static bool available(const jack_api *api)
{
  return api->set_property && api->remove_properties && api->port_uuid &&
         api->get_uuid_for_client_name && api->uuid_parse;
}

static bool client_uuid(const jack_process *p, jack_uuid_t *uuid)
{
  const jack_api *api = p->api;
  char *text = api->get_uuid_for_client_name(p->client, api->get_client_name(p->client));
  bool known = text && api->uuid_parse(text, uuid) == 0;
  if (text)
    api->free(text);
  return known;
}

// Groups and names, by the numbers of the ports; the order is theirs.
static void set_port(const jack_process *p, int number)
{
  static const struct {
    const char *name, *group;
  } words[JACK_N_PORTS] = {{"Input 1", "Input"},   {"Input 2", "Input"}, {"Output 1", "Output"},
                           {"Output 2", "Output"}, {"Dry 1", "Dry"},     {"Dry 2", "Dry"},
                           {"MIDI", "Control"}};
  jack_uuid_t uuid = p->api->port_uuid(p->ports[number]);
  char order[16];
  snprintf(order, sizeof order, "%d", number + 1);
  p->api->set_property(p->client, uuid, KEY_PRETTY_NAME, words[number].name, TYPE_TEXT);
  p->api->set_property(p->client, uuid, KEY_PORT_GROUP, words[number].group, TYPE_TEXT);
  p->api->set_property(p->client, uuid, KEY_ORDER, order, TYPE_INTEGER);
}

void jack_metadata_set(const jack_process *p)
{
  jack_uuid_t uuid;
  if (!available(p->api))
    return;
  for (int i = 0; i < JACK_N_PORTS; i++)
    set_port(p, i);
  if (!client_uuid(p, &uuid))
    return;
  p->api->set_property(p->client, uuid, KEY_PRETTY_NAME, "continuo", TYPE_TEXT);
  p->api->set_property(p->client, uuid, KEY_ICON_NAME, "continuo", TYPE_TEXT);
}

void jack_metadata_remove(const jack_process *p)
{
  jack_uuid_t uuid;
  if (!available(p->api))
    return;
  for (int i = 0; i < JACK_N_PORTS; i++)
    p->api->remove_properties(p->client, p->api->port_uuid(p->ports[i]));
  if (client_uuid(p, &uuid))
    p->api->remove_properties(p->client, uuid);
}
