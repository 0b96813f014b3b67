// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "models/layers.h"

#include "base/random.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

// ---- building ---------------------------------------------------------------------------

void layer_set_add(layer_set *set, weight *w)
{
  if (set->n_weights == LAYERS_MAX_WEIGHTS) {
    set->overflow = true;
    return;
  }
  set->weights[set->n_weights++] = w;
}

static void add_tensor(layer_set *set, weight *w, const char *layer, const char *part,
                       weight_use use, int rank, const int64_t *dims)
{
  char name[WEIGHT_NAME_BYTES];
  snprintf(name, sizeof name, "%s.%s", layer, part);
  weight_init(w, name, use, rank, dims);
  layer_set_add(set, w);
}

static void add_vector(layer_set *set, weight *w, const char *layer, const char *part,
                       int64_t count)
{
  const int64_t dims[TENSOR_MAX_DIMS] = {count};
  add_tensor(set, w, layer, part, WEIGHT_VECTOR, 1, dims);
}

static int add_memory(layer_set *set, int64_t rows, int64_t channels)
{
  if (rows == 0) {
    return -1;
  }
  if (set->n_memories == LAYERS_MAX_MEMORIES) {
    set->overflow = true;
    return -1;
  }
  set->memory_rows[set->n_memories] = rows;
  set->memory_channels[set->n_memories] = channels;
  return set->n_memories++;
}

void conv_layer_init(conv_layer *l, layer_set *set, const layer_place *place, int64_t channels_in,
                     int64_t channels_out, const conv1d_args *args)
{
  const int64_t dims[TENSOR_MAX_DIMS] = {channels_out, channels_in / args->groups, args->kernel};
  l->args = *args;
  l->normed = place->normed;
  add_tensor(set, &l->w, place->name, "weight", WEIGHT_CONV1D, 3, dims);
  l->w.groups = args->groups;
  l->w.stride = args->stride;
  l->w.dilation = args->dilation;
  add_vector(set, &l->bias, place->name, "bias", channels_out);
  if (l->normed) {
    add_vector(set, &l->norm_scale, place->name, "norm_scale", channels_out);
    add_vector(set, &l->norm_shift, place->name, "norm_shift", channels_out);
  }
  l->slot = add_memory(set, conv1d_history_rows(args), channels_in);
  // A mirrored pad of p rows needs p + 1 rows to look at.
  const int64_t steps = (args->pad_left + place->rows_per_step) / place->rows_per_step;
  if (args->mode == PAD_REFLECT && steps > set->reflect_steps) {
    set->reflect_steps = (int)steps;
  }
}

void conv_transposed_layer_init(conv_transposed_layer *l, layer_set *set, const layer_place *place,
                                int64_t channels_in, int64_t channels_out,
                                const conv_transposed1d_args *args)
{
  const int64_t dims[TENSOR_MAX_DIMS] = {channels_in, channels_out / args->groups, args->kernel};
  l->args = *args;
  l->normed = place->normed;
  add_tensor(set, &l->w, place->name, "weight", WEIGHT_CONV_TRANSPOSED1D, 3, dims);
  l->w.groups = args->groups;
  l->w.stride = args->stride;
  add_vector(set, &l->bias, place->name, "bias", channels_out);
  if (l->normed) {
    add_vector(set, &l->norm_scale, place->name, "norm_scale", channels_out);
    add_vector(set, &l->norm_shift, place->name, "norm_shift", channels_out);
  }
  l->slot = add_memory(set, conv_transposed1d_history_rows(args), channels_in);
}

conv2d_args conv2d_centred(int64_t kernel_h, int64_t kernel_w, int64_t dilation_h)
{
  const int64_t above = (kernel_h - 1) * dilation_h / 2, before = (kernel_w - 1) / 2;
  return (conv2d_args){.kernel_h = kernel_h,
                       .kernel_w = kernel_w,
                       .stride_h = 1,
                       .stride_w = 1,
                       .dilation_h = dilation_h,
                       .dilation_w = 1,
                       .groups = 1,
                       .pad_top = above,
                       .pad_bottom = above,
                       .pad_left = before,
                       .pad_right = before};
}

void conv2d_layer_init(conv2d_layer *l, layer_set *set, const char *name, int64_t channels_in,
                       int64_t channels_out, const conv2d_args *args)
{
  const int64_t dims[TENSOR_MAX_DIMS] = {channels_out, channels_in / args->groups, args->kernel_h,
                                         args->kernel_w};
  l->args = *args;
  add_tensor(set, &l->w, name, "weight", WEIGHT_CONV2D, 4, dims);
  l->w.groups = args->groups;
  l->w.stride = args->stride_w;
  l->w.dilation = args->dilation_w;
  add_vector(set, &l->bias, name, "bias", channels_out);
}

void lstm_layer_init(lstm_layer *l, layer_set *set, const char *name, int64_t channels,
                     int64_t size)
{
  const int64_t input[TENSOR_MAX_DIMS] = {4 * size, channels};
  const int64_t state[TENSOR_MAX_DIMS] = {4 * size, size};
  add_tensor(set, &l->w_ih, name, "w_ih", WEIGHT_LINEAR, 2, input);
  add_tensor(set, &l->w_hh, name, "w_hh", WEIGHT_LINEAR, 2, state);
  add_vector(set, &l->b_ih, name, "b_ih", 4 * size);
  add_vector(set, &l->b_hh, name, "b_hh", 4 * size);
  l->slot = add_memory(set, 2, size);
}

// ---- the tensor table -------------------------------------------------------------------

static bool is_matrix(const weight *w)
{
  return w->use != WEIGHT_VECTOR && w->use != WEIGHT_CODEBOOK;
}

status layer_set_allocate(layer_set *set, bool normalised, error *err)
{
  for (int i = 0; i < set->n_weights; ++i) {
    weight *w = set->weights[i];
    const bool convolves =
        w->use == WEIGHT_CONV1D || w->use == WEIGHT_CONV_TRANSPOSED1D || w->use == WEIGHT_CONV2D;
    const bool with_norm = normalised && convolves;
    const status code = weight_allocate(w, with_norm, err);
    if (code != STATUS_OK) {
      return code;
    }
  }
  return STATUS_OK;
}

/// Half width of the uniform distribution that keeps unit variance, and its centre.
static void random_range(const weight *w, float *centre, float *reach)
{
  const double taps = (double)w->dims[1] * (double)w->dims[2] * (double)w->dims[3];
  const int64_t inputs = w->dims[0] / w->groups; // of a transposed convolution
  *centre = 0.0f;
  switch (w->use) {
  case WEIGHT_VECTOR: {
    const size_t length = strlen(w->name), suffix = strlen(".norm_scale");
    const bool scale = length > suffix && !strcmp(w->name + length - suffix, ".norm_scale");
    *centre = scale ? 1.0f : 0.0f;
    *reach = 0.1f;
    break;
  }
  case WEIGHT_CONV_TRANSPOSED1D: // an output row gathers kernel / stride taps of each channel in
    *reach = (float)sqrt(3.0 * (double)w->stride / ((double)inputs * (double)w->dims[2]));
    break;
  case WEIGHT_TABLE:
  case WEIGHT_CODEBOOK:
    *reach = 0.3f;
    break;
  default:
    *reach = (float)sqrt(3.0 / taps);
    break;
  }
}

/// Uniform in [centre - reach, centre + reach); with a norm, v has the values and g their size.
static void fill_uniform(weight *w, uint64_t seed, float centre, float reach)
{
  const uint64_t key = random_name_key(w->name);
  const int64_t count = weight_count(w);
  float *to = w->norm_v ? w->norm_v : w->master;
  for (int64_t e = 0; e < count; ++e) {
    to[e] = centre + (2.0f * random_uniform(seed, key, (uint64_t)e) - 1.0f) * reach;
  }
  if (w->norm_g) {
    const int64_t inner = count / w->dims[0];
    for (int64_t o = 0; o < w->dims[0]; ++o) {
      double sum = 0.0;
      for (int64_t e = 0; e < inner; ++e) {
        sum += (double)to[o * inner + e] * (double)to[o * inner + e];
      }
      w->norm_g[o] = (float)sqrt(sum);
    }
    weight_fold(w);
  }
  ++w->version;
}

void layer_set_randomise(layer_set *set, uint64_t seed)
{
  for (int i = 0; i < set->n_weights; ++i) {
    float centre, reach;
    random_range(set->weights[i], &centre, &reach);
    fill_uniform(set->weights[i], seed, centre, reach);
  }
}

void layer_set_start_uniform(layer_set *set, uint64_t seed)
{
  float reach = 0.0f;
  for (int i = 0; i < set->n_weights; ++i) {
    weight *w = set->weights[i];
    if (is_matrix(w)) {
      reach = (float)(1.0 / sqrt((double)w->dims[1] * (double)w->dims[2] * (double)w->dims[3]));
    }
    fill_uniform(w, seed, 0.0f, reach);
  }
}

status layer_set_refresh(layer_set *set, device *dev, dtype storage, error *err)
{
  for (int i = 0; i < set->n_weights; ++i) {
    weight *w = set->weights[i];
    const dtype wanted = is_matrix(w) ? storage : DTYPE_F32;
    if (wanted != w->storage) {
      w->storage = wanted;
      w->form_version = 0;
    }
    const status code = weight_refresh(dev, w, err);
    if (code != STATUS_OK) {
      return code;
    }
  }
  return STATUS_OK;
}

void layer_set_drop_masters(layer_set *set)
{
  for (int i = 0; i < set->n_weights; ++i) {
    weight_drop_master(set->weights[i]);
  }
}

void layer_set_free(layer_set *set, device *dev)
{
  for (int i = 0; i < set->n_weights; ++i) {
    weight_free(dev, set->weights[i]);
  }
}

weight *layer_set_find(const layer_set *set, const char *name)
{
  for (int i = 0; i < set->n_weights; ++i) {
    if (!strcmp(set->weights[i]->name, name)) {
      return set->weights[i];
    }
  }
  return NULL;
}

uint64_t layer_set_count(const layer_set *set)
{
  uint64_t count = 0;
  for (int i = 0; i < set->n_weights; ++i) {
    count += (uint64_t)weight_count(set->weights[i]);
  }
  return count;
}

// ---- a codec's sets ---------------------------------------------------------------------

status codec_layers_allocate(codec_layers layers, bool normalised, error *err)
{
  status code = STATUS_OK;
  for (int i = 0; i < CODEC_N_PARTS && code == STATUS_OK; ++i) {
    code = layer_set_allocate(layers.sets[i], normalised, err);
  }
  return code;
}

void codec_layers_randomise(codec_layers layers, uint64_t seed)
{
  for (int i = 0; i < CODEC_N_PARTS; ++i) {
    layer_set_randomise(layers.sets[i], seed);
  }
}

status codec_layers_refresh(codec_layers layers, device *dev, dtype storage, error *err)
{
  status code = STATUS_OK;
  for (int i = 0; i < CODEC_N_PARTS && code == STATUS_OK; ++i) {
    code = layer_set_refresh(layers.sets[i], dev, storage, err);
  }
  return code;
}

void codec_layers_drop_masters(codec_layers layers)
{
  for (int i = 0; i < CODEC_N_PARTS; ++i) {
    layer_set_drop_masters(layers.sets[i]);
  }
}

void codec_layers_free(codec_layers layers, device *dev)
{
  for (int i = 0; i < CODEC_N_PARTS; ++i) {
    layer_set_free(layers.sets[i], dev);
  }
}

void codec_layers_each(codec_layers layers, void (*visit)(void *user, weight *w), void *user)
{
  for (int i = 0; i < CODEC_N_PARTS; ++i) {
    for (int j = 0; j < layers.sets[i]->n_weights; ++j) {
      visit(user, layers.sets[i]->weights[j]);
    }
  }
}

// ---- streams' memory --------------------------------------------------------------------

static size_t aligned(size_t bytes)
{
  return (bytes + ARENA_ALIGN_BYTES - 1) / ARENA_ALIGN_BYTES * ARENA_ALIGN_BYTES;
}

static size_t slot_bytes(const layer_set *set, const device *dev, int64_t n_streams, int slot)
{
  return aligned((size_t)(n_streams * set->memory_rows[slot] * set->memory_channels[slot]) *
                 dtype_bytes(dev->real));
}

static size_t control_bytes(int64_t n_streams)
{
  return aligned((size_t)n_streams * sizeof(int64_t)) + aligned((size_t)n_streams);
}

size_t stream_memory_bytes(const layer_set *set, const device *dev, int64_t n_streams)
{
  size_t bytes = control_bytes(n_streams);
  for (int i = 0; i < set->n_memories; ++i) {
    bytes += slot_bytes(set, dev, n_streams, i);
  }
  return bytes;
}

status stream_memory_init(stream_memory *m, const layer_set *set, device *dev, int64_t n_streams,
                          void *block, error *err)
{
  unsigned char *at = block;
  *m = (stream_memory){.block = block, .block_bytes = stream_memory_bytes(set, dev, n_streams)};
  m->control.n_streams = n_streams;
  m->control.position = (int64_t *)at;
  m->control.reset = at + aligned((size_t)n_streams * sizeof(int64_t));
  at += control_bytes(n_streams);
  for (int i = 0; i < set->n_memories; ++i) {
    m->slots[i] =
        tensor_view(at, dev->real, 3, n_streams, set->memory_rows[i], set->memory_channels[i], 1);
    at += slot_bytes(set, dev, n_streams, i);
  }
  const status code = dev->clear(dev, block, m->block_bytes, err);
  return code != STATUS_OK ? code : stream_memory_reset(m, dev, -1, err);
}

status stream_memory_reset(stream_memory *m, device *dev, int64_t stream, error *err)
{
  static const int64_t start = 0;
  static const uint8_t first = 1;
  const int64_t begin = stream < 0 ? 0 : stream;
  const int64_t end = stream < 0 ? m->control.n_streams : stream + 1;
  status code = STATUS_OK;
  for (int64_t i = begin; i < end && code == STATUS_OK; ++i) {
    code = dev->upload(dev, m->control.position + i, &start, sizeof start, err);
    if (code == STATUS_OK) {
      code = dev->upload(dev, m->control.reset + i, &first, sizeof first, err);
    }
  }
  return code;
}

status codec_memory_init(codec_memory *m, const layer_set *encoder, const layer_set *decoder,
                         device *dev, int64_t n_streams, error *err)
{
  const size_t encoder_bytes = stream_memory_bytes(encoder, dev, n_streams);
  *m = (codec_memory){.dev = dev};
  m->block_bytes = encoder_bytes + stream_memory_bytes(decoder, dev, n_streams);
  m->block = dev->allocate(dev, m->block_bytes);
  if (!m->block) {
    return error_set(err, STATUS_NO_MEMORY, "no memory for the state of %lld streams",
                     (long long)n_streams);
  }
  unsigned char *decoder_block = (unsigned char *)m->block + encoder_bytes;
  status code = stream_memory_init(&m->encoder, encoder, dev, n_streams, m->block, err);
  if (code == STATUS_OK) {
    code = stream_memory_init(&m->decoder, decoder, dev, n_streams, decoder_block, err);
  }
  if (code != STATUS_OK) {
    codec_memory_free(m);
  }
  return code;
}

void codec_memory_free(codec_memory *m)
{
  if (m->block) {
    m->dev->release(m->dev, m->block);
  }
  m->block = NULL;
}

// ---- forward ----------------------------------------------------------------------------

static const norm_args group_norm = {.kind = NORM_GROUP, .groups = 1, .epsilon = 1e-5f};

static tensor *slot_of(stream_memory *m, int slot)
{
  return m && slot >= 0 ? &m->slots[slot] : NULL;
}

tensor layer_conv(run *r, const conv_layer *l, tensor x, const tensor *residual, stream_memory *m)
{
  conv1d_args args = l->args;
  if (m && m->zero_start) {
    args.mode = PAD_ZERO;
  }
  if (!l->normed) {
    return apply_conv1d(r, x, &l->w, &l->bias, residual, slot_of(m, l->slot), &args);
  }
  tensor y = apply_conv1d(r, x, &l->w, &l->bias, NULL, slot_of(m, l->slot), &args);
  y = apply_norm(r, y, &l->norm_scale, &l->norm_shift, NULL, NULL, &group_norm);
  return residual ? apply_add(r, y, *residual) : y;
}

/// Rows [first, first + rows) of a single stream, in place.
static tensor rows_of_one(run *r, tensor x, int64_t first, int64_t rows)
{
  if (!run_ok(r)) {
    return (tensor){0};
  }
  if (x.dims[0] != 1 || r->record) {
    run_fail(r, STATUS_UNSUPPORTED,
             "a transposed convolution with a norm over time takes one stream, and no training");
    return (tensor){0};
  }
  char *data = (char *)x.data + (size_t)(first * x.dims[2]) * dtype_bytes(x.type);
  return tensor_view(data, x.type, 3, 1, rows, x.dims[2], 1);
}

tensor layer_conv_transposed(run *r, const conv_transposed_layer *l, tensor x, stream_memory *m)
{
  if (!l->normed) {
    return apply_conv_transposed1d(r, x, &l->w, &l->bias, slot_of(m, l->slot), &l->args);
  }
  conv_transposed1d_args whole = l->args;
  whole.trim_left = whole.trim_right = 0;
  tensor y = apply_conv_transposed1d(r, x, &l->w, &l->bias, NULL, &whole);
  y = apply_norm(r, y, &l->norm_scale, &l->norm_shift, NULL, NULL, &group_norm);
  return rows_of_one(r, y, l->args.trim_left, y.dims[1] - l->args.trim_left - l->args.trim_right);
}

tensor layer_conv2d(run *r, const conv2d_layer *l, tensor x)
{
  return apply_conv2d(r, x, &l->w, &l->bias, &l->args);
}

tensor layer_lstm(run *r, const lstm_layer *l, tensor x, stream_memory *m)
{
  return apply_lstm(r, x, &l->w_ih, &l->w_hh, &l->b_ih, &l->b_hh, slot_of(m, l->slot), false);
}
