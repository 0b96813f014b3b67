// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// A codec tried on clips: with each of some numbers of codebooks, how near what comes out is to
/// what went in; and how evenly its codes are used. Clips of any length need the same memory. One
/// thread.
#ifndef CONTINUO_TRAIN_CODEC_TRIAL_H
#define CONTINUO_TRAIN_CODEC_TRIAL_H

#include "train/clip_coder.h"
#include "train/clip_list.h"
#include "train/scores.h"

/// Only steps louder than this count as use of codes: -60 dB, full scale at 0.
#define TRIAL_LEAST_POWER 1e-6

typedef struct codec_trial_options {
  int counts[CLIP_CODER_MAX_BRANCHES]; ///< of codebooks to decode with, ascending
  int n_counts;
  bool random_codes; ///< decode codes that have nothing to do with the clip
  bool wall_clock;   ///< see clip_coder.h
  uint32_t rate_hz;  ///< of clips, and of the comparison
  const char *wavs;  ///< folder for references and what was decoded; null: none
} codec_trial_options;

/// Use of codes on loud steps.
typedef struct code_use {
  char *kind; ///< of sound; null: all
  int64_t n_steps;
  int64_t *counts; ///< [n_codebooks, codebook_size]
} code_use;

typedef struct codec_trial {
  scores scores[CLIP_CODER_MAX_BRANCHES]; ///< of each number of codebooks
  code_use *uses;                         ///< of all first, then by kind
  size_t n_uses;
  double encode_s, decode_s; ///< of computing; decoding with the most codebooks
  double audio_s;            ///< of clips
  struct trial_parts *parts; ///< what works
} codec_trial;

/// The numbers of codebooks that give 10, 20, 30 and 40 bits a step, or the next above, and all:
/// what there is to listen to. Sets counts and n_counts.
void codec_trial_choose_counts(const codec_info *info, codec_trial_options *options);

/// `c` is referenced. Errors: those of clip_coder_new and comparison_new; STATUS_UNSUPPORTED for
/// the bypass codec, which has no codebooks.
status codec_trial_new(codec_trial **t, codec *c, const codec_trial_options *options, error *err);
void codec_trial_free(codec_trial *t); ///< null is fine

/// Try one clip. `*clip_is_bad`: it could not be read, and nothing was added; the trial can go on.
/// Errors: those of reading, of writing files, of clip_coder; STATUS_NO_MEMORY.
status codec_trial_clip(codec_trial *t, const clip_list *list, size_t clip, bool *clip_is_bad,
                        error *err);

/// Entropy of codebook k's use over that of even use, 0 to 1.
double codec_trial_entropy(const codec_trial *t, const code_use *use, int k);

#endif
