// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// continuo info: what a model file or a code file is.

#include "base/json_writer.h"
#include "base/safetensors.h"
#include "models/io/code_file.h"
#include "models/model_file.h"
#include "ui-tui/cli/commands.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// One tensor in a line or an object: name, type, shape.
static void show_tensor(json_writer *w, bool as_json, const safetensors_tensor *t)
{
  char shape[128] = "";
  for (int i = 0, used = 0; i < t->rank && used < (int)sizeof shape - 24; ++i) {
    used += snprintf(shape + used, sizeof shape - (size_t)used, "%s%lld", i ? ", " : "",
                     (long long)t->dims[i]);
  }
  if (!as_json) {
    printf("  %-44s %-5s [%s]\n", t->name, element_name(t->type), shape);
    return;
  }
  json_begin_object(w, NULL);
  json_write_string(w, "name", t->name);
  json_write_string(w, "type", element_name(t->type));
  json_begin_array(w, "shape");
  for (int i = 0; i < t->rank; ++i) {
    json_write_integer(w, NULL, t->dims[i]);
  }
  json_end_array(w);
  json_end_object(w);
}

static double kbps_of(const codec_info *info, uint32_t n_codebooks)
{
  double bits = 0.0;
  for (uint32_t size = info->codebook_size; size > 1; size >>= 1) {
    bits += 1.0;
  }
  return info->hop_samples
             ? bits * (double)n_codebooks * (double)info->rate_hz / (double)info->hop_samples / 1e3
             : 0.0;
}

/// What only says how another tensor is stored (models/model_tensors.h).
static bool is_scale(const safetensors_tensor *t)
{
  const size_t length = strlen(t->name), ending = strlen(".scale");
  return length > ending && strcmp(t->name + length - ending, ".scale") == 0;
}

static int64_t count_parameters(const safetensors *st)
{
  int64_t count = 0;
  for (size_t i = 0; i < st->n_tensors; ++i) {
    if (is_scale(&st->tensors[i])) {
      continue;
    }
    int64_t each = 1;
    for (int d = 0; d < st->tensors[i].rank; ++d) {
      each *= st->tensors[i].dims[d];
    }
    count += each;
  }
  return count;
}

static void copy_json(json_writer *w, const char *key, const json *value);

static void copy_children(json_writer *w, const json *value)
{
  for (const json *child = json_first(value); child; child = json_next(child)) {
    copy_json(w, json_key(child), child);
  }
}

static void copy_json(json_writer *w, const char *key, const json *value)
{
  const char *text = NULL;
  bool yes = false;
  int64_t integer = 0;
  double number = 0.0;
  if (json_get_type(value) == JSON_OBJECT) {
    json_begin_object(w, key);
    copy_children(w, value);
    json_end_object(w);
  } else if (json_get_type(value) == JSON_ARRAY) {
    json_begin_array(w, key);
    copy_children(w, value);
    json_end_array(w);
  } else if (json_get_string(value, &text)) {
    json_write_string(w, key, text);
  } else if (json_get_bool(value, &yes)) {
    json_write_bool(w, key, yes);
  } else if (json_get_integer(value, INT64_MIN, INT64_MAX, &integer)) {
    json_write_integer(w, key, integer);
  } else if (json_get_number(value, &number)) {
    json_write_number(w, key, number);
  } else {
    json_write_null(w, key);
  }
}

/// How the tensors are stored, each type once: "f32 f16".
static void print_storage(const safetensors *st)
{
  printf("  stored as   ");
  for (int type = 0; type < ELEMENT_TYPES; ++type) {
    size_t i = 0;
    while (i < st->n_tensors && (int)st->tensors[i].type != type) {
      ++i;
    }
    if (i < st->n_tensors) {
      printf(" %s", element_name((element_type)type));
    }
  }
  printf("\n");
}

static void print_training(const json *training, bool verbose)
{
  const char *trainer = "?", *set = "of an unknown set", *recipe = NULL;
  int64_t steps = 0;
  double audio_s = 0.0;
  bool averaged = false;
  if (json_get_type(training) != JSON_OBJECT) {
    return;
  }
  json_get_string(json_member(training, "program"), &trainer);
  json_get_string(json_member(training, "set_sha256"), &set);
  json_get_integer(json_member(training, "steps"), 0, INT64_MAX, &steps);
  json_get_number(json_member(training, "audio_seconds"), &audio_s);
  json_get_bool(json_member(training, "averaged"), &averaged);
  printf("  trained      %lld steps, %.2f h of audio heard%s, by %s\n", (long long)steps,
         audio_s / 3600.0, averaged ? ", averaged weights" : "", trainer);
  printf("  set          %s\n", set);
  if (verbose && json_get_string(json_member(training, "recipe"), &recipe)) {
    printf("%s", recipe);
  }
}

static void print_model(const safetensors *st, const json *config, const codec_info *info,
                        bool verbose)
{
  const char *text = NULL;
  printf("%s: %s model \"%s\"\n", st->path, info->kind, info->name);
  printf("  rate         %u Hz, %u channel%s\n", info->rate_hz, info->n_channels,
         info->n_channels == 1 ? "" : "s");
  printf("  hop          %u samples (%.2f ms, %.2f steps/s)\n", info->hop_samples,
         1e3 * (double)info->hop_samples / (double)info->rate_hz,
         (double)info->rate_hz / (double)info->hop_samples);
  printf("  codebooks    %u of %u entries\n", info->n_codebooks, info->codebook_size);
  printf("  bitrates     %.3g to %.4g kbps, %.3g for each codebook\n", kbps_of(info, 1),
         kbps_of(info, info->n_codebooks), kbps_of(info, 1));
  printf("  model delay  %u samples\n", info->model_delay_samples);
  printf("  parameters   %lld in %zu tensors\n", (long long)count_parameters(st), st->n_tensors);
  print_storage(st);
  printf("  licence      %s\n", info->licence[0] ? info->licence : "not stated");
  if (json_get_string(json_member(config, "attribution"), &text)) {
    printf("  attribution  %s\n", text);
  }
  static const char *const hashes[] = {"encoder_sha256", "decoder_sha256"};
  for (int i = 0; i < 2; ++i) {
    if (json_get_string(json_member(config, hashes[i]), &text)) {
      printf("  %s %s\n", hashes[i], text);
    }
  }
  for (const json *s = json_first(json_member(config, "sources")); s; s = json_next(s)) {
    const char *hash = "";
    json_get_string(json_member(s, "sha256"), &hash);
    if (json_get_string(json_member(s, "file"), &text)) {
      printf("  made from    %s, sha256 %s\n", text, hash);
    }
  }
  print_training(json_member(config, "training"), verbose);
  for (size_t i = 0; verbose && i < st->n_tensors; ++i) {
    show_tensor(NULL, false, &st->tensors[i]);
  }
}

static void print_model_json(const safetensors *st, const json *config, const codec_info *info)
{
  json_writer w;
  json_writer_init(&w, stdout);
  json_begin_object(&w, NULL);
  json_write_string(&w, "file", st->path);
  json_write_string(&w, "type", "model");
  json_write_string(&w, "kind", info->kind);
  json_write_integer(&w, "parameters", count_parameters(st));
  json_write_number(&w, "kbps_per_codebook", kbps_of(info, 1));
  json_write_number(&w, "kbps", kbps_of(info, info->n_codebooks));
  copy_json(&w, "config", config);
  json_begin_array(&w, "tensors");
  for (size_t i = 0; i < st->n_tensors; ++i) {
    show_tensor(&w, true, &st->tensors[i]);
  }
  json_end_array(&w);
  json_end_object(&w);
  json_writer_finish(&w, NULL);
  json_writer_free(&w);
}

static status show_model(const char *path, const command_context *context, error *err)
{
  safetensors st = {0};
  status code = safetensors_open(&st, path, err);
  if (code) {
    return code;
  }
  json *config = NULL;
  codec_info info = {0};
  code = safetensors_config(&st, &config, err);
  code = code ? code : model_file_read_info(&info, config, NULL, path, err);
  if (!code && context->json) {
    print_model_json(&st, config, &info);
  } else if (!code) {
    print_model(&st, config, &info, context->verbose);
  }
  json_free(config);
  safetensors_close(&st);
  return code;
}

// A stream tells its length at its end only: read it through.
static status read_through(code_reader *reader, error *err)
{
  enum { BLOCK_CODES = 1 << 14 };
  const uint32_t n_codebooks = code_reader_info(reader)->n_codebooks;
  int32_t *codes = malloc(BLOCK_CODES * sizeof *codes);
  if (!codes || n_codebooks == 0) {
    free(codes);
    return codes ? STATUS_OK : error_set(err, STATUS_NO_MEMORY, "no memory for a block of codes");
  }
  status code = STATUS_OK;
  code_run stretch = {.n_steps = 1};
  while (!code && stretch.n_steps > 0) {
    code = code_reader_read(reader, codes, BLOCK_CODES / n_codebooks, &stretch, err);
  }
  free(codes);
  return code;
}

static status show_codes(const char *path, const command_context *context, error *err)
{
  code_reader *reader = NULL;
  status code = code_reader_open(&reader, path, err);
  code = code ? code : read_through(reader, err);
  if (code) {
    code_reader_close(reader);
    return code;
  }
  const code_info *info = code_reader_info(reader);
  const double steps_hz =
      info->hop_samples ? (double)info->rate_hz / (double)info->hop_samples : 0.0;
  double bits = 0.0;
  for (uint32_t size = info->codebook_size; size > 1; size >>= 1) {
    bits += 1.0;
  }
  const double kbps = steps_hz * bits * (double)info->n_codebooks / 1e3;
  if (context->json) {
    json_writer w;
    json_writer_init(&w, stdout);
    json_begin_object(&w, NULL);
    json_write_string(&w, "file", path);
    json_write_string(&w, "type", "codes");
    json_write_string(&w, "format", code_format_name(code_reader_format(reader)));
    json_write_string(&w, "model", info->model);
    json_write_integer(&w, "rate_hz", info->rate_hz);
    json_write_integer(&w, "hop_samples", info->hop_samples);
    json_write_integer(&w, "codebooks", info->n_codebooks);
    json_write_integer(&w, "codebook_size", info->codebook_size);
    json_write_number(&w, "kbps", kbps);
    json_write_integer(&w, "samples",
                       info->n_samples == CODE_UNKNOWN ? -1 : (int64_t)info->n_samples);
    json_end_object(&w);
    json_writer_finish(&w, NULL);
    json_writer_free(&w);
  } else {
    printf("%s: %s codes, model \"%s\"\n", path, code_format_name(code_reader_format(reader)),
           info->model);
    printf("  rate       %u Hz, hop %u samples\n", info->rate_hz, info->hop_samples);
    printf("  codebooks  %u of %u entries, %.4g kbps\n", info->n_codebooks, info->codebook_size,
           kbps);
    if (info->n_samples != CODE_UNKNOWN) {
      printf("  length     %llu samples\n", (unsigned long long)info->n_samples);
    }
  }
  code_reader_close(reader);
  return STATUS_OK;
}

static status run_info(const command *self, command_context *context, int argc, char **argv,
                       error *err)
{
  int n_operands = 0;
  bool done = false;
  const status code =
      command_parse(self, context, NULL, true, argc, argv, 1, 1, &n_operands, &done, err);
  if (code || done) {
    return code;
  }
  const size_t length = strlen(argv[1]);
  const char *ending = ".safetensors";
  if (length > strlen(ending) && strcmp(argv[1] + length - strlen(ending), ending) == 0) {
    return show_model(argv[1], context, err);
  }
  return show_codes(argv[1], context, err);
}

const command command_info = {"info", "FILE", "Say what a model or code file is (-v: its tensors)",
                              run_info};
