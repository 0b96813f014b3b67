// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "tests/live/flood.h"

#include "tests/live/verdict.h"

#include <inttypes.h>
#include <stdlib.h>

#define LISTENED_MS 2000
#define BETWEEN_MS 20
#define AT_ONCE 250
#define MIDI_EVERY_SAMPLES 4 // 12000 messages a second

// What copies memories, and what must tell of itself.
static const control costly[] = {
    {.kind = CONTROL_ACTION, .id = ACTION_MARK},
    {.kind = CONTROL_ACTION, .id = ACTION_RETURN},
    {.kind = CONTROL_SET, .id = PARAMETER_MODE, .value = MODE_CONTINUE},
    {.kind = CONTROL_ACTION, .id = ACTION_AGAIN_NEXT},
    {.kind = CONTROL_SET, .id = PARAMETER_MODE, .value = MODE_LISTEN},
    {.kind = CONTROL_SET, .id = PARAMETER_MODE, .value = MODE_FREEZE},
};
#define N_COSTLY (sizeof costly / sizeof *costly)

// All of a burst of the same kind or of all kinds in turn, until no more are taken; then anew.
static void pour(stage *s, int seconds)
{
  control batch[AT_ONCE];
  const int n_bursts = 1000 * seconds / BETWEEN_MS;
  for (int burst = 0; burst < n_bursts; burst++) {
    const size_t kinds = 1 + (size_t)burst % N_COSTLY;
    for (size_t i = 0; i < AT_ONCE; i++) {
      batch[i] = costly[i % kinds];
    }
    session_send(jack_host_session(s->host), batch, AT_ONCE);
    stage_run(s, BETWEEN_MS);
  }
}

int flood(stage *s, char **argv)
{
  int code;
  const int seconds = atoi(argv[1]);
  const stage_options options = {.rate_hz = 48000,
                                 .block_samples = 256,
                                 .codec = argv[0],
                                 .sound = "rhythm",
                                 .instrument = true,
                                 .keep_s = 60,
                                 .least = LOG_WARNING,
                                 .forgets = true,
                                 .record_seconds = seconds + 30};
  if (!verdict_set_up(s, &options, &code)) {
    return code;
  }
  stage_run(s, LISTENED_MS);
  bool good = child_ask(&s->midi_player, NULL, 0, "anything %d %d", seconds, MIDI_EVERY_SAMPLES);
  pour(s, seconds);
  good = child_ask(&s->midi_player, NULL, 0, "rest") && good;
  stage_run(s, 500);
  verdict_count_up(s);
  printf("%" PRIu64 " controls dropped\n", s->counts.dropped_controls);
  good = demand(s->counts.dropped_controls > 1000, "what was too much was dropped and counted") &&
         good;
  good = demand(s->counts.steps > 40 * (uint64_t)seconds, "it went on playing") && good;
  good = verdict_callback_is_clean(s) && good;
  return !(verdict_no_own_miss(s) && good);
}
