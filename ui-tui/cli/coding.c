// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "ui-tui/cli/coding.h"

#include "models/model_path.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const dtype storages[] = {DTYPE_F32, DTYPE_F16, DTYPE_BF16, DTYPE_I8};

// Device and model; checks the start.
static status open_model(const coding_options *options, const command_context *context,
                         const coding_action *action, device **dev, codec **model, error *err)
{
  char path[PATH_BYTES];
  *dev = NULL;
  *model = NULL;
  status code = model_find(options->model, path, err);
  code = code ? code : compute_open(&options->compute, dev, err);
  const codec_options wanted = {.dev = *dev,
                                .storage = storages[options->storage],
                                .encoder = action->encoder,
                                .decoder = action->decoder,
                                .log = &context->log};
  code = code ? code : codec_open(model, path, &wanted, err);
  if (!code && options->start == CODEC_START_REFLECT && !codec_get_info(*model)->reflect_start) {
    code = error_set(err, STATUS_USAGE, "--start reflect: %s starts from silence",
                     codec_get_info(*model)->name);
  }
  if (code) {
    codec_unref(*model);
    device_unref(*dev);
    *model = NULL;
    *dev = NULL;
  }
  return code;
}

status coding_run(const command *self, command_context *context, coding_options *options,
                  const option_row *rows, int argc, char **argv, const coding_action *action,
                  error *err)
{
  int n_operands = 0;
  bool done = false;
  status code = command_parse(self, context, rows, true, argc, argv, 2, 2, &n_operands, &done, err);
  if (code || done) {
    return code;
  }
  if (context->json && strcmp(argv[2], "-") == 0) {
    return error_set(err, STATUS_USAGE, "--json and %s cannot both go to standard output",
                     action->result);
  }
  device *dev = NULL;
  codec *model = NULL;
  code = open_model(options, context, action, &dev, &model, err);
  code = code ? code : action->work(options, context, model, argv[1], argv[2], err);
  codec_unref(model);
  device_unref(dev);
  return code;
}

static double bits_per_code(const codec_info *info)
{
  return info->codebook_size ? log2((double)info->codebook_size) : 32.0;
}

status coding_codebooks(const coding_options *options, const codec_info *info, int *n_used,
                        error *err)
{
  if (options->codebooks_given && options->kbps_given) {
    return error_set(err, STATUS_USAGE, "-k and -b say the same thing: give one");
  }
  *n_used = options->codebooks_given ? (int)options->n_codebooks : (int)info->n_codebooks;
  if (options->kbps_given) {
    const double each =
        bits_per_code(info) * (double)info->rate_hz / (double)info->hop_samples / 1e3;
    const double fit = floor(options->kbps / each + 1e-9);
    if (fit < 1.0) {
      return error_set(err, STATUS_USAGE, "--bitrate: %s needs at least %g kbps, found %g",
                       info->name, each, options->kbps);
    }
    *n_used = fit < (double)info->n_codebooks ? (int)fit : (int)info->n_codebooks;
  }
  if ((uint32_t)*n_used > info->n_codebooks) {
    return error_set(err, STATUS_USAGE, "--codebooks: %s has %u, found %d", info->name,
                     info->n_codebooks, *n_used);
  }
  return STATUS_OK;
}

status coding_open_audio(const char *path, const codec_info *info, const command_context *context,
                         audio_reader **reader, error *err)
{
  const status code = audio_reader_open(reader, path, info->rate_hz, info->n_channels, err);
  if (!code && audio_reader_conversion(*reader)[0]) {
    log_write(&context->log, LOG_INFO, "%s: %s", path, audio_reader_conversion(*reader));
  }
  return code;
}

status coding_encode_all(audio_reader *reader, whole_encoder *encoder, const codec_info *info,
                         const command_context *context, uint64_t *n_samples, error *err)
{
  const audio_info *audio = audio_reader_info(reader);
  const double rate = (double)info->rate_hz;
  const double total_s = audio->length_known ? (double)audio->n_samples / rate : 0.0;
  float *block = malloc((size_t)CODING_BLOCK_SAMPLES * info->n_channels * sizeof *block);
  if (!block) {
    return error_set(err, STATUS_NO_MEMORY, "no memory for a block of audio");
  }
  progress shown;
  progress_begin(&shown, context->quiet);
  status code = STATUS_OK;
  uint64_t done = 0;
  size_t count = 1;
  while (!code && count > 0) {
    if (stop_requested()) {
      code = error_set(err, STATUS_INTERRUPTED, "interrupted at %.1f s", (double)done / rate);
      break;
    }
    code = audio_reader_read(reader, block, CODING_BLOCK_SAMPLES, &count, err);
    code = code || count == 0 ? code : whole_encoder_push(encoder, block, count, err);
    done += count;
    progress_update(&shown, (double)done / rate, total_s);
  }
  code = code ? code : whole_encoder_finish(encoder, n_samples, err);
  progress_end(&shown);
  free(block);
  return code;
}

static void print_json(const coding_report *r)
{
  json_writer w;
  json_writer_init(&w, stdout);
  json_begin_object(&w, NULL);
  json_write_string(&w, "in", r->in);
  json_write_string(&w, "out", r->out);
  json_write_string(&w, "model", r->model);
  json_write_integer(&w, "rate_hz", r->rate_hz);
  json_write_integer(&w, "codebooks", r->n_codebooks);
  json_write_integer(&w, "samples", (int64_t)r->n_samples);
  json_write_integer(&w, "lost_steps", (int64_t)r->lost_steps);
  json_write_integer(&w, "nonfinite_samples", (int64_t)r->nonfinite_samples);
  json_write_integer(&w, "clipped_samples", (int64_t)r->clipped_samples);
  json_write_number(&w, "seconds", r->seconds);
  json_write_number(&w, "realtime_factor",
                    r->seconds > 0.0 ? (double)r->n_samples / r->rate_hz / r->seconds : 0.0);
  json_end_object(&w);
  json_writer_finish(&w, NULL);
  json_writer_free(&w);
}

void coding_print(const coding_report *r, const command_context *context)
{
  if (context->json) {
    print_json(r);
    return;
  }
  const double audio_s = (double)r->n_samples / (double)r->rate_hz;
  log_write(&context->log, LOG_INFO, "%s: %.2f s, %s, %d codebooks, %.1f x real time", r->out,
            audio_s, r->model, r->n_codebooks, r->seconds > 0.0 ? audio_s / r->seconds : 0.0);
  if (r->lost_steps) {
    log_write(&context->log, LOG_WARNING, "%s: %llu steps were lost", r->in,
              (unsigned long long)r->lost_steps);
  }
  if (r->nonfinite_samples) {
    log_write(&context->log, LOG_WARNING, "%s: %llu samples were not numbers and count as silence",
              r->in, (unsigned long long)r->nonfinite_samples);
  }
  if (r->clipped_samples) {
    log_write(&context->log, LOG_WARNING, "%s: %llu samples beyond full scale", r->out,
              (unsigned long long)r->clipped_samples);
  }
}
