// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// A recipe: everything that decides what a training run gives, in one commented INI file; every
/// value can be overridden on the command line ("optimiser.rate=1e-4"). The resolved recipe is
/// stored with run and model. One table of fields (recipe.c) drives reading, checking, writing and
/// the documentation. Main thread only.
#ifndef CONTINUO_TRAIN_RECIPE_H
#define CONTINUO_TRAIN_RECIPE_H

#include "base/status.h"
#include "models/seanet.h"

#include <stdbool.h>
#include <stdint.h>

#define RECIPE_MAX_WINDOWS 12
#define RECIPE_MAX_MIXES 4
#define RECIPE_WORD_BYTES 256

/// A list of whole numbers ("2048, 1024, 512").
typedef struct recipe_list {
  int64_t values[RECIPE_MAX_WINDOWS];
  int n;
} recipe_list;

typedef enum recipe_dropout { DROPOUT_NONE, DROPOUT_EXAMPLE, DROPOUT_BATCH } recipe_dropout;
typedef enum recipe_init { INIT_DEFAULT, INIT_UNIT_VARIANCE } recipe_init;
typedef enum recipe_schedule { SCHEDULE_CONSTANT, SCHEDULE_COSINE } recipe_schedule;
typedef enum recipe_log_floor { LOG_FLOOR_ADD, LOG_FLOOR_MAX } recipe_log_floor;
typedef enum recipe_mel_norm { MEL_MEAN, MEL_SUM } recipe_mel_norm;

/// [data] What the network hears.
typedef struct recipe_data {
  int64_t crop_samples; ///< length of an example, a multiple of the hop
  bool first_only;      ///< crop at the clip's start only (system 4 as published)
  bool balance_kinds;   ///< draw each kind of sound (top folder) equally often, else by length
  char kind_weights[RECIPE_WORD_BYTES]; ///< "music 4, drums 0.5": how often kinds are drawn; 1
  double gain_low_db;                   ///< augmentation: gain drawn from this ...
  double gain_high_db;                  ///< ... to this
  double mix_probability;               ///< that a second crop is added
  double silence_level_db; ///< crops quieter than this (RMS) are drawn again, up to 4 times
  char validation[RECIPE_WORD_BYTES]; ///< the rule of `prepare` that kept clips aside, in words
} recipe_data;

/// [batch]
typedef struct recipe_batch {
  int64_t size;          ///< examples per step, over all processes
  int64_t micro_batches; ///< parts of a step, each in its own buffers; decide the order of sums
} recipe_batch;

/// [phases] In steps; each phase begins where the one before ends.
typedef struct recipe_phases {
  int64_t unquantised;    ///< warm-up without the quantiser
  int64_t reconstruction; ///< quantised, no discriminator
  int64_t adversarial;    ///< with discriminators
  int64_t
      freeze_encoder; ///< first step (of the whole run) with encoder and codebooks frozen; 0: never
} recipe_phases;

/// [optimiser] and [discriminator_optimiser]: Adam with decoupled weight decay.
typedef struct recipe_optimiser {
  double rate, rate_final, beta1, beta2, epsilon, weight_decay;
  int64_t warmup_steps;    ///< linear from 0, counted from the phase in which it starts
  int schedule;            ///< recipe_schedule, over all steps of the run
  double clip_norm;        ///< of the whole gradient; 0: none
  double average_decay;    ///< of the averaged weights that export writes; 0: no average
  double rate_adversarial; ///< rate at the start of the adversarial phase; 0: as scheduled
} recipe_optimiser;

/// [loss] Weights; 0 switches a loss off.
typedef struct recipe_loss {
  double wave_l1, wave_l2, mel, commitment, adversarial, feature;
  double wave_l1_warmup, mel_warmup; ///< in the unquantised phase
  double mel_adversarial;            ///< in the adversarial phase; 0: as before it
  recipe_list mel_windows;           ///< samples; hop window / 4
  int64_t mel_bins;                  ///< per window, fewer where the window has fewer
  int64_t mel_least_fft;             ///< transform length at least this (zero-padded window)
  double mel_log_weight;             ///< of the log term: times this
  bool mel_log_absolute;             ///< |difference| of the logarithms, else its square
  bool mel_log_by_window;            ///< ... times sqrt(window / 2) (SoundStream)
  bool mel_power;                    ///< power spectra, else magnitudes
  double mel_log_floor;
  int mel_log_floor_kind; ///< recipe_log_floor: log(x + floor) or log(max(x, floor))
  int mel_norm;           ///< recipe_mel_norm: mean over bins, or norms as published
  bool feature_relative;  ///< divide by the mean size of the real features
  bool feature_sum;       ///< else: sum over channels and bins (SoundStream), not the mean
  bool balancer;          ///< EnCodec's, else the weights as they are
  double balancer_decay;
} recipe_loss;

/// [quantiser]
typedef struct recipe_quantiser {
  int dropout;              ///< recipe_dropout: codebooks used drawn uniformly from 1 to all
  double dropout_share;     ///< of the examples (or batches) that are drawn for; the rest use all
  double decay;             ///< of the codebooks' running averages
  double smoothing;         ///< Laplace epsilon; 0: none
  double dead_share;        ///< replaced below this share of uniform use
  int64_t dead_interval;    ///< steps between looks
  int64_t start_vectors;    ///< k-means starts from at least so many, never below codebook_size
  int64_t start_iterations; ///< of k-means
  bool detached;            ///< residual passes detached between stages; false: the published bug
  bool commitment_sum;      ///< sum over stages (system 4), else mean
} recipe_quantiser;

/// [discriminator]
typedef struct recipe_discriminator {
  recipe_list stft_windows; ///< multi-scale STFT discriminators; empty: none
  int64_t stft_channels;
  bool stft_single;      ///< system 4's residual discriminator over the one window listed instead
  int64_t wave_scales;   ///< multi-scale wave discriminators; 0: none
  int64_t wave_channels; ///< of their first convolution
  recipe_list periods;   ///< multi-period discriminators; empty: none
  int64_t period_channels;
  bool weight_norm;
  int64_t heard_every;  ///< the generator hears them on every n-th step
  int64_t every;        ///< trained on every n-th step, of those
  double probability;   ///< ... and then with this probability
  bool hinge_generator; ///< generator's loss max(0, 1 - D), else -D
} recipe_discriminator;

/// [run]
typedef struct recipe_run {
  int64_t seed;
  int64_t save_every, keep, validate_every, log_every; ///< steps; keep: checkpoints
  int64_t validation_crops;
  int init;                       ///< recipe_init
  char freeze[RECIPE_WORD_BYTES]; ///< patterns of what is left as it is, parted by blanks or commas
} recipe_run;

/// Bytes that no value uses are zero: two recipes are equal when memcmp says so.
typedef struct recipe {
  char name[64];       ///< [recipe]
  seanet_config codec; ///< [codec], its halves in [encoder] and [decoder]
  recipe_data data;
  recipe_batch batch;
  recipe_phases phases;
  recipe_optimiser optimiser, discriminator_optimiser;
  recipe_loss loss;
  recipe_quantiser quantiser;
  recipe_discriminator discriminator;
  recipe_run run;
} recipe;

/// Read `path` (null: no file) over the defaults, then apply `overrides` ("section.key=value"
/// each), then check. STATUS_NOT_FOUND, STATUS_IO, STATUS_NO_MEMORY; STATUS_USAGE: one sentence
/// with file, line, key, value and what is possible; STATUS_UNSUPPORTED: a build without libinih.
status recipe_load(recipe *out, const char *path, const char *const *overrides, int n_overrides,
                   error *err);

/// From text, for the copy stored in a run; `name` names it in messages. Errors as above.
status recipe_parse(recipe *out, const char *text, const char *name, error *err);

/// Whether the values make sense together. STATUS_USAGE: one sentence with keys and values.
status recipe_check(const recipe *in, error *err);

/// The resolved recipe as INI text with every value, each under its meaning; the caller frees it.
/// Reading it gives the same recipe, bit for bit. STATUS_NO_MEMORY.
status recipe_write(const recipe *in, char **text, error *err);

#endif
