// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// A performance written while the session plays on. [main]

#include "engine/keep/performance.h"
#include "engine/session_internal.h"

#include <stdio.h>
#include <time.h>

#define MOST_WAIT_MS 2000

static void copy_text(char *to, size_t size, const char *from)
{
  snprintf(to, size, "%s", from ? from : "");
}

static void fill_head(const session *s, const session_names *names, performance_head *h)
{
  const session_config *c = &s->config;
  copy_text(h->codec_path, sizeof h->codec_path, names->codec_path);
  copy_text(h->codec, sizeof h->codec, s->info->name);
  copy_text(h->model, sizeof h->model, names->model);
  copy_text(h->kernels, sizeof h->kernels, names->kernels);
  copy_text(h->storage, sizeof h->storage, names->storage);
  copy_text(h->corpus, sizeof h->corpus, names->corpus);
  h->n_codebooks = (uint32_t)s->conductor.way.n_used;
  h->codebook_size = s->info->codebook_size;
  h->n_channels = s->info->n_channels;
  h->codec_rate_hz = s->info->rate_hz;
  h->hop_samples = s->info->hop_samples;
  h->host_rate_hz = c->host_rate_hz;
  h->block_samples = c->block_samples;
  h->slack_samples = c->slack_samples;
  h->fade_ms = (double)c->fade_ms;
  h->fallback = (int)c->fallback;
  h->output_stage = c->output_stage;
}

// Until every control that has been passed on is in the log.
static void wait_for_log(const session *s)
{
  const uint64_t head = ring_head(&s->controls);
  const struct timespec pause = {0, 1000000};
  for (int ms = 0; ms < MOST_WAIT_MS && atomic_load(&s->logged) < head; ++ms) {
    nanosleep(&pause, NULL);
  }
}

status session_keep(session *s, const char *folder, const session_names *names, error *err)
{
  performance_head head = {.codec_path = ""};
  fill_head(s, names, &head);
  status st = STATUS_OK;
  if (head.codec_path[0]) {
    st = performance_file_sha256(head.codec_path, head.codec_sha256, err);
  }
  wait_for_log(s);
  return st == STATUS_OK ? performance_write(&s->kept, &head, folder, err) : st;
}
