// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "engine/control/control.h"

#include <stddef.h>
#include <string.h>

static const struct {
  const char *name, *help;
} actions[N_CONTROL_ACTIONS] = {
    [ACTION_CONTINUE] = {"continue", "go on playing, or stop doing so"},
    [ACTION_AGAIN] = {"again", "once more from the same place with the same seed"},
    [ACTION_AGAIN_NEXT] = {"again_next", "once more from the same place with the next seed"},
    [ACTION_MARK] = {"mark", "remember this moment"},
    [ACTION_RETURN] = {"return", "go back to the marked moment"},
    [ACTION_FORGET] = {"forget", "empty the memory in use"},
    [ACTION_PANIC] = {"panic", "silence at once, effects off, listen"},
    [ACTION_TAP] = {"tap", "one beat of the tempo"},
};

const char *control_action_name(control_action action)
{
  return (int)action >= 0 && action < N_CONTROL_ACTIONS ? actions[action].name : NULL;
}

const char *control_action_help(control_action action)
{
  return (int)action >= 0 && action < N_CONTROL_ACTIONS ? actions[action].help : NULL;
}

int control_action_find(const char *name)
{
  for (int i = 0; i < N_CONTROL_ACTIONS; ++i) {
    if (strcmp(actions[i].name, name) == 0) {
      return i;
    }
  }
  return -1;
}
