// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "models/io/zip_file.h"

#include <stdlib.h>
#include <string.h>

enum {
  LOCAL_BYTES = 30,     // local file header without name and extra field
  CENTRAL_BYTES = 46,   // central directory header without name, extra field and comment
  END_BYTES = 22,       // end of central directory without comment
  END64_BYTES = 56,     // zip64 end of central directory
  LOCATOR64_BYTES = 20, // zip64 end of central directory locator
  MAX_COMMENT_BYTES = 65535,
};

#define LOCAL_MAGIC 0x04034b50u
#define CENTRAL_MAGIC 0x02014b50u
#define END_MAGIC 0x06054b50u
#define END64_MAGIC 0x06064b50u
#define LOCATOR64_MAGIC 0x07064b50u
#define MAX_ENTRIES 1000000u

typedef struct reader {
  const uint8_t *data;
  size_t size_bytes;
  const char *source;
  error *err;
} reader;

typedef struct directory {
  uint64_t offset;
  uint64_t size_bytes;
  uint64_t n_entries;
} directory;

static uint16_t u16(const uint8_t *at)
{
  return (uint16_t)(at[0] | at[1] << 8);
}

static uint32_t u32(const uint8_t *at)
{
  return u16(at) | (uint32_t)u16(at + 2) << 16;
}

static uint64_t u64(const uint8_t *at)
{
  return u32(at) | (uint64_t)u32(at + 4) << 32;
}

static status bad(const reader *r, const char *what)
{
  return error_set(r->err, STATUS_FORMAT, "%s: zip archive: %s", r->source, what);
}

// Whether [offset, offset + size) lies in the archive.
static bool inside(const reader *r, uint64_t offset, uint64_t size)
{
  return offset <= r->size_bytes && size <= r->size_bytes - offset;
}

// Offset of the end record: the last one whose comment reaches exactly to the end. SIZE_MAX: none.
static size_t find_end(const uint8_t *data, size_t size_bytes)
{
  const size_t most = END_BYTES + MAX_COMMENT_BYTES;
  const size_t furthest = size_bytes < most ? size_bytes : most;
  for (size_t back = END_BYTES; back <= furthest; ++back) {
    const uint8_t *at = data + size_bytes - back;
    if (u32(at) == END_MAGIC && u16(at + 20) == back - END_BYTES) {
      return size_bytes - back;
    }
  }
  return SIZE_MAX;
}

bool zip_file_detect(const uint8_t *data, size_t size_bytes)
{
  return find_end(data, size_bytes) != SIZE_MAX;
}

static status read_end64(const reader *r, size_t end, directory *dir)
{
  if (end < LOCATOR64_BYTES || u32(r->data + end - LOCATOR64_BYTES) != LOCATOR64_MAGIC) {
    return STATUS_OK; // no zip64 archive
  }
  const uint64_t offset = u64(r->data + end - LOCATOR64_BYTES + 8);
  if (!inside(r, offset, END64_BYTES) || u32(r->data + offset) != END64_MAGIC) {
    return bad(r, "bad zip64 end record");
  }
  const uint8_t *at = r->data + offset;
  *dir = (directory){.n_entries = u64(at + 32), .size_bytes = u64(at + 40), .offset = u64(at + 48)};
  return STATUS_OK;
}

static status read_end(const reader *r, directory *dir)
{
  const size_t end = find_end(r->data, r->size_bytes);
  if (end == SIZE_MAX) {
    return bad(r, "its end is missing (truncated?)");
  }
  const uint8_t *at = r->data + end;
  *dir = (directory){.n_entries = u16(at + 10), .size_bytes = u32(at + 12), .offset = u32(at + 16)};
  if (u16(at + 4) != 0 && u16(at + 4) != 0xffff) {
    return error_set(r->err, STATUS_UNSUPPORTED, "%s: a zip archive in several files", r->source);
  }
  const status s = read_end64(r, end, dir);
  if (s) {
    return s;
  }
  if (!inside(r, dir->offset, dir->size_bytes) || dir->n_entries > MAX_ENTRIES ||
      dir->n_entries > dir->size_bytes / CENTRAL_BYTES) {
    return bad(r, "its directory does not fit the file");
  }
  return STATUS_OK;
}

// A field that is all ones stands in the zip64 extra field instead, in this order.
static status read_extra64(const reader *r, const uint8_t *extra, size_t extra_bytes,
                           uint64_t *fields[3])
{
  while (extra_bytes >= 4) {
    const size_t n = u16(extra + 2);
    if (n > extra_bytes - 4) {
      break;
    }
    if (u16(extra) == 1) {
      const uint8_t *at = extra + 4;
      const uint8_t *end = at + n;
      for (int i = 0; i < 3; ++i) {
        if (*fields[i] == 0xffffffffu) {
          if (end - at < 8) {
            return bad(r, "bad zip64 field");
          }
          *fields[i] = u64(at);
          at += 8;
        }
      }
      return STATUS_OK;
    }
    extra += 4 + n;
    extra_bytes -= 4 + n;
  }
  return STATUS_OK;
}

// Where an entry's bytes begin: after its local header, whose lengths may differ.
static status read_local(const reader *r, uint64_t offset, zip_entry *entry)
{
  if (!inside(r, offset, LOCAL_BYTES) || u32(r->data + offset) != LOCAL_MAGIC) {
    return bad(r, "an entry's header is missing");
  }
  const uint8_t *at = r->data + offset;
  const uint64_t skip = (uint64_t)LOCAL_BYTES + u16(at + 26) + u16(at + 28);
  if (!inside(r, offset, skip) || u16(at + 26) != entry->name_bytes ||
      memcmp(at + LOCAL_BYTES, entry->name, entry->name_bytes) != 0) {
    return bad(r, "an entry's two headers do not agree");
  }
  if (!inside(r, offset + skip, entry->size_bytes)) {
    return bad(r, "an entry reaches past the end");
  }
  entry->data = at + skip;
  return STATUS_OK;
}

static status read_central(const reader *r, const uint8_t *at, size_t left, zip_entry *entry,
                           size_t *taken)
{
  if (left < CENTRAL_BYTES || u32(at) != CENTRAL_MAGIC) {
    return bad(r, "its directory is damaged");
  }
  const size_t name_bytes = u16(at + 28);
  const size_t extra_bytes = u16(at + 30);
  *taken = CENTRAL_BYTES + name_bytes + extra_bytes + u16(at + 32);
  if (*taken > left) {
    return bad(r, "its directory is damaged");
  }
  *entry = (zip_entry){
      .name = (const char *)at + CENTRAL_BYTES, .name_bytes = name_bytes, .crc32 = u32(at + 16)};
  uint64_t size = u32(at + 24);
  uint64_t packed = u32(at + 20);
  uint64_t offset = u32(at + 42);
  uint64_t *fields[3] = {&size, &packed, &offset};
  const status s = read_extra64(r, at + CENTRAL_BYTES + name_bytes, extra_bytes, fields);
  if (s) {
    return s;
  }
  if ((u16(at + 8) & 1) != 0 || u16(at + 10) != 0) {
    return error_set(r->err, STATUS_UNSUPPORTED, "%s: zip archive: entry \"%.*s\" is %s", r->source,
                     (int)(name_bytes < 100 ? name_bytes : 100), entry->name,
                     u16(at + 10) != 0 ? "compressed" : "encrypted");
  }
  if (size != packed || size > r->size_bytes) {
    return bad(r, "an entry's size is wrong");
  }
  entry->size_bytes = (size_t)size;
  return read_local(r, offset, entry);
}

static status read_entries(const reader *r, const directory *dir, zip_file *zip)
{
  const uint8_t *at = r->data + dir->offset;
  size_t left = (size_t)dir->size_bytes;
  for (size_t i = 0; i < zip->n_entries; ++i) {
    size_t taken = 0;
    const status s = read_central(r, at, left, &zip->entries[i], &taken);
    if (s) {
      return s;
    }
    at += taken;
    left -= taken;
  }
  return STATUS_OK;
}

static void make_crc_table(uint32_t table[256])
{
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t c = i;
    for (int bit = 0; bit < 8; ++bit) {
      c = c & 1 ? c >> 1 ^ 0xedb88320u : c >> 1;
    }
    table[i] = c;
  }
}

status zip_file_read(zip_file *zip, const uint8_t *data, size_t size_bytes, const char *source,
                     error *err)
{
  *zip = (zip_file){0};
  const reader r = {data, size_bytes, source, err};
  directory dir = {0};
  status s = read_end(&r, &dir);
  if (s) {
    return s;
  }
  zip->n_entries = (size_t)dir.n_entries;
  zip->entries = calloc(zip->n_entries ? zip->n_entries : 1, sizeof *zip->entries);
  if (!zip->entries) {
    return error_set(err, STATUS_NO_MEMORY, "%s: no memory for its directory", source);
  }
  make_crc_table(zip->crc_table);
  s = read_entries(&r, &dir, zip);
  if (s) {
    zip_file_close(zip);
  }
  return s;
}

void zip_file_close(zip_file *zip)
{
  free(zip->entries);
  *zip = (zip_file){0};
}

const zip_entry *zip_file_find(const zip_file *zip, const char *name, size_t name_bytes)
{
  for (size_t i = 0; i < zip->n_entries; ++i) {
    const zip_entry *entry = &zip->entries[i];
    if (entry->name_bytes == name_bytes && memcmp(entry->name, name, name_bytes) == 0) {
      return entry;
    }
  }
  return NULL;
}

bool zip_entry_intact(const zip_file *zip, const zip_entry *entry)
{
  uint32_t crc = 0xffffffffu;
  for (size_t i = 0; i < entry->size_bytes; ++i) {
    crc = crc >> 8 ^ zip->crc_table[(crc ^ entry->data[i]) & 0xff];
  }
  return (crc ^ 0xffffffffu) == entry->crc32;
}
