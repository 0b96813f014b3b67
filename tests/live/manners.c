// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "tests/live/manners.h"

#include <stdlib.h>
#include <string.h>

static bool answers(stage *s, const char *question, const char *expected)
{
  char answer[512];
  bool good = child_ask(&s->control, answer, sizeof answer, "%s", question);
  printf("%s: %s\n", question, good ? answer : "refused");
  return good && strcmp(answer, expected) == 0;
}

static bool refuses_without_server(codec *model)
{
  jack_host_config config = {.session = {.model = model}, .server_name = "continuo-nobody"};
  jack_host *host;
  error err = {STATUS_OK, ""};
  status st = jack_host_open(&host, &config, &err);
  printf("no server: %s\n", err.message);
  return demand(st == STATUS_DEVICE && !host && strstr(err.message, "no server answers"),
                "without a server it says so, and starts none");
}

static bool refuses_without_library(codec *model)
{
  jack_host_config config = {.session = {.model = model}, .library = "libjack-nowhere.so.0"};
  jack_host *host;
  error err = {STATUS_OK, ""};
  status st = jack_host_open(&host, &config, &err);
  printf("no library: %s\n", err.message);
  return demand(st == STATUS_NOT_FOUND && strstr(err.message, "libjack-nowhere"),
                "without a library it names what is missing");
}

static bool keeps_its_name(stage *s)
{
  jack_host_config config = {.session = {.model = s->model}, .exact_name = true};
  jack_host *host;
  error err = {STATUS_OK, ""};
  status st = jack_host_open(&host, &config, &err);
  printf("same name again: %s\n", err.message);
  bool good = demand(st == STATUS_DEVICE && strstr(err.message, "called continuo"),
                     "an exact name that is taken is refused, in words");
  config.exact_name = false;
  st = jack_host_open(&host, &config, &err);
  if (st)
    return demand(false, err.message);
  printf("a second client is called %s\n", jack_host_client_name(host));
  good = demand(strcmp(jack_host_client_name(host), "continuo") != 0, "else it learns its name") &&
         good;
  jack_host_close(host);
  return good;
}

// Ports are marked as what they are: nothing physical, nothing terminal.
static bool labels_its_ports(stage *s)
{
  bool good = answers(s, "flags continuo:in_1", "1") && answers(s, "flags continuo:out_2", "2");
  good = demand(good, "ports claim to be no more than input and output");
  bool named = answers(s, "property continuo:in_1 pretty-name", "Input 1") &&
               answers(s, "property continuo:in_1 port-group", "Input") &&
               answers(s, "property continuo:in_1 order", "1") &&
               answers(s, "property continuo:out_2 pretty-name", "Output 2") &&
               answers(s, "property continuo:out_2 order", "4") &&
               answers(s, "property continuo:dry_1 pretty-name", "Dry 1") &&
               answers(s, "property continuo:midi_in pretty-name", "MIDI");
  return demand(named, "ports have names for people") && good;
}

static bool connects_where_told(stage *s)
{
  bool good = answers(s, "connections continuo:in_1", "system:capture_1 player:out_1") &&
              answers(s, "connections continuo:in_2", "system:capture_2 player:out_2") &&
              answers(s, "connections continuo:out_1", "system:playback_1 recorder:got_1") &&
              answers(s, "connections continuo:out_2", "system:playback_2 recorder:got_2");
  return demand(good, "it connected itself to the physical ports");
}

// A port's exact name for the input, an expression for the outputs.
static bool connects_by_pattern(stage *s)
{
  jack_host_config config = {.session = {.model = s->model},
                             .client_name = "second (take [1])",
                             .connect = JACK_CONNECT_PATTERNS,
                             .connect_in = "player:out_2",
                             .connect_out = "recorder:got_[12]",
                             .log = &s->sink};
  jack_host *host;
  error err = {STATUS_OK, ""};
  if (jack_host_open(&host, &config, &err))
    return demand(false, err.message);
  bool good = answers(s, "connections recorder:got_2", "continuo:out_2 second (take [1]):out_2") &&
              answers(s, "connections recorder:got_1", "continuo:out_1 second (take [1]):out_1") &&
              answers(s, "connections player:out_2",
                      "recorder:sent_2 continuo:in_2 second (take [1]):in_1");
  jack_host_close(host);
  return demand(good, "another connects by name and by pattern");
}

// A port that comes after us; what the user takes away stays away.
static bool waits_for_ports(stage *s)
{
  jack_host_config config = {.session = {.model = s->model},
                             .client_name = "waiting",
                             .connect = JACK_CONNECT_PATTERNS,
                             .connect_in = "late:out_.",
                             .log = &s->sink};
  jack_host *host;
  child late;
  error err = {STATUS_OK, ""};
  if (jack_host_open(&host, &config, &err))
    return demand(false, err.message);
  bool good = answers(s, "connections waiting:in_1", "");
  good = stage_start_tap(s, &late, "play", "late") && good;
  stage_run_with(s, host, 300);
  good = demand(answers(s, "connections waiting:in_1", "late:out_1") && good,
                "it connects when the port appears");
  good = child_ask(&s->control, NULL, 0, "disconnect late:out_1 waiting:in_1") && good;
  stage_run_with(s, host, 800);
  good = demand(answers(s, "connections waiting:in_1", "") && good,
                "and does not insist when it is disconnected");
  jack_host_close(host);
  return child_quit(&late) && good;
}

static bool leaves_nothing(stage *s)
{
  jack_host_close(s->host);
  s->host = NULL;
  char answer[64];
  bool gone = !child_ask(&s->control, answer, sizeof answer, "flags continuo:in_1");
  return demand(gone, "its ports are gone when it is closed");
}

int manners(stage *s, char **argv)
{
  stage_options options = {.rate_hz = 48000,
                           .block_samples = 256,
                           .codec = argv[0],
                           .connect_physical = true,
                           .other_hosts = true,
                           .record_seconds = 20};
  stage_result ready = stage_open(s, &options);
  if (ready != STAGE_READY)
    return ready == STAGE_IMPOSSIBLE ? 77 : 1;
  stage_run(s, 200);
  bool good = refuses_without_server(s->model);
  good = refuses_without_library(s->model) && good;
  good = keeps_its_name(s) && good;
  good = labels_its_ports(s) && good;
  good = connects_where_told(s) && good;
  good = connects_by_pattern(s) && good;
  good = waits_for_ports(s) && good;
  return !(leaves_nothing(s) && good);
}
