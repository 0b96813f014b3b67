// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// A libjack.so.0 without a server, for tests of the whole program where none can run: one client,
/// called by a thread at the pace of blocks of 256 samples at 48 kHz. Its first input carries a
/// tone and its MIDI port what is written, as lines of hexadecimal bytes, into the FIFO that
/// FAKE_JACK_MIDI names. With FAKE_JACK_PRIORITY the thread is real-time.
#include <jack/jack.h>
#include <jack/midiport.h>
#include <jack/thread.h>
#include <jack/transport.h>

#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define RATE_HZ 48000
#define BLOCK 256
#define MOST_PORTS 16
#define MOST_EVENTS 64
#define EXPORT __attribute__((visibility("default")))

struct _jack_port {
  char name[128];
  char type[64];
  unsigned long flags;
  float buffer[BLOCK];
};

struct _jack_client {
  char name[64];
  struct _jack_port ports[MOST_PORTS];
  int n_ports;
  JackProcessCallback process;
  void *process_user;
  JackThreadInitCallback thread_init;
  void *thread_user;
  pthread_t thread;
  atomic_bool stop;
  bool active;
  _Atomic uint32_t clock;
  int midi; // FIFO
  char text[4096];
  size_t n_text;
  uint8_t bytes[MOST_EVENTS][8];
  jack_midi_event_t events[MOST_EVENTS];
  uint32_t n_events;
};

static void take_line(jack_client_t *c, const char *line)
{
  uint8_t *to = c->bytes[c->n_events];
  size_t n = 0;
  for (char *end = NULL; n < sizeof c->bytes[0]; line = end) {
    const unsigned long byte = strtoul(line, &end, 16);
    if (end == line) {
      break;
    }
    to[n++] = (uint8_t)byte;
  }
  c->events[c->n_events++] = (jack_midi_event_t){.time = 0, .size = n, .buffer = to};
}

static void read_midi(jack_client_t *c)
{
  c->n_events = 0;
  const ssize_t n =
      c->midi >= 0 ? read(c->midi, c->text + c->n_text, sizeof c->text - 1 - c->n_text) : 0;
  c->n_text += n > 0 ? (size_t)n : 0;
  c->text[c->n_text] = '\0';
  for (char *end = strchr(c->text, '\n'); end && c->n_events < MOST_EVENTS;
       end = strchr(c->text, '\n')) {
    *end = '\0';
    take_line(c, c->text);
    c->n_text -= (size_t)(end + 1 - c->text);
    memmove(c->text, end + 1, c->n_text + 1);
  }
}

static int priority(void)
{
  const char *text = getenv("FAKE_JACK_PRIORITY");
  return text ? atoi(text) : -1;
}

static void *run(void *user)
{
  jack_client_t *c = user;
  struct timespec due;
  const struct sched_param wanted = {.sched_priority = priority()};
  if (wanted.sched_priority > 0) {
    (void)pthread_setschedparam(pthread_self(), SCHED_FIFO, &wanted);
  }
  clock_gettime(CLOCK_MONOTONIC, &due);
  if (c->thread_init) {
    c->thread_init(c->thread_user);
  }
  while (!atomic_load(&c->stop)) {
    for (int i = 0; i < BLOCK; ++i) {
      c->ports[0].buffer[i] =
          0.3F * sinf(0.05F * (float)((atomic_load(&c->clock) + (uint32_t)i) % 100000));
    }
    read_midi(c);
    c->process(BLOCK, c->process_user);
    atomic_fetch_add(&c->clock, BLOCK);
    due.tv_nsec += 1000000000L / RATE_HZ * BLOCK;
    due.tv_sec += due.tv_nsec / 1000000000L;
    due.tv_nsec %= 1000000000L;
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL);
  }
  return NULL;
}

EXPORT jack_client_t *jack_client_open(const char *name, jack_options_t options,
                                       jack_status_t *bits, ...)
{
  (void)options;
  jack_client_t *c = calloc(1, sizeof *c);
  const char *fifo = getenv("FAKE_JACK_MIDI");
  *bits = 0;
  snprintf(c->name, sizeof c->name, "%s", name);
  c->midi = fifo ? open(fifo, O_RDWR | O_NONBLOCK | O_CLOEXEC) : -1;
  return c;
}

EXPORT int jack_activate(jack_client_t *c)
{
  c->active = true;
  return pthread_create(&c->thread, NULL, run, c);
}

EXPORT int jack_deactivate(jack_client_t *c)
{
  atomic_store(&c->stop, true);
  if (c->active) {
    pthread_join(c->thread, NULL);
  }
  c->active = false;
  return 0;
}

EXPORT int jack_client_close(jack_client_t *c)
{
  jack_deactivate(c);
  if (c->midi >= 0) {
    close(c->midi);
  }
  free(c);
  return 0;
}

EXPORT jack_port_t *jack_port_register(jack_client_t *c, const char *name, const char *type,
                                       unsigned long flags, unsigned long size)
{
  (void)size;
  struct _jack_port *p = &c->ports[c->n_ports++];
  char client[sizeof c->name];
  memcpy(client, c->name, sizeof client);
  snprintf(p->name, sizeof p->name, "%.60s:%.60s", client, name);
  snprintf(p->type, sizeof p->type, "%s", type);
  p->flags = flags;
  return p;
}

// The MIDI port's buffer is its client, for the two functions below; only one client ever lives.
static jack_client_t *midi_client;

EXPORT void *jack_port_get_buffer(jack_port_t *p, jack_nframes_t n)
{
  (void)n;
  return p->buffer;
}

EXPORT uint32_t jack_midi_get_event_count(void *buffer)
{
  (void)buffer;
  return midi_client->n_events;
}

EXPORT int jack_midi_event_get(jack_midi_event_t *event, void *buffer, uint32_t index)
{
  (void)buffer;
  *event = midi_client->events[index];
  return 0;
}

EXPORT int jack_set_process_callback(jack_client_t *c, JackProcessCallback f, void *user)
{
  midi_client = c;
  c->process = f;
  c->process_user = user;
  return 0;
}

EXPORT int jack_set_thread_init_callback(jack_client_t *c, JackThreadInitCallback f, void *user)
{
  c->thread_init = f;
  c->thread_user = user;
  return 0;
}

#define IGNORED(name, type)                                                                        \
  EXPORT int name(jack_client_t *c, type f, void *user)                                            \
  {                                                                                                \
    (void)c, (void)f, (void)user;                                                                  \
    return 0;                                                                                      \
  }
IGNORED(jack_set_buffer_size_callback, JackBufferSizeCallback)
IGNORED(jack_set_sample_rate_callback, JackSampleRateCallback)
IGNORED(jack_set_freewheel_callback, JackFreewheelCallback)
IGNORED(jack_set_latency_callback, JackLatencyCallback)
IGNORED(jack_set_port_connect_callback, JackPortConnectCallback)
IGNORED(jack_set_port_registration_callback, JackPortRegistrationCallback)
IGNORED(jack_set_xrun_callback, JackXRunCallback)

EXPORT void jack_on_shutdown(jack_client_t *c, JackShutdownCallback f, void *user)
{
  (void)c, (void)f, (void)user;
}

EXPORT void jack_on_info_shutdown(jack_client_t *c, JackInfoShutdownCallback f, void *user)
{
  (void)c, (void)f, (void)user;
}

EXPORT void jack_set_error_function(void (*f)(const char *))
{
  (void)f;
}

EXPORT void jack_set_info_function(void (*f)(const char *))
{
  (void)f;
}

EXPORT int jack_client_real_time_priority(jack_client_t *c)
{
  (void)c;
  return priority();
}

EXPORT jack_nframes_t jack_get_buffer_size(jack_client_t *c)
{
  (void)c;
  return BLOCK;
}

EXPORT jack_nframes_t jack_get_sample_rate(jack_client_t *c)
{
  (void)c;
  return RATE_HZ;
}

EXPORT char *jack_get_client_name(jack_client_t *c)
{
  return c->name;
}

EXPORT jack_nframes_t jack_last_frame_time(const jack_client_t *c)
{
  return atomic_load(&((jack_client_t *)(uintptr_t)c)->clock);
}

EXPORT jack_transport_state_t jack_transport_query(const jack_client_t *c, jack_position_t *at)
{
  (void)c;
  *at = (jack_position_t){0};
  return JackTransportStopped;
}

EXPORT void jack_free(void *ptr)
{
  free(ptr);
}

// The world: two MIDI sources and nothing else.
EXPORT const char **jack_get_ports(jack_client_t *c, const char *pattern, const char *type,
                                   unsigned long flags)
{
  (void)c, (void)pattern;
  const char **names = calloc(3, sizeof *names);
  if (type && strstr(type, "midi") && (flags & JackPortIsOutput)) {
    names[0] = "system:midi_capture_1";
    names[1] = "sequencer:out";
  }
  return names;
}

EXPORT jack_port_t *jack_port_by_name(jack_client_t *c, const char *name)
{
  (void)c, (void)name;
  return NULL;
}

EXPORT int jack_port_flags(const jack_port_t *p)
{
  return (int)p->flags;
}

EXPORT const char *jack_port_name(const jack_port_t *p)
{
  return p->name;
}

EXPORT int jack_port_connected(const jack_port_t *p)
{
  (void)p;
  return 0;
}

EXPORT int jack_port_connected_to(const jack_port_t *p, const char *name)
{
  (void)p, (void)name;
  return 0;
}

EXPORT const char **jack_port_get_all_connections(const jack_client_t *c, const jack_port_t *p)
{
  (void)c, (void)p;
  return NULL;
}

EXPORT int jack_connect(jack_client_t *c, const char *from, const char *to)
{
  (void)c, (void)from, (void)to;
  return -1;
}

EXPORT void jack_port_get_latency_range(jack_port_t *p, jack_latency_callback_mode_t mode,
                                        jack_latency_range_t *range)
{
  (void)p, (void)mode;
  *range = (jack_latency_range_t){0, 0};
}

EXPORT void jack_port_set_latency_range(jack_port_t *p, jack_latency_callback_mode_t mode,
                                        jack_latency_range_t *range)
{
  (void)p, (void)mode, (void)range;
}

EXPORT int jack_recompute_total_latencies(jack_client_t *c)
{
  (void)c;
  return 0;
}

EXPORT const char *jack_get_version_string(void)
{
  return "fake";
}
