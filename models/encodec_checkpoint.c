// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "models/encodec_checkpoint.h"

#include <stdio.h>
#include <string.h>

// ---- which file is what ------------------------------------------------------------------------

// One tensor that every EnCodec has, in the original's and in Hugging Face's spelling.
static const char *const first_biases[2] = {"encoder.model.0.conv.conv.bias",
                                            "encoder.layers.0.conv.bias"};

// Whether `name` is `ending` behind a prefix that is empty or ends in a dot.
static bool ends_with(const char *name, const char *ending)
{
  const size_t n = strlen(name);
  const size_t n_ending = strlen(ending);
  return n >= n_ending && strcmp(name + n - n_ending, ending) == 0 &&
         (n == n_ending || name[n - n_ending - 1] == '.');
}

// Find prefix and spelling; false when there is no EnCodec in the list.
static bool find_spelling(encodec_checkpoint *cp)
{
  for (size_t i = 0; i < cp->tensors.n_tensors; ++i) {
    const char *name = cp->tensors.tensors[i].name;
    for (int k = 0; k < 2; ++k) {
      if (ends_with(name, first_biases[k])) {
        const size_t n = strlen(name) - strlen(first_biases[k]);
        if (n >= sizeof cp->prefix) {
          continue;
        }
        memcpy(cp->prefix, name, n);
        cp->prefix[n] = '\0';
        cp->hugging_face = k == 1;
        return true;
      }
    }
  }
  return false;
}

static bool is_config(const file_map *map, const char *path)
{
  json *root = NULL;
  const char *type = "";
  if (json_parse(&root, map->data, map->size_bytes, path, NULL)) {
    return false;
  }
  (void)json_get_string(json_member(root, "model_type"), &type);
  const bool encodec = strcmp(type, "encodec") == 0;
  json_free(root);
  return encodec;
}

static bool has_encodec(const file_map *map, const char *path)
{
  encodec_checkpoint cp = {0};
  if (safetensors_read(&cp.tensors, map->data, map->size_bytes, path, NULL)) {
    return false;
  }
  const bool found = find_spelling(&cp);
  safetensors_close(&cp.tensors);
  return found;
}

encodec_file encodec_file_kind(const char *path)
{
  file_map map;
  if (file_map_open(&map, path, NULL)) {
    return ENCODEC_FILE_OTHER;
  }
  encodec_file kind = ENCODEC_FILE_OTHER;
  // A zip archive, or PyTorch's from before 1.6, which torch_file refuses with a reason.
  if (map.size_bytes >= 4 &&
      (memcmp(map.data, "PK\3\4", 4) == 0 || memcmp(map.data, "\x80\x02\x8a\x0a", 4) == 0)) {
    kind = ENCODEC_FILE_TORCH;
  } else if (has_encodec(&map, path)) {
    kind = ENCODEC_FILE_SAFETENSORS;
  } else if (map.size_bytes <= JSON_MAX_BYTES && is_config(&map, path)) {
    kind = ENCODEC_FILE_CONFIG;
  }
  file_map_close(&map);
  return kind;
}

// ---- opening -----------------------------------------------------------------------------------

static status choose_files(encodec_checkpoint *cp, const char *const *paths, int n_paths,
                           encodec_file *kind, error *err)
{
  *kind = ENCODEC_FILE_OTHER;
  for (int i = 0; i < n_paths; ++i) {
    const encodec_file found = encodec_file_kind(paths[i]);
    if (found == ENCODEC_FILE_OTHER) {
      return error_set(err, STATUS_UNSUPPORTED,
                       "%s: neither EnCodec's weights nor their config.json", paths[i]);
    }
    if (found == ENCODEC_FILE_CONFIG) {
      cp->config_path = paths[i];
    } else if (found == *kind) {
      return error_set(err, STATUS_UNSUPPORTED, "%s and %s: weights in several files", cp->path,
                       paths[i]);
    } else if (*kind != ENCODEC_FILE_SAFETENSORS) {
      *kind = found;
      cp->path = paths[i];
    }
  }
  return cp->path ? STATUS_OK
                  : error_set(err, STATUS_NOT_FOUND, "%s: no weights beside it", cp->config_path);
}

status encodec_checkpoint_open(encodec_checkpoint *cp, const char *const *paths, int n_paths,
                               error *err)
{
  *cp = (encodec_checkpoint){0};
  encodec_file kind = ENCODEC_FILE_OTHER;
  if (n_paths < 1) {
    return error_set(err, STATUS_USAGE, "no EnCodec files named");
  }
  status s = choose_files(cp, paths, n_paths, &kind, err);
  if (s) {
    return s;
  }
  if (kind == ENCODEC_FILE_SAFETENSORS) {
    s = safetensors_open(&cp->tensors, cp->path, err);
  } else {
    s = torch_file_open(&cp->torch, cp->path, err);
    if (!s) {
      cp->tensors = (safetensors){
          .path = cp->torch.path, .tensors = cp->torch.tensors, .n_tensors = cp->torch.n_tensors};
    }
  }
  if (!s && !find_spelling(cp)) {
    s = error_set(err, STATUS_FORMAT, "%s: no EnCodec in it: no tensor \"%s\"", cp->path,
                  first_biases[0]);
  }
  if (s) {
    encodec_checkpoint_close(cp);
  }
  return s;
}

void encodec_checkpoint_close(encodec_checkpoint *cp)
{
  if (cp->torch.path) {
    torch_file_close(&cp->torch); // `tensors` only borrowed its list
  } else {
    safetensors_close(&cp->tensors);
  }
  *cp = (encodec_checkpoint){0};
}

// ---- names -------------------------------------------------------------------------------------

const char *encodec_layer_name(const encodec_checkpoint *cp, char name[ENCODEC_NAME_BYTES],
                               const char *half, int index, const char *inside, encodec_part part)
{
  static const char *const parts[2][5] = {
      {".conv.conv", ".conv.norm", ".convtr.convtr", ".convtr.norm", ".lstm"},
      {".conv", ".norm", ".conv", ".norm", ".lstm"},
  };
  snprintf(name, ENCODEC_NAME_BYTES, "%s%s.%s.%d%s%s", cp->prefix, half,
           cp->hugging_face ? "layers" : "model", index, inside, parts[cp->hugging_face][part]);
  return name;
}

const char *encodec_codebook_name(const encodec_checkpoint *cp, char name[ENCODEC_NAME_BYTES],
                                  int k)
{
  snprintf(name, ENCODEC_NAME_BYTES,
           cp->hugging_face ? "%squantizer.layers.%d.codebook.embed"
                            : "%squantizer.vq.layers.%d._codebook.embed",
           cp->prefix, k);
  return name;
}

const safetensors_tensor *encodec_find(const encodec_checkpoint *cp, const char *layer,
                                       const char *suffix)
{
  char name[ENCODEC_NAME_BYTES + 64];
  snprintf(name, sizeof name, "%s%s", layer, suffix);
  return safetensors_find(&cp->tensors, name);
}

const safetensors_tensor *encodec_find_weight(const encodec_checkpoint *cp, const char *layer)
{
  const safetensors_tensor *t = encodec_find(cp, layer, ".weight_v");
  if (!t) {
    t = encodec_find(cp, layer, ".parametrizations.weight.original1");
  }
  return t ? t : encodec_find(cp, layer, ".weight");
}

const safetensors_tensor *encodec_find_norm(const encodec_checkpoint *cp, const char *layer)
{
  const safetensors_tensor *t = encodec_find(cp, layer, ".weight_g");
  return t ? t : encodec_find(cp, layer, ".parametrizations.weight.original0");
}
