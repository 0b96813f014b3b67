// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "ui-tui/cli/instrument.h"

#include "models/model_path.h"
#include "models/oracle.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const dtype storages[] = {DTYPE_F16, DTYPE_F32, DTYPE_BF16, DTYPE_I8};

static const char *const storage_names[] = {"f16", "f32", "bf16", "int8"};

const char *instrument_storage_name(const instrument_options *options)
{
  return storage_names[options->storage];
}

status instrument_storage(instrument_options *options, const char *name, error *err)
{
  for (int i = 0; i < 4; ++i) {
    if (strcmp(storage_names[i], name) == 0) {
      options->storage = i;
      return STATUS_OK;
    }
  }
  return error_set(err, STATUS_USAGE, "no storage called \"%s\"", name);
}

const char *instrument_model_name(const instrument *plays)
{
  return plays->player ? token_model_get_info(plays->player)->kind : "none";
}

static bool is(const char *name, const char *word)
{
  return name && strcmp(name, word) == 0;
}

// Today every model file is a codec's; token models of other kinds will be told apart here.
static status choose(const instrument_options *options, const char **codec_name, bool *oracle,
                     error *err)
{
  const char *model = options->model;
  *oracle = !model || is(model, "oracle");
  *codec_name = options->codec;
  if (model && !is(model, "oracle") && !is(model, "none")) {
    if (options->codec) {
      return error_set(err, STATUS_UNSUPPORTED, "%s: no token model that this version can play",
                       model);
    }
    *codec_name = model;
    *oracle = true;
  }
  return STATUS_OK;
}

static status open_codec(instrument *made, const instrument_options *options, const char *name,
                         const command_context *context, error *err)
{
  status code = model_find(name, made->codec_path, err);
  code = code ? code : compute_open(&options->compute, &made->dev, err);
  const codec_options wanted = {
      .dev = made->dev, .storage = storages[options->storage], .log = &context->log};
  code = code ? code : codec_open(&made->codec, made->codec_path, &wanted, err);
  if (code) {
    return code;
  }
  const codec_info *info = codec_get_info(made->codec);
  log_write(&context->log, LOG_INFO, "%s: %u Hz, hop %u samples, %u codebooks, on %s", info->name,
            info->rate_hz, info->hop_samples,
            options->n_codebooks ? (unsigned)options->n_codebooks : info->n_codebooks,
            made->dev->name);
  if (!info->streamable) {
    return error_set(err, STATUS_UNSUPPORTED,
                     "%s: %s works on whole files only (see continuo roundtrip)", made->codec_path,
                     info->name);
  }
  return STATUS_OK;
}

static int is_recording(const struct dirent *entry)
{
  return entry->d_name[0] != '.';
}

// A folder's files in the order of their names, so that the same folder is the same corpus.
static status load_corpus_folder(instrument *made, const char *folder, error *err)
{
  struct dirent **entries = NULL;
  const int n = scandir(folder, &entries, is_recording, alphasort);
  if (n < 0) {
    return error_set(err, STATUS_IO, "%s: cannot be read", folder);
  }
  char **paths = calloc((size_t)n + 1, sizeof *paths);
  bool complete = paths != NULL;
  for (int i = 0; i < n; ++i) {
    const size_t bytes = strlen(folder) + strlen(entries[i]->d_name) + 2;
    if (complete && (paths[i] = malloc(bytes))) {
      snprintf(paths[i], bytes, "%s/%s", folder, entries[i]->d_name);
    } else {
      complete = false;
    }
    free(entries[i]);
  }
  free(entries);
  const status code =
      complete ? mosaic_load(&made->corpus, made->codec, (const char *const *)paths, (size_t)n, err)
               : error_set(err, STATUS_NO_MEMORY, "%s: no memory for its names", folder);
  for (int i = 0; paths && i < n; ++i) {
    free(paths[i]);
  }
  free(paths);
  return code;
}

static status load_corpus(instrument *made, const char *path, error *err)
{
  struct stat there;
  if (stat(path, &there) == 0 && S_ISDIR(there.st_mode)) {
    return load_corpus_folder(made, path, err);
  }
  return mosaic_load(&made->corpus, made->codec, &path, 1, err);
}

status instrument_open(instrument *made, const instrument_options *options,
                       const command_context *context, error *err)
{
  memset(made, 0, sizeof *made);
  const char *name = NULL;
  bool oracle = false;
  status code = choose(options, &name, &oracle, err);
  code = code ? code : open_codec(made, options, name, context, err);
  if (!code && oracle) {
    const oracle_options wanted = {.n_codebooks = (uint32_t)options->n_codebooks};
    code = oracle_new(&made->player, made->codec, &wanted, err);
  }
  if (!code && options->corpus && options->corpus[0]) {
    code = load_corpus(made, options->corpus, err);
  }
  if (code) {
    instrument_close(made);
  }
  return code;
}

void instrument_close(instrument *made)
{
  mosaic_unref(made->corpus);
  token_model_unref(made->player);
  codec_unref(made->codec);
  device_unref(made->dev);
  memset(made, 0, sizeof *made);
}
