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
  const model_origin origin = {.sources = sources, .n_sources = n_sources};
  const model_file_draft draft = {.info = &info,
                                  .layers = lyra_layers(net),
                                  .write_network = write_network,
                                  .config = &net->config,
                                  .origin = &origin};
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

/// The network that the file's config describes, without values.
static status make(lyra **net, const model_file *file, error *err)
{
  const codec_info *info = &file->info;
  lyra_config config = {.rate_hz = info->rate_hz,
                        .n_codebooks = info->n_codebooks,
                        .codebook_size = info->codebook_size};
  snprintf(config.name, sizeof config.name, "%s", info->name);
  snprintf(config.licence, sizeof config.licence, "%s", info->licence);
  const status code = read_network(&config, file->network, err);
  return code == STATUS_OK ? lyra_new(net, &config, err) : error_prefix(err, "network");
}

status lyra_load(lyra **net, const char *path, error *err)
{
  model_file file;
  error why = {0};
  *net = NULL;
  status code = model_file_open(&file, path, "lyra", err);
  if (code != STATUS_OK) {
    return code;
  }
  if (make(net, &file, &why) == STATUS_OK && *net) {
    const codec_info info = lyra_info(*net);
    code = model_file_load(&file, &info, lyra_layers(*net), err);
  } else {
    code = model_file_reject(&file, &why, err);
  }
  model_file_close(&file);
  if (code != STATUS_OK) {
    lyra_free(*net, NULL);
    *net = NULL;
  }
  return code;
}
