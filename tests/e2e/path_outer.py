"""Outer datagrams: fragments where the path is narrow, the sticky source and its
loss, the mark on every socket, and errors of send that must not end anything."""
import itertools
import os
import shutil
import subprocess

from wgpeer import (INITIATION, RESPONSE, Engine, Peer, Port, Tap, inside, ip,
                    mark_of, ok, packet, run, same, until)

A = {4: (os.environ["A4"], 51820), 6: (os.environ["A6"], 51820)}
P = {4: os.environ["P4"], 6: os.environ["P6"]}
Q = {4: "10.97.0.2", 6: "fd97::2"}
MARKS = itertools.count(1)
US, THEM = "10.77.0.200", "10.77.0.100"
ENGINE = Engine("a")
with inside("a"):
    TAP = Tap("wa")
with inside("p"):
    PORT = {family: Port(P[family]) for family in P}
    WIRE = Tap("eth0")
with inside("q"):
    FAR = {family: Port(Q[family]) for family in Q}


def met(port, family, to=None):
    port.waiting()
    peer = Peer(ENGINE.public, port, to or A[family])
    ENGINE.add(peer, THEM + "/32")
    return peer, peer.handshake()


def arrives(port, session, size=100, timeout=1):
    """What the engine is given now comes out there: the datagram, or None."""
    mark = next(MARKS)
    TAP.send(packet(US, THEM, size, mark=mark))
    try:
        while True:
            got = port.expect(4, timeout)
            plain = session.open(got.data)
            if plain and mark_of(plain) == mark:
                return got
    except (TimeoutError, ValueError):
        return None


def engine_cpu():
    """Ticks of the engine, all its threads."""
    total = 0
    for pid in subprocess.run(
            ["ip", "netns", "pids", os.environ["LAB"] + "-a"],
            capture_output=True, text=True, check=True).stdout.split():
        with open(f"/proc/{pid}/stat") as stat:
            name, _, rest = stat.read().partition(") ")
            if "wgengine" in name:
                total += sum(int(word) for word in rest.split()[11:13])
    return total


def silent(port, kind):
    """No message of that kind comes. Nothing can come behind it: it waits."""
    try:
        port.expect(kind, 0.2)
    except TimeoutError:
        return True
    return False


def fragments():
    peer, session = met(PORT[4], 4)
    ours = PORT[4].address[1].to_bytes(2, "big")
    while WIRE.receive(0):
        pass
    arrives(PORT[4], session, 1420)
    got = WIRE.receive(2, lambda p: p[0] == 0x45 and p[9] == 17 and
                       p[22:24] == ours)
    ok("data may be fragmented: no DF", got and not got[6] & 0x40)
    peer.initiate()
    PORT[4].expect(RESPONSE)
    got = WIRE.receive(2, lambda p: p[0] == 0x45 and p[9] == 17 and
                       p[22:24] == ours and p[28] == RESPONSE)
    ok("handshakes too", got and not got[6] & 0x40)
    ENGINE.remove(peer)
    for family in (4, 6):
        for where, port, host in (("here", PORT, "a"), ("on the way", FAR, None)):
            peer, session = met(port[family], family)
            if host:
                ip(host, "link", "set", "eth0", "mtu", "1280")
            # IPv6 routers do not cut: the first tells us, the next are cut here
            ok(f"IPv{family}: a full packet over an MTU of 1280 {where}",
               until(lambda: arrives(port[family], session, 1420, 0.3)))
            sizes = [len(got.data) if got else None for got in
                     (arrives(port[family], session, size)
                      for size in (1420, 1300, 1240, 1420))]
            same(f"IPv{family}: all of them arrive, whole, {where}",
                 [1452, 1344, 1280, 1452], sizes)
            if host:
                ip(host, "link", "set", "eth0", "mtu", "1500")
            ENGINE.remove(peer)
    same("the interface's MTU is what it was", "1420\n", subprocess.run(
        ["ip", "netns", "exec", os.environ["LAB"] + "-a", "cat",
         "/sys/class/net/wa/mtu"], capture_output=True, text=True).stdout)


def source():
    more = {4: ("10.99.0.201", "/24"), 6: ("fd99::201", "/64")}
    for family, (address, length) in more.items():
        ip("a", "addr", "add", address + length, "dev", "eth0",
           *(["nodad"] if family == 6 else []))
        port = PORT[family]
        peer = Peer(ENGINE.public, port, (address, 51820))
        ENGINE.add(peer, THEM + "/32")
        peer.initiate()
        got = port.expect(RESPONSE)
        session = peer.consume_response(got.data)
        same(f"IPv{family}: the response leaves from the address called",
             address, got.source[0])
        port.send(session.seal(b""), peer.remote)
        got = arrives(port, session)
        same(f"IPv{family}: and data", address, got and got.source[0])
        ip("a", "addr", "del", address + length, "dev", "eth0")
        got = arrives(port, session)
        same(f"IPv{family}: that address is gone: the next datagram leaves from "
             "one that is left", A[family][0], got and got.source[0])
        port.send(session.seal(b""), A[family])
        got = arrives(port, session)
        same(f"IPv{family}: and goes on", A[family][0], got and got.source[0])
        ENGINE.remove(peer)


def fwmark():
    for family in (4, 6):
        port = PORT[family]
        peer, session = met(port, family)
        rule = [f"-{family}", "rule"]
        ip("a", *rule, "add", "fwmark", "0x77", "prohibit")
        ENGINE.set("fwmark", "0x77")
        ok(f"IPv{family}: data carries the mark",
           not arrives(port, session, timeout=0.2))
        peer.initiate()
        ok(f"IPv{family}: responses carry it", silent(port, RESPONSE))
        ENGINE.remove(peer)
        ENGINE.add(peer, THEM + "/32", "endpoint", port.text)
        TAP.send(packet(US, THEM, 60))
        ok(f"IPv{family}: initiations carry it", silent(port, INITIATION))
        ENGINE.set("fwmark", "0")
        ip("a", *rule, "del", "fwmark", "0x77", "prohibit")
        ENGINE.remove(peer)
        peer, session = met(port, family)
        ok(f"IPv{family}: without the mark all flows again",
           arrives(port, session))
        ENGINE.remove(peer)


def firewall():
    if not shutil.which("nft"):
        return
    host = ["ip", "netns", "exec", os.environ["LAB"] + "-a", "nft"]
    for family in (4, 6):
        port = PORT[family]
        peer, session = met(port, family)
        done = subprocess.run(
            [*host, "add table inet t; add chain inet t out { type filter hook "
             "output priority 0; }; add rule inet t out udp sport 51820 drop"],
            capture_output=True, text=True)
        if done.returncode:
            print("# no nftables here:", done.stderr.splitlines()[0])
            ENGINE.remove(peer)
            return
        for _ in range(100):
            TAP.send(packet(US, THEM, 1000))
        ok(f"IPv{family}: what the firewall refuses is lost",
           not arrives(port, session, timeout=0.2))
        subprocess.run([*host, "delete table inet t"], check=True)
        ok(f"IPv{family}: and nothing else: the session lives on",
           arrives(port, session))
        ENGINE.remove(peer)


def no_route():
    for family in (4, 6):
        port = PORT[family]
        peer, session = met(port, family)
        for kind in ("blackhole", "unreachable", "prohibit"):
            route = [f"-{family}", "route"]
            target = P[family] + ("/32" if family == 4 else "/128")
            ip("a", *route, "add", kind, target)
            for _ in range(50):
                TAP.send(packet(US, THEM, 1000))
            gone = not arrives(port, session, timeout=0.1)
            ip("a", *route, "del", kind, target)
            ok(f"IPv{family}: a route that is {kind}, then a good one",
               gone and until(lambda: arrives(port, session, timeout=0.3)))
        ENGINE.remove(peer)


def refused():
    """The peer's port closes: each datagram is answered by an ICMP error."""
    for family in (4, 6):
        with inside("p"):
            port = Port(P[family])
        peer, session = met(port, family)
        number = port.address[1]
        port.s.close()
        before = engine_cpu()
        for _ in range(1000):
            TAP.send(packet(US, THEM, 200))
        with inside("p"):
            port = Port(P[family], number)
        peer.port = port
        ok(f"IPv{family}: 1000 refusals later the peer is back, and heard",
           until(lambda: arrives(port, session, timeout=0.3)))
        other, fence = met(PORT[family], family)
        idle = engine_cpu()
        until(lambda: False, 0.2)  # a span to measure over
        spent = engine_cpu() - idle
        ok(f"IPv{family}: and the engine rests", spent <= 2,
           f"{spent} ticks in 0.2 s; {idle - before} before")
        ENGINE.remove(other)
        ENGINE.remove(peer)


run(fragments, source, fwmark, firewall, no_route, refused)
