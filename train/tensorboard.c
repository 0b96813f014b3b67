// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "train/tensorboard.h"

#include "train/record_file.h"

#include <tensorboard_event.pb-c.h>

#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define FLUSH_BYTES ((size_t)1 << 20)
#define FILE_PREFIX "events.out.tfevents." // readers look for "tfevents"
#define STARTS_PER_SECOND 1000

// What protoc-c makes of train/tensorboard_event.proto.
typedef Continuo__Tensorboard__Event event;
typedef Continuo__Tensorboard__Session session;
typedef Continuo__Tensorboard__Summary summary;
typedef Continuo__Tensorboard__Value summary_value;
typedef Continuo__Tensorboard__Image summary_image;
typedef Continuo__Tensorboard__Audio summary_audio;

struct tensorboard {
  record_file *file;
  log_sink sink;
  bool reported;
};

/// Said once; the training goes on without what is lost.
static void report(tensorboard *t, const char *message)
{
  if (!t->reported) {
    t->reported = true;
    log_write(&t->sink, LOG_WARNING, "TensorBoard log: %s; training goes on without what is lost",
              message);
  }
}

static double now_seconds(void)
{
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

// ---- records -----------------------------------------------------------------------------------

static void write_event(tensorboard *t, int64_t step, event *e)
{
  e->wall_time = now_seconds();
  e->step = step;
  const size_t size_bytes = continuo__tensorboard__event__get_packed_size(e);
  uint8_t *data = record_file_begin(t->file, size_bytes);
  if (!data) {
    report(t, "no memory");
    return;
  }
  continuo__tensorboard__event__pack(e, data);
  record_file_seal(t->file);
  if (record_file_pending(t->file) > FLUSH_BYTES) {
    tensorboard_flush(t);
  }
}

static void write_value(tensorboard *t, int64_t step, summary_value *value)
{
  summary s = CONTINUO__TENSORBOARD__SUMMARY__INIT;
  event e = CONTINUO__TENSORBOARD__EVENT__INIT;
  s.n_values = 1;
  s.values = &value;
  e.what_case = CONTINUO__TENSORBOARD__EVENT__WHAT_SUMMARY;
  e.summary = &s;
  write_event(t, step, &e);
}

/// A tag is a string that is only read.
static summary_value value_for(const char *tag)
{
  summary_value value = CONTINUO__TENSORBOARD__VALUE__INIT;
  memcpy(&value.tag, &tag, sizeof tag);
  return value;
}

void tensorboard_scalar(tensorboard *t, int64_t step, const char *tag, double value)
{
  if (t) {
    summary_value v = value_for(tag);
    v.value_case = CONTINUO__TENSORBOARD__VALUE__VALUE_SCALAR;
    v.scalar = (float)value;
    write_value(t, step, &v);
  }
}

void tensorboard_image(tensorboard *t, int64_t step, const char *tag, const picture *image)
{
  if (!t) {
    return;
  }
  summary_image i = CONTINUO__TENSORBOARD__IMAGE__INIT;
  error err = {0};
  if (picture_png(image, &i.png.data, &i.png.len, &err)) {
    report(t, err.message);
    return;
  }
  i.width = image->width;
  i.height = image->height;
  i.colours = image->coloured ? 3 : 1;
  summary_value v = value_for(tag);
  v.value_case = CONTINUO__TENSORBOARD__VALUE__VALUE_IMAGE;
  v.image = &i;
  write_value(t, step, &v);
  free(i.png.data);
}

// ---- audio -------------------------------------------------------------------------------------

#define WAV_HEAD_BYTES 44

static uint8_t *put_little(uint8_t *out, uint32_t value, int n_bytes)
{
  for (int i = 0; i < n_bytes; ++i) {
    *out++ = (uint8_t)(value >> (8 * i));
  }
  return out;
}

// RIFF with a "fmt " chunk of 16 bytes (1: whole numbers; 16 bits) and a "data" chunk.
static const uint8_t wav_head[WAV_HEAD_BYTES] = {
    'R', 'I', 'F', 'F',      [8] = 'W', 'A',        'V', 'E', 'f', 'm',
    't', ' ', 16,  [20] = 1, [34] = 16, [36] = 'd', 'a', 't', 'a'};

static void put_wav(uint8_t *out, const float *samples, size_t n, int n_channels, uint32_t rate_hz)
{
  const uint32_t data_bytes = (uint32_t)(2 * n), instant_bytes = 2 * (uint32_t)n_channels;
  memcpy(out, wav_head, WAV_HEAD_BYTES);
  put_little(out + 4, WAV_HEAD_BYTES - 8 + data_bytes, 4);
  put_little(out + 22, (uint32_t)n_channels, 2);
  put_little(out + 24, rate_hz, 4);
  put_little(out + 28, rate_hz * instant_bytes, 4); // bytes per second
  put_little(out + 32, instant_bytes, 2);
  put_little(out + 40, data_bytes, 4);
  out += WAV_HEAD_BYTES;
  for (size_t i = 0; i < n; ++i) {
    const float x = samples[i] * 32767.0f;
    const float clipped = x >= 32767.0f ? 32767.0f : x >= -32768.0f ? x : -32768.0f;
    out = put_little(out, (uint32_t)lrintf(clipped), 2);
  }
}

void tensorboard_audio(tensorboard *t, int64_t step, const char *tag, const float *samples,
                       int64_t n_samples, int n_channels, uint32_t rate_hz)
{
  if (!t || n_samples < 0 || n_channels < 1 || n_samples > (INT32_MAX / 4) / n_channels) {
    return;
  }
  const size_t n = (size_t)n_samples * (size_t)n_channels;
  summary_audio a = CONTINUO__TENSORBOARD__AUDIO__INIT;
  char type[] = "audio/wav";
  a.rate_hz = (float)rate_hz;
  a.n_channels = n_channels;
  a.n_samples = n_samples;
  a.content_type = type;
  a.data.len = WAV_HEAD_BYTES + 2 * n;
  a.data.data = malloc(a.data.len);
  if (!a.data.data) {
    report(t, "no memory");
    return;
  }
  put_wav(a.data.data, samples, n, n_channels, rate_hz);
  summary_value v = value_for(tag);
  v.value_case = CONTINUO__TENSORBOARD__VALUE__VALUE_AUDIO;
  v.audio = &a;
  write_value(t, step, &v);
  free(a.data.data);
}

// ---- opening -----------------------------------------------------------------------------------

/// The greatest time in the names of the folder's logs, at least `least`. Readers go by names, and
/// a clock can be set back.
static long long latest_time(const char *folder, long long least)
{
  DIR *dir = opendir(folder);
  long long latest = least;
  for (const struct dirent *entry = dir ? readdir(dir) : NULL; entry; entry = readdir(dir)) {
    if (!strncmp(entry->d_name, FILE_PREFIX, strlen(FILE_PREFIX))) {
      const long long found = strtoll(entry->d_name + strlen(FILE_PREFIX), NULL, 10);
      latest = found > latest && found < 10000000000 ? found : latest;
    }
  }
  if (dir) {
    closedir(dir);
  }
  return latest;
}

static status create_file(record_file **file, const char *folder, error *err)
{
  const size_t room = strlen(folder) + 64;
  char *path = malloc(room);
  if (!path) {
    return error_set(err, STATUS_NO_MEMORY, "%s: no memory for a log", folder);
  }
  const long long seconds = latest_time(folder, (long long)now_seconds());
  status code = STATUS_IO;
  for (int n = 0; n < STARTS_PER_SECOND; ++n) {
    snprintf(path, room, "%s/" FILE_PREFIX "%010lld.%03d", folder, seconds, n);
    code = record_file_create(file, path, err);
    if (code != STATUS_IO || errno != EEXIST) {
      break;
    }
  }
  free(path);
  return code;
}

/// The records that each file begins with.
static void write_head(tensorboard *t, int64_t first_step)
{
  event e = CONTINUO__TENSORBOARD__EVENT__INIT;
  session s = CONTINUO__TENSORBOARD__SESSION__INIT;
  char version[] = "brain.Event:2";
  e.what_case = CONTINUO__TENSORBOARD__EVENT__WHAT_FILE_VERSION;
  e.file_version = version;
  write_event(t, 0, &e);
  s.state = CONTINUO__TENSORBOARD__SESSION__STATE__START;
  e.what_case = CONTINUO__TENSORBOARD__EVENT__WHAT_SESSION;
  e.session = &s;
  write_event(t, first_step, &e);
}

status tensorboard_open(tensorboard **t, const char *folder, int64_t first_step,
                        const log_sink *sink, error *err)
{
  *t = NULL;
  tensorboard *made = calloc(1, sizeof *made);
  if (!made) {
    return error_set(err, STATUS_NO_MEMORY, "%s: no memory for a log", folder);
  }
  status code = create_file(&made->file, folder, err);
  if (code == STATUS_OK) {
    write_head(made, first_step);
    // A file without its head is no log, so that this much must succeed.
    code = made->reported ? error_set(err, STATUS_NO_MEMORY, "%s: no memory for a log", folder)
                          : record_file_flush(made->file, err);
  }
  if (code != STATUS_OK) {
    record_file_discard(made->file);
    free(made);
    return code;
  }
  if (sink) {
    made->sink = *sink;
  }
  *t = made;
  return STATUS_OK;
}

void tensorboard_flush(tensorboard *t)
{
  error err = {0};
  if (t && record_file_flush(t->file, &err)) {
    report(t, err.message);
  }
}

void tensorboard_close(tensorboard *t)
{
  if (t) {
    tensorboard_flush(t);
    record_file_close(t->file);
    free(t);
  }
}
