"""wgpeer: one end of WireGuard that does as it is told, wrongly if told so.

Written from the paper, on libsodium and Python's BLAKE2s: it shares no code with
the engine, so it is its referee too. One process holds sockets in several network
namespaces, and so sees both sides of the engine:

    Peer --- Port (UDP, outside) --- engine --- Tap (what is in the tunnel)

    with inside("p"): port = Port("10.99.0.2", 40000)
    peer = Peer(engine_public, port, ("10.99.0.1", 51820))
    session = peer.handshake(); port.send(session.seal(packet), peer.remote)

Nothing here sleeps for a guess: what must come is waited for, and what must not
come is looked for after something that came behind it (a fence).
"""
import base64
import contextlib
import ctypes
import hashlib
import hmac
import os
import select
import socket
import struct
import subprocess
import sys
import time
from collections import namedtuple

SODIUM = ctypes.CDLL("libsodium.so.23")
LIBC = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNET = 0x40000000
INITIATION, RESPONSE, COOKIE, DATA = 1, 2, 3, 4
PATIENCE = 5.0
RCVBUFFORCE = 33
ETH_P = {4: 0x0800, 6: 0x86DD}


# --- primitives ---
def blake2s(*parts):
    return hashlib.blake2s(b"".join(parts)).digest()


def mac(key, data):
    return hashlib.blake2s(data, key=key, digest_size=16).digest()


def kdf(count, key, data):
    def hm(k, d):
        return hmac.new(k, d, hashlib.blake2s).digest()
    secret, out = hm(key, data), [b""]
    for i in range(1, count + 1):
        out.append(hm(secret, out[-1] + bytes([i])))
    return out[1:] if count > 1 else out[1]


def dh(secret, public):
    out = ctypes.create_string_buffer(32)
    if SODIUM.crypto_scalarmult(out, secret, public):
        raise ValueError("low order point")
    return out.raw


def public_of(secret):
    out = ctypes.create_string_buffer(32)
    SODIUM.crypto_scalarmult_base(out, secret)
    return out.raw


def aead(key, counter, plain, ad=b""):
    out = ctypes.create_string_buffer(len(plain) + 16)
    SODIUM.crypto_aead_chacha20poly1305_ietf_encrypt(
        out, None, plain, ctypes.c_ulonglong(len(plain)), ad,
        ctypes.c_ulonglong(len(ad)), None, struct.pack("<IQ", 0, counter), key)
    return out.raw


def unaead(key, nonce, sealed, ad=b"", extended=False):
    kind = "x" if extended else ""
    call = getattr(SODIUM, f"crypto_aead_{kind}chacha20poly1305_ietf_decrypt")
    if not extended:
        nonce = struct.pack("<IQ", 0, nonce)
    out = ctypes.create_string_buffer(max(len(sealed) - 16, 1))
    if len(sealed) < 16 or call(out, None, None, sealed,
                                ctypes.c_ulonglong(len(sealed)), ad,
                                ctypes.c_ulonglong(len(ad)), nonce, key):
        raise ValueError("does not verify")
    return out.raw[:len(sealed) - 16]


CHAIN0 = blake2s(b"Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s")
HASH0 = blake2s(CHAIN0, b"WireGuard v1 zx2c4 Jason@zx2c4.com")


# --- one session, one peer ---
class Session:
    def __init__(self, send, receive, ours, theirs):
        self.send, self.receive = send, receive
        self.ours, self.theirs, self.counter = ours, theirs, 0

    def seal(self, plain, counter=None, pad=True):
        if counter is None:
            counter, self.counter = self.counter, self.counter + 1
        if pad:
            plain += bytes(-len(plain) % 16)
        return struct.pack("<IIQ", DATA, self.theirs, counter) + \
            aead(self.send, counter, plain)

    def open(self, data):
        kind, index, counter = struct.unpack("<IIQ", data[:16])
        if (kind, index) != (DATA, self.ours):
            raise ValueError("of another session")
        return unaead(self.receive, counter, data[16:])


class Peer:
    def __init__(self, engine, port, remote, secret=None):
        self.engine, self.port, self.remote = engine, port, remote
        self.secret = secret or os.urandom(32)
        self.public = public_of(self.secret)
        self.psk, self.cookie, self.sent_mac1 = bytes(32), None, None
        self.stamp, self.last_initiation = 0, 0.0

    @property
    def name(self):
        return base64.b64encode(self.public).decode()

    def index(self):
        return struct.unpack("<I", os.urandom(4))[0]

    def macs(self, message):
        mac1 = mac(blake2s(b"mac1----", self.engine), message)
        self.sent_mac1 = mac1
        message += mac1
        return message + (mac(self.cookie, message) if self.cookie else bytes(16))

    def initiation(self, stamp=None):
        """One initiation message; a later one makes it stale."""
        if stamp is None:
            stamp = self.stamp = max(time.time_ns(), self.stamp + 1)
        tai = struct.pack(">QI", (1 << 62) + 10 + stamp // 10**9, stamp % 10**9)
        self.ours, e = self.index(), os.urandom(32)
        epub = public_of(e)
        h = blake2s(blake2s(HASH0, self.engine), epub)
        c, k = kdf(2, kdf(1, CHAIN0, epub), dh(e, self.engine))
        static = aead(k, 0, self.public, h)
        h = blake2s(h, static)
        c, k = kdf(2, c, dh(self.secret, self.engine))
        sealed = aead(k, 0, tai, h)
        self.under_way = (blake2s(h, sealed), c, e)
        return self.macs(struct.pack("<II", INITIATION, self.ours) + epub +
                         static + sealed)

    def consume_response(self, data):
        kind, theirs, ours = struct.unpack("<III", data[:12])
        if (kind, ours, len(data)) != (RESPONSE, self.ours, 92):
            raise ValueError("no response to us")
        self.check_mac1(data)
        (h, c, e), epub = self.under_way, data[12:44]
        c = kdf(1, c, epub)
        h = blake2s(h, epub)
        c = kdf(1, kdf(1, c, dh(e, epub)), dh(self.secret, epub))
        c, tau, k = kdf(3, c, self.psk)
        unaead(k, 0, data[44:60], blake2s(h, tau))
        first, second = kdf(2, c, b"")
        return Session(first, second, ours, theirs)

    def check_mac1(self, data):
        want = mac(blake2s(b"mac1----", self.public), data[:-32])
        if want != data[-32:-16]:
            raise ValueError("mac1")

    def consume_initiation(self, data):
        if data[:4] != struct.pack("<I", INITIATION) or len(data) != 148:
            raise ValueError("no initiation")
        self.check_mac1(data)
        theirs, = struct.unpack("<I", data[4:8])
        epub, static, sealed = data[8:40], data[40:88], data[88:116]
        h = blake2s(blake2s(HASH0, self.public), epub)
        c, k = kdf(2, kdf(1, CHAIN0, epub), dh(self.secret, epub))
        if unaead(k, 0, static, h) != self.engine:
            raise ValueError("of a stranger")
        h = blake2s(h, static)
        c, k = kdf(2, c, dh(self.secret, self.engine))
        self.their_stamp = unaead(k, 0, sealed, h)
        self.asked = (blake2s(h, sealed), c, epub, theirs)

    def response(self):
        """To the initiation consumed last: the message and the session."""
        h, c, theirs_e, theirs = self.asked
        e, ours = os.urandom(32), self.index()
        epub = public_of(e)
        c = kdf(1, c, epub)
        h = blake2s(h, epub)
        c = kdf(1, kdf(1, c, dh(e, theirs_e)), dh(e, self.engine))
        c, tau, k = kdf(3, c, self.psk)
        message = struct.pack("<III", RESPONSE, ours, theirs) + epub + \
            aead(k, 0, b"", blake2s(h, tau))
        first, second = kdf(2, c, b"")
        return self.macs(message), Session(second, first, ours, theirs)

    def consume_cookie(self, data):
        kind, ours = struct.unpack("<II", data[:8])
        if (kind, ours, len(data)) != (COOKIE, self.ours, 64):
            raise ValueError("no cookie for us")
        self.cookie = unaead(blake2s(b"cookie--", self.engine), data[8:32],
                             data[32:], self.sent_mac1, extended=True)

    def cookie_reply(self, mac1, index):
        """What a responder under load would send to the engine."""
        nonce, key = os.urandom(24), blake2s(b"cookie--", self.public)
        out = ctypes.create_string_buffer(32)
        SODIUM.crypto_aead_xchacha20poly1305_ietf_encrypt(
            out, None, os.urandom(16), ctypes.c_ulonglong(16), mac1,
            ctypes.c_ulonglong(16), None, nonce, key)
        return struct.pack("<II", COOKIE, index) + nonce + out.raw

    # whole steps; each fails with an exception that says what did not come
    def pace(self):
        """No two initiations of a peer within 1/50 s: the second is refused."""
        while time.monotonic() - self.last_initiation < 0.025:
            select.select([], [], [], 0.005)
        self.last_initiation = time.monotonic()

    def initiate(self, port=None):
        self.pace()
        (port or self.port).send(self.initiation(), self.remote)

    def handshake(self, port=None, confirm=True):
        self.initiate(port)
        got = (port or self.port).expect(RESPONSE)
        session = self.consume_response(got.data)
        if confirm:
            (port or self.port).send(session.seal(b""), self.remote)
        return session

    def answer(self, port=None):
        """Waits for the engine's initiation and responds."""
        self.consume_initiation((port or self.port).expect(INITIATION).data)
        message, session = self.response()
        (port or self.port).send(message, self.remote)
        return session


# --- sockets ---
@contextlib.contextmanager
def inside(host):
    """Sockets made in here live in that host of the lab."""
    with open("/proc/self/ns/net") as home, \
            open(f"/run/netns/{os.environ['LAB']}-{host}") as there:
        if LIBC.setns(there.fileno(), CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), f"setns to {host}")
        try:
            yield
        finally:
            LIBC.setns(home.fileno(), CLONE_NEWNET)


Datagram = namedtuple("Datagram", "data source tos local")


class Port:
    """A UDP socket that tells of each datagram all that IP says."""

    def __init__(self, address, port=0):
        self.v6 = ":" in address
        self.s = s = socket.socket(
            socket.AF_INET6 if self.v6 else socket.AF_INET, socket.SOCK_DGRAM)
        s.setsockopt(socket.SOL_SOCKET, RCVBUFFORCE, 8 << 20)
        if self.v6:
            s.setsockopt(41, socket.IPV6_RECVTCLASS, 1)
            s.setsockopt(41, socket.IPV6_RECVPKTINFO, 1)
            s.setsockopt(41, 23, 0)  # IPV6_MTU_DISCOVER: as the path is
        else:
            s.setsockopt(0, socket.IP_RECVTOS, 1)
            s.setsockopt(0, 8, 1)  # IP_PKTINFO
            s.setsockopt(0, 10, 0)  # IP_MTU_DISCOVER
        s.bind((address, port))
        self.address = s.getsockname()[:2]
        self.text = ("[%s]:%d" if self.v6 else "%s:%d") % self.address

    def send(self, data, to, tos=0):
        self.s.setsockopt(*((41, socket.IPV6_TCLASS) if self.v6 else
                            (0, socket.IP_TOS)), tos)
        self.s.sendto(data, to)

    def receive(self, timeout=PATIENCE):
        """The next datagram, or None when time is up."""
        if not select.select([self.s], [], [], timeout)[0]:
            return None
        data, parts, _, source = self.s.recvmsg(65536, 256)
        tos = local = None
        for level, kind, value in parts:
            if (level, kind) in ((0, socket.IP_TOS), (41, socket.IPV6_TCLASS)):
                tos = value[0]
            elif (level, kind) == (0, 8):
                local = socket.inet_ntop(socket.AF_INET, value[8:12])
            elif (level, kind) == (41, socket.IPV6_PKTINFO):
                local = socket.inet_ntop(socket.AF_INET6, value[:16])
        return Datagram(data, source[:2], tos, local)

    def expect(self, kind, timeout=PATIENCE):
        """The next message of that type; others are passed over."""
        end = time.monotonic() + timeout
        while True:
            got = self.receive(max(0, end - time.monotonic()))
            if got is None:
                raise TimeoutError(f"no message of type {kind} on {self.text}")
            if got.data[:1] == bytes([kind]):
                return got

    def waiting(self):
        """All that is there already."""
        got = []
        while True:
            one = self.receive(0)
            if one is None:
                return got
            got.append(one)


class Tap:
    """Bare packets into and out of an interface, beside its host's stack."""

    def __init__(self, ifname):
        self.ifname = ifname
        self.s = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM,
                               socket.htons(3))
        self.s.setsockopt(socket.SOL_SOCKET, RCVBUFFORCE, 8 << 20)
        self.s.bind((ifname, 3))

    def send(self, packet):
        self.s.sendto(packet, (self.ifname, ETH_P[packet[0] >> 4]))

    def receive(self, timeout=PATIENCE, want=lambda packet: True):
        """The next packet that came in through the interface."""
        end = time.monotonic() + timeout
        while True:
            left = max(0, end - time.monotonic())
            if not select.select([self.s], [], [], left)[0]:
                return None
            packet, source = self.s.recvfrom(65536)
            if source[2] != 4 and want(packet):  # PACKET_OUTGOING
                return packet


# --- inner packets ---
def checksum(data):
    data += bytes(len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total ^ 0xFFFF


def packet(source, destination, size, tos=0, mark=0):
    """SIZE bytes in all, of a protocol nobody speaks; MARK is in its body."""
    if ":" in source:
        head = struct.pack("!IHBB", 6 << 28 | tos << 20, size - 40, 253, 64) + \
            socket.inet_pton(socket.AF_INET6, source) + \
            socket.inet_pton(socket.AF_INET6, destination)
    else:
        head = struct.pack("!BBHHHBBH", 0x45, tos, size, 0, 0, 64, 253, 0) + \
            socket.inet_aton(source) + socket.inet_aton(destination)
        head = head[:10] + struct.pack("!H", checksum(head)) + head[12:]
    body = struct.pack("!I", mark) + bytes(i * 7 & 255 for i in range(size))
    return (head + body)[:size]


def mark_of(inner):
    return struct.unpack("!I", inner[(20 if inner[0] >> 4 == 4 else 40):][:4])[0]


def tos_of(inner):
    return inner[1] if inner[0] >> 4 == 4 else \
        struct.unpack("!H", inner[:2])[0] >> 4 & 0xFF


# --- the engine, by stock wg(8) ---
class Engine:
    def __init__(self, host):
        self.host, self.ifname = host, "w" + host
        self.public = base64.b64decode(self.wg("show", self.ifname, "public-key"))

    @staticmethod
    def wg(*words, stdin=None):
        return subprocess.run(["wg", *words], input=stdin, check=True, text=True,
                              capture_output=True).stdout.strip()

    def set(self, *words, stdin=None):
        self.wg("set", self.ifname, *words, stdin=stdin)

    def add(self, peer, allowed, *words):
        self.set("peer", peer.name, "allowed-ips", allowed, *words)

    def remove(self, peer):
        self.set("peer", peer.name, "remove")

    def field(self, what, peer):
        for line in self.wg("show", self.ifname, what).splitlines():
            key, _, value = line.partition("\t")
            if key == peer.name:
                return value
        return None

    def endpoint(self, peer):
        return self.field("endpoints", peer)


def until(condition, timeout=PATIENCE):
    end = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > end:
            return False
        select.select([], [], [], 0.01)
    return True


def ip(host, *words):
    subprocess.run(["ip", "-n", f"{os.environ['LAB']}-{host}", *words], check=True)


# --- verdicts, read by `scenario` of engine.sh ---
def ok(what, good, said=""):
    print(("ok" if good else "not ok"), what, flush=True)
    if not good and said != "":
        for line in str(said).splitlines():
            print("#", line, flush=True)
    return bool(good)


def same(what, want, got):
    return ok(what, want == got, f"wanted: {want}\ngot:    {got}")


def run(*scenarios):
    """Each on its own: one that breaks down fails, the next still runs."""
    import traceback
    for scenario in scenarios:
        print(f"# --- {scenario.__name__}", flush=True)
        try:
            scenario()
        except Exception:
            ok(f"{scenario.__name__} runs to its end", False,
               traceback.format_exc())
    print("done", flush=True)
    sys.stdout.flush()
