// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// The player's steps and modes. Snapshots: player_snapshot.c; controls: player_control.c.

#include "engine/play/player.h"

#include "base/touched.h"
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
  for (int i = 0; st == STATUS_OK && i < PLAYER_PLACES; ++i) {
    player_copy *copy = &p->copies[i];
    copy->model = touched_new(player_model_bytes(p));
    copy->heard = touched_new(player_heard_bytes(p));
    st = copy->model && copy->heard
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
  p->heard[0] = touched_new(player_heard_bytes(p));
  p->heard[1] = touched_new(player_heard_bytes(p));
  p->codes = touched_new(n * sizeof *p->codes);
  p->blend = touched_new(n * sizeof *p->blend);
  p->has_effects = config->n_used <= CODE_EFFECTS_MAX_CODEBOOKS && config->info->codebook_size > 0;
  status st = p->heard[0] && p->heard[1] && p->codes && p->blend
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
    free(p->heard[i]);
  }
  for (int i = 0; i < PLAYER_PLACES; ++i) {
    free(p->copies[i].model);
    free(p->copies[i].heard);
  }
  token_model_unref(p->config.model);
  code_effects_destroy(&p->effects);
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
  beat_clock_set_tempo(&p->face.beat, old.set_bpm, p->face.start_samples);
}

// --- places ---

void player_tell_event(player *p, player_event_kind kind, uint64_t value)
{
  if (p->config.tell) {
    p->config.tell(p->config.user, kind, value, p->face.start_samples);
  }
}

void player_take_place(player *p, int place)
{
  const int memory = player_memory(p);
  if (player_model(p)) {
    p->face.places[place] = (player_place){
        .taken = true,
        .due = true,
        .memory = memory,
        .seed = (uint64_t)player_get(p, PARAMETER_SEED),
        .draw = p->face.draw,
        .counts = p->face.counts[memory],
    };
  }
}

void player_settle_places(player *p)
{
  for (int i = 0; i < PLAYER_PLACES; ++i) {
    player_place *place = &p->face.places[i];
    if (place->due) {
      place->taken = token_state_save(p->models[place->memory], p->copies[i].model) == STATUS_OK;
      memcpy(p->copies[i].heard, p->heard[place->memory], player_heard_bytes(p));
      place->due = false;
    }
  }
}

bool player_go_to(player *p, int which)
{
  const player_place *place = &p->face.places[which];
  const int memory = place->memory;
  if (!place->taken || p->face.n_moves == PLAYER_MOVES) {
    p->face.n_ignored += place->taken;
    return false;
  }
  player_settle_places(p);
  ++p->face.n_moves;
  if (token_state_restore(p->models[memory], p->copies[which].model) != STATUS_OK) {
    return false;
  }
  memcpy(p->heard[memory], p->copies[which].heard, player_heard_bytes(p));
  p->face.counts[memory] = place->counts;
  p->face.values[PARAMETER_MEMORY] = memory;
  p->face.values[PARAMETER_SEED] = (double)place->seed;
  p->face.draw = place->draw;
  return true;
}

// --- modes ---

void player_set_plays(player *p, bool plays)
{
  if (p->face.plays != plays) {
    p->face.plays = plays;
    player_tell_event(p, PLAYER_EVENT_PLAYS, plays);
  }
}

static player_counts *counts_of(player *p)
{
  return &p->face.counts[player_memory(p)];
}

// Back to the last step above the gate: a good model continues silence with silence.
static void rewind_to_phrase_end(player *p)
{
  player_counts *counts = counts_of(p);
  token_state *model = player_model(p);
  if (player_get(p, PARAMETER_PHRASE_END) == 0.0 || counts->n_silent == 0) {
    return;
  }
  player_settle_places(p);
  if (model) {
    token_state_rewind(model, (int)counts->n_silent);
  }
  counts->n_heard -= counts->n_silent;
  counts->n_silent = 0;
}

static void start_playing(player *p)
{
  const play_mode mode = player_mode(p);
  if (mode != MODE_ACCOMPANY) {
    rewind_to_phrase_end(p);
  }
  if (mode != MODE_FREEZE) { // which draws nothing: there is nothing to play again
    player_take_place(p, PLACE_AGAIN);
  }
  if (p->has_effects && p->face.wet == 0.0f) {
    code_effects_reset(&p->effects); // a stretch would go on with the silence that nobody heard
  }
  p->face.n_looped = 0;
  player_set_plays(p, true);
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

void player_note_mode(player *p, play_mode mode)
{
  if (mode == MODE_CONTINUE) {
    p->face.before = player_mode(p);
  }
  p->face.values[PARAMETER_MODE] = mode;
  player_tell_event(p, PLAYER_EVENT_MODE, mode);
}

void player_set_mode(player *p, play_mode mode)
{
  if (!can_play(p, mode)) {
    player_tell_event(p, PLAYER_EVENT_REFUSED, mode);
    return;
  }
  if (mode == player_mode(p)) {
    return;
  }
  player_note_mode(p, mode);
  if (mode == MODE_MONITOR || mode == MODE_LISTEN || mode == MODE_ANSWER) {
    player_set_plays(p, false);
  } else {
    start_playing(p);
  }
}

// --- one step ---

// In mode accompany what the model played is heard too.
static bool is_silent(const player *p, const player_hop *hop)
{
  const gate *g = &p->face.gate;
  const bool own = player_wants_mix(p) && hop->sounded.mean_square >= g->close_power;
  return g->silent_steps > 0 && !own;
}

// Silence is heard for as long as rewinding can take it back; more of it would teach nothing.
static status hear(player *p, const player_hop *hop)
{
  player_counts *counts = counts_of(p);
  const bool silent = is_silent(p, hop);
  if (silent && counts->n_silent >= p->rewind_steps) {
    return STATUS_OK;
  }
  const size_t n = (size_t)p->config.n_used;
  int32_t *to = p->heard[player_memory(p)] + (counts->n_heard % PLAYER_HEARD_STEPS) * n;
  memcpy(to, hop->codes, n * sizeof *to);
  ++counts->n_heard;
  counts->n_silent = silent ? counts->n_silent + 1 : 0;
  token_state *model = player_model(p);
  return model ? token_state_observe(model, hop->codes) : STATUS_OK;
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

static void say_nothing(player *p)
{
  for (int k = 0; k < p->config.n_used; ++k) {
    p->codes[k] = -1;
  }
}

// The last steps heard, round and round; nothing where nothing was heard.
static void freeze(player *p)
{
  const uint64_t n_heard = counts_of(p)->n_heard;
  const size_t n = (size_t)p->config.n_used;
  uint64_t length = (uint64_t)player_get(p, PARAMETER_FREEZE_LENGTH);
  length = length < n_heard ? length : n_heard;
  if (length == 0) {
    say_nothing(p);
    return;
  }
  const uint64_t step = n_heard - length + p->face.n_looped++ % length;
  const int32_t *from = p->heard[player_memory(p)] + (step % PLAYER_HEARD_STEPS) * n;
  memcpy(p->codes, from, n * sizeof *p->codes);
}

// Mode answer: by itself while the input is silent.
static void take_turns(player *p)
{
  const uint64_t wait = steps_of_ms(p, player_get(p, PARAMETER_ANSWER_AFTER));
  const gate *g = &p->face.gate;
  const player_counts *counts = counts_of(p);
  if (p->face.plays && g->is_open) {
    player_set_plays(p, false);
  } else if (!p->face.plays && !g->is_open && counts->n_heard > counts->n_silent &&
             g->closed_steps >= wait) {
    start_playing(p);
  }
}

static status choose_codes(player *p, const player_hop *hop, player_sound *sound)
{
  const play_mode mode = player_mode(p);
  if (mode == MODE_ANSWER) {
    take_turns(p);
  }
  player_settle_places(p);
  status st = STATUS_OK;
  if (!p->face.plays || mode == MODE_ACCOMPANY) {
    st = hear(p, hop);
  }
  if (st == STATUS_OK && mode == MODE_FREEZE) {
    freeze(p);
  } else if (st == STATUS_OK && p->face.plays) {
    st = draw(p, sound);
  } else {
    memcpy(p->codes, hop->codes, (size_t)p->config.n_used * sizeof *p->codes);
  }
  return st;
}

static void set_effect_clock(const player *p, code_effects_settings *s)
{
  const codec_info *info = p->config.info;
  const beat_clock *b = &p->face.beat;
  const double step_samples = (double)info->hop_samples * p->config.host_rate_hz / info->rate_hz;
  code_effects_settings_set_clock(s, beat_clock_at(b, p->face.start_samples),
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
  const double out = f->sounds_own ? hop->sounded.mean_square : (double)NAN;
  const float amount = f->plays ? (float)player_get(p, PARAMETER_MATCH) : 0.0f;
  return level_match_step(&f->match, hop->level.mean_square, out, f->gate.is_open, amount).end;
}

// No codes at all: a decoder may hum then, whatever it was trained with.
static bool says_nothing(const player *p)
{
  for (int k = 0; k < p->config.n_used; ++k) {
    if (p->codes[k] != -1) {
      return false;
    }
  }
  return true;
}

static void choose_gains(player *p, const player_hop *hop, player_sound *sound)
{
  player_face *f = &p->face;
  const bool nothing = says_nothing(p);
  const bool listens =
      player_mode(p) == MODE_LISTEN || (player_mode(p) == MODE_ANSWER && !f->plays);
  const int thru = (int)player_get(p, PARAMETER_THRU);
  sound->wet_from = f->wet;
  sound->dry_from = f->dry;
  const bool wet = !nothing && !f->fed_back && !(listens && thru != THRU_CODEC);
  f->wet = (wet ? 1.0f : 0.0f) * matched(p, hop);
  f->dry = listens && thru == THRU_DRY && !f->fed_back ? 1.0f : 0.0f;
  sound->wet_to = f->wet;
  sound->dry_to = f->dry;
  f->sounds_own = f->plays && !nothing;
}

static void note_feedback(player *p, const player_hop *hop)
{
  const bool fed_back = hop->fed_back && player_get(p, PARAMETER_FEEDBACK_GUARD) != 0.0;
  if (fed_back != p->face.fed_back) {
    p->face.fed_back = fed_back;
    player_tell_event(p, PLAYER_EVENT_FEEDBACK, fed_back);
  }
}

bool player_follows_input(const player *p)
{
  const play_mode mode = player_mode(p);
  const bool listens = mode == MODE_LISTEN || (mode == MODE_ANSWER && !p->face.plays);
  return mode == MODE_MONITOR || mode == MODE_ACCOMPANY ||
         (listens && player_get(p, PARAMETER_THRU) != THRU_OFF);
}

static void note_levels(player *p, const player_hop *hop)
{
  note_feedback(p, hop);
  const gate_settings settings = gate_settings_of(p);
  gate_set(&p->face.gate, &settings);
  gate_step(&p->face.gate, hop->level);
}

bool player_wants_mix(const player *p)
{
  return player_mode(p) == MODE_ACCOMPANY && p->face.sounds_own;
}

status player_step(player *p, const player_hop *hop, player_sound *sound)
{
  memset(sound, 0, sizeof *sound);
  sound->codes = p->codes;
  sound->blend_codes = p->blend;
  note_levels(p, hop);
  p->face.n_moves = 0;
  const status st = choose_codes(p, hop, sound);
  apply_effects(p, sound);
  choose_gains(p, hop, sound);
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
      .fed_back = f->fed_back,
      .beat = beat_clock_at(&f->beat, p->face.start_samples),
      .bpm = beat_clock_bpm(&f->beat),
      .n_ignored = f->n_ignored,
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
