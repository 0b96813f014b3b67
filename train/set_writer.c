// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "train/set_writer.h"

#include "base/file.h"
#include "base/json_writer.h"
#include "base/sha256.h"
#include "train/set_format.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define BLOCK_SAMPLES 4096
#define FULL_SCALE 32768.0
#define FILE_BYTES 4096

typedef struct written_shard {
  char name[SHARD_NAME_BYTES];
  uint64_t n_samples;
  char sha256[SHA256_HEX_BYTES]; // of the clips' digests
} written_shard;

struct set_writer {
  char *folder;
  bool made_folder;
  int lock; // the folder, open and locked against a second writer
  set_head head;
  char *group, *rule; // what `head` points to
  written_shard *shards;
  int n_shards; // those finished, and the one being written
  int shard_capacity;
  file_save save; // of the last shard; no stream between shards
  sha256 digests; // of the last shard's clips
  char *body;     // the index's lines, one per clip
  size_t body_bytes, body_capacity;
  uint64_t n_clips, n_bytes;
  set_clip clip; // being written
  bool in_clip;
  uint64_t clip_samples;
  double clip_peak, clip_energy; // of the rounded samples, full scale at 1
  sha256 clip_hash;
};

static void put_le(uint8_t *to, uint64_t value, int n_bytes)
{
  for (int i = 0; i < n_bytes; ++i) {
    to[i] = (uint8_t)(value >> (8 * i));
  }
}

static bool is_shard_name(const char *name)
{
  static const char before[] = "audio-", after[] = ".shard";
  if (strncmp(name, before, sizeof before - 1) != 0) {
    return false;
  }
  name += sizeof before - 1;
  const char *digits = name;
  while (isdigit((unsigned char)*name)) {
    ++name;
  }
  if (name - digits < 3 || strncmp(name, after, sizeof after - 1) != 0) {
    return false;
  }
  name += sizeof after - 1;
  return !*name || strncmp(name, ".tmp-", 5) == 0;
}

// Shards without an index, and temporary files: what a killed run leaves.
static bool is_left_over(const char *name)
{
  static const char temporary[] = SET_INDEX_NAME ".tmp-";
  return is_shard_name(name) || strncmp(name, temporary, sizeof temporary - 1) == 0;
}

// Looks at all there is first: a folder with anything else in it stays as it is.
static status clear_folder(const char *folder, error *err)
{
  for (int remove_them = 0; remove_them < 2; ++remove_them) {
    DIR *dir = opendir(folder);
    if (!dir) {
      return error_set(err, STATUS_IO, "%s: cannot look into it: %s", folder, strerror(errno));
    }
    status code = STATUS_OK;
    for (const struct dirent *e = readdir(dir); e && !code; e = readdir(dir)) {
      if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0) {
        continue;
      }
      if (strcmp(e->d_name, SET_INDEX_NAME) == 0) {
        code = error_set(err, STATUS_USAGE,
                         "%s: holds a set already: name another folder, or "
                         "remove it first",
                         folder);
      } else if (!is_left_over(e->d_name)) {
        code = error_set(err, STATUS_USAGE, "%s: not empty (%.60s): name another folder", folder,
                         e->d_name);
      } else if (remove_them && unlinkat(dirfd(dir), e->d_name, 0) != 0) {
        code = error_set(err, STATUS_IO, "%s/%.60s: cannot remove: %s", folder, e->d_name,
                         strerror(errno));
      }
    }
    closedir(dir);
    if (code) {
      return code;
    }
  }
  return STATUS_OK;
}

static status take_folder(set_writer *w, error *err)
{
  w->made_folder = mkdir(w->folder, 0777) == 0;
  if (!w->made_folder && errno != EEXIST) {
    return error_set(err, errno == ENOENT || errno == ENOTDIR ? STATUS_NOT_FOUND : STATUS_IO,
                     "%s: cannot create: %s", w->folder, strerror(errno));
  }
  w->lock = open(w->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (w->lock < 0) {
    return error_set(err, errno == ENOTDIR ? STATUS_USAGE : STATUS_IO, "%s: cannot open: %s",
                     w->folder, strerror(errno));
  }
  if (flock(w->lock, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
    return error_set(err, STATUS_USAGE, "%s: another run is writing there", w->folder);
  }
  return clear_folder(w->folder, err);
}

static void writer_free(set_writer *w)
{
  if (w->lock >= 0) {
    close(w->lock);
  }
  free(w->folder);
  free(w->group);
  free(w->rule);
  free(w->shards);
  free(w->body);
  free(w);
}

status set_writer_open(set_writer **w, const char *folder, const set_head *head, error *err)
{
  *w = NULL;
  set_writer *made = calloc(1, sizeof *made);
  if (!made) {
    return error_set(err, STATUS_NO_MEMORY, "%s: no memory to write it", folder);
  }
  made->lock = -1;
  made->head = *head;
  made->head.shard_samples = head->shard_samples ? head->shard_samples : SHARD_BYTES / 2;
  made->folder = strdup(folder);
  made->head.group = made->group = strdup(head->group);
  made->head.rule = made->rule = strdup(head->rule);
  status code = STATUS_OK;
  if (!made->folder || !made->group || !made->rule) {
    code = error_set(err, STATUS_NO_MEMORY, "%s: no memory to write it", folder);
  } else if (strlen(folder) > FILE_BYTES - 64) {
    code = error_set(err, STATUS_USAGE, "the set's path is too long");
  } else {
    code = take_folder(made, err);
  }
  if (code) {
    if (made->made_folder) {
      rmdir(folder);
    }
    writer_free(made);
    return code;
  }
  *w = made;
  return STATUS_OK;
}

static status io_failed(const set_writer *w, error *err)
{
  const int code = errno;
  return error_set(err, STATUS_IO, "%s/%s: cannot write: %s", w->folder,
                   w->shards[w->n_shards - 1].name, strerror(code ? code : EIO));
}

static status begin_shard(set_writer *w, error *err)
{
  if (w->n_shards == w->shard_capacity) {
    const int capacity = w->shard_capacity ? 2 * w->shard_capacity : 8;
    written_shard *more = realloc(w->shards, (size_t)capacity * sizeof *more);
    if (!more) {
      return error_set(err, STATUS_NO_MEMORY, "%s: no memory to write it", w->folder);
    }
    w->shards = more;
    w->shard_capacity = capacity;
  }
  written_shard *s = &w->shards[w->n_shards];
  *s = (written_shard){0};
  snprintf(s->name, sizeof s->name, "audio-%03d.shard", w->n_shards);
  char path[FILE_BYTES];
  snprintf(path, sizeof path, "%s/%s", w->folder, s->name);
  const status code = file_save_open(&w->save, path, err);
  if (code) {
    return code;
  }
  ++w->n_shards;
  sha256_init(&w->digests);
  const uint8_t header[SHARD_HEADER_BYTES] = {0}; // written when the shard is whole
  errno = 0;
  return fwrite(header, sizeof header, 1, w->save.stream) == 1 ? STATUS_OK : io_failed(w, err);
}

// A cancelled clip may have left bytes after the last whole one.
static status finish_shard(set_writer *w, error *err)
{
  written_shard *s = &w->shards[w->n_shards - 1];
  uint8_t header[SHARD_HEADER_BYTES] = {0}, digest[SHA256_BYTES];
  sha256_final(&w->digests, digest);
  for (int i = 0; i < SHA256_BYTES; ++i) {
    snprintf(s->sha256 + 2 * i, 3, "%02x", digest[i]);
  }
  memcpy(header, SHARD_MAGIC, SHARD_MAGIC_BYTES);
  put_le(header + 16, SET_VERSION, 4);
  put_le(header + 20, w->head.rate_hz, 4);
  put_le(header + 24, s->n_samples, 8);
  memcpy(header + 32, digest, sizeof digest);
  const off_t size = (off_t)(SHARD_HEADER_BYTES + 2 * s->n_samples);
  errno = 0;
  if (fflush(w->save.stream) != 0 || ftruncate(fileno(w->save.stream), size) != 0 ||
      fseeko(w->save.stream, 0, SEEK_SET) != 0 ||
      fwrite(header, sizeof header, 1, w->save.stream) != 1) {
    return io_failed(w, err);
  }
  w->n_bytes += (uint64_t)size;
  return file_save_commit(&w->save, err);
}

status set_writer_begin(set_writer *w, const set_clip *clip, uint64_t expected_samples, error *err)
{
  if (w->in_clip) {
    return error_set(err, STATUS_INTERNAL, "%s: a clip is open", w->folder);
  }
  status code = STATUS_OK;
  if (w->save.stream) {
    const uint64_t before = w->shards[w->n_shards - 1].n_samples;
    if (before > 0 &&
        (before >= w->head.shard_samples || expected_samples > w->head.shard_samples - before)) {
      code = finish_shard(w, err);
    }
  }
  if (!code && !w->save.stream) {
    code = begin_shard(w, err);
  }
  if (code) {
    return code;
  }
  w->clip = *clip;
  w->in_clip = true;
  w->clip_samples = 0;
  w->clip_peak = 0.0;
  w->clip_energy = 0.0;
  sha256_init(&w->clip_hash);
  return STATUS_OK;
}

static int16_t round_sample(double x)
{
  const double scaled = rint(x * FULL_SCALE);
  return (int16_t)(scaled > 32767.0 ? 32767.0 : scaled < -32768.0 ? -32768.0 : scaled);
}

static status push_block(set_writer *w, const float *x, size_t n, error *err)
{
  uint8_t bytes[2 * BLOCK_SAMPLES];
  for (size_t i = 0; i < n; ++i) {
    const int16_t sample = round_sample((double)x[i] * w->clip.gain);
    const double value = (double)sample / FULL_SCALE;
    w->clip_peak = fmax(w->clip_peak, fabs(value));
    w->clip_energy += value * value;
    put_le(bytes + 2 * i, (uint16_t)sample, 2);
  }
  sha256_update(&w->clip_hash, bytes, 2 * n);
  w->clip_samples += n;
  errno = 0;
  return fwrite(bytes, 2, n, w->save.stream) == n ? STATUS_OK : io_failed(w, err);
}

status set_writer_push(set_writer *w, const float *x, size_t n, error *err)
{
  status code = STATUS_OK;
  for (size_t at = 0; at < n && !code; at += BLOCK_SAMPLES) {
    code = push_block(w, x + at, n - at < BLOCK_SAMPLES ? n - at : BLOCK_SAMPLES, err);
  }
  return code;
}

static void describe_clip(const set_writer *w, json_writer *j, const char *hex)
{
  const set_clip *c = &w->clip;
  json_begin_object(j, NULL);
  json_write_string(j, "kind", c->kind);
  json_write_string(j, "path", c->path);
  json_write_string(j, "split", c->validation ? "validation" : "train");
  json_write_integer(j, "shard", w->n_shards - 1);
  json_write_integer(j, "offset", (int64_t)w->shards[w->n_shards - 1].n_samples);
  json_write_integer(j, "samples", (int64_t)w->clip_samples);
  json_write_number(j, "peak", w->clip_peak);
  json_write_number(j, "rms", sqrt(w->clip_energy / (double)w->clip_samples));
  json_write_number(j, "gain_db", 20.0 * log10(c->gain));
  json_write_integer(j, "file_rate_hz", c->file_rate_hz);
  json_write_integer(j, "file_channels", c->file_channels);
  json_write_string(j, "sha256", hex);
  json_end_object(j);
}

static status append_line(set_writer *w, const json_writer *j, error *err)
{
  const size_t needed = w->body_bytes + j->size_bytes + 1;
  if (needed > w->body_capacity) {
    const size_t capacity = 2 * needed + 4096;
    char *more = realloc(w->body, capacity);
    if (!more) {
      return error_set(err, STATUS_NO_MEMORY, "%s: no memory for its index", w->folder);
    }
    w->body = more;
    w->body_capacity = capacity;
  }
  memcpy(w->body + w->body_bytes, j->data, j->size_bytes);
  w->body_bytes = needed;
  w->body[needed - 1] = '\n';
  return STATUS_OK;
}

status set_writer_end(set_writer *w, error *err)
{
  if (!w->in_clip || w->clip_samples == 0) {
    return error_set(err, STATUS_INTERNAL, "%s: no clip, or an empty one, ended", w->folder);
  }
  uint8_t digest[SHA256_BYTES];
  char hex[SHA256_HEX_BYTES];
  sha256 copy = w->clip_hash;
  sha256_final_hex(&copy, hex);
  sha256_final(&w->clip_hash, digest);
  json_writer line;
  json_writer_init(&line, NULL);
  describe_clip(w, &line, hex);
  status code = json_writer_finish(&line, err);
  code = code ? code : append_line(w, &line, err);
  json_writer_free(&line);
  if (code) {
    return code;
  }
  sha256_update(&w->digests, digest, sizeof digest);
  w->shards[w->n_shards - 1].n_samples += w->clip_samples;
  w->in_clip = false;
  ++w->n_clips;
  return STATUS_OK;
}

void set_writer_cancel(set_writer *w)
{
  if (w->in_clip) { // a seek that fails shows at the next write
    const written_shard *s = &w->shards[w->n_shards - 1];
    (void)fseeko(w->save.stream, (off_t)(SHARD_HEADER_BYTES + 2 * s->n_samples), SEEK_SET);
    w->in_clip = false;
  }
}

uint64_t set_writer_n_samples(const set_writer *w)
{
  return w->clip_samples;
}

uint64_t set_writer_n_bytes(const set_writer *w)
{
  return w->n_bytes +
         (w->save.stream ? SHARD_HEADER_BYTES + 2 * w->shards[w->n_shards - 1].n_samples : 0);
}

int set_writer_n_shards(const set_writer *w)
{
  return w->n_shards;
}

static void describe_set(const set_writer *w, json_writer *j)
{
  sha256 hash;
  char hex[SHA256_HEX_BYTES];
  sha256_init(&hash);
  sha256_update(&hash, w->body, w->body_bytes);
  sha256_final_hex(&hash, hex);
  json_begin_object(j, NULL);
  json_write_string(j, "format", SET_FORMAT_NAME);
  json_write_integer(j, "version", SET_VERSION);
  json_write_integer(j, "rate_hz", w->head.rate_hz);
  json_write_number(j, "high_pass_hz", w->head.high_pass_hz);
  json_write_number(j, "validation", w->head.validation);
  json_write_string(j, "group", w->head.group);
  json_write_string(j, "rule", w->head.rule);
  json_write_integer(j, "clips", (int64_t)w->n_clips);
  json_begin_array(j, "shards");
  for (int i = 0; i < w->n_shards; ++i) {
    json_begin_object(j, NULL);
    json_write_string(j, "file", w->shards[i].name);
    json_write_integer(j, "samples", (int64_t)w->shards[i].n_samples);
    json_write_string(j, "sha256", w->shards[i].sha256);
    json_end_object(j);
  }
  json_end_array(j);
  json_write_string(j, "sha256", hex);
  json_end_object(j);
}

static status write_index(set_writer *w, error *err)
{
  char path[FILE_BYTES];
  snprintf(path, sizeof path, "%s/%s", w->folder, SET_INDEX_NAME);
  file_save save;
  status code = file_save_open(&save, path, err);
  if (code) {
    return code;
  }
  json_writer head;
  json_writer_init(&head, save.stream);
  describe_set(w, &head);
  code = json_writer_finish(&head, err);
  json_writer_free(&head);
  errno = 0;
  if (!code && fwrite(w->body, 1, w->body_bytes, save.stream) != w->body_bytes) {
    code = error_set(err, STATUS_IO, "%s: cannot write: %s", path, strerror(errno));
  }
  if (code) {
    file_save_abort(&save);
    return code;
  }
  return file_save_commit(&save, err);
}

status set_writer_commit(set_writer *w, error *err)
{
  set_writer_cancel(w);
  status code = STATUS_OK;
  if (w->save.stream) {
    code = finish_shard(w, err);
  }
  code = code ? code : write_index(w, err);
  if (code) {
    set_writer_abort(w);
    return code;
  }
  writer_free(w);
  return STATUS_OK;
}

void set_writer_abort(set_writer *w)
{
  if (!w) {
    return;
  }
  file_save_abort(&w->save);
  for (int i = 0; i < w->n_shards; ++i) {
    unlinkat(w->lock, w->shards[i].name, 0);
  }
  if (w->made_folder) {
    rmdir(w->folder);
  }
  writer_free(w);
}
