#!/bin/bash
# SPDX-FileCopyrightText: 2026 The continuo authors
# SPDX-License-Identifier: MIT

# test_training_cuda.sh BIN: continuo-train on an emulated card, from a new run through all phases to
# a file that plays; stopped and gone on with, it gives the same bytes.
# shellcheck source=tests/train/training_checks.sh
. "$(dirname "$0")/training_checks.sh"
cuda=$bin/continuo-train-emulated
[ -x "$cuda" ] || { echo "$cuda is not there"; exit 1; }

make_set set 8000 --validation 20
make_recipe recipe.ini
short=(batch.micro_batches=1 phases.unquantised=2 phases.reconstruction=2 phases.adversarial=2 quantiser.start_vectors=60
  quantiser.start_iterations=1 run.validate_every=3 optimiser.warmup_steps=2)
works "$cuda" codec -q -d set -c recipe.ini -o whole --compute cuda "${short[@]}"
is "$(step_of whole)" 6 "steps of the whole run"
works "$cuda" codec -q -d set -c recipe.ini -o parts --compute cuda \
  "${short[@]}" --steps 3
works "$cuda" codec -q -d set --resume -o parts --compute cuda
same "$(latest parts)" "$(latest whole)"
fails 2 "--products and --variant choose" "$train" codec -q -d set --resume -o parts --compute cpu
# Products in bf16 are another run, which goes on in bf16 only. Wide enough for something to round.
bf16=(--compute cuda --products bf16)
wide=("${short[@]}" encoder.width=16 decoder.width=16 phases.reconstruction=1 phases.adversarial=0)
works "$cuda" codec -q -d set -c recipe.ini -o exact --compute cuda "${wide[@]}"
works "$cuda" codec -q -d set -c recipe.ini -o rounded "${bf16[@]}" "${wide[@]}"
works "$cuda" codec -q -d set -c recipe.ini -o rounded-parts "${bf16[@]}" "${wide[@]}" --steps 1
fails 2 'on "emulated, products in bf16", here is "emulated":' \
  "$cuda" codec -q -d set --resume -o rounded-parts --compute cuda
works "$cuda" codec -q -d set --resume -o rounded-parts "${bf16[@]}"
same "$(latest rounded-parts)" "$(latest rounded)"
values() { tail -c 200000 "$(latest "$1")"; } # behind what says how they were made
is "$(cmp -s <(values rounded) <(values exact) && echo the same || echo other)" other \
  "values of f32 and bf16"
works "$cuda" codec -q -d set -c recipe.ini -o stopped --compute cuda "${short[@]}" --steps 1
fails 2 "--products and --variant choose" "$cuda" codec -q -d set --resume -o stopped "${bf16[@]}"
fails 2 "products in bf16 want a CUDA card" "$train" codec -q -d set -c recipe.ini -o none \
  --compute cpu --products bf16
is "$(ls -d none 2>/dev/null)" "" "the folder of a run that could not begin"
fails 2 "products in bf16 want a CUDA card" "$train" bench codec -c recipe.ini --compute cpu --products bf16

works "$train" export whole -o whole.safetensors
works "$train" eval codec whole.safetensors -d set
works "$cuda" bench codec -c recipe.ini -s 0.01 --compute cuda
works "$cuda" bench codec -c recipe.ini -s 0.01 "${bf16[@]}"
finish
