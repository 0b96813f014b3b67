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
fails 2 "--compute and --variant choose" "$train" codec -q -d set --resume -o parts --compute cpu
works "$train" export whole -o whole.safetensors
works "$train" eval codec whole.safetensors -d set
works "$cuda" bench codec -c recipe.ini -s 0.01 --compute cuda
finish
