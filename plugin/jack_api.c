// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "plugin/jack_api.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

// The loader expands $LIB to the library folder of the architecture (lib/x86_64-linux-gnu, lib64).
#define PIPEWIRE_LIBRARY "/usr/$LIB/pipewire-0.3/jack/libjack.so.0"

typedef struct api_entry {
  const char *symbol;
  size_t offset;
  bool required;
} api_entry;

#define REQUIRED_ENTRY(name) {"jack_" #name, offsetof(jack_api, name), true},
#define OPTIONAL_ENTRY(name) {"jack_" #name, offsetof(jack_api, name), false},
static const api_entry entries[] = {JACK_API_REQUIRED(REQUIRED_ENTRY)
                                        JACK_API_OPTIONAL(OPTIONAL_ENTRY)};

static status resolve(jack_api *api, const char *library, error *err)
{
  for (size_t i = 0; i < sizeof entries / sizeof *entries; i++) {
    void *symbol = dlsym(api->library, entries[i].symbol);
    if (!symbol && entries[i].required)
      return error_set(err, STATUS_UNSUPPORTED,
                       "%s: not a JACK library that we can use, it lacks %s", library,
                       entries[i].symbol);
    // memcpy, because ISO C has no cast from object to function pointer.
    memcpy((char *)api + entries[i].offset, &symbol, sizeof symbol);
  }
  return STATUS_OK;
}

// PipeWire says "3.0.0.0 (using PipeWire 0.3.65)" where JACK 2 says "1.9.21" and JACK 1 "0.126.0".
static void describe(jack_api *api)
{
  const char *version = api->get_version_string ? api->get_version_string() : "";
  const char *pipewire = strstr(version, "PipeWire");
  api->is_pipewire = pipewire || strstr(api->path, "pipewire");
  if (!api->is_pipewire) {
    snprintf(api->version, sizeof api->version, "JACK%s%s", *version ? " " : "", version);
    return;
  }
  char number[32] = "";
  if (pipewire)
    sscanf(pipewire, "PipeWire %31[0-9.]", number);
  snprintf(api->version, sizeof api->version, "PipeWire's JACK%s%s", *number ? " " : "", number);
}

status jack_api_load(jack_api *api, const char *library, error *err)
{
  memset(api, 0, sizeof *api);
  // Bound at once: a lazily bound call would run the dynamic linker in the audio thread. Never
  // unmapped: threads of the library may outlive the last client by a moment.
  api->library = dlopen(library, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (!api->library)
    return error_set(err, STATUS_NOT_FOUND, "no JACK library: %s", dlerror());
  status st = resolve(api, library, err);
  if (st) {
    jack_api_unload(api);
    return st;
  }
  Dl_info info;
  void *symbol = dlsym(api->library, "jack_client_open");
  const char *path = dladdr(symbol, &info) && info.dli_fname ? info.dli_fname : library;
  snprintf(api->path, sizeof api->path, "%s", path);
  describe(api);
  return STATUS_OK;
}

void jack_api_unload(jack_api *api)
{
  if (api->library)
    dlclose(api->library);
  memset(api, 0, sizeof *api);
}

static bool is_socket(const char *folder, const char *name)
{
  char path[512];
  int length = *name == '/' ? snprintf(path, sizeof path, "%s", name)
                            : snprintf(path, sizeof path, "%s/%s", folder, name);
  struct stat st;
  return length < (int)sizeof path && stat(path, &st) == 0 && S_ISSOCK(st.st_mode);
}

static const char *environment(const char *name)
{
  const char *value = getenv(name);
  return value && *value ? value : NULL;
}

bool jack_pipewire_present(void)
{
  const char *remote = environment("PIPEWIRE_REMOTE");
  const char *folder = environment("PIPEWIRE_RUNTIME_DIR");
  if (!folder)
    folder = environment("XDG_RUNTIME_DIR");
  return is_socket(folder ? folder : "", remote ? remote : "pipewire-0");
}

const char *jack_api_candidate(int index)
{
  if (index == 0)
    return "libjack.so.0";
  return index == 1 && jack_pipewire_present() ? PIPEWIRE_LIBRARY : NULL;
}

const char *jack_status_words(jack_status_t bits, char *text, size_t size)
{
  static const struct {
    jack_status_t bit;
    const char *words;
  } table[] = {
      {JackServerFailed, "no server answers"},
      {JackServerError, "the server refused"},
      {JackInvalidOption, "invalid option"},
      {JackNameNotUnique, "name not unique"},
      {JackServerStarted, "server was started"},
      {JackNoSuchClient, "no such client"},
      {JackLoadFailure, "internal client could not be loaded"},
      {JackInitFailure, "client could not be initialised"},
      {JackShmFailure, "shared memory not accessible (another user's server?)"},
      {JackVersionError, "protocol version of library and server differ"},
      {JackBackendError, "driver error"},
      {JackClientZombie, "client was thrown out"},
  };
  size_t used = 0;
  text[0] = '\0';
  for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
    if (!(bits & table[i].bit) || used >= size)
      continue;
    used += (size_t)snprintf(text + used, size - used, "%s%s", used ? ", " : "", table[i].words);
  }
  if (!used)
    snprintf(text, size, "%s", bits & JackFailure ? "refused" : "no reason given");
  return text;
}
