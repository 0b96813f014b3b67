// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "models/io/rvq_file.h"

#include "models/io/bit_pack.h"
#include "models/io/rvq_format.h"
#include "models/io/rvq_pages.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MOST_GAP_HOURS 24 // a page that claims to come later is not believed

struct rvq_reader {
  byte_source source;
  rvq_pages pages;
  code_info info;
  unsigned code_bits;
  uint32_t serial;
  uint64_t next_step; // to hand out
  uint64_t page_step; // first of the page in work; those from next_step to there are lost
  uint64_t page_left; // steps of the page in work, still to hand out
  bool page_lost;     // ... which is one that says that its codes were lost
  uint64_t segment, segment_step;
  float scale;
  const uint8_t *from; // packed codes, in `packet`
  bit_queue bits;
  bool ended;
  rvq_damage damage;
  uint8_t packet[PAGE_MAX_BYTES];
};

static status check_version(const rvq_reader *r, const uint8_t *head, size_t size, error *err)
{
  const char *name = r->source.name;
  if (size < RVQ_MAGIC_BYTES || memcmp(head, RVQ_MAGIC, RVQ_MAGIC_BYTES) != 0) {
    return error_set(err, STATUS_FORMAT, "%s: an Ogg file, but not of codes", name);
  }
  if (size < RVQ_HEADER_BYTES) {
    return error_set(err, STATUS_FORMAT, "%s: header of %zu bytes, expected %d", name, size,
                     RVQ_HEADER_BYTES);
  }
  if (rvq_get(head + 16, 2) != RVQ_VERSION_MAJOR) {
    return error_set(err, STATUS_UNSUPPORTED, "%s: version %u of .rvq, expected %d", name,
                     (unsigned)rvq_get(head + 16, 2), RVQ_VERSION_MAJOR);
  }
  return STATUS_OK;
}

static status parse_header(rvq_reader *r, const uint8_t *head, size_t size, error *err)
{
  const status code = check_version(r, head, size, err);
  if (code != STATUS_OK) {
    return code;
  }
  code_info *i = &r->info;
  i->rate_hz = (uint32_t)rvq_get(head + 24, 4);
  i->hop_samples = (uint32_t)rvq_get(head + 28, 4);
  i->codebook_size = (uint32_t)rvq_get(head + 32, 4);
  i->n_codebooks = (uint32_t)rvq_get(head + 36, 2);
  i->n_channels = (uint32_t)rvq_get(head + 38, 2);
  r->code_bits = (unsigned)rvq_get(head + 40, 2);
  i->n_samples = rvq_get(head + 48, 8);
  i->segment_samples = (uint32_t)rvq_get(head + 56, 4);
  i->segment_stride_samples = (uint32_t)rvq_get(head + 60, 4);
  memcpy(i->model_sha256, head + 64, sizeof i->model_sha256);
  memcpy(i->model, head + 96, sizeof i->model - 1);
  if (i->rate_hz < 1 || i->hop_samples < 1 || i->n_channels < 1 || i->n_channels > 255 ||
      i->n_codebooks < 1 || i->n_codebooks > CODE_MAX_CODEBOOKS || i->codebook_size < 2 ||
      i->codebook_size > CODE_MAX_CODEBOOK_SIZE ||
      r->code_bits != rvq_code_bits(i->codebook_size)) {
    return error_set(
        err, STATUS_FORMAT,
        "%s: impossible header: %u Hz, hop %u, %u channels, %u codebooks of %u entries "
        "in %u bits",
        r->source.name, i->rate_hz, i->hop_samples, i->n_channels, i->n_codebooks, i->codebook_size,
        r->code_bits);
  }
  return STATUS_OK;
}

static status read_header(rvq_reader *r, error *err)
{
  const uint8_t *start = NULL;
  size_t n = 0;
  status code = byte_source_peek(&r->source, &start, &n, err);
  if (code != STATUS_OK) {
    return code;
  }
  if (n < 4 || memcmp(start, "OggS", 4) != 0) {
    return error_set(err, STATUS_FORMAT, "%s: not a .rvq file%s", r->source.name,
                     n == 0 ? ": it is empty" : "");
  }
  rvq_page page;
  bool found = false;
  code = rvq_pages_next(&r->pages, &page, &found, err);
  if (code != STATUS_OK) {
    return code;
  }
  if (!found || !page.first || r->pages.skipped_bytes) {
    return error_set(err, STATUS_FORMAT, "%s: the first page is %s", r->source.name,
                     found ? "damaged" : "damaged or cut short");
  }
  r->serial = page.serial;
  return parse_header(r, page.packet, page.packet_bytes, err);
}

// The numbers of an end packet; false if they cannot be.
static bool parse_end(const rvq_reader *r, const rvq_page *page, uint64_t *n_steps,
                      uint64_t *n_samples)
{
  if (!page->last || page->packet_bytes < RVQ_END_BYTES || page->packet[0] != RVQ_END) {
    return false;
  }
  *n_steps = rvq_get(page->packet + 4, 8);
  *n_samples = rvq_get(page->packet + 12, 8);
  const bool told = *n_samples != CODE_UNKNOWN && *n_samples > 0;
  return !told || (*n_samples - 1) / r->info.hop_samples < *n_steps;
}

// A finished file tells its length in its last bytes.
static void look_at_end(rvq_reader *r)
{
  uint8_t data[RVQ_END_PAGE_BYTES];
  struct stat entry;
  rvq_page page;
  uint64_t n_steps = 0;
  uint64_t n_samples = 0;
  if (fstat(r->source.fd, &entry) == 0 && S_ISREG(entry.st_mode) &&
      entry.st_size >= (off_t)sizeof data &&
      pread(r->source.fd, data, sizeof data, entry.st_size - (off_t)sizeof data) ==
          (ssize_t)sizeof data &&
      rvq_page_parse(data, sizeof data, &page) && page.serial == r->serial &&
      parse_end(r, &page, &n_steps, &n_samples)) {
    r->info.n_samples = n_samples;
  }
}

status rvq_reader_open_source(rvq_reader **r, byte_source *source, error *err)
{
  *r = NULL;
  rvq_reader *made = calloc(1, sizeof *made);
  if (!made) {
    error_set(err, STATUS_NO_MEMORY, "%s: no memory to read it", source->name);
    byte_source_close(source);
    return STATUS_NO_MEMORY;
  }
  made->source = *source;
  *source = (byte_source){.fd = -1};
  made->scale = 1.0f;
  rvq_pages_init(&made->pages, &made->source);
  const status code = read_header(made, err);
  if (code != STATUS_OK) {
    rvq_reader_close(made);
    return code;
  }
  look_at_end(made);
  *r = made;
  return STATUS_OK;
}

status rvq_reader_open(rvq_reader **r, const char *path, error *err)
{
  byte_source source;
  *r = NULL;
  const status code = byte_source_open(&source, path, err);
  return code == STATUS_OK ? rvq_reader_open_source(r, &source, err) : code;
}

void rvq_reader_close(rvq_reader *r)
{
  if (r) {
    byte_source_close(&r->source);
    free(r);
  }
}

const code_info *rvq_reader_info(const rvq_reader *r)
{
  return &r->info;
}

bool rvq_reader_ended(const rvq_reader *r)
{
  return r->ended && r->page_left == 0 && r->next_step == r->page_step;
}

const rvq_damage *rvq_reader_damage(const rvq_reader *r)
{
  return &r->damage;
}

static bool plausible_position(const rvq_reader *r, uint64_t first_step)
{
  const uint64_t most = (uint64_t)MOST_GAP_HOURS * 3600 * r->info.rate_hz / r->info.hop_samples + 1;
  return first_step >= r->next_step && first_step - r->next_step <= most;
}

static void note_gap(rvq_reader *r)
{
  r->damage.gaps += r->page_step > r->next_step;
  r->damage.lost_steps += r->page_step - r->next_step;
}

static bool codes_in_range(const rvq_reader *r, const uint8_t *from, uint64_t n_codes)
{
  bit_queue q = {0};
  uint32_t most = 0;
  for (uint64_t i = 0; i < n_codes; ++i) {
    const uint32_t value = bit_unpack(&q, r->code_bits, &from);
    most = value > most ? value : most;
  }
  return most < r->info.codebook_size;
}

// A page of codes, or of steps that the writer never had; false if it makes no sense.
static bool take_steps(rvq_reader *r, const rvq_page *page)
{
  const uint8_t *head = page->packet;
  const size_t head_bytes =
      RVQ_CODES_HEAD_BYTES + (r->info.segment_samples ? RVQ_SEGMENT_HEAD_BYTES : 0);
  if (page->packet_bytes < head_bytes) {
    return false;
  }
  const bool lost = head[0] == RVQ_LOST;
  const uint64_t n_steps = rvq_get(head + 2, 2);
  const uint64_t n_codes = n_steps * r->info.n_codebooks;
  const uint64_t body_bytes = lost ? 0 : (n_codes * r->code_bits + 7) / 8;
  if (n_steps == 0 || page->packet_bytes != head_bytes + body_bytes || page->position < n_steps ||
      !plausible_position(r, page->position - n_steps)) {
    return false;
  }
  if (!lost && !codes_in_range(r, head + head_bytes, n_codes)) {
    return false;
  }
  if (r->info.segment_samples) {
    const float scale = rvq_get_float(head + RVQ_CODES_HEAD_BYTES + 8);
    if (!isfinite(scale) || !(scale > 0.0f)) {
      return false;
    }
    r->segment = rvq_get(head + RVQ_CODES_HEAD_BYTES, 4);
    r->segment_step = rvq_get(head + RVQ_CODES_HEAD_BYTES + 4, 4);
    r->scale = scale;
  }
  memcpy(r->packet, head + head_bytes, (size_t)body_bytes);
  r->from = r->packet;
  r->bits = (bit_queue){0};
  r->page_lost = lost;
  r->page_step = page->position - n_steps;
  r->page_left = n_steps;
  note_gap(r);
  return true;
}

static bool take_end(rvq_reader *r, const rvq_page *page)
{
  uint64_t n_steps = 0;
  uint64_t n_samples = 0;
  if (!parse_end(r, page, &n_steps, &n_samples) || !plausible_position(r, n_steps)) {
    return false;
  }
  r->info.n_samples = n_samples;
  r->page_step = n_steps;
  r->ended = true;
  note_gap(r);
  return true;
}

// Pages until one that has steps, the end, or the present end of the source.
static status next_steps(rvq_reader *r, bool *found, error *err)
{
  *found = false;
  while (!*found && !r->ended) {
    rvq_page page;
    bool any = false;
    const status code = rvq_pages_next(&r->pages, &page, &any, err);
    r->damage.skipped_bytes = r->pages.skipped_bytes;
    if (code != STATUS_OK || !any) {
      return code;
    }
    if (page.serial != r->serial) {
      continue; // another stream between ours
    }
    const uint8_t kind = page.packet_bytes ? page.packet[0] : RVQ_COMMENT;
    if (kind == RVQ_CODES || kind == RVQ_LOST) {
      *found = take_steps(r, &page);
      r->damage.bad_pages += !*found;
    } else if (kind == RVQ_END) {
      *found = take_end(r, &page);
      r->damage.bad_pages += !*found;
    }
  }
  return STATUS_OK;
}

static void give_lost(rvq_reader *r, int32_t *codes, size_t n_steps)
{
  for (size_t i = 0; i < n_steps * r->info.n_codebooks; ++i) {
    codes[i] = -1;
  }
}

static void give_codes(rvq_reader *r, int32_t *codes, size_t n_steps)
{
  for (size_t i = 0; i < n_steps * r->info.n_codebooks; ++i) {
    codes[i] = (int32_t)bit_unpack(&r->bits, r->code_bits, &r->from);
  }
}

status rvq_reader_read(rvq_reader *r, int32_t *codes, size_t capacity, code_run *run, error *err)
{
  *run = (code_run){.first_step = r->next_step, .scale = 1.0f};
  if (r->next_step == r->page_step && r->page_left == 0) {
    bool found = false;
    const status code = next_steps(r, &found, err);
    if (code != STATUS_OK || !found) {
      return code;
    }
  }
  const uint64_t gap = r->page_step - r->next_step;
  const uint64_t due = gap ? gap : r->page_left;
  run->n_steps = due < capacity ? (size_t)due : capacity;
  run->lost = gap || r->page_lost;
  if (run->lost) {
    give_lost(r, codes, run->n_steps);
  } else {
    give_codes(r, codes, run->n_steps);
  }
  if (!gap) {
    run->segment = r->segment;
    run->segment_step = r->segment_step;
    run->scale = r->scale;
    r->segment_step += run->n_steps;
    r->page_left -= run->n_steps;
    r->page_step += run->n_steps;
  }
  r->next_step += run->n_steps;
  return STATUS_OK;
}
