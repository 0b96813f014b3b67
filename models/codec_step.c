// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "models/codec_step.h"

#include <stdlib.h>
#include <string.h>

status codec_step_new(codec_step **out, device *dev, size_t arena_bytes, size_t input_bytes,
                      size_t output_bytes, void (*body)(run *r, void *user), void *user, error *err)
{
  *out = NULL;
  codec_step *s = calloc(1, sizeof *s);
  if (!s) {
    return error_set(err, STATUS_NO_MEMORY, "no memory for a captured step");
  }
  run_init(&s->r, dev, &s->memory);
  void *data = dev->allocate(dev, arena_bytes);
  arena_init(&s->memory, data, data ? arena_bytes : 0);
  status code = data ? step_io_new(&s->io, dev, input_bytes, output_bytes, err)
                     : error_set(err, STATUS_NO_MEMORY, "no memory for a captured step");
  *out = s; // the body may want to see it
  if (code == STATUS_OK) {
    code = capture_new(&s->graph, &s->r, body, user, err);
  }
  if (code != STATUS_OK) {
    codec_step_free(s);
    *out = NULL;
  }
  return code;
}

void codec_step_free(codec_step *s)
{
  if (s) {
    capture_free(s->graph);
    step_io_free(s->io);
    s->r.dev->release(s->r.dev, s->memory.data);
    free(s);
  }
}

status codec_step_run(codec_step *s, const void *input, void *output)
{
  memcpy(s->io->input, input, s->io->input_bytes);
  status code = capture_launch(s->graph, NULL);
  if (code == STATUS_OK) {
    code = step_io_wait(s->io, NULL);
  }
  if (code == STATUS_OK) {
    memcpy(output, s->io->output, s->io->output_bytes);
  }
  return code;
}
