"""Statements from standard input, check and doctor, the REPL on a terminal, signals."""

import os
import pty
import re
import select
import signal
import stat
import subprocess
import time

from harness import DIRECTORY, ENVIRONMENT, PROGRAM, Like, check, expect, finish, path, write

ERROR = "fusejit: error: "


def session(text, out="", code=0, err=""):
    check(stdin=text, out=out, code=code, err=err)


# ------------------------------------------------------------------ standard input
session("", "")
session("1 + 1", "2\n")
session("1 + 1\n", "2\n")
session("x = 3\nx*x\n", "3\n9\n")
session("x = 3;\nx*x;\nans + 1\n", "10\n")
session("x = [1,2.5]; x + 1\n", "[2.  3.5]\n")
session("fn f(x) = x + 1\nf(2)\n", "3\n")
session("fn f(x) {\n  let a = 2\n  return a*x\n}\nf(4)\n", "8\n")
session("fn f(x) =\n  x + 1\nf(2)\n", "3\n")
session("const k = 7; fn f(x) = k*x; f(2)\n", "14\n")
session("fn f(x) = x + 1\nfn g(x) = f(x)*2\nfn f(x) = x - 1\ng(3)\n", "4\n")
session("# a comment\n\n  \n1 # one\n", "1\n")
session("(1 +\n 2)\n", "3\n")
session("true\n", "true\n")
session("[[1,2],[3,4]]\nans*2\n", "[[1 2]\n [3 4]]\n[[2 4]\n [6 8]]\n")

# an error changes nothing, later statements run, the first failure is the exit code
session("x = 3\nx = nope + 1\nx\n", "3\n3\n", code=1, err=Like(r"<stdin>:2:5: error\[E0100\]: .*'nope'.*\n  2 \| x = nope \+ 1\n.*"))
session("fn f(x) = x\nfn f(x) = y\nf(5)\n", "5\n", code=1, err=Like(r"<stdin>:2:11: error\[E0100\].*"))
session("1;\nsgmoid(1)\n2\n", "2\n", code=1,
        err="<stdin>:2:1: error[E0101]: unknown function 'sgmoid'\n  2 | sgmoid(1)\n    | ^^^^^^ did you mean 'sigmoid'?\n")
session("1; 2; sgmoid(1)\n", "", code=1, err=Like(r"<stdin>:1:7: error\[E0101\].*\n  1 \| 1; 2; sgmoid\(1\)\n.*"))
session("fn = 3\n", code=1, err=Like(r".+"))
session("f32 = 3\n", code=1, err=Like(r".*word of the language.*\n"))
session("x = [1,[2]]\n", code=1, err=ERROR + "numbers and lists side by side\n")
session("(1 + 2\n", code=1, err=Like(r"<stdin>:.*error\[E00\d\d\].*"))
session("1\0\n", code=1, err=Like(r".+"))

# what other languages and shells accustom to
session("let z = 3\nvar w = 4\n", code=1, err=ERROR + "no 'let' is needed here: write 'z = ...'\n" + ERROR + "no 'var' is needed here: write 'w = ...'\n")
session("return 3\n", code=1, err=Like(r".*\^ statements stand in the braces of a function: .*"))
session("exit\nquit\nhelp = 3\nhelp\n", "3\n3\n", code=1,
        err=ERROR + "'exit' is no name here; the command is ':quit'\n" + ERROR + "'quit' is no name here; the command is ':quit'\n")
session("\"hello\"\n", code=1, err=ERROR + "what stands in quotes is a file (.npy .npz .safetensors .csv .f32 .f64 .idx .gz), not 'hello'\n")
session("[1,2] + 1\n", code=1, err=ERROR + "'+ 1' after the end of the value\n  in an expression a list needs a name: x = [1,2.5]\n")

# commands
session("1;\n:type 1 +\n", code=1, err=Like(r"<stdin>:2:4: error.*"))
session(":time\n", code=1, err=ERROR + "':time' needs EXPRESSION\n")
session(":type 1 + 1\n:type x > 1\nx = [1,2];\n:type x/2\n", None, code=1, err=None)
session("x = [1,2];\n:type x/2\n", "f64[2]\n")
session(":type sigmoid\n", Like(r".*sigmoid\(x.*\n"))
session("fn f(x; a = 2) = a*x\n:list\n", "fn f(x; a = 2) = a*x\n")
session("x = [1.5];\n:list\n", Like(r"ans: f64\[1\].*\nx: f64\[1\].*|x: f64\[1\].*\nans: f64\[1\].*"))
session("x = 1.5;\n:type x/2;\n:plot x*t, t=0..1 ;\n", Like(r"f64\n *x\*t\n.*"))
session(":quit\n1\n", "")
session(":qiut\n", code=1, err=ERROR + "unknown command ':qiut': did you mean ':quit'?\n")
session(":load\n", code=1, err=ERROR + "':load' needs FILE\n")
session(":help\n", Like(r".*:load .*"))
session("?sigmoid\n", Like(r".*sigmoid.*\n"))
session(":type sin\n?relu\n", "sin(x)   built in\nfn relu(x) = max(x, 0)\n  error    none: exact, or correctly rounded\n  example  relu(0.5) = 0.5\n")
session("?sum\n", Like(r"sum\(x\) .*axis.*of nothing 0\n  example  sum\[i in 1 \.\. 5\]\(i\*i\) = 30\n"))
session("?softmax\n", Like(r"fn softmax\(x: \[n\]\).*  example  x = \[-1, 0, 0\.5, 2\]; softmax\(x\)\n +\[0\.0\d+ .*\]\n"))
session("?min\n", Like(r"min\(x, y\)   built in\n.*min\[i\]\(e\).*= -4\n"))
session("?matmul\n?@\n", Like(r"(x @ W\n.*sum\[k\]\(x\[i,k\]\*W\[k,j\]\)\n){2}"))
session("?dense\n?param\n?f32\n", Like(r"fn dense.*net\.h\.W\n.*i32\(2\.75\) = 2\n"))
session("x = [1.5,2];\ni = 1;\nx[i]\n:type x[i]\nx[i-1]*i\n", "2.0\nf64\n1.5\n")
session("y[i] = 2\nlet t[i, 0] = x[i]\n", code=1,
        err=2*(ERROR + "elements are assigned in a function only\n  as in fn f(x: [n]) -> y: [n] { y[i] = 2*x[i] }\n"))
session("z = [1,2];\nsum(z, axis=0)\n", code=1, err=Like(r".*error\[E0106\].*as in sum\(x; axis = 0\)\n"))
session("z = [1,2.];\nsum(dense(z; 3)) != 0\n:time dense(z; 3)\n", Like(r"true\ncompile .*\nrun .*GFLOP/s\nmemory .*\ncode .*\n"))
session("x = [[1,2],[3,4]];\n:shape x @ x/2\n", "f64[2,2]\n")
session("?atan2\n", "atan2(x, y)   built in\n  angle of the point (y, x): atan2(x, y) is the inverse tangent of x/y in the\n  right quadrant\n"
        "  error    at most 1 ulp in f32, 1 ulp in f64\n  example  atan2(-2.5, 1.5) = -1.0303768265243125\n")
session(":info log\n", Like(r"log\(x\) .*\n  example  log\(0\.5\) = -0\.6931471805599453\n"))
session("?popcount\n?select\n?bitcast\n", Like(r".*exact.*popcount\(12\) = 2\n.*select\(true, 0\.5, -0\.5\) = 0\.5\n.*"
                                              r"bitcast\(f32\(2\.5\), u32\) = 1075838976\n"))
session("?ad\n", code=1, err=ERROR + "there is nothing called 'ad'\n")
session("sin = 2;\n?sin\n", "sin: i64, takes the type of its context\n")
session(":ir y*2\n", Like(r"fn ans\(y: f32\).*mul.*"))
session(":ir sigmoid\n", Like(r".+\n"))
session("x = 2.5;\n:llvm x*x\n", Like(r".*define .*"))
session(":asm sigmoid\n", Like(r".*ret.*"))
session(":grad x**3 + a*x wrt x\nfn sq(x, y) = x*y*y\n:grad sq wrt y\n:grad relu\n",
        "fn slope(x, a) = a + 3 * x ** 2\nfn grad_sq(x, y) = 2 * x * y\nfn grad_relu(x) = 0 < x ? 1 : 0\n")
session(":grad atan2 wrt y\n", "fn slope(x, y) = -(x / (x ** 2 + y ** 2))\n")
session(":grad x*y wrt z\n", code=1, err=ERROR + "the expression has no argument 'z': it takes (x, y)\n")
session("fn f(x, y; a = 1) = x*y*a\n:grad f wrt x, b\n:grad f wrt y, x\n", "fn grad_f(x, y; a) = (x * a, y * a)\n", code=1, err=ERROR + "'f' has no argument 'b': it is f(x, y; a = 1)\n")
session(":grad mse\n", Like(r"fn grad_mse\[n\].*map.*\n"))
session(":nest sigmoid\n", Like(r".+\n"))
session("x = [1,2,3];\n:time sqrt(x)\n", Like(r"compile .* ms .*\nrun .* elements/s .*\ncode .*\n"))
write("defs.fj", "# two\nconst k = 10\n\nfn ten(x) = k*x\n")
session(":load defs.fj\nten(4)\n", "40\n")
write("wrong.fj", "const k = 10\n\nfn ten(x) = q*x\n")
session(":load wrong.fj\n", code=1, err=Like(r"wrong\.fj:3:13: error\[E0100\].*"))
session(":load nothere.fj\n", code=3, err=Like(r".*nothere\.fj.*\n"))
session("fn f(x) = x\n:save out.fj\n:reset\n:load out.fj\nf(1)\n", "1\n")
session(":set\n:set threads 2\n:set fuel = 7\n:set interpret on\n:set interpret maybe\n:set threads 5000\n:set interpret\n:set\n:set frob\n:set frob 1\n",
        "threads 1\nseed 0\nfuel 2147483648\ninterpret off\ninterpret on\nthreads 2\nseed 0\nfuel 7\ninterpret on\n", code=1,
        err=ERROR + "':set interpret' takes on or off, not 'maybe'\n" + ERROR + "':set threads' takes a whole number to 4096, not '5000'\n"
        + 2*(ERROR + "':set' knows threads N, seed N, fuel N (0: no limit) and interpret on|off\n"))
session(":set threads 2\n:set interpret on\nsqrt(4)\n:set interpret maybe\n", "2.0\n", code=1, err=Like(r".*interpret.*\n"))
session("x = [4,9];\nx = \"x.npy\"\n", "", code=3, err=Like(r".*x\.npy.*"))

# a page says what a function is; its definition only where that says more
session("?gelu\n", "fn gelu(x)\n  0.5*x*(1 + erf(x/sqrt(2)))\n  error    at most 2 ulp in f32 and f64\n  example  gelu(0.5) = 0.34573123063700656\n")
session("?pi\n", Like(r"const pi = 3\.14.*\n  The ratio .*\n"))
session("?adam\n", Like(r"fn adam\(p, g, m, v; lr = 0\.001.*\}\n  Adam: .*Kingma.*\n"))
session("?_tail\n", code=1, err=ERROR + "there is nothing called '_tail'\n")
session("fn half(x) = x/2\n?half\n", "fn half(x) = x/2\n  example  half(0.5) = 0.25\n")

# names without a value stand for points
session(":time sigmoid\n", Like(r"x        f32\[65536\], from 0 to 1\ncompile .*\(parse .*, lower .*, codegen .*, link .*; cache 0\.\d+\)\nrun .* elements/s .*GFLOP/s\nmemory .* GB/s, \S+ % of the speed of copying\ncode .*vectors of .*\n"))
session("a = [1.5,2,3];\n:time a*b\n", Like(r"b        f32\[3\], from 0 to 1\ncompile .*"))
session(":time x & 3\n", Like(r"x        i64\[65536\], from 0 to 99\ncompile .*"))
session(":time sgmoid(x)\n", code=1, err=Like(r".*E0101.*did you mean 'sigmoid'.*"))
session(":check sin\n", Like(r"error    at most 0\.\d+ ulp of f32, 0\.\d+ on average, 163\d\d points\n         at x = .*, in double .*\nbits     the interpreter gives the same\n"))
session(":check exp(x) - 1\n", Like(r"error    at most 1\.68e\+07 ulp .*\n"))
session("x = [1.5,2,3];\n:check x/2\n", Like(r"error    at most 0 ulp of f32, 0 on average, 3 points\nbits .*same\n"))
session("fn xs() -> x: [400,400] { x[i,j] = rand() }\nx = xs();\n:check x @ x\n", Like(r"error .*\n         at element \d+: .*\nbits     not compared: .*\n"))
session(":check popcount(x)\n", "bits     the interpreter gives the same\n")
session(":check sqrt(x)*sqrt(-x)\n", Like(r"error    at most 0 ulp .*\nbits .*same\n"))

# definitions again from their files: those that are gone are gone, typed ones stay, an error changes nothing
write("again.fj", "fn one(x) = x + 1\nfn two(x) = x + 2\n")
session(":reload\n", code=1, err=ERROR + "nothing was loaded\n")
session("fn mine(x) = x\n:load again.fj\n:reload\none(1) + two(1)\n:list\n", Like(r"5\nfn mine\(x\) = x\nfn one.*\nfn two.*\nans.*\n"))
p = subprocess.Popen([PROGRAM], cwd=DIRECTORY.name, env=ENVIRONMENT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
p.stdin.write(b":load again.fj\n1;\n:info two\n1\n")
p.stdin.flush()
while b"example" not in p.stdout.readline():
    pass
write("again.fj", "fn one(x) = x + q\n")
p.stdin.write(b":reload\nsqrt(4)\n")
p.stdin.flush()
while b"E0100" not in p.stderr.readline():
    pass
write("again.fj", "fn one(x) = x + 10\n")
out, err = p.communicate(b":reload\none(1)\n:info two\n", timeout=30)
expect(out.endswith(b"11\n") and b"nothing called 'two'" in err, ":reload of a changed file: %r %r" % (out, err))

# values in archives
session("x = [1.5,2];\nk = 3;\n:save all.npz\n:reset\n:load all.npz\nx*k\nk\n", "[4.5 6. ]\n3\n")
session(":load absent.npz\n", code=3, err=Like(r".*absent\.npz.*"))
session("fn f(x) = x\n:save no/such.fj\n", code=3, err=Like(r".*cannot write 'no/such\.fj': .*\n"))
session(":history\n", code=1, err=ERROR + "a history is kept on a terminal only\n")

session("fn net(x: [2]) -> [3] = dense(x; 3)\nx = [[1.,2],[3,4]];\n:type net(x)\n", "f64[2,3]\n")
# ------------------------------------------------------------------ train and predict
NET = "fn net(x: [2]) -> [2] { let h = dense(x; 16, tanh)  return dense(h; 2) }\n"
XOR = "x = [[0,0],[0,1],[1,0],[1,1]];\ny = [0,1,1,0];\n" + NET
TRAIN = ":train net, x, y; epochs = 200, lr = 0.05, val = 0\n"
session(XOR + TRAIN + ":predict x; classes\n:predict [1,0]; classes\nans > 0\n",
        Like(r"data    4 x 2 f32   train 4   classes 2\nmodel .*net\.h +2 -> 16 .*\njit .*epoch 200 .* acc 1\.0000 .*\ndone    200 epochs.*\n0\n1\n1\n0\n1\n\[false  true\]\n"))
# a call of the function has the trained parameters too
session(XOR + TRAIN + ":predict x;\na = f32(net(x)) - f32(ans)\n", Like(r".*\[\[0\. 0\.\]\n \[0\. 0\.\]\n \[0\. 0\.\]\n \[0\. 0\.\]\]\n"))
session(XOR + ":train net, x, y; epochs=2, out=xor.safetensors\n:predict x\n:reset\n:predict xor.safetensors, [[0,0],[0,1],[1,0],[1,1]]\n",
        Like(r".* -> xor\.safetensors\n(\[\[.*\]\]\n)\1"))
session(XOR + ":train net, y=y, x=x; epochs=1 ;\n", Like(r"data .*\ndone .*"))
for text, err in (
    ("net, x", "no samples for 'y': give --data y=FILE\n"),
    ("net, x, z", "'z' has no value\n"),
    ("net, x, y; epochz = 3", "nothing takes 'epochz': not 'adam', the loss or the model\n"),
    ("net, x, y; epochs = three", "--epochs takes a whole number from 1, not 'three'\n"),
    ("net, x, absent.npy", None),
):
    session(XOR + ":train " + text + "\n", code=3 if err is None else 2 if "whole" in err else 1, err=ERROR + err if err else Like(r".*absent\.npy.*"))
session(":predict [1,2]\n", code=1, err=ERROR + "there is no model: ':train', or ':predict MODEL.safetensors, X'\n")
session(":predict xor.safetensors, [1,2], [3,4]\n", code=1, err=ERROR + "the model 'net' takes 1 argument, not 2\n")
session(":predict xor.safetensors, [1,2]; class\n", code=1, err=ERROR + "':predict' takes 'classes' behind the ';', not 'class'\n")

# ------------------------------------------------------------------ check, doctor
write("good.fj", "fn f(x) = tanh(x) + 1\nfn g(a: i32, b: i32; k: i32 = 3) -> (q: i32, r: i32) = (a // b, a % b)\n")
check("check", "good.fj", out=Like(r"ok    f\(x\).*f32 f64, gradient agrees\nok    g\(.*\n2 functions, 0 with differences\n"))
write("slopes.fj", "fn half(x) = x*x\ngrad fn half(x, g) = g*x\nfn loss(z: [n], y: i32) = xent(z, y)\n"
      "fn kinks(x, y) = max(x, y) + floor(x)\nfn net(x: [3], y: [2]) = mse(dense(x; 2), y)\n")
check("check", "slopes.fj", code=4, out=Like(
    r"FAIL  half\(x\).*f64\nok    loss.*, gradient agrees\nok    kinks.*, gradient agrees\nok    net.*, gradient agrees\n.*"),
    err=Like(r".*half: gradient by 'x', element 0: .*, by differences .*\n"))
write("through.fj", "fn through(x) = x*stop(x)\n")
check("check", "through.fj", out=Like(r"ok    through\(x\).*f32 f64\n.*"))
write("broken.fj", "fn f(x) = tanh(x) + zz\n")
check("check", "broken.fj", code=1, err=Like(r"broken\.fj:1:21: error\[E0100\].*"))
check("check", "absent.fj", code=3, err=Like(r".*absent\.fj.*"))
check("check", code=2, err=ERROR + "no program: give FILE.fj\n")
check("doctor", out=Like(r".*llvm .*compile, executable memory +ok\n.*threads +ok\npages +ok\n"))

# ------------------------------------------------------------------ the terminal


class Terminal:
    """A REPL on a pseudo-terminal."""

    def __init__(self):
        self.state = path("state")
        env = {**ENVIRONMENT, "XDG_STATE_HOME": self.state, "LC_ALL": "C.UTF-8"}
        self.started = time.monotonic()
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execve(PROGRAM, [PROGRAM], env)
        self.text = ""
        self.marks = ""  # h: pastes shall be marked, l: no longer

    def until(self, wanted, seconds=6):
        """Reads until the pattern appears behind what was seen before."""
        end = time.monotonic() + seconds
        while not re.search(wanted, self.text) and time.monotonic() < end:
            if not select.select([self.fd], [], [], 0.2)[0]:
                continue
            try:
                self.text += os.read(self.fd, 4096).decode("utf-8", "replace")
            except OSError:
                break
            self.marks += "".join(re.findall(r"\x1b\[\?2004([hl])", self.text))
            self.text = re.sub(r"\x1b\[\?2004[hl]", "", self.text)
        found = re.search(wanted, self.text)
        expect(found, "the REPL did not print %r but %r" % (wanted, self.text[-300:]))
        self.text = self.text[found.end():] if found else ""

    def type(self, keys):
        os.write(self.fd, keys.encode())

    def end(self):
        for _ in range(100):
            if select.select([self.fd], [], [], 0)[0]:
                try:
                    os.read(self.fd, 4096)  # leaving waits until all was read
                except OSError:
                    pass
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                return os.waitstatus_to_exitcode(status)
            time.sleep(0.1)
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        return "no end"


PROMPT = r"fj> "
t = Terminal()
t.until(PROMPT)
t.type("1/3\n")
t.until(r"\n0\.3333333333333333\r\n")
t.until(PROMPT)
t.type("x = [1,2,3]/1\n")  # no list in an expression
t.until(r"error")
t.until(PROMPT)
t.type("x = [1,2,3]\n")
t.until(r"\[1 2 3\]")
t.until(PROMPT)
t.type("x/3\n")
t.until(r"\[0\.33333333 0\.66666667 1\.        \]")
t.until(PROMPT)
t.type("fn f(x) {\n")
t.until(r"\.\.\. ")
t.type("return x + 41 }\n")
t.until(PROMPT)
t.type("fj> f(1)\n")  # a pasted prompt
t.until(r"\n42\r\n")
t.until(PROMPT)
PASTE = "\x1b[200~%s\x1b[201~"
t.type(PASTE % "y = 20\r\ny + x/1\r")  # nothing runs before the Enter key
t.until(r"y \+ x/1")
expect(not select.select([t.fd], [], [], 0.3)[0], "a pasted line ran by itself")
t.type(" - y\n")
t.until(r"\n20\r\n\[1\. 2\. 3\.\]\r\n")
t.until(PROMPT)
# a session copied from the screen: prompts and results go; control characters too, also Ctrl-C
t.type(PASTE % "fj> fn h(x) {\r...   return x + 4\x030 }\rfj> h(0)\r40.0\rfj> \r...\rfj> h(1)")
t.until(r"\{\r\n  return x \+ 40 \}\r\nh\(0\)\r\n(\r\n)+h\(1\)")
t.type("\n")
t.until(r"\n40\r\n41\r\n" + PROMPT)
t.type(PASTE % "fn µ(x) {\n  return x\n")  # the rest is typed
t.until(r"return x")
t.type("\n")
t.until(r"\.\.\. ")
t.type("}\n")
t.until(PROMPT)
t.type(PASTE % ("1" * (1 << 20 | 9)))  # too long: not taken
t.until("\x07", 20)
t.type(PASTE % "" + "µ(6)\n")
t.until(r"\n6\r\n")
t.until(PROMPT)
t.type("\x1b[200~lost")  # the closing mark does not come: Ctrl-C ends that
time.sleep(1)
t.type("\x03")
t.until("\x07", 10)
t.type("3*5\n")
t.until(r"\n15\r\n" + PROMPT)
t.type("not a statement\x03")
t.until(r"\^C")
t.until(PROMPT)
t.type("(1 +\n")
t.until(r"\.\.\. ")
t.type("\x03")
t.until(PROMPT)
t.type("squarep\t(0)\n")
t.until(r"lus\(0\)\r\n1\.0\r\n")
t.until(PROMPT)
t.type("\x1b[A\n")  # the line before
t.until(r"\n1\.0\r\n")
t.until(PROMPT)
t.type("λ = 2\n")
t.until(r"\n2\r\n")
t.until(PROMPT)
t.type("fn spin(x) { var s = x  while s > 0 { s += 1e-9 }  return s }\n")
t.until(PROMPT)
t.type(":set fuel 0\n")
t.until(PROMPT)
t.type("spin(1e9)\n")
t.until(r"spin\(1e9\)\r\n")
time.sleep(0.5)
t.type("\x03")
t.until(r"cancelled")
t.until(PROMPT)
t.type("\x04")
expect(t.end() == 0, "the REPL did not end with 0 on Ctrl-D")
expect(re.fullmatch(r"(hl)+h?", t.marks), "pastes are marked while no line is edited, or not: " + t.marks)
history = os.path.join(t.state, "fusejit", "history")
expect(os.path.exists(history) and stat.S_IMODE(os.stat(history).st_mode) == 0o600, "history file: missing or not 0600")
t = Terminal()
t.until(PROMPT)
t.type("\x1b[A\x1b[A\x1b[A\x1b[A")
t.until(r"λ = 2")
t.type("\x15:quit\n")
expect(t.end() == 0, ":quit did not end the REPL with 0")

# ------------------------------------------------------------------ signals
endless = "fn f(x) { var s = x  while s > 0 { s += 1e-9 }  return s }"
for extra in ([], ["--interpret"], ["--threads", "2"]):
    p = subprocess.Popen([PROGRAM, "eval", "-e", endless, "--in", "x=1e9", "--fuel", "0", "--out", "never.npy", *extra],
                         cwd=DIRECTORY.name, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    time.sleep(1)
    p.send_signal(signal.SIGINT)
    try:
        out, err = p.communicate(timeout=30)
    except subprocess.TimeoutExpired:
        p.kill()
        out, err = p.communicate()
    expect(p.returncode == 130, "SIGINT with %r: exit code %r, %r" % (extra, p.returncode, err))
    expect(out == b"" and not os.path.exists(path("never.npy")), "an interrupted run wrote something")

# a reader that goes away is no error, and nothing is said
write("big.f32", bytes(4 << 20))
p = subprocess.Popen([PROGRAM, "eval", "-e", "x", "--in", "x=big.f32", "--json"], cwd=DIRECTORY.name,
                     env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
p.stdout.read(100)
p.stdout.close()
err = p.stderr.read()
expect(p.wait(timeout=60) == 0 and err == b"", "a closed pipe: exit code %r, %r" % (p.returncode, err))
if os.path.exists("/dev/full"):
    with open("/dev/full", "wb") as full:
        p = subprocess.run([PROGRAM, "eval", "-e", "1"], stdout=full, stderr=subprocess.PIPE, env=ENVIRONMENT, check=False)
    expect(p.returncode == 3 and b"standard output" in p.stderr, "a full disk: %r %r" % (p.returncode, p.stderr))

finish("session")
