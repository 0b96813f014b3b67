// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "models/io/ecdc_file.h"

#include "base/json.h"
#include "models/io/bit_pack.h"
#include "models/io/ecdc_layout.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MAX_JSON_BYTES 65536
#define BUFFER_BYTES 8192

struct ecdc_reader {
  byte_source source;
  code_info info;
  uint64_t n_segments, segment;         // how many, and the present one
  uint64_t segment_steps, segment_done; // of the present one
  uint64_t n_steps;                     // handed out
  bool in_segment;                      // its scale has been read
  float scale;
  bit_queue bits;
  size_t pos, fill; // of buffer
  uint8_t buffer[BUFFER_BYTES];
};

static status parse_head(ecdc_reader *r, const json *root, error *err)
{
  const char *name = NULL;
  bool entropy_coded = false;
  int64_t n_samples = 0;
  int64_t n_codebooks = 0;
  status code = json_need_string(root, "m", &name, err);
  if (code == STATUS_OK) {
    code = json_need_bool(root, "lm", &entropy_coded, err);
  }
  if (code != STATUS_OK) {
    return code;
  }
  const code_info *m = ecdc_model(name);
  if (!m) {
    return error_set(err, STATUS_UNSUPPORTED,
                     "codes of the model \"%.64s\", expected encodec_24khz or encodec_48khz", name);
  }
  if (entropy_coded) {
    return error_set(err, STATUS_UNSUPPORTED,
                     "is entropy-coded with EnCodec's language model, which is not supported");
  }
  code = json_need_integer(root, "al", 0, ECDC_MAX_SAMPLES, &n_samples, err);
  if (code == STATUS_OK) {
    code = json_need_integer(root, "nc", 1, m->n_codebooks, &n_codebooks, err);
  }
  if (code == STATUS_OK) {
    r->info = *m;
    r->info.n_samples = (uint64_t)n_samples;
    r->info.n_codebooks = (uint32_t)n_codebooks;
    r->n_segments = ecdc_n_segments(&r->info, r->info.n_samples);
  }
  return code;
}

static status read_json(ecdc_reader *r, size_t size, error *err)
{
  const char *name = r->source.name;
  char *text = malloc(size + 1);
  if (!text) {
    return error_set(err, STATUS_NO_MEMORY, "%s: no memory to read it", name);
  }
  size_t n = 0;
  json *root = NULL;
  status code = byte_source_read(&r->source, text, size, &n, err);
  if (code == STATUS_OK && n < size) {
    code = error_set(err, STATUS_FORMAT, "%s: ends within its header", name);
  } else if (code == STATUS_OK) {
    code = json_parse(&root, text, size, name, err);
  }
  if (code == STATUS_OK) {
    code = parse_head(r, root, err);
    if (code != STATUS_OK) {
      error_prefix(err, "%s", name);
    }
  }
  json_free(root);
  free(text);
  return code;
}

static status read_head(ecdc_reader *r, error *err)
{
  uint8_t head[ECDC_HEAD_BYTES];
  size_t n = 0;
  const status code = byte_source_read(&r->source, head, sizeof head, &n, err);
  if (code != STATUS_OK) {
    return code;
  }
  if (n < 4 || memcmp(head, "ECDC", 4) != 0) {
    return error_set(err, STATUS_FORMAT, "%s: not a .ecdc file%s", r->source.name,
                     n == 0 ? ": it is empty" : "");
  }
  if (n < sizeof head) {
    return error_set(err, STATUS_FORMAT, "%s: ends within its header", r->source.name);
  }
  if (head[4] != 0) {
    return error_set(err, STATUS_UNSUPPORTED, "%s: version %u of .ecdc, expected 0", r->source.name,
                     head[4]);
  }
  const size_t size =
      (size_t)head[5] << 24 | (size_t)head[6] << 16 | (size_t)head[7] << 8 | (size_t)head[8];
  if (size > MAX_JSON_BYTES) {
    return error_set(err, STATUS_FORMAT, "%s: header of %zu bytes, expected at most %d",
                     r->source.name, size, MAX_JSON_BYTES);
  }
  return read_json(r, size, err);
}

status ecdc_reader_open_source(ecdc_reader **r, byte_source *source, error *err)
{
  *r = NULL;
  ecdc_reader *made = calloc(1, sizeof *made);
  if (!made) {
    error_set(err, STATUS_NO_MEMORY, "%s: no memory to read it", source->name);
    byte_source_close(source);
    return STATUS_NO_MEMORY;
  }
  made->source = *source;
  *source = (byte_source){.fd = -1};
  const status code = read_head(made, err);
  if (code != STATUS_OK) {
    ecdc_reader_close(made);
    return code;
  }
  *r = made;
  return STATUS_OK;
}

status ecdc_reader_open(ecdc_reader **r, const char *path, error *err)
{
  byte_source source;
  *r = NULL;
  const status code = byte_source_open(&source, path, err);
  return code == STATUS_OK ? ecdc_reader_open_source(r, &source, err) : code;
}

void ecdc_reader_close(ecdc_reader *r)
{
  if (r) {
    byte_source_close(&r->source);
    free(r);
  }
}

const code_info *ecdc_reader_info(const ecdc_reader *r)
{
  return &r->info;
}

bool ecdc_reader_ended(const ecdc_reader *r)
{
  return r->segment == r->n_segments;
}

// Have at least `size` bytes in the buffer (at most BUFFER_BYTES); `*have` false at the end.
static status need(ecdc_reader *r, size_t size, bool *have, error *err)
{
  status code = STATUS_OK;
  if (r->fill - r->pos < size) {
    size_t n = 0;
    memmove(r->buffer, r->buffer + r->pos, r->fill - r->pos);
    r->fill -= r->pos;
    r->pos = 0;
    code = byte_source_read(&r->source, r->buffer + r->fill, BUFFER_BYTES - r->fill, &n, err);
    r->fill += n;
  }
  *have = r->fill - r->pos >= size;
  return code;
}

static status cut_short(const ecdc_reader *r, error *err)
{
  return error_set(err, STATUS_FORMAT, "%s: ends after %llu steps, in segment %llu of %llu",
                   r->source.name, (unsigned long long)r->n_steps,
                   (unsigned long long)r->segment + 1, (unsigned long long)r->n_segments);
}

static status begin_segment(ecdc_reader *r, error *err)
{
  bool have = true;
  r->scale = 1.0f;
  if (r->info.segment_samples) {
    const status code = need(r, ECDC_SCALE_BYTES, &have, err);
    if (code != STATUS_OK) {
      return code;
    }
    if (!have) {
      return cut_short(r, err);
    }
    const uint8_t *b = r->buffer + r->pos;
    const uint32_t bits =
        (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | (uint32_t)b[3];
    memcpy(&r->scale, &bits, sizeof r->scale);
    r->pos += ECDC_SCALE_BYTES;
    if (!isfinite(r->scale)) {
      return error_set(err, STATUS_FORMAT, "%s: the scale of segment %llu is not a number",
                       r->source.name, (unsigned long long)r->segment + 1);
    }
  }
  r->bits = (bit_queue){0};
  r->segment_steps = ecdc_segment_steps(&r->info, r->info.n_samples, r->segment);
  r->segment_done = 0;
  r->in_segment = true;
  return STATUS_OK;
}

static status read_step(ecdc_reader *r, int32_t *codes, bool *have, error *err)
{
  const unsigned n_bits = r->info.n_codebooks * ECDC_CODE_BITS;
  const status code = need(r, (n_bits - r->bits.n_bits + 7) / 8, have, err);
  if (code != STATUS_OK || !*have) {
    return code;
  }
  const uint8_t *from = r->buffer + r->pos;
  for (uint32_t k = 0; k < r->info.n_codebooks; ++k) {
    codes[k] = (int32_t)bit_unpack(&r->bits, ECDC_CODE_BITS, &from);
  }
  r->pos = (size_t)(from - r->buffer);
  return STATUS_OK;
}

status ecdc_reader_read(ecdc_reader *r, int32_t *codes, size_t capacity, code_run *run, error *err)
{
  *run = (code_run){.first_step = r->n_steps, .scale = 1.0f};
  if (ecdc_reader_ended(r) || capacity == 0) {
    return STATUS_OK;
  }
  status code = r->in_segment ? STATUS_OK : begin_segment(r, err);
  if (code != STATUS_OK) {
    return code;
  }
  run->segment = r->segment;
  run->segment_step = r->segment_done;
  run->scale = r->scale;
  while (run->n_steps < capacity && r->segment_done < r->segment_steps) {
    bool have = false;
    code = read_step(r, codes + run->n_steps * r->info.n_codebooks, &have, err);
    if (code != STATUS_OK) {
      return code;
    }
    if (!have) {
      return run->n_steps ? STATUS_OK : cut_short(r, err);
    }
    ++run->n_steps;
    ++r->segment_done;
    ++r->n_steps;
  }
  if (r->segment_done == r->segment_steps) {
    r->in_segment = false;
    ++r->segment;
  }
  return STATUS_OK;
}
