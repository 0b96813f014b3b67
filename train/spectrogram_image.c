// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "train/spectrogram_image.h"

#include "gpu/stft.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define WINDOW 1024
#define LEAST_HOP 128
#define RANGE_DB 100.0f
#define BINS_PER_ROW (WINDOW / 2 / SPECTROGRAM_ROWS)
#define MOST_CLIPS 16

// From black over purple, red and orange to nearly white: lighter all the way, so that it also
// reads in grey.
static const uint8_t anchors[][3] = {{0, 0, 0},     {44, 10, 96},   {140, 24, 104},
                                     {218, 66, 54}, {252, 160, 40}, {255, 252, 220}};
#define N_STRETCHES (int)(sizeof anchors / sizeof *anchors - 1)

static void fill_palette(uint8_t palette[256][3])
{
  for (int i = 0; i < 256; ++i) {
    const int at = i * N_STRETCHES;
    const int j = at / 255 < N_STRETCHES ? at / 255 : N_STRETCHES - 1;
    for (int c = 0; c < 3; ++c) {
      const int rise = anchors[j + 1][c] - anchors[j][c];
      palette[i][c] = (uint8_t)(anchors[j][c] + rise * (at - 255 * j) / 255);
    }
  }
}

/// The loudest of a row's bins, as a byte.
static uint8_t level(const float *bins)
{
  float power = 0.0f;
  for (int i = 0; i < BINS_PER_ROW; ++i) {
    power = fmaxf(power, bins[2 * i] * bins[2 * i] + bins[2 * i + 1] * bins[2 * i + 1]);
  }
  const float db = 10.0f * log10f(power + 1e-12f);
  return (uint8_t)(255.0f * fminf(fmaxf(1.0f + db / RANGE_DB, 0.0f), 1.0f));
}

/// Column x of the clip whose highest row is `top`.
static void draw_column(picture *out, uint8_t *top, int x, const float *spectrum)
{
  for (int row = 0; row < SPECTROGRAM_ROWS; ++row) {
    const float *bins = spectrum + (ptrdiff_t)2 * BINS_PER_ROW * row;
    top[(ptrdiff_t)(SPECTROGRAM_ROWS - 1 - row) * out->width + x] = level(bins);
  }
}

static status draw(picture *out, const float *const *clips, int n_clips, int64_t n_samples,
                   int64_t hop, error *err)
{
  const stft_config config = {
      .window = WINDOW, .n_fft = WINDOW, .hop = hop, .scale = 4.0f / WINDOW}; // a full sine: 1
  stft *transform = NULL;
  const status code = stft_new(&transform, &config, err);
  if (code != STATUS_OK) {
    return code;
  }
  const int64_t n_padded = n_samples + WINDOW; // silence around the clip
  float *padded = calloc((size_t)n_padded, sizeof *padded);
  float *spectrum = malloc((size_t)stft_bins(&config) * 2 * sizeof *spectrum);
  for (int i = 0; padded && spectrum && i < n_clips; ++i) {
    uint8_t *top = out->pixels + (ptrdiff_t)i * (SPECTROGRAM_ROWS + SPECTROGRAM_GAP) * out->width;
    memcpy(padded + WINDOW / 2, clips[i], (size_t)n_samples * sizeof *padded);
    for (int x = 0; x < out->width; ++x) {
      stft_row_forward(transform, spectrum, padded, n_padded, x);
      draw_column(out, top, x, spectrum);
    }
  }
  const bool drawn = padded && spectrum;
  free(spectrum);
  free(padded);
  stft_free(transform);
  return drawn ? STATUS_OK : error_set(err, STATUS_NO_MEMORY, "no memory for a spectrogram");
}

status spectrogram_image(picture *out, const float *const *clips, int n_clips, int64_t n_samples,
                         error *err)
{
  *out = (picture){0};
  if (n_clips < 1 || n_clips > MOST_CLIPS || n_samples < 1 || n_samples > INT32_MAX) {
    return error_set(err, STATUS_USAGE, "a spectrogram of %d clips of %lld samples, expected some",
                     n_clips, (long long)n_samples);
  }
  const int64_t least = (n_samples + SPECTROGRAM_COLUMNS - 2) / (SPECTROGRAM_COLUMNS - 1);
  const int64_t hop = least > LEAST_HOP ? least : LEAST_HOP;
  const int height = n_clips * (SPECTROGRAM_ROWS + SPECTROGRAM_GAP) - SPECTROGRAM_GAP;
  picture made = {.width = (int)(1 + n_samples / hop), .height = height, .coloured = true};
  fill_palette(made.palette);
  made.pixels = malloc((size_t)made.width * (size_t)height);
  if (!made.pixels) {
    return error_set(err, STATUS_NO_MEMORY, "no memory for a spectrogram");
  }
  memset(made.pixels, 255, (size_t)made.width * (size_t)height);
  const status code = draw(&made, clips, n_clips, n_samples, hop, err);
  if (code != STATUS_OK) {
    free(made.pixels);
    return code;
  }
  *out = made;
  return STATUS_OK;
}
