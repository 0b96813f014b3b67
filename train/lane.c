// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "train/lane.h"

#include "base/random.h"
#include "train/balancer.h"
#include "train/wave_loss.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define LANE_TAPE_CALLS 512
#define LANE_MEMORY_BYTES ((size_t)16 << 30)

// ---- making one -----------------------------------------------------------------------------

static void track(void *user, weight *w)
{
  lane *l = user;
  if (l->failure.code == STATUS_OK && w->use != WEIGHT_CODEBOOK) {
    weight_track(l->dev, w, &l->failure);
  }
}

static status make_network(lane *l, error *err)
{
  status code = seanet_new(&l->net, &l->recipe->codec, err);
  code = code ? code : seanet_allocate(l->net, err);
  if (code == STATUS_OK) {
    l->failure = (error){0};
    codec_layers_each(seanet_layers(l->net), track, l);
    code = l->failure.code;
    if (code != STATUS_OK) {
      *err = l->failure;
    }
  }
  code = code ? code : tape_new(&l->encoding, LANE_TAPE_CALLS, err);
  return code ? code : tape_new(&l->decoding, LANE_TAPE_CALLS, err);
}

// Address space for a step; pages that no step touches cost nothing, so what a step needs shows in
// its first run and nothing is asked for after it.
static status make_memory(lane *l, error *err)
{
  void *block = mmap(NULL, LANE_MEMORY_BYTES, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (block == MAP_FAILED) {
    return error_set(err, STATUS_NO_MEMORY, "no memory for a lane's steps");
  }
  arena_init(&l->memory, block, LANE_MEMORY_BYTES);
  return STATUS_OK;
}

static status make_buffers(lane *l, error *err)
{
  const seanet_config *codec = &l->recipe->codec;
  const size_t samples = (size_t)l->samples, steps = (size_t)l->steps;
  const size_t dim = (size_t)codec->latent_dim;
  l->audio = calloc(samples, sizeof(float));
  l->latent_gradient = calloc(steps * dim, sizeof(float));
  bool there = l->audio && l->latent_gradient;
  for (int i = 0; i < LOSS_COUNT; ++i) {
    l->gradients[i] = calloc(samples, sizeof(float));
    there = there && l->gradients[i];
  }
  if (!there) {
    return error_set(err, STATUS_NO_MEMORY, "no memory for a lane's buffers");
  }
  return make_memory(l, err);
}

static status make_mel(lane *l, error *err)
{
  mel_loss_config config;
  mel_loss_configure(&config, &l->recipe->loss, (double)l->recipe->codec.rate_hz);
  return mel_loss_new(&l->mel, &config, l->recipe->data.crop_samples, err);
}

status lane_new(lane **out, const recipe *wanted, const crops *source, int64_t index,
                const device_options *options, error *err)
{
  *out = NULL;
  lane *l = calloc(1, sizeof *l);
  if (!l) {
    return error_set(err, STATUS_NO_MEMORY, "no memory for a lane");
  }
  l->recipe = wanted;
  l->source = source;
  l->index = index;
  l->examples = wanted->batch.size / wanted->batch.micro_batches;
  l->samples = l->examples * wanted->data.crop_samples;
  l->steps = l->samples / seanet_hop_samples(&wanted->codec);
  status code = device_open(&l->dev, options, err);
  code = code ? code : make_network(l, err);
  code = code ? code : make_buffers(l, err);
  code = code ? code : make_mel(l, err);
  if (code == STATUS_OK && wanted->phases.adversarial > 0) {
    code = adversary_new(&l->critics, wanted, l->dev, err);
  }
  if (code != STATUS_OK) {
    lane_free(l);
    return code;
  }
  *out = l;
  return STATUS_OK;
}

void lane_free(lane *l)
{
  if (!l) {
    return;
  }
  seanet_free(l->net, l->dev);
  tape_free(l->encoding);
  tape_free(l->decoding);
  mel_loss_free(l->mel);
  adversary_free(l->critics);
  for (int i = 0; i < LOSS_COUNT; ++i) {
    free(l->gradients[i]);
  }
  if (l->memory.data) {
    munmap(l->memory.data, LANE_MEMORY_BYTES);
  }
  free(l->audio);
  free(l->latent_gradient);
  device_unref(l->dev);
  free(l);
}

// ---- weights --------------------------------------------------------------------------------

void lane_sets(lane *l, layer_set *sets[LANE_SETS])
{
  sets[0] = &l->net->encoder.set;
  sets[1] = &l->net->decoder.set;
}

static void copy_set(layer_set *to, const layer_set *from)
{
  for (int i = 0; i < from->n_weights; ++i) {
    weight_copy_values(to->weights[i], from->weights[i]);
  }
}

void lane_copy_weights(lane *l, lane *from)
{
  const codec_layers to_layers = seanet_layers(l->net), layers = seanet_layers(from->net);
  for (int s = 0; s < CODEC_N_PARTS; ++s) {
    copy_set(to_layers.sets[s], layers.sets[s]);
  }
  if (l->critics) {
    layer_set *to_critics[ADVERSARY_MAX], *critics[ADVERSARY_MAX];
    const int n = adversary_sets(from->critics, critics);
    adversary_sets(l->critics, to_critics);
    for (int s = 0; s < n; ++s) {
      copy_set(to_critics[s], critics[s]);
    }
  }
}

status lane_refresh(lane *l, error *err)
{
  const status code = codec_layers_refresh(seanet_layers(l->net), l->dev, DTYPE_F32, err);
  return code || !l->critics ? code : adversary_refresh(l->critics, err);
}

// ---- forward --------------------------------------------------------------------------------

static int codebooks_used(const lane *l, const lane_step *step, uint64_t example)
{
  const recipe_quantiser *q = &l->recipe->quantiser;
  const uint64_t seed = (uint64_t)l->recipe->run.seed;
  const int all = (int)l->recipe->codec.n_codebooks;
  if (q->dropout == DROPOUT_NONE || step->validation) {
    return all;
  }
  const uint64_t key = q->dropout == DROPOUT_BATCH ? (uint64_t)step->step : example;
  if (random_uniform(seed, random_name_key("quantiser dropout share"), key) >=
      (float)q->dropout_share) {
    return all;
  }
  const float u = random_uniform(seed, random_name_key("quantiser dropout"), key);
  return 1 + (int)(u * (float)all);
}

static uint64_t first_example(const lane *l, const lane_step *step)
{
  return (uint64_t)(step->step * l->recipe->batch.size + l->index * l->examples);
}

static void quantise(lane *l, const lane_step *step, tensor codes)
{
  const seanet_config *codec = &l->recipe->codec;
  const int64_t per_example = l->steps / l->examples, dim = codec->latent_dim;
  for (int64_t i = 0; i < l->examples; ++i) {
    const int64_t at = i * per_example;
    const codebook_example e = {
        .latents = (const float *)l->latents.data + at * dim,
        .codes = (const int32_t *)codes.data + at * codec->n_codebooks,
        .steps = per_example,
        .n_used = codebooks_used(l, step, first_example(l, step) + (uint64_t)i),
        .weight = step->commitment / (double)l->recipe->batch.size,
        .quantised = (float *)l->quantised.data + at * dim,
        .rests = l->rests + at * codec->n_codebooks * dim,
        .gradient = l->latent_gradient + at * dim,
    };
    l->sums.commitment +=
        codebooks_quantise(&l->net->quantiser, &l->recipe->quantiser, &l->tally, &e);
  }
  l->sums.commitment /= (double)l->recipe->batch.size;
}

static double mean_square(const float *x, int64_t count)
{
  double sum = 0.0;
  for (int64_t i = 0; i < count; ++i) {
    sum += (double)x[i] * (double)x[i];
  }
  return count ? sum / (double)count : 0.0;
}

// The network, input to output, each half on its own tape.
static void go_through(lane *l, const lane_step *step)
{
  run *r = &l->r;
  const int64_t crop = l->recipe->data.crop_samples;
  const int64_t rows = l->steps / l->examples, dim = l->recipe->codec.latent_dim;
  const tensor audio = tensor_view(l->audio, DTYPE_F32, 3, l->examples, crop, 1, 1);
  r->record = step->encoder_frozen ? NULL : l->encoding;
  l->latents = seanet_encode_forward(r, l->net, audio, NULL);
  r->record = NULL;
  if (step->quantised) {
    l->quantised = run_tensor(r, DTYPE_F32, 3, l->examples, rows, dim, 1);
    const tensor codes =
        rvq_encode(r, &l->net->quantiser, l->latents, l->net->quantiser.n_codebooks);
    if (run_ok(r)) {
      quantise(l, step, codes);
    }
  } else {
    l->quantised = l->latents;
    l->quantised.grad = 0;
  }
  r->record = l->decoding;
  if (!step->encoder_frozen) {
    tape_watch(r, &l->quantised);
  }
  l->out = seanet_decode_forward(r, l->net, l->quantised, NULL);
  r->record = NULL;
}

static void take_losses(lane *l, const lane_step *step)
{
  const int64_t crop = l->recipe->data.crop_samples;
  const float share = 1.0f / (float)l->recipe->batch.size;
  double *losses = l->sums.losses;
  for (int64_t i = 0; i < l->examples; ++i) {
    const float *x = (const float *)l->out.data + i * crop, *target = l->audio + i * crop;
    float *const *to = l->gradients;
    if (step->weights[LOSS_WAVE_L1] > 0.0) {
      losses[LOSS_WAVE_L1] += wave_loss_l1(x, target, crop, share, to[LOSS_WAVE_L1] + i * crop);
    }
    if (step->weights[LOSS_WAVE_L2] > 0.0) {
      losses[LOSS_WAVE_L2] += wave_loss_l2(x, target, crop, share, to[LOSS_WAVE_L2] + i * crop);
    }
    if (step->weights[LOSS_MEL] > 0.0) {
      losses[LOSS_MEL] += mel_loss_apply(l->mel, x, target, share, to[LOSS_MEL] + i * crop);
    }
    const double error_square = wave_loss_l2(x, target, crop, 0.0f, NULL);
    const double audio_square = mean_square(target, crop);
    l->sums.error_square += error_square;
    l->sums.audio_square += audio_square;
    l->sums.snr_db += 10.0 * log10((audio_square + 1e-10) / (error_square + 1e-10));
  }
  for (int i = 0; i < LOSS_COUNT; ++i) {
    losses[i] /= (double)l->recipe->batch.size;
  }
  l->sums.error_square /= (double)l->recipe->batch.size;
  l->sums.audio_square /= (double)l->recipe->batch.size;
  l->sums.snr_db /= (double)l->recipe->batch.size;
  l->sums.latent_square = mean_square(l->latents.data, tensor_count(&l->latents)) *
                          (double)l->examples / (double)l->recipe->batch.size;
}

// What the discriminators say of the output, and, when they learn, what they should.
static void hear_critics(lane *l, const lane_step *step)
{
  const adversary_batch batch = {.real = l->audio,
                                 .fake = l->out.data,
                                 .n_examples = l->examples,
                                 .n_samples = l->recipe->data.crop_samples,
                                 .example_weight = 1.0 / (double)l->recipe->batch.size,
                                 .learn = step->discriminate};
  adversary_losses said = {0};
  adversary_judge(l->critics, &l->memory, &batch, l->gradients[LOSS_ADVERSARIAL],
                  l->gradients[LOSS_FEATURE], &said, &l->r.failure);
  l->sums.losses[LOSS_ADVERSARIAL] = said.adversarial;
  l->sums.losses[LOSS_FEATURE] = said.feature;
  l->sums.discriminator = said.discriminator;
  l->sums.score_real = said.score_real;
  l->sums.score_fake = said.score_fake;
}

static void take_norms(lane *l)
{
  for (int i = 0; i < LOSS_COUNT; ++i) {
    l->sums.norms[i] = balancer_norms(l->gradients[i], l->examples, l->recipe->data.crop_samples);
  }
}

static void begin(lane *l)
{
  const size_t samples = (size_t)l->samples;
  arena_rewind(&l->memory, 0);
  tape_reset(l->encoding);
  tape_reset(l->decoding);
  run_init(&l->r, l->dev, &l->memory);
  l->sums = (lane_sums){0};
  memset(l->tally.use, 0, (size_t)l->tally.count * sizeof(float));
  memset(l->latent_gradient, 0, (size_t)(l->steps * l->recipe->codec.latent_dim) * sizeof(float));
  for (int i = 0; i < LOSS_COUNT; ++i) {
    memset(l->gradients[i], 0, samples * sizeof(float));
  }
}

void lane_forward(lane *l, const lane_step *step)
{
  const int64_t crop = l->recipe->data.crop_samples;
  l->failure = (error){0};
  for (int64_t i = 0; i < l->examples; ++i) {
    const uint64_t example = first_example(l, step) + (uint64_t)i;
    float *audio = l->audio + i * crop;
    if (step->validation) {
      crops_validation(l->source, example, audio);
    } else {
      crops_fill(l->source, example, audio);
    }
  }
  begin(l);
  go_through(l, step);
  if (run_ok(&l->r)) {
    take_losses(l, step);
  }
  if (run_ok(&l->r) && step->adversarial) {
    hear_critics(l, step);
  }
  if (run_ok(&l->r) && l->recipe->loss.balancer) {
    take_norms(l);
  }
  l->failure = l->r.failure;
}

// ---- backward -------------------------------------------------------------------------------

static void sweep(lane *l, const lane_step *step, const double factors[LOSS_COUNT])
{
  run *r = &l->r;
  tensor seed = run_tensor(r, DTYPE_F32, 3, l->out.dims[0], l->out.dims[1], l->out.dims[2], 1);
  if (!run_ok(r)) {
    return;
  }
  float *to = seed.data;
  memset(to, 0, tensor_bytes(&seed));
  for (int i = 0; i < LOSS_COUNT; ++i) {
    const float factor = (float)factors[i];
    for (int64_t j = 0; j < l->samples && factor != 0.0f; ++j) {
      to[j] += factor * l->gradients[i][j];
    }
  }
  r->record = l->decoding;
  tape_backward(r, &l->out, &seed);
  if (!step->encoder_frozen && run_ok(r)) {
    tensor straight = tape_gradient(r, &l->quantised);
    for (int64_t j = 0; j < tensor_count(&straight); ++j) {
      ((float *)straight.data)[j] += l->latent_gradient[j];
    }
    r->record = l->encoding;
    tape_backward(r, &l->latents, &straight);
  }
  r->record = NULL;
}

void lane_backward(lane *l, const lane_step *step, const double factors[LOSS_COUNT])
{
  sweep(l, step, factors);
  l->failure = l->r.failure;
}

void lane_encode(lane *l, uint64_t first, float *latents)
{
  const int64_t crop = l->recipe->data.crop_samples;
  for (int64_t i = 0; i < l->examples; ++i) {
    crops_fill(l->source, first + (uint64_t)i, l->audio + i * crop);
  }
  begin(l);
  const tensor audio = tensor_view(l->audio, DTYPE_F32, 3, l->examples, crop, 1, 1);
  const tensor found = seanet_encode_forward(&l->r, l->net, audio, NULL);
  if (run_ok(&l->r)) {
    memcpy(latents, found.data, tensor_bytes(&found));
  }
  l->failure = l->r.failure;
}
