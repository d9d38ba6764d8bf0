#!/usr/bin/env python3
"""Runs the code blocks of Markdown pages: run_blocks.py BUILD_DIR PAGE...

    ```c        compiled against the public header and run; what has no `main` is put into one, in
                which `err` is a jit_error
    ```sh       run by bash in a scratch folder, with the built `fusejit` on the PATH
    ```fj       checked by `fusejit check`
    ```python   run by a Python that has NumPy, with the package of this repository; left out where there is
                none; the blocks of a page are one program, the output is that of the block
    ```console  a session: `$ command` lines are run; the lines below must be what it prints

A ```text block directly after one of the first two is the output it must have. In expected output
`...` stands for anything within a line. Blocks of a page share the folder, in order. A comment
directly before a block says more:

    <!-- not run -->       it is left out
    <!-- file: NAME -->    it is kept in the folder under this name
    <!-- error: E0123 -->  `fusejit check` must answer it with this error and no other
"""
import os
import re
import subprocess
import sys
import tempfile

BLOCK = re.compile(r"(?:<!-- (not run|file|error)(?:: (\S+))? -->\s*)?^```(\w+)\n(.*?)^```$", re.M | re.S)
FRAGMENT = """#include <fusejit.h>
#include <stdio.h>
int main(void)
{
jit_error err;
%s
return 0;
}
"""


def matches(expected, found):
    def pattern(line):
        return ".*".join(re.escape(part) for part in line.rstrip().split("..."))

    expected, found = expected.rstrip("\n").split("\n"), found.rstrip("\n").split("\n")
    return len(expected) == len(found) and all(
        re.fullmatch(pattern(e), f.rstrip()) for e, f in zip(expected, found))


def find_numpy():
    """A Python that has NumPy (a folder of that name beside it is not enough), or None."""
    for python in (os.environ.get("FUSEJIT_PEER_PYTHON"), "python3", "/usr/bin/python3"):
        if python and subprocess.run([python, "-c", "import numpy; numpy.ndarray"], stderr=subprocess.DEVNULL).returncode == 0:
            return python
    return None


class Page:
    def __init__(self, build, source, folder):
        self.build, self.source, self.folder = build, source, folder
        self.python, self.before = None, ""
        self.env = dict(os.environ, PATH=f"{build}/tools:{os.environ['PATH']}", LC_ALL="C.UTF-8",
                        XDG_STATE_HOME=folder, NO_COLOR="1")

    def run(self, command):
        done = subprocess.run(command, cwd=self.folder, env=self.env, text=True, timeout=120,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        return done.returncode, done.stdout

    def run_python(self, text):
        """(0 if all is well, output) of a block after those before it."""
        marker = "--- this block"
        self.python = self.python or find_numpy()
        with open(f"{self.folder}/block.py", "w") as f:
            f.write(f"{self.before}\nprint({marker!r})\n{text}")
        self.before += text
        self.env.update(PYTHONPATH=f"{self.source}/python", FUSEJIT_LIBRARY=f"{self.build}/src/libfusejit.so")
        code, output = self.run([self.python, "block.py"])
        return code, output.partition(marker + "\n")[2] if code == 0 else output

    def check(self, text, error):
        """(0 if all is well, output) of a program."""
        with open(f"{self.folder}/block.fj", "w") as f:
            f.write(text)
        code, output = self.run(["fusejit", "check", "block.fj"])
        if error is None:
            return code, output
        return int(code != 1 or set(re.findall(r"error\[(\w+)\]", output)) != {error}), output

    def block(self, kind, text):
        """(0 if all is well, output) of one block."""
        if kind == "c":
            with open(f"{self.folder}/block.c", "w") as f:
                f.write(text if "main(" in text else FRAGMENT % text)
            code, output = self.run(
                ["cc", "-std=c11", "-Wall", "-Werror", "block.c", f"-I{self.source}/include",
                 f"-L{self.build}/src", "-lfusejit", f"-Wl,-rpath,{self.build}/src", "-o", "block"]
                + os.environ.get("FUSEJIT_TEST_CFLAGS", "").split())
            return (code, output) if code else self.run(["./block"])
        if kind == "python":
            return self.run_python(text)
        if kind == "console":
            steps = re.split(r"^\$ ", text, flags=re.M)[1:]
            for step in steps:
                command, _, expected = step.partition("\n")
                _, output = self.run(["bash", "-c", command])
                if not matches(expected, output):
                    return 1, f"$ {command}\n{output}-- expected:\n{expected}"
            return 0, ""
        return self.run(["bash", "-euo", "pipefail", "-c", text])


def main():
    build, pages = os.path.abspath(sys.argv[1]), sys.argv[2:]
    source = os.path.abspath(f"{os.path.dirname(__file__)}/../..")
    passed = failed = 0
    kinds = ("c", "sh", "fj", "console") + (("python",) if find_numpy() else ())
    for name in pages:
        with open(name) as f:
            text = f.read()
        with tempfile.TemporaryDirectory() as folder:
            page = Page(build, source, folder)
            previous = None
            for what, detail, kind, body in BLOCK.findall(text):
                if what == "file":
                    with open(f"{folder}/{detail}", "w") as f:
                        f.write(body)
                if kind == "text" and previous is not None:
                    ok, message = matches(body, previous), f"{previous}-- expected:\n{body}"
                    previous = None
                elif kind in kinds and what != "not run":
                    code, previous = (page.check(body, detail if what == "error" else None)
                                      if kind == "fj" else page.block(kind, body))
                    ok, message = code == 0, previous
                else:
                    previous = None
                    continue
                passed, failed = passed + ok, failed + (not ok)
                if not ok:
                    print(f"{name}: {kind} block failed:\n{body}\n-- printed:\n{message}")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
