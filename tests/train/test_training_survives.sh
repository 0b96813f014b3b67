#!/bin/bash
# SPDX-FileCopyrightText: 2026 The continuo authors
# SPDX-License-Identifier: MIT

# test_training_survives.sh BIN [SEED]: a codec's run that is killed with -9 at ten random moments,
# one of them proven to be in the middle of a save, and one that is interrupted, in the k-means start
# too, end with the same bytes as one that never stopped.
# shellcheck source=tests/train/training_checks.sh
. "$(dirname "$0")/training_checks.sh"
RANDOM=${2:-4711}
echo "seed ${2:-4711}"

make_set set 8000 --validation 20
make_recipe recipe.ini
works begin whole
is "$(step_of whole)" 120 "steps of the whole run"

# start RUN [ARGUMENT...]: in the background, from wherever it is; its number is in $pid
start() {
  local run=$1 from=(-c recipe.ini)
  shift
  [ -e "$run/recipe.ini" ] && from=(--resume)
  "$train" codec -q -d set "${from[@]}" -o "$run" --threads $((1 + RANDOM % 2)) "$@" 2>>log & pid=$!
}

in_save() {
  compgen -G "$1/checkpoints/*.tmp-*" >/dev/null
}

# expect_whole RUN: it ends as `whole` did
expect_whole() {
  works go_on "$1"
  is "$(step_of "$1")" 120 "steps of $1"
  same "$(latest "$1")" "$(latest whole)"
  same "$1/checkpoints/best.safetensors" whole/checkpoints/best.safetensors
  same "$1/recipe.ini" whole/recipe.ini
  is "$(find "$1" -name '*.tmp-*')" "" "what is left half-written"
}

# Killed: once at the very start, then where a random step has been reached and a few moments more,
# then until one was caught in a save.
start killed
sleep 0.0$((RANDOM % 10))
kill -9 $pid
wait $pid 2>/dev/null
kills=1
in_saves=0
for part in 1 2 3 4 5 6 7 8 9; do
  start killed
  target=$((12 * part - 12 + RANDOM % 12))
  while runs && [ "$(step_of killed)" -lt $target ]; do :; done
  sleep 0.00$((RANDOM % 10))
  kill -9 $pid 2>/dev/null
  wait $pid 2>/dev/null
  kills=$((kills + 1))
  in_save killed && in_saves=$((in_saves + 1))
  echo "killed where step $target was reached: $(step_of killed) is there"
done
while [ $in_saves -eq 0 ] && [ $kills -lt 60 ] && [ "$(step_of killed)" -lt 118 ]; do
  start killed run.save_every=1
  until in_save killed || ! runs; do :; done
  kill -9 $pid 2>/dev/null
  wait $pid 2>/dev/null
  kills=$((kills + 1))
  in_save killed && in_saves=$((in_saves + 1))
done
echo "killed $kills times, $in_saves of them in a save, at step $(step_of killed)"
[ $in_saves -gt 0 ] || say_bad "never caught in a save"
works go_on killed run.save_every=2 --steps 1
expect_whole killed
expect_whole killed # there is nothing left to do

# Interrupted, it saves and says so; under nohup a lost terminal is nothing.
start stopped
until [ "$(step_of stopped)" -ge 30 ] || ! runs; do :; done
kill -INT $pid
wait $pid
is $? 130 "exit code when interrupted"
expect_whole stopped
rm -r stopped
start stopped
until [ -e stopped/recipe.ini ] || ! runs; do :; done
kill -TERM $pid
wait $pid
is $? 130 "exit code when terminated"
expect_whole stopped
nohup "$train" codec -q -d set -c recipe.ini -o hung >/dev/null 2>&1 & pid=$!
until [ -e hung/recipe.ini ] || ! runs; do :; done
kill -HUP $pid
wait $pid
is $? 0 "exit code under nohup"
same "$(latest hung)" "$(latest whole)"

# What a token model hears through stays what it is, over a resume too: the digest of encoder and
# codebooks in the exported models. The decoder does not.
heard_through() { # MODEL
  python3 - "$1" <<'PY'
import json, struct, sys
data = open(sys.argv[1], "rb").read()
header = json.loads(data[8:8 + struct.unpack("<Q", data[:8])[0]])
print(json.loads(header["__metadata__"]["continuo"])["encoder_sha256"])
PY
}
works begin grown --steps 30
works "$train" export -q grown -o before.safetensors
works begin frozen --init-from before.safetensors --freeze 'encoder.* rvq.*' phases.unquantised=0 --steps 10
works go_on frozen --steps 20
is "$(sed -n 's/^freeze = //p' frozen/recipe.ini)" "encoder.* rvq.*" "what is frozen"
for average in yes no; do
  works "$train" export -q frozen -o after.safetensors --average $average
  is "$(heard_through after.safetensors)" "$(heard_through before.safetensors)" "encoder and codebooks"
done
checks=$((checks + 1))
cmp -s before.safetensors after.safetensors && say_bad "the decoder did not learn"
works go_on frozen --steps 5 run.freeze=
works "$train" export -q frozen -o after.safetensors
checks=$((checks + 1))
[ "$(heard_through after.safetensors)" != "$(heard_through before.safetensors)" ] ||
  say_bad "what is no longer frozen did not learn"

# The k-means start of a million vectors is stopped at once, and comes to the same.
more=(quantiser.start_vectors=60000 quantiser.start_iterations=300 phases.reconstruction=2 phases.adversarial=0)
works begin slow "${more[@]}"
: >log
"$train" codec -d set -c recipe.ini -o soon "${more[@]}" 2>log & pid=$!
until grep -q "codebooks start" log || ! runs; do :; done
begun_ms=$(($(date +%s%N) / 1000000))
kill -INT $pid
wait $pid
is $? 130 "exit code when interrupted in the start of the codebooks"
took_ms=$(($(date +%s%N) / 1000000 - begun_ms))
echo "stopped after $took_ms ms"
[ $took_ms -lt 5000 ] || say_bad "stopped after $took_ms ms"
is "$(step_of soon)" 20 "steps before the codebooks' start"
works go_on soon
same "$(latest soon)" "$(latest slow)"
finish
