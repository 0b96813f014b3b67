// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "engine/preset.h"

#include "base/file.h"
#include "engine/preset_words.h"

#include <stdlib.h>
#include <string.h>

void preset_init(preset *p)
{
  memset(p, 0, sizeof *p);
  p->format = PRESET_FORMAT;
  memcpy(p->model, "oracle", sizeof "oracle");
  parameters_standard(p->values);
  for (int cc = 0; cc < PRESET_N_CONTROLLERS; ++cc) {
    p->bound[cc] = PRESET_BOUND_STANDARD;
  }
}

void preset_free(preset *p)
{
  free(p->kept);
  preset_init(p);
}

status preset_load(preset *p, const char *path, error *err)
{
  preset_init(p);
  file_map map;
  const status code = file_map_open(&map, path, err);
  if (code) {
    return code;
  }
  const status read = preset_parse(p, (const char *)map.data, map.size_bytes, path, err);
  file_map_close(&map);
  return read;
}

status preset_save(const preset *p, const char *path, error *err)
{
  file_save save;
  status code = file_save_open(&save, path, err);
  if (code) {
    return code;
  }
  code = preset_write(p, save.stream, err);
  if (code) {
    file_save_abort(&save);
    return code == STATUS_USAGE ? error_prefix(err, "%s", path) : code;
  }
  return file_save_commit(&save, err);
}

void preset_from_values(preset *p, const double values[PARAMETER_MAX])
{
  for (int i = 0; i < parameter_count(); ++i) {
    p->values[i] = parameter_clamp(i, values[i]) + 0.0; // never -0, which no word has
  }
}

bool preset_differs(const preset *p, const double values[PARAMETER_MAX])
{
  for (int i = 0; i < parameter_count(); ++i) {
    if (p->values[i] != parameter_clamp(i, values[i])) {
      return true;
    }
  }
  return false;
}

int preset_to_controls(const preset *p, bool has_model, uint64_t position_samples,
                       control controls[PARAMETER_MAX])
{
  int n = 0;
  for (int pass = 0; pass < 3; ++pass) {
    for (int i = 0; i < parameter_count(); ++i) {
      const int its_pass = i == PARAMETER_MODE ? 2 : parameter_get(i)->of_sample ? 0 : 1;
      if (its_pass == pass) {
        const bool lost = i == PARAMETER_MODE && !has_model;
        controls[n++] = (control){.position_samples = position_samples,
                                  .value = lost ? MODE_MONITOR : p->values[i],
                                  .kind = CONTROL_SET,
                                  .id = (uint16_t)i};
      }
    }
  }
  return n;
}
