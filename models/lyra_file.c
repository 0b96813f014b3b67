// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "models/lyra_file.h"

#include "models/model_file.h"

#include <stdio.h>

codec_info lyra_info(const lyra *net)
{
  const lyra_config *config = &net->config;
  codec_info info = {.kind = "lyra",
                     .rate_hz = config->rate_hz,
                     .hop_samples = (uint32_t)lyra_hop_samples(config),
                     .n_channels = 1,
                     .n_codebooks = (uint32_t)config->n_codebooks,
                     .codebook_size = (uint32_t)config->codebook_size,
                     .model_delay_samples = 0, // see lyra.h: output lines up with input
                     .streamable = true};
  snprintf(info.name, sizeof info.name, "%s", config->name);
  snprintf(info.licence, sizeof info.licence, "%s", config->licence);
  info.n_parameters = layer_set_count(&net->encoder.set) + layer_set_count(&net->codebooks) +
                      layer_set_count(&net->decoder.set);
  return info;
}

static void write_network(json_writer *w, const void *pointer)
{
  const lyra_config *config = pointer;
  json_write_integer(w, "latent_dim", config->latent_dim);
  json_write_integer(w, "width", config->width);
  json_write_integer(w, "stride_in", config->stride_in);
  json_begin_array(w, "strides");
  for (int i = 0; i < LYRA_STAGES; ++i) {
    json_write_integer(w, NULL, config->strides[i]);
  }
  json_end_array(w);
}

status lyra_save(lyra *net, const char *path, const char *const *sources, int n_sources, error *err)
{
  const codec_info info = lyra_info(net);
  layer_set *const parts[] = {&net->encoder.set, &net->codebooks, &net->decoder.set};
  const model_file_draft draft = {.info = &info,
                                  .parts = parts,
                                  .n_parts = 3,
                                  .write_network = write_network,
                                  .config = &net->config,
                                  .sources = sources,
                                  .n_sources = n_sources};
  return model_file_save(path, &draft, err);
}

static status read_network(lyra_config *config, const json *network, error *err)
{
  status code = json_need_integer(network, "latent_dim", 1, 4096, &config->latent_dim, err);
  if (code == STATUS_OK) {
    code = json_need_integer(network, "width", 1, 4096, &config->width, err);
  }
  if (code == STATUS_OK) {
    code = json_need_integer(network, "stride_in", 1, 64, &config->stride_in, err);
  }
  const json *strides = json_member(network, "strides");
  for (size_t i = 0; i < LYRA_STAGES && code == STATUS_OK; ++i) {
    if (json_count(strides) != LYRA_STAGES ||
        !json_get_integer(json_element(strides, i), 1, 64, &config->strides[i])) {
      code =
          error_set(err, STATUS_FORMAT, "strides: expected %d integers from 1 to 64", LYRA_STAGES);
    }
  }
  return code;
}

static status read_config(lyra_config *config, codec_info *info, const safetensors *st, error *err)
{
  json *root = NULL;
  status code = safetensors_config(st, &root, err);
  if (code == STATUS_OK) {
    code = model_file_read_info(info, root, "lyra", st->path, err);
  }
  if (code == STATUS_OK) {
    *config = (lyra_config){.rate_hz = info->rate_hz,
                            .n_codebooks = info->n_codebooks,
                            .codebook_size = info->codebook_size};
    snprintf(config->name, sizeof config->name, "%s", info->name);
    snprintf(config->licence, sizeof config->licence, "%s", info->licence);
    code = read_network(config, json_member(root, "network"), err);
    if (code != STATUS_OK) {
      error_prefix(err, "%s: network", st->path);
    }
  }
  json_free(root);
  return code;
}

static status load_parts(lyra *net, const codec_info *info, const safetensors *st, error *err)
{
  // The network that the config describes must also be the codec that it promises.
  const codec_info is = lyra_info(net);
  if (info->hop_samples != is.hop_samples || info->n_channels != is.n_channels ||
      info->model_delay_samples != is.model_delay_samples) {
    return error_set(err, STATUS_FORMAT,
                     "%s: hop %u, channels %u, delay %u, but such a network has %u, %u and %u",
                     st->path, info->hop_samples, info->n_channels, info->model_delay_samples,
                     is.hop_samples, is.n_channels, is.model_delay_samples);
  }
  status code = model_file_load(st, &net->encoder.set, err);
  if (code == STATUS_OK) {
    code = model_file_load(st, &net->codebooks, err);
  }
  if (code == STATUS_OK) {
    code = model_file_load(st, &net->decoder.set, err);
  }
  return code == STATUS_OK ? model_file_check(st, err) : code;
}

status lyra_load(lyra **net, const char *path, error *err)
{
  safetensors st;
  lyra *made = NULL;
  lyra_config config;
  codec_info info;
  *net = NULL;
  status code = safetensors_open(&st, path, err);
  if (code != STATUS_OK) {
    return code;
  }
  code = read_config(&config, &info, &st, err);
  if (code == STATUS_OK) {
    error why = {0};
    code = lyra_new(&made, &config, &why);
    if (code != STATUS_OK) { // a meaningless config is the file's fault, not the caller's
      code =
          error_set(err, code == STATUS_USAGE ? STATUS_FORMAT : code, "%s: %s", path, why.message);
    }
  }
  if (code == STATUS_OK) {
    code = load_parts(made, &info, &st, err);
  }
  safetensors_close(&st);
  if (code != STATUS_OK) {
    lyra_free(made, NULL);
    return code;
  }
  *net = made;
  return STATUS_OK;
}
