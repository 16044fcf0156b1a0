#!/usr/bin/env python3
"""Runs the examples of a man page and compares what they print.

    manual.py PAGE      in a mount namespace of its own, as root

Literal blocks of mdoc's EXAMPLES whose lines begin with "$ " are commands for
one shell; lines without are what the command before prints, or, inside an open
quote, go on with it. wg0 is a daemon that only remembers. Speaks TAP.
"""
import os
import re
import subprocess
import sys
import tempfile

from fakewg import Device, Server

PROMPT = "$ "


def blocks(page):
    text = open(page).read()
    examples = re.search(r"^\.Sh EXAMPLES\n(.*?)^\.Sh ", text, re.M | re.S)[1]
    found = re.findall(r"^\.Bd -literal.*?\n(.*?)^\.Ed", examples, re.M | re.S)
    return [re.sub(r"\\&", "", b).replace("\\-", "-").replace("\\e", "\\")
            for b in found if b.startswith(PROMPT)]


def commands(block):
    """[(command, what it prints)]"""
    found = []
    for line in block.splitlines():
        if line.startswith(PROMPT):
            found.append([line[len(PROMPT):], ""])
        elif found[-1][0].count("'") % 2:
            found[-1][0] += "\n" + line
        else:
            found[-1][1] += line + "\n"
    return found


class Shell:
    """One bash; each command's output ends with a mark and its status."""
    MARK = "--manual.py--"

    def __init__(self, directory):
        self.bash = subprocess.Popen(
            ["bash"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, cwd=directory, text=True)

    def run(self, command):
        self.bash.stdin.write(f"{command}\necho {self.MARK} $?\n")
        self.bash.stdin.flush()
        said = ""
        while self.MARK not in said:
            line = self.bash.stdout.readline()
            if not line:
                return said, -1
            said += line
        said, status = said.split(self.MARK)
        return said, int(status)


device = Device()
server = Server("/var/run/wireguard")
server.add("wg0", device)
count = failed = 0
with tempfile.TemporaryDirectory() as work:
    shell = Shell(work)
    for block in blocks(sys.argv[1]):
        for command, want in commands(block):
            said, status = shell.run(command)
            ok = status == 0 and said == want
            count += 1
            failed += not ok
            title = command.splitlines()[0].replace("#", "\\#")
            print(f"{'ok' if ok else 'not ok'} {count} - {title}")
            if not ok:
                print(f"# status {status}\n# wanted {want!r}\n# got    {said!r}")
    shell.bash.stdin.close()
    shell.bash.wait()
if count == 0:
    print("not ok 1 - the page has examples")
    count = failed = 1
print(f"1..{count}")
sys.exit(failed != 0)
