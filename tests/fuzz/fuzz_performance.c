// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// The first byte says which file of a performance the rest is; the other two are good ones.
/// Whatever is read has controls that exist, in the order of their positions, and as many codes as
/// it says.
#include "tests/fuzz/fuzz.h"

#include "base/safetensors.h"
#include "engine/control/control.h"
#include "engine/control/parameters.h"
#include "engine/keep/performance.h"

#include <string.h>

static const char good_head[] =
    "{\"format\":1,\"codec\":\"c\",\"codec_path\":\"\",\"codec_sha256\":\"\",\"model\":\"none\","
    "\"kernels\":\"cpu\",\"storage\":\"f16\",\"corpus\":\"\",\"n_codebooks\":2,"
    "\"codebook_size\":16,\"n_channels\":1,\"codec_rate_hz\":24000,\"hop_samples\":480,"
    "\"host_rate_hz\":48000,\"block_samples\":256,\"slack_samples\":0,\"end_rate_hz\":48000,"
    "\"fade_ms\":0,\"fallback\":0,\"output_stage\":true,\"begin_samples\":0,"
    "\"end_samples\":960,\"input_begin_samples\":0}";

static const char good_controls[] =
    "{\"at\":0,\"kind\":\"timeline\",\"name\":\"\",\"value\":0,\"more\":0,\"block\":0}\n"
    "{\"at\":7,\"kind\":\"set\",\"name\":\"level\",\"value\":-3,\"more\":0,\"block\":0}\n";

// One step: header, then f64, i32 x 2, f32, u32.
static size_t good_steps(uint8_t to[640])
{
  static const char header[] =
      "{\"mean_square\":{\"dtype\":\"F64\",\"shape\":[1],\"data_offsets\":[0,8]},"
      "\"codes\":{\"dtype\":\"I32\",\"shape\":[1,2],\"data_offsets\":[8,16]},"
      "\"peak\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[16,20]},"
      "\"timeline\":{\"dtype\":\"U32\",\"shape\":[1],\"data_offsets\":[20,24]},"
      "\"fed_back\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[24,25]}}";
  const uint64_t n = sizeof header - 1;
  memset(to, 0, 640);
  for (int i = 0; i < 8; ++i) {
    to[i] = (uint8_t)(n >> (8 * i));
  }
  memcpy(to + 8, header, n);
  return 8 + (size_t)n + 25;
}

static void check(const performance *p)
{
  for (size_t i = 0; i < p->n_entries; ++i) {
    const keep_entry *e = &p->entries[i];
    fuzz_require(e->kind < N_KEEP_KINDS);
    fuzz_require(i == 0 || e->position_samples >= e[-1].position_samples);
    fuzz_require(e->kind != KEEP_SET || parameter_get((int)e->id));
    fuzz_require(e->kind != KEEP_ACTION || e->id < N_CONTROL_ACTIONS);
  }
  int64_t sum = 0;
  for (size_t i = 0; i < p->n_steps * p->head.n_codebooks; ++i) {
    sum += p->codes[i];
  }
  fuzz_require(sum <= INT64_MAX / 2);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  uint8_t steps[640];
  performance p;
  error err = {0};
  performance_files files = {.source = "input",
                             .head = good_head,
                             .head_bytes = sizeof good_head - 1,
                             .controls = good_controls,
                             .controls_bytes = sizeof good_controls - 1,
                             .steps = steps,
                             .steps_bytes = good_steps(steps)};
  if (size == 0) {
    fuzz_require(performance_parse(&p, &files, &err) == STATUS_OK && p.n_steps == 1);
    performance_free(&p);
    return 0;
  }
  const void **parts[] = {&files.head, &files.controls, &files.steps};
  size_t *sizes[] = {&files.head_bytes, &files.controls_bytes, &files.steps_bytes};
  *parts[data[0] % 3] = data + 1;
  *sizes[data[0] % 3] = size - 1;
  if (performance_parse(&p, &files, &err)) {
    fuzz_require(err.message[0] && !p.entries && !p.codes && !p.steps);
    return 0;
  }
  check(&p);
  performance_free(&p);
  return 0;
}
