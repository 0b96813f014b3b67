// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// continuo-train export: a run's network becomes a model file that continuo plays.

#include "base/file.h"
#include "base/utf8.h"
#include "models/seanet_file.h"
#include "train/codec_export.h"
#include "train/commands.h"
#include "train/critics_file.h"
#include "train/run_set.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_ATTRIBUTION_BYTES 65536

typedef struct export_command {
  const char *run, *out, *checkpoint, *set, *licence, *attribution, *discriminators;
  int storage, average; // indices of the options' words
  bool average_given;
} export_command;

// ---- which checkpoint ---------------------------------------------------------------------------

static status find_step(const run_folder *f, const char *text, char path[RUN_PATH_BYTES],
                        error *err)
{
  char *end = NULL;
  const long long step = strtoll(text, &end, 10);
  if (end == text || *end || step < 0) {
    return error_set(err, STATUS_USAGE,
                     "--checkpoint: expected best, latest or a step, found \"%s\"", text);
  }
  run_folder_checkpoint(f, step, path);
  return STATUS_OK;
}

static status find_checkpoint(const run_folder *f, const char *wanted, char path[RUN_PATH_BYTES],
                              error *err)
{
  int64_t steps[64];
  if (strcmp(wanted, "best") == 0) {
    run_folder_file(f, "checkpoints/best.safetensors", path);
    return STATUS_OK;
  }
  if (strcmp(wanted, "latest") != 0) {
    return find_step(f, wanted, path, err);
  }
  if (run_folder_list(f, steps, 64) == 0) {
    return error_set(err, STATUS_NOT_FOUND, "%s: no checkpoint yet", f->path);
  }
  run_folder_checkpoint(f, steps[0], path);
  return STATUS_OK;
}

// ---- what is said of it -------------------------------------------------------------------------

static bool is_text(const uint8_t *data, size_t size_bytes)
{
  size_t at = 0;
  while (at < size_bytes && data[at] != 0) {
    const size_t taken = utf8_sequence(data + at, size_bytes - at);
    if (taken == 0) {
      return false;
    }
    at += taken;
  }
  return size_bytes > 0 && at == size_bytes;
}

/// A text file, to be freed.
static status read_text(const char *path, char **text, error *err)
{
  file_map map;
  status code = file_map_open(&map, path, err);
  if (code != STATUS_OK) {
    return code;
  }
  if (map.size_bytes > MOST_ATTRIBUTION_BYTES || !is_text(map.data, map.size_bytes)) {
    code = error_set(err, STATUS_FORMAT, "%s: expected 1 to %d bytes of UTF-8 text", path,
                     MOST_ATTRIBUTION_BYTES);
  } else {
    *text = strndup((const char *)map.data, map.size_bytes);
    code = *text ? STATUS_OK : error_set(err, STATUS_NO_MEMORY, "%s: no memory to read it", path);
  }
  file_map_close(&map);
  return code;
}

/// The set's sha256: as the run says; of older runs as `--data` says; "" when nobody does.
static status find_set(const export_command *o, const run_folder *f,
                       char sha256_hex[SHA256_HEX_BYTES], error *err)
{
  dataset *set = NULL;
  status code = run_set_read(f, sha256_hex, err);
  if (code == STATUS_NOT_FOUND) {
    sha256_hex[0] = '\0';
    code = STATUS_OK;
  }
  if (code != STATUS_OK || !o->set) {
    return code;
  }
  code = dataset_open(&set, o->set, err);
  if (code == STATUS_OK && sha256_hex[0]) {
    code = run_set_check(f, set, err);
  }
  if (code == STATUS_OK) {
    snprintf(sha256_hex, SHA256_HEX_BYTES, "%s", dataset_sha256(set));
  }
  dataset_close(set);
  return code;
}

// ---- writing ------------------------------------------------------------------------------------

static status write_model(const export_command *o, codec_export *e, const char *set_sha256,
                          const char *attribution, error *err)
{
  char *text = NULL;
  status code = recipe_write(&e->recipe, &text, err);
  if (code != STATUS_OK) {
    return code;
  }
  const model_training training = {
      .program = "continuo-train " CONTINUO_VERSION,
      .steps = e->steps,
      .audio_seconds = codec_export_heard_s(&e->recipe, e->steps),
      .averaged = e->averaged,
      .set_sha256 = set_sha256[0] ? set_sha256 : NULL,
      .recipe = text,
  };
  const model_origin origin = {
      .training = &training, .attribution = attribution, .storage = (model_storage)o->storage};
  if (o->licence) {
    snprintf(e->net->config.licence, sizeof e->net->config.licence, "%s", o->licence);
  }
  code = seanet_save_from(e->net, o->out, &origin, err);
  free(text);
  return code;
}

static export_values wanted_values(const export_command *o)
{
  if (!o->average_given) {
    return EXPORT_AVERAGE_IF_ANY;
  }
  return o->average == 0 ? EXPORT_AVERAGE : EXPORT_LAST;
}

static status export_run(const export_command *o, const command_context *context, error *err)
{
  run_folder f;
  codec_export e = {0};
  char checkpoint[RUN_PATH_BYTES], sha256_hex[SHA256_HEX_BYTES] = "";
  char *attribution = NULL;
  status code = run_folder_look(&f, o->run, err);
  code = code ? code : find_checkpoint(&f, o->checkpoint, checkpoint, err);
  code = code ? code : find_set(o, &f, sha256_hex, err);
  code = code || !o->attribution ? code : read_text(o->attribution, &attribution, err);
  code = code ? code : codec_export_read(&e, checkpoint, wanted_values(o), err);
  code = code ? code : write_model(o, &e, sha256_hex, attribution, err);
  if (code == STATUS_OK && o->discriminators) {
    code = critics_file_extract(checkpoint, o->discriminators, err);
  }
  if (code == STATUS_OK) {
    if (!sha256_hex[0]) {
      log_write(&context->log, LOG_WARNING, "%s: does not say which set it heard (--data does)",
                o->run);
    }
    log_write(&context->log, LOG_INFO, "wrote %s: %s weights of step %lld, %s", o->out,
              e.averaged ? "averaged" : "last", (long long)e.steps,
              model_storage_words[o->storage]);
  }
  codec_export_free(&e);
  free(attribution);
  return code;
}

static status run_export(const command *self, command_context *context, int argc, char **argv,
                         error *err)
{
  export_command o = {.checkpoint = "latest"};
  const option_row rows[] = {
      {'o', "output", "MODEL", "the model file (.safetensors)", OPTION_STRING, &o.out, 0, 0, NULL},
      {0, "dtype", "f32|f16|bf16|int8", "how matrices are stored (default f32)", OPTION_CHOICE,
       &o.storage, 0, 0, NULL},
      {0, "average", "yes|no", "the averaged weights (default: where there are any)", OPTION_CHOICE,
       &o.average, 0, 0, &o.average_given},
      {0, "checkpoint", "best|latest|STEP", "which of the run's (default latest)", OPTION_STRING,
       &o.checkpoint, 0, 0, NULL},
      {'d', "data", "SET", "the set it was trained on, where the run does not say", OPTION_STRING,
       &o.set, 0, 0, NULL},
      {0, "licence", "TEXT", "of the weights: SPDX identifier or words", OPTION_STRING, &o.licence,
       0, 0, NULL},
      {0, "attribution", "FILE", "text that names whose recordings it learnt from", OPTION_STRING,
       &o.attribution, 0, 0, NULL},
      {0, "discriminators", "FILE", "write its discriminators too, to train on from them",
       OPTION_STRING, &o.discriminators, 0, 0, NULL},
      {0}};
  const size_t most_licence = sizeof(((seanet_config *)0)->licence) - 1;
  int n_operands = 0;
  bool done = false;
  const status code =
      command_parse(self, context, rows, false, argc, argv, 1, 1, &n_operands, &done, err);
  if (code || done) {
    return code;
  }
  if (!o.out || !*o.out) {
    return error_set(err, STATUS_USAGE, "name the model file with -o MODEL.safetensors");
  }
  if (o.licence && strlen(o.licence) > most_licence) {
    return error_set(err, STATUS_USAGE, "--licence: %zu bytes, at most %zu", strlen(o.licence),
                     most_licence);
  }
  o.run = argv[1];
  return export_run(&o, context, err);
}

const command command_export = {"export", "RUN -o MODEL.safetensors",
                                "Write a run's network as a model file", run_export};
