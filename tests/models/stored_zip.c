// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "tests/models/stored_zip.h"

#include <stdlib.h>
#include <string.h>

static void put_number(uint8_t *at, uint64_t value, int n_bytes)
{
  for (int i = 0; i < n_bytes; ++i) {
    at[i] = (uint8_t)(value >> (8 * i));
  }
}

void stored_zip_init(stored_zip *zip, size_t content_bytes)
{
  *zip = (stored_zip){.capacity = content_bytes + 4096};
  zip->bytes = calloc(zip->capacity, 1);
  if (!zip->bytes) {
    abort();
  }
}

void stored_zip_add(stored_zip *zip, const char *name, const void *data, size_t n_bytes)
{
  const size_t name_bytes = strlen(name);
  uint8_t *local = zip->bytes + zip->n_bytes;
  uint8_t *central = zip->directory + zip->n_directory_bytes;
  if (zip->n_bytes + n_bytes + name_bytes + 30 > zip->capacity - sizeof zip->directory - 22 ||
      zip->n_directory_bytes + name_bytes + 46 > sizeof zip->directory) {
    abort();
  }
  put_number(local, 0x04034b50, 4);
  put_number(local + 18, n_bytes, 4);
  put_number(local + 22, n_bytes, 4);
  put_number(local + 26, name_bytes, 2);
  memcpy(local + 30, name, name_bytes);
  if (n_bytes) {
    memcpy(local + 30 + name_bytes, data, n_bytes);
  }
  put_number(central, 0x02014b50, 4);
  put_number(central + 20, n_bytes, 4);
  put_number(central + 24, n_bytes, 4);
  put_number(central + 28, name_bytes, 2);
  put_number(central + 42, zip->n_bytes, 4);
  memcpy(central + 46, name, name_bytes);
  zip->n_bytes += 30 + name_bytes + n_bytes;
  zip->n_directory_bytes += 46 + name_bytes;
  ++zip->n_entries;
}

void stored_zip_finish(stored_zip *zip)
{
  const size_t start = zip->n_bytes;
  memcpy(zip->bytes + start, zip->directory, zip->n_directory_bytes);
  zip->n_bytes += zip->n_directory_bytes;
  uint8_t *end = zip->bytes + zip->n_bytes;
  put_number(end, 0x06054b50, 4);
  put_number(end + 8, zip->n_entries, 2);
  put_number(end + 10, zip->n_entries, 2);
  put_number(end + 12, zip->n_directory_bytes, 4);
  put_number(end + 16, start, 4);
  zip->n_bytes += 22;
}

void stored_zip_free(stored_zip *zip)
{
  free(zip->bytes);
  *zip = (stored_zip){0};
}
