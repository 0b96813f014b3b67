// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "tests/live/rt_guard.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define RT_GUARD_ASAN 1
#endif
#if __has_feature(thread_sanitizer)
#define RT_GUARD_TSAN 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define RT_GUARD_ASAN 1
#endif
#if defined(__SANITIZE_THREAD__)
#define RT_GUARD_TSAN 1
#endif

static _Thread_local bool inside;
static _Thread_local uint64_t wakes_of_call;
static _Atomic uint64_t n_calls, n_allocations, n_system_calls, n_wakes, most_wakes;
static atomic_long first_system_call = -1;
static int means;

// --- allocations ---

static void note_allocation(void)
{
  if (inside) {
    atomic_fetch_add(&n_allocations, 1);
  }
}

#if defined(RT_GUARD_ASAN) || defined(RT_GUARD_TSAN)

// From the sanitizers' allocator_interface.h, which gcc does not install.
int __sanitizer_install_malloc_and_free_hooks(void (*on_malloc)(const volatile void *, size_t),
                                              void (*on_free)(const volatile void *));

static void note_malloc(const volatile void *data, size_t bytes)
{
  (void)data;
  (void)bytes;
  note_allocation();
}

static void note_free(const volatile void *data)
{
  (void)data;
  note_allocation();
}

static int install_allocations(void)
{
  return __sanitizer_install_malloc_and_free_hooks(note_malloc, note_free) ? RT_GUARD_ALLOCATIONS
                                                                           : 0;
}

#elif defined(CONTINUO_RTSAN) || !defined(__GLIBC__)

// RealtimeSanitizer interposes the same functions, and is stricter.
static int install_allocations(void)
{
  (void)note_allocation;
  return 0;
}

#else

// glibc's own names of its allocator, which stay reachable when malloc and friends are defined
// here.
void *__libc_malloc(size_t bytes);
void *__libc_calloc(size_t n, size_t bytes);
void *__libc_realloc(void *old, size_t bytes);
void *__libc_memalign(size_t alignment, size_t bytes);
void __libc_free(void *data);

#define INTERPOSED __attribute__((visibility("default")))

INTERPOSED void *malloc(size_t bytes)
{
  note_allocation();
  return __libc_malloc(bytes);
}

INTERPOSED void *calloc(size_t n, size_t bytes)
{
  note_allocation();
  return __libc_calloc(n, bytes);
}

INTERPOSED void *realloc(void *old, size_t bytes)
{
  note_allocation();
  return __libc_realloc(old, bytes);
}

INTERPOSED void *aligned_alloc(size_t alignment, size_t bytes)
{
  note_allocation();
  return __libc_memalign(alignment, bytes);
}

INTERPOSED int posix_memalign(void **out, size_t alignment, size_t bytes)
{
  note_allocation();
  void *data = __libc_memalign(alignment, bytes);
  if (!data) {
    return ENOMEM;
  }
  *out = data;
  return 0;
}

INTERPOSED void free(void *data)
{
  note_allocation();
  __libc_free(data);
}

static int install_allocations(void)
{
  return RT_GUARD_ALLOCATIONS;
}

#endif

// --- system calls ---

#if defined(__x86_64__) && defined(__linux__) && !defined(RT_GUARD_TSAN)

#include <linux/futex.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#ifndef PR_SET_SYSCALL_USER_DISPATCH
#define PR_SET_SYSCALL_USER_DISPATCH 59
#define PR_SYS_DISPATCH_ON 1
#endif
#define SELECTOR_ALLOW 0
#define SELECTOR_BLOCK 1

static _Thread_local volatile char selector;
static _Thread_local bool armed;

// The handler's way out is a system call itself, so it lies where dispatch does not reach: between
// these labels. The kernel looks at the address after the instruction, hence the nop.
void rt_guard_restore(void);
extern const char rt_guard_restore_end[];
__asm__(".pushsection .text\n"
        ".globl rt_guard_restore\n"
        ".type rt_guard_restore, @function\n"
        "rt_guard_restore:\n"
        "  mov $15, %eax\n" // rt_sigreturn
        "  syscall\n"
        "  nop\n"
        ".globl rt_guard_restore_end\n"
        "rt_guard_restore_end:\n"
        ".popsection\n");

static long raw_call(const greg_t *g)
{
  long result;
  register long r10 __asm__("r10") = g[REG_R10];
  register long r8 __asm__("r8") = g[REG_R8];
  register long r9 __asm__("r9") = g[REG_R9];
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "0"(g[REG_RAX]), "D"(g[REG_RDI]), "S"(g[REG_RSI]), "d"(g[REG_RDX]), "r"(r10),
                     "r"(r8), "r"(r9)
                   : "rcx", "r11", "memory");
  return result;
}

static void note_system_call(const greg_t *g)
{
  const long number = (long)g[REG_RAX];
  if (number == SYS_futex && ((int)g[REG_RSI] & FUTEX_CMD_MASK) == FUTEX_WAKE) {
    atomic_fetch_add(&n_wakes, 1);
    ++wakes_of_call;
    return;
  }
  long none = -1;
  atomic_fetch_add(&n_system_calls, 1);
  atomic_compare_exchange_strong(&first_system_call, &none, number);
}

static void on_system_call(int signal_number, siginfo_t *info, void *context)
{
  (void)signal_number;
  (void)info;
  greg_t *g = ((ucontext_t *)context)->uc_mcontext.gregs;
  selector = SELECTOR_ALLOW;
  note_system_call(g);
  g[REG_RAX] = raw_call(g);
  selector = SELECTOR_BLOCK;
}

// What the kernel takes; libc's sigaction would put its own way out into it.
typedef struct kernel_sigaction {
  void (*handler)(int, siginfo_t *, void *);
  unsigned long flags;
  void (*restorer)(void);
  uint64_t mask;
} kernel_sigaction;

static bool arm(void)
{
  const uintptr_t from = (uintptr_t)rt_guard_restore;
  const uintptr_t length = (uintptr_t)rt_guard_restore_end - from;
  selector = SELECTOR_ALLOW;
  return prctl(PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_ON, from, length, &selector) == 0;
}

static bool claim_signal(void)
{
  const unsigned long restorer_given = 0x04000000; // SA_RESTORER
  const kernel_sigaction action = {
      .handler = on_system_call,
      .flags = SA_SIGINFO | restorer_given,
      .restorer = rt_guard_restore,
  };
  return syscall(SYS_rt_sigaction, SIGSYS, &action, NULL, sizeof action.mask) == 0;
}

static int install_system_calls(void)
{
  armed = claim_signal() && arm();
  return armed ? RT_GUARD_SYSTEM_CALLS : 0;
}

static void watch_system_calls(void)
{
  if (means & RT_GUARD_SYSTEM_CALLS) {
    armed = armed || arm();
    selector = armed ? SELECTOR_BLOCK : SELECTOR_ALLOW;
  }
}

static void let_system_calls(void)
{
  selector = SELECTOR_ALLOW;
}

#else

// Another machine, or a sanitizer whose runtime makes system calls of its own.
static bool claim_signal(void)
{
  return true;
}

static int install_system_calls(void)
{
  return 0;
}

static void watch_system_calls(void) {}

static void let_system_calls(void) {}

#endif

// --- RealtimeSanitizer ---

#if defined(CONTINUO_RTSAN)

void __rtsan_init(void);
void __rtsan_realtime_enter(void);
void __rtsan_realtime_exit(void);

static int install_rtsan(void)
{
  __rtsan_init();
  return RT_GUARD_RTSAN;
}

#else

static int install_rtsan(void)
{
  return 0;
}

static void __rtsan_realtime_enter(void) {}

static void __rtsan_realtime_exit(void) {}

#endif

// --- all of them ---

int rt_guard_install(void)
{
  means = install_allocations() | install_system_calls() | install_rtsan();
  fprintf(stderr, "real-time guard: allocations %s, system calls %s, RealtimeSanitizer %s\n",
          means & RT_GUARD_ALLOCATIONS ? "watched" : "NOT watched",
          means & RT_GUARD_SYSTEM_CALLS ? "watched" : "NOT watched",
          means & RT_GUARD_RTSAN ? "on" : "off");
  return means;
}

void rt_guard_enter(void)
{
  wakes_of_call = 0;
  inside = true;
  __rtsan_realtime_enter();
  watch_system_calls();
}

void rt_guard_leave(void)
{
  let_system_calls();
  __rtsan_realtime_exit();
  inside = false;
  atomic_fetch_add(&n_calls, 1);
  uint64_t most = atomic_load(&most_wakes);
  while (wakes_of_call > most && !atomic_compare_exchange_weak(&most_wakes, &most, wakes_of_call)) {
  }
}

void rt_guard_reset(void)
{
  if (means & RT_GUARD_SYSTEM_CALLS) {
    claim_signal();
  }
  atomic_store(&n_calls, 0);
  atomic_store(&n_allocations, 0);
  atomic_store(&n_system_calls, 0);
  atomic_store(&n_wakes, 0);
  atomic_store(&most_wakes, 0);
  atomic_store(&first_system_call, -1);
}

void rt_guard_read(rt_guard_report *report)
{
  *report = (rt_guard_report){
      .calls = atomic_load(&n_calls),
      .allocations = atomic_load(&n_allocations),
      .system_calls = atomic_load(&n_system_calls),
      .wakes = atomic_load(&n_wakes),
      .most_wakes = atomic_load(&most_wakes),
      .first_system_call = atomic_load(&first_system_call),
  };
}
