"""Completion in shells: bash is asked what it would offer, zsh and fish, where they are, read the
script."""

import os
import shlex
import shutil
import subprocess

from harness import DIRECTORY, PROGRAM, check, expect, finish, path, run, write

write("net.fj", "fn f(x) = x\n")
write("name with blanks.csv", "1\n")
os.mkdir(path("folder"))
scripts = {shell: run("completion", shell).stdout for shell in ("bash", "zsh", "fish")}
for shell, script in scripts.items():
    write("script." + shell, script)
    expect(b"--optimizer" in script or b"-l optimizer" in script, shell + " does not know --optimizer")
    if shutil.which(shell):
        p = subprocess.run([shell, "-n", path("script." + shell)], capture_output=True, check=False)
        expect(p.returncode == 0 and p.stderr == b"", "%s -n: %r" % (shell, p.stderr))


def bash(*words):
    """What bash offers for the last word."""
    command = "source script.bash; COMP_WORDS=(%s); COMP_CWORD=%d; _fusejit; printf '%%s\\n' \"${COMPREPLY[@]}\"" % (
        " ".join(map(shlex.quote, words)), len(words) - 1)
    p = subprocess.run(["bash", "-c", command], cwd=DIRECTORY.name, capture_output=True, text=True, check=False)
    return set(p.stdout.split("\n")) - {""}


if shutil.which("bash"):
    for words, wanted in (
        (("fusejit", "ev"), {"eval"}),
        (("fusejit", "p"), {"plot", "predict"}),
        (("fusejit", "eval", "--col"), {"--color"}),
        (("fusejit", "eval", "--color", "a"), {"auto", "always"}),
        (("fusejit", "eval", "--color", "=", "n"), {"never"}),
        (("fusejit", "train", "--optimizer", "adam"), {"adam", "adamw"}),
        (("fusejit", "train", "--opt"), {"--optimizer"}),
        (("fusejit", "eval", "n"), {"net.fj", "name with blanks.csv"}),
        (("fusejit", "eval", "--in", "x", "=", "name"), {"name with blanks.csv"}),
        (("fusejit", "eval", "--out", "fo"), {"folder"}),
        (("fusejit", "eval", "--threads", "n"), set()),
        (("fusejit", "completion", ""), {"bash", "zsh", "fish"}),
        (("fusejit", "doctor", "n"), set()),
        (("fusejit", "--ver"), {"--version"}),
    ):
        got = bash(*words)
        expect(got == wanted, "%r: bash offers %r, wanted %r" % (words, got, wanted))

ERROR = "fusejit: error: "
# in zsh a file is completed behind NAME= too, and -e is --expression
expect(b"""'*--in=[an argument\\: a file""" in scripts["zsh"] and b""":NAME=VALUE:{compset -P "*="; _files}'""" in scripts["zsh"],
       "zsh: no files behind --in NAME=")
expect(b"'(-e --expression)-e+[" in scripts["zsh"] and b"'(-e --expression)--expression=[" in scripts["zsh"], "zsh: -e is not known")
check("completion", code=2, err=ERROR + "completion takes the name of a shell: bash, zsh or fish\n")
check("completion", "tcsh", code=2, err=ERROR + "completion is for bash, zsh or fish, not 'tcsh'\n")
finish("completion")
