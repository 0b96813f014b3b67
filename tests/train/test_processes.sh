#!/bin/bash
# SPDX-FileCopyrightText: 2026 The continuo authors
# SPDX-License-Identifier: MIT

# test_processes.sh BIN: training in two processes against one, compared byte by byte in their
# checkpoints: through all phases, with everything that is drawn, summed or balanced, and going on
# with another number of processes than before. Then what must stop all of them. Exits 77 without mpirun.
set -u
train=$1/continuo-train
command -v mpirun >/dev/null || { echo "no mpirun here"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
checks=0
bad=0
export OMPI_MCA_btl_vader_single_copy_mechanism=none # containers may forbid it, loudly
export OMPI_MCA_btl=self,vader OMPI_MCA_mpi_yield_when_idle=1 # one machine, maybe a busy one
export ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0 # MPI keeps what it has
export OMPI_MCA_odls_base_sigkill_timeout=0 # those that failed need no time

say_bad() {
  bad=$((bad + 1))
  echo "not ok: $*"
}

# in_processes N COMMAND...
in_processes() {
  local n=$1
  shift
  timeout 60 mpirun --allow-run-as-root --oversubscribe --bind-to none -np "$n" "$@"
}

# works COMMAND...: exit code 0
works() {
  checks=$((checks + 1))
  "$@" >out 2>err || { say_bad "$* (exit $?)"; cat err; }
}

# fails WORDS COMMAND...: not 0, and one line of ours, with WORDS
fails() {
  local words=$1
  shift
  checks=$((checks + 1))
  "$@" >out 2>err && say_bad "$*: did not fail"
  grep '^continuo-train' err >sentence
  [ "$(wc -l <sentence)" -eq 1 ] || say_bad "$*: not one sentence: $(cat sentence)"
  grep -qF -- "$words" sentence || say_bad "$*: does not say \"$words\": $(cat sentence)"
}

# same STEP RUN RUN: their checkpoints of that step
same() {
  local name
  name=checkpoints/step-$(printf %08d "$1").safetensors
  checks=$((checks + 1))
  cmp "$2/$name" "$3/$name" || say_bad "$2 and $3 differ at step $1"
}

mkdir -p data/tones
python3 - <<'PY'
import math, random, struct, wave
random.seed(3)
for c in range(6):
    with wave.open(f"data/tones/{c}.wav", "wb") as w:
        w.setnchannels(1), w.setsampwidth(2), w.setframerate(8000)
        w.writeframes(b"".join(struct.pack("<h", int(
            6000 * math.sin(i * (0.1 + 0.07 * c)) * (1 + math.sin(i / 400)) + random.gauss(0, 300)))
            for i in range(4000)))
PY
cat >recipe.ini <<'INI'
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
n_lstm = 0
[decoder]
width = 4
n_residual = 1
n_lstm = 0
[data]
crop_samples = 400
[batch]
size = 8
micro_batches = 4
[phases]
unquantised = 4
reconstruction = 6
adversarial = 8
[optimiser]
rate = 5e-3
warmup_steps = 3
[loss]
mel_windows = 32, 64
mel_bins = 8
adversarial = 1
feature = 1
balancer = yes
[quantiser]
start_vectors = 400
start_iterations = 5
dropout = example
dropout_share = 0.5
[discriminator]
stft_windows = 64, 32
stft_channels = 4
wave_scales = 0
every = 1
probability = 0.7
[run]
seed = 5
init = unit_variance
validate_every = 5
validation_crops = 8
save_every = 4
keep = 100
INI
works "$train" prepare audio -q data -o set --rate 8000

# Two and four processes, one, one with threads: a validation (whose least loss is in the checkpoint)
# and a checkpoint in every phase.
new=("$train" codec -d set -c recipe.ini)
works "${new[@]}" -o one --steps 14
works "${new[@]}" -o threads --steps 14 --threads 2
works in_processes 2 "${new[@]}" -o two --steps 14 --threads 2
works in_processes 4 "${new[@]}" -o four --steps 12
for step in 4 8 12; do
  same $step one four
  same $step one two
done
same 14 one two
same 14 one threads
checks=$((checks + 1))
cmp one/checkpoints/best.safetensors two/checkpoints/best.safetensors || say_bad "the best differ"
checks=$((checks + 1))
cmp -s one/checkpoints/step-00000012.safetensors one/checkpoints/step-00000014.safetensors &&
  say_bad "a step changes nothing"

# One goes on as two, two as one.
on=("$train" codec -d set --resume)
works "${on[@]}" -o two
works in_processes 2 "${on[@]}" -o one
works "${on[@]}" -o threads
same 18 two threads
same 18 one threads
checks=$((checks + 1))
[ "$(find two -name '*.tmp-*' | wc -l)" -eq 0 ] || say_bad "left behind: $(find two -name '*.tmp-*')"

# What they tell each other, by itself.
works in_processes 3 "$1/train_processes" 3

# What all of them must stop for, together and with one sentence.
fails "expected a multiple of the 3 processes" in_processes 3 "${new[@]}" -o three
fails "holds a run already" in_processes 2 "${new[@]}" -o one
fails "no run to go on with" in_processes 2 "${on[@]}" -o nowhere
fails "process 1 has another recipe" in_processes 1 "${new[@]}" -o unlike : -np 1 "${new[@]}" \
  -o unlike run.seed=6
mkdir -p refused/checkpoints/step-00000004.safetensors # which only the first one finds out
fails "refused/checkpoints/step-00000004.safetensors" in_processes 2 "${new[@]}" -o refused
checks=$((checks + 1))
[ -e refused/checkpoints/step-00000008.safetensors ] && say_bad "went on when it could not save"

# Asked to stop, one of them, they all save the same step; only the second one is told here.
cat >stop_one.sh <<'SH'
#!/bin/bash
"$@" & pid=$!
if [ "$OMPI_COMM_WORLD_RANK" = 1 ]; then
  until [ -e stopped/checkpoints/step-00000004.safetensors ]; do sleep 0.02; done
  kill -TERM $pid
fi
wait $pid || wait $pid
SH
chmod +x stop_one.sh
checks=$((checks + 1))
in_processes 2 ./stop_one.sh "${new[@]}" -o stopped phases.unquantised=200000 >out 2>err
found=$?
[ $found -eq 130 ] || { say_bad "stopped, they end with $found, expected 130"; cat err; }
grep -q "stopped before step" err || { say_bad "does not say that it was stopped"; cat err; }

echo "$checks checks, $bad bad"
[ $bad -eq 0 ]
