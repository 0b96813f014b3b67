// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "models/import_lyra.h"

#include "base/element.h"
#include "models/io/tflite_file.h"
#include "models/lyra_file.h"

#include <stdio.h>
#include <string.h>

enum { ENCODER, QUANTISER, DECODER, N_PARTS };
static const char *const part_names[N_PARTS] = {"encoder", "quantiser", "decoder"};

// ---- walking a graph
// -----------------------------------------------------------------------------

/// The convolutions of a graph in execution order, which is the order of the network. The first
/// failure sticks, so that a part reads as the list of its layers.
typedef struct walk {
  const tflite_subgraph *graph;
  const char *path;
  int at; ///< next operator
  status code;
  error *err;
} walk;

static bool is_convolution(int opcode)
{
  return opcode == TFLITE_CONV_2D || opcode == TFLITE_DEPTHWISE_CONV_2D ||
         opcode == TFLITE_TRANSPOSE_CONV;
}

/// The next convolution, which must be of this kind, stride and dilation; null after a failure.
static const tflite_operator *next_convolution(walk *k, const char *layer, int opcode,
                                               int64_t stride, int64_t dilation)
{
  while (k->code == STATUS_OK && k->at < k->graph->n_operators) {
    const tflite_operator *op = &k->graph->operators[k->at++];
    if (op->opcode == TFLITE_LEAKY_RELU && (op->alpha < 0.2999f || op->alpha > 0.3001f)) {
      k->code = error_set(k->err, STATUS_FORMAT, "%s: %s: leaky ReLU of slope %g, expected 0.3",
                          k->path, layer, (double)op->alpha);
    } else if (is_convolution(op->opcode)) {
      if (op->opcode == opcode && op->stride_w == stride && op->dilation_w == dilation &&
          op->valid_padding && op->activation == 0 && op->n_inputs >= 3) {
        return op;
      }
      k->code = error_set(k->err, STATUS_FORMAT,
                          "%s: %s: operator %d has code %d, stride %d, dilation %d, expected code "
                          "%d, stride %lld, dilation %lld",
                          k->path, layer, k->at - 1, op->opcode, op->stride_w, op->dilation_w,
                          opcode, (long long)stride, (long long)dilation);
    }
  }
  if (k->code == STATUS_OK) {
    k->code =
        error_set(k->err, STATUS_FORMAT, "%s: the graph ends before layer %s", k->path, layer);
  }
  return NULL;
}

/// Constant `index` of the graph as f32 of this shape; null and a failure when it is not.
static const tflite_tensor *need_constant(walk *k, const char *layer, int32_t index, int rank,
                                          const int64_t *dims)
{
  if (k->code != STATUS_OK) {
    return NULL;
  }
  if (index < 0) {
    k->code =
        error_set(k->err, STATUS_FORMAT, "%s: %s: its operator has no such input", k->path, layer);
    return NULL;
  }
  const tflite_tensor *t = &k->graph->tensors[index];
  if (t->type != TFLITE_F32 || t->quantised) {
    k->code = error_set(k->err, STATUS_UNSUPPORTED,
                        "%s: %s: tensor %.100s is not f32: this is not Lyra v1.2.0 (v1.3 is int8)",
                        k->path, layer, t->name);
    return NULL;
  }
  bool same = t->rank == rank;
  for (int i = 0; i < rank && same; ++i) {
    same = t->dims[i] == dims[i];
  }
  if (!same || !t->data) {
    char expected[192], found[192];
    k->code = error_set(k->err, STATUS_FORMAT,
                        "%s: %s: tensor %.100s: expected a constant %s, found %s%s", k->path, layer,
                        t->name, element_shape_text(rank, dims, expected),
                        t->data ? "" : "none of ", element_shape_text(t->rank, t->dims, found));
    return NULL;
  }
  return t;
}

static void read_bias(walk *k, const char *layer, int32_t index, float *bias, int64_t count)
{
  const int64_t dims[TENSOR_MAX_DIMS] = {count, 1, 1, 1};
  const tflite_tensor *t = need_constant(k, layer, index, 1, dims);
  if (t) {
    tflite_tensor_floats(t, 0, count, bias);
  }
}

/// w[o, c, k] of ours is [o, 0, k, c] there; depthwise [c, 0, k] is [0, 0, k, c].
static void read_conv(walk *k, conv_layer *l)
{
  const int64_t outputs = l->w.dims[0], inputs = l->w.dims[1], taps = l->w.dims[2];
  const bool depthwise = inputs == 1 && l->args.groups > 1;
  const int opcode = depthwise ? TFLITE_DEPTHWISE_CONV_2D : TFLITE_CONV_2D;
  const tflite_operator *op =
      next_convolution(k, l->w.name, opcode, l->args.stride, l->args.dilation);
  if (!op) {
    return;
  }
  const int64_t dense_dims[] = {outputs, 1, taps, inputs}, depthwise_dims[] = {1, 1, taps, outputs};
  const tflite_tensor *t =
      need_constant(k, l->w.name, op->inputs[1], 4, depthwise ? depthwise_dims : dense_dims);
  if (!t) {
    return;
  }
  for (int64_t o = 0; o < outputs; ++o) {
    for (int64_t c = 0; c < inputs; ++c) {
      for (int64_t tap = 0; tap < taps; ++tap) {
        const int64_t from = depthwise ? tap * outputs + o : (o * taps + tap) * inputs + c;
        tflite_tensor_floats(t, from, 1, &l->w.master[(o * inputs + c) * taps + tap]);
      }
    }
  }
  read_bias(k, l->bias.name, op->inputs[2], l->bias.master, outputs);
}

/// Which output of the channel split feeds transposed convolution `op`; -1: none.
static int split_output(const tflite_subgraph *graph, const tflite_operator *op)
{
  int32_t index = op->inputs[2];
  for (int hops = 0; hops < 4 && index >= 0; ++hops) {
    const int from = tflite_producer(graph, index);
    if (from < 0) {
      return -1;
    }
    const tflite_operator *source = &graph->operators[from];
    if (source->opcode == TFLITE_SPLIT) {
      for (int j = 0; j < source->n_outputs; ++j) {
        if (source->outputs[j] == index) {
          return j;
        }
      }
    }
    index = source->n_inputs ? source->inputs[0] : -1;
  }
  return -1;
}

/// Groups are separate operators there, one for each output of a split; w[c, o, k] of ours is
/// [o, 0, k, c] in the group of c.
static void read_conv_transposed(walk *k, conv_transposed_layer *l)
{
  const int64_t groups = l->args.groups, inputs = l->w.dims[0] / groups;
  const int64_t outputs = l->w.dims[1], taps = l->w.dims[2];
  const int64_t dims[] = {outputs, 1, taps, inputs};
  for (int64_t g = 0; g < groups; ++g) {
    const tflite_operator *op =
        next_convolution(k, l->w.name, TFLITE_TRANSPOSE_CONV, l->args.stride, 1);
    const tflite_tensor *t = op ? need_constant(k, l->w.name, op->inputs[1], 4, dims) : NULL;
    if (!t || op->n_inputs < 4) {
      return;
    }
    if (groups > 1 && split_output(k->graph, op) != g) {
      k->code =
          error_set(k->err, STATUS_FORMAT, "%s: %s: group %lld is not fed by split output %lld",
                    k->path, l->w.name, (long long)g, (long long)g);
      return;
    }
    for (int64_t c = 0; c < inputs; ++c) {
      for (int64_t o = 0; o < outputs; ++o) {
        for (int64_t tap = 0; tap < taps; ++tap) {
          const int64_t to = ((g * inputs + c) * outputs + o) * taps + tap;
          tflite_tensor_floats(t, (o * taps + tap) * inputs + c, 1, &l->w.master[to]);
        }
      }
    }
    read_bias(k, l->bias.name, op->inputs[3], l->bias.master + g * outputs, outputs);
  }
}

static void read_units(walk *k, lyra_unit *units)
{
  for (int j = 0; j < LYRA_UNITS; ++j) {
    read_conv(k, &units[j].depthwise);
    read_conv(k, &units[j].point1);
    read_conv(k, &units[j].point2);
  }
}

static void need_end(walk *k)
{
  while (k->code == STATUS_OK && k->at < k->graph->n_operators) {
    if (is_convolution(k->graph->operators[k->at++].opcode)) {
      k->code =
          error_set(k->err, STATUS_FORMAT, "%s: a convolution more than Lyra v1.2.0 has", k->path);
    }
  }
}

static void read_encoder(walk *k, lyra_encoder *e)
{
  read_conv(k, &e->in);
  for (int i = 0; i < LYRA_STAGES; ++i) {
    read_units(k, e->units[i]);
    read_conv(k, &e->down[i]);
  }
  read_conv(k, &e->out);
  need_end(k);
}

static void read_decoder(walk *k, lyra_decoder *d)
{
  read_conv(k, &d->in);
  for (int i = 0; i < LYRA_STAGES; ++i) {
    read_conv_transposed(k, &d->up[i]);
    read_units(k, d->units[i]);
  }
  read_conv_transposed(k, &d->out);
  need_end(k);
}

/// The codebook that GATHER `op` looks up: the row of the codes that its index slice begins at,
/// because the operators themselves stand in no useful order; -1 when it is something else.
static int gather_stage(const tflite_subgraph *graph, const tflite_operator *op)
{
  const int from =
      op->n_inputs >= 2 && op->inputs[1] >= 0 ? tflite_producer(graph, op->inputs[1]) : -1;
  int32_t begin;
  if (from < 0 || graph->operators[from].opcode != TFLITE_STRIDED_SLICE ||
      graph->operators[from].n_inputs < 2 || graph->operators[from].inputs[1] < 0 ||
      !tflite_tensor_ints(&graph->tensors[graph->operators[from].inputs[1]], 0, 1, &begin)) {
    return -1;
  }
  return begin;
}

static void read_quantiser(walk *k, rvq *q)
{
  const int64_t dims[TENSOR_MAX_DIMS] = {q->size, q->dim, 1, 1};
  bool seen[OPS_MAX_CODEBOOKS] = {false};
  int found = 0;
  for (int i = 0; i < k->graph->n_operators && k->code == STATUS_OK; ++i) {
    const tflite_operator *op = &k->graph->operators[i];
    if (op->opcode != TFLITE_GATHER) {
      continue;
    }
    const int stage = gather_stage(k->graph, op);
    if (stage < 0 || stage >= q->n_codebooks || seen[stage]) {
      k->code = error_set(k->err, STATUS_FORMAT,
                          "%s: operator %d looks up codebook %d, expected 0 to %d, each once",
                          k->path, i, stage, q->n_codebooks - 1);
      return;
    }
    const tflite_tensor *t = need_constant(k, q->codebooks[stage].name, op->inputs[0], 2, dims);
    if (t) {
      tflite_tensor_floats(t, 0, q->size * q->dim, q->codebooks[stage].master);
      seen[stage] = true;
      ++found;
    }
  }
  if (k->code == STATUS_OK && found != q->n_codebooks) {
    k->code = error_set(k->err, STATUS_FORMAT, "%s: %d codebooks, expected %d", k->path, found,
                        q->n_codebooks);
  }
}

// ---- the three files
// -----------------------------------------------------------------------------

static int64_t first_count(const tflite_subgraph *graph, const int32_t *indices, int count)
{
  return count > 0 ? tflite_tensor_count(&graph->tensors[indices[0]]) : -1;
}

static const tflite_subgraph *subgraph_named(const tflite_file *file, const char *name)
{
  for (int i = 0; i < file->n_subgraphs; ++i) {
    if (strcmp(file->subgraphs[i].name, name) == 0) {
      return &file->subgraphs[i];
    }
  }
  return NULL;
}

/// Which part a file is, by the sizes of its input and output; -1: none of them.
static int part_of(const tflite_file *file, const lyra_config *config,
                   const tflite_subgraph **graph)
{
  const tflite_subgraph *g = &file->subgraphs[0];
  const int64_t in = first_count(g, g->inputs, g->n_inputs);
  const int64_t out = first_count(g, g->outputs, g->n_outputs);
  const int64_t hop = lyra_hop_samples(config);
  *graph = g;
  if (in == hop && out == config->latent_dim) {
    return ENCODER;
  }
  if (in == config->latent_dim && out == hop) {
    return DECODER;
  }
  *graph = subgraph_named(file, "decode");
  return *graph && subgraph_named(file, "encode") ? QUANTISER : -1;
}

static status read_part(lyra *net, const char *path, const char *seen[N_PARTS], error *err)
{
  tflite_file file;
  const status opened = tflite_file_open(&file, path, err);
  if (opened != STATUS_OK) {
    return opened;
  }
  walk k = {.path = path, .err = err};
  const int part = part_of(&file, &net->config, &k.graph);
  if (part < 0) {
    k.code = error_set(err, STATUS_FORMAT,
                       "%s: neither encoder, quantiser nor decoder of Lyra v1.2.0", path);
  } else if (seen[part]) {
    k.code = error_set(err, STATUS_USAGE, "%s and %s are both Lyra's %s", seen[part], path,
                       part_names[part]);
  } else if (part == ENCODER) {
    read_encoder(&k, &net->encoder);
  } else if (part == DECODER) {
    read_decoder(&k, &net->decoder);
  } else {
    read_quantiser(&k, &net->quantiser);
  }
  if (k.code == STATUS_OK) {
    seen[part] = path;
  }
  tflite_file_close(&file);
  return k.code;
}

bool import_lyra_recognises(const char *path)
{
  char head[8] = {0};
  FILE *stream = fopen(path, "rb");
  const size_t got = stream ? fread(head, 1, sizeof head, stream) : 0;
  if (stream) {
    fclose(stream);
  }
  return got == sizeof head && memcmp(head + 4, "TFL3", 4) == 0;
}

status import_lyra_read(lyra **net, const char *const *paths, int n_paths, error *err)
{
  lyra_config config = lyra_config_published();
  snprintf(config.name, sizeof config.name, "lyra_v1.2");
  snprintf(config.licence, sizeof config.licence, "Apache-2.0");
  const char *seen[N_PARTS] = {NULL};
  lyra *made = NULL;
  status code = lyra_new(&made, &config, err);
  if (code == STATUS_OK) {
    code = lyra_allocate(made, err);
  }
  for (int i = 0; i < n_paths && code == STATUS_OK; ++i) {
    code = read_part(made, paths[i], seen, err);
  }
  for (int part = 0; part < N_PARTS && code == STATUS_OK; ++part) {
    if (!seen[part]) {
      code = error_set(err, STATUS_USAGE, "Lyra's %s is missing: give its three .tflite files",
                       part_names[part]);
    }
  }
  if (code != STATUS_OK) {
    lyra_free(made, NULL);
    made = NULL;
  }
  *net = made;
  return code;
}

status import_lyra(const char *const *paths, int n_paths, const char *destination, error *err)
{
  lyra *net = NULL;
  status code = import_lyra_read(&net, paths, n_paths, err);
  if (code == STATUS_OK) {
    code = lyra_save(net, destination, paths, n_paths, err);
  }
  lyra_free(net, NULL);
  return code;
}
