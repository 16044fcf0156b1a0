"""What is believed: sources by the device-wide owner of the prefix; endpoints by
authentic initiations, responses and data only; each counter once."""
import os
import struct

from wgpeer import (INITIATION, RESPONSE, Engine, Peer, Port, Tap,
                    inside, mark_of, ok, packet, run, same, until)

A = (os.environ["A4"], 51820)
US = "10.77.0.200"
ENGINE = Engine("a")
with inside("a"):
    TAP = Tap("wa")
with inside("p"):
    HOME, AWAY, THIRD = (Port(os.environ["P4"]) for _ in range(3))


def fresh(allowed, port=HOME, *words):
    port.waiting()
    peer = Peer(ENGINE.public, port, A)
    ENGINE.add(peer, allowed, *words)
    return peer


def delivered(count):
    """The marks of what came in, up to and with mark COUNT."""
    got = []
    while True:
        inner = TAP.receive(2, lambda p: p[9 if p[0] >> 4 == 4 else 6] == 253)
        if inner is None:
            return got + ["and nothing more"]
        got.append(mark_of(inner))
        if got[-1] == count:
            return got


def sources():
    wide = fresh("10.77.0.96/28,fd77:1::/64,0.0.0.0/0")
    narrow = fresh("10.77.0.101/32,fd77:1::5/128", AWAY)
    w, n = wide.handshake(), narrow.handshake()
    rows = [  # who, source, is it theirs
        (wide, w, "10.77.0.100", True), (wide, w, "10.77.0.101", False),
        (narrow, n, "10.77.0.101", True), (narrow, n, "10.77.0.100", False),
        (wide, w, "192.0.2.77", True), (narrow, n, "192.0.2.77", False),
        (wide, w, "fd77:1::4", True), (wide, w, "fd77:1::5", False),
        (narrow, n, "fd77:1::5", True), (narrow, n, "fd77:1::4", False),
        (wide, w, "fd77:2::1", False), (narrow, n, "::1", False)]
    wrong = []
    for mark, (who, session, source, theirs) in enumerate(rows):
        to = US if "." in source else "fd77::200"
        who.port.send(session.seal(packet(source, to, 80, mark=mark)), A)
        who.port.send(session.seal(packet(
            "10.77.0.100" if who is wide else "10.77.0.101", US, 80,
            mark=999)), A)
        if (mark in delivered(999)) != theirs:
            wrong.append(f"{source} from {'wide' if who is wide else 'narrow'}")
    ok("a source is delivered only from the owner of its longest prefix",
       not wrong, "\n".join(wrong))
    ENGINE.remove(narrow)
    wide.port.send(w.seal(packet("10.77.0.101", US, 80, mark=1)), A)
    same("once the narrow owner is gone, the wide one has it", [1],
         delivered(1))
    ENGINE.remove(wide)


def bad_inner():
    peer = fresh("0.0.0.0/0,::/0")
    session = peer.handshake()
    good = packet("10.77.0.100", US, 80)
    short = bytearray(good)
    short[2:4] = struct.pack("!H", 19)
    long = bytearray(good)
    long[2:4] = struct.pack("!H", 200)
    six = bytearray(packet("fd77::100", "fd77::200", 80))
    six[4:6] = struct.pack("!H", 400)
    for plain in (b"\0", b"\x45", good[:19], bytes(48), b"\x55" + good[1:],
                  bytes(short), bytes(long), bytes(six), b"\xff" * 1400):
        HOME.send(session.seal(plain), A)
        HOME.send(session.seal(plain, pad=False), A)
    HOME.send(session.seal(packet("10.77.0.100", US, 80, mark=5)), A)
    same("what is no whole IP packet inside is not delivered", [5],
         delivered(5))
    ENGINE.remove(peer)


def replays():
    peer = fresh("10.77.0.100/32")
    session = peer.handshake()
    fence = [100]

    def lands(counter, repeat=1, damage=False):
        """How often a packet of that counter is delivered."""
        message = session.seal(packet("10.77.0.100", US, 80, mark=7), counter)
        if damage:
            message = message[:-1] + bytes([message[-1] ^ 1])
        for _ in range(repeat):
            HOME.send(message, A)
        fence[0] += 1
        HOME.send(session.seal(packet("10.77.0.100", US, 80, mark=9),
                               fence[0] if counter < 2**40 else None), A)
        return delivered(9).count(7)
    same("a damaged packet is not delivered", 0, lands(10, damage=True))
    same("and its counter is still good", 1, lands(10))
    same("a packet sent three times is delivered once", 1, lands(30, 3))
    same("and not again", 0, lands(10))
    fence[0] = 60000
    lands(60000)
    fence[0] = 60001
    same("8000 behind is delivered", 1, lands(60001 - 8000))
    same("once", 0, lands(60001 - 8000))
    same("8192 behind is not", 0, lands(60001 - 8192))
    fence[0] = 2**33
    same("past 32 bits", 1, lands(2**33))
    same("the counter that would be the same in 32 bits", 0,
         lands(60001))
    session.counter = 2**33 + 100
    for name, counter in (("REJECT_AFTER_MESSAGES", 2**64 - 8128 - 2),
                          ("2^64-1", 2**64 - 1)):
        same(f"counter {name} is refused, and moves nothing", 0,
             lands(counter))
    ENGINE.remove(peer)


def proof():
    """Who answered a handshake sends nothing under it before its first data."""
    peer = fresh("10.77.0.100/32")
    session = peer.handshake(confirm=False)
    TAP.send(packet(US, "10.77.0.100", 80, mark=11))
    got = HOME.receive()
    same("no data before the initiator has shown its key: it asks by itself",
         INITIATION, got.data[0])
    HOME.send(session.seal(b""), A)
    same("then what waited goes out", 11,
         mark_of(session.open(HOME.expect(4).data)))
    ENGINE.remove(peer)


def at(peer, port):
    return ENGINE.endpoint(peer) == port.text


def moves():
    for what in ("data", "an initiation", "a response"):
        peer = fresh("10.77.0.100/32", HOME)
        session = peer.handshake()
        until(lambda: at(peer, HOME))
        if what == "data":
            AWAY.send(session.seal(b""), A)
        elif what == "an initiation":
            peer.initiate(AWAY)
            AWAY.expect(RESPONSE)
        else:
            ENGINE.remove(peer)
            HOME.waiting()
            ENGINE.add(peer, "10.77.0.100/32", "endpoint", HOME.text)
            TAP.send(packet(US, "10.77.0.100", 80))
            peer.consume_initiation(HOME.expect(INITIATION).data)
            AWAY.send(peer.response()[0], A)
        ok(f"authentic, from elsewhere: {what} moves the endpoint",
           until(lambda: at(peer, AWAY), 2), ENGINE.endpoint(peer))
        ENGINE.remove(peer)
        AWAY.waiting()


def stays():
    """From elsewhere: none of these moves the endpoint, or is answered."""
    peer = fresh("10.77.0.100/32")
    first = peer.initiation()
    HOME.send(first, A)
    session = peer.consume_response(HOME.expect(RESPONSE).data)
    used = session.seal(packet("10.77.0.100", US, 80, mark=1))
    HOME.send(used, A)
    delivered(1)
    other = fresh("10.77.0.101/32", THIRD)
    other_session = other.handshake()
    message = session.seal(packet("10.77.0.100", US, 80, mark=2))
    stale = peer.initiation(stamp=peer.stamp - 10**9)
    wrong_mac = bytearray(peer.initiation())
    wrong_mac[-20] ^= 1
    stranger = Peer(ENGINE.public, AWAY, A)
    forged = {
        "data used before": used,
        "data with a flipped bit": message[:40] +
        bytes([message[40] ^ 4]) + message[41:],
        "data cut short": message[:-1],
        "data of an unknown session": message[:4] + os.urandom(4) + message[8:],
        "the initiation again": first,
        "an initiation with an older stamp": stale,
        "an initiation with a wrong mac1": bytes(wrong_mac),
        "an initiation of a stranger": stranger.initiation(),
        "a response to nothing": struct.pack("<III", 2, 1, 2) + os.urandom(80),
        "a response to the session": struct.pack("<III", 2, 1, session.theirs) +
        os.urandom(80),
        "a cookie reply to nothing": peer.cookie_reply(
            os.urandom(16), session.theirs),
        "a message of type 0": bytes(148),
        "a message of type 5": b"\5" + bytes(147),
        "reserved bytes that are not 0": b"\4\1" + message[2:],
        "one byte": b"\4",
        "65507 bytes": b"\4\0\0\0" + bytes(65503),
    }
    for what, data in forged.items():
        AWAY.send(data, A)
        # fences of both kinds, of another peer
        THIRD.send(other_session.seal(packet("10.77.0.101", US, 80, mark=3)), A)
        came = delivered(3)
        other_session = other.handshake()
        ok(f"{what}: the endpoint stays, nothing is answered or delivered",
           at(peer, HOME) and came == [3] and not AWAY.waiting(),
           (ENGINE.endpoint(peer), came))
    # The engine's own initiation, answered by a cookie: taken, but not a move.
    ENGINE.remove(peer)
    HOME.waiting()
    ENGINE.add(peer, "10.77.0.100/32", "endpoint", HOME.text)
    TAP.send(packet(US, "10.77.0.100", 80))
    asked = HOME.expect(INITIATION).data
    index, = struct.unpack("<I", asked[4:8])
    AWAY.send(peer.cookie_reply(asked[-32:-16], index), A)
    other_session = other.handshake()
    ok("a true cookie reply from elsewhere does not move it",
       at(peer, HOME) and not AWAY.waiting(), ENGINE.endpoint(peer))
    peer.consume_initiation(asked)
    answer, session = peer.response()
    HOME.send(answer, A)
    session.open(HOME.expect(4).data)
    ok("and the handshake goes on as it was", True)
    ENGINE.remove(peer)
    ENGINE.remove(other)


run(sources, bad_inner, replays, proof, moves, stays)
