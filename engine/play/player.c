// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// The player's steps and modes. Snapshots: player_snapshot.c; controls: player_control.c.

#include "engine/play/player.h"

#include "engine/play/effect_parameters.h"
#include "engine/play/player_internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

// --- opening ---

static status new_models(player *p, error *err)
{
  token_model *model = p->config.model;
  const token_model_info *info = token_model_get_info(model);
  if (info->n_codebooks > (uint32_t)p->config.n_used) {
    return error_set(err, STATUS_USAGE, "%s plays %u codebooks, the session uses %d", info->name,
                     info->n_codebooks, p->config.n_used);
  }
  status st = STATUS_OK;
  for (int i = 0; st == STATUS_OK && i < PLAYER_MEMORIES; ++i) {
    st = token_state_new(&p->models[i], model, err);
  }
  if (st == STATUS_OK) {
    const size_t bytes = token_state_bytes(p->models[0]);
    p->again.model = calloc(1, bytes);
    p->mark.model = calloc(1, bytes);
    st = p->again.model && p->mark.model
             ? STATUS_OK
             : error_set(err, STATUS_NO_MEMORY, "no memory for snapshots of %s", info->name);
  }
  const uint64_t least = info->rewind_steps;
  p->rewind_steps = p->rewind_steps < least ? p->rewind_steps : least;
  return st;
}

static gate_settings gate_settings_of(const player *p)
{
  const codec_info *info = p->config.info;
  return (gate_settings){
      .open_db = (float)player_get(p, PARAMETER_GATE_OPEN),
      .close_db = (float)player_get(p, PARAMETER_GATE_CLOSE),
      .hold_steps =
          gate_hold_steps(player_get(p, PARAMETER_GATE_HOLD), info->hop_samples, info->rate_hz),
  };
}

static void init_face(player *p)
{
  player_face *f = &p->face;
  parameters_standard(f->values);
  beat_clock_init(&f->beat, p->config.host_rate_hz);
  const gate_settings settings = gate_settings_of(p);
  gate_init(&f->gate, &settings);
  const level_match_settings matching = LEVEL_MATCH_DEFAULTS;
  level_match_init(&f->match, &matching, p->config.info->hop_samples, p->config.info->rate_hz);
  f->wet = 1.0f; // of mode monitor, the standard
}

status player_new(player **made, const player_config *config, error *err)
{
  *made = NULL;
  player *p = calloc(1, sizeof *p);
  if (!p) {
    return error_set(err, STATUS_NO_MEMORY, "no memory for a player");
  }
  const size_t n = (size_t)config->n_used;
  p->config = *config;
  p->config.model = config->model ? token_model_ref(config->model) : NULL;
  p->rewind_steps = (uint64_t)PLAYER_REWIND_S * config->info->rate_hz / config->info->hop_samples;
  p->rewind_steps =
      p->rewind_steps < PLAYER_HEARD_STEPS / 2 ? p->rewind_steps : PLAYER_HEARD_STEPS / 2;
  p->heard = calloc(PLAYER_HEARD_STEPS * n, sizeof *p->heard);
  p->codes = calloc(n, sizeof *p->codes);
  p->blend = calloc(n, sizeof *p->blend);
  p->has_effects = config->n_used <= CODE_EFFECTS_MAX_CODEBOOKS && config->info->codebook_size > 0;
  status st = p->heard && p->codes && p->blend
                  ? STATUS_OK
                  : error_set(err, STATUS_NO_MEMORY, "no memory for a player");
  st = st == STATUS_OK && p->has_effects ? code_effects_init(&p->effects, config->n_used, err) : st;
  if (st == STATUS_OK && p->has_effects) {
    code_effects_set_corpus(&p->effects, config->corpus);
  }
  st = st == STATUS_OK && config->model ? new_models(p, err) : st;
  if (st != STATUS_OK) {
    player_free(p);
    return st;
  }
  init_face(p);
  *made = p;
  return STATUS_OK;
}

void player_free(player *p)
{
  if (!p) {
    return;
  }
  for (int i = 0; i < PLAYER_MEMORIES; ++i) {
    token_state_free(p->models[i]);
  }
  token_model_unref(p->config.model);
  code_effects_destroy(&p->effects);
  free(p->again.model);
  free(p->mark.model);
  free(p->heard);
  free(p->codes);
  free(p->blend);
  free(p);
}

void player_set_rate(player *p, uint32_t host_rate_hz)
{
  p->config.host_rate_hz = host_rate_hz;
  const beat_clock old = p->face.beat;
  beat_clock_init(&p->face.beat, host_rate_hz);
  beat_clock_set_bar(&p->face.beat, old.beats_per_bar);
  beat_clock_set_tempo(&p->face.beat, old.set_bpm, p->start_samples);
}

// --- places ---

void player_tell_event(player *p, player_event_kind kind, uint64_t value)
{
  if (p->config.tell) {
    p->config.tell(p->config.user, kind, value, p->start_samples);
  }
}

void player_take_place(player *p, player_place *place)
{
  const token_state *model = player_model(p);
  if (model && token_state_save(model, place->model) == STATUS_OK) {
    place->taken = true;
    place->memory = (int)player_get(p, PARAMETER_MEMORY);
    place->seed = (uint64_t)player_get(p, PARAMETER_SEED);
    place->draw = p->face.draw;
  }
}

bool player_go_to(player *p, const player_place *place)
{
  if (!place->taken || token_state_restore(p->models[place->memory], place->model) != STATUS_OK) {
    return false;
  }
  p->face.values[PARAMETER_MEMORY] = place->memory;
  p->face.values[PARAMETER_SEED] = (double)place->seed;
  p->face.draw = place->draw;
  return true;
}

// --- modes ---

static void set_plays(player *p, bool plays)
{
  if (p->face.plays != plays) {
    p->face.plays = plays;
    player_tell_event(p, PLAYER_EVENT_PLAYS, plays);
  }
}

// Back to the last step above the gate: a good model continues silence with silence.
static void rewind_to_phrase_end(player *p)
{
  player_face *f = &p->face;
  const uint64_t n = f->n_silent;
  if (player_get(p, PARAMETER_PHRASE_END) == 0.0 || n == 0) {
    return;
  }
  token_state *model = player_model(p);
  if (model) {
    token_state_rewind(model, (int)n);
  }
  f->n_heard -= n;
  f->n_silent = 0;
}

static void start_playing(player *p)
{
  if (player_mode(p) != MODE_ACCOMPANY) {
    rewind_to_phrase_end(p);
  }
  player_take_place(p, &p->again);
  p->face.n_looped = 0;
  set_plays(p, true);
}

static bool can_play(const player *p, play_mode mode)
{
  const token_model_info *info = p->config.model ? token_model_get_info(p->config.model) : NULL;
  switch (mode) {
  case MODE_CONTINUE:
  case MODE_ACCOMPANY:
  case MODE_ANSWER:
    return info != NULL;
  case MODE_GENERATE:
    return info && info->generates;
  case MODE_MONITOR:
  case MODE_LISTEN:
  case MODE_FREEZE:
  case N_MODES:
    break;
  }
  return true;
}

void player_set_mode(player *p, play_mode mode)
{
  player_face *f = &p->face;
  const play_mode old = player_mode(p);
  if (!can_play(p, mode)) {
    player_tell_event(p, PLAYER_EVENT_REFUSED, mode);
    return;
  }
  if (mode == old) {
    return;
  }
  if (old == MODE_MONITOR || old == MODE_LISTEN || old == MODE_ANSWER) {
    f->before = old;
  }
  f->values[PARAMETER_MODE] = mode;
  player_tell_event(p, PLAYER_EVENT_MODE, mode);
  const bool plays = mode != MODE_MONITOR && mode != MODE_LISTEN && mode != MODE_ANSWER;
  if (plays) {
    start_playing(p);
  } else {
    set_plays(p, false);
  }
}

// --- one step ---

// Silence is heard for as long as rewinding can take it back; more of it would teach nothing.
static status hear(player *p, const int32_t *codes)
{
  player_face *f = &p->face;
  const bool silent = f->gate.silent_steps > 0;
  if (silent && f->n_silent >= p->rewind_steps) {
    return STATUS_OK;
  }
  const size_t n = (size_t)p->config.n_used;
  memcpy(p->heard + (f->n_heard % PLAYER_HEARD_STEPS) * n, codes, n * sizeof *codes);
  ++f->n_heard;
  f->n_silent = silent ? f->n_silent + 1 : 0;
  token_state *model = player_model(p);
  return model ? token_state_observe(model, codes) : STATUS_OK;
}

static uint64_t steps_of_ms(const player *p, double ms)
{
  const codec_info *info = p->config.info;
  return (uint64_t)(ms * 1e-3 * info->rate_hz / info->hop_samples + 0.5);
}

static token_sampling sampling_of(const player *p)
{
  token_sampling how = token_model_defaults(p->config.model);
  how.seed = (uint64_t)player_get(p, PARAMETER_SEED);
  how.step = p->face.draw;
  how.goes_on = player_mode(p) != MODE_ACCOMPANY;
  how.temperature = (float)player_get(p, PARAMETER_TEMPERATURE);
  how.jump_probability = (float)player_get(p, PARAMETER_JUMP);
  how.similarity = (float)player_get(p, PARAMETER_SIMILARITY);
  how.pulse = (float)player_get(p, PARAMETER_PULSE);
  how.follow = (float)player_get(p, PARAMETER_FOLLOW);
  how.min_run_steps = (uint32_t)player_get(p, PARAMETER_MIN_RUN);
  how.repeat_limit_steps = (uint32_t)steps_of_ms(p, player_get(p, PARAMETER_REPEAT_LIMIT));
  how.blend_steps = (uint32_t)player_get(p, PARAMETER_BLEND);
  return how;
}

static status draw(player *p, player_sound *sound)
{
  token_step step;
  const token_sampling how = sampling_of(p);
  const status st = token_state_sample(player_model(p), &how, &step);
  ++p->face.draw;
  if (st != STATUS_OK) {
    return st;
  }
  const int n_model = (int)token_model_get_info(p->config.model)->n_codebooks;
  for (int k = 0; k < p->config.n_used; ++k) {
    p->codes[k] = k < n_model ? step.codes[k] : -1;
    p->blend[k] = k < n_model ? step.blend_codes[k] : -1;
  }
  sound->blend = step.blend;
  return STATUS_OK;
}

// The last steps heard, round and round; nothing where nothing was heard.
static void freeze(player *p)
{
  player_face *f = &p->face;
  const size_t n = (size_t)p->config.n_used;
  uint64_t length = (uint64_t)player_get(p, PARAMETER_FREEZE_LENGTH);
  length = length < f->n_heard ? length : f->n_heard;
  if (length == 0) {
    for (size_t k = 0; k < n; ++k) {
      p->codes[k] = -1;
    }
    return;
  }
  const uint64_t step = f->n_heard - length + f->n_looped++ % length;
  memcpy(p->codes, p->heard + (step % PLAYER_HEARD_STEPS) * n, n * sizeof *p->codes);
}

// Mode answer: by itself while the input is silent.
static void take_turns(player *p)
{
  const uint64_t wait = steps_of_ms(p, player_get(p, PARAMETER_ANSWER_AFTER));
  const gate *g = &p->face.gate;
  if (p->face.plays && g->is_open) {
    set_plays(p, false);
  } else if (!p->face.plays && !g->is_open && p->face.n_heard > p->face.n_silent &&
             g->closed_steps >= wait) {
    start_playing(p);
  }
}

static status choose_codes(player *p, const int32_t *in, player_sound *sound)
{
  const play_mode mode = player_mode(p);
  if (mode == MODE_ANSWER) {
    take_turns(p);
  }
  status st = STATUS_OK;
  if (!p->face.plays || mode == MODE_ACCOMPANY) {
    st = hear(p, in);
  }
  if (st == STATUS_OK && mode == MODE_FREEZE) {
    freeze(p);
  } else if (st == STATUS_OK && p->face.plays) {
    st = draw(p, sound);
  } else {
    memcpy(p->codes, in, (size_t)p->config.n_used * sizeof *in);
  }
  return st;
}

static void set_effect_clock(const player *p, code_effects_settings *s)
{
  const codec_info *info = p->config.info;
  const beat_clock *b = &p->face.beat;
  const double step_samples = (double)info->hop_samples * p->config.host_rate_hz / info->rate_hz;
  code_effects_settings_set_clock(s, beat_clock_at(b, p->start_samples),
                                  b->samples_per_beat / step_samples);
}

static void apply_effects(player *p, player_sound *sound)
{
  if (!p->has_effects) {
    return;
  }
  code_effects_settings settings;
  effect_parameters_fill(&settings, p->face.values);
  set_effect_clock(p, &settings);
  int32_t out[CODE_EFFECTS_MAX_CODEBOOKS];
  const size_t bytes = (size_t)p->config.n_used * sizeof *out;
  code_effects_step(&p->effects, &settings, p->codes, out);
  if (memcmp(out, p->codes, bytes) != 0) { // what is blended with belongs to the other codes
    sound->blend = 0.0f;
    memcpy(p->codes, out, bytes);
  }
}

// What plays by itself takes the player's level; what is given back stays as it is.
static float matched(player *p, const player_hop *hop)
{
  player_face *f = &p->face;
  const double out = f->own_sounded ? hop->sounded.mean_square : (double)NAN;
  const float amount = f->plays ? (float)player_get(p, PARAMETER_MATCH) : 0.0f;
  return level_match_step(&f->match, hop->level.mean_square, out, f->gate.is_open, amount).end;
}

static void choose_gains(player *p, const player_hop *hop, player_sound *sound)
{
  player_face *f = &p->face;
  const bool listens =
      player_mode(p) == MODE_LISTEN || (player_mode(p) == MODE_ANSWER && !f->plays);
  const int thru = (int)player_get(p, PARAMETER_THRU);
  sound->wet_from = f->wet;
  sound->dry_from = f->dry;
  f->wet = (listens && thru != THRU_CODEC ? 0.0f : 1.0f) * matched(p, hop);
  f->dry = listens && thru == THRU_DRY ? 1.0f : 0.0f;
  sound->wet_to = f->wet;
  sound->dry_to = f->dry;
}

static void note_levels(player *p, const player_hop *hop)
{
  const gate_settings settings = gate_settings_of(p);
  gate_set(&p->face.gate, &settings);
  gate_step(&p->face.gate, hop->level);
}

bool player_wants_mix(const player *p)
{
  return player_mode(p) == MODE_ACCOMPANY;
}

status player_step(player *p, const player_hop *hop, player_sound *sound)
{
  memset(sound, 0, sizeof *sound);
  sound->codes = p->codes;
  sound->blend_codes = p->blend;
  note_levels(p, hop);
  const status st = choose_codes(p, hop->codes, sound);
  apply_effects(p, sound);
  choose_gains(p, hop, sound);
  p->face.own_sounded = p->face.plays;
  ++p->face.n_steps;
  return st;
}

// --- reading ---

void player_read(const player *p, player_view *view)
{
  const player_face *f = &p->face;
  *view = (player_view){
      .mode = (int)player_mode(p),
      .plays = f->plays,
      .gate_open = f->gate.is_open,
      .beat = beat_clock_at(&f->beat, p->start_samples),
      .bpm = beat_clock_bpm(&f->beat),
  };
  if (p->config.model) {
    const token_position at = token_state_position(player_model(p));
    view->memory_steps = at.n_remembered;
    view->place = at.source_step;
  }
}

double player_value(const player *p, int parameter)
{
  return player_get(p, parameter);
}
