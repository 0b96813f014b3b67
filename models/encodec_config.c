// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "models/encodec_checkpoint.h"

#include <stdio.h>
#include <string.h>

// ---- from the tensors --------------------------------------------------------------------------

// The weight of a convolution [out, in, kernel], or null when there is none of that rank.
static const safetensors_tensor *conv_weight(const encodec_checkpoint *cp, const char *half,
                                             int index, const char *inside)
{
  char name[ENCODEC_NAME_BYTES];
  encodec_layer_name(cp, name, half, index, inside, ENCODEC_CONV);
  const safetensors_tensor *t = encodec_find_weight(cp, name);
  return t && t->rank == 3 ? t : NULL;
}

static int count_lstm(const encodec_checkpoint *cp, int index)
{
  char name[ENCODEC_NAME_BYTES];
  char suffix[32];
  int n = 0;
  encodec_layer_name(cp, name, "encoder", index, "", ENCODEC_LSTM);
  do {
    snprintf(suffix, sizeof suffix, ".weight_ih_l%d", n);
  } while (encodec_find(cp, name, suffix) && ++n <= SEANET_MAX_LSTM);
  return n;
}

static status not_known(const encodec_checkpoint *cp, const char *what, error *err)
{
  return error_set(
      err, STATUS_UNSUPPORTED,
      "%s: not one of the published EnCodec models (%s), and no config.json tells more", cp->path,
      what);
}

// Stages: units, an activation (which takes an index but has no tensors), the strided convolution.
static status read_stages(const encodec_checkpoint *cp, seanet_config *config, int *index,
                          error *err)
{
  config->n_strides = 0;
  for (*index = 1; conv_weight(cp, "encoder", *index, ".block.1"); *index += 2) {
    if (!conv_weight(cp, "encoder", *index, ".shortcut")) {
      return not_known(cp, "residual units without a convolution beside them", err);
    }
    const safetensors_tensor *down = conv_weight(cp, "encoder", *index + 2, "");
    if (config->n_strides == SEANET_MAX_STAGES || !down || down->dims[2] % 2 != 0) {
      return not_known(cp, "its stages are others", err);
    }
    config->strides[config->n_strides++] = down->dims[2] / 2;
    ++*index;
  }
  return STATUS_OK;
}

static status read_half(const encodec_checkpoint *cp, seanet_config *config, error *err)
{
  const safetensors_tensor *in = conv_weight(cp, "encoder", 0, "");
  const safetensors_tensor *unit = conv_weight(cp, "encoder", 1, ".block.1");
  int index = 0;
  const status s = read_stages(cp, config, &index, err);
  if (s) {
    return s;
  }
  seanet_half_config *half = &config->encoder;
  half->n_lstm = count_lstm(cp, index);
  const safetensors_tensor *out = conv_weight(cp, "encoder", index + (half->n_lstm > 0) + 1, "");
  if (!in || !unit || !out || unit->dims[0] < 1) {
    return not_known(cp, "its layers are others", err);
  }
  half->width = in->dims[0];
  half->kernel_in = in->dims[2];
  half->kernel_out = out->dims[2];
  half->kernel_residual = unit->dims[2];
  half->compress = in->dims[0] / unit->dims[0];
  config->decoder = *half; // what differs is found when its tensors are read
  config->latent_dim = out->dims[0];
  return STATUS_OK;
}

static bool is_published(const seanet_config *a, const seanet_config *b)
{
  return a->encoder.width == b->encoder.width && a->latent_dim == b->latent_dim &&
         a->n_strides == b->n_strides && a->n_codebooks == b->n_codebooks &&
         a->codebook_size == b->codebook_size &&
         memcmp(a->strides, b->strides, sizeof a->strides) == 0;
}

static status config_from_tensors(const encodec_checkpoint *cp, seanet_config *config, error *err)
{
  char name[ENCODEC_NAME_BYTES];
  const safetensors_tensor *in = conv_weight(cp, "encoder", 0, "");
  if (!in) {
    return not_known(cp, "no first convolution", err);
  }
  encodec_layer_name(cp, name, "encoder", 0, "", ENCODEC_CONV);
  const bool normalised = encodec_find_norm(cp, name) != NULL;
  encodec_layer_name(cp, name, "encoder", 0, "", ENCODEC_CONV_NORM);
  const bool group_normed = encodec_find(cp, name, ".weight") != NULL;
  if (in->dims[1] == 1 && normalised && !group_normed) {
    *config = seanet_config_encodec_24khz();
  } else if (in->dims[1] == 2 && !normalised && group_normed) {
    *config = seanet_config_encodec_48khz();
  } else {
    return not_known(cp, "its channels and norms are others", err);
  }
  memset(config->strides, 0, sizeof config->strides);
  return read_half(cp, config, err);
}

// ---- from config.json --------------------------------------------------------------------------

static status read_integers(const json *root, seanet_config *config, error *err)
{
  int64_t rate_hz = 0;
  seanet_half_config *half = &config->encoder;
  const struct {
    const char *key;
    int64_t *out;
  } fields[] = {
      {"sampling_rate", &rate_hz},
      {"audio_channels", &config->n_channels},
      {"hidden_size", &config->latent_dim},
      {"num_filters", &half->width},
      {"kernel_size", &half->kernel_in},
      {"last_kernel_size", &half->kernel_out},
      {"residual_kernel_size", &half->kernel_residual},
      {"num_residual_layers", &half->n_residual},
      {"dilation_growth_rate", &half->dilation_base},
      {"compress", &half->compress},
      {"num_lstm_layers", &half->n_lstm},
  };
  status s = STATUS_OK;
  for (size_t i = 0; !s && i < sizeof fields / sizeof *fields; ++i) {
    s = json_need_integer(root, fields[i].key, 0, 1 << 20, fields[i].out, err);
  }
  config->rate_hz = (uint32_t)rate_hz;
  config->decoder = *half;
  return s;
}

// The file has the decoder's order, the largest first; ours is from the sample rate downwards.
static status read_ratios(const json *root, seanet_config *config, error *err)
{
  const json *ratios = json_member(root, "upsampling_ratios");
  const size_t n = json_count(ratios);
  if (json_get_type(ratios) != JSON_ARRAY || n < 1 || n > SEANET_MAX_STAGES) {
    return error_set(err, STATUS_FORMAT, "upsampling_ratios: expected an array of 1 to %d integers",
                     SEANET_MAX_STAGES);
  }
  config->n_strides = (int64_t)n;
  for (size_t i = 0; i < n; ++i) {
    if (!json_get_integer(json_element(ratios, i), 1, 1024, &config->strides[n - 1 - i])) {
      return error_set(err, STATUS_FORMAT, "upsampling_ratios: expected integers from 1");
    }
  }
  return STATUS_OK;
}

static status read_words(const json *root, seanet_config *config, error *err)
{
  const char *pad = "";
  const char *norm = "";
  status s = json_need_string(root, "pad_mode", &pad, err);
  if (!s) {
    s = json_need_string(root, "norm_type", &norm, err);
  }
  if (!s) {
    s = json_need_bool(root, "use_causal_conv", &config->causal, err);
  }
  if (s) {
    return s;
  }
  const bool weight_norm = strcmp(norm, "weight_norm") == 0;
  if (!weight_norm && strcmp(norm, "time_group_norm") != 0) {
    return error_set(err, STATUS_UNSUPPORTED, "norm_type \"%.40s\" is not known", norm);
  }
  const bool reflect = strcmp(pad, "reflect") == 0;
  if (!reflect && strcmp(pad, "constant") != 0 && strcmp(pad, "replicate") != 0) {
    return error_set(err, STATUS_UNSUPPORTED, "pad_mode \"%.40s\" is not known", pad);
  }
  bool shortcut = true; // older files do not say; they all have it
  (void)json_get_bool(json_member(root, "use_conv_shortcut"), &shortcut);
  config->true_skip = !shortcut;
  config->norm = weight_norm ? SEANET_NORM_WEIGHT : SEANET_NORM_TIME_GROUP;
  config->pad = reflect ? PAD_REFLECT : pad[0] == 'c' ? PAD_ZERO : PAD_REPLICATE;
  config->act = ACT_ELU;
  config->act_slope = 1.0f;
  return STATUS_OK;
}

// Null or absent: no chunks.
static status read_chunks(const json *root, seanet_config *config, error *err)
{
  double length_s = 0.0;
  double overlap = 0.0;
  bool normalised = false;
  double trimmed = 1.0;
  (void)json_get_bool(json_member(root, "normalize"), &normalised);
  (void)json_get_number(json_member(root, "trim_right_ratio"), &trimmed);
  const bool chunks = json_get_number(json_member(root, "chunk_length_s"), &length_s);
  if (normalised != chunks || (config->causal && trimmed < 1.0)) {
    return error_set(err, STATUS_UNSUPPORTED,
                     "this build normalises in chunks only and trims causal networks on the right");
  }
  if (!chunks) {
    return STATUS_OK;
  }
  if (!json_get_number(json_member(root, "overlap"), &overlap) || !(overlap >= 0.0) ||
      !(overlap < 1.0) || !(length_s > 0.0) || !(length_s <= 3600.0)) {
    return error_set(err, STATUS_FORMAT,
                     "chunk_length_s and overlap: expected up to 3600 s and 0 to 1");
  }
  config->chunk_samples = (int64_t)(length_s * config->rate_hz);
  config->chunk_stride_samples = (int64_t)((1.0 - overlap) * (double)config->chunk_samples);
  return STATUS_OK;
}

static status config_from_json(const encodec_checkpoint *cp, seanet_config *config, error *err)
{
  file_map map;
  json *root = NULL;
  status s = file_map_open(&map, cp->config_path, err);
  if (s) {
    return s;
  }
  s = json_parse(&root, map.data, map.size_bytes, cp->config_path, err);
  file_map_close(&map);
  if (s) {
    return s;
  }
  *config = (seanet_config){0};
  s = read_integers(root, config, err);
  if (!s) {
    s = read_ratios(root, config, err);
  }
  if (!s) {
    s = read_words(root, config, err);
  }
  if (!s) {
    s = read_chunks(root, config, err);
  }
  json_free(root);
  return s ? error_prefix(err, "%s", cp->config_path) : STATUS_OK;
}

// ---- both --------------------------------------------------------------------------------------

static status read_codebooks(const encodec_checkpoint *cp, seanet_config *config, error *err)
{
  char name[ENCODEC_NAME_BYTES];
  int n = 0;
  while (n <= OPS_MAX_CODEBOOKS &&
         safetensors_find(&cp->tensors, encodec_codebook_name(cp, name, n))) {
    ++n;
  }
  const safetensors_tensor *first =
      safetensors_find(&cp->tensors, encodec_codebook_name(cp, name, 0));
  if (!first || first->rank != 2) {
    return error_set(err, STATUS_FORMAT, "%s: tensor \"%.200s\": expected a codebook, found none",
                     cp->path, name);
  }
  config->n_codebooks = n;
  config->codebook_size = first->dims[0];
  return STATUS_OK;
}

status encodec_checkpoint_config(const encodec_checkpoint *cp, seanet_config *config, error *err)
{
  status s =
      cp->config_path ? config_from_json(cp, config, err) : config_from_tensors(cp, config, err);
  if (!s) {
    s = read_codebooks(cp, config, err);
  }
  if (s) {
    return s;
  }
  const seanet_config published =
      config->n_channels == 1 ? seanet_config_encodec_24khz() : seanet_config_encodec_48khz();
  const bool same = is_published(config, &published) && config->rate_hz == published.rate_hz;
  snprintf(config->name, sizeof config->name, "%s", same ? published.name : "encodec");
  return STATUS_OK;
}
