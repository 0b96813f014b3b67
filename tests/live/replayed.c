// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "tests/live/replayed.h"

#include "engine/keep/performance.h"
#include "plugin/replay_host.h"
#include "tests/live/anything.h"
#include "tests/live/verdict.h"
#include "tests/plugin/record_feeder.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define RATE_HZ 48000
#define BLOCK_SAMPLES 256
#define BETWEEN_BLOCKS_S 4      // their changes
#define STALL_MS 300            // late,
#define OVERFLOW_MS 3500        // and so late that input is lost and another timeline begins
#define SETTLED_SAMPLES RATE_HZ // after a fade, until the limiter has forgotten it

typedef struct performer {
  anything playing; // its stage, and what is done on it
  int seconds, second;
} performer;

// ---- playing -----------------------------------------------------------------------------------

// The block grows and shrinks; twice the conductor sleeps.
static bool play_roughly(performer *p)
{
  static const unsigned blocks[] = {64, 512, 128, 1024, 256, 2048};
  bool good = anything_begin(&p->playing);
  while (p->second < p->seconds && good) {
    anything_go_on(&p->playing);
    p->second++;
    if (p->second % BETWEEN_BLOCKS_S == 0) {
      const unsigned block = blocks[p->second / BETWEEN_BLOCKS_S % 6];
      good = child_ask(&p->playing.s->control, NULL, 0, "block %u", block);
    }
    if (p->second == p->seconds / 3 || p->second == 2 * p->seconds / 3) {
      const bool first = p->second == p->seconds / 3;
      session_inject_stall(jack_host_session(p->playing.s->host), first ? STALL_MS : OVERFLOW_MS);
    }
  }
  return good;
}

static bool keep_all(const performer *p, const char *folder)
{
  error err = {STATUS_OK, ""};
  const session_names names = {NULL, "oracle", "cpu", "f16", NULL};
  const status st = session_keep(jack_host_session(p->playing.s->host), folder, &names, &err);
  if (st) {
    printf("not kept: %s\n", err.message);
  }
  return demand(st == STATUS_OK, "the performance was kept");
}

// Sessions that follow are no client of the server.
static void end_session(stage *s)
{
  jack_host_close(s->host);
  s->host = NULL;
  host_log_end(&s->log);
}

// ---- the record, rendered again ----------------------------------------------------------------

static bool render(const performer *p, const performance *record, const char *folder,
                   const char *out, replay_result *result)
{
  error err = {STATUS_OK, ""};
  const replay_config again = {.model = p->playing.s->model,
                               .player = p->playing.s->oracle,
                               .performance = record,
                               .folder = folder,
                               .out = out};
  if (replay_run(&again, result, &err)) {
    printf("not rendered: %s\n", err.message);
    return false;
  }
  printf("%" PRIu64 " samples rendered again, %" PRIu64 " differ (first %" PRIu64 ")\n",
         result->n_samples, result->n_different, result->first_different);
  return true;
}

static void say_record(const performance *record)
{
  static const char *const names[N_KEEP_KINDS] = {"set",  "action",  "clock", "fade out",
                                                  "plan", "fade in", "cut",   "timeline"};
  size_t n[N_KEEP_KINDS] = {0};
  for (size_t i = 0; i < record->n_entries; i++) {
    n[record->entries[i].kind]++;
  }
  printf("the record: %zu steps", record->n_steps);
  for (int kind = 0; kind < N_KEEP_KINDS; kind++) {
    printf(", %zu %s", n[kind], names[kind]);
  }
  printf("\n");
}

static float *read_file(const char *path, size_t n_samples)
{
  error err = {STATUS_OK, ""};
  audio_reader *reader = NULL;
  size_t n_got = 0;
  float *samples = calloc(n_samples + 1, sizeof *samples);
  if (!samples || audio_reader_open(&reader, path, RATE_HZ, 1, &err) ||
      audio_reader_read(reader, samples, n_samples, &n_got, &err) || n_got != n_samples) {
    printf("%s: %s\n", path, err.message);
    free(samples);
    samples = NULL;
  }
  audio_reader_close(reader);
  return samples;
}

// What the recorder heard, all of it, against what was rendered from the record.
static bool was_heard(const performer *p, const performance *record, const char *path)
{
  take t;
  take_part part = {0};
  const stage *s = p->playing.s;
  const uint64_t begin = record->head.begin_samples;
  const uint64_t end = record->head.end_samples;
  float *again = read_file(path, (size_t)(end - begin));
  uint64_t n = 0, n_different = 0;
  bool good = again && take_load(&t, s->take_path);
  if (good) {
    good = take_align(&part, &t, &s->log, s->log.cycles[0].time_samples, false, false);
    for (uint64_t at = begin; good && at < end && at < part.n_samples; at++) {
      n += part.heard[at];
      n_different += part.heard[at] && memcmp(&part.got[at], &again[at - begin], sizeof *again);
    }
    take_free(&t);
  }
  printf("%" PRIu64 " samples that the recorder heard, %" PRIu64 " differ; peak %.3f\n", n,
         n_different, (double)part.peak_got);
  good = demand(good && part.peak_got > 0.05F && n > (end - begin) / 2, "something was heard");
  take_part_free(&part);
  free(again);
  return demand(n_different == 0, "it is what the recorder heard, bit for bit") && good;
}

static void forget_first_mode(performance *record)
{
  size_t i = 0;
  while (i < record->n_entries &&
         (record->entries[i].kind != KEEP_SET || record->entries[i].id != PARAMETER_MODE)) {
    i++;
  }
  if (i < record->n_entries) {
    record->n_entries--;
    memmove(&record->entries[i], &record->entries[i + 1],
            (record->n_entries - i) * sizeof *record->entries);
  }
}

static bool judge_record(const performer *p, const char *folder)
{
  error err = {STATUS_OK, ""};
  performance record;
  replay_result result;
  char out[192];
  snprintf(out, sizeof out, "%s.wav", folder);
  if (performance_read(&record, folder, &err)) {
    printf("no record: %s\n", err.message);
    return demand(false, "there is a record");
  }
  say_record(&record);
  bool good = demand(render(p, &record, folder, out, &result), "the record was rendered");
  good = demand(result.n_different == 0, "it is what was kept, bit for bit") && good;
  good = demand(result.n_samples >= (uint64_t)p->seconds * RATE_HZ, "all of it") && good;
  good = was_heard(p, &record, out) && good;
  forget_first_mode(&record);
  good = render(p, &record, folder, out, &result) && good;
  good = demand(result.n_different > 0, "without its first control it is something else") && good;
  performance_free(&record);
  return good;
}

static bool set_up(performer *p, const char *model, double record_seconds, int *code)
{
  const stage_options options = {.rate_hz = RATE_HZ,
                                 .block_samples = BLOCK_SAMPLES,
                                 .codec = model,
                                 .fallback = FALLBACK_HOLD,
                                 .sound = "phrases",
                                 .instrument = true,
                                 .keep_s = record_seconds,
                                 .least = LOG_WARNING,
                                 .record_seconds = record_seconds};
  return verdict_set_up(p->playing.s, &options, code);
}

static int play_and_judge(performer *p, const char *model)
{
  int code;
  stage *s = p->playing.s;
  char folder[128];
  if (!set_up(p, model, p->seconds + 60, &code)) {
    return code;
  }
  snprintf(folder, sizeof folder, "%s/performance", s->folder);
  bool good = demand(play_roughly(p), "all was played");
  good = keep_all(p, folder) && good;
  verdict_count_up(s);
  good = verdict_callback_is_clean(s) && good;
  good = demand(stage_end_take(s), "the recording is whole") && good;
  good = anything_was_played(s) && good;
  good = demand(stage_count_events(s, EVENT_LATE) > 0 && stage_count_events(s, EVENT_PAUSED) > 0 &&
                    stage_count_events(s, EVENT_OVERFLOW) > 0,
                "there were late stretches, changes of the block and an overflow") &&
         good;
  end_session(s);
  good = judge_record(p, folder) && good;
  return !good;
}

int replayed(stage *s, char **argv)
{
  performer p = {.playing = {.s = s}, .seconds = atoi(argv[2])};
  if (!trial_presets_load(&p.playing.presets, argv[1])) {
    return SKIPPED; // a build without INI files
  }
  const int code = play_and_judge(&p, argv[0]);
  trial_presets_free(&p.playing.presets);
  return code;
}

int replayed_soak(stage *s, char **argv)
{
  const char *minutes = getenv("CONTINUO_SOAK");
  char seconds[32];
  char *all[] = {argv[0], argv[1], seconds};
  if (!minutes || atoi(minutes) <= 0) {
    printf("skipped: CONTINUO_SOAK does not say how many minutes\n");
    return SKIPPED;
  }
  snprintf(seconds, sizeof seconds, "%d", 60 * atoi(minutes));
  return replayed(s, all);
}

// ---- the file host -----------------------------------------------------------------------------

static bool write_input(const take_part *part, const char *path)
{
  error err = {STATUS_OK, ""};
  audio_writer *writer;
  if (audio_writer_open(&writer, path, RATE_HZ, 1, AUDIO_ENCODING_F32, part->n_samples, &err) ||
      audio_writer_write(writer, part->received, part->n_samples, &err) ||
      audio_writer_commit(writer, &err)) {
    printf("%s: %s\n", path, err.message);
    return false;
  }
  return true;
}

// What it plays of the same input and the same controls becomes what is expected.
static bool play_file(const performer *p, const performance *record, take_part *part)
{
  error err = {STATUS_OK, ""};
  const stage *s = p->playing.s;
  char in[128], out[128];
  snprintf(in, sizeof in, "%s/in.wav", s->folder);
  snprintf(out, sizeof out, "%s/out.wav", s->folder);
  record_feeder feeder = {.record = record, .block_samples = BLOCK_SAMPLES};
  const file_host_config config = {.session = {.model = s->model,
                                               .player = s->oracle,
                                               .block_samples = BLOCK_SAMPLES,
                                               .fallback = FALLBACK_HOLD,
                                               .output_stage = true,
                                               .keep_s = 1},
                                   .in = in,
                                   .out = out,
                                   .on_begin = record_feeder_begin,
                                   .on_progress = record_feeder_go_on,
                                   .user = &feeder};
  file_host_result result;
  if (!write_input(part, in)) {
    return false;
  }
  if (file_host_run(&config, &result, &err)) {
    printf("the file host: %s\n", err.message);
    return false;
  }
  float *played = read_file(out, (size_t)part->n_samples);
  if (played) {
    memcpy(part->expected, played, part->n_samples * sizeof *played);
  }
  free(played);
  printf("%zu controls, %zu refused\n", feeder.next, feeder.n_refused);
  return demand(feeder.next == record->n_entries && feeder.n_refused == 0,
                "the file host was given every control") &&
         played;
}

static bool compare(const performer *p, const performance *record, take_part *part)
{
  take_stretch stretches[MAX_STRETCHES];
  take_verdict v;
  const stage *s = p->playing.s;
  const int n = verdict_stretches(s, 0, s->first_latency_samples, RATE_HZ, stretches);
  for (int i = 1; i < n; i++) {
    stretches[i].from += SETTLED_SAMPLES;
  }
  stretches[n - 1].to = record->head.end_samples;
  take_compare(&v, part, stretches, n);
  printf("%" PRIu64 " samples compared, %" PRIu64 " differ (first %" PRIu64 "), %" PRIu64
         " received otherwise than sent; peak %.3f\n",
         v.n_compared, v.n_different, v.first_different, v.n_sent_different,
         (double)part->peak_got);
  bool good = demand(v.n_sent_different == 0, "the session received what was sent");
  good = demand(v.n_compared > (uint64_t)p->seconds * RATE_HZ / 2 && part->peak_got > 0.05F,
                "enough was compared, and heard") &&
         good;
  return demand(v.n_different == 0, "the file host plays what was heard, bit for bit") && good;
}

static bool judge_file_host(const performer *p, const char *folder)
{
  error err = {STATUS_OK, ""};
  performance record;
  take t;
  take_part part = {0};
  if (performance_read(&record, folder, &err)) {
    printf("no record: %s\n", err.message);
    return demand(false, "there is a record");
  }
  say_record(&record);
  bool good = take_load(&t, p->playing.s->take_path);
  if (good) {
    good = take_align(&part, &t, &p->playing.s->log, p->playing.s->log.cycles[0].time_samples,
                      false, false) &&
           play_file(p, &record, &part);
    good = demand(good, "the file host played") && compare(p, &record, &part);
    take_free(&t);
  }
  take_part_free(&part);
  performance_free(&record);
  return good;
}

int both_hosts(stage *s, char **argv)
{
  int code;
  char folder[128];
  performer p = {.playing = {.s = s}, .seconds = atoi(argv[1])};
  if (!set_up(&p, argv[0], p.seconds + 60, &code)) {
    return code;
  }
  snprintf(folder, sizeof folder, "%s/performance", s->folder);
  bool good = anything_begin(&p.playing);
  while (p.second < p.seconds) {
    anything_go_on(&p.playing);
    p.second++;
  }
  good = demand(anything_end(&p.playing) && good, "all was played");
  good = keep_all(&p, folder) && good;
  verdict_count_up(s);
  good = demand(stage_end_take(s), "the recording is whole") && good;
  good = anything_was_played(s) && good;
  end_session(s);
  return !(judge_file_host(&p, folder) && good);
}
