"""Pictures: curves and maps on a terminal compared with golden text, files by gnuplot.

golden/plot.txt holds runs, `$ fusejit plot ...`, and what they print (FUSEJIT_BLESS=1 rewrites it).
Those that begin with LC_ALL=C are ASCII."""

import os
import re
import shlex
import shutil

from harness import Like, check, expect, path, read, run, write

import harness

ERROR = "fusejit: error: "
GOLDEN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "golden", "plot.txt")

write("wave.fj", "fn wave(t; k = 2) = sin(k*t)\nfn two(x) -> (low, high) = (x - 1, x + 1)\nfn turns(n: i32) = n % 7\n")
with open(GOLDEN, encoding="utf-8") as f:
    cases = re.split(r"^\$ ", f.read(), flags=re.M)[1:]
blessed = ""
for case in cases:
    command, _, wanted = case.partition("\n")
    words = shlex.split(command)
    ascii_only = words[0] == "LC_ALL=C"
    words = words[1 + ascii_only:]
    result = run(*words, env={"LC_ALL": "C" if ascii_only else "C.UTF-8"})
    got = (result.stdout + result.stderr).decode()
    blessed += "$ " + command + "\n" + got
    if not os.environ.get("FUSEJIT_BLESS"):
        expect(got == wanted, "$ %s\n%s-- wanted:\n%s" % (command, got, wanted))
    if ascii_only:
        expect(got.isascii(), "not ASCII: " + command)
if os.environ.get("FUSEJIT_BLESS"):
    with open(GOLDEN, "w", encoding="utf-8") as f:
        f.write(blessed)

# colours only when asked for, off a terminal
expect("\x1b" not in run("plot", "-e", "sin(x), x*x").stdout.decode(), "colours in a pipe")
expect("\x1b[" in run("plot", "-e", "sin(x), x*x", "--color", "always").stdout.decode(), "no colours with --color always")

# the REPL's :plot is the same
one = run("plot", "-e", "sin(x)/x, cos(x)", "--x=-2*pi..2*pi")
two = run(stdin=":plot sin(x)/x, cos(x), x=-2*pi..2*pi\n")
expect(one.stdout == two.stdout != b"", ":plot and fusejit plot differ")
run_of = lambda text: run(stdin=text).stdout.decode()
expect("┤" in run(stdin="k = 2;\n:plot sin(k*t), t=0..9\n", env={"LC_ALL": "C.UTF-8"}).stdout.decode(), "a variable with a value")
expect("tanh" in run_of("fn f(x) = tanh(x)\n:plot f, tanh\n"), "functions by name")

# arrays: elements over their index or a range, columns of a matrix
out = run_of("v = [1,4,9,16];\n:plot v\n")
expect("index" in out and "3" in out.splitlines()[-1] and "v" in out.splitlines()[0], ":plot of a vector: " + out)
expect(run_of("v = [1,4,9,16];\n:plot v, x=0..8, 2*v\n").splitlines()[-1].split() == ["0", "2", "4", "6", "8", "x"], ":plot of a vector over a range")
expect("a m   b m   c m" in run_of("m = [[1,2,3],[2,3,4],[0,1,nan]];\n:plot m\n"), ":plot of columns")
expect(run_of("fn ramp() -> y: [100000] { y[i] = i == 77777 ? 50 : sin(i*1e-4) }\n:plot ramp()\n").count("\n") == 19, ":plot of many elements")
expect(run_of(":plot 3\n").splitlines()[-1].split()[-1] == "x", ":plot of a constant")

check(stdin="t = [[[1,2],[3,4]]];\n:plot t\n", code=1, err=ERROR + "the value is an array: of those, vectors and up to 12 columns can be drawn, without variables\n")

# what is wrong is said
write("none.fj", "const k = 2\n")
for args, code, message in (
    (("-e", "sgmoid(x)", "--x", "0..1"), 1, "-e:1:1: error[E0101]: unknown function 'sgmoid'\n  1 | sgmoid(x)\n    | ^^^^^^ did you mean 'sigmoid'?\n"),
    (("-e", "x", "--x", "foo..1"), 1, Like(r"-e:1:\d+: error\[E0100\].*'foo'.*")),
    (("-e", "x", "--x", "3..1"), 1, ERROR + "the range 'x=3..1' goes from 3 to 1: the second must be larger, and both finite\n"),
    (("-e", "x", "--x", "0..inf"), 1, ERROR + "the range 'x=0..inf' goes from 0 to inf: the second must be larger, and both finite\n"),
    (("-e", "x", "--x", "1.."), 1, ERROR + "the range 'x=1..' has no upper bound: ranges are as in x=-3..3\n"),
    (("-e", "x", "--x", " ..2"), 1, ERROR + "the range 'x= ..2' has no lower bound: ranges are as in x=-3..3\n"),
    (("-e", "x*nan"), 1, ERROR + "there is nothing to draw: no value is a number\n"),
    (("-e", "x*y*z"), 1, ERROR + "'x', 'y' and 'z' have no value: at most two variables can be drawn\n"),
    (("-e", "x*y, x"), 1, ERROR + "of functions of two variables one at a time is drawn\n"),
    (("-e", "x", "--x", "t=0..1"), 1, ERROR + "nothing that is drawn depends on 't'\n"),
    (("-e", "x=0..1"), 1, ERROR + "there is no expression to draw\n"),
    (("-e", ",".join(["x"] * 13)), 1, ERROR + "at most 12 curves are drawn\n"),
    (("-e", "fn f(n: i32) = n", "--x", "0.2..0.8"), 1, ERROR + "there is no whole number in the range of 'n'\n"),
    (("-e", "x", "--in", "x=1,"), 1, Like(r".+")),
    ((), 2, ERROR + "no program: give -e TEXT or FILE.fj\n"),
    (("-e", "x", "a.fj"), 2, ERROR + "both a file 'a.fj' and -e are given\n"),
    (("none.fj",), 1, ERROR + "the program has no function\n"),
    (("-e", "x", "--x", "3"), 2, ERROR + "--x takes [NAME=]A..B, not '3'\n"),
    (("-e", "x", "-o", "f.pdf"), 2, ERROR + "--out takes a .svg or .png file, not 'f.pdf'\n"),
):
    check("plot", *args, code=code, err=message)
check("plot", "-e", "x", "-o", "f.svg", code=3, env={"PATH": "/nowhere"},
      err=ERROR + "cannot draw f.svg: there is no program gnuplot to draw with\n  install the package gnuplot-nox\n")
expect(not os.path.exists(path("f.svg")), "a picture without gnuplot")

if shutil.which("gnuplot"):
    check("plot", "-e", "tan(x), floor(x)", "--x=-5..5", "-o", "curves.svg")
    svg = read("curves.svg").decode()
    expect("tan(x)" in svg and svg.rstrip().endswith("</svg>"), "curves.svg is no picture")
    check("plot", "-e", "sin(x)*sqrt(y)", "-o", "map.png")
    expect(read("map.png").startswith(b"\x89PNG\r\n\x1a\n"), "map.png is no picture")
    check(stdin=":plot sin(x), x=-3..3 > wave.svg\n:plot x > 2, x=0..4 > \"bool.svg\"\n")
    expect(b"sin(x)" in read("wave.svg") and re.search(rb"x (>|&gt;) 2", read("bool.svg")), ":plot into files")
    # text of a user is text for gnuplot too
    check("plot", "-e", "x # '`id`'\n", "-o", "quote.svg")
    expect(b"`id`" in read("quote.svg"), "a label is not drawn as it is")
    check("plot", "-e", "x", "-o", "no/f.svg", code=3, err=Like(r".*cannot write 'no/f\.svg'.*\n"))
    expect(not any(name.endswith(".tmp") for name in os.listdir(harness.DIRECTORY.name)), "a temporary file was left")

harness.finish("plot")
