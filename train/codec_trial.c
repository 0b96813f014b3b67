// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "train/codec_trial.h"

#include "base/random.h"
#include "train/wav_folder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_SAMPLES = 4096 };

/// Everything that tries a clip; the trial's own fields are the sums over clips.
typedef struct trial_parts {
  codec *owner;
  const codec_info *info;
  codec_trial_options options;
  int n_used; ///< most of the counts
  clip_coder *coder;
  comparison *nearness[CLIP_CODER_MAX_BRANCHES];
  audio_writer *wavs[CLIP_CODER_MAX_BRANCHES + 1]; ///< the last one: the reference
  code_use clip;                                   ///< of the clip at hand
  uint64_t clip_key, n_drawn;                      ///< of random codes
  float block[BLOCK_SAMPLES];
} trial_parts;

static status no_memory(error *err)
{
  return error_set(err, STATUS_NO_MEMORY, "no memory to try a codec");
}

static size_t use_cells(const codec_info *info)
{
  return (size_t)info->n_codebooks * info->codebook_size;
}

/// Counters for all codes of a codec, zero; null without memory.
static int64_t *new_counts(const codec_info *info)
{
  const size_t cells = use_cells(info);
  return calloc(cells > 0 ? cells : 1, sizeof(int64_t));
}

void codec_trial_choose_counts(const codec_info *info, codec_trial_options *options)
{
  int bits = 0;
  while (bits < 31 && (1u << bits) < info->codebook_size) {
    ++bits;
  }
  options->n_counts = 0;
  for (int wanted = 10; wanted <= 50; wanted += 10) {
    int count = bits && wanted <= 40 ? (wanted + bits - 1) / bits : (int)info->n_codebooks;
    count = count < (int)info->n_codebooks ? count : (int)info->n_codebooks;
    if (options->n_counts == 0 || options->counts[options->n_counts - 1] < count) {
      options->counts[options->n_counts++] = count;
    }
  }
}

// ---- what the coder gives -----------------------------------------------------------------------

static void draw_codes(trial_parts *p, int32_t *codes, size_t n)
{
  for (size_t i = 0; i < n; ++i) {
    codes[i] = (int32_t)(random_bits(1, p->clip_key, p->n_drawn++) % p->info->codebook_size);
  }
}

static status take_codes(void *user, int32_t *codes, const double *power, size_t n_steps,
                         error *err)
{
  trial_parts *p = user;
  const int64_t size = (int64_t)p->info->codebook_size;
  (void)err;
  if (p->options.random_codes) {
    draw_codes(p, codes, n_steps * (size_t)p->n_used);
  }
  for (size_t i = 0; i < n_steps; ++i) {
    if (power[i] > TRIAL_LEAST_POWER) {
      for (int k = 0; k < p->n_used; ++k) {
        code_tally(p->clip.counts + k * size, size, codes + i * (size_t)p->n_used + (size_t)k, 1,
                   1);
      }
      ++p->clip.n_steps;
    }
  }
  return STATUS_OK;
}

static status take_audio(void *user, int branch, const float *audio, size_t n_samples, error *err)
{
  trial_parts *p = user;
  status code = STATUS_OK;
  if (p->wavs[branch]) {
    code = audio_writer_write(p->wavs[branch], audio, n_samples, err);
  }
  return code ? code : comparison_push_clip(p->nearness[branch], audio, n_samples, err);
}

// ---- making one ---------------------------------------------------------------------------------

static status make_coder(trial_parts *p, error *err)
{
  clip_coder_options coder = {.rate_hz = p->options.rate_hz,
                              .n_branches = p->options.n_counts,
                              .wall_clock = p->options.wall_clock,
                              .codes = take_codes,
                              .audio = take_audio,
                              .user = p};
  memcpy(coder.counts, p->options.counts, sizeof coder.counts);
  clip_coder_free(p->coder);
  p->coder = NULL;
  return clip_coder_new(&p->coder, p->owner, &coder, err);
}

static status make_parts(trial_parts *p, error *err)
{
  status code = make_coder(p, err);
  for (int i = 0; i < p->options.n_counts && code == STATUS_OK; ++i) {
    p->n_used = p->options.counts[i] > p->n_used ? p->options.counts[i] : p->n_used;
    code = comparison_new(&p->nearness[i], p->options.rate_hz, err);
  }
  p->clip.counts = new_counts(p->info);
  return code == STATUS_OK && !p->clip.counts ? no_memory(err) : code;
}

/// Use of codes by a kind (null: all), a new one if there is none yet; null without memory.
static code_use *find_use(codec_trial *t, const char *kind)
{
  for (size_t i = 0; i < t->n_uses; ++i) {
    if (kind ? t->uses[i].kind && strcmp(t->uses[i].kind, kind) == 0 : !t->uses[i].kind) {
      return &t->uses[i];
    }
  }
  code_use *more = realloc(t->uses, (t->n_uses + 1) * sizeof *more);
  if (!more) {
    return NULL;
  }
  t->uses = more;
  code_use added = {.counts = new_counts(t->parts->info), .kind = kind ? strdup(kind) : NULL};
  if (!added.counts || (kind && !added.kind)) {
    free(added.counts);
    free(added.kind);
    return NULL;
  }
  more[t->n_uses] = added;
  return &more[t->n_uses++];
}

status codec_trial_new(codec_trial **out, codec *c, const codec_trial_options *options, error *err)
{
  *out = NULL;
  if (codec_get_info(c)->codebook_size == 0) {
    return error_set(err, STATUS_UNSUPPORTED, "%s: has no codebooks to speak of",
                     codec_get_info(c)->name);
  }
  codec_trial *t = calloc(1, sizeof *t);
  trial_parts *p = calloc(1, sizeof *p);
  if (!t || !p) {
    free(t);
    free(p);
    return no_memory(err);
  }
  t->parts = p;
  *p = (trial_parts){.owner = codec_ref(c), .info = codec_get_info(c), .options = *options};
  status code = make_parts(p, err);
  if (code == STATUS_OK && !find_use(t, NULL)) {
    code = no_memory(err);
  }
  if (code != STATUS_OK) {
    codec_trial_free(t);
    return code;
  }
  *out = t;
  return STATUS_OK;
}

void codec_trial_free(codec_trial *t)
{
  if (!t) {
    return;
  }
  trial_parts *p = t->parts;
  clip_coder_free(p->coder);
  for (int i = 0; i < CLIP_CODER_MAX_BRANCHES; ++i) {
    comparison_free(p->nearness[i]);
    scores_free(&t->scores[i]);
  }
  for (size_t i = 0; i < t->n_uses; ++i) {
    free(t->uses[i].kind);
    free(t->uses[i].counts);
  }
  free(p->clip.counts);
  codec_unref(p->owner);
  free(p);
  free(t->uses);
  free(t);
}

double codec_trial_entropy(const codec_trial *t, const code_use *use, int k)
{
  const int64_t size = (int64_t)t->parts->info->codebook_size;
  return code_entropy(use->counts + k * size, size);
}

// ---- a clip -------------------------------------------------------------------------------------

static status open_wavs(trial_parts *p, const char *path, uint64_t expected_samples, error *err)
{
  const int n = p->options.n_counts;
  char part[32];
  status code = wav_folder_open(&p->wavs[CLIP_CODER_MAX_BRANCHES], p->options.wavs, "reference",
                                path, p->options.rate_hz, expected_samples, err);
  for (int i = 0; i < n && code == STATUS_OK; ++i) {
    snprintf(part, sizeof part, "%scodebooks-%02d", p->options.random_codes ? "random-" : "",
             p->options.counts[i]);
    code = wav_folder_open(&p->wavs[i], p->options.wavs, part, path, p->options.rate_hz,
                           expected_samples, err);
  }
  return code;
}

/// Finish all files, or with `code` none.
static status close_wavs(trial_parts *p, status code, error *err)
{
  for (int i = 0; i <= CLIP_CODER_MAX_BRANCHES; ++i) {
    if (code == STATUS_OK && p->wavs[i]) {
      code = audio_writer_commit(p->wavs[i], err);
    } else {
      audio_writer_abort(p->wavs[i]);
    }
    p->wavs[i] = NULL;
  }
  return code;
}

static status push_block(trial_parts *p, size_t n_samples, error *err)
{
  audio_writer *reference = p->wavs[CLIP_CODER_MAX_BRANCHES];
  status code = reference ? audio_writer_write(reference, p->block, n_samples, err) : STATUS_OK;
  for (int i = 0; i < p->options.n_counts && code == STATUS_OK; ++i) {
    code = comparison_push_reference(p->nearness[i], p->block, n_samples, err);
  }
  return code ? code : clip_coder_push(p->coder, p->block, n_samples, err);
}

static status push_clip(trial_parts *p, clip_reader *reader, uint64_t *n_samples, bool *clip_is_bad,
                        error *err)
{
  size_t n = BLOCK_SAMPLES;
  status code = STATUS_OK;
  while (code == STATUS_OK && n == BLOCK_SAMPLES) {
    code = clip_reader_read(reader, p->block, BLOCK_SAMPLES, &n, err);
    *clip_is_bad = code != STATUS_OK;
    code = code ? code : push_block(p, n, err);
    *n_samples += n;
  }
  return code ? code : clip_coder_finish(p->coder, err);
}

static status add_clip(codec_trial *t, const char *kind, const char *path, double seconds,
                       error *err)
{
  trial_parts *p = t->parts;
  const size_t cells = use_cells(p->info);
  status code = STATUS_OK;
  for (int i = 0; i < p->options.n_counts && code == STATUS_OK; ++i) {
    const comparison_result found = comparison_end(p->nearness[i]);
    code = scores_add(&t->scores[i], kind, path, seconds, &found, err);
  }
  for (int i = 0; i < 2 && code == STATUS_OK; ++i) {
    code_use *use = find_use(t, i ? kind : NULL);
    if (!use) {
      return no_memory(err);
    }
    use->n_steps += p->clip.n_steps;
    for (size_t c = 0; c < cells; ++c) {
      use->counts[c] += p->clip.counts[c];
    }
  }
  t->audio_s += seconds;
  return code;
}

/// The pieces as new after a clip that could not be read to its end.
static status recover(trial_parts *p, error *err)
{
  for (int i = 0; i < p->options.n_counts; ++i) {
    (void)comparison_end(p->nearness[i]);
  }
  return make_coder(p, err);
}

status codec_trial_clip(codec_trial *t, const clip_list *list, size_t clip, bool *clip_is_bad,
                        error *err)
{
  trial_parts *p = t->parts;
  const char *path = clip_list_path(list, clip), *kind = clip_list_kind(list, clip);
  clip_reader *reader = NULL;
  uint64_t n_samples = 0;
  error why = {0};
  status code = clip_reader_open(&reader, list, clip, err);
  *clip_is_bad = code != STATUS_OK && code != STATUS_NO_MEMORY;
  if (code != STATUS_OK) {
    return code;
  }
  memset(p->clip.counts, 0, use_cells(p->info) * sizeof *p->clip.counts);
  p->clip.n_steps = 0;
  p->clip_key = random_name_key(path);
  p->n_drawn = 0;
  const double encode_s = clip_coder_encode_s(p->coder);
  const double decode_s = clip_coder_decode_s(p->coder, p->options.n_counts - 1);
  code = p->options.wavs ? open_wavs(p, path, clip_reader_expected(reader), err) : STATUS_OK;
  code = code ? code : push_clip(p, reader, &n_samples, clip_is_bad, err);
  clip_reader_close(reader);
  code = close_wavs(p, code, err);
  if (code == STATUS_OK) {
    t->encode_s += clip_coder_encode_s(p->coder) - encode_s;
    t->decode_s += clip_coder_decode_s(p->coder, p->options.n_counts - 1) - decode_s;
    return add_clip(t, kind, path, (double)n_samples / (double)p->options.rate_hz, err);
  }
  *clip_is_bad = *clip_is_bad && code != STATUS_NO_MEMORY && recover(p, &why) == STATUS_OK;
  return code;
}
