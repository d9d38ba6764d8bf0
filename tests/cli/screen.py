"""A terminal, as far as the REPL needs one: what a program prints becomes a screen of text.

Understands what xterm does with carriage return, backspace, line feed, tab and the control sequences
that move, erase, insert and delete; colours are dropped. Lines that scroll off are kept, so that
text() is all that a person saw."""

import os
import pty
import re
import select
import signal
import struct
import time
import fcntl
import termios

SEQUENCE = re.compile(r"\x1b(?:\[([?>]?)([\d;]*)([@-~])|[()][AB0]|[=>])")


class Screen:
    def __init__(self, columns=80, rows=24):
        self.columns, self.rows = columns, rows
        self.line = [[" "] * columns]  # all since the start; the last `rows` are visible
        self.row = self.column = 0  # the row counts from the first line of all
        self.insert = False
        self.rest = ""

    def _row(self):
        while len(self.line) <= self.row:
            self.line.append([" "] * self.columns)
        return self.line[self.row]

    def _put(self, c):
        if self.column == self.columns:
            self.row += 1
            self.column = 0
        row = self._row()
        if self.insert:
            row.insert(self.column, c)
            row.pop()
        else:
            row[self.column] = c
        self.column += 1

    def _control(self, private, numbers, final):
        n = [int(x) if x else 0 for x in numbers.split(";")]
        count, row = max(n[0], 1), self._row()
        top = max(0, len(self.line) - self.rows)
        if private:
            return
        if final == "A":
            self.row = max(top, self.row - count)
        elif final == "B":
            self.row += count
        elif final == "C":
            self.column = min(self.columns - 1, self.column + count)
        elif final == "D":
            self.column = max(0, min(self.column, self.columns - 1) - count)
        elif final == "G":
            self.column = count - 1
        elif final == "H":
            self.row = top + count - 1
            self.column = max(n[1] if len(n) > 1 else 1, 1) - 1
        elif final == "K":
            a, b = ((self.column, self.columns), (0, self.column + 1), (0, self.columns))[n[0]]
            row[a:b] = [" "] * (min(b, self.columns) - a)
        elif final == "J" and n[0] == 0:
            row[self.column:] = [" "] * (self.columns - self.column)
            del self.line[self.row + 1:]
        elif final == "J":
            for i in range(top, len(self.line)):
                self.line[i] = [" "] * self.columns
        elif final == "P":
            del row[self.column:self.column + count]
            row += [" "] * (self.columns - len(row))
        elif final == "@":
            row[self.column:self.column] = [" "] * count
            del row[self.columns:]
        elif final in "hl" and n[0] == 4:
            self.insert = final == "h"

    def feed(self, text):
        text = self.rest + text
        self.rest = ""
        at = 0
        while at < len(text):
            c = text[at]
            if c == "\x1b":
                found = SEQUENCE.match(text, at)
                if not found:
                    if len(text) - at < 16:
                        self.rest = text[at:]
                        return
                    at += 1
                    continue
                if found.group(3):
                    self._control(*found.groups())
                at = found.end()
                continue
            if c == "\r":
                self.column = 0
            elif c == "\n":
                self.row += 1
                self._row()
            elif c == "\b":
                self.column = max(0, self.column - 1)
            elif c == "\t":
                self.column = min(self.columns - 1, self.column // 8 * 8 + 8)
            elif c >= " ":
                self._put(c)
            at += 1

    def text(self):
        return "\n".join("".join(row).rstrip() for row in self.line)


class Program:
    """A program on a pseudo-terminal with a screen."""

    def __init__(self, arguments, environment, directory, columns=80, rows=24):
        self.screen = Screen(columns, rows)
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.chdir(directory)
            os.execve(arguments[0], arguments, environment)
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.before = 0
        self.decoder = __import__("codecs").getincrementaldecoder("utf-8")("replace")

    def read(self, seconds):
        """True if something came within the time."""
        if not select.select([self.fd], [], [], seconds)[0]:
            return False
        try:
            data = os.read(self.fd, 65536)
        except OSError:
            return False
        self.screen.feed(self.decoder.decode(data))
        return bool(data)

    def settle(self, pattern, more=0, quiet=0.12, seconds=30):
        """Reads until the last line is the pattern, `more` more lines begin with it than when keys were
        typed last, and nothing comes for a while; False if that never happens."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self.read(quiet):
                continue
            lines = self.screen.text().split("\n")
            if re.fullmatch(pattern, lines[-1]) and self.count(pattern) >= self.before + more:
                return True
        return False

    def count(self, pattern):
        return sum(1 for line in self.screen.text().split("\n") if re.match(pattern, line))

    def type(self, keys, pattern=""):
        self.before = self.count(pattern)
        os.write(self.fd, keys.encode())

    def end(self, seconds=10):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.read(0.05)
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                return os.waitstatus_to_exitcode(status)
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        return None
