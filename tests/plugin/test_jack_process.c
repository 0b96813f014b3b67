// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// The JACK callbacks, driven by a table of functions instead of a server: what no server does on
// demand (clocks that wrap, blocks beyond every limit, buffers that are not there).

#include "plugin/jack_process.h"

#include "engine/control/parameters.h"
#include "tests/live/rt_guard.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define RATE_HZ 48000
#define HOP 240
#define BLOCK 128

#define MOST_EVENTS 128

/// What a server would keep, by port (numbers as in jack_process.h).
typedef struct fake_server {
  JackProcessCallback process;
  void *process_user;
  JackLatencyCallback latency;
  JackSampleRateCallback sample_rate;
  JackBufferSizeCallback buffer_size;
  JackInfoShutdownCallback info_shutdown;
  JackThreadInitCallback thread_init;
  float buffers[JACK_N_PORTS][SESSION_MAX_BLOCK_SAMPLES + 64];
  bool missing; ///< a buffer cannot be had
  bool connected[JACK_N_PORTS];
  jack_latency_range_t ranges[2][JACK_N_PORTS];
  uint32_t clock;
  int n_ports;
  jack_midi_event_t events[MOST_EVENTS]; ///< of the next cycle
  uint8_t bytes[MOST_EVENTS][4];
  uint32_t n_events;
  jack_transport_state_t transport;
  jack_position_t at;
} fake_server;

static fake_server server;

/// What the callback asked of the session (linked with --wrap).
#define MOST_SENT 64
static struct {
  control control;
  uint32_t offset;
} sent[MOST_SENT];
static int n_sent;

bool __real_session_send_at(session *s, const control *c, uint32_t offset_samples);
bool __wrap_session_send_at(session *s, const control *c, uint32_t offset_samples);
bool __wrap_session_send_at(session *s, const control *c, uint32_t offset_samples)
{
  if (n_sent < MOST_SENT) {
    sent[n_sent].control = *c;
    sent[n_sent].offset = offset_samples;
  }
  n_sent++;
  return __real_session_send_at(s, c, offset_samples);
}

static int port_number(const jack_port_t *port)
{
  return (int)((const char *)port - (const char *)&server);
}

static jack_port_t *fake_register(jack_client_t *client, const char *name, const char *type,
                                  unsigned long flags, unsigned long size)
{
  static const char *const names[] = {"in_1",  "in_2",  "out_1",  "out_2",
                                      "dry_1", "dry_2", "midi_in"};
  const bool midi = server.n_ports == JACK_PORT_MIDI;
  (void)client, (void)size;
  assert_string_equal(name, names[server.n_ports]);
  assert_string_equal(type, midi ? JACK_DEFAULT_MIDI_TYPE : JACK_DEFAULT_AUDIO_TYPE);
  assert_int_equal(flags, server.n_ports < 2 || midi ? JackPortIsInput : JackPortIsOutput);
  return (jack_port_t *)((char *)&server + server.n_ports++);
}

static void *fake_buffer(jack_port_t *port, jack_nframes_t n)
{
  (void)n;
  return server.missing && port_number(port) == 1 ? NULL : server.buffers[port_number(port)];
}

static jack_nframes_t fake_clock(const jack_client_t *client)
{
  (void)client;
  return server.clock;
}

static uint32_t fake_event_count(void *buffer)
{
  assert_ptr_equal(buffer, server.buffers[JACK_PORT_MIDI]);
  return server.n_events;
}

static int fake_event(jack_midi_event_t *event, void *buffer, uint32_t index)
{
  (void)buffer;
  *event = server.events[index];
  return 0;
}

static jack_transport_state_t fake_transport(const jack_client_t *client, jack_position_t *at)
{
  (void)client;
  *at = server.at;
  return server.transport;
}

static int fake_connected(const jack_port_t *port)
{
  return server.connected[port_number(port)];
}

static void fake_get_range(jack_port_t *port, jack_latency_callback_mode_t mode,
                           jack_latency_range_t *range)
{
  *range = server.ranges[mode == JackCaptureLatency][port_number(port)];
}

static void fake_set_range(jack_port_t *port, jack_latency_callback_mode_t mode,
                           jack_latency_range_t *range)
{
  server.ranges[mode == JackCaptureLatency][port_number(port)] = *range;
}

static int keep_process(jack_client_t *client, JackProcessCallback f, void *user)
{
  (void)client;
  server.process = f;
  server.process_user = user;
  return 0;
}

#define KEEP(what, type)                                                                           \
  static int keep_##what(jack_client_t *client, type f, void *user)                                \
  {                                                                                                \
    (void)client, (void)user;                                                                      \
    server.what = f;                                                                               \
    return 0;                                                                                      \
  }
KEEP(latency, JackLatencyCallback)
KEEP(sample_rate, JackSampleRateCallback)
KEEP(buffer_size, JackBufferSizeCallback)
KEEP(thread_init, JackThreadInitCallback)

static void keep_info_shutdown(jack_client_t *client, JackInfoShutdownCallback f, void *user)
{
  (void)client, (void)user;
  server.info_shutdown = f;
}

static void ignore_shutdown(jack_client_t *client, JackShutdownCallback f, void *user)
{
  (void)client, (void)f, (void)user;
}

#define IGNORE(name, type)                                                                         \
  static int ignore_##name(jack_client_t *client, type f, void *user)                              \
  {                                                                                                \
    (void)client, (void)f, (void)user;                                                             \
    return 0;                                                                                      \
  }
IGNORE(xrun, JackXRunCallback)
IGNORE(freewheel, JackFreewheelCallback)
IGNORE(connect, JackPortConnectCallback)
IGNORE(registration, JackPortRegistrationCallback)

static const jack_api fake_api = {
    .version = "a fake server",
    .port_register = fake_register,
    .port_get_buffer = fake_buffer,
    .last_frame_time = fake_clock,
    .midi_get_event_count = fake_event_count,
    .midi_event_get = fake_event,
    .transport_query = fake_transport,
    .port_connected = fake_connected,
    .port_get_latency_range = fake_get_range,
    .port_set_latency_range = fake_set_range,
    .set_process_callback = keep_process,
    .set_latency_callback = keep_latency,
    .set_sample_rate_callback = keep_sample_rate,
    .set_buffer_size_callback = keep_buffer_size,
    .set_thread_init_callback = keep_thread_init,
    .set_xrun_callback = ignore_xrun,
    .set_freewheel_callback = ignore_freewheel,
    .set_port_connect_callback = ignore_connect,
    .set_port_registration_callback = ignore_registration,
    .on_shutdown = ignore_shutdown,
    .on_info_shutdown = keep_info_shutdown,
};

typedef struct fixture {
  codec *model;
  session *session;
  midi_map midi;
  jack_process process;
} fixture;

static void set_up(fixture *f, uint32_t n_channels)
{
  error err = {STATUS_OK, ""};
  memset(&server, 0, sizeof server);
  memset(f, 0, sizeof *f);
  n_sent = 0;
  assert_int_equal(codec_open_bypass(&f->model, RATE_HZ, HOP, n_channels, &err), STATUS_OK);
  const session_config config = {
      .model = f->model, .host_rate_hz = RATE_HZ, .block_samples = BLOCK};
  assert_int_equal(session_open(&f->session, &config, &err), STATUS_OK);
  // In freewheel the session waits for its result: what comes out depends on nobody's speed.
  session_set_freewheel(f->session, true);
  midi_map_init(&f->midi, RATE_HZ);
  f->process.midi = &f->midi;
  assert_int_equal(jack_process_init(&f->process, &fake_api, NULL, f->session, &err), STATUS_OK);
  assert_int_equal(jack_process_register(&f->process, &err), STATUS_OK);
  assert_int_equal(server.n_ports, JACK_N_PORTS);
  assert_int_equal(jack_process_attach(&f->process, &err), STATUS_OK);
  atomic_store(&f->process.server_rate_hz, RATE_HZ);
  atomic_store(&f->process.session_rate_hz, RATE_HZ);
}

static void tear_down(fixture *f)
{
  session_close(f->session);
  jack_process_free(&f->process);
  codec_unref(f->model);
}

static void run_cycle(uint32_t n_samples)
{
  assert_int_equal(server.process(n_samples, server.process_user), 0);
  server.clock += n_samples;
  server.n_events = 0;
}

static void fill(int port, float value)
{
  for (size_t i = 0; i < SESSION_MAX_BLOCK_SAMPLES; i++)
    server.buffers[port][i] = value;
}

static void assert_silent(uint32_t n_samples)
{
  for (int port = 2; port < 4; port++)
    for (uint32_t i = 0; i < n_samples; i++)
      assert_true(server.buffers[port][i] == 0.0F);
}

// Long enough for everything that went in before to be over.
static void play_out(uint32_t latency_samples)
{
  for (uint32_t n = 0; n <= latency_samples + BLOCK; n += BLOCK)
    run_cycle(BLOCK);
}

static void test_any_block_size_passes_through(void **state)
{
  (void)state;
  fixture f;
  set_up(&f, 2);
  const uint32_t latency = session_latency_samples(f.session);
  static const uint32_t sizes[] = {1, 128, 7, 64, 3, 127, 100};
  uint64_t t = 0;
  for (int round = 0; round < 100; round++) {
    const uint32_t n = sizes[round % 7];
    for (uint32_t i = 0; i < n; i++) {
      server.buffers[0][i] = (float)(t + i + 1);
      server.buffers[1][i] = -(float)(t + i + 1);
    }
    run_cycle(n);
    for (uint32_t i = 0; i < n; i++) {
      const float due = t + i < latency ? 0.0F : (float)(t + i - latency + 1);
      assert_true(server.buffers[2][i] == due);
      assert_true(server.buffers[3][i] == (due > 0 ? -due : 0.0F));
    }
    t += n;
  }
  assert_int_equal(atomic_load(&f.process.block_samples), sizes[99 % 7]);
  tear_down(&f);
}

static void test_silence_where_nothing_can_be_given(void **state)
{
  (void)state;
  fixture f;
  set_up(&f, 2);
  fill(0, 0.5F);
  fill(1, 0.5F);
  fill(2, 0.7F);
  fill(3, 0.7F);
  run_cycle(SESSION_MAX_BLOCK_SAMPLES + 32); // larger than any server's limit
  assert_silent(SESSION_MAX_BLOCK_SAMPLES + 32);
  fill(2, 0.7F);
  server.missing = true;
  run_cycle(BLOCK);
  assert_silent(BLOCK);
  server.missing = false;
  fill(2, 0.7F);
  server.sample_rate(44100, &f.process); // the session has not followed yet
  run_cycle(BLOCK);
  assert_silent(BLOCK);
  tear_down(&f);
}

static void test_clock_wraps_and_jumps(void **state)
{
  (void)state;
  fixture f;
  set_up(&f, 2);
  server.clock = UINT32_MAX - 3 * BLOCK + 1;
  const uint64_t start = server.clock;
  for (int i = 0; i < 6; i++)
    run_cycle(BLOCK);
  assert_int_equal(f.process.time_samples, start + 5 * BLOCK);
  session_telemetry t;
  session_read_telemetry(f.session, &t);
  assert_int_equal(t.gaps, 0);
  server.clock += 1000;
  run_cycle(BLOCK);
  session_read_telemetry(f.session, &t);
  assert_int_equal(t.gaps, 1);
  assert_int_equal(t.gap_samples, 1000);
  server.clock -= 5000; // a restarted clock
  run_cycle(BLOCK);
  session_read_telemetry(f.session, &t);
  assert_int_equal(t.gaps, 2);
  assert_int_equal(t.gap_samples, 1000);
  tear_down(&f);
}

static void test_one_channel_hears_both_inputs(void **state)
{
  (void)state;
  fixture f;
  set_up(&f, 1);
  const uint32_t latency = session_latency_samples(f.session);
  fill(0, 0.5F);
  fill(1, 0.25F);
  play_out(latency);
  assert_true(server.buffers[2][BLOCK - 1] == 0.75F); // one or none connected: the sum
  assert_true(server.buffers[3][BLOCK - 1] == 0.75F); // both outputs
  atomic_store(&f.process.both_inputs, true);
  float last = 0.75F, steepest = 0;
  for (uint32_t n = 0; n <= latency + BLOCK; n += BLOCK) {
    run_cycle(BLOCK);
    for (int i = 0; i < BLOCK; i++) {
      steepest = fmaxf(steepest, fabsf(server.buffers[2][i] - last));
      last = server.buffers[2][i];
    }
  }
  assert_true(last == 0.375F);          // both: the mean
  assert_true(steepest < 0.5F / BLOCK); // reached over a block
  assert_true(server.buffers[0][0] == 0.5F && server.buffers[1][0] == 0.25F); // never written to
  tear_down(&f);
}

static void test_latency_of_connected_ports_and_ours(void **state)
{
  (void)state;
  fixture f;
  set_up(&f, 2);
  const uint32_t latency = session_latency_samples(f.session);
  server.connected[0] = true;
  server.ranges[1][0] = (jack_latency_range_t){100, 300};
  server.ranges[1][1] = (jack_latency_range_t){7, 9999}; // not connected: does not count
  server.latency(JackCaptureLatency, &f.process);
  for (int port = 2; port < 4; port++) {
    assert_int_equal(server.ranges[1][port].min, 100 + latency);
    assert_int_equal(server.ranges[1][port].max, 300 + latency);
  }
  server.connected[2] = server.connected[3] = true;
  server.ranges[0][2] = (jack_latency_range_t){50, 60};
  server.ranges[0][3] = (jack_latency_range_t){40, 55};
  server.latency(JackPlaybackLatency, &f.process);
  for (int port = 0; port < 2; port++) {
    assert_int_equal(server.ranges[0][port].min, 40 + latency);
    assert_int_equal(server.ranges[0][port].max, 60 + latency);
  }
  tear_down(&f);
}

static void test_latency_of_dry_ports_and_midi(void **state)
{
  (void)state;
  fixture f;
  set_up(&f, 2);
  const uint32_t latency = session_latency_samples(f.session);
  server.connected[JACK_PORT_IN] = true;
  server.ranges[1][JACK_PORT_IN] = (jack_latency_range_t){100, 300};
  server.latency(JackCaptureLatency, &f.process);
  for (int i = JACK_PORT_DRY; i < JACK_PORT_DRY + 2; i++) {
    assert_int_equal(server.ranges[1][i].min, 100);
    assert_int_equal(server.ranges[1][i].max, 300);
  }
  server.connected[JACK_PORT_DRY + 1] = true; // heard at once,
  server.ranges[0][JACK_PORT_DRY + 1] = (jack_latency_range_t){20, 30};
  server.latency(JackPlaybackLatency, &f.process);
  assert_int_equal(server.ranges[0][JACK_PORT_IN].min, 20);
  assert_int_equal(server.ranges[0][JACK_PORT_IN].max, 30);
  assert_int_equal(server.ranges[0][JACK_PORT_MIDI].min, latency);
  server.connected[JACK_PORT_OUT] = true; // and again later
  server.ranges[0][JACK_PORT_OUT] = (jack_latency_range_t){40, 50};
  server.latency(JackPlaybackLatency, &f.process);
  assert_int_equal(server.ranges[0][JACK_PORT_IN].min, 20);
  assert_int_equal(server.ranges[0][JACK_PORT_IN].max, 50 + latency);
  assert_int_equal(server.ranges[0][JACK_PORT_MIDI].min, 40 + latency);
  assert_int_equal(server.ranges[0][JACK_PORT_MIDI].max, 50 + latency);
  tear_down(&f);
}

static void test_dry_is_the_input_at_once(void **state)
{
  (void)state;
  fixture f;
  set_up(&f, 2);
  fill(0, 0.5F);
  fill(1, 0.25F);
  server.buffers[0][3] = NAN;
  run_cycle(BLOCK);
  for (int i = 0; i < BLOCK; i++) {
    assert_true(server.buffers[JACK_PORT_DRY][i] == (i == 3 ? 0.0F : 0.5F));
    assert_true(server.buffers[JACK_PORT_DRY + 1][i] == 0.25F);
  }
  server.sample_rate(44100, &f.process); // nothing else can be given
  fill(0, 0.125F);
  run_cycle(SESSION_MAX_BLOCK_SAMPLES + 32);
  assert_silent(SESSION_MAX_BLOCK_SAMPLES + 32);
  assert_true(server.buffers[JACK_PORT_DRY][SESSION_MAX_BLOCK_SAMPLES - 1] == 0.125F);
  tear_down(&f);
  set_up(&f, 1); // what it hears: both
  fill(0, 0.5F);
  fill(1, 0.25F);
  run_cycle(BLOCK);
  assert_true(server.buffers[JACK_PORT_DRY][BLOCK - 1] == 0.75F);
  assert_true(server.buffers[JACK_PORT_DRY + 1][BLOCK - 1] == 0.75F);
  tear_down(&f);
}

static void put_event(uint32_t time, size_t n, uint8_t a, uint8_t b, uint8_t c)
{
  const uint32_t i = server.n_events++;
  const uint8_t bytes[4] = {a, b, c, 0};
  memcpy(server.bytes[i], bytes, sizeof bytes);
  server.events[i] = (jack_midi_event_t){.time = time, .size = n, .buffer = server.bytes[i]};
}

static void test_midi_is_stamped_with_its_sample(void **state)
{
  (void)state;
  fixture f;
  set_up(&f, 2);
  run_cycle(BLOCK);
  put_event(5, 3, 0xb0, 7, 127);
  put_event(77, 3, 0x90, MIDI_MODE_NOTES + MODE_LISTEN, 100);
  put_event(60, 3, 0xb0, 8, 0);      // out of order: as late as the one before
  put_event(100000, 3, 0xb0, 70, 0); // beyond the block: at its end
  put_event(0, 2, 0xb0, 7, 0);       // no message
  run_cycle(BLOCK);
  static const uint32_t due[] = {5, 77, 77, BLOCK - 1};
  assert_int_equal(n_sent, 4);
  for (int i = 0; i < n_sent; i++) {
    assert_int_equal(sent[i].offset, due[i]);
  }
  assert_true(session_parameter(f.session, PARAMETER_LEVEL) == 12.0);
  assert_true(session_parameter(f.session, PARAMETER_MODE) == MODE_LISTEN);
  assert_true(session_parameter(f.session, PARAMETER_MIX) == 0.0);
  assert_true(session_parameter(f.session, PARAMETER_SIMILARITY) == 0.0);
  assert_int_equal(midi_map_malformed(&f.midi), 1);
  tear_down(&f);
}

static void test_without_a_map_midi_does_nothing(void **state)
{
  (void)state;
  fixture f;
  set_up(&f, 2);
  f.process.midi = NULL;
  put_event(5, 3, 0xb0, 7, 127);
  run_cycle(BLOCK);
  assert_true(session_parameter(f.session, PARAMETER_LEVEL) == 0.0);
  tear_down(&f);
}

static void set_transport(bool rolls, int bar, int beat)
{
  server.transport = rolls ? JackTransportRolling : JackTransportStopped;
  server.at = (jack_position_t){.valid = JackPositionBBT,
                                .bar = bar,
                                .beat = beat,
                                .beats_per_bar = 3.0F,
                                .beat_type = 4.0F,
                                .ticks_per_beat = 1920.0,
                                .beats_per_minute = 120.0};
}

// The transport goes first; when it stops a MIDI clock that runs has its turn again.
static void test_transport_and_midi_clock(void **state)
{
  (void)state;
  fixture f;
  set_up(&f, 2);
  set_transport(false, 1, 1);
  put_event(0, 1, 0xfa, 0, 0);
  for (int i = 0; i < 40; i++) { // a tick every 1000 samples: 120 BPM
    put_event(500, 1, 0xf8, 0, 0);
    run_cycle(1000);
  }
  assert_true(n_sent > 0 && sent[0].control.kind == CONTROL_CLOCK);
  assert_true(fabs(sent[0].control.more - 2.0) < 0.1);
  set_transport(true, 2, 1);
  n_sent = 0;
  for (int i = 0; i < 40; i++) {
    put_event(500, 1, 0xf8, 0, 0);
    run_cycle(1000);
    server.at.tick += 80;
  }
  assert_int_equal(n_sent, 2); // of the transport, and nothing else is news
  assert_true(sent[1].control.kind == CONTROL_CLOCK);
  assert_true(sent[1].control.value == 3.0 && sent[1].control.more == 2.0);
  assert_true(session_parameter(f.session, PARAMETER_BEATS_PER_BAR) == 3.0);
  set_transport(false, 2, 1);
  n_sent = 0;
  for (int i = 0; i < 5; i++) {
    put_event(500, 1, 0xf8, 0, 0);
    run_cycle(1000);
  }
  assert_int_equal(n_sent, 2);
  assert_true(sent[0].control.more == 0.0 && sent[0].offset == 0);
  assert_true(fabs(sent[1].control.more - 2.0) < 0.01 && sent[1].offset == 500);
  assert_true(fabs(sent[1].control.value - 80.0 / 24) < 0.1);
  n_sent = 0;
  for (int i = 0; i < 60; i++) { // and when that goes away
    run_cycle(1000);
  }
  assert_int_equal(n_sent, 1);
  assert_true(sent[0].control.kind == CONTROL_CLOCK && sent[0].control.more == 0.0);
  tear_down(&f);
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

// Notes, controllers, learning, programs, a clock, a transport that jumps: no allocation, no system
// call but one wake.
static void test_the_callback_stays_clean(void **state)
{
  (void)state;
  rt_guard_reset();
  fixture f;
  set_up(&f, 2);
  session_set_freewheel(f.session, false); // it never waits
  f.process.guard = (jack_guard){enter, leave, NULL};
  for (uint32_t round = 0; round < 2000; round++) {
    set_transport(round / 100 % 2, (int)(round % 7) + 1, 1);
    midi_map_learn(&f.midi, (int)(round % 64));
    put_event(0, 1, round == 50 ? 0xfa : 0xf8, 0, 0);
    put_event(3, 3, 0x90, (uint8_t)(30 + round % 30), 100);
    put_event(5, 3, 0xb0, (uint8_t)(round % 128), (uint8_t)(round / 3 % 128));
    put_event(9, 2, 0xc0, (uint8_t)(round % 128), 0);
    put_event(11, 3, 0xb0, 0x80, 0);
    run_cycle(BLOCK);
  }
  rt_guard_report r;
  rt_guard_read(&r);
  assert_int_equal(r.calls, 2000);
  assert_int_equal(r.allocations, 0);
  assert_int_equal(r.system_calls, 0);
  assert_true(r.most_wakes <= 1);
  tear_down(&f);
}

// Far more than anybody plays: what the session does not take is dropped there, nothing else is.
static void test_a_flood_of_midi(void **state)
{
  (void)state;
  fixture f;
  set_up(&f, 2);
  const uint32_t latency = session_latency_samples(f.session);
  fill(0, 0.5F);
  for (int round = 0; round < 1000; round++) {
    for (uint32_t i = 0; i < MOST_EVENTS - 1; i++) {
      put_event(i, 3, 0xb0, 70, (uint8_t)(i & 0x7f));
    }
    run_cycle(BLOCK);
  }
  assert_int_equal(midi_map_messages(&f.midi), 1000 * (MOST_EVENTS - 1));
  session_telemetry t;
  session_read_telemetry(f.session, &t);
  assert_int_equal(t.misses, 0);
  assert_true(t.dropped_controls > 0 && t.dropped_controls < (uint64_t)n_sent);
  assert_true(latency < 1000 * BLOCK && server.buffers[2][BLOCK - 1] == 0.5F);
  tear_down(&f);
}

static void test_notes_for_the_main_thread(void **state)
{
  (void)state;
  fixture f;
  set_up(&f, 2);
  server.buffer_size(512, &f.process);
  assert_int_equal(atomic_load(&f.process.block_samples), 512);
  server.thread_init(&f.process);
  server.thread_init(&f.process); // as often as a server likes
  char reason[400];
  memset(reason, 'x', sizeof reason - 1);
  reason[sizeof reason - 1] = '\0';
  assert_false(atomic_load(&f.process.gone));
  server.info_shutdown(JackServerError, reason, &f.process);
  assert_true(atomic_load(&f.process.gone));
  assert_int_equal(strlen(f.process.reason), sizeof f.process.reason - 1);
  tear_down(&f);
}

static void test_too_many_channels(void **state)
{
  (void)state;
  error err = {STATUS_OK, ""};
  codec *model = NULL;
  session *s = NULL;
  jack_process p = {0};
  memset(&server, 0, sizeof server);
  assert_int_equal(codec_open_bypass(&model, RATE_HZ, HOP, 3, &err), STATUS_OK);
  const session_config config = {.model = model, .host_rate_hz = RATE_HZ, .block_samples = BLOCK};
  assert_int_equal(session_open(&s, &config, &err), STATUS_OK);
  assert_int_equal(jack_process_init(&p, &fake_api, NULL, s, &err), STATUS_UNSUPPORTED);
  session_close(s);
  codec_unref(model);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_any_block_size_passes_through),
      cmocka_unit_test(test_silence_where_nothing_can_be_given),
      cmocka_unit_test(test_clock_wraps_and_jumps),
      cmocka_unit_test(test_one_channel_hears_both_inputs),
      cmocka_unit_test(test_latency_of_connected_ports_and_ours),
      cmocka_unit_test(test_latency_of_dry_ports_and_midi),
      cmocka_unit_test(test_dry_is_the_input_at_once),
      cmocka_unit_test(test_midi_is_stamped_with_its_sample),
      cmocka_unit_test(test_without_a_map_midi_does_nothing),
      cmocka_unit_test(test_transport_and_midi_clock),
      cmocka_unit_test(test_the_callback_stays_clean),
      cmocka_unit_test(test_a_flood_of_midi),
      cmocka_unit_test(test_notes_for_the_main_thread),
      cmocka_unit_test(test_too_many_channels),
  };
  rt_guard_install();
  return cmocka_run_group_tests(tests, NULL, NULL);
}
