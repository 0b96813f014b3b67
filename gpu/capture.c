// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "gpu/capture.h"

#include "gpu/cuda/device_cuda.h"

#include <stdlib.h>

struct capture {
  run *r;
  void (*body)(run *, void *);
  void *user;
  size_t mark;        // of the arena: where each launch begins again
  cuda_capture *cuda; // the graph; null on the CPU
};

status capture_new(capture **out, run *r, void (*body)(run *, void *), void *user, error *err)
{
  *out = NULL;
  capture *c = malloc(sizeof *c);
  if (!c) {
    return error_set(err, STATUS_NO_MEMORY, "no memory for a capture");
  }
  *c = (capture){.r = r, .body = body, .user = user, .mark = arena_mark(r->memory)};
  if (r->dev->kind == COMPUTE_CUDA) {
    const status code = cuda_capture_new(&c->cuda, r, body, user, err);
    if (code != STATUS_OK) {
      free(c);
      return code;
    }
  }
  *out = c;
  return STATUS_OK;
}

status capture_launch(capture *c, error *err)
{
  if (c->cuda) {
    return cuda_capture_launch(c->cuda, err);
  }
  arena_rewind(c->r->memory, c->mark);
  c->body(c->r, c->user);
  if (!run_ok(c->r)) {
    return error_set(err, c->r->failure.code, "%s", c->r->failure.message);
  }
  return STATUS_OK;
}

status capture_wait(capture *c, error *err)
{
  return c->cuda ? cuda_capture_wait(c->cuda, err) : STATUS_OK;
}

void capture_free(capture *c)
{
  if (c && c->cuda) {
    cuda_capture_free(c->cuda);
  }
  free(c);
}
