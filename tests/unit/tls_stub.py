#!/usr/bin/env python3
"""A coordinator that is none: what tests of the agent's HTTP client talk to.

Prints "PORT PIN" (the pin in base64), serves until stdin ends. The key below
guards nothing.

  /echo          what was asked, as JSON
  /problem       409 with a problem body
  /retry         503, Retry-After: 7, not JSON
  /big           100 KiB
  /hang          no answer, until another request to /hang arrives
  /connections   how many there have been
  /log           the requests of /v1/, one a line
  /v1/netmap     as the mode (the first argument) says
  /v1/report     204; 503 in mode deaf
  /v1/nodes/     200; 503 in mode deaf, the first two times in mode flaky; 422
                 in mode firm
"""
import base64
import hashlib
import http.server
import json
import socket
import ssl
import sys
import tempfile
import threading

CERT = """-----BEGIN CERTIFICATE-----
MIIBdTCCARugAwIBAgIUHpMKzFqjNeKKBC11A4ecAaTSEDQwCgYIKoZIzj0EAwIw
DzENMAsGA1UEAwwEdGVzdDAgFw0yNjExMjIyMjA5MDFaGA8yMTI2MTAyOTIyMDkw
MVowDzENMAsGA1UEAwwEdGVzdDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABGE9
jAlXNuuiYWpEe6hqqsXaxvPLo8Cmop4HgIKVEl3FjNwA+iMol3Wk466K6P6sKmHM
gvdT5UUUNIfi1nJOokCjUzBRMB0GA1UdDgQWBBS0IYW/SEn/pqTz0jRepXCwjQEv
mDAfBgNVHSMEGDAWgBS0IYW/SEn/pqTz0jRepXCwjQEvmDAPBgNVHRMBAf8EBTAD
AQH/MAoGCCqGSM49BAMCA0gAMEUCIQDZCBqepjAr8uX2Un1wPd5Y+RTQY2lgdx+g
Dc+LVMvyBAIgcL/Q+2XeNmQlxD/rLgztTXsSPW9t9yvtk6JQyNj+ucs=
-----END CERTIFICATE-----
"""
KEY = """-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgdlAkcyrYObU7k5J3
J7lFJeGQ2WZnXpCb37w9/7mT3B+hRANCAARhPYwJVzbromFqRHuoaqrF2sbzy6PA
pqKeB4CClRJdxYzcAPojKJd1pOOuiuj+rCphzIL3U+VFFDSH4tZyTqJA
-----END PRIVATE KEY-----
"""
SPKI = (
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEYT2MCVc266JhakR7qGqqxdrG88uj"
    "wKaingeAgpUSXcWM3AD6IyiXdaTjroro/qwqYcyC91PlRRQ0h+LWck6iQA==")
MODE = sys.argv[1] if len(sys.argv) > 1 else ""

lock = threading.Condition()
state = {"connections": 0, "hanging": 0, "log": [], "polls": 0}


def netmap(serial, since):
    full = since == 0
    doc = {"schema": "mesh/v1", "serial": serial, "full": full,
           "records": [], "endpoints": []}
    if not full:
        doc["since"] = since
        doc["withheld"] = []
    return doc


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def setup(self):
        self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with lock:
            state["connections"] += 1
        super().setup()

    def log_message(self, *args):
        pass

    def answer(self, status, body, headers=()):
        body = body if isinstance(body, bytes) else body.encode()
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def read_body(self):
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def poll(self):
        query = dict(word.split("=") for word in self.path.split("?")[1].split("&"))
        since, wait = int(query["since"]), int(query["wait"])
        with lock:
            state["polls"] += 1
            polls = state["polls"]
        if MODE == "broken" and polls == 1:
            self.answer(200, '{"schema": "mesh/v1", "serial": "many"}')
        elif MODE == "gone":
            self.answer(410, json.dumps({
                "schema": "mesh/v1",
                "type": "https://wgmesh.invalid/problems/node-removed",
                "title": "Gone", "status": 410,
                "detail": "the node was removed"}))
        elif MODE == "flaky" and polls <= 2:
            self.answer(503, "busy")
        elif MODE == "spin" or wait == 0:
            self.answer(200, json.dumps(netmap(5, since)))
        else:
            with lock:  # a poll that nothing happens to
                lock.wait_for(lambda: state["hanging"] < 0)

    def serve(self):
        body = self.read_body()
        if self.path.startswith("/v1/"):
            with lock:
                state["log"].append(f"{self.command} {self.path}")
        if self.path == "/echo":
            self.answer(200, json.dumps({
                "method": self.command, "body": body.decode(),
                "authorization": self.headers.get("Authorization"),
                "type": self.headers.get("Content-Type"),
                "expect": self.headers.get("Expect")}))
        elif self.path == "/problem":
            self.answer(409, json.dumps({
                "schema": "mesh/v1",
                "type": "https://wgmesh.invalid/problems/name-taken",
                "title": "Conflict", "status": 409,
                "detail": "another node is called a"}),
                [("Content-Type", "application/problem+json")])
        elif self.path == "/retry":
            self.answer(503, "later", [("Retry-After", "7")])
        elif self.path == "/big":
            self.answer(200, b"x" * 100 * 1024)
        elif self.path == "/hang":
            with lock:
                state["hanging"] += 1
                mine = state["hanging"]
                lock.notify_all()
                if mine == 1:
                    lock.wait_for(lambda: state["hanging"] > 1)
            self.answer(200, f"hang {mine}")
        elif self.path == "/connections":
            self.answer(200, str(state["connections"]))
        elif self.path == "/log":
            self.answer(200, "\n".join(state["log"]))
        elif self.path.startswith("/v1/netmap?"):
            self.poll()
        elif self.path == "/v1/report":
            self.answer(503 if MODE == "deaf" else 204, "")
        elif self.path.startswith("/v1/nodes/"):
            asked = sum("/v1/nodes/" in line for line in state["log"])
            if MODE == "deaf" or (MODE == "flaky" and asked <= 2):
                self.answer(503, "")
            else:
                self.answer(422 if MODE == "firm" else 200, "")
        else:
            self.answer(404, "")

    do_GET = do_POST = do_PUT = serve


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        pass  # whoever hangs up is not news


def main():
    with tempfile.NamedTemporaryFile("w", suffix=".pem") as pem:
        pem.write(CERT + KEY)
        pem.flush()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pem.name)
    server = Server(("127.0.0.1", 0), Handler)
    server.socket = context.wrap_socket(
        server.socket, server_side=True, do_handshake_on_connect=False)
    pin = base64.b64encode(hashlib.sha256(base64.b64decode(SPKI)).digest())
    print(server.server_address[1], pin.decode(), flush=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdin.read()


main()
