#!/bin/bash
# SPDX-FileCopyrightText: 2026 The continuo authors
# SPDX-License-Identifier: MIT

# test_control.sh BIN: the commands that ask a running instance, against one without sound; then
# what users do wrong: one sentence and the exit code of the man page.
# shellcheck source=tests/command_checks.sh
. "$(dirname "$0")/../command_checks.sh"
continuo=$bin/continuo
children=
before_cleaning() {
  for child in $children; do kill "$child" 2>/dev/null; done
  wait
}
export XDG_RUNTIME_DIR=$work

# start NAME: an instance, known by its log NAME.log
start() {
  "$bin/control_trial" "$1" >"$1.log" 2>&1 &
  children="$children $!"
  for _ in $(seq 200); do
    grep -q serving "$1.log" && return
    sleep 0.02
  done
  say_bad "the instance $1 did not start: $(cat "$1.log")"
}

# heard NAME LINE: the instance was asked for it
heard() {
  checks=$((checks + 1))
  grep -qxF -- "$2" "$1.log" || say_bad "$1 did not hear \"$2\": $(cat "$1.log")"
}

for command in "set mix 1" get "mode listen" "do tap" panic keep "preset Slow" "learn mix"; do
  # shellcheck disable=SC2086 # words on purpose
  fails 3 "no instance of continuo runs" "$continuo" $command
  # shellcheck disable=SC2086
  fails 3 'called "there" runs' "$continuo" $command -n there
done

start solo # the only one, whatever its name
gives "" "$continuo" set level -6.5
gives -6.5 "$continuo" get level
gives "" "$continuo" set level -.5 mix 0.25 -n solo phrase_end off
gives -0.5 "$continuo" get level
gives 0.25 "$continuo" get -n solo mix
gives off "$continuo" get phrase_end
gives "" "$continuo" mode freeze
gives freeze "$continuo" get mode
gives '{"mode":"freeze"}' "$continuo" get --json mode
checks=$((checks + 1))
"$continuo" get --json | python3 -c '
import json, sys
v = json.load(sys.stdin)
assert v["level"] == -0.5 and v["mode"] == "freeze" and v["phrase_end"] is False, v' ||
  say_bad "get --json"
checks=$((checks + 1))
"$continuo" get | grep -qx "level -0.5" || say_bad "get lists no level"
gives "" "$continuo" do tap
heard solo "do tap"
gives "" "$continuo" panic
heard solo "do panic"
gives "" "$continuo" keep
heard solo "keep "
gives "" "$continuo" keep "my takes"
heard solo "keep $work/my takes"
gives "" "$continuo" keep /elsewhere
heard solo "keep /elsewhere"
gives "" "$continuo" preset "Slow Hands"
heard solo "preset Slow Hands"
gives "" "$continuo" learn jump
heard solo "learn jump"
gives "" "$continuo" learn
heard solo "learn "

fails 2 "there is no parameter called" "$continuo" set loudness 1
fails 2 "-60 to 12" "$continuo" set level -61
fails 2 "expected" "$continuo" set level
fails 2 "set KEY VALUE" "$continuo" set level 1 mix
fails 2 "monitor|listen" "$continuo" mode sing
fails 2 "no action" "$continuo" do sing
fails 2 "no parameter" "$continuo" get loudness
fails 2 "no such option" "$continuo" get --loud
fails 3 "no preset called None" "$continuo" preset None
fails 4 "no space" "$continuo" keep full
fails 3 "called \"../solo\" runs" "$continuo" get -n ../solo

start other
fails 2 "choose one of" "$continuo" get mix
gives 0.25 "$continuo" get -n solo mix
gives 1 "$continuo" get -n other mix
start continuo # the usual one
gives "" "$continuo" set mix 0.5
gives 0.5 "$continuo" get -n continuo mix
for child in $children; do kill -9 "$child" && wait "$child" 2>/dev/null; done
children=
fails 3 "no instance of continuo runs" "$continuo" get mix # though their sockets are still there

finish
