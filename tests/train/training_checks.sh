# SPDX-FileCopyrightText: 2026 The continuo authors
# SPDX-License-Identifier: MIT

# To be sourced with the folder of the programs as $1: the checks of command_checks.sh, and a codec so
# small that its run of 120 steps takes a second: `make_set SET RATE`, `make_recipe FILE`,
# `begin RUN [ARGUMENT...]`, `go_on RUN [ARGUMENT...]`.
# shellcheck source=tests/command_checks.sh
. "$(dirname "${BASH_SOURCE[0]}")/../command_checks.sh"
train=$bin/continuo-train
[ -x "$train" ] || { echo "$train is not there"; exit 1; }

# runs: the process $pid does
runs() {
  kill -0 "$pid" 2>/dev/null
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
