// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// live_loop RECORDING RETURNED.wav [CLIENT]: the other end of a live session. Plays a recording
// into CLIENT (default: continuo), records what it returns, and measures the latency: the lag at
// which the returned sound is most like the played one, which says nothing of what was reported.
// Prints one line when it begins, "start_samples N" (JACK's time of the recording's sample 0), and
// one at the end: "measured_latency_samples N reported_latency_samples M rate_hz R".
//
// Player and recorder are two clients: one that is both would close a circle in the graph, and JACK
// breaks a circle by delaying it a block.

#include "models/io/audio_file.h"
#include "plugin/jack_api.h"

#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MAX_SECONDS 60
#define TAIL_SECONDS 1 // listened to after the recording ends: longer than any latency
#define WAIT_STEPS 500 // of 10 ms, for the client to appear

typedef struct loop {
  const jack_api *api;
  jack_client_t *player, *recorder;
  jack_port_t *out, *in;
  uint32_t rate_hz;
  float *played, *returned; // [n_samples]
  size_t n_samples;
  atomic_uint start; // JACK's time of sample 0 of both
  atomic_bool running;
  atomic_size_t n_recorded;
} loop;

// The part of the recording that falls into this block: its first sample, and where in the block.
static size_t part_of_block(const loop *l, jack_client_t *client, jack_nframes_t n_samples,
                            size_t *first, size_t *offset)
{
  const int32_t at = (int32_t)(l->api->last_frame_time(client) - atomic_load(&l->start));
  *first = at > 0 ? (size_t)at : 0;
  *offset = at < 0 ? (size_t) - (int64_t)at : 0;
  if (!atomic_load(&l->running) || *first >= l->n_samples || *offset >= n_samples) {
    return 0;
  }
  const size_t room = n_samples - *offset, left = l->n_samples - *first;
  return left < room ? left : room;
}

// [audio]
static int on_play(jack_nframes_t n_samples, void *user)
{
  loop *l = user;
  size_t first = 0, offset = 0;
  float *out = l->api->port_get_buffer(l->out, n_samples);
  memset(out, 0, n_samples * sizeof *out);
  const size_t count = part_of_block(l, l->player, n_samples, &first, &offset);
  memcpy(out + offset, l->played + first, count * sizeof *out);
  return 0;
}

// [audio]
static int on_record(jack_nframes_t n_samples, void *user)
{
  loop *l = user;
  size_t first = 0, offset = 0;
  const float *in = l->api->port_get_buffer(l->in, n_samples);
  const size_t count = part_of_block(l, l->recorder, n_samples, &first, &offset);
  memcpy(l->returned + first, in + offset, count * sizeof *in);
  if (count) {
    atomic_store(&l->n_recorded, first + count);
  } else if (atomic_load(&l->running) && first >= l->n_samples) {
    atomic_store(&l->n_recorded, l->n_samples); // an overloaded server may skip the very last block
  }
  return 0;
}

static void pause_ms(long ms)
{
  const struct timespec pause = {ms / 1000, ms % 1000 * 1000000L};
  nanosleep(&pause, NULL);
}

static status open_clients(loop *l, jack_api *api, error *err)
{
  for (int i = 0; jack_api_candidate(i); ++i) {
    if (jack_api_load(api, jack_api_candidate(i), err) != STATUS_OK) {
      continue;
    }
    jack_status_t bits = 0;
    l->player = api->client_open("live_loop_player", JackNoStartServer, &bits);
    l->recorder =
        l->player ? api->client_open("live_loop_recorder", JackNoStartServer, &bits) : NULL;
    l->api = api;
    if (l->recorder) {
      l->rate_hz = api->get_sample_rate(l->player);
      return STATUS_OK;
    }
    if (l->player) {
      api->client_close(l->player);
    }
    jack_api_unload(api);
  }
  return error_set(err, STATUS_DEVICE, "no JACK server answers");
}

static status read_recording(loop *l, const char *path, error *err)
{
  audio_reader *reader = NULL;
  const status code = audio_reader_open(&reader, path, l->rate_hz, 1, err);
  if (code) {
    return code;
  }
  const size_t most = (size_t)l->rate_hz * (MAX_SECONDS + TAIL_SECONDS);
  l->played = calloc(most, sizeof *l->played);
  l->returned = calloc(most, sizeof *l->returned);
  size_t count = 0;
  status read =
      l->played && l->returned
          ? audio_reader_read(reader, l->played, (size_t)l->rate_hz * MAX_SECONDS, &count, err)
          : error_set(err, STATUS_NO_MEMORY, "no memory for %d s", MAX_SECONDS);
  audio_reader_close(reader);
  l->n_samples = count + (size_t)l->rate_hz * TAIL_SECONDS;
  return read;
}

// Connect us to the client, and the client to the loudspeakers where there are any.
static status connect_ports(loop *l, const char *client, error *err)
{
  char in[256], out[256], ours_out[256], ours_in[256];
  snprintf(in, sizeof in, "%s:in_1", client);
  snprintf(out, sizeof out, "%s:out_1", client);
  snprintf(ours_out, sizeof ours_out, "%s", l->api->port_name(l->out));
  snprintf(ours_in, sizeof ours_in, "%s", l->api->port_name(l->in));
  for (int i = 0; i < WAIT_STEPS && !l->api->port_by_name(l->recorder, out); ++i) {
    pause_ms(10);
  }
  if (l->api->connect(l->recorder, ours_out, in) != 0 ||
      l->api->connect(l->recorder, out, ours_in) != 0) {
    return error_set(err, STATUS_DEVICE, "cannot connect to %s", client);
  }
  const char **speakers = l->api->get_ports(l->recorder, NULL, JACK_DEFAULT_AUDIO_TYPE,
                                            JackPortIsPhysical | JackPortIsInput);
  for (int i = 0; speakers && speakers[i] && i < 2; ++i) {
    (void)l->api->connect(l->recorder, out, speakers[i]);
  }
  l->api->free(speakers);
  return STATUS_OK;
}

// What JACK believes lies between the player's port and the recorder's.
static uint32_t reported_latency(const loop *l)
{
  jack_latency_range_t before = {0}, after = {0};
  l->api->port_get_latency_range(l->out, JackCaptureLatency, &before);
  l->api->port_get_latency_range(l->in, JackCaptureLatency, &after);
  return after.max - before.max;
}

// Lag below one second with the largest normalised correlation of the two recordings.
static size_t measure_latency(const loop *l)
{
  const size_t window = l->n_samples - l->rate_hz;
  const size_t stride = window > 50000 ? window / 50000 : 1; // enough samples tell the lag
  size_t best_lag = 0;
  double best = 0.0;
  for (size_t lag = 0; lag < l->rate_hz; ++lag) {
    double sum = 0.0;
    for (size_t i = 0; i < window; i += stride) {
      sum += (double)l->played[i] * (double)l->returned[i + lag];
    }
    if (fabs(sum) > best) {
      best = fabs(sum);
      best_lag = lag;
    }
  }
  return best_lag;
}

static status write_returned(const loop *l, const char *path, error *err)
{
  audio_writer *writer = NULL;
  status code =
      audio_writer_open(&writer, path, l->rate_hz, 1, AUDIO_ENCODING_DEFAULT, l->n_samples, err);
  if (code) {
    return code;
  }
  code = audio_writer_write(writer, l->returned, l->n_samples, err);
  if (code) {
    audio_writer_abort(writer);
    return code;
  }
  return audio_writer_commit(writer, err);
}

static status play(loop *l, const char *recording, const char *client, error *err)
{
  l->out = l->api->port_register(l->player, "out", JACK_DEFAULT_AUDIO_TYPE, JackPortIsOutput, 0);
  l->in = l->api->port_register(l->recorder, "in", JACK_DEFAULT_AUDIO_TYPE, JackPortIsInput, 0);
  if (!l->out || !l->in) {
    return error_set(err, STATUS_DEVICE, "cannot register ports");
  }
  status code = read_recording(l, recording, err);
  if (code) {
    return code;
  }
  l->api->set_process_callback(l->player, on_play, l);
  l->api->set_process_callback(l->recorder, on_record, l);
  if (l->api->activate(l->player) != 0 || l->api->activate(l->recorder) != 0) {
    return error_set(err, STATUS_DEVICE, "cannot activate");
  }
  code = connect_ports(l, client, err);
  pause_ms(300); // connections and latencies settle
  const uint32_t reported = code ? 0 : reported_latency(l);
  atomic_store(&l->start, l->api->last_frame_time(l->player) + l->rate_hz / 10);
  atomic_store(&l->running, true);
  printf("start_samples %u\n", atomic_load(&l->start));
  fflush(stdout);
  const long most_ms = (long)(l->n_samples * 1000 / l->rate_hz) + 5000; // or the server is gone
  for (long ms = 0; !code && ms < most_ms && atomic_load(&l->n_recorded) < l->n_samples; ms += 20) {
    pause_ms(20);
  }
  l->api->deactivate(l->player);
  l->api->deactivate(l->recorder);
  if (!code && atomic_load(&l->n_recorded) < l->n_samples) {
    code = error_set(err, STATUS_DEVICE, "the server stopped calling");
  }
  if (!code) {
    printf("measured_latency_samples %zu reported_latency_samples %u rate_hz %u\n",
           measure_latency(l), reported, l->rate_hz);
  }
  return code;
}

int main(int argc, char **argv)
{
  if (argc < 3 || argc > 4) {
    fprintf(stderr, "usage: live_loop RECORDING RETURNED.wav [CLIENT]\n");
    return status_exit_code(STATUS_USAGE);
  }
  loop l = {0};
  jack_api api = {0};
  error err = {0};
  status code = open_clients(&l, &api, &err);
  if (!code) {
    code = play(&l, argv[1], argc > 3 ? argv[3] : "continuo", &err);
    code = code ? code : write_returned(&l, argv[2], &err);
    api.client_close(l.player);
    api.client_close(l.recorder);
  }
  free(l.played);
  free(l.returned);
  if (code) {
    fprintf(stderr, "live_loop: %s\n", err.message);
  }
  return status_exit_code(code);
}
