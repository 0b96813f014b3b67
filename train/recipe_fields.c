// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "train/recipe_fields.h"

#include "models/seanet_file.h"

// Words of the enums in recipe.h, in their order.
static const char *const dropout_words[] = {"none", "example", "batch", NULL};
static const char *const init_words[] = {"default", "unit_variance", NULL};
static const char *const schedule_words[] = {"constant", "cosine", NULL};
static const char *const floor_words[] = {"add", "max", NULL};
static const char *const mel_norm_words[] = {"mean", "sum", NULL};

#define PLACE(member) .offset = offsetof(recipe, member), .size = sizeof(((recipe *)0)->member)
#define FIELD(name, name_key, member, which, first, help_text)                                     \
  .section = (name), .key = (name_key), .kind = (which), PLACE(member), .initial = (first),        \
  .help = (help_text)

// A field whose section and key are its member's names; what is possible stands before the default.
#define INTEGER(part, name, low, high, first, help)                                                \
  {                                                                                                \
    FIELD(#part, #name, part.name, RECIPE_INTEGER, first, help), .least = (low), .most = (high)    \
  }
#define NUMBER(part, name, low, high, first, help)                                                 \
  {                                                                                                \
    FIELD(#part, #name, part.name, RECIPE_NUMBER, first, help), .least = (low), .most = (high)     \
  }
#define BOOL(part, name, first, help)                                                              \
  {                                                                                                \
    FIELD(#part, #name, part.name, RECIPE_BOOL, first, help)                                       \
  }
#define WORD(part, name, first, help)                                                              \
  {                                                                                                \
    FIELD(#part, #name, part.name, RECIPE_WORD, first, help)                                       \
  }
#define CHOICE(part, name, words, first, help)                                                     \
  {                                                                                                \
    FIELD(#part, #name, part.name, RECIPE_CHOICE, first, help), .choices = (words)                 \
  }
#define LIST(part, name, low, high, first, help)                                                   \
  {                                                                                                \
    FIELD(#part, #name, part.name.values, RECIPE_LIST, first, help),                               \
        .least = (low), .most = (high), .count_offset = offsetof(recipe, part.name.n),             \
        .count_size = sizeof(((recipe *)0)->part.name.n)                                           \
  }

#define HALF(half, name, low, high, first, help)                                                   \
  {                                                                                                \
    FIELD(#half, #name, codec.half.name, RECIPE_INTEGER, first, help), .least = (low),             \
                                                                       .most = (high)              \
  }

#define HALF_FIELDS(half, width_0, out_0, units_0)                                                 \
  HALF(half, width, 1, 1024, width_0, "channels at the sample rate; each stage doubles them"),     \
      HALF(half, kernel_in, 1, 255, "7", "of the first convolution"),                              \
      HALF(half, kernel_out, 1, 255, out_0, "of the last convolution"),                            \
      HALF(half, kernel_residual, 1, 255, "3", "of a residual unit's first convolution"),          \
      HALF(half, n_residual, 0, SEANET_MAX_UNITS, units_0, "residual units per stage"),            \
      HALF(half, dilation_base, 1, 16, "3", "dilations are its powers: 1, 3, 9"),                  \
      HALF(half, compress, 1, 1024, "2", "a unit's inner channels are so many times fewer"),       \
      HALF(half, n_lstm, 0, SEANET_MAX_LSTM, "0", "LSTM layers")

#define OPTIMISER_FIELDS(part, rate_0, last_0, late_0, beta1_0, beta2_0, steps_0, way_0, decay_0)  \
  NUMBER(part, rate, 0, 1, rate_0, "learning rate"),                                               \
      NUMBER(part, rate_final, 0, 1, last_0, "at the last step of a cosine"),                      \
      NUMBER(part, rate_adversarial, 0, 1, late_0,                                                 \
             "at the start of the adversarial phase; 0: as scheduled"),                            \
      NUMBER(part, beta1, 0, 0.999999, beta1_0, "decay of the mean"),                              \
      NUMBER(part, beta2, 0, 0.999999, beta2_0, "decay of the mean square"),                       \
      NUMBER(part, epsilon, 1e-30, 1, "1e-08", "added to the root of the mean square"),            \
      NUMBER(part, weight_decay, 0, 1, "0", "decoupled from the gradient"),                        \
      INTEGER(part, warmup_steps, 0, 1e9, steps_0,                                                 \
              "linear from 0, from where it starts to train"),                                     \
      CHOICE(part, schedule, schedule_words, way_0, "over all steps of the run"),                  \
      NUMBER(part, clip_norm, 0, 1e9, "1", "of the whole gradient; 0: none"),                      \
      NUMBER(part, average_decay, 0, 0.999999, decay_0,                                            \
             "of the averaged weights that export writes; 0: no average")

// A list of rows on purpose, so that each field is read in one place.
const recipe_field recipe_fields[] = {
    {FIELD("recipe", "name", name, RECIPE_WORD, "default", "in logs and in the model's card")},

    WORD(codec, name, "continuo", "the model's name"),
    INTEGER(codec, rate_hz, 1, 768000, "24000", "sample rate"),
    INTEGER(codec, n_channels, 1, 2, "1", "of the audio"),
    INTEGER(codec, latent_dim, 1, 4096, "64", "dimensions that are quantised"),
    {FIELD("codec", "strides", codec.strides, RECIPE_LIST, "3, 4, 5, 8",
           "from the sample rate downwards; their product is the hop"),
     .least = 1, .most = 64, .count_offset = offsetof(recipe, codec.n_strides),
     .count_size = sizeof(((recipe *)0)->codec.n_strides)},
    INTEGER(codec, n_codebooks, 1, OPS_MAX_CODEBOOKS, "8", "codes per step"),
    INTEGER(codec, codebook_size, 2, 65536, "1024", "entries of a codebook, a power of two"),
    BOOL(codec, true_skip, "true",
         "a residual unit's skip is the identity, else a 1x1 convolution"),
    BOOL(codec, causal, "true", "all padding on the left"),
    CHOICE(codec, pad, seanet_pad_words, "zero", "how padding is made"),
    CHOICE(codec, norm, seanet_norm_words, "none", "of the convolutions; time_group never streams"),
    CHOICE(codec, act, seanet_act_words, "elu", "the activation"),
    NUMBER(codec, act_slope, 0, 16, "1", "ELU's alpha or leaky ReLU's slope"),
    CHOICE(codec, order, seanet_order_words, "act_first", "where activations stand"),
    INTEGER(codec, chunk_samples, 0, 1 << 24, "0", "0: a stream, else coded in chunks"),
    INTEGER(codec, chunk_stride_samples, 0, 1 << 24, "0", "from chunk to chunk"),
    WORD(codec, licence, "", "of the weights: SPDX id or words"),

    HALF_FIELDS(encoder, "16", "3", "2"),
    HALF_FIELDS(decoder, "24", "7", "3"),

    INTEGER(data, crop_samples, 1, 1 << 22, "12000", "length of an example, a multiple of the hop"),
    BOOL(data, first_only, "false", "crop at the clip's start only (system 4 as published)"),
    BOOL(data, balance_kinds, "true",
         "draw each kind of sound (top folder) equally often, else by length"),
    WORD(data, kind_weights, "",
         "balanced, but kinds named here so many times as often: music 4, drums 0.5"),
    NUMBER(data, gain_low_db, -80, 40, "-10", "each example's gain is drawn from this ..."),
    NUMBER(data, gain_high_db, -80, 40, "6", "... to this"),
    NUMBER(data, mix_probability, 0, 1, "0.2", "that a second crop is added"),
    NUMBER(data, silence_level_db, -200, 0, "-60",
           "crops quieter than this (RMS) are drawn again, up to 4 times"),
    WORD(data, validation, "", "the rule of \"prepare\" that kept clips aside, in words"),

    INTEGER(batch, size, 1, 4096, "4", "examples per step, over all processes"),
    INTEGER(batch, micro_batches, 1, 4096, "2",
            "parts of a step, each with its own sums; a divisor of size"),

    INTEGER(phases, unquantised, 0, 1e9, "300", "steps of warm-up without the quantiser"),
    INTEGER(phases, reconstruction, 0, 1e9, "14000", "steps quantised, without discriminators"),
    INTEGER(phases, adversarial, 0, 1e9, "6000", "steps with discriminators"),
    INTEGER(phases, freeze_encoder, 0, 1e9, "0",
            "first step of the run with encoder and codebooks frozen; 0: never"),

    OPTIMISER_FIELDS(optimiser, "0.001", "1e-05", "0.0003", "0.8", "0.99", "200", "cosine",
                     "0.999"),
    OPTIMISER_FIELDS(discriminator_optimiser, "0.0003", "0", "0", "0.5", "0.9", "0", "constant",
                     "0"),

    NUMBER(loss, wave_l1, 0, 1e6, "1", "weight of the mean absolute difference of the samples"),
    NUMBER(loss, wave_l2, 0, 1e6, "0", "weight of the mean squared difference of the samples"),
    NUMBER(loss, mel, 0, 1e6, "1", "weight of the multi-scale mel distance"),
    NUMBER(loss, wave_l1_warmup, 0, 1e6, "10", "wave_l1 in the unquantised phase"),
    NUMBER(loss, mel_warmup, 0, 1e6, "1", "mel in the unquantised phase"),
    NUMBER(loss, mel_adversarial, 0, 1e6, "0", "mel in the adversarial phase; 0: as before it"),
    NUMBER(loss, commitment, 0, 1e6, "0.25", "weight of the distance from latents to codewords"),
    NUMBER(loss, adversarial, 0, 1e6, "0.1", "weight of the discriminators' verdict"),
    NUMBER(loss, feature, 0, 1e6, "0.2", "weight of the distance of the discriminators' features"),
    LIST(loss, mel_windows, 16, 65536, "64, 128, 256, 512, 1024, 2048",
         "samples, multiples of 4; the hop is a quarter"),
    INTEGER(loss, mel_bins, 1, 512, "64", "per window, fewer where the window has fewer"),
    INTEGER(loss, mel_least_fft, 0, 65536, "0", "transforms are at least so long (zero-padded)"),
    NUMBER(loss, mel_log_weight, 0, 1e6, "1", "of the distance of logarithms"),
    BOOL(loss, mel_log_by_window, "false", "... times sqrt(window / 2) (SoundStream)"),
    BOOL(loss, mel_log_absolute, "true",
         "the difference of the logarithms itself, else its square (EnCodec)"),
    BOOL(loss, mel_power, "false", "power spectra, else magnitudes"),
    NUMBER(loss, mel_log_floor, 1e-30, 1, "1e-05", "what the logarithm sees at least"),
    CHOICE(loss, mel_log_floor_kind, floor_words, "add",
           "log(x + floor) or log(max(x, floor)), which has no gradient below"),
    CHOICE(loss, mel_norm, mel_norm_words, "mean", "mean over bins, or norms as published"),
    BOOL(loss, feature_relative, "true", "divide by the mean size of the real features"),
    BOOL(loss, feature_sum, "false",
         "else: sum over channels and bins (SoundStream), not the mean"),
    BOOL(loss, balancer, "false", "EnCodec's balancer, else the weights as they are"),
    NUMBER(loss, balancer_decay, 0, 0.999999, "0.999", "of the balancer's running norms"),

    CHOICE(quantiser, dropout, dropout_words, "example",
           "codebooks used are drawn uniformly from 1 to all: never, per example, per batch"),
    NUMBER(quantiser, dropout_share, 0, 1, "1",
           "of the examples (or batches) that a number is drawn for; the rest use all"),
    NUMBER(quantiser, decay, 0, 0.999999, "0.99", "of the codebooks' running averages"),
    NUMBER(quantiser, smoothing, 0, 1, "1e-05", "Laplace smoothing of the counts; 0: none"),
    NUMBER(quantiser, dead_share, 0, 1, "0.1",
           "codewords are replaced below this share of uniform use; 0: never"),
    INTEGER(quantiser, dead_interval, 1, 1e9, "5", "steps between looks for dead codewords"),
    INTEGER(quantiser, start_vectors, 1, 1e8, "20000", "k-means starts from at least so many"),
    INTEGER(quantiser, start_iterations, 1, 1000, "50", "of k-means"),
    BOOL(quantiser, detached, "true",
         "the residual passes detached between stages; false: the published bug"),
    BOOL(quantiser, commitment_sum, "false", "sum over the stages (system 4), else mean"),

    LIST(discriminator, stft_windows, 16, 65536, "2048, 1024, 512",
         "multi-scale STFT discriminators: samples, multiples of 4; empty: none"),
    INTEGER(discriminator, stft_channels, 1, 1024, "16", "of the STFT discriminators"),
    BOOL(discriminator, stft_single, "false",
         "system 4's residual discriminator over the one window listed instead"),
    INTEGER(discriminator, wave_scales, 0, 8, "0", "multi-scale wave discriminators; 0: none"),
    INTEGER(discriminator, wave_channels, 1, 1024, "16", "of their first convolution"),
    LIST(discriminator, periods, 2, 64, "", "multi-period discriminators; empty: none"),
    INTEGER(discriminator, period_channels, 1, 1024, "16", "of their first convolution"),
    BOOL(discriminator, weight_norm, "true", "weight normalisation of the discriminators"),
    INTEGER(discriminator, heard_every, 1, 1e6, "1", "the generator hears them on every n-th step"),
    INTEGER(discriminator, every, 1, 1e6, "2", "trained on every n-th step, a multiple of that"),
    NUMBER(discriminator, probability, 0, 1, "1", "... and then with this probability"),
    BOOL(discriminator, hinge_generator, "true", "generator's loss is max(0, 1 - D), else -D"),

    INTEGER(run, seed, 0, 9007199254740991, "1", "of everything drawn at random"),
    INTEGER(run, save_every, 1, 1e9, "500", "steps between checkpoints"),
    INTEGER(run, keep, 1, 1000, "3", "checkpoints kept, besides the best"),
    INTEGER(run, validate_every, 1, 1e9, "500", "steps between validations"),
    INTEGER(run, log_every, 1, 1e9, "10", "steps between lines of the log"),
    INTEGER(run, validation_crops, 1, 1e6, "32", "examples of a validation"),
    CHOICE(run, init, init_words, "unit_variance", "of the weights: PyTorch's way, or by data"),
    WORD(run, freeze, "", "names of what is left as it is, with wildcards (encoder.*, rvq.*)"),
};
const int recipe_n_fields = (int)(sizeof recipe_fields / sizeof *recipe_fields);
