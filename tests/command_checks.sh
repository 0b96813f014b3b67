# SPDX-FileCopyrightText: 2026 The continuo authors
# SPDX-License-Identifier: MIT

# To be sourced by tests of whole programs, with the folder of the programs as $1: a folder of its own
# as the present one, which is gone in the end, and checks that count. What a command said is in the
# files out and err. Where a test starts programs it stops them in `before_cleaning`.
set -u
bin=$(realpath "$1")
work=$(mktemp -d)
before_cleaning() { :; }
clean() {
  before_cleaning
  rm -rf "$work"
}
trap clean EXIT
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

# gives TEXT COMMAND...: exit code 0 and that text
gives() {
  local text=$1
  shift
  works "$@"
  [ "$(cat out)" = "$text" ] || say_bad "$*: $(cat out), expected $text"
}

# fails CODE WORDS COMMAND...: that exit code, one line on standard error with WORDS; what the log
# says of the way there ("continuo: ...") does not count
fails() {
  local code=$1 words=$2 found
  shift 2
  checks=$((checks + 1))
  "$@" >out 2>err
  found=$?
  [ $found -eq "$code" ] || say_bad "$*: exit $found, expected $code: $(cat err)"
  grep -vE '^continuo(-train)?: ' err >sentence
  [ "$(wc -l <sentence)" -eq 1 ] || say_bad "$*: not one sentence: $(cat err)"
  grep -qF -- "$words" sentence || say_bad "$*: does not say \"$words\": $(cat sentence)"
}

# says WORDS: the last command's standard error does
says() {
  checks=$((checks + 1))
  grep -qF -- "$1" err || say_bad "does not say \"$1\": $(cat err)"
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

# absent FILE: neither it nor a temporary of it
absent() {
  checks=$((checks + 1))
  compgen -G "$1*" >/dev/null && say_bad "$1 was left: $(ls "$1"*)"
}

# json EXPRESSION: of the object `o` in out
json() {
  python3 -c 'import json, math, sys; o = json.load(open("out")); print(eval(sys.argv[1]))' "$1"
}

# finish: how it went; the test's exit code
finish() {
  echo "$checks checks, $bad bad"
  [ $bad -eq 0 ]
  exit
}
