// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "plugin/jack_process.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

// ---- [audio] -----------------------------------------------------------------------------------

static void silence(float *const *out, uint32_t n_samples)
{
  for (int i = 0; i < JACK_PORTS_EACH_WAY; i++)
    if (out[i])
      memset(out[i], 0, n_samples * sizeof(float));
}

// What is no number is silence, as for the session.
static void give_dry(const float *from, float *to, uint32_t n_samples)
{
  for (uint32_t i = 0; to && i < n_samples; i++) {
    to[i] = from && isfinite(from[i]) ? from[i] : 0.0F;
  }
}

// JACK counts samples in 32 bits, 25 hours at 48 kHz. The difference of two readings is signed: a
// restarted clock runs backwards once.
static uint64_t advance_clock(jack_process *p)
{
  uint32_t now = p->api->last_frame_time(p->client);
  if (p->running)
    p->time_samples += (uint64_t)(int64_t)(int32_t)(now - p->clock);
  else
    p->time_samples = now;
  p->running = true;
  p->clock = now;
  return p->time_samples;
}

// The gain moves over one block, so that plugging in a second input does not click.
static void mix_inputs(jack_process *p, const float *a, const float *b, uint32_t n_samples)
{
  float wanted = atomic_load_explicit(&p->both_inputs, memory_order_relaxed) ? 0.5F : 1.0F;
  float step = (wanted - p->gain) / (float)n_samples;
  for (uint32_t i = 0; i < n_samples; i++)
    p->mixed[i] = (a[i] + b[i]) * (step == 0.0F ? wanted : p->gain + step * (float)(i + 1));
  p->gain = wanted;
}

// ---- controls, stamped within the block that comes ----

static void follow_transport(jack_process *p, uint64_t time_samples, uint32_t rate_hz)
{
  jack_position_t at;
  control news[JACK_BEATS_MOST];
  const bool rolled = p->beats.rolls;
  const jack_transport_state_t transport = p->api->transport_query(p->client, &at);
  const int n = jack_beats_follow(&p->beats, transport, &at, time_samples, rate_hz, news);
  for (int i = 0; i < n; i++) {
    session_send_at(p->session, &news[i], 0);
  }
  if (rolled && !p->beats.rolls && p->midi) {
    midi_clock_tell_again(&p->midi->clock); // its turn now
  }
}

// The transport goes before a MIDI clock.
static void send_midi(jack_process *p, const control *c, uint32_t offset)
{
  if (c->kind != CONTROL_CLOCK || !p->beats.rolls) {
    session_send_at(p->session, c, offset);
  }
}

static void take_midi(jack_process *p, uint32_t n_samples, uint64_t time_samples, uint32_t rate_hz)
{
  void *buffer = p->api->port_get_buffer(p->ports[JACK_PORT_MIDI], n_samples);
  const uint32_t n_events = buffer && p->midi ? p->api->midi_get_event_count(buffer) : 0;
  uint32_t offset = 0;
  control c;
  if (p->midi && midi_map_begin(p->midi, rate_hz, time_samples, &c)) {
    send_midi(p, &c, 0);
  }
  for (uint32_t i = 0; i < n_events; i++) {
    jack_midi_event_t event;
    if (p->api->midi_event_get(&event, buffer, i)) {
      continue;
    }
    // In order and within the block, whatever its sender says.
    offset = event.time > offset ? event.time : offset;
    offset = offset < n_samples ? offset : n_samples - 1;
    if (midi_map_take(p->midi, event.buffer, event.size, time_samples + offset, &c)) {
      send_midi(p, &c, offset);
    }
  }
}

// ---- the block ----

static void play(jack_process *p, float *const *in, float *const *out, float *const *dry,
                 uint32_t n_samples, uint64_t time_samples)
{
  if (p->n_channels == 2) {
    session_process(p->session, (const float *const *)in, out, n_samples, time_samples);
    return;
  }
  mix_inputs(p, in[0], in[1], n_samples);
  const float *mixed = p->mixed;
  for (int i = 0; i < JACK_PORTS_EACH_WAY; i++) {
    give_dry(mixed, dry[i], n_samples);
  }
  session_process(p->session, &mixed, out, n_samples, time_samples);
  memcpy(out[1], out[0], n_samples * sizeof(float));
}

static void cycle(jack_process *p, uint32_t n_samples)
{
  // Fetched every cycle: JACK may move them. Input buffers are shared with other clients and never
  // written to.
  float *in[JACK_PORTS_EACH_WAY], *out[JACK_PORTS_EACH_WAY], *dry[JACK_PORTS_EACH_WAY];
  const uint32_t rate_hz = atomic_load_explicit(&p->session_rate_hz, memory_order_relaxed);
  bool usable = n_samples <= SESSION_MAX_BLOCK_SAMPLES;
  for (int i = 0; i < JACK_PORTS_EACH_WAY; i++) {
    in[i] = p->api->port_get_buffer(p->ports[JACK_PORT_IN + i], n_samples);
    out[i] = p->api->port_get_buffer(p->ports[JACK_PORT_OUT + i], n_samples);
    dry[i] = p->api->port_get_buffer(p->ports[JACK_PORT_DRY + i], n_samples);
    usable = usable && in[i] && out[i];
    give_dry(in[i], dry[i], n_samples); // even where nothing else can be given
  }
  uint64_t time_samples = advance_clock(p);
  // PipeWire changes the block without a notification that can be relied on.
  if (n_samples != atomic_load_explicit(&p->block_samples, memory_order_relaxed))
    atomic_store_explicit(&p->block_samples, n_samples, memory_order_relaxed);
  usable = usable && atomic_load_explicit(&p->server_rate_hz, memory_order_relaxed) == rate_hz;
  if (!usable) {
    silence(out, n_samples);
    return;
  }
  if (n_samples > 0) {
    follow_transport(p, time_samples, rate_hz);
    take_midi(p, n_samples, time_samples, rate_hz);
  }
  play(p, in, out, dry, n_samples, time_samples);
}

// Never anything but 0: JACK drops a client that returns otherwise, without telling it.
static int on_process(jack_nframes_t n_samples, void *user)
{
  jack_process *p = user;
  if (p->guard.enter)
    p->guard.enter(p->guard.user);
  cycle(p, n_samples);
  if (p->guard.leave)
    p->guard.leave(p->guard.user);
  return 0;
}

// JACK 2 calls this from three threads, PipeWire in the first cycle: it may only do what can be
// done twice. The stack is touched once so that no page of it is missing later.
static void on_thread_init(void *user)
{
  (void)user;
  volatile char stack[64 * 1024];
  for (size_t i = 0; i < sizeof stack; i += 1024)
    stack[i] = 0;
}

// ---- [notify] ----------------------------------------------------------------------------------
// None may call the server back; they leave a note for jack_host_poll.

static int on_buffer_size(jack_nframes_t n_samples, void *user)
{
  jack_process *p = user;
  atomic_store_explicit(&p->block_samples, n_samples, memory_order_relaxed);
  return 0;
}

static int on_sample_rate(jack_nframes_t rate_hz, void *user)
{
  jack_process *p = user;
  atomic_store_explicit(&p->server_rate_hz, rate_hz, memory_order_relaxed);
  return 0;
}

static int on_xrun(void *user)
{
  jack_process *p = user;
  session_count_xrun(p->session);
  return 0;
}

static void on_freewheel(int starting, void *user)
{
  jack_process *p = user;
  session_set_freewheel(p->session, starting != 0);
}

static void on_port_connect(jack_port_id_t a, jack_port_id_t b, int connect, void *user)
{
  (void)a, (void)b, (void)connect;
  jack_process *p = user;
  atomic_store_explicit(&p->connections_changed, true, memory_order_relaxed);
}

static void on_port_registration(jack_port_id_t port, int registered, void *user)
{
  (void)port, (void)registered;
  jack_process *p = user;
  atomic_store_explicit(&p->ports_changed, true, memory_order_relaxed);
}

// May run like a signal handler: copy and set a flag, nothing more.
static void on_shutdown(jack_status_t code, const char *reason, void *user)
{
  (void)code;
  jack_process *p = user;
  size_t i = 0;
  for (; reason && reason[i] && i + 1 < sizeof p->reason; i++)
    p->reason[i] = reason[i];
  p->reason[i] = '\0';
  atomic_store_explicit(&p->gone, true, memory_order_release);
}

// PipeWire 0.3 knows only this one; where the other is known it is called instead.
static void on_shutdown_without_reason(void *user)
{
  on_shutdown(JackServerError, NULL, user);
}

// What lies between a group of ports and the world beyond them, in addition to `total`.
static bool add_range(const jack_process *p, jack_latency_callback_mode_t mode, int first,
                      uint32_t latency_samples, bool any, jack_latency_range_t *total)
{
  for (int i = first; i < first + JACK_PORTS_EACH_WAY; i++) {
    jack_latency_range_t range;
    if (!p->api->port_connected(p->ports[i]))
      continue;
    p->api->port_get_latency_range(p->ports[i], mode, &range);
    range.min += latency_samples;
    range.max += latency_samples;
    total->min = !any || range.min < total->min ? range.min : total->min;
    total->max = !any || range.max > total->max ? range.max : total->max;
    any = true;
  }
  return any;
}

static void set_ranges(const jack_process *p, jack_latency_callback_mode_t mode, int first, int n,
                       jack_latency_range_t range)
{
  for (int i = first; i < first + n; i++)
    p->api->port_set_latency_range(p->ports[i], mode, &range);
}

// Every output hears every input, L samples later: the model mixes channels. The dry ports hear
// them at once, MIDI is heard as soon as a note is. JACK asks for each direction in turn, and once
// this callback stands it derives nothing by itself.
static void on_latency(jack_latency_callback_mode_t mode, void *user)
{
  jack_process *p = user;
  const uint32_t latency = session_latency_samples(p->session);
  jack_latency_range_t wet = {latency, latency}, dry = {0, 0};
  if (mode == JackCaptureLatency) {
    if (add_range(p, mode, JACK_PORT_IN, 0, false, &dry))
      wet = (jack_latency_range_t){dry.min + latency, dry.max + latency};
    set_ranges(p, mode, JACK_PORT_OUT, JACK_PORTS_EACH_WAY, wet);
    set_ranges(p, mode, JACK_PORT_DRY, JACK_PORTS_EACH_WAY, dry);
    return;
  }
  const bool played = add_range(p, mode, JACK_PORT_OUT, latency, false, &wet);
  set_ranges(p, mode, JACK_PORT_MIDI, 1, wet);
  add_range(p, mode, JACK_PORT_DRY, 0, played, &wet);
  set_ranges(p, mode, JACK_PORT_IN, JACK_PORTS_EACH_WAY, wet);
}

// ---- [main] ------------------------------------------------------------------------------------

status jack_process_init(jack_process *p, const jack_api *api, jack_client_t *client, session *s,
                         error *err)
{
  jack_guard guard = p->guard;
  midi_map *midi = p->midi;
  memset(p, 0, sizeof *p);
  p->guard = guard;
  p->midi = midi;
  if (midi) {
    midi_clock_tell_again(&midi->clock); // this session does not know of it yet
  }
  p->api = api;
  p->client = client;
  p->session = s;
  p->n_channels = session_channels(s);
  p->gain = 1.0F;
  if (p->n_channels < 1 || p->n_channels > JACK_PORTS_EACH_WAY)
    return error_set(err, STATUS_UNSUPPORTED,
                     "the model has %d channels, the JACK client takes 1 or 2", p->n_channels);
  p->mixed = calloc(SESSION_MAX_BLOCK_SAMPLES, sizeof *p->mixed);
  return p->mixed ? STATUS_OK : error_set(err, STATUS_NO_MEMORY, "no memory for the JACK client");
}

void jack_process_free(jack_process *p)
{
  free(p->mixed);
  p->mixed = NULL;
}

status jack_process_register(jack_process *p, error *err)
{
  static const char *const names[JACK_N_PORTS] = {"in_1",  "in_2",  "out_1",  "out_2",
                                                  "dry_1", "dry_2", "midi_in"};
  for (int i = 0; i < JACK_N_PORTS; i++) {
    const char *type = i == JACK_PORT_MIDI ? JACK_DEFAULT_MIDI_TYPE : JACK_DEFAULT_AUDIO_TYPE;
    p->ports[i] = p->api->port_register(
        p->client, names[i], type, jack_port_is_input(i) ? JackPortIsInput : JackPortIsOutput, 0);
    if (!p->ports[i])
      return error_set(err, STATUS_DEVICE, "%s refused to register the port %s", p->api->version,
                       names[i]);
  }
  return STATUS_OK;
}

status jack_process_attach(jack_process *p, error *err)
{
  const jack_api *api = p->api;
  jack_client_t *client = p->client;
  int refused = api->set_process_callback(client, on_process, p);
  refused |= api->set_thread_init_callback(client, on_thread_init, p);
  refused |= api->set_buffer_size_callback(client, on_buffer_size, p);
  refused |= api->set_sample_rate_callback(client, on_sample_rate, p);
  refused |= api->set_xrun_callback(client, on_xrun, p);
  refused |= api->set_freewheel_callback(client, on_freewheel, p);
  refused |= api->set_latency_callback(client, on_latency, p);
  refused |= api->set_port_connect_callback(client, on_port_connect, p);
  refused |= api->set_port_registration_callback(client, on_port_registration, p);
  api->on_shutdown(client, on_shutdown_without_reason, p);
  api->on_info_shutdown(client, on_shutdown, p);
  return refused ? error_set(err, STATUS_DEVICE, "%s refused a callback", api->version) : STATUS_OK;
}
