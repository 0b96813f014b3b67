// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "train/dataset.h"

#include "base/file.h"
#include "base/json.h"
#include "base/sha256.h"
#include "train/set_format.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATH_BYTES 4096
#define MAX_SHARDS (1 << 20)
#define MAX_SAMPLES (INT64_C(1) << 50)
#define FULL_SCALE 32768.0f

typedef struct open_shard {
  file_map map;
  uint64_t n_samples;
  uint8_t digest[SHA256_BYTES]; // of the clips' digests, as the header says
  sha256 digests;               // the same, as the index says
} open_shard;

struct dataset {
  char *folder;
  uint32_t rate_hz;
  char *rule;
  char sha256[SHA256_HEX_BYTES];
  open_shard *shards;
  int n_shards;
  char **kinds;
  int n_kinds;
  dataset_clip *clips;
  uint8_t (*digests)[SHA256_BYTES]; // [n_clips]
  size_t n_clips, capacity;
};

static uint64_t get_le(const uint8_t *from, int n_bytes)
{
  uint64_t value = 0;
  for (int i = 0; i < n_bytes; ++i) {
    value |= (uint64_t)from[i] << (8 * i);
  }
  return value;
}

static bool parse_digest(const char *hex, uint8_t digest[SHA256_BYTES])
{
  static const char digits[] = "0123456789abcdef";
  if (strlen(hex) != SHA256_HEX_BYTES - 1 || strspn(hex, digits) != strlen(hex)) {
    return false;
  }
  for (int i = 0; i < SHA256_BYTES; ++i) {
    const long high = strchr(digits, hex[2 * i]) - digits;
    const long low = strchr(digits, hex[2 * i + 1]) - digits;
    digest[i] = (uint8_t)(high * 16 + low);
  }
  return true;
}

static status need_digest(const json *object, uint8_t digest[SHA256_BYTES], error *err)
{
  const char *hex = NULL;
  const status code = json_need_string(object, "sha256", &hex, err);
  if (code) {
    return code;
  }
  return parse_digest(hex, digest)
             ? STATUS_OK
             : error_set(err, STATUS_FORMAT, "sha256: 64 hex digits expected");
}

static status no_memory(const dataset *d, error *err)
{
  return error_set(err, STATUS_NO_MEMORY, "%s: no memory to open it", d->folder);
}

static status check_shard(const open_shard *s, const dataset *d, const char *name, error *err)
{
  const uint8_t *at = s->map.data;
  if (s->map.size_bytes < SHARD_HEADER_BYTES || memcmp(at, SHARD_MAGIC, SHARD_MAGIC_BYTES) != 0) {
    return error_set(err, STATUS_FORMAT, "%s/%s: not a shard of audio", d->folder, name);
  }
  if (get_le(at + 16, 4) != SET_VERSION) {
    return error_set(err, STATUS_UNSUPPORTED, "%s/%s: version %u, expected %d", d->folder, name,
                     (unsigned int)get_le(at + 16, 4), SET_VERSION);
  }
  if (get_le(at + 20, 4) != d->rate_hz) {
    return error_set(err, STATUS_FORMAT, "%s/%s: at %u Hz, the index says %u Hz", d->folder, name,
                     (unsigned int)get_le(at + 20, 4), d->rate_hz);
  }
  const uint64_t there = (s->map.size_bytes - SHARD_HEADER_BYTES) / 2;
  if (get_le(at + 24, 8) != s->n_samples || there != s->n_samples || s->map.size_bytes % 2) {
    return error_set(err, STATUS_FORMAT,
                     "%s/%s: says %" PRIu64 " samples and holds %" PRIu64 ", expected %" PRIu64,
                     d->folder, name, get_le(at + 24, 8), there, s->n_samples);
  }
  if (memcmp(at + 32, s->digest, SHA256_BYTES) != 0) {
    return error_set(err, STATUS_FORMAT, "%s/%s: belongs to another set", d->folder, name);
  }
  return STATUS_OK;
}

static status open_one_shard(dataset *d, const json *entry, error *err)
{
  open_shard *s = &d->shards[d->n_shards];
  const char *name = NULL;
  int64_t n_samples = 0;
  status code = json_need_string(entry, "file", &name, err);
  code = code ? code : json_need_integer(entry, "samples", 0, MAX_SAMPLES, &n_samples, err);
  code = code ? code : need_digest(entry, s->digest, err);
  if (!code && (!*name || strchr(name, '/') || strlen(name) >= SHARD_NAME_BYTES)) {
    code = error_set(err, STATUS_FORMAT, "file: a name in the same folder expected");
  }
  if (code) {
    error_prefix(err, "%s/%s: shard %d", d->folder, SET_INDEX_NAME, d->n_shards);
    return code;
  }
  char path[PATH_BYTES];
  snprintf(path, sizeof path, "%s/%s", d->folder, name);
  code = file_map_open(&s->map, path, err);
  if (code) {
    return code;
  }
  ++d->n_shards; // from here on it is closed with the set
  s->n_samples = (uint64_t)n_samples;
  sha256_init(&s->digests);
  return check_shard(s, d, name, err);
}

static status open_shards(dataset *d, const json *head, error *err)
{
  const json *list = json_member(head, "shards");
  const size_t n = json_count(list);
  if (json_get_type(list) != JSON_ARRAY || n > MAX_SHARDS) {
    return error_set(err, STATUS_FORMAT, "%s/%s: shards: a list expected", d->folder,
                     SET_INDEX_NAME);
  }
  d->shards = calloc(n ? n : 1, sizeof *d->shards);
  if (!d->shards) {
    return no_memory(d, err);
  }
  status code = STATUS_OK;
  for (const json *entry = json_first(list); entry && !code; entry = json_next(entry)) {
    code = open_one_shard(d, entry, err);
  }
  return code;
}

static status check_format(const json *head, error *err)
{
  const char *format = "";
  int64_t version = 0;
  if (!json_get_string(json_member(head, "format"), &format) ||
      strcmp(format, SET_FORMAT_NAME) != 0) {
    return error_set(err, STATUS_FORMAT, "not the index of a set of audio");
  }
  const status code = json_need_integer(head, "version", 0, INT32_MAX, &version, err);
  if (code || version == SET_VERSION) {
    return code;
  }
  return error_set(err, STATUS_UNSUPPORTED, "version %d, expected %d", (int)version, SET_VERSION);
}

// The head, all but its shards; `body` is what follows it.
static status read_head(dataset *d, const json *head, const uint8_t *body, size_t body_bytes,
                        int64_t *n_clips, error *err)
{
  int64_t rate_hz = 0;
  const char *rule = NULL;
  uint8_t said[SHA256_BYTES], found[SHA256_BYTES];
  status code = check_format(head, err);
  code = code ? code : json_need_integer(head, "rate_hz", 1, 10000000, &rate_hz, err);
  code = code ? code : json_need_string(head, "rule", &rule, err);
  code = code ? code : json_need_integer(head, "clips", 0, MAX_SAMPLES, n_clips, err);
  code = code ? code : need_digest(head, said, err);
  if (code) {
    error_prefix(err, "%s/%s", d->folder, SET_INDEX_NAME);
    return code;
  }
  sha256 hash;
  sha256_init(&hash);
  sha256_update(&hash, body, body_bytes);
  sha256_final(&hash, found);
  if (memcmp(said, found, sizeof said) != 0) {
    return error_set(err, STATUS_FORMAT, "%s/%s: damaged: its checksum does not fit", d->folder,
                     SET_INDEX_NAME);
  }
  d->rate_hz = (uint32_t)rate_hz;
  d->rule = strdup(rule);
  return d->rule ? STATUS_OK : no_memory(d, err);
}

static status find_kind(dataset *d, const char *name, int *kind, error *err)
{
  for (*kind = d->n_kinds - 1; *kind >= 0; --*kind) { // clips of one kind mostly stand together
    if (strcmp(d->kinds[*kind], name) == 0) {
      return STATUS_OK;
    }
  }
  char **more = realloc(d->kinds, (size_t)(d->n_kinds + 1) * sizeof *more);
  if (!more) {
    return no_memory(d, err);
  }
  d->kinds = more;
  more[d->n_kinds] = strdup(name);
  if (!more[d->n_kinds]) {
    return no_memory(d, err);
  }
  *kind = d->n_kinds++;
  return STATUS_OK;
}

static status make_room(dataset *d, error *err)
{
  if (d->n_clips < d->capacity) {
    return STATUS_OK;
  }
  const size_t capacity = d->capacity ? 2 * d->capacity : 256;
  dataset_clip *clips = realloc(d->clips, capacity * sizeof *clips);
  if (!clips) {
    return no_memory(d, err);
  }
  d->clips = clips;
  uint8_t(*digests)[SHA256_BYTES] = realloc(d->digests, capacity * sizeof *digests);
  if (!digests) {
    return no_memory(d, err);
  }
  d->digests = digests;
  d->capacity = capacity;
  return STATUS_OK;
}

static status read_numbers(const dataset *d, const json *line, dataset_clip *clip, error *err)
{
  int64_t shard = 0, offset = 0, n_samples = 0, rate_hz = 0, channels = 0;
  status code = json_need_integer(line, "shard", 0, d->n_shards - 1, &shard, err);
  code = code ? code : json_need_integer(line, "offset", 0, MAX_SAMPLES, &offset, err);
  code = code ? code : json_need_integer(line, "samples", 1, MAX_SAMPLES, &n_samples, err);
  code = code ? code : json_need_number(line, "peak", &clip->peak, err);
  code = code ? code : json_need_number(line, "rms", &clip->rms, err);
  code = code ? code : json_need_number(line, "gain_db", &clip->gain_db, err);
  code = code ? code : json_need_integer(line, "file_rate_hz", 0, UINT32_MAX, &rate_hz, err);
  code = code ? code : json_need_integer(line, "file_channels", 0, UINT32_MAX, &channels, err);
  if (code) {
    return code;
  }
  if ((uint64_t)(offset + n_samples) > d->shards[shard].n_samples) {
    return error_set(err, STATUS_FORMAT,
                     "samples %" PRId64 " to %" PRId64 " of a shard of %" PRIu64, offset,
                     offset + n_samples, d->shards[shard].n_samples);
  }
  clip->shard = (int)shard;
  clip->offset_samples = (uint64_t)offset;
  clip->n_samples = (uint64_t)n_samples;
  clip->file_rate_hz = (uint32_t)rate_hz;
  clip->file_channels = (uint32_t)channels;
  return STATUS_OK;
}

static status read_clip(dataset *d, const json *line, error *err)
{
  const char *kind = NULL, *path = NULL, *split = NULL;
  dataset_clip clip = {0};
  status code = make_room(d, err);
  code = code ? code : json_need_string(line, "kind", &kind, err);
  code = code ? code : json_need_string(line, "path", &path, err);
  code = code ? code : json_need_string(line, "split", &split, err);
  code = code ? code : read_numbers(d, line, &clip, err);
  code = code ? code : need_digest(line, d->digests[d->n_clips], err);
  if (code) {
    return code;
  }
  clip.validation = strcmp(split, "validation") == 0;
  if (!clip.validation && strcmp(split, "train") != 0) {
    return error_set(err, STATUS_FORMAT, "split: train or validation expected, found \"%.40s\"",
                     split);
  }
  code = find_kind(d, kind, &clip.kind, err);
  if (code) {
    return code;
  }
  clip.path = strdup(path);
  if (!clip.path) {
    return no_memory(d, err);
  }
  sha256_update(&d->shards[clip.shard].digests, d->digests[d->n_clips], SHA256_BYTES);
  d->clips[d->n_clips++] = clip;
  return STATUS_OK;
}

static status read_clips(dataset *d, const uint8_t *body, size_t body_bytes, error *err)
{
  status code = STATUS_OK;
  for (size_t at = 0; at < body_bytes && !code;) {
    const uint8_t *end = memchr(body + at, '\n', body_bytes - at);
    const size_t size = end ? (size_t)(end - body) - at : body_bytes - at;
    json *line = NULL;
    if (size > SET_MAX_LINE_BYTES) {
      code = error_set(err, STATUS_FORMAT, "line longer than %d bytes", SET_MAX_LINE_BYTES);
    }
    code = code ? code : json_parse(&line, body + at, size, "line", err);
    code = code ? code : read_clip(d, line, err);
    json_free(line);
    if (code) {
      error_prefix(err, "%s/%s: clip %zu", d->folder, SET_INDEX_NAME, d->n_clips);
    }
    at += size + 1;
  }
  return code;
}

// The clips must be exactly those that the shards were made of.
static status check_clips(dataset *d, int64_t said, error *err)
{
  if ((uint64_t)said != d->n_clips) {
    return error_set(err, STATUS_FORMAT, "%s/%s: says %" PRId64 " clips and lists %zu", d->folder,
                     SET_INDEX_NAME, said, d->n_clips);
  }
  for (int i = 0; i < d->n_shards; ++i) {
    uint8_t found[SHA256_BYTES];
    sha256_final(&d->shards[i].digests, found);
    if (memcmp(found, d->shards[i].digest, sizeof found) != 0) {
      return error_set(err, STATUS_FORMAT, "%s/%s: its clips are not those of shard %d", d->folder,
                       SET_INDEX_NAME, i);
    }
  }
  return STATUS_OK;
}

static status read_index(dataset *d, const file_map *index, error *err)
{
  const uint8_t *end = index->data ? memchr(index->data, '\n', index->size_bytes) : NULL;
  if (!end) {
    return error_set(err, STATUS_FORMAT, "%s/%s: not the index of a set of audio", d->folder,
                     SET_INDEX_NAME);
  }
  const size_t head_bytes = (size_t)(end - index->data);
  const uint8_t *body = end + 1;
  const size_t body_bytes = index->size_bytes - head_bytes - 1;
  char name[PATH_BYTES];
  snprintf(name, sizeof name, "%s/%s", d->folder, SET_INDEX_NAME);
  json *head = NULL;
  int64_t n_clips = 0;
  status code = json_parse(&head, index->data, head_bytes, name, err);
  code = code ? code : read_head(d, head, body, body_bytes, &n_clips, err);
  code = code ? code : open_shards(d, head, err);
  json_free(head);
  code = code ? code : read_clips(d, body, body_bytes, err);
  code = code ? code : check_clips(d, n_clips, err);
  if (!code) {
    sha256 hash;
    sha256_init(&hash);
    sha256_update(&hash, index->data, index->size_bytes);
    sha256_final_hex(&hash, d->sha256);
  }
  return code;
}

status dataset_open(dataset **d, const char *folder, error *err)
{
  *d = NULL;
  if (strlen(folder) > PATH_BYTES - 64) {
    return error_set(err, STATUS_USAGE, "the set's path is too long");
  }
  dataset *made = calloc(1, sizeof *made);
  if (!made || !(made->folder = strdup(folder))) {
    free(made);
    return error_set(err, STATUS_NO_MEMORY, "%s: no memory to open it", folder);
  }
  char path[PATH_BYTES];
  snprintf(path, sizeof path, "%s/%s", folder, SET_INDEX_NAME);
  file_map index;
  status code = file_map_open(&index, path, err);
  if (!code) {
    code = read_index(made, &index, err);
    file_map_close(&index);
  }
  if (code) {
    dataset_close(made);
    return code;
  }
  *d = made;
  return STATUS_OK;
}

void dataset_close(dataset *d)
{
  if (!d) {
    return;
  }
  for (int i = 0; i < d->n_shards; ++i) {
    file_map_close(&d->shards[i].map);
  }
  for (int i = 0; i < d->n_kinds; ++i) {
    free(d->kinds[i]);
  }
  for (size_t i = 0; i < d->n_clips; ++i) {
    free((char *)d->clips[i].path);
  }
  free(d->shards);
  free(d->kinds);
  free(d->clips);
  free(d->digests);
  free(d->rule);
  free(d->folder);
  free(d);
}

uint32_t dataset_rate_hz(const dataset *d)
{
  return d->rate_hz;
}

const char *dataset_rule(const dataset *d)
{
  return d->rule;
}

const char *dataset_sha256(const dataset *d)
{
  return d->sha256;
}

int dataset_n_kinds(const dataset *d)
{
  return d->n_kinds;
}

const char *dataset_kind_name(const dataset *d, int kind)
{
  return d->kinds[kind];
}

size_t dataset_n_clips(const dataset *d)
{
  return d->n_clips;
}

const dataset_clip *dataset_get_clip(const dataset *d, size_t clip)
{
  return &d->clips[clip];
}

// Where a clip's bytes stand in its shard's map.
static const uint8_t *clip_bytes(const dataset *d, const dataset_clip *c)
{
  return d->shards[c->shard].map.data + SHARD_HEADER_BYTES + 2 * c->offset_samples;
}

// What of [start, start + n) lies within the clip: `*n_inside` samples from `*first` of the
// request.
static const uint8_t *inside(const dataset *d, size_t clip, int64_t start, size_t n, size_t *first,
                             size_t *n_inside)
{
  const dataset_clip *c = &d->clips[clip];
  const uint64_t before = start < 0 ? 0 - (uint64_t)start : 0;
  const uint64_t from = start < 0 ? 0 : (uint64_t)start;
  *first = before < n ? (size_t)before : n;
  const uint64_t wanted = n - *first;
  const uint64_t there = from < c->n_samples ? c->n_samples - from : 0;
  *n_inside = (size_t)(wanted < there ? wanted : there);
  return clip_bytes(d, c) + (*n_inside ? 2 * from : 0);
}

static float sample_at(const uint8_t *bytes, size_t i)
{
  return (float)(int16_t)(uint16_t)(bytes[2 * i] | bytes[2 * i + 1] << 8) / FULL_SCALE;
}

void dataset_read(const dataset *d, size_t clip, int64_t start, size_t n, float *out)
{
  memset(out, 0, n * sizeof *out);
  dataset_add(d, clip, start, n, 1.0f, out);
}

void dataset_add(const dataset *d, size_t clip, int64_t start, size_t n, float gain, float *out)
{
  size_t first = 0, n_inside = 0;
  const uint8_t *bytes = inside(d, clip, start, n, &first, &n_inside);
  for (size_t i = 0; i < n_inside; ++i) {
    out[first + i] += gain * sample_at(bytes, i);
  }
}

double dataset_energy(const dataset *d, size_t clip, int64_t start, size_t n)
{
  size_t first = 0, n_inside = 0;
  const uint8_t *bytes = inside(d, clip, start, n, &first, &n_inside);
  double sum = 0.0;
  for (size_t i = 0; i < n_inside; ++i) {
    const double x = (double)sample_at(bytes, i);
    sum += x * x;
  }
  return sum;
}

status dataset_verify(const dataset *d, error *err)
{
  for (size_t i = 0; i < d->n_clips; ++i) {
    uint8_t found[SHA256_BYTES];
    sha256 hash;
    sha256_init(&hash);
    sha256_update(&hash, clip_bytes(d, &d->clips[i]), 2 * (size_t)d->clips[i].n_samples);
    sha256_final(&hash, found);
    if (memcmp(found, d->digests[i], sizeof found) != 0) {
      return error_set(err, STATUS_FORMAT, "%s: damaged: the samples of %.200s have changed",
                       d->folder, d->clips[i].path);
    }
  }
  return STATUS_OK;
}
