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

static void set_port(const jack_process *p, jack_port_t *port, bool input, int number)
{
  jack_uuid_t uuid = p->api->port_uuid(port);
  char name[32], order[16];
  snprintf(name, sizeof name, "%s %d", input ? "Input" : "Output", number + 1);
  snprintf(order, sizeof order, "%d", number + 1 + (input ? 0 : JACK_PORTS_EACH_WAY));
  p->api->set_property(p->client, uuid, KEY_PRETTY_NAME, name, TYPE_TEXT);
  p->api->set_property(p->client, uuid, KEY_PORT_GROUP, input ? "Input" : "Output", TYPE_TEXT);
  p->api->set_property(p->client, uuid, KEY_ORDER, order, TYPE_INTEGER);
}

void jack_metadata_set(const jack_process *p)
{
  jack_uuid_t uuid;
  if (!available(p->api))
    return;
  for (int i = 0; i < JACK_PORTS_EACH_WAY; i++) {
    set_port(p, p->in[i], true, i);
    set_port(p, p->out[i], false, i);
  }
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
  for (int i = 0; i < JACK_PORTS_EACH_WAY; i++) {
    p->api->remove_properties(p->client, p->api->port_uuid(p->in[i]));
    p->api->remove_properties(p->client, p->api->port_uuid(p->out[i]));
  }
  if (client_uuid(p, &uuid))
    p->api->remove_properties(p->client, uuid);
}
