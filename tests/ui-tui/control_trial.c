// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// control_trial NAME: an instance without sound, for test_control.sh: it serves its control socket
/// until it is killed, and prints every action and what the program itself is asked for.
#include "plugin/control_socket.h"
#include "tests/plugin/trial_sink.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static trial_sink kept;
static control_sink keeper;

static bool send_and_print(void *user, const control *batch, size_t n)
{
  const bool taken = keeper.send(user, batch, n);
  for (size_t i = 0; i < n && taken; ++i) {
    if (batch[i].kind == CONTROL_ACTION) {
      printf("do %s\n", control_action_name((control_action)batch[i].id));
    }
  }
  return taken;
}

static status keep(void *user, const char *folder, error *err)
{
  (void)user;
  printf("keep %s\n", folder ? folder : "");
  return folder && strstr(folder, "full") ? error_set(err, STATUS_IO, "%s: no space", folder)
                                          : STATUS_OK;
}

static status preset(void *user, const char *name, error *err)
{
  (void)user;
  printf("preset %s\n", name);
  return strcmp(name, "None") == 0 ? error_set(err, STATUS_NOT_FOUND, "no preset called %s", name)
                                   : STATUS_OK;
}

static status learn(void *user, int id, error *err)
{
  (void)user, (void)err;
  printf("learn %s\n", id < 0 ? "" : parameter_get(id)->key);
  return STATUS_OK;
}

int main(int argc, char **argv)
{
  keeper = trial_sink_init(&kept);
  const control_socket_config config = {
      .name = argc > 1 ? argv[1] : "continuo",
      .sink = {send_and_print, keeper.value, keeper.user},
      .host = {.keep = keep, .preset = preset, .learn = learn},
  };
  control_socket *s = NULL;
  error err = {STATUS_OK, ""};
  if (control_socket_open(&s, &config, &err)) {
    fprintf(stderr, "%s\n", err.message);
    return 1;
  }
  setvbuf(stdout, NULL, _IOLBF, 0);
  printf("serving %s\n", control_socket_name(s));
  for (;;) {
    const struct timespec pause = {0, 2000000};
    nanosleep(&pause, NULL);
    control_socket_poll(s);
  }
}
