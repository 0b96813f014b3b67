// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "tests/live/hole_digger.h"

#include <errno.h>
#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define TRIGGER_NS 100000
#define COPY_BYTES (512 * 1024) // one round of the program's loop: about 50 us
#define MOST_ROUNDS 4000        // the kernel wants to know that it ends

// Memory shared with the kernel's program: the only value of a map.
typedef struct shared {
  _Atomic uint64_t asked_ns;       // 0: nothing to do
  _Atomic uint64_t from_ns, to_ns; // of the last hole
  uint64_t unused[5];
  char copied[2][COPY_BYTES];
} shared;

struct hole_digger {
  int map, program, event; // file descriptors
  shared *memory;
};

// ---- the program -------------------------------------------------------------------------------

#define FIELD(name) ((int16_t)offsetof(shared, name))
#define OP(opcode, to, from, distance, number)                                                     \
  ((struct bpf_insn){                                                                              \
      .code = (opcode), .dst_reg = (to), .src_reg = (from), .off = (distance), .imm = (number)})
#define SET(to, number) OP(BPF_ALU64 | BPF_MOV | BPF_K, to, 0, 0, number)
#define COPY(to, from) OP(BPF_ALU64 | BPF_MOV | BPF_X, to, from, 0, 0)
#define ADD(to, number) OP(BPF_ALU64 | BPF_ADD | BPF_K, to, 0, 0, number)
#define ADD_REGISTER(to, from) OP(BPF_ALU64 | BPF_ADD | BPF_X, to, from, 0, 0)
#define LOAD(to, from, field) OP(BPF_LDX | BPF_MEM | BPF_DW, to, from, FIELD(field), 0)
#define STORE(to, field, from) OP(BPF_STX | BPF_MEM | BPF_DW, to, from, FIELD(field), 0)
#define CLEAR(to, field) OP(BPF_ST | BPF_MEM | BPF_DW, to, 0, FIELD(field), 0)
#define CALL(function) OP(BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_##function)
#define IF_EQUAL(register, number, skip) OP(BPF_JMP | BPF_JEQ | BPF_K, register, 0, skip, number)
#define IF_BELOW(register, other, skip) OP(BPF_JMP | BPF_JLT | BPF_X, register, other, skip, 0)
#define EXIT() OP(BPF_JMP | BPF_EXIT, 0, 0, 0, 0)

// memory = the map's value; if (!memory || !memory->asked_ns) return 0;
// until = asked; asked = 0; from = now; until += now; rounds = 0;
// do { rounds++; copy; now = the time; } while (now < until && rounds < MOST_ROUNDS);
// to = now; return 0;
static int load_program(int map)
{
  enum { R0, R1, R2, R3, R4, R5, MEMORY, UNTIL, ROUNDS, NOW, STACK };
  const struct bpf_insn program[] = {
      OP(BPF_ST | BPF_MEM | BPF_W, STACK, 0, -4, 0), // the map's key
      OP(BPF_LD | BPF_IMM | BPF_DW, R1, BPF_PSEUDO_MAP_FD, 0, map),
      OP(0, 0, 0, 0, 0), // its upper half
      COPY(R2, STACK),
      ADD(R2, -4),
      CALL(map_lookup_elem),
      IF_EQUAL(R0, 0, 20), // out
      COPY(MEMORY, R0),
      LOAD(UNTIL, MEMORY, asked_ns),
      IF_EQUAL(UNTIL, 0, 17), // out
      CLEAR(MEMORY, asked_ns),
      CALL(ktime_get_ns),
      STORE(MEMORY, from_ns, R0),
      ADD_REGISTER(UNTIL, R0),
      SET(ROUNDS, 0),
      ADD(ROUNDS, 1), // the loop
      COPY(R1, MEMORY),
      ADD(R1, (int)offsetof(shared, copied)),
      SET(R2, COPY_BYTES),
      COPY(R3, MEMORY),
      ADD(R3, (int)(offsetof(shared, copied) + COPY_BYTES)),
      CALL(probe_read_kernel),
      CALL(ktime_get_ns),
      COPY(NOW, R0),
      IF_EQUAL(ROUNDS, MOST_ROUNDS, 1),
      IF_BELOW(NOW, UNTIL, -11), // to the loop
      STORE(MEMORY, to_ns, NOW),
      SET(R0, 0), // out
      EXIT(),
  };
  // The helpers are for programs under a licence that the GPL accepts.
  union bpf_attr a = {
      .prog_type = BPF_PROG_TYPE_PERF_EVENT,
      .insns = (uint64_t)(uintptr_t)program,
      .insn_cnt = sizeof program / sizeof *program,
      .license = (uint64_t)(uintptr_t) "Dual MIT/GPL",
  };
  return (int)syscall(SYS_bpf, BPF_PROG_LOAD, &a, sizeof a);
}

// ---- opening -----------------------------------------------------------------------------------

static int make_map(void)
{
  union bpf_attr a = {
      .map_type = BPF_MAP_TYPE_ARRAY,
      .key_size = 4,
      .value_size = sizeof(shared),
      .max_entries = 1,
      .map_flags = BPF_F_MMAPABLE,
  };
  return (int)syscall(SYS_bpf, BPF_MAP_CREATE, &a, sizeof a);
}

static int open_event(uint32_t thread)
{
  struct perf_event_attr a = {
      .type = PERF_TYPE_SOFTWARE,
      .size = sizeof a,
      .config = PERF_COUNT_SW_CPU_CLOCK,
      .sample_period = TRIGGER_NS,
      .disabled = 1,
  };
  return (int)syscall(SYS_perf_event_open, &a, thread, -1, -1, PERF_FLAG_FD_CLOEXEC);
}

static bool set_up(hole_digger *d, uint32_t thread)
{
  d->map = make_map();
  d->program = d->map >= 0 ? load_program(d->map) : -1;
  d->event = d->program >= 0 ? open_event(thread) : -1;
  if (d->event < 0 || ioctl(d->event, PERF_EVENT_IOC_SET_BPF, d->program) ||
      ioctl(d->event, PERF_EVENT_IOC_ENABLE, 0)) {
    return false;
  }
  void *memory = mmap(NULL, sizeof(shared), PROT_READ | PROT_WRITE, MAP_SHARED, d->map, 0);
  d->memory = memory == MAP_FAILED ? NULL : memory;
  return d->memory != NULL;
}

bool hole_digger_open(hole_digger **d, uint32_t thread)
{
  *d = malloc(sizeof **d);
  if (!*d) {
    return false;
  }
  **d = (hole_digger){-1, -1, -1, NULL};
  if (set_up(*d, thread)) {
    return true;
  }
  printf("no holes can be dug here: %s\n", strerror(errno));
  hole_digger_close(*d);
  *d = NULL;
  return false;
}

void hole_digger_close(hole_digger *d)
{
  if (!d) {
    return;
  }
  const int files[] = {d->event, d->program, d->map};
  if (d->memory) {
    munmap(d->memory, sizeof *d->memory);
  }
  for (int i = 0; i < 3; i++) {
    if (files[i] >= 0) {
      close(files[i]);
    }
  }
  free(d);
}

void hole_digger_dig(hole_digger *d, uint32_t ms)
{
  atomic_store(&d->memory->to_ns, 0);
  atomic_store(&d->memory->asked_ns, (uint64_t)(ms < 60 ? ms : 60) * 1000000);
}

bool hole_digger_dug(const hole_digger *d, uint64_t *from_ns, uint64_t *to_ns)
{
  *to_ns = atomic_load(&d->memory->to_ns);
  *from_ns = atomic_load(&d->memory->from_ns);
  return *to_ns != 0;
}
