#!/usr/bin/env python3
"""wgtool against stock wg(8): the same words, files and daemons; the same
output, talk, exit status and state afterwards.

    wgtool_diff.py WGTOOL      in a mount namespace of its own, as root
    SEED=n COUNT=n             repeat a run; how many random cases of a kind
    ENGINES=1                  wg0 and wg1 are there already, and real

Both run under the name "wg", so nothing needs to be replaced but what is meant
to differ (KNOWN below). Speaks TAP.
"""
import base64
import ctypes
import json
import os
import random
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time

from fakewg import Device, Peer, Server

WGTOOL, STOCK = os.path.abspath(sys.argv[1]), shutil.which("wg")
SEED = int(os.environ.get("SEED", random.randrange(1 << 32)))
COUNT = int(os.environ.get("COUNT", 150))
rng = random.Random(SEED)
work = tempfile.mkdtemp()
ENV = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8",
       "WG_ENDPOINT_RESOLUTION_RETRIES": "0"}

# What is meant to differ.
KNOWN = [
    # No kernel interfaces yet; without the module stock wg says this instead.
    (rb"(Unable to .*): Protocol not supported", rb"\1: No such device"),
    # show has --json, allowed-ips has + and -.
    (rb"Usage: wg (show|set) .*", rb"Usage: wg \1"),
    # The list of subcommands is in our words.
    (rb"  ((show|set|add|sync)(conf)?|gen(key|psk)|pubkey): .*", rb"  \1"),
    # A zero cannot be quoted.
    (rb"(in key file: `)\0'\n", rb"\1\n"),
]


def key():
    return bytes(rng.randrange(256) for _ in range(32))


def b64(raw):
    return base64.b64encode(raw).decode()


KEYS = [key() for _ in range(6)]
PEERS = [b64(k) for k in KEYS]
ENGINES = bool(os.environ.get("ENGINES"))
server = Server("/var/run/wireguard")
devices = {name: Device() for name in ("wg0", "wg1")}
wg0 = devices["wg0"]
if not ENGINES:
    for name, device in devices.items():
        server.add(name, device)


def ask(name, request):
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(server.path(name))
        s.sendall((request + "\n").encode())
        answer = b""
        while not answer.endswith(b"\n\n") and (more := s.recv(65536)):
            answer += more
        return answer.decode()


def push(name, device):
    """Makes the engine what DEVICE is, but for what it has lived through."""
    lived = re.compile("last_handshake|[rt]x_bytes")
    lines = [f"private_key={device.private}", f"listen_port={device.port}",
             f"fwmark={device.mark}", "replace_peers=true"]
    lines += [l for l in device.get().splitlines()
              if not re.match("private_key|listen_port|fwmark", l)
              and not lived.match(l)]
    said = ask(name, "set=1\n" + "".join(l + "\n" for l in lines))
    if said != "errno=0\n\n":
        raise OSError(f"{name} refuses {lines}: {said}")


def pull(name):
    device = Device()
    for line in ask(name, "get=1\n").splitlines():
        key, _, value = line.partition("=")
        if not re.match("last_handshake|[rt]x_bytes|errno|protocol|$", key):
            device.load(key, value)
    return device

tested = failed = cases = 0


def report(ok, what, said=""):
    global tested, failed
    tested += 1
    failed += not ok
    what = what.replace("#", "\\#")
    print(f"{'ok' if ok else 'not ok'} {tested} - {what}")
    for line in [] if ok else said.splitlines():
        print("#", line)
    sys.stdout.flush()


def run(program, argv, stdin, env, **options):
    done = subprocess.run(["wg"] + argv, executable=program, input=stdin,
                          capture_output=True, env={**ENV, **env}, cwd=work,
                          timeout=60, **options)
    return done.returncode, done.stdout, done.stderr


def known(text):
    for pattern, replacement in KNOWN:
        text = re.sub(pattern, replacement, text)
    return text


def outcome(program, case):
    for device in devices.values():
        device.reset()
        device.canned, device.requests = None, []
    case.get("load", lambda: None)()
    if ENGINES:
        for name, device in devices.items():
            device.port = PUSHED_PORTS[name]
            push(name, device)
    rc, out, err = run(program, case["argv"], case.get("stdin", b""),
                       case.get("env", {}), **case.get("options", {}))
    after = [pull(name) for name in devices] if ENGINES else devices.values()
    for device in after:
        if ENGINES and device.port not in map(int, PORTS[:4]):
            device.port = "any"
    return rc, known(out), known(err), [d.normal() for d in after]


def differs(case):
    """None, or how. The clock may tick between the two: ask again."""
    global cases
    cases += 1
    for _ in range(3 if case.get("timed") else 1):
        stock, ours = outcome(STOCK, case), outcome(WGTOOL, case)
        if stock == ours:
            return None
    shown = {k: v for k, v in case.items() if k not in ("load", "options")}
    parts = zip(("status", "stdout", "stderr", "state"), stock, ours)
    return "\n".join([str(shown)] + [
        f"  {part} of wg {a}\n  {part} of wgtool {b}"
        for part, a, b in parts if a != b])


def same(what, **case):
    said = differs(case)
    report(said is None, what, said or "")


def same_all(what, generated):
    said = [s for s in map(differs, generated) if s]
    report(not said, what, "\n".join(said[:3]))


def file(name, text):
    path = os.path.join(work, name)
    with open(path, "wb") as f:
        f.write(text.encode("latin-1"))
    return path


# --- what may stand where ---------------------------------------------------

PORTS = ["0", "1", "51820", "65535", " 12", "+5", "007", "domain", "nosuch", "",
         "-1", "0x10", "1e3", "5 ", "18446744073709551616", "2147483648"]
PUSHED_PORTS = {"wg0": 51820, "wg1": 51821}
MARKS = ["0", "off", "OFF", "1", "0x10", "0xffffffff", "4294967295",
         "4294967296", "0x100000000", "0x", "0X10", "010", "x", "", "-1", "1 ",
         "0x1g", "0xABC"]
INTERVALS = ["0", "off", "Off", "1", "25", "65535", "65536", "", "x", "-1",
             "0x10", "25 ", "00025"]
PREFIXES = ["10.0.0.0/8", "10.1.0.0/16", "10.1.2.3/32", "10.1.2.3",
            "192.168.7.9/24", "0.0.0.0/0", "::/0", "fd00::/8", "fd00::1/128",
            "fd00::1", "fe80::1/64", "::ffff:1.2.3.4", "1.2.3.4/0"]
BAD_PREFIXES = ["", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/8/8", "10.0.0.0/x",
                "fd00::/129", "1.2.3", "1.2.3.4.5", "01.2.3.4", "fe80::1%lo",
                "::1::2", "/8", "10.0.0.0/-1", "10.0.0.0/08", "10.0.0.0/ 8",
                " 10.0.0.0/8", "*10.0.0.0/8", "10.0.0.0/18446744073709551624",
                "10.0.0.0/4294967304", "10.0.0.0/+8"]
ENDPOINTS = ["1.2.3.4:5", "1.2.3.4:51820", "[::1]:5", "[fd00::1]:65535",
             "[fe80::1%lo]:7", "[fe80::1%1]:7", "localhost:9",
             "127.0.0.1:domain", "[1.2.3.4]:5", "127.1:5", "1.2.3.4:0",
             "[::ffff:1.2.3.4]:5", "::1:5", "1.2.3.4: 5"]
BAD_ENDPOINTS = ["", "1.2.3.4", "1.2.3.4:", "[::1]", "[::1", "[::1]:", "[::1]5",
                 "[::1]x:5", ":5", "[]:5", "[:5", "1.2.3.4:nosuch",
                 "[fe80::1%nosuch]:5", "nosuchhost.invalid:5", "1.2.3.4 :5",
                 "[", "]", ":", "[]", "1.2.3.4:-1", "256.1.1.1:5"]
BAD_KEYS = ["", "abc", "A" * 43, "A" * 44, "A" * 42 + "B=", "A" * 43 + "=x",
            " " + PEERS[0], PEERS[0][:-1], PEERS[0][:-2] + "==",
            "-" + PEERS[0][1:], PEERS[0] + " "]
FILES = {"empty": "", "key": PEERS[1], "line": PEERS[2] + "\n",
         "blanks": PEERS[3] + " \t\n\n", "junk": PEERS[0] + "\nx",
         "short": "abc\n", "newline": "\n", "indented": " " + PEERS[0],
         "badkey": "!" * 44 + "\n", "nul": PEERS[0] + "\0\n"}
for name, text in FILES.items():
    file(name, text)
KEY_FILES = sorted(FILES) + ["/dev/null", "/nonexistent", "/"]


def mostly(good, bad):
    return rng.choice(bad if rng.random() < 0.08 else good)


def prefixes():
    return ",".join(mostly(PREFIXES, BAD_PREFIXES)
                    for _ in range(rng.randrange(5)))


def state(device, handshakes=True, times=False):
    """Random, over few keys and prefixes so that they collide."""
    device.reset()
    device.private = rng.choice(KEYS).hex() if rng.random() < .8 else "0" * 64
    device.port = rng.choice([0, 1, 51820, 65535])
    device.mark = rng.choice([0, 1, 0xffffffff])
    now = int(time.time())
    for raw in rng.sample(KEYS, rng.randrange(len(KEYS) + 1)):
        peer = device.peers[raw.hex()] = Peer()
        peer.psk = rng.choice(KEYS).hex() if rng.random() < .4 else "0" * 64
        peer.endpoint = rng.choice(
            [None, "1.2.3.4:5", "[fd00::1]:51820", "[fe80::1%lo]:3"])
        peer.keepalive = rng.choice([0, 0, 1, 25, 60, 3600, 65535])
        for net in rng.sample(PREFIXES, rng.randrange(4)):
            device.set_peer(peer, "allowed_ip", net)
        if not handshakes:
            continue
        peer.rx = rng.choice([0, 1, 1023, 1024, 1025, 1048575, 1 << 20,
                              rng.randrange(1 << 31), (1 << 40) - 1, 1 << 40,
                              rng.randrange(1 << 63), (1 << 64) - 1])
        peer.tx = rng.choice([0, 0, 1, 123456, rng.randrange(1 << 45)])
        ago = rng.choice([None, 0, 1, 59, 60, 61, 3600, 3601, 86400, 90061,
                          31536000, 34234567, 63072001, -5])
        if ago is not None and times:
            peer.handshake = (now - ago, rng.randrange(10 ** 9))
        elif rng.random() < .7:
            peer.handshake = (rng.choice([1, 1700000000]),
                              rng.randrange(3))


def loader(**options):
    seed = rng.randrange(1 << 62)

    def load():
        global rng
        outer, rng = rng, random.Random(seed)
        try:
            for device in devices.values():
                state(device, **options)
        finally:
            rng = outer
    return load


def canned(text, which=wg0):
    def load():
        which.canned = text.encode("latin-1")
    return load


# --- set ---------------------------------------------------------------------

P = PEERS[0]


def test_set():
    rows = [["set"], ["set", "wg0"], ["set", "--help"], ["set", "wg0", "peer"],
            ["set", "nope", "listen-port", "5"], ["set", "", "fwmark", "1"],
            ["set", "../wg0", "fwmark", "1"], ["set", "a" * 70, "fwmark", "1"],
            ["set", "wg0", "foo", "bar"], ["set", "wg0", "remove"],
            ["set", "wg0", "PEER", P], ["set", "wg0", "preshared-key", "key"],
            ["set", "wg0", "peer", P, "listen-port", "5"],
            ["set", "wg0", "peer", P, "remove", "remove"],
            ["set", "wg0", "peer", P, "remove", "allowed-ips", "::/0"],
            ["set", "wg0", "peer", P, "peer", P, "remove"],
            ["set", "wg0", "listen-port", "5", "listen-port"],
            ["set", "wg0", "listen-port", "5", "fwmark", "7", "private-key",
             "key", "peer", P, "preshared-key", "line", "endpoint",
             "1.2.3.4:5", "persistent-keepalive", "25", "allowed-ips",
             "10.0.0.0/8,fd00::/8", "peer", PEERS[1], "remove"]]
    rows += [["set", "wg0", "listen-port", v] for v in PORTS]
    rows += [["set", "wg0", "fwmark", v] for v in MARKS]
    rows += [["set", "wg0", "private-key", v] for v in KEY_FILES]
    rows += [["set", "wg0", "peer", v] for v in BAD_KEYS + [P]]
    rows += [["set", "wg0", "peer", P, "preshared-key", v] for v in KEY_FILES]
    rows += [["set", "wg0", "peer", P, "persistent-keepalive", v]
             for v in INTERVALS]
    rows += [["set", "wg0", "peer", P, "endpoint", v]
             for v in ENDPOINTS + BAD_ENDPOINTS]
    rows += [["set", "wg0", "peer", P, "allowed-ips", v]
             for v in PREFIXES + BAD_PREFIXES]
    rows += [["set", "wg0", "peer", P, "allowed-ips", v] for v in
             ["10.0.0.0/8,", ",", "10.0.0.0/8,,::/0", ",::/0",
              "10.0.0.0/8, ::/0", "10.0.0.0/8,10.0.0.0/8"]]
    for row in rows:
        same("wg " + " ".join(row), argv=row)
    for retries in ["0", "", "x", "-1", "1x", "0x1", "infinity", "99999999999"]:
        same(f"WG_ENDPOINT_RESOLUTION_RETRIES={retries}",
             argv=["set", "wg0", "peer", P, "endpoint", "1.2.3.4:5"],
             env={"WG_ENDPOINT_RESOLUTION_RETRIES": retries})
    same("a name server that does not answer is asked again",
         argv=["set", "wg0", "peer", P, "endpoint", "host.example:5"],
         env={"WG_ENDPOINT_RESOLUTION_RETRIES": "1"})
    if ENGINES:
        return
    same("a refusal is passed on", argv=["set", "wg0", "fwmark", "1"],
         load=canned("errno=-22\n\n"))
    same("a daemon that says nothing", argv=["set", "wg0", "fwmark", "1"],
         load=canned(""))
    same("a daemon that breaks off", argv=["set", "wg0", "fwmark", "1"],
         load=canned("errno=0\n"))


def random_set():
    argv = ["set", "wg0"]
    device = {"listen-port": lambda: mostly(PORTS[:7], PORTS),
              "fwmark": lambda: mostly(MARKS[:7], MARKS),
              "private-key": lambda: mostly(["key", "line", "empty"],
                                            KEY_FILES)}
    peer = {"preshared-key": device["private-key"],
            "endpoint": lambda: mostly(ENDPOINTS, BAD_ENDPOINTS),
            "persistent-keepalive": lambda: mostly(INTERVALS[:6], INTERVALS),
            "allowed-ips": prefixes}
    for word in rng.sample(sorted(device), rng.randrange(3)):
        argv += [word, device[word]()]
    for _ in range(rng.randrange(4)):
        argv += ["peer", mostly(PEERS, BAD_KEYS)]
        if rng.random() < .2:
            argv.append("remove")
        for word in rng.sample(sorted(peer), rng.randrange(4)):
            argv += [word, peer[word]()]
    if rng.random() < .05 and len(argv) > 3:
        argv.insert(rng.randrange(2, len(argv)), "stray")
    return {"argv": argv, "load": loader(handshakes=False)}


# --- setconf, addconf, syncconf ----------------------------------------------

CONFIGS = [
    "", "\n\n", "# only a comment", "[Interface]\n", "[interface]", "[PEER]",
    "[Interface", "[Interface]x", "[Interface] x", "[ Interface ]", "[Foo]",
    "[Interface]\n\0[Peer]\nListenPort=5\n", "\xef\xbb\xbf[Interface]\n",
    f"PrivateKey = {P}\n", "ListenPort = 5\n[Interface]\n",
    f"[Interface]\nPrivateKey = {P}\nListenPort = 5\nFwMark = 0x10\n",
    f"[Interface]\r\nPrivateKey={P}\r\n\r\n[Peer]\r\nPublicKey={P}\r\n",
    "[Interface]\n# x\n  Listen Port = 5 0 # y\n\t\v\f\n",
    "[Interface]\nListenPort=5\n[Interface]\nFwMark=7\nListenPort=6\n",
    "[Interface]\nListenPort=5\0x\nFwMark=1\n",
    "[Interface]\nAddress = 1.2.3.4/8\n", "[Interface]\nListenPort\n",
    "[Interface]\nListenPort=\n", "[Interface]\nListenPort==6\n",
    "[Interface]\nListenPort:6\n", "[Interface]\nPrivateKey=\n",
    f"[Interface]\nPublicKey={P}\n", "[Peer]\nListenPort=5\n",
    "[Interface]\nListenPort = 5 [Peer]\n",
    f"[Peer]\nPublicKey={P}\n[Interface]\nEndpoint=1.2.3.4:5\n",
    "[Peer]\nAllowedIPs=::/0\n", f"[Peer]\n[Peer]\nPublicKey={P}\n",
    f"[Peer]\nPublicKey={P}\n[Peer]\n", "[Peer]\n[Peer]\nfoo\n",
    f"[Peer]\nPublicKey={P}\nPublicKey={PEERS[1]}\n",
    f"[Peer]\nPublicKey={P}\n[Peer]\nPublicKey={P}\nAllowedIPs=::/0\n",
    f"[Peer]\nPublicKey={P}\nAllowedIPs=::/0\n[Peer]\nPublicKey={PEERS[1]}\n"
    f"AllowedIPs=::/0\n[Peer]\nPublicKey={P}\n",
    f"[Peer]\nPublicKey={P}\nAllowedIPs=10.0.0.0/8\nAllowedIPs=fd00::/8,::/0\n",
    f"[Peer]\nPublicKey={P}\nPresharedKey={b64(bytes(32))}\n",
    f"[Peer]\nPublicKey={P}\nPersistentKeepalive=off\nEndpoint=localhost:5\n",
    f"[Peer]\nPublicKey={P}\nAllowedIPs=\n",
    "# " + "x" * 5000 + "\n[Interface]\n",
    "[Interface]\nFwMark=" + " " * 5000 + "5\n",
]
VALUES = ([f"[Interface]\nListenPort={v}\n" for v in PORTS] +
          [f"[Interface]\nFwMark={v}\n" for v in MARKS] +
          [f"[Interface]\nPrivateKey={v}\n" for v in BAD_KEYS] +
          [f"[Peer]\nPublicKey={v}\n" for v in BAD_KEYS] +
          [f"[Peer]\nPresharedKey={v}\n" for v in BAD_KEYS] +
          [f"[Peer]\nPublicKey={P}\n{line}\n" for line in
           [f"AllowedIPs={v}" for v in PREFIXES + BAD_PREFIXES] +
           [f"Endpoint={v}" for v in ENDPOINTS + BAD_ENDPOINTS] +
           [f"PersistentKeepalive={v}" for v in INTERVALS]])
COMMANDS = ["setconf", "addconf", "syncconf"]


def test_conf():
    for argv in [["setconf"], ["setconf", "wg0"], ["addconf", "--help"],
                 ["syncconf", "wg0", "key", "x"], ["setconf", "wg0", "none"],
                 ["setconf", "nope", "empty"], ["addconf", "nope", "empty"],
                 ["syncconf", "nope", "good"], ["setconf", "nope", "good"],
                 ["setconf", "nope", "short"]]:
        file("good", f"[Peer]\nPublicKey={P}\n")
        same("wg " + " ".join(argv), argv=argv)
    same("setconf reads standard input", argv=["setconf", "wg0", "/dev/stdin"],
         stdin=f"[Peer]\nPublicKey={P}\nAllowedIPs=::/0".encode())
    for text in CONFIGS:
        for command in COMMANDS:
            path = file(f"conf{cases}", text)
            same(f"{command} of {text[:60]!r}", argv=[command, "wg0", path],
                 load=loader(handshakes=False))
    for text in VALUES:
        path = file(f"conf{cases}", text)
        same(f"setconf of {text!r}", argv=["setconf", "wg0", path])
    if ENGINES:
        return
    for text in ["errno=1\n\n", "", "junk\n\n", "private_key=x\nerrno=0\n\n"]:
        same(f"syncconf, and the daemon answers {text!r}",
             argv=["syncconf", "wg0", "good"], load=canned(text))


def random_line(section):
    peer = section == "[Peer]"
    names = {"PublicKey": lambda: mostly(PEERS, BAD_KEYS),
             "PresharedKey": lambda: mostly(PEERS, BAD_KEYS),
             "AllowedIPs": prefixes,
             "Endpoint": lambda: mostly(ENDPOINTS, BAD_ENDPOINTS),
             "PersistentKeepalive": lambda: mostly(INTERVALS[:5], INTERVALS)}
    if not peer:
        names = {"PrivateKey": lambda: mostly(PEERS, BAD_KEYS),
                 "ListenPort": lambda: mostly(PORTS[:4], PORTS),
                 "FwMark": lambda: mostly(MARKS[:7], MARKS)}
    name = rng.choice(sorted(names))
    value = names[name]()
    if value == "":
        value = rng.choice(PREFIXES)
    if rng.random() < .2:
        name = "".join(rng.choice([c.upper(), c.lower()]) for c in name)
    blank = rng.choice(["", " ", "\t", "  "])
    comment = rng.choice(["", "", "", " # x", "#"])
    return f"{blank}{name}{blank}={blank}{value}{comment}"


def random_config():
    lines = []
    for _ in range(rng.randrange(6)):
        section = rng.choice(["[Peer]", "[Peer]", "[Peer]", "[Interface]"])
        lines.append(section)
        if section == "[Peer]" and rng.random() < .97:
            lines.append(f"PublicKey = {rng.choice(PEERS)}")
        lines += [random_line(section) for _ in range(rng.randrange(4))]
        if rng.random() < .3:
            lines.append("")
    text = "\n".join(lines) + rng.choice(["", "\n"])
    if rng.random() < .1 and text:
        at = rng.randrange(len(text))
        slip = text[:at] + chr(rng.randrange(256)) + text[at + 1:]
        # Stock wg cuts a port to 16 bits where wgtool refuses it: that has a
        # row of its own.
        if not past_ports(slip) - past_ports(text):
            text = slip
    return text


def past_ports(text):
    return {n for n in re.findall("[0-9]{5,}", text) if int(n) > 65535}


def random_conf():
    return {"argv": [rng.choice(COMMANDS), "wg0",
                     file(f"conf{rng.randrange(1 << 62)}", random_config())],
            "load": loader(handshakes=False)}


# --- show, showconf ------------------------------------------------------------

FIELDS = ["public-key", "private-key", "listen-port", "fwmark", "peers",
          "preshared-keys", "endpoints", "allowed-ips", "latest-handshakes",
          "transfer", "persistent-keepalive", "dump"]
A, B = KEYS[0].hex(), KEYS[1].hex()
ANSWERS = [
    "errno=0\n\n", "errno=13\n\n", "errno=x\n\n", "", "\n",
    "\n\n", "listen_port=5\n", "listen_port=5\n\n", "junk\nerrno=0\n\n",
    "errno=0\n", "errno=0\n\ntrailing=1\n", "unknown=x\nerrno=0\n\n",
    f"private_key={'0' * 64}\nerrno=0\n\n", "private_key=x\nerrno=0\n\n",
    f"private_key={A.upper()}\nerrno=0\n\n", f"private_key={A}0\nerrno=0\n\n",
    "listen_port=65535\nerrno=0\n\n", "listen_port=65536\nerrno=0\n\n",
    "listen_port=0\nerrno=0\n\n", "listen_port=-1\nerrno=0\n\n",
    "fwmark=4294967295\nerrno=0\n\n", "fwmark=4294967296\nerrno=0\n\n",
    "fwmark=0\nerrno=0\n\n", f"public_key={A}\nerrno=0\n\n",
    f"public_key={A[1:]}\nerrno=0\n\n", "rx_bytes=5\nerrno=0\n\n",
    f"rx_bytes=5\npublic_key={A}\nerrno=0\n\n",
    f"public_key={A}\npublic_key={B}\npublic_key={A}\nerrno=0\n\n",
] + [f"public_key={A}\n{line}\nerrno=0\n\n" for line in [
    "preshared_key=" + "0" * 64, f"preshared_key={B}", "preshared_key=x",
    "endpoint=1.2.3.4:5", "endpoint=[::1]:5", "endpoint=[fe80::1%lo]:5",
    "endpoint=[fe80::1%1]:5", "endpoint=[fe80::1]:5", "endpoint=1.2.3.4",
    "endpoint=1.2.3.4:0", "endpoint=[::ffff:1.2.3.4]:5",
    "persistent_keepalive_interval=0", "persistent_keepalive_interval=25",
    "persistent_keepalive_interval=65536", "persistent_keepalive_interval=",
    "allowed_ip=10.0.0.0/8", "allowed_ip=10.1.2.3/8", "allowed_ip=::/0",
    "allowed_ip=x", "allowed_ip=1.2.3.4/33", "allowed_ip=-1.2.3.4/32",
    "allowed_ip=::/0\nallowed_ip=0.0.0.0/0", "last_handshake_time_sec=1",
    "last_handshake_time_nsec=1", "last_handshake_time_sec=-1",
    "last_handshake_time_nsec=5\nlast_handshake_time_sec=1700000000",
    "rx_bytes=x", "rx_bytes=", "rx_bytes=18446744073709551615",
    "tx_bytes=1\nrx_bytes=0", "protocol_version=1", "protocol_version=2",
    "listen_port=5",
]]
LOOKS = [{}, {"WG_COLOR_MODE": "always"}, {"WG_COLOR_MODE": "never"},
         {"WG_HIDE_KEYS": "never"}, {"WG_HIDE_KEYS": "always"},
         {"WG_COLOR_MODE": "auto", "WG_HIDE_KEYS": "x"},
         {"WG_COLOR_MODE": "always", "WG_HIDE_KEYS": "never"}]


def test_show():
    for argv in [[], ["show"], ["show", "all"], ["show", "interfaces"],
                 ["show", "interfaces", "x"], ["show", "nope"],
                 ["show", "nope", "foo"], ["show", "wg0", "foo"],
                 ["show", "wg0", "foo", "bar"], ["show", "all", "foo"],
                 ["show", "wg0", "--help"], ["show", "wg0", "help"],
                 ["show", ""], ["show", "wg0", ""], ["show", "../wg0"],
                 ["show", "wg0.sock"], ["show", "a" * 70], ["show", "."],
                 ["showconf"], ["showconf", "nope"], ["showconf", "--help"],
                 ["showconf", "wg0", "x"], ["showconf", "wg0"]]:
        same("wg " + " ".join(argv), argv=argv)
    if ENGINES:
        return
    for text in ANSWERS:
        for argv in [["show", "wg0"], ["show", "wg0", "dump"],
                     ["showconf", "wg0"], ["show", "all", "dump"]]:
            same(f"{' '.join(argv)} of {text!r}", argv=argv, load=canned(text),
                 timed=True)
    for text in ["errno=13\n\n", ""]:
        for argv in [["show"], ["show", "all", "peers"], ["show", "all", "x"]]:
            same(f"wg {' '.join(argv)}, one interface refusing with {text!r}",
                 argv=argv, load=canned(text, devices["wg1"]))


def random_show():
    where = rng.choice(["wg0", "all"])
    argv = rng.choice([["show"], ["show", where],
                       ["show", where, rng.choice(FIELDS)],
                       ["show", where, "dump"], ["showconf", "wg0"]])
    return {"argv": argv, "load": loader(times=True), "timed": True,
            "env": rng.choice(LOOKS)}


# --- keys, words, sockets ------------------------------------------------------

def test_keys():
    for text in [PEERS[0], PEERS[0] + "\n", PEERS[0] + " \n\t\v\f\r", "",
                 "\n", PEERS[0] + "x", PEERS[0] + "\nx", PEERS[0] + "\0",
                 PEERS[0] + "\0x", "\0" * 44, "=" * 44] + BAD_KEYS:
        same(f"pubkey of {text!r}", argv=["pubkey"], stdin=text.encode())
    same_all(f"pubkey of {COUNT} keys", ({"argv": ["pubkey"],
             "stdin": b64(key()).encode() + b"\n"} for _ in range(COUNT)))
    for argv in [["genkey", "x"], ["genpsk", "--help"], ["pubkey", "-"]]:
        same("wg " + " ".join(argv), argv=argv)
    for command in ["genkey", "genpsk"]:
        talk = []
        for program in STOCK, WGTOOL:
            path = file(f"{command}-out", "")
            for mode in 0o644, 0o640:
                os.chmod(path, mode)
                with open(path, "wb") as out:
                    talk.append(subprocess.run(
                        ["wg", command], executable=program, stdout=out,
                        stderr=subprocess.PIPE).stderr)
        report(talk[:2] == talk[2:] and talk[0] and not talk[1],
               f"{command} warns of a file that others may read", str(talk))
        made = run(WGTOOL, [command], b"", {})[1].decode().strip()
        raw = base64.b64decode(made)
        clamped = raw[0] & 7 == 0 and raw[31] & 0xc0 == 0x40
        report(len(raw) == 32 and (clamped or command == "genpsk"),
               f"{command} makes a key of the right shape")


def test_words():
    for argv in [["help"], ["-h"], ["--help"], ["foo"], [""], ["help", "x"],
                 ["--version", "x"], ["show", "help"], ["show", "-h"],
                 ["show", "--help"]]:
        same("wg " + " ".join(argv), argv=argv)


def without_run():
    """A mount namespace where /run is empty."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(0x20000) or libc.mount(b"x", b"/run", b"tmpfs", 0, None):
        raise OSError(ctypes.get_errno(), "unshare, mount")


def nobody():
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)


def test_sockets():
    rows = [["show"], ["show", "wg0"], ["show", "interfaces"],
            ["set", "wg0", "fwmark", "1"], ["showconf", "wg0"]]
    os.chmod(work, 0o755)
    os.chmod(server.directory, 0o755)
    for row in rows:
        same(f"as nobody: wg {' '.join(row)}", argv=row,
             options={"preexec_fn": nobody})
    os.chmod(server.directory, 0o700)
    same("as nobody, directory closed", argv=["show", "interfaces"],
         options={"preexec_fn": nobody})
    differently("as nobody, directory closed", ["show", "wg0"], 1,
                "Permission denied", options={"preexec_fn": nobody})
    os.chmod(server.directory, 0o755)
    left = []
    for program in STOCK, WGTOOL:
        dead = socket.socket(socket.AF_UNIX)
        dead.bind(server.path("dead"))
        dead.close()
        open(server.path("plain"), "w").close()
        os.makedirs(server.path("dir"), exist_ok=True)
        open(server.directory + "/.sock", "w").close()
        open(server.directory + "/x", "w").close()
        said = run(program, ["show", "interfaces"], b"", {})
        left.append((said, sorted(os.listdir(server.directory))))
    report(left[0] == left[1] and "dead.sock" not in left[0][1],
           "a socket whose daemon died is skipped and taken away", str(left))
    for row in ["dead", "plain", "dir", ""]:
        same(f"wg show {row!r}", argv=["show", row])
    for row in rows:
        same(f"no directory: wg {' '.join(row)}", argv=row,
             options={"preexec_fn": without_run})


def from_json(argv, **env):
    rc, out, err = run(WGTOOL, argv, b"", env)
    return rc, json.loads(out or b"{}"), err


def test_json():
    """--json against what the same wgtool tells scripts."""
    for _ in range(COUNT // 5):
        for device in devices.values():
            state(device, times=True)
            device.canned = None
        bad = []
        for argv in ["show", "--json"], ["show", "all", "--json"]:
            rc, every, err = from_json(argv)
            if rc or err or every["schema"] != "mesh/v1" or \
                    sorted(every["interfaces"]) != ["wg0", "wg1"]:
                bad.append((argv, rc, err))
        rc, one, err = from_json(["show", "wg0", "--json"])
        if rc or err or one != every["interfaces"]["wg0"]:
            bad.append((rc, err, one))
        if "privateKey" in one or "presharedKey" in str(one):
            bad.append("keys are shown unasked")
        _, one, _ = from_json(["show", "wg0", "--json"], WG_HIDE_KEYS="never")
        dump = run(WGTOOL, ["show", "wg0", "dump"], b"", {})[1].decode()
        lines = [line.split("\t") for line in dump.splitlines()]
        said = [[one.get("privateKey", "(none)"),
                 one.get("publicKey", "(none)"), str(one["listenPort"]),
                 hex(one["fwmark"]) if one["fwmark"] else "off"]]
        for name, p in one["peers"].items():
            said.append([name, p.get("presharedKey", "(none)"),
                         p.get("endpoint", "(none)").replace("%1]", "%lo]"),
                         ",".join(p["allowedIps"]) or "(none)",
                         str(p["latestHandshake"]), str(p["transferRx"]),
                         str(p["transferTx"]),
                         str(p["persistentKeepalive"] or "off")])
        if said != lines:
            bad.append((said, lines))
        if bad:
            break
    report(not bad, f"{COUNT // 5} states as JSON", str(bad))
    canned("errno=13\n\n", devices["wg1"])()
    rc, every, err = from_json(["show", "all", "--json"])
    report(rc == 0 and list(every["interfaces"]) == ["wg0"] and
           b"wg1: Permission denied" in err,
           "JSON of all, one interface refusing", f"{rc} {every} {err}")
    rc, nothing, err = from_json(["show", "wg1", "--json"])
    report(rc == 1 and not nothing and b"Permission denied" in err,
           "JSON of an interface that refuses", f"{rc} {nothing} {err}")


# --- where wgtool means to differ -----------------------------------------------

def differently(what, argv, status, talk, requests=0, **case):
    global cases
    cases += 1
    rc, _, err, _ = outcome(WGTOOL, {"argv": argv, **case})
    ok = rc == status and re.search(talk, err.decode()) \
        and len(wg0.requests) == requests
    report(bool(ok), what, f"{rc} {err} {wg0.requests}")


def test_better():
    for port in "65536", "70000", "4294967301":
        differently(f"port {port} is refused, not cut to 16 bits",
                    ["set", "wg0", "listen-port", port], 1, f"`{port}'")
        differently(f"endpoint port {port} is refused, not cut to 16 bits",
                    ["set", "wg0", "peer", P, "endpoint", f"1.2.3.4:{port}"],
                    1, f"`1.2.3.4:{port}'")
    differently("a directory is not an empty configuration",
                ["setconf", "wg0", "/"], 1, "Is a directory")
    differently("no peer answers under a name that cannot be resolved",
                ["show", "wg0"], 1, "Protocol error",
                load=canned(f"public_key={A}\nendpoint=x:5\nerrno=0\n\n"))
    began = time.monotonic()
    differently("an unknown service is not asked for again",
                ["set", "wg0", "peer", P, "endpoint", "1.2.3.4:nosuch"], 1,
                "^Servname", env={"WG_ENDPOINT_RESOLUTION_RETRIES": "9"})
    report(time.monotonic() - began < 1, "and told at once")
    with open("/dev/full", "wb") as full:
        done = subprocess.run([WGTOOL, "genkey"], stdout=full,
                              stderr=subprocess.PIPE)
    report(done.returncode == 1 and b"Unable to write" in done.stderr,
           "a key that could not be written is a failure")
    differently("allowed-ips takes + and -",
                ["set", "wg0", "peer", P, "allowed-ips",
                 "+10.0.0.0/8,-fd00::/8"], 0, "^$", 1)
    report("replace" not in wg0.requests[0] and
           "allowed_ip=-fd00::/8\n" in wg0.requests[0],
           "and then leaves the others", wg0.requests[0])


def on_terminal(program, env):
    master, slave = os.openpty()
    with os.fdopen(master, "rb", buffering=0) as terminal:
        subprocess.run(["wg", "show", "wg0"], executable=program, stdout=slave,
                       env={**ENV, **env}, check=True)
        os.close(slave)
        text = b""
        try:
            while more := terminal.read(65536):
                text += more
        except OSError:
            pass  # the other end is closed
    return text


def test_terminal():
    wg0.reset()
    wg0.canned = None
    wg0.set([f"private_key={A}", f"public_key={B}"])
    for env in {}, {"WG_COLOR_MODE": "never"}, {"WG_COLOR_MODE": "auto"}:
        stock, ours = on_terminal(STOCK, env), on_terminal(WGTOOL, env)
        report(stock == ours, f"colours of a terminal under {env}",
               f"{stock}\n{ours}")
    report(b"\x1b" in on_terminal(WGTOOL, {"NO_COLOR": ""}) and
           b"\x1b" in on_terminal(WGTOOL, {"NO_COLOR": "1",
                                           "WG_COLOR_MODE": "always"}) and
           b"\x1b" not in on_terminal(WGTOOL, {"NO_COLOR": "1"}),
           "NO_COLOR takes colours away unless WG_COLOR_MODE asks for them")


print(f"# SEED={SEED} COUNT={COUNT}")
try:
    test_set()
    same_all(f"{COUNT} random sets", (random_set() for _ in range(COUNT)))
    test_conf()
    same_all(f"{2 * COUNT} random files",
             (random_conf() for _ in range(2 * COUNT)))
    test_show()
    same_all(f"{2 * COUNT} random states",
             (random_show() for _ in range(2 * COUNT)))
    if not ENGINES:
        test_keys()
        test_words()
        test_terminal()
        test_sockets()
        test_json()
        test_better()
finally:
    shutil.rmtree(work)
print(f"# {cases} cases compared")
print(f"1..{tested}")
sys.exit(failed != 0)
