#!/bin/bash
# SPDX-FileCopyrightText: 2026 The continuo authors
# SPDX-License-Identifier: MIT

# test_instrument.sh BIN FAKE_JACK: the whole instrument without a server (fake_jack.c), played
# through MIDI, OSC and its control socket; who can reach it; and what a flood of all three does.
fake=$(realpath "$2")
# shellcheck source=tests/command_checks.sh
. "$(dirname "$0")/../command_checks.sh"
continuo=$bin/continuo
child=
before_cleaning() {
  [ -n "$child" ] && kill "$child" 2>/dev/null
  wait
}
export XDG_RUNTIME_DIR=$work XDG_DATA_HOME=$work/data XDG_STATE_HOME=$work/state
export LD_LIBRARY_PATH=$fake FAKE_JACK_MIDI=$work/midi
unset PIPEWIRE_REMOTE PIPEWIRE_RUNTIME_DIR NSM_URL
if [ -z "${CONTINUO_SANITIZED:-}" ] && chrt -f 10 true 2>/dev/null; then
  export FAKE_JACK_PRIORITY=10 # as under a real-time server: then no flood may cause a miss
fi

# start OPTION...: the instrument, in the background; its log is "log"
start() {
  rm -f log
  "$continuo" live --codec ./tiny.safetensors -m oracle --keep-minutes 1 --json "$@" >result 2>log &
  child=$!
  for _ in $(seq 500); do
    grep -qs 'Ctrl-C ends' log && return
    sleep 0.02
  done
  say_bad "live $* did not start: $(cat log)"
  cat log
  exit 1
}

stop() {
  kill -INT "$child"
  wait "$child"
  is $? 0 "exit code"
  child=
}

# becomes TEXT COMMAND...: says so within two seconds
becomes() {
  local text=$1 found
  shift
  checks=$((checks + 1))
  for _ in $(seq 100); do
    found=$("$@" 2>&1)
    [ "$found" = "$text" ] && return
    sleep 0.02
  done
  say_bad "$*: $found, expected $text"
}

logs() {
  checks=$((checks + 1))
  for _ in $(seq 100); do
    grep -qF -- "$1" log && return
    sleep 0.02
  done
  say_bad "the log does not say \"$1\": $(cat log)"
}

midi() {
  echo "$*" >midi
}

# osc PORT PATH [FLOAT]: one message; prints the path and words of the answer, if one comes
osc() {
  python3 - "$@" <<'PY'
import socket, struct, sys
def text(t):
    b = t.encode() + b"\0"
    return b + b"\0" * (-len(b) % 4)
port, path, args = int(sys.argv[1]), sys.argv[2], sys.argv[3:]
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(2.0 if not args else 0.01)
s.sendto(text(path) + text("," + "f" * len(args)) + b"".join(struct.pack(">f", float(a)) for a in args),
         ("127.0.0.1", port))
try:
    data = s.recv(65536)
    words = [w.decode() for w in data.split(b"\0") if w.isascii() and w.decode().isprintable()]
    print(" ".join(w for w in words if w and not w.startswith(",")))
except TimeoutError:
    pass
PY
}

# listeners: every internet socket of the instrument, as "protocol address"
listeners() {
  python3 - "$child" <<'PY'
import os, sys
pid = sys.argv[1]
own = set()
for fd in os.listdir(f"/proc/{pid}/fd"):
    try:
        own.add(os.readlink(f"/proc/{pid}/fd/{fd}"))
    except OSError:
        pass
for table in ("tcp", "tcp6", "udp", "udp6", "raw", "raw6"):
    try:
        lines = open(f"/proc/{pid}/net/{table}").read().splitlines()[1:]
    except OSError:
        continue
    for line in lines:
        fields = line.split()
        if f"socket:[{fields[9]}]" in own:
            print(table, fields[1].split(":")[0])
PY
}

"$bin/make_model" tiny tiny.safetensors || exit 1
mkfifo midi
mkdir -p data/continuo/presets

# Commands.
start -n trial --mode listen
logs "OSC on UDP port"
is "$(stat -c %a continuo/trial.sock)" 600 "who may use the socket"
becomes listen "$continuo" get mode
works "$continuo" set level -6.5 jump 0.25
becomes -6.5 "$continuo" get level
works "$continuo" mode accompany
becomes accompany "$continuo" get mode
works "$continuo" do mark
works "$continuo" panic
becomes listen "$continuo" get mode
works "$continuo" keep kept
checks=$((checks + 1))
[ -n "$(ls kept 2>/dev/null)" ] || say_bad "nothing was kept"

# MIDI.
midi 90 10 64 # no key of ours
midi 90 28 64
becomes answer "$continuo" get mode
midi b0 07 7f
becomes 12 "$continuo" get level
midi b0 40 7f # the pedal: no longer answer but continue,
becomes continue "$continuo" get mode
midi b0 40 00
midi b0 40 7f # and back
becomes answer "$continuo" get mode
midi 90 24 64
becomes monitor "$continuo" get mode
works "$continuo" learn similarity
midi b3 5a 7f
becomes 1 "$continuo" get similarity
logs "MIDI controller 90 moves similarity"
midi c0 00
logs "preset"
midi 90 ff 00

# OSC.
port=$(sed -n 's/.*OSC on UDP port \([0-9]*\).*/\1/p' log)
is "$(osc "$port" /continuo/ping)" /continuo/pong "ping"
osc "$port" /continuo/set/mix 0.25
becomes 0.25 "$continuo" get mix
is "$(osc "$port" /continuo/get/mode | cut -d ' ' -f 1-2)" "/continuo/value mode" "get"

# Nothing but OSC listens, and that to this machine alone.
is "$(listeners)" "udp 0100007F" "what listens"

# Hostile floods: everybody is served as before.
yes "b0 46 40" | head -n 20000 >midi &
flood=$!
python3 - "$port" <<'PY'
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for i in range(100000):
    s.sendto(b"/continuo/set/jump\0\0,f\0\0\x3f\0\0\0" if i % 2 else b"\xff" * (i % 90), ("127.0.0.1", int(sys.argv[1])))
u = socket.socket(socket.AF_UNIX)
u.connect("continuo/trial.sock")
u.settimeout(10)
u.sendall(b"set jump 0.5\nsing\n" * 2000)
answers = b""
while answers.count(b"\n") < 4000:
    more = u.recv(65536)
    if not more:
        sys.exit("the socket hung up")
    answers += more
PY
is $? 0 "the socket answers every line of a flood"
wait "$flood"
sleep 0.5
works "$continuo" set level -3
becomes -3 "$continuo" get level
is "$(osc "$port" /continuo/ping)" /continuo/pong "ping after the flood"
python3 - >telemetry <<'PY'
import socket
u = socket.socket(socket.AF_UNIX)
u.connect("continuo/trial.sock")
u.sendall(b"telemetry\n")
text = b""
while not text.endswith(b"\n.\n"):
    text += u.recv(65536)
print(text.decode())
PY
figure() {
  sed -n "s/^$1 //p" telemetry
}
echo "flooded: $(figure steps) steps, $(figure misses) misses ($(figure own_misses) our own)," \
  "$(figure dropped_controls) controls dropped, $(figure midi_messages) MIDI messages," \
  "$(figure osc_messages) OSC messages, $(figure osc_malformed) malformed, $(figure osc_dropped) dropped"
checks=$((checks + 1))
[ "$(figure midi_messages)" -ge 20000 ] && [ "$(figure midi_malformed)" -ge 1 ] &&
  [ "$(figure osc_malformed)" -ge 1 ] && [ "$(figure osc_dropped)" -ge 1 ] &&
  [ "$(figure dropped_controls)" -ge 1 ] && [ "$(figure socket_refused)" -ge 1 ] ||
  say_bad "the flood was not counted: $(cat telemetry)"
[ -z "${FAKE_JACK_PRIORITY:-}" ] || is "$(figure own_misses)" 0 "misses of our own in a flood"
stop
is "$(ls continuo)" "" "sockets left behind"
is "$(python3 -c 'import json; print(json.load(open("result"))["overflows"])')" 0 "overflows"

# What was learned is there again; who asks for it may be reached from outside, and is not by himself.
start -n trial --osc-any-interface
midi b0 5a 00
becomes 0 "$continuo" get similarity
is "$(listeners)" "udp 00000000" "what listens when told so"
works "$continuo" learn mix
stop
start -n trial --no-osc
is "$(listeners)" "" "what listens without OSC"
stop

# What MIDI can come from.
is "$("$continuo" list midi | tr '\n' ' ')" "system:midi_capture_1 sequencer:out " "list midi"

finish
