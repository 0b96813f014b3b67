// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// continuo roundtrip: encoder and decoder in a row, streaming, in constant memory.

#include "ui-tui/cli/coding.h"

// The encoder's codes go straight into the decoder, whose audio goes into the file.
typedef struct roundtrip {
  whole_encoder *encoder;
  whole_decoder *decoder;
  audio_reader *reader;
  audio_writer *writer;
} roundtrip;

static status pass_segment(void *user, float scale, error *err)
{
  return whole_decoder_begin_segment(((roundtrip *)user)->decoder, scale, err);
}

static status pass_codes(void *user, const int32_t *codes, size_t n_steps, error *err)
{
  return whole_decoder_push(((roundtrip *)user)->decoder, codes, n_steps, err);
}

static status pass_audio(void *user, const float *audio, size_t n_samples, error *err)
{
  return audio_writer_write(((roundtrip *)user)->writer, audio, n_samples, err);
}

static status roundtrip_open(roundtrip *t, codec *model, const whole_options *whole, const char *in,
                             const char *out, const command_context *context, error *err)
{
  const codec_info *info = codec_get_info(model);
  status code = coding_open_audio(in, info, context, &t->reader, err);
  if (!code) {
    const audio_info *audio = audio_reader_info(t->reader);
    code =
        audio_writer_open(&t->writer, out, info->rate_hz, info->n_channels, AUDIO_ENCODING_DEFAULT,
                          audio->length_known ? audio->n_samples : 0, err);
  }
  const code_sink codes = {pass_segment, pass_codes, t};
  const audio_sink audio = {pass_audio, t};
  code = code ? code : whole_decoder_new(&t->decoder, model, whole, audio, err);
  return code ? code : whole_encoder_new(&t->encoder, model, whole, codes, err);
}

static status roundtrip_files(const coding_options *options, const command_context *context,
                              codec *model, const char *in, const char *out, error *err)
{
  const codec_info *info = codec_get_info(model);
  coding_report report = {.in = in, .out = out, .model = info->name, .rate_hz = info->rate_hz};
  whole_options whole = {.start = (codec_start)options->start};
  status code = coding_codebooks(options, info, &whole.n_used, err);
  if (code) {
    return code;
  }
  roundtrip t = {0};
  const double begun_s = seconds_now();
  code = roundtrip_open(&t, model, &whole, in, out, context, err);
  if (!code) {
    code = coding_encode_all(t.reader, t.encoder, info, context, &report.n_samples, err);
  }
  code = code ? code : whole_decoder_finish(t.decoder, report.n_samples, err);
  if (!code) {
    report.n_codebooks = whole.n_used;
    report.nonfinite_samples = audio_reader_nonfinite(t.reader);
    report.clipped_samples = audio_writer_clipped(t.writer);
    code = audio_writer_commit(t.writer, err);
    t.writer = NULL;
  }
  audio_writer_abort(t.writer);
  audio_reader_close(t.reader);
  whole_encoder_free(t.encoder);
  whole_decoder_free(t.decoder);
  report.seconds = seconds_now() - begun_s;
  if (!code) {
    coding_print(&report, context);
  }
  return code;
}

static status run_roundtrip(const command *self, command_context *context, int argc, char **argv,
                            error *err)
{
  static const coding_action action = {true, true, "audio", roundtrip_files};
  coding_options options = {0};
  const option_row rows[] = {CODING_MODEL_ROW(&options),
                             CODING_RATE_ROWS(&options),
                             CODING_START_ROWS(&options),
                             COMPUTE_ROWS(&options.compute),
                             {0}};
  return coding_run(self, context, &options, rows, argc, argv, &action, err);
}

const command command_roundtrip = {
    "roundtrip", "IN OUT", "Audio to codes and back to audio, as fast as it goes", run_roundtrip};
