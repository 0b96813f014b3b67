#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The continuo authors
# SPDX-License-Identifier: MIT
"""test_judge.py BIN own|recordings: the judge passes good continuations and fails planted fakes, each
for its own reason. `own` tries it on the demo's prompt, `recordings` on drums and music (exit 77
where they are not)."""

import json
import os
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

try:
    import numpy as np

    import criteria
    import material
    import sound
except ImportError as problem:
    print(f"skipped: {problem}; python3-numpy is not here")
    sys.exit(77)

COUNT = 20 * sound.RATE_HZ
# Three drummers, two titles: what went on in the recording is judged a continuation.
DRUMS = ("drummer1_session1_1_funk_80", "drummer7_session2_87_hiphop_75", "drummer8_session1_26_afrobeat_94")
MUSIC = (("sharp.ogg", 30), ("template.ogg", 60))
# The prompt's four bars in an order that takes no two of them twice in a row.
GOOD_BARS = (2, 0, 1, 3, 1, 0, 2, 3, 0, 2)
OTHER_BARS = (3, 1, 0, 2, 0, 3, 1, 2, 1, 0)  # and this one no bar where the other has it

checks = 0
bad = 0


def holds(truth, words):
    global checks, bad
    checks += 1
    if not truth:
        bad += 1
        print(f"not ok: {words}")


class Trial:
    """One prompt and what is heard of it."""

    def __init__(self, name, binary, prompt):
        self.name, self.binary, self.prompt = name, binary, prompt
        self.stamp = len(prompt) / sound.RATE_HZ
        self.monitor = self.heard(np.zeros(COUNT))

    def heard(self, continuation):
        """Prompt and continuation through the codec, as a model's codes would sound."""
        return material.round_trip(self.binary, np.concatenate([self.prompt, continuation]))

    def spliced(self, continuation):
        """The prompt as heard, then continuation as it is: half the work where codes do not matter."""
        after = np.asarray(continuation, np.float32)[:, None]
        return np.concatenate([self.monitor[: len(self.prompt)], after])

    def findings(self, take, monitor=None, stamp=None):
        monitor = self.monitor if monitor is None else monitor
        return criteria.judge(self.prompt, take[:, 0].astype(np.float64), take, monitor, sound.RATE_HZ,
                              self.stamp if stamp is None else stamp)

    def passes(self, what, *args, **kwargs):
        self.fails(what, set(), *args, **kwargs)

    def fails(self, what, expected, *args, **kwargs):
        """Just the criteria in expected are not met."""
        findings = self.findings(*args, **kwargs)
        missed = {finding.name for finding in findings if not finding.met}
        words = "\n  ".join(f"{finding.name}: {finding.words}" for finding in findings)
        holds(missed == expected, f"{self.name}, {what}: fails {sorted(missed)}, not {sorted(expected)}\n  {words}")


def judge_fakes(trial):
    """The three that must never pass, and the loop shorter than the prompt."""
    chance = np.random.default_rng(1)
    prompt = trial.prompt
    trial.fails("silence", {"level", "departure", "beat", "movement"}, trial.monitor)
    trial.fails("dead silence", {"level", "beat", "movement"}, trial.spliced(np.zeros(COUNT)))
    trial.fails("the prompt looped", {"repeats"}, trial.heard(material.looped(prompt, trial.stamp, COUNT)))
    trial.fails("white noise", {"beat", "movement"}, trial.spliced(material.white_noise(prompt, COUNT, chance)))
    trial.fails("noise of its colour", {"beat", "movement"},
                trial.spliced(material.coloured_noise(prompt, COUNT, chance)))


def judge_repeats(trial, good):
    prompt, after = trial.prompt, good[len(trial.prompt):, 0]
    for length in (4.6, 2.0):
        trial.fails(f"its last {length} s looped", {"repeats"}, trial.heard(material.looped(prompt, length, COUNT)))
    for length, expected in ((4.2, {"repeats"}), (3.2, set())):
        again = after.copy()
        first, n = material.seconds(6), material.seconds(length)
        again[first + n: first + 2 * n] = again[first: first + n]
        missed = {f.name for f in trial.findings(trial.spliced(again)) if not f.met} & {"repeats"}
        holds(missed == expected, f"{trial.name}, {length} s of it once again: {sorted(missed)}")


def judge_levels(trial, good):
    after = good[len(trial.prompt):, 0]
    for step_db, expected in ((-9.0, {"level"}), (9.0, {"level"}), (-4.0, set())):
        trial.fails(f"{step_db:+} dB", expected, trial.spliced(after * 10 ** (step_db / 20)))
    hole = after.copy()
    hole[material.seconds(7): material.seconds(9)] = 0.0
    trial.fails("a hole of two seconds", {"level"}, trial.spliced(hole))
    ends = after.copy()
    ends[material.seconds(17):] = 0.0
    trial.fails("an early end", {"level"}, trial.spliced(ends))
    trial.fails("too short a take", {"length", "departure"}, good[: material.seconds(trial.stamp + 11)])


def judge_departures(trial, good):
    """The stamp, the time before it, and input that is heard through."""
    prompt, stamp = trial.prompt, trial.stamp
    trial.fails("a stamp that comes late", {"departure"}, good, stamp=stamp + 0.1)
    trial.fails("a stamp long before", {"departure"}, good, stamp=stamp - 1.5)
    touched = good.copy()
    touched[material.seconds(3)] += 0.001
    trial.fails("one sample changed before", {"departure"}, touched)
    played_on = trial.heard(material.bars(prompt, OTHER_BARS, 2.0))
    trial.fails("the input, heard through", {"departure"}, played_on, monitor=played_on)
    late = played_on.copy()
    late[len(prompt):] = 0.7 * np.roll(played_on, 1000, axis=0)[len(prompt):]
    trial.fails("the input, late and lower", {"departure"}, late, monitor=played_on)
    trial.passes("another continuation while the input plays on", good, monitor=played_on)
    shifted = np.pad(good, ((777, 0), (0, 0)))
    trial.passes("a take that began earlier", shifted, stamp=stamp + 777 / sound.RATE_HZ)


def judge_rhythm(trial, good):
    chance = np.random.default_rng(2)
    after = good[len(trial.prompt):, 0].astype(np.float64)
    trial.fails("the prompt chopped up", {"beat"}, trial.heard(material.chopped(trial.prompt, COUNT, chance)))
    slower = material.slower(after, 0.12)
    trial.fails("another tempo", {"beat"}, trial.spliced(slower[:COUNT]))


def run_judge(folder, *more):
    command = [os.path.join(HERE, "judge")]
    for name in ("prompt", "monitor", "take"):
        command += [f"--{name}", os.path.join(folder, name + ".wav")]
    return subprocess.run(command + list(more), capture_output=True, text=True, check=False)


def judge_files(trial, good):
    """The command: another rate, two channels, exit codes, JSON."""
    with tempfile.TemporaryDirectory() as folder:
        for name, samples in (("prompt", trial.prompt), ("monitor", trial.monitor), ("take", good)):
            path = os.path.join(folder, name + ".wav")
            raw = np.asarray(samples, "<f4").tobytes()
            sound.sox(["-t", "f32", "-r", str(sound.RATE_HZ), "-c", "1", "-", "-b", "24", "-r", "44100", "-c", "2",
                       path], raw)
        ran = run_judge(folder, "--continued-at", str(trial.stamp))
        holds(ran.returncode == 0 and ran.stdout.count("ok  ") == 5, f"files: {ran}")
        ran = run_judge(folder, "--continued-at", "2.0", "--json")
        found = json.loads(ran.stdout)
        holds(ran.returncode == 1 and not found["passed"] and not found["criteria"]["departure"]["met"], f"json: {ran}")
        ran = run_judge(folder, "--continued-at", str(trial.stamp), "--seconds", "5")
        holds(ran.returncode == 1 and "at least 12" in ran.stdout, f"too short: {ran}")
        ran = run_judge(folder, "--continued-at", "99")
        holds(ran.returncode == 2 and "99.0 s" in ran.stderr, f"a stamp outside: {ran}")
        os.unlink(os.path.join(folder, "monitor.wav"))
        ran = run_judge(folder, "--continued-at", str(trial.stamp))
        holds(ran.returncode == 2 and "monitor.wav" in ran.stderr, f"no monitor: {ran}")


def try_own(binary):
    prompt = material.own_prompt()
    trial = Trial("own prompt", binary, prompt)
    good = trial.heard(material.bars(prompt, GOOD_BARS, 2.0))
    trial.passes("its bars in another order", good)
    judge_fakes(trial)
    judge_repeats(trial, good)
    judge_levels(trial, good)
    judge_departures(trial, good)
    judge_rhythm(trial, good)
    judge_files(trial, good)
    return True


def try_recordings(binary):
    found = [(path, 0) for path in material.drums() if os.path.basename(path).startswith(DRUMS)]
    found += [(path, first) for path in material.files("music", ".ogg") for name, first in MUSIC
              if os.path.basename(path) == name]
    if not found:
        print(f"skipped: no recordings in {material.SHARED}/data")
        return False
    for path, first in found:
        sounds = material.excerpt(path, first, 28)
        trial = Trial(os.path.basename(path), binary, sounds[: material.seconds(8)])
        trial.passes("what the recording does", trial.heard(sounds[material.seconds(8):]))
        judge_fakes(trial)
    return True


def main():
    if len(sys.argv) != 3 or sys.argv[2] not in ("own", "recordings"):
        print("usage: test_judge.py BIN own|recordings", file=sys.stderr)
        return 2
    done = (try_own if sys.argv[2] == "own" else try_recordings)(sys.argv[1])
    if not done:
        return 77
    print(f"{checks} checks, {bad} not ok")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
