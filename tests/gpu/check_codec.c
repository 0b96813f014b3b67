// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "base/random.h"
#include "gpu/capture.h"
#include "gpu/step_io.h"
#include "models/codec_seanet.h"
#include "tests/gpu/gpu_check.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define STREAMS 2
#define STEPS 10
#define SEED 11
#define ARENA_BYTES ((size_t)96 << 20)
#define BOUND 1e-4    // relative, as against PyTorch
#define NEAR_TIE 1e-5 // of the residual's square
#define LIVE_STEPS 3000

// A SEANet with random weights on one device, its streams, and both ways captured apart.
typedef struct half {
  arena memory;
  run r;
  step_io *io;
  capture *c;
} half;

typedef struct player {
  device *dev;
  seanet *net;
  seanet_state state;
  int64_t n_streams, n_used, hop, dim;
  half encode; // audio [n, hop, 1] -> latents [n, 1, D], codes [n, 1, n_used]
  half decode; // codes [n, 1, n_used] -> audio [n, hop, 1]
} player;

static void encode_body(run *r, void *user)
{
  player *p = user;
  step_io *io = p->encode.io;
  stream_memory *m = &p->state.encoder;
  step_io_receive(io, r);
  const tensor audio = tensor_view(io->device_input, DTYPE_F32, 3, p->n_streams, p->hop, 1, 1);
  const tensor latents = seanet_encode_forward(r, p->net, audio, m);
  if (run_ok(r)) {
    float *out = io->device_output;
    const int64_t count = p->n_streams * p->dim;
    tensor kept = tensor_view(out, DTYPE_F32, 3, p->n_streams, 1, p->dim, 1);
    tensor codes = tensor_view(out + count, DTYPE_I32, 3, p->n_streams, 1, p->n_used, 1);
    r->dev->table.scale(r, &kept, &latents, 1.0f);
    r->dev->table.rvq_encode(r, &codes, NULL, &latents, p->net->quantiser.stages, (int)p->n_used);
    r->dev->table.advance(r, &m->control, 1);
  }
  step_io_send(io, r);
}

static void decode_body(run *r, void *user)
{
  player *p = user;
  step_io *io = p->decode.io;
  stream_memory *m = &p->state.decoder;
  step_io_receive(io, r);
  const tensor codes = tensor_view(io->device_input, DTYPE_I32, 3, p->n_streams, 1, p->n_used, 1);
  const tensor latents = rvq_decode(r, &p->net->quantiser, codes);
  const tensor audio = seanet_decode_forward(r, p->net, latents, m);
  if (run_ok(r)) {
    tensor out = tensor_view(io->device_output, DTYPE_F32, 3, p->n_streams, p->hop, 1, 1);
    r->dev->table.scale(r, &out, &audio, 1.0f);
    r->dev->table.advance(r, &m->control, 1);
  }
  step_io_send(io, r);
}

static status half_open(half *h, player *p, size_t in, size_t out, void (*body)(run *, void *),
                        error *err)
{
  void *block = p->dev->allocate(p->dev, ARENA_BYTES);
  arena_init(&h->memory, block, block ? ARENA_BYTES : 0);
  run_init(&h->r, p->dev, &h->memory);
  if (!block) {
    return error_set(err, STATUS_NO_MEMORY, "no memory for activations");
  }
  const status code = step_io_new(&h->io, p->dev, in, out, err);
  return code ? code : capture_new(&h->c, &h->r, body, p, err);
}

static void half_close(half *h, device *dev)
{
  capture_free(h->c);
  step_io_free(h->io);
  dev->release(dev, h->memory.data);
}

static status player_open(player *p, device *dev, const seanet_config *config, dtype storage,
                          int64_t n_streams, int64_t n_used, error *err)
{
  *p = (player){.dev = dev,
                .n_streams = n_streams,
                .n_used = n_used,
                .hop = seanet_hop_samples(config),
                .dim = config->latent_dim};
  status code = seanet_new(&p->net, config, err);
  code = code ? code : seanet_allocate(p->net, err);
  if (!code) {
    codec_layers_randomise(seanet_layers(p->net), SEED);
    code = codec_layers_refresh(seanet_layers(p->net), dev, storage, err);
  }
  code = code ? code : seanet_state_init(&p->state, p->net, dev, n_streams, err);
  p->state.encoder.zero_start = p->state.decoder.zero_start = true;
  const size_t audio = (size_t)(n_streams * p->hop) * sizeof(float);
  const size_t codes = (size_t)(n_streams * n_used) * sizeof(int32_t);
  const size_t latents = (size_t)(n_streams * p->dim) * sizeof(float);
  code = code ? code : half_open(&p->encode, p, audio, latents + codes, encode_body, err);
  return code ? code : half_open(&p->decode, p, codes, audio, decode_body, err);
}

static void player_close(player *p)
{
  half_close(&p->encode, p->dev);
  half_close(&p->decode, p->dev);
  seanet_state_free(&p->state);
  seanet_free(p->net, p->dev);
}

static const float *latents_of(const player *p)
{
  return p->encode.io->output;
}

static const int32_t *codes_of(const player *p)
{
  return (const int32_t *)(latents_of(p) + p->n_streams * p->dim);
}

static status encode_step(player *p, uint64_t step, error *err)
{
  float *audio = p->encode.io->input;
  for (int64_t i = 0; i < p->n_streams * p->hop; ++i) {
    audio[i] = random_uniform(SEED, step, (uint64_t)i) - 0.5f;
  }
  const status code = capture_launch(p->encode.c, err);
  return code ? code : step_io_wait(p->encode.io, err);
}

static status decode_step(player *p, const int32_t *codes, error *err)
{
  memcpy(p->decode.io->input, codes, p->decode.io->input_bytes);
  const status code = capture_launch(p->decode.c, err);
  return code ? code : step_io_wait(p->decode.io, err);
}

// ---- comparison ----

typedef struct distance {
  double off, norm;
} distance;

static void add_distance(distance *d, const float *found, const float *expected, int64_t count)
{
  for (int64_t i = 0; i < count; ++i) {
    const double off = (double)found[i] - (double)expected[i];
    d->off += off * off;
    d->norm += (double)expected[i] * (double)expected[i];
  }
}

static bool judge(const char *name, const char *what, const distance *d, gpu_check_result *result)
{
  const double off = sqrt(d->off / d->norm);
  const bool passed = isfinite(off) && off <= BOUND;
  ++result->n_checked;
  result->n_failed += !passed;
  printf("%s  %s, %s: relative error %g\n", passed ? "ok    " : "FAILED", name, what, off);
  return passed;
}

static double entry_distance(const double *residual, const float *entry, int64_t dim)
{
  double sum = 0.0;
  for (int64_t d = 0; d < dim; ++d) {
    sum += (residual[d] - (double)entry[d]) * (residual[d] - (double)entry[d]);
  }
  return sum;
}

// One step of one stream: equal codes, or a tie at the first that differs. Later codes of that step
// then belong to another residual.
static bool codes_agree(const player *p, const float *latent, const int32_t *found,
                        const int32_t *expected)
{
  const rvq *q = &p->net->quantiser;
  double *residual = malloc((size_t)p->dim * sizeof *residual);
  bool agree = residual != NULL;
  for (int64_t d = 0; agree && d < p->dim; ++d) {
    residual[d] = (double)latent[d];
  }
  for (int64_t k = 0; agree && k < p->n_used; ++k) {
    const float *entries = q->codebooks[k].master;
    const float *best = entries + (int64_t)expected[k] * p->dim;
    if (found[k] != expected[k]) {
      double square = 0.0;
      for (int64_t d = 0; d < p->dim; ++d) {
        square += residual[d] * residual[d];
      }
      agree = found[k] >= 0 && found[k] < q->size &&
              fabs(entry_distance(residual, entries + (int64_t)found[k] * p->dim, p->dim) -
                   entry_distance(residual, best, p->dim)) < NEAR_TIE * square;
      break;
    }
    for (int64_t d = 0; d < p->dim; ++d) {
      residual[d] -= (double)best[d];
    }
  }
  free(residual);
  return agree;
}

// Both play the same audio; each decodes what the CPU encoded.
static void compare(const char *name, player *cpu, player *cuda, gpu_check_result *result)
{
  error err = {0};
  distance latents = {0}, audio = {0};
  int n_wrong = 0;
  for (uint64_t step = 0; step < STEPS; ++step) {
    status code = encode_step(cpu, step, &err);
    code = code ? code : encode_step(cuda, step, &err);
    code = code ? code : decode_step(cpu, codes_of(cpu), &err);
    code = code ? code : decode_step(cuda, codes_of(cpu), &err);
    if (code) {
      printf("FAILED  %s: %s\n", name, err.message);
      ++result->n_checked;
      ++result->n_failed;
      return;
    }
    add_distance(&latents, latents_of(cuda), latents_of(cpu), cpu->n_streams * cpu->dim);
    add_distance(&audio, cuda->decode.io->output, cpu->decode.io->output,
                 cpu->n_streams * cpu->hop);
    for (int64_t n = 0; n < cpu->n_streams; ++n) {
      n_wrong += !codes_agree(cpu, latents_of(cpu) + n * cpu->dim,
                              codes_of(cuda) + n * cuda->n_used, codes_of(cpu) + n * cpu->n_used);
    }
  }
  judge(name, "latents", &latents, result);
  judge(name, "audio", &audio, result);
  ++result->n_checked;
  result->n_failed += n_wrong > 0;
  printf("%s  %s, codes: %d of %d steps differ beyond a tie\n", n_wrong ? "FAILED" : "ok    ", name,
         n_wrong, STEPS * STREAMS);
}

// The same network behind the codec interface: a prepared state launches the same kernels, so its
// bits are the player's; two steps at a time go another way and come near.
static status compare_codec(player *p, codec *c, double *off, int *n_other, error *err)
{
  codec_state *one = NULL, *two = NULL;
  const size_t audio_count = (size_t)(p->n_streams * p->hop);
  const size_t codes_count = (size_t)(p->n_streams * p->n_used);
  float *audio = calloc(4 * audio_count, sizeof *audio), *both = audio + 2 * audio_count;
  int32_t *codes = calloc(4 * codes_count, sizeof *codes), *pair = codes + 2 * codes_count;
  distance d = {0};
  status code = audio && codes ? codec_state_new(&one, c, (int)p->n_streams, 2, err)
                               : error_set(err, STATUS_NO_MEMORY, "no memory to compare");
  code = code ? code : codec_state_new(&two, c, (int)p->n_streams, 2, err);
  code = code ? code : codec_state_prepare(one, (int)p->n_used, err);
  for (uint64_t step = 0; !code && step < 4; ++step) {
    float *heard = audio + step % 2 * audio_count;
    int32_t *found = codes + step % 2 * codes_count;
    code = encode_step(p, step, err);
    code = code ? code : codec_encode(one, p->encode.io->input, 1, (int)p->n_used, found);
    code = code ? code : decode_step(p, found, err);
    code = code ? code : codec_decode(one, found, 1, (int)p->n_used, heard);
    *n_other += memcmp(found, codes_of(p), codes_count * sizeof *found) != 0;
    *n_other += memcmp(heard, p->decode.io->output, audio_count * sizeof *heard) != 0;
    for (int64_t n = 0; n < p->n_streams; ++n) { // [n, 2 steps, n_used]
      memcpy(pair + (n * 2 + (int64_t)(step % 2)) * p->n_used, found + n * p->n_used,
             (size_t)p->n_used * sizeof *pair);
    }
    if (!code && step % 2) {
      code = codec_decode(two, pair, 2, (int)p->n_used, both);
      for (int64_t i = 0; i < p->n_streams * 2; ++i) {
        add_distance(&d, both + i * p->hop,
                     audio + (size_t)(i % 2) * audio_count + (size_t)(i / 2 * p->hop), p->hop);
      }
    }
  }
  *off = sqrt(d.off / d.norm);
  codec_state_free(one);
  codec_state_free(two);
  free(audio);
  free(codes);
  return code;
}

static void check_codec(device *cuda, const seanet_config *config, int64_t n_used,
                        gpu_check_result *result)
{
  error err = {0};
  player p = {.dev = cuda};
  seanet *net = NULL;
  codec *c = NULL;
  double off = 0.0;
  int n_other = 0;
  const codec_options options = {.dev = cuda, .storage = DTYPE_F16};
  status code = player_open(&p, cuda, config, DTYPE_F16, STREAMS, n_used, &err);
  code = code ? code : seanet_new(&net, config, &err);
  code = code ? code : seanet_allocate(net, &err);
  if (!code) {
    codec_layers_randomise(seanet_layers(net), SEED);
    code = codec_open_seanet(&c, net, &options, &err);
  }
  if (code) {
    seanet_free(net, cuda);
  }
  code = code ? code : compare_codec(&p, c, &off, &n_other, &err);
  const bool passed = !code && n_other == 0 && off <= BOUND;
  ++result->n_checked;
  result->n_failed += !passed;
  printf("%s  %s as a codec: %s; %d steps of other bits; two at a time off by %g\n",
         passed ? "ok    " : "FAILED", config->name, code ? err.message : "played", n_other, off);
  codec_unref(c);
  player_close(&p);
}

static codec *open_random(device *dev, const seanet_config *config, error *err)
{
  seanet *net = NULL;
  codec *c = NULL;
  const codec_options options = {.dev = dev, .storage = DTYPE_F32};
  status code = seanet_new(&net, config, err);
  code = code ? code : seanet_allocate(net, err);
  if (!code) {
    codec_layers_randomise(seanet_layers(net), SEED);
    code = codec_open_seanet(&c, net, &options, err);
  }
  if (code) {
    seanet_free(net, dev);
  }
  return c;
}

// Captured steps and, between them, steps whose latents are blended, which are not.
static status play_blends(codec *c, int n_used, float *audio, error *err)
{
  const codec_info *info = codec_get_info(c);
  codec_state *s = NULL;
  int32_t codes[OPS_MAX_CODEBOOKS], other[OPS_MAX_CODEBOOKS];
  status code = codec_state_new(&s, c, 1, 1, err);
  code = code ? code : codec_state_prepare(s, n_used, err);
  for (uint64_t step = 0; !code && step < STEPS; ++step) {
    for (uint64_t k = 0; k < (uint64_t)n_used; ++k) {
      codes[k] = (int32_t)(random_bits(SEED, k, step) % info->codebook_size);
      other[k] = (int32_t)(random_bits(SEED, k, step + 99) % info->codebook_size);
    }
    code = codec_decode_blend(s, codes, other, step % 3 ? 0.0f : 0.3f, n_used,
                              audio + step * info->hop_samples);
  }
  codec_state_free(s);
  return code;
}

static void check_blend(device *cuda, device *cpu, const seanet_config *config, int64_t n_used,
                        gpu_check_result *result)
{
  error err = {0};
  codec *here = open_random(cpu, config, &err), *there = open_random(cuda, config, &err);
  distance d = {0};
  bool played = false;
  if (here && there) {
    const int64_t count = STEPS * (int64_t)codec_get_info(here)->hop_samples;
    float *expected = calloc(2 * (size_t)count, sizeof *expected);
    played = expected && !play_blends(here, (int)n_used, expected, &err) &&
             !play_blends(there, (int)n_used, expected + count, &err);
    if (played) {
      add_distance(&d, expected + count, expected, count);
    }
    free(expected);
  }
  const double off = played ? sqrt(d.off / d.norm) : 0.0;
  const bool passed = played && off <= BOUND;
  ++result->n_checked;
  result->n_failed += !passed;
  printf("%s  %s, blended latents: %s, off by %g\n", passed ? "ok    " : "FAILED", config->name,
         played ? "played" : err.message, off);
  codec_unref(here);
  codec_unref(there);
}

static void check_config(device *cuda, device *cpu, const seanet_config *config, int64_t n_used,
                         gpu_check_result *result)
{
  error err = {0};
  player here = {.dev = cpu}, there = {.dev = cuda};
  status code = player_open(&here, cpu, config, DTYPE_F32, STREAMS, n_used, &err);
  code = code ? code : player_open(&there, cuda, config, DTYPE_F32, STREAMS, n_used, &err);
  if (code) {
    printf("FAILED  %s: %s\n", config->name, err.message);
    ++result->n_checked;
    ++result->n_failed;
  } else {
    compare(config->name, &here, &there, result);
  }
  player_close(&here);
  player_close(&there);
  check_codec(cuda, config, n_used, result);
  check_blend(cuda, cpu, config, n_used, result);
}

// ---- the live step ----

static int by_value(const void *a, const void *b)
{
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static double now_us(void)
{
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec * 1e6 + (double)t.tv_nsec * 1e-3;
}

static void print_latency(const char *what, double *us, int count)
{
  qsort(us, (size_t)count, sizeof *us, by_value);
  printf("%-34s p50 %7.1f us  p99 %7.1f  p99.9 %7.1f  max %7.1f\n", what, us[count / 2],
         us[count * 99 / 100], us[count * 999 / 1000], us[count - 1]);
}

// Steps one after the other, and paced as live ones are: a card left alone for a hop slows down.
static status time_live(player *p, bool paced, double *us, int count, error *err)
{
  const double hop_us = 1e6 * (double)p->hop / (double)p->net->config.rate_hz;
  const double begin = now_us();
  for (int i = 0; i < count; ++i) {
    double start = now_us();
    if (paced) {
      const double due = begin + hop_us * (double)i;
      const struct timespec wait = {0, (long)(due > start ? (due - start) * 1e3 : 0.0)};
      nanosleep(&wait, NULL);
      start = now_us();
    }
    status code = encode_step(p, (uint64_t)i, err);
    code = code ? code : decode_step(p, codes_of(p), err);
    if (code) {
      return code;
    }
    us[i] = now_us() - start;
  }
  return STATUS_OK;
}

static void bench_live(device *cuda, const seanet_config *config, int64_t n_used)
{
  static double us[LIVE_STEPS];
  error err = {0};
  player p = {.dev = cuda};
  status code = player_open(&p, cuda, config, DTYPE_F16, 1, n_used, &err);
  code = code ? code : time_live(&p, false, us, LIVE_STEPS, &err);
  if (!code) {
    print_latency("codec step f16, back to back", us, LIVE_STEPS);
    code = time_live(&p, true, us, LIVE_STEPS / 2, &err);
  }
  if (!code) {
    print_latency("codec step f16, one each hop", us, LIVE_STEPS / 2);
  } else {
    printf("no latency: %s\n", err.message);
  }
  player_close(&p);
}

gpu_check_result gpu_check_codec(device *cuda, device *cpu, bool bench)
{
  gpu_check_result result = {0};
  seanet_config config = seanet_config_encodec_24khz();
  if (bench) {
    check_config(cuda, cpu, &config, 8, &result);
    bench_live(cuda, &config, 8);
    return result;
  }
  // The same shape, small enough for an emulated device.
  snprintf(config.name, sizeof config.name, "small seanet");
  config.n_strides = 2;
  config.strides[0] = 2;
  config.strides[1] = 5;
  config.latent_dim = 24;
  config.n_codebooks = 4;
  config.codebook_size = 64;
  config.encoder.width = config.decoder.width = 8;
  check_config(cuda, cpu, &config, 3, &result);
  return result;
}
