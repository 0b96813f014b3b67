// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "models/io/rvq_file.h"

static status missing(const char *name, error *err)
{
  return error_set(err, STATUS_UNSUPPORTED, "%s: this build has no libogg for .rvq files", name);
}

static status not_open(error *err)
{
  return error_set(err, STATUS_INTERNAL, "no .rvq file is open");
}

status rvq_writer_open(rvq_writer **w, const char *path, const code_info *info,
                       const rvq_writer_options *options, error *err)
{
  (void)info;
  (void)options;
  *w = NULL;
  return missing(path, err);
}

status rvq_writer_write(rvq_writer *w, const int32_t *codes, size_t n_steps, error *err)
{
  (void)w;
  (void)codes;
  (void)n_steps;
  return not_open(err);
}

status rvq_writer_begin_segment(rvq_writer *w, float scale, error *err)
{
  (void)w;
  (void)scale;
  return not_open(err);
}

status rvq_writer_commit(rvq_writer *w, uint64_t n_samples, error *err)
{
  (void)w;
  (void)n_samples;
  return not_open(err);
}

void rvq_writer_abort(rvq_writer *w)
{
  (void)w;
}

status rvq_reader_open(rvq_reader **r, const char *path, error *err)
{
  *r = NULL;
  return missing(path, err);
}

status rvq_reader_open_source(rvq_reader **r, byte_source *source, error *err)
{
  *r = NULL;
  missing(source->name, err);
  byte_source_close(source);
  return STATUS_UNSUPPORTED;
}

void rvq_reader_close(rvq_reader *r)
{
  (void)r;
}

const code_info *rvq_reader_info(const rvq_reader *r)
{
  (void)r;
  return NULL;
}

status rvq_reader_read(rvq_reader *r, int32_t *codes, size_t capacity, code_run *run, error *err)
{
  (void)r;
  (void)codes;
  (void)capacity;
  *run = (code_run){.scale = 1.0f};
  return not_open(err);
}

bool rvq_reader_ended(const rvq_reader *r)
{
  (void)r;
  return true;
}

const rvq_damage *rvq_reader_damage(const rvq_reader *r)
{
  (void)r;
  return NULL;
}
