// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// The other clients of the live tests, each a process of its own:
//
//   live_tap play   NAME            ports out_1, out_2: silence until "go", then noise and tones
//   live_tap record NAME FILE SECONDS  ports sent_1, sent_2, got_1, got_2: keeps every cycle
//   live_tap control NAME           no ports: connects, changes block size, freewheels
//
// Commands come line by line on stdin; every one is answered by one line on stdout, "ok ..." or
// "no ...". The end of stdin is "quit". The server is JACK_DEFAULT_SERVER's.

#include "tests/live/tap_file.h"

#include <jack/jack.h>
#include <jack/metadata.h>
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

typedef struct tap {
  jack_client_t *client;
  jack_port_t *port[MAX_PORTS];
  uint32_t rate_hz;
  atomic_bool gone;
  // play
  atomic_bool playing;
  uint64_t played_samples;
  // record; filled by the audio thread, read after the client is closed
  const char *path;
  float *samples[TAP_CHANNELS];
  tap_cycle *cycles;
  atomic_bool ended;
  uint64_t n_samples, max_samples;
  uint32_t n_cycles, max_cycles;
  uint32_t xruns[MAX_XRUNS];
  atomic_uint n_xruns;
} tap;

// ---- audio thread ------------------------------------------------------------------------------

// Noise that depends on the position alone (the finaliser of MurmurHash3).
static float noise(uint64_t position, unsigned channel)
{
  uint64_t x = position * 2 + channel + 1;
  x ^= x >> 33;
  x *= 0xff51afd7ed558ccdULL;
  x ^= x >> 33;
  x *= 0xc4ceb9fe1a85ec53ULL;
  x ^= x >> 33;
  return (float)(x >> 40) / (float)(1 << 23) - 1.0F;
}

// Three quarters of a second sound, one quarter silence: onsets at many hop phases.
static float signal_at(uint64_t position, unsigned channel, uint32_t rate_hz)
{
  if (position / (rate_hz / 4) % 4 == 3)
    return 0.0F;
  double phase = fmod(220.0 * (channel + 1) * (double)position / rate_hz, 1.0);
  return 0.3F * (float)sin(6.283185307179586 * phase) + 0.2F * noise(position, channel);
}

static int on_play(jack_nframes_t n_samples, void *user)
{
  tap *t = user;
  bool playing = atomic_load(&t->playing);
  for (unsigned c = 0; c < 2; c++) {
    float *out = jack_port_get_buffer(t->port[c], n_samples);
    for (uint32_t i = 0; i < n_samples; i++)
      out[i] = playing ? signal_at(t->played_samples + i, c, t->rate_hz) : 0.0F;
  }
  if (playing)
    t->played_samples += n_samples;
  return 0;
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

static bool set_up_play(tap *t)
{
  return add_port(t, 0, "out_1", JackPortIsOutput) && add_port(t, 1, "out_2", JackPortIsOutput) &&
         jack_set_process_callback(t->client, on_play, t) == 0;
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

int main(int argc, char **argv)
{
  static tap t;
  setvbuf(stdout, NULL, _IOLBF, 0);
  if (argc < 3 || !open_client(&t, argv[2]))
    return 1;
  bool recording = strcmp(argv[1], "record") == 0 && argc == 5;
  bool good = recording                      ? set_up_record(&t, argv[3], atof(argv[4]))
              : strcmp(argv[1], "play") == 0 ? set_up_play(&t)
                                             : strcmp(argv[1], "control") == 0;
  if (!good || jack_activate(t.client)) {
    printf("no %s could not be set up\n", argv[1]);
    return 1;
  }
  printf("ok ready\n");
  serve(&t);
  atomic_store(&t.ended, true); // before closing takes the connections away, one by one
  jack_client_close(t.client);
  if (recording && !save_recording(&t)) {
    printf("no recording written\n");
    return 1;
  }
  printf("ok bye\n");
  return 0;
}
