# SPDX-FileCopyrightText: 2026 The continuo authors
# SPDX-License-Identifier: MIT

# To be sourced with the folder of the programs as $1: a folder of its own as the present one, checks
# that count, and a codec so small that its run of 120 steps takes a second: `make_set SET RATE`,
# `make_recipe FILE`, `begin RUN [ARGUMENT...]`, `go_on RUN [ARGUMENT...]`.
set -u
train=$(realpath "$1")/continuo-train
[ -x "$train" ] || { echo "$train is not there"; exit 1; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
checks=0
bad=0

say_bad() {
  bad=$((bad + 1))
  echo "not ok: $*"
}

# works COMMAND...: exit code 0
works() {
  checks=$((checks + 1))
  "$@" >out 2>err || { say_bad "$* (exit $?)"; cat err; }
}

# fails CODE WORDS COMMAND...: that exit code, one line on stderr with WORDS; what the log says of
# the way there does not count
fails() {
  local code=$1 words=$2 found
  shift 2
  checks=$((checks + 1))
  "$@" >out 2>err
  found=$?
  [ $found -eq "$code" ] || say_bad "$*: exit $found, expected $code: $(cat err)"
  grep -v '^continuo-train: ' err >sentence
  [ "$(wc -l <sentence)" -eq 1 ] || say_bad "$*: not one sentence: $(cat err)"
  grep -qF -- "$words" sentence || say_bad "$*: does not say \"$words\": $(cat sentence)"
}

# is FOUND EXPECTED WHAT
is() {
  checks=$((checks + 1))
  [ "$1" = "$2" ] || say_bad "$3: $1, expected $2"
}

# same FILE FILE: byte for byte
same() {
  checks=$((checks + 1))
  cmp "$1" "$2" >differs 2>&1 || say_bad "$(cat differs)"
}

# says WORDS: the last command's standard error does
says() {
  checks=$((checks + 1))
  grep -qF -- "$1" err || say_bad "does not say \"$1\": $(cat err)"
}

# runs: the process $pid does
runs() {
  kill -0 "$pid" 2>/dev/null
}

finish() {
  echo "$checks checks, $bad bad"
  [ $bad -eq 0 ]
  exit
}

# make_set SET RATE [OPTION...]: six clips of half a second, two tones and a beat each
make_set() {
  local set=$1 rate=$2
  shift 2
  python3 - "$set" "$rate" <<'PY'
import math, os, struct, sys, wave
folder, rate = sys.argv[1] + "-audio/tones", int(sys.argv[2])
os.makedirs(folder, exist_ok=True)
for clip in range(6):
    with wave.open(f"{folder}/{clip}.wav", "wb") as w:
        w.setnchannels(1), w.setsampwidth(2), w.setframerate(rate)
        tones = ((1 + math.sin(20 * t)) * (math.sin(f * t) + 0.5 * math.sin(2.7 * f * t + clip))
                 for f in [2 * math.pi * (200 + 90 * clip)] for t in (i / rate for i in range(rate // 2)))
        w.writeframes(b"".join(struct.pack("<h", int(5000 * x)) for x in tones))
PY
  works "$train" prepare audio -q "$set-audio/tones" -o "$set" --rate "$rate" "$@"
}

# make_recipe FILE: 20 steps of warm-up, 40 of reconstruction, 60 with discriminators
make_recipe() {
  cat >"$1" <<'INI'
[recipe]
name = small
[codec]
name = small
rate_hz = 8000
latent_dim = 8
strides = 4, 5
n_codebooks = 3
codebook_size = 16
[encoder]
width = 4
n_residual = 1
[decoder]
width = 4
n_residual = 1
[data]
crop_samples = 400
[batch]
size = 4
micro_batches = 2
[phases]
unquantised = 20
reconstruction = 40
adversarial = 60
[optimiser]
rate = 5e-3
warmup_steps = 5
[loss]
mel_windows = 32, 64
mel_bins = 8
[quantiser]
start_vectors = 400
start_iterations = 5
dropout_share = 0.5
[discriminator]
stft_windows = 64, 32
stft_channels = 4
every = 1
probability = 0.7
[run]
seed = 5
save_every = 2
validate_every = 20
validation_crops = 4
INI
}

# What a new run of the set `set` by recipe.ini begins with, and what one goes on with.
begin() {
  local run=$1
  shift
  "$train" codec -q -d set -c recipe.ini -o "$run" "$@"
}

go_on() {
  local run=$1
  shift
  "$train" codec -q -d set --resume -o "$run" "$@"
}

# latest RUN: path of its latest checkpoint
latest() {
  local all=("$1"/checkpoints/step-*.safetensors)
  echo "${all[-1]}"
}

# step_of RUN: its number; -1: there is none
step_of() {
  local all=("$1"/checkpoints/step-*.safetensors)
  local name=${all[-1]##*step-}
  [ -e "${all[-1]}" ] && echo $((10#${name%.safetensors})) || echo -1
}
