// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "plugin/replay_host.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_SAMPLES 1024
#define MOST_CONTROLS 256 // in a block

typedef struct replay {
  const replay_config *config;
  const performance *p;
  session *s;
  session_script script;
  audio_reader *input, *expected;
  audio_writer *writer;
  uint32_t n_channels;
  uint64_t t;
  size_t next_entry, next_step;
  float *in, *out; // [BLOCK_SAMPLES, n_channels]
  float *planes;   // [2, n_channels, BLOCK_SAMPLES]
  replay_result *result;
} replay;

// What the conductor asks for, while process waits for it.
static bool next_step(void *user, uint64_t timeline, int32_t *codes, session_heard *heard)
{
  replay *r = user;
  const performance *p = r->p;
  while (r->next_step < p->n_steps && p->steps[r->next_step].timeline < timeline) {
    ++r->next_step; // the record was cut there
  }
  if (r->next_step == p->n_steps || p->steps[r->next_step].timeline != timeline) {
    return false;
  }
  const size_t n = p->head.n_codebooks;
  memcpy(codes, p->codes + r->next_step * n, n * sizeof *codes);
  const keep_step *step = &p->steps[r->next_step];
  *heard = (session_heard){step->mean_square, step->peak, step->fed_back};
  ++r->next_step;
  return true;
}

static status check_codec(const replay *r, error *err)
{
  const codec_info *info = codec_get_info(r->config->model);
  const performance_head *h = &r->p->head;
  if (info->rate_hz != h->codec_rate_hz || info->hop_samples != h->hop_samples ||
      info->n_channels != h->n_channels || info->n_codebooks < h->n_codebooks ||
      info->codebook_size != h->codebook_size) {
    return error_set(err, STATUS_USAGE, "%s: played with the codec %s, which %s is not",
                     r->config->folder, h->codec, info->name);
  }
  return STATUS_OK;
}

static status open_files(replay *r, error *err)
{
  char path[PERFORMANCE_PATH_BYTES];
  const performance_head *h = &r->p->head;
  snprintf(path, sizeof path, "%s/input.flac", r->config->folder);
  status st = audio_reader_open(&r->input, path, h->end_rate_hz, r->n_channels, err);
  snprintf(path, sizeof path, "%s/output.flac", r->config->folder);
  st = st ? st : audio_reader_open(&r->expected, path, h->end_rate_hz, r->n_channels, err);
  return st ? st
            : audio_writer_open(&r->writer, r->config->out, h->end_rate_hz, r->n_channels,
                                AUDIO_ENCODING_DEFAULT, h->end_samples - h->begin_samples, err);
}

static status open_all(replay *r, error *err)
{
  const performance_head *h = &r->p->head;
  r->n_channels = h->n_channels;
  r->script = (session_script){next_step, r};
  const session_config wanted = {
      .model = r->config->model,
      .player = r->config->player,
      .corpus = r->config->corpus,
      .n_codebooks = (int)h->n_codebooks,
      .host_rate_hz = h->host_rate_hz,
      .block_samples = h->block_samples,
      .slack_samples = h->slack_samples,
      .fade_ms = (float)h->fade_ms,
      .fallback = (session_fallback)h->fallback,
      .output_stage = h->output_stage,
      .offline = true,
      .script = &r->script,
  };
  const size_t block = (size_t)BLOCK_SAMPLES * r->n_channels;
  status st = check_codec(r, err);
  st = st ? st : session_open(&r->s, &wanted, err);
  st = st ? st : open_files(r, err);
  r->in = calloc(block, sizeof *r->in);
  r->out = calloc(block, sizeof *r->out);
  r->planes = calloc(2 * block, sizeof *r->planes);
  return st || (r->in && r->out && r->planes)
             ? st
             : error_set(err, STATUS_NO_MEMORY, "no memory for a block");
}

static status decide(replay *r, const keep_entry *e, error *err)
{
  session *s = r->s;
  switch ((keep_kind)e->kind) {
  case KEEP_FADE_OUT:
    session_decide(s, DECIDE_FADE_OUT);
    break;
  case KEEP_FADE_IN:
    session_decide(s, DECIDE_FADE_IN);
    break;
  case KEEP_CUT:
    session_decide(s, DECIDE_CUT);
    break;
  case KEEP_TIMELINE:
    session_decide(s, DECIDE_TIMELINE);
    break;
  case KEEP_PLAN: {
    status st = session_set_rate(s, (uint32_t)e->value, err);
    st = st ? st : session_set_block(s, e->id, err);
    session_decide(s, DECIDE_PLAN);
    return st;
  }
  case KEEP_SET:
  case KEEP_ACTION:
  case KEEP_CLOCK:
  case N_KEEP_KINDS:
    break;
  }
  return STATUS_OK;
}

static bool is_control(const keep_entry *e)
{
  return e->kind <= KEEP_CLOCK;
}

// Length of the block that begins at t: up to the next decision, and with no more controls than one
// block takes.
static uint32_t block_length(const replay *r)
{
  const performance *p = r->p;
  uint64_t end = r->t + BLOCK_SAMPLES;
  const uint64_t starts[] = {p->head.input_begin_samples, p->head.begin_samples};
  for (int i = 0; i < 2; ++i) { // sound is read and written from a block's beginning on
    end = r->t < starts[i] && starts[i] < end ? starts[i] : end;
  }
  end = p->head.end_samples < end ? p->head.end_samples : end;
  size_t n_controls = 0;
  for (size_t i = r->next_entry; i < p->n_entries && p->entries[i].position_samples < end; ++i) {
    const keep_entry *e = &p->entries[i];
    const bool stop = !is_control(e) || ++n_controls > MOST_CONTROLS;
    if (stop && e->position_samples > r->t) {
      end = e->position_samples;
    }
  }
  return (uint32_t)(end - r->t);
}

// What is due at the block's beginning, and the controls within it.
static status send_entries(replay *r, uint32_t n, error *err)
{
  const performance *p = r->p;
  status st = STATUS_OK;
  for (; st == STATUS_OK && r->next_entry < p->n_entries; ++r->next_entry) {
    const keep_entry *e = &p->entries[r->next_entry];
    if (e->position_samples >= r->t + n) {
      break;
    }
    if (!is_control(e)) {
      st = decide(r, e, err);
      continue;
    }
    const control c = {
        .kind = (uint16_t)e->kind, .id = (uint16_t)e->id, .value = e->value, .more = e->more};
    if (!session_send_at(r->s, &c, (uint32_t)(e->position_samples - r->t))) {
      st = error_set(err, STATUS_FORMAT, "%s: a control at %llu is not one", r->config->folder,
                     (unsigned long long)e->position_samples);
    }
  }
  return st;
}

// The input of the block, where it was kept; silence before that.
static status read_input(replay *r, uint32_t n, error *err)
{
  size_t n_got = 0;
  status st = STATUS_OK;
  memset(r->in, 0, (size_t)n * r->n_channels * sizeof *r->in);
  if (r->t >= r->p->head.input_begin_samples) {
    st = audio_reader_read(r->input, r->in, n, &n_got, err);
  }
  for (uint32_t c = 0; c < r->n_channels; ++c) {
    for (uint32_t i = 0; i < n; ++i) {
      r->planes[c * BLOCK_SAMPLES + i] = KEEP_INPUT_SCALE * r->in[i * r->n_channels + c];
    }
  }
  return st;
}

static status write_output(replay *r, uint32_t n, error *err)
{
  if (r->t < r->p->head.begin_samples) {
    return STATUS_OK;
  }
  const float *from = r->planes + (size_t)r->n_channels * BLOCK_SAMPLES;
  size_t n_got = 0;
  status st = audio_reader_read(r->expected, r->in, n, &n_got, err);
  for (uint32_t i = 0; i < n; ++i) {
    bool differs = i >= n_got;
    for (uint32_t c = 0; c < r->n_channels; ++c) {
      const float x = from[c * BLOCK_SAMPLES + i];
      r->out[i * r->n_channels + c] = x;
      differs |= (float)keep_whole(x, 1.0f) != KEEP_STEPS * r->in[i * r->n_channels + c];
    }
    if (differs && r->result->n_different++ == 0) {
      r->result->first_different = r->result->n_samples + i;
    }
  }
  r->result->n_samples += n;
  return st ? st : audio_writer_write(r->writer, r->out, n, err);
}

static status play_block(replay *r, error *err)
{
  const float *in[SESSION_MAX_CHANNELS];
  float *out[SESSION_MAX_CHANNELS];
  const uint32_t n = block_length(r);
  status st = send_entries(r, n, err);
  st = st ? st : read_input(r, n, err);
  for (uint32_t c = 0; c < r->n_channels; ++c) {
    in[c] = r->planes + (size_t)c * BLOCK_SAMPLES;
    out[c] = r->planes + (size_t)(r->n_channels + c) * BLOCK_SAMPLES;
  }
  if (st == STATUS_OK) {
    session_process(r->s, in, out, n, r->t);
    st = write_output(r, n, err);
    r->t += n;
  }
  return st;
}

static status play(replay *r, error *err)
{
  const performance_head *h = &r->p->head;
  const double rate = h->end_rate_hz;
  status st = STATUS_OK;
  while (st == STATUS_OK && r->t < h->end_samples) {
    st = play_block(r, err);
    if (st == STATUS_OK && r->config->on_progress &&
        !r->config->on_progress(r->config->user, (double)r->t / rate,
                                (double)h->end_samples / rate)) {
      st = error_set(err, STATUS_INTERRUPTED, "stopped at %.1f s", (double)r->t / rate);
    }
  }
  return st;
}

status replay_run(const replay_config *config, replay_result *result, error *err)
{
  replay r = {.config = config, .p = config->performance, .result = result};
  memset(result, 0, sizeof *result);
  status st = open_all(&r, err);
  st = st ? st : play(&r, err);
  if (st == STATUS_OK) {
    st = audio_writer_commit(r.writer, err);
  } else {
    audio_writer_abort(r.writer);
  }
  session_close(r.s);
  audio_reader_close(r.input);
  audio_reader_close(r.expected);
  free(r.in);
  free(r.out);
  free(r.planes);
  return st;
}
