#!/bin/bash
# SPDX-FileCopyrightText: 2026 The continuo authors
# SPDX-License-Identifier: MIT

# test_training_memory.sh BIN STEPS: what a codec's run holds of memory (anonymous, resident) after
# its first hundred steps, which see every phase, validation and save, grows by at most one per cent.
# With "soak" for STEPS: 10,000 of them where CONTINUO_SOAK is set, else it is skipped.
# shellcheck source=tests/train/training_checks.sh
. "$(dirname "$0")/training_checks.sh"
steps=$2
if [ "$steps" = soak ]; then
  [ -n "${CONTINUO_SOAK:-}" ] || { echo "skipped: CONTINUO_SOAK is not set"; exit 77; }
  steps=10000
fi
make_set set 8000 --validation 20
make_recipe recipe.ini
works python3 - "$train" "$steps" <<'PY'
import re, subprocess, sys
train, steps = sys.argv[1], int(sys.argv[2])
run = subprocess.Popen([train, "codec", "-d", "set", "-c", "recipe.ini", "-o", "run", "run.log_every=1",
                        "run.save_every=25", f"phases.adversarial={steps - 60}"],
                       stderr=subprocess.PIPE, text=True)
held = {}
for line in run.stderr:
    step = re.match(r"continuo-train: step (\d+) ", line)
    if step:
        try:
            status = open(f"/proc/{run.pid}/status").read()
            held[int(step[1])] = int(re.search(r"RssAnon:\s+(\d+) kB", status)[1])
        except (OSError, TypeError):
            pass  # it has ended
assert run.wait() == 0, run.returncode
first = max(kib for step, kib in held.items() if 90 <= step < 110)
most = max(kib for step, kib in held.items() if step >= 110)
last = held[max(held)]
print(f"{len(held)} samples up to step {max(held)}: {first} KiB at step 100, {last} at the end, {most} at most")
sys.exit(0 if len(held) > 0.9 * steps - 10 and most <= 1.01 * first else 1)
PY
cat out
finish
