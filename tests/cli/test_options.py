"""The command line itself: subcommands, options, help, exit codes 2."""

from harness import Like, check, finish, run, expect

ERROR = "fusejit: error: "

check("--version", out=Like(r"fusejit \d+\.\d+\.\d+\n"))
check("-V", out=Like(r"fusejit \d+\.\d+\.\d+\n"))
check("--help", out=Like(r"fusejit: .*usage:\n.*fusejit eval .*exit codes: .*"))
for command in ("eval", "predict", "info", "check", "plot", "explain", "completion", "doctor"):
    check(command, "--help", out=Like(r"usage: fusejit %s .*options:\n.*--help .*" % command))
expect(run("help").stdout == run("--help").stdout == run("help", "help").stdout != b"", "help is --help")
expect(run("help", "eval").stdout == run("eval", "--help").stdout, "help eval is eval --help")
check("help", "evla", code=2, err=ERROR + "unknown command 'evla': did you mean 'eval'?\n")
check("help", "eval", "x", code=2, err=ERROR + "help takes one command, not 'x' too\n")
for later in ("bench", "compile", "convert", "cache"):
    check(later, code=2, err=ERROR + "'%s' is not in this version\n" % later)
    check(later, "x", "--y", code=2, err=ERROR + "'%s' is not in this version\n" % later)
    expect(("fusejit " + later).encode() not in run("--help").stdout, "--help advertises " + later)

check("evla", code=2, err=ERROR + "unknown command 'evla': did you mean 'eval'?\n")
check("zzz", code=2, err=ERROR + "unknown command 'zzz'; see 'fusejit --help'\n")
check("a.fj", code=2, err=Like(r".*'fusejit eval a\.fj'\n"))
check("eval", "--jsno", "-e", "1", code=2, err=ERROR + "unknown option '--jsno': did you mean '--json'?\n")
check("eval", "--qqqqqq", code=2, err=ERROR + "unknown option '--qqqqqq'; see 'fusejit eval --help'\n")
check("eval", "-q", code=2, err=ERROR + "unknown option '-q'; see 'fusejit eval --help'\n")
check("doctor", "--json", code=2, err=ERROR + "'doctor' takes no option --json\n")
check("--json", code=2, err=ERROR + "'fusejit' takes no option --json\n")
check("eval", "-e", code=2, err=ERROR + "-e needs a value: TEXT\n")
check("eval", "--expression", code=2, err=ERROR + "--expression needs a value: TEXT\n")
check("eval", "--json=1", code=2, err=ERROR + "--json takes no value\n")
check("eval", "--json=1", code=2, err=ERROR + "--json takes no value\n")

check("eval", code=2, err=ERROR + "no program: give FILE.fj or -e TEXT\n")
check("eval", "a.fj", "-e", "1", code=2, err=ERROR + "both a file 'a.fj' and -e are given\n")
check("eval", "a.fj", "b.fj", code=2, err=ERROR + "more than one file: 'a.fj' and 'b.fj'\n")
check("eval", "-e", "1", "-e", "2", code=2, err=ERROR + "--expression is given twice\n")
check("eval", "-e", "1", "--fn", "f", code=2, err=ERROR + "--fn needs a program; -e has an expression\n")
check("eval", "-e", "x", "--in", "x", code=2, err=ERROR + "--in takes NAME=VALUE, not 'x'\n")
check("eval", "-e", "x", "--in", "=3", code=2, err=ERROR + "--in takes NAME=VALUE, not '=3'\n")
check("eval", "-e", "x", "--set", "x", code=2, err=ERROR + "--set takes NAME=VALUE, not 'x'\n")
check("eval", "-e", "x", "--in", "x=1", "--in=x=2", code=2, err=ERROR + "--in x is given twice\n")
check("eval", "-e", "x", "--out", "y.txt", code=2, err=Like(ERROR + r"--out 'y\.txt' has an unknown suffix: .*\n"))
check("eval", "-e", "x", "--out", "y", code=2, err=Like(ERROR + r"--out 'y' has an unknown suffix: .*\n"))
check("eval", "-e", "x", "--out", "y.idx", code=2, err=Like(ERROR + r"--out 'y\.idx' has an unknown suffix: .*\n"))
check("eval", "-e", "x", "--out", "y.npy", "--out", "y.npy", code=2, err=ERROR + "--out 'y.npy' is given twice\n")
check("eval", "-e", "1", "--threads", "two", code=2, err=ERROR + "--threads takes 0 to 4096, not 'two'\n")
check("eval", "-e", "1", "--threads", "-1", code=2, err=ERROR + "--threads takes 0 to 4096, not '-1'\n")
check("eval", "-e", "1", "--fuel", "1e6", code=2, err=ERROR + "--fuel takes a whole number, not '1e6'\n")
check("eval", "-e", "1", "--seed", "", code=2, err=ERROR + "--seed takes a whole number, not ''\n")
check("eval", "-e", "1", "--color", "blue", code=2, err=ERROR + "--color takes auto, always or never, not 'blue'\n")
check("eval", "-e", "1", "--cpu", "pentium-pro-max", code=2, err=Like(r".*error\[E\d{4}\]: .*"))
check("eval", "-e", "1", "--params", "p.npz", code=1, err=ERROR + "the expression has no parameters for --params\n")
check("predict", "a.fj", code=2, err=Like(ERROR + r"predict needs MODEL.safetensors, or a program and --params FILE; .*\n"))
check("info", code=2, err=ERROR + "no program: give FILE.fj or -e TEXT\n")

check("explain", code=2, err=Like(ERROR + "no code.*\n"))
check("explain", "E9999", code=1, err=ERROR + "there is no error E9999\n")
check("explain", "what", code=1, err=ERROR + "'what' is no error code: they look like E0101\n")
check("explain", "E0101", out="E0101: an unknown function\n  No function of that name is in the program, the prelude or the built-ins.\n"
      "  Example:\n    fn f(x) = sgmoid(x)\n")
for code in (1, 2, 207, 530, 700):  # pages fit a terminal
    page = run("explain", "%d" % code).stdout.decode()
    expect(page.startswith("E%04d: " % code), "explain %d: %r" % (code, page))
    expect(all(len(line) < 80 for line in page.split("\n")), "explain %d has a long line" % code)
expect(run("explain", "101").stdout == run("explain", "e0101").stdout != b"", "explain 101 and e0101 differ")

# a name from the command line cannot write to the terminal
check("eval", "-e", "x", "--in", "\x1b[31mx=1", code=1, err=Like(r"[^\x1b]*"))

finish("options")
