// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "models/import_encodec.h"

#include "models/encodec_checkpoint.h"
#include "models/model_file.h"
#include "models/seanet_file.h"

#include <stdio.h>
#include <string.h>

bool import_encodec_recognises(const char *path)
{
  return encodec_file_kind(path) != ENCODEC_FILE_OTHER;
}

// ---- filling one tensor ------------------------------------------------------------------------

/// The first failure sticks, so that a network reads as the list of its layers.
typedef struct filler {
  const encodec_checkpoint *cp;
  const char *half; // "encoder" or "decoder"
  int index;        // of the layer in the original's list; activations take one too
  status code;
  error *err;
} filler;

static void fill_values(filler *f, const char *name, int rank, const int64_t *dims, float *out)
{
  if (f->code == STATUS_OK) {
    f->code = model_tensors_read(&f->cp->tensors, name, rank, dims, out, f->err);
  }
}

// Masters for a weight that `name` holds in that shape: a config may ask for far more than that.
static void allocate(filler *f, weight *w, const char *name, bool normalised)
{
  const safetensors_tensor *t = NULL;
  if (f->code == STATUS_OK) {
    f->code = safetensors_expect(&f->cp->tensors, name, w->rank, w->dims, &t, f->err);
  }
  if (f->code == STATUS_OK) {
    f->code = weight_allocate(w, normalised, f->err);
  }
}

static void fill(filler *f, weight *w, const char *layer, const char *suffix)
{
  char name[ENCODEC_NAME_BYTES + 64];
  snprintf(name, sizeof name, "%s%s", layer, suffix);
  allocate(f, w, name, false);
  fill_values(f, name, w->rank, w->dims, w->master);
}

// [out, in, kernel] of a convolution, [in, out, kernel] of a transposed one; the length has one
// value per entry of the first dimension, whichever that is.
static void fill_matrix(filler *f, weight *w, const char *layer)
{
  const safetensors_tensor *direction = encodec_find_weight(f->cp, layer);
  const safetensors_tensor *length = encodec_find_norm(f->cp, layer);
  if (!length || !direction) {
    fill(f, w, layer, ".weight");
    return;
  }
  const int64_t length_dims[3] = {w->dims[0], 1, 1};
  allocate(f, w, direction->name, true);
  fill_values(f, length->name, 3, length_dims, w->norm_g);
  fill_values(f, direction->name, w->rank, w->dims, w->norm_v);
  if (f->code == STATUS_OK) {
    weight_fold(w);
  }
}

// ---- filling the network -----------------------------------------------------------------------

static void fill_conv(filler *f, conv_layer *l, const char *inside)
{
  char name[ENCODEC_NAME_BYTES];
  encodec_layer_name(f->cp, name, f->half, f->index, inside, ENCODEC_CONV);
  fill_matrix(f, &l->w, name);
  fill(f, &l->bias, name, ".bias");
  if (l->normed) {
    encodec_layer_name(f->cp, name, f->half, f->index, inside, ENCODEC_CONV_NORM);
    fill(f, &l->norm_scale, name, ".weight");
    fill(f, &l->norm_shift, name, ".bias");
  }
}

static void fill_conv_transposed(filler *f, conv_transposed_layer *l)
{
  char name[ENCODEC_NAME_BYTES];
  encodec_layer_name(f->cp, name, f->half, f->index, "", ENCODEC_CONV_TRANSPOSED);
  fill_matrix(f, &l->w, name);
  fill(f, &l->bias, name, ".bias");
  if (l->normed) {
    encodec_layer_name(f->cp, name, f->half, f->index, "", ENCODEC_CONV_TRANSPOSED_NORM);
    fill(f, &l->norm_scale, name, ".weight");
    fill(f, &l->norm_shift, name, ".bias");
  }
}

static void fill_units(filler *f, seanet_unit *units, int64_t n_units, bool true_skip)
{
  for (int64_t j = 0; j < n_units; ++j, ++f->index) {
    fill_conv(f, &units[j].conv1, ".block.1");
    fill_conv(f, &units[j].conv2, ".block.3");
    if (!true_skip) {
      fill_conv(f, &units[j].skip, ".shortcut");
    }
  }
}

// All LSTM layers stand at one index.
static void fill_lstm(filler *f, lstm_layer *layers, int64_t n_layers)
{
  char name[ENCODEC_NAME_BYTES];
  encodec_layer_name(f->cp, name, f->half, f->index, "", ENCODEC_LSTM);
  for (int64_t l = 0; l < n_layers; ++l) {
    const struct {
      const char *name;
      weight *w;
    } tensors[] = {{".weight_ih", &layers[l].w_ih},
                   {".weight_hh", &layers[l].w_hh},
                   {".bias_ih", &layers[l].b_ih},
                   {".bias_hh", &layers[l].b_hh}};
    for (int i = 0; i < 4; ++i) {
      char suffix[32];
      snprintf(suffix, sizeof suffix, "%s_l%d", tensors[i].name, (int)l);
      fill(f, tensors[i].w, name, suffix);
    }
  }
  f->index += n_layers > 0;
}

static void fill_encoder(filler *f, seanet *net)
{
  const seanet_config *config = &net->config;
  f->half = "encoder";
  f->index = 0;
  fill_conv(f, &net->encoder.in, "");
  ++f->index;
  for (int64_t i = 0; i < config->n_strides; ++i) {
    fill_units(f, net->encoder.units[i], config->encoder.n_residual, config->true_skip);
    ++f->index; // the activation
    fill_conv(f, &net->encoder.down[i], "");
    ++f->index;
  }
  fill_lstm(f, net->encoder.lstm, config->encoder.n_lstm);
  ++f->index; // the activation
  fill_conv(f, &net->encoder.out, "");
}

static void fill_decoder(filler *f, seanet *net)
{
  const seanet_config *config = &net->config;
  f->half = "decoder";
  f->index = 0;
  fill_conv(f, &net->decoder.in, "");
  ++f->index;
  fill_lstm(f, net->decoder.lstm, config->decoder.n_lstm);
  for (int64_t i = 0; i < config->n_strides; ++i) {
    ++f->index; // the activation
    fill_conv_transposed(f, &net->decoder.up[i]);
    ++f->index;
    fill_units(f, net->decoder.units[i], config->decoder.n_residual, config->true_skip);
  }
  ++f->index; // the activation
  fill_conv(f, &net->decoder.out, "");
}

static void fill_codebooks(filler *f, seanet *net)
{
  char name[ENCODEC_NAME_BYTES];
  for (int k = 0; k < net->quantiser.n_codebooks; ++k) {
    fill(f, &net->quantiser.codebooks[k], encodec_codebook_name(f->cp, name, k), "");
  }
}

// On failure `*net` is null.
static status read_network(seanet **net, const encodec_checkpoint *cp, error *err)
{
  seanet_config config;
  error why = {0};
  status code = encodec_checkpoint_config(cp, &config, err);
  if (code != STATUS_OK) {
    return code;
  }
  code = seanet_new(net, &config, &why);
  if (code != STATUS_OK) { // a config that makes no sense is the file's fault, not the caller's
    return error_set(err, code == STATUS_USAGE ? STATUS_FORMAT : code, "%s: %s",
                     cp->config_path ? cp->config_path : cp->path, why.message);
  }
  filler f = {.cp = cp, .err = err};
  fill_encoder(&f, *net);
  fill_codebooks(&f, *net);
  fill_decoder(&f, *net);
  if (f.code != STATUS_OK) {
    seanet_free(*net, NULL);
    *net = NULL;
  }
  return f.code;
}

status import_encodec_read(seanet **net, const char *const *paths, int n_paths, error *err)
{
  encodec_checkpoint cp;
  *net = NULL;
  status code = encodec_checkpoint_open(&cp, paths, n_paths, err);
  if (code == STATUS_OK) {
    code = read_network(net, &cp, err);
    encodec_checkpoint_close(&cp);
  }
  return code;
}

status import_encodec(const char *const *paths, int n_paths, const char *destination, error *err)
{
  encodec_checkpoint cp;
  seanet *net = NULL;
  status code = encodec_checkpoint_open(&cp, paths, n_paths, err);
  if (code != STATUS_OK) {
    return code;
  }
  code = read_network(&net, &cp, err);
  if (code == STATUS_OK) {
    const char *const sources[2] = {cp.path, cp.config_path};
    code = seanet_save(net, destination, sources, cp.config_path ? 2 : 1, err);
  }
  seanet_free(net, NULL);
  encodec_checkpoint_close(&cp);
  return code;
}
