#!/bin/bash
# SPDX-FileCopyrightText: 2026 The continuo authors
# SPDX-License-Identifier: MIT

# test_bench.sh BIN: continuo-train bench codec says what a small recipe does, and leaves nothing.
# shellcheck source=tests/command_checks.sh
. "$(dirname "$0")/../command_checks.sh"
train=$bin/continuo-train
mkdir tmp
export TMPDIR=$work/tmp

bench() {
  "$train" bench codec -s 0.05 "$@" encoder.width=4 decoder.width=4 codec.n_codebooks=2 \
    data.crop_samples=1920 loss.mel_windows=256 discriminator.stft_windows=256 \
    discriminator.stft_channels=2
}

works bench
checks=$((checks + 1))
grep -q '^adversarial ' out || say_bad "no row of a table: $(cat out)"
works bench --json --threads 2 --peak 100
is "$(json 'o["reconstruction"]["steps"] >= 1 and o["adversarial"]["steps"] % 2 == 0')" True "phases"
is "$(json 'o["adversarial"]["audio_s_per_s"] > 0 and o["adversarial"]["gflops"] > 0')" True "speeds"
is "$(json 'abs(o["adversarial"]["share_of_peak"] * 100 / o["adversarial"]["gflops"] - 1) < 1e-9')" True "the share"
is "$(json 'o["adversarial"]["gflop_per_step"] > o["reconstruction"]["gflop_per_step"]')" True "more work"
is "$(json 'o["threads"]')" 2 "the threads"
is "$(json '"width = 4\n" in o["recipe"] and "[loss]" in o["recipe"]')" True "the recipe"
works bench --json phases.adversarial=0
is "$(json '"adversarial" not in o and "share_of_peak" not in o["reconstruction"]')" True "one phase of the two"
fails 2 "codec.width" bench codec.width=3
fails 3 "nowhere.ini" bench -c nowhere.ini
is "$(ls tmp)" "" "what is left"
TMPDIR=$work/nowhere fails 4 "nowhere" bench

finish
