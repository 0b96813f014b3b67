// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "base/cli/program.h"

#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

// A program's own signal state; the libraries below have none.
static volatile sig_atomic_t stop_signals;

bool stop_requested(void)
{
  return stop_signals > 0;
}

static void on_stop(int number)
{
  ++stop_signals;
  if (stop_signals > 2) { // asked three times: do not wait for anything
    signal(number, SIG_DFL);
    raise(number);
  }
}

static void watch_signals(void)
{
  struct sigaction action = {.sa_handler = on_stop}, before;
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, NULL);
  sigaction(SIGTERM, &action, NULL);
  if (sigaction(SIGHUP, NULL, &before) != 0 || before.sa_handler != SIG_IGN) { // else under nohup
    sigaction(SIGHUP, &action, NULL);
  }
  signal(SIGPIPE, SIG_IGN); // a closed pipe is an error of the write,
  signal(SIGXFSZ, SIG_IGN); // and so is a limit on the size of files
}

static int name_width(const program *self)
{
  int width = 0;
  for (int i = 0; i < self->n_commands; ++i) {
    const int length = (int)strlen(self->commands[i]->name);
    width = length > width ? length : width;
  }
  return width;
}

static void print_usage(const program *self, FILE *to)
{
  fprintf(to, "usage: %s COMMAND [OPTION...] [ARGUMENT...]\n%s.\n\n", self->name, self->purpose);
  for (int i = 0; i < self->n_commands; ++i) {
    fprintf(to, "  %-*s  %s\n", name_width(self), self->commands[i]->name,
            self->commands[i]->summary);
  }
  fprintf(to, "\n\"%s COMMAND --help\" lists the options of a command.\n", self->name);
}

static void write_log(void *user, log_level level, const char *message)
{
  const program *self = user;
  fprintf(stderr, "%s: %s%s\n", self->name, level == LOG_WARNING ? "warning: " : "", message);
}

// The command that argv[1] (and argv[2]) name; `*words` is how many.
static const command *find_command(const program *self, int argc, char **argv, int *words)
{
  for (int i = 0; i < self->n_commands; ++i) {
    const char *name = self->commands[i]->name;
    const char *space = strchr(name, ' ');
    const size_t first = space ? (size_t)(space - name) : strlen(name);
    if (strncmp(argv[1], name, first) != 0 || argv[1][first]) {
      continue;
    }
    if (!space) {
      *words = 1;
      return self->commands[i];
    }
    if (argc > 2 && strcmp(argv[2], space + 1) == 0) {
      *words = 2;
      return self->commands[i];
    }
  }
  return NULL;
}

static int report(const command_context *context, status code, const error *err)
{
  if (code) {
    fprintf(stderr, "%s: %s\n", context->program,
            err->message[0] ? err->message : status_name(code));
  }
  return status_exit_code(code);
}

// Results count only once they have left: a full disk behind a redirection is an error.
static status flush_output(error *err)
{
  if (fflush(stdout) != 0 || ferror(stdout)) {
    return error_set(err, STATUS_IO, "standard output: cannot write");
  }
  return STATUS_OK;
}

static int run_command(const program *self, int argc, char **argv)
{
  char name[64];
  error err = {0};
  command_context context = {.program = name, .log = {write_log, (void *)self, LOG_INFO}};
  int words = 0;
  const command *chosen = find_command(self, argc, argv, &words);
  snprintf(name, sizeof name, "%s %s", self->name, chosen ? chosen->name : argv[1]);
  if (!chosen) {
    error_set(&err, STATUS_USAGE, "no such command (see %s --help)", self->name);
    return report(&context, STATUS_USAGE, &err);
  }
  watch_signals();
  status code = chosen->run(chosen, &context, argc - words, argv + words, &err);
  if (!code) {
    code = flush_output(&err);
  }
  return report(&context, code, &err);
}

int program_run(const program *self, int argc, char **argv)
{
  setlocale(LC_CTYPE, "");
  if (argc < 2) {
    print_usage(self, stderr);
    return status_exit_code(STATUS_USAGE);
  }
  if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
      strcmp(argv[1], "help") == 0) {
    print_usage(self, stdout);
    return 0;
  }
  if (strcmp(argv[1], "--version") == 0) {
    printf("%s %s\n", self->name, self->version);
    return 0;
  }
  return run_command(self, argc, argv);
}
