// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "gpu/compute_options.h"

status compute_open(const compute_options *options, device **dev, error *err)
{
  const device_options wanted = {(compute_kind)options->kind, (int)options->n_threads,
                                 options->variant, false};
  return device_open(dev, &wanted, err);
}
