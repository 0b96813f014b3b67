// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "gpu/run.h"

#include <stdarg.h>
#include <stdio.h>

void run_init(run *r, device *dev, arena *memory)
{
  *r = (run){.dev = dev, .memory = memory};
}

void run_fail(run *r, status code, const char *format, ...)
{
  if (!run_ok(r)) {
    return;
  }
  va_list args;
  va_start(args, format);
  r->failure.code = code;
  vsnprintf(r->failure.message, sizeof r->failure.message, format, args);
  va_end(args);
}

void *run_scratch(run *r, size_t bytes)
{
  if (!run_ok(r)) {
    return NULL;
  }
  void *data = arena_alloc(r->memory, bytes);
  if (!data) {
    run_fail(r, STATUS_NO_MEMORY, "arena of %zu bytes is full: %zu more wanted",
             r->memory->size_bytes, bytes);
  }
  return data;
}

void run_upload(run *r, void *to, const void *from, size_t bytes)
{
  if (run_ok(r) && !r->measuring) {
    r->dev->upload(r->dev, to, from, bytes, &r->failure);
  }
}

void run_download(run *r, void *to, const void *from, size_t bytes)
{
  if (run_ok(r) && !r->measuring) {
    r->dev->download(r->dev, to, from, bytes, &r->failure);
  }
}

tensor run_tensor(run *r, dtype type, int rank, int64_t d0, int64_t d1, int64_t d2, int64_t d3)
{
  tensor t = tensor_view(NULL, type, rank, d0, d1, d2, d3);
  const size_t count = (size_t)(t.dims[0] * t.dims[1] * t.dims[2] * t.dims[3]);
  t.data = run_scratch(r, count * dtype_bytes(type));
  return t;
}
