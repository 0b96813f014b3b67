#!/bin/bash
# SPDX-FileCopyrightText: 2026 The continuo authors
# SPDX-License-Identifier: MIT

# test_bench.sh BIN: continuo-train bench codec says what a small recipe does, and leaves nothing.
set -u
train=$1/continuo-train
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
mkdir tmp
export TMPDIR=$work/tmp
checks=0
bad=0

check() {
  checks=$((checks + 1))
  "${@:2}" || { bad=$((bad + 1)); echo "not ok: $1"; cat out err; }
}

# json EXPRESSION: whether it holds of the object `o` in out
json() {
  python3 -c 'import json, sys; o = json.load(open("out")); sys.exit(not eval(sys.argv[1]))' "$1"
}

bench() {
  "$train" bench codec -s 0.05 "$@" encoder.width=4 decoder.width=4 codec.n_codebooks=2 \
    data.crop_samples=1920 loss.mel_windows=256 discriminator.stft_windows=256 \
    discriminator.stft_channels=2 >out 2>err
}

check "a table" bench
check "its rows" grep -q '^adversarial ' out
check "an object" bench --json --threads 2 --peak 100
check "phases" json 'o["reconstruction"]["steps"] >= 1 and o["adversarial"]["steps"] % 2 == 0'
check "speeds" json 'o["adversarial"]["audio_s_per_s"] > 0 and o["adversarial"]["gflops"] > 0'
check "the share" json 'abs(o["adversarial"]["share_of_peak"] * 100 / o["adversarial"]["gflops"] - 1) < 1e-9'
check "more work" json 'o["adversarial"]["gflop_per_step"] > o["reconstruction"]["gflop_per_step"]'
check "the threads" json 'o["threads"] == 2'
check "the recipe" json '"width = 4\n" in o["recipe"] and "[loss]" in o["recipe"]'
check "one phase" bench --json phases.adversarial=0
check "of the two" json '"adversarial" not in o and "share_of_peak" not in o["reconstruction"]'
bench codec.width=3
check "exit code of a bad recipe" [ $? -eq 2 ]
bench -c nowhere.ini
check "exit code of no recipe" [ $? -eq 3 ]
check "what is left" [ -z "$(ls tmp)" ]
TMPDIR=$work/nowhere bench
check "exit code of no folder" [ $? -eq 4 ]

echo "$checks checks, $bad bad"
[ $bad -eq 0 ]
