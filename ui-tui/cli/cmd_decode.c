// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// continuo decode: codes to audio, in constant memory.

#include "models/io/code_file.h"
#include "ui-tui/cli/coding.h"

#include <stdlib.h>

#define BLOCK_STEPS 64

typedef struct decoding {
  code_reader *reader;
  whole_decoder *decoder;
  audio_writer *writer;
  int32_t *codes;   // [BLOCK_STEPS, n_codebooks]
  uint64_t segment; // begun last; UINT64_MAX: none
} decoding;

static status write_audio(void *user, const float *audio, size_t n_samples, error *err)
{
  return audio_writer_write(user, audio, n_samples, err);
}

// Codes that do not fit the model would sound of nothing: say so instead.
static status check_codes(const code_info *codes, const codec_info *model, const char *path,
                          error *err)
{
  if (codes->n_codebooks < 1 || codes->n_codebooks > model->n_codebooks) {
    return error_set(err, STATUS_FORMAT, "%s: %u codebooks, %s has %u", path, codes->n_codebooks,
                     model->name, model->n_codebooks);
  }
  const bool told = codes->rate_hz != 0; // .npy does not tell
  if (told && (codes->rate_hz != model->rate_hz || codes->hop_samples != model->hop_samples ||
               codes->codebook_size != model->codebook_size)) {
    return error_set(
        err, STATUS_FORMAT,
        "%s: made by \"%s\" (%u Hz, hop %u, %u entries), not for %s (%u Hz, hop %u, %u "
        "entries)",
        path, codes->model, codes->rate_hz, codes->hop_samples, codes->codebook_size, model->name,
        model->rate_hz, model->hop_samples, model->codebook_size);
  }
  if (told && codes->segment_samples != model->chunk_samples) {
    return error_set(err, STATUS_FORMAT, "%s: segments of %u samples, %s codes %u", path,
                     codes->segment_samples, model->name, model->chunk_samples);
  }
  if (!told && model->chunk_samples) {
    return error_set(err, STATUS_UNSUPPORTED, "%s: says nothing of the segments that %s needs",
                     path, model->name);
  }
  return STATUS_OK;
}

static status decode_run(decoding *d, const code_run *stretch, bool chunked, error *err)
{
  if (chunked && stretch->segment != d->segment) {
    d->segment = stretch->segment;
    const status code = whole_decoder_begin_segment(d->decoder, stretch->scale, err);
    if (code) {
      return code;
    }
  }
  return whole_decoder_push(d->decoder, d->codes, stretch->n_steps, err);
}

static status decode_all(decoding *d, const codec_info *model, const command_context *context,
                         error *err)
{
  const double step_s = (double)model->hop_samples / (double)model->rate_hz;
  const uint64_t known = code_reader_n_steps(d->reader);
  const double total_s = known == CODE_UNKNOWN ? 0.0 : (double)known * step_s;
  progress shown;
  progress_begin(&shown, context->quiet);
  status code = STATUS_OK;
  for (;;) {
    code_run stretch = {0};
    code = code_reader_read(d->reader, d->codes, BLOCK_STEPS, &stretch, err);
    if (code || stretch.n_steps == 0) {
      break;
    }
    code = decode_run(d, &stretch, model->chunk_samples > 0, err);
    if (!code && stop_requested()) {
      code = error_set(err, STATUS_INTERRUPTED, "interrupted");
    }
    if (code) {
      break;
    }
    progress_update(&shown, (double)(stretch.first_step + stretch.n_steps) * step_s, total_s);
  }
  progress_end(&shown);
  return code;
}

static uint64_t expected_samples(const decoding *d, const codec_info *model)
{
  const uint64_t samples = code_reader_info(d->reader)->n_samples;
  const uint64_t steps = code_reader_n_steps(d->reader);
  if (samples != CODE_UNKNOWN && samples != 0) {
    return samples;
  }
  return steps == CODE_UNKNOWN ? 0 : steps * model->hop_samples;
}

static status decode_open(decoding *d, const coding_options *options, codec *model, const char *in,
                          const char *out, error *err)
{
  const codec_info *info = codec_get_info(model);
  status code = code_reader_open(&d->reader, in, err);
  code = code ? code : check_codes(code_reader_info(d->reader), info, in, err);
  if (code) {
    return code;
  }
  const uint32_t n_codebooks = code_reader_info(d->reader)->n_codebooks;
  d->segment = UINT64_MAX;
  d->codes = malloc((size_t)BLOCK_STEPS * n_codebooks * sizeof *d->codes);
  if (!d->codes) {
    return error_set(err, STATUS_NO_MEMORY, "no memory for %d steps of codes", BLOCK_STEPS);
  }
  code = audio_writer_open(&d->writer, out, info->rate_hz, info->n_channels, AUDIO_ENCODING_DEFAULT,
                           expected_samples(d, info), err);
  const whole_options whole = {.n_used = (int)n_codebooks, .start = (codec_start)options->start};
  const audio_sink sink = {write_audio, d->writer};
  return code ? code : whole_decoder_new(&d->decoder, model, &whole, sink, err);
}

static status decode_file(const coding_options *options, const command_context *context,
                          codec *model, const char *in, const char *out, error *err)
{
  const codec_info *info = codec_get_info(model);
  const double begun_s = seconds_now();
  decoding d = {0};
  coding_report report = {.in = in, .out = out, .model = info->name, .rate_hz = info->rate_hz};
  status code = decode_open(&d, options, model, in, out, err);
  code = code ? code : decode_all(&d, info, context, err);
  if (!code) {
    const code_info *codes = code_reader_info(d.reader);
    report.n_codebooks = (int)codes->n_codebooks;
    report.lost_steps = code_reader_damage(d.reader).lost_steps;
    code = whole_decoder_finish(
        d.decoder, code_reader_format(d.reader) == CODE_NPY ? CODE_UNKNOWN : codes->n_samples, err);
  }
  if (!code) {
    if (!code_reader_ended(d.reader)) {
      log_write(&context->log, LOG_WARNING,
                "%s: ends without its end mark; all that is there was decoded", in);
    }
    report.n_samples = audio_writer_n_samples(d.writer);
    report.clipped_samples = audio_writer_clipped(d.writer);
    code = audio_writer_commit(d.writer, err);
    d.writer = NULL;
  }
  audio_writer_abort(d.writer);
  whole_decoder_free(d.decoder);
  code_reader_close(d.reader);
  free(d.codes);
  report.seconds = seconds_now() - begun_s;
  if (!code) {
    coding_print(&report, context);
  }
  return code;
}

static status run_decode(const command *self, command_context *context, int argc, char **argv,
                         error *err)
{
  static const coding_action action = {false, true, "audio", decode_file};
  coding_options options = {0};
  const option_row rows[] = {
      CODING_MODEL_ROW(&options), CODING_START_ROWS(&options), COMPUTE_ROWS(&options.compute), {0}};
  return coding_run(self, context, &options, rows, argc, argv, &action, err);
}

const command command_decode = {"decode", "IN OUT", "Codes to audio", run_decode};
