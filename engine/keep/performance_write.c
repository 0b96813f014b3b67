// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "base/file.h"
#include "base/json_writer.h"
#include "base/safetensors.h"
#include "engine/control/control.h"
#include "engine/control/parameters.h"
#include "engine/keep/performance.h"
#include "engine/keep/performance_internal.h"
#include "models/io/audio_file.h"
#include "models/io/rvq_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BLOCK_SAMPLES 4096
#define INPUT_BEFORE_S 3 // more than any latency and the limiter together

static const char *const files[] = {"performance.json", "controls.jsonl", "steps.safetensors",
                                    "heard.rvq",        "input.flac",     "output.flac"};

static const char *const kinds[N_KEEP_KINDS] = {"set",  "action",  "clock", "fade_out",
                                                "plan", "fade_in", "cut",   "timeline"};

const char *performance_kind_name(keep_kind kind)
{
  return (int)kind >= 0 && kind < N_KEEP_KINDS ? kinds[kind] : NULL;
}

static void path_in(char path[PERFORMANCE_PATH_BYTES], const char *folder, const char *file)
{
  snprintf(path, PERFORMANCE_PATH_BYTES, "%s/%s", folder, file);
}

static void write_head_fields(json_writer *w, const performance_head *h)
{
  json_begin_object(w, NULL);
  json_write_integer(w, "format", PERFORMANCE_FORMAT);
  json_write_string(w, "codec", h->codec);
  json_write_string(w, "codec_path", h->codec_path);
  json_write_string(w, "codec_sha256", h->codec_sha256);
  json_write_string(w, "model", h->model);
  json_write_string(w, "kernels", h->kernels);
  json_write_string(w, "storage", h->storage);
  json_write_string(w, "corpus", h->corpus);
  json_write_integer(w, "n_codebooks", h->n_codebooks);
  json_write_integer(w, "codebook_size", h->codebook_size);
  json_write_integer(w, "n_channels", h->n_channels);
  json_write_integer(w, "codec_rate_hz", h->codec_rate_hz);
  json_write_integer(w, "hop_samples", h->hop_samples);
  json_write_integer(w, "host_rate_hz", h->host_rate_hz);
  json_write_integer(w, "block_samples", h->block_samples);
  json_write_integer(w, "slack_samples", h->slack_samples);
  json_write_integer(w, "end_rate_hz", h->end_rate_hz);
  json_write_number(w, "fade_ms", h->fade_ms);
  json_write_integer(w, "fallback", h->fallback);
  json_write_bool(w, "output_stage", h->output_stage);
  json_write_integer(w, "begin_samples", (int64_t)h->begin_samples);
  json_write_integer(w, "end_samples", (int64_t)h->end_samples);
  json_write_integer(w, "input_begin_samples", (int64_t)h->input_begin_samples);
  json_end_object(w);
}

static status write_head(const performance_head *h, const char *path, error *err)
{
  file_save save;
  status st = file_save_open(&save, path, err);
  if (st != STATUS_OK) {
    return st;
  }
  json_writer w;
  json_writer_init(&w, save.stream);
  write_head_fields(&w, h);
  st = json_writer_finish(&w, err);
  json_writer_free(&w);
  if (st != STATUS_OK) {
    file_save_abort(&save);
    return st;
  }
  return file_save_commit(&save, err);
}

static int by_position(const void *a, const void *b)
{
  const keep_entry *const *x = a;
  const keep_entry *const *y = b;
  if ((*x)->position_samples != (*y)->position_samples) {
    return (*x)->position_samples < (*y)->position_samples ? -1 : 1;
  }
  return *x < *y ? -1 : *x > *y; // else as they came
}

// Parameters and actions by name: numbers may differ from one version to the next.
static const char *entry_name(const keep_entry *e)
{
  const parameter_info *p = e->kind == KEEP_SET ? parameter_get((int)e->id) : NULL;
  const char *name = p                        ? p->key
                     : e->kind == KEEP_ACTION ? control_action_name((control_action)e->id)
                                              : NULL;
  return name ? name : "";
}

// %.17g reads back the same double.
static status write_entries(const keep *k, size_t n, uint64_t end, const char *path, error *err)
{
  const keep_entry **order = malloc((n ? n : 1) * sizeof *order);
  file_save save;
  if (!order) {
    return error_set(err, STATUS_NO_MEMORY, "no memory for %zu controls", n);
  }
  for (size_t i = 0; i < n; ++i) {
    order[i] = &k->log[i];
  }
  qsort(order, n, sizeof *order, by_position);
  status st = file_save_open(&save, path, err);
  for (size_t i = 0; st == STATUS_OK && i < n && order[i]->position_samples < end; ++i) {
    const keep_entry *e = order[i];
    fprintf(save.stream, "{\"at\": %llu, \"kind\": \"%s\", \"name\": \"%s\", ",
            (unsigned long long)e->position_samples, kinds[e->kind], entry_name(e));
    fprintf(save.stream, "\"value\": %.17g, \"more\": %.17g, \"block\": %u}\n", e->value, e->more,
            e->kind == KEEP_PLAN ? e->id : 0);
  }
  free(order);
  return st == STATUS_OK ? file_save_commit(&save, err) : st;
}

typedef struct columns {
  double *mean_square;
  float *peak;
  uint32_t *timeline;
  uint8_t *fed_back;
} columns;

static void split(const keep *k, size_t n, columns *to)
{
  for (size_t i = 0; i < n; ++i) {
    to->mean_square[i] = k->steps[i].mean_square;
    to->peak[i] = k->steps[i].peak;
    to->timeline[i] = k->steps[i].timeline;
    to->fed_back[i] = k->steps[i].fed_back;
  }
}

static status write_steps(const keep *k, size_t n, const char *path, error *err)
{
  columns c = {malloc((n + 1) * sizeof *c.mean_square), malloc((n + 1) * sizeof *c.peak),
               malloc((n + 1) * sizeof *c.timeline), malloc(n + 1)};
  status st = c.mean_square && c.peak && c.timeline && c.fed_back
                  ? STATUS_OK
                  : error_set(err, STATUS_NO_MEMORY, "no memory for %zu steps", n);
  if (st == STATUS_OK) {
    const int64_t steps = (int64_t)n;
    split(k, n, &c);
    const safetensors_tensor tensors[] = {
        {"codes", ELEMENT_I32, 2, {steps, k->n_codebooks}, k->codes, n * k->n_codebooks * 4},
        {"mean_square", ELEMENT_F64, 1, {steps}, c.mean_square, n * 8},
        {"peak", ELEMENT_F32, 1, {steps}, c.peak, n * 4},
        {"timeline", ELEMENT_U32, 1, {steps}, c.timeline, n * 4},
        {"fed_back", ELEMENT_U8, 1, {steps}, c.fed_back, n},
    };
    st = safetensors_save(path, tensors, 5, NULL, 0, err);
  }
  free(c.mean_square);
  free(c.peak);
  free(c.timeline);
  free(c.fed_back);
  return st;
}

static status write_heard(const keep *k, const performance_head *h, size_t n, const char *path,
                          error *err)
{
  code_info info = {.rate_hz = h->codec_rate_hz,
                    .hop_samples = h->hop_samples,
                    .n_channels = h->n_channels,
                    .n_codebooks = h->n_codebooks,
                    .codebook_size = h->codebook_size,
                    .n_samples = CODE_UNKNOWN};
  snprintf(info.model, sizeof info.model, "%.63s", h->codec);
  rvq_writer *writer = NULL;
  status st = rvq_writer_open(&writer, path, &info, NULL, err);
  st = st == STATUS_OK ? rvq_writer_write(writer, k->codes, n, err) : st;
  if (st != STATUS_OK) {
    rvq_writer_abort(writer);
    return st;
  }
  return rvq_writer_commit(writer, CODE_UNKNOWN, err);
}

typedef bool (*sample_source)(const keep *k, uint64_t from, size_t n, int32_t *out);

static status copy_sound(const keep *k, const performance_head *h, sample_source read,
                         uint64_t from, audio_writer *writer, error *err)
{
  int32_t *block = malloc((size_t)BLOCK_SAMPLES * k->n_channels * sizeof *block);
  status st = block ? STATUS_OK : error_set(err, STATUS_NO_MEMORY, "no memory for a block");
  for (uint64_t at = from; st == STATUS_OK && at < h->end_samples;) {
    const uint64_t rest = h->end_samples - at;
    const size_t n = rest < BLOCK_SAMPLES ? (size_t)rest : BLOCK_SAMPLES;
    st = read(k, at, n, block) ? audio_writer_write_24(writer, block, n, err)
                               : error_set(err, STATUS_IO,
                                           "writing took too long: the sound was "
                                           "overwritten meanwhile");
    at += n;
  }
  free(block);
  return st;
}

static status write_sound(const keep *k, const performance_head *h, sample_source read,
                          uint64_t from, const char *path, error *err)
{
  audio_writer *writer = NULL;
  status st = audio_writer_open(&writer, path, h->end_rate_hz, k->n_channels, AUDIO_ENCODING_PCM_24,
                                h->end_samples - from, err);
  st = st == STATUS_OK ? copy_sound(k, h, read, from, writer, err) : st;
  if (st != STATUS_OK) {
    audio_writer_abort(writer);
    return st;
  }
  return audio_writer_commit(writer, err);
}

// The stretch that is there, and will still be when it is written.
static void choose_stretch(const keep *k, performance_head *h)
{
  const uint64_t begin = atomic_load_explicit(&k->begin_samples, memory_order_acquire);
  h->end_samples = atomic_load_explicit(&k->end_samples, memory_order_acquire);
  h->begin_samples =
      h->end_samples - begin > k->promised_samples ? h->end_samples - k->promised_samples : begin;
  const uint64_t before = (uint64_t)INPUT_BEFORE_S * k->rate_hz;
  h->input_begin_samples = h->begin_samples - begin > before ? h->begin_samples - before : begin;
  h->end_rate_hz = k->rate_hz;
}

static status write_all(const keep *k, const performance_head *h, const char *folder, error *err)
{
  char path[PERFORMANCE_PATH_BYTES];
  const size_t n_entries = (size_t)atomic_load_explicit(&k->n_entries, memory_order_acquire);
  const size_t n_steps = (size_t)atomic_load_explicit(&k->n_steps, memory_order_acquire);
  path_in(path, folder, "input.flac");
  status st = write_sound(k, h, keep_read_input, h->input_begin_samples, path, err);
  path_in(path, folder, "output.flac");
  st = st == STATUS_OK ? write_sound(k, h, keep_read_output, h->begin_samples, path, err) : st;
  path_in(path, folder, "controls.jsonl");
  st = st == STATUS_OK ? write_entries(k, n_entries, h->end_samples, path, err) : st;
  path_in(path, folder, "steps.safetensors");
  st = st == STATUS_OK ? write_steps(k, n_steps, path, err) : st;
  path_in(path, folder, "heard.rvq");
  st = st == STATUS_OK && h->codebook_size > 0 ? write_heard(k, h, n_steps, path, err) : st;
  path_in(path, folder, "performance.json");
  return st == STATUS_OK ? write_head(h, path, err) : st;
}

static void remove_all(const char *folder)
{
  char path[PERFORMANCE_PATH_BYTES];
  for (size_t i = 0; i < sizeof files / sizeof files[0]; ++i) {
    path_in(path, folder, files[i]);
    unlink(path);
  }
  rmdir(folder);
}

status performance_write(const keep *k, performance_head *head, const char *folder, error *err)
{
  char part[PERFORMANCE_PATH_BYTES - 64];
  struct stat there;
  if (!keep_is_on(k)) {
    return error_set(err, STATUS_USAGE, "nothing is kept in this session");
  }
  if (atomic_load_explicit(&k->full, memory_order_relaxed)) {
    return error_set(err, STATUS_UNSUPPORTED, "this session has gone on for too long to be kept");
  }
  if (stat(folder, &there) == 0) {
    return error_set(err, STATUS_USAGE, "%s: is there already", folder);
  }
  const int length = snprintf(part, sizeof part, "%s.part-%ld", folder, (long)getpid());
  if (length < 0 || (size_t)length >= sizeof part) {
    return error_set(err, STATUS_USAGE, "%s: the name is too long", folder);
  }
  if (mkdir(part, 0777) != 0) {
    return error_set(err, STATUS_IO, "%s: cannot make it: %s", part, strerror(errno));
  }
  choose_stretch(k, head);
  status st = head->end_samples > head->begin_samples
                  ? write_all(k, head, part, err)
                  : error_set(err, STATUS_USAGE, "nothing has been heard yet");
  if (st == STATUS_OK && rename(part, folder) != 0) {
    st = error_set(err, STATUS_IO, "%s: cannot name it: %s", folder, strerror(errno));
  }
  if (st != STATUS_OK) {
    remove_all(part);
  }
  return st;
}
