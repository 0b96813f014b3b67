// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "tests/live/stage.h"

#include "models/oracle.h"
#include "tests/live/live_model.h"
#include "tests/live/rt_guard.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static void sleep_ms(long ms)
{
  struct timespec t = {ms / 1000, ms % 1000 * 1000000L};
  nanosleep(&t, NULL);
}

static int64_t now_ms(void)
{
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

// ---- messages and events -----------------------------------------------------------------------

// Messages come from this thread and from the conductor.
static void on_message(void *user, log_level level, const char *message)
{
  static const char *const names[] = {"debug", "info", "warning", "error"};
  stage *s = user;
  char line[600];
  if (s->options.forgets && strncmp(message, "mode ", 5) == 0) {
    return;
  }
  int length = snprintf(line, sizeof line, "%s: %s\n", names[level], message);
  printf("  | %s", line);
  flockfile(stdout);
  size_t used = s->said ? strlen(s->said) : 0;
  char *said = length > 0 ? realloc(s->said, used + (size_t)length + 1) : NULL;
  if (said) {
    memcpy(said + used, line, (size_t)length + 1);
    s->said = said;
  }
  funlockfile(stdout);
}

bool demand(bool held, const char *what)
{
  printf("%s: %s\n", held ? "ok" : "NOT OK", what);
  return held;
}

bool stage_said(const stage *s, const char *words)
{
  return s->said && strstr(s->said, words);
}

unsigned stage_count_events(const stage *s, session_event_kind kind)
{
  unsigned n = 0;
  for (size_t i = 0; i < s->n_events; i++)
    n += s->events[i].event.kind == kind;
  return n;
}

// Holes are kept for a while only, so a miss is judged as it comes.
static void judge_miss(stage *s, const session_event *e)
{
  const codec_info *info = codec_get_info(s->model);
  const uint64_t second_ns = 1000000000;
  session_telemetry t;
  hole_witness_read(s->witness);
  jack_host_read_telemetry(s->host, &t);
  blame b = blame_late(e, s->witness, second_ns * info->hop_samples / info->rate_hz,
                       second_ns * t.largest_block_samples / t.host_rate_hz);
  blame_say(&b);
  s->last_blame = b;
  s->n_excused += !b.ours;
  s->n_own += b.ours;
}

static void keep_event(void *user, const session_event *e)
{
  stage *s = user;
  if (e->kind == EVENT_LATE && e->own && s->witness) {
    judge_miss(s, e);
  }
  if (e->kind == EVENT_MODE && e->value < N_MODES) {
    s->n_modes[e->value]++;
  }
  if (s->options.forgets && e->kind >= EVENT_CONTROL && e->kind <= EVENT_REFUSED) {
    return;
  }
  if (s->n_events == s->events_capacity) {
    size_t capacity = s->events_capacity ? 2 * s->events_capacity : 64;
    stage_event *events = realloc(s->events, capacity * sizeof *events);
    if (!events)
      return;
    s->events = events;
    s->events_capacity = capacity;
  }
  s->events[s->n_events++] = (stage_event){*e, s->host ? jack_host_returns(s->host) : 0};
}

static bool poll_once(stage *s)
{
  bool was_connected = jack_host_connected(s->host);
  hole_witness_read(s->witness);
  if (!was_connected)
    host_log_restart(&s->log);
  bool connected = jack_host_poll(s->host);
  if (connected && !was_connected)
    s->first_latency_samples = session_latency_samples(jack_host_session(s->host));
  return connected;
}

void stage_run(stage *s, int ms)
{
  for (int64_t end = now_ms() + ms; now_ms() < end; sleep_ms(5))
    poll_once(s);
}

void stage_run_with(stage *s, jack_host *other, int ms)
{
  for (int64_t end = now_ms() + ms; now_ms() < end; sleep_ms(5)) {
    poll_once(s);
    jack_host_poll(other);
  }
}

bool stage_wait_connected(stage *s, int ms)
{
  int64_t end = now_ms() + ms;
  while (!poll_once(s)) {
    if (now_ms() >= end)
      return false;
    sleep_ms(5);
  }
  return true;
}

// ---- the server --------------------------------------------------------------------------------

static void tap_path(char *path, size_t size)
{
  ssize_t length = readlink("/proc/self/exe", path, size - 1);
  path[length > 0 ? length : 0] = '\0';
  char *slash = strrchr(path, '/');
  size_t used = slash ? (size_t)(slash + 1 - path) : 0;
  snprintf(path + used, size - used, "live_tap");
}

static bool start_tap(stage *s, child *c, const char *what, const char *name, const char *file,
                      const char *seconds)
{
  char path[512];
  tap_path(path, sizeof path);
  const char *argv[] = {"pw-jack", path, what, name, file, seconds, NULL};
  return child_start_client(c, s->options.pipewire ? argv : argv + 1);
}

bool stage_start_tap(stage *s, child *c, const char *what, const char *name)
{
  return start_tap(s, c, what, name, strcmp(what, "play") == 0 ? "noise" : NULL, NULL);
}

bool stage_start_server(stage *s)
{
  if (!server_start(&s->server))
    return false;
  for (int64_t end = now_ms() + 10000; now_ms() < end && child_runs(&s->server.process);
       sleep_ms(50))
    if (start_tap(s, &s->control, "control", "control", NULL, NULL))
      return true;
  printf("the server did not come up\n");
  server_show_log(&s->server);
  return false;
}

// ---- clients and connections -------------------------------------------------------------------

bool stage_start_clients(stage *s)
{
  char seconds[32];
  snprintf(seconds, sizeof seconds, "%g", s->options.record_seconds);
  return start_tap(s, &s->recorder, "record", "recorder", s->take_path, seconds) &&
         start_tap(s, &s->player, "play", "player", s->options.sound ? s->options.sound : "noise",
                   NULL) &&
         (!s->options.instrument ||
          start_tap(s, &s->midi_player, "midi", "midi", s->midi_path, NULL));
}

bool stage_wire_tap(stage *s)
{
  return child_ask(&s->control, NULL, 0, "connect player:out_1 recorder:sent_1") &&
         child_ask(&s->control, NULL, 0, "connect player:out_2 recorder:sent_2");
}

bool stage_wire(stage *s)
{
  const char *us = jack_host_client_name(s->host);
  bool good = stage_wire_tap(s);
  if (s->options.instrument)
    good = good && child_ask(&s->control, NULL, 0, "connect midi:midi_out %s:midi_in", us);
  for (int c = 1; c <= 2 && good; c++) {
    good = child_ask(&s->control, NULL, 0, "connect %s:out_%d recorder:got_%d", us, c, c);
    if (s->options.both_inputs || c <= (int)codec_get_info(s->model)->n_channels)
      good = good && child_ask(&s->control, NULL, 0, "connect player:out_%d %s:in_%d", c, us, c);
  }
  return good;
}

static bool has_peer(stage *s, const char *port, int number, const char *peer)
{
  char answer[512], wanted[64];
  snprintf(wanted, sizeof wanted, "%s_%d", peer, number);
  bool good = child_ask(&s->control, answer, sizeof answer, "connections %s:%s_%d",
                        jack_host_client_name(s->host), port, number);
  printf("%s_%d is connected to: %s\n", port, number, good ? answer : "?");
  return good && strstr(answer, wanted);
}

bool stage_restored(stage *s)
{
  bool good = true;
  for (int c = 1; c <= (int)codec_get_info(s->model)->n_channels; c++)
    good = has_peer(s, "in", c, "player:out") && has_peer(s, "out", c, "recorder:got") && good;
  return good;
}

static void enter(void *user)
{
  (void)user;
  rt_guard_enter();
}

static void leave(void *user)
{
  (void)user;
  rt_guard_leave();
}

static bool open_instrument(stage *s, jack_host_config *config, error *err)
{
  if (oracle_new(&s->oracle, s->model, NULL, err)) {
    return false;
  }
  midi_map_init(&s->midi, s->options.rate_hz);
  config->midi = &s->midi;
  config->session.player = s->oracle;
  config->session.output_stage = true;
  config->session.keep_s = s->options.keep_s;
  return true;
}

static bool open_host(stage *s)
{
  error err = {STATUS_OK, ""};
  uint64_t n_samples = (uint64_t)(s->options.record_seconds * s->options.rate_hz);
  if (!s->options.other_hosts &&
      !host_log_open(&s->log, (int)codec_get_info(s->model)->n_channels, n_samples))
    return false;
  jack_host_config config = {
      .session = {.model = s->model,
                  .fallback = s->options.fallback,
                  .lock_memory = true,
                  .log = &s->sink},
      .connect = s->options.connect_physical ? JACK_CONNECT_PHYSICAL : JACK_CONNECT_NEVER,
      .on_event = keep_event,
      .event_user = s,
      .log = &s->sink,
  };
  if (s->options.instrument && !open_instrument(s, &config, &err)) {
    printf("no instrument: %s\n", err.message);
    return false;
  }
  if (!s->options.renders) {
    rt_guard_install();
    config.guard = (jack_guard){enter, leave, NULL};
  }
  if (!s->options.other_hosts) { // it could not tell whose conductor it sees
    hole_witness_open(&s->witness);
  }
  if (jack_host_open(&s->host, &config, &err)) {
    printf("no host: %s\n", err.message);
    return false;
  }
  s->first_latency_samples = session_latency_samples(jack_host_session(s->host));
  return true;
}

stage_result stage_open(stage *s, const stage_options *options)
{
  *s = (stage){.options = *options};
  s->sink = (log_sink){on_message, s, options->least};
  setvbuf(stdout, NULL, _IOLBF, 0);
  signal(SIGPIPE, SIG_IGN);
  if (!server_possible(options->pipewire))
    return STAGE_IMPOSSIBLE;
  snprintf(s->folder, sizeof s->folder, "/tmp/continuo-live-XXXXXX");
  if (!mkdtemp(s->folder))
    return STAGE_FAILED;
  snprintf(s->take_path, sizeof s->take_path, "%s/take", s->folder);
  snprintf(s->midi_path, sizeof s->midi_path, "%s/midi", s->folder);
  s->server = (server){.folder = s->folder,
                       .rate_hz = options->rate_hz,
                       .block_samples = options->block_samples,
                       .asynchronous = options->asynchronous,
                       .pipewire = options->pipewire};
  error err = {STATUS_OK, ""};
  if (live_model_open(&s->model, options->codec, s->folder, &s->sink, &err)) {
    printf("no model: %s\n", err.message);
    return err.code == STATUS_NOT_FOUND ? STAGE_IMPOSSIBLE : STAGE_FAILED;
  }
  // The recorder runs before the host, so that it has heard the session's sample 0.
  if (!stage_start_server(s) || !stage_start_clients(s) || !open_host(s) || !stage_wire(s))
    return STAGE_FAILED;
  host_log_wired(&s->log);
  stage_run(s, 200);
  return child_ask(&s->player, NULL, 0, "go") ? STAGE_READY : STAGE_FAILED;
}

bool stage_end_take(stage *s)
{
  return child_quit(&s->recorder);
}

bool stage_end_midi(stage *s)
{
  return child_quit(&s->midi_player);
}

void stage_close(stage *s)
{
  jack_host_close(s->host);
  hole_witness_close(s->witness);
  host_log_close(&s->log);
  token_model_unref(s->oracle);
  codec_unref(s->model);
  // Politely: jackd does not get through its own end while it deals with a client that was killed.
  child *clients[] = {&s->player, &s->midi_player, &s->recorder, &s->control};
  for (int i = 0; i < 4; i++)
    if (clients[i]->pid && !child_quit(clients[i]))
      child_kill(clients[i], SIGKILL);
  child_kill(&s->server.process, SIGTERM);
  free(s->events);
  free(s->said);
  if (*s->folder) {
    char command[96];
    snprintf(command, sizeof command, "rm -rf '%s'", s->folder);
    if (system(command))
      printf("left behind: %s\n", s->folder);
  }
  *s = (stage){0};
}
