"""racerows: what is measured, and the rows of the table.

A step runs in a lab and gives the samples of one or more rows. A row has a
title, which way is better, and its bars: against the best of the others in
the same row ("ratio"), or as they are ("value").
"""
import time
from dataclasses import dataclass
from typing import Callable, Optional

from racelab import Failed

LOSS_PERCENT = 0.1      # that still counts as none
TRIES = 2               # a rate is carried if one of them carries it
RATE_MIN = 1000
HANDSHAKE_PEERS = 1000  # each up to 20 times a second
SETTLE_SECONDS = 1      # after a load, before looking at an idle engine


@dataclass
class Row:
    key: str
    title: str
    unit: str
    better: str                         # "high" or "low"
    bar: Optional[str] = None           # "ratio", "value" or none
    floor: float = 0
    aim: float = 0


ROWS = [
    Row("tcp1", "TCP, 1 stream", "Gb/s", "high", "ratio", 1.75, 2.5),
    Row("reverse", "TCP, 1 stream, reverse", "Gb/s", "high", "ratio",
        1.75, 2.5),
    Row("tcp4", "TCP, 4 streams", "Gb/s", "high"),
    Row("tcp8", "TCP, 8 streams", "Gb/s", "high", "ratio", 2, 2.7),
    Row("nouso1", "TCP, veth without UDP segmentation, 1", "Gb/s", "high",
        "ratio", 4, 6),
    Row("nouso8", "TCP, veth without UDP segmentation, 8", "Gb/s", "high",
        "ratio", 4, 6),
    Row("udp64", "UDP 64 B without loss", "kpps", "high", "ratio", 3.5, 6),
    Row("flood64", "UDP 64 B flooded, received", "kpps", "high"),
    Row("udp1300", "UDP 1300 B flooded, received", "Gb/s", "high", "ratio",
        3.5, 6),
    Row("rtt50", "round trip, idle, p50", "us", "low", "ratio", 0.8, 0.6),
    Row("rtt99", "round trip, idle, p99", "us", "low"),
    Row("load50", "round trip under 1 TCP stream, p50", "ms", "low", "ratio",
        0.5, 0.2),
    Row("load99", "round trip under 1 TCP stream, p99", "ms", "low"),
    Row("loadtcp", "  that stream meanwhile", "Gb/s", "high"),
    Row("cpu", "CPU of both engines, TCP 1 stream", "%/Gb/s", "low", "ratio",
        0.5, 0.35),
    Row("memidle", "resident before traffic", "MiB", "low", "value", 3.4, 2.5),
    Row("memmost", "resident at most", "MiB", "low", "value", 7, 4),
    Row("memafter", "resident after traffic", "MiB", "low"),
    Row("idlecpu", "idle, CPU of both engines", "us/s", "low", "value",
        100, 100),
    Row("handshakes", "handshakes answered", "/s", "high"),
    Row("wakeups", "idle, wake-ups of both engines", "/s", "low"),
]


@dataclass
class Step:
    keys: tuple
    measure: Callable                   # (lab, seconds) -> {key: sample}
    segmentation: bool = True


def percentile(ordered, percent):
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)]


def tcp(key, *words):
    return Step((key,), lambda lab, seconds: {key: lab.iperf(seconds, *words)})


def tcp_without_segmentation(key, *words):
    step = tcp(key, *words)
    step.segmentation = False
    return step


def one_stream(lab, seconds):
    before = lab.cpu_seconds()
    gbps = lab.iperf(seconds)
    used = lab.cpu_seconds() - before
    return {"tcp1": gbps, "cpu": 100 * used / seconds / gbps}


def idle_round_trip(lab, seconds):
    times = lab.round_trips_ms(seconds)
    return {"rtt50": 1000 * percentile(times, 50),
            "rtt99": 1000 * percentile(times, 99)}


def loaded_round_trip(lab, seconds):
    stream = lab.iperf_begin(seconds + 2.5)
    try:
        time.sleep(1.5)     # the stream's ramp
        times = lab.round_trips_ms(seconds)
    finally:
        gbps = lab.iperf_end(stream)
    return {"load50": percentile(times, 50), "load99": percentile(times, 99),
            "loadtcp": gbps}


def checked(result):
    if result["changed"]:
        raise Failed(f"UDP: {result['changed']} datagrams arrived changed")
    return result


def flood(lab, seconds):
    return {"udp1300": checked(lab.udp(1300, 1000 * seconds))["received_gbps"]}


def without_loss(lab, seconds):
    """The most datagrams of 64 B a second that arrived in a run of half a
    second or more of which at most LOSS_PERCENT were lost. Runs are paced.
    From what arrives of a flood the rate goes down by a fifth until one is
    carried, up by a seventh until one is not, and twice to the middle."""
    milliseconds = max(500, 1000 * seconds // 6)
    flooded = checked(lab.udp(64, milliseconds))
    best = 0

    def carried(rate):
        nonlocal best
        for _ in range(TRIES):
            result = checked(lab.udp(64, milliseconds, rate))
            if result["loss_percent"] <= LOSS_PERCENT:
                best = max(best, result["received_kpps"])
                # A rate that the sender itself could not keep is no more
                # than what it kept.
                return result["sent_kpps"] * 1000 > rate * 0.95
        return False

    low = high = max(RATE_MIN, 900 * flooded["received_kpps"])
    if carried(low):
        while carried(high := low * 7 / 6):
            low = high
    else:
        while best == 0 and low > RATE_MIN:
            low, high = low * 4 / 5, low
            carried(low)
    for _ in range(2):
        middle = (low * high) ** 0.5
        if carried(middle):
            low = middle
        else:
            high = middle
    return {"udp64": best, "flood64": flooded["received_kpps"]}


def memory(key, field):
    return Step((key,), lambda lab, _: {key: lab.memory_mib(field)})


def idle(lab, seconds):
    time.sleep(SETTLE_SECONDS)
    spent, turns = lab.idle(max(3, seconds))
    return {"idlecpu": spent, "wakeups": turns,
            "memafter": lab.memory_mib("VmRSS")}


def handshakes(lab, seconds):
    result = lab.handshakes(500 * seconds, HANDSHAKE_PEERS)
    if result["wrong"] or not result["answered"]:
        raise Failed(f"handshakes: {result}")
    return {"handshakes": result["per_second"]}


# In this order, each lab once a round.
STEPS = [
    memory("memidle", "VmRSS"),
    Step(("rtt50", "rtt99"), idle_round_trip),
    Step(("tcp1", "cpu"), one_stream),
    tcp("reverse", "-R"),
    tcp("tcp4", "-P", "4"),
    tcp("tcp8", "-P", "8"),
    Step(("load50", "load99", "loadtcp"), loaded_round_trip),
    Step(("udp64", "flood64"), without_loss),
    Step(("udp1300",), flood),
    memory("memmost", "VmHWM"),
    Step(("idlecpu", "wakeups", "memafter"), idle),
    Step(("handshakes",), handshakes),      # leaves its peers behind
    tcp_without_segmentation("nouso1"),
    tcp_without_segmentation("nouso8", "-P", "8"),
]
