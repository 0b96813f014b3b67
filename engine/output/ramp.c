// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "engine/output/ramp.h"

#include <math.h>

void ramp_set(ramp *r, float value)
{
  ramp_aim(r, value, 0);
}

void ramp_aim(ramp *r, float target, uint32_t n_samples)
{
  if (isfinite(target)) {
    *r = (ramp){.from = ramp_value(r), .to = target, .n_samples = n_samples};
  }
}
