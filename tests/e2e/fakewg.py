"""fakewg: a WireGuard daemon without a tunnel: the UAPI over a state.

A Device applies SETs as the kernel does (a prefix has one owner, the last who
asked) and answers GETs in wireguard-go's order. What only a tunnel would know
(handshakes, bytes) is loaded. A Device may also answer with bytes laid down
before, to see what a client makes of them.

    server = Server("/var/run/wireguard"); server.add("wg0", Device())
"""
import ipaddress
import os
import re
import socket
import threading

ZERO = "0" * 64


def named_scope(endpoint):
    """Interfaces by name: wg(8) writes names, wgtool numbers."""
    return re.sub(r"%(\d+)", lambda m: "%" + socket.if_indextoname(
        int(m[1])), endpoint)


class Peer:
    def __init__(self):
        self.psk = ZERO
        self.endpoint = None
        self.keepalive = 0
        self.allowed = []
        self.handshake = (0, 0)
        self.rx = self.tx = 0


class Device:
    def __init__(self):
        self.canned = None  # bytes to answer any request with
        self.requests = []  # whole SETs, as text
        self.reset()

    def reset(self):
        self.private, self.port, self.mark = ZERO, 0, 0
        self.peers = {}

    def set(self, lines):
        """errno of a SET. What came before a bad line stays, as it does."""
        peer, removing = None, None
        for line in lines:
            key, equals, value = line.partition("=")
            if not equals:
                return 71  # EPROTO
            try:
                if key == "public_key":
                    int(value, 16)
                    removing = None
                    name = value
                    peer = self.peers.get(name)
                    if peer is None:
                        peer = self.peers[name] = Peer()
                        fresh = True
                    else:
                        fresh = False
                elif peer is None:
                    self.set_device(key, value)
                elif key == "remove":
                    removing = name
                    self.peers.pop(name, None)
                elif removing:
                    pass
                elif key == "update_only":
                    if fresh:
                        removing = name
                        self.peers.pop(name)
                else:
                    self.set_peer(peer, key, value)
            except (ValueError, KeyError):
                return 22  # EINVAL
        return 0

    def set_device(self, key, value):
        if key == "private_key":
            int(value, 16)
            self.private = value
        elif key == "listen_port":
            self.port = int(value)
        elif key == "fwmark":
            self.mark = int(value)
        elif key == "replace_peers":
            self.peers = {}
        else:
            raise KeyError(key)

    def set_peer(self, peer, key, value):
        if key == "preshared_key":
            int(value, 16)
            peer.psk = value
        elif key == "endpoint":
            peer.endpoint = named_scope(value)
        elif key == "persistent_keepalive_interval":
            peer.keepalive = int(value)
        elif key == "replace_allowed_ips":
            peer.allowed = []
        elif key == "allowed_ip":
            net = ipaddress.ip_network(value.lstrip("-"), strict=False)
            if value.startswith("-"):
                peer.allowed = [n for n in peer.allowed if n != net]
                return
            for other in self.peers.values():
                other.allowed = [n for n in other.allowed if n != net]
            peer.allowed.append(net)
        elif key != "protocol_version":
            raise KeyError(key)

    def load(self, key, value):
        """A line of a GET; a private key comes first."""
        if key == "public_key":
            self.last = self.peers[value] = Peer()
        elif hasattr(self, "last"):
            self.set_peer(self.last, key, value)
        else:
            self.set_device(key, value)

    def get(self):
        out = []
        if self.private != ZERO:
            out.append(f"private_key={self.private}")
        if self.port:
            out.append(f"listen_port={self.port}")
        if self.mark:
            out.append(f"fwmark={self.mark}")
        for name, peer in self.peers.items():
            out += [f"public_key={name}", f"preshared_key={peer.psk}",
                    "protocol_version=1"]
            if peer.endpoint:
                out.append(f"endpoint={peer.endpoint}")
            out += [f"last_handshake_time_sec={peer.handshake[0]}",
                    f"last_handshake_time_nsec={peer.handshake[1]}",
                    f"tx_bytes={peer.tx}", f"rx_bytes={peer.rx}",
                    f"persistent_keepalive_interval={peer.keepalive}"]
            out += [f"allowed_ip={net}" for net in peer.allowed]
        return "".join(line + "\n" for line in out)

    def normal(self):
        """The state, with nothing in it that order could change."""
        return (self.private, self.port, self.mark, {
            name: (p.psk, p.endpoint, p.keepalive, sorted(map(str, p.allowed)))
            for name, p in self.peers.items()})

    def answer(self, request):
        if request.startswith("set=1\n"):
            self.requests.append(request)
        if self.canned is not None:
            return self.canned
        lines = request.rstrip("\n").split("\n")
        if lines[0] == "get=1":
            return (self.get() + "errno=0\n\n").encode()
        if lines[0] == "set=1":  # negated, as wireguard-go does
            return f"errno={-self.set(lines[1:])}\n\n".encode()
        return b"errno=22\n\n"


class Server:
    def __init__(self, directory):
        self.directory = directory
        os.makedirs(directory, exist_ok=True)

    def path(self, name):
        return os.path.join(self.directory, name + ".sock")

    def add(self, name, device):
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(self.path(name))
        listener.listen(16)
        threading.Thread(target=self.serve, args=(listener, device),
                         daemon=True).start()

    def serve(self, listener, device):
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                request = b""
                while not request.endswith(b"\n\n"):
                    more = connection.recv(65536)
                    if not more:
                        break
                    request += more
                if not request:
                    continue  # only a knock: is somebody there?
                try:
                    connection.sendall(device.answer(request.decode()))
                except OSError:
                    pass
