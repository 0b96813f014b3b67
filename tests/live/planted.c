// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "tests/live/planted.h"

#include "tests/engine/trial_codec.h"
#include "tests/live/hole_digger.h"

#include <dirent.h>
#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

#define SKIPPED 77
#define SLOW_MS 60 // of one step
#define HOLE_MS 45
#define TRIES 10 // a miss while an earlier one is heard is none

static const stage_options options = {
    .rate_hz = 48000, .block_samples = 256, .codec = "trial:24000:320:1", .record_seconds = 20};

static bool set_up(stage *s, int *code)
{
  const stage_result ready = stage_open(s, &options);
  *code = ready == STAGE_IMPOSSIBLE ? SKIPPED : 1;
  if (ready == STAGE_READY) {
    stage_run(s, 1000);
    return true;
  }
  if (ready == STAGE_FAILED) {
    demand(false, "the stage is set");
  }
  return false;
}

// Until the codec is heard, not the fallback.
static void wait_until_wet(stage *s)
{
  while (stage_count_events(s, EVENT_RECOVERED) <
         stage_count_events(s, EVENT_LATE) + stage_count_events(s, EVENT_PAUSED)) {
    stage_run(s, 10);
  }
}

static bool kernel_blames_us(stage *s)
{
  session_telemetry t;
  jack_host_read_telemetry(s->host, &t);
  return demand(t.own_misses >= 1, "the kernel has it that the miss was our own");
}

int planted_step(stage *s, char **argv)
{
  (void)argv;
  int code;
  if (!set_up(s, &code)) {
    return code;
  }
  for (int i = 0; i < TRIES && s->n_own == 0; i++) {
    wait_until_wet(s);
    trial_codec_be_slow(s->model, 1, SLOW_MS);
    stage_run(s, 500);
  }
  bool good = kernel_blames_us(s);
  if (!s->witness) {
    return !good;
  }
  const blame *b = &s->last_blame;
  good = demand(s->n_own >= 1 && b->ours, "so has the witness") && good;
  good = demand(b->complete && b->own_ns >= SLOW_MS * UINT64_C(900000),
                "it saw that the step used that time itself") &&
         good;
  return !good;
}

// All threads of a process but one.
static void put_threads(pid_t process, uint32_t but, const cpu_set_t *cpus)
{
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/task", (int)process);
  DIR *d = opendir(path);
  for (const struct dirent *entry; d && (entry = readdir(d));) {
    const unsigned long thread = strtoul(entry->d_name, NULL, 10);
    if (thread > 0 && thread != but) {
      sched_setaffinity((pid_t)thread, sizeof *cpus, cpus);
    }
  }
  if (d) {
    closedir(d);
  }
}

// The conductor gets a CPU of its own, so that nobody who calls or hears us is taken away with it.
static bool keep_apart(const stage *s, uint32_t conductor)
{
  const pid_t others[] = {getpid(), s->server.process.pid, s->control.pid, s->player.pid,
                          s->recorder.pid};
  cpu_set_t all;
  cpu_set_t own;
  int cpu = 0;
  if (sched_getaffinity(0, sizeof all, &all) || CPU_COUNT(&all) < 2) {
    printf("needs two CPUs\n");
    return false;
  }
  for (; !CPU_ISSET(cpu, &all); cpu++) {
  }
  CPU_ZERO(&own);
  CPU_SET(cpu, &own);
  CPU_CLR(cpu, &all);
  for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
    put_threads(others[i], conductor, &all);
  }
  return sched_setaffinity((pid_t)conductor, sizeof own, &own) == 0;
}

static bool saw_it(const stage *s, const hole_digger *d, uint32_t thread)
{
  uint64_t from_ns, to_ns;
  if (!hole_digger_dug(d, &from_ns, &to_ns)) {
    return false;
  }
  const hole_sum sum = hole_witness_sum(s->witness, thread, from_ns, to_ns);
  printf("taken away for %.2f ms, the witness saw %.2f ms of that\n",
         1e-6 * (double)(to_ns - from_ns), 1e-6 * (double)sum.away_ns);
  return sum.away_ns + HOLE_PERIOD_NS + HOLE_TOLERANCE_NS >= to_ns - from_ns;
}

int planted_hole(stage *s, char **argv)
{
  (void)argv;
  int code;
  hole_digger *d = NULL;
  step_entry step;
  if (!set_up(s, &code)) {
    return code;
  }
  if (!demand(step_log_get(step_log_count() - 1, &step), "steps are done")) {
    return 1;
  }
  if (!s->witness || !keep_apart(s, step.thread) || !hole_digger_open(&d, step.thread)) {
    return SKIPPED;
  }
  for (int i = 0; i < TRIES && s->n_excused == 0; i++) {
    wait_until_wet(s);
    hole_digger_dig(d, HOLE_MS);
    stage_run(s, 500);
  }
  bool good = kernel_blames_us(s);
  good = demand(saw_it(s, d, step.thread), "the witness saw the CPU taken away") && good;
  good = demand(s->n_excused >= 1 && !s->last_blame.ours, "so it has it that it was not") && good;
  hole_digger_close(d);
  return !good;
}
