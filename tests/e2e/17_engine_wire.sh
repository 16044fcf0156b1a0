#!/usr/bin/env bash
# What the engine puts on the wire and takes off it, by the kernel's rules: DS
# field and ECN, padding, indices, ICMP, staging, source check, replays, roaming.
#
#   a: wgengine (wa) --- bridge --- p: peers in Python (wgpeer.py)
# shellcheck source=tests/e2e/lib.sh
. "${SRCDIR:-$(cd "$(dirname "$0")/../.." && pwd)}/tests/e2e/lib.sh"
# shellcheck source=tests/e2e/engine.sh
. "$SRCDIR/tests/e2e/engine.sh"
need python3

engine_host a && lab_host p
check "the engine starts" engine_start a
scenario wire_ds.py
scenario wire_packets.py
scenario wire_trust.py
check "the sanitizers found nothing" engine_reports
finish
