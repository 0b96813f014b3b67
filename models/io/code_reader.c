// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "models/io/code_file.h"

#include "models/io/ecdc_file.h"
#include "models/io/ecdc_layout.h"
#include "models/io/npy_file.h"

#include <stdlib.h>
#include <string.h>

#define BLOCK_VALUES 4096

struct code_reader {
  code_format format;
  rvq_reader *rvq; // one of these three
  ecdc_reader *ecdc;
  npy_reader *npy;
  char *name;
  code_info npy_info;
  uint64_t npy_steps, npy_read; // rows there are, and handed out
};

const char *code_format_name(code_format format)
{
  switch (format) {
  case CODE_RVQ:
    return "rvq";
  case CODE_ECDC:
    return "ecdc";
  case CODE_NPY:
    return "npy";
  }
  return "unknown";
}

static status recognise(byte_source *source, code_format *format, error *err)
{
  const uint8_t *data = NULL;
  size_t n = 0;
  const status code = byte_source_peek(source, &data, &n, err);
  if (code != STATUS_OK) {
    return code;
  }
  if (n >= 4 && memcmp(data, "OggS", 4) == 0) {
    *format = CODE_RVQ;
  } else if (n >= 4 && memcmp(data, "ECDC", 4) == 0) {
    *format = CODE_ECDC;
  } else if (n >= 6 && memcmp(data, "\x93NUMPY", 6) == 0) {
    *format = CODE_NPY;
  } else {
    return error_set(err, STATUS_FORMAT, "%s: %s", source->name,
                     n == 0 ? "is empty" : "is neither .rvq nor .ecdc nor .npy");
  }
  return STATUS_OK;
}

static status open_npy(code_reader *r, byte_source *source, error *err)
{
  r->name = strdup(source->name);
  if (!r->name) {
    error_set(err, STATUS_NO_MEMORY, "%s: no memory to read it", source->name);
    byte_source_close(source);
    return STATUS_NO_MEMORY;
  }
  const status code = npy_reader_open(&r->npy, source, err);
  if (code != STATUS_OK) {
    return code;
  }
  const npy_shape *shape = npy_reader_shape(r->npy);
  if (shape->type != ELEMENT_U16 || shape->rank != 2 || shape->dims[1] < 1 ||
      shape->dims[1] > CODE_MAX_CODEBOOKS) {
    return error_set(err, STATUS_FORMAT,
                     "%s: holds %s of rank %d, expected codes: u16 [steps, 1 to %d codebooks]",
                     r->name, element_name(shape->type), shape->rank, CODE_MAX_CODEBOOKS);
  }
  r->npy_steps = (uint64_t)shape->dims[0];
  r->npy_info = (code_info){.n_codebooks = (uint32_t)shape->dims[1], .n_samples = CODE_UNKNOWN};
  return STATUS_OK;
}

status code_reader_open(code_reader **r, const char *path, error *err)
{
  byte_source source;
  *r = NULL;
  status code = byte_source_open(&source, path, err);
  if (code != STATUS_OK) {
    return code;
  }
  code_reader *made = calloc(1, sizeof *made);
  if (!made) {
    byte_source_close(&source);
    return error_set(err, STATUS_NO_MEMORY, "%s: no memory to read it", path);
  }
  code = recognise(&source, &made->format, err);
  if (code != STATUS_OK) {
    byte_source_close(&source);
    free(made);
    return code;
  }
  switch (made->format) {
  case CODE_RVQ:
    code = rvq_reader_open_source(&made->rvq, &source, err);
    break;
  case CODE_ECDC:
    code = ecdc_reader_open_source(&made->ecdc, &source, err);
    break;
  case CODE_NPY:
    code = open_npy(made, &source, err);
    break;
  }
  if (code != STATUS_OK) {
    code_reader_close(made);
    return code;
  }
  *r = made;
  return STATUS_OK;
}

void code_reader_close(code_reader *r)
{
  if (r) {
    rvq_reader_close(r->rvq);
    ecdc_reader_close(r->ecdc);
    npy_reader_close(r->npy);
    free(r->name);
    free(r);
  }
}

code_format code_reader_format(const code_reader *r)
{
  return r->format;
}

const code_info *code_reader_info(const code_reader *r)
{
  switch (r->format) {
  case CODE_RVQ:
    return rvq_reader_info(r->rvq);
  case CODE_ECDC:
    return ecdc_reader_info(r->ecdc);
  case CODE_NPY:
    break;
  }
  return &r->npy_info;
}

uint64_t code_reader_n_steps(const code_reader *r)
{
  const code_info *i = code_reader_info(r);
  if (r->format == CODE_NPY) {
    return r->npy_steps;
  }
  if (i->n_samples == CODE_UNKNOWN || (i->segment_samples && !i->segment_stride_samples)) {
    return CODE_UNKNOWN;
  }
  const uint64_t n = ecdc_n_segments(i, i->n_samples);
  uint64_t steps = n ? ecdc_segment_steps(i, i->n_samples, n - 1) : 0;
  if (n >= 2) { // the last but one may be cut by the end, too
    steps += ecdc_segment_steps(i, i->n_samples, n - 2);
    steps += (n - 2) * (((uint64_t)i->segment_samples + i->hop_samples - 1) / i->hop_samples);
  }
  return steps;
}

static status read_npy(code_reader *r, int32_t *codes, size_t capacity, code_run *run, error *err)
{
  uint16_t block[BLOCK_VALUES];
  const uint32_t width = r->npy_info.n_codebooks;
  const size_t most = BLOCK_VALUES / width;
  *run = (code_run){.first_step = r->npy_read, .segment_step = r->npy_read, .scale = 1.0f};
  while (run->n_steps < capacity && r->npy_read < r->npy_steps) {
    const size_t room = capacity - run->n_steps;
    size_t n = 0;
    const status code = npy_reader_read(r->npy, block, room < most ? room : most, &n, err);
    if (code != STATUS_OK || n == 0) {
      return code;
    }
    for (size_t i = 0; i < n * width; ++i) {
      codes[run->n_steps * width + i] = block[i];
    }
    run->n_steps += n;
    r->npy_read += n;
  }
  return STATUS_OK;
}

status code_reader_read(code_reader *r, int32_t *codes, size_t capacity, code_run *run, error *err)
{
  switch (r->format) {
  case CODE_RVQ:
    return rvq_reader_read(r->rvq, codes, capacity, run, err);
  case CODE_ECDC:
    return ecdc_reader_read(r->ecdc, codes, capacity, run, err);
  case CODE_NPY:
    break;
  }
  return read_npy(r, codes, capacity, run, err);
}

bool code_reader_ended(const code_reader *r)
{
  switch (r->format) {
  case CODE_RVQ:
    return rvq_reader_ended(r->rvq);
  case CODE_ECDC:
    return ecdc_reader_ended(r->ecdc);
  case CODE_NPY:
    break;
  }
  return r->npy_read == r->npy_steps;
}

rvq_damage code_reader_damage(const code_reader *r)
{
  return r->rvq ? *rvq_reader_damage(r->rvq) : (rvq_damage){0};
}
