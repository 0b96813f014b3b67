// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static status errno_status(int code)
{
  if (code == ENOENT || code == ENOTDIR) {
    return STATUS_NOT_FOUND;
  }
  return code == ENOMEM ? STATUS_NO_MEMORY : STATUS_IO;
}

status file_map_open(file_map *map, const char *path, error *err)
{
  *map = (file_map){0};
  // Not blocking: a pipe without a writer must be refused, not waited for.
  const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  struct stat info;
  if (fd < 0 || fstat(fd, &info) != 0) {
    const int code = errno;
    if (fd >= 0) {
      close(fd);
    }
    return error_set(err, errno_status(code), "%s: cannot open: %s", path, strerror(code));
  }
  if (!S_ISREG(info.st_mode)) {
    close(fd);
    return error_set(err, STATUS_IO, "%s: not a regular file", path);
  }
  if (info.st_size > 0) {
    void *data = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (data == MAP_FAILED) {
      const int code = errno;
      close(fd);
      return error_set(err, errno_status(code), "%s: cannot map: %s", path, strerror(code));
    }
    map->data = data;
    map->size_bytes = (size_t)info.st_size;
  }
  close(fd);
  return STATUS_OK;
}

void file_map_close(file_map *map)
{
  if (map->data) {
    munmap((void *)map->data, map->size_bytes);
  }
  *map = (file_map){0};
}

static void save_free(file_save *save)
{
  free(save->path);
  free(save->temp);
  *save = (file_save){0};
}

status file_save_open(file_save *save, const char *path, error *err)
{
  *save = (file_save){0};
  struct stat info;
  if (stat(path, &info) == 0 && !S_ISREG(info.st_mode)) { // the rename would replace a device
    return error_set(err, STATUS_IO, "%s: cannot write: not a regular file", path);
  }
  const size_t size = strlen(path) + 48;
  save->path = strdup(path);
  save->temp = malloc(size);
  if (!save->path || !save->temp) {
    save_free(save);
    return error_set(err, STATUS_NO_MEMORY, "%s: no memory to write it", path);
  }
  for (int attempt = 0; attempt < 100 && !save->stream; ++attempt) { // a crash may have left some
    snprintf(save->temp, size, "%s.tmp-%ld-%d", path, (long)getpid(), attempt);
    save->stream = fopen(save->temp, "wbxe");
    if (!save->stream && errno != EEXIST) {
      break;
    }
  }
  if (!save->stream) {
    const int code = errno;
    save_free(save);
    return error_set(err, errno_status(code), "%s: cannot create: %s", path, strerror(code));
  }
  return STATUS_OK;
}

static void sync_folder(const char *path)
{
  char folder[4096];
  const char *slash = strrchr(path, '/');
  const size_t length = slash ? (size_t)(slash - path) : 0;
  if (length >= sizeof folder) {
    return;
  }
  memcpy(folder, path, length);
  folder[length] = '\0';
  const int fd = open(length ? folder : (slash ? "/" : "."), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd >= 0) {
    (void)fsync(fd);
    close(fd);
  }
}

status file_save_commit(file_save *save, error *err)
{
  int code = 0;
  if (fflush(save->stream) != 0 || ferror(save->stream) || fsync(fileno(save->stream)) != 0) {
    code = errno ? errno : EIO;
  }
  if (fclose(save->stream) != 0 && !code) {
    code = errno;
  }
  save->stream = NULL;
  if (!code && rename(save->temp, save->path) != 0) {
    code = errno;
  }
  if (code) {
    error_set(err, STATUS_IO, "%s: cannot write: %s", save->path, strerror(code));
    unlink(save->temp);
    save_free(save);
    return STATUS_IO;
  }
  sync_folder(save->path);
  save_free(save);
  return STATUS_OK;
}

void file_save_abort(file_save *save)
{
  if (save->stream) {
    fclose(save->stream);
    unlink(save->temp);
  }
  save_free(save);
}
