// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "engine/session_mixer.h"

#include "engine/output/level.h"
#include "engine/session_internal.h"

#include <string.h>

void session_mixer_init(session *s)
{
  mixer *m = &s->audio.mixer;
  ramp_set(&m->level, (float)level_amplitude(parameter_get(PARAMETER_LEVEL)->standard));
  ramp_set(&m->mix, (float)parameter_get(PARAMETER_MIX)->standard);
  ramp_set(&m->mute, 1.0f);
  m->ceiling = (float)level_amplitude(parameter_get(PARAMETER_CEILING)->standard);
}

static void set(session *s, const control *c)
{
  audio_side *a = &s->audio;
  mixer *m = &a->mixer;
  const uint32_t fade = a->plan->fade_samples;
  if (c->id == PARAMETER_LEVEL) {
    ramp_aim(&m->level, (float)level_amplitude(c->value), fade);
  } else if (c->id == PARAMETER_MIX) {
    ramp_aim(&m->mix, (float)c->value, fade);
  } else if (c->id == PARAMETER_CEILING) {
    m->ceiling = (float)level_amplitude(c->value);
    session_mixer_adopt_plan(s);
  }
}

void session_mixer_adopt_plan(session *s)
{
  const audio_side *a = &s->audio;
  if (a->plan->peaks) {
    limiter_set_ceiling(a->plan->peaks, a->mixer.ceiling);
  }
}

// Panic silences within one fade; whatever is asked to sound afterwards ends it.
static void take_effect(session *s, const control *c)
{
  audio_side *a = &s->audio;
  const bool panic = c->kind == CONTROL_ACTION && c->id == ACTION_PANIC;
  const bool sounds = c->kind == CONTROL_SET
                          ? c->id == PARAMETER_MODE
                          : c->id == ACTION_CONTINUE || c->id == ACTION_AGAIN ||
                                c->id == ACTION_AGAIN_NEXT || c->id == ACTION_RETURN;
  if (panic) {
    ramp_aim(&a->mixer.mute, 0.0f, a->plan->fade_samples);
  } else if (sounds && a->mixer.mute.to < 1.0f) {
    ramp_aim(&a->mixer.mute, 1.0f, a->plan->fade_samples);
  }
  if (c->kind == CONTROL_SET) {
    set(s, c);
  }
}

static void take_due(session *s, uint64_t t)
{
  mixer *m = &s->audio.mixer;
  uint32_t n = 0;
  while (n < m->n_on_sample && m->on_sample[n].position_samples <= t) {
    take_effect(s, &m->on_sample[n++]);
  }
  if (n > 0) {
    m->n_on_sample -= n;
    memmove(m->on_sample, m->on_sample + n, m->n_on_sample * sizeof *m->on_sample);
  }
}

void session_mix(session *s, uint64_t t, float dry_gain, float *sample)
{
  audio_side *a = &s->audio;
  mixer *m = &a->mixer;
  take_due(s, t);
  const float gain = ramp_next(&m->level) * ramp_next(&m->mute);
  const float mix = ramp_next(&m->mix);
  const float dry = dry_gain > 1.0f - mix ? dry_gain : 1.0f - mix;
  const uint32_t wet_samples = a->plan->wet_samples;
  if (mix != 1.0f || dry != 0.0f || gain != 1.0f) {
    const float *in = t >= wet_samples ? ring_at(&a->dry, t - wet_samples) : NULL;
    for (uint32_t c = 0; c < s->info->n_channels; ++c) {
      sample[c] = gain * (mix * sample[c] + (in ? dry * in[c] : 0.0f));
    }
  }
  if (a->plan->peaks) {
    limiter_step(a->plan->peaks, sample, sample);
  }
}
