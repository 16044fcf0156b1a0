"""racelab: two hosts, an engine in each, and what is asked of them.

    race-a  eth0 10.76.0.1 ----- veth ----- 10.76.0.2 eth0  race-b
            wga  10.78.0.1 ===== tunnel === 10.78.0.2 wgb

The same kind of engine on both ends, started as COMMAND INTERFACE and told its
keys by stock wg(8). The caller has a mount and a PID namespace of its own
(race.py), so names do not meet anybody else's and nothing outlives it.
"""
import json
import os
import re
import shutil
import signal
import subprocess
import time

BUILDDIR = os.environ.get("BUILDDIR", os.getcwd())
MTU = 1420
PORT = 51820
START_SECONDS = 15      # an engine that takes longer is given up
CLOCK_TICKS = os.sysconf("SC_CLK_TCK")


class Failed(Exception):
    """What an engine, or a tool, did not do."""


def run(*words, timeout=60, **options):
    """A command that has to succeed; its standard output."""
    try:
        done = subprocess.run(words, timeout=timeout, text=True, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              **options)
    except subprocess.TimeoutExpired as late:
        raise Failed(f"{' '.join(words[:6])}: no end") from late
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise Failed(f"{' '.join(words[:6])}: {said[-1] if said else '?'}")
    return done.stdout


def wait_until(what, seconds, true):
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            raise Failed(f"{what}: not within {seconds} s")
        time.sleep(0.02)


def read(path):
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except (FileNotFoundError, ProcessLookupError):
        return ""


class Host:
    """One end: its namespace, keys and addresses."""

    def __init__(self, name, number):
        self.name = f"race-{name}"
        self.interface = f"wg{name}"
        self.outer, self.inner = f"10.76.0.{number}", f"10.78.0.{number}"
        self.secret = run("wg", "genkey").strip()
        self.public = run("wg", "pubkey", input=self.secret).strip()
        self.engine = None      # what we started; may have gone to background
        self.pids = []

    def exec(self, *words):
        return ("ip", "netns", "exec", self.name) + words

    def ip(self, *words):
        return run("ip", "-n", self.name, *words)

    def wg(self, *words, **options):
        return run("wg", "set", self.interface, *words, **options)

    def processes(self):
        alive = []
        for pid in run("ip", "netns", "pids", self.name).split():
            state = re.search(r"^State:\s*(\S)", read(f"/proc/{pid}/status"),
                              re.M)
            if state and state[1] not in "ZX":
                alive.append(int(pid))
        return alive

    def start(self, command, log):
        """COMMAND may stay, or return once its daemon is ready."""
        socket = f"/run/wireguard/{self.interface}.sock"
        with open(log, "wb") as output:
            self.engine = subprocess.Popen(
                self.exec("sh", "-c", f"exec env {command} {self.interface}"),
                stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        wait_until(f"{command}: interface and socket", START_SECONDS, lambda:
                   os.path.exists(socket) and subprocess.run(
                       ("ip", "-n", self.name, "link", "show", self.interface),
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                       check=False).returncode == 0)
        self.ip("addr", "add", self.inner + "/24", "dev", self.interface)
        self.ip("link", "set", self.interface, "mtu", str(MTU), "up")
        self.wg("private-key", "/dev/stdin", "listen-port", str(PORT),
                input=self.secret)

    def add_peer(self, other):
        self.wg("peer", other.public, "allowed-ips", other.inner + "/32",
                "endpoint", f"{other.outer}:{PORT}")

    def stop(self):
        for signo in (signal.SIGTERM, signal.SIGKILL):
            for pid in self.processes():
                try:
                    os.kill(pid, signo)
                except ProcessLookupError:
                    pass
            try:
                wait_until("end", 3, lambda: not self.processes())
                break
            except Failed:
                continue
        if self.engine:
            self.engine.wait()

    # --- what its engine takes ---

    def cpu_seconds(self):
        total = 0
        for pid in self.pids:
            fields = read(f"/proc/{pid}/stat").rpartition(")")[2].split()
            total += sum(map(int, fields[11:13])) if fields else 0
        return total / CLOCK_TICKS

    def threads(self):
        """(nanoseconds on a core, times it gave one up) of all threads."""
        spent = turns = 0
        for pid in self.pids:
            for task in os.listdir(f"/proc/{pid}/task"):
                base = f"/proc/{pid}/task/{task}/"
                spent += int(read(base + "schedstat").split()[0])
                turns += int(re.search(r"^voluntary_ctxt_switches:\s*(\d+)",
                                       read(base + "status"), re.M)[1])
        return spent, turns

    def memory_mib(self, field):
        """VmRSS: resident now; VmHWM: the most it ever was."""
        total = 0
        for pid in self.pids:
            value = re.search(rf"^{field}:\s*(\d+)",
                              read(f"/proc/{pid}/status"), re.M)
            total += int(value[1]) if value else 0
        return total / 1024


class Lab:
    """Both ends; use with `with`."""

    def __init__(self, command, directory, segmentation=True):
        self.near, self.far = Host("a", 1), Host("b", 2)
        self.hosts = (self.near, self.far)
        self.command, self.directory = command, directory
        self.segmentation = segmentation

    def __enter__(self):
        try:
            self._link()
            for host in self.hosts:
                host.start(self.command,
                           os.path.join(self.directory, host.name + ".log"))
            self._meet()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for host in self.hosts:
            if os.path.exists(f"/run/netns/{host.name}"):
                host.stop()
                subprocess.run(("ip", "netns", "del", host.name), check=False)
            for end in (".sock", ".lock"):
                path = f"/run/wireguard/{host.interface}{end}"
                if os.path.exists(path):
                    os.unlink(path)

    def _link(self):
        for host in self.hosts:
            run("ip", "netns", "add", host.name)
            run(*host.exec("sysctl", "-qw",
                           "net.ipv4.tcp_congestion_control=cubic"))
        run("ip", "link", "add", "eth0", "netns", self.near.name, "type",
            "veth", "peer", "name", "eth0", "netns", self.far.name)
        for host in self.hosts:
            if not self.segmentation:
                run(*host.exec("ethtool", "-K", "eth0",
                               "tx-udp-segmentation", "off"))
            host.ip("addr", "add", host.outer + "/24", "dev", "eth0")
            host.ip("link", "set", "lo", "up")
            host.ip("link", "set", "eth0", "up")

    def _meet(self):
        self.near.add_peer(self.far)
        self.far.add_peer(self.near)
        wait_until("first ping", START_SECONDS, lambda: subprocess.run(
            self.near.exec("ping", "-n", "-q", "-c1", "-W1", self.far.inner),
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            check=False).returncode == 0)
        for host in self.hosts:
            host.pids = host.processes()

    def cpu_seconds(self):
        return sum(host.cpu_seconds() for host in self.hosts)

    def memory_mib(self, field):
        return max(host.memory_mib(field) for host in self.hosts)

    def idle(self, seconds):
        """Per second of nothing to do: microseconds on a core, wake-ups."""
        before = [host.threads() for host in self.hosts]
        time.sleep(seconds)
        after = [host.threads() for host in self.hosts]
        spent, turns = (
            sum(b[i] - a[i] for a, b in zip(before, after)) / seconds
            for i in (0, 1))
        return spent / 1e3, turns

    # --- load ---

    def iperf_begin(self, seconds, *words):
        server = subprocess.Popen(
            self.far.exec("iperf3", "-s", "-1"), stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until("iperf3 server", 5, lambda: ":5201" in run(
            *self.far.exec("ss", "-Hltn")))
        client = subprocess.Popen(
            self.near.exec("iperf3", "-J", "-C", "cubic", "-t", str(seconds),
                           "-c", self.far.inner, *words),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, text=True)
        return server, client, seconds

    @staticmethod
    def iperf_end(running):
        """Gb/s that arrived."""
        server, client, seconds = running
        try:
            answer = json.loads(client.communicate(timeout=seconds + 15)[0])
            if "error" in answer:
                raise Failed("iperf3: " + answer["error"])
            return answer["end"]["sum_received"]["bits_per_second"] / 1e9
        except (subprocess.TimeoutExpired, ValueError, KeyError) as why:
            raise Failed("iperf3: no result") from why
        finally:
            for process in (client, server):
                process.kill()
                process.wait()

    def iperf(self, seconds, *words):
        return self.iperf_end(self.iperf_begin(seconds, *words))

    def round_trips_ms(self, seconds):
        """Sorted; one ping every 2 ms."""
        said = run(*self.near.exec(
            "ping", "-n", "-i", "0.002", "-c", str(int(seconds * 500)),
            "-w", str(int(seconds * 3 + 2)), self.far.inner),
            timeout=seconds * 3 + 20)
        times = sorted(float(t) for t in re.findall(r"time=([\d.]+)", said))
        if not times:
            raise Failed("ping: no answer")
        return times

    def udp(self, size, milliseconds, rate=0):
        """What udpload says."""
        program = os.path.join(BUILDDIR, "tests/bench/udpload")
        return json.loads(run(
            program, "--from", self.near.name, "--to", self.far.name,
            "--address", self.far.inner, "--size", str(size),
            "--ms", str(int(milliseconds)), "--rate", str(int(rate)),
            timeout=milliseconds / 1000 + 20))

    def handshakes(self, milliseconds, count):
        """What tests/bench/handshakes says of the far engine, which gets COUNT
        more peers."""
        program = os.path.join(BUILDDIR, "tests/bench/handshakes")
        run("wg", "addconf", self.far.interface, "/dev/stdin",
            input=run(program, "--print-peers", "--count", str(count)))
        return json.loads(run(*self.near.exec(
            program, "--public", self.far.public, "--endpoint",
            f"{self.far.outer}:{PORT}", "--count", str(count),
            "--ms", str(int(milliseconds))),
            timeout=milliseconds / 1000 + 20))


def tools_missing():
    return [tool for tool in ("ip", "wg", "iperf3", "ping", "ethtool", "ss")
            if not shutil.which(tool)]
