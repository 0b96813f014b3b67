# SPDX-FileCopyrightText: 2026 The continuo authors
# SPDX-License-Identifier: MIT
"""What the judge asks of a continuation. Thresholds and what they were found from: README.md here.

Each criterion takes arrays of one channel at sound.RATE_HZ unless it says otherwise, and returns a
Finding: whether it is met, one sentence with its figures, and the figures by name.
"""

from dataclasses import dataclass, field

import numpy as np

import sound

LEVEL_DB = 6.0
MORE_SILENCE_SECONDS = 1.0
QUIET_DB = -40.0  # below the prompt's level: silence
LEAST_SECONDS, MOST_SECONDS = 12.0, 20.0  # of the continuation, that the beat is sought in
BEAT_SECONDS = (0.3, 1.2)
BEAT_SHARE = 0.7
BEAT_TOLERANCE = 0.03
LEAST_BEAT = 0.2  # of the prompt: below it there is no beat to go on with
MOVEMENT_DB = 1.7
SAME = 2.0 ** -14  # two steps of a 16-bit file
EARLY_SECONDS = 0.02
ANSWER_SECONDS = 1.0
THRU_SHARE = 0.5  # of a window's energy that the monitor's explains
REPEAT_SECONDS = 4.0
REPEAT_LAGS = (1.0, 10.0)
REPEAT_RATE_HZ = 4000
REPEAT_WINDOW, REPEAT_HOP = 0.5, 0.25
VERBATIM = 0.9


@dataclass
class Finding:
    name: str
    met: bool
    words: str
    figures: dict = field(default_factory=dict)


def decibels(power):
    return 10.0 * np.log10(max(power, 1e-12))


def quiet_windows(samples, level):
    """Whether each window of 50 ms, every 10 ms, is silence beside a sound of power level."""
    power = sound.power_in_windows(samples, 0.05, 0.01)
    return power < max(level, sound.SILENT) * 10 ** (QUIET_DB / 10)


def longest_run(flags):
    edges = np.diff(np.concatenate([[0], np.asarray(flags, np.int8), [0]]))
    starts, stops = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    return int(np.max(stops - starts)) if len(starts) else 0


def longest_silence(samples, level):
    """Seconds."""
    run = longest_run(quiet_windows(samples, level))
    return 0.01 * (run - 1) + 0.05 if run else 0.0


def without_silent_ends(samples):
    level = sound.gated_power(samples)
    loud = np.flatnonzero(~quiet_windows(samples, level))
    if not len(loud):
        return samples
    hop = sound.RATE_HZ // 100
    return samples[loud[0] * hop: loud[-1] * hop + 5 * hop]


def judge_level(prompt, continuation):
    own = sound.gated_power(prompt)
    step_db = decibels(sound.gated_power(continuation)) - decibels(own)
    silence = longest_silence(continuation, own)
    allowed = longest_silence(prompt, own) + MORE_SILENCE_SECONDS
    met = abs(step_db) <= LEVEL_DB and silence <= allowed
    words = (f"{step_db:+.1f} dB from the prompt (at most {LEVEL_DB:.0f}), longest silence {silence:.2f} s "
             f"(at most {allowed:.2f})")
    return Finding("level", met, words, {"step_db": step_db, "silence_seconds": silence,
                                         "silence_allowed_seconds": allowed})


def beat_of(rows):
    """The strongest lag of the onsets within BEAT_SECONDS, in rows, and the autocorrelation."""
    most = int(BEAT_SECONDS[1] * sound.ROWS_HZ)
    alike = sound.autocorrelation(sound.onset_strength(rows), most + 10)
    least = int(BEAT_SECONDS[0] * sound.ROWS_HZ)
    return least + int(np.argmax(alike[least: most + 1])), alike


def strength_at(alike, lag):
    """The largest autocorrelation within the tolerance around lag."""
    around = max(1, round(BEAT_TOLERANCE * lag))
    return float(np.max(alike[lag - around: lag + around + 1]))


def judge_beat(heard_rows, rows):
    """heard_rows: the prompt as the codec gives it, which blurs both alike; rows: the continuation."""
    lag, alike = beat_of(heard_rows)
    own = strength_at(alike, lag)
    window, least = int(MOST_SECONDS * sound.ROWS_HZ), int(LEAST_SECONDS * sound.ROWS_HZ)
    found = []
    for first in range(0, max(len(rows) - least, 0) + 1, window):
        part = sound.onset_strength(rows[first: first + window])
        found.append(strength_at(sound.autocorrelation(part, lag + 10), lag))
    strength = float(np.median(found))
    figures = {"beat_seconds": lag / sound.ROWS_HZ, "prompt": own, "continuation": strength}
    if own < LEAST_BEAT:
        words = f"not judged: the prompt has none ({own:.2f} at its best lag, {LEAST_BEAT} would be one)"
        return Finding("beat", True, words, figures)
    words = (f"onsets {strength:.2f} alike after {lag / sound.ROWS_HZ:.2f} s, the prompt's {own:.2f}: "
             f"{100 * strength / own:.0f} % (at least {100 * BEAT_SHARE:.0f})")
    return Finding("beat", strength >= BEAT_SHARE * own, words, figures)


def judge_movement(heard_rows, rows):
    """Noise stands still, whatever its spectrum; also told where the prompt has no beat."""
    own, found = sound.movement_db(heard_rows), sound.movement_db(rows)
    least = min(MOVEMENT_DB, 0.8 * own)
    words = f"bands move by {found:.1f} dB, the prompt's by {own:.1f} (at least {least:.1f})"
    return Finding("movement", found >= least, words, {"prompt_db": own, "continuation_db": found})


def resample_down(samples, rate_hz):
    """From sound.RATE_HZ, by cutting the spectrum off."""
    count = len(samples) * rate_hz // sound.RATE_HZ
    return np.fft.irfft(np.fft.rfft(samples)[: count // 2 + 1], count) * rate_hz / sound.RATE_HZ


def correlations(signal, total, first, n, back, least_energy):
    """Normalised correlation of signal[first : first + n] with what came 0 .. back samples before:
    [back + 1]. total: running sum of squares. Beyond the start it is 0."""
    start = max(0, first - back)
    before = signal[start: first + n]
    size = 1 << int(np.ceil(np.log2(back + 2 * n)))
    window = np.fft.rfft(signal[first: first + n], size)
    sums = np.fft.irfft(np.fft.rfft(before, size) * np.conj(window), size)[: first - start + 1]
    energy = np.maximum(total[start + n: first + n + 1] - total[start: first + 1], 0.0)
    out = np.zeros(back + 1)
    out[: first - start + 1] = (sums / np.sqrt((energy + least_energy) * (energy[-1] + least_energy)))[::-1]
    return out


def similarity_table(take, begin, level):
    """How like each half second of take from sample begin on is what was played 1 to 10 s before it:
    [windows, lags], lags in ms; and which windows are too quiet to tell."""
    signal = resample_down(take, REPEAT_RATE_HZ)
    n, hop = int(REPEAT_WINDOW * REPEAT_RATE_HZ), int(REPEAT_HOP * REPEAT_RATE_HZ)
    total = np.concatenate([[0.0], np.cumsum(signal * signal)])
    firsts = np.arange(begin * REPEAT_RATE_HZ // sound.RATE_HZ, len(signal) - n + 1, hop)
    quiet = total[firsts + n] - total[firsts] < n * level * 10 ** (QUIET_DB / 10)
    least, most = (int(seconds * REPEAT_RATE_HZ) for seconds in REPEAT_LAGS)
    per_ms = REPEAT_RATE_HZ // 1000
    table = np.empty((len(firsts), (most - least) // per_ms + 1), np.float32)
    for row, first in zip(table, firsts):
        alike = correlations(signal, total, first, n, most + per_ms, 1e-6 * n * level)
        row[:] = alike[least: most + per_ms].reshape(-1, per_ms).max(1)
    # A copy may lie between two lags: each takes the best of its neighbours too.
    table[:, 1:-1] = np.maximum(table[:, 1:-1], np.maximum(table[:, :-2], table[:, 2:]))
    return table, quiet


def windows_needed(lag_seconds):
    """As many windows as must be alike in a row: the whole lag's length comes again, and what is
    repeated, over and over where it is short, is longer than REPEAT_SECONDS. The first quarter of a
    second is let go: the decoder remembers what came before."""
    seconds = np.maximum(lag_seconds, 2 * REPEAT_SECONDS - lag_seconds) - REPEAT_HOP
    return np.round((seconds - REPEAT_WINDOW) / REPEAT_HOP).astype(int) + 1


def mean_runs(table, quiet, count):
    """Mean similarity over count windows on end, by first window and lag; 0 where most are quiet."""
    known = ~quiet
    sums = np.cumsum(np.pad(table * known[:, None], ((1, 0), (0, 0))), axis=0, dtype=np.float64)
    counts = np.cumsum(np.pad(known, (1, 0)))
    told = counts[count:] - counts[:-count]
    means = (sums[count:] - sums[:-count]) / np.maximum(told, 1)[:, None]
    means[told < 0.6 * count] = 0.0
    return means


def most_alike(table, quiet):
    """Similarity, lag and time of what is most like what came before it."""
    lags = REPEAT_LAGS[0] + 0.001 * np.arange(table.shape[1])
    needed = windows_needed(lags)
    best, begins = np.zeros(len(lags)), np.zeros(len(lags))
    for count in np.unique(needed[needed <= len(table)]):
        at = np.flatnonzero(needed == count)
        means = mean_runs(table[:, at], quiet, count)
        best[at] = np.max(means, axis=0)
        begins[at] = REPEAT_HOP * np.argmax(means, axis=0)
    lag = int(np.argmax(best))
    return float(best[lag]), float(lags[lag]), float(begins[lag])


def judge_repeats(take, begin, level):
    """begin: first sample of the continuation; what it repeats may lie in the prompt before it."""
    table, quiet = similarity_table(take, begin, level)
    value, lag, when = most_alike(table, quiet)
    met = value < VERBATIM
    length = max(lag, 2 * REPEAT_SECONDS - lag)
    what = "most alike" if met else "verbatim again"
    words = (f"{what}: {length:.1f} s from {when:.1f} s on, as {lag:.2f} s before, similarity {value:.2f} "
             f"({VERBATIM} is verbatim)")
    return Finding("repeats", met, words, {"similarity": value, "lag_seconds": lag, "at_seconds": when})


def align(take, monitor, rate_hz):
    """The lag at which monitor, delayed by it, is most like take; within one second, in samples."""
    count = min(len(take), len(monitor))
    if count and np.max(np.abs(take[:count] - monitor[:count])) <= SAME:
        return 0
    size = 1 << int(np.ceil(np.log2(2 * max(count, 2))))
    sums = np.fft.irfft(np.fft.rfft(take, size) * np.conj(np.fft.rfft(monitor, size)), size)
    lags = np.concatenate([np.arange(rate_hz), np.arange(-rate_hz, 0)])
    return int(lags[np.argmax(sums[lags])])


def explained_share(take, monitor, level):
    """Share of the loud windows of one second of which monitor, at any gain and up to half a second
    earlier or later, explains more than THRU_SHARE. Both at sound.RATE_HZ, from the same moment."""
    take, monitor = (resample_down(x, REPEAT_RATE_HZ) for x in (take, monitor))
    n, reach = REPEAT_RATE_HZ, REPEAT_RATE_HZ // 2
    least = 1e-5 * n * level
    padded = np.pad(monitor, reach)
    total = np.concatenate([[0.0], np.cumsum(padded * padded)])
    loud = explained = 0
    for first in range(0, len(take) - n + 1, reach):
        window, around = take[first: first + n], padded[first: first + n + 2 * reach]
        energy = float(window @ window)
        if len(around) < n + 2 * reach or energy < n * level * 10 ** (QUIET_DB / 10):
            continue
        loud += 1
        size = 4 * REPEAT_RATE_HZ
        sums = np.fft.irfft(np.fft.rfft(around, size) * np.conj(np.fft.rfft(window, size)), size)
        energies = total[first + n: first + n + 2 * reach + 1] - total[first: first + 2 * reach + 1]
        share = np.max(sums[: 2 * reach + 1] ** 2 / (energy * (energies + least)))
        explained += share > THRU_SHARE
    return explained / loud if loud else 0.0


def judge_departure(take, monitor, rate_hz, stamp, prompt_power):
    """take, monitor: float32 [n, channels] as they are in the files, at rate_hz; stamp in seconds."""
    if take.shape[1] != monitor.shape[1]:
        take, monitor = take.mean(1, keepdims=True), monitor.mean(1, keepdims=True)
    at = int(stamp * rate_hz)
    lag = align(take[:at].mean(1), monitor[:at].mean(1), rate_hz)
    monitor = np.pad(monitor, ((max(lag, 0), 0), (0, 0)))[max(-lag, 0):]
    count = min(len(take), len(monitor))
    take, monitor = take[:count], monitor[:count]
    apart = np.flatnonzero(np.max(np.abs(take - monitor), axis=1) > SAME)
    departs = apart[0] / rate_hz - stamp if len(apart) else np.inf
    heard_db = decibels(sound.gated_power(monitor[:at].mean(1), rate_hz)) - decibels(prompt_power)
    after = [x[at:].mean(1) for x in (take, monitor)]
    if rate_hz != sound.RATE_HZ:
        after = [resample(x, rate_hz) for x in after]
    monitor_db = decibels(float(np.mean(after[1] ** 2)) if len(after[1]) else 0.0) - decibels(prompt_power)
    explained = explained_share(*after, prompt_power)
    figures = {"departs_after_stamp_seconds": None if np.isinf(departs) else departs,
               "monitor_delayed_samples": lag, "monitor_before_db": heard_db,
               "monitor_after_db": monitor_db, "explained_share": explained}
    when = "never departs from the monitor" if np.isinf(departs) else (
        f"the monitor's samples until {abs(1000 * departs):.1f} ms {'after' if departs >= 0 else 'before'} the "
        f"stamp ({1000 * EARLY_SECONDS:.0f} before to {1000 * ANSWER_SECONDS:.0f} after)")
    words = (f"{when}; monitor then at {monitor_db:.0f} dB, {100 * explained:.0f} % of the windows are its own "
             f"(at most 25)")
    if heard_db < -12.0:
        words += f"; the monitor does not hold the prompt ({heard_db:.0f} dB)"
    long_enough = count - at >= LEAST_SECONDS * rate_hz
    if not long_enough:
        words += f"; only {(count - at) / rate_hz:.1f} s to compare"
    met = (-EARLY_SECONDS <= departs <= ANSWER_SECONDS and explained <= 0.25 and heard_db >= -12.0
           and long_enough)
    return Finding("departure", bool(met), words, figures)


def resample(samples, rate_hz):
    """To sound.RATE_HZ, by cutting the spectrum off or padding it; the end need not be exact."""
    count = len(samples) * sound.RATE_HZ // rate_hz
    spectrum = np.fft.rfft(samples)
    keep = count // 2 + 1
    spectrum = np.pad(spectrum, (0, max(keep - len(spectrum), 0)))[:keep]
    return np.fft.irfft(spectrum, count) * sound.RATE_HZ / rate_hz if count else samples


def judge(prompt, take, exact_take, exact_monitor, exact_rate_hz, stamp):
    """All findings. prompt, take: at sound.RATE_HZ; exact_*: [n, channels] as in the files."""
    prompt = without_silent_ends(prompt)
    power = sound.gated_power(prompt)
    begin = int(stamp * sound.RATE_HZ)
    continuation = take[begin:]
    departure = judge_departure(exact_take, exact_monitor, exact_rate_hz, stamp, power)
    if len(continuation) < LEAST_SECONDS * sound.RATE_HZ:
        short = f"{len(continuation) / sound.RATE_HZ:.1f} s, at least {LEAST_SECONDS:.0f} are judged"
        return [Finding("length", False, short), departure]
    heard = without_silent_ends(resample(exact_monitor[: int(stamp * exact_rate_hz)].mean(1), exact_rate_hz))
    reference = sound.band_reference(prompt)
    heard_rows, rows = (sound.log_mel(x, reference) for x in (heard, continuation))
    return [judge_level(prompt, continuation), departure, judge_beat(heard_rows, rows),
            judge_movement(heard_rows, rows), judge_repeats(take, begin, power)]
