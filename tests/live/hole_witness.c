// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "tests/live/hole_witness.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define MAX_STRETCHES 65536
#define BUFFER_BYTES (UINT64_C(1) << 20) // per CPU; a live session leaves about 40 KiB a second
#define RECORD_BYTES 256                 // ours have at most 48

typedef enum stretch_kind {
  PRESENT, // the thread had the CPU
  AWAY,    // so it seemed, but the CPU was away
  UNKNOWN, // nobody knows about any thread
} stretch_kind;

typedef struct stretch {
  uint64_t from_ns, to_ns;
  uint32_t thread;
  stretch_kind kind;
} stretch;

typedef enum cpu_state {
  ANY,  // nothing is known yet
  IDLE, // no watched thread has the CPU
  BUSY, // `thread` has it
} cpu_state;

// One CPU: the kernel's ring of records, what the last of them said, and what came of them all.
typedef struct watched_cpu {
  int event; // file descriptor
  struct perf_event_mmap_page *page;
  cpu_state state;
  uint32_t thread;
  uint64_t since_ns;    // BUSY: up to where its stretches are written
  uint64_t last_ns;     // of the last record; the next interrupt is due one period later
  stretch *stretches;   // the newest, by number modulo MAX_STRETCHES
  uint64_t n_stretches; // ever
} watched_cpu;

struct hole_witness {
  uint32_t n_cpus;
  size_t map_bytes;
  hole_sum all;
  watched_cpu cpus[]; // [n_cpus]
};

// ---- from records to stretches -----------------------------------------------------------------

static void add_stretch(watched_cpu *c, uint64_t from_ns, uint64_t to_ns, stretch_kind kind)
{
  if (to_ns > from_ns) {
    c->stretches[c->n_stretches++ % MAX_STRETCHES] = (stretch){from_ns, to_ns, c->thread, kind};
  }
}

static void note_hole(hole_sum *sum, uint64_t ns)
{
  sum->away_ns += ns;
  sum->longest_ns = ns > sum->longest_ns ? ns : sum->longest_ns;
  sum->n++;
}

// A record of the thread that has the CPU: is it overdue?
static void note_overdue(hole_witness *w, watched_cpu *c, uint64_t at_ns)
{
  const uint64_t due_ns = c->last_ns + HOLE_PERIOD_NS;
  if (at_ns > due_ns + HOLE_TOLERANCE_NS) {
    add_stretch(c, c->since_ns, due_ns, PRESENT);
    add_stretch(c, due_ns, at_ns, AWAY);
    note_hole(&w->all, at_ns - due_ns);
    c->since_ns = at_ns;
  }
}

// Whether the record can follow the last one.
static bool fits(const watched_cpu *c, hole_record kind, uint32_t thread)
{
  if (kind == HOLE_RECORD_UNKNOWN) {
    return false;
  }
  return c->state == ANY || (c->state == IDLE && kind == HOLE_RECORD_ON) ||
         (c->state == BUSY && kind != HOLE_RECORD_ON && c->thread == thread);
}

void hole_witness_take(hole_witness *w, uint32_t cpu, hole_record kind, uint32_t thread,
                       uint64_t at_ns)
{
  watched_cpu *c = &w->cpus[cpu];
  if (!fits(c, kind, thread)) {
    add_stretch(c, c->state == BUSY ? c->since_ns : c->last_ns, at_ns, UNKNOWN);
    w->all.complete = false;
    c->state = ANY;
  }
  if (c->state == BUSY) {
    note_overdue(w, c, at_ns);
  } else {
    c->since_ns = at_ns;
  }
  if (c->state == BUSY && kind == HOLE_RECORD_OFF) {
    add_stretch(c, c->since_ns, at_ns, PRESENT);
  }
  if (kind != HOLE_RECORD_UNKNOWN) {
    c->state = kind == HOLE_RECORD_OFF ? IDLE : BUSY;
  }
  c->thread = thread;
  c->last_ns = at_ns;
}

// ---- sums --------------------------------------------------------------------------------------

static uint64_t overlap_ns(uint64_t from_ns, uint64_t to_ns, uint64_t begin_ns, uint64_t end_ns)
{
  const uint64_t from = from_ns > begin_ns ? from_ns : begin_ns;
  const uint64_t to = to_ns < end_ns ? to_ns : end_ns;
  return to > from ? to - from : 0;
}

// How many of the stretches kept begin before `to_ns`, counted from the first ever.
static uint64_t end_of(const watched_cpu *c, uint64_t oldest, uint64_t to_ns)
{
  uint64_t low = oldest;
  uint64_t high = c->n_stretches;
  while (low < high) {
    const uint64_t middle = low + (high - low) / 2;
    if (c->stretches[middle % MAX_STRETCHES].from_ns < to_ns) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

static void add_up(hole_sum *sum, const stretch *s, uint64_t ns)
{
  sum->on_ns += ns;
  if (s->kind == AWAY) {
    note_hole(sum, ns);
  }
}

static void sum_cpu(hole_sum *sum, const watched_cpu *c, uint32_t thread, uint64_t from_ns,
                    uint64_t to_ns)
{
  const uint64_t oldest = c->n_stretches > MAX_STRETCHES ? c->n_stretches - MAX_STRETCHES : 0;
  uint64_t n = end_of(c, oldest, to_ns);
  for (; n > oldest && c->stretches[(n - 1) % MAX_STRETCHES].to_ns > from_ns; n--) {
    const stretch *s = &c->stretches[(n - 1) % MAX_STRETCHES];
    const uint64_t ns = overlap_ns(s->from_ns, s->to_ns, from_ns, to_ns);
    if (s->kind == UNKNOWN) {
      sum->complete = sum->complete && ns == 0;
    } else if (ns > 0 && s->thread == thread) {
      add_up(sum, s, ns);
    }
  }
  sum->complete = sum->complete && (n > oldest || oldest == 0);
  if (c->state == BUSY && c->thread == thread) { // it has not been switched off since
    sum->on_ns += overlap_ns(c->since_ns, to_ns, from_ns, to_ns);
  }
}

hole_sum hole_witness_sum(const hole_witness *w, uint32_t thread, uint64_t from_ns, uint64_t to_ns)
{
  hole_sum sum = {.complete = w != NULL};
  for (uint32_t cpu = 0; w && cpu < w->n_cpus; cpu++) {
    sum_cpu(&sum, &w->cpus[cpu], thread, from_ns, to_ns);
  }
  return sum;
}

hole_sum hole_witness_all(const hole_witness *w)
{
  return w ? w->all : (hole_sum){0};
}

// ---- the kernel's records ----------------------------------------------------------------------

// What follows the header of each record that we ask for: in a sample it is all there is, in the
// others it is the end.
typedef struct record_id {
  uint32_t process, thread;
  uint64_t time_ns;
} record_id;

static void copy_out(const watched_cpu *c, uint64_t at, void *to, size_t n)
{
  const char *data = (const char *)c->page + c->page->data_offset;
  for (size_t i = 0; i < n; i++) {
    ((char *)to)[i] = data[(at + i) % BUFFER_BYTES];
  }
}

static void take_record(hole_witness *w, uint32_t cpu, const struct perf_event_header *h,
                        const char *record)
{
  record_id id;
  const size_t at = h->type == PERF_RECORD_SAMPLE ? sizeof *h : h->size - sizeof id;
  memcpy(&id, record + at, sizeof id);
  hole_record kind = HOLE_RECORD_UNKNOWN;
  if (h->type == PERF_RECORD_FORK) {
    return;
  }
  if (h->type == PERF_RECORD_SAMPLE) {
    kind = HOLE_RECORD_TICK;
  } else if (h->type == PERF_RECORD_EXIT) {
    kind = HOLE_RECORD_OFF;
  } else if (h->type == PERF_RECORD_SWITCH) {
    kind = h->misc & PERF_RECORD_MISC_SWITCH_OUT ? HOLE_RECORD_OFF : HOLE_RECORD_ON;
  }
  hole_witness_take(w, cpu, kind, id.thread, id.time_ns);
}

static void read_cpu(hole_witness *w, uint32_t cpu)
{
  const watched_cpu *c = &w->cpus[cpu];
  const uint64_t head = __atomic_load_n(&c->page->data_head, __ATOMIC_ACQUIRE);
  uint64_t at = c->page->data_tail;
  while (at < head) {
    char record[RECORD_BYTES];
    struct perf_event_header h;
    copy_out(c, at, &h, sizeof h);
    if (h.size >= sizeof h + sizeof(record_id) && h.size <= sizeof record) {
      copy_out(c, at, record, h.size);
      take_record(w, cpu, &h, record);
    }
    at += h.size;
  }
  __atomic_store_n(&c->page->data_tail, at, __ATOMIC_RELEASE);
}

void hole_witness_read(hole_witness *w)
{
  for (uint32_t cpu = 0; w && cpu < w->n_cpus; cpu++) {
    if (w->cpus[cpu].page) {
      read_cpu(w, cpu);
    }
  }
}

// ---- opening -----------------------------------------------------------------------------------

// The threads that inherit the event write into the ring of the CPU they are on.
static bool watch_cpu(watched_cpu *c, int cpu, size_t map_bytes)
{
  struct perf_event_attr a = {
      .type = PERF_TYPE_SOFTWARE,
      .size = sizeof a,
      .config = PERF_COUNT_SW_CPU_CLOCK,
      .sample_period = HOLE_PERIOD_NS,
      .sample_type = PERF_SAMPLE_TID | PERF_SAMPLE_TIME,
      .sample_id_all = 1,
      .context_switch = 1,
      .task = 1, // a thread that ends
      .inherit = 1,
      .inherit_thread = 1, // by threads, not by processes
      .use_clockid = 1,
      .clockid = CLOCK_MONOTONIC,
  };
  c->event = (int)syscall(SYS_perf_event_open, &a, 0, cpu, -1, PERF_FLAG_FD_CLOEXEC);
  if (c->event < 0) {
    return errno == ENODEV; // a CPU that is switched off
  }
  void *map = mmap(NULL, map_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, c->event, 0);
  c->page = map == MAP_FAILED ? NULL : map;
  return c->page != NULL;
}

bool hole_witness_blank(hole_witness **w, uint32_t n_cpus)
{
  *w = calloc(1, sizeof **w + n_cpus * sizeof *(*w)->cpus);
  if (!*w) {
    return false;
  }
  (*w)->n_cpus = n_cpus;
  (*w)->all.complete = true;
  bool good = true;
  for (uint32_t cpu = 0; cpu < n_cpus; cpu++) {
    watched_cpu *c = &(*w)->cpus[cpu];
    c->event = -1;
    c->stretches = malloc(MAX_STRETCHES * sizeof *c->stretches);
    good = good && c->stretches;
    if (c->stretches) { // touched now: whoever looks for memory that grows finds none of ours
      memset(c->stretches, 0xff, MAX_STRETCHES * sizeof *c->stretches);
    }
  }
  if (!good) {
    hole_witness_close(*w);
    *w = NULL;
  }
  return good;
}

bool hole_witness_open(hole_witness **w)
{
  const long there = sysconf(_SC_NPROCESSORS_CONF);
  const uint32_t n_cpus = there < HOLE_MAX_CPUS ? (uint32_t)there : HOLE_MAX_CPUS;
  bool good = hole_witness_blank(w, n_cpus);
  for (uint32_t cpu = 0; good && cpu < n_cpus; cpu++) {
    (*w)->map_bytes = (size_t)sysconf(_SC_PAGESIZE) + BUFFER_BYTES;
    good = watch_cpu(&(*w)->cpus[cpu], (int)cpu, (*w)->map_bytes);
  }
  if (!good) {
    printf("no witness of CPUs taken away: %s\n", strerror(errno));
    hole_witness_close(*w);
    *w = NULL;
  }
  return good;
}

void hole_witness_close(hole_witness *w)
{
  for (uint32_t cpu = 0; w && cpu < w->n_cpus; cpu++) {
    watched_cpu *c = &w->cpus[cpu];
    if (c->page) {
      munmap(c->page, w->map_bytes);
    }
    if (c->event >= 0) {
      close(c->event);
    }
    free(c->stretches);
  }
  free(w);
}
