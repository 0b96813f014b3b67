// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// Parts of gpu_check that have a file of their own.
#ifndef CONTINUO_TESTS_GPU_GPU_CHECK_H
#define CONTINUO_TESTS_GPU_GPU_CHECK_H

#include "gpu/cases/op_cases.h"

typedef struct gpu_check_result {
  int n_checked, n_failed;
} gpu_check_result;

/// How a check of operators goes about it.
typedef struct gpu_check_plan {
  device *cuda, *judge; ///< judge: the CPU reference in double
  uint64_t seed;        ///< of the inputs
  const char *only;     ///< name of the one case to run, or null
  double most_macs;     ///< cases are cut to so many multiply-adds
} gpu_check_plan;

/// |a - b| / |b| over `count` values; infinite when anything is not finite, or b is nothing at all
/// and a is not.
double gpu_check_distance(const double *a, const double *b, int64_t count);

/// Every sweep back that the device has, over all operator cases, cases drawn at random and the
/// shapes of codecs and discriminators in training: gradients of inputs and weights against those
/// of `judge`, and against themselves once more, bit for bit.
gpu_check_result gpu_check_gradients(const gpu_check_plan *plan);

/// A small streaming codec step: captured and launched equals the same operators called one by
/// one, bit for bit, through resets; with `bench`, its latency from input to output is printed.
gpu_check_result gpu_check_step(device *dev, bool bench);

/// A SEANet with random weights, two streams step by step, captured: latents, codes and audio of
/// `cuda` against `cpu` (f32). With `bench` it is EnCodec's 24 kHz shape, and the latency of a
/// live step (encode, quantise, decode, 8 codebooks, f16) is printed; without, a small one.
gpu_check_result gpu_check_codec(device *cuda, device *cpu, bool bench);

/// Every loss of a trainer on `cuda` against the same on `cpu` (f32).
gpu_check_result gpu_check_losses(device *cuda, device *cpu);

/// Products of a device that rounds their operands to bf16: against those of `judge` over rounded
/// values, and how far off that is from values that are not; what must stay in f32.
gpu_check_result gpu_check_products(const gpu_check_plan *plan);

/// Steps of a small codec's training, in every phase, on CUDA against the CPU from the same state:
/// losses, and gradients of generator and discriminators; then CUDA against itself; then with
/// products in bf16 against f32.
gpu_check_result gpu_check_training(void);

/// Prints how fast the default codec's network trains on CUDA, in audio-seconds per second: steps
/// of 16 examples of a second, with and without its discriminators, with products in f32 and bf16.
void gpu_check_training_speed(void);

#endif
