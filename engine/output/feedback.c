// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "engine/output/feedback.h"

#include <math.h>
#include <string.h>

#define WORK_HZ 12000
#define STRIDE 8 // of so many samples one, at random, is correlated
#define INSTANTS 16
_Static_assert(FEEDBACK_TICK == INSTANTS * STRIDE, "one of each stride");
#define WINDOW_S 0.25
#define LEAST_LAG_S 0.02 // no way through hop and block is shorter
#define LOUDEST 16.0f    // samples are kept within
#define FAINTEST 1e-18f  // power that is nothing, well above denormal numbers

#define LEAST_MATCH 0.6   // correlation with which a lag holds
#define MATCH_BETTER 0.15 // another lag takes over
#define ABOUT_AS_GOOD 0.8 // of the best lag's squared correlation
#define PERIODIC 0.34     // of all ticks of lags, for many to be so
#define GROWTH_DB 10.0
#define MOST_GROWTH_DB 12.0 // in one round
#define LEAK_DB_BY_S 3.0
#define LEAST_POWER 3.2e-6 // -55 dB: below, no lag holds
#define ECHO_POWER 6.3e-4  // -32 dB
#define ECHO_ABOVE 2.0     // 3 dB above what was played
#define ECHO_S 0.15        // and one round
#define FORGET_BY_S 0.05   // 0.2 dB
#define HOT 0.7f
#define HOT_S 0.4
#define AT_TOP 0.97f
#define TOP_S 0.7
#define LEVEL_S 0.1
#define CALM 0.03 // 15 dB below
#define CALM_S 0.3
#define MOST_CALMING_S 4.0
#define SOON_S 10.0
#define MOST_LEAST_MUTE_S 16

void feedback_init(feedback *f, uint32_t rate_hz, uint32_t n_channels)
{
  memset(f, 0, sizeof *f);
  f->n_channels = n_channels;
  f->divisor = (rate_hz + WORK_HZ - 1) / WORK_HZ;
  f->tick_s = (double)FEEDBACK_TICK * f->divisor / rate_hz;
  f->decay = (float)exp(-f->tick_s / WINDOW_S);
  f->ceiling = 0.89f;
  f->seed = 1;
  f->least_mute_s = 1;
  f->clear_ticks = UINT32_MAX;
}

void feedback_set_ceiling(feedback *f, float ceiling)
{
  f->ceiling = ceiling;
}

double feedback_lag_ms(const feedback *f)
{
  return 1e3 * f->found_lag * f->tick_s / FEEDBACK_TICK;
}

static bool lasts(const feedback *f, uint32_t n_ticks, double seconds)
{
  return n_ticks * f->tick_s >= seconds;
}

// --- correlation ---

// products[j] of `at` of the leader's samples j on from its beginning; lanes run over lags.
static void correlate(float *restrict products, uint32_t n_lags, const float *restrict follower,
                      const float *restrict leader, const uint32_t at[INSTANTS], float decay)
{
  for (uint32_t j = 0; j < n_lags; ++j) {
    products[j] *= decay;
  }
  for (uint32_t k = 0; k < INSTANTS; k += 4) {
    const float x0 = follower[at[k]];
    const float x1 = follower[at[k + 1]];
    const float x2 = follower[at[k + 2]];
    const float x3 = follower[at[k + 3]];
    const float *restrict y0 = leader + at[k];
    const float *restrict y1 = leader + at[k + 1];
    const float *restrict y2 = leader + at[k + 2];
    const float *restrict y3 = leader + at[k + 3];
    for (uint32_t j = 0; j < n_lags; ++j) {
      products[j] += (x0 * y0[j] + x1 * y1[j]) + (x2 * y2[j] + x3 * y3[j]);
    }
  }
}

static double sum_of_squares(const float *x)
{
  double sum = 0.0;
  for (uint32_t i = 0; i < FEEDBACK_TICK; ++i) {
    sum += (double)x[i] * (double)x[i];
  }
  return sum;
}

static void push_power(float powers[FEEDBACK_POWERS], double sum, float decay)
{
  const float power = powers[0] * decay + (float)(sum / STRIDE);
  memmove(powers + 1, powers, (FEEDBACK_POWERS - 1) * sizeof *powers);
  powers[0] = power < FAINTEST ? 0.0f : power;
}

// In each STRIDE of samples one at random, the same for all lags: any fixed pattern would be blind
// to some tone.
static void take_in_tick(feedback *f)
{
  uint32_t at[INSTANTS];
  for (uint32_t k = 0; k < INSTANTS; ++k) {
    f->seed = f->seed * UINT32_C(1664525) + UINT32_C(1013904223);
    at[k] = k * STRIDE + (f->seed >> 29);
  }
  const float *in = f->in + FEEDBACK_BACK;
  const float *out = f->out + FEEDBACK_LAGS;
  correlate(f->forth, FEEDBACK_LAGS, in, f->out, at, f->decay);
  correlate(f->back, FEEDBACK_BACK, out, f->in + 1, at, f->decay);
  const double in_sum = sum_of_squares(in);
  push_power(f->in_power, in_sum, f->decay);
  push_power(f->out_power, sum_of_squares(out), f->decay);
  if (f->in_power[0] == 0.0f || f->out_power[0] == 0.0f) {
    memset(f->forth, 0, sizeof f->forth);
    memset(f->back, 0, sizeof f->back);
  }
  f->level += (in_sum / FEEDBACK_TICK - f->level) * f->tick_s / LEVEL_S;
}

// Of the window that ended `lag` samples ago.
static double power_before(const float powers[FEEDBACK_POWERS], uint32_t lag)
{
  const uint32_t tick = lag / FEEDBACK_TICK;
  const double part = (double)(lag % FEEDBACK_TICK) / FEEDBACK_TICK;
  return (double)powers[tick] * (1.0 - part) + (double)powers[tick + 1] * part;
}

static double match(double product, double power, double other_power)
{
  const double both = power * other_power;
  const double r = both > 0.0 ? fabs(product) / sqrt(both) : 0.0;
  return r < 1.0 ? r : 1.0;
}

// The greatest magnitude of n, a multiple of 8; lanes, because a lone maximum is not vectorised.
static float greatest(const float *x, uint32_t n)
{
  float most[8] = {0};
  for (uint32_t i = 0; i < n; i += 8) {
    for (uint32_t k = 0; k < 8; ++k) {
      most[k] = fabsf(x[i + k]) > most[k] ? fabsf(x[i + k]) : most[k];
    }
  }
  for (uint32_t k = 1; k < 8; ++k) {
    most[0] = most[k] > most[0] ? most[k] : most[0];
  }
  return most[0];
}

static uint32_t where(const float *x, float magnitude)
{
  uint32_t i = 0;
  while (i + 1 < FEEDBACK_TICK && fabsf(x[i]) != magnitude) {
    ++i;
  }
  return i;
}

// Lags tick by tick: in each the best, and how many ticks are about as good as the best of all.
static void find_best_lag(feedback *f)
{
  const uint32_t first = (uint32_t)(LEAST_LAG_S / f->tick_s) + 1;
  float most[FEEDBACK_LAG_TICKS] = {0};
  double matches[FEEDBACK_LAG_TICKS] = {0};
  uint32_t best = first;
  uint32_t n_good = 0;
  for (uint32_t tick = first; tick < FEEDBACK_LAG_TICKS; ++tick) {
    const float near = f->out_power[tick];
    const float far = f->out_power[tick + 1];
    most[tick] = greatest(f->forth + FEEDBACK_LAGS - (tick + 1) * FEEDBACK_TICK, FEEDBACK_TICK);
    matches[tick] =
        match((double)most[tick], (double)(near > far ? near : far), (double)f->in_power[0]);
    best = matches[tick] > matches[best] ? tick : best;
  }
  for (uint32_t tick = first; tick < FEEDBACK_LAG_TICKS; ++tick) {
    n_good += matches[tick] * matches[tick] >= ABOUT_AS_GOOD * matches[best] * matches[best];
  }
  const uint32_t end = (best + 1) * FEEDBACK_TICK;
  f->best_lag = end - where(f->forth + FEEDBACK_LAGS - end, most[best]);
  f->best_match = matches[best];
  f->periodic = n_good > PERIODIC * (FEEDBACK_LAG_TICKS - first);
}

static void find_way_back(feedback *f)
{
  uint32_t best = 0;
  for (uint32_t tick = 1; tick < FEEDBACK_BACK_TICKS; ++tick) {
    const float most = greatest(f->back + best * FEEDBACK_TICK, FEEDBACK_TICK);
    best = greatest(f->back + tick * FEEDBACK_TICK, FEEDBACK_TICK) >= most ? tick : best;
  }
  const float *from = f->back + best * FEEDBACK_TICK;
  const float most = greatest(from, FEEDBACK_TICK);
  f->back_lag = FEEDBACK_BACK - 1 - (best * FEEDBACK_TICK + where(from, most));
  f->back_match =
      match((double)most, power_before(f->in_power, f->back_lag), (double)f->out_power[0]);
}

// How well the lag that holds does now; the path may change by a sample or two.
static double run_match(const feedback *f)
{
  float most = 0.0f;
  const uint32_t last = f->run_lag + 2 < FEEDBACK_LAGS ? f->run_lag + 2 : FEEDBACK_LAGS;
  for (uint32_t lag = f->run_lag - 2; lag <= last; ++lag) {
    const float product = fabsf(f->forth[FEEDBACK_LAGS - lag]);
    most = product > most ? product : most;
  }
  return match((double)most, power_before(f->out_power, f->run_lag), (double)f->in_power[0]);
}

// --- verdict ---

static void end_run(feedback *f)
{
  f->run_lag = 0;
  f->run_ticks = 0;
  f->top_ticks = 0;
  f->growth_db = 0.0;
  f->most_growth_db = 0.0;
}

// Gives the match of the lag that holds.
static double hold_or_begin(feedback *f, double power)
{
  const double held = f->run_lag ? run_match(f) : 0.0;
  if (f->run_lag && power >= LEAST_POWER && held >= LEAST_MATCH &&
      f->best_match <= held + MATCH_BETTER) {
    return held;
  }
  end_run(f);
  if (power >= LEAST_POWER && f->best_match >= LEAST_MATCH) {
    f->run_lag = f->best_lag;
  }
  return f->best_match;
}

static double gain_since(const float powers[FEEDBACK_POWERS], uint32_t lag)
{
  return (double)powers[0] / (power_before(powers, lag) + (double)FAINTEST);
}

// What is new in the input or the output, and not in both, has not come round.
static void grow(feedback *f, double held)
{
  const uint32_t round = f->run_lag + f->back_lag;
  const double in_gain = gain_since(f->in_power, round);
  const double out_gain = gain_since(f->out_power, round);
  const double both = held * f->back_match;
  const double gain_db = 10.0 * log10(both * both * fmin(in_gain, out_gain) + 1e-6);
  f->growth_db += fmin(gain_db, MOST_GROWTH_DB) * FEEDBACK_TICK / round - LEAK_DB_BY_S * f->tick_s;
  f->growth_db = fmax(f->growth_db, 0.0);
  f->most_growth_db = fmax(f->most_growth_db, f->growth_db);
}

static void count_ticks(uint32_t *n_ticks, bool so, uint32_t otherwise)
{
  *n_ticks = so ? *n_ticks + 1 : *n_ticks > otherwise ? *n_ticks - otherwise : 0;
}

static feedback_cause judge(const feedback *f, double power)
{
  const double round_s = (f->run_lag + f->back_lag) * f->tick_s / FEEDBACK_TICK;
  if (!f->run_lag) {
    return FEEDBACK_NONE;
  }
  if (!f->periodic && f->growth_db >= GROWTH_DB && power >= ECHO_POWER &&
      power > ECHO_ABOVE * f->played && lasts(f, f->run_ticks, fmax(round_s, ECHO_S))) {
    return FEEDBACK_ECHO;
  }
  if (f->most_growth_db >= GROWTH_DB && lasts(f, f->hot_ticks, HOT_S)) {
    return FEEDBACK_HOWL;
  }
  return lasts(f, f->top_ticks, TOP_S) ? FEEDBACK_STUCK : FEEDBACK_NONE;
}

static void mute(feedback *f, feedback_cause cause)
{
  const bool soon = !lasts(f, f->clear_ticks, SOON_S);
  const uint32_t doubled = f->least_mute_s * 2;
  f->least_mute_s = !soon ? 1 : doubled < MOST_LEAST_MUTE_S ? doubled : MOST_LEAST_MUTE_S;
  f->muted = true;
  f->cause = cause;
  f->found_lag = f->run_lag;
  f->found_level = f->level;
  f->muted_ticks = 0;
  f->calm_ticks = 0;
  ++f->n_found;
}

static void unmute(feedback *f)
{
  f->muted = false;
  f->clear_ticks = 0;
  f->hot_ticks = 0;
  end_run(f);
}

static void wait_for_calm(feedback *f)
{
  const bool calm = f->level < f->found_level * CALM || f->level < LEAST_POWER;
  f->calm_ticks = calm ? f->calm_ticks + 1 : 0;
  ++f->muted_ticks;
  const bool enough = lasts(f, f->muted_ticks, f->least_mute_s) && lasts(f, f->calm_ticks, CALM_S);
  if (enough || lasts(f, f->muted_ticks, f->least_mute_s + MOST_CALMING_S)) {
    unmute(f);
  }
}

static void listen_for_loop(feedback *f, float peak, bool looped)
{
  const double power = (double)f->in_power[0] * (1.0 - (double)f->decay) / INSTANTS;
  f->clear_ticks += f->clear_ticks < UINT32_MAX;
  f->played *= 1.0 - FORGET_BY_S * f->tick_s;
  count_ticks(&f->hot_ticks, peak >= HOT, 2);
  if (!looped) {
    end_run(f);
  } else {
    find_best_lag(f);
    find_way_back(f);
    const double held = hold_or_begin(f, power);
    if (f->run_lag) {
      ++f->run_ticks;
      count_ticks(&f->top_ticks, peak >= AT_TOP * f->ceiling, 4);
      grow(f, held);
    }
  }
  if (!f->run_lag && power > f->played) {
    f->played = power;
  }
  const feedback_cause cause = judge(f, power);
  if (cause != FEEDBACK_NONE) {
    mute(f, cause);
  }
}

// --- samples ---

static float clean(float x)
{
  if (!isfinite(x)) {
    return 0.0f;
  }
  return x > LOUDEST ? LOUDEST : x < -LOUDEST ? -LOUDEST : x;
}

static void end_tick(feedback *f, bool looped)
{
  const float peak = f->peak;
  f->peak = 0.0f;
  take_in_tick(f);
  if (f->muted) {
    wait_for_calm(f);
  } else {
    listen_for_loop(f, peak, looped);
  }
  memmove(f->in, f->in + FEEDBACK_TICK, FEEDBACK_BACK * sizeof *f->in);
  memmove(f->out, f->out + FEEDBACK_TICK, FEEDBACK_LAGS * sizeof *f->out);
  f->n_gathered = 0;
}

// Down to the rate of work by plain means: what folds over does so alike in input and output.
static void end_sample(feedback *f, bool looped)
{
  const float scale = 1.0f / (float)(f->divisor * f->n_channels);
  f->in[FEEDBACK_BACK + f->n_gathered] = f->in_sum * scale;
  f->out[FEEDBACK_LAGS + f->n_gathered] = f->out_sum * scale;
  f->in_sum = f->out_sum = 0.0f;
  f->n_summed = 0;
  if (++f->n_gathered == FEEDBACK_TICK) {
    end_tick(f, looped);
  }
}

bool feedback_step(feedback *f, const float *in, const float *out, size_t n_samples, bool looped)
{
  for (size_t i = 0; i < n_samples; ++i) {
    for (uint32_t c = 0; c < f->n_channels; ++c) {
      const float x = clean(in[i * f->n_channels + c]);
      const float y = f->muted ? 0.0f : clean(out[i * f->n_channels + c]);
      const float louder = fabsf(x) > fabsf(y) ? fabsf(x) : fabsf(y);
      f->in_sum += x;
      f->out_sum += y;
      f->peak = louder > f->peak ? louder : f->peak;
    }
    if (++f->n_summed == f->divisor) {
      end_sample(f, looped);
    }
  }
  return f->muted;
}
