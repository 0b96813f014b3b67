// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// Whole recordings: the portions that samples and codes are pushed in do not matter, the length is
// kept, and chunked codecs join their chunks as PyTorch does.

#include "base/random.h"
#include "models/codec_seanet.h"
#include "models/whole_decoder.h"
#include "models/whole_encoder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/failing_alloc.h"
#include "tests/models/golden.h"
#include "tests/models/random_seanet.h"

#define SEED 7
#define MAX_CODES 4096
#define MAX_VALUES 40000

typedef struct bin {
  int32_t codes[MAX_CODES];
  size_t n_codes;
  float scales[16];
  size_t segment_steps[16]; ///< steps of each
  size_t n_segments;
  float audio[MAX_VALUES];
  size_t n_values;
  int n_used, n_channels;
  status code; ///< that the sink returns
} bin;

static status bin_begin(void *user, float scale, error *err)
{
  bin *b = user;
  (void)err;
  b->scales[b->n_segments++] = scale;
  return STATUS_OK;
}

static status bin_codes(void *user, const int32_t *codes, size_t n_steps, error *err)
{
  bin *b = user;
  const size_t count = n_steps * (size_t)b->n_used;
  assert_true(n_steps > 0 && b->n_codes + count <= MAX_CODES);
  memcpy(b->codes + b->n_codes, codes, count * sizeof *codes);
  b->n_codes += count;
  if (b->n_segments) {
    b->segment_steps[b->n_segments - 1] += n_steps;
  }
  return b->code ? error_set(err, b->code, "the sink is full") : STATUS_OK;
}

static status bin_audio(void *user, const float *audio, size_t n_samples, error *err)
{
  bin *b = user;
  const size_t count = n_samples * (size_t)b->n_channels;
  assert_true(n_samples > 0 && b->n_values + count <= MAX_VALUES);
  memcpy(b->audio + b->n_values, audio, count * sizeof *audio);
  b->n_values += count;
  return b->code ? error_set(err, b->code, "the sink is full") : STATUS_OK;
}

static codec *open_codec(const seanet_config *config, device *dev)
{
  return random_seanet_codec(config, dev, DTYPE_F32, SEED);
}

static seanet_config small(bool chunked)
{
  return small_seanet(chunked ? seanet_config_encodec_48khz() : seanet_config_encodec_24khz());
}

static void encode(codec *c, codec_start start, const float *audio, size_t n_samples,
                   size_t portion, bin *b)
{
  const whole_options options = {.start = start, .max_steps = 8};
  whole_encoder *e = NULL;
  uint64_t counted = 0;
  error err = {0};
  *b = (bin){.n_used = (int)codec_get_info(c)->n_codebooks,
             .n_channels = (int)codec_get_info(c)->n_channels};
  const code_sink sink = {bin_begin, bin_codes, b};
  assert_int_equal(whole_encoder_new(&e, c, &options, sink, &err), STATUS_OK);
  for (size_t at = 0; at < n_samples; at += portion) {
    const size_t count = n_samples - at < portion ? n_samples - at : portion;
    assert_int_equal(whole_encoder_push(e, audio + at * (size_t)b->n_channels, count, &err),
                     STATUS_OK);
    assert_int_equal(whole_encoder_push(e, audio, 0, &err), STATUS_OK);
  }
  assert_int_equal(whole_encoder_finish(e, &counted, &err), STATUS_OK);
  assert_int_equal(counted, n_samples);
  whole_encoder_free(e);
}

/// Decode what is in `b`, `portion` steps at a time, cut to `n_samples`.
static void decode(codec *c, codec_start start, size_t portion, uint64_t n_samples, bin *b)
{
  const whole_options options = {.start = start, .max_steps = 8};
  whole_decoder *d = NULL;
  error err = {0};
  const audio_sink sink = {bin_audio, b};
  b->n_values = 0;
  assert_int_equal(whole_decoder_new(&d, c, &options, sink, &err), STATUS_OK);
  const size_t n_runs = b->n_segments ? b->n_segments : 1;
  const int32_t *codes = b->codes;
  for (size_t s = 0; s < n_runs; ++s) {
    const size_t n_steps = b->n_segments ? b->segment_steps[s] : b->n_codes / (size_t)b->n_used;
    if (b->n_segments) {
      assert_int_equal(whole_decoder_begin_segment(d, b->scales[s], &err), STATUS_OK);
    }
    for (size_t at = 0; at < n_steps; at += portion) {
      const size_t count = n_steps - at < portion ? n_steps - at : portion;
      assert_int_equal(whole_decoder_push(d, codes + at * (size_t)b->n_used, count, &err),
                       STATUS_OK);
    }
    codes += n_steps * (size_t)b->n_used;
  }
  assert_int_equal(whole_decoder_finish(d, n_samples, &err), STATUS_OK);
  whole_decoder_free(d);
}

static void portions_do_not_matter(void **unused)
{
  (void)unused;
  const size_t lengths[] = {1, 19, 20, 119, 160, 190, 191, 200, 201, 390, 401, 777};
  const size_t portions[] = {1000, 160, 33, 1};
  device *dev = variant_open(0, 1);
  float audio[2 * 800];
  for (int i = 0; i < 1600; ++i) {
    audio[i] = random_uniform(SEED, 1, (uint64_t)i) - 0.5f;
  }
  bin *first = malloc(sizeof *first), *b = malloc(sizeof *b);
  assert_true(first && b);
  for (int chunked = 0; chunked < 2; ++chunked) {
    const seanet_config config = small(chunked);
    codec *c = open_codec(&config, dev);
    for (int start = CODEC_START_ZERO; start <= CODEC_START_REFLECT; ++start) {
      for (size_t l = 0; l < sizeof lengths / sizeof *lengths; ++l) {
        const size_t n = lengths[l];
        for (size_t p = 0; p < sizeof portions / sizeof *portions; ++p) {
          encode(c, (codec_start)start, audio, n, portions[p], b);
          decode(c, (codec_start)start, portions[p], n, b);
          assert_int_equal(b->n_values, n * (size_t)b->n_channels);
          if (p == 0) {
            *first = *b;
          }
          assert_int_equal(b->n_codes, first->n_codes);
          assert_memory_equal(b->codes, first->codes, b->n_codes * sizeof *b->codes);
          assert_memory_equal(b->scales, first->scales, sizeof b->scales);
          assert_memory_equal(b->audio, first->audio, b->n_values * sizeof *b->audio);
        }
      }
    }
    codec_unref(c);
  }
  free(first);
  free(b);
  device_unref(dev);
}

/// The 48 kHz shape with short chunks, against tests/reference/make_seanet_golden.py.
static void chunks_equal_pytorch(void **unused)
{
  (void)unused;
  device *dev;
  bin *b = malloc(sizeof *b);
  assert_non_null(b);
  for (int v = 0; (dev = variant_open(v, 1)); ++v) {
    seanet_config config = seanet_config_encodec_48khz();
    config.chunk_samples = 2400;
    config.chunk_stride_samples = 2376;
    codec *c = open_codec(&config, dev);
    safetensors st = golden_open("seanet_encodec_48khz_chunks");
    int64_t n_samples, n_steps, n_scales, n_wave;
    float *audio = golden_f32(&st, "audio", &n_samples), *wave = golden_f32(&st, "wave", &n_wave);
    float *scales = golden_f32(&st, "scales", &n_scales);
    int32_t *codes = golden_i32(&st, "codes", &n_steps);
    encode(c, CODEC_START_ZERO, audio, (size_t)n_samples, 999, b);
    const size_t n_codes = (size_t)n_steps * 16;
    size_t equal = 0;
    assert_int_equal(b->n_segments, n_scales);
    assert_int_equal(b->n_codes, n_codes);
    assert_true(relative_error(b->scales, scales, (size_t)n_scales) < 1e-5);
    for (size_t i = 0; i < n_codes; ++i) {
      equal += b->codes[i] == codes[i];
    }
    assert_true(equal * 100 >= 97 * n_codes); // near ties: test_seanet.c judges them one by one
    memcpy(b->codes, codes, n_codes * sizeof *codes);
    memcpy(b->scales, scales, (size_t)n_scales * sizeof *scales);
    decode(c, CODEC_START_ZERO, 5, (uint64_t)n_samples, b);
    assert_int_equal(b->n_values, 2 * n_wave);
    const double wave_error = relative_error(b->audio, wave, 2 * (size_t)n_wave);
    print_message("%s: %.2f %% of codes equal, waveform %.1e\n", dev->name,
                  100.0 * (double)equal / (double)n_codes, wave_error);
    assert_true(wave_error < 1e-4);
    free(audio);
    free(wave);
    free(scales);
    free(codes);
    safetensors_close(&st);
    codec_unref(c);
    device_unref(dev);
  }
  free(b);
}

static void failures_are_passed_on(void **unused)
{
  (void)unused;
  device *dev = variant_open(0, 1);
  const seanet_config stream = small(false), chunked = small(true);
  codec *c = open_codec(&stream, dev), *k = open_codec(&chunked, dev);
  bin *b = calloc(1, sizeof *b);
  assert_non_null(b);
  *b = (bin){.n_used = 4, .n_channels = 1, .code = STATUS_IO};
  const code_sink codes_to = {bin_begin, bin_codes, b};
  const audio_sink audio_to = {bin_audio, b};
  const whole_options good = {.max_steps = 2}, bad = {.n_used = 5};
  whole_encoder *e = NULL;
  whole_decoder *d = NULL;
  error err = {0};
  float audio[100] = {0};
  int32_t codes[44] = {0};
  assert_int_equal(whole_encoder_new(&e, c, &bad, codes_to, &err), STATUS_USAGE);
  assert_int_equal(whole_decoder_new(&d, c, &bad, audio_to, &err), STATUS_USAGE);
  assert_int_equal(whole_encoder_new(&e, c, &good, codes_to, &err), STATUS_OK);
  assert_int_equal(whole_encoder_push(e, audio, 100, &err), STATUS_IO);
  assert_string_equal(err.message, "the sink is full");
  whole_encoder_free(e);
  assert_int_equal(whole_decoder_new(&d, c, &good, audio_to, &err), STATUS_OK);
  assert_int_equal(whole_decoder_begin_segment(d, 1.0f, &err), STATUS_USAGE);
  assert_int_equal(whole_decoder_push(d, codes, 5, &err), STATUS_IO);
  whole_decoder_free(d);
  assert_int_equal(whole_decoder_new(&d, k, &good, audio_to, &err), STATUS_OK);
  assert_int_equal(whole_decoder_push(d, codes, 1, &err), STATUS_USAGE);
  assert_int_equal(whole_decoder_begin_segment(d, 0.0f, &err), STATUS_FORMAT);
  assert_int_equal(whole_decoder_begin_segment(d, 1.0f, &err), STATUS_OK);
  assert_int_equal(whole_decoder_push(d, codes, 11, &err), STATUS_FORMAT);
  whole_decoder_free(d);
  free(b);
  codec_unref(c);
  codec_unref(k);
  device_unref(dev);
}

static status make_both(void *user, error *err)
{
  const whole_options options = {.max_steps = 2};
  whole_encoder *e = NULL;
  whole_decoder *d = NULL;
  status code = whole_encoder_new(&e, user, &options, (code_sink){0}, err);
  if (code == STATUS_OK) {
    code = whole_decoder_new(&d, user, &options, (audio_sink){0}, err);
  }
  whole_encoder_free(e);
  whole_decoder_free(d);
  return code;
}

static void every_allocation_may_fail(void **unused)
{
  (void)unused;
  device *dev = variant_open(0, 1);
  for (int chunked = 0; chunked < 2; ++chunked) {
    const seanet_config config = small(chunked);
    codec *c = open_codec(&config, dev);
    assert_true(failing_alloc_each(make_both, c) >= 10);
    codec_unref(c);
  }
  device_unref(dev);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(portions_do_not_matter),
      cmocka_unit_test(chunks_equal_pytorch),
      cmocka_unit_test(failures_are_passed_on),
      cmocka_unit_test(every_allocation_may_fail),
  };
  return cmocka_run_group_tests_name("whole", tests, NULL, NULL);
}
