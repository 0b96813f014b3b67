// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// The folder of a training run:
///
///   recipe.ini                       the resolved recipe
///   set.json                         what it is trained on (train/run_set.h)
///   checkpoints/step-00001200.safetensors   the last few
///   checkpoints/best.safetensors     the one with the least validation loss
///   log/                             TensorBoard's files
///
/// recipe.ini is written last: a folder without it is no run, and whatever began there can begin
/// again. One process at a time: the folder is locked while it is open. Main thread only.
#ifndef CONTINUO_TRAIN_RUN_FOLDER_H
#define CONTINUO_TRAIN_RUN_FOLDER_H

#include "base/status.h"

#include <stdbool.h>
#include <stdint.h>

#define RUN_PATH_BYTES 4096

typedef struct run_folder {
  char path[RUN_PATH_BYTES / 2];
  int lock;  ///< file descriptor, -1: not open
  bool made; ///< by this process
} run_folder;

/// Make the folder, or open it (`resume`) to go on; what a killed process left half-written is
/// removed. STATUS_USAGE (there is a run already, or none to go on with; another process trains in
/// it), STATUS_IO.
status run_folder_open(run_folder *f, const char *path, bool resume, error *err);

/// A run that could not begin leaves nothing: remove what opening made and what was written of it,
/// unless there is a recipe.ini. Then close.
void run_folder_forget(run_folder *f);

/// Only look into it, even while another process trains. STATUS_NOT_FOUND (no run there),
/// STATUS_USAGE.
status run_folder_look(run_folder *f, const char *path, error *err);

void run_folder_close(run_folder *f); ///< harmless when never opened but zeroed with lock -1

/// Path of a file in it.
void run_folder_file(const run_folder *f, const char *name, char path[RUN_PATH_BYTES]);
void run_folder_checkpoint(const run_folder *f, int64_t step, char path[RUN_PATH_BYTES]);

/// Steps of the latest checkpoints that are there, latest first; returns how many (at most
/// `capacity`).
int run_folder_list(const run_folder *f, int64_t *steps, int capacity);

/// Remove all checkpoints but the latest `keep`.
void run_folder_prune(const run_folder *f, int64_t keep);

/// Write a text file, whole or not at all. Errors: those of file_save_open and file_save_commit.
status run_folder_write(const run_folder *f, const char *name, const char *text, error *err);

#endif
