#!/bin/bash
# SPDX-FileCopyrightText: 2026 The continuo authors
# SPDX-License-Identifier: MIT

# test_training_faults.sh BIN: what users and machines do wrong with `continuo-train codec`: one
# sentence, the exit code of the man page, no run where none began, and a run left as it was.
# shellcheck source=tests/train/training_checks.sh
. "$(dirname "$0")/training_checks.sh"

# never CODE WORDS [ARGUMENT...]: no run begins, and nothing is left of it
never() {
  local code=$1 words=$2
  shift 2
  fails "$code" "$words" begin never "$@"
  [ -e never ] && say_bad "left behind: $(find never)"
  rm -rf never
}

# refuses CODE WORDS [ARGUMENT...]: `run` does not go on, and stays as it is
refuses() {
  local code=$1 words=$2 before
  shift 2
  before=$(content run)
  fails "$code" "$words" go_on run "$@"
  [ "$(content run)" = "$before" ] || say_bad "$*: the run is not as it was"
}

content() {
  (cd "$1" && find . -type f ! -path './log/*' -exec sha256sum {} + | sort)
}

make_set set 8000 --validation 20
make_set other 8000 --validation 0
make_set set16 16000
make_recipe recipe.ini
works begin run --steps 10
works begin other-net --steps 4 encoder.width=6 decoder.width=6
works "$train" export -q other-net -o other-net.safetensors
works begin dilated --steps 4 encoder.dilation_base=2
works "$train" export -q dilated -o dilated.safetensors
works "$train" export -q run -o model.safetensors

# Recipes.
never 2 "nothing is called optimiser.rat, the nearest is optimiser.rate" optimiser.rat=1
never 2 "nothing is called sing.rate" sing.rate=1
never 2 "expected section.key=value" rate=1
never 2 "expected section.key=value" optimiser.rate
never 2 "batch.size = 0: expected an integer from 1 to 4096" batch.size=0
never 2 "optimiser.rate = 2: expected a number from 0 to 1" optimiser.rate=2
never 2 "optimiser.rate = nan" optimiser.rate=nan
never 2 "loss.balancer = maybe: expected true or false" loss.balancer=maybe
never 2 "data.crop_samples is 390, expected a multiple of the hop, 20" data.crop_samples=390
never 2 "batch.size is 5, expected a multiple of batch.micro_batches, 2" batch.size=5
never 2 "loss.mel_windows has 404, expected at most data.crop_samples, 400" loss.mel_windows=404
never 2 "discriminator.stft_windows has 30, expected multiples of 4" discriminator.stft_windows=30
never 2 "quantiser.start_vectors is 15" quantiser.start_vectors=15
never 2 "phases.unquantised, reconstruction and adversarial are all 0" phases.unquantised=0 \
  phases.reconstruction=0 phases.adversarial=0
never 2 "no discriminator is asked for" discriminator.stft_windows=
never 2 "codebook_size" codec.codebook_size=17
never 6 "one channel" codec.n_channels=2
never 2 "compress 2 does not divide width 5" encoder.width=5
for text in '[optimizer]' '[optimiser]
rat = 1' 'rate = 1' '[optimiser]
rate' '[optimiser' '[optimiser]
rate = 1e-3
rate = 1e-3'; do
  echo "$text" >bad.ini
  [ "$text" = "[optimizer]" ] && echo "rate = 1" >>bad.ini
  fails 2 "bad.ini:" "$train" codec -d set -c bad.ini -o never
done
head -c 4000 /dev/urandom >bad.ini
fails 2 "bad.ini:" "$train" codec -d set -c bad.ini -o never
fails 3 "nowhere.ini" "$train" codec -d set -c nowhere.ini -o never
fails 4 "set: not a regular file" "$train" codec -d set -c set -o never
is "$(ls -d never 2>/dev/null)" "" "what refused recipes leave"

# Sets.
fails 2 "set16: prepared at 16000 Hz, the recipe wants 8000 Hz" "$train" codec -d set16 -c recipe.ini -o never
fails 3 "nowhere" "$train" codec -d nowhere -c recipe.ini -o never
fails 3 "set-audio" "$train" codec -d set-audio -c recipe.ini -o never
mkdir -p one/tones && cp set-audio/tones/0.wav one/tones
works "$train" prepare audio -q one/tones -o aside --rate 8000 --validation 50
fails 2 "aside: the set has no clips to train on" "$train" codec -d aside -c recipe.ini -o never
cp -r set cut && truncate -s -10 cut/audio-000.shard
fails 5 "cut/audio-000.shard" "$train" codec -d cut -c recipe.ini -o never
is "$(ls -d never 2>/dev/null)" "" "what refused sets leave"
works "$train" codec -d other -c recipe.ini -o unjudged --steps 21
says "no clip is kept aside"
is "$(find unjudged -name 'best*')" "" "the best of no validation"

# Options.
fails 2 "needs -d SET, -o RUN and -c RECIPE" "$train" codec -d set -o never
fails 2 "--resume takes recipe and weights from the run" "$train" codec -d set -c recipe.ini -o run --resume
fails 3 "nowhere/never" "$train" codec -d set -c recipe.ini -o nowhere/never
fails 4 "recipe.ini" "$train" codec -d set -c recipe.ini -o recipe.ini
fails 2 "run: holds a run already (--resume goes on with it)" begin run
never 2 "nothing is called \"encodre.*\"" --freeze 'encodre.*'
never 2 "rvq.0.codebook has no values yet" --freeze 'rvq.*'
never 2 "avx3" --variant avx3
never 2 "encoder.width is 4 here, but 6 in other-net.safetensors" --init-from other-net.safetensors
never 2 "encoder.dilation_base is 3 here, but 2 in dilated.safetensors" --init-from dilated.safetensors
never 5 "recipe.ini: not a safetensors file" --init-from recipe.ini
never 3 "nowhere.safetensors" --init-from nowhere.safetensors
never 2 "--steps" --steps 0
touch_run() { mkdir half && mkdir half/checkpoints && cp "$(latest run)" half/checkpoints; }
touch_run
fails 2 "half: holds checkpoints, but no recipe.ini" begin half

# A run that goes on.
mkdir empty
fails 2 "empty: no run to go on with" go_on empty
is "$(ls empty)" "" "what a refused resume leaves"
fails 2 "nowhere: no run to go on with" go_on nowhere
fails 2 "was trained on another set" "$train" codec -q -d other --resume -o run
refuses 2 "encoder.width is 6 here, but 4 in run/checkpoints/" encoder.width=6
refuses 2 "discriminator.stft_channels is 8 here, but 4" discriminator.stft_channels=8
refuses 2 "optimiser.average_decay is 0 here" optimiser.average_decay=0
refuses 2 "phases.adversarial is 0 here, but 60" phases.adversarial=0
refuses 2 "data.crop_samples is 390" data.crop_samples=390
refuses 2 "nothing is called \"nobody\"" --freeze nobody
refuses 2 "--variant choose" --variant reference
cp -r run edited && sed -i 's/^width = 4/width = 8/' edited/recipe.ini
fails 2 "encoder.width is 8 here, but 4 in edited/checkpoints/" go_on edited
works "$train" codec -d set --resume -o run optimiser.rate=1e-3 --steps 1
says "optimiser.rate is 0.001 from here on, it was 0.005"

# Only one at a time.
"$train" codec -q -d set -c recipe.ini -o twice run.save_every=1000 phases.reconstruction=1000000 \
  2>/dev/null & pid=$!
until [ -e twice/recipe.ini ] || ! runs; do sleep 0.02; done
fails 2 "twice: another process trains in it" go_on twice
fails 2 "twice: holds a run already" begin twice
kill -INT $pid
wait $pid
is $? 130 "exit code of the one that was there first"

# Damage. Warnings name what cannot be read; the next older one is gone on from.
damage() { # RUN NUMBER_FROM_LATEST flip|cut
  local files
  mapfile -t files < <(find "$1/checkpoints" -name 'step-*' | sort -r)
  if [ "$3" = cut ]; then
    truncate -s 5000 "${files[$2]}"
  else
    printf '\xff\xff\xff' | dd of="${files[$2]}" bs=1 seek=100000 conv=notrunc 2>/dev/null
  fi
}
works begin whole --steps 30 run.keep=3
cp -r whole hurt
damage hurt 0 flip
works "$train" codec -d set --resume -o hurt --steps 2
says "warning: hurt/checkpoints/step-00000030.safetensors: damaged: its SHA-256 is"
says "goes on from step 28"
same hurt/checkpoints/step-00000030.safetensors whole/checkpoints/step-00000030.safetensors
rm -r hurt && cp -r whole hurt
damage hurt 0 cut
damage hurt 1 flip
works "$train" codec -d set --resume -o hurt --steps 4
says "warning: hurt/checkpoints/step-00000030.safetensors: not a safetensors file, or truncated"
says "goes on from step 26"
same hurt/checkpoints/step-00000030.safetensors whole/checkpoints/step-00000030.safetensors
rm -r hurt && cp -r whole hurt
damage hurt 0 cut
damage hurt 1 flip
damage hurt 2 flip
works "$train" codec -d set --resume -o hurt --steps 10
says "goes on from step 20"
same hurt/checkpoints/step-00000030.safetensors whole/checkpoints/step-00000030.safetensors
rm -r hurt && cp -r whole hurt
for i in 0 1 2; do damage hurt $i cut; done
truncate -s 0 hurt/checkpoints/best.safetensors
fails 5 "hurt: no checkpoint that can be gone on from" go_on hurt
rm hurt/checkpoints/*
fails 3 "hurt: no checkpoint that can be gone on from" go_on hurt
works begin exported --steps 4
damage exported 0 flip
fails 5 "damaged: its SHA-256" "$train" export exported -o exported.safetensors
is "$(ls exported.safetensors 2>/dev/null)" "" "what is exported of damage"

# A full disk: at the first save there is no run; later the run stays, and goes on when there is room.
(ulimit -f 100; begin full) >out 2>err
is $? 4 "exit code when there is no room to begin"
says "cannot write: File too large"
is "$(ls -d full 2>/dev/null)" "" "what is left of it"
cp -r run full
(ulimit -f 100; go_on full --steps 10) >out 2>err
is $? 4 "exit code when there is no room to save"
says "cannot write: File too large"
is "$(grep -vc '^continuo-train: ' err)" 1 "sentences"
is "$(find full -name '*.tmp-*')" "" "what is left of it"
works go_on full --steps 10
works go_on run --steps 10
same "$(latest full)" "$(latest run)"
finish
