// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// SEANet behind models/codec.h: whatever way the input is cut into calls, whatever else runs beside
// it, a stream gives the same bits; and it gives what PyTorch gives.

#include "base/random.h"
#include "models/codec_seanet.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/models/golden.h"
#include "tests/models/random_seanet.h"

#define SEED 7
#define N_STEPS 12
#define MAX_STEPS 12

/// Small enough that every split of the input can be tried; strides, LSTM, dilation and reflection
/// as the large ones have them.
static seanet_config small_config(void)
{
  seanet_config config = seanet_config_encodec_24khz();
  config.n_strides = 3;
  config.strides[0] = 2;
  config.strides[1] = 3;
  config.strides[2] = 4;
  config.latent_dim = 12;
  config.n_codebooks = 5;
  config.codebook_size = 64;
  config.encoder.width = config.decoder.width = 6;
  config.encoder.n_residual = 2;
  config.decoder.n_residual = 3;
  config.decoder.dilation_base = 3;
  return config;
}

static seanet_config small_soundstream(void)
{
  seanet_config config = seanet_config_soundstream();
  config.n_strides = 3;
  config.latent_dim = 20;
  config.n_codebooks = 4;
  config.codebook_size = 128;
  config.encoder.width = 4;
  config.decoder.width = 8;
  config.n_channels = 2;
  return config;
}

static codec *open_codec(const seanet_config *config, device *dev, dtype storage)
{
  return random_seanet_codec(config, dev, storage, SEED);
}

static codec_state *open_state(codec *c, int n_streams, int max_steps)
{
  codec_state *s = NULL;
  error err = {0};
  if (codec_state_new(&s, c, n_streams, max_steps, &err)) {
    fail_msg("%s", err.message);
  }
  return s;
}

/// Gliding tone and noise; `which` makes streams differ.
static float *make_audio(int64_t n_samples, int64_t n_channels, uint64_t which)
{
  float *audio = malloc((size_t)(n_samples * n_channels) * sizeof *audio);
  assert_non_null(audio);
  for (int64_t i = 0; i < n_samples * n_channels; ++i) {
    const double t = (double)(i / n_channels) / 24000.0;
    const double tone = sin(6.28318 * (300.0 + 90.0 * (double)which) * t * (1.0 + t));
    audio[i] = (float)(0.5 * tone) + 0.3f * random_uniform(SEED, which, (uint64_t)i) - 0.15f;
  }
  return audio;
}

typedef struct result {
  int32_t *codes; ///< [n_steps, n_codebooks]
  float *audio;   ///< [n_steps * hop, n_channels]
  int n_steps;
} result;

static result new_result(const codec_info *info, int n_steps)
{
  result r = {.n_steps = n_steps};
  r.codes = calloc((size_t)n_steps * info->n_codebooks, sizeof *r.codes);
  r.audio = calloc((size_t)n_steps * info->hop_samples * info->n_channels, sizeof *r.audio);
  assert_true(r.codes && r.audio);
  return r;
}

static void free_result(result *r)
{
  free(r->codes);
  free(r->audio);
}

static void assert_same(const codec_info *info, const result *a, const result *b)
{
  const size_t n_codes = (size_t)a->n_steps * info->n_codebooks;
  const size_t n_values = (size_t)a->n_steps * info->hop_samples * info->n_channels;
  assert_memory_equal(a->codes, b->codes, n_codes * sizeof *a->codes);
  assert_memory_equal(a->audio, b->audio, n_values * sizeof *a->audio);
}

/// One call of `n_steps` from step `at` on, both ways.
static void step(codec_state *s, const codec_info *info, const float *audio, result *r, int at,
                 int n_steps)
{
  const size_t step_values = (size_t)info->hop_samples * info->n_channels;
  int32_t *codes = r->codes + (size_t)at * info->n_codebooks;
  float *out = r->audio + (size_t)at * step_values;
  const int n_used = (int)info->n_codebooks;
  assert_int_equal(codec_encode(s, audio + (size_t)at * step_values, n_steps, n_used, codes),
                   STATUS_OK);
  assert_int_equal(codec_decode(s, codes, n_steps, n_used, out), STATUS_OK);
}

static result run_whole(codec *c, const float *audio, int n_steps, codec_start start)
{
  const codec_info *info = codec_get_info(c);
  result r = new_result(info, n_steps);
  codec_state *s = open_state(c, 1, MAX_STEPS);
  codec_state_reset(s, -1, start);
  step(s, info, audio, &r, 0, n_steps);
  codec_state_free(s);
  return r;
}

typedef void (*check)(codec *c);

/// Run `f` with small codecs of both shapes, on every variant, in every storage.
static void for_each_codec(check f)
{
  static const dtype storages[] = {DTYPE_F32, DTYPE_F16, DTYPE_BF16, DTYPE_I8};
  seanet_config (*const configs[])(void) = {small_config, small_soundstream};
  device *dev;
  for (int v = 0; (dev = variant_open(v, 1)); ++v) {
    for (int i = 0; i < 2; ++i) {
      for (int k = 0; k < 4; ++k) {
        const seanet_config config = configs[i]();
        codec *c = open_codec(&config, dev, storages[k]);
        f(c);
        codec_unref(c);
      }
    }
    device_unref(dev);
  }
}

// ---- the same bits ----------------------------------------------------------------------

static void check_splits(codec *c)
{
  const codec_info *info = codec_get_info(c);
  float *audio = make_audio(N_STEPS * info->hop_samples, info->n_channels, 1);
  const result whole = run_whole(c, audio, N_STEPS, CODEC_START_ZERO);
  codec_state *s = open_state(c, 1, MAX_STEPS);
  for (int first = 1; first < N_STEPS; ++first) { // every split in two, in steps of one ...
    result r = new_result(info, N_STEPS);
    codec_state_reset(s, -1, CODEC_START_ZERO);
    step(s, info, audio, &r, 0, first);
    step(s, info, audio, &r, first, 0); // ... with an empty push between
    step(s, info, audio, &r, first, N_STEPS - first);
    assert_same(info, &whole, &r);
    free_result(&r);
  }
  for (int size = 1; size <= 5; ++size) { // and in equal parts
    result r = new_result(info, N_STEPS);
    codec_state_reset(s, -1, CODEC_START_ZERO);
    for (int at = 0; at < N_STEPS; at += size) {
      step(s, info, audio, &r, at, at + size < N_STEPS ? size : N_STEPS - at);
    }
    assert_same(info, &whole, &r);
    free_result(&r);
  }
  codec_state_free(s);
  result unfreed = whole;
  free_result(&unfreed);
  free(audio);
}

static void any_split_equals_whole(void **unused)
{
  (void)unused;
  for_each_codec(check_splits);
}

/// The tail: any number of samples in the last call, and any number of steps before it.
static void check_final(codec *c)
{
  const codec_info *info = codec_get_info(c);
  const int hop = (int)info->hop_samples;
  const int n_used = (int)info->n_codebooks;
  const codec_start starts[] = {CODEC_START_ZERO, CODEC_START_REFLECT};
  const int lengths[] = {9 * hop + 1, 10 * hop - 1, 10 * hop, 9 * hop + hop / 2 + 1};
  float *audio = make_audio(10 * hop, info->n_channels, 2);
  int32_t *whole = malloc(10 * info->n_codebooks * sizeof *whole);
  int32_t *parts = malloc(10 * info->n_codebooks * sizeof *parts);
  codec_state *s = open_state(c, 1, MAX_STEPS);
  for (int i = 0; i < 2; ++i) {
    for (int l = 0; l < 4; ++l) {
      codec_state_reset(s, -1, starts[i]);
      assert_int_equal(codec_encode_final(s, audio, lengths[l], n_used, whole), STATUS_OK);
      for (int before = 7; before <= 9; ++before) {
        const size_t at = (size_t)before * info->n_codebooks;
        codec_state_reset(s, -1, starts[i]);
        assert_int_equal(codec_encode(s, audio, before, n_used, parts), STATUS_OK);
        assert_int_equal(codec_encode_final(s, audio + before * hop * (int)info->n_channels,
                                            lengths[l] - before * hop, n_used, parts + at),
                         STATUS_OK);
        assert_memory_equal(whole, parts, 10 * info->n_codebooks * sizeof *whole);
      }
    }
  }
  codec_state_free(s);
  free(audio);
  free(whole);
  free(parts);
}

static void any_tail_equals_whole(void **unused)
{
  (void)unused;
  for_each_codec(check_final);
}

static void check_reset(codec *c)
{
  const codec_info *info = codec_get_info(c);
  float *audio = make_audio(N_STEPS * info->hop_samples, info->n_channels, 3);
  const codec_start starts[] = {CODEC_START_ZERO, CODEC_START_REFLECT};
  codec_state *s = open_state(c, 1, MAX_STEPS);
  for (int i = 0; i < 2; ++i) {
    result fresh = run_whole(c, audio, N_STEPS, starts[i]);
    result again = new_result(info, N_STEPS);
    codec_state_reset(s, 0, starts[i]);
    step(s, info, audio, &again, 0, N_STEPS);
    assert_same(info, &fresh, &again);
    free_result(&fresh);
    free_result(&again);
  }
  codec_state_free(s);
  free(audio);
}

static void reset_equals_fresh(void **unused)
{
  (void)unused;
  for_each_codec(check_reset);
}

static void check_snapshot(codec *c)
{
  const codec_info *info = codec_get_info(c);
  float *audio = make_audio(N_STEPS * info->hop_samples, info->n_channels, 4);
  result whole = run_whole(c, audio, N_STEPS, CODEC_START_ZERO);
  result r = new_result(info, N_STEPS);
  codec_state *s = open_state(c, 1, MAX_STEPS), *other = open_state(c, 1, MAX_STEPS);
  void *snapshot = malloc(codec_state_bytes(s));
  assert_non_null(snapshot);
  step(s, info, audio, &r, 0, 4);
  assert_int_equal(codec_state_save(s, snapshot), STATUS_OK);
  step(s, info, audio, &r, 4, 3); // what is forgotten again
  assert_int_equal(codec_state_restore(s, snapshot), STATUS_OK);
  memset(r.codes + 4 * info->n_codebooks, 0, 3 * info->n_codebooks * sizeof *r.codes);
  step(s, info, audio, &r, 4, 3);
  assert_int_equal(codec_state_save(s, snapshot), STATUS_OK);
  assert_int_equal(codec_state_restore(other, snapshot), STATUS_OK); // and elsewhere
  step(other, info, audio, &r, 7, N_STEPS - 7);
  assert_same(info, &whole, &r);
  codec_state_free(s);
  codec_state_free(other);
  free(snapshot);
  free_result(&whole);
  free_result(&r);
  free(audio);
}

static void snapshot_and_go_on(void **unused)
{
  (void)unused;
  for_each_codec(check_snapshot);
}

/// Three streams in one state; the middle one starts later. Each equals itself alone.
static void check_streams(codec *c)
{
  enum { N = 3, LATE = 5 };
  const codec_info *info = codec_get_info(c);
  const size_t step_values = (size_t)info->hop_samples * info->n_channels;
  const size_t n_codes = info->n_codebooks;
  codec_state *s = open_state(c, N, 1);
  float *audio[N], *in = malloc(N * step_values * sizeof *in);
  float *out = malloc(N * step_values * sizeof *out);
  int32_t *codes = malloc(N * n_codes * sizeof *codes);
  result alone[N], among[N];
  for (int i = 0; i < N; ++i) {
    audio[i] = make_audio(N_STEPS * info->hop_samples, info->n_channels, (uint64_t)i);
    alone[i] = run_whole(c, audio[i], N_STEPS, CODEC_START_ZERO);
    among[i] = new_result(info, N_STEPS);
  }
  for (int t = 0; t < N_STEPS + LATE; ++t) {
    if (t == LATE) {
      codec_state_reset(s, 1, CODEC_START_ZERO);
    }
    for (int i = 0; i < N; ++i) {
      const int at = (i == 1 && t >= LATE ? t - LATE : t) % N_STEPS;
      memcpy(in + (size_t)i * step_values, audio[i] + (size_t)at * step_values,
             step_values * sizeof *in);
    }
    assert_int_equal(codec_encode(s, in, 1, (int)n_codes, codes), STATUS_OK);
    assert_int_equal(codec_decode(s, codes, 1, (int)n_codes, out), STATUS_OK);
    for (int i = 0; i < N; ++i) {
      const int at = i == 1 ? t - LATE : t;
      if (at < 0 || at >= N_STEPS) {
        continue;
      }
      memcpy(among[i].codes + (size_t)at * n_codes, codes + (size_t)i * n_codes,
             n_codes * sizeof *codes);
      memcpy(among[i].audio + (size_t)at * step_values, out + (size_t)i * step_values,
             step_values * sizeof *out);
    }
  }
  for (int i = 0; i < N; ++i) {
    assert_same(info, &alone[i], &among[i]);
    free_result(&alone[i]);
    free_result(&among[i]);
    free(audio[i]);
  }
  codec_state_free(s);
  free(in);
  free(out);
  free(codes);
}

static void one_among_many_equals_alone(void **unused)
{
  (void)unused;
  for_each_codec(check_streams);
}

/// Captured steps, other calls between them, a restart in the middle: the same bits as ever.
static void check_captured(codec *c)
{
  const codec_info *info = codec_get_info(c);
  float *audio = make_audio(N_STEPS * info->hop_samples, info->n_channels, 9);
  result whole = run_whole(c, audio, N_STEPS, CODEC_START_ZERO);
  result r = new_result(info, N_STEPS);
  codec_state *s = open_state(c, 1, MAX_STEPS);
  error err = {0};
  assert_int_equal(codec_state_prepare(s, 0, &err), STATUS_USAGE);
  assert_int_equal(codec_state_prepare(s, 1, &err), STATUS_OK);
  assert_int_equal(codec_state_prepare(s, (int)info->n_codebooks, &err), STATUS_OK);
  for (int round = 0; round < 2; ++round) {
    const int sizes[] = {1, 1, 3, 1, 0, 2, 1, 1, 1, 1};
    int at = 0;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; ++i) {
      step(s, info, audio, &r, at, sizes[i]);
      at += sizes[i];
    }
    assert_int_equal(at, N_STEPS);
    assert_same(info, &whole, &r);
    codec_state_reset(s, -1, CODEC_START_ZERO);
  }
  codec_state_free(s);
  free_result(&whole);
  free_result(&r);
  free(audio);
}

static void captured_steps_equal_others(void **unused)
{
  (void)unused;
  for_each_codec(check_captured);
}

static void two_threads_equal_one(void **unused)
{
  (void)unused;
  device *dev;
  for (int v = 0; (dev = variant_open(v, 1)); ++v) {
    device *two = variant_open(v, 2);
    assert_non_null(two);
    const seanet_config config = small_config();
    codec *a = open_codec(&config, dev, DTYPE_F32), *b = open_codec(&config, two, DTYPE_F32);
    float *audio = make_audio(N_STEPS * codec_get_info(a)->hop_samples, 1, 5);
    result one = run_whole(a, audio, N_STEPS, CODEC_START_ZERO);
    result other = run_whole(b, audio, N_STEPS, CODEC_START_ZERO);
    assert_same(codec_get_info(a), &one, &other);
    free_result(&one);
    free_result(&other);
    free(audio);
    codec_unref(a);
    codec_unref(b);
    device_unref(dev);
    device_unref(two);
  }
}

// ---- refusals ---------------------------------------------------------------------------

static void reflect_start_needs_its_steps(void **unused)
{
  (void)unused;
  device *dev = variant_open(0, 1);
  const seanet_config config = small_config();
  codec *c = open_codec(&config, dev, DTYPE_F32);
  const codec_info *info = codec_get_info(c);
  codec_state *s = open_state(c, 2, MAX_STEPS);
  float *audio = make_audio(2 * N_STEPS * info->hop_samples, 1, 6);
  int32_t codes[2 * N_STEPS * 5];
  codec_state_reset(s, -1, CODEC_START_REFLECT);
  assert_int_equal(codec_encode(s, audio, 6, 5, codes), STATUS_USAGE);
  assert_int_equal(codec_encode(s, audio, 7, 5, codes), STATUS_OK);
  codec_state_reset(s, 0, CODEC_START_REFLECT); // two streams that start differently at once
  codec_state_reset(s, 1, CODEC_START_ZERO);
  assert_int_equal(codec_encode(s, audio, 8, 5, codes), STATUS_USAGE);
  free(audio);
  codec_state_free(s);
  codec_unref(c);
  device_unref(dev);
}

typedef struct bad_config {
  const char *field; ///< word that the sentence must hold
  size_t offset;
  int64_t value;
} bad_config;

static void impossible_configs_are_refused(void **unused)
{
  (void)unused;
  const bad_config bad[] = {
      {"n_channels", offsetof(seanet_config, n_channels), 3},
      {"latent_dim", offsetof(seanet_config, latent_dim), 0},
      {"n_strides", offsetof(seanet_config, n_strides), 9},
      {"stride", offsetof(seanet_config, strides), 0},
      {"hop", offsetof(seanet_config, strides[0]), 65},
      {"n_codebooks", offsetof(seanet_config, n_codebooks), 65},
      {"codebook_size", offsetof(seanet_config, codebook_size), 1000},
      {"width", offsetof(seanet_config, encoder.width), 0},
      {"compress", offsetof(seanet_config, decoder.compress), 5},
      {"n_residual", offsetof(seanet_config, encoder.n_residual), -1},
      {"kernel_residual", offsetof(seanet_config, decoder.kernel_residual), 256},
      {"n_lstm", offsetof(seanet_config, decoder.n_lstm), 3},
      {"chunk_stride_samples", offsetof(seanet_config, chunk_samples), 1},
  };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; ++i) {
    seanet_config config = small_config();
    seanet *net = NULL;
    error err = {0};
    memcpy((char *)&config + bad[i].offset, &bad[i].value, sizeof bad[i].value);
    assert_int_equal(seanet_new(&net, &config, &err), STATUS_USAGE);
    assert_null(net);
    if (strcmp(bad[i].field, "hop") != 0) {
      assert_non_null(strstr(err.message, bad[i].field));
    }
  }
}

// ---- against PyTorch --------------------------------------------------------------------

typedef struct stream_case {
  const char *file;
  bool encodec; ///< else SoundStream
  codec_start start;
} stream_case;

static const stream_case stream_cases[] = {
    {"seanet_encodec_24khz_reflect", true, CODEC_START_REFLECT},
    {"seanet_encodec_24khz_reflect_partial", true, CODEC_START_REFLECT},
    {"seanet_encodec_24khz_short", true, CODEC_START_REFLECT},
    {"seanet_encodec_24khz_zero", true, CODEC_START_ZERO},
    {"seanet_encodec_24khz_zero_partial", true, CODEC_START_ZERO},
    {"seanet_soundstream_partial", false, CODEC_START_ZERO},
};

/// The published shapes, streamed: reference codes to the reference's waveform, and its audio to
/// its codes (all but those behind a near tie, of which test_seanet.c knows more).
static void check_stream_case(codec *c, const stream_case *one)
{
  const codec_info *info = codec_get_info(c);
  const int hop = (int)info->hop_samples, n_used = (int)info->n_codebooks;
  int64_t n_samples, n_steps, n_wave;
  safetensors st = golden_open(one->file);
  float *audio = golden_f32(&st, "audio", &n_samples), *wave = golden_f32(&st, "wave", &n_wave);
  int32_t *codes = golden_i32(&st, "codes", &n_steps);
  result r = new_result(info, (int)n_steps);
  codec_state *s = open_state(c, 1, 12);
  codec_state_reset(s, -1, one->start);
  const int first = n_samples > 7 * hop ? 7 : 0;
  assert_int_equal(codec_encode(s, audio, first, n_used, r.codes), STATUS_OK);
  assert_int_equal(codec_encode_final(s, audio + first * hop, (int)n_samples - first * hop, n_used,
                                      r.codes + first * n_used),
                   STATUS_OK);
  int64_t equal = 0;
  for (int64_t k = 0; k < n_steps * n_used; ++k) {
    equal += r.codes[k] == codes[k];
  }
  assert_true(equal * 100 >= 97 * n_steps * n_used);
  const int head = n_steps < 7 ? 0 : 7;
  assert_int_equal(codec_decode(s, codes, head, n_used, r.audio), STATUS_OK);
  assert_int_equal(codec_decode_final(s, codes + head * n_used, (int)n_steps - head, n_used,
                                      r.audio + head * hop),
                   STATUS_OK);
  assert_true(relative_error(r.audio, wave, (size_t)n_wave) < 1e-4);
  codec_state_free(s);
  free_result(&r);
  free(audio);
  free(wave);
  free(codes);
  safetensors_close(&st);
}

static void streaming_equals_pytorch(void **unused)
{
  (void)unused;
  device *dev;
  for (int v = 0; (dev = variant_open(v, 1)); ++v) {
    const seanet_config encodec = seanet_config_encodec_24khz();
    const seanet_config soundstream = seanet_config_soundstream();
    codec *a = open_codec(&encodec, dev, DTYPE_F32), *b = open_codec(&soundstream, dev, DTYPE_F32);
    for (size_t i = 0; i < sizeof stream_cases / sizeof *stream_cases; ++i) {
      check_stream_case(stream_cases[i].encodec ? a : b, &stream_cases[i]);
    }
    codec_unref(a);
    codec_unref(b);
    device_unref(dev);
  }
}

// ---- 16-bit storage ------------------------------------------------------------------------

static double snr_db(const float *a, const float *b, size_t count)
{
  return -20.0 * log10(relative_error(a, b, count));
}

/// EnCodec 24 kHz in f16 against f32: the same codes, and the same sound from them. The figures of
/// the other storages are printed, with bars that only catch what is broken.
static void f16_storage_passes_its_gate(void **unused)
{
  (void)unused;
  enum { HOP = 320, LONG = 40, USED = 8, N_STORAGES = 4 };
  static const dtype storages[N_STORAGES] = {DTYPE_F32, DTYPE_F16, DTYPE_BF16, DTYPE_I8};
  static const double least_db[N_STORAGES] = {0.0, 45.0, 30.0, 15.0};
  static const double least_equal[N_STORAGES] = {0.0, 95.0, 80.0, 40.0};
  static int32_t codes[N_STORAGES][LONG * USED];
  static float out[N_STORAGES][LONG * HOP];
  seanet_config config = seanet_config_encodec_24khz();
  config.n_codebooks = USED;
  float *audio = make_audio(LONG * HOP, 1, 8);
  device *dev = NULL;
  const device_options best = {.kind = COMPUTE_CPU, .n_threads = 1};
  assert_int_equal(device_open(&dev, &best, NULL), STATUS_OK);
  for (int k = 0; k < N_STORAGES; ++k) {
    codec *c = open_codec(&config, dev, storages[k]);
    codec_state *s = open_state(c, 1, LONG);
    assert_int_equal(codec_encode(s, audio, LONG, USED, codes[k]), STATUS_OK);
    assert_int_equal(codec_decode(s, codes[0], LONG, USED, out[k]), STATUS_OK);
    codec_state_free(s);
    codec_unref(c);
    int same = 0;
    for (int i = 0; i < LONG * USED; ++i) {
      same += codes[k][i] == codes[0][i];
    }
    const double equal = 100.0 * same / (LONG * USED);
    const double db = k ? snr_db(out[k], out[0], LONG * HOP) : HUGE_VAL;
    print_message("%s, %s: %.1f dB, %.1f %% of codes equal\n", dev->name, dtype_name(storages[k]),
                  db, equal);
    assert_true(db >= least_db[k] && equal >= least_equal[k]);
  }
  device_unref(dev);
  free(audio);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(any_split_equals_whole),
      cmocka_unit_test(any_tail_equals_whole),
      cmocka_unit_test(reset_equals_fresh),
      cmocka_unit_test(snapshot_and_go_on),
      cmocka_unit_test(one_among_many_equals_alone),
      cmocka_unit_test(captured_steps_equal_others),
      cmocka_unit_test(two_threads_equal_one),
      cmocka_unit_test(reflect_start_needs_its_steps),
      cmocka_unit_test(impossible_configs_are_refused),
      cmocka_unit_test(streaming_equals_pytorch),
      cmocka_unit_test(f16_storage_passes_its_gate),
  };
  return cmocka_run_group_tests_name("codec_seanet", tests, NULL, NULL);
}
