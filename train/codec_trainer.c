// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "train/codec_trainer.h"

#include "base/random.h"
#include "models/seanet_file.h"
#include "train/recipe_match.h"
#include "train/unit_variance.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

// ---- making one -----------------------------------------------------------------------------

static status make_lanes(codec_trainer *t, const trainer_options *options, error *err)
{
  const int64_t n_all = t->recipe.batch.micro_batches, n_own = n_all / t->processes.count;
  device_options own = options->device;
  own.n_threads = 1;
  if (n_own * t->processes.count != n_all) {
    return error_set(err, STATUS_USAGE,
                     "batch.micro_batches is %lld, expected a multiple of the %d processes",
                     (long long)n_all, t->processes.count);
  }
  t->lanes = calloc((size_t)n_own, sizeof(lane *));
  if (!t->lanes) {
    return error_set(err, STATUS_NO_MEMORY, "no memory for lanes");
  }
  status code = STATUS_OK;
  for (int64_t i = 0; i < n_own && code == STATUS_OK; ++i) {
    code = lane_new(&t->lanes[i], &t->recipe, t->source, t->processes.rank * n_own + i, &own, err);
    t->n_lanes += code == STATUS_OK;
  }
  const int n_threads = options->n_threads < t->n_lanes ? options->n_threads : t->n_lanes;
  return code || n_threads <= 1 ? code : team_new(&t->threads, n_threads, err);
}

static status make_arrays(const codec_trainer *t, lane_arrays *a, int64_t count, error *err)
{
  return lane_arrays_init(a, &t->processes, t->recipe.batch.micro_batches, count, err);
}

static status make_critics(codec_trainer *t, error *err)
{
  layer_set *sets[ADVERSARY_MAX];
  const int n = adversary_sets(t->lanes[0]->critics, sets);
  status code = optimiser_new(&t->critics, &t->recipe.discriminator_optimiser, sets, n, err);
  code = code ? code : make_arrays(t, &t->critics_flats, t->critics->n_values, err);
  for (int i = 0; i < t->n_lanes && code == STATUS_OK; ++i) {
    t->lanes[i]->critics_flat = lane_arrays_of(&t->critics_flats, t->lanes[i]->index);
  }
  return code;
}

/// Nobody else's gradients are to be added, and the device can do the rest.
static bool stays_there(const codec_trainer *t)
{
  return t->recipe.batch.micro_batches == 1 && t->processes.count == 1 && t->lanes[0]->dev->updates;
}

static status place_optimisers(codec_trainer *t, error *err)
{
  lane *l = t->lanes[0];
  layer_set *sets[LANE_SETS], *critics[ADVERSARY_MAX];
  lane_sets(l, sets);
  status code =
      optimiser_device_new(&t->generator_there, t->generator, l->dev, sets, LANE_SETS, err);
  if (code == STATUS_OK && t->critics) {
    const int n = adversary_sets(l->critics, critics);
    code = optimiser_device_new(&t->critics_there, t->critics, l->dev, critics, n, err);
  }
  return code;
}

/// What lanes write and the others read.
static void place_arrays(codec_trainer *t)
{
  for (int i = 0; i < t->n_lanes; ++i) {
    lane *l = t->lanes[i];
    l->flat = lane_arrays_of(&t->flats, l->index);
    l->rests = lane_arrays_of(&t->rests, l->index);
    codebook_tally_place(&l->tally, &l->net->quantiser, lane_arrays_of(&t->tallies, l->index));
  }
}

static status make_sums(codec_trainer *t, error *err)
{
  layer_set *sets[LANE_SETS];
  lane_sets(t->lanes[0], sets);
  status code = optimiser_new(&t->generator, &t->recipe.optimiser, sets, LANE_SETS, err);
  code = code ? code
              : codebooks_new(&t->books, &t->recipe.quantiser, &t->lanes[0]->net->quantiser, err);
  if (code != STATUS_OK) {
    return code;
  }
  const int64_t latents = t->lanes[0]->steps * t->recipe.codec.latent_dim;
  t->books->stop = t->stop;
  t->tally = calloc((size_t)t->books->count, sizeof(float));
  t->sums = calloc((size_t)t->recipe.batch.micro_batches, sizeof *t->sums);
  if (!t->tally || !t->sums) {
    return error_set(err, STATUS_NO_MEMORY, "no memory for a step's sums");
  }
  code = make_arrays(t, &t->flats, t->generator->n_values, err);
  code = code ? code : make_arrays(t, &t->tallies, t->books->count, err);
  code = code ? code : make_arrays(t, &t->rests, latents * t->recipe.codec.n_codebooks, err);
  code = code ? code : make_arrays(t, &t->latents, latents, err);
  if (code == STATUS_OK) {
    place_arrays(t);
  }
  return code;
}

/// One of the names in recipe.run.freeze.
static status freeze_name(codec_trainer *t, const char *pattern, error *err)
{
  if (optimiser_freeze(t->generator, pattern) + codebooks_hold(t->books, pattern) == 0) {
    return error_set(err, STATUS_USAGE,
                     "run.freeze: nothing is called \"%.100s\"; names are like %s and %s", pattern,
                     t->generator->parameters[0].name, t->books->quantiser->codebooks[0].name);
  }
  return STATUS_OK;
}

static status freeze_names(codec_trainer *t, error *err)
{
  char names[sizeof t->recipe.run.freeze], *rest = names;
  status code = STATUS_OK;
  memcpy(names, t->recipe.run.freeze, sizeof names);
  for (char *name; code == STATUS_OK && (name = strtok_r(rest, ", \t", &rest));) {
    code = freeze_name(t, name, err);
  }
  t->encoder_held = true;
  for (int i = 0; i < t->generator->n_parameters; ++i) {
    const parameter *p = &t->generator->parameters[i];
    t->encoder_held = t->encoder_held && (p->frozen || strncmp(p->name, "encoder.", 8) != 0);
  }
  return code;
}

/// Held codebooks must come from somewhere: k-means would move them.
static status check_held(const codec_trainer *t, error *err)
{
  for (int k = 0; k < t->books->quantiser->n_codebooks && !t->books->started; ++k) {
    if (t->books->held[k]) {
      return error_set(err, STATUS_USAGE,
                       "run.freeze: %s has no values yet, which --init-from would bring",
                       t->books->quantiser->codebooks[k].name);
    }
  }
  return STATUS_OK;
}

status codec_trainer_new(codec_trainer **out, const recipe *wanted, const crops *source,
                         const trainer_options *options, error *err)
{
  *out = NULL;
  if (wanted->codec.n_channels != 1) {
    return error_set(err, STATUS_UNSUPPORTED, "%s: only codecs of one channel can be trained",
                     wanted->name);
  }
  codec_trainer *t = calloc(1, sizeof *t);
  if (!t) {
    return error_set(err, STATUS_NO_MEMORY, "no memory for a trainer");
  }
  t->recipe = *wanted;
  t->source = source;
  t->log = options->log;
  t->processes = options->processes.count ? options->processes : PROCESSES_ALONE;
  t->stop = options->stop;
  t->best = HUGE_VAL;
  balancer_init(&t->balance, wanted->loss.balancer_decay);
  status code = make_lanes(t, options, err);
  code = code ? code : make_sums(t, err);
  if (code == STATUS_OK && t->lanes[0]->critics) {
    code = make_critics(t, err);
  }
  if (code == STATUS_OK && stays_there(t)) {
    code = place_optimisers(t, err);
  }
  code = code ? code : freeze_names(t, err);
  if (code != STATUS_OK) {
    codec_trainer_free(t);
    return code;
  }
  *out = t;
  return STATUS_OK;
}

void codec_trainer_free(codec_trainer *t)
{
  if (!t) {
    return;
  }
  for (int i = 0; i < t->n_lanes; ++i) {
    lane_free(t->lanes[i]);
  }
  team_free(t->threads);
  optimiser_device_free(t->generator_there);
  optimiser_device_free(t->critics_there);
  optimiser_free(t->generator);
  optimiser_free(t->critics);
  codebooks_free(t->books);
  lane_arrays_free(&t->flats);
  lane_arrays_free(&t->critics_flats);
  lane_arrays_free(&t->tallies);
  lane_arrays_free(&t->rests);
  lane_arrays_free(&t->latents);
  free(t->lanes);
  free(t->sums);
  free(t->tally);
  free(t);
}

// ---- lanes ----------------------------------------------------------------------------------

typedef struct lane_call {
  codec_trainer *t;
  void (*work)(codec_trainer *t, lane *l);
} lane_call;

static void carry_lanes(void *user, int index, int n)
{
  const lane_call *call = user;
  device_flush_denormals();
  for (int i = index; i < call->t->n_lanes; i += n) {
    call->work(call->t, call->t->lanes[i]);
  }
}

/// Call `work` for every lane of this process, on the team; the first lane's failure is its own.
static status each_lane(codec_trainer *t, void (*work)(codec_trainer *t, lane *l), error *err)
{
  lane_call call = {t, work};
  team_run(t->threads, carry_lanes, &call);
  for (int i = 0; i < t->n_lanes; ++i) {
    if (t->lanes[i]->failure.code != STATUS_OK) {
      *err = t->lanes[i]->failure;
      return err->code;
    }
  }
  return STATUS_OK;
}

/// Likewise for the lanes of all processes: the first one's failure is everybody's.
static status all_lanes(codec_trainer *t, void (*work)(codec_trainer *t, lane *l), error *err)
{
  return processes_agree(&t->processes, each_lane(t, work, err), err);
}

static void work_copy(codec_trainer *t, lane *l)
{
  l->failure = (error){0};
  if (l != t->lanes[0]) {
    lane_copy_weights(l, t->lanes[0]);
  }
}

static void work_refresh(codec_trainer *t, lane *l)
{
  (void)t;
  l->failure = (error){0};
  lane_refresh(l, &l->failure);
}

status codec_trainer_follow(codec_trainer *t, error *err)
{
  // Apart: refreshing folds weight normalisation into the masters that the others copy.
  status code = each_lane(t, work_copy, err);
  code = code ? code : each_lane(t, work_refresh, err);
  if (code == STATUS_OK && t->generator_there) {
    code = optimiser_device_send(t->generator_there, err);
  }
  if (code == STATUS_OK && t->critics_there) {
    code = optimiser_device_send(t->critics_there, err);
  }
  t->host_is_old = false;
  return code;
}

status codec_trainer_fetch(codec_trainer *t, error *err)
{
  status code = STATUS_OK;
  if (t->host_is_old) {
    code = optimiser_device_fetch(t->generator_there, err);
    if (code == STATUS_OK && t->critics_there) {
      code = optimiser_device_fetch(t->critics_there, err);
    }
    t->host_is_old = code != STATUS_OK;
  }
  return code;
}

// ---- start ----------------------------------------------------------------------------------

status codec_trainer_initialise(codec_trainer *t, error *err)
{
  lane *first = t->lanes[0];
  status code = check_held(t, err);
  if (code != STATUS_OK) {
    return code;
  }
  codec_layers_randomise(seanet_layers(first->net), (uint64_t)t->recipe.run.seed);
  if (t->recipe.run.init == INIT_UNIT_VARIANCE) {
    const int64_t index = first->index;
    first->index = 0; // measured on the same examples by every process
    code = unit_variance(first, err);
    first->index = index;
  }
  optimiser_reset_average(t->generator);
  return code ? code : codec_trainer_follow(t, err);
}

status codec_trainer_initialise_from(codec_trainer *t, const char *path, error *err)
{
  seanet *from = NULL;
  status code = seanet_load(&from, path, err);
  if (code != STATUS_OK) {
    return code;
  }
  code = recipe_match_network(&t->recipe, &from->config, path, err);
  const codec_layers to_layers = seanet_layers(t->lanes[0]->net), layers = seanet_layers(from);
  for (int s = 0; s < CODEC_N_PARTS && code == STATUS_OK; ++s) {
    for (int i = 0; i < to_layers.sets[s]->n_weights && code == STATUS_OK; ++i) {
      weight *w = to_layers.sets[s]->weights[i];
      const weight *source = layer_set_find(layers.sets[s], w->name);
      if (!source || memcmp(source->dims, w->dims, sizeof w->dims) != 0 ||
          !source->norm_v != !w->norm_v) {
        code = error_set(err, STATUS_FORMAT, "%s: no %s of the recipe's shape", path, w->name);
        break;
      }
      weight_copy_values(w, source);
    }
  }
  seanet_free(from, NULL);
  optimiser_reset_average(t->generator);
  t->books->started = code == STATUS_OK;
  codebooks_assume_uniform(t->books, (double)(t->recipe.batch.micro_batches * t->lanes[0]->steps));
  return code ? code : codec_trainer_follow(t, err);
}

static void work_gather(codec_trainer *t, lane *l)
{
  if (t->stop && t->stop()) {
    error_set(&l->failure, STATUS_INTERRUPTED, "stopped while the codebooks start");
    return;
  }
  lane_encode(l, t->gather_first + (uint64_t)(l->index * l->examples),
              lane_arrays_of(&t->latents, l->index));
}

/// K-means from latents that the present encoder gives; examples far from those of any step.
static status start_codebooks(codec_trainer *t, error *err)
{
  const int64_t dim = t->recipe.codec.latent_dim;
  const int64_t per_round = t->recipe.batch.micro_batches * t->lanes[0]->steps;
  const int64_t rounds = (t->recipe.quantiser.start_vectors + per_round - 1) / per_round;
  const int64_t n_vectors = rounds * per_round;
  const status held = check_held(t, err);
  if (held != STATUS_OK) {
    return held;
  }
  float *vectors = calloc((size_t)(rounds * per_round * dim), sizeof *vectors);
  status code =
      vectors ? STATUS_OK : error_set(err, STATUS_NO_MEMORY, "no memory for the codebooks' start");
  code = processes_agree(&t->processes, code, err);
  log_write(t->log, LOG_INFO, "codebooks start from %lld vectors", (long long)n_vectors);
  for (int64_t i = 0; i < rounds && code == STATUS_OK; ++i) {
    t->gather_first = ((uint64_t)1 << 48) + (uint64_t)(i * t->recipe.batch.size);
    code = all_lanes(t, work_gather, err);
    if (code == STATUS_OK && vectors) {
      lane_arrays_gather(&t->latents, &t->processes);
      memcpy(vectors + i * per_round * dim, t->latents.all,
             (size_t)(per_round * dim) * sizeof *vectors);
    }
  }
  code = code ? code
              : codebooks_start(t->books, t->lanes[0]->dev, vectors, rounds * per_round,
                                (double)per_round, (uint64_t)t->recipe.run.seed, err);
  free(vectors);
  code = code ? code : codec_trainer_follow(t, err);
  return processes_agree(&t->processes, code, err);
}

// ---- a step ---------------------------------------------------------------------------------

int64_t codec_trainer_steps(const recipe *wanted)
{
  return wanted->phases.unquantised + wanted->phases.reconstruction + wanted->phases.adversarial;
}

trainer_phase codec_trainer_phase(const recipe *wanted, int64_t step)
{
  if (step < wanted->phases.unquantised) {
    return PHASE_UNQUANTISED;
  }
  return step < wanted->phases.unquantised + wanted->phases.reconstruction ? PHASE_RECONSTRUCTION
                                                                           : PHASE_ADVERSARIAL;
}

/// Whether the discriminators learn in this step: every n-th, then by a coin.
static bool critics_learn(const codec_trainer *t)
{
  const recipe_discriminator *d = &t->recipe.discriminator;
  const float coin = random_uniform((uint64_t)t->recipe.run.seed,
                                    random_name_key("discriminator coin"), (uint64_t)t->step);
  return t->step % d->every == 0 && coin < (float)d->probability;
}

static double mel_weight(const recipe_loss *loss, trainer_phase phase)
{
  if (phase == PHASE_UNQUANTISED) {
    return loss->mel_warmup;
  }
  return phase == PHASE_ADVERSARIAL && loss->mel_adversarial > 0.0 ? loss->mel_adversarial
                                                                   : loss->mel;
}

static void plan_step(codec_trainer *t)
{
  const recipe_loss *loss = &t->recipe.loss;
  const trainer_phase phase = codec_trainer_phase(&t->recipe, t->step);
  const int64_t freeze = t->recipe.phases.freeze_encoder;
  const bool warm = phase == PHASE_UNQUANTISED;
  const bool judged =
      phase == PHASE_ADVERSARIAL && t->step % t->recipe.discriminator.heard_every == 0;
  t->plan = (lane_step){
      .step = t->step,
      .quantised = !warm,
      .adversarial = judged,
      .discriminate = judged && critics_learn(t),
      .encoder_frozen = t->encoder_held || (freeze > 0 && t->step >= freeze),
      .weights = {[LOSS_WAVE_L1] = warm ? loss->wave_l1_warmup : loss->wave_l1,
                  [LOSS_WAVE_L2] = loss->wave_l2,
                  [LOSS_MEL] = mel_weight(loss, phase),
                  [LOSS_ADVERSARIAL] = judged ? loss->adversarial : 0.0,
                  [LOSS_FEATURE] = judged ? loss->feature : 0.0},
      .commitment = loss->commitment,
  };
}

static void work_forward(codec_trainer *t, lane *l)
{
  lane_forward(l, &t->plan);
}

static void work_backward(codec_trainer *t, lane *l)
{
  lane_backward(l, &t->plan, t->factors);
  if (t->generator_there) {
    return;
  }
  layer_set *sets[LANE_SETS];
  error own = {0};
  lane_sets(l, sets);
  status code = optimiser_collect(t->generator, l->dev, sets, LANE_SETS, l->flat, &own);
  if (code == STATUS_OK && t->plan.discriminate) {
    layer_set *critics[ADVERSARY_MAX];
    const int n = adversary_sets(l->critics, critics);
    code = optimiser_collect(t->critics, l->dev, critics, n, l->critics_flat, &own);
  }
  if (code != STATUS_OK && l->failure.code == STATUS_OK) {
    l->failure = own;
  }
}

static void sum_lanes(codec_trainer *t, lane_sums *sums)
{
  for (int i = 0; i < t->n_lanes; ++i) {
    t->sums[t->lanes[i]->index] = t->lanes[i]->sums;
  }
  processes_gather(&t->processes, t->sums, (size_t)t->n_lanes * sizeof *t->sums);
  *sums = (lane_sums){0};
  for (int64_t i = 0; i < t->recipe.batch.micro_batches; ++i) {
    lane_sums_add(sums, &t->sums[i]);
  }
}

static double weighted_total(const lane_step *plan, const lane_sums *sums)
{
  double total = plan->quantised ? plan->commitment * sums->commitment : 0.0;
  for (int i = 0; i < LOSS_COUNT; ++i) {
    total += plan->weights[i] * sums->losses[i];
  }
  return total;
}

static status check_finite(const trainer_report *report, error *err)
{
  for (int i = 0; i < LOSS_COUNT; ++i) {
    if (!isfinite(report->sums.losses[i])) {
      return error_set(err, STATUS_FORMAT, "step %lld: the %s loss is not a number",
                       (long long)report->step, lane_loss_names[i]);
    }
  }
  if (!isfinite(report->sums.discriminator)) {
    return error_set(err, STATUS_FORMAT, "step %lld: the discriminators' loss is not a number",
                     (long long)report->step);
  }
  if (!isfinite(report->sums.commitment)) {
    return error_set(err, STATUS_FORMAT, "step %lld: the commitment loss is not a number",
                     (long long)report->step);
  }
  return STATUS_OK;
}

/// Name the first parameter whose gradient is not a number.
static status refuse_gradient(codec_trainer *t, const optimiser *o, error *err)
{
  const status code = codec_trainer_fetch(t, err);
  if (code != STATUS_OK) {
    return code;
  }
  for (int i = 0; i < o->n_parameters; ++i) {
    const parameter *p = &o->parameters[i];
    for (int64_t j = 0; j < p->count; ++j) {
      if (!isfinite(p->gradient[j])) {
        return error_set(err, STATUS_FORMAT, "step %lld: the gradient of %s is not a number",
                         (long long)t->step, p->name);
      }
    }
  }
  return error_set(err, STATUS_FORMAT, "step %lld: the gradient's norm is not a number",
                   (long long)t->step);
}

/// The gradients of the one lane, where they are; their norms.
static status collect_gradients(codec_trainer *t, trainer_report *report, error *err)
{
  t->host_is_old = true;
  const status code = optimiser_device_collect(t->generator_there, &report->gradient_norm, err);
  return code || !t->plan.discriminate
             ? code
             : optimiser_device_collect(t->critics_there, &report->critics_norm, err);
}

/// Sum the lanes' gradients into the optimisers; their norms.
static void gather_gradients(codec_trainer *t, trainer_report *report)
{
  lane_arrays_gather(&t->flats, &t->processes);
  lane_arrays_sum(&t->flats, t->generator->gradients, false);
  if (t->plan.discriminate) {
    lane_arrays_gather(&t->critics_flats, &t->processes);
    lane_arrays_sum(&t->critics_flats, t->critics->gradients, false);
  }
  report->gradient_norm = optimiser_norm(t->generator);
  report->critics_norm = t->plan.discriminate ? optimiser_norm(t->critics) : 0.0;
}

static status sum_gradients(codec_trainer *t, trainer_report *report, error *err)
{
  if (t->generator_there) {
    const status code = collect_gradients(t, report, err);
    if (code != STATUS_OK) {
      return code;
    }
  } else {
    gather_gradients(t, report);
  }
  if (!isfinite(report->gradient_norm)) {
    return refuse_gradient(t, t->generator, err);
  }
  return isfinite(report->critics_norm) ? STATUS_OK : refuse_gradient(t, t->critics, err);
}

static double clip_scale(const recipe_optimiser *options, double norm)
{
  return options->clip_norm > 0.0 && norm > options->clip_norm ? options->clip_norm / norm : 1.0;
}

/// Learning rate at this step. An adversarial phase with a rate of its own is a schedule of its
/// own; the discriminators' begins with it in any case.
static double rate_now(const codec_trainer *t, const recipe_optimiser *options, bool critics)
{
  const recipe_phases *phases = &t->recipe.phases;
  const int64_t before = phases->unquantised + phases->reconstruction;
  recipe_optimiser own = *options;
  if (t->step >= before && (critics || options->rate_adversarial > 0.0)) {
    own.rate = critics ? options->rate : options->rate_adversarial;
    own.warmup_steps = critics ? options->warmup_steps : 0;
    return optimiser_rate(&own, t->step - before, phases->adversarial);
  }
  const bool apart = options->rate_adversarial > 0.0;
  return optimiser_rate(options, t->step, apart ? before : before + phases->adversarial);
}

static status step_optimiser(optimiser *o, optimiser_device *there, double rate, double scale,
                             error *err)
{
  if (there) {
    return optimiser_device_step(there, rate, scale, err);
  }
  optimiser_step(o, rate, scale);
  return STATUS_OK;
}

static status step_optimisers(codec_trainer *t, trainer_report *report, error *err)
{
  const recipe_optimiser *options = &t->recipe.optimiser;
  if (t->plan.encoder_frozen) {
    optimiser_freeze(t->generator, "encoder.*"); // without gradient the moments would move it on
  }
  report->rate = rate_now(t, options, false);
  status code = step_optimiser(t->generator, t->generator_there, report->rate,
                               clip_scale(options, report->gradient_norm), err);
  if (code == STATUS_OK && t->plan.discriminate) {
    const recipe_optimiser *critics = &t->recipe.discriminator_optimiser;
    code = step_optimiser(t->critics, t->critics_there, rate_now(t, critics, true),
                          clip_scale(critics, report->critics_norm), err);
  }
  return code;
}

static void step_codebooks(codec_trainer *t, trainer_report *report)
{
  if (!t->plan.quantised) {
    return;
  }
  lane_arrays_gather(&t->tallies, &t->processes);
  lane_arrays_gather(&t->rests, &t->processes);
  lane_arrays_sum(&t->tallies, t->tally, false);
  codebooks_remember(t->books, t->rests.all, t->rests.n_lanes * t->lanes[0]->steps);
  t->books->frozen =
      t->books->frozen || // not by names: these say what they mean
      (t->recipe.phases.freeze_encoder > 0 && t->step >= t->recipe.phases.freeze_encoder);
  report->replaced = codebooks_commit(t->books, t->tally, t->step, (uint64_t)t->recipe.run.seed);
}

/// What each loss's gradient is multiplied with.
static void weigh_losses(codec_trainer *t, const lane_sums *sums)
{
  if (t->recipe.loss.balancer) {
    balancer_step(&t->balance, LOSS_COUNT, t->plan.weights, sums->norms, t->factors);
  } else {
    memcpy(t->factors, t->plan.weights, sizeof t->factors);
  }
}

static bool begins_phase(const codec_trainer *t)
{
  return t->step > 0 &&
         codec_trainer_phase(&t->recipe, t->step) != codec_trainer_phase(&t->recipe, t->step - 1);
}

status codec_trainer_step(codec_trainer *t, trainer_report *report, error *err)
{
  plan_step(t);
  *report = (trainer_report){.step = t->step, .phase = codec_trainer_phase(&t->recipe, t->step)};
  status code = STATUS_OK;
  if (begins_phase(t)) {
    t->best = HUGE_VAL; // its total is of other losses
  }
  if (t->plan.quantised && !t->books->started) {
    code = start_codebooks(t, err);
  }
  code = code ? code : all_lanes(t, work_forward, err);
  if (code != STATUS_OK) {
    return code;
  }
  sum_lanes(t, &report->sums);
  report->total = weighted_total(&t->plan, &report->sums);
  code = check_finite(report, err);
  if (code != STATUS_OK) {
    return code;
  }
  weigh_losses(t, &report->sums);
  code = all_lanes(t, work_backward, err);
  code = code ? code : sum_gradients(t, report, err);
  if (code != STATUS_OK) {
    return code;
  }
  code = step_optimisers(t, report, err);
  if (code != STATUS_OK) {
    return code;
  }
  step_codebooks(t, report);
  ++t->step;
  const status copied = all_lanes(t, work_copy, err);
  return copied ? copied : all_lanes(t, work_refresh, err);
}

// ---- validation -----------------------------------------------------------------------------

/// Entropy of a stage's use over log(size).
static double entropy_of(const float *use, int64_t size)
{
  double all = 0.0, sum = 0.0;
  for (int64_t e = 0; e < size; ++e) {
    all += (double)use[e];
  }
  for (int64_t e = 0; e < size && all > 0.0; ++e) {
    const double p = (double)use[e] / all;
    sum -= p > 0.0 ? p * log(p) : 0.0;
  }
  return sum / log((double)size);
}

status codec_trainer_validate(codec_trainer *t, int64_t n, trainer_validation *found, error *err)
{
  const rvq *q = t->books->quantiser;
  const int64_t rounds = (n + t->recipe.batch.size - 1) / t->recipe.batch.size;
  *found = (trainer_validation){0};
  plan_step(t);
  t->plan.validation = true;
  t->plan.adversarial = t->plan.discriminate = false;
  memset(t->tally, 0, (size_t)t->books->count * sizeof(float));
  status code = STATUS_OK;
  for (int64_t i = 0; i < rounds && code == STATUS_OK; ++i) {
    lane_sums sums;
    t->plan.step = i;
    code = all_lanes(t, work_forward, err);
    sum_lanes(t, &sums);
    lane_sums_add(&found->sums, &sums);
    lane_arrays_gather(&t->tallies, &t->processes);
    lane_arrays_sum(&t->tallies, t->tally, true);
  }
  lane_sums_scale(&found->sums, 1.0 / (double)rounds);
  found->total = weighted_total(&t->plan, &found->sums);
  for (int k = 0; k < q->n_codebooks; ++k) {
    found->entropy[k] = entropy_of(t->tally + k * q->size, q->size);
  }
  return code;
}
