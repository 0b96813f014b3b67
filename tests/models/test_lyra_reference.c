// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// Lyra with its published weights against tests/golden/lyra.bin, which the TFLite runtime made
// (tests/reference/lyra_reference.py). Skipped where the weights are not at hand.

#include "models/import_lyra.h"

#include "base/random.h"
#include "models/codec_lyra.h"
#include "models/lyra_file.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { SKIPPED = 77, ARENA_BYTES = 128 << 20 };

typedef struct golden {
  uint32_t steps, n_codebooks, dim, hop, n_used;
  float *audio;        // [steps * hop], full scale 1
  float *features;     // [steps, dim]
  int32_t *codes;      // [steps, n_codebooks]
  float *decoded;      // [steps * hop], from all codebooks
  float *decoded_used; // [steps * hop], from the first n_used
} golden;

typedef struct fixture {
  golden want;
  device *dev;
  lyra *net;
  arena memory;
} fixture;

static const char *folder(void)
{
  static char path[1024];
  const char *shared = getenv("CONTINUO_SHARED");
  snprintf(path, sizeof path, "%s/data/lyra", shared ? shared : "");
  return path;
}

static void part_path(char *path, size_t bytes, const char *part)
{
  snprintf(path, bytes, "%s/%s.tflite", folder(), part);
}

// ---- the golden file
// -----------------------------------------------------------------------------

static void read_exactly(FILE *stream, void *to, size_t bytes)
{
  assert_int_equal(fread(to, 1, bytes, stream), bytes);
}

static float *read_floats(FILE *stream, size_t count)
{
  float *values = malloc(count * sizeof *values);
  assert_non_null(values);
  read_exactly(stream, values, count * sizeof *values);
  return values;
}

static void load_golden(golden *g)
{
  char path[2048], mark[4];
  const char *source = getenv("CONTINUO_SOURCE");
  snprintf(path, sizeof path, "%s/tests/golden/lyra.bin", source ? source : ".");
  FILE *stream = fopen(path, "rb");
  assert_non_null(stream);
  read_exactly(stream, mark, sizeof mark);
  assert_memory_equal(mark, "LYG1", 4);
  read_exactly(stream, g, 4 * sizeof(uint32_t));
  const size_t samples = (size_t)g->steps * g->hop, codes = (size_t)g->steps * g->n_codebooks;
  int16_t *audio = malloc(samples * sizeof *audio);
  int8_t *narrow = malloc(codes);
  g->audio = malloc(samples * sizeof *g->audio);
  g->codes = malloc(codes * sizeof *g->codes);
  assert_true(audio && narrow && g->audio && g->codes);
  read_exactly(stream, audio, samples * sizeof *audio);
  g->features = read_floats(stream, (size_t)g->steps * g->dim);
  read_exactly(stream, narrow, codes);
  g->decoded = read_floats(stream, samples);
  read_exactly(stream, &g->n_used, sizeof g->n_used);
  g->decoded_used = read_floats(stream, samples);
  for (size_t i = 0; i < samples; ++i) {
    g->audio[i] = (float)audio[i] / 32768.0f;
  }
  for (size_t i = 0; i < codes; ++i) {
    g->codes[i] = narrow[i];
  }
  free(audio);
  free(narrow);
  fclose(stream);
}

// ---- running
// -------------------------------------------------------------------------------------

static tensor input(run *r, const void *data, dtype type, int64_t rows, int64_t channels)
{
  tensor x = run_tensor(r, type, 3, 1, rows, channels, 1);
  memcpy(x.data, data, tensor_bytes(&x));
  return x;
}

static run start(fixture *f)
{
  run r;
  arena_rewind(&f->memory, 0);
  run_init(&r, f->dev, &f->memory);
  return r;
}

static tensor decode(fixture *f, run *r, const int32_t *codes, int n_used)
{
  const golden *g = &f->want;
  const tensor latents =
      rvq_decode(r, &f->net->quantiser, input(r, codes, DTYPE_I32, g->steps, n_used));
  return lyra_decode_forward(r, f->net, latents, NULL);
}

/// 10 log10 of the wanted signal's power over that of the difference.
static double snr_db(const float *want, const float *found, size_t count)
{
  double signal = 0.0, noise = 1e-300;
  for (size_t i = 0; i < count; ++i) {
    const double difference = (double)want[i] - (double)found[i];
    signal += (double)want[i] * (double)want[i];
    noise += difference * difference;
  }
  return 10.0 * log10(signal / noise);
}

static void test_decoder(void **state)
{
  fixture *f = *state;
  const golden *g = &f->want;
  const size_t samples = (size_t)g->steps * g->hop;
  run r = start(f);
  const tensor all = decode(f, &r, g->codes, (int)g->n_codebooks);
  assert_true(run_ok(&r));
  assert_int_equal(tensor_count(&all), samples);
  const double all_db = snr_db(g->decoded, all.data, samples);

  int32_t *first = malloc((size_t)g->steps * g->n_used * sizeof *first);
  assert_non_null(first);
  for (uint32_t t = 0; t < g->steps; ++t) {
    memcpy(first + t * g->n_used, g->codes + t * g->n_codebooks, g->n_used * sizeof *first);
  }
  r = start(f);
  const tensor few = decode(f, &r, first, (int)g->n_used);
  assert_true(run_ok(&r));
  const double few_db = snr_db(g->decoded_used, few.data, samples);
  free(first);
  print_message("decoder against TFLite: %.1f dB with %u codebooks, %.1f dB with %u\n", all_db,
                g->n_codebooks, few_db, g->n_used);
  assert_true(all_db >= 60.0);
  assert_true(few_db >= 60.0);
}

static void test_encoder(void **state)
{
  fixture *f = *state;
  const golden *g = &f->want;
  run r = start(f);
  const tensor x = input(&r, g->audio, DTYPE_F32, (int64_t)g->steps * g->hop, 1);
  const tensor features = lyra_encode_forward(&r, f->net, x, NULL);
  assert_true(run_ok(&r));
  assert_int_equal(tensor_count(&features), g->steps * g->dim);
  const double db = snr_db(g->features, features.data, (size_t)g->steps * g->dim);
  print_message("encoder against TFLite: %.1f dB\n", db);
  assert_true(db >= 80.0); // 1e-4 relative
}

/// Whether stage `k` of this step is a near tie: the two nearest codewords to the reference's
/// residual are closer to each other than 1e-5 of its square.
static bool near_tie(const fixture *f, uint32_t step, uint32_t stage)
{
  const golden *g = &f->want;
  const rvq *q = &f->net->quantiser;
  double residual[64], square = 0.0, best = HUGE_VAL, second = HUGE_VAL;
  for (uint32_t d = 0; d < g->dim; ++d) {
    residual[d] = (double)g->features[step * g->dim + d];
    for (uint32_t k = 0; k < stage; ++k) {
      const int32_t code = g->codes[step * g->n_codebooks + k];
      residual[d] -= (double)q->codebooks[k].master[(uint32_t)code * g->dim + d];
    }
    square += residual[d] * residual[d];
  }
  for (int64_t entry = 0; entry < q->size; ++entry) {
    double distance = 0.0;
    for (uint32_t d = 0; d < g->dim; ++d) {
      const double e = residual[d] - (double)q->codebooks[stage].master[entry * g->dim + d];
      distance += e * e;
    }
    second = distance < best ? best : fmin(second, distance);
    best = fmin(best, distance);
  }
  return second - best < 1e-5 * square;
}

/// Codes of `latents` equal the reference's but at near ties, whose step is not looked at further.
static void compare_codes(fixture *f, run *r, tensor latents, const char *what)
{
  const golden *g = &f->want;
  const tensor codes = rvq_encode(r, &f->net->quantiser, latents, (int)g->n_codebooks);
  assert_true(run_ok(r));
  const int32_t *found = codes.data;
  uint32_t compared = 0, ties = 0;
  for (uint32_t t = 0; t < g->steps; ++t) {
    for (uint32_t k = 0; k < g->n_codebooks; ++k, ++compared) {
      const uint32_t at = t * g->n_codebooks + k;
      if (found[at] != g->codes[at]) {
        if (!near_tie(f, t, k)) {
          fail_msg("%s: step %u, codebook %u: code %d, expected %d", what, t, k, found[at],
                   g->codes[at]);
        }
        ++ties;
        break;
      }
    }
  }
  print_message("codes from %s: %u of %u equal, %u near ties\n", what, compared,
                g->steps * g->n_codebooks, ties);
  assert_true(ties <= g->steps / 10);
}

static void test_codes(void **state)
{
  fixture *f = *state;
  const golden *g = &f->want;
  run r = start(f);
  compare_codes(f, &r, input(&r, g->features, DTYPE_F32, g->steps, g->dim), "reference features");
  r = start(f);
  const tensor x = input(&r, g->audio, DTYPE_F32, (int64_t)g->steps * g->hop, 1);
  compare_codes(f, &r, lyra_encode_forward(&r, f->net, x, NULL), "our own features");
}

/// The first codebook carries most: their root mean squares fall, as published, from 4.71 to 0.52.
static void test_stage_order(void **state)
{
  const fixture *f = *state;
  const rvq *q = &f->net->quantiser;
  double rms[OPS_MAX_CODEBOOKS];
  for (int k = 0; k < q->n_codebooks; ++k) {
    double sum = 0.0;
    for (int64_t i = 0; i < q->size * q->dim; ++i) {
      sum += (double)q->codebooks[k].master[i] * (double)q->codebooks[k].master[i];
    }
    rms[k] = sqrt(sum / (double)(q->size * q->dim));
  }
  assert_true(fabs(rms[0] - 4.71) < 0.01);
  assert_true(fabs(rms[1] - 1.42) < 0.01);
  assert_true(fabs(rms[2] - 1.24) < 0.01);
  assert_true(fabs(rms[45] - 0.52) < 0.01);
}

// ---- as a codec, on every device that is here
// ----------------------------------------

static void real_paths(char paths[3][2048])
{
  // Neither the usual order nor one that sorts.
  part_path(paths[0], sizeof paths[0], "quantizer");
  part_path(paths[1], sizeof paths[1], "lyragan");
  part_path(paths[2], sizeof paths[2], "soundstream_encoder");
}

/// The codec with the real weights; null when there is no such device, variant or storage.
static codec *open_codec(compute_kind kind, const char *variant, dtype storage, int n_threads)
{
  char paths[3][2048];
  device *dev = NULL;
  lyra *net = NULL;
  codec *c = NULL;
  error err = {0};
  const device_options options = {.kind = kind, .n_threads = n_threads, .variant = variant};
  if (device_open(&dev, &options, &err) != STATUS_OK) {
    return NULL; // this machine or this build lacks it
  }
  real_paths(paths);
  assert_int_equal(import_lyra_read(&net, (const char *[]){paths[0], paths[1], paths[2]}, 3, &err),
                   STATUS_OK);
  const codec_options wanted = {.dev = dev, .storage = storage};
  if (codec_open_lyra(&c, net, &wanted, &err) != STATUS_OK) {
    assert_int_equal(err.code, STATUS_UNSUPPORTED); // no kernel for this storage
    lyra_free(net, dev);
  }
  device_unref(dev);
  return c;
}

/// Encode and decode the golden input in pieces of `piece` steps (0: of changing size).
static void stream(codec *c, const golden *g, uint32_t piece, int32_t *codes, float *decoded)
{
  enum { MOST = 7 };
  codec_state *s = NULL;
  error err = {0};
  assert_int_equal(codec_state_new(&s, c, 1, MOST, &err), STATUS_OK);
  for (uint32_t at = 0, turn = 0; at < g->steps; ++turn) {
    uint32_t steps = piece ? piece : (uint32_t)(random_bits(1, 2, turn) % (MOST + 1));
    steps = steps < g->steps - at ? steps : g->steps - at;
    int32_t *to = codes + at * g->n_codebooks;
    assert_int_equal(codec_encode(s, g->audio + at * g->hop, (int)steps, (int)g->n_codebooks, to),
                     STATUS_OK);
    // The reference's codes, so that a near tie cannot spread.
    assert_int_equal(codec_decode(s, g->codes + at * g->n_codebooks, (int)steps,
                                  (int)g->n_codebooks, decoded + at * g->hop),
                     STATUS_OK);
    at += steps;
  }
  codec_state_free(s);
}

static double equal_share(const golden *g, const int32_t *codes)
{
  const size_t count = (size_t)g->steps * g->n_codebooks;
  size_t equal = 0;
  for (size_t i = 0; i < count; ++i) {
    equal += codes[i] == g->codes[i];
  }
  return (double)equal / (double)count;
}

static void check_device(const golden *g, compute_kind kind, const char *variant, dtype storage,
                         double least_db, double least_share)
{
  const size_t n_codes = (size_t)g->steps * g->n_codebooks, samples = (size_t)g->steps * g->hop;
  codec *c = open_codec(kind, variant, storage, 1);
  if (!c) {
    assert_true(!variant || strcmp(variant, "reference") != 0); // which is always here
    print_message("%s, %s: not here\n", variant ? variant : "cuda", dtype_name(storage));
    return;
  }
  int32_t *codes = malloc(2 * n_codes * sizeof *codes);
  float *decoded = malloc(2 * samples * sizeof *decoded);
  assert_true(codes && decoded);
  stream(c, g, 1, codes, decoded);
  stream(c, g, 0, codes + n_codes, decoded + samples);
  if (kind == COMPUTE_CPU) { // the same bits for any split and team are the CPU's promise
    assert_memory_equal(codes, codes + n_codes, n_codes * sizeof *codes);
    assert_memory_equal(decoded, decoded + samples, samples * sizeof *decoded);
    codec *three = open_codec(kind, variant, storage, 3);
    stream(three, g, 5, codes + n_codes, decoded + samples);
    assert_memory_equal(codes, codes + n_codes, n_codes * sizeof *codes);
    assert_memory_equal(decoded, decoded + samples, samples * sizeof *decoded);
    codec_unref(three);
  }
  const double db = snr_db(g->decoded, decoded, samples), share = equal_share(g, codes);
  print_message("%s, %s: %.1f dB, %.2f %% of codes equal\n", variant ? variant : "cuda",
                dtype_name(storage), db, 100.0 * share);
  assert_true(db >= least_db);
  assert_true(share >= least_share);
  free(codes);
  free(decoded);
  codec_unref(c);
}

static void test_every_device_streams(void **state)
{
  const fixture *f = *state;
  const struct {
    compute_kind kind;
    const char *variant;
  } devices[] = {{COMPUTE_CPU, "reference"},
                 {COMPUTE_CPU, "avx2"},
                 {COMPUTE_CPU, "avx512"},
                 {COMPUTE_CUDA, NULL}};
  for (size_t i = 0; i < sizeof devices / sizeof *devices; ++i) {
    check_device(&f->want, devices[i].kind, devices[i].variant, DTYPE_F32, 60.0, 0.995);
    check_device(&f->want, devices[i].kind, devices[i].variant, DTYPE_F16, 45.0, 0.95);
  }
}

/// The delay that lyra.h claims: output follows input most closely when it is not shifted at all.
static void test_delay(void **state)
{
  const fixture *f = *state;
  const golden *g = &f->want;
  const int samples = (int)(g->steps * g->hop), reach = 2 * (int)g->hop;
  double best = 0.0;
  int best_lag = -reach;
  for (int lag = -reach; lag <= reach; ++lag) {
    double sum = 0.0;
    for (int i = reach; i < samples - reach; ++i) {
      sum += (double)g->audio[i] * (double)g->decoded[i + lag];
    }
    if (sum > best) {
      best = sum;
      best_lag = lag;
    }
  }
  print_message("cross-correlation peaks at %d samples\n", best_lag);
  assert_int_equal(best_lag, lyra_info(f->net).model_delay_samples);
}

// ---- the importer's refusals
// ---------------------------------------------------------------------

static void refuse(const char *const *paths, int n_paths, status code, const char *words)
{
  lyra *net = NULL;
  error err = {0};
  assert_int_equal(import_lyra_read(&net, paths, n_paths, &err), code);
  assert_null(net);
  if (!strstr(err.message, words)) {
    fail_msg("\"%s\" does not say \"%s\"", err.message, words);
  }
}

static void test_wrong_members(void **state)
{
  (void)state;
  char encoder[2048], quantiser[2048], decoder[2048], other[2048];
  const char *source = getenv("CONTINUO_SOURCE");
  part_path(encoder, sizeof encoder, "soundstream_encoder");
  part_path(quantiser, sizeof quantiser, "quantizer");
  part_path(decoder, sizeof decoder, "lyragan");
  snprintf(other, sizeof other, "%s/tests/fuzz/corpus/fuzz_tflite_file/three_operators.tflite",
           source ? source : ".");
  refuse((const char *[]){encoder, decoder}, 2, STATUS_USAGE, "quantiser is missing");
  refuse((const char *[]){encoder, quantiser, encoder}, 3, STATUS_USAGE, "both Lyra's encoder");
  refuse((const char *[]){encoder, quantiser, other}, 3, STATUS_FORMAT, "neither encoder");
  refuse((const char *[]){encoder, quantiser, "/nowhere/x.tflite"}, 3, STATUS_NOT_FOUND,
         "/nowhere");
  refuse(NULL, 0, STATUS_USAGE, "encoder is missing");
}

// ---- set-up
// --------------------------------------------------------------------------------------

static int setup(void **state)
{
  fixture *f = calloc(1, sizeof *f);
  const device_options options = {.kind = COMPUTE_CPU, .n_threads = 1, .variant = "reference"};
  char paths[3][2048];
  error err = {0};
  real_paths(paths);
  assert_non_null(f);
  load_golden(&f->want);
  assert_int_equal(device_open(&f->dev, &options, &err), STATUS_OK);
  const status code =
      import_lyra_read(&f->net, (const char *[]){paths[0], paths[1], paths[2]}, 3, &err);
  if (code != STATUS_OK) {
    fail_msg("%s", err.message);
  }
  assert_int_equal(codec_layers_refresh(lyra_layers(f->net), f->dev, DTYPE_F32, &err), STATUS_OK);
  arena_init(&f->memory, aligned_alloc(64, ARENA_BYTES), ARENA_BYTES);
  assert_non_null(f->memory.data);
  *state = f;
  return 0;
}

static int teardown(void **state)
{
  fixture *f = *state;
  lyra_free(f->net, f->dev);
  device_unref(f->dev);
  free(f->memory.data);
  free(f->want.audio);
  free(f->want.features);
  free(f->want.codes);
  free(f->want.decoded);
  free(f->want.decoded_used);
  free(f);
  return 0;
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_decoder),       cmocka_unit_test(test_encoder),
      cmocka_unit_test(test_codes),         cmocka_unit_test(test_stage_order),
      cmocka_unit_test(test_wrong_members), cmocka_unit_test(test_every_device_streams),
      cmocka_unit_test(test_delay),
  };
  if (access(folder(), R_OK) != 0) {
    printf("skipped: no Lyra weights in %s\n", folder());
    return SKIPPED;
  }
  return cmocka_run_group_tests(tests, setup, teardown);
}
