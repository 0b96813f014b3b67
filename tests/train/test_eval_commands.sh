#!/bin/bash
# SPDX-FileCopyrightText: 2026 The continuo authors
# SPDX-License-Identifier: MIT

# test_eval_commands.sh BIN: a small run trained, exported and measured from a user's side, then what
# users do wrong: one sentence, the exit code of the man page, nothing left behind.
# shellcheck source=tests/train/training_checks.sh
. "$(dirname "$0")/training_checks.sh"

mkdir -p data/bells data/clicks empty one
python3 - <<'PY'
import math, struct, wave
def write(name, rate, count, function):
    with wave.open(name, "wb") as w:
        w.setnchannels(1), w.setsampwidth(2), w.setframerate(rate)
        w.writeframes(b"".join(struct.pack("<h", int(9000 * function(i))) for i in range(count)))
for k in range(20):
    write(f"data/bells/{k}.wav", 24000, 2400, lambda i: math.sin(i * 0.03 * (k + 1)) * math.exp(-i / 900))
for k in range(4):
    write(f"data/clicks/{k}.wav", 48000, 9600, lambda i: 1.0 if i % (900 + k) < 9 else 0.0)
write("one/sample.wav", 24000, 1, lambda i: 0.5)
PY
make_recipe recipe.ini
short=(codec.rate_hz=24000 batch.size=2 batch.micro_batches=1 phases.unquantised=4 phases.reconstruction=8
  phases.adversarial=0 loss.adversarial=0 loss.feature=0 quantiser.start_vectors=100 quantiser.start_iterations=2
  optimiser.average_decay=0.9 discriminator.stft_windows= discriminator.wave_scales=0 run.save_every=5
  run.keep=2 run.validate_every=6 run.validation_crops=2)

works "$train" prepare audio -q data -o set
works "$train" prepare audio -q data/bells -o other
works begin run "${short[@]}"
is "$(python3 -c 'import json; print(json.load(open("run/set.json"))["sha256"])')" \
  "$(python3 -c 'import hashlib; d = open("set/index.jsonl", "rb").read(); print(hashlib.sha256(d).hexdigest())')" \
  "the set that the run names"
fails 2 "another set" "$train" codec -q --resume -d other -o run

# What should work: export.
printf 'Bells by A. Bell,\nclicks by nobody\n' >credits
works "$train" export run -o f32.safetensors --licence CC0-1.0 --attribution credits
for type in f16 bf16 int8; do
  works "$train" export run -o $type.safetensors --dtype $type
done
works "$bin/continuo" info --json f32.safetensors
is "$(json 'o["config"]["licence"]')" CC0-1.0 "licence"
is "$(json 'o["config"]["attribution"].split(",")[0]')" "Bells by A. Bell" "attribution"
is "$(json 'o["config"]["training"]["steps"]')" 12 "steps"
is "$(json 'o["config"]["training"]["audio_seconds"]')" 0.4 "seconds heard"
is "$(json 'o["config"]["training"]["averaged"]')" True "averaged"
is "$(json '"[recipe]" in o["config"]["training"]["recipe"]')" True "recipe"
is "$(json 'o["config"]["training"]["set_sha256"] == json.load(open("run/set.json"))["sha256"]')" True \
  "the set that the model names"
works "$bin/continuo" info int8.safetensors
grep -q 'stored as .*i8' out || say_bad "info does not say how it is stored: $(cat out)"
grep -q 'trained .*12 steps' out || say_bad "info does not say how it was trained: $(cat out)"
works "$train" export -q run -o last.safetensors --average no
checks=$((checks + 1))
cmp -s f32.safetensors last.safetensors && say_bad "averaged and last weights are the same"
works "$train" export -q run -o best.safetensors --checkpoint best
works "$train" export -q run -o ten.safetensors --checkpoint 10
works "$bin/continuo" info --json ten.safetensors
is "$(json 'o["config"]["training"]["steps"]')" 10 "steps of an older checkpoint"
checks=$((checks + 1))
[ "$(stat -c %s int8.safetensors)" -lt "$(stat -c %s f16.safetensors)" ] || say_bad "int8 is not smaller than f16"
rm run/set.json
works "$train" export run -o unknown.safetensors
grep -q -- '--data' err || say_bad "no warning about a run without its set: $(cat err)"
works "$train" export run -o known.safetensors --data set
works "$bin/continuo" info --json known.safetensors
is "$(json 'len(o["config"]["training"]["set_sha256"])')" 64 "digits of the set that --data names"

# A better decoder leaves codes valid: what is frozen is exported as it was.
works begin decoder --init-from f16.safetensors --freeze 'encoder.* rvq.*' "${short[@]}" phases.unquantised=0
works "$train" export -q decoder -o again.safetensors --dtype f16
for half in encoder decoder; do
  hashes=$(for model in f16 again; do
    "$bin/continuo" info --json $model.safetensors | python3 -c "
import json, sys
print(json.load(sys.stdin)['config']['${half}_sha256'])"
  done | sort -u | wc -l)
  is "$hashes" "$([ $half = encoder ] && echo 1 || echo 2)" "hashes of the $half before and after"
done

# What should work: eval.
works "$train" eval codec --help
works "$train" eval audio --help
works "$train" eval codec f16.safetensors -d set
grep -q '^  bells ' out || say_bad "no row for bells: $(cat out)"
works "$train" eval codec f16.safetensors --data set --json
is "$(json '[r["codebooks"] for r in o["results"]]')" "[3]" "numbers of codebooks, 4 bits each"
is "$(json 'o["entropy"][0]["kind"] == "all" and len(o["entropy"][0]["codebooks"])')" 3 "entropies"
is "$(json 'round(o["results"][0]["kbps"], 3)')" 14.4 "kbps"
is "$(json 'o["speed"]["percent"] > 0')" True "speed"
is "$(json 'sum(k["clips"] for k in o["results"][0]["kinds"]) == o["clips"]')" True "clips"
works "$train" eval codec int8.safetensors data -k 1,3,1,all --json --wavs wavs --storage int8
is "$(json '[r["codebooks"] for r in o["results"]]')" "[1, 3]" "numbers of codebooks"
is "$(json 'o["clips"]')" 24 "clips of folders"
is "$(json 'round(o["seconds"], 3)')" 2.8 "seconds"
mel=$(json 'o["results"][0]["all"]["mel"], o["results"][0]["all"]["si_snr_db_mean"]')
is "$(find wavs -name '*.wav' | wc -l)" 72 "files written"
works "$train" eval audio wavs/reference wavs/codebooks-01 --json
is "$(json 'o["all"]["mel"], o["all"]["si_snr_db_mean"]')" "$mel" "what was written, measured again"
works "$train" eval audio data data
grep -q '^  all .* 100.00 .* 0.0000 ' out || say_bad "a copy is not perfect: $(cat out)"
works "$train" eval codec f16.safetensors data --random-codes --json
is "$(json 'o["random_codes"]')" True "random codes"
works "$train" eval codec f16.safetensors data --rate 16000 --split validation -q --json
is "$(json 'o["compared_at_hz"]')" 16000 "rate"
works "$train" eval codec f16.safetensors one
echo "not audio" >data/bells/text.wav
works "$train" eval codec f16.safetensors data --json
is "$(json 'o["clips"], len(o["skipped"])')" "(24, 1)" "clips, and files skipped"
grep -q 'skipped: .*text.wav' err || say_bad "the file skipped is not named: $(cat err)"

# What should not.
mkdir bad && cp data/bells/text.wav bad/
fails 2 "no such command" "$train" eval
fails 2 "no such command" "$train" eval video
fails 2 "expected: continuo-train eval codec" "$train" eval codec
fails 2 "needs folders of recordings" "$train" eval codec f16.safetensors
fails 2 "and not both" "$train" eval codec f16.safetensors data -d set
fails 2 "--split is of a set" "$train" eval codec f16.safetensors data --split all
fails 3 "nothing.safetensors" "$train" eval codec nothing.safetensors data
fails 3 "nowhere" "$train" eval codec f16.safetensors nowhere
fails 3 "nowhere" "$train" eval codec f16.safetensors -d nowhere
fails 3 "empty: no audio files in it" "$train" eval codec f16.safetensors empty
fails 5 "none of 1 files could be read" "$train" eval codec -q f16.safetensors bad 2>/dev/null
fails 5 "recipe.ini" "$train" eval codec ./recipe.ini data
fails 6 "codec training" "$train" eval codec run/checkpoints/step-00000012.safetensors data
fails 2 "1000 to 768000" "$train" eval codec f16.safetensors data --rate 10
fails 2 "prepared at 24000 Hz" "$train" eval codec f16.safetensors -d set --rate 16000
fails 2 "from 1 to 3" "$train" eval codec f16.safetensors data -k 4
fails 2 "from 1 to 3" "$train" eval codec f16.safetensors data -k 0
fails 2 "from 1 to 3" "$train" eval codec f16.safetensors data -k 1,,2
fails 2 "from 1 to 3" "$train" eval codec f16.safetensors data -k "1;2"
fails 4 "text.wav" "$train" eval codec -q f16.safetensors one --wavs bad/text.wav
cp f16.safetensors broken.safetensors
printf '\1' | dd of=broken.safetensors bs=1 seek=$(($(stat -c %s broken.safetensors) - 1)) conv=notrunc 2>/dev/null
fails 5 "broken.safetensors: damaged" "$train" eval codec broken.safetensors data
fails 3 "empty: no audio files in it" "$train" eval audio empty data
fails 3 "other/bells/0.wav" "$train" eval audio -q data other
fails 2 "expected: continuo-train eval audio" "$train" eval audio data
mkdir -p half/bells half/clicks && cp data/bells/*.wav half/bells/ && cp data/clicks/*.wav half/clicks/
echo "no audio" >half/bells/3.wav
fails 5 "half/bells/3.wav" "$train" eval audio -q data half
rm data/bells/text.wav
fails 2 "name the model file" "$train" export run
fails 3 "nowhere: no training run" "$train" export nowhere -o x.safetensors
fails 3 "step-00000003" "$train" export run -o x.safetensors --checkpoint 3
fails 2 "best, latest or a step" "$train" export run -o x.safetensors --checkpoint newest
fails 2 "f32|f16|bf16|int8" "$train" export run -o x.safetensors --dtype f8
fails 2 "at most 63" "$train" export run -o x.safetensors --licence "$(printf 'a%.0s' {1..64})"
fails 3 "nobody" "$train" export run -o x.safetensors --attribution nobody
fails 5 "UTF-8" "$train" export run -o x.safetensors --attribution f16.safetensors
: >nothing
fails 5 "UTF-8" "$train" export run -o x.safetensors --attribution nothing
fails 3 "nowhere/x.safetensors" "$train" export -q run -o nowhere/x.safetensors
cp run/checkpoints/step-00000012.safetensors whole
truncate -s -4 run/checkpoints/step-00000012.safetensors
fails 5 "step-00000012.safetensors" "$train" export -q run -o x.safetensors
cp whole run/checkpoints/step-00000012.safetensors
checks=$((checks + 1))
(ulimit -f 8 && trap '' XFSZ && "$train" export -q run -o x.safetensors >out 2>err)
is $? 4 "exit code on a full disk"
checks=$((checks + 1))
compgen -G "x.safetensors*" >/dev/null && say_bad "left behind: $(ls x.safetensors*)"

finish
