// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "plugin/jack_server.h"

#include <string.h>

// The library would print to stderr; what matters comes back as a status.
static void say_nothing(const char *message)
{
  (void)message;
}

static jack_client_t *open_client(const jack_api *api, const jack_server_wish *c,
                                  jack_status_t *bits)
{
  const char *name = c->client_name ? c->client_name : "continuo";
  int options = JackNoStartServer | (c->exact_name ? JackUseExactName : JackNullOption);
  api->set_error_function(say_nothing);
  api->set_info_function(say_nothing);
  if (c->server_name)
    return api->client_open(name, (jack_options_t)(options | JackServerName), bits, c->server_name);
  return api->client_open(name, (jack_options_t)options, bits);
}

// JACK 2 reports a taken name, asked for exactly, as no more than JackServerError.
static void refused(const jack_api *api, const jack_server_wish *wish, jack_status_t bits,
                    error *err)
{
  char words[160];
  const char *name = wish->client_name ? wish->client_name : "continuo";
  jack_status_words(bits, words, sizeof words);
  if (wish->exact_name && (bits & (JackServerError | JackNameNotUnique)))
    error_set(err, STATUS_DEVICE, "%s: %s; there seems to be a client called %s already",
              api->version, words, name);
  else
    error_set(err, STATUS_DEVICE, "%s: %s", api->version, words);
}

// Ask every library in turn until a server answers. Only "no server" leads to the next one: a
// server that refuses has answered.
status jack_server_find(jack_api *api, jack_client_t **client, const jack_server_wish *wish,
                        error *err)
{
  error first = {STATUS_OK, ""};
  for (int i = 0;; i++) {
    const char *library = wish->library ? wish->library : jack_api_candidate(i);
    if (!library || (wish->library && i > 0))
      break;
    error e = {STATUS_OK, ""};
    if (!jack_api_load(api, library, &e)) {
      jack_status_t bits = 0;
      *client = open_client(api, wish, &bits);
      if (*client)
        return STATUS_OK;
      refused(api, wish, bits, &e);
      jack_api_unload(api);
      if (!(bits & JackServerFailed))
        return error_set(err, STATUS_DEVICE, "%s", e.message);
    }
    if (first.code != STATUS_DEVICE) // a server that is missing says more than a library that is
      first = e;
  }
  return error_set(err, first.code ? first.code : STATUS_NOT_FOUND, "%s", first.message);
}

status jack_server_midi_sources(const char *server_name, void (*each)(void *user, const char *port),
                                void *user, error *err)
{
  jack_api api = {0};
  jack_client_t *client = NULL;
  const jack_server_wish wish = {.client_name = "continuo-list", .server_name = server_name};
  const status code = jack_server_find(&api, &client, &wish, err);
  if (code) {
    return code;
  }
  const char **names = api.get_ports(client, NULL, JACK_DEFAULT_MIDI_TYPE, JackPortIsOutput);
  for (size_t i = 0; names && names[i]; ++i) {
    each(user, names[i]);
  }
  if (names) {
    api.free(names);
  }
  api.client_close(client);
  jack_api_unload(&api);
  return STATUS_OK;
}
