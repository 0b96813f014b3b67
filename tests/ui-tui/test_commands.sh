#!/bin/bash
# SPDX-FileCopyrightText: 2026 The continuo authors
# SPDX-License-Identifier: MIT

# test_commands.sh BIN: every command on a tiny model, then what users do wrong: one sentence that
# names the file, the exit code of the man page, nothing left under the final name.
# shellcheck source=tests/command_checks.sh
. "$(dirname "$0")/../command_checks.sh"
continuo=$bin/continuo
export XDG_DATA_HOME=$work/data XDG_STATE_HOME=$work/state
unset DISPLAY

# field NAME: of the JSON object in out
field() {
  python3 -c 'import json, sys; print(json.load(open("out"))[sys.argv[1]])' "$1"
}

"$bin/make_model" tiny tiny.safetensors || exit 1
python3 - <<'PY'
import math, random, struct, wave
random.seed(1)
def write(name, rate, channels, count):
    with wave.open(name, "wb") as w:
        w.setnchannels(channels), w.setsampwidth(2), w.setframerate(rate)
        w.writeframes(b"".join(struct.pack("<h", int(8000 * math.sin(i // channels * 0.05) +
                               random.uniform(-3000, 3000))) for i in range(count * channels)))
write("in.wav", 24000, 1, 24000 + 77)
write("stereo.wav", 44100, 2, 22050)
write("one.wav", 24000, 1, 1)
write("none.wav", 24000, 1, 0)
write("many.wav", 24000, 64, 1000)
PY

# What should work.
works "$continuo" --help
works "$continuo" --version
works "$continuo" info tiny.safetensors
works "$continuo" info --json tiny.safetensors
is "$(field kind)" seanet "kind"
works "$continuo" encode -m ./tiny.safetensors in.wav a.rvq
works "$continuo" encode -m ./tiny.safetensors in.wav a.npy
works "$continuo" decode -m ./tiny.safetensors a.rvq a.au
works "$continuo" decode -m ./tiny.safetensors --json a.npy b.wav
is "$(field samples)" 24320 "samples of 76 whole steps"
works "$continuo" roundtrip -m ./tiny.safetensors --json in.wav c.au
is "$(field samples)" 24077 "samples of the round trip"
same a.au c.au
works "$continuo" roundtrip -m ./tiny.safetensors --threads 2 in.wav d.au
same c.au d.au
works "$continuo" roundtrip -m ./tiny.safetensors -b 1.8 --json in.wav e.wav
is "$(field codebooks)" 4 "codebooks in 1.8 kbps"
works "$continuo" info --json a.rvq
is "$(field samples)" 24077 "samples of the code file"
"$continuo" encode -q -m ./tiny.safetensors - - <in.wav | "$continuo" decode -q -m ./tiny.safetensors - - >pipe.au
checks=$((checks + 1))
[ "$(stat -c %s pipe.au)" -gt 96000 ] || say_bad "the pipe gave $(stat -c %s pipe.au) bytes"
works "$continuo" roundtrip -m ./tiny.safetensors stereo.wav f.flac
works "$continuo" roundtrip -m ./tiny.safetensors one.wav g.wav
works "$continuo" roundtrip -m ./tiny.safetensors none.wav h.wav
works "$continuo" roundtrip -m ./tiny.safetensors many.wav i.wav
works "$continuo" live -m ./tiny.safetensors --in in.wav --out live1.wav --block 64
works "$continuo" live -m ./tiny.safetensors --in in.wav --out live2.wav --block 1000 --json
is "$(field misses)" 0 "misses"
same live1.wav live2.wav
works "$continuo" bench codec -m ./tiny.safetensors --unpaced -s 0.5 --json
for key in model compute threads rate_hz hop_samples steps encode_us decode_us total_us misses realtime_factor; do
  [ -n "$(field $key)" ] || say_bad "bench codec --json lacks $key"
done
works "$continuo" bench oracle -m ./tiny.safetensors --minutes 1 -n 500 --json
for key in codebooks steps_remembered observe_us sample_us jump_us; do
  [ -n "$(field $key)" ] || say_bad "bench oracle --json lacks $key"
done
mkdir -p data/continuo/models && cp tiny.safetensors data/continuo/models/default.safetensors
works "$continuo" roundtrip in.wav j.au
same c.au j.au
works "$continuo" list models
grep -q '^default .*seanet' out || say_bad "list models does not name it"
! grep -q discriminators out || say_bad "list models names what cannot be played"
# entry NAME KEY: of a preset in the JSON array in out
entry() {
  python3 -c 'import json, sys
print([e[sys.argv[2]] for e in json.load(open("out")) if e["preset"] == sys.argv[1]][0])' "$1" "$2"
}
if "$continuo" list --json presets 2>&1 | grep -q libinih; then
  echo "no libinih: presets are not listed"
else
  works "$continuo" list presets
  grep -qE '^ +1  [a-z-]+ +factory +[a-z]+ +[A-Z]' out || say_bad "list presets does not number them"
  works "$continuo" list presets --json
  number=$(entry mirror number)
  factory=$(grep -o '"layer":"factory"' out | wc -l)
  mkdir -p data/continuo/presets state/continuo/last
  printf '[preset]\nformat = 1\nname = Mine\nmode = answer\n' >data/continuo/presets/mirror.ini
  cp data/continuo/presets/mirror.ini data/continuo/presets/0-first.ini
  cp data/continuo/presets/mirror.ini state/continuo/last/continuo.ini
  head -c 1000 tiny.safetensors >data/continuo/presets/bad.ini
  works "$continuo" list presets --json
  is "$(entry mirror number)" "$number" "number of a preset that hides the factory's"
  is "$(entry mirror name)/$(entry mirror mode)/$(entry mirror layer)" "Mine/answer/user" "which one"
  is "$(entry 0-first number)" $((factory + 1)) "number of the user's first"
  is "$(entry last:continuo number)" None "number of what was played last"
  is "$(entry bad number)/$(entry bad mode)" "$((factory + 2))/None" "a file that is no preset"
  works "$continuo" list presets
  grep -q '^ *[0-9]*  bad .*unusable: .*bad.ini' out || say_bad "list presets hides what is wrong"
fi
works "$continuo" list devices
grep -q reference out || say_bad "list devices does not name the reference"

# What should not.
fails 2 "no such command" "$continuo" sing
fails 2 "expected, found \"songs\"" "$continuo" list songs
fails 2 "no such option" "$continuo" live --loud
fails 2 "whole number" "$continuo" encode -k many in.wav x.rvq
fails 2 "1 to 64" "$continuo" encode -k 0 in.wav x.rvq
fails 2 "has 8" "$continuo" encode -k 9 in.wav x.rvq
fails 2 "at least" "$continuo" encode -b 0.1 in.wav x.rvq
fails 2 "expected" "$continuo" encode in.wav
fails 2 "unknown ending" "$continuo" encode in.wav x.mp4
fails 2 "belong to" "$continuo" live --audio jack --in in.wav
fails 3 "no preset is called" "$continuo" live no-such-preset -m ./nothing.safetensors --in in.wav --out never.wav
fails 3 "no model called \"nosuch\"" "$continuo" roundtrip -m nosuch in.wav x.wav
fails 3 "nosuch.wav" "$continuo" roundtrip nosuch.wav x.wav
fails 3 "nowhere/x.wav" "$continuo" roundtrip in.wav nowhere/x.wav
fails 5 "in.wav" "$continuo" decode in.wav x.wav
fails 5 "a.rvq" "$continuo" roundtrip a.rvq x.wav
: >empty
fails 5 "empty" "$continuo" roundtrip empty x.wav
fails 5 "empty" "$continuo" decode empty x.wav
fails 5 "empty" "$continuo" info -q -- empty
fails 4 "$work" "$continuo" roundtrip "$work" x.wav
fails 6 "" "$continuo" encode in.wav x.ecdc
fails 6 "tiny.safetensors" "$continuo" import tiny.safetensors x.safetensors
head -c 5000 tiny.safetensors >cut.safetensors
fails 5 "cut.safetensors" "$continuo" roundtrip -m ./cut.safetensors in.wav x.wav
fails 5 "cut.safetensors" "$continuo" info cut.safetensors
python3 - <<'PY'
data = bytearray(open("tiny.safetensors", "rb").read())
data[20] ^= 0xff
open("flipped.safetensors", "wb").write(data)
PY
fails 5 "flipped.safetensors" "$continuo" info flipped.safetensors
python3 - <<'PY'
data = bytearray(open("in.wav", "rb").read())
data[24:28] = b"\0\0\0\0"
open("zero_hz.wav", "wb").write(data)
PY
fails 5 "zero_hz.wav" "$continuo" roundtrip zero_hz.wav x.wav
absent x
if [ "$(id -u)" -ne 0 ]; then
  cp in.wav secret.wav && chmod 0 secret.wav
  fails 4 "secret.wav" "$continuo" roundtrip secret.wav x.wav
fi
checks=$((checks + 1))
(ulimit -f 8 && trap '' XFSZ && "$continuo" roundtrip -q in.wav full.wav >out 2>err)
is $? 4 "exit code on a full disk"
absent full.wav
checks=$((checks + 1))
"$continuo" info tiny.safetensors >/dev/full 2>err
is $? 4 "exit code with standard output full"

finish
