#!/usr/bin/env python3
"""Races user-space WireGuard engines: ours, Debian's wireguard-go, and those
named in PEERS, in turn, round after round; prints one table of medians.

    PEERS='name=command;...'   started as COMMAND INTERFACE, in the shell's words
    OURS=command               instead of BUILDDIR/bin/wgengine
    BENCH_ROUNDS=5 BENCH_SECONDS=4   how often, and how long a load lasts
    BENCH_QUICK=1              one round of one second: does it work at all?
    BENCH_ROWS=tcp1,udp64      only what gives these rows
    BENCH_OUT=file.json        every sample, for later

A name that begins with "ours" is another setting of ours: shown, and not one of
the others that the ratio is taken against. Needs root. Figures, never a
verdict: but the last column tells which bar is met. Leave the machine alone
meanwhile: both engines, load and sink share its cores.
"""
import json
import os
import platform
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True   # the source may be read-only

from racelab import BUILDDIR, Failed, Lab, read, tools_missing
from racerows import ROWS, STEPS

DEBIAN = "/usr/bin/wireguard-go"
BUSY_PERCENT = 10       # of one core, by others: too much
QUICK = bool(os.environ.get("BENCH_QUICK"))
SECONDS = int(os.environ.get("BENCH_SECONDS", 1 if QUICK else 4))
ROUNDS = int(os.environ.get("BENCH_ROUNDS", 1 if QUICK else 5))


def in_own_namespaces():
    """Once more, in mount and PID namespaces of our own: whatever happens,
    engines end with us."""
    if os.environ.get("RACE_PRIVATE") != "1":
        os.environ["RACE_PRIVATE"] = "1"
        os.execvp("unshare", [
            "unshare", "--mount", "--propagation", "private", "--pid",
            "--fork", "--kill-child", "--mount-proc", sys.executable,
            *sys.argv])
    for directory in ("/run/netns", "/run/wireguard"):
        os.makedirs(directory, exist_ok=True)
        subprocess.run(("mount", "-t", "tmpfs", "tmpfs", directory),
                       check=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))


def engines():
    """{name: command} in the order of the table."""
    named = {"ours": os.environ.get("OURS", f"{BUILDDIR}/bin/wgengine")}
    if os.path.exists(DEBIAN):
        named["Debian"] = DEBIAN
    for entry in filter(None, map(str.strip,
                                  os.environ.get("PEERS", "").split(";"))):
        name, _, command = entry.partition("=")
        if not command:
            sys.exit(f"race: PEERS: '{entry}' is not NAME=COMMAND")
        named[name.strip()] = command.strip()
    return named


def chosen_steps():
    wanted = set(filter(None, os.environ.get("BENCH_ROWS", "").split(",")))
    unknown = wanted - {row.key for row in ROWS}
    if unknown:
        sys.exit(f"race: BENCH_ROWS: no row is called {', '.join(unknown)}; "
                 f"there are {', '.join(row.key for row in ROWS)}")
    return [s for s in STEPS if not wanted or wanted & set(s.keys)]


class Machine:
    """What else it did while we measured."""

    def __init__(self):
        self.first = self._times()
        self.foreign = []

    @staticmethod
    def _times():
        return list(map(int, read("/proc/stat").split("\n")[0].split()[1:9]))

    def look(self, seconds):
        """Percent of one core that others use; nothing of ours runs now."""
        before = self._times()
        time.sleep(seconds)
        spent = [b - a for a, b in zip(before, self._times())]
        busy = sum(spent) - spent[3] - spent[4]
        self.foreign.append(
            100 * os.cpu_count() * busy / max(1, sum(spent)))
        return self.foreign[-1]

    def steal_percent(self):
        spent = [b - a for a, b in zip(self.first, self._times())]
        return 100 * spent[7] / max(1, sum(spent))


def one_turn(name, command, steps, samples, directory):
    """One engine, one round."""
    for segmentation in (True, False):
        todo = [s for s in steps if s.segmentation == segmentation]
        if not todo:
            continue
        try:
            with Lab(command, directory, segmentation) as lab:
                for step in todo:
                    try:
                        found = step.measure(lab, SECONDS)
                    except (Failed, OSError, ZeroDivisionError) as why:
                        say(f"{name}: {'/'.join(step.keys)}: {why}")
                        continue
                    for key, value in found.items():
                        samples[name].setdefault(key, []).append(value)
        except Failed as why:
            say(f"{name}: {why}")
            for host in ("race-a", "race-b"):
                tail = read(os.path.join(directory, host + ".log"))[-400:]
                if tail:
                    say(f"{name}: {host} said: {tail}")


def say(text):
    print(f"# {text}", file=sys.stderr, flush=True)


# --- the table ---

def figure(value):
    if value is None:
        return "-"
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def best_of(row, values):
    values = [v for v in values if v is not None]
    if not values:
        return None
    return max(values) if row.better == "high" else min(values)


def judge(row, value):
    """Which bar VALUE (a ratio, or as measured) meets."""
    def met(bar):
        return value >= bar if row.better == "high" else value <= bar
    return "aim" if met(row.aim) else "floor" if met(row.floor) else "BELOW"


def print_table(names, samples):
    medians = {n: {k: statistics.median(v) for k, v in samples[n].items()}
               for n in names}
    width = max(9, max(map(len, names)) + 1)
    print(f"{'':46}" + "".join(f"{n:>{width}}" for n in names)
          + f"{'ratio':>8}{'floor':>7}{'aim':>6}")
    for row in ROWS:
        values = [medians[n].get(row.key) for n in names]
        if not any(v is not None for v in values):
            continue
        ours = values[0]
        best = best_of(row, [v for n, v in zip(names, values)
                             if not n.startswith("ours")])
        ratio = ours / best if ours is not None and best else None
        judged = ratio if row.bar == "ratio" else ours
        line = f"{row.title + ', ' + row.unit:46}"
        line += "".join(f"{figure(v):>{width}}" for v in values)
        line += f"{figure(ratio):>8}"
        if row.bar:
            line += f"{figure(row.floor):>7}{figure(row.aim):>6}"
            line += f"  {judge(row, judged)}" if judged is not None else "  ?"
        print(line)
    return medians


def main():
    if os.geteuid() != 0:
        sys.exit("race: needs root (network namespaces)")
    if tools_missing():
        sys.exit(f"race: needs {', '.join(tools_missing())}")
    in_own_namespaces()
    named, steps, machine = engines(), chosen_steps(), Machine()
    samples = {name: {} for name in named}
    busy = machine.look(1)
    if busy > BUSY_PERCENT:
        say(f"WARNING: others use {busy:.0f} % of a core: these figures will "
            "tell little")
    load_before = os.getloadavg()
    order, began = list(named), time.monotonic()
    with tempfile.TemporaryDirectory() as directory:
        for number in range(ROUNDS):
            for name in order:
                say(f"round {number + 1} of {ROUNDS}: {name}")
                machine.look(0.3)
                one_turn(name, named[name], steps, samples, directory)
            order = order[1:] + order[:1]   # nobody is always the first
    model = re.search(r"model name\s*:\s*(.*)", read("/proc/cpuinfo"))
    print(f"{model[1] if model else '?'} (family/model/stepping "
          + "/".join(re.search(rf"^{f}\s*:\s*(\d+)", read("/proc/cpuinfo"),
                               re.M)[1]
                     for f in ("cpu family", "model", "stepping"))
          + f"), {os.cpu_count()} cores, Linux {platform.release()}")
    print(f"CUBIC, inner MTU 1420; medians of {ROUNDS} rounds of {SECONDS} s; "
          f"{(time.monotonic() - began) / 60:.0f} minutes; "
          f"load average before {load_before[0]:.2f}; "
          f"steal {machine.steal_percent():.1f} %; others' use of a core "
          f"between measurements: mean {statistics.mean(machine.foreign):.0f} "
          f"%, worst {max(machine.foreign):.0f} %")
    for name, command in named.items():
        print(f"  {name}: {command}")
    print("ratio: ours to the best of the others in that row. Without loss: at "
          "most 0.1 % in paced runs.\nresident: RSS of the larger of the two "
          "engines.")
    medians = print_table(list(named), samples)
    if os.environ.get("BENCH_OUT"):
        with open(os.environ["BENCH_OUT"], "w", encoding="utf-8") as file:
            json.dump({"engines": named, "medians": medians,
                       "samples": samples, "rounds": ROUNDS,
                       "seconds": SECONDS, "foreign": machine.foreign,
                       "steal": machine.steal_percent()}, file, indent=1)


if __name__ == "__main__":
    main()
