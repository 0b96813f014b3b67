// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "train/prepare.h"

#include "models/io/audio_file.h"
#include "models/io/resampler.h"
#include "train/high_pass.h"
#include "train/set_writer.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_SAMPLES 16384
#define RULE_BYTES 512

typedef struct preparation {
  const prepare_options *options;
  prepare_report *report;
  set_writer *writer;
  float *block; // [BLOCK_SAMPLES]
  uint64_t n_samples;
  prepare_progress progress;
} preparation;

// What went wrong with a clip is either the file's matter, then the file is passed over, or ours.
typedef struct clip_result {
  status code;
  bool file_is_bad;
  float peak;
  uint64_t nonfinite;
} clip_result;

static status check_options(const prepare_options *o, error *err)
{
  if (o->rate_hz < 1 || o->rate_hz > RESAMPLER_MAX_HZ) {
    return error_set(err, STATUS_USAGE, "rate: 1 to %d Hz expected, found %u", RESAMPLER_MAX_HZ,
                     o->rate_hz);
  }
  if (!(o->high_pass_hz >= 0.0) || o->high_pass_hz >= o->rate_hz / 2.0) {
    return error_set(err, STATUS_USAGE, "high-pass: below half the rate expected, found %g Hz",
                     o->high_pass_hz);
  }
  if (!(o->validation >= 0.0) || o->validation >= 1.0) {
    return error_set(err, STATUS_USAGE, "validation: 0 to 1 expected, found %g", o->validation);
  }
  return STATUS_OK;
}

static bool go_on(const preparation *p)
{
  return !p->options->progress || p->options->progress(p->options->user, &p->progress);
}

// Reads to the end, filtering and writing.
static clip_result copy_samples(preparation *p, audio_reader *reader, error *err)
{
  clip_result r = {.code = STATUS_OK};
  high_pass filter;
  high_pass_init(&filter, p->options->high_pass_hz, p->options->rate_hz);
  for (size_t n = 1; n > 0 && !r.code;) {
    r.code = audio_reader_read(reader, p->block, BLOCK_SAMPLES, &n, err);
    r.file_is_bad = r.code != STATUS_OK;
    if (r.code || n == 0) {
      break;
    }
    if (!go_on(p)) {
      r.code = error_set(err, STATUS_INTERRUPTED, "interrupted at file %zu of %zu",
                         p->progress.n_done + 1, p->progress.n_files);
      break;
    }
    high_pass_apply(&filter, p->block, n);
    for (size_t i = 0; i < n; ++i) {
      r.peak = fmaxf(r.peak, fabsf(p->block[i]));
    }
    r.code = set_writer_push(p->writer, p->block, n, err);
  }
  r.nonfinite = audio_reader_nonfinite(reader);
  return r;
}

// The clip stays open in the writer, or is cancelled when anything went wrong.
static clip_result copy_clip(preparation *p, const scanned_file *f, double gain, error *err)
{
  audio_reader *reader = NULL;
  clip_result r = {.code = audio_reader_open(&reader, f->file, p->options->rate_hz, 1, err)};
  r.file_is_bad = r.code != STATUS_OK;
  if (r.code) {
    return r;
  }
  const audio_info *info = audio_reader_info(reader);
  const set_clip clip = {
      f->kind, f->path, f->validation, gain, info->file_rate_hz, info->file_channels};
  r.code = set_writer_begin(p->writer, &clip, info->length_known ? info->n_samples : 0, err);
  if (!r.code) {
    r = copy_samples(p, reader, err);
    if (!r.code && set_writer_n_samples(p->writer) == 0) {
      r.file_is_bad = true;
      r.code = error_set(err, STATUS_FORMAT, "%s: less than one sample at %u Hz", f->file,
                         p->options->rate_hz);
    }
    if (r.code) {
      set_writer_cancel(p->writer);
    }
  }
  audio_reader_close(reader);
  return r;
}

// Full scale is 32768; a peak beyond it would be clipped, so the clip is read again, turned down.
static clip_result copy_within_scale(preparation *p, const scanned_file *f, error *err)
{
  clip_result r = copy_clip(p, f, 1.0, err);
  if (!r.code && r.peak > 1.0f) {
    set_writer_cancel(p->writer);
    const double gain = 32767.0 / 32768.0 / (double)r.peak;
    log_write(p->options->log, LOG_DEBUG, "%s: turned down by %.1f dB", f->file,
              -20.0 * log10(gain));
    r = copy_clip(p, f, gain, err);
    p->report->n_scaled += !r.code;
  }
  if (!r.code) {
    r.code = set_writer_end(p->writer, err);
  }
  return r;
}

static status skip_file(preparation *p, const error *why, error *err)
{
  prepare_report *report = p->report;
  log_write(p->options->log, LOG_WARNING, "skipped: %s", why->message);
  char **more = realloc(report->skipped, (report->n_skipped + 1) * sizeof *more);
  if (more) {
    report->skipped = more;
    more[report->n_skipped] = strdup(why->message);
  }
  if (!more || !more[report->n_skipped]) {
    return error_set(err, STATUS_NO_MEMORY, "no memory for the list of skipped files");
  }
  ++report->n_skipped;
  return STATUS_OK;
}

static status count_clip(preparation *p, const scanned_file *f, error *err)
{
  prepare_report *report = p->report;
  prepare_total *last = report->n_kinds ? &report->kinds[report->n_kinds - 1] : NULL;
  if (!last || strcmp(last->kind, f->kind) != 0) { // files of one kind follow each other
    prepare_total *more = realloc(report->kinds, (report->n_kinds + 1) * sizeof *more);
    char *kind = strdup(f->kind);
    if (more) {
      report->kinds = more;
    }
    if (!more || !kind) {
      free(kind);
      return error_set(err, STATUS_NO_MEMORY, "no memory for the list of kinds");
    }
    last = &more[report->n_kinds++];
    *last = (prepare_total){.kind = kind};
  }
  const uint64_t n_samples = set_writer_n_samples(p->writer);
  ++last->n_clips[f->validation];
  last->n_samples[f->validation] += n_samples;
  p->n_samples += n_samples;
  return STATUS_OK;
}

static status prepare_file(preparation *p, const scanned_file *f, error *err)
{
  error why = {0};
  const clip_result r = copy_within_scale(p, f, &why);
  if (!r.code) {
    if (r.nonfinite) {
      log_write(p->options->log, LOG_WARNING,
                "%s: %" PRIu64 " samples were not numbers and count as silence", f->file,
                r.nonfinite);
    }
    return count_clip(p, f, err);
  }
  if (r.file_is_bad && r.code != STATUS_NO_MEMORY) {
    return skip_file(p, &why, err);
  }
  if (err) {
    *err = why;
  }
  return r.code;
}

static status prepare_files(preparation *p, const scan *files, error *err)
{
  status code = STATUS_OK;
  p->progress.n_files = files->n_files;
  for (size_t i = 0; i < files->n_files && !code; ++i) {
    p->progress.n_done = i;
    p->progress.done_s = (double)p->n_samples / (double)p->options->rate_hz;
    p->progress.path = files->files[i].path;
    code = prepare_file(p, &files->files[i], err);
  }
  if (!code && p->n_samples == 0) {
    code = error_set(err, STATUS_FORMAT, "none of %zu files could be read: %.300s", files->n_files,
                     p->report->skipped[0]);
  }
  return code;
}

// The rule of the split in words; scan_split does what it says.
static void describe_rule(const prepare_options *o, char rule[RULE_BYTES])
{
  if (o->validation <= 0.0) {
    snprintf(rule, RULE_BYTES, "nothing is kept aside");
  } else if (o->group && *o->group) {
    snprintf(
        rule, RULE_BYTES,
        "%g %% by group, drawn by its name: what \"%.200s\" matches of the path, else the path; "
        "at least one group of each kind",
        100.0 * o->validation, o->group);
  } else {
    snprintf(rule, RULE_BYTES, "%g %% by clip, drawn by its path; at least one clip of each kind",
             100.0 * o->validation);
  }
}

static status write_set(preparation *p, const scan *files, error *err)
{
  const prepare_options *o = p->options;
  char rule[RULE_BYTES];
  describe_rule(o, rule);
  const set_head head = {.rate_hz = o->rate_hz,
                         .high_pass_hz = o->high_pass_hz,
                         .validation = o->validation,
                         .group = o->group ? o->group : "",
                         .rule = rule};
  status code = set_writer_open(&p->writer, o->out, &head, err);
  if (code) {
    return code;
  }
  code = prepare_files(p, files, err);
  if (code) {
    set_writer_abort(p->writer);
    return code;
  }
  p->report->n_bytes = set_writer_n_bytes(p->writer);
  p->report->n_shards = set_writer_n_shards(p->writer);
  return set_writer_commit(p->writer, err);
}

status prepare_audio(const prepare_options *options, prepare_report *report, error *err)
{
  *report = (prepare_report){0};
  status code = check_options(options, err);
  if (code) {
    return code;
  }
  scan files;
  code =
      scan_folders(&files, options->folders, options->n_folders, options->kind, options->log, err);
  code = code ? code : scan_split(&files, options->validation, options->group, err);
  report->n_ignored = files.n_ignored;
  preparation p = {.options = options, .report = report};
  if (!code) {
    p.block = malloc(BLOCK_SAMPLES * sizeof *p.block);
    code = p.block ? write_set(&p, &files, err)
                   : error_set(err, STATUS_NO_MEMORY, "no memory for a block of audio");
  }
  free(p.block);
  scan_free(&files);
  return code;
}

void prepare_report_free(prepare_report *report)
{
  for (size_t i = 0; i < report->n_kinds; ++i) {
    free(report->kinds[i].kind);
  }
  for (size_t i = 0; i < report->n_skipped; ++i) {
    free(report->skipped[i]);
  }
  free(report->kinds);
  free(report->skipped);
  *report = (prepare_report){0};
}
