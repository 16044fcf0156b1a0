"""The DS field: handshakes carry AF41, cookie replies and data no DSCP; ECN goes
out and comes in as the kernel's ip_tunnel_ecn_encap and INET_ECN_decapsulate
have it, in every pairing of families. Nothing is dropped for it.

    out   inner  not-ECT ECT(1) ECT(0) CE      in   outer ECT(1), CE: told to an
          outer  not-ECT ECT(1) ECT(0) ECT(0)       inner ECT(0), any ECT"""
import os

from wgpeer import (INITIATION, RESPONSE, Engine, Peer, Port, Tap, checksum,
                    inside, mark_of, ok, packet, run, same, tos_of, until)

A = {4: (os.environ["A4"], 51820), 6: (os.environ["A6"], 51820)}
P = {4: os.environ["P4"], 6: os.environ["P6"]}
INNER = {4: ("10.77.0.200", "10.77.0.100"), 6: ("fd77::200", "fd77::100")}
ALLOWED = "10.77.0.100/32,fd77::100/128"
NOT_ECT, ECT1, ECT0, CE = range(4)
ENCAP = {NOT_ECT: NOT_ECT, ECT1: ECT1, ECT0: ECT0, CE: ECT0}
ENGINE = Engine("a")
with inside("a"):
    TAP = Tap("wa")
with inside("p"):
    PORT = {family: Port(P[family]) for family in P}


def decap(outer, inner):
    outer, ecn = outer & 3, inner & 3
    if outer == CE and ecn != NOT_ECT:
        return inner | CE
    if outer == ECT1 and ecn == ECT0:
        return inner & ~3 | ECT1
    return inner


def met(family):
    """A peer with a session over that family."""
    peer = Peer(ENGINE.public, PORT[family], A[family])
    ENGINE.add(peer, ALLOWED)
    return peer, peer.handshake()


def handshakes():
    for family in (4, 6):
        peer = Peer(ENGINE.public, PORT[family], A[family])
        ENGINE.add(peer, ALLOWED)
        peer.initiate()
        got = PORT[family].expect(RESPONSE)
        same(f"IPv{family}: a response is 92 bytes and DS 0x88", (92, 0x88),
             (len(got.data), got.tos))
        ENGINE.remove(peer)
        ENGINE.add(peer, ALLOWED, "endpoint", PORT[family].text)
        TAP.send(packet(*INNER[4], 60))
        got = PORT[family].expect(INITIATION)
        same(f"IPv{family}: an initiation is 148 bytes and DS 0x88",
             (148, 0x88), (len(got.data), got.tos))
        ENGINE.remove(peer)


def outward():
    for outer in (4, 6):
        peer, session = met(outer)
        for inner in (4, 6):
            wrong = []
            for tos in [0, 1, 2, 3, 0x88, 0xb8, 0xb9, 0xba, 0xbb, 0xfc, 0xff]:
                TAP.send(packet(*INNER[inner], 100, tos, mark=tos))
                got = PORT[outer].expect(4)
                plain = session.open(got.data)
                if (tos_of(plain), mark_of(plain)) != (tos, tos):
                    wrong.append(f"inner {tos:#x} arrived {tos_of(plain):#x}")
                if got.tos != ENCAP[tos & 3]:
                    wrong.append(f"inner {tos:#x}: outer {got.tos:#x}")
            ok(f"IPv{inner} in IPv{outer}: outside is an ECN and no DSCP",
               not wrong, "\n".join(wrong))
        ENGINE.remove(peer)


def inward():
    for outer in (4, 6):
        peer, session = met(outer)
        for inner in (4, 6):
            wrong = []
            destination, source = INNER[inner]
            for outside in (0, 1, 2, 3, 0xb9, 0xbb):
                for inside_ in (0, 1, 2, 3, 0xb8, 0xba):
                    mark = outside << 8 | inside_
                    PORT[outer].send(session.seal(packet(
                        source, destination, 100, inside_, mark)), A[outer],
                        outside)
                    got = TAP.receive(2, lambda p: p[0] >> 4 == inner and
                                      mark_of(p) == mark)
                    want = decap(outside, inside_)
                    case = f"outside {outside:#x}, inside {inside_:#x}"
                    if got is None:
                        wrong.append(f"{case}: dropped")
                    elif tos_of(got) != want:
                        wrong.append(f"{case}: arrived {tos_of(got):#x}")
                    elif inner == 4 and checksum(got[:20]) != 0:
                        wrong.append(f"{case}: header checksum")
            ok(f"IPv{inner} in IPv{outer}: congestion comes in, no DSCP, "
               "nothing is dropped", not wrong, "\n".join(wrong))
        ENGINE.remove(peer)


def mixed():
    """A burst whose packets differ in ECN: each keeps its own."""
    peer, session = met(4)
    tos = [(0, 1, 2, 3, 0xb8 | 3)[i * 7 % 5] for i in range(40)]
    for i, value in enumerate(tos):
        TAP.send(packet(*INNER[4], 100, value, mark=i))
    got = []
    until(lambda: got.extend(PORT[4].waiting()) or len(got) >= len(tos))
    same("a burst of mixed ECN: each datagram has its packet's, in order",
         [(i, ENCAP[value & 3]) for i, value in enumerate(tos)],
         [(mark_of(session.open(d.data)), d.tos) for d in got])
    ENGINE.remove(peer)


run(handshakes, outward, inward, mixed)
