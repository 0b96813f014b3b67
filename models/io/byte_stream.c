// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "models/io/byte_stream.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_standard(const char *path)
{
  return strcmp(path, "-") == 0;
}

static status open_failed(const char *name, const char *what, int code, error *err)
{
  status s = STATUS_IO;
  if (code == ENOENT || code == ENOTDIR) {
    s = STATUS_NOT_FOUND;
  } else if (code == ENOMEM) {
    s = STATUS_NO_MEMORY;
  }
  return error_set(err, s, "%s: cannot %s: %s", name, what, strerror(code));
}

status byte_source_open(byte_source *s, const char *path, error *err)
{
  *s = (byte_source){.fd = -1};
  s->name = strdup(is_standard(path) ? "standard input" : path);
  if (!s->name) {
    return error_set(err, STATUS_NO_MEMORY, "%s: no memory to read it", path);
  }
  s->fd = is_standard(path) ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)
                            : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
  struct stat info;
  if (s->fd < 0 || fstat(s->fd, &info) != 0) {
    const status code = open_failed(s->name, "open", errno, err);
    byte_source_close(s);
    return code;
  }
  if (S_ISDIR(info.st_mode)) {
    error_set(err, STATUS_IO, "%s: is a folder, not a file", s->name);
    byte_source_close(s);
    return STATUS_IO;
  }
  return STATUS_OK;
}

void byte_source_close(byte_source *s)
{
  if (s->fd >= 0) {
    close(s->fd);
  }
  free(s->name);
  *s = (byte_source){.fd = -1};
}

// One read into what is left of `data`; `*ended` at the present end.
static status read_once(byte_source *s, uint8_t *data, size_t size_bytes, size_t *n_read,
                        bool *ended, error *err)
{
  ssize_t n = 0;
  do {
    n = read(s->fd, data + *n_read, size_bytes - *n_read);
  } while (n < 0 && errno == EINTR);
  if (n < 0) {
    return error_set(err, STATUS_IO, "%s: cannot read: %s", s->name, strerror(errno));
  }
  *n_read += (size_t)n;
  *ended = n == 0;
  return STATUS_OK;
}

static status read_all(byte_source *s, uint8_t *data, size_t size_bytes, size_t *n_read, error *err)
{
  bool ended = false;
  while (*n_read < size_bytes && !ended) {
    const status code = read_once(s, data, size_bytes, n_read, &ended, err);
    if (code != STATUS_OK) {
      return code;
    }
  }
  return STATUS_OK;
}

static size_t take_peeked(byte_source *s, void *data, size_t size_bytes)
{
  const size_t left = s->n_peeked - s->n_taken;
  const size_t n = left < size_bytes ? left : size_bytes;
  if (n) {
    memcpy(data, s->peeked + s->n_taken, n);
    s->n_taken += n;
  }
  return n;
}

status byte_source_read(byte_source *s, void *data, size_t size_bytes, size_t *n_read, error *err)
{
  *n_read = take_peeked(s, data, size_bytes);
  return read_all(s, data, size_bytes, n_read, err);
}

status byte_source_read_some(byte_source *s, void *data, size_t size_bytes, size_t *n_read,
                             error *err)
{
  bool ended = false;
  *n_read = take_peeked(s, data, size_bytes);
  if (*n_read || !size_bytes) {
    return STATUS_OK;
  }
  return read_once(s, data, size_bytes, n_read, &ended, err);
}

status byte_source_peek(byte_source *s, const uint8_t **data, size_t *n_peeked, error *err)
{
  const status code = read_all(s, s->peeked, sizeof s->peeked, &s->n_peeked, err);
  *data = s->peeked;
  *n_peeked = s->n_peeked;
  return code;
}

size_t byte_source_look(const byte_source *s, void *data, size_t size_bytes)
{
  int copy[2];
  ssize_t n = -1;
  if (pipe2(copy, O_CLOEXEC) != 0) {
    return 0;
  }
  if (tee(s->fd, copy[1], size_bytes, 0) > 0) {
    n = read(copy[0], data, size_bytes);
  }
  close(copy[0]);
  close(copy[1]);
  return n > 0 ? (size_t)n : 0;
}

static status copy_all(byte_source *s, FILE *to, error *err)
{
  uint8_t block[65536];
  size_t n = 0;
  do {
    const status code = byte_source_read(s, block, sizeof block, &n, err);
    if (code != STATUS_OK) {
      return code;
    }
    errno = 0;
    if (fwrite(block, 1, n, to) != n) {
      return error_set(err, STATUS_IO, "%s: cannot write a temporary copy: %s", s->name,
                       strerror(errno ? errno : EIO));
    }
  } while (n == sizeof block);
  errno = 0;
  return fflush(to) == 0 ? STATUS_OK
                         : error_set(err, STATUS_IO, "%s: cannot write a temporary copy: %s",
                                     s->name, strerror(errno ? errno : EIO));
}

status byte_source_spool(byte_source *s, error *err)
{
  FILE *to = tmpfile();
  if (!to) {
    return error_set(err, STATUS_IO, "%s: cannot make a temporary copy: %s", s->name,
                     strerror(errno));
  }
  status code = copy_all(s, to, err);
  if (code == STATUS_OK) {
    const int fd = fcntl(fileno(to), F_DUPFD_CLOEXEC, 3);
    if (fd >= 0 && lseek(fd, 0, SEEK_SET) == 0) {
      close(s->fd);
      s->fd = fd;
    } else {
      code = error_set(err, STATUS_IO, "%s: cannot read a temporary copy: %s", s->name,
                       strerror(errno));
      if (fd >= 0) {
        close(fd);
      }
    }
  }
  fclose(to);
  return code;
}

// A device or pipe must not be replaced by a file of its name.
bool byte_sink_is_direct(const char *path)
{
  struct stat info;
  return is_standard(path) ||
         (stat(path, &info) == 0 && !S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode));
}

static FILE *open_standard_output(void)
{
  const int fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
  FILE *stream = fd < 0 ? NULL : fdopen(fd, "wb");
  if (fd >= 0 && !stream) {
    close(fd);
  }
  return stream;
}

status byte_sink_open(byte_sink *s, const char *path, bool growing, error *err)
{
  *s = (byte_sink){0};
  s->name = strdup(is_standard(path) ? "standard output" : path);
  if (!s->name) {
    return error_set(err, STATUS_NO_MEMORY, "%s: no memory to write it", path);
  }
  status code = STATUS_OK;
  s->direct = growing || byte_sink_is_direct(path);
  if (s->direct) {
    s->stream = is_standard(path) ? open_standard_output() : fopen(path, "wbe");
    code = s->stream ? STATUS_OK : open_failed(s->name, "create", errno, err);
  } else {
    code = file_save_open(&s->save, path, err);
    s->stream = s->save.stream;
  }
  if (code != STATUS_OK) {
    free(s->name);
    *s = (byte_sink){0};
  }
  return code;
}

static status commit_direct(byte_sink *s, error *err)
{
  int code = 0;
  if (fflush(s->stream) != 0 || ferror(s->stream)) {
    code = errno ? errno : EIO;
  } else if (fsync(fileno(s->stream)) != 0 && errno != EINVAL && errno != EROFS) {
    code = errno; // EINVAL and EROFS: a pipe or a device
  }
  if (fclose(s->stream) != 0 && !code) {
    code = errno;
  }
  return code ? error_set(err, STATUS_IO, "%s: cannot write: %s", s->name, strerror(code))
              : STATUS_OK;
}

status byte_sink_commit(byte_sink *s, error *err)
{
  const status code = s->direct ? commit_direct(s, err) : file_save_commit(&s->save, err);
  free(s->name);
  *s = (byte_sink){0};
  return code;
}

void byte_sink_abort(byte_sink *s)
{
  if (!s->stream) {
    return;
  }
  if (s->direct) {
    fclose(s->stream);
  } else {
    file_save_abort(&s->save);
  }
  free(s->name);
  *s = (byte_sink){0};
}
