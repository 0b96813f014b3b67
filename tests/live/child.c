// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "tests/live/child.h"

#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static void become(const char *const *argv, int in, int out)
{
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (in >= 0)
    dup2(in, STDIN_FILENO);
  dup2(out, STDOUT_FILENO);
  char *copy[32];
  int n = 0;
  for (; argv[n] && n < 31; n++)
    copy[n] = (char *)(size_t)argv[n]; // execvp's own prototype, not ours, lacks the const
  copy[n] = NULL;
  execvp(copy[0], copy);
  _exit(127);
}

bool child_start_server(child *c, const char *const *argv, const char *log)
{
  *c = (child){0};
  int out = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (out < 0)
    return false;
  c->pid = fork();
  if (c->pid == 0) {
    dup2(out, STDERR_FILENO);
    become(argv, -1, out);
  }
  close(out);
  if (c->pid < 0)
    c->pid = 0;
  return c->pid > 0;
}

bool child_answer(child *c, char *answer, size_t size)
{
  char line[1024];
  if (!c->from || !fgets(line, sizeof line, c->from))
    return false;
  line[strcspn(line, "\n")] = '\0';
  bool good = strncmp(line, "ok", 2) == 0;
  if (answer)
    snprintf(answer, size, "%s", good && line[2] ? line + 3 : "");
  return good;
}

bool child_start_client(child *c, const char *const *argv)
{
  int to[2], from[2];
  *c = (child){0};
  if (pipe2(to, O_CLOEXEC) || pipe2(from, O_CLOEXEC))
    return false;
  c->pid = fork();
  if (c->pid == 0) {
    // libjack says on stderr what a failed attempt is about; the answer line says it too.
    int null = open("/dev/null", O_WRONLY);
    dup2(null, STDERR_FILENO);
    become(argv, to[0], from[1]);
  }
  close(to[0]);
  close(from[1]);
  c->to = fdopen(to[1], "w");
  c->from = fdopen(from[0], "r");
  if (c->pid > 0 && child_answer(c, NULL, 0))
    return true;
  child_kill(c, SIGKILL);
  return false;
}

bool child_send(child *c, const char *line)
{
  return c->to && fprintf(c->to, "%s\n", line) > 0 && fflush(c->to) == 0;
}

bool child_ask(child *c, char *answer, size_t size, const char *format, ...)
{
  char line[640];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(line, sizeof line, format, arguments);
  va_end(arguments);
  bool good = child_send(c, line) && child_answer(c, answer, size);
  if (!good)
    printf("refused: %s\n", line);
  return good;
}

static void forget(child *c)
{
  if (c->to)
    fclose(c->to);
  if (c->from)
    fclose(c->from);
  *c = (child){0};
}

bool child_quit(child *c)
{
  if (!c->pid)
    return false;
  bool good = child_ask(c, NULL, 0, "quit");
  int code = 0;
  good = waitpid(c->pid, &code, 0) == c->pid && WIFEXITED(code) && WEXITSTATUS(code) == 0 && good;
  forget(c);
  return good;
}

void child_kill(child *c, int signal)
{
  if (c->pid > 0) {
    kill(c->pid, signal);
    waitpid(c->pid, NULL, 0);
  }
  forget(c);
}

bool child_runs(child *c)
{
  if (!c->pid || waitpid(c->pid, NULL, WNOHANG) == 0)
    return c->pid > 0;
  c->pid = 0;
  return false;
}
