// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "plugin/osc_dispatch.h"

#include "base/random.h"
#include "tests/plugin/osc_words.h"
#include "tests/plugin/trial_sink.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static trial_sink sink;
static osc_dispatch dispatch;
static osc_words answers[128]; // datagrams
static int n_answers;
static osc_request asked;
static int n_asked, subscribed, room;

static void take_answer(void *user, const void *data, size_t n)
{
  (void)user;
  assert_true(n % 4 == 0 && n <= OSC_ANSWER_BYTES && n_answers < 128);
  memcpy(answers[n_answers].bytes, data, n);
  answers[n_answers++].n = n;
}

static bool take_subscriber(void *user, bool on)
{
  (void)user;
  subscribed += on ? 1 : -1;
  return subscribed < 2;
}

static bool take_request(void *user, const osc_request *r)
{
  (void)user;
  asked = *r;
  return ++n_asked < 100;
}

static bool has_room(void *user)
{
  (void)user;
  return room-- > 0;
}

static int set_up(void **state)
{
  (void)state;
  dispatch = (osc_dispatch){.sink = trial_sink_init(&sink),
                            .answer = take_answer,
                            .subscribe = take_subscriber,
                            .request = take_request,
                            .may_go_on = has_room};
  n_answers = n_asked = subscribed = 0;
  room = 1000000;
  return 0;
}

static void give(const osc_words *w)
{
  n_answers = 0;
  osc_dispatch_data(&dispatch, w->bytes, w->n);
}

static void plain(const char *path)
{
  osc_words w = {.n = 0};
  osc_put_plain(&w, path);
  give(&w);
}

static void with_word(const char *path, const char *word)
{
  osc_words w = {.n = 0};
  osc_put_path_word(&w, path, word);
  give(&w);
}

static void with_float(const char *path, float x)
{
  osc_words w = {.n = 0};
  osc_put_path_float(&w, path, x);
  give(&w);
}

static void assert_answer(int i, const osc_words *expected)
{
  assert_true(i < n_answers);
  assert_int_equal(answers[i].n, expected->n);
  assert_memory_equal(answers[i].bytes, expected->bytes, expected->n);
}

static void test_set_takes_every_kind_of_number(void **state)
{
  (void)state;
  with_float("/continuo/set/level", -6.5F);
  assert_true(sink.values[PARAMETER_LEVEL] == -6.5);
  with_float("/continuo/set/level", 99.0F); // faders go too far
  assert_true(sink.values[PARAMETER_LEVEL] == 12.0);
  with_float("/continuo/set/level", -INFINITY);
  assert_true(sink.values[PARAMETER_LEVEL] == -60.0);
  osc_words w = {.n = 0};
  osc_put_string(&w, "/continuo/set/min_run");
  osc_put_string(&w, ",i");
  osc_put_u32(&w, 33);
  give(&w);
  assert_true(sink.values[PARAMETER_MIN_RUN] == 33.0);
  w.n = 0;
  osc_put_string(&w, "/continuo/set/jump");
  osc_put_string(&w, ",d");
  osc_put_double(&w, 0.3);
  give(&w);
  assert_true(sink.values[PARAMETER_JUMP] == 0.3);
  w.n = 0;
  osc_put_string(&w, "/continuo/set/seed");
  osc_put_string(&w, ",h");
  osc_put_u64(&w, UINT64_C(5000000000));
  give(&w);
  assert_true(sink.values[PARAMETER_SEED] == 5e9);
  w.n = 0;
  osc_put_string(&w, "/continuo/set/phrase_end");
  osc_put_string(&w, ",F");
  give(&w);
  assert_true(sink.values[PARAMETER_PHRASE_END] == 0.0);
  w.n = 0;
  osc_put_string(&w, "/continuo/set/phrase_end");
  osc_put_string(&w, ",T");
  give(&w);
  assert_true(sink.values[PARAMETER_PHRASE_END] == 1.0);
  with_word("/continuo/set/phrase_end", "off");
  assert_true(sink.values[PARAMETER_PHRASE_END] == 0.0);
  with_word("/continuo/set/mode", "answer");
  assert_true(sink.values[PARAMETER_MODE] == MODE_ANSWER);
  with_word("/continuo/mode", "freeze");
  assert_true(sink.values[PARAMETER_MODE] == MODE_FREEZE);
  with_float("/continuo/mode", 1.0F);
  assert_true(sink.values[PARAMETER_MODE] == MODE_LISTEN);
  assert_int_equal(dispatch.counts.messages, 12);
  assert_int_equal(dispatch.counts.refused + dispatch.counts.malformed + dispatch.counts.unknown,
                   0);
  assert_false(sink.out_of_range);
}

static void test_actions_and_buttons(void **state)
{
  (void)state;
  for (int i = 0; i < N_CONTROL_ACTIONS; ++i) {
    char path[64];
    snprintf(path, sizeof path, "/continuo/action/%s", control_action_name((control_action)i));
    plain(path);
    with_float(path, 1.0F); // a button pressed
    with_float(path, 0.0F); // and let go
    assert_int_equal(sink.n_actions[i], 2);
  }
  plain("/continuo/panic");
  with_float("/continuo/panic", 0.0F);
  assert_int_equal(sink.n_actions[ACTION_PANIC], 3);
  plain("/continuo/keep");
  assert_true(n_asked == 1 && asked.kind == OSC_KEEP);
  with_float("/continuo/keep", 0.0F);
  assert_int_equal(n_asked, 1);
  with_word("/continuo/preset", "Slow Hands");
  assert_true(n_asked == 2 && asked.kind == OSC_PRESET);
  assert_string_equal(asked.name, "Slow Hands");
  with_word("/continuo/learn", "mix");
  assert_true(n_asked == 3 && asked.kind == OSC_LEARN && asked.id == PARAMETER_MIX);
  plain("/continuo/learn");
  assert_true(n_asked == 4 && asked.id == -1);
}

static void test_answers(void **state)
{
  (void)state;
  osc_words w = {.n = 0};
  plain("/continuo/ping");
  osc_put_plain(&w, "/continuo/pong");
  assert_answer(0, &w);
  sink.values[PARAMETER_LEVEL] = -6.5;
  plain("/continuo/get/level");
  w.n = 0;
  osc_put_string(&w, "/continuo/value");
  osc_put_string(&w, ",sf");
  osc_put_string(&w, "level");
  osc_put_float(&w, -6.5F);
  assert_answer(0, &w);
  plain("/continuo/get/mode");
  w.n = 0;
  osc_put_string(&w, "/continuo/value");
  osc_put_string(&w, ",ss");
  osc_put_string(&w, "mode");
  osc_put_string(&w, "monitor");
  assert_answer(0, &w);
  plain("/continuo/get/phrase_end");
  w.n = 0;
  osc_put_string(&w, "/continuo/value");
  osc_put_string(&w, ",si");
  osc_put_string(&w, "phrase_end");
  osc_put_u32(&w, 1);
  assert_answer(0, &w);
  sink.values[PARAMETER_SEED] = 5e9;
  plain("/continuo/get/seed");
  w.n = 0;
  osc_put_string(&w, "/continuo/value");
  osc_put_string(&w, ",sd");
  osc_put_string(&w, "seed");
  osc_put_double(&w, 5e9);
  assert_answer(0, &w);
  plain("/continuo/get");
  assert_int_equal(n_answers, parameter_count());
  plain("/continuo/subscribe");
  assert_int_equal(n_answers, parameter_count());
  assert_int_equal(subscribed, 1);
  plain("/continuo/subscribe"); // one too many
  assert_int_equal(n_answers, 1);
  assert_int_equal(dispatch.counts.refused, 1);
  plain("/continuo/unsubscribe");
  assert_int_equal(subscribed, 1);
}

static void test_a_bundle_is_one_batch(void **state)
{
  (void)state;
  osc_words inner = {.n = 0}, a = {.n = 0}, b = {.n = 0}, w = {.n = 0};
  osc_put_path_float(&a, "/continuo/set/mix", 0.25F);
  osc_put_path_word(&b, "/continuo/mode", "listen");
  osc_begin_bundle(&inner);
  osc_put_element(&inner, &b);
  osc_begin_bundle(&w);
  osc_put_element(&w, &a);
  osc_put_element(&w, &inner);
  give(&w);
  assert_true(sink.values[PARAMETER_MIX] == 0.25 && sink.values[PARAMETER_MODE] == MODE_LISTEN);
  assert_int_equal(sink.n_batches, 1);
  assert_int_equal(sink.largest_batch, 2);
  w.n = 0;
  osc_begin_bundle(&w);
  for (int i = 0; i < 3 * CONTROL_BATCH_MAX; ++i) {
    osc_put_element(&w, &a);
  }
  give(&w);
  assert_int_equal(sink.n_sent, 2 + 3 * CONTROL_BATCH_MAX);
  assert_int_equal(sink.largest_batch, CONTROL_BATCH_MAX);
  assert_int_equal(dispatch.counts.malformed, 0);
  w.n = 0;
  osc_begin_bundle(&w); // an empty one
  give(&w);
  assert_int_equal(dispatch.counts.malformed, 0);
  for (int i = 0; i < 10; ++i) { // one in the other, too deep
    osc_words outer = {.n = 0};
    osc_begin_bundle(&outer);
    osc_put_element(&outer, i ? &w : &a);
    w = outer;
  }
  give(&w);
  assert_int_equal(sink.n_sent, 2 + 3 * CONTROL_BATCH_MAX);
  assert_int_equal(dispatch.counts.malformed, 1);
}

static void test_what_is_refused_in_words(void **state)
{
  (void)state;
  static const char *const rows[][2] = {
      {"/continuo/set/loudness", "1"}, {"/continuo/set/", "1"},
      {"/continuo/set/level", "loud"}, {"/continuo/mode", "sing"},
      {"/continuo/get/loudness", "1"}, {"/continuo/action/sing", "1"},
      {"/continuo/preset", ""},        {"/continuo/preset", "../../etc/passwd"},
      {"/continuo/learn", "loudness"}};
  const int n_rows = (int)(sizeof rows / sizeof *rows);
  for (int i = 0; i < n_rows; ++i) {
    with_word(rows[i][0], rows[i][1]);
    assert_int_equal(dispatch.counts.refused, i + 1);
    assert_int_equal(n_answers, 1);
    osc_words head = {.n = 0};
    osc_put_string(&head, "/continuo/error");
    osc_put_string(&head, ",ss");
    osc_put_string(&head, rows[i][0]);
    assert_memory_equal(answers[0].bytes, head.bytes, head.n);
  }
  with_float("/continuo/set/level", NAN);
  plain("/continuo/set/level"); // no argument
  assert_int_equal(dispatch.counts.refused, n_rows + 2);
  assert_int_equal(sink.n_sent + (uint64_t)n_asked, 0);
}

// Other paths, our own answers above all, are not answered.
static void test_what_is_not_ours(void **state)
{
  (void)state;
  static const char *const paths[] = {"/",
                                      "/continuo",
                                      "/continuo/",
                                      "/continuo/sing",
                                      "/continuo/value",
                                      "/continuo/error",
                                      "/continuo/pong",
                                      "/continuo/pingpong",
                                      "/other/set/mix",
                                      "/continuo/*"};
  const int n = (int)(sizeof paths / sizeof *paths);
  for (int i = 0; i < n; ++i) {
    with_word(paths[i], "level");
    assert_int_equal(n_answers, 0);
    assert_int_equal(dispatch.counts.unknown, i + 1);
  }
  assert_int_equal(dispatch.counts.messages, n);
}

static void test_what_is_no_osc(void **state)
{
  (void)state;
  osc_words whole = {.n = 0};
  osc_put_path_word(&whole, "/continuo/set/mode", "listen");
  uint64_t n = 0;
  for (size_t cut = 0; cut < whole.n; ++cut) { // every beginning of a message
    osc_words w = whole;
    w.n = cut;
    give(&w);
    assert_int_equal(dispatch.counts.malformed, ++n);
  }
  static osc_words longest;
  memset(longest.bytes, '/', sizeof longest.bytes);
  longest.n = OSC_DATAGRAM_BYTES + 4;
  give(&longest);
  assert_int_equal(dispatch.counts.malformed, ++n);
  osc_words many = {.n = 0};
  osc_put_string(&many, "/continuo/set/mix");
  osc_put_string(&many, ",TTTTTTTTTTTTTTTTTTTTTTTT");
  give(&many);
  assert_int_equal(dispatch.counts.malformed, ++n);
  osc_words bundle = {.n = 0}; // whose element says that it is longer than it is
  osc_begin_bundle(&bundle);
  osc_put_u32(&bundle, 0xffffffff);
  osc_put_plain(&bundle, "/continuo/panic");
  give(&bundle);
  assert_int_equal(dispatch.counts.malformed, ++n);
  assert_int_equal(sink.n_sent, 0);
  assert_int_equal(dispatch.counts.messages, 0);
}

static void test_too_much_is_dropped_and_counted(void **state)
{
  (void)state;
  room = 100;
  for (int i = 0; i < 150; ++i) {
    with_float("/continuo/set/mix", 0.5F);
  }
  assert_int_equal(dispatch.counts.messages, 100);
  assert_int_equal(dispatch.counts.dropped, 50);
  room = 1000000;
  sink.room = 10;
  for (int i = 0; i < 50; ++i) {
    with_float("/continuo/set/mix", 0.5F);
  }
  assert_int_equal(dispatch.counts.dropped, 50 + 40);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup(test_set_takes_every_kind_of_number, set_up),
      cmocka_unit_test_setup(test_actions_and_buttons, set_up),
      cmocka_unit_test_setup(test_answers, set_up),
      cmocka_unit_test_setup(test_a_bundle_is_one_batch, set_up),
      cmocka_unit_test_setup(test_what_is_refused_in_words, set_up),
      cmocka_unit_test_setup(test_what_is_not_ours, set_up),
      cmocka_unit_test_setup(test_what_is_no_osc, set_up),
      cmocka_unit_test_setup(test_too_much_is_dropped_and_counted, set_up),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
