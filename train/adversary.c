// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "train/adversary.h"

#include "gpu/tape.h"
#include "train/adversarial_loss.h"
#include "train/work_count.h"

#include <stdlib.h>
#include <string.h>

#define TAPE_CALLS 64 // of one discriminator's forward

struct adversary {
  device *dev;
  bool hinge_generator, feature_relative, feature_sum;
  discriminator *nets[ADVERSARY_MAX];
  int n_nets;
  tape *record;
};

// ---- building ---------------------------------------------------------------------------

/// What the recipe asks for; returns how many (more than ADVERSARY_MAX: too many).
static int list_configs(const recipe_discriminator *from, discriminator_config *to)
{
  int n = 0;
  const int total = from->stft_windows.n + (int)from->wave_scales + from->periods.n;
  if (total > ADVERSARY_MAX) {
    return total;
  }
  for (int i = 0; i < from->stft_windows.n; ++i) {
    to[n++] = (discriminator_config){
        from->stft_single ? DISCRIMINATOR_STFT_RESIDUAL : DISCRIMINATOR_STFT,
        from->stft_windows.values[i], from->stft_channels, from->weight_norm};
  }
  for (int i = 0; i < (int)from->wave_scales; ++i) {
    to[n++] = (discriminator_config){DISCRIMINATOR_WAVE, (int64_t)1 << i, from->wave_channels,
                                     from->weight_norm};
  }
  for (int i = 0; i < from->periods.n; ++i) {
    to[n++] = (discriminator_config){DISCRIMINATOR_PERIOD, from->periods.values[i],
                                     from->period_channels, from->weight_norm};
  }
  return n;
}

static status check(const device *dev, int n_nets, error *err)
{
  if (n_nets == 0 || n_nets > ADVERSARY_MAX) {
    return error_set(err, STATUS_USAGE, "the recipe has %d discriminators, 1 to %d are possible",
                     n_nets, ADVERSARY_MAX);
  }
  if (dev->kind != COMPUTE_CPU || dev->real != DTYPE_F32) {
    return error_set(err, STATUS_UNSUPPORTED, "discriminators run on the CPU in f32, not on %s",
                     dev->name);
  }
  return STATUS_OK;
}

static status add_net(adversary *a, const discriminator_config *config, const recipe *settings,
                      error *err)
{
  const status code = discriminator_new(&a->nets[a->n_nets], config, err);
  if (code != STATUS_OK) {
    return code;
  }
  discriminator *net = a->nets[a->n_nets++];
  if (settings->data.crop_samples < discriminator_least_samples(net)) {
    return error_set(err, STATUS_USAGE,
                     "crops of %lld samples are shorter than a discriminator's window of %lld",
                     (long long)settings->data.crop_samples,
                     (long long)discriminator_least_samples(net));
  }
  layer_set_start_uniform(&net->set, (uint64_t)settings->run.seed);
  return discriminator_track(net, a->dev, err);
}

status adversary_new(adversary **out, const recipe *settings, device *dev, error *err)
{
  discriminator_config configs[ADVERSARY_MAX];
  const int n_nets = list_configs(&settings->discriminator, configs);
  *out = NULL;
  status code = check(dev, n_nets, err);
  if (code != STATUS_OK) {
    return code;
  }
  adversary *a = calloc(1, sizeof *a);
  if (!a) {
    return error_set(err, STATUS_NO_MEMORY, "no memory for %d discriminators", n_nets);
  }
  a->dev = device_ref(dev);
  a->hinge_generator = settings->discriminator.hinge_generator;
  a->feature_relative = settings->loss.feature_relative;
  a->feature_sum = settings->loss.feature_sum && !settings->loss.feature_relative;
  code = tape_new(&a->record, TAPE_CALLS, err);
  for (int i = 0; i < n_nets && code == STATUS_OK; ++i) {
    code = add_net(a, &configs[i], settings, err);
  }
  if (code == STATUS_OK) {
    code = adversary_refresh(a, err);
  }
  if (code != STATUS_OK) {
    adversary_free(a);
    return code;
  }
  *out = a;
  return STATUS_OK;
}

void adversary_free(adversary *a)
{
  if (a) {
    for (int i = 0; i < a->n_nets; ++i) {
      discriminator_free(a->nets[i], a->dev);
    }
    tape_free(a->record);
    device_unref(a->dev);
    free(a);
  }
}

int adversary_sets(adversary *a, layer_set *sets[ADVERSARY_MAX])
{
  for (int i = 0; i < a->n_nets; ++i) {
    sets[i] = &a->nets[i]->set;
  }
  return a->n_nets;
}

status adversary_refresh(adversary *a, error *err)
{
  status code = STATUS_OK;
  for (int i = 0; i < a->n_nets && code == STATUS_OK; ++i) {
    code = discriminator_refresh(a->nets[i], a->dev, err);
  }
  return code;
}

// ---- one discriminator ------------------------------------------------------------------

static tensor audio_tensor(run *r, const adversary_batch *batch, const float *audio)
{
  tensor t = run_tensor(r, DTYPE_F32, 3, batch->n_examples, batch->n_samples, 1, 1);
  if (run_ok(r)) {
    memcpy(t.data, audio, tensor_bytes(&t));
  }
  return t;
}

/// Room for a loss's gradient toward `t`.
static tensor seed_for(run *r, const tensor *t)
{
  return run_tensor(r, DTYPE_F32, t->rank, t->dims[0], t->dims[1], t->dims[2], t->dims[3]);
}

/// The part of the step's mean that this lane's mean over one discriminator is.
static double share_of(const adversary *a, const adversary_batch *batch)
{
  return (double)batch->n_examples * batch->example_weight / (double)a->n_nets;
}

/// One side of the hinge: its loss, swept into the weights' gradients.
static void learn_from(adversary *a, run *r, const verdict *said, bool real, double share,
                       adversary_losses *losses)
{
  const tensor seed = run_ok(r) ? seed_for(r, &said->logits) : (tensor){0};
  if (!run_ok(r)) {
    return;
  }
  const float *logits = said->logits.data;
  const int64_t count = tensor_count(&said->logits);
  const double loss =
      (real ? adversarial_loss_real : adversarial_loss_fake)(logits, count, share, seed.data);
  double *score = real ? &losses->score_real : &losses->score_fake;
  *score += share * ordered_sum(logits, count) / (double)count;
  losses->discriminator += share * loss;
  tape_set_targets(a->record, TAPE_WEIGHTS);
  tape_backward(r, &said->logits, &seed);
}

/// What the generator's losses are worth, and where their gradients go; one of the two, or both.
typedef struct aim {
  double adversarial, feature; ///< factors of the gradients
  float *gradient;             ///< [n_examples, n_samples], added to
} aim;

static void seed_adversarial(const adversary *a, run *r, const verdict *fake, double factor,
                             double *loss)
{
  const tensor seed = seed_for(r, &fake->logits);
  if (run_ok(r)) {
    *loss = adversarial_loss_generator(fake->logits.data, tensor_count(&fake->logits),
                                       a->hinge_generator, factor, seed.data);
    tape_seed(r, &fake->logits, &seed);
  }
}

/// What turns a mean over a feature tensor [n, T, ...] into a mean over n and T.
static double feature_unit(const adversary *a, const tensor *feature)
{
  return a->feature_sum ? (double)(feature->dims[2] * feature->dims[3]) : 1.0;
}

static void seed_features(const adversary *a, run *r, const verdict *fake, const verdict *real,
                          double factor, double *loss)
{
  double sum = 0.0;
  for (int i = 0; i < fake->n_features && run_ok(r); ++i) {
    const tensor *feature = &fake->features[i];
    const double unit = feature_unit(a, feature) / (double)fake->n_features;
    const tensor seed = seed_for(r, feature);
    if (run_ok(r)) {
      sum += unit * feature_loss(feature->data, real->features[i].data, tensor_count(feature),
                                 a->feature_relative, factor * unit, seed.data);
      tape_seed(r, feature, &seed);
    }
  }
  *loss = sum;
}

/// Sweep from what was seeded down to the audio, and add what arrives.
static void sweep_into(run *r, const tensor *audio, float *gradient)
{
  tape_sweep(r, 0, tape_position(r->record));
  const tensor arrived = tape_gradient(r, audio);
  if (run_ok(r)) {
    const float *from = arrived.data;
    for (int64_t i = 0; i < tensor_count(&arrived); ++i) {
      gradient[i] += from[i];
    }
  }
  tape_clear_gradients(r->record);
}

/// What the network says of real audio. Nothing is kept for a sweep later.
static verdict hear_real(adversary *a, run *r, const discriminator *net,
                         const adversary_batch *batch, adversary_losses *losses)
{
  r->record = batch->learn ? a->record : NULL;
  const verdict real = discriminator_forward(r, net, audio_tensor(r, batch, batch->real));
  const size_t mark = arena_mark(r->memory);
  if (batch->learn) {
    learn_from(a, r, &real, true, share_of(a, batch), losses);
    tape_reset(a->record);
    arena_rewind(r->memory, mark);
  }
  return real;
}

static void judge_with(adversary *a, run *r, const discriminator *net, const adversary_batch *batch,
                       const aim *aims, int n_aims, adversary_losses *losses)
{
  const double share = share_of(a, batch);
  double adversarial = 0.0, feature = 0.0;
  const verdict real = hear_real(a, r, net, batch, losses);
  tensor audio = audio_tensor(r, batch, batch->fake);
  r->record = a->record;
  tape_watch(r, &audio);
  const verdict fake = discriminator_forward(r, net, audio);
  if (batch->learn) {
    learn_from(a, r, &fake, false, share, losses);
    tape_clear_gradients(a->record);
  }
  tape_set_targets(a->record, TAPE_TENSORS);
  for (int i = 0; i < n_aims && run_ok(r); ++i) {
    if (aims[i].adversarial != 0.0) {
      seed_adversarial(a, r, &fake, share * aims[i].adversarial, &adversarial);
    }
    if (aims[i].feature != 0.0) {
      seed_features(a, r, &fake, &real, share * aims[i].feature, &feature);
    }
    sweep_into(r, &audio, aims[i].gradient);
  }
  losses->adversarial += share * adversarial;
  losses->feature += share * feature;
}

// ---- all of them ------------------------------------------------------------------------

/// The arena goes back to where it was after each discriminator, or side of one.
static void finish(run *r, size_t mark)
{
  tape_reset(r->record);
  arena_rewind(r->memory, mark);
}

static status result(const run *r, error *err)
{
  return run_ok(r) ? STATUS_OK : error_set(err, r->failure.code, "%s", r->failure.message);
}

status adversary_discriminate(adversary *a, arena *memory, const adversary_batch *batch,
                              adversary_losses *losses, error *err)
{
  run r;
  const size_t mark = arena_mark(memory);
  run_init(&r, a->dev, memory);
  r.record = a->record;
  tape_reset(a->record);
  losses->discriminator = losses->score_real = losses->score_fake = 0.0;
  for (int i = 0; i < 2 * a->n_nets && run_ok(&r); ++i) {
    const bool real = i % 2 == 0;
    const tensor audio = audio_tensor(&r, batch, real ? batch->real : batch->fake);
    const verdict said = discriminator_forward(&r, a->nets[i / 2], audio);
    learn_from(a, &r, &said, real, share_of(a, batch), losses);
    finish(&r, mark);
  }
  return result(&r, err);
}

static status judge(adversary *a, arena *memory, const adversary_batch *batch, const aim *aims,
                    int n_aims, adversary_losses *losses, error *err)
{
  run r;
  const size_t mark = arena_mark(memory);
  run_init(&r, a->dev, memory);
  tape_reset(a->record);
  losses->adversarial = losses->feature = 0.0;
  if (batch->learn) {
    losses->discriminator = losses->score_real = losses->score_fake = 0.0;
  }
  for (int i = 0; i < n_aims; ++i) {
    memset(aims[i].gradient, 0,
           (size_t)(batch->n_examples * batch->n_samples) * sizeof *aims[i].gradient);
  }
  for (int i = 0; i < a->n_nets && run_ok(&r); ++i) {
    judge_with(a, &r, a->nets[i], batch, aims, n_aims, losses);
    finish(&r, mark);
  }
  return result(&r, err);
}

status adversary_judge(adversary *a, arena *memory, const adversary_batch *batch,
                       float *gradient_adversarial, float *gradient_feature,
                       adversary_losses *losses, error *err)
{
  const aim aims[] = {{.adversarial = 1.0, .gradient = gradient_adversarial},
                      {.feature = 1.0, .gradient = gradient_feature}};
  return judge(a, memory, batch, aims, 2, losses, err);
}

status adversary_judge_weighted(adversary *a, arena *memory, const adversary_batch *batch,
                                double weight_adversarial, double weight_feature, float *gradient,
                                adversary_losses *losses, error *err)
{
  const aim both = {weight_adversarial, weight_feature, gradient};
  return judge(a, memory, batch, &both, 1, losses, err);
}

status adversary_work(adversary *a, arena *memory, int64_t n_examples, int64_t n_samples,
                      double *multiply_adds, error *err)
{
  run r;
  const size_t mark = arena_mark(memory);
  run_init(&r, a->dev, memory);
  r.record = a->record;
  tape_reset(a->record);
  *multiply_adds = 0.0;
  for (int i = 0; i < a->n_nets && run_ok(&r); ++i) {
    const tensor silence = run_tensor(&r, DTYPE_F32, 3, n_examples, n_samples, 1, 1);
    if (run_ok(&r)) {
      memset(silence.data, 0, tensor_bytes(&silence));
      discriminator_forward(&r, a->nets[i], silence);
      *multiply_adds += tape_multiply_adds(a->record);
    }
    finish(&r, mark);
  }
  return result(&r, err);
}
