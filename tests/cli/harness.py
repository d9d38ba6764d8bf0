"""Runs the program and compares exit code, standard output and standard error, each exactly, by a
regular expression, or not at all. Failures are collected; finish() prints them."""

import os
import re
import struct
import subprocess
import sys
import tempfile

PROGRAM = os.path.abspath(sys.argv[1])
DIRECTORY = tempfile.TemporaryDirectory(prefix="fusejit-cli-")
ENVIRONMENT = {
    "PATH": os.environ.get("PATH", ""),
    "HOME": DIRECTORY.name,
    "TERM": "xterm",
    **{k: v for k, v in os.environ.items() if k.endswith("SAN_OPTIONS")},
}
failures = []
runs = 0


class Like(str):
    """A regular expression that must match the whole text."""


def path(name):
    return os.path.join(DIRECTORY.name, name)


def write(name, content):
    with open(path(name), "wb") as f:
        f.write(content if isinstance(content, bytes) else content.encode())
    return name


def read(name):
    with open(path(name), "rb") as f:
        return f.read()


def npy(shape, descr, data, fortran=False):
    """The bytes of a .npy file, by hand."""
    extents = ", ".join(map(str, shape)) + ("," if len(shape) == 1 else "")
    header = "{'descr': '%s', 'fortran_order': %s, 'shape': (%s), }" % (descr, fortran, extents)
    header = header.ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + data


def npy_data(content):
    """(shape text, descr, raw bytes) of a .npy file."""
    n = struct.unpack("<H", content[8:10])[0]
    header = content[10 : 10 + n].decode()
    return (
        re.search(r"'shape': \(([^)]*)\)", header).group(1),
        re.search(r"'descr': '([^']*)'", header).group(1),
        content[10 + n :],
    )


def run(*args, stdin="", env=None, timeout=30):
    global runs
    runs += 1
    data = stdin if isinstance(stdin, bytes) else stdin.encode()
    try:
        return subprocess.run(
            [PROGRAM, *args],
            input=data,
            capture_output=True,
            cwd=DIRECTORY.name,
            env={**ENVIRONMENT, **(env or {})},
            timeout=timeout,
            check=False,
        )
    except subprocess.TimeoutExpired:
        failures.append("fusejit %r < %r: no end after %d s" % (args, stdin, timeout))
        return subprocess.CompletedProcess(args, -9, b"", b"")


def compare(what, got, wanted, command):
    if wanted is None:
        return
    if isinstance(wanted, Like):
        good = re.fullmatch(wanted, got, re.DOTALL) is not None
    else:
        good = got == wanted
    if not good:
        failures.append("%s\n  %s: got    %r\n  %s  wanted %r" % (command, what, got, " " * len(what), wanted))


def check(*args, code=0, out="", err="", stdin="", env=None):
    """One run of the program; a failed one must print nothing to standard output."""
    command = "fusejit " + " ".join(map(repr, args))
    if stdin:
        command += " < %r" % (stdin if len(stdin) < 200 else stdin[:200] + "...")
    result = run(*args, stdin=stdin, env=env)
    compare("exit code", result.returncode, code, command + "\n  stderr: %r" % result.stderr[:500])
    compare("stdout", result.stdout.decode("utf-8", "replace"), out, command)
    compare("stderr", result.stderr.decode("utf-8", "replace"), err, command)
    return result


def expect(condition, message):
    if not condition:
        failures.append(message)


def finish(name):
    DIRECTORY.cleanup()
    for f in failures[:40]:
        print(f)
    print("%s: %d runs, %d failures" % (name, runs, len(failures)))
    sys.exit(1 if failures else 0)
