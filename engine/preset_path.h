// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// Where presets lie. Three layers:
///
///   factory  continuo/presets in each of $XDG_DATA_DIRS, then presets of the source tree that the
///            program was built in
///   user     $XDG_DATA_HOME/continuo/presets. Data and not configuration: a preset is something
///            that was made, is mailed and backed up, and the specification lets $XDG_DATA_HOME
///            come before just those folders that hold the factory's
///   session  $XDG_STATE_HOME/continuo/last: what an instance played last, saved by itself
///
/// A preset is called by its file's name without ".ini"; the user's hides the factory's of the same
/// name. Any thread but the audio thread, while none changes the environment.
#ifndef CONTINUO_ENGINE_PRESET_PATH_H
#define CONTINUO_ENGINE_PRESET_PATH_H

#include "base/data_folder.h"
#include "engine/preset.h"

#define PRESET_ENDING ".ini"
#define PRESET_NAME_BYTES 101 ///< longest name with its NUL

typedef enum preset_layer { PRESET_FACTORY, PRESET_USER, PRESET_SESSION } preset_layer;
const char *preset_layer_name(preset_layer layer); ///< "factory", "user", "session"

/// Whether a preset may be called so: no slash, no colon, no dot in front, not "last", without
/// ".ini" behind it, printable UTF-8 of at most PRESET_NAME_BYTES - 1 bytes.
bool preset_is_name(const char *name);

/// Save under the user's presets as `name`, or as the last of the instance `name` (any text; what
/// no file may be called is replaced); makes the folders. Where it lies comes back in `path`.
/// STATUS_USAGE: no such name, a layer that is not written to; else as preset_save.
status preset_store(const preset *p, preset_layer layer, const char *name, char path[PATH_BYTES],
                    error *err);

/// The file that `name` means: a path when it has a slash or the ending; the session layer's for
/// "last" (instance continuo) and "last:INSTANCE"; else the user's, else the factory's.
/// STATUS_NOT_FOUND says what to do.
status preset_find(const char *name, char path[PATH_BYTES], error *err);

typedef struct preset_entry {
  preset_layer layer;
  bool hides;                       ///< the user's, in place of a factory preset
  char name[PRESET_NAME_BYTES + 8]; ///< that preset_find takes
  char path[PATH_BYTES];
} preset_entry;

/// Entry i below n_numbered is preset i + 1, what MIDI calls program i % 128 of bank i / 128: the
/// factory's by name, byte by byte, then the user's own, so that a new preset of the user's leaves
/// the factory's numbers alone. After them the session layer.
typedef struct preset_list {
  preset_entry *entries;
  int n, n_numbered;
} preset_list;

/// What is there now; names only, no file is read. A folder that is not there holds nothing.
/// STATUS_NO_MEMORY.
status preset_list_read(preset_list *list, error *err);
void preset_list_free(preset_list *list);

/// The name and file of what a MIDI program change asks for: `bank` 0 to 16383, `program` 0 to 127.
/// STATUS_NOT_FOUND says how many there are; STATUS_NO_MEMORY.
status preset_find_program(int bank, int program, preset_entry *found, error *err);

#endif
