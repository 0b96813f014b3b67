// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "train/record_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HEAD_BYTES 12 // length and its checksum
#define TAIL_BYTES 4  // checksum of the data

struct record_file {
  int fd;
  char *path;
  off_t end;     // of the last whole record on the disk
  uint8_t *data; // pending records
  size_t used, capacity;
  size_t begun, begun_bytes; // where the last record's data begins, and how much it is
  uint32_t table[256];
};

// ---- checksums ---------------------------------------------------------------------------------

// The polynomial 0x1EDC6F41, lowest bit first.
#define CASTAGNOLI 0x82F63B78u

static void fill_table(uint32_t table[256])
{
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) {
      crc = (crc >> 1) ^ (crc & 1 ? CASTAGNOLI : 0);
    }
    table[i] = crc;
  }
}

static uint32_t crc_by_table(const uint32_t table[256], const uint8_t *data, size_t size_bytes)
{
  uint32_t crc = ~0u;
  for (size_t i = 0; i < size_bytes; ++i) {
    crc = (crc >> 8) ^ table[(crc ^ data[i]) & 0xff];
  }
  return ~crc;
}

uint32_t crc32c(const void *data, size_t size_bytes)
{
  uint32_t table[256];
  fill_table(table);
  return crc_by_table(table, data, size_bytes);
}

/// Masked, so that a checksum over data that holds checksums does not suffer.
static uint32_t masked_crc(const record_file *f, const uint8_t *data, size_t size_bytes)
{
  const uint32_t crc = crc_by_table(f->table, data, size_bytes);
  return ((crc >> 15) | (crc << 17)) + 0xa282ead8u;
}

static void put_little(uint8_t *out, uint64_t value, int n_bytes)
{
  for (int i = 0; i < n_bytes; ++i) {
    out[i] = (uint8_t)(value >> (8 * i));
  }
}

// ---- the file ----------------------------------------------------------------------------------

status record_file_create(record_file **f, const char *path, error *err)
{
  record_file *made = calloc(1, sizeof *made);
  *f = NULL;
  if (made) {
    made->path = strdup(path);
  }
  if (!made || !made->path) {
    free(made);
    return error_set(err, STATUS_NO_MEMORY, "%s: no memory to write it", path);
  }
  made->fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (made->fd < 0) {
    const int cause = errno;
    free(made->path);
    free(made);
    errno = cause;
    return error_set(err, cause == ENOENT || cause == ENOTDIR ? STATUS_NOT_FOUND : STATUS_IO,
                     "%s: %s", path, strerror(cause));
  }
  fill_table(made->table);
  *f = made;
  return STATUS_OK;
}

static bool reserve(record_file *f, size_t size_bytes)
{
  if (size_bytes <= f->capacity) {
    return true;
  }
  size_t capacity = f->capacity ? f->capacity : 4096;
  while (capacity < size_bytes) {
    capacity *= 2;
  }
  uint8_t *data = realloc(f->data, capacity);
  if (!data) {
    return false;
  }
  f->data = data;
  f->capacity = capacity;
  return true;
}

uint8_t *record_file_begin(record_file *f, size_t size_bytes)
{
  if (!reserve(f, f->used + HEAD_BYTES + size_bytes + TAIL_BYTES)) {
    return NULL;
  }
  f->begun = f->used + HEAD_BYTES;
  f->begun_bytes = size_bytes;
  return f->data + f->begun;
}

void record_file_seal(record_file *f)
{
  uint8_t *head = f->data + f->used;
  uint8_t *data = f->data + f->begun;
  put_little(head, f->begun_bytes, 8);
  put_little(head + 8, masked_crc(f, head, 8), 4);
  put_little(data + f->begun_bytes, masked_crc(f, data, f->begun_bytes), 4);
  f->used = f->begun + f->begun_bytes + TAIL_BYTES;
}

size_t record_file_pending(const record_file *f)
{
  return f->used;
}

status record_file_flush(record_file *f, error *err)
{
  size_t written = 0;
  while (written < f->used) {
    const ssize_t n = pwrite(f->fd, f->data + written, f->used - written, f->end + (off_t)written);
    if (n > 0) {
      written += (size_t)n;
    } else if (n == 0 || errno != EINTR) {
      break;
    }
  }
  const int cause = errno;
  const bool whole = written == f->used;
  f->used = 0;
  if (whole) {
    f->end += (off_t)written;
    return STATUS_OK;
  }
  // Half a record would make all that follow it unreadable; if even this fails, the next
  // overwrites.
  (void)!ftruncate(f->fd, f->end);
  return error_set(err, STATUS_IO, "%s: %s", f->path, strerror(cause));
}

void record_file_close(record_file *f)
{
  if (f) {
    close(f->fd);
    free(f->path);
    free(f->data);
    free(f);
  }
}

void record_file_discard(record_file *f)
{
  if (f) {
    unlink(f->path);
    record_file_close(f);
  }
}
