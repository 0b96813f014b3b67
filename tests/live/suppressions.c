// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// What the sound servers' own libraries do is not held against us. The sanitizers ask for these
// functions by name; without them nobody calls these.
#define ASKED_FOR __attribute__((visibility("default")))

ASKED_FOR const char *__lsan_default_suppressions(void);
ASKED_FOR const char *__tsan_default_suppressions(void);

// PipeWire 0.3.65's libjack does not free everything.
const char *__lsan_default_suppressions(void)
{
  return "leak:pipewire-0.3/jack/libjack.so\nleak:libpipewire-0.3.so\nleak:libspa-\n";
}

// JACK keeps its metadata in a Berkeley DB; PipeWire maps buffers in a thread of its own. Not
// "race:libjack.so": our callback is called from there, and a race of ours would be hidden with it.
const char *__tsan_default_suppressions(void)
{
  return "race:libdb-5.3.so\ndeadlock:libdb-5.3.so\nrace:libpipewire-0.3.so\n";
}
