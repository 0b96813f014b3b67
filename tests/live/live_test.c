// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// Live equals offline, heard from outside: see stage.h for who plays and who listens.
//
//   live_test equality RATE_HZ BLOCK_SAMPLES CODEC SECONDS
//   live_test asynchronous RATE_HZ BLOCK_SAMPLES CODEC SECONDS  jackd without -S
//   live_test soak RATE_HZ BLOCK_SAMPLES CODEC                  for CONTINUO_SOAK minutes
//   live_test blocks CODEC       ten block sizes
//   live_test stall CODEC MS     the conductor sleeps for MS
//   live_test planted_step       one step is too slow: our own (planted.h)
//   live_test planted_hole       the CPU is taken away: not our own
//   live_test answer BLOCK_SAMPLES CODEC N          how long an answer takes (answer.h)
//   live_test answer_soak BLOCK_SAMPLES CODEC N     the same, where CONTINUO_SOAK is set
//   live_test planted_answer BLOCK_SAMPLES CODEC N  when it comes one step late
//   live_test overflow CODEC     it sleeps for longer than its input ring lasts
//   live_test mono CODEC         one channel, played into through both inputs
//   live_test restart CODEC jackd|pipewire killed|ended  the server goes and comes back
//   live_test storm CODEC        connections come and go
//   live_test freewheel CODEC    a render, faster than time
//   live_test manners CODEC      names, connections, metadata, refusals (manners.h)
//   live_test pipewire CODEC     a private PipeWire, its quantum changed from 64 to 1024
//   live_test pipewire_rate CODEC  its rate changed from 48000 to 44100
//   live_test replayed CODEC PRESETS SECONDS  anything is played, and rendered again (replayed.h)
//   live_test replayed_soak CODEC PRESETS     the same for CONTINUO_SOAK minutes
//   live_test both_hosts CODEC SECONDS        the file host plays the same
//   live_test flood CODEC SECONDS             more controls than anybody plays (flood.h)
//   live_test long_play CODEC PRESETS SECONDS nothing grows (long_play.h)
//   live_test long_play_soak CODEC PRESETS    the same for CONTINUO_SOAK minutes
//
// Exit code 0: as promised; 1: not; 77: the server's programs are not installed.

#include "tests/live/answer.h"
#include "tests/live/flood.h"
#include "tests/live/long_play.h"
#include "tests/live/manners.h"
#include "tests/live/planted.h"
#include "tests/live/replayed.h"
#include "tests/live/stage.h"
#include "tests/live/take.h"
#include "tests/live/verdict.h"

#include <inttypes.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

// ---- the parts that every scenario shares ------------------------------------------------------

// Ports that also hear a physical one, which has a latency of its own, have a range that ends
// later.
static bool latency_is_told(stage *s, uint32_t latency_samples)
{
  char answer[96];
  unsigned least = 0, most = 0, of_capture = 0;
  bool good = true;
  if (s->options.connect_physical)
    good = child_ask(&s->control, answer, sizeof answer, "latency system:capture_1") &&
           sscanf(answer, "%*u %u", &of_capture) == 1;
  for (int port = 1; port <= 2; port++) {
    good = child_ask(&s->control, answer, sizeof answer, "latency %s:out_%d",
                     jack_host_client_name(s->host), port) &&
           sscanf(answer, "%u %u", &least, &most) == 2 && least == latency_samples &&
           most == latency_samples + of_capture && good;
    printf("out_%d: capture latency %u to %u samples, the session's %u\n", port, least, most,
           latency_samples);
  }
  return demand(good, "the ports report the session's latency");
}

static bool judge(const take_verdict *v, const take_part *part, uint64_t least_samples)
{
  printf("%" PRIu64 " samples compared, %" PRIu64 " different", v->n_compared, v->n_different);
  if (v->n_different)
    printf(" (first at output sample %" PRIu64 ")", v->first_different);
  if (v->n_sent_different)
    printf(", %" PRIu64 " received otherwise than sent (first at %" PRIu64 ")", v->n_sent_different,
           v->first_sent_different);
  printf(", %" PRIu64 " left out around what is listed above; peak sent %.3f, got %.3f\n",
         v->n_left_out, (double)part->peak_sent, (double)part->peak_got);
  bool good = demand(v->n_sent_different == 0, "the session received what was sent");
  good = demand(v->n_different == 0, "every sample is the offline result, bit for bit") && good;
  good = demand(v->n_compared >= least_samples * part->n_channels, "enough was compared") && good;
  return demand(part->peak_sent > 0.3F && part->peak_got > 1e-3F,
                "something was played and heard") &&
         good;
}

static bool compare_take(stage *s, take_part *part, unsigned returns, uint32_t rate_hz,
                         double least_seconds)
{
  take_verdict verdict;
  take_stretch stretches[MAX_STRETCHES];
  if (!take_render(part, rate_hz, s->model))
    return demand(false, "there is an offline result");
  int n = verdict_stretches(s, returns, s->first_latency_samples, rate_hz, stretches);
  take_compare(&verdict, part, stretches, n);
  return judge(&verdict, part, (uint64_t)(least_seconds * rate_hz));
}

// Whether what was heard is the offline result times a gain that goes evenly from one value to
// another.
static bool gain_moves(const take_part *part, uint64_t from, uint64_t n_samples, float gain_from,
                       float gain_to, uint32_t latency_samples)
{
  for (uint64_t i = 0; i < n_samples; i++) {
    float gain = gain_from + (gain_to - gain_from) * (float)i / (float)n_samples;
    for (uint32_t c = 0; c < part->n_channels; c++) {
      float due = gain * take_due(part, from + i, c, latency_samples);
      // One sample's worth of gain to either side: where exactly a fade begins is the session's.
      if (fabsf(part->got[(from + i) * part->n_channels + c] - due) > 1.5F / (float)n_samples)
        return false;
    }
  }
  return true;
}

// Between a miss and the recovery: a fade to silence within FADE_MS, silence, a fade back.
static bool fades_are_smooth(const stage *s, const take_part *part, uint32_t rate_hz)
{
  uint64_t fade = rate_hz * FADE_MS / 1000, late = 0;
  uint32_t latency = s->first_latency_samples;
  bool good = true, any = false;
  for (size_t i = 0; i < s->n_events; i++) {
    const session_event *e = &s->events[i].event;
    if (e->kind == EVENT_LATE)
      late = e->position_samples;
    if (e->kind != EVENT_RECOVERED || !late || e->position_samples + fade > part->n_samples)
      continue;
    any = true;
    good = gain_moves(part, late, fade, 1, 0, latency) && good;
    good = gain_moves(part, late + fade, e->position_samples - late - fade, 0, 0, latency) && good;
    good = gain_moves(part, e->position_samples, fade, 0, 1, latency) && good;
  }
  return demand(good && any, "it faded to silence and back in 5 ms each, without a jump");
}

// ---- scenarios ---------------------------------------------------------------------------------

// What the take must show: the offline result, at the latency that the ports report.
static bool judge_take(stage *s, unsigned returns, double least_seconds)
{
  uint32_t latency = session_latency_samples(jack_host_session(s->host));
  session_timeline timeline = session_get_timeline(jack_host_session(s->host));
  printf("latency %u samples, timeline %" PRIu64 " from %" PRIu64 "\n", latency, timeline.number,
         timeline.host_time_samples);
  bool good = latency_is_told(s, latency);
  verdict_count_up(s);
  uint32_t rate_hz = s->counts.host_rate_hz;
  good = verdict_callback_is_clean(s) && good;
  good = demand(stage_end_take(s), "the recording is whole") && good;
  take t;
  take_part part = {0};
  if (take_load(&t, s->take_path) && take_align(&part, &t, &s->log, timeline.host_time_samples,
                                                s->options.both_inputs, s->options.asynchronous)) {
    good = compare_take(s, &part, returns, rate_hz, least_seconds) && good;
    if (s->options.expect_miss)
      good = fades_are_smooth(s, &part, rate_hz) && good;
  } else {
    good = demand(false, "the take and the session met");
  }
  take_part_free(&part);
  take_free(&t);
  return good;
}

static int play(stage *s, char **argv, int seconds, bool asynchronous)
{
  int code;
  stage_options options = {.rate_hz = (uint32_t)atoi(argv[0]),
                           .block_samples = (uint32_t)atoi(argv[1]),
                           .codec = argv[2],
                           .asynchronous = asynchronous,
                           .record_seconds = seconds + 10};
  if (!verdict_set_up(s, &options, &code))
    return code;
  stage_run(s, seconds * 1000);
  bool good = judge_take(s, 0, asynchronous ? seconds / 2 : seconds - 1);
  return !(verdict_no_own_miss(s) && good);
}

static int equality(stage *s, char **argv)
{
  return play(s, argv, atoi(argv[3]), false);
}

static int asynchronous(stage *s, char **argv)
{
  return play(s, argv, atoi(argv[3]), true);
}

// As long as CONTINUO_SOAK says, in minutes; 3 MB of memory a second.
static int soak(stage *s, char **argv)
{
  const char *minutes = getenv("CONTINUO_SOAK");
  if (minutes && atoi(minutes) > 0)
    return play(s, argv, 60 * atoi(minutes), false);
  printf("skipped: CONTINUO_SOAK does not say how many minutes\n");
  return SKIPPED;
}

// Ten block sizes, up and down. A larger one than ever before raises the latency; none else does.
static int blocks(stage *s, char **argv)
{
  static const unsigned sizes[] = {256, 64, 512, 128, 1024, 32, 2048, 256, 1024, 128};
  int code;
  stage_options options = {
      .rate_hz = 48000, .block_samples = 128, .codec = argv[0], .record_seconds = 30};
  if (!verdict_set_up(s, &options, &code))
    return code;
  bool good = true;
  uint32_t largest = 128;
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    uint32_t before = session_latency_samples(jack_host_session(s->host));
    stage_run(s, 600);
    good = child_ask(&s->control, NULL, 0, "block %u", sizes[i]) && good;
    stage_run(s, 600);
    uint32_t after = session_latency_samples(jack_host_session(s->host));
    printf("block %u: latency %u, was %u\n", sizes[i], after, before);
    good = demand(sizes[i] > largest ? after > before : after == before,
                  "the latency grows with the largest block, and only then") &&
           good;
    largest = sizes[i] > largest ? sizes[i] : largest;
  }
  stage_run(s, 2000);
  good = demand(stage_count_events(s, EVENT_LATENCY) >= 4, "each new latency was an event") && good;
  good = demand(stage_said(s, "latency is now"), "the new latency was said") && good;
  good = judge_take(s, 0, 3) && good;
  return !(verdict_no_own_miss(s) && good);
}

static int stall(stage *s, char **argv)
{
  int code;
  stage_options options = {.rate_hz = 48000,
                           .block_samples = 256,
                           .codec = argv[0],
                           .fallback = FALLBACK_SILENCE,
                           .expect_miss = true,
                           .record_seconds = 20};
  if (!verdict_set_up(s, &options, &code))
    return code;
  stage_run(s, 1500);
  session_inject_stall(jack_host_session(s->host), (uint32_t)atoi(argv[1]));
  stage_run(s, 1500 + atoi(argv[1]));
  bool good = demand(stage_count_events(s, EVENT_LATE) >= 1, "the stall was noticed");
  good = demand(stage_count_events(s, EVENT_RECOVERED) >= 1, "the session recovered") && good;
  session_telemetry t;
  jack_host_read_telemetry(s->host, &t);
  good = demand(t.misses >= 1 && t.late_samples > 0, "it was counted") && good;
  good = demand(stage_said(s, "late at") && stage_said(s, "back at"), "it was said") && good;
  stage_run(s, 2000);
  return !(judge_take(s, 0, 2) && good);
}

// So long a stall that the input ring overflows: a new timeline begins, as equal as the first.
static int overflow(stage *s, char **argv)
{
  int code;
  stage_options options = {
      .rate_hz = 48000, .block_samples = 256, .codec = argv[0], .record_seconds = 20};
  if (!verdict_set_up(s, &options, &code))
    return code;
  stage_run(s, 500);
  session_inject_stall(jack_host_session(s->host), 4000);
  stage_run(s, 7000);
  bool good = demand(stage_count_events(s, EVENT_OVERFLOW) == 1, "the input overflowed once");
  good = demand(stage_count_events(s, EVENT_TIMELINE) == 2, "a second timeline began") && good;
  good = demand(stage_said(s, "input overflowed"), "it was said") && good;
  return !(judge_take(s, 0, 1.5) && good);
}

static int mono(stage *s, char **argv)
{
  int code;
  stage_options options = {.rate_hz = 48000,
                           .block_samples = 256,
                           .codec = argv[0],
                           .both_inputs = true,
                           .record_seconds = 20};
  if (!verdict_set_up(s, &options, &code))
    return code;
  stage_run(s, 2000);
  return !judge_take(s, 0, 1.5);
}

// The server goes, without a word or in order, and comes back; so do the other clients.
static int restart(stage *s, char **argv)
{
  int code;
  stage_options options = {.rate_hz = 48000,
                           .block_samples = 256,
                           .codec = argv[0],
                           .pipewire = strcmp(argv[1], "pipewire") == 0,
                           .record_seconds = 20};
  options.connect_physical = !options.pipewire; // our PipeWire has no device
  if (!verdict_set_up(s, &options, &code))
    return code;
  stage_run(s, 1500);
  const session *before = jack_host_session(s->host);
  child_kill(&s->server.process, strcmp(argv[2], "killed") == 0 ? SIGKILL : SIGTERM);
  child_kill(&s->player, SIGKILL);
  child_kill(&s->recorder, SIGKILL);
  child_kill(&s->control, SIGKILL);
  stage_run(s, 1000);
  bool good = demand(!jack_host_connected(s->host), "the host knows that the server is gone");
  good = demand(stage_said(s, "server gone"), "it says so") && good;
  // The recorder is there before the host is polled again, so that it hears the new sample 0.
  if (!stage_start_server(s) || !stage_start_clients(s))
    return !demand(false, "the server came back");
  if (!demand(stage_wait_connected(s, 5000), "the host came back"))
    return 1;
  good = demand(jack_host_session(s->host) == before, "with all that it had heard") && good;
  good = demand(stage_wire_tap(s), "player and recorder are wired to each other") && good;
  stage_run(s, 1500);
  good = demand(stage_restored(s), "the host restored its own connections") && good;
  host_log_wired(&s->log);
  good = child_ask(&s->player, NULL, 0, "go") && good;
  stage_run(s, 3000);
  return !(judge_take(s, 1, 2.5) && good);
}

static int storm(stage *s, char **argv)
{
  int code;
  stage_options options = {
      .rate_hz = 48000, .block_samples = 256, .codec = argv[0], .record_seconds = 20};
  if (!verdict_set_up(s, &options, &code))
    return code;
  stage_run(s, 1000);
  // The dummy driver's inputs are silent: what reaches the session is what the recorder hears.
  bool good = child_send(&s->control, "storm system:capture_1 continuo:in_1 100 2000");
  stage_run(s, 2500);
  good = demand(child_answer(&s->control, NULL, 0), "100 connections came and went") && good;
  stage_run(s, 1500);
  good = judge_take(s, 0, 4) && good;
  return !(verdict_no_own_miss(s) && good);
}

static int freewheel(stage *s, char **argv)
{
  int code;
  stage_options options = {.rate_hz = 48000,
                           .block_samples = 256,
                           .codec = argv[0],
                           .renders = true,
                           .record_seconds = 120};
  if (!verdict_set_up(s, &options, &code))
    return code;
  stage_run(s, 1000);
  session_telemetry before, after;
  jack_host_read_telemetry(s->host, &before);
  bool good = child_ask(&s->control, NULL, 0, "freewheel 1");
  stage_run(s, 1500);
  good = child_ask(&s->control, NULL, 0, "freewheel 0") && good;
  stage_run(s, 1000);
  jack_host_read_telemetry(s->host, &after);
  double rendered = (double)(after.position_samples - before.position_samples) / 48000;
  printf("%.1f s of sound passed in 2.5 s\n", rendered);
  good = demand(rendered > 5, "freewheeling ran faster than time") && good;
  good = demand(after.misses == before.misses, "nothing was late in freewheel") && good;
  return !(judge_take(s, 0, 5) && good);
}

static int pipewire(stage *s, char **argv)
{
  int code;
  stage_options options = {.rate_hz = 48000,
                           .block_samples = 64,
                           .codec = argv[0],
                           .record_seconds = 20,
                           .pipewire = true};
  if (!verdict_set_up(s, &options, &code))
    return code;
  bool good = demand(strstr(jack_host_server(s->host), "PipeWire") != NULL,
                     "the host found PipeWire's JACK by itself");
  stage_run(s, 2000);
  uint32_t before = session_latency_samples(jack_host_session(s->host));
  good = demand(server_force("quantum", 1024), "the quantum was changed") && good;
  stage_run(s, 3000);
  uint32_t after = session_latency_samples(jack_host_session(s->host));
  good = demand(after > before, "the latency followed the quantum") && good;
  return !(judge_take(s, 0, 3) && good);
}

static int pipewire_rate(stage *s, char **argv)
{
  int code;
  stage_options options = {.rate_hz = 48000,
                           .block_samples = 256,
                           .codec = argv[0],
                           .record_seconds = 20,
                           .pipewire = true};
  if (!verdict_set_up(s, &options, &code))
    return code;
  stage_run(s, 1500);
  bool good = demand(server_force("rate", 44100), "the rate was changed");
  stage_run(s, 3000);
  session_telemetry t;
  jack_host_read_telemetry(s->host, &t);
  good = demand(t.host_rate_hz == 44100, "the session followed the rate") && good;
  good =
      demand(session_get_timeline(jack_host_session(s->host)).number > 1, "a new timeline began") &&
      good;
  return !(judge_take(s, 0, 2) && good);
}

typedef struct scenario {
  const char *name;
  int n_arguments;
  int (*run)(stage *s, char **argv); ///< exit code
} scenario;

static const scenario scenarios[] = {
    {"equality", 4, equality},
    {"asynchronous", 4, asynchronous},
    {"soak", 3, soak},
    {"blocks", 1, blocks},
    {"stall", 2, stall},
    {"overflow", 1, overflow},
    {"mono", 1, mono},
    {"restart", 3, restart},
    {"storm", 1, storm},
    {"freewheel", 1, freewheel},
    {"pipewire", 1, pipewire},
    {"pipewire_rate", 1, pipewire_rate},
    {"manners", 1, manners},
    {"planted_step", 0, planted_step},
    {"planted_hole", 0, planted_hole},
    {"answer", 3, answer},
    {"answer_soak", 3, answer_soak},
    {"replayed", 3, replayed},
    {"replayed_soak", 2, replayed_soak},
    {"both_hosts", 2, both_hosts},
    {"flood", 2, flood},
    {"long_play", 3, long_play},
    {"long_play_soak", 2, long_play_soak},
    {"planted_answer", 3, planted_answer},
};

int main(int argc, char **argv)
{
  for (size_t i = 0; argc > 1 && i < sizeof scenarios / sizeof *scenarios; i++) {
    if (strcmp(argv[1], scenarios[i].name) != 0 || argc - 2 != scenarios[i].n_arguments)
      continue;
    stage s = {0};
    int code = scenarios[i].run(&s, argv + 2);
    stage_close(&s);
    return code;
  }
  fprintf(stderr, "usage: live_test SCENARIO ARGUMENTS, see the source's first lines\n");
  return 2;
}
