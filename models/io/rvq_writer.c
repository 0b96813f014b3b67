// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "models/io/rvq_file.h"

#include "base/random.h"
#include "models/io/bit_pack.h"
#include "models/io/rvq_format.h"

#include <errno.h>
#include <math.h>
#include <ogg/ogg.h>
#include <stdlib.h>
#include <string.h>

struct rvq_writer {
  byte_sink sink;
  ogg_stream_state ogg;
  code_info info;
  unsigned code_bits;
  uint32_t page_steps;
  bool growing;
  int64_t n_packets;
  uint64_t n_steps;       // written, with those of the page in work
  uint64_t segment;       // number of the present one, plus 1
  uint64_t segment_start; // its first step
  float scale;
  rvq_packet kind;  // of the page in work
  uint32_t in_page; // its steps so far
  size_t used;      // its bytes so far
  bit_queue bits;
  uint8_t packet[RVQ_PACKET_MAX_BYTES];
};

static status write_failed(const rvq_writer *w, error *err)
{
  return error_set(err, STATUS_IO, "%s: cannot write: %s", w->sink.name,
                   strerror(errno ? errno : EIO));
}

// One packet as one page, whose position is the number of steps up to its end.
static status write_page(rvq_writer *w, uint8_t *data, size_t size, bool last, error *err)
{
  ogg_packet packet = {
      .packet = data,
      .bytes = (long)size,
      .b_o_s = w->n_packets == 0,
      .e_o_s = last,
      .granulepos = (ogg_int64_t)w->n_steps,
      .packetno = w->n_packets++,
  };
  ogg_page page;
  if (ogg_stream_packetin(&w->ogg, &packet) != 0) {
    return error_set(err, STATUS_NO_MEMORY, "%s: no memory to write it", w->sink.name);
  }
  while (ogg_stream_flush(&w->ogg, &page) != 0) {
    errno = 0;
    if (fwrite(page.header, 1, (size_t)page.header_len, w->sink.stream) !=
            (size_t)page.header_len ||
        fwrite(page.body, 1, (size_t)page.body_len, w->sink.stream) != (size_t)page.body_len) {
      return write_failed(w, err);
    }
  }
  errno = 0;
  if ((w->growing || w->sink.direct) && fflush(w->sink.stream) != 0) {
    return write_failed(w, err);
  }
  return STATUS_OK;
}

static status write_header(rvq_writer *w, error *err)
{
  uint8_t head[RVQ_HEADER_BYTES] = {0};
  const code_info *i = &w->info;
  memcpy(head, RVQ_MAGIC, RVQ_MAGIC_BYTES);
  rvq_put(head + 16, RVQ_VERSION_MAJOR, 2);
  rvq_put(head + 18, RVQ_VERSION_MINOR, 2);
  rvq_put(head + 20, RVQ_HEADER_BYTES, 4);
  rvq_put(head + 24, i->rate_hz, 4);
  rvq_put(head + 28, i->hop_samples, 4);
  rvq_put(head + 32, i->codebook_size, 4);
  rvq_put(head + 36, i->n_codebooks, 2);
  rvq_put(head + 38, i->n_channels, 2);
  rvq_put(head + 40, w->code_bits, 2);
  rvq_put(head + 44, w->page_steps, 4);
  rvq_put(head + 48, i->n_samples, 8);
  rvq_put(head + 56, i->segment_samples, 4);
  rvq_put(head + 60, i->segment_stride_samples, 4);
  memcpy(head + 64, i->model_sha256, 32);
  memcpy(head + 96, i->model, strnlen(i->model, sizeof i->model - 1));
  return write_page(w, head, sizeof head, false, err);
}

static status write_comment(rvq_writer *w, error *err)
{
  static const char text[] = "encoder=continuo";
  uint8_t packet[12 + sizeof text - 1] = {RVQ_COMMENT};
  rvq_put(packet + 4, 1, 4);
  rvq_put(packet + 8, sizeof text - 1, 4);
  memcpy(packet + 12, text, sizeof text - 1);
  return write_page(w, packet, sizeof packet, false, err);
}

static status check_info(const char *path, const code_info *i, error *err)
{
  if (i->rate_hz < 1 || i->hop_samples < 1 || i->n_channels < 1 || i->n_channels > 255 ||
      i->n_codebooks < 1 || i->n_codebooks > CODE_MAX_CODEBOOKS || i->codebook_size < 2 ||
      i->codebook_size > CODE_MAX_CODEBOOK_SIZE) {
    return error_set(err, STATUS_USAGE,
                     "%s: .rvq cannot hold %u Hz, hop %u, %u channels, %u codebooks of %u entries",
                     path, i->rate_hz, i->hop_samples, i->n_channels, i->n_codebooks,
                     i->codebook_size);
  }
  return STATUS_OK;
}

static uint32_t choose_page_steps(const rvq_writer *w, uint32_t wanted)
{
  const size_t head = RVQ_CODES_HEAD_BYTES + RVQ_SEGMENT_HEAD_BYTES;
  const uint32_t fit =
      (uint32_t)((RVQ_PACKET_MAX_BYTES - head) * 8 / ((size_t)w->info.n_codebooks * w->code_bits));
  const uint32_t second = (w->info.rate_hz - 1) / w->info.hop_samples + 1;
  uint32_t n = wanted ? wanted : second;
  n = n < fit ? n : fit;
  return n < RVQ_PAGE_STEPS_MAX ? n : RVQ_PAGE_STEPS_MAX;
}

static void start_page(rvq_writer *w)
{
  w->in_page = 0;
  w->used = RVQ_CODES_HEAD_BYTES + (w->info.segment_samples ? RVQ_SEGMENT_HEAD_BYTES : 0);
  w->bits = (bit_queue){0};
}

status rvq_writer_open(rvq_writer **w, const char *path, const code_info *info,
                       const rvq_writer_options *options, error *err)
{
  *w = NULL;
  status code = check_info(path, info, err);
  if (code != STATUS_OK) {
    return code;
  }
  rvq_writer *made = calloc(1, sizeof *made);
  // Equal codes give equal files: the stream's serial number is no random one.
  if (!made || ogg_stream_init(&made->ogg, (int)random_name_key(info->model)) != 0) {
    free(made);
    return error_set(err, STATUS_NO_MEMORY, "%s: no memory to write it", path);
  }
  made->info = *info;
  made->code_bits = rvq_code_bits(info->codebook_size);
  made->growing = options && options->growing;
  made->page_steps = choose_page_steps(made, options ? options->page_steps : 0);
  made->scale = 1.0f;
  start_page(made);
  code = byte_sink_open(&made->sink, path, made->growing, err);
  if (code == STATUS_OK) {
    code = write_header(made, err);
  }
  if (code == STATUS_OK) {
    code = write_comment(made, err);
  }
  if (code != STATUS_OK) {
    rvq_writer_abort(made);
    return code;
  }
  *w = made;
  return STATUS_OK;
}

// Write the page in work, if it holds anything, and start another.
static status finish_page(rvq_writer *w, error *err)
{
  if (w->in_page == 0) {
    return STATUS_OK;
  }
  uint8_t *head = w->packet;
  memset(head, 0, RVQ_CODES_HEAD_BYTES);
  head[0] = (uint8_t)w->kind;
  rvq_put(head + 2, w->in_page, 2);
  if (w->info.segment_samples) {
    head += RVQ_CODES_HEAD_BYTES;
    rvq_put(head, w->segment - 1, 4);
    rvq_put(head + 4, w->n_steps - w->in_page - w->segment_start, 4);
    rvq_put_float(head + 8, w->scale);
  }
  w->used += bit_pack_end(&w->bits, w->packet + w->used);
  const status code = write_page(w, w->packet, w->used, false, err);
  start_page(w);
  return code;
}

// RVQ_LOST if any code is below 0; STATUS_USAGE if one is beyond the codebook.
static status step_kind(const rvq_writer *w, const int32_t *codes, rvq_packet *kind, error *err)
{
  *kind = RVQ_CODES;
  for (uint32_t k = 0; k < w->info.n_codebooks; ++k) {
    if (codes[k] >= (int32_t)w->info.codebook_size) {
      return error_set(err, STATUS_USAGE, "%s: code %d of step %llu, expected below %u",
                       w->sink.name, codes[k], (unsigned long long)w->n_steps,
                       w->info.codebook_size);
    }
    if (codes[k] < 0) {
      *kind = RVQ_LOST;
    }
  }
  return STATUS_OK;
}

status rvq_writer_write(rvq_writer *w, const int32_t *codes, size_t n_steps, error *err)
{
  const uint32_t width = w->info.n_codebooks;
  if (w->info.segment_samples && w->segment == 0 && n_steps > 0) {
    return error_set(err, STATUS_USAGE, "%s: codes before the first segment", w->sink.name);
  }
  for (size_t i = 0; i < n_steps; ++i, codes += width) {
    rvq_packet kind = RVQ_CODES;
    status code = step_kind(w, codes, &kind, err);
    if (code == STATUS_OK && kind != w->kind) {
      code = finish_page(w, err);
    }
    if (code != STATUS_OK) {
      return code;
    }
    w->kind = kind;
    for (uint32_t k = 0; kind == RVQ_CODES && k < width; ++k) {
      w->used += bit_pack(&w->bits, (uint32_t)codes[k], w->code_bits, w->packet + w->used);
    }
    ++w->in_page;
    ++w->n_steps;
    // At once, so that who reads along sees a page as soon as it is full.
    if (w->in_page == w->page_steps && (code = finish_page(w, err)) != STATUS_OK) {
      return code;
    }
  }
  return STATUS_OK;
}

status rvq_writer_begin_segment(rvq_writer *w, float scale, error *err)
{
  if (!w->info.segment_samples || !(scale > 0.0f) || !isfinite(scale)) {
    return error_set(err, STATUS_USAGE, "%s: segment of scale %g in a stream %s segments",
                     w->sink.name, (double)scale, w->info.segment_samples ? "with" : "without");
  }
  const status code = finish_page(w, err);
  w->scale = scale;
  w->segment_start = w->n_steps;
  ++w->segment;
  return code;
}

static status write_end(rvq_writer *w, uint64_t n_samples, error *err)
{
  uint8_t packet[RVQ_END_BYTES] = {RVQ_END};
  rvq_put(packet + 4, w->n_steps, 8);
  rvq_put(packet + 12, n_samples, 8);
  return write_page(w, packet, sizeof packet, true, err);
}

status rvq_writer_commit(rvq_writer *w, uint64_t n_samples, error *err)
{
  status code = STATUS_OK;
  const uint64_t held = w->n_steps * w->info.hop_samples;
  if (n_samples != CODE_UNKNOWN && n_samples > held) {
    code = error_set(err, STATUS_USAGE, "%s: %llu samples, more than the %llu of its steps",
                     w->sink.name, (unsigned long long)n_samples, (unsigned long long)held);
  }
  if (code == STATUS_OK) {
    code = finish_page(w, err);
  }
  if (code == STATUS_OK) {
    code = write_end(w, n_samples, err);
  }
  if (code == STATUS_OK) {
    errno = 0;
    code = fflush(w->sink.stream) == 0 ? byte_sink_commit(&w->sink, err) : write_failed(w, err);
  }
  rvq_writer_abort(w);
  return code;
}

void rvq_writer_abort(rvq_writer *w)
{
  if (w) {
    byte_sink_abort(&w->sink);
    ogg_stream_clear(&w->ogg);
    free(w);
  }
}
