// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// continuo encode: a recording to codes, in constant memory.

#include "models/io/code_file.h"
#include "ui-tui/cli/coding.h"

#include <stdio.h>

static status write_segment(void *user, float scale, error *err)
{
  return code_writer_begin_segment(user, scale, err);
}

static status write_codes(void *user, const int32_t *codes, size_t n_steps, error *err)
{
  return code_writer_write(user, codes, n_steps, err);
}

static code_info describe_codes(const codec_info *model, int n_used)
{
  code_info info = {.rate_hz = model->rate_hz,
                    .hop_samples = model->hop_samples,
                    .n_channels = model->n_channels,
                    .n_codebooks = (uint32_t)n_used,
                    .codebook_size = model->codebook_size,
                    .n_samples = CODE_UNKNOWN,
                    .segment_samples = model->chunk_samples,
                    .segment_stride_samples = model->chunk_stride_samples};
  snprintf(info.model, sizeof info.model, "%s", model->name);
  return info;
}

static status encode_file(const coding_options *options, const command_context *context,
                          codec *model, const char *in, const char *out, error *err)
{
  const codec_info *info = codec_get_info(model);
  whole_options whole = {.start = (codec_start)options->start};
  status code = coding_codebooks(options, info, &whole.n_used, err);
  if (code) {
    return code;
  }
  const double begun_s = seconds_now();
  const code_info described = describe_codes(info, whole.n_used);
  audio_reader *reader = NULL;
  code_writer *writer = NULL;
  whole_encoder *encoder = NULL;
  coding_report report = {.in = in,
                          .out = out,
                          .model = info->name,
                          .rate_hz = info->rate_hz,
                          .n_codebooks = whole.n_used};
  code = coding_open_audio(in, info, context, &reader, err);
  code = code ? code : code_writer_open(&writer, out, &described, NULL, err);
  if (!code) {
    const code_sink sink = {write_segment, write_codes, writer};
    code = whole_encoder_new(&encoder, model, &whole, sink, err);
  }
  if (!code) {
    code = coding_encode_all(reader, encoder, info, context, &report.n_samples, err);
  }
  if (!code) {
    report.nonfinite_samples = audio_reader_nonfinite(reader);
    code = code_writer_commit(writer, report.n_samples, err);
    writer = NULL;
  }
  code_writer_abort(writer);
  whole_encoder_free(encoder);
  audio_reader_close(reader);
  report.seconds = seconds_now() - begun_s;
  if (!code) {
    coding_print(&report, context);
  }
  return code;
}

static status run_encode(const command *self, command_context *context, int argc, char **argv,
                         error *err)
{
  static const coding_action action = {true, false, "codes", encode_file};
  coding_options options = {0};
  const option_row rows[] = {CODING_MODEL_ROW(&options),
                             CODING_RATE_ROWS(&options),
                             CODING_START_ROWS(&options),
                             COMPUTE_ROWS(&options.compute),
                             {0}};
  return coding_run(self, context, &options, rows, argc, argv, &action, err);
}

const command command_encode = {"encode", "IN OUT.rvq|OUT.ecdc|OUT.npy",
                                "Audio to codes, in the format that the ending names", run_encode};
