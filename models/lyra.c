// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "models/lyra.h"

#include <stdio.h>
#include <stdlib.h>

// ---- config
// --------------------------------------------------------------------------------------

/// Channels on the narrow side of a grouped convolution: the published nets keep it everywhere.
#define GROUP_CHANNELS 64
/// Groups of the two convolutions next to the quantiser.
#define LATENT_GROUPS 4
#define SLOPE 0.3f

lyra_config lyra_config_published(void)
{
  return (lyra_config){.name = "lyra",
                       .rate_hz = 16000,
                       .latent_dim = 64,
                       .width = 64,
                       .stride_in = 16,
                       .strides = {5, 2, 2},
                       .n_codebooks = 46,
                       .codebook_size = 16};
}

typedef struct field_range {
  const char *name;
  int64_t value, least, most, step;
} field_range;

status lyra_config_check(const lyra_config *config, error *err)
{
  const field_range fields[] = {
      {"rate_hz", config->rate_hz, 1, 768000, 1},
      {"latent_dim", config->latent_dim, LATENT_GROUPS, 4096, LATENT_GROUPS},
      {"width", config->width, GROUP_CHANNELS, 1024, GROUP_CHANNELS},
      {"stride_in", config->stride_in, 1, 64, 1},
      {"strides[0]", config->strides[0], 1, 16, 1},
      {"strides[1]", config->strides[1], 1, 16, 1},
      {"strides[2]", config->strides[2], 1, 16, 1},
      {"n_codebooks", config->n_codebooks, 1, OPS_MAX_CODEBOOKS, 1},
      {"codebook_size", config->codebook_size, 2, 65536, 1},
  };
  for (size_t i = 0; i < sizeof fields / sizeof *fields; ++i) {
    const field_range *f = &fields[i];
    if (f->value < f->least || f->value > f->most || f->value % f->step != 0) {
      return error_set(err, STATUS_USAGE,
                       "%s: %s is %lld, expected a multiple of %lld, %lld to %lld", config->name,
                       f->name, (long long)f->value, (long long)f->step, (long long)f->least,
                       (long long)f->most);
    }
  }
  if (config->codebook_size & (config->codebook_size - 1)) {
    return error_set(err, STATUS_USAGE, "%s: codebook_size is %lld, expected a power of two",
                     config->name, (long long)config->codebook_size);
  }
  return STATUS_OK;
}

int64_t lyra_hop_samples(const lyra_config *config)
{
  int64_t hop = config->stride_in;
  for (int i = 0; i < LYRA_STAGES; ++i) {
    hop *= config->strides[i];
  }
  return hop;
}

// ---- building
// ------------------------------------------------------------------------------------

/// Where in the network the builder stands.
typedef struct builder {
  layer_set *set;
  const char *part;      ///< "encoder" or "decoder"
  int64_t rows_per_step; ///< at the present layer's input
} builder;

static conv1d_args conv_args(int64_t kernel, int64_t stride, int64_t dilation, int64_t groups)
{
  return (conv1d_args){.kernel = kernel,
                       .stride = stride,
                       .dilation = dilation,
                       .groups = groups,
                       .pad_left = (kernel - 1) * dilation + 1 - stride,
                       .mode = PAD_ZERO,
                       .act_slope = SLOPE};
}

static void add_conv(const builder *b, conv_layer *l, const char *name, int64_t channels_in,
                     int64_t channels_out, const conv1d_args *args)
{
  char full[WEIGHT_NAME_BYTES];
  snprintf(full, sizeof full, "%s.%s", b->part, name);
  const layer_place place = {.name = full, .rows_per_step = b->rows_per_step};
  conv_layer_init(l, b->set, &place, channels_in, channels_out, args);
}

static void add_units(const builder *b, lyra_unit *units, int stage, int64_t channels)
{
  int64_t dilation = 1;
  for (int j = 0; j < LYRA_UNITS; ++j, dilation *= 3) {
    char name[48];
    conv1d_args depthwise = conv_args(3, 1, dilation, channels);
    conv1d_args point1 = conv_args(1, 1, 1, 1);
    const conv1d_args point2 = conv_args(1, 1, 1, channels / GROUP_CHANNELS);
    depthwise.act_in = ACT_LEAKY_RELU;
    point1.act_out = ACT_LEAKY_RELU;
    snprintf(name, sizeof name, "stage.%d.unit.%d.depthwise", stage, j);
    add_conv(b, &units[j].depthwise, name, channels, channels, &depthwise);
    snprintf(name, sizeof name, "stage.%d.unit.%d.point1", stage, j);
    add_conv(b, &units[j].point1, name, channels, channels, &point1);
    snprintf(name, sizeof name, "stage.%d.unit.%d.point2", stage, j);
    add_conv(b, &units[j].point2, name, channels, channels, &point2);
  }
}

static void build_encoder(lyra *net)
{
  const lyra_config *config = &net->config;
  lyra_encoder *e = &net->encoder;
  builder b = {&e->set, "encoder", lyra_hop_samples(config)};
  int64_t channels = config->width;
  const conv1d_args in = conv_args(4 * config->stride_in, config->stride_in, 1, 1);
  add_conv(&b, &e->in, "in", 1, channels, &in);
  b.rows_per_step /= config->stride_in;
  for (int i = 0; i < LYRA_STAGES; ++i, channels *= 2) {
    char name[48];
    const int64_t stride = config->strides[i];
    conv1d_args down = conv_args(2 * stride, stride, 1, channels / GROUP_CHANNELS);
    down.act_in = ACT_LEAKY_RELU;
    add_units(&b, e->units[i], i, channels);
    snprintf(name, sizeof name, "stage.%d.down", i);
    add_conv(&b, &e->down[i], name, channels, 2 * channels, &down);
    b.rows_per_step /= stride;
  }
  conv1d_args out = conv_args(3, 1, 1, LATENT_GROUPS);
  out.act_in = ACT_LEAKY_RELU;
  add_conv(&b, &e->out, "out", channels, config->latent_dim, &out);
}

static void add_up(const builder *b, conv_transposed_layer *l, const char *name,
                   int64_t channels_in, int64_t channels_out, int64_t kernel, int64_t stride,
                   int64_t groups)
{
  char full[WEIGHT_NAME_BYTES];
  const conv_transposed1d_args args = {.kernel = kernel,
                                       .stride = stride,
                                       .groups = groups,
                                       .trim_right = kernel - stride,
                                       .act_in = ACT_LEAKY_RELU,
                                       .act_slope = SLOPE};
  snprintf(full, sizeof full, "%s.%s", b->part, name);
  const layer_place place = {.name = full, .rows_per_step = b->rows_per_step};
  conv_transposed_layer_init(l, b->set, &place, channels_in, channels_out, &args);
}

static void build_decoder(lyra *net)
{
  const lyra_config *config = &net->config;
  lyra_decoder *d = &net->decoder;
  builder b = {&d->set, "decoder", 1};
  int64_t channels = config->width << LYRA_STAGES;
  const conv1d_args in = conv_args(3, 1, 1, LATENT_GROUPS);
  add_conv(&b, &d->in, "in", config->latent_dim, channels, &in);
  for (int i = 0; i < LYRA_STAGES; ++i) {
    char name[48];
    const int64_t stride = config->strides[LYRA_STAGES - 1 - i];
    const int64_t half = channels / 2;
    snprintf(name, sizeof name, "stage.%d.up", i);
    add_up(&b, &d->up[i], name, channels, half, 2 * stride, stride, half / GROUP_CHANNELS);
    b.rows_per_step *= stride;
    channels = half;
    add_units(&b, d->units[i], i, channels);
  }
  add_up(&b, &d->out, "out", channels, 1, 4 * config->stride_in, config->stride_in, 1);
}

status lyra_new(lyra **net, const lyra_config *config, error *err)
{
  *net = NULL;
  const status code = lyra_config_check(config, err);
  if (code != STATUS_OK) {
    return code;
  }
  lyra *made = calloc(1, sizeof *made);
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
    return error_set(err, STATUS_INTERNAL, "%s: more layers than this build holds", config->name);
  }
  *net = made;
  return STATUS_OK;
}

void lyra_free(lyra *net, device *dev)
{
  if (net) {
    codec_layers_free(lyra_layers(net), dev);
    free(net);
  }
}

// ---- the tensor table
// ----------------------------------------------------------------------------

codec_layers lyra_layers(lyra *net)
{
  return (codec_layers){{&net->encoder.set, &net->codebooks, &net->decoder.set}};
}

status lyra_allocate(lyra *net, error *err)
{
  return codec_layers_allocate(lyra_layers(net), false, err);
}

// ---- state
// ---------------------------------------------------------------------------------------

status lyra_state_init(lyra_state *s, const lyra *net, device *dev, int64_t n_streams, error *err)
{
  return codec_memory_init(s, &net->encoder.set, &net->decoder.set, dev, n_streams, err);
}

void lyra_state_free(lyra_state *s)
{
  codec_memory_free(s);
}

// ---- forward
// -------------------------------------------------------------------------------------

static tensor unit_forward(run *r, const lyra_unit *unit, tensor x, stream_memory *m)
{
  tensor y = layer_conv(r, &unit->depthwise, x, NULL, m);
  y = layer_conv(r, &unit->point1, y, NULL, m);
  return layer_conv(r, &unit->point2, y, &x, m);
}

tensor lyra_encode_forward(run *r, const lyra *net, tensor audio, stream_memory *m)
{
  const lyra_encoder *e = &net->encoder;
  r->control = m ? &m->control : NULL;
  tensor x = layer_conv(r, &e->in, audio, NULL, m);
  for (int i = 0; i < LYRA_STAGES; ++i) {
    for (int j = 0; j < LYRA_UNITS; ++j) {
      x = unit_forward(r, &e->units[i][j], x, m);
    }
    x = layer_conv(r, &e->down[i], x, NULL, m);
  }
  return layer_conv(r, &e->out, x, NULL, m);
}

tensor lyra_decode_forward(run *r, const lyra *net, tensor latents, stream_memory *m)
{
  const lyra_decoder *d = &net->decoder;
  r->control = m ? &m->control : NULL;
  tensor x = layer_conv(r, &d->in, latents, NULL, m);
  for (int i = 0; i < LYRA_STAGES; ++i) {
    x = layer_conv_transposed(r, &d->up[i], x, m);
    for (int j = 0; j < LYRA_UNITS; ++j) {
      x = unit_forward(r, &d->units[i][j], x, m);
    }
  }
  return layer_conv_transposed(r, &d->out, x, m);
}
