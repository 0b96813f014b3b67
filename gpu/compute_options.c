// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "gpu/compute_options.h"

device_options compute_device(const compute_options *options)
{
  return (device_options){.kind = (compute_kind)options->kind,
                          .n_threads = (int)options->n_threads,
                          .variant = options->variant,
                          .products = (compute_products)options->products};
}

status compute_open(const compute_options *options, device **dev, error *err)
{
  const device_options wanted = compute_device(options);
  return device_open(dev, &wanted, err);
}
