// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// An input is an index, a byte 0 and a shard. It is opened as it is, then with its checksums put
/// right; whatever opens can be read anywhere within its bounds.
#include "tests/fuzz/fuzz.h"

#include "base/sha256.h"
#include "train/dataset.h"
#include "train/set_format.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64];

static void remove_folder(void)
{
  char path[128];
  snprintf(path, sizeof path, "%s/%s", folder, SET_INDEX_NAME);
  unlink(path);
  snprintf(path, sizeof path, "%s/audio-000.shard", folder);
  unlink(path);
  rmdir(folder);
}

static void write_file(const char *name, const uint8_t *data, size_t size)
{
  char path[128];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  fuzz_require(fd >= 0 && write(fd, data, size) == (ssize_t)size && close(fd) == 0);
}

static void read_everywhere(const dataset *d)
{
  float x[32];
  for (size_t i = 0; i < dataset_n_clips(d) && i < 64; ++i) {
    const dataset_clip *c = dataset_get_clip(d, i);
    fuzz_require(c->n_samples > 0 && c->kind < dataset_n_kinds(d) && c->path[0] != '\n');
    fuzz_require(strlen(dataset_kind_name(d, c->kind)) < SET_MAX_LINE_BYTES);
    const int64_t n = (int64_t)c->n_samples;
    const int64_t starts[] = {-16, 0, n / 2, n - 16, n, INT64_MAX, INT64_MIN};
    for (size_t s = 0; s < sizeof starts / sizeof *starts; ++s) {
      dataset_read(d, i, starts[s], 32, x);
      for (int k = 0; k < 32; ++k) {
        fuzz_require(x[k] >= -1.0f && x[k] < 1.0f);
      }
    }
    fuzz_require(dataset_energy(d, i, 0, (size_t)c->n_samples) >= 0.0);
  }
}

static void try_open(const uint8_t *index, size_t index_size, const uint8_t *shard,
                     size_t shard_size)
{
  write_file(SET_INDEX_NAME, index, index_size);
  write_file("audio-000.shard", shard, shard_size);
  dataset *d = NULL;
  error err = {0};
  if (dataset_open(&d, folder, &err)) {
    fuzz_require(!d && err.message[0]);
    return;
  }
  read_everywhere(d);
  (void)dataset_verify(d, &err);
  dataset_close(d);
}

// Write the digest over the 64 characters after the last `"sha256":"` before `end`.
static void put_hex(uint8_t *from, const uint8_t *end, const char *hex)
{
  static const char key[] = "\"sha256\":\"";
  uint8_t *place = NULL;
  for (uint8_t *p = from; p + sizeof key - 1 + 64 <= end; ++p) {
    if (memcmp(p, key, sizeof key - 1) == 0) {
      place = p + sizeof key - 1;
    }
  }
  if (place) {
    memcpy(place, hex, 64);
  }
}

static void put_checksum_right(uint8_t *index, size_t size)
{
  uint8_t *end = memchr(index, '\n', size);
  if (end) {
    char hex[SHA256_HEX_BYTES];
    sha256 h;
    sha256_init(&h);
    sha256_update(&h, end + 1, size - (size_t)(end + 1 - index));
    sha256_final_hex(&h, hex);
    put_hex(index, end, hex);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  if (!folder[0]) {
    strcpy(folder, access("/dev/shm", W_OK) == 0 ? "/dev/shm/fuzz-XXXXXX" : "/tmp/fuzz-XXXXXX");
    fuzz_require(mkdtemp(folder));
    atexit(remove_folder);
  }
  const uint8_t *zero = size ? memchr(data, 0, size) : NULL;
  const size_t index_size = zero ? (size_t)(zero - data) : size;
  const uint8_t *shard = zero ? zero + 1 : data + size;
  const size_t shard_size = zero ? size - index_size - 1 : 0;
  try_open(data, index_size, shard, shard_size);
  uint8_t *copy = malloc(index_size + 1);
  fuzz_require(copy);
  if (index_size) {
    memcpy(copy, data, index_size);
    put_checksum_right(copy, index_size);
  }
  try_open(copy, index_size, shard, shard_size);
  free(copy);
  return 0;
}
