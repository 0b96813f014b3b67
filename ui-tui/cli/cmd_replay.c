// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// continuo replay: a performance that was kept is rendered again.

#include "base/cli/terminal.h"
#include "base/json_writer.h"
#include "engine/keep/performance.h"
#include "plugin/replay_host.h"
#include "ui-tui/cli/instrument.h"

#include <stdio.h>
#include <string.h>

static bool on_progress(void *user, double done_s, double whole_s)
{
  progress_update(user, done_s, whole_s);
  return !stop_requested();
}

// The codec that the performance names, unless another was named here; and whether it is the same.
static status choose_codec(instrument_options *options, const performance_head *h,
                           const command_context *context, error *err)
{
  char found[65];
  if (!options->codec) {
    options->codec = h->codec_path;
  }
  const status code = performance_file_sha256(options->codec, found, err);
  if (!code && strcmp(found, h->codec_sha256) != 0) {
    log_write(&context->log, LOG_WARNING, "%s is not the file that the performance was played with",
              options->codec);
  }
  return code;
}

static void check_kernels(const instrument *plays, const performance_head *h,
                          const command_context *context)
{
  if (strcmp(plays->dev->name, h->kernels) != 0) {
    log_write(&context->log, LOG_WARNING, "played on %s, rendered on %s: the bits may differ",
              h->kernels, plays->dev->name);
  }
}

static void report(const replay_result *r, const performance_head *h, const char *out,
                   const command_context *context)
{
  if (!context->json) {
    printf("%s: %.1f s, %s what was heard\n", out, (double)r->n_samples / h->end_rate_hz,
           r->n_different ? "NOT" : "bit for bit");
    if (r->n_different) {
      printf("%llu samples differ, the first at %.3f s\n", (unsigned long long)r->n_different,
             (double)r->first_different / h->end_rate_hz);
    }
    return;
  }
  json_writer w;
  json_writer_init(&w, stdout);
  json_begin_object(&w, NULL);
  json_write_string(&w, "out", out);
  json_write_integer(&w, "rate_hz", h->end_rate_hz);
  json_write_integer(&w, "n_samples", (int64_t)r->n_samples);
  json_write_integer(&w, "n_different", (int64_t)r->n_different);
  json_end_object(&w);
  json_writer_finish(&w, NULL);
  json_writer_free(&w);
}

static status render(const performance *record, instrument_options *options, const char *folder,
                     const char *out, const command_context *context, error *err)
{
  instrument plays;
  replay_result result;
  progress shown;
  options->n_codebooks = record->head.n_codebooks;
  options->model = record->head.model;
  options->corpus = options->corpus ? options->corpus : record->head.corpus;
  status code = instrument_storage(options, record->head.storage, err);
  code = code ? code : choose_codec(options, &record->head, context, err);
  code = code ? code : instrument_open(&plays, options, context, err);
  if (code) {
    return code;
  }
  check_kernels(&plays, &record->head, context);
  progress_begin(&shown, context->quiet);
  const replay_config config = {.model = plays.codec,
                                .player = plays.player,
                                .corpus = plays.corpus,
                                .performance = record,
                                .folder = folder,
                                .out = out,
                                .on_progress = on_progress,
                                .user = &shown};
  code = replay_run(&config, &result, err);
  progress_end(&shown);
  instrument_close(&plays);
  if (!code) {
    report(&result, &record->head, out, context);
  }
  if (!code && result.n_different) {
    code = error_set(err, STATUS_DEVICE, "%s: it did not sound the same again", folder);
  }
  return code;
}

static status run_replay(const command *self, command_context *context, int argc, char **argv,
                         error *err)
{
  instrument_options options = {0};
  const option_row rows[] = {
      {0, "codec", "CODEC", "codec file, where it has moved", OPTION_STRING, &options.codec, 0, 0,
       NULL},
      INSTRUMENT_CORPUS_ROW(&options),
      COMPUTE_ROWS(&options.compute),
      {0},
  };
  int n_operands = 0;
  bool done = false;
  status code = command_parse(self, context, rows, true, argc, argv, 2, 2, &n_operands, &done, err);
  if (code || done) {
    return code;
  }
  performance record;
  code = performance_read(&record, argv[1], err);
  if (!code) {
    code = render(&record, &options, argv[1], argv[2], context, err);
    performance_free(&record);
  }
  return code;
}

const command command_replay = {"replay", "PERFORMANCE OUT",
                                "Render a performance that was kept again, bit for bit",
                                run_replay};
