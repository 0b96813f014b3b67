#!/bin/bash
# SPDX-FileCopyrightText: 2026 The continuo authors
# SPDX-License-Identifier: MIT

# test_commands.sh BIN: continuo-train from a user's side: what works, then what users do wrong: one
# sentence that names the file, the exit code of the man page, nothing left behind.
# shellcheck source=tests/command_checks.sh
. "$(dirname "$0")/../command_checks.sh"
train=$bin/continuo-train

mkdir -p data/speech data/drums empty
python3 - <<'PY'
import math, struct, wave
def write(name, rate, channels, count):
    with wave.open(name, "wb") as w:
        w.setnchannels(channels), w.setsampwidth(2), w.setframerate(rate)
        w.writeframes(b"".join(struct.pack("<h", int(9000 * math.sin(i // channels * 0.05)))
                               for i in range(count * channels)))
for i in range(30):
    write(f"data/speech/{i}.wav", 24000, 1, 2400)
for i in range(4):
    write(f"data/drums/{i}.wav", 96000, 6, 9600)
PY
echo "not audio" >data/speech/text.wav
echo "a list" >data/speech/list.txt

# What should work.
works "$train" --help
works "$train" --version
works "$train" prepare audio --help
works "$train" prepare audio data -o set1
grep -q '^speech ' out || say_bad "no line for speech: $(cat out)"
grep -q 'skipped: .*text.wav' err || say_bad "the file skipped is not named: $(cat err)"
works "$train" prepare audio --json data/speech data/drums -o set2
is "$(json 'o["rate_hz"]')" 24000 "rate"
is "$(json '[k["kind"] for k in o["kinds"]]')" "['drums', 'speech']" "kinds"
is "$(json 'sum(k["train"]["clips"] + k["validation"]["clips"] for k in o["kinds"])')" 34 "clips"
is "$(json 'all(k["validation"]["clips"] > 0 for k in o["kinds"])')" True "validation clips"
is "$(json 'o["kinds"][0]["train"]["samples"] + o["kinds"][0]["validation"]["samples"]')" 9600 "samples"
is "$(json 'len(o["skipped"])')" 1 "skipped files"
is "$(json 'o["ignored_files"]')" 1 "ignored files"
checks=$((checks + 1))
cmp -s set1/audio-000.shard set2/audio-000.shard && cmp -s set1/index.jsonl set2/index.jsonl ||
  say_bad "the same files gave another set"
works "$train" prepare audio -q data -o set3 --rate 16000 --validation 0 --high-pass 0 --kind folder
is "$(wc -c <out)" 0 "bytes printed when quiet"
is "$(python3 -c '
import json
print(len({json.loads(l)["kind"] + json.loads(l)["split"] for l in list(open("set3/index.jsonl"))[1:]}))')" 1 \
  "kinds and splits of one folder, none kept aside"

# What should not.
fails 2 "no such command" "$train" sing
fails 2 "no such command" "$train" prepare
fails 2 "expected: continuo-train prepare audio" "$train" prepare audio -o x
fails 2 "name the set's folder with -o" "$train" prepare audio data
fails 2 "holds a set already" "$train" prepare audio -q data -o set1
fails 2 "not empty" "$train" prepare audio -q data -o data
fails 2 "0% to 50% expected, found \"51%\"" "$train" prepare audio data -o x --validation 51%
fails 2 "0% to 50% expected, found \"5 of 100\"" "$train" prepare audio data -o x --validation "5 of 100"
fails 2 "1000 to 768000" "$train" prepare audio data -o x --rate 10
fails 2 "auto|folder|below" "$train" prepare audio data -o x --kind mine
fails 2 "--group" "$train" prepare audio data -o x --group "("
fails 2 "below half the rate" "$train" prepare audio data -o x --rate 8000 --high-pass 4000
fails 2 "would both be called" "$train" prepare audio data/drums data/drums -o x
fails 3 "empty: no audio files in it" "$train" prepare audio data/speech empty -o x
fails 3 "nowhere" "$train" prepare audio nowhere -o x
fails 3 "nowhere/x" "$train" prepare audio data -o nowhere/x
mkdir bad && cp data/speech/text.wav bad/
fails 5 "none of 1 files could be read" "$train" prepare audio -q bad -o x 2>/dev/null
checks=$((checks + 1))
(ulimit -f 8 && trap '' XFSZ && "$train" prepare audio -q data -o x >out 2>err)
is $? 4 "exit code on a full disk"
checks=$((checks + 1))
compgen -G "x*" >/dev/null && say_bad "left behind: $(ls -d x*)"

# Killed, it leaves no set, and the next run takes the folder over; interrupted, it leaves nothing.
mkdir big && python3 - <<'PY'
import wave
with wave.open("big/a.wav", "wb") as w:
    w.setnchannels(1), w.setsampwidth(2), w.setframerate(96000)
    w.writeframes(bytes(2 * 96000 * 600))
PY
"$train" prepare audio -q big -o killed & pid=$!
until compgen -G "killed/audio-000.shard.tmp-*" >/dev/null; do kill -0 $pid 2>/dev/null || break; done
kill -9 $pid
wait $pid 2>/dev/null
checks=$((checks + 1))
[ -e killed/index.jsonl ] && say_bad "killed, it left an index"
works "$train" prepare audio -q data -o killed
is "$(find killed -type f | wc -l)" 2 "files after a killed run and a whole one"
"$train" prepare audio -q big -o stopped 2>err & pid=$!
until compgen -G "stopped/audio-000.shard.tmp-*" >/dev/null; do kill -0 $pid 2>/dev/null || break; done
kill -INT $pid
wait $pid
is $? 130 "exit code when interrupted"
is "$(ls -d stopped 2>/dev/null)" "" "what an interrupted run leaves"

finish
