// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "models/seanet_file.h"

#include <stdio.h>
#include <string.h>

codec_info seanet_info(const seanet *net)
{
  const seanet_config *config = &net->config;
  codec_info info = {.kind = "seanet",
                     .rate_hz = config->rate_hz,
                     .hop_samples = (uint32_t)seanet_hop_samples(config),
                     .n_channels = (uint32_t)config->n_channels,
                     .n_codebooks = (uint32_t)config->n_codebooks,
                     .codebook_size = (uint32_t)config->codebook_size,
                     .model_delay_samples = 0, // a decoded step lines up with the encoded one
                     .streamable = seanet_streamable(config),
                     .chunk_samples = (uint32_t)config->chunk_samples,
                     .chunk_stride_samples = (uint32_t)config->chunk_stride_samples,
                     .reflect_start = config->pad == PAD_REFLECT};
  const int encoder_steps = net->encoder.set.reflect_steps;
  const int decoder_steps = net->decoder.set.reflect_steps;
  info.reflect_steps = (uint32_t)(encoder_steps > decoder_steps ? encoder_steps : decoder_steps);
  snprintf(info.name, sizeof info.name, "%s", config->name);
  snprintf(info.licence, sizeof info.licence, "%s", config->licence);
  info.n_parameters = layer_set_count(&net->encoder.set) + layer_set_count(&net->codebooks) +
                      layer_set_count(&net->decoder.set);
  return info;
}

// ---- the config's words ------------------------------------------------------------------------

const char *const seanet_pad_words[] = {"zero", "reflect", "replicate", NULL};
const char *const seanet_norm_words[] = {"none", "weight", "time_group", NULL};
const char *const seanet_order_words[] = {"act_first", "act_last", NULL};
const char *const seanet_act_words[] = {"none", "elu",  "leaky_relu", "relu", "gelu",
                                        "silu", "tanh", "sigmoid",    NULL};
#define N_FIELDS(list) (int)(sizeof(list) / sizeof *(list))

/// One integer of the config or of a half, and where it lies.
typedef struct integer_field {
  const char *key;
  size_t offset;
} integer_field;

static const integer_field half_fields[] = {
    {"width", offsetof(seanet_half_config, width)},
    {"kernel_in", offsetof(seanet_half_config, kernel_in)},
    {"kernel_out", offsetof(seanet_half_config, kernel_out)},
    {"kernel_residual", offsetof(seanet_half_config, kernel_residual)},
    {"n_residual", offsetof(seanet_half_config, n_residual)},
    {"dilation_base", offsetof(seanet_half_config, dilation_base)},
    {"compress", offsetof(seanet_half_config, compress)},
    {"n_lstm", offsetof(seanet_half_config, n_lstm)},
};

static const integer_field fields[] = {
    {"latent_dim", offsetof(seanet_config, latent_dim)},
    {"chunk_samples", offsetof(seanet_config, chunk_samples)},
    {"chunk_stride_samples", offsetof(seanet_config, chunk_stride_samples)},
};

static int64_t *field_at(void *base, const integer_field *field)
{
  return (int64_t *)((char *)base + field->offset);
}

// ---- saving
// --------------------------------------------------------------------------------------

static void write_half(json_writer *w, const char *key, const seanet_half_config *half)
{
  seanet_half_config copy = *half;
  json_begin_object(w, key);
  for (int i = 0; i < N_FIELDS(half_fields); ++i) {
    json_write_integer(w, half_fields[i].key, *field_at(&copy, &half_fields[i]));
  }
  json_end_object(w);
}

static void write_network(json_writer *w, const void *pointer)
{
  seanet_config config = *(const seanet_config *)pointer;
  for (int i = 0; i < N_FIELDS(fields); ++i) {
    json_write_integer(w, fields[i].key, *field_at(&config, &fields[i]));
  }
  json_begin_array(w, "strides");
  for (int64_t i = 0; i < config.n_strides; ++i) {
    json_write_integer(w, NULL, config.strides[i]);
  }
  json_end_array(w);
  write_half(w, "encoder", &config.encoder);
  write_half(w, "decoder", &config.decoder);
  json_write_bool(w, "true_skip", config.true_skip);
  json_write_bool(w, "causal", config.causal);
  json_write_string(w, "pad", seanet_pad_words[config.pad]);
  json_write_string(w, "norm", seanet_norm_words[config.norm]);
  json_write_string(w, "act", seanet_act_words[config.act]);
  json_write_number(w, "act_slope", (double)config.act_slope);
  json_write_string(w, "order", seanet_order_words[config.order]);
}

status seanet_save(seanet *net, const char *path, const char *const *sources, int n_sources,
                   error *err)
{
  const model_origin origin = {.sources = sources, .n_sources = n_sources};
  return seanet_save_from(net, path, &origin, err);
}

status seanet_save_from(seanet *net, const char *path, const model_origin *origin, error *err)
{
  const codec_info info = seanet_info(net);
  const model_file_draft draft = {.info = &info,
                                  .layers = seanet_layers(net),
                                  .write_network = write_network,
                                  .config = &net->config,
                                  .origin = origin};
  return model_file_save(path, &draft, err);
}

// ---- loading
// -------------------------------------------------------------------------------------

static status read_integers(const json *object, void *base, const integer_field *list, int n_fields,
                            error *err)
{
  status code = STATUS_OK;
  for (int i = 0; i < n_fields && code == STATUS_OK; ++i) {
    code = json_need_integer(object, list[i].key, 0, 1 << 30, field_at(base, &list[i]), err);
  }
  return code;
}

static status read_half(seanet_half_config *half, const json *network, const char *key, error *err)
{
  const json *object = json_member(network, key);
  if (json_get_type(object) != JSON_OBJECT) {
    return error_set(err, STATUS_FORMAT, "%s: expected an object", key);
  }
  const status code = read_integers(object, half, half_fields, N_FIELDS(half_fields), err);
  return code == STATUS_OK ? code : error_prefix(err, "%s", key);
}

static status read_strides(seanet_config *config, const json *network, error *err)
{
  const json *strides = json_member(network, "strides");
  config->n_strides = (int64_t)json_count(strides);
  if (json_get_type(strides) != JSON_ARRAY || config->n_strides < 1 ||
      config->n_strides > SEANET_MAX_STAGES) {
    return error_set(err, STATUS_FORMAT, "strides: expected an array of 1 to %d integers",
                     SEANET_MAX_STAGES);
  }
  for (int64_t i = 0; i < config->n_strides; ++i) {
    if (!json_get_integer(json_element(strides, (size_t)i), 1, 64, &config->strides[i])) {
      return error_set(err, STATUS_FORMAT, "strides: expected integers from 1 to 64");
    }
  }
  return STATUS_OK;
}

/// Index of the member's word among `words`.
static status read_word(const json *network, const char *key, const char *const *words, int *out,
                        error *err)
{
  const char *found = "";
  status code = json_need_string(network, key, &found, err);
  if (code != STATUS_OK) {
    return code;
  }
  for (int i = 0; words[i]; ++i) {
    if (!strcmp(words[i], found)) {
      *out = i;
      return STATUS_OK;
    }
  }
  return error_set(err, STATUS_FORMAT, "%s: \"%.40s\" is none of this build's", key, found);
}

static status read_words(seanet_config *config, const json *network, error *err)
{
  int pad = 0, norm = 0, act = 0, order = 0;
  double slope = 0.0;
  status code = read_word(network, "pad", seanet_pad_words, &pad, err);
  if (code == STATUS_OK) {
    code = read_word(network, "norm", seanet_norm_words, &norm, err);
  }
  if (code == STATUS_OK) {
    code = read_word(network, "act", seanet_act_words, &act, err);
  }
  if (code == STATUS_OK) {
    code = read_word(network, "order", seanet_order_words, &order, err);
  }
  if (code == STATUS_OK) {
    code = json_need_number(network, "act_slope", &slope, err);
  }
  if (code == STATUS_OK) {
    code = json_need_bool(network, "true_skip", &config->true_skip, err);
  }
  if (code == STATUS_OK) {
    code = json_need_bool(network, "causal", &config->causal, err);
  }
  config->pad = (pad_mode)pad;
  config->norm = (seanet_norm)norm;
  config->act = (activation)act;
  config->order = (seanet_order)order;
  config->act_slope = (float)slope;
  return code;
}

static status read_network(seanet_config *config, const json *network, error *err)
{
  status code = read_integers(network, config, fields, N_FIELDS(fields), err);
  if (code == STATUS_OK) {
    code = read_strides(config, network, err);
  }
  if (code == STATUS_OK) {
    code = read_half(&config->encoder, network, "encoder", err);
  }
  if (code == STATUS_OK) {
    code = read_half(&config->decoder, network, "decoder", err);
  }
  return code == STATUS_OK ? read_words(config, network, err) : code;
}

/// The network that the file's config describes, without values.
static status make(seanet **net, const model_file *file, error *err)
{
  const codec_info *info = &file->info;
  seanet_config config = {.rate_hz = info->rate_hz,
                          .n_channels = info->n_channels,
                          .n_codebooks = info->n_codebooks,
                          .codebook_size = info->codebook_size};
  snprintf(config.name, sizeof config.name, "%s", info->name);
  snprintf(config.licence, sizeof config.licence, "%s", info->licence);
  const status code = read_network(&config, file->network, err);
  return code == STATUS_OK ? seanet_new(net, &config, err) : error_prefix(err, "network");
}

status seanet_load(seanet **net, const char *path, error *err)
{
  model_file file;
  error why = {0};
  *net = NULL;
  status code = model_file_open(&file, path, "seanet", err);
  if (code != STATUS_OK) {
    return code;
  }
  if (make(net, &file, &why) == STATUS_OK && *net) {
    const codec_info info = seanet_info(*net);
    code = model_file_load(&file, &info, seanet_layers(*net), err);
  } else {
    code = model_file_reject(&file, &why, err);
  }
  model_file_close(&file);
  if (code != STATUS_OK) {
    seanet_free(*net, NULL);
    *net = NULL;
  }
  return code;
}
