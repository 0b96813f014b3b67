// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// continuo: finds the command, runs it, turns its status into an exit code.

#include "ui-tui/cli/command.h"

#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#ifndef CONTINUO_VERSION
#define CONTINUO_VERSION "unknown"
#endif

static const command *const commands[] = {
    &command_live, &command_encode,      &command_decode,    &command_roundtrip, &command_import,
    &command_info, &command_bench_codec, &command_bench_ops, &command_list,
};

#define N_COMMANDS ((int)(sizeof commands / sizeof *commands))

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
  struct sigaction action = {.sa_handler = on_stop};
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, NULL);
  sigaction(SIGTERM, &action, NULL);
  sigaction(SIGHUP, &action, NULL);
  signal(SIGPIPE, SIG_IGN); // a closed pipe is an error of the write
}

static void print_usage(FILE *to)
{
  fprintf(to, "usage: continuo COMMAND [OPTION...] [ARGUMENT...]\n"
              "Neural audio played live: a streaming codec in a JACK graph.\n\n");
  for (int i = 0; i < N_COMMANDS; ++i) {
    fprintf(to, "  %-12s  %s\n", commands[i]->name, commands[i]->summary);
  }
  fprintf(to, "\n\"continuo COMMAND --help\" lists the options of a command.\n");
}

static void write_log(void *user, log_level level, const char *message)
{
  (void)user;
  fprintf(stderr, "continuo: %s%s\n", level == LOG_WARNING ? "warning: " : "", message);
}

// The command that argv[1] (and argv[2]) name; `*words` is how many.
static const command *find_command(int argc, char **argv, int *words)
{
  for (int i = 0; i < N_COMMANDS; ++i) {
    const char *name = commands[i]->name;
    const char *space = strchr(name, ' ');
    const size_t first = space ? (size_t)(space - name) : strlen(name);
    if (strncmp(argv[1], name, first) != 0 || argv[1][first]) {
      continue;
    }
    if (!space) {
      *words = 1;
      return commands[i];
    }
    if (argc > 2 && strcmp(argv[2], space + 1) == 0) {
      *words = 2;
      return commands[i];
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

int main(int argc, char **argv)
{
  setlocale(LC_CTYPE, "");
  if (argc < 2) {
    print_usage(stderr);
    return status_exit_code(STATUS_USAGE);
  }
  if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
      strcmp(argv[1], "help") == 0) {
    print_usage(stdout);
    return 0;
  }
  if (strcmp(argv[1], "--version") == 0) {
    printf("continuo %s\n", CONTINUO_VERSION);
    return 0;
  }
  char program[64];
  error err = {0};
  command_context context = {.program = program, .log = {write_log, NULL, LOG_INFO}};
  int words = 0;
  const command *chosen = find_command(argc, argv, &words);
  snprintf(program, sizeof program, "continuo %s", chosen ? chosen->name : argv[1]);
  if (!chosen) {
    error_set(&err, STATUS_USAGE, "no such command (see continuo --help)");
    return report(&context, STATUS_USAGE, &err);
  }
  watch_signals();
  status code = chosen->run(chosen, &context, argc - words, argv + words, &err);
  if (!code) {
    code = flush_output(&err);
  }
  return report(&context, code, &err);
}
