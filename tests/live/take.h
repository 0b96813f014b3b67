// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// A recorded take (tap_file.h), and its comparison with the offline result.
#ifndef CONTINUO_TESTS_LIVE_TAKE_H
#define CONTINUO_TESTS_LIVE_TAKE_H

#include "models/codec.h"
#include "tests/live/host_log.h"
#include "tests/live/tap_file.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct take {
  tap_header header;
  tap_cycle *cycles;
  uint32_t *xruns;              ///< [header.n_xruns] JACK times
  float *samples[TAP_CHANNELS]; ///< [header.n_samples] each
} take;

bool take_load(take *t, const char *path); ///< prints what is wrong
void take_free(take *t);

/// What one timeline of the session was, seen from inside and outside. Samples are interleaved and
/// counted as the session counts them: in the order received, from its sample 0 on.
typedef struct take_part {
  uint32_t n_channels;
  bool mixed;
  uint64_t n_samples;
  float *received; ///< [n_samples, n_channels] what the session was given (host_log.h)
  float *sent;     ///< the same as the recorder heard it
  float *got;      ///< what the recorder heard of the session's output
  float *expected; ///< the offline result over `received`; after take_render
  uint8_t *heard;  ///< [n_samples] 1: in a cycle that recorder and session both had, at one time
  float peak_sent, peak_got; ///< so that silence is not taken for equality
} take_part;

/// Lay the recording beside the log, from sample time `from` on. Cycles that only one of the two
/// had, and those next to a jump of either's clock, are listed and count as not heard: there the
/// server passed somebody over, and what it then hands out is not defined. Those before everything
/// was connected (host_log_wired) are not heard either. `mixed`: the one channel that the session
/// received should be the mean of the two that were sent. `asynchronous`: what is near an xrun is
/// not heard.
bool take_align(take_part *part, const take *t, const host_log *log, uint64_t from, bool mixed,
                bool asynchronous);
void take_part_free(take_part *part);

/// Run the codec offline over part->received. False, and a printed sentence, when that failed.
bool take_render(take_part *part, uint32_t rate_hz, codec *model);

/// Output samples [from, to) of a part are expected to be the offline result, latency_samples
/// later.
typedef struct take_stretch {
  uint64_t from, to;
  uint32_t latency_samples;
} take_stretch;

typedef struct take_verdict {
  uint64_t n_compared, n_different; ///< samples, of all channels together
  uint64_t first_different;         ///< sample of the part
  uint64_t n_sent_different;        ///< received otherwise than the recorder heard it
  uint64_t first_sent_different;    ///< sample of the part
  uint64_t n_left_out;              ///< samples of the part in no stretch, or not heard
} take_verdict;

/// Compare bit for bit within the stretches, as far as it was heard.
void take_compare(take_verdict *v, const take_part *part, const take_stretch *stretches,
                  int n_stretches);

/// The sample that is due at output sample `at`: zero before the latency is over.
float take_due(const take_part *part, uint64_t at, uint32_t channel, uint32_t latency_samples);

#endif
