// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "engine/histogram.h"

// Below 32 ns one bucket per nanosecond; above, the octave and its five highest bits.
static unsigned bucket_of(uint64_t ns)
{
  if (ns < HISTOGRAM_PER_OCTAVE) {
    return (unsigned)ns;
  }
  const unsigned octave = 63u - (unsigned)__builtin_clzll(ns) - 5u; // 2^5 = HISTOGRAM_PER_OCTAVE
  if (octave >= HISTOGRAM_OCTAVES) {
    return HISTOGRAM_BUCKETS - 1;
  }
  const unsigned within = (unsigned)(ns >> octave) - HISTOGRAM_PER_OCTAVE;
  return (octave + 1) * HISTOGRAM_PER_OCTAVE + within;
}

// The largest duration that falls into `bucket`.
static uint64_t upper_edge(unsigned bucket)
{
  if (bucket < HISTOGRAM_PER_OCTAVE) {
    return bucket;
  }
  const unsigned octave = bucket / HISTOGRAM_PER_OCTAVE - 1;
  const uint64_t within = bucket % HISTOGRAM_PER_OCTAVE;
  return ((HISTOGRAM_PER_OCTAVE + within + 1) << octave) - 1;
}

// One writer, so that plain load and store do; readers only need whole values.
static void add_to(_Atomic uint64_t *counter, uint64_t n)
{
  const uint64_t old = atomic_load_explicit(counter, memory_order_relaxed);
  atomic_store_explicit(counter, old + n, memory_order_relaxed);
}

void histogram_reset(histogram *h)
{
  for (unsigned i = 0; i < HISTOGRAM_BUCKETS; ++i) {
    atomic_store_explicit(&h->counts[i], 0, memory_order_relaxed);
  }
  atomic_store_explicit(&h->total, 0, memory_order_relaxed);
  atomic_store_explicit(&h->sum_ns, 0, memory_order_relaxed);
  atomic_store_explicit(&h->max_ns, 0, memory_order_relaxed);
}

void histogram_add(histogram *h, uint64_t ns)
{
  add_to(&h->counts[bucket_of(ns)], 1);
  add_to(&h->sum_ns, ns);
  add_to(&h->total, 1);
  if (ns > atomic_load_explicit(&h->max_ns, memory_order_relaxed)) {
    atomic_store_explicit(&h->max_ns, ns, memory_order_relaxed);
  }
}

uint64_t histogram_percentile(const histogram *h, double fraction)
{
  const uint64_t total = atomic_load_explicit(&h->total, memory_order_relaxed);
  const uint64_t largest = atomic_load_explicit(&h->max_ns, memory_order_relaxed);
  const double wanted = fraction * (double)total;
  uint64_t seen = 0;
  for (unsigned i = 0; total && i < HISTOGRAM_BUCKETS; ++i) {
    seen += atomic_load_explicit(&h->counts[i], memory_order_relaxed);
    if (seen && (double)seen >= wanted) {
      return upper_edge(i) < largest ? upper_edge(i) : largest;
    }
  }
  return largest;
}

double histogram_mean_ns(const histogram *h)
{
  const uint64_t total = atomic_load_explicit(&h->total, memory_order_relaxed);
  const uint64_t sum = atomic_load_explicit(&h->sum_ns, memory_order_relaxed);
  return total ? (double)sum / (double)total : 0.0;
}
