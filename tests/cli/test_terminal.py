"""The REPL on a pseudo-terminal: keys go in, the whole screen is compared with golden text.

golden/terminal.txt holds sessions: `== name`, the keys of each step behind `<` as Python writes them
in a string (`<~` where no prompt follows), then the screen behind `>`. FUSEJIT_BLESS=1 rewrites the
screens."""

import ast
import os
import re
import shutil
import signal

from harness import DIRECTORY, ENVIRONMENT, PROGRAM, expect, finish, path, write
from screen import Program

GOLDEN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "golden", "terminal.txt")
READY = r"(fj>|\.\.\.)( .*)?"  # a prompt, and what is on the line


def environment(**more):
    return {**ENVIRONMENT, "XDG_STATE_HOME": path("state"), "LC_ALL": "C.UTF-8", "NO_COLOR": "1", **more}


def run(name, steps):
    shutil.rmtree(path("state"), ignore_errors=True)
    more = {"LC_ALL": "C"} if "ASCII" in name else {}
    program = Program([PROGRAM], environment(**more), DIRECTORY.name)
    good = program.settle(READY, more=1)
    for keys, prompt in steps:
        if good:
            program.type(keys, READY)
            ends = keys[-1] in "\n\x03"  # a line: then there is another prompt
            good = program.settle(READY if prompt else ".*", more=prompt and ends, quiet=0.12 if ends and prompt else 0.5)
    expect(good, "%s: no prompt after %r:\n%s" % (name, keys, program.screen.text()))
    program.type("\x15\x04")
    code = program.end()
    expect(code == 0, "%s: the REPL ended with %r" % (name, code))
    return re.sub(r"fusejit \d+\.\d+\.\d+", "fusejit VERSION", program.screen.text()).rstrip("\n") + "\n"


write("curve.fj", "fn wave(t; k = 2) = sin(k*t)\nconst half = 0.5\n")
write("data.csv", "1,2\n3,4\n")
with open(GOLDEN, encoding="utf-8") as f:
    cases = re.split(r"^== ", f.read(), flags=re.M)
head, out = cases[0], cases[0]
for case in cases[1:]:
    name, _, body = case.partition("\n")
    lines = body.split("\n")
    steps = [(ast.literal_eval('"' + line.split(" ", 1)[1] + '"'), line[1] == " ") for line in lines if line.startswith("<")]
    wanted = "".join(line[2:] + "\n" for line in lines if line.startswith(">"))
    got = run(name, steps)
    out += "== " + name + "\n" + "".join(line + "\n" for line in lines if line.startswith("<"))
    out += "".join(("> " + line).rstrip() + "\n" for line in got.split("\n")[:-1]) + "\n"
    if not os.environ.get("FUSEJIT_BLESS"):
        expect(got == wanted, "== %s\n%s-- wanted:\n%s" % (name, got, wanted))
if os.environ.get("FUSEJIT_BLESS"):
    with open(GOLDEN, "w", encoding="utf-8") as f:
        f.write(out.rstrip("\n") + "\n")

# SIGINT at the prompt, by another program, ends the line and nothing else
program = Program([PROGRAM], environment(), DIRECTORY.name)
program.settle(READY, more=1)
for i in range(3):
    program.type("" if i == 0 else "40 + ", READY)
    os.kill(program.pid, signal.SIGINT)
    program.settle(READY, quiet=0.3, seconds=3)
    program.type("\x1540 + %d\n" % i, READY)
    program.settle(READY, more=1, seconds=3)
    expect("\n%d\n" % (40 + i) in program.screen.text(), "SIGINT %d at the prompt:\n%s" % (i, program.screen.text()))
program.type("\x15\x04")
expect(program.end() == 0, "the REPL ended otherwise than by Ctrl-D after SIGINT")

finish("terminal")
