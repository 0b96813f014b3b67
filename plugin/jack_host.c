// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "plugin/jack_host.h"

#include "plugin/event_words.h"
#include "plugin/jack_metadata.h"
#include "plugin/jack_server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define FIRST_PAUSE_MS 100
#define LONGEST_PAUSE_MS 2000
// Connections are remembered once they have stood for this long, so that those which a dying
// server takes down before it says goodbye are not forgotten.
#define SETTLE_MS 500
#define GAP_LOG_MS 1000 // between two lines about gaps

struct jack_host {
  jack_host_config config;
  jack_api api;
  jack_client_t *client; ///< null while the server is gone
  session *session;      ///< outlives it
  jack_process process;
  jack_links links;
  char client_name[128];
  uint32_t block_told_samples;   ///< to the session
  uint32_t latency_told_samples; ///< to the server
  int64_t remember_at_ms;        ///< 0: nothing new to remember
  int64_t make_at_ms;            ///< when to try pending connections again
  int64_t retry_at_ms;           ///< when to look for a server again
  int64_t pause_ms;
  unsigned n_returns;
  uint64_t gaps_untold, gap_samples_untold; ///< jumps of the host's time not logged yet
  int64_t gaps_told_at_ms;
  session_telemetry before; ///< counts of sessions that have ended
};

static int64_t now_ms(void)
{
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

// ---- opening -----------------------------------------------------------------------------------

static status find_server(jack_host *h, error *err)
{
  const jack_host_config *c = &h->config;
  const jack_server_wish wish = {.client_name = c->client_name,
                                 .exact_name = c->exact_name,
                                 .server_name = c->server_name,
                                 .library = c->library};
  return jack_server_find(&h->api, &h->client, &wish, err);
}

static status open_session(jack_host *h, error *err)
{
  session_config config = h->config.session;
  int priority = h->api.client_real_time_priority(h->client);
  config.host_rate_hz = h->api.get_sample_rate(h->client);
  config.block_samples = h->api.get_buffer_size(h->client);
  config.priority = priority > 0 ? priority : 0;
  config.offline = false;
  return session_open(&h->session, &config, err);
}

static void add_counts(session_telemetry *to, const session_telemetry *t)
{
  to->steps += t->steps;
  to->misses += t->misses;
  to->own_misses += t->own_misses;
  to->late_samples += t->late_samples;
  to->gaps += t->gaps;
  to->gap_samples += t->gap_samples;
  to->xruns += t->xruns;
  to->overflows += t->overflows;
  to->nonfinite_samples += t->nonfinite_samples;
}

// Hand the session that there is to another server; another session where that cannot be.
static status go_on(jack_host *h, error *err)
{
  const int priority = h->api.client_real_time_priority(h->client);
  session_set_freewheel(h->session, false); // the old one may have died in it
  session_set_priority(h->session, priority > 0 ? priority : 0);
  status st = session_set_rate(h->session, h->api.get_sample_rate(h->client), err);
  if (!st)
    st = session_set_block(h->session, h->api.get_buffer_size(h->client), err);
  session_restart(h->session);
  if (st != STATUS_UNSUPPORTED)
    return st;
  log_write(h->config.log, LOG_WARNING, "what was heard is forgotten: %s", err->message);
  session_telemetry last;
  session_read_telemetry(h->session, &last);
  add_counts(&h->before, &last);
  session_close(h->session);
  h->session = NULL;
  return open_session(h, err);
}

static status start(jack_host *h, error *err)
{
  status st = h->session ? go_on(h, err) : open_session(h, err);
  if (st)
    return st;
  jack_process *p = &h->process;
  p->guard = h->config.guard;
  p->midi = h->config.midi;
  st = jack_process_init(p, &h->api, h->client, h->session, err);
  if (!st)
    st = jack_process_register(p, err);
  if (st)
    return st;
  h->block_told_samples = h->api.get_buffer_size(h->client);
  atomic_store(&p->block_samples, h->block_told_samples);
  atomic_store(&p->server_rate_hz, h->api.get_sample_rate(h->client));
  atomic_store(&p->session_rate_hz, h->api.get_sample_rate(h->client));
  h->latency_told_samples = session_latency_samples(h->session);
  st = jack_process_attach(p, err);
  if (!st && h->api.activate(h->client))
    st = error_set(err, STATUS_DEVICE, "%s refused to activate the client", h->api.version);
  return st;
}

// Closing the client joins JACK's threads, so nobody calls into the session after it.
static void leave(jack_host *h)
{
  if (h->client)
    h->api.client_close(h->client);
  h->client = NULL;
  jack_process_free(&h->process);
}

static status come_up(jack_host *h, error *err)
{
  status st = find_server(h, err);
  if (!st)
    st = start(h, err);
  if (st) {
    leave(h);
    return st;
  }
  snprintf(h->client_name, sizeof h->client_name, "%s", h->api.get_client_name(h->client));
  uint32_t rate_hz = h->api.get_sample_rate(h->client);
  log_write(h->config.log, LOG_INFO,
            "client %s of %s (%s): %u Hz, blocks of %u samples, latency %u samples (%.1f ms)",
            h->client_name, h->api.version, h->api.path, rate_hz, h->block_told_samples,
            h->latency_told_samples, 1e3 * h->latency_told_samples / rate_hz);
  if (!h->config.no_metadata)
    jack_metadata_set(&h->process);
  jack_links_make(&h->links, &h->process);
  atomic_store(&h->process.connections_changed, true);
  return STATUS_OK;
}

status jack_host_open(jack_host **h, const jack_host_config *config, error *err)
{
  *h = NULL;
  jack_host *new = calloc(1, sizeof *new);
  if (!new)
    return error_set(err, STATUS_NO_MEMORY, "no memory for the JACK client");
  new->config = *config;
  new->links.policy = config->connect;
  new->links.pattern[JACK_SIDE_IN] = config->connect_in;
  new->links.pattern[JACK_SIDE_OUT] = config->connect_out;
  new->links.pattern[JACK_SIDE_MIDI] = config->connect_midi;
  new->links.log = config->log;
  status st = come_up(new, err);
  if (st) {
    session_close(new->session);
    free(new);
    return st;
  }
  *h = new;
  return STATUS_OK;
}

void jack_host_close(jack_host *h)
{
  if (!h)
    return;
  bool alive = h->client && !atomic_load_explicit(&h->process.gone, memory_order_acquire);
  if (alive && !h->config.no_metadata)
    jack_metadata_remove(&h->process);
  if (alive)
    h->api.deactivate(h->client);
  leave(h);
  session_close(h->session);
  jack_links_free(&h->links);
  jack_api_unload(&h->api);
  free(h);
}

// ---- what is due -------------------------------------------------------------------------------

static void follow_rate(jack_host *h)
{
  jack_process *p = &h->process;
  uint32_t rate_hz = atomic_load_explicit(&p->server_rate_hz, memory_order_relaxed);
  if (rate_hz == atomic_load_explicit(&p->session_rate_hz, memory_order_relaxed))
    return;
  error err = {STATUS_OK, ""};
  if (session_set_rate(h->session, rate_hz, &err))
    log_write(h->config.log, LOG_ERROR, "silent at %u Hz: %s", rate_hz, err.message);
  else
    atomic_store_explicit(&p->session_rate_hz, rate_hz, memory_order_relaxed);
}

static void follow_block(jack_host *h)
{
  uint32_t block = atomic_load_explicit(&h->process.block_samples, memory_order_relaxed);
  if (block == h->block_told_samples)
    return;
  h->block_told_samples = block;
  error err = {STATUS_OK, ""};
  log_write(h->config.log, LOG_INFO, "the server's block is now %u samples", block);
  if (session_set_block(h->session, block, &err))
    log_write(h->config.log, LOG_ERROR, "block of %u samples: %s", block, err.message);
}

static void tell_latency(jack_host *h)
{
  uint32_t latency = session_latency_samples(h->session);
  if (latency == h->latency_told_samples)
    return;
  h->latency_told_samples = latency;
  uint32_t rate_hz = atomic_load_explicit(&h->process.server_rate_hz, memory_order_relaxed);
  log_write(h->config.log, LOG_INFO, "latency is now %u samples (%.1f ms)", latency,
            1e3 * latency / rate_hz);
  h->api.recompute_total_latencies(h->client);
}

static void mind_links(jack_host *h)
{
  jack_process *p = &h->process;
  int64_t now = now_ms();
  if (atomic_exchange_explicit(&p->connections_changed, false, memory_order_relaxed)) {
    bool both = h->api.port_connected(p->ports[JACK_PORT_IN]) &&
                h->api.port_connected(p->ports[JACK_PORT_IN + 1]);
    atomic_store_explicit(&p->both_inputs, both, memory_order_relaxed);
    h->remember_at_ms = now + SETTLE_MS;
  }
  bool ports = atomic_exchange_explicit(&p->ports_changed, false, memory_order_relaxed);
  if (ports || now >= h->make_at_ms) {
    jack_links_make(&h->links, p);
    h->make_at_ms = now + SETTLE_MS;
  }
  if (h->remember_at_ms && now >= h->remember_at_ms) {
    error err = {STATUS_OK, ""};
    h->remember_at_ms = 0;
    if (jack_links_remember(&h->links, p, &err))
      log_write(h->config.log, LOG_WARNING, "%s", err.message);
  }
}

// An overloaded server skips hundreds of blocks a second: one line sums them up.
static void tell_gaps(jack_host *h)
{
  if (h->gaps_untold && now_ms() - h->gaps_told_at_ms >= GAP_LOG_MS) {
    log_write(h->config.log, LOG_WARNING, "the host's time jumped %llu times, %llu samples lost",
              (unsigned long long)h->gaps_untold, (unsigned long long)h->gap_samples_untold);
    h->gaps_untold = h->gap_samples_untold = 0;
    h->gaps_told_at_ms = now_ms();
  }
}

static void pass_events(jack_host *h)
{
  uint32_t rate_hz = atomic_load_explicit(&h->process.session_rate_hz, memory_order_relaxed);
  session_event event;
  char text[256];
  while (session_next_event(h->session, &event)) {
    if (event.kind == EVENT_GAP) {
      ++h->gaps_untold;
      h->gap_samples_untold += event.value;
    } else {
      log_write(h->config.log, event_level(&event), "%s",
                event_words(&event, rate_hz, text, sizeof text));
    }
    if (h->config.on_event)
      h->config.on_event(h->config.event_user, &event);
  }
  tell_gaps(h);
}

// ---- the server's death ------------------------------------------------------------------------

static void lose_server(jack_host *h)
{
  pass_events(h);
  const char *reason = h->process.reason;
  log_write(h->config.log, LOG_WARNING, "server gone%s%s%s - retrying", *reason ? " (" : "", reason,
            *reason ? ")" : "");
  if (h->process.beats.rolls) { // the clock that the session follows is gone with it
    const control stands = {.kind = CONTROL_CLOCK, .value = h->process.beats.told_beat};
    session_send(h->session, &stands, 1);
  }
  leave(h);
  jack_links_expect(&h->links);
  h->remember_at_ms = 0;
  h->pause_ms = FIRST_PAUSE_MS;
  h->retry_at_ms = now_ms() + h->pause_ms;
}

static bool try_return(jack_host *h)
{
  if (now_ms() < h->retry_at_ms)
    return false;
  error err = {STATUS_OK, ""};
  if (!come_up(h, &err)) {
    h->n_returns++;
    return true;
  }
  // "Nobody there" is what we wait through; anything else is worth a word.
  log_write(h->config.log, LOG_DEBUG, "still no server: %s", err.message);
  h->pause_ms = h->pause_ms * 2 < LONGEST_PAUSE_MS ? h->pause_ms * 2 : LONGEST_PAUSE_MS;
  h->retry_at_ms = now_ms() + h->pause_ms;
  return false;
}

bool jack_host_poll(jack_host *h)
{
  if (!h->client)
    return try_return(h);
  if (atomic_load_explicit(&h->process.gone, memory_order_acquire)) {
    lose_server(h);
    return false;
  }
  follow_rate(h);
  follow_block(h);
  tell_latency(h);
  mind_links(h);
  pass_events(h);
  return true;
}

// ---- asking ------------------------------------------------------------------------------------

bool jack_host_connected(const jack_host *h)
{
  return h->client != NULL;
}

session *jack_host_session(const jack_host *h)
{
  return h->session;
}

void jack_host_read_telemetry(jack_host *h, session_telemetry *t)
{
  memset(t, 0, sizeof *t);
  if (h->session)
    session_read_telemetry(h->session, t);
  add_counts(t, &h->before);
}

const char *jack_host_server(const jack_host *h)
{
  return h->api.version;
}
const char *jack_host_library(const jack_host *h)
{
  return h->api.path;
}
const char *jack_host_client_name(const jack_host *h)
{
  return h->client_name;
}
unsigned jack_host_returns(const jack_host *h)
{
  return h->n_returns;
}
