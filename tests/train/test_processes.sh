#!/bin/bash
# SPDX-FileCopyrightText: 2026 The continuo authors
# SPDX-License-Identifier: MIT

# test_processes.sh BIN: training in two processes against one, compared byte by byte in their
# checkpoints: through all phases, with everything that is drawn, summed or balanced, and going on
# with another number of processes than before. Then what must stop all of them. Exits 77 without mpirun.
command -v mpirun >/dev/null || { echo "no mpirun here"; exit 77; }
# shellcheck source=tests/train/training_checks.sh
. "$(dirname "$0")/training_checks.sh"
export OMPI_MCA_btl_vader_single_copy_mechanism=none # containers may forbid it, loudly
export OMPI_MCA_btl=self,vader OMPI_MCA_mpi_yield_when_idle=1 # one machine, maybe a busy one
export ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0 # MPI keeps what it has
export OMPI_MCA_odls_base_sigkill_timeout=0 # those that failed need no time

# in_processes N COMMAND...
in_processes() {
  local n=$1
  shift
  timeout 60 mpirun --allow-run-as-root --oversubscribe --bind-to none -np "$n" "$@"
}

# all_fail WORDS COMMAND...: not 0, and one line of ours among those of mpirun, with WORDS
all_fail() {
  local words=$1
  shift
  checks=$((checks + 1))
  "$@" >out 2>err && say_bad "$*: did not fail"
  grep '^continuo-train' err >sentence
  [ "$(wc -l <sentence)" -eq 1 ] || say_bad "$*: not one sentence: $(cat sentence)"
  grep -qF -- "$words" sentence || say_bad "$*: does not say \"$words\": $(cat sentence)"
}

# same_step STEP RUN RUN: their checkpoints of that step
same_step() {
  local name
  name=checkpoints/step-$(printf %08d "$1").safetensors
  same "$2/$name" "$3/$name"
}

make_set set 8000
make_recipe recipe.ini

# Two and four processes, one, one with threads: a validation (whose least loss is in the checkpoint)
# and a checkpoint in every phase.
new=("$train" codec -d set -c recipe.ini batch.size=8 batch.micro_batches=4 phases.unquantised=4
  phases.reconstruction=6 phases.adversarial=8 optimiser.warmup_steps=3 loss.adversarial=1 loss.feature=1
  loss.balancer=yes quantiser.dropout=example discriminator.wave_scales=0 run.init=unit_variance
  run.validate_every=5 run.validation_crops=8 run.save_every=4 run.keep=100)
works "${new[@]}" -o one --steps 14
works "${new[@]}" -o threads --steps 14 --threads 2
works in_processes 2 "${new[@]}" -o two --steps 14 --threads 2
works in_processes 4 "${new[@]}" -o four --steps 12
for step in 4 8 12; do
  same_step $step one four
  same_step $step one two
done
same_step 14 one two
same_step 14 one threads
same one/checkpoints/best.safetensors two/checkpoints/best.safetensors
checks=$((checks + 1))
cmp -s one/checkpoints/step-00000012.safetensors one/checkpoints/step-00000014.safetensors &&
  say_bad "a step changes nothing"

# One goes on as two, two as one.
on=("$train" codec -d set --resume)
works "${on[@]}" -o two
works in_processes 2 "${on[@]}" -o one
works "${on[@]}" -o threads
same_step 18 two threads
same_step 18 one threads
is "$(find two -name '*.tmp-*')" "" "what is left half-written"

# What they tell each other, by itself.
works in_processes 3 "$bin/train_processes" 3

# What all of them must stop for, together and with one sentence.
all_fail "expected a multiple of the 3 processes" in_processes 3 "${new[@]}" -o three
all_fail "holds a run already" in_processes 2 "${new[@]}" -o one
all_fail "no run to go on with" in_processes 2 "${on[@]}" -o nowhere
all_fail "process 1 has another recipe" in_processes 1 "${new[@]}" -o unlike : -np 1 "${new[@]}" \
  -o unlike run.seed=6
mkdir -p refused/checkpoints/step-00000004.safetensors # which only the first one finds out
all_fail "refused/checkpoints/step-00000004.safetensors" in_processes 2 "${new[@]}" -o refused
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

finish
