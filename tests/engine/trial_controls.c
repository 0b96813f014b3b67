// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "tests/engine/trial_controls.h"

#include "base/random.h"
#include "engine/preset.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>

static uint64_t chance(uint64_t seed, uint64_t n, const char *what)
{
  return random_bits(seed, random_name_key(what), n);
}

control trial_control(uint64_t seed, uint64_t n)
{
  const uint64_t kind = chance(seed, n, "kind") % 10;
  control c = {.kind = CONTROL_SET, .id = PARAMETER_MODE};
  if (kind < 4) {
    c.value = (double)(chance(seed, n, "mode") % N_MODES);
  } else if (kind < 6) {
    c.kind = CONTROL_ACTION;
    c.id = (uint16_t)(chance(seed, n, "action") % N_CONTROL_ACTIONS);
  } else if (kind < 7) {
    c.kind = CONTROL_CLOCK;
    c.value = (double)n;
    c.more = (double)(chance(seed, n, "bps") % 4);
  } else {
    c.id = (uint16_t)(1 + chance(seed, n, "id") % (uint64_t)(parameter_count() - 1));
    const parameter_info *info = parameter_get(c.id);
    const double share = (double)(chance(seed, n, "value") % 1000) / 999.0;
    c.value = info->least + share * (info->most - info->least);
  }
  return c;
}

static bool load_all(trial_presets *p, const glob_t *found)
{
  p->batches = calloc(found->gl_pathc, sizeof *p->batches);
  for (size_t i = 0; p->batches && i < found->gl_pathc; ++i) {
    preset one;
    error err = {STATUS_OK, ""};
    if (preset_load(&one, found->gl_pathv[i], &err)) {
      printf("%s\n", err.message);
      return false;
    }
    preset_to_controls(&one, true, 0, p->batches[p->n++]);
    preset_free(&one);
  }
  return p->n > 0;
}

bool trial_presets_load(trial_presets *p, const char *folder)
{
  char pattern[1024];
  glob_t found;
  *p = (trial_presets){0};
  snprintf(pattern, sizeof pattern, "%s/*.ini", folder);
  if (glob(pattern, 0, NULL, &found)) {
    printf("%s: nothing there\n", pattern);
    return false;
  }
  const bool good = load_all(p, &found);
  globfree(&found);
  return good;
}

void trial_presets_free(trial_presets *p)
{
  free(p->batches);
  *p = (trial_presets){0};
}
