// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "train/crops.h"

#include "base/random.h"
#include "train/kind_weights.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define TRIES 5 // the first, and up to four again

// Places of an example's random numbers in its own block of 64 counters.
#define EXAMPLE_SLOTS 64
#define LAYER_SLOTS 16 // three for each try, then the gain
#define SLOT_GAIN 15
#define SLOT_MIX 32

// The clips of one split, kind by kind.
typedef struct clip_list {
  size_t *clips;    // [n]
  uint64_t *before; // [n + 1] samples of the clips before
  size_t n;
  int *kinds;    // [n_kinds] that have a clip
  size_t *first; // [n_kinds + 1] where each begins in `clips`
  int n_kinds;
} clip_list;

struct crops {
  const dataset *set;
  recipe_data data;
  uint64_t seed;
  uint64_t train_stream, validation_stream;
  double silence_power; // mean square
  clip_list train, validation;
  double *kind_ends; // [train.n_kinds] sums of the weights up to and with each
};

// A stretch of a clip.
typedef struct place {
  size_t clip;
  int64_t start; // negative: silence first
} place;

static void list_free(clip_list *l)
{
  free(l->clips);
  free(l->before);
  free(l->kinds);
  free(l->first);
}

static bool list_allocate(clip_list *l, const dataset *set)
{
  const size_t n = dataset_n_clips(set), n_kinds = (size_t)dataset_n_kinds(set);
  l->clips = malloc((n + 1) * sizeof *l->clips);
  l->before = malloc((n + 1) * sizeof *l->before);
  l->kinds = malloc((n_kinds + 1) * sizeof *l->kinds);
  l->first = malloc((n_kinds + 1) * sizeof *l->first);
  return l->clips && l->before && l->kinds && l->first;
}

// Kinds follow each other, each in the set's order. One pass per kind: kinds are few.
static void list_fill(clip_list *l, const dataset *set, bool validation)
{
  uint64_t samples = 0;
  for (int kind = 0; kind < dataset_n_kinds(set); ++kind) {
    const size_t first = l->n;
    for (size_t i = 0; i < dataset_n_clips(set); ++i) {
      const dataset_clip *clip = dataset_get_clip(set, i);
      if (clip->kind == kind && clip->validation == validation) {
        l->before[l->n] = samples;
        l->clips[l->n++] = i;
        samples += clip->n_samples;
      }
    }
    if (l->n > first) {
      l->first[l->n_kinds] = first;
      l->kinds[l->n_kinds++] = kind;
    }
  }
  l->before[l->n] = samples;
  l->first[l->n_kinds] = l->n;
}

typedef struct keyed_clip {
  uint64_t key;
  size_t clip;
} keyed_clip;

static int compare_keys(const void *a, const void *b)
{
  const keyed_clip *x = a, *y = b;
  if (x->key != y->key) {
    return x->key < y->key ? -1 : 1;
  }
  return x->clip < y->clip ? -1 : x->clip > y->clip;
}

// The order depends on the clips' names alone.
static bool list_shuffle(clip_list *l, const dataset *set)
{
  keyed_clip *keyed = malloc((l->n + 1) * sizeof *keyed);
  if (!keyed) {
    return false;
  }
  for (size_t i = 0; i < l->n; ++i) {
    const dataset_clip *clip = dataset_get_clip(set, l->clips[i]);
    keyed[i] = (keyed_clip){random_mix(random_name_key(clip->path)), l->clips[i]};
  }
  for (int k = 0; k < l->n_kinds; ++k) {
    qsort(keyed + l->first[k], l->first[k + 1] - l->first[k], sizeof *keyed, compare_keys);
  }
  for (size_t i = 0; i < l->n; ++i) { // `before` is not used in this order
    l->clips[i] = keyed[i].clip;
  }
  free(keyed);
  return true;
}

// Where each kind ends on a line on which a place is drawn; with no weights at 1, 2, 3, ...
static status weigh_kinds(crops *c, error *err)
{
  const size_t n_kinds = (size_t)dataset_n_kinds(c->set);
  double *weights = malloc(n_kinds * sizeof *weights), sum = 0.0;
  c->kind_ends = malloc((n_kinds + 1) * sizeof *c->kind_ends);
  status code = weights && c->kind_ends ? STATUS_OK : STATUS_NO_MEMORY;
  if (code) {
    error_set(err, code, "no memory for the weights of %zu kinds", n_kinds);
  } else {
    code = kind_weights_read(weights, c->set, c->data.kind_weights, err);
  }
  for (int k = 0; code == STATUS_OK && k < c->train.n_kinds; ++k) {
    c->kind_ends[k] = sum += weights[c->train.kinds[k]];
  }
  free(weights);
  if (code == STATUS_OK && !(sum > 0.0)) {
    code = error_set(err, STATUS_USAGE, "data.kind_weights: no kind is left to train on");
  }
  return code;
}

status crops_new(crops **c, const dataset *set, const recipe_data *data, uint64_t seed, error *err)
{
  *c = NULL;
  if (data->crop_samples < 1) {
    return error_set(err, STATUS_USAGE, "data.crop_samples: 1 or more expected, found %lld",
                     (long long)data->crop_samples);
  }
  crops *made = calloc(1, sizeof *made);
  if (!made) {
    return error_set(err, STATUS_NO_MEMORY, "no memory for the lists of clips");
  }
  made->set = set;
  made->data = *data;
  made->seed = seed;
  made->train_stream = random_name_key("crops.train");
  made->validation_stream = random_name_key("crops.validation");
  made->silence_power = pow(10.0, data->silence_level_db / 10.0);
  bool fits = list_allocate(&made->train, set) && list_allocate(&made->validation, set);
  if (fits) {
    list_fill(&made->train, set, false);
    list_fill(&made->validation, set, true);
    fits = list_shuffle(&made->validation, set);
  }
  if (!fits || made->train.n == 0) {
    crops_free(made);
    return fits ? error_set(err, STATUS_USAGE, "the set has no clips to train on")
                : error_set(err, STATUS_NO_MEMORY, "no memory for the lists of clips");
  }
  const status weighed = weigh_kinds(made, err);
  if (weighed) {
    crops_free(made);
    return weighed;
  }
  *c = made;
  return STATUS_OK;
}

void crops_free(crops *c)
{
  if (c) {
    list_free(&c->train);
    list_free(&c->validation);
    free(c->kind_ends);
    free(c);
  }
}

// Uniform in [0, 1), 53 bits.
static double uniform(const crops *c, uint64_t example, uint64_t slot)
{
  const uint64_t bits = random_bits(c->seed, c->train_stream, example * EXAMPLE_SLOTS + slot);
  return (double)(bits >> 11) * 0x1p-53;
}

// The clip of entries [first, last) that holds sample `at`.
static size_t clip_holding(const clip_list *l, size_t first, size_t last, uint64_t at)
{
  while (last - first > 1) {
    const size_t middle = first + (last - first) / 2;
    if (l->before[middle] <= at) {
      first = middle;
    } else {
      last = middle;
    }
  }
  return l->clips[first];
}

static size_t draw_kind(const crops *c, uint64_t example, uint64_t slot)
{
  const size_t n = (size_t)c->train.n_kinds;
  const double at = uniform(c, example, slot) * c->kind_ends[n - 1];
  size_t kind = 0;
  while (kind + 1 < n && at >= c->kind_ends[kind]) {
    ++kind;
  }
  return kind;
}

static size_t draw_clip(const crops *c, uint64_t example, uint64_t slot)
{
  const clip_list *l = &c->train;
  size_t first = 0, last = l->n;
  if (c->data.balance_kinds) {
    const size_t kind = draw_kind(c, example, slot);
    first = l->first[kind];
    last = l->first[kind + 1];
  }
  const double length = (double)(l->before[last] - l->before[first]);
  const uint64_t at = (uint64_t)(uniform(c, example, slot + 1) * length);
  return clip_holding(l, first, last, l->before[first] + at);
}

// `share` in [0, 1) of the places where a crop can stand. A short clip stands within the crop.
static int64_t start_at(const crops *c, size_t clip, double share)
{
  const int64_t length = (int64_t)dataset_get_clip(c->set, clip)->n_samples;
  const int64_t room = length - c->data.crop_samples;
  if (c->data.first_only) {
    return 0;
  }
  return room >= 0 ? (int64_t)(share * (double)(room + 1)) : -(int64_t)(share * (double)(1 - room));
}

static bool is_silent(const crops *c, place p)
{
  const size_t n = (size_t)c->data.crop_samples;
  return dataset_energy(c->set, p.clip, p.start, n) / (double)n < c->silence_power;
}

static void add_layer(const crops *c, uint64_t example, uint64_t slot, float *audio)
{
  place p = {0};
  for (uint64_t i = 0; i < TRIES; ++i) {
    p.clip = draw_clip(c, example, slot + 3 * i);
    p.start = start_at(c, p.clip, uniform(c, example, slot + 3 * i + 2));
    if (!is_silent(c, p)) {
      break;
    }
  }
  const double low = c->data.gain_low_db, high = c->data.gain_high_db;
  const double gain_db = low + (high - low) * uniform(c, example, slot + SLOT_GAIN);
  const float gain = (float)pow(10.0, gain_db / 20.0);
  dataset_add(c->set, p.clip, p.start, (size_t)c->data.crop_samples, gain, audio);
}

static void limit_peak(float *audio, size_t n)
{
  float peak = 1.0f;
  for (size_t i = 0; i < n; ++i) {
    peak = fmaxf(peak, fabsf(audio[i]));
  }
  for (size_t i = 0; peak > 1.0f && i < n; ++i) {
    audio[i] /= peak; // a product with 1 / peak could round to more than 1
  }
}

void crops_fill(const crops *c, uint64_t example, float *audio)
{
  const size_t n = (size_t)c->data.crop_samples;
  memset(audio, 0, n * sizeof *audio);
  add_layer(c, example, 0, audio);
  if (uniform(c, example, SLOT_MIX) < c->data.mix_probability) {
    add_layer(c, example, LAYER_SLOTS, audio);
  }
  limit_peak(audio, n);
}

int crops_validation(const crops *c, uint64_t k, float *audio)
{
  const clip_list *l = &c->validation;
  const size_t n = (size_t)c->data.crop_samples;
  if (l->n == 0) {
    memset(audio, 0, n * sizeof *audio);
    return -1;
  }
  const size_t kind = (size_t)(k % (uint64_t)l->n_kinds);
  const uint64_t turn = k / (uint64_t)l->n_kinds;
  place p = {l->clips[l->first[kind] + (size_t)(turn % (l->first[kind + 1] - l->first[kind]))], 0};
  const uint64_t name = random_name_key(dataset_get_clip(c->set, p.clip)->path);
  for (uint64_t i = 0; i < TRIES; ++i) {
    const uint64_t bits = random_bits(c->validation_stream, name, turn * TRIES + i);
    p.start = start_at(c, p.clip, (double)(bits >> 11) * 0x1p-53);
    if (!is_silent(c, p)) {
      break;
    }
  }
  dataset_read(c->set, p.clip, p.start, n, audio);
  return l->kinds[kind];
}
