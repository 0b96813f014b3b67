// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "engine/output/true_peak.h"

#include <math.h>
#include <string.h>

// Below this a sample counts as 0, so that no product is a denormal number, which is slow.
#define LEAST 1e-15f

// Column c holds the taps of the point (c + 1) / 8 of the way between two samples, row t the tap of
// sample t - 11 from the earlier of the two: sinc(d) times Kaiser's window of shape 4 and half
// width 12, d being the distance from sample to point. The last column is the later sample itself.
static const float taps[TRUE_PEAK_TAPS][TRUE_PEAK_POINTS] = {
    {-0.0015948f, -0.0027373f, -0.0033143f, -0.0033160f, -0.0028240f, -0.0019862f, -0.0009844f,
     0.0000000f},
    {0.0026932f, 0.0046858f, 0.0057571f, 0.0058515f, 0.0050688f, 0.0036316f, 0.0018367f,
     0.0000000f},
    {-0.0041896f, -0.0073496f, -0.0091092f, -0.0093445f, -0.0081745f, -0.0059181f, -0.0030265f,
     0.0000000f},
    {0.0061862f, 0.0109108f, 0.0135998f, 0.0140349f, 0.0123551f, 0.0090044f, 0.0046371f,
     0.0000000f},
    {-0.0088281f, -0.0156246f, -0.0195471f, -0.0202513f, -0.0179012f, -0.0131034f, -0.0067792f,
     0.0000000f},
    {0.0123424f, 0.0218854f, 0.0274365f, 0.0284894f, 0.0252454f, 0.0185284f, 0.0096133f,
     0.0000000f},
    {-0.0171249f, -0.0303714f, -0.0380910f, -0.0395781f, -0.0351016f, -0.0257897f, -0.0133978f,
     0.0000000f},
    {0.0239537f, 0.0423940f, 0.0530769f, 0.0550708f, 0.0487875f, 0.0358153f, 0.0185958f,
     0.0000000f},
    {-0.0346134f, -0.0608947f, -0.0758341f, -0.0783104f, -0.0690841f, -0.0505271f, -0.0261489f,
     0.0000000f},
    {0.0542821f, 0.0941002f, 0.1156595f, 0.1180485f, 0.1030588f, 0.0746754f, 0.0383247f,
     0.0000000f},
    {-0.1066432f, -0.1767129f, -0.2090684f, -0.2065387f, -0.1753096f, -0.1239582f, -0.0622707f,
     0.0000000f},
    {0.9743128f, 0.8996416f, 0.7828915f, 0.6347131f, 0.4683275f, 0.2980860f, 0.1379398f,
     0.0000000f},
    {0.1379398f, 0.2980860f, 0.4683275f, 0.6347131f, 0.7828915f, 0.8996416f, 0.9743128f,
     1.0000000f},
    {-0.0622707f, -0.1239582f, -0.1753096f, -0.2065387f, -0.2090684f, -0.1767129f, -0.1066432f,
     0.0000000f},
    {0.0383247f, 0.0746754f, 0.1030588f, 0.1180485f, 0.1156595f, 0.0941002f, 0.0542821f,
     0.0000000f},
    {-0.0261489f, -0.0505271f, -0.0690841f, -0.0783104f, -0.0758341f, -0.0608947f, -0.0346134f,
     0.0000000f},
    {0.0185958f, 0.0358153f, 0.0487875f, 0.0550708f, 0.0530769f, 0.0423940f, 0.0239537f,
     0.0000000f},
    {-0.0133978f, -0.0257897f, -0.0351016f, -0.0395781f, -0.0380910f, -0.0303714f, -0.0171249f,
     0.0000000f},
    {0.0096133f, 0.0185284f, 0.0252454f, 0.0284894f, 0.0274365f, 0.0218854f, 0.0123424f,
     0.0000000f},
    {-0.0067792f, -0.0131034f, -0.0179012f, -0.0202513f, -0.0195471f, -0.0156246f, -0.0088281f,
     0.0000000f},
    {0.0046371f, 0.0090044f, 0.0123551f, 0.0140349f, 0.0135998f, 0.0109108f, 0.0061862f,
     0.0000000f},
    {-0.0030265f, -0.0059181f, -0.0081745f, -0.0093445f, -0.0091092f, -0.0073496f, -0.0041896f,
     0.0000000f},
    {0.0018367f, 0.0036316f, 0.0050688f, 0.0058515f, 0.0057571f, 0.0046858f, 0.0026932f,
     0.0000000f},
    {-0.0009844f, -0.0019862f, -0.0028240f, -0.0033160f, -0.0033143f, -0.0027373f, -0.0015948f,
     0.0000000f},
};

void true_peak_reset(true_peak *m)
{
  memset(m, 0, sizeof *m);
}

// Four points side by side, which compilers do not find by themselves here. A vector of any
// compiler that knows the attribute, wide or not, gives the same bits: lanes run over points.
typedef float lanes __attribute__((vector_size(16)));

static lanes lanes_at(const float *from)
{
  lanes v;
  memcpy(&v, from, sizeof v);
  return v;
}

// The points of the window that begins at `x`, the oldest first. Taps in turn go into two sums,
// which need not wait for each other.
static void interpolate(const float *x, float points[TRUE_PEAK_POINTS])
{
  lanes low[2] = {{0}};
  lanes high[2] = {{0}};
  for (unsigned t = 0; t < TRUE_PEAK_TAPS; t += 2) {
    low[0] += x[t] * lanes_at(taps[t]);
    high[0] += x[t] * lanes_at(taps[t] + 4);
    low[1] += x[t + 1] * lanes_at(taps[t + 1]);
    high[1] += x[t + 1] * lanes_at(taps[t + 1] + 4);
  }
  low[0] += low[1];
  high[0] += high[1];
  memcpy(points, low, sizeof *low);
  memcpy(points + 4, high, sizeof *high);
}

float true_peak_step(true_peak *m, float x)
{
  const float counted = fabsf(x) < LEAST ? 0.0f : x;
  m->history[m->at] = counted;
  m->history[m->at + TRUE_PEAK_TAPS] = counted;
  m->at = m->at + 1 == TRUE_PEAK_TAPS ? 0 : m->at + 1;
  float points[TRUE_PEAK_POINTS];
  interpolate(m->history + m->at, points);
  float peak = 0.0f;
  for (unsigned c = 0; c < TRUE_PEAK_POINTS; ++c) {
    peak = fabsf(points[c]) > peak ? fabsf(points[c]) : peak;
  }
  return peak;
}
