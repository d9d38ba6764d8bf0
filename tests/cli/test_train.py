"""train, and predict and info of what it saves: data made here, in every form that is read."""

import csv
import fcntl
import gzip
import json
import os
import pty
import random
import re
import shutil
import signal
import struct
import subprocess
import termios
import time

from harness import (DIRECTORY, ENVIRONMENT, PROGRAM, Like, check, expect, finish, npy, npy_data, path, read, run,
                     write)

random.seed(3)
NAMES = ["ant", 'bee "b"', "cat"]
CENTRES = [(1, 200, -3), (3, 240, -1), (5, 210, -2)]


def flower():
    """A sample of a class: two features near its centre, in different units, and one that says nothing."""
    k = random.randrange(3)
    return [random.gauss(c, s) for c, s in zip(CENTRES[k], (0.4, 8, 1))], k


def quoted(name):
    return '"' + name.replace('"', '""') + '"' if '"' in name else name


def table(n, label):
    rows = [flower() for _ in range(n)]
    return "a,b,\"c, d\",kind\n" + "".join(
        "%.6g,%.6g,%.6g,%s\n" % (*x, quoted(NAMES[k]) if label == "text" else k) for x, k in rows)


write("flowers.csv", table(240, "text"))
write("test.csv", table(60, "text"))
write("whole.csv", table(120, "number"))
write("net.fj", "# three flowers\nfn net(x: [k]) -> [3] {\n  let h = dense(x; 12, relu)\n  return dense(h; 3)\n}\n")
LINE = r"epoch +\d+  loss [\d.e-]+(  acc [\d.]+)?  val_loss [\d.e-]+  val_acc [\d.]+(  lr [\de.-]+)?  \d+\.\d\d s(  \*best)?\n"
MODEL = (r"model   layer [^\n]*\n +net\.h +3 -> 12 +48 +72\n +net\.dense +12 -> 3 +39 +72\n +all else [^\n]*\n +total +87 [^\n]*\n"
         r"jit     1 kernel, \d+ ms      cpu \S+, \d+ threads?\n")

# text classes, standardised, tested: what is printed and what is saved
train = ("train", "net.fj", "--data", "flowers.csv", "--standardise", "--epochs", "30", "--lr", "0.01")
first = check(*train, "--loss", "xent", "--label", "kind", "--test", "test.csv", "--confusion", "--out", "net.safetensors",
              "--target-acc", "0.9",
              out=Like(r"data    240 x 3 f32   train 216  val 24  test 60   classes 3   standardised\n" + MODEL +
                       r"(" + LINE + r"){30}"
                       r"done    30 epochs, \d+\.\d s, [\d.]+( [kM])? samples/s      best epoch \d+: val_acc [\d.]+ -> net.safetensors\n"
                       r"test    60  loss [\d.e-]+  acc (0\.9\d*|1\.0000)\n"
                       r"confusion of 60 samples.*\n +0 +1 +2\n  ant  .*\n  bee \"b\" .*\n  cat .*\n"))


def losses(result):
    return re.findall(r"loss ([\d.e-]+)", result.stdout.decode())


# the same bits for the same seed and any threads; others for another seed
for how in ((), ("--threads", "1"), ("--threads", "3")):
    expect(losses(run(*train, "--test", "test.csv", *how)) == losses(first), "other losses with %r" % (how,))
expect(losses(run(*train, "--test", "test.csv", "--seed", "1")) != losses(first), "the seed changes nothing")

# the model alone predicts, on files as they are: columns by name, in any order
header, *rows = read("test.csv").decode().splitlines()
truth = [r[3] for r in csv.reader(rows)]
shuffled = "kind,\"c, d\",b,a\n" + "".join(
    "%s,%s,%s,%s\n" % (quoted(k), *reversed(r.split(",")[:3])) for k, r in zip(truth, rows))
write("shuffled.csv", shuffled)
classes = check("predict", "net.safetensors", "--in", "x=test.csv", "--classes", out=Like(r"([^\n]*\n){60}")).stdout.decode()
share = sum(a == b for a, b in zip(classes.splitlines(), truth)) / len(truth)
expect(re.search(r"\ntest .* acc %.4f\n" % share, first.stdout.decode()), "predicts %.4f of the test samples, unlike train" % share)
check("predict", "net.safetensors", "--in", "x=shuffled.csv", "--classes", out=classes)
check("predict", "net.safetensors", "--in", "x=shuffled.csv", "--classes", "--json",
      out=Like(re.escape(json.dumps(classes.splitlines(), ensure_ascii=False)) + "\n"))
check("predict", "net.safetensors", "--in", "x=[3,240,-1]", "--classes", out='bee "b"\n')
check("predict", "net.safetensors", "--in", "x=[[3,240,-1],[1,200,-3]]", "--out", "y.npy")
expect(npy_data(read("y.npy"))[:2] == ("2, 3", "<f4"), "not f32 [2,3]: %r" % (npy_data(read("y.npy"))[:2],))
check("predict", "net.safetensors", "--in", "x=[3,240]", code=1, err=Like(r"error\[E0533\].*"))
write("short.csv", "a,b\n1,2\n")
check("predict", "net.safetensors", "--in", "x=short.csv", code=1,
      err="error[E0643]: 'short.csv' has no column 'c, d'\n")
check("info", "net.safetensors", out=Like(
    r"predict\(x: f32\[3\]\)\nlabel +kind\nloss +xent\noptimizer adam\noutputs +3\ncolumns +a, b, c, d\n"
    r"classes +ant, bee \"b\", cat\nmodel .*\n +standardise_x +6 .*net\.h +3 -> 12 +48 +72\n.*total +93 .*"))
check("predict", "net.safetensors", "--params", "net.safetensors", "--in", "x=[1,2,3]", code=2,
      err=Like(r".*'net.safetensors' is a model, and has its own\n"))
check("predict", "net.fj", "--in", "x=[1,2,3]", "--classes", code=2, err=Like(r".*needs a model.*"))

# numbers as labels: classes from 0; the default loss is theirs
check("train", "net.fj", "--data", "whole.csv", "--epochs", "2", "--val", "0",
      out=Like(r"data    120 x 3 f32   train 120   classes 3\n" + MODEL +
               r"(epoch +\d  loss [\d.e+]+(  acc [\d.]+)?(  lr \S+)?  \d+\.\d\d s(  \*best)?\n){2}done    2 epochs.*"))

# JSON: one object for each epoch, alone on standard output
result = check(*train, "--json", "--out", "net.safetensors", out=Like(r"(\{[^\n]*\}\n){30}"), err=Like(r"data .*done .*"))
epochs = [json.loads(line) for line in result.stdout.decode().splitlines()]
expect([e["epoch"] for e in epochs] == list(range(1, 31)), "epochs of JSON")
expect(all(set(e) >= {"loss", "val_loss", "val_accuracy", "seconds", "best", "epochs", "samples"} for e in epochs),
       "keys of JSON: %r" % epochs[0])
expect(epochs[-1]["loss"] < epochs[0]["loss"], "JSON: the loss does not fall")

# regression: the target is one number
write("line.csv", "u,v\n" + "".join("%g,%g\n" % (u, 3 * u - 1) for u in (i / 50 for i in range(100))))
write("line.fj", "fn line(x: [1]) -> y { param w: f32 = 0  param b: f32 = 0  y = w*x[0] + b }\n")
check("train", "line.fj", "--data", "line.csv", "--loss", "mse", "--optimizer", "sgd", "--lr", "0.1", "--set", "mu=0.5",
      "--epochs", "100", "--out", "line.safetensors", out=Like(r"data    100 x 1 f32   train 90  val 10\n.*val_r2 (1\.0000|0\.9999).*"))
got = float(check("predict", "line.safetensors", "--in", "x=[2]", out=Like(r"[\d.]+\n")).stdout)
expect(abs(got - 5) < 0.01, "the line at 2: %r" % got)
check("predict", "line.safetensors", "--in", "x=[2]", "--classes", code=1, err=Like(r".*no class\n"))
write("tuned.fj", "fn line(x: [1]) -> [1] = dense(x; 1)\n"
      "fn robust(p, t; width = 1) = sqrt((p - t)**2 + width*width) - width\n")
check("train", "tuned.fj", "--data", "line.csv", "--loss", "robust", "--set", "width=0.1", "--lr", "0.05", "--epochs", "60",
      out=Like(r".*val_r2 (1\.0000|0\.99\d\d).*"))

# two classes and one output; a loss of the file that has the model in it; a loss by its name
write("two.csv", "a,b,c\n" + "".join("%g,%g,%s\n" % (u, v, "in" if u + v > 0 else "out")
                                     for u, v in ((random.gauss(0, 1), random.gauss(0, 1)) for _ in range(300))))
write("two.fj", "fn score(x: [2]) -> [1] = dense(x; 1)\nfn loss(x: f32[2], y: f32) { var t: [1] = y  return bce_logits(score(x), t) }\n")
two = ("train", "two.fj", "--data", "two.csv", "--lr", "0.1", "--epochs", "20")
check(*two, "--loss", "bce_logits", "--confusion", "--out", "two.safetensors",
      out=Like(r"data    300 x 2 f32   train 270  val 30   classes 2\n.*val_acc (0\.9\d+|1\.0000).*confusion of 30 .*\n  in .*\n  out .*"))
check("predict", "two.safetensors", "--in", "x=[[3,3],[-3,-3]]", "--classes", out="in\nout\n")
check(*two, out=Like(r"data .*done    20 epochs.*"))
write("one.fj", "fn score(x: [2]) -> [1] = dense(x; 1)\n")
check("train", "one.fj", "--data", "two.csv", "--epochs", "20", "--lr", "0.1", out=Like(r"data .*classes 2\n.*val_acc (0\.9|1\.0).*"))
check("train", "one.fj", "--data", "two.csv", "--epochs", "20", "--lr", "0.1", "--loss", "hinge", "--out", "hinge.safetensors",
      out=Like(r"data .*val_acc (0\.9|1\.0).*"))
check("predict", "hinge.safetensors", "--in", "x=[[3,3],[-3,-3]]", "--classes", out="in\nout\n")
check("train", "one.fj", "--data", "flowers.csv", "--loss", "mse", code=1,
      err="fusejit: error: the labels of 'flowers.csv' are text, such as 'ant'; the loss takes numbers\n")
write("count.csv", "a,b,n\n" + "".join("%g,%g,%d\n" % (i % 7, i % 5, 2 * (i % 7) + i % 5 + 10) for i in range(200)))
check("train", "one.fj", "--data", "count.csv", "--epochs", "100", "--lr", "0.1", "--out", "count.safetensors", "--test", "count.csv",
      out=Like(r"data    200 x 2 f32   train 180  val 20  test 200\n.*test .*r2 (1\.0|0\.99).*"))
got = float(check("predict", "count.safetensors", "--in", "x=[3,4]", out=Like(r"\[.*\]\n")).stdout.strip(b"[]\n"))
expect(abs(got - 20) < 0.5, "counts: %r" % got)
check(*two, "--class-weights", "balanced", code=1, err=Like(r".*'loss' has no classes\n"))

# what optimisers, schedules and gradients are told
more = ("train", "net.fj", "--data", "flowers.csv", "--standardise", "--epochs", "3")
check(*more, "--optimizer", "sgd", "--schedule", "one_cycle", "--lr", "0.1", out=Like(r".*lr 4\.0e-07.*done .*"))
for how in (("--clip-norm", "0.1"), ("--clip-value", "0.01"), ("--accumulate", "3"), ("--class-weights", "balanced"),
            ("--class-weights", "1,2,0.5"), ("--batch", "7"), ("--set", "smooth=0.1"), ("--optimizer", "lion")):
    result = check(*more, *how, out=Like(r"data .*done    3 epochs.*"))
    expect(losses(result) != losses(run(*more)), "%r changes nothing" % (how,))

# arrays: .npz by name, .npy by place, IDX with pixels, gzipped
xs = [[random.randrange(256) for _ in range(6)] for _ in range(90)]
ys = [int(x[0] + x[1] > 255) for x in xs]
images = struct.pack(">HBBIII", 0, 8, 3, 90, 2, 3) + bytes(sum(xs, []))
labels = struct.pack(">HBBI", 0, 8, 1, 90) + bytes(ys)
write("images-idx3.gz", gzip.compress(images))
write("labels-idx1", labels)
write("x.npy", npy((90, 2, 3), "|u1", bytes(sum(xs, []))))
write("y.npy", npy((90,), "<i8", struct.pack("<90q", *ys)))
write("f.npy", npy((90, 6), "<f8", struct.pack("<540d", *[v / 255 for x in xs for v in x])))
write("pix.fj", "fn pix(x: [6]) -> [2] { let h = dense(x; 8, tanh)  return dense(h; 2) }\n")
pix = ("train", "pix.fj", "--epochs", "60", "--lr", "0.01")
first = check(*pix, "--data", "images-idx3.gz", "--data", "labels-idx1", "--out", "pix.safetensors",
              out=Like(r"data    90 x 6 f32   train 81  val 9   classes 2   \(u8 2 x 3, /255\)\n.*done .*"))
check("eval", "-e", "a", "--in", "a=x.npy", "--out", "d.npz:x")
check("eval", "-e", "a", "--in", "a=y.npy", "--out", "d.npz:y")
for data in (("--data", "x.npy", "--data", "y.npy"), ("--data", "y=labels-idx1", "--data", "x=images-idx3.gz"),
             ("--data", "d.npz"), ("--data", "x=f.npy", "--data", "y=y.npy")):
    expect(losses(run(*pix, *data)) == losses(first), "%r trains otherwise" % (data,))
write("bit.fj", "fn bit(x: [6]) -> [1] { let h = dense(x; 8, tanh)  return dense(h; 1) }\n")
check("train", "bit.fj", "--data", "d.npz", "--epochs", "60", "--lr", "0.01", "--out", "bit.safetensors", out=Like(r"data .*val_acc .*"))
check("info", "bit.safetensors", out=Like(r".*loss +bce_logits\n.*"))
one = check("predict", "pix.safetensors", "--in", "x=x.npy", "--classes", out=Like(r"([01]\n){90}")).stdout.decode()
check("predict", "pix.safetensors", "--in", "x=images-idx3.gz", "--classes", out=one)
expect(sum(int(a) == b for a, b in zip(one.split(), ys)) > 80, "pixels are not learnt")

# patience: ends after so many epochs that are no better
result = check("train", "net.fj", "--data", "flowers.csv", "--standardise", "--epochs", "200", "--lr", "0.1", "--patience", "3",
               out=Like(r"data .*done    \d\d? epochs.*best epoch \d+.*"))

# a run that is resumed gives the same bits as one that was not stopped
whole = run("train", "net.fj", "--data", "flowers.csv", "--epochs", "8", "--schedule", "cosine_decay", "--set", "steps=99", "--out", "a.safetensors")
part = ("train", "net.fj", "--data", "flowers.csv", "--schedule", "cosine_decay", "--set", "steps=99", "--checkpoint", "ck.safetensors")
check(*part, "--epochs", "3", out=Like(r"data .*done    3 epochs.*"))
rest = check(*part, "--epochs", "8", "--resume", "ck.safetensors", "--out", "b.safetensors",
             out=Like(r"data .*\nepoch  4  .*\nepoch  8  .*done    5 epochs.*"))
expect(losses(whole)[6:] == losses(rest), "resumed: %r, whole: %r" % (losses(rest), losses(whole)))
expect(read("a.safetensors") == read("b.safetensors"), "resumed: another model")
check(*part, "--resume", "none.safetensors", code=3, out=None, err=Like(r"error\[E0602\].*"))
check(*part, "--resume", "net.safetensors", code=1, out=None, err=Like(r"error\[E\d+\].*"))
check("train", "line.fj", "--data", "line.csv", "--resume", "ck.safetensors", code=1, out=None, err=Like(r"error\[E\d+\].*"))

# dropout: while training alone
write("drop.fj", "fn net(x: [3]; training = 0) -> [3] {\n  let h = dense(x; 32, relu)\n  let d = dropout(h; 0.5*training)\n  return dense(d; 3)\n}\n")
drop = check("train", "drop.fj", "--data", "flowers.csv", "--standardise", "--epochs", "20", "--lr", "0.01", "--out", "drop.safetensors",
             out=Like(r"data .*val_acc (0\.9|1\.0).*"))
first = check("predict", "drop.safetensors", "--in", "x=[3,240,-1]", out=Like(r"\[.*\]\n"))
check("predict", "drop.safetensors", "--in", "x=[3,240,-1]", "--seed", "5", out=first.stdout.decode())
plain = run("train", "drop.fj", "--data", "flowers.csv", "--standardise", "--epochs", "20", "--lr", "0.01", "--set", "training=0")
expect(losses(plain) != losses(drop), "no dropout while training")

# curves
if shutil.which("gnuplot"):
    check(*more, "--plot", "loss.svg", out=Like(r".*done .*"))
    expect(b"val_loss" in read("loss.svg") and read("loss.svg").rstrip().endswith(b"</svg>"), "no whole .svg")
    check(*more, "--plot", "loss.png", out=Like(r".*done .*"))
    expect(read("loss.png").startswith(b"\x89PNG"), "no .png")
    check(*more, "--plot", "no/loss.png", code=3, out=None, err=Like(r".*cannot write 'no/loss.png'.*"))
check(*more, "--plot", "other.svg", code=3, env={"PATH": "/nowhere"},
      err=Like(r".*there is no program gnuplot.*\n  install .*gnuplot-nox\n"))
expect(not [f for f in os.listdir(DIRECTORY.name) if f.startswith("other") or f.endswith(".tmp")], "half a file is left")

# mistakes: where and what
check("train", "net.fj", "--data", "flowers.csv", "--epochs", "1", "--target-acc", "1", "--lr", "1e-9", code=4, out=None,
      err=Like(r"fusejit: error: accuracy 0\.\d+ is less than --target-acc 1\n"))
write("bad.csv", "a,b,kind\n1,2,x\n3,?,y\n")
write("gap.csv", "a,b,kind\n1,2,x\n3,nan,y\n")
write("plain.fj", "fn f(x) = x\n")
for args, code, err in (
    (("net.fj",), 2, "nothing to learn from: give --data FILE"),
    ((), 2, "no program: give FILE.fj"),
    (("none.fj", "--data", "flowers.csv"), 3, "cannot read 'none.fj'"),
    (("net.fj", "--data", "none.csv"), 3, "cannot open 'none.csv'"),
    (("net.fj", "--data", "bad.csv"), 1, "line 3 of 'bad.csv', column 2: '?' is no number"),
    (("net.fj", "--data", "gap.csv"), 1, "'gap.csv', sample 1: element 1 'b' is nan"),
    (("net.fj", "--data", "flowers.csv", "--label", "kinds"), 1, "no column 'kinds'"),
    (("net.fj", "--data", "flowers.csv", "--loss", "xnet"), 1, "xnet"),
    (("net.fj", "--data", "flowers.csv", "--loss", "mse"), 1, "the loss takes numbers"),
    (("net.fj", "--data", "flowers.csv", "--model", "nit"), 1, "nit"),
    (("net.fj", "--data", "flowers.csv", "--optimizer", "sdg"), 1, "sdg"),
    (("net.fj", "--data", "flowers.csv", "--set", "mu=1"), 1, "nothing takes 'mu'"),
    (("net.fj", "--data", "flowers.csv", "--class-weights", "1,2"), 1, "2 --class-weights for 3 classes"),
    (("net.fj", "--data", "x=f.npy", "--data", "y=y.npy", "--data", "z=y.npy"), 1, "there is no argument 'z'"),
    (("net.fj", "--data", "x=f.npy"), 1, "no samples for 'y'"),
    (("two.fj", "--data", "x=f.npy", "--data", "y=y.npy"), 1, ""),
    (("pix.fj", "--data", "x=f.npy", "--data", "y=flowers.csv:1"), 1, ""),
    (("net.safetensors", "--data", "flowers.csv"), 3, "cannot read 'net.safetensors': it is no text"),
    (("net.fj", "--data", "x.npy", "--data", "y.npy", "--label", "k"), 1, "--label: 'x.npy' is no .csv"),
    (("plain.fj", "--data", "flowers.csv"), 1, "no function with arguments and parameters"),
    (("net.fj", "--data", "flowers.csv", "--epochs", "0"), 2, "--epochs takes"),
    (("net.fj", "--data", "flowers.csv", "--val", "1"), 2, "--val takes"),
    (("net.fj", "--data", "flowers.csv", "--lr", "fast"), 2, "'lr' takes a number"),
    (("net.fj", "--data", "flowers.csv", "--out", "net.npz"), 2, ".safetensors"),
    (("net.fj", "--data", "flowers.csv", "--plot", "a.pdf"), 2, ".svg or .png"),
    (("net.fj", "--data", "flowers.csv", "--epochs", "1", "--out", "no/net.safetensors"), 3, "cannot write"),
):
    result = run("train", *args)
    text = result.stderr.decode()
    expect(result.returncode == code and err in text and "internal" not in text,
           "train %r: %d %r" % (args, result.returncode, text))

# SIGINT ends the batch, saves, tells, exits with 130
write("long.fj", "fn net(x: [3]) -> [3] { let h = dense(x; 64, relu)  let i = dense(h; 64, relu)  return dense(i; 3) }\n")
process = subprocess.Popen([PROGRAM, "train", "long.fj", "--data", "flowers.csv", "--epochs", "100000", "--out", "int.safetensors"],
                           cwd=DIRECTORY.name, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
for _ in range(8):
    process.stdout.readline()
process.send_signal(signal.SIGINT)
out, err = process.communicate(timeout=30)
expect(process.returncode == 130 and re.search(rb"\ndone    \d+ epoch.*-> int.safetensors\n$", b"\n" + out),
       "SIGINT: %d %r %r" % (process.returncode, out[-300:], err))
check("predict", "int.safetensors", "--in", "x=[1,200,-3]", out=Like(r"\[.*\]\n"))


def on_terminal(*args, columns=100):
    """What a terminal of 100 columns sees."""
    pid, fd = pty.fork()
    if pid == 0:
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("4H", 40, columns, 0, 0))
        os.chdir(DIRECTORY.name)
        os.execve(PROGRAM, [PROGRAM, *args], {**ENVIRONMENT, "TERM": "xterm"})
    seen, until = b"", time.time() + 20
    while time.time() < until:
        try:
            part = os.read(fd, 65536)
        except OSError:
            break
        if not part:
            break
        seen += part
    os.close(fd)
    return os.waitpid(pid, 0)[1], seen.decode("utf-8", "replace")


# a bar on a terminal, and none elsewhere
took = -time.time()
status, seen = on_terminal("train", "long.fj", "--data", "flowers.csv", "--epochs", "300", "--batch", "4", "--threads", "1")
took += time.time()
bars = re.findall(r"\repoch +\d+/300 \[=*>? *\] +\d+ %  loss [^\r]*ETA \d+:\d\d", seen)
narrow = on_terminal("train", "long.fj", "--data", "flowers.csv", "--epochs", "300", "--batch", "4", "--threads", "1",
                     columns=80)[1]
expect(re.search(r"\repoch +\d+/300 \d+ %  loss [^\r]*ETA \d+:\d\d\x1b", narrow), "no line for 80 columns: %r" % narrow[-300:])
expect(status == 0 and bars, "no bar on a terminal: %d %r" % (status, seen[-300:]))
expect(not re.search(r"ETA \d+:\d\d\x1b\[K(?!\r)", seen), "a line stands beside the bar: %r" % seen[:1500])
expect(len(bars) <= 10*took + 2, "%d bars in %g s: more than ten a second" % (len(bars), took))
expect(b"\r" not in run("train", "long.fj", "--data", "flowers.csv", "--epochs", "20").stderr, "a bar off a terminal")

check("train", "--help", out=Like(r"usage: fusejit train FILE.fj .*--loss NAME.*--standardise.*"))
finish("train")
