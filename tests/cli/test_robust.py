"""Strangers' text through the program itself: never a crash, never exit code 70. The bulk goes
through feed.c in one process; FUSEJIT_SEED sets the seed here too."""

import os
import random

from harness import expect, finish, run, write

seed = int(os.environ.get("FUSEJIT_SEED", "1"))
rng = random.Random(seed)
print("FUSEJIT_SEED=%d" % seed)

programs = [
    "fn mandel(cr, ci; maxit: i32 = 256) -> i32 { var zr = 0 var zi = 0 var n: i32 = 0 while n < maxit && "
    "zr*zr + zi*zi <= 4 { let t = zr*zr - zi*zi + cr zi = 2*zr*zi + ci zr = t n += 1 } return n }",
    "fn gelu2(x) = 0.5*x*(1 + erf(x*0.7071067811865476))",
    "fn f(cr: i32) = cr // 3 % 7 << 2 ^ popcount(cr)",
    "sin(cr)**2 + cos(ci)**2 > 0.5 ? cr : ci",
    "const k = 3\nfn h(cr; f: fn = tanh) -> (a, b) = (f(cr), k*cr)",
]
words = ["(", ")", "{", "}", "[", "]", "fn ", "var ", "while ", "return ", "0", "1e9", "x", "cr", "**", "//", "=", ",",
         ";", "?", ":", "-", "π", "\x7f", "i32", "bool", "\\", "\"", "max(", "rand()"]


def mutated():
    text = rng.choice(programs)
    for _ in range(rng.randint(1, 4)):
        at, n = rng.randrange(len(text) + 1), rng.randrange(8)
        text = text[:at] + rng.choice(["", rng.choice(words), text[at:at + n] * 2]) + text[at + n:]
    return text


def check(result, what):
    expect(0 <= result.returncode <= 128 and result.returncode != 70, "exit code %d for %r" % (result.returncode, what))
    if result.returncode:
        expect(result.stderr and not result.stdout, "no message, or output of a failed run, for %r" % what)
    expect(b"LLVM" not in result.stderr, "%r for %r" % (result.stderr, what))


for i in range(120):
    text = mutated()
    args = ["eval", "-e", text, "--fuel", "1000", *rng.choice([[], ["--interpret"], ["--json"]])]
    for name in ("cr", "ci"):
        if rng.random() < 0.8:
            args += ["--in", "%s=%s" % (name, rng.choice(["0.5", "[1,2,3]", "[[1],[2]]", "3", "nan", "true", "[]"]))]
    check(run(*args), args)
for i in range(60):
    content = bytes(rng.randrange(256) for _ in range(rng.randrange(400)))
    if rng.random() < 0.5:
        content = rng.choice(programs).encode()[:rng.randrange(100)] + content
    write("strange.fj", content)
    check(run(rng.choice(["eval", "check"]), "strange.fj"), content)
for i in range(30):
    lines = "\n".join(rng.choice([mutated(), "x = " + rng.choice(words) * 3, ":type " + rng.choice(words), "cr = 2", "?" + rng.choice(words)])
                      for _ in range(8))
    result = run(stdin=lines + "\n")
    expect(0 <= result.returncode <= 128 and result.returncode != 70, "exit code %d for %r" % (result.returncode, lines))
# the commands of a session, which take apart what follows them themselves
commands = [":plot", ":check", ":train", ":predict", ":type", ":grad", "?", ":info", ":set", ":explain", ":load", ":help", ":reload", ":history"]
pieces = ["sin", "x", "y", "(", ")", ",", "=", "..", "-3", "[", "]", "{", "}", ";", ">", "\"", "sigmoid", "v", "m", "net", "1e308", "inf", "nan", "0",
          "x=-1..1", "y=0..1", "@", "tan(x)", "1/x", "classes", "epochs=1", "lr=0.1", "x=1..1+1e-15", "# c", "λ", "--json", "out=q", "rand()",
          "dense(v; 2)", "sum(v)", "'", "x=0..0", "floor(x)*1e300", "i32(x)"]
start = "v=[1,2,3.5];\nm=[[1,2],[3,4]];\nfn net(x: [2]) -> [2] = dense(x; 2)\n"
for i in range(4):
    lines = "\n".join(rng.choice(commands) + "".join(rng.choice([" ", " ", ""]) + rng.choice(pieces) for _ in range(rng.randrange(7)))
                      for _ in range(150))
    result = run(stdin=start + lines + "\n1 + 1\n", env={"PATH": "/nowhere"}, timeout=120)
    expect(0 <= result.returncode <= 128 and result.returncode != 70, "exit code %d for %r" % (result.returncode, lines))
    expect(result.stdout.endswith(b"2\n"), "the session ended early: %r" % lines)

finish("robust")
