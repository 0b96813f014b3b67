// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "models/seanet.h"

#include <stdio.h>
#include <stdlib.h>

// ---- config -----------------------------------------------------------------------------

static const seanet_half_config encodec_half = {.width = 32,
                                                .kernel_in = 7,
                                                .kernel_out = 7,
                                                .kernel_residual = 3,
                                                .n_residual = 1,
                                                .dilation_base = 2,
                                                .compress = 2,
                                                .n_lstm = 2};

seanet_config seanet_config_encodec_24khz(void)
{
  return (seanet_config){.name = "encodec_24khz",
                         .rate_hz = 24000,
                         .n_channels = 1,
                         .latent_dim = 128,
                         .n_strides = 4,
                         .strides = {2, 4, 5, 8},
                         .n_codebooks = 32,
                         .codebook_size = 1024,
                         .encoder = encodec_half,
                         .decoder = encodec_half,
                         .causal = true,
                         .pad = PAD_REFLECT,
                         .norm = SEANET_NORM_WEIGHT,
                         .act = ACT_ELU,
                         .act_slope = 1.0f};
}

seanet_config seanet_config_encodec_48khz(void)
{
  seanet_config config = seanet_config_encodec_24khz();
  snprintf(config.name, sizeof config.name, "encodec_48khz");
  config.rate_hz = 48000;
  config.n_channels = 2;
  config.n_codebooks = 16;
  config.causal = false;
  config.norm = SEANET_NORM_TIME_GROUP;
  config.chunk_samples = 48000;
  config.chunk_stride_samples = 47520;
  return config;
}

seanet_config seanet_config_soundstream(void)
{
  const seanet_half_config half = {.width = 32,
                                   .kernel_in = 7,
                                   .kernel_out = 3,
                                   .kernel_residual = 7,
                                   .n_residual = 3,
                                   .dilation_base = 3,
                                   .compress = 1};
  seanet_config config = {.name = "soundstream",
                          .rate_hz = 24000,
                          .n_channels = 1,
                          .latent_dim = 512,
                          .n_strides = 4,
                          .strides = {3, 4, 5, 8},
                          .n_codebooks = 8,
                          .codebook_size = 1024,
                          .encoder = half,
                          .decoder = half,
                          .true_skip = true,
                          .causal = true,
                          .pad = PAD_ZERO,
                          .norm = SEANET_NORM_NONE,
                          .act = ACT_ELU,
                          .act_slope = 1.0f,
                          .order = SEANET_ACT_LAST};
  config.decoder.kernel_out = 7;
  return config;
}

typedef struct field_range {
  const char *name;
  int64_t value, least, most;
} field_range;

static status check_ranges(const seanet_config *config, const field_range *fields, int n_fields,
                           error *err)
{
  for (int i = 0; i < n_fields; ++i) {
    const field_range *f = &fields[i];
    if (f->value < f->least || f->value > f->most) {
      return error_set(err, STATUS_USAGE, "%s: %s is %lld, expected %lld to %lld", config->name,
                       f->name, (long long)f->value, (long long)f->least, (long long)f->most);
    }
  }
  return STATUS_OK;
}

static status check_half(const seanet_config *config, const seanet_half_config *half, error *err)
{
  const field_range fields[] = {
      {"width", half->width, 1, 1024},
      {"kernel_in", half->kernel_in, 1, 255},
      {"kernel_out", half->kernel_out, 1, 255},
      {"kernel_residual", half->kernel_residual, 1, 255},
      {"n_residual", half->n_residual, 0, SEANET_MAX_UNITS},
      {"dilation_base", half->dilation_base, 1, 16},
      {"compress", half->compress, 1, half->width},
      {"n_lstm", half->n_lstm, 0, SEANET_MAX_LSTM},
      {"widest layer", half->width << config->n_strides, 1, 16384},
  };
  const status code = check_ranges(config, fields, (int)(sizeof fields / sizeof *fields), err);
  if (code != STATUS_OK) {
    return code;
  }
  if (half->width % half->compress != 0) {
    return error_set(err, STATUS_USAGE, "%s: compress %lld does not divide width %lld",
                     config->name, (long long)half->compress, (long long)half->width);
  }
  return STATUS_OK;
}

static status check_strides(const seanet_config *config, error *err)
{
  int64_t hop = 1;
  for (int64_t i = 0; i < config->n_strides; ++i) {
    const field_range stride = {"stride", config->strides[i], 1, 64};
    const status code = check_ranges(config, &stride, 1, err);
    if (code != STATUS_OK) {
      return code;
    }
    hop *= config->strides[i];
    const field_range product = {"hop", hop, 1, 65536};
    const status hop_code = check_ranges(config, &product, 1, err);
    if (hop_code != STATUS_OK) {
      return hop_code;
    }
  }
  return STATUS_OK;
}

/// The combinations that make no sense together.
static status check_together(const seanet_config *config, error *err)
{
  if (config->codebook_size & (config->codebook_size - 1)) {
    return error_set(err, STATUS_USAGE, "%s: codebook_size is %lld, expected a power of two",
                     config->name, (long long)config->codebook_size);
  }
  if (config->norm == SEANET_NORM_TIME_GROUP && config->chunk_samples == 0) {
    return error_set(err, STATUS_USAGE, "%s: a norm over time needs chunk_samples", config->name);
  }
  if (config->chunk_samples > 0 &&
      (config->chunk_stride_samples < 1 || config->chunk_stride_samples > config->chunk_samples)) {
    return error_set(err, STATUS_USAGE, "%s: chunk_stride_samples is %lld, expected 1 to %lld",
                     config->name, (long long)config->chunk_stride_samples,
                     (long long)config->chunk_samples);
  }
  if (config->chunk_samples == 0 && !config->causal) {
    return error_set(err, STATUS_USAGE, "%s: without chunks the padding must be causal",
                     config->name);
  }
  if (!(config->act_slope >= 0.0f && config->act_slope <= 16.0f)) {
    return error_set(err, STATUS_USAGE, "%s: act_slope is %g, expected 0 to 16", config->name,
                     (double)config->act_slope);
  }
  return STATUS_OK;
}

status seanet_config_check(const seanet_config *config, error *err)
{
  const field_range fields[] = {
      {"rate_hz", config->rate_hz, 1, 768000},
      {"n_channels", config->n_channels, 1, 2},
      {"latent_dim", config->latent_dim, 1, 4096},
      {"n_strides", config->n_strides, 1, SEANET_MAX_STAGES},
      {"n_codebooks", config->n_codebooks, 1, OPS_MAX_CODEBOOKS},
      {"codebook_size", config->codebook_size, 2, 65536},
      {"pad", config->pad, PAD_ZERO, PAD_REPLICATE},
      {"norm", config->norm, SEANET_NORM_NONE, SEANET_NORM_TIME_GROUP},
      {"act", config->act, ACT_NONE, ACT_SIGMOID},
      {"order", config->order, SEANET_ACT_FIRST, SEANET_ACT_LAST},
      {"chunk_samples", config->chunk_samples, 0, 1 << 24},
  };
  status code = check_ranges(config, fields, (int)(sizeof fields / sizeof *fields), err);
  if (code == STATUS_OK) {
    code = check_strides(config, err);
  }
  if (code == STATUS_OK) {
    code = check_half(config, &config->encoder, err);
  }
  if (code == STATUS_OK) {
    code = check_half(config, &config->decoder, err);
  }
  return code == STATUS_OK ? check_together(config, err) : code;
}

int64_t seanet_hop_samples(const seanet_config *config)
{
  int64_t hop = 1;
  for (int64_t i = 0; i < config->n_strides; ++i) {
    hop *= config->strides[i];
  }
  return hop;
}

bool seanet_streamable(const seanet_config *config)
{
  return config->causal && config->norm != SEANET_NORM_TIME_GROUP && config->chunk_samples == 0;
}

// ---- building ---------------------------------------------------------------------------

/// Where in the network the builder stands.
typedef struct builder {
  const seanet_config *config;
  const seanet_half_config *half;
  layer_set *set;
  const char *part;      ///< "encoder" or "decoder"
  int64_t rows_per_step; ///< at the present layer's input
} builder;

static conv1d_args conv_args(const builder *b, int64_t kernel, int64_t stride, int64_t dilation,
                             activation act_in)
{
  const int64_t padding = (kernel - 1) * dilation + 1 - stride;
  const int64_t right = b->config->causal ? 0 : padding / 2;
  return (conv1d_args){.kernel = kernel,
                       .stride = stride,
                       .dilation = dilation,
                       .groups = 1,
                       .pad_left = padding - right,
                       .pad_right = right,
                       .mode = b->config->pad,
                       .act_in = act_in,
                       .act_slope = b->config->act_slope};
}

static void add_conv(const builder *b, conv_layer *l, const char *name, int64_t channels_in,
                     int64_t channels_out, const conv1d_args *args)
{
  char full[WEIGHT_NAME_BYTES];
  snprintf(full, sizeof full, "%s.%s", b->part, name);
  const layer_place place = {.name = full,
                             .rows_per_step = b->rows_per_step,
                             .normed = b->config->norm == SEANET_NORM_TIME_GROUP};
  conv_layer_init(l, b->set, &place, channels_in, channels_out, args);
}

static activation act_before(const builder *b)
{
  return b->config->order == SEANET_ACT_FIRST ? b->config->act : ACT_NONE;
}

static void add_units(const builder *b, seanet_unit *units, int64_t stage, int64_t channels)
{
  const bool first = b->config->order == SEANET_ACT_FIRST;
  const int64_t inner = channels / b->half->compress;
  int64_t dilation = 1;
  for (int64_t j = 0; j < b->half->n_residual; ++j, dilation *= b->half->dilation_base) {
    char name[64];
    const conv1d_args wide =
        conv_args(b, b->half->kernel_residual, 1, dilation, first ? b->config->act : ACT_NONE);
    const conv1d_args point = conv_args(b, 1, 1, 1, b->config->act);
    const conv1d_args plain = conv_args(b, 1, 1, 1, ACT_NONE);
    snprintf(name, sizeof name, "stage.%d.unit.%d.conv1", (int)stage, (int)j);
    add_conv(b, &units[j].conv1, name, channels, inner, &wide);
    snprintf(name, sizeof name, "stage.%d.unit.%d.conv2", (int)stage, (int)j);
    add_conv(b, &units[j].conv2, name, inner, channels, &point);
    if (!b->config->true_skip) {
      snprintf(name, sizeof name, "stage.%d.unit.%d.skip", (int)stage, (int)j);
      add_conv(b, &units[j].skip, name, channels, channels, &plain);
    }
  }
}

static void add_lstm(const builder *b, lstm_layer *layers, int64_t channels)
{
  for (int64_t l = 0; l < b->half->n_lstm; ++l) {
    char name[64];
    snprintf(name, sizeof name, "%s.lstm.%d", b->part, (int)l);
    lstm_layer_init(&layers[l], b->set, name, channels, channels);
  }
}

static void build_encoder(seanet *net)
{
  const seanet_config *config = &net->config;
  seanet_encoder *e = &net->encoder;
  builder b = {config, &config->encoder, &e->set, "encoder", seanet_hop_samples(config)};
  int64_t channels = b.half->width;
  const conv1d_args in = conv_args(&b, b.half->kernel_in, 1, 1, ACT_NONE);
  const conv1d_args out = conv_args(&b, b.half->kernel_out, 1, 1, act_before(&b));
  add_conv(&b, &e->in, "in", config->n_channels, channels, &in);
  for (int64_t i = 0; i < config->n_strides; ++i, channels *= 2) {
    char name[64];
    const int64_t stride = config->strides[i];
    const conv1d_args down = conv_args(&b, 2 * stride, stride, 1, act_before(&b));
    add_units(&b, e->units[i], i, channels);
    snprintf(name, sizeof name, "stage.%d.down", (int)i);
    add_conv(&b, &e->down[i], name, channels, 2 * channels, &down);
    b.rows_per_step /= stride;
  }
  add_lstm(&b, e->lstm, channels);
  add_conv(&b, &e->out, "out", channels, config->latent_dim, &out);
}

static void add_up(const builder *b, conv_transposed_layer *l, int64_t stage, int64_t stride,
                   int64_t channels)
{
  char name[64];
  const int64_t right = b->config->causal ? stride : stride / 2;
  const conv_transposed1d_args args = {.kernel = 2 * stride,
                                       .stride = stride,
                                       .groups = 1,
                                       .trim_left = stride - right,
                                       .trim_right = right,
                                       .act_in = act_before(b),
                                       .act_slope = b->config->act_slope};
  snprintf(name, sizeof name, "%s.stage.%d.up", b->part, (int)stage);
  const layer_place place = {.name = name,
                             .rows_per_step = b->rows_per_step,
                             .normed = b->config->norm == SEANET_NORM_TIME_GROUP};
  conv_transposed_layer_init(l, b->set, &place, channels, channels / 2, &args);
}

static void build_decoder(seanet *net)
{
  const seanet_config *config = &net->config;
  seanet_decoder *d = &net->decoder;
  builder b = {config, &config->decoder, &d->set, "decoder", 1};
  int64_t channels = b.half->width << config->n_strides;
  const conv1d_args in = conv_args(&b, b.half->kernel_in, 1, 1, ACT_NONE);
  const conv1d_args out = conv_args(&b, b.half->kernel_out, 1, 1, act_before(&b));
  add_conv(&b, &d->in, "in", config->latent_dim, channels, &in);
  add_lstm(&b, d->lstm, channels);
  for (int64_t i = 0; i < config->n_strides; ++i, channels /= 2) {
    const int64_t stride = config->strides[config->n_strides - 1 - i];
    add_up(&b, &d->up[i], i, stride, channels);
    b.rows_per_step *= stride;
    add_units(&b, d->units[i], i, channels / 2);
  }
  add_conv(&b, &d->out, "out", channels, config->n_channels, &out);
}

status seanet_new(seanet **net, const seanet_config *config, error *err)
{
  *net = NULL;
  const status code = seanet_config_check(config, err);
  if (code != STATUS_OK) {
    return code;
  }
  seanet *made = calloc(1, sizeof *made);
  if (!made) {
    return error_set(err, STATUS_NO_MEMORY, "%s: no memory for the network", config->name);
  }
  made->config = *config;
  build_encoder(made);
  rvq_init(&made->quantiser, &made->codebooks, (int)config->n_codebooks, config->codebook_size,
           config->latent_dim);
  build_decoder(made);
  if (made->encoder.set.overflow || made->decoder.set.overflow) {
    free(made);
    return error_set(err, STATUS_UNSUPPORTED, "%s: more layers than this build holds",
                     config->name);
  }
  *net = made;
  return STATUS_OK;
}

void seanet_free(seanet *net, device *dev)
{
  if (net) {
    codec_layers_free(seanet_layers(net), dev);
    free(net);
  }
}

// ---- the tensor table -------------------------------------------------------------------

codec_layers seanet_layers(seanet *net)
{
  return (codec_layers){{&net->encoder.set, &net->codebooks, &net->decoder.set}};
}

status seanet_allocate(seanet *net, error *err)
{
  return codec_layers_allocate(seanet_layers(net), net->config.norm == SEANET_NORM_WEIGHT, err);
}

// ---- state ------------------------------------------------------------------------------

status seanet_state_init(seanet_state *s, const seanet *net, device *dev, int64_t n_streams,
                         error *err)
{
  *s = (seanet_state){.dev = dev};
  if (!seanet_streamable(&net->config)) {
    return error_set(err, STATUS_UNSUPPORTED, "%s: looks into the future, so it cannot stream",
                     net->config.name);
  }
  return codec_memory_init(s, &net->encoder.set, &net->decoder.set, dev, n_streams, err);
}

void seanet_state_free(seanet_state *s)
{
  codec_memory_free(s);
}

// ---- forward ----------------------------------------------------------------------------

static tensor unit_forward(run *r, const seanet_config *config, const seanet_unit *unit, tensor x,
                           stream_memory *m)
{
  const tensor skip = config->true_skip ? x : layer_conv(r, &unit->skip, x, NULL, m);
  const tensor inner = layer_conv(r, &unit->conv1, x, NULL, m);
  const tensor y = layer_conv(r, &unit->conv2, inner, &skip, m);
  return config->order == SEANET_ACT_LAST ? apply_activation(r, y, config->act, config->act_slope)
                                          : y;
}

static tensor lstm_forward(run *r, const lstm_layer *layers, int64_t n_layers, tensor x,
                           stream_memory *m)
{
  tensor y = x;
  for (int64_t l = 0; l < n_layers; ++l) {
    y = layer_lstm(r, &layers[l], y, m);
  }
  return n_layers ? apply_add(r, y, x) : x;
}

tensor seanet_encode_forward(run *r, const seanet *net, tensor audio, stream_memory *m)
{
  const seanet_config *config = &net->config;
  const seanet_encoder *e = &net->encoder;
  r->control = m ? &m->control : NULL;
  tensor x = layer_conv(r, &e->in, audio, NULL, m);
  for (int64_t i = 0; i < config->n_strides; ++i) {
    for (int64_t j = 0; j < config->encoder.n_residual; ++j) {
      x = unit_forward(r, config, &e->units[i][j], x, m);
    }
    x = layer_conv(r, &e->down[i], x, NULL, m);
  }
  x = lstm_forward(r, e->lstm, config->encoder.n_lstm, x, m);
  return layer_conv(r, &e->out, x, NULL, m);
}

tensor seanet_decode_forward(run *r, const seanet *net, tensor latents, stream_memory *m)
{
  const seanet_config *config = &net->config;
  const seanet_decoder *d = &net->decoder;
  r->control = m ? &m->control : NULL;
  tensor x = layer_conv(r, &d->in, latents, NULL, m);
  x = lstm_forward(r, d->lstm, config->decoder.n_lstm, x, m);
  for (int64_t i = 0; i < config->n_strides; ++i) {
    x = layer_conv_transposed(r, &d->up[i], x, m);
    for (int64_t j = 0; j < config->decoder.n_residual; ++j) {
      x = unit_forward(r, config, &d->units[i][j], x, m);
    }
  }
  return layer_conv(r, &d->out, x, NULL, m);
}
