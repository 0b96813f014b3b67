// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// What the factory presets make of one and the same playing, through the player and the default
// codec: each is heard, and no two sound alike.

#include "engine/play/player.h"
#include "engine/preset_path.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "models/oracle.h"
#include "tests/temp_folder.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

// Steps of 20 ms. Eight seconds of playing are heard; then the preset is chosen, and playing goes
// on for four seconds; then "continue" is pressed where the preset waits for it, and there is
// silence for four seconds; then playing goes on for four more.
enum { CHOSEN = 400, SILENT = 600, AGAIN = 800, END = 1000, HEARD = END - CHOSEN };

typedef struct stage {
  codec *model;
  token_model *oracle;
  int n_used;
  int32_t *codes; ///< [END, n_used] of the playing
  hop_level *levels;
} stage;

typedef struct take {
  int32_t *codes; ///< [HEARD, n_used] that sounded; -2 where nothing did
  double *energy; ///< [HEARD] mean squares
} take;

/// A tune in eighths at 120 BPM: struck strings, each with three harmonics, and a rest in each bar.
static float tune(size_t sample, double rate_hz)
{
  static const double hz[] = {220.0, 0.0, 330.0, 261.6, 440.0, 392.0, 246.9, 293.7};
  const double t = (double)sample / rate_hz;
  const double note = floor(t / 0.25), into = t - 0.25 * note;
  const double f = hz[(int64_t)(note * 5.0) % 8] * (fmod(note, 16.0) < 8.0 ? 1.0 : 0.75);
  double sum = 0.0;
  for (int k = 1; k <= 3; ++k) {
    sum += sin(6.283185307179586 * f * k * into) / k;
  }
  return f > 0.0 ? (float)(0.25 * sum * exp(-6.0 * into) * fmin(1.0, 400.0 * into)) : 0.0f;
}

static int stage_make(void **state)
{
  stage *s = calloc(1, sizeof *s);
  device *dev = NULL;
  codec_state *encoder = NULL;
  error err = {0};
  *state = s;
  const device_options cpu = {.kind = COMPUTE_CPU, .n_threads = 1};
  if (!s || device_open(&dev, &cpu, &err)) {
    return -1;
  }
  const codec_options options = {.dev = dev, .storage = DTYPE_F16};
  const char *path = source_path("presets/models/default.safetensors");
  if (codec_open(&s->model, path, &options, &err) || oracle_new(&s->oracle, s->model, NULL, &err) ||
      codec_state_new(&encoder, s->model, 1, 1, &err)) {
    fprintf(stderr, "%s\n", err.message);
    return -1;
  }
  device_unref(dev);
  const codec_info *info = codec_get_info(s->model);
  const size_t hop = info->hop_samples;
  s->n_used = (int)info->n_codebooks;
  s->codes = calloc(END, (size_t)s->n_used * sizeof *s->codes);
  s->levels = calloc(END, sizeof *s->levels);
  float *audio = calloc(hop, sizeof *audio);
  for (size_t step = 0; s->codes && s->levels && audio && step < END; ++step) {
    for (size_t i = 0; i < hop; ++i) {
      audio[i] =
          step < SILENT || step >= AGAIN ? tune(step * hop + i, (double)info->rate_hz) : 0.0f;
    }
    s->levels[step] = hop_level_of(audio, hop, 1);
    if (codec_encode(encoder, audio, 1, s->n_used, s->codes + step * (size_t)s->n_used)) {
      return -1;
    }
  }
  free(audio);
  codec_state_free(encoder);
  return 0;
}

static int stage_remove(void **state)
{
  stage *s = *state;
  free(s->codes);
  free(s->levels);
  token_model_unref(s->oracle);
  codec_unref(s->model);
  free(s);
  return 0;
}

static void send(player *p, uint16_t kind, uint16_t id, double value, uint64_t position)
{
  const control c = {.kind = kind, .id = id, .value = value, .position_samples = position};
  player_control(p, &c);
}

static void choose(player *p, const preset *chosen, uint64_t position)
{
  control controls[PARAMETER_MAX];
  const int n = preset_to_controls(chosen, true, position, controls);
  for (int i = 0; i < n; ++i) {
    player_control(p, &controls[i]);
  }
}

/// Decode a step, with the player's gain.
static double decoded(codec_state *decoder, const player_sound *sound, int n_used, size_t hop)
{
  float audio[2048];
  assert_true(hop <= 2048);
  assert_int_equal(codec_decode(decoder, sound->codes, 1, n_used, audio), STATUS_OK);
  return hop_level_of(audio, hop, 1).mean_square * (double)(sound->wet_to * sound->wet_to);
}

static take play(const stage *s, const preset *chosen)
{
  const codec_info *info = codec_get_info(s->model);
  const size_t n = (size_t)s->n_used, hop = info->hop_samples;
  take t = {calloc(HEARD, n * sizeof *t.codes), calloc(HEARD, sizeof *t.energy)};
  player *p = NULL;
  codec_state *decoder = NULL;
  const player_config config = {
      .info = info, .n_used = s->n_used, .model = s->oracle, .host_rate_hz = info->rate_hz};
  assert_true(t.codes && t.energy);
  assert_int_equal(player_new(&p, &config, NULL), STATUS_OK);
  assert_int_equal(codec_state_new(&decoder, s->model, 1, 1, NULL), STATUS_OK);
  send(p, CONTROL_SET, PARAMETER_MODE, MODE_LISTEN, 0);
  for (size_t step = 0; step < END; ++step) {
    const uint64_t position = step * hop;
    player_begin(p, position);
    if (step == CHOSEN) {
      choose(p, chosen, position);
    }
    if (step == SILENT && chosen->values[PARAMETER_MODE] == MODE_LISTEN) {
      send(p, CONTROL_ACTION, ACTION_CONTINUE, 0.0, position);
    }
    const player_hop in = {.codes = s->codes + step * n, .level = s->levels[step]};
    player_sound sound;
    player_take_waiting(p);
    assert_int_equal(player_step(p, &in, &sound), STATUS_OK);
    if (step >= CHOSEN) {
      int32_t *out = t.codes + (step - CHOSEN) * n;
      t.energy[step - CHOSEN] = decoded(decoder, &sound, s->n_used, hop);
      for (size_t k = 0; k < n; ++k) {
        out[k] = sound.wet_to > 0.0f ? sound.codes[k] : -2;
      }
    }
  }
  codec_state_free(decoder);
  player_free(p);
  return t;
}

static void take_free(take *t)
{
  free(t->codes);
  free(t->energy);
}

/// Of the steps in which anything sounds in either, the share that are not the same in both.
static double difference(const take *a, const take *b, int n_used)
{
  int n_sound = 0, n_differ = 0;
  for (size_t step = 0; step < HEARD; ++step) {
    const int32_t *x = a->codes + step * (size_t)n_used, *y = b->codes + step * (size_t)n_used;
    n_sound += x[0] != -2 || y[0] != -2;
    n_differ += memcmp(x, y, (size_t)n_used * sizeof *x) != 0;
  }
  return (double)n_differ / n_sound;
}

/// Loudest second, in dB.
static double loudest(const take *t)
{
  double most = 0.0;
  for (size_t second = 0; second < HEARD / 50; ++second) {
    double sum = 0.0;
    for (size_t i = 0; i < 50; ++i) {
      sum += t->energy[second * 50 + i] / 50.0;
    }
    most = fmax(most, sum);
  }
  return level_db(most);
}

static void test_each_is_heard_and_no_two_sound_alike(void **state)
{
  const stage *s = *state;
  preset_list list;
  take takes[128];
  setenv("XDG_DATA_DIRS", "/nonexistent", 1);
  setenv("XDG_DATA_HOME", "/nonexistent", 1);
  setenv("XDG_STATE_HOME", "/nonexistent", 1);
  assert_int_equal(preset_list_read(&list, NULL), STATUS_OK);
  assert_in_range(list.n, 8, 128);
  for (int i = 0; i < list.n; ++i) {
    preset p;
    assert_int_equal(preset_load(&p, list.entries[i].path, NULL), STATUS_OK);
    takes[i] = play(s, &p);
    const double db = loudest(&takes[i]);
    printf("%-16s loudest second %.1f dB", list.entries[i].name, db);
    assert_true(db > -40.0 && db < -6.0);
    double least = 1.0;
    int nearest = 0;
    for (int k = 0; k < i; ++k) {
      const double d = difference(&takes[i], &takes[k], s->n_used);
      nearest = d < least ? k : nearest;
      least = fmin(d, least);
    }
    printf(", %3.0f %% of it unlike %s\n", 100.0 * least, i ? list.entries[nearest].name : "");
    assert_true(least >= 0.4);
  }
  for (int i = 0; i < list.n; ++i) {
    take_free(&takes[i]);
  }
  preset_list_free(&list);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_each_is_heard_and_no_two_sound_alike, stage_make,
                                      stage_remove),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
