// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "plugin/event_words.h"

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
    return LOG_WARNING;
  case EVENT_FAILED:
    return LOG_ERROR;
  case EVENT_RECOVERED:
  case EVENT_PAUSED:
    return LOG_INFO;
  case EVENT_TIMELINE:
  case EVENT_LATENCY:
    break;
  }
  return LOG_DEBUG;
}
