// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// continuo-train eval audio: recordings beside what something else made of them, in the figures of
// `eval codec`.

#include "base/cli/program.h"
#include "models/io/audio_file.h"
#include "train/clip_list.h"
#include "train/commands.h"
#include "train/eval_tables.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define PATH_BYTES 4096
#define MOST_DIFFERENCE_S 0.1 // of lengths, without a warning
enum { BLOCK_SAMPLES = 4096 };

typedef struct audio_evaluation {
  const command_context *context;
  const char *references, *others;
  clip_list clips;
  comparison *nearness;
  scores scores;
  skipped_files skipped;
  progress line;
  float block[BLOCK_SAMPLES];
} audio_evaluation;

/// The file that must stand beside a reference: the same below the other folder.
static status find_other(const audio_evaluation *e, size_t clip, char path[PATH_BYTES], error *err)
{
  const char *below = clip_list_file(&e->clips, clip) + strlen(e->references);
  below += strspn(below, "/");
  const int n = snprintf(path, PATH_BYTES, "%s/%s", e->others, below);
  return n > 0 && n < PATH_BYTES ? STATUS_OK
                                 : error_set(err, STATUS_USAGE, "%s: name too long", below);
}

static status push_reference(audio_evaluation *e, clip_reader *r, size_t *n, error *err)
{
  const status code = clip_reader_read(r, e->block, BLOCK_SAMPLES, n, err);
  return code ? code : comparison_push_reference(e->nearness, e->block, *n, err);
}

static status push_other(audio_evaluation *e, audio_reader *r, size_t *n, error *err)
{
  const status code = audio_reader_read(r, e->block, BLOCK_SAMPLES, n, err);
  return code ? code : comparison_push_clip(e->nearness, e->block, *n, err);
}

/// Both in turn, so that little waits. `*bad`: the reference cannot be read.
static status push_both(audio_evaluation *e, clip_reader *reference, audio_reader *other, bool *bad,
                        error *err)
{
  size_t n = BLOCK_SAMPLES, n_other = BLOCK_SAMPLES;
  status code = STATUS_OK;
  while (code == STATUS_OK && (n == BLOCK_SAMPLES || n_other == BLOCK_SAMPLES)) {
    if (n == BLOCK_SAMPLES) {
      code = push_reference(e, reference, &n, err);
      *bad = code != STATUS_OK && code != STATUS_NO_MEMORY;
    }
    if (code == STATUS_OK && n_other == BLOCK_SAMPLES) {
      code = push_other(e, other, &n_other, err);
    }
  }
  return code;
}

static status add(audio_evaluation *e, size_t clip, const comparison_result *r, error *err)
{
  const double rate_hz = (double)e->clips.rate_hz;
  const double reference_s = (double)r->n_reference / rate_hz,
               other_s = (double)r->n_clip / rate_hz;
  if (fabs(reference_s - other_s) > MOST_DIFFERENCE_S) {
    progress_end(&e->line);
    log_write(&e->context->log, LOG_WARNING, "%s: %.2f s beside %.2f s: only what both have counts",
              clip_list_path(&e->clips, clip), reference_s, other_s);
  }
  return scores_add(&e->scores, clip_list_kind(&e->clips, clip), clip_list_path(&e->clips, clip),
                    reference_s < other_s ? reference_s : other_s, r, err);
}

static status compare_clip(audio_evaluation *e, size_t clip, bool *bad, error *err)
{
  char path[PATH_BYTES];
  clip_reader *reference = NULL;
  audio_reader *other = NULL;
  status code = clip_reader_open(&reference, &e->clips, clip, err);
  *bad = code != STATUS_OK && code != STATUS_NO_MEMORY;
  code = code ? code : find_other(e, clip, path, err);
  code = code ? code : audio_reader_open(&other, path, e->clips.rate_hz, 1, err);
  code = code ? code : push_both(e, reference, other, bad, err);
  clip_reader_close(reference);
  audio_reader_close(other);
  const comparison_result result = comparison_end(e->nearness);
  return code ? code : add(e, clip, &result, err);
}

static status compare_clips(audio_evaluation *e, error *err)
{
  status code = STATUS_OK;
  for (size_t i = 0; i < e->clips.n_clips && code == STATUS_OK; ++i) {
    error why = {0};
    bool bad = false;
    if (stop_requested()) {
      return error_set(err, STATUS_INTERRUPTED, "stopped after %zu of %zu clips", i,
                       e->clips.n_clips);
    }
    progress_line(&e->line, clip_list_path(&e->clips, i));
    code = compare_clip(e, i, &bad, &why);
    if (code != STATUS_OK && bad) {
      code = skipped_add(&e->skipped, &e->context->log, &e->line, &why, err);
    } else if (code != STATUS_OK) {
      *err = why;
    }
  }
  if (code == STATUS_OK && e->scores.n_clips == 0) {
    code = error_set(err, STATUS_FORMAT, "none of %zu files could be read: %.300s",
                     e->clips.n_clips, e->skipped.sentences[0]);
  }
  return code;
}

static status print_json(const audio_evaluation *e, error *err)
{
  json_writer w;
  json_writer_init(&w, stdout);
  json_begin_object(&w, NULL);
  json_write_string(&w, "references", e->references);
  json_write_string(&w, "compared", e->others);
  json_write_integer(&w, "compared_at_hz", e->clips.rate_hz);
  status code = eval_write_scores(&w, &e->scores, err);
  skipped_write(&w, &e->skipped);
  json_end_object(&w);
  code = code ? code : json_writer_finish(&w, err);
  json_writer_free(&w);
  return code;
}

static status evaluate(audio_evaluation *e, uint32_t rate_hz, error *err)
{
  progress_begin(&e->line, e->context->quiet);
  status code =
      clip_list_open_folders(&e->clips, &e->references, 1, rate_hz, &e->context->log, err);
  code = code ? code : comparison_new(&e->nearness, rate_hz, err);
  code = code ? code : compare_clips(e, err);
  progress_end(&e->line);
  if (code == STATUS_OK) {
    code = e->context->json ? print_json(e, err) : eval_print_table(&e->scores, err);
  }
  comparison_free(e->nearness);
  clip_list_close(&e->clips);
  scores_free(&e->scores);
  skipped_free(&e->skipped);
  return code;
}

static status run_eval_audio(const command *self, command_context *context, int argc, char **argv,
                             error *err)
{
  audio_evaluation e = {.context = context};
  int64_t rate_hz = 24000;
  const option_row rows[] = {{'r', "rate", "HZ", "compare at this rate (default 24000)",
                              OPTION_INTEGER, &rate_hz, 1000, 768000, NULL},
                             {0}};
  int n_operands = 0;
  bool done = false;
  const status code =
      command_parse(self, context, rows, true, argc, argv, 2, 2, &n_operands, &done, err);
  if (code || done) {
    return code;
  }
  e.references = argv[1];
  e.others = argv[2];
  return evaluate(&e, (uint32_t)rate_hz, err);
}

const command command_eval_audio = {"eval audio", "REFERENCES OTHERS",
                                    "Compare recordings with what was made of them",
                                    run_eval_audio};
