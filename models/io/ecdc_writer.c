// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "models/io/ecdc_file.h"

#include "models/io/bit_pack.h"
#include "models/io/ecdc_layout.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct ecdc_writer {
  byte_sink sink;
  FILE *codes; // packed, until the length is known
  code_info info;
  bit_queue bits;
  uint64_t n_segments;
  uint64_t last_steps[2]; // of the last segment begun and the one before
  bool even;              // all before those had a full segment's steps
};

static status check_info(const char *path, const code_info *i, error *err)
{
  const code_info *m = ecdc_model(i->model);
  if (!m) {
    return error_set(err, STATUS_UNSUPPORTED,
                     "%s: .ecdc holds codes of encodec_24khz and encodec_48khz, not of %s", path,
                     i->model[0] ? i->model : "an unnamed model");
  }
  if (i->rate_hz != m->rate_hz || i->hop_samples != m->hop_samples ||
      i->n_channels != m->n_channels || i->codebook_size != m->codebook_size ||
      i->n_codebooks < 1 || i->n_codebooks > m->n_codebooks) {
    return error_set(err, STATUS_USAGE,
                     "%s: %s has %u Hz, hop %u, %u channels and up to %u codebooks of %u, found "
                     "%u Hz, hop %u, %u channels and %u of %u",
                     path, m->model, m->rate_hz, m->hop_samples, m->n_channels, m->n_codebooks,
                     m->codebook_size, i->rate_hz, i->hop_samples, i->n_channels, i->n_codebooks,
                     i->codebook_size);
  }
  return STATUS_OK;
}

status ecdc_writer_open(ecdc_writer **w, const char *path, const code_info *info, error *err)
{
  *w = NULL;
  status code = check_info(path, info, err);
  if (code != STATUS_OK) {
    return code;
  }
  ecdc_writer *made = calloc(1, sizeof *made);
  if (!made) {
    return error_set(err, STATUS_NO_MEMORY, "%s: no memory to write it", path);
  }
  made->info = *ecdc_model(info->model);
  made->info.n_codebooks = info->n_codebooks;
  made->even = true;
  code = byte_sink_open(&made->sink, path, false, err);
  if (code == STATUS_OK && !(made->codes = tmpfile())) {
    code = error_set(err, STATUS_IO, "%s: cannot make a temporary file: %s", path, strerror(errno));
  }
  if (code == STATUS_OK && !made->info.segment_samples) {
    made->n_segments = 1;
  }
  if (code != STATUS_OK) {
    ecdc_writer_abort(made);
    return code;
  }
  *w = made;
  return STATUS_OK;
}

static status put(ecdc_writer *w, FILE *to, const void *data, size_t size, error *err)
{
  errno = 0;
  if (size && fwrite(data, 1, size, to) != size) {
    return error_set(err, STATUS_IO, "%s: cannot write%s: %s", w->sink.name,
                     to == w->codes ? " its temporary file" : "", strerror(errno ? errno : EIO));
  }
  return STATUS_OK;
}

static status end_segment(ecdc_writer *w, error *err)
{
  uint8_t last;
  return put(w, w->codes, &last, bit_pack_end(&w->bits, &last), err);
}

status ecdc_writer_begin_segment(ecdc_writer *w, float scale, error *err)
{
  if (!w->info.segment_samples || !isfinite(scale)) {
    return error_set(err, STATUS_USAGE, "%s: segment of scale %g in a file of %s", w->sink.name,
                     (double)scale, w->info.model);
  }
  const uint64_t full = w->info.segment_samples / w->info.hop_samples;
  if (w->n_segments >= 2) {
    w->even = w->even && w->last_steps[1] == full;
  }
  w->last_steps[1] = w->last_steps[0];
  w->last_steps[0] = 0;
  ++w->n_segments;
  const status code = end_segment(w, err);
  uint32_t bits;
  memcpy(&bits, &scale, sizeof bits);
  const uint8_t stored[ECDC_SCALE_BYTES] = {(uint8_t)(bits >> 24), (uint8_t)(bits >> 16),
                                            (uint8_t)(bits >> 8), (uint8_t)bits};
  return code == STATUS_OK ? put(w, w->codes, stored, sizeof stored, err) : code;
}

status ecdc_writer_write(ecdc_writer *w, const int32_t *codes, size_t n_steps, error *err)
{
  if (n_steps > 0 && w->n_segments == 0) {
    return error_set(err, STATUS_USAGE, "%s: codes before the first segment", w->sink.name);
  }
  for (size_t s = 0; s < n_steps; ++s) {
    uint8_t bytes[CODE_MAX_CODEBOOKS * 2];
    size_t n = 0;
    for (uint32_t k = 0; k < w->info.n_codebooks; ++k, ++codes) {
      if (*codes < 0 || *codes >= (int32_t)w->info.codebook_size) {
        return error_set(err, STATUS_USAGE, "%s: code %d, expected 0 to %u", w->sink.name, *codes,
                         w->info.codebook_size - 1);
      }
      n += bit_pack(&w->bits, (uint32_t)*codes, ECDC_CODE_BITS, bytes + n);
    }
    const status code = put(w, w->codes, bytes, n, err);
    if (code != STATUS_OK) {
      return code;
    }
    ++w->last_steps[0];
  }
  return STATUS_OK;
}

// Do the segments have the steps that the length implies?
static status check_length(const ecdc_writer *w, uint64_t n_samples, error *err)
{
  const code_info *i = &w->info;
  const uint64_t n = ecdc_n_segments(i, n_samples);
  bool right = w->even && n_samples <= (uint64_t)ECDC_MAX_SAMPLES;
  if (!i->segment_samples) {
    right = right && w->last_steps[0] == (n ? ecdc_segment_steps(i, n_samples, 0) : 0);
  } else {
    right = right && n == w->n_segments;
    for (uint64_t back = 0; right && back < 2 && back < n; ++back) {
      right = w->last_steps[back] == ecdc_segment_steps(i, n_samples, n - 1 - back);
    }
  }
  if (!right) {
    return error_set(err, STATUS_USAGE,
                     "%s: %llu samples do not make %llu segments with %llu steps in the last",
                     w->sink.name, (unsigned long long)n_samples, (unsigned long long)w->n_segments,
                     (unsigned long long)w->last_steps[0]);
  }
  return STATUS_OK;
}

static status write_head(ecdc_writer *w, uint64_t n_samples, error *err)
{
  char text[160]; // with the spaces that Python's json module puts
  const int length =
      snprintf(text, sizeof text, "{\"m\": \"%s\", \"al\": %llu, \"nc\": %u, \"lm\": false}",
               w->info.model, (unsigned long long)n_samples, w->info.n_codebooks);
  const uint8_t head[ECDC_HEAD_BYTES] = {'E', 'C', 'D', 'C', 0, 0, 0, 0, (uint8_t)length};
  const status code = put(w, w->sink.stream, head, sizeof head, err);
  return code == STATUS_OK ? put(w, w->sink.stream, text, (size_t)length, err) : code;
}

static status copy_codes(ecdc_writer *w, error *err)
{
  uint8_t block[4096];
  size_t n = 0;
  errno = 0;
  if (fflush(w->codes) != 0 || fseek(w->codes, 0, SEEK_SET) != 0) {
    return error_set(err, STATUS_IO, "%s: cannot write its temporary file: %s", w->sink.name,
                     strerror(errno));
  }
  while ((n = fread(block, 1, sizeof block, w->codes)) > 0) {
    const status code = put(w, w->sink.stream, block, n, err);
    if (code != STATUS_OK) {
      return code;
    }
  }
  if (ferror(w->codes)) {
    return error_set(err, STATUS_IO, "%s: cannot read its temporary file", w->sink.name);
  }
  errno = 0;
  return fflush(w->sink.stream) == 0 ? STATUS_OK
                                     : error_set(err, STATUS_IO, "%s: cannot write: %s",
                                                 w->sink.name, strerror(errno ? errno : EIO));
}

status ecdc_writer_commit(ecdc_writer *w, uint64_t n_samples, error *err)
{
  if (n_samples == CODE_UNKNOWN && !w->info.segment_samples) {
    n_samples = w->last_steps[0] * w->info.hop_samples;
  }
  status code = check_length(w, n_samples, err);
  if (code == STATUS_OK) {
    code = end_segment(w, err);
  }
  if (code == STATUS_OK) {
    code = write_head(w, n_samples, err);
  }
  if (code == STATUS_OK) {
    code = copy_codes(w, err);
  }
  if (code == STATUS_OK) {
    code = byte_sink_commit(&w->sink, err);
  }
  ecdc_writer_abort(w);
  return code;
}

void ecdc_writer_abort(ecdc_writer *w)
{
  if (w) {
    byte_sink_abort(&w->sink);
    if (w->codes) {
      fclose(w->codes);
    }
    free(w);
  }
}
