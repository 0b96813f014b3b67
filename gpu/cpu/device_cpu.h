// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// The CPU device: reference operators first, then the best variant the processor has.
#ifndef CONTINUO_GPU_CPU_DEVICE_CPU_H
#define CONTINUO_GPU_CPU_DEVICE_CPU_H

#include "gpu/device.h"

/// Contract of `device_open`, for COMPUTE_CPU.
status device_open_cpu(device **dev, const device_options *options, error *err);
int device_list_cpu(char (*names)[128], int capacity);

/// A set of faster operators: overwrites the slots it has, and `pack`.
typedef struct cpu_variant {
  const char *name;        ///< as in `device_options.variant`
  bool (*supported)(void); ///< does this processor have it
  void (*install)(device *dev);
} cpu_variant;

/// All variants of this build, best first; the last one, "reference", installs nothing.
const cpu_variant *cpu_variants(int *count);

/// Fill every slot with reference C, float or double by dev->real.
void reference_install_f32(device *dev);
void reference_install_f64(device *dev);

#endif
