// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "train/eval_tables.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

status skipped_add(skipped_files *s, const log_sink *log, progress *line, const error *why,
                   error *err)
{
  progress_end(line);
  log_write(log, LOG_WARNING, "skipped: %s", why->message);
  char **more = realloc(s->sentences, (s->n + 1) * sizeof *more);
  char *copy = strdup(why->message);
  s->sentences = more ? more : s->sentences;
  if (!more || !copy) {
    free(copy);
    return error_set(err, STATUS_NO_MEMORY, "no memory for the list of skipped files");
  }
  more[s->n++] = copy;
  return STATUS_OK;
}

void skipped_free(skipped_files *s)
{
  for (size_t i = 0; i < s->n; ++i) {
    free(s->sentences[i]);
  }
  free(s->sentences);
  *s = (skipped_files){0};
}

void skipped_write(json_writer *w, const skipped_files *s)
{
  json_begin_array(w, "skipped");
  for (size_t i = 0; i < s->n; ++i) {
    json_write_string(w, NULL, s->sentences[i]);
  }
  json_end_array(w);
}

static void print_row(const char *name, const score_summary *s)
{
  printf("  %-18.40s %6zu %9.1f %14.2f %8.2f %9.4f %12.4f\n", name, s->n_clips, s->seconds,
         s->si_snr_median_db, s->si_snr_mean_db, s->mel, s->mel_low);
}

status eval_print_table(const scores *s, error *err)
{
  score_summary sum;
  status code = STATUS_OK;
  printf("  %-18s %6s %9s %14s %8s %9s %12s\n", "kind", "clips", "seconds", "SI-SNR median", "mean",
         "mel", "below 7 kHz");
  for (size_t i = 0; i < s->n_kinds && code == STATUS_OK; ++i) {
    code = scores_summarise(s, s->kinds[i], &sum, err);
    if (code == STATUS_OK) {
      print_row(s->kinds[i], &sum);
    }
  }
  code = code ? code : scores_summarise(s, NULL, &sum, err);
  if (code == STATUS_OK) {
    print_row("all", &sum);
  }
  return code;
}

static void write_summary(json_writer *w, const score_summary *s)
{
  json_write_integer(w, "clips", (int64_t)s->n_clips);
  json_write_number(w, "seconds", s->seconds);
  json_write_number(w, "si_snr_db_median", s->si_snr_median_db);
  json_write_number(w, "si_snr_db_mean", s->si_snr_mean_db);
  json_write_number(w, "mel", s->mel);
  json_write_number(w, "mel_below_7khz", s->mel_low);
}

static void write_clips(json_writer *w, const scores *s)
{
  json_begin_array(w, "clips");
  for (size_t i = 0; i < s->n_clips; ++i) {
    const score *clip = &s->clips[i];
    json_begin_object(w, NULL);
    json_write_string(w, "clip", clip->path);
    json_write_string(w, "kind", clip->kind);
    json_write_number(w, "seconds", clip->seconds);
    json_write_number(w, "si_snr_db", clip->result.si_snr_db);
    json_write_number(w, "mel", clip->result.mel);
    json_write_number(w, "mel_below_7khz", clip->result.mel_low);
    json_end_object(w);
  }
  json_end_array(w);
}

status eval_write_scores(json_writer *w, const scores *s, error *err)
{
  score_summary sum;
  status code = STATUS_OK;
  json_begin_array(w, "kinds");
  for (size_t i = 0; i < s->n_kinds && code == STATUS_OK; ++i) {
    code = scores_summarise(s, s->kinds[i], &sum, err);
    if (code == STATUS_OK) {
      json_begin_object(w, NULL);
      json_write_string(w, "kind", s->kinds[i]);
      write_summary(w, &sum);
      json_end_object(w);
    }
  }
  json_end_array(w);
  code = code ? code : scores_summarise(s, NULL, &sum, err);
  if (code == STATUS_OK) {
    json_begin_object(w, "all");
    write_summary(w, &sum);
    json_end_object(w);
    write_clips(w, s);
  }
  return code;
}
