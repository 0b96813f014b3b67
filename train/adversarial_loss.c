// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "train/adversarial_loss.h"

#include <math.h>
#include <stddef.h>

#define LANES 8 // partial sums, so that one addition need not wait for the other

typedef struct partial {
  double lanes[LANES];
} partial;

static double total(const partial *p)
{
  double sum = 0.0;
  for (int i = 0; i < LANES; ++i) {
    sum += p->lanes[i];
  }
  return sum;
}

double ordered_sum(const float *values, int64_t count)
{
  partial sum = {{0.0}};
  for (int64_t i = 0; i < count; ++i) {
    sum.lanes[i % LANES] += (double)values[i];
  }
  return total(&sum);
}

/// Mean of max(0, 1 + sign * logit).
static double hinge_loss(const float *logits, int64_t count, float sign, double weight, float *seed)
{
  const float step = sign * (float)(weight / (double)count);
  partial sum = {{0.0}};
  for (int64_t i = 0; i < count; ++i) {
    const float margin = 1.0f + sign * logits[i];
    sum.lanes[i % LANES] += margin > 0.0f ? (double)margin : 0.0;
    if (seed) {
      seed[i] = margin > 0.0f ? step : 0.0f;
    }
  }
  return total(&sum) / (double)count;
}

double adversarial_loss_real(const float *logits, int64_t count, double weight, float *seed)
{
  return hinge_loss(logits, count, -1.0f, weight, seed);
}

double adversarial_loss_fake(const float *logits, int64_t count, double weight, float *seed)
{
  return hinge_loss(logits, count, 1.0f, weight, seed);
}

double adversarial_loss_generator(const float *logits, int64_t count, bool hinge, double weight,
                                  float *seed)
{
  if (hinge) {
    return hinge_loss(logits, count, -1.0f, weight, seed);
  }
  for (int64_t i = 0; seed && i < count; ++i) {
    seed[i] = (float)(-weight / (double)count);
  }
  return -ordered_sum(logits, count) / (double)count;
}

/// seed = step * sign(fake - real), without branches: signs are as good as random.
static void write_signs(float *seed, const float *fake, const float *real, int64_t count,
                        float step)
{
  for (int64_t i = 0; i < count; ++i) {
    const float d = fake[i] - real[i];
    seed[i] = step * (float)((d > 0.0f) - (d < 0.0f));
  }
}

double feature_loss(const float *fake, const float *real, int64_t count, bool relative,
                    double weight, float *seed)
{
  partial apart = {{0.0}}, size = {{0.0}};
  for (int64_t i = 0; i < count; ++i) {
    apart.lanes[i % LANES] += (double)fabsf(fake[i] - real[i]);
    size.lanes[i % LANES] += (double)fabsf(real[i]);
  }
  const double mean = total(&size) / (double)count;
  const double unit = relative ? fmax(mean, FEATURE_FLOOR) : 1.0;
  const float step = (float)(weight / ((double)count * unit));
  if (seed) {
    write_signs(seed, fake, real, count, step);
  }
  return total(&apart) / ((double)count * unit);
}
