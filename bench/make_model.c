// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// make_model encodec_24khz|encodec_48khz|soundstream OUT.safetensors [SEED]: a model file of that
// architecture with random weights, the same for everybody (tests/reference/weights.py is its
// twin). It sounds of nothing; it costs what a trained one costs.

#include "models/seanet_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static status config_by_name(seanet_config *config, const char *name, error *err)
{
  if (strcmp(name, "encodec_24khz") == 0) {
    *config = seanet_config_encodec_24khz();
  } else if (strcmp(name, "encodec_48khz") == 0) {
    *config = seanet_config_encodec_48khz();
  } else if (strcmp(name, "soundstream") == 0) {
    *config = seanet_config_soundstream();
  } else if (strcmp(name, "tiny") == 0) {
    *config = seanet_config_encodec_24khz();
    config->latent_dim = 16;
    config->n_codebooks = 8;
    config->codebook_size = 64;
    config->pad = PAD_ZERO;
    config->encoder.width = config->decoder.width = 4;
    config->encoder.n_lstm = config->decoder.n_lstm = 1;
    snprintf(config->name, sizeof config->name, "tiny");
  } else {
    return error_set(err, STATUS_USAGE,
                     "%s: encodec_24khz, encodec_48khz, soundstream or tiny expected", name);
  }
  return STATUS_OK;
}

int main(int argc, char **argv)
{
  if (argc < 3 || argc > 4) {
    fprintf(stderr, "usage: make_model ARCHITECTURE OUT.safetensors [SEED]\n");
    return status_exit_code(STATUS_USAGE);
  }
  error err = {0};
  seanet_config config;
  seanet *net = NULL;
  status code = config_by_name(&config, argv[1], &err);
  code = code ? code : seanet_new(&net, &config, &err);
  code = code ? code : seanet_allocate(net, &err);
  if (!code) {
    codec_layers_randomise(seanet_layers(net), argc > 3 ? strtoull(argv[3], NULL, 10) : 3);
    code = seanet_save(net, argv[2], NULL, 0, &err);
  }
  if (net) {
    seanet_free(net, NULL);
  }
  if (code) {
    fprintf(stderr, "make_model: %s\n", err.message);
  }
  return status_exit_code(code);
}
