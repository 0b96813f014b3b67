// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "models/io/code_file.h"

#include "models/io/ecdc_file.h"
#include "models/io/npy_file.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define BLOCK_VALUES 4096

struct code_writer {
  code_format format;
  rvq_writer *rvq; // one of these three
  ecdc_writer *ecdc;
  npy_writer *npy;
  char *name;
  uint32_t n_codebooks, codebook_size;
};

status code_format_of(const char *path, code_format *format, error *err)
{
  static const code_format formats[] = {CODE_RVQ, CODE_ECDC, CODE_NPY};
  const char *ending = strrchr(path, '.');
  for (size_t i = 0; ending && i < sizeof formats / sizeof formats[0]; ++i) {
    if (strcasecmp(ending + 1, code_format_name(formats[i])) == 0) {
      *format = formats[i];
      return STATUS_OK;
    }
  }
  if (byte_sink_is_direct(path)) {
    *format = CODE_RVQ;
    return STATUS_OK;
  }
  return error_set(err, STATUS_USAGE, "%s: unknown ending, expected .rvq, .ecdc or .npy", path);
}

static status open_npy(code_writer *w, const char *path, const code_info *info, error *err)
{
  const int64_t width = info->n_codebooks;
  if (info->segment_samples) {
    return error_set(err, STATUS_UNSUPPORTED,
                     "%s: .npy cannot hold the scales of a model that codes in segments", path);
  }
  if (width < 1 || width > CODE_MAX_CODEBOOKS || info->codebook_size < 1 ||
      info->codebook_size > CODE_MAX_CODEBOOK_SIZE) {
    return error_set(err, STATUS_USAGE, "%s: cannot hold %u codebooks of %u entries as u16", path,
                     info->n_codebooks, info->codebook_size);
  }
  return npy_writer_open(&w->npy, path, ELEMENT_U16, 1, &width, err);
}

status code_writer_open(code_writer **w, const char *path, const code_info *info,
                        const rvq_writer_options *options, error *err)
{
  *w = NULL;
  code_format format = CODE_RVQ;
  status code = code_format_of(path, &format, err);
  if (code != STATUS_OK) {
    return code;
  }
  code_writer *made = calloc(1, sizeof *made);
  if (!made || !(made->name = strdup(path))) {
    free(made);
    return error_set(err, STATUS_NO_MEMORY, "%s: no memory to write it", path);
  }
  made->format = format;
  made->n_codebooks = info->n_codebooks;
  made->codebook_size = info->codebook_size;
  switch (format) {
  case CODE_RVQ:
    code = rvq_writer_open(&made->rvq, path, info, options, err);
    break;
  case CODE_ECDC:
    code = ecdc_writer_open(&made->ecdc, path, info, err);
    break;
  case CODE_NPY:
    code = open_npy(made, path, info, err);
    break;
  }
  if (code != STATUS_OK) {
    code_writer_abort(made);
    return code;
  }
  *w = made;
  return STATUS_OK;
}

status code_writer_begin_segment(code_writer *w, float scale, error *err)
{
  switch (w->format) {
  case CODE_RVQ:
    return rvq_writer_begin_segment(w->rvq, scale, err);
  case CODE_ECDC:
    return ecdc_writer_begin_segment(w->ecdc, scale, err);
  case CODE_NPY:
    break;
  }
  return error_set(err, STATUS_UNSUPPORTED, "%s: .npy has no segments", w->name);
}

static status write_npy(code_writer *w, const int32_t *codes, size_t n_steps, error *err)
{
  uint16_t block[BLOCK_VALUES];
  const size_t most = BLOCK_VALUES / w->n_codebooks;
  while (n_steps > 0) {
    const size_t n = n_steps < most ? n_steps : most;
    for (size_t i = 0; i < n * w->n_codebooks; ++i) {
      if (codes[i] < 0 || (uint32_t)codes[i] >= w->codebook_size) {
        return error_set(err, STATUS_USAGE, "%s: code %d, expected 0 to %u", w->name, codes[i],
                         w->codebook_size - 1);
      }
      block[i] = (uint16_t)codes[i];
    }
    const status code = npy_writer_write(w->npy, block, n, err);
    if (code != STATUS_OK) {
      return code;
    }
    codes += n * w->n_codebooks;
    n_steps -= n;
  }
  return STATUS_OK;
}

status code_writer_write(code_writer *w, const int32_t *codes, size_t n_steps, error *err)
{
  switch (w->format) {
  case CODE_RVQ:
    return rvq_writer_write(w->rvq, codes, n_steps, err);
  case CODE_ECDC:
    return ecdc_writer_write(w->ecdc, codes, n_steps, err);
  case CODE_NPY:
    break;
  }
  return write_npy(w, codes, n_steps, err);
}

status code_writer_commit(code_writer *w, uint64_t n_samples, error *err)
{
  status code = STATUS_OK;
  switch (w->format) {
  case CODE_RVQ:
    code = rvq_writer_commit(w->rvq, n_samples, err);
    break;
  case CODE_ECDC:
    code = ecdc_writer_commit(w->ecdc, n_samples, err);
    break;
  case CODE_NPY:
    code = npy_writer_commit(w->npy, err);
    break;
  }
  free(w->name);
  free(w);
  return code;
}

void code_writer_abort(code_writer *w)
{
  if (w) {
    rvq_writer_abort(w->rvq);
    ecdc_writer_abort(w->ecdc);
    npy_writer_abort(w->npy);
    free(w->name);
    free(w);
  }
}
