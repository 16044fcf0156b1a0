#!/usr/bin/env python3
"""Edits a coordinator's database as its thief would: forge.py DB KIND NODE

foreign-key      NODE's key record names another WireGuard key, signed by a key
                 of the thief's own
widened-address  NODE's membership owns the whole IPv4 Internet, the signature
                 left as it was
extra-node       a member called "intruder", whole and well signed, but not by
                 anybody whom the operator named
swapped-record   in the place of NODE's membership stands that of another member,
                 whole and well signed

Every change is pushed: it gets a serial that no agent has seen.
"""
import base64
import hashlib
import json
import os
import sqlite3
import subprocess
import sys
import tempfile


def b64(data):
    return base64.b64encode(data).decode()


class Thief:
    """An Ed25519 key pair, by openssl."""

    def __init__(self):
        self.dir = tempfile.TemporaryDirectory()
        self.pem = os.path.join(self.dir.name, "key.pem")
        subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", self.pem], check=True)
        der = subprocess.run(["openssl", "pkey", "-in", self.pem, "-pubout", "-outform", "DER"],
                             check=True, capture_output=True).stdout
        self.public = der[-32:]

    def sign(self, payload):
        path = os.path.join(self.dir.name, "payload")
        with open(path, "wb") as out:
            out.write(payload)
        return subprocess.run(["openssl", "pkeyutl", "-sign", "-inkey", self.pem, "-rawin", "-in", path],
                              check=True, capture_output=True).stdout


def main():
    path, kind, name = sys.argv[1:]
    db = sqlite3.connect(path)
    node, = db.execute("SELECT id FROM node WHERE name = ? AND state = 'member'", (name,)).fetchone()
    serial = db.execute("SELECT serial FROM mesh").fetchone()[0] + 1
    thief = Thief()

    def payload_of(record_type):
        return json.loads(db.execute("SELECT payload FROM record WHERE type = ? AND subject = ?",
                                     (record_type, node)).fetchone()[0])

    def put(record_type, subject, payload, signer, signature):
        db.execute("INSERT OR REPLACE INTO record (type, subject, serial, signer, signature, payload)"
                   " VALUES (?, ?, ?, ?, ?, ?)",
                   (record_type, subject, serial, signer, signature, payload.decode()))

    if kind == "foreign-key":
        record = payload_of("key")
        record["public_key"] = b64(os.urandom(32))
        record["serial"] += 1
        payload = json.dumps(record).encode()
        put("key", node, payload, thief.public, thief.sign(payload))
    elif kind == "widened-address":
        record = payload_of("membership")
        record["addresses"] = ["0.0.0.0/0"]
        record["serial"] += 1
        signer, signature = db.execute("SELECT signer, signature FROM record WHERE type = 'membership'"
                                       " AND subject = ?", (node,)).fetchone()
        put("membership", node, json.dumps(record).encode(), signer, signature)
    elif kind == "extra-node":
        record = payload_of("membership")
        intruder = hashlib.blake2b(thief.public, digest_size=32).digest()[:16]
        record.update(node=intruder.hex(), identity=b64(thief.public), name="intruder",
                      addresses=["100.64.255.1/32"], serial=1)
        payload = json.dumps(record).encode()
        put("membership", intruder, payload, thief.public, thief.sign(payload))
    elif kind == "swapped-record":
        signer, signature, payload = db.execute(
            "SELECT signer, signature, payload FROM record WHERE type = 'membership' AND subject ="
            " (SELECT id FROM node WHERE state = 'member' AND name <> ? ORDER BY name)", (name,)).fetchone()
        put("membership", node, payload.encode(), signer, signature)
    else:
        sys.exit(f"forge.py: no such kind: {kind}")
    db.execute("UPDATE mesh SET serial = ?", (serial,))
    db.commit()


main()
