// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// The other clients of the live tests, each a process of its own:
//
//   live_tap play   NAME SOUND      ports out_1, out_2: silence until "go", then a tap_sound
//   live_tap midi   NAME FILE       port midi_out: nothing until told; FILE says what was sent when
//   live_tap record NAME FILE SECONDS  ports sent_1, sent_2, got_1, got_2: keeps every cycle
//   live_tap control NAME           no ports: connects, changes block size, freewheels, rolls
//
// Commands come line by line on stdin; every one is answered by one line on stdout, "ok ..." or
// "no ...". The end of stdin is "quit". The server is JACK_DEFAULT_SERVER's.

#include "tests/live/tap_file.h"
#include "tests/live/tap_midi.h"
#include "tests/live/tap_sound.h"

#include <jack/jack.h>
#include <jack/metadata.h>
#include <jack/midiport.h>
#include <jack/transport.h>
#include <jack/uuid.h>

#include <errno.h>
#include <math.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define MAX_XRUNS 4096
#define MAX_PORTS 4
#define MAX_SENT 65536

typedef struct tap {
  jack_client_t *client;
  jack_port_t *port[MAX_PORTS];
  uint32_t rate_hz;
  atomic_bool gone;
  atomic_int bpm; // control, after "roll"
  // play
  tap_sound sound;
  atomic_bool playing;
  uint64_t played_samples;
  // midi; the audio thread's, but for `wanted`, which it takes over when `told` is set
  tap_midi midi, wanted;
  atomic_bool told;
  uint64_t midi_samples; // since it was told
  tap_sent *sent;        // read after the client is closed
  uint32_t n_sent;
  // record; filled by the audio thread, read after the client is closed
  const char *path; // of midi, too
  float *samples[TAP_CHANNELS];
  tap_cycle *cycles;
  atomic_bool ended;
  uint64_t n_samples, max_samples;
  uint32_t n_cycles, max_cycles;
  uint32_t xruns[MAX_XRUNS];
  atomic_uint n_xruns;
} tap;

// ---- audio thread ------------------------------------------------------------------------------

static int on_play(jack_nframes_t n_samples, void *user)
{
  tap *t = user;
  bool playing = atomic_load(&t->playing);
  for (unsigned c = 0; c < 2; c++) {
    float *out = jack_port_get_buffer(t->port[c], n_samples);
    for (uint32_t i = 0; i < n_samples; i++)
      out[i] = playing ? tap_sound_at(t->sound, t->played_samples + i, c, t->rate_hz) : 0.0F;
  }
  if (playing)
    t->played_samples += n_samples;
  return 0;
}

// When the list is full they go on unnoted.
static void send(tap *t, void *buffer, const tap_message *m, uint32_t offset)
{
  const jack_nframes_t now = jack_last_frame_time(t->client);
  if (jack_midi_event_write(buffer, offset, m->bytes, m->n_bytes) == 0 && t->n_sent < MAX_SENT) {
    tap_sent *sent = &t->sent[t->n_sent++];
    *sent = (tap_sent){now + offset, m->n_bytes, {0}};
    memcpy(sent->bytes, m->bytes, sizeof sent->bytes);
  }
}

static int on_midi(jack_nframes_t n_samples, void *user)
{
  tap *t = user;
  void *buffer = jack_port_get_buffer(t->port[0], n_samples);
  jack_midi_clear_buffer(buffer);
  if (atomic_exchange(&t->told, false)) {
    t->midi = t->wanted;
    t->midi_samples = 0;
  }
  const tap_message *m;
  while ((m = tap_midi_peek(&t->midi)) && m->at_samples < t->midi_samples + n_samples) {
    send(t, buffer, m, (uint32_t)(m->at_samples - t->midi_samples));
    tap_midi_take(&t->midi);
  }
  t->midi_samples += n_samples;
  return 0;
}

// The transport's beats, for whoever listens: 4/4 at the tempo told.
static void on_beats(jack_transport_state_t state, jack_nframes_t n_samples, jack_position_t *pos,
                     int moved, void *user)
{
  (void)state, (void)n_samples, (void)moved;
  const tap *t = user;
  const jack_nframes_t at = pos->frame;
  const double bpm = atomic_load(&t->bpm);
  const double beats = (double)at / t->rate_hz * bpm / 60.0;
  pos->valid = JackPositionBBT;
  pos->beats_per_bar = 4.0F;
  pos->beat_type = 4.0F;
  pos->ticks_per_beat = 1920.0;
  pos->beats_per_minute = bpm;
  pos->bar = 1 + (int32_t)(beats / 4.0);
  pos->beat = 1 + (int32_t)fmod(beats, 4.0);
  pos->tick = (int32_t)(1920.0 * fmod(beats, 1.0));
  pos->bar_start_tick = 0.0;
}

static int on_record(jack_nframes_t n_samples, void *user)
{
  tap *t = user;
  if (atomic_load(&t->ended))
    return 0;
  if (t->n_samples + n_samples > t->max_samples || t->n_cycles == t->max_cycles) {
    return 0; // the take is full: it ends here
  }
  for (int c = 0; c < TAP_CHANNELS; c++)
    memcpy(t->samples[c] + t->n_samples, jack_port_get_buffer(t->port[c], n_samples),
           n_samples * sizeof(float));
  t->cycles[t->n_cycles++] = (tap_cycle){jack_last_frame_time(t->client), n_samples};
  t->n_samples += n_samples;
  return 0;
}

static int on_xrun(void *user)
{
  tap *t = user;
  unsigned n = atomic_load(&t->n_xruns);
  if (n < MAX_XRUNS) {
    t->xruns[n] = jack_frame_time(t->client);
    atomic_store(&t->n_xruns, n + 1);
  }
  return 0;
}

static void on_shutdown(void *user)
{
  tap *t = user;
  atomic_store(&t->gone, true);
}

// ---- set up ------------------------------------------------------------------------------------

static bool open_client(tap *t, const char *name)
{
  jack_status_t bits = 0;
  t->client = jack_client_open(name, JackNoStartServer | JackUseExactName, &bits);
  if (!t->client) {
    printf("no client %s: status 0x%x\n", name, (unsigned)bits);
    return false;
  }
  t->rate_hz = jack_get_sample_rate(t->client);
  jack_on_shutdown(t->client, on_shutdown, t);
  return true;
}

static bool add_port(tap *t, int index, const char *name, unsigned long flags)
{
  t->port[index] = jack_port_register(t->client, name, JACK_DEFAULT_AUDIO_TYPE, flags, 0);
  return t->port[index] != NULL;
}

static bool set_up_play(tap *t, const char *sound)
{
  int found = tap_sound_find(sound);
  t->sound = found < 0 ? TAP_NOISE : (tap_sound)found;
  return found >= 0 && add_port(t, 0, "out_1", JackPortIsOutput) &&
         add_port(t, 1, "out_2", JackPortIsOutput) &&
         jack_set_process_callback(t->client, on_play, t) == 0;
}

static bool set_up_midi(tap *t, const char *path)
{
  t->path = path;
  t->sent = malloc(MAX_SENT * sizeof *t->sent);
  t->port[0] =
      jack_port_register(t->client, "midi_out", JACK_DEFAULT_MIDI_TYPE, JackPortIsOutput, 0);
  if (t->sent) // touched now, as below
    memset(t->sent, 0xff, MAX_SENT * sizeof *t->sent);
  return t->sent && t->port[0] && jack_set_process_callback(t->client, on_midi, t) == 0;
}

static bool save_sent(const tap *t)
{
  FILE *f = fopen(t->path, "wb");
  if (!f)
    return false;
  tap_midi_header header = {TAP_MIDI_MAGIC, t->n_sent};
  bool good = fwrite(&header, sizeof header, 1, f) == 1 &&
              fwrite(t->sent, sizeof *t->sent, t->n_sent, f) == t->n_sent;
  return fclose(f) == 0 && good;
}

static bool set_up_record(tap *t, const char *path, double seconds)
{
  t->path = path;
  t->max_samples = (uint64_t)(seconds * t->rate_hz);
  t->max_cycles = (uint32_t)(t->max_samples / 16);
  t->cycles = calloc(t->max_cycles, sizeof *t->cycles);
  static const char *const names[TAP_CHANNELS] = {"sent_1", "sent_2", "got_1", "got_2"};
  bool good = t->cycles != NULL;
  for (int c = 0; c < TAP_CHANNELS && good; c++) {
    t->samples[c] = malloc(t->max_samples * sizeof(float));
    good = t->samples[c] && add_port(t, c, names[c], JackPortIsInput);
    if (good) // touched now, so that the audio thread meets no page fault
      memset(t->samples[c], 0xff, t->max_samples * sizeof(float));
  }
  return good && jack_set_process_callback(t->client, on_record, t) == 0 &&
         jack_set_xrun_callback(t->client, on_xrun, t) == 0;
}

static bool save_recording(const tap *t)
{
  FILE *f = fopen(t->path, "wb");
  if (!f)
    return false;
  tap_header header = {TAP_MAGIC, t->rate_hz, t->n_cycles, atomic_load(&t->n_xruns), t->n_samples};
  bool good = fwrite(&header, sizeof header, 1, f) == 1 &&
              fwrite(t->cycles, sizeof *t->cycles, t->n_cycles, f) == t->n_cycles &&
              fwrite(t->xruns, sizeof *t->xruns, header.n_xruns, f) == header.n_xruns;
  for (int c = 0; c < TAP_CHANNELS && good; c++)
    good = fwrite(t->samples[c], sizeof(float), t->n_samples, f) == t->n_samples;
  return fclose(f) == 0 && good;
}

// ---- commands ----------------------------------------------------------------------------------

static void sleep_ms(long ms)
{
  struct timespec t = {ms / 1000, ms % 1000 * 1000000L};
  nanosleep(&t, NULL);
}

static bool say_latency(tap *t, const char *name)
{
  jack_port_t *port = jack_port_by_name(t->client, name);
  jack_latency_range_t capture, playback;
  if (!port)
    return false;
  jack_port_get_latency_range(port, JackCaptureLatency, &capture);
  jack_port_get_latency_range(port, JackPlaybackLatency, &playback);
  printf("ok %u %u %u %u\n", capture.min, capture.max, playback.min, playback.max);
  return true;
}

static bool say_connections(tap *t, const char *name)
{
  jack_port_t *port = jack_port_by_name(t->client, name);
  const char **peers = port ? jack_port_get_all_connections(t->client, port) : NULL;
  if (!port)
    return false;
  printf("ok");
  for (int i = 0; peers && peers[i]; i++)
    printf(" %s", peers[i]);
  printf("\n");
  jack_free(peers);
  return true;
}

static bool say_flags(tap *t, const char *name)
{
  jack_port_t *port = jack_port_by_name(t->client, name);
  if (port)
    printf("ok %d\n", jack_port_flags(port));
  return port != NULL;
}

// "-" when the port has no such property.
static bool say_property(tap *t, const char *name, const char *key)
{
  jack_port_t *port = jack_port_by_name(t->client, name);
  char uri[320], *value = NULL, *type = NULL;
  if (!port)
    return false;
  snprintf(uri, sizeof uri, "http://jackaudio.org/metadata/%s", key);
  bool there = jack_get_property(jack_port_uuid(port), uri, &value, &type) == 0;
  printf("ok %s\n", there ? value : "-");
  jack_free(value);
  jack_free(type);
  return true;
}

// `n` times make and undo a connection, evenly over `ms`.
static bool storm(tap *t, const char *a, const char *b, int n, int ms)
{
  for (int i = 0; i < n; i++) {
    if (jack_connect(t->client, a, b))
      return false;
    sleep_ms(ms / n / 2);
    if (jack_disconnect(t->client, a, b))
      return false;
    sleep_ms(ms / n / 2);
  }
  return true;
}

// A plan begins with the next cycle. The last order must have been followed: that takes a cycle.
static void tell_midi(tap *t, const char *line, tap_midi_plan plan)
{
  unsigned long long seed = 0;
  int remembers = 0;
  t->wanted = (tap_midi){.plan = plan};
  if (plan == TAP_MIDI_TRIGGERS)
    sscanf(line, "%*s %llu %u %u %u", &seed, &t->wanted.hold_samples, &t->wanted.quiet_samples,
           &t->wanted.spread_samples);
  else if (plan == TAP_MIDI_ANYTHING)
    sscanf(line, "%*s %llu %u %d", &seed, &t->wanted.every_samples, &remembers);
  t->wanted.remembers = remembers;
  t->wanted.seed = seed;
  atomic_store(&t->told, true);
  while (atomic_load(&t->told) && !atomic_load(&t->gone))
    sleep_ms(1);
}

static bool obey_midi(tap *t, const char *line, const char *word)
{
  static const char *const words[] = {
      [TAP_MIDI_NOTHING] = "rest",
      [TAP_MIDI_TRIGGERS] = "triggers",
      [TAP_MIDI_ANYTHING] = "anything",
  };
  for (int plan = 0; t->sent && plan < 3; plan++) {
    if (strcmp(word, words[plan]) == 0) {
      tell_midi(t, line, (tap_midi_plan)plan);
      return true;
    }
  }
  return false;
}

static bool roll(tap *t, int bpm)
{
  bool good = atomic_exchange(&t->bpm, bpm) != 0 ||
              jack_set_timebase_callback(t->client, 0, on_beats, t) == 0;
  jack_transport_start(t->client);
  return good;
}

// False: refused. Commands that have words to say answer by themselves.
static bool obey(tap *t, char *line, bool *answered)
{
  char word[32] = "", a[256] = "", b[256] = "";
  int x = 0, y = 0;
  *answered = false;
  sscanf(line, "%31s %255s %255s %d %d", word, a, b, &x, &y);
  if (strcmp(word, "go") == 0 || strcmp(word, "hush") == 0) {
    atomic_store(&t->playing, *word == 'g');
    return true;
  }
  if (strcmp(word, "connect") == 0) {
    int refused = jack_connect(t->client, a, b);
    return refused == 0 || refused == EEXIST;
  }
  if (strcmp(word, "disconnect") == 0)
    return jack_disconnect(t->client, a, b) == 0;
  if (strcmp(word, "block") == 0)
    return jack_set_buffer_size(t->client, (jack_nframes_t)atoi(a)) == 0;
  if (strcmp(word, "freewheel") == 0)
    return jack_set_freewheel(t->client, atoi(a)) == 0;
  if (strcmp(word, "storm") == 0)
    return storm(t, a, b, x, y);
  if (strcmp(word, "roll") == 0)
    return roll(t, atoi(a));
  if (strcmp(word, "halt") == 0) {
    jack_transport_stop(t->client);
    return true;
  }
  if (obey_midi(t, line, word))
    return true;
  *answered = true;
  if (strcmp(word, "latency") == 0)
    return say_latency(t, a);
  if (strcmp(word, "connections") == 0)
    return say_connections(t, a);
  if (strcmp(word, "flags") == 0)
    return say_flags(t, a);
  if (strcmp(word, "property") == 0)
    return say_property(t, a, b);
  return false;
}

static void serve(tap *t)
{
  char line[640];
  while (fgets(line, sizeof line, stdin) && strncmp(line, "quit", 4) != 0) {
    bool answered;
    if (atomic_load(&t->gone))
      printf("no server\n");
    else if (!obey(t, line, &answered))
      printf("no %s", line);
    else if (!answered)
      printf("ok\n");
    fflush(stdout);
  }
}

static bool set_up(tap *t, int argc, char **argv)
{
  const char *what = argv[1];
  if (strcmp(what, "record") == 0 && argc == 5)
    return set_up_record(t, argv[3], atof(argv[4]));
  if (strcmp(what, "midi") == 0 && argc == 4)
    return set_up_midi(t, argv[3]);
  if (strcmp(what, "play") == 0 && argc == 4)
    return set_up_play(t, argv[3]);
  return strcmp(what, "control") == 0;
}

int main(int argc, char **argv)
{
  static tap t;
  setvbuf(stdout, NULL, _IOLBF, 0);
  if (argc < 3 || !open_client(&t, argv[2]))
    return 1;
  if (!set_up(&t, argc, argv) || jack_activate(t.client)) {
    printf("no %s could not be set up\n", argv[1]);
    return 1;
  }
  printf("ok ready\n");
  serve(&t);
  atomic_store(&t.ended, true); // before closing takes the connections away, one by one
  jack_client_close(t.client);
  if ((t.cycles && !save_recording(&t)) || (t.sent && !save_sent(&t))) {
    printf("no recording written\n");
    return 1;
  }
  printf("ok bye\n");
  return 0;
}
