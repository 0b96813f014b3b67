// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "plugin/event_words.h"

#include "engine/control/parameters.h"

#include <inttypes.h>
#include <stdio.h>

static void late_words(const session_event *e, double seconds, char *text, size_t size)
{
  snprintf(text, size,
           "late at %.3f s by %.1f ms: faded to the fallback (%s: thread CPU %.1f ms, run delay "
           "%.1f ms, stolen %.1f ms)",
           seconds, 1e-3 * (double)e->value, e->own ? "our own" : "the machine was busy",
           1e-3 * (double)e->cpu_us, 1e-3 * (double)e->run_delay_us, 1e-3 * (double)e->steal_us);
}

static const char *mode_word(uint64_t mode, char text[24])
{
  parameter_format(PARAMETER_MODE, (double)mode, text, 24);
  return text;
}

static void control_words(const session_event *e, double seconds, char *text, size_t size)
{
  char mode[24];
  if (e->value < N_MODES) {
    snprintf(text, size, "asked for mode %s at %.3f s", mode_word(e->value, mode), seconds);
  } else {
    const char *action = control_action_name((control_action)(e->value - N_MODES));
    snprintf(text, size, "%s at %.3f s", action ? action : "an unknown action", seconds);
  }
}

// What the player tells.
static void player_words(const session_event *e, double seconds, char *text, size_t size)
{
  char mode[24];
  if (e->kind == EVENT_MODE) {
    snprintf(text, size, "mode %s from %.3f s on", mode_word(e->value, mode), seconds);
  } else if (e->kind == EVENT_REFUSED) {
    snprintf(text, size, "mode %s is more than this model can play; staying as it was",
             mode_word(e->value, mode));
  } else if (e->kind == EVENT_PLAYS) {
    snprintf(text, size, "%s at %.3f s", e->value ? "plays by itself" : "listens again", seconds);
  } else {
    snprintf(text, size, "%s at %.3f s",
             e->value ? "feedback: the output comes back into the input, faded out"
                      : "the feedback is gone, back",
             seconds);
  }
}

const char *event_words(const session_event *event, uint32_t rate_hz, char *text, size_t size)
{
  double seconds = rate_hz ? (double)event->position_samples / rate_hz : 0;
  switch (event->kind) {
  case EVENT_TIMELINE:
    snprintf(text, size, "timeline %" PRIu64 " begins at host time %" PRIu64, event->value,
             event->position_samples);
    break;
  case EVENT_LATE:
    late_words(event, seconds, text, size);
    break;
  case EVENT_RECOVERED:
    snprintf(text, size, "back at %.3f s", seconds);
    break;
  case EVENT_PAUSED:
    snprintf(text, size, "paused at %.3f s for another block size or rate", seconds);
    break;
  case EVENT_GAP:
    snprintf(text, size, "the host's time jumped at %.3f s: %" PRIu64 " samples lost", seconds,
             event->value);
    break;
  case EVENT_OVERFLOW:
    snprintf(text, size, "input overflowed at %.3f s: beginning anew", seconds);
    break;
  case EVENT_LATENCY:
    snprintf(text, size, "latency is %" PRIu64 " samples from %.3f s on", event->value, seconds);
    break;
  case EVENT_CONTROL:
    control_words(event, seconds, text, size);
    break;
  case EVENT_MODE:
  case EVENT_PLAYS:
  case EVENT_REFUSED:
  case EVENT_FEEDBACK:
    player_words(event, seconds, text, size);
    break;
  case EVENT_FAILED:
    snprintf(text, size, "the codec failed (%s): only the fallback is heard",
             status_name((status)event->value));
    break;
  }
  return text;
}

log_level event_level(const session_event *event)
{
  switch (event->kind) {
  case EVENT_LATE:
  case EVENT_OVERFLOW:
  case EVENT_GAP:
  case EVENT_REFUSED:
    return LOG_WARNING;
  case EVENT_FAILED:
    return LOG_ERROR;
  case EVENT_FEEDBACK:
    return event->value ? LOG_WARNING : LOG_INFO;
  case EVENT_RECOVERED:
  case EVENT_PAUSED:
  case EVENT_MODE:
    return LOG_INFO;
  case EVENT_TIMELINE:
  case EVENT_LATENCY:
  case EVENT_CONTROL:
  case EVENT_PLAYS:
    break;
  }
  return LOG_DEBUG;
}
