// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "train/clip_list.h"

#include "models/io/audio_file.h"

#include <stdlib.h>

struct clip_reader {
  audio_reader *file; ///< or null, and
  const dataset *set;
  size_t clip;
  uint64_t position, n_samples;
};

// ---- the list -----------------------------------------------------------------------------------

status clip_list_open_set(clip_list *list, const char *folder, bool all, error *err)
{
  *list = (clip_list){0};
  const status code = dataset_open(&list->set, folder, err);
  if (code != STATUS_OK) {
    return code;
  }
  const size_t n = dataset_n_clips(list->set);
  list->rate_hz = dataset_rate_hz(list->set);
  list->places = malloc((n ? n : 1) * sizeof *list->places);
  if (!list->places) {
    return error_set(err, STATUS_NO_MEMORY, "%s: no memory to list its clips", folder);
  }
  for (size_t i = 0; i < n; ++i) {
    if (all || dataset_get_clip(list->set, i)->validation) {
      list->places[list->n_clips++] = i;
    }
  }
  return list->n_clips ? STATUS_OK
                       : error_set(err, STATUS_FORMAT, "%s: no clip was kept aside (%s)", folder,
                                   dataset_rule(list->set));
}

status clip_list_open_folders(clip_list *list, const char *const *folders, int n_folders,
                              uint32_t rate_hz, const log_sink *log, error *err)
{
  *list = (clip_list){.rate_hz = rate_hz};
  const status code = scan_folders(&list->files, folders, n_folders, SCAN_KIND_AUTO, log, err);
  list->n_clips = list->files.n_files;
  return code;
}

void clip_list_close(clip_list *list)
{
  dataset_close(list->set);
  free(list->places);
  scan_free(&list->files);
  *list = (clip_list){0};
}

static const dataset_clip *set_clip_at(const clip_list *list, size_t clip)
{
  return dataset_get_clip(list->set, list->places[clip]);
}

const char *clip_list_path(const clip_list *list, size_t clip)
{
  return list->set ? set_clip_at(list, clip)->path : list->files.files[clip].path;
}

const char *clip_list_kind(const clip_list *list, size_t clip)
{
  return list->set ? dataset_kind_name(list->set, set_clip_at(list, clip)->kind)
                   : list->files.files[clip].kind;
}

const char *clip_list_file(const clip_list *list, size_t clip)
{
  return list->set ? NULL : list->files.files[clip].file;
}

// ---- a clip -------------------------------------------------------------------------------------

status clip_reader_open(clip_reader **out, const clip_list *list, size_t clip, error *err)
{
  *out = NULL;
  clip_reader *r = calloc(1, sizeof *r);
  if (!r) {
    return error_set(err, STATUS_NO_MEMORY, "%s: no memory to read it", clip_list_path(list, clip));
  }
  if (list->set) {
    *r = (clip_reader){.set = list->set,
                       .clip = list->places[clip],
                       .n_samples = set_clip_at(list, clip)->n_samples};
  } else {
    const status code =
        audio_reader_open(&r->file, list->files.files[clip].file, list->rate_hz, 1, err);
    if (code != STATUS_OK) {
      free(r);
      return code;
    }
    const audio_info *info = audio_reader_info(r->file);
    r->n_samples = info->length_known ? info->n_samples : 0;
  }
  *out = r;
  return STATUS_OK;
}

void clip_reader_close(clip_reader *r)
{
  if (r) {
    audio_reader_close(r->file);
    free(r);
  }
}

uint64_t clip_reader_expected(const clip_reader *r)
{
  return r->n_samples;
}

status clip_reader_read(clip_reader *r, float *out, size_t capacity, size_t *n_samples, error *err)
{
  if (r->file) {
    return audio_reader_read(r->file, out, capacity, n_samples, err);
  }
  const uint64_t left = r->n_samples - r->position;
  *n_samples = left < capacity ? (size_t)left : capacity;
  dataset_read(r->set, r->clip, (int64_t)r->position, *n_samples, out);
  r->position += *n_samples;
  return STATUS_OK;
}
