"""A coordinator that answers every request in one given way, over a Unix socket.

usage: fake_coordinator.py SOCKET CASE

Prints "ready" when it listens. The cases are what a broken, foreign or hostile
server may say to meshctl.
"""
import json
import socket
import sys


def problem(status, slug, detail):
    body = {
        "schema": "mesh/v1",
        "type": "https://wgmesh.invalid/problems/" + slug,
        "title": slug,
        "status": status,
        "detail": detail,
    }
    return status, "application/problem+json", json.dumps(body).encode()


CASES = {
    "400": problem(400, "bad-request", "the field is no field"),
    "401": problem(401, "unauthorized", "who are you"),
    "403": problem(403, "forbidden", "not with this token"),
    "404": problem(404, "not-found", "there is no such thing"),
    "409": problem(409, "name-taken", "the name is taken"),
    "410": problem(410, "node-removed", "the node is gone"),
    "412": problem(412, "stale", "it changed meanwhile"),
    "500": problem(500, "internal", "the disk is full"),
    "escape": problem(409, "name-taken", "a\u001b[2Jb\nc"),
    "control": problem(409, "name-taken", "a\u202eb"),
    "html": (502, "text/html", b"<html>bad gateway</html>"),
    "redirect": (302, "text/html", b""),
    "empty": (200, "application/json", b""),
    "garbage": (200, "application/json", b"\x00\xff{{{{"),
    "array": (200, "application/json", b"[]"),
    "deep": (200, "application/json", b"[" * 100000),
    "schema": (200, "application/json", b'{"schema":"mesh/v9"}'),
    "large": (200, "application/json", b'{"schema":"' + b"x" * (300 << 20)),
    "unfinished": None,
    "silent": None,
}


def answer(conn, case):
    conn.recv(65536)
    if case == "silent":
        return
    if case == "unfinished":
        conn.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{")
        return
    status, kind, body = CASES[case]
    head = "HTTP/1.1 %d X\r\nContent-Type: %s\r\nContent-Length: %d\r\n" % (
        status, kind, len(body))
    if case == "redirect":
        head += "Location: http://localhost/v1/elsewhere\r\n"
    try:
        conn.sendall(head.encode() + b"Connection: close\r\n\r\n" + body)
    except BrokenPipeError:
        pass  # it stopped reading: as it should with what is too large


def main():
    path, case = sys.argv[1], sys.argv[2]
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen()
    print("ready", flush=True)
    while True:
        conn, _ = listener.accept()
        with conn:
            answer(conn, case)


if __name__ == "__main__":
    main()
