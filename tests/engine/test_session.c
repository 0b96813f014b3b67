// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// What a session gives is what the codec makes of its input offline, L later, bit for bit.

#include "base/random.h"
#include "engine/session.h"
#include "tests/engine/trial_codec.h"
#include "tests/engine/trial_host.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

// --- equality ---

static void live_equals_offline(uint32_t rate_hz, uint32_t block, uint32_t n_channels)
{
  static trial_host h;
  codec *model = trial_host_codec(24000, 320, n_channels, 77);
  const session_config config = {.host_rate_hz = rate_hz, .block_samples = block};
  trial_host_open(&h, model, &config, 1.0, 2.0);
  trial_host_run(&h, 1.0, block);
  const live_verdict v = trial_host_close(&h);
  assert_int_equal(v.n_different, 0);
  assert_int_equal(v.n_timelines, 1);
  assert_true(v.n_compared > h.n_samples / 4); // the machine may be busy, not for the most part
  trial_host_free(&h);
  codec_unref(model);
}

static void equal_at_the_rates_and_blocks_of_the_bars(void **unused)
{
  (void)unused;
  live_equals_offline(24000, 128, 1);
  live_equals_offline(48000, 64, 1);
  live_equals_offline(48000, 256, 1);
  live_equals_offline(44100, 1024, 1);
  live_equals_offline(96000, 512, 1);
}

static void equal_in_stereo_and_at_odd_sizes(void **unused)
{
  (void)unused;
  live_equals_offline(44100, 441, 2);
  live_equals_offline(47999, 509, 1);
  live_equals_offline(22050, 1, 1);
}

static void equal_whatever_the_blocks(void **unused)
{
  (void)unused;
  static trial_host h;
  codec *model = trial_host_codec(24000, 320, 1, 77);
  const session_config config = {.host_rate_hz = 48000, .block_samples = 8192};
  trial_host_open(&h, model, &config, 5.0, 4.0);
  for (uint64_t i = 0; h.done < h.n_samples; ++i) {
    const uint32_t most = i % 2 ? SESSION_MAX_BLOCK_SAMPLES : 100; // as many short as long ones
    trial_host_block(&h, 1 + (uint32_t)(random_bits(4, 4, i) % most));
  }
  const live_verdict v = trial_host_close(&h);
  assert_int_equal(v.n_different, 0);
  assert_int_equal(v.n_timelines, 1);
  assert_true(v.n_compared > h.n_samples / 4);
  trial_host_free(&h);
  codec_unref(model);
}

// --- bypass, freewheel ---

static void bypass_gives_the_input_back_late(void **unused)
{
  (void)unused;
  static trial_host h;
  codec *model = NULL;
  assert_int_equal(codec_open_bypass(&model, 48000, 640, 1, NULL), STATUS_OK);
  const session_config config = {.host_rate_hz = 48000, .block_samples = 256, .offline = true};
  trial_host_open(&h, model, &config, 1.0, 0.0);
  trial_host_run(&h, 1.0, 256);
  const uint32_t latency = h.latency_samples;
  // A hop of 640 = 2.5 blocks: at worst 512 samples wait for the hop to fill, then one block
  // passes.
  assert_int_equal(latency, 512 + 256 + 640);
  for (size_t i = 0; i < h.done; ++i) {
    const float expected = i < latency ? 0.0f : h.in[i - latency];
    assert_true(h.out[i] == expected);
  }
  assert_int_equal(trial_host_close(&h).n_different, 0);
  trial_host_free(&h);
  codec_unref(model);
}

static void freewheel_is_never_late_and_equal(void **unused)
{
  (void)unused;
  static trial_host h;
  codec *model = trial_host_codec(24000, 320, 2, 500);
  const session_config config = {.host_rate_hz = 44100, .block_samples = 512, .offline = true};
  trial_host_open(&h, model, &config, 4.0, 0.0);
  for (uint64_t i = 0; h.done < h.n_samples; ++i) {
    trial_host_block(&h, 1 + (uint32_t)(random_bits(3, 3, i) % SESSION_MAX_BLOCK_SAMPLES));
  }
  const live_verdict v = trial_host_close(&h);
  assert_int_equal(v.n_different, 0);
  assert_int_equal(v.n_excluded, 0);
  assert_int_equal(v.n_compared, h.n_samples);
  trial_host_free(&h);
  codec_unref(model);
}

static void freewheel_can_be_turned_on_and_off(void **unused)
{
  (void)unused;
  static trial_host h;
  codec *model = trial_host_codec(24000, 320, 1, 0);
  const session_config config = {.host_rate_hz = 48000, .block_samples = 256};
  trial_host_open(&h, model, &config, 3.0, 2.0);
  trial_host_run(&h, 0.5, 256);
  session_set_freewheel(h.s, true);
  trial_host_set_pace(&h, 0.0);
  trial_host_run(&h, 2.5, 256);
  session_set_freewheel(h.s, false);
  trial_host_set_pace(&h, 2.0);
  trial_host_run(&h, 3.0, 256);
  const live_verdict v = trial_host_close(&h);
  assert_int_equal(v.n_different, 0);
  assert_true(v.n_compared > 2 * 48000);
  trial_host_free(&h);
  codec_unref(model);
}

// --- what goes in ---

static void not_a_number_counts_as_zero(void **unused)
{
  (void)unused;
  static trial_host h;
  session_telemetry t;
  codec *model = trial_host_codec(24000, 320, 1, 0);
  const session_config config = {.host_rate_hz = 48000, .block_samples = 64, .offline = true};
  trial_host_open(&h, model, &config, 0.5, 0.0);
  for (size_t i = 100; i < 200; ++i) {
    h.in[i] = i % 3 == 0 ? NAN : i % 3 == 1 ? INFINITY : -INFINITY;
  }
  trial_host_run(&h, 0.5, 64);
  session_read_telemetry(h.s, &t);
  const live_verdict v = trial_host_close(&h);
  assert_int_equal(t.nonfinite_samples, 100);
  assert_int_equal(v.n_different, 0);
  assert_int_equal(v.n_compared, h.n_samples);
  for (size_t i = 0; i < h.n_samples; ++i) {
    assert_true(isfinite(h.out[i]));
  }
  trial_host_free(&h);
  codec_unref(model);
}

static void no_input_is_silence(void **unused)
{
  (void)unused;
  session *s = NULL;
  codec *model = NULL;
  float block[256];
  float *const out[] = {block};
  assert_int_equal(codec_open_bypass(&model, 24000, 320, 1, NULL), STATUS_OK);
  const session_config config = {
      .model = model, .host_rate_hz = 24000, .block_samples = 256, .offline = true};
  assert_int_equal(session_open(&s, &config, NULL), STATUS_OK);
  for (uint64_t t = 0; t < 24000; t += 256) {
    memset(block, 1, sizeof block);
    session_process(s, NULL, out, 256, t);
    session_process(s, NULL, out, 0, t);
    for (int i = 0; i < 256; ++i) {
      assert_true(block[i] == 0.0f);
    }
  }
  session_close(s);
  session_close(NULL);
  codec_unref(model);
}

static void jumps_of_host_time_are_counted(void **unused)
{
  (void)unused;
  session *s = NULL;
  codec *model = NULL;
  session_telemetry t;
  session_event e;
  float block[128] = {0};
  float *const out[] = {block};
  assert_int_equal(codec_open_bypass(&model, 24000, 320, 1, NULL), STATUS_OK);
  const session_config config = {
      .model = model, .host_rate_hz = 24000, .block_samples = 128, .offline = true};
  assert_int_equal(session_open(&s, &config, NULL), STATUS_OK);
  session_process(s, NULL, out, 128, 5000);
  session_process(s, NULL, out, 128, 5128);
  session_process(s, NULL, out, 128, 5128 + 128 + 1000); // 1000 samples lost
  session_process(s, NULL, out, 128, 100);               // backwards: nothing to count as lost
  session_count_xrun(s);
  session_read_telemetry(s, &t);
  assert_int_equal(t.gaps, 2);
  assert_int_equal(t.gap_samples, 1000);
  assert_int_equal(t.xruns, 1);
  assert_int_equal(t.position_samples, 512);
  const session_timeline line = session_get_timeline(s);
  assert_int_equal(line.number, 1);
  assert_int_equal(line.host_time_samples, 5000);
  session_process(s, NULL, out, 128, 228); // by now the conductor has passed everything on
  assert_true(session_next_event(s, &e));
  assert_int_equal(e.kind, EVENT_TIMELINE);
  assert_int_equal(e.value, 1);
  assert_int_equal(e.position_samples, 5000);
  assert_true(session_next_event(s, &e));
  assert_int_equal(e.kind, EVENT_GAP);
  assert_int_equal(e.value, 1000);
  assert_int_equal(e.position_samples, 256);
  session_close(s);
  codec_unref(model);
}

// --- sessions ---

static void two_sessions_share_a_model(void **unused)
{
  (void)unused;
  static trial_host a;
  static trial_host b;
  codec *model = trial_host_codec(24000, 320, 1, 11);
  const session_config config_a = {.host_rate_hz = 48000, .block_samples = 256, .offline = true};
  const session_config config_b = {.host_rate_hz = 44100, .block_samples = 100, .offline = true};
  trial_host_open(&a, model, &config_a, 1.0, 0.0);
  trial_host_open(&b, model, &config_b, 1.0, 0.0);
  while (a.done < a.n_samples || b.done < b.n_samples) {
    trial_host_block(&a, 256);
    trial_host_block(&b, 100);
  }
  codec_unref(model);
  const live_verdict va = trial_host_close(&a);
  const live_verdict vb = trial_host_close(&b);
  assert_int_equal(va.n_different + vb.n_different, 0);
  assert_int_equal(va.n_compared, a.n_samples);
  assert_int_equal(vb.n_compared, b.n_samples);
  trial_host_free(&a);
  trial_host_free(&b);
}

static void telemetry_tells_what_was_done(void **unused)
{
  (void)unused;
  static trial_host h;
  session_telemetry t;
  codec *model = trial_host_codec(24000, 320, 1, 0);
  const session_config config = {.host_rate_hz = 24000, .block_samples = 320, .offline = true};
  trial_host_open(&h, model, &config, 1.0, 0.0);
  trial_codec_be_slow(model, 1, 30);
  trial_host_run(&h, 1.0, 320);
  session_read_telemetry(h.s, &t);
  assert_int_equal(t.latency_samples, 640);
  assert_int_equal(t.host_rate_hz, 24000);
  assert_int_equal(t.codec_rate_hz, 24000);
  assert_int_equal(t.hop_samples, 320);
  assert_int_equal(t.block_samples, 320);
  assert_int_equal(t.largest_block_samples, 320);
  assert_int_equal(t.steps, 75);
  assert_int_equal(t.misses, 0);
  assert_true(t.encode.max_us >= 30000.0 && t.total.max_us >= t.encode.max_us);
  assert_true(t.encode.p50_us <= t.encode.p99_us && t.encode.p99_us <= t.encode.max_us);
  assert_true(t.realtime_factor > 1.0);
  assert_true(t.input_peak > 0.4f && t.input_peak <= 0.5f);
  assert_true(t.output_peak > 0.4f && t.output_peak < 0.6f);
  session_read_telemetry(h.s, &t);
  assert_true(t.input_peak == 0.0f); // since the last read
  trial_host_close(&h);
  trial_host_free(&h);
  codec_unref(model);
}

static void impossible_configs_are_refused(void **unused)
{
  (void)unused;
  codec *model = trial_host_codec(24000, 320, 1, 0);
  const session_config good = {.model = model, .host_rate_hz = 48000, .block_samples = 256};
  session_config bad[] = {good, good, good, good, good, good};
  session *s = NULL;
  error err = {0};
  bad[0].host_rate_hz = 0;
  bad[1].block_samples = 0;
  bad[2].block_samples = SESSION_MAX_BLOCK_SAMPLES + 1;
  bad[3].fade_ms = 3.0f;
  bad[4].n_codebooks = 321;
  bad[5].host_rate_hz = 400000;
  for (size_t i = 0; i < sizeof bad / sizeof *bad; ++i) {
    memset(&err, 0, sizeof err);
    assert_int_equal(session_open(&s, &bad[i], &err), STATUS_USAGE);
    assert_null(s);
    assert_true(err.message[0] != '\0');
  }
  assert_int_equal(session_open(&s, &good, &err), STATUS_OK);
  assert_int_equal(session_set_block(s, 9000, &err), STATUS_USAGE);
  assert_int_equal(session_set_rate(s, 0, &err), STATUS_USAGE);
  assert_int_equal(session_channels(s), 1);
  session_close(s);
  codec_unref(model);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(equal_at_the_rates_and_blocks_of_the_bars),
      cmocka_unit_test(equal_in_stereo_and_at_odd_sizes),
      cmocka_unit_test(equal_whatever_the_blocks),
      cmocka_unit_test(bypass_gives_the_input_back_late),
      cmocka_unit_test(freewheel_is_never_late_and_equal),
      cmocka_unit_test(freewheel_can_be_turned_on_and_off),
      cmocka_unit_test(not_a_number_counts_as_zero),
      cmocka_unit_test(no_input_is_silence),
      cmocka_unit_test(jumps_of_host_time_are_counted),
      cmocka_unit_test(two_sessions_share_a_model),
      cmocka_unit_test(telemetry_tells_what_was_done),
      cmocka_unit_test(impossible_configs_are_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
