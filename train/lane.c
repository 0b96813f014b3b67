// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "train/lane.h"

#include "base/random.h"

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

static tensor device_audio(lane *l)
{
  return tensor_view(l->dev->allocate(l->dev, (size_t)l->samples * sizeof(float)), DTYPE_F32, 3,
                     l->examples, l->recipe->data.crop_samples, 1, 1);
}

static bool make_device_buffers(lane *l)
{
  l->heard = device_audio(l);
  bool there = l->heard.data != NULL;
  for (int i = 0; i < LOSS_COUNT; ++i) {
    l->gradients[i] = device_audio(l);
    there = there && l->gradients[i].data;
  }
  return there;
}

static status make_buffers(lane *l, error *err)
{
  const seanet_config *codec = &l->recipe->codec;
  const size_t latents = (size_t)(l->steps * codec->latent_dim);
  l->audio = calloc((size_t)l->samples, sizeof(float));
  l->latent_gradient = calloc(latents, sizeof(float));
  bool there = l->audio && l->latent_gradient && make_device_buffers(l);
  if (l->dev->losses) {
    l->host_latents = calloc(latents, sizeof(float));
    l->host_quantised = calloc(latents, sizeof(float));
    l->host_codes = calloc((size_t)(l->steps * codec->n_codebooks), sizeof(int32_t));
    there = there && l->host_latents && l->host_quantised && l->host_codes;
  }
  if (!there) {
    return error_set(err, STATUS_NO_MEMORY, "no memory for a lane's buffers");
  }
  const int per_example = 3 + LOSS_COUNT;
  return loss_sheet_init(&l->sheet, l->dev, (int)l->examples * per_example + RECIPE_MAX_WINDOWS,
                         err);
}

// Address space for a step; pages that no step touches cost nothing, so what a step needs shows in
// its first run and nothing is asked for after it.
static status reserve_memory(lane *l, error *err)
{
  void *block = mmap(NULL, LANE_MEMORY_BYTES, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (block == MAP_FAILED) {
    return error_set(err, STATUS_NO_MEMORY, "no memory for a lane's steps");
  }
  arena_init(&l->memory, block, LANE_MEMORY_BYTES);
  return STATUS_OK;
}

static status make_mel(lane *l, error *err)
{
  mel_loss_config config;
  mel_loss_configure(&config, &l->recipe->loss, (double)l->recipe->codec.rate_hz);
  const status code = mel_loss_new(&l->mel, &config, l->recipe->data.crop_samples, err);
  return code || !l->dev->losses ? code : mel_loss_place(l->mel, l->dev, err);
}

static status plan_memory(lane *l, error *err);

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
  if (code == STATUS_OK) {
    code = l->dev->losses ? plan_memory(l, err) : reserve_memory(l, err);
  }
  if (code != STATUS_OK) {
    lane_free(l);
    return code;
  }
  *out = l;
  return STATUS_OK;
}

// All that lies in the device's memory.
static void free_memory(lane *l)
{
  if (l->dev) {
    for (int i = 0; i < LOSS_COUNT; ++i) {
      l->dev->release(l->dev, l->gradients[i].data);
    }
    l->dev->release(l->dev, l->heard.data);
  }
  if (l->memory.data && l->dev && l->dev->losses) {
    l->dev->release(l->dev, l->memory.data);
  } else if (l->memory.data) {
    munmap(l->memory.data, LANE_MEMORY_BYTES);
  }
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
  free_memory(l);
  loss_sheet_free(&l->sheet);
  free(l->audio);
  free(l->latent_gradient);
  free(l->host_latents);
  free(l->host_quantised);
  free(l->host_codes);
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

// What the host sees of a tensor: itself, or a copy.
static const void *seen(lane *l, const tensor *t, void *copy)
{
  if (!copy) {
    return t->data;
  }
  run_download(&l->r, copy, t->data, tensor_bytes(t));
  return copy;
}

static void quantise(lane *l, const lane_step *step, tensor codes)
{
  const seanet_config *codec = &l->recipe->codec;
  const int64_t per_example = l->steps / l->examples, dim = codec->latent_dim;
  const float *latents = seen(l, &l->latents, l->host_latents);
  const int32_t *chosen = seen(l, &codes, l->host_codes);
  float *quantised = l->host_quantised ? l->host_quantised : l->quantised.data;
  for (int64_t i = 0; i < l->examples && run_ok(&l->r); ++i) {
    const int64_t at = i * per_example;
    const codebook_example e = {
        .latents = latents + at * dim,
        .codes = chosen + at * codec->n_codebooks,
        .steps = per_example,
        .n_used = codebooks_used(l, step, first_example(l, step) + (uint64_t)i),
        .weight = step->commitment / (double)l->recipe->batch.size,
        .quantised = quantised + at * dim,
        .rests = l->rests + at * codec->n_codebooks * dim,
        .gradient = l->latent_gradient + at * dim,
    };
    l->sums.commitment +=
        codebooks_quantise(&l->net->quantiser, &l->recipe->quantiser, &l->tally, &e);
  }
  l->sums.commitment /= (double)l->recipe->batch.size;
  if (l->host_quantised) {
    run_upload(&l->r, l->quantised.data, quantised, tensor_bytes(&l->quantised));
  }
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
  const int64_t rows = l->steps / l->examples, dim = l->recipe->codec.latent_dim;
  r->record = step->encoder_frozen ? NULL : l->encoding;
  l->latents = seanet_encode_forward(r, l->net, l->heard, NULL);
  r->record = NULL;
  if (step->quantised) {
    l->quantised = run_tensor(r, DTYPE_F32, 3, l->examples, rows, dim, 1);
    const tensor codes =
        rvq_encode(r, &l->net->quantiser, l->latents, l->net->quantiser.n_codebooks);
    if (run_ok(r)) {
      quantise(l, step, codes);
    }
  } else {
    seen(l, &l->latents, l->host_latents);
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

// Waveform and mel; where their numbers will be on the sheet.
static void ask_losses(lane *l, const lane_step *step, int *waves, int *mel)
{
  const float share = 1.0f / (float)l->recipe->batch.size;
  const double *weights = step->weights;
  *waves = loss_sheet_waves(&l->sheet, &l->r, &l->out, &l->heard, share,
                            weights[LOSS_WAVE_L1] > 0.0 ? &l->gradients[LOSS_WAVE_L1] : NULL,
                            weights[LOSS_WAVE_L2] > 0.0 ? &l->gradients[LOSS_WAVE_L2] : NULL);
  *mel = -1;
  if (weights[LOSS_MEL] > 0.0) {
    *mel = loss_sheet_mel(&l->sheet, &l->r, l->mel, &l->out, &l->heard, share,
                          &l->gradients[LOSS_MEL]);
  }
}

// What they found, each divided by the whole batch's size.
static void take_losses(lane *l, const lane_step *step, int waves, int mel)
{
  const double size = (double)l->recipe->batch.size;
  double *losses = l->sums.losses;
  for (int i = 0; i < (int)l->examples; ++i) {
    const double error_square = loss_sheet_get(&l->sheet, waves + 3 * i + 1);
    const double audio_square = loss_sheet_get(&l->sheet, waves + 3 * i + 2);
    if (step->weights[LOSS_WAVE_L1] > 0.0) {
      losses[LOSS_WAVE_L1] += loss_sheet_get(&l->sheet, waves + 3 * i);
    }
    if (step->weights[LOSS_WAVE_L2] > 0.0) {
      losses[LOSS_WAVE_L2] += error_square;
    }
    l->sums.error_square += error_square;
    l->sums.audio_square += audio_square;
    l->sums.snr_db += 10.0 * log10((audio_square + 1e-10) / (error_square + 1e-10));
  }
  losses[LOSS_WAVE_L1] /= size;
  losses[LOSS_WAVE_L2] /= size;
  losses[LOSS_MEL] = loss_sheet_get(&l->sheet, mel) / size;
  l->sums.error_square /= size;
  l->sums.audio_square /= size;
  l->sums.snr_db /= size;
  const float *latents = l->host_latents ? l->host_latents : l->latents.data;
  l->sums.latent_square =
      mean_square(latents, tensor_count(&l->latents)) * (double)l->examples / size;
}

// What the discriminators say of the output, and, when they learn, what they should.
static void hear_critics(lane *l, const lane_step *step)
{
  const adversary_batch batch = {.real = l->heard.data,
                                 .fake = l->out.data,
                                 .n_examples = l->examples,
                                 .n_samples = l->recipe->data.crop_samples,
                                 .example_weight = 1.0 / (double)l->recipe->batch.size,
                                 .learn = step->discriminate,
                                 .measuring = l->r.measuring};
  adversary_losses said = {0};
  adversary_judge(l->critics, &l->memory, &batch, l->gradients[LOSS_ADVERSARIAL].data,
                  l->gradients[LOSS_FEATURE].data, &said, &l->r.failure);
  l->sums.losses[LOSS_ADVERSARIAL] = said.adversarial;
  l->sums.losses[LOSS_FEATURE] = said.feature;
  l->sums.discriminator = said.discriminator;
  l->sums.score_real = said.score_real;
  l->sums.score_fake = said.score_fake;
}

static void begin(lane *l, bool measuring)
{
  arena_rewind(&l->memory, 0);
  tape_reset(l->encoding);
  tape_reset(l->decoding);
  run_init(&l->r, l->dev, &l->memory);
  l->r.measuring = measuring;
  l->sums = (lane_sums){0};
  loss_sheet_clear(&l->sheet);
  memset(l->latent_gradient, 0, (size_t)(l->steps * l->recipe->codec.latent_dim) * sizeof(float));
  for (int i = 0; i < LOSS_COUNT; ++i) {
    l->dev->zero(&l->r, l->gradients[i].data, (size_t)l->samples * sizeof(float));
  }
  run_upload(&l->r, l->heard.data, l->audio, (size_t)l->samples * sizeof(float));
}

// From the audio to the losses.
static void find_losses(lane *l, const lane_step *step)
{
  int waves = -1, mel = -1, norms[LOSS_COUNT] = {0};
  memset(l->tally.use, 0, (size_t)l->tally.count * sizeof(float));
  go_through(l, step);
  if (run_ok(&l->r)) {
    ask_losses(l, step, &waves, &mel);
  }
  if (run_ok(&l->r) && step->adversarial) {
    hear_critics(l, step);
  }
  for (int i = 0; run_ok(&l->r) && i < LOSS_COUNT && l->recipe->loss.balancer; ++i) {
    norms[i] = loss_sheet_norms(&l->sheet, &l->r, &l->gradients[i]);
  }
  loss_sheet_read(&l->sheet, &l->r);
  if (run_ok(&l->r)) {
    take_losses(l, step, waves, mel);
  }
  for (int i = 0; run_ok(&l->r) && i < LOSS_COUNT && l->recipe->loss.balancer; ++i) {
    l->sums.norms[i] = loss_sheet_get(&l->sheet, norms[i]);
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
  begin(l, false);
  find_losses(l, step);
  l->failure = l->r.failure;
}

// ---- backward -------------------------------------------------------------------------------

// The factors times the losses' gradients.
static tensor make_seed(lane *l, const double factors[LOSS_COUNT])
{
  run *r = &l->r;
  const tensor *like = &l->out;
  tensor seed = run_tensor(r, DTYPE_F32, 3, like->dims[0], like->dims[1], like->dims[2], 1);
  tensor part = run_tensor(r, DTYPE_F32, 3, like->dims[0], like->dims[1], like->dims[2], 1);
  if (run_ok(r)) {
    l->dev->zero(r, seed.data, tensor_bytes(&seed));
  }
  for (int i = 0; i < LOSS_COUNT && run_ok(r); ++i) {
    if ((float)factors[i] != 0.0f) {
      l->dev->table.scale(r, &part, &l->gradients[i], (float)factors[i]);
      l->dev->table.add(r, &seed, &seed, &part);
    }
  }
  return seed;
}

static void sweep(lane *l, const lane_step *step, const double factors[LOSS_COUNT])
{
  run *r = &l->r;
  const tensor seed = make_seed(l, factors);
  r->record = l->decoding;
  if (run_ok(r)) {
    tape_backward(r, &l->out, &seed);
  }
  if (!step->encoder_frozen && run_ok(r)) {
    tensor straight = tape_gradient(r, &l->quantised);
    tensor commitment =
        run_tensor(r, DTYPE_F32, 3, straight.dims[0], straight.dims[1], straight.dims[2], 1);
    if (run_ok(r)) {
      run_upload(r, commitment.data, l->latent_gradient, tensor_bytes(&commitment));
      l->dev->table.add(r, &straight, &straight, &commitment);
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

// ---- else -----------------------------------------------------------------------------------

// What the largest step takes is measured in a step that queues nothing, and taken once.
static status plan_memory(lane *l, error *err)
{
  const bool judged = l->critics != NULL;
  lane_step step = {
      .quantised = true, .adversarial = judged, .discriminate = judged, .commitment = 1.0};
  double factors[LOSS_COUNT];
  for (int i = 0; i < LOSS_COUNT; ++i) {
    step.weights[i] = factors[i] = 1.0;
  }
  codebook_tally tally = {0};
  float *rests =
      calloc((size_t)(l->steps * l->recipe->codec.n_codebooks * l->recipe->codec.latent_dim),
             sizeof *rests);
  status code = codebook_tally_init(&tally, &l->net->quantiser, err);
  if (code == STATUS_OK && !rests) {
    code = error_set(err, STATUS_NO_MEMORY, "no memory to plan a lane's steps");
  }
  if (code == STATUS_OK) {
    l->tally = tally;
    l->rests = rests;
    arena_init(&l->memory, (void *)(uintptr_t)ARENA_ALIGN_BYTES, SIZE_MAX / 2);
    begin(l, true);
    find_losses(l, &step);
    sweep(l, &step, factors);
    code =
        run_ok(&l->r) ? STATUS_OK : error_set(err, l->r.failure.code, "%s", l->r.failure.message);
  }
  const size_t bytes = l->memory.peak_bytes;
  codebook_tally_free(&tally);
  free(rests);
  l->tally = (codebook_tally){0};
  l->rests = NULL;
  arena_init(&l->memory, NULL, 0);
  void *block = code == STATUS_OK ? l->dev->allocate(l->dev, bytes) : NULL;
  if (code == STATUS_OK && !block) {
    return error_set(err, STATUS_NO_MEMORY,
                     "%s: no %zu MiB for a step of %lld examples: a smaller batch.size, or more "
                     "batch.micro_batches",
                     l->dev->name, bytes >> 20, (long long)l->examples);
  }
  arena_init(&l->memory, block, block ? bytes : 0);
  return code;
}

void lane_output(lane *l, float *audio)
{
  l->dev->download(l->dev, audio, l->out.data, (size_t)l->samples * sizeof(float), NULL);
}

void lane_encode(lane *l, uint64_t first, float *latents)
{
  const int64_t crop = l->recipe->data.crop_samples;
  for (int64_t i = 0; i < l->examples; ++i) {
    crops_fill(l->source, first + (uint64_t)i, l->audio + i * crop);
  }
  begin(l, false);
  const tensor found = seanet_encode_forward(&l->r, l->net, l->heard, NULL);
  run_download(&l->r, latents, found.data, tensor_bytes(&found));
  l->failure = l->r.failure;
}
