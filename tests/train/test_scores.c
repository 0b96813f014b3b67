// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// Comparing in portions, and summing up over clips.

#include "train/scores.h"

#include "base/random.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/failing_alloc.h"

enum { RATE = 24000, LENGTH = 9000 };

static void ok(status code, const error *err)
{
  if (code != STATUS_OK) {
    fail_msg("%s", err->message);
  }
}

static void make_pair(float x[LENGTH], float target[LENGTH])
{
  for (int i = 0; i < LENGTH; ++i) {
    target[i] = 0.3f * sinf(0.05f * (float)i) + 0.1f * random_uniform(1, 2, (uint64_t)i);
    x[i] = target[i] + 0.05f * random_uniform(3, 4, (uint64_t)i);
  }
}

static comparison_result compare(comparison *c, const float *x, size_t n_x, const float *target,
                                 size_t n_target, size_t portion, size_t lead)
{
  error err = {0};
  size_t at_x = 0, at_target = 0;
  while (at_x < n_x || at_target < n_target) {
    const size_t goal = at_x + lead + portion < n_target ? at_x + lead + portion : n_target;
    ok(comparison_push_reference(c, target + at_target, goal - at_target, &err), &err);
    at_target = goal;
    const size_t n = n_x - at_x < portion ? n_x - at_x : portion;
    ok(comparison_push_clip(c, x + at_x, n, &err), &err);
    at_x += n;
    if (n == 0) {
      ok(comparison_push_reference(c, target + at_target, n_target - at_target, &err), &err);
      at_target = n_target;
    }
  }
  return comparison_end(c);
}

/// However the two arrive, the figures are those of train/metrics.h over both.
static void portions_do_not_matter(void **state)
{
  (void)state;
  static float x[LENGTH], target[LENGTH];
  static const size_t portions[] = {1, 100, 777, LENGTH}, leads[] = {0, 480, 5000};
  error err = {0};
  comparison *c = NULL;
  mel_distance *m = NULL;
  si_snr snr = {0};
  make_pair(x, target);
  ok(mel_distance_new(&m, RATE, &err), &err);
  mel_distance_push(m, x, target, LENGTH);
  si_snr_push(&snr, x, target, LENGTH);
  const mel_distances mel = mel_distance_end(m);
  ok(comparison_new(&c, RATE, &err), &err);
  for (size_t i = 0; i < 4; ++i) {
    for (size_t k = 0; k < 3; ++k) {
      const comparison_result r = compare(c, x, LENGTH, target, LENGTH, portions[i], leads[k]);
      assert_true(r.mel == mel.whole && r.mel_low == mel.low);
      assert_true(r.si_snr_db == si_snr_db(&snr));
      assert_int_equal(r.n_reference, LENGTH);
      assert_int_equal(r.n_clip, LENGTH);
    }
  }
  mel_distance_free(m);
  comparison_free(c);
}

/// What one has more than the other is left out, and said.
static void lengths_are_trimmed(void **state)
{
  (void)state;
  static float x[LENGTH], target[LENGTH];
  error err = {0};
  comparison *c = NULL;
  make_pair(x, target);
  ok(comparison_new(&c, RATE, &err), &err);
  const comparison_result even = compare(c, x, 5000, target, 5000, 1000, 0);
  const comparison_result longer = compare(c, x, LENGTH, target, 5000, 1000, 0);
  const comparison_result shorter = compare(c, x, 5000, target, LENGTH, 1000, 0);
  assert_true(even.mel == longer.mel && even.mel == shorter.mel);
  assert_true(even.si_snr_db == longer.si_snr_db && even.si_snr_db == shorter.si_snr_db);
  assert_int_equal(longer.n_clip, LENGTH);
  assert_int_equal(shorter.n_reference, LENGTH);
  comparison_free(c);
}

static void infinities_are_held(void **state)
{
  (void)state;
  static float x[LENGTH], target[LENGTH], silence[LENGTH];
  error err = {0};
  comparison *c = NULL;
  make_pair(x, target);
  ok(comparison_new(&c, RATE, &err), &err);
  const comparison_result same = compare(c, target, LENGTH, target, LENGTH, 100, 0);
  assert_true(same.si_snr_db == COMPARISON_MOST_DB && same.mel == 0.0 && same.mel_low == 0.0);
  const comparison_result nothing = compare(c, silence, LENGTH, target, LENGTH, 100, 0);
  assert_true(nothing.si_snr_db == -COMPARISON_MOST_DB && nothing.mel > 1.0);
  assert_true(isnan(compare(c, x, LENGTH, silence, LENGTH, 100, 0).si_snr_db));
  assert_true(isnan(comparison_end(c).mel)); // nothing came
  comparison_free(c);
}

static void add(scores *s, const char *kind, double db, double mel, double seconds)
{
  error err = {0};
  const comparison_result r = {.si_snr_db = db, .mel = mel, .mel_low = mel / 2.0};
  ok(scores_add(s, kind, "a/path", seconds, &r, &err), &err);
}

static void every_clip_counts_once(void **state)
{
  (void)state;
  scores s = {0};
  score_summary sum;
  error err = {0};
  add(&s, "b", 1.0, 0.5, 10.0);
  add(&s, "a", -2.0, 1.0, 1.0);
  add(&s, "b", 4.0, 1.5, 2.0);
  add(&s, "b", (double)NAN, 1.0, 3.0);
  add(&s, "b", 30.0, 1.0, 4.0);
  assert_int_equal(s.n_kinds, 2);
  assert_string_equal(s.kinds[0], "b");
  ok(scores_summarise(&s, "b", &sum, &err), &err);
  assert_int_equal(sum.n_clips, 4);
  assert_true(sum.seconds == 19.0 && sum.mel == 1.0 && sum.mel_low == 0.5);
  assert_true(sum.si_snr_median_db == 4.0 && fabs(sum.si_snr_mean_db - 35.0 / 3.0) < 1e-12);
  ok(scores_summarise(&s, NULL, &sum, &err), &err);
  assert_int_equal(sum.n_clips, 5);
  assert_true(sum.si_snr_median_db == 2.5);
  ok(scores_summarise(&s, "a", &sum, &err), &err);
  assert_true(sum.si_snr_median_db == -2.0 && sum.seconds == 1.0);
  ok(scores_summarise(&s, "c", &sum, &err), &err);
  assert_true(sum.n_clips == 0 && isnan(sum.mel) && isnan(sum.si_snr_median_db));
  scores_free(&s);
}

static status fill_and_sum(void *user, error *err)
{
  scores s = {0};
  score_summary sum;
  comparison *c = NULL;
  const comparison_result r = {0};
  const float x[100] = {0};
  (void)user;
  status code = comparison_new(&c, RATE, err);
  code = code ? code : comparison_push_reference(c, x, 100, err);
  code = code ? code : comparison_push_clip(c, x, 50, err);
  comparison_free(c);
  code = code ? code : scores_add(&s, "a", "a/1", 1.0, &r, err);
  code = code ? code : scores_add(&s, "b", "b/1", 1.0, &r, err);
  code = code ? code : scores_summarise(&s, NULL, &sum, err);
  scores_free(&s);
  return code;
}

static void every_allocation_may_fail(void **state)
{
  (void)state;
  assert_true(failing_alloc_each(fill_and_sum, NULL) > 10);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(portions_do_not_matter),    cmocka_unit_test(lengths_are_trimmed),
      cmocka_unit_test(infinities_are_held),       cmocka_unit_test(every_clip_counts_once),
      cmocka_unit_test(every_allocation_may_fail),
  };
  return cmocka_run_group_tests_name("scores", tests, NULL, NULL);
}
