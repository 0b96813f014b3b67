// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "tests/live/server.h"

#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static bool installed(const char *program)
{
  char command[64];
  snprintf(command, sizeof command, "command -v %s >/dev/null", program);
  bool found = system(command) == 0;
  if (!found)
    printf("%s is not installed\n", program);
  return found;
}

bool server_possible(bool pipewire)
{
  if (!pipewire)
    return installed("jackd");
  return installed("pipewire") && installed("pw-jack") && installed("pw-metadata");
}

// Servers and clients inherit the limits that members of an audio group have, where we may set
// them: PipeWire asks the limit, not the kernel, whether it may be real-time.
static void raise_limits(void)
{
  setrlimit(RLIMIT_RTPRIO, &(struct rlimit){95, 95});
  setrlimit(RLIMIT_MEMLOCK, &(struct rlimit){RLIM_INFINITY, RLIM_INFINITY});
}

static bool may_be_realtime(void)
{
  pid_t pid = fork();
  if (pid == 0) {
    struct sched_param p = {.sched_priority = 10};
    _exit(sched_setscheduler(0, SCHED_FIFO, &p) != 0);
  }
  int code = 1;
  return pid > 0 && waitpid(pid, &code, 0) == pid && WIFEXITED(code) && WEXITSTATUS(code) == 0;
}

// One of a few fixed names, held by a lock for as long as this process lives: JACK's registry has
// room for eight servers, and a killed one keeps its place until its name is used again.
static bool take_name(char *name, size_t size)
{
  for (int tried = 0; tried < 4; tried++) {
    char path[64];
    int i = ((int)getpid() + tried) % 4;
    snprintf(path, sizeof path, "/tmp/continuo-live-%ld-%d.lock", (long)getuid(), i);
    int lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (lock >= 0 && flock(lock, LOCK_EX | LOCK_NB) == 0) {
      snprintf(name, size, "continuo-live-%d", i);
      return true;
    }
    if (lock >= 0)
      close(lock);
  }
  printf("no free server name: four live tests run already\n");
  return false;
}

static bool start_jackd(server *s, const char *log)
{
  char rate[16], block[16];
  const char *name = s->name;
  snprintf(rate, sizeof rate, "%u", s->rate_hz);
  snprintf(block, sizeof block, "%u", s->block_samples);
  if (!*name && !take_name(s->name, sizeof s->name))
    return false;
  setenv("JACK_DEFAULT_SERVER", name, 1);
  setenv("JACK_NO_AUDIO_RESERVATION", "1", 1);
  s->realtime = may_be_realtime();
  const char *argv[20] = {"jackd"};
  int n = 1;
  argv[n++] = s->realtime ? "-R" : "-r";
  if (s->realtime)
    argv[n++] = "-P10";
  // Synchronous, patient with clients: otherwise one that the machine keeps from running is passed
  // over, and what it should have given is what it gave before.
  static const char *const patient[] = {"-S", "-t", "2000"};
  for (int i = 0; i < 3 && !s->asynchronous; i++)
    argv[n++] = patient[i];
  const char *rest[] = {"-n", name, "-d", "dummy", "-r", rate, "-p", block};
  for (int i = 0; i < 8; i++)
    argv[n++] = rest[i];
  printf("jackd %s%s, dummy, %s Hz, %s samples\n",
         s->realtime ? "-R -P10" : "-r (real-time scheduling is not allowed here)",
         s->asynchronous ? "" : " -S", rate, block);
  return child_start_server(&s->process, argv, log);
}

// The least that JACK clients need: a driver without a device, and the two metadata stores. No
// session manager, no D-Bus.
static bool write_pipewire_conf(const server *s, const char *path)
{
  FILE *f = fopen(path, "w");
  if (!f)
    return false;
  fprintf(f,
          "context.properties = {\n"
          "  support.dbus = false\n"
          "  core.daemon = true\n"
          "  core.name = pipewire-0\n"
          "  default.clock.rate = %u\n"
          "  default.clock.allowed-rates = [ 44100 48000 ]\n"
          "  default.clock.quantum = %u\n"
          "  default.clock.min-quantum = 16\n"
          "  default.clock.max-quantum = 8192\n"
          "  link.max-buffers = 16\n"
          "}\n"
          "context.spa-libs = { support.* = support/libspa-support }\n"
          "context.modules = [\n"
          "  { name = libpipewire-module-rt args = { rt.prio = 20 } flags = [ ifexists nofail ] }\n"
          "  { name = libpipewire-module-protocol-native }\n"
          "  { name = libpipewire-module-metadata }\n"
          "  { name = libpipewire-module-spa-node-factory }\n"
          "  { name = libpipewire-module-client-node }\n"
          "  { name = libpipewire-module-access }\n"
          "  { name = libpipewire-module-link-factory }\n"
          "]\n"
          "context.objects = [\n"
          "  { factory = metadata args = { metadata.name = default } }\n"
          "  { factory = spa-node-factory args = { factory.name = support.node.driver\n"
          "    node.name = Dummy-Driver node.group = pipewire.dummy priority.driver = 20000 } }\n"
          "]\n",
          s->rate_hz, s->block_samples);
  return fclose(f) == 0;
}

static bool start_pipewire(server *s, const char *log)
{
  char conf[128];
  snprintf(conf, sizeof conf, "%s/pipewire.conf", s->folder);
  setenv("XDG_RUNTIME_DIR", s->folder, 1);
  unsetenv("PIPEWIRE_REMOTE");
  unsetenv("PIPEWIRE_RUNTIME_DIR");
  // So that no JACK server that happens to run is preferred.
  setenv("JACK_DEFAULT_SERVER", "continuo-none", 1);
  const char *argv[] = {"pipewire", "-c", conf, NULL};
  printf("pipewire, %u Hz, quantum %u\n", s->rate_hz, s->block_samples);
  return write_pipewire_conf(s, conf) && child_start_server(&s->process, argv, log);
}

bool server_start(server *s)
{
  char log[128];
  snprintf(log, sizeof log, "%s/server.log", s->folder);
  raise_limits();
  return s->pipewire ? start_pipewire(s, log) : start_jackd(s, log);
}

bool server_force(const char *what, uint32_t value)
{
  char command[128];
  snprintf(command, sizeof command, "pw-metadata -n settings 0 clock.force-%s %u >/dev/null", what,
           value);
  return system(command) == 0;
}

void server_show_log(const server *s)
{
  char path[128], line[512];
  snprintf(path, sizeof path, "%s/server.log", s->folder);
  FILE *f = fopen(path, "r");
  while (f && fgets(line, sizeof line, f))
    printf("  server: %s", line);
  if (f)
    fclose(f);
}
