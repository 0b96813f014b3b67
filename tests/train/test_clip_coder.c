// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// A clip through a codec comes out where it went in, whatever the codec's rate, channels and delay.

#include "train/clip_coder.h"

#include "models/codec_internal.h"
#include "models/codec_seanet.h"
#include "models/whole_decoder.h"
#include "models/whole_encoder.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/failing_alloc.h"
#include "tests/models/golden.h"
#include "tests/models/random_seanet.h"

#define SEED 5
enum { LENGTH = 5003, MOST = LENGTH + 64, MOST_STEPS = 4096 };

static void ok(status code, const error *err)
{
  if (code != STATUS_OK) {
    fail_msg("%s", err->message);
  }
}

/// What came out of one pass.
typedef struct catch
{
  float audio[3][MOST];
  size_t n[3];
  double power[MOST_STEPS];
  size_t n_steps;
  int32_t change_to; ///< 0: leave codes alone, else what they become
  int width;
}
catch;

static status catch_codes(void *user, int32_t *codes, const double *power, size_t n_steps,
                          error *err)
{
  catch *c = user;
  (void)err;
  for (size_t i = 0; i < n_steps; ++i) {
    assert_true(c->n_steps < MOST_STEPS);
    c->power[c->n_steps++] = power[i];
    for (int k = 0; c->change_to && k < c->width; ++k) {
      codes[i * (size_t)c->width + (size_t)k] = c->change_to;
    }
  }
  return STATUS_OK;
}

static status catch_audio(void *user, int branch, const float *audio, size_t n, error *err)
{
  catch *c = user;
  (void)err;
  assert_true(n > 0 && c->n[branch] + n <= MOST);
  memcpy(c->audio[branch] + c->n[branch], audio, n * sizeof *audio);
  c->n[branch] += n;
  return STATUS_OK;
}

static void make_clip(float clip[LENGTH])
{
  for (int i = 0; i < LENGTH; ++i) {
    const double t = (double)i;
    clip[i] = (float)(0.4 * sin(0.02 * t) + 0.2 * sin(0.11 * t + 1.0)) * (i < 2000 ? 0.5f : 1.0f);
  }
}

static clip_coder_options options_for(catch *c, uint32_t rate_hz)
{
  return (clip_coder_options){
      .rate_hz = rate_hz, .codes = catch_codes, .audio = catch_audio, .user = c};
}

static void pass(clip_coder *e, const float *clip, size_t n, size_t portion)
{
  error err = {0};
  for (size_t at = 0; at < n; at += portion) {
    ok(clip_coder_push(e, clip + at, n - at < portion ? n - at : portion, &err), &err);
  }
  ok(clip_coder_finish(e, &err), &err);
}

// ---- a codec that loses nothing -----------------------------------------------------------------

/// Its codes are its samples' bits, and its decoder lags behind by a delay that it declares.
typedef struct lag_codec {
  codec base;
  bool fails;
} lag_codec;

typedef struct lag_state {
  codec_state base;
  float line[1024];
  size_t at, n;
} lag_state;

static void lag_close(codec *c)
{
  free(c);
}

static status lag_state_new(codec_state **out, codec *c, int n_streams, int max_steps, error *err)
{
  lag_state *s = calloc(1, sizeof *s);
  (void)n_streams;
  (void)max_steps;
  if (!s) {
    return error_set(err, STATUS_NO_MEMORY, "no memory");
  }
  s->n = (size_t)c->info.model_delay_samples * c->info.n_channels;
  *out = &s->base;
  return STATUS_OK;
}

static void lag_state_free(codec_state *s)
{
  free(s);
}

static void lag_state_reset(codec_state *base, int stream, codec_start start)
{
  lag_state *s = (lag_state *)base;
  (void)stream;
  (void)start;
  memset(s->line, 0, sizeof s->line);
}

static status lag_encode(codec_state *s, const float *audio, int n_steps, int n_used,
                         int32_t *codes)
{
  memcpy(codes, audio, (size_t)(n_steps * n_used) * sizeof *codes);
  return ((lag_codec *)s->owner)->fails ? STATUS_DEVICE : STATUS_OK;
}

static status lag_encode_final(codec_state *s, const float *audio, int n_samples, int n_used,
                               int32_t *codes)
{
  const int hop = (int)s->owner->info.hop_samples, n_steps = (n_samples + hop - 1) / hop;
  memset(codes, 0, (size_t)(n_steps * n_used) * sizeof *codes);
  memcpy(codes, audio, (size_t)n_samples * s->owner->info.n_channels * sizeof *codes);
  return STATUS_OK;
}

static status lag_decode(codec_state *base, const int32_t *codes, int n_steps, int n_used,
                         float *audio)
{
  lag_state *s = (lag_state *)base;
  for (int i = 0; i < n_steps * n_used; ++i) {
    float x;
    memcpy(&x, &codes[i], sizeof x);
    if (s->n) {
      float *slot = &s->line[s->at++ % s->n];
      const float oldest = *slot;
      *slot = x;
      x = oldest;
    }
    audio[i] = x;
  }
  return STATUS_OK;
}

static const codec_vtable lag_table = {.close = lag_close,
                                       .state_new = lag_state_new,
                                       .state_free = lag_state_free,
                                       .state_reset = lag_state_reset,
                                       .encode = lag_encode,
                                       .decode = lag_decode,
                                       .encode_final = lag_encode_final};

typedef struct lag_kind {
  uint32_t rate_hz, hop_samples, n_channels, delay_samples;
} lag_kind;

static codec *open_lag(const lag_kind *kind)
{
  lag_codec *c = calloc(1, sizeof *c);
  assert_non_null(c);
  codec_init(&c->base, &lag_table);
  c->base.info = (codec_info){.kind = "lag",
                              .name = "lag",
                              .rate_hz = kind->rate_hz,
                              .hop_samples = kind->hop_samples,
                              .n_channels = kind->n_channels,
                              .n_codebooks = kind->hop_samples * kind->n_channels,
                              .model_delay_samples = kind->delay_samples,
                              .streamable = true};
  return &c->base;
}

/// At its own rate what comes out is what went in, delay and channels or not, to the bit.
static void nothing_is_lost_or_moved(void **state)
{
  (void)state;
  static float clip[LENGTH];
  static catch c;
  static const lag_kind kinds[] = {
      {24000, 32, 1, 0}, {24000, 48, 1, 17}, {24000, 20, 2, 100}, {24000, 33, 2, 0}};
  make_clip(clip);
  for (size_t i = 0; i < 4; ++i) {
    for (size_t portion = 1; portion <= LENGTH; portion = portion * 16 + 3) {
      error err = {0};
      codec *model = NULL;
      clip_coder *e = NULL;
      clip_coder_options o = options_for(&c, 24000);
      model = open_lag(&kinds[i]);
      o.counts[0] = (int)codec_get_info(model)->n_codebooks;
      o.n_branches = 1;
      ok(clip_coder_new(&e, model, &o, &err), &err);
      for (int again = 0; again < 2; ++again) { // the second clip knows nothing of the first
        memset(&c, 0, sizeof c);
        pass(e, clip, LENGTH, portion);
        assert_int_equal(c.n[0], LENGTH);
        assert_memory_equal(c.audio[0], clip, sizeof clip);
      }
      clip_coder_free(e);
      codec_unref(model);
    }
  }
}

/// At another rate it is the clip but for what two conversions cost, still in its place.
static void rates_are_converted(void **state)
{
  (void)state;
  static float clip[LENGTH];
  static catch c;
  static const lag_kind kinds[] = {{16000, 32, 1, 0}, {48000, 40, 2, 111}, {44100, 30, 1, 31}};
  make_clip(clip);
  for (size_t i = 0; i < 3; ++i) {
    error err = {0};
    codec *model = NULL;
    clip_coder *e = NULL;
    double error_sum = 0.0, sum = 0.0;
    clip_coder_options o = options_for(&c, 24000);
    model = open_lag(&kinds[i]);
    o.counts[0] = (int)codec_get_info(model)->n_codebooks;
    o.n_branches = 1;
    ok(clip_coder_new(&e, model, &o, &err), &err);
    memset(&c, 0, sizeof c);
    pass(e, clip, LENGTH, 1000);
    assert_true(c.n[0] + 1 >= LENGTH && c.n[0] <= LENGTH + 1);
    for (size_t k = 100; k < LENGTH - 100; ++k) {
      if (k > 1900 && k < 2100) {
        continue; // a step, which is wider than 16 kHz holds
      }
      const double d = (double)c.audio[0][k] - (double)clip[k];
      error_sum += d * d;
      sum += (double)clip[k] * (double)clip[k];
    }
    if (10.0 * log10(sum / error_sum) < 55.0) {
      fail_msg("%u Hz: %.2f dB", kinds[i].rate_hz, 10.0 * log10(sum / error_sum));
    }
    clip_coder_free(e);
    codec_unref(model);
  }
}

/// The power beside a step's codes is that of the hop they code.
static void power_is_of_the_hop(void **state)
{
  (void)state;
  enum { HOP = 25 };
  static float clip[LENGTH];
  static catch c;
  error err = {0};
  codec *model = NULL;
  clip_coder *e = NULL;
  clip_coder_options o = options_for(&c, 24000);
  make_clip(clip);
  model = open_lag(&(lag_kind){24000, HOP, 2, 60});
  o.counts[0] = (int)codec_get_info(model)->n_codebooks;
  o.n_branches = 1;
  ok(clip_coder_new(&e, model, &o, &err), &err);
  memset(&c, 0, sizeof c);
  pass(e, clip, LENGTH, 999);
  assert_int_equal(c.n_steps, (LENGTH + 60 + HOP - 1) / HOP);
  for (size_t step = 0; step < c.n_steps; ++step) {
    double sum = 0.0;
    for (size_t i = step * HOP; i < (step + 1) * HOP && i < LENGTH; ++i) {
      sum += (double)clip[i] * (double)clip[i];
    }
    assert_true(fabs(c.power[step] - sum / HOP) < 1e-12);
  }
  clip_coder_free(e);
  codec_unref(model);
}

// ---- networks -----------------------------------------------------------------------------------

static seanet_config small(bool chunked)
{
  seanet_config config = chunked ? seanet_config_encodec_48khz() : seanet_config_soundstream();
  config.rate_hz = 24000;
  return small_seanet(config);
}

typedef struct whole_pass {
  whole_decoder *decoder;
  float audio[2 * MOST];
  size_t n, n_channels;
} whole_pass;

static status whole_segment(void *user, float scale, error *err)
{
  return whole_decoder_begin_segment(((whole_pass *)user)->decoder, scale, err);
}

static status whole_codes(void *user, const int32_t *codes, size_t n_steps, error *err)
{
  return whole_decoder_push(((whole_pass *)user)->decoder, codes, n_steps, err);
}

static status whole_audio(void *user, const float *audio, size_t n, error *err)
{
  whole_pass *w = user;
  (void)err;
  memcpy(w->audio + w->n, audio, n * w->n_channels * sizeof *audio);
  w->n += n * w->n_channels;
  return STATUS_OK;
}

/// The same clip as commands code it, with `n_used` codebooks from encoder to decoder.
static void code_whole(codec *model, const float *clip, int n_used, whole_pass *w)
{
  static float wide[2 * LENGTH];
  error err = {0};
  whole_encoder *e = NULL;
  const whole_options options = {.n_used = n_used, .start = CODEC_START_ZERO};
  *w = (whole_pass){.n_channels = codec_get_info(model)->n_channels};
  for (size_t i = 0; i < LENGTH * w->n_channels; ++i) {
    wide[i] = clip[i / w->n_channels];
  }
  ok(whole_decoder_new(&w->decoder, model, &options, (audio_sink){whole_audio, w}, &err), &err);
  ok(whole_encoder_new(&e, model, &options, (code_sink){whole_segment, whole_codes, w}, &err),
     &err);
  ok(whole_encoder_push(e, wide, LENGTH, &err), &err);
  ok(whole_encoder_finish(e, NULL, &err), &err);
  ok(whole_decoder_finish(w->decoder, LENGTH, &err), &err);
  whole_encoder_free(e);
  whole_decoder_free(w->decoder);
}

/// Each branch gives what coding with so many codebooks alone gives, to the bit.
static void branches_are_codecs_of_their_own(void **state)
{
  (void)state;
  static float clip[LENGTH];
  static catch c;
  static whole_pass alone;
  device *dev = variant_open(0, 1);
  make_clip(clip);
  for (int chunked = 0; chunked < 2; ++chunked) {
    const seanet_config config = small(chunked);
    codec *model = random_seanet_codec(&config, dev, DTYPE_F16, SEED);
    clip_coder_options o = options_for(&c, 24000);
    o.n_branches = 3;
    memcpy(o.counts, (const int[]){1, 2, 4}, 3 * sizeof(int));
    error err = {0};
    clip_coder *e = NULL;
    ok(clip_coder_new(&e, model, &o, &err), &err);
    memset(&c, 0, sizeof c);
    pass(e, clip, LENGTH, 700);
    for (int b = 0; b < 3; ++b) {
      code_whole(model, clip, o.counts[b], &alone);
      assert_int_equal(c.n[b], LENGTH);
      for (size_t i = 0; i < LENGTH; ++i) {
        const float expected =
            chunked ? 0.5f * (alone.audio[2 * i] + alone.audio[2 * i + 1]) : alone.audio[i];
        assert_true(c.audio[b][i] == expected);
      }
    }
    assert_true(clip_coder_encode_s(e) > 0.0 && clip_coder_decode_s(e, 2) > 0.0);
    clip_coder_free(e);
    codec_unref(model);
  }
  device_unref(dev);
}

/// What the caller makes of codes is what is decoded.
static void codes_may_be_changed(void **state)
{
  (void)state;
  static float clip[LENGTH], other[LENGTH];
  static catch c, d;
  device *dev = variant_open(0, 1);
  const seanet_config config = small(false);
  codec *model = random_seanet_codec(&config, dev, DTYPE_F32, SEED);
  error err = {0};
  clip_coder *e = NULL;
  clip_coder_options o = options_for(&c, 24000);
  o.n_branches = 1;
  o.counts[0] = 4;
  make_clip(clip);
  for (int i = 0; i < LENGTH; ++i) {
    other[i] = 0.1f * clip[LENGTH - 1 - i];
  }
  ok(clip_coder_new(&e, model, &o, &err), &err);
  memset(&c, 0, sizeof c);
  c.change_to = 7;
  c.width = 4;
  pass(e, clip, LENGTH, 700);
  d = c;
  c.n[0] = c.n_steps = 0;
  pass(e, other, LENGTH, 700);
  assert_memory_equal(c.audio[0], d.audio[0], sizeof c.audio[0]); // nothing of the clip is left
  c.change_to = 0;
  c.n[0] = c.n_steps = 0;
  pass(e, clip, LENGTH, 700);
  assert_memory_not_equal(c.audio[0], d.audio[0], sizeof c.audio[0]);
  clip_coder_free(e);
  codec_unref(model);
  device_unref(dev);
}

static void what_makes_no_sense_is_refused(void **state)
{
  (void)state;
  static catch c;
  error err = {0};
  codec *model = NULL;
  clip_coder *e = NULL;
  model = open_lag(&(lag_kind){24000, 32, 1, 0});
  const int n = (int)codec_get_info(model)->n_codebooks;
  clip_coder_options o = options_for(&c, 24000);
  assert_int_equal(clip_coder_new(&e, model, &o, &err), STATUS_USAGE);
  o.n_branches = 2;
  o.counts[0] = n;
  assert_int_equal(clip_coder_new(&e, model, &o, &err), STATUS_USAGE); // 0 codebooks
  o.counts[1] = n + 1;
  assert_int_equal(clip_coder_new(&e, model, &o, &err), STATUS_USAGE);
  o.n_branches = 1;
  o.rate_hz = 24000 * 300;
  assert_int_equal(clip_coder_new(&e, model, &o, &err), STATUS_UNSUPPORTED);
  assert_null(e);
  o.rate_hz = 24000;
  ok(clip_coder_new(&e, model, &o, &err), &err);
  memset(&c, 0, sizeof c);
  ok(clip_coder_finish(e, &err), &err); // a clip without a sample
  assert_int_equal(c.n[0], 0);
  ((lag_codec *)model)->fails = true;
  float clip[64] = {0};
  assert_int_equal(clip_coder_push(e, clip, 64, &err), STATUS_DEVICE);
  clip_coder_free(e);
  codec_unref(model);
}

static status code_a_clip(void *user, error *err)
{
  static float clip[LENGTH];
  static catch c;
  clip_coder *e = NULL;
  clip_coder_options o = options_for(&c, 16000);
  o.n_branches = 2;
  o.counts[0] = 1;
  o.counts[1] = 4;
  memset(&c, 0, sizeof c);
  status code = clip_coder_new(&e, user, &o, err);
  code = code ? code : clip_coder_push(e, clip, 1000, err);
  code = code ? code : clip_coder_finish(e, err);
  clip_coder_free(e);
  return code;
}

static void every_allocation_may_fail(void **state)
{
  (void)state;
  device *dev = variant_open(0, 1);
  const seanet_config config = small(false);
  codec *model = random_seanet_codec(&config, dev, DTYPE_F32, SEED);
  assert_true(failing_alloc_each(code_a_clip, model) > 20);
  codec_unref(model);
  device_unref(dev);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(nothing_is_lost_or_moved),
      cmocka_unit_test(rates_are_converted),
      cmocka_unit_test(power_is_of_the_hop),
      cmocka_unit_test(branches_are_codecs_of_their_own),
      cmocka_unit_test(codes_may_be_changed),
      cmocka_unit_test(what_makes_no_sense_is_refused),
      cmocka_unit_test(every_allocation_may_fail),
  };
  return cmocka_run_group_tests_name("clip coder", tests, NULL, NULL);
}
