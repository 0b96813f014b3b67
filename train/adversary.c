// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "train/adversary.h"

#include "gpu/tape.h"
#include "train/loss_sheet.h"
#include "train/work_count.h"

#include <stdlib.h>

#define TAPE_CALLS 64                              // of one discriminator's forward
#define NET_NUMBERS (6 + 2 * VERDICT_MAX_FEATURES) // that its losses leave on the sheet

/// Where on the sheet one discriminator's losses are; -1: not taken.
typedef struct net_notes {
  int real, fake, adversarial;
  int features[VERDICT_MAX_FEATURES], n_features;
  double units[VERDICT_MAX_FEATURES]; ///< of each feature's loss in the network's
} net_notes;

struct adversary {
  device *dev;
  bool hinge_generator, feature_relative, feature_sum;
  discriminator *nets[ADVERSARY_MAX];
  int n_nets;
  tape *record;
  net_notes notes[ADVERSARY_MAX]; ///< of the call at hand
  loss_sheet sheet;
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
  if (dev->real != DTYPE_F32) {
    return error_set(err, STATUS_UNSUPPORTED, "discriminators run in f32, not on %s", dev->name);
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
  code = code ? code : loss_sheet_init(&a->sheet, dev, n_nets * NET_NUMBERS, err);
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
    loss_sheet_free(&a->sheet);
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

static tensor audio_tensor(const adversary_batch *batch, const float *audio)
{
  return tensor_view((void *)(uintptr_t)audio, DTYPE_F32, 3, batch->n_examples, batch->n_samples, 1,
                     1);
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
static void learn_from(adversary *a, run *r, const verdict *said, hinge_kind kind, double share,
                       net_notes *notes)
{
  tensor seed = run_ok(r) ? seed_for(r, &said->logits) : (tensor){0};
  if (!run_ok(r)) {
    return;
  }
  const int at = loss_sheet_hinge(&a->sheet, r, &said->logits, kind, share, &seed);
  *(kind == HINGE_REAL ? &notes->real : &notes->fake) = at;
  tape_set_targets(a->record, TAPE_WEIGHTS);
  tape_backward(r, &said->logits, &seed);
}

/// What the generator's losses are worth, and where their gradients go; one of the two, or both.
typedef struct aim {
  double adversarial, feature; ///< factors of the gradients
  float *gradient;             ///< [n_examples, n_samples], added to
} aim;

static void seed_adversarial(adversary *a, run *r, const verdict *fake, double factor,
                             net_notes *notes)
{
  tensor seed = seed_for(r, &fake->logits);
  if (run_ok(r)) {
    const hinge_kind kind = a->hinge_generator ? HINGE_REAL : HINGE_NONE;
    notes->adversarial = loss_sheet_hinge(&a->sheet, r, &fake->logits, kind, factor, &seed);
    tape_seed(r, &fake->logits, &seed);
  }
}

/// What turns a mean over a feature tensor [n, T, ...] into a mean over n and T.
static double feature_unit(const adversary *a, const tensor *feature)
{
  return a->feature_sum ? (double)(feature->dims[2] * feature->dims[3]) : 1.0;
}

static void seed_features(adversary *a, run *r, const verdict *fake, const verdict *real,
                          double factor, net_notes *notes)
{
  for (int i = 0; i < fake->n_features && run_ok(r); ++i) {
    const tensor *feature = &fake->features[i];
    const double unit = feature_unit(a, feature) / (double)fake->n_features;
    tensor seed = seed_for(r, feature);
    if (run_ok(r)) {
      notes->units[i] = unit;
      notes->features[i] = loss_sheet_feature(&a->sheet, r, feature, &real->features[i],
                                              a->feature_relative, factor * unit, &seed);
      notes->n_features = i + 1;
      tape_seed(r, feature, &seed);
    }
  }
}

/// Sweep from what was seeded down to the audio, and add what arrives.
static void sweep_into(run *r, const tensor *audio, float *gradient)
{
  tape_sweep(r, 0, tape_position(r->record));
  const tensor arrived = tape_gradient(r, audio);
  if (run_ok(r)) {
    tensor to = arrived;
    to.data = gradient;
    r->dev->table.add(r, &to, &to, &arrived);
  }
  tape_clear_gradients(r->record);
}

/// What the network says of real audio. Nothing is kept for a sweep later.
static verdict hear_real(adversary *a, run *r, const discriminator *net,
                         const adversary_batch *batch, net_notes *notes)
{
  r->record = batch->learn ? a->record : NULL;
  const verdict real = discriminator_forward(r, net, audio_tensor(batch, batch->real));
  const size_t mark = arena_mark(r->memory);
  if (batch->learn) {
    learn_from(a, r, &real, HINGE_REAL, share_of(a, batch), notes);
    tape_reset(a->record);
    arena_rewind(r->memory, mark);
  }
  return real;
}

static void judge_with(adversary *a, run *r, int net, const adversary_batch *batch, const aim *aims,
                       int n_aims)
{
  const double share = share_of(a, batch);
  net_notes *notes = &a->notes[net];
  const verdict real = hear_real(a, r, a->nets[net], batch, notes);
  tensor audio = audio_tensor(batch, batch->fake);
  r->record = a->record;
  tape_watch(r, &audio);
  const verdict fake = discriminator_forward(r, a->nets[net], audio);
  if (batch->learn) {
    learn_from(a, r, &fake, HINGE_FAKE, share, notes);
    tape_clear_gradients(a->record);
  }
  tape_set_targets(a->record, TAPE_TENSORS);
  for (int i = 0; i < n_aims && run_ok(r); ++i) {
    if (aims[i].adversarial != 0.0) {
      seed_adversarial(a, r, &fake, share * aims[i].adversarial, notes);
    }
    if (aims[i].feature != 0.0) {
      seed_features(a, r, &fake, &real, share * aims[i].feature, notes);
    }
    sweep_into(r, &audio, aims[i].gradient);
  }
}

/// What all networks noted, in their order; the losses were set to zero.
static void sum_notes(adversary *a, run *r, double share, adversary_losses *losses)
{
  loss_sheet_read(&a->sheet, r);
  for (int i = 0; i < a->n_nets && run_ok(r); ++i) {
    const net_notes *n = &a->notes[i];
    double feature = 0.0;
    for (int k = 0; k < n->n_features; ++k) {
      feature += n->units[k] * loss_sheet_get(&a->sheet, n->features[k]);
    }
    losses->discriminator += share * loss_sheet_get(&a->sheet, n->real);
    losses->discriminator += share * loss_sheet_get(&a->sheet, n->fake);
    losses->score_real += n->real < 0 ? 0.0 : share * loss_sheet_get(&a->sheet, n->real + 1);
    losses->score_fake += n->fake < 0 ? 0.0 : share * loss_sheet_get(&a->sheet, n->fake + 1);
    losses->adversarial += share * loss_sheet_get(&a->sheet, n->adversarial);
    losses->feature += share * feature;
  }
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

static void begin(adversary *a, run *r, arena *memory, const adversary_batch *batch)
{
  run_init(r, a->dev, memory);
  r->measuring = batch->measuring;
  tape_reset(a->record);
  loss_sheet_clear(&a->sheet);
  for (int i = 0; i < a->n_nets; ++i) {
    a->notes[i] = (net_notes){.real = -1, .fake = -1, .adversarial = -1};
  }
}

status adversary_discriminate(adversary *a, arena *memory, const adversary_batch *batch,
                              adversary_losses *losses, error *err)
{
  run r;
  const size_t mark = arena_mark(memory);
  begin(a, &r, memory, batch);
  r.record = a->record;
  losses->discriminator = losses->score_real = losses->score_fake = 0.0;
  for (int i = 0; i < 2 * a->n_nets && run_ok(&r); ++i) {
    const bool real = i % 2 == 0;
    const tensor audio = audio_tensor(batch, real ? batch->real : batch->fake);
    const verdict said = discriminator_forward(&r, a->nets[i / 2], audio);
    learn_from(a, &r, &said, real ? HINGE_REAL : HINGE_FAKE, share_of(a, batch), &a->notes[i / 2]);
    finish(&r, mark);
  }
  adversary_losses said = {0};
  sum_notes(a, &r, share_of(a, batch), &said);
  losses->discriminator = said.discriminator;
  losses->score_real = said.score_real;
  losses->score_fake = said.score_fake;
  return result(&r, err);
}

static status judge(adversary *a, arena *memory, const adversary_batch *batch, const aim *aims,
                    int n_aims, adversary_losses *losses, error *err)
{
  run r;
  const size_t mark = arena_mark(memory);
  begin(a, &r, memory, batch);
  const size_t bytes = (size_t)(batch->n_examples * batch->n_samples) * sizeof(float);
  for (int i = 0; i < n_aims; ++i) {
    a->dev->zero(&r, aims[i].gradient, bytes);
  }
  for (int i = 0; i < a->n_nets && run_ok(&r); ++i) {
    judge_with(a, &r, i, batch, aims, n_aims);
    finish(&r, mark);
  }
  adversary_losses said = {0};
  sum_notes(a, &r, share_of(a, batch), &said);
  losses->adversarial = said.adversarial;
  losses->feature = said.feature;
  if (batch->learn) {
    losses->discriminator = said.discriminator;
    losses->score_real = said.score_real;
    losses->score_fake = said.score_fake;
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
      a->dev->zero(&r, silence.data, tensor_bytes(&silence));
      discriminator_forward(&r, a->nets[i], silence);
      *multiply_adds += tape_multiply_adds(a->record);
    }
    finish(&r, mark);
  }
  return result(&r, err);
}
