"""A flood of handshakes: cookies are demanded while it lasts, bound to address
and port, nothing is amplified, and an honest peer gets in."""
import os
import struct
import time

from wgpeer import (COOKIE, DATA, INITIATION, RESPONSE, Engine, Peer, Port, Tap,
                    blake2s, inside, ip, mac, mark_of, ok, packet, run, same)

A = (os.environ["A4"], 51820)
ENGINE = Engine("a")
MORE = ["10.99.0.%d" % n for n in range(210, 214)]
for address in MORE:
    ip("p", "addr", "add", address + "/24", "dev", "eth0")
with inside("p"):
    FLOODER = Port(os.environ["P4"])
    HONEST = Port(MORE[0])
    OTHER = Port(MORE[0])
    CROWD = Port(MORE[1])
with inside("a"):
    TAP = Tap("wa")
KEY = blake2s(b"mac1----", ENGINE.public)


def forge(count):
    """Initiations that verify by mac1 and are noise otherwise."""
    messages = []
    for i in range(count):
        body = struct.pack("<II", INITIATION, i) + os.urandom(108)
        messages.append(body + mac(KEY, body) + bytes(16))
    return messages


FORGED = forge(3000)


def flood():
    """Until it tells by cookies that it is under load."""
    end = time.monotonic() + 10
    while time.monotonic() < end:
        for message in FORGED:
            FLOODER.send(message, A)
        got = FLOODER.waiting()
        if any(d.data[0] == COOKIE for d in got):
            return got
    raise TimeoutError("never under load")


def new_peer(port, n=100):
    peer = Peer(ENGINE.public, port, A)
    ENGINE.add(peer, f"10.77.0.{n}/32")
    return peer


def cookies():
    peer = new_peer(HONEST)
    got = flood()
    ok("a flood is answered by cookies only", {d.data[0] for d in got} ==
       {COOKIE}, {d.data[0] for d in got})
    same("which are 64 bytes and carry no DS", {(64, 0)},
         {(len(d.data), d.tos) for d in got})
    peer.initiate()
    reply = HONEST.expect(COOKIE)
    same("under load an initiation without a cookie gets one", 64,
         len(reply.data))
    peer.consume_cookie(reply.data)
    ok("and it can be read", len(peer.cookie) == 16)
    flood()
    # the same cookie from another port of the same address is none
    peer.initiate(OTHER)
    same("a cookie is good for one port only", COOKIE,
         OTHER.expect(COOKIE).data[0])
    flood()
    ok("with its cookie the honest peer gets in during the flood",
       peer.handshake())
    flood()
    peer.cookie = bytes([peer.cookie[0] ^ 1]) + peer.cookie[1:]
    peer.initiate()
    same("a wrong cookie gets a new one", COOKIE, HONEST.receive().data[0])
    ENGINE.remove(peer)


def limiter():
    """Under load: 5 at once and 20 a second from one address, cookie or not."""
    crowd = [new_peer(CROWD, 101 + i) for i in range(24)]
    flood()
    crowd[0].initiate()
    crowd[0].consume_cookie(CROWD.expect(COOKIE).data)
    messages = []
    for peer in crowd:
        peer.cookie = crowd[0].cookie
        messages.append(peer.initiation())
    flood()
    began = time.monotonic()
    for message in messages:
        CROWD.send(message, A)
    fence = new_peer(HONEST, 150)
    fence.initiate()
    HONEST.receive()
    took = time.monotonic() - began
    answers = [d.data[0] for d in CROWD.waiting()]
    count = answers.count(RESPONSE)
    ok("24 peers at one address: 5 are answered at once, 20 a second more",
       1 <= count <= 6 + 20 * took, f"{answers} in {took:.3f} s")
    for peer in crowd + [fence]:
        ENGINE.remove(peer)


def traffic():
    """Who has a session does not notice the flood."""
    peer = new_peer(HONEST)
    session = peer.handshake()
    HONEST.waiting()
    marks = []
    for mark in range(1, 6):
        flood()
        TAP.send(packet("10.77.0.200", "10.77.0.100", 100, mark=mark))
        HONEST.send(session.seal(packet("10.77.0.100", "10.77.0.200", 100,
                                        mark=mark)), A)
        marks.append(mark_of(session.open(HONEST.expect(DATA).data)))
        marks.append(mark_of(TAP.receive(5, lambda p: p[9] == 253)))
    same("data passes both ways during a flood",
         [i // 2 for i in range(2, 12)], marks)
    ENGINE.remove(peer)


def calm():
    """A second after the flood nobody is asked for a cookie any more."""
    peer = new_peer(HONEST)
    end = time.monotonic() + 10
    while True:
        peer.initiate()
        got = HONEST.expect(RESPONSE) if time.monotonic() > end else \
            HONEST.receive()
        if got.data[0] == RESPONSE:
            break
    ok("the flood is over: no cookie is asked for", peer.handshake())
    ENGINE.remove(peer)


run(traffic, cookies, limiter, calm)
