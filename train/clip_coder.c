// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "train/clip_coder.h"

#include "models/io/resampler.h"
#include "models/whole_decoder.h"
#include "models/whole_encoder.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { BLOCK_SAMPLES = 2048 };

/// A growing array of floats that is emptied between portions.
typedef struct float_list {
  float *data;
  size_t n, capacity;
} float_list;

/// Steps that came out of one push, within one segment where the codec makes segments.
typedef struct step_batch {
  bool begins; ///< a segment of this scale
  float scale;
  size_t first, n_steps; ///< in `codes`
} step_batch;

/// Decoding with one number of codebooks.
typedef struct coder_branch {
  int n_used;
  whole_decoder *decoder;
  float_list decoded; ///< [n, n_channels] at the codec's rate
  uint64_t to_cut;    ///< samples of the model's delay
  resampler *back;
  double seconds;
} coder_branch;

struct clip_coder {
  clip_coder_options options;
  codec *owner;
  const codec_info *info;
  int n_used; ///< most of any branch
  resampler *there;
  whole_encoder *encoder; ///< null between clips
  coder_branch branches[CLIP_CODER_MAX_BRANCHES];
  double seconds;
  float block[BLOCK_SAMPLES]; ///< mono
  float_list wide;            ///< [n, n_channels]

  int32_t *codes; ///< [n_steps, n_used] of the last push
  size_t n_steps, steps_capacity;
  step_batch *batches;
  size_t n_batches, batches_capacity;
  int32_t *narrow; ///< [steps_capacity, n_used] room for a branch's share
  double *power;   ///< [steps_capacity]

  double *energy;         ///< [n_hops] sums of squares of the clip's last hops, a ring
  size_t n_hops;          ///< the hop that a code is of is never further back than that
  uint64_t n_pushed;      ///< samples at the codec's rate
  uint64_t segment, step; ///< segments begun, steps of the present one
};

static status no_memory(error *err)
{
  return error_set(err, STATUS_NO_MEMORY, "no memory to code a clip");
}

static double clock_s(const clip_coder *e)
{
  struct timespec t;
  clock_gettime(e->options.wall_clock ? CLOCK_MONOTONIC : CLOCK_PROCESS_CPUTIME_ID, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/// Room for `n` more at the end; null without memory.
static float *list_extend(float_list *list, size_t n)
{
  if (list->n + n >= list->capacity) { // so that there is a block even for none
    const size_t capacity = 2 * (list->n + n) + 1;
    float *more = realloc(list->data, capacity * sizeof *more);
    if (!more) {
      return NULL;
    }
    list->data = more;
    list->capacity = capacity;
  }
  list->n += n;
  return list->data + list->n - n;
}

// ---- making one ---------------------------------------------------------------------------------

static status check(const codec_info *info, const clip_coder_options *options, error *err)
{
  if (options->n_branches < 1 || options->n_branches > CLIP_CODER_MAX_BRANCHES) {
    return error_set(err, STATUS_USAGE, "%d numbers of codebooks, expected 1 to %d",
                     options->n_branches, CLIP_CODER_MAX_BRANCHES);
  }
  for (int i = 0; i < options->n_branches; ++i) {
    if (options->counts[i] < 1 || (uint32_t)options->counts[i] > info->n_codebooks) {
      return error_set(err, STATUS_USAGE, "%s: %d codebooks, expected 1 to %u", info->name,
                       options->counts[i], info->n_codebooks);
    }
  }
  return STATUS_OK;
}

static status make_parts(clip_coder *e, error *err)
{
  const codec_info *info = e->info;
  status code = resampler_new(&e->there, e->options.rate_hz, info->rate_hz, 1, err);
  for (int i = 0; i < e->options.n_branches && code == STATUS_OK; ++i) {
    coder_branch *b = &e->branches[i];
    b->n_used = e->options.counts[i];
    e->n_used = b->n_used > e->n_used ? b->n_used : e->n_used;
    code = resampler_new(&b->back, info->rate_hz, e->options.rate_hz, 1, err);
  }
  // A code is at most a chunk and a block old when it comes.
  e->n_hops = (info->chunk_samples + BLOCK_SAMPLES) / info->hop_samples + 4;
  e->energy = calloc(e->n_hops, sizeof *e->energy);
  return code == STATUS_OK && !e->energy ? no_memory(err) : code;
}

status clip_coder_new(clip_coder **out, codec *c, const clip_coder_options *options, error *err)
{
  const codec_info *info = codec_get_info(c);
  *out = NULL;
  status code = check(info, options, err);
  if (code != STATUS_OK) {
    return code;
  }
  clip_coder *e = calloc(1, sizeof *e);
  if (!e) {
    return no_memory(err);
  }
  e->options = *options;
  e->owner = codec_ref(c);
  e->info = info;
  code = make_parts(e, err);
  if (code != STATUS_OK) {
    clip_coder_free(e);
    return code;
  }
  *out = e;
  return STATUS_OK;
}

static void end_clip(clip_coder *e)
{
  whole_encoder_free(e->encoder);
  e->encoder = NULL;
  for (int i = 0; i < e->options.n_branches; ++i) {
    whole_decoder_free(e->branches[i].decoder);
    e->branches[i].decoder = NULL;
  }
}

void clip_coder_free(clip_coder *e)
{
  if (!e) {
    return;
  }
  end_clip(e);
  for (int i = 0; i < e->options.n_branches; ++i) {
    resampler_free(e->branches[i].back);
    free(e->branches[i].decoded.data);
  }
  resampler_free(e->there);
  codec_unref(e->owner);
  free(e->wide.data);
  free(e->codes);
  free(e->batches);
  free(e->narrow);
  free(e->power);
  free(e->energy);
  free(e);
}

double clip_coder_encode_s(const clip_coder *e)
{
  return e->seconds;
}

double clip_coder_decode_s(const clip_coder *e, int branch)
{
  return e->branches[branch].seconds;
}

// ---- what the codec gives -----------------------------------------------------------------------

static status begin_batch(clip_coder *e, bool begins, float scale, error *err)
{
  if (e->n_batches == e->batches_capacity) {
    const size_t capacity = 2 * e->batches_capacity + 4;
    step_batch *more = realloc(e->batches, capacity * sizeof *more);
    if (!more) {
      return no_memory(err);
    }
    e->batches = more;
    e->batches_capacity = capacity;
  }
  e->batches[e->n_batches++] = (step_batch){begins, scale, e->n_steps, 0};
  return STATUS_OK;
}

static status take_segment(void *user, float scale, error *err)
{
  return begin_batch(user, true, scale, err);
}

static status make_room(clip_coder *e, size_t n_steps, error *err)
{
  if (e->n_steps + n_steps <= e->steps_capacity) {
    return STATUS_OK;
  }
  const size_t capacity = 2 * (e->n_steps + n_steps), width = (size_t)e->n_used;
  int32_t *codes = realloc(e->codes, capacity * width * sizeof *codes);
  e->codes = codes ? codes : e->codes;
  int32_t *narrow = realloc(e->narrow, capacity * width * sizeof *narrow);
  e->narrow = narrow ? narrow : e->narrow;
  double *power = realloc(e->power, capacity * sizeof *power);
  e->power = power ? power : e->power;
  if (!codes || !narrow || !power) {
    return no_memory(err);
  }
  e->steps_capacity = capacity;
  return STATUS_OK;
}

static status take_codes(void *user, const int32_t *codes, size_t n_steps, error *err)
{
  clip_coder *e = user;
  status code = e->n_batches ? STATUS_OK : begin_batch(e, false, 1.0f, err);
  code = code ? code : make_room(e, n_steps, err);
  if (code == STATUS_OK) {
    const size_t width = (size_t)e->n_used;
    memcpy(e->codes + e->n_steps * width, codes, n_steps * width * sizeof *codes);
    e->n_steps += n_steps;
    e->batches[e->n_batches - 1].n_steps += n_steps;
  }
  return code;
}

static status take_audio(void *user, const float *audio, size_t n_samples, error *err)
{
  coder_branch *b = user;
  float *to = list_extend(&b->decoded, n_samples);
  if (!to) {
    return no_memory(err);
  }
  memcpy(to, audio, n_samples * sizeof *audio);
  return STATUS_OK;
}

/// The sink counts in samples of all channels, so that a list knows no channels.
static status take_wide_audio(void *user, const float *audio, size_t n_samples, error *err)
{
  return take_audio(user, audio, 2 * n_samples, err);
}

// ---- a clip begins ------------------------------------------------------------------------------

static status begin_clip(clip_coder *e, error *err)
{
  const whole_options whole = {.n_used = e->n_used, .start = CODEC_START_ZERO, .max_steps = 1};
  const code_sink codes = {take_segment, take_codes, e};
  status code = whole_encoder_new(&e->encoder, e->owner, &whole, codes, err);
  for (int i = 0; i < e->options.n_branches && code == STATUS_OK; ++i) {
    coder_branch *b = &e->branches[i];
    whole_options one = whole;
    one.n_used = b->n_used;
    const audio_sink audio = {e->info->n_channels == 2 ? take_wide_audio : take_audio, b};
    code = whole_decoder_new(&b->decoder, e->owner, &one, audio, err);
    resampler_reset(b->back);
    b->to_cut = e->info->model_delay_samples;
    b->decoded.n = 0;
  }
  resampler_reset(e->there);
  memset(e->energy, 0, e->n_hops * sizeof *e->energy);
  e->n_pushed = e->segment = e->step = 0;
  return code;
}

// ---- from codes to audio ------------------------------------------------------------------------

/// One channel at the codec's rate to the caller's, in place of what was kept.
static status give_audio(clip_coder *e, int branch, const float *mono, size_t n, error *err)
{
  coder_branch *b = &e->branches[branch];
  size_t consumed = 0, produced = BLOCK_SAMPLES;
  status code = STATUS_OK;
  while (code == STATUS_OK && (n > 0 || produced == BLOCK_SAMPLES)) {
    code = resampler_process(b->back, mono, n, e->block, BLOCK_SAMPLES, &consumed, &produced);
    mono += consumed;
    n -= consumed;
    if (code != STATUS_OK) {
      return error_set(err, code, "cannot convert %u Hz to %u Hz", e->info->rate_hz,
                       e->options.rate_hz);
    }
    code = produced ? e->options.audio(e->options.user, branch, e->block, produced, err) : code;
  }
  return code;
}

/// What a branch decoded: the delay cut, one channel made, handed on.
static status deliver(clip_coder *e, int branch, error *err)
{
  coder_branch *b = &e->branches[branch];
  const size_t n_channels = e->info->n_channels, n = b->decoded.n / n_channels;
  const size_t cut = b->to_cut < n ? (size_t)b->to_cut : n;
  float *mono = b->decoded.data;
  for (size_t i = 0; n_channels == 2 && i < n; ++i) {
    mono[i] = 0.5f * (mono[2 * i] + mono[2 * i + 1]);
  }
  b->to_cut -= cut;
  b->decoded.n = 0;
  return n > cut ? give_audio(e, branch, mono + cut, n - cut, err) : STATUS_OK;
}

static status decode(clip_coder *e, coder_branch *b, const step_batch *batch, error *err)
{
  const size_t width = (size_t)e->n_used, used = (size_t)b->n_used;
  const int32_t *codes = e->codes + batch->first * width;
  for (size_t i = 0; i < batch->n_steps; ++i) {
    memcpy(e->narrow + i * used, codes + i * width, used * sizeof *codes);
  }
  const double from_s = clock_s(e);
  status code =
      batch->begins ? whole_decoder_begin_segment(b->decoder, batch->scale, err) : STATUS_OK;
  code = code ? code : whole_decoder_push(b->decoder, e->narrow, batch->n_steps, err);
  b->seconds += clock_s(e) - from_s;
  return code;
}

/// Mean square of the hop that the next step codes.
static double next_power(clip_coder *e)
{
  const uint64_t start = e->segment ? (e->segment - 1) * e->info->chunk_stride_samples : 0;
  const uint64_t hop = start / e->info->hop_samples + e->step++;
  return e->energy[hop % e->n_hops] / (double)(e->info->hop_samples * e->info->n_channels);
}

/// All codes that wait, to their decoders.
static status pass_codes(clip_coder *e, error *err)
{
  status code = STATUS_OK;
  for (size_t i = 0; i < e->n_batches && code == STATUS_OK; ++i) {
    const step_batch *batch = &e->batches[i];
    if (batch->begins) {
      ++e->segment;
      e->step = 0;
    }
    for (size_t k = 0; k < batch->n_steps; ++k) {
      e->power[k] = next_power(e);
    }
    if (e->options.codes && batch->n_steps) {
      code = e->options.codes(e->options.user, e->codes + batch->first * (size_t)e->n_used,
                              e->power, batch->n_steps, err);
    }
    for (int b = 0; b < e->options.n_branches && code == STATUS_OK; ++b) {
      code = decode(e, &e->branches[b], batch, err);
      code = code ? code : deliver(e, b, err);
    }
  }
  e->n_batches = e->n_steps = 0;
  return code;
}

// ---- from audio to codes ------------------------------------------------------------------------

/// One channel at the codec's rate, null for silence, into the encoder.
static status encode(clip_coder *e, const float *mono, size_t n, error *err)
{
  const size_t n_channels = e->info->n_channels, hop = e->info->hop_samples;
  e->wide.n = 0;
  float *wide = list_extend(&e->wide, n * n_channels);
  if (!wide) {
    return no_memory(err);
  }
  for (size_t i = 0; i < n; ++i, ++e->n_pushed) {
    const float x = mono ? mono[i] : 0.0f;
    double *energy = &e->energy[e->n_pushed / hop % e->n_hops];
    *energy = (e->n_pushed % hop ? *energy : 0.0) + (double)n_channels * (double)x * (double)x;
    for (size_t c = 0; c < n_channels; ++c) {
      wide[i * n_channels + c] = x;
    }
  }
  const double from_s = clock_s(e);
  const status code = whole_encoder_push(e->encoder, wide, n, err);
  e->seconds += clock_s(e) - from_s;
  return code ? code : pass_codes(e, err);
}

status clip_coder_push(clip_coder *e, const float *audio, size_t n_samples, error *err)
{
  status code = e->encoder ? STATUS_OK : begin_clip(e, err);
  float converted[BLOCK_SAMPLES];
  size_t consumed = 0, produced = BLOCK_SAMPLES;
  while (code == STATUS_OK && (n_samples > 0 || produced == BLOCK_SAMPLES)) {
    code = resampler_process(e->there, audio, n_samples, converted, BLOCK_SAMPLES, &consumed,
                             &produced);
    if (code != STATUS_OK) {
      return error_set(err, code, "cannot convert %u Hz to %u Hz", e->options.rate_hz,
                       e->info->rate_hz);
    }
    audio += consumed;
    n_samples -= consumed;
    code = encode(e, converted, produced, err);
  }
  return code;
}

/// What the conversion still holds, and silence for the delay to push out what the model holds.
static status push_rest(clip_coder *e, error *err)
{
  float converted[BLOCK_SAMPLES];
  size_t produced = 1, silence = e->info->model_delay_samples;
  status code = STATUS_OK;
  while (code == STATUS_OK && produced > 0) {
    code = resampler_flush(e->there, converted, BLOCK_SAMPLES, &produced);
    if (code != STATUS_OK) {
      return error_set(err, code, "cannot convert to %u Hz", e->info->rate_hz);
    }
    code = encode(e, converted, produced, err);
  }
  while (code == STATUS_OK && silence > 0) {
    const size_t n = silence < BLOCK_SAMPLES ? silence : BLOCK_SAMPLES;
    silence -= n;
    code = encode(e, NULL, n, err);
  }
  return code;
}

static status finish_branch(clip_coder *e, int branch, error *err)
{
  coder_branch *b = &e->branches[branch];
  const double from_s = clock_s(e);
  status code = whole_decoder_finish(b->decoder, e->n_pushed, err);
  b->seconds += clock_s(e) - from_s;
  code = code ? code : deliver(e, branch, err);
  for (size_t produced = 1; code == STATUS_OK && produced > 0;) {
    code = resampler_flush(b->back, e->block, BLOCK_SAMPLES, &produced);
    if (code != STATUS_OK) {
      return error_set(err, code, "cannot convert to %u Hz", e->options.rate_hz);
    }
    code = produced ? e->options.audio(e->options.user, branch, e->block, produced, err) : code;
  }
  return code;
}

status clip_coder_finish(clip_coder *e, error *err)
{
  status code = e->encoder ? STATUS_OK : begin_clip(e, err);
  code = code ? code : push_rest(e, err);
  if (code == STATUS_OK) {
    const double from_s = clock_s(e);
    code = whole_encoder_finish(e->encoder, NULL, err);
    e->seconds += clock_s(e) - from_s;
  }
  code = code ? code : pass_codes(e, err);
  for (int i = 0; i < e->options.n_branches && code == STATUS_OK; ++i) {
    code = finish_branch(e, i, err);
  }
  end_clip(e);
  return code;
}
