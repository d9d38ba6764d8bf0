"""fusejit eval: programs, values and their types, results, files, exit codes 0, 1, 3."""

import json
import os
import struct
import zipfile

from harness import Like, check, expect, finish, npy, npy_data, path, read, run, write

ERROR = "fusejit: error: "


def ev(text, *args, **wanted):
    return check("eval", "-e", text, *args, **wanted)


# ------------------------------------------------------------------ expressions and programs
ev("1 + 2*3", out="7\n")
ev("-2**2", out="-4\n")
ev("1/4", out="0.25\n")
ev("x*x", "--in", "x=3", out="9.0\n")
ev("x + y", "--in", "x=[1,2,3]", "--in", "y=[[10],[20]]", out="[[11. 12. 13.]\n [21. 22. 23.]]\n")
ev("relu(x)", "--in", "x=[-1,0,2.5]", out="[0.  0.  2.5]\n")
ev("pi*x", "--in", "x=1", "--in", "pi=3", out="3.0\n")
ev("x > 1", "--in", "x=[1,2,3]", out="[false  true  true]\n")
ev("1 < 2", out="true\n")
ev("fn f(x) = x + 1  fn g(x) = f(x)*2", "--in", "x=3", out="8.0\n")
ev("fn f(x) = x + 1  fn g(x) = f(x)*2", "--fn", "f", "--in", "x=3", out="4.0\n")
ev("fn f(x; a = 2) = a*x", "--in", "x=3", out="6.0\n")
ev("fn f(x; a = 2) = a*x", "--in", "x=3", "--set", "a=0.5", out="1.5\n")
ev("fn f(x; g: fn = exp) = g(x)", "--in", "x=-1", "--set", "g=abs", out="1.0\n")
ev("fn f(x, k = 2) = k*x", "--in", "x=3", out="6.0\n")
ev("fn f(x, k = 2) = k*x", "--in", "x=3", "--in", "k=5", out="15.0\n")
ev("fn f(x: [n], y: [n] = 2) = sum(x*y)", "--in", "x=[[3,4],[1,1]]", out="[14.  4.]\n")
ev("fn f(x, k = 2, l = 3) = k*x + l", "--in", "x=3", "--in", "l=5", code=1,
   err=ERROR + "missing argument 'k' of 'f'; give it with --in k=VALUE\n"
   "  'l' is given: only the last arguments may be left to defaults\n")
ev("fn f(x; n: dim) = x*n", "--in", "x=2.5", "--set", "n=4", out="10.0\n")
ev("fn f(x; n: dim) = x*n", "--in", "x=2.5", "--set", "n=-1", code=1, err=Like(r".*whole number from 0, not '-1'\n"))
# arrays after the ';': --set, and --in too
SHARED = "fn f(x; w: [n]) = x*sum(w)"
ev(SHARED, "--in", "x=2", "--set", "w=[1,2]", out="6.0\n")
ev(SHARED, "--in", "x=2", "--in", "w=[1,2]", out="6.0\n")
ev(SHARED, "--in", "x=2", "--in", "w=[1,2]", "--set", "w=[1,2]", code=2, err=ERROR + "'w' is given by --in and by --set\n")
ev(SHARED, "--in", "x=2", "--set", "w=[1,2", code=1, err=Like(ERROR + "argument 'w': .*"))
ev(SHARED, "--in", "x=2", code=1, err=ERROR + "missing argument 'w' of 'f'; give it with --set w=VALUE\n")
ev("fn f(x; n: i32 = 3) = x << n", "--in", "x=1", "--set", "n=2", code=1, err=Like(".*error.*"), out="")
ev("fn f(x: i32; n: i32 = 3) = x << n", "--in", "x=1", "--set", "n=2", out="4\n")
ev("fn f(x) -> (lo, hi) = (x - 1, x + 1)", "--in", "x=[1,2]", out="[0. 1.]\n[2. 3.]\n")
ev("let y = 2", code=1, err=Like(r"-e:1:1: error\[E0016\].*statements stand in the braces of a function.*"))
ev("x if x > 0 else 1", code=1, err=Like(r"-e:1:3: error\[E0037\].*\^\^ as a value it is written condition \? a : b\n"))
ev("x as f32", code=1, err=Like(r"-e:1:3: error\[E0037\].*\^\^ casts are written f32\(x\)\n"))
ev("sin x", code=1, err=Like(r".*is an operator missing in front of it\?\n"))
# comments do not make it a program
ev("1 + 1 # fn", out="2\n")

write("act.fj", "fn swish(x; beta = 1) = x / (1 + exp(-beta*x))\nfn twice(x: f32) = 2*x\n")
check("eval", "act.fj", "--fn", "swish", "--in", "x=0", out="0.0\n")
check("eval", "act.fj", "--in", "x=0.1", out="0.2\n")
write("empty.fj", "# nothing\n")
write("zero.fj", "fn f(x) = x\0 + 1\n")
check("eval", "zero.fj", "--in", "x=1", code=1, err=Like(r"zero\.fj:1:12: error\[E0002\].*U\+0000.*"))
write("set.npy", npy((2,), "<f8", struct.pack("<2d", 3, 4)))
check("eval", "-e", SHARED, "--in", "x=1", "--set", "w=set.npy", out="7.0\n")
check("eval", "empty.fj", code=1, err=ERROR + "there is no function in 'empty.fj'\n")
check("eval", "none.fj", code=3, err=Like(r".*none\.fj.*\n"))
check("eval", ".", code=3, err=Like(r".+\n"))
check("eval", "act.fj", "--fn", "swihs", "--in", "x=1", code=1, err=Like(r".*swihs.*\n"))

# ------------------------------------------------------------------ arguments
ev("x + y", "--in", "x=1", code=1, err=Like(ERROR + r"missing argument 'y' of the expression; .*--in y=VALUE\n"))
ev("x", "--in", "x=1", "--in", "z=1", code=1, err=Like(ERROR + r"the expression has no argument 'z': it takes \(x\)\n"))
ev("sigma", "--in", "sgima=1", code=1, err=Like(r".*did you mean 'sigma'\?\n"))
ev("fn f(x; a = 1) = a*x", "--in", "x=1", "--in", "a=2", code=1, err=Like(r".*give it with --set\n"))
ev("fn f(x; a = 1) = a*x", "--in", "x=1", "--set", "x=2", code=1, err=Like(r".*give it with --in\n"))
ev("fn f(x; a) = a*x", "--in", "x=1", code=1, err=Like(ERROR + r"missing argument 'a' of 'f'; .*--set a=VALUE\n"))
ev("fn f(x; n: dim) = n*x", "--in", "x=1", "--set", "n=1.5", code=1, err=Like(r".*'n' is a dimension.*\n"))
ev("fn f(x; g: fn) = g(x)", "--in", "x=1", "--set", "g=nofun", code=1, err=Like(r".*nofun.*\n"))
ev("fn f(x; a = 1) = a*x", "--in", "x=1", "--set", "a=[1,2]", code=1, err=Like(r".*one number.*\n"))
for bad in ("", "1e", "0x", "1_000", "abc", "1 2", "--1", "1,2", "[1,2", "[1,2]]", "[1,[2]]", "[[1],[2,3]]",
            "[1,,2]", "[true,1]", "[" * 9 + "]" * 9, "99999999999999999999", "-9223372036854775809", "x.txt"):
    ev("x", "--in", "x=" + bad, code=1, err=Like(ERROR + r"argument 'x': .*\n"))
for good, out in (("0x10", "16.0"), (" 7 ", "7.0"), ("+1", "1.0"), ("-.5", "-0.5"), ("1.", "1.0"), ("1e3", "1000.0"),
                  ("nan", "nan"), ("-inf", "-inf"), ("true", "true"), ("1e400", "inf"), ("-0.0", "-0.0"),
                  ("1e22", "1e+22"), ("123456789012345678", "1.2345678901234568e+17"), ("5e-324", "5e-324")):
    ev("x", "--in", "x=" + good, out=out + "\n")
ev("x", "--in", "x=[]", out="[]\n")
ev("x", "--in", "x=[[],[]]", "--json", out='{"shape":[2,0],"dtype":"f64","data":[[],[]]}\n')

# ------------------------------------------------------------------ weak values
write("f32.npy", npy((2,), "<f4", struct.pack("<2f", 1, 2)))
write("f64.npy", npy((2,), "<f8", struct.pack("<2d", 1, 2)))
write("i32.npy", npy((2,), "<i4", struct.pack("<2i", 1, 2)))
write("u8.npy", npy((2,), "|u1", b"\x01\x02"))
write("bool.npy", npy((2,), "|b1", b"\x00\x01"))


def dtype(text, wanted, *args):
    result = run("eval", "-e", text, *args, "--json")
    got = json.loads(result.stdout)["dtype"] if result.returncode == 0 else result.stderr
    expect(got == wanted, "dtype of %r with %r: %r, wanted %r" % (text, args, got, wanted))


dtype("x", "f64", "--in", "x=1")
dtype("x", "f64", "--in", "x=1.5")
dtype("x + y", "f32", "--in", "x=f32.npy", "--in", "y=1")
dtype("x + y", "f32", "--in", "x=f32.npy", "--in", "y=0.1")
dtype("x + y", "f64", "--in", "x=f64.npy", "--in", "y=0.1")
dtype("x + y", "i32", "--in", "x=i32.npy", "--in", "y=1")
dtype("x + y", "f64", "--in", "x=i32.npy", "--in", "y=0.5")
dtype("x + y", "f64", "--in", "x=u8.npy", "--in", "y=1.0")
dtype("x + y", "u8", "--in", "x=u8.npy", "--in", "y=255")
dtype("x + y + z", "f32", "--in", "x=u8.npy", "--in", "y=f32.npy", "--in", "z=3")
dtype("x && y", "bool", "--in", "x=bool.npy", "--in", "y=true")
dtype("fn f(x: f32, y) = x + y", "f32", "--in", "x=1", "--in", "y=2")
dtype("fn f(x: i16) = x", "i16", "--in", "x=-5")
ev("x[y] + y", "--in", "x=[1,2.5,3]", "--in", "y=1", out="3.5\n")
ev("x[y]", "--in", "x=f32.npy", "--in", "y=1", out="2.0\n")
# a name that stands in subscripts alone is a number: an array of them is a batch
ev("x[y]", "--in", "x=[1.5,2,4]", "--in", "y=[2,0,0]", out="[4.  1.5 1.5]\n")
ev("x[y] + 1", "--in", "x=[1.5,2,4]", "--in", "y=i32.npy", out="[3. 5.]\n")
ev("x[y, z]", "--in", "x=[[1.5,2],[3,4]]", "--in", "y=[0,1]", "--in", "z=[[0],[1]]", out="[[1.5 3. ]\n [2.  4. ]]\n")
ev("x[y[1]]", "--in", "x=[1.5,2,4]", "--in", "y=[0,2]", out="4.0\n")
ev("sum[i](x[i]*k[i + s])", "--in", "x=[1,2]", "--in", "k=[1,10,100]", "--in", "s=[0,1]", out="[ 21. 210.]\n")
ev("x[y] + y", "--in", "x=[1.5,2]", "--in", "y=[0,1]", code=1, err=Like(r".*E0207.*a subscript is an integer.*"))
ev("x[y]", "--in", "x=[1.5,2]", "--in", "y=[0,2]", code=1, err=Like(r".*E0537.*is 2: it has 2 elements\n"))
ev("xent(z, y)", "--in", "z=[1,2,3]", "--in", "y=2", out=Like(r"0\.40760596444438\d*\n"))
ev("fn f(x: [n], i) = x[i]", "--in", "x=[1.5,2.5]", "--in", "i=[0,1,1]", out="[1.5 2.5 2.5]\n")
ev("fn f(x: [n], i) { let j = i + 1  return x[j] }", "--in", "x=[1.5,2.5]", "--in", "i=0", out="2.5\n")
ev("x + y", "--in", "x=[1,2]", "--in", "y=[1,2,3]", code=1, err=Like(r".*argument 'y' of the expression\n"))
dtype("x[y]", "f32", "--in", "x=f32.npy", "--in", "y=1")
ev("fn f(x: [n], i) = sum[k in i .. n](x[k])", "--in", "x=[1,2,4]", "--in", "i=1", out="6.0\n")
ev("x[y]", "--in", "x=[1,2]", "--in", "y=1.0", code=1, err=Like(r".*error\[E0207\].*"))
ev("x + y", "--in", "x=u8.npy", "--in", "y=256", code=1, err=ERROR + "argument 'y': 256 does not fit u8\n")
ev("fn f(x: u8) = x", "--in", "x=-1", code=1, err=ERROR + "argument 'x': -1 does not fit u8\n")
ev("fn f(x: i32) = x", "--in", "x=1.0", code=1, err=ERROR + "argument 'x': 1 is a real number, the argument is i32\n")
ev("fn f(x: bool) = x", "--in", "x=1", code=1, err=ERROR + "argument 'x': a number for a bool: write true or false\n")
ev("fn f(x: i64) = x", "--in", "x=-9223372036854775808", out="-9223372036854775808\n")
ev("fn f(x: u64) = x", "--in", "x=18446744073709551615", out="18446744073709551615\n")
ev("fn f(x: f32) = x", "--in", "x=f64.npy", code=1, err=Like(r".*f64.*\n"))
ev("x + y", "--in", "x=[1,2]", "--in", "y=[1,2,3]", code=1, err=Like(r".*\[2\].*\[3\].*\n"))

# ------------------------------------------------------------------ files
write("fortran.npy", npy((2, 3), "<f8", struct.pack("<6d", 1, 4, 2, 5, 3, 6), True))
ev("x", "--in", "x=fortran.npy", out="[[1. 2. 3.]\n [4. 5. 6.]]\n")
write("big.npy", npy((3,), ">i4", struct.pack(">3i", 1, -2, 3)))
ev("x", "--in", "x=big.npy", out="[ 1 -2  3]\n")
write("raw.f32", struct.pack("<3f", 0.5, 1.5, 2.5))
ev("x*2", "--in", "x=raw.f32", out="[1. 3. 5.]\n")
write("t.csv", "1,2\n3,4.5\n")
ev("x", "--in", "x=t.csv", out="[[1.  2. ]\n [3.  4.5]]\n")
write("labels-idx1-ubyte", b"\x00\x00\x08\x01" + struct.pack(">I", 3) + b"\x07\x02\x01")
ev("x", "--in", "x=labels-idx1-ubyte", out="[7 2 1]\n")
ev("x", "--in", "x=missing.npy", code=3, err=Like(r".*missing\.npy.*\n"))
write("damaged.npy", read("f64.npy")[:-3])
ev("x", "--in", "x=damaged.npy", code=1, err=Like(r".*error\[E06\d\d\].*\n"))
write("object.npy", npy((1,), "|O", b"x"))
ev("x", "--in", "x=object.npy", code=1, err=Like(r".*error\[E06\d\d\].*\n"))

ev("x*2", "--in", "x=f32.npy", "--out", "y.npy")
shape, descr, data = npy_data(read("y.npy"))
expect((shape, descr, data) == ("2,", "<f4", struct.pack("<2f", 2, 4)), "y.npy holds %r" % ((shape, descr, data),))
ev("x*2", "--in", "x=f32.npy", "--out", "y.csv")
expect(read("y.csv") == b"2\n4\n", "y.csv holds %r" % read("y.csv"))
ev("x", "--in", "x=y.csv", out="[2. 4.]\n")
ev("x*2", "--in", "x=f32.npy", "--out", "y.npz")
ev("x", "--in", "x=y.npz", out="[2. 4.]\n")
ev("x", "--in", "x=y.npz:arr_0", out="[2. 4.]\n")
write("zeros.npy", npy((100000,), "<f8", bytes(800000)))
ev("x", "--in", "x=zeros.npy", "--out", "zeros.npz")
ev("x", "--in", "x=zeros.npy", "--compress", "--out", "packed.npz")
expect(len(read("packed.npz")) < 2000 < 800000 < len(read("zeros.npz")), "packed.npz has %d bytes" % len(read("packed.npz")))
ev("x", "--in", "x=[1,2]", "--compress", "--out", "packed.npz:more")
ev("sum(x) + sum(y)", "--in", "x=packed.npz:arr_0", "--in", "y=packed.npz:more", out="3.0\n")
with zipfile.ZipFile(path("packed.npz")) as z:
    expect([i.compress_type for i in z.infolist()] == [8, 8] and z.testzip() is None, "packed.npz is not deflated")
ev("x", "--in", "x=1", "--compress", code=2, err=Like(r".*--compress needs --out FILE\.npz.*"))
for other in ("y.npy", "x.safetensors", "none.csv"):
    ev("x", "--in", "x=1", "--compress", "--out", "c.npz", "--out", other, code=2, err=Like(r".*--compress is for \.npz files, not '%s'.*" % other))
expect(not os.path.exists(path("c.npz")), "c.npz was written by a call that is wrong")
ev("x*2", "--in", "x=f32.npy", "--out", "one.safetensors")
ev("x", "--in", "x=one.safetensors", out="[2. 4.]\n")
ev("x - 1", "--in", "x=f32.npy", "--out", "one.safetensors:m.npy")
ev("a + m", "--in", "a=one.safetensors:arr_0", "--in", "m=one.safetensors:m.npy", out="[2. 5.]\n")
two = "fn f(x) -> (lo, hi) = (x - 1, x + 1)"
ev(two, "--in", "x=f64.npy", "--out", "lo.npy", "--out", "hi.npy")
ev("lo - hi", "--in", "lo=lo.npy", "--in", "hi=hi.npy", out="[-2. -2.]\n")
ev(two, "--in", "x=f64.npy", "--out", "hi=only.npy")
ev("x", "--in", "x=only.npy", out="[2. 3.]\n")
ev(two, "--in", "x=f64.npy", "--out", "hi=both.npz:hi", "--out", "lo=both.npz:lo")
ev("lo - hi", "--in", "lo=both.npz:lo", "--in", "hi=both.npz:hi", out="[-2. -2.]\n")
ev(two, "--in", "x=f64.npy", "--out", "hi=both.safetensors:m.npy", "--out", "lo=both.safetensors:m")
ev("lo - hi", "--in", "lo=both.safetensors:m", "--in", "hi=both.safetensors:m.npy", out="[-2. -2.]\n")
ev(two, "--in", "x=1", "--out", "both.safetensors:m", "--out", "./both.safetensors:m", code=2, err=Like(r".*given twice\n"))
ev("x", "--in", "x=1", "--out", "both.npz:more")
ev("x", "--in", "x=both.npz:lo", out="[0. 1.]\n")
ev(two, "--in", "x=1", "--out", "a.npy", "--out", "b.npy", "--out", "c.npy", code=1,
   err=ERROR + "3 --out for the 2 results of 'f'\n")
ev(two, "--in", "x=1", "--out", "high=a.npy", code=1, err=Like(r".*has no result 'high'.*"))
expect(not os.path.exists(path("a.npy")), "a.npy was written by a failed run")
ev("x", "--in", "x=5", "--json", "--out", "j.npy", out='{"shape":[],"dtype":"f64","data":5.0}\n')

# a failed run keeps the old file and leaves nothing beside it
before = read("y.npy")
listing = sorted(os.listdir(path(".")))
ev("x + y", "--in", "x=f32.npy", "--in", "y=[1,2,3]", "--out", "y.npy", code=1, err=None)
ev(two, "--in", "x=f64.npy", "--out", "y.npy", "--out", "nowhere/z.npy", code=3, err=Like(r".*nowhere/z\.npy.*"))
ev(two, "--in", "x=f64.npy", "--out", "y.npy", "--out", "z.f32", code=1, err=Like(r"[^/]*z\.f32.*"))
archive = read("both.npz")
long = "m" * 5000
for place in ("both.npz", "none.npz"):  # the second member has no place: the first is not there either
    ev(two, "--in", "x=f64.npy", "--out", place + ":lo", "--out", place + ":" + long, code=1,
       err=Like(r"(?!.*fusejit-).*name of an \.npz member.*"))
ev(two, "--in", "x=f64.npy", "--out", "both.npz:lo", "--out", "y.npy:hi", code=2, err=Like(r".*y\.npy:hi.*"))
ev(two, "--in", "x=f64.npy", "--out", "both.npz:lo", "--out", "nowhere/z.npy", code=3, err=Like(r".*nowhere/z\.npy.*"))
for twice in ("./both.npz:lo", "both.npz:lo.npy", "both.npz", "../%s/both.npz:lo" % os.path.basename(path("").rstrip("/"))):
    ev(two, "--in", "x=f64.npy", "--out", "both.npz:lo", "--out", twice, code=2,
       err=ERROR + "--out '%s' is given twice\n" % twice)
write("bad.npz", archive[:-30])
ev(two, "--in", "x=f64.npy", "--out", "y.npy", "--out", "bad.npz:m", code=1, err=Like(r"(?!.*fusejit-).*bad\.npz.*"))
expect(read("bad.npz") == archive[:-30], "bad.npz was changed by a failed run")
os.remove(path("bad.npz"))
os.mkdir(path("dir.npy"))
ev("x", "--in", "x=f64.npy", "--out", "dir.npy", code=3, err=Like(r".*dir\.npy.*"))
ev(two, "--in", "x=f64.npy", "--out", "y.npy", "--out", "dir.npy", code=3, err=ERROR + "cannot write 'dir.npy': Is a directory\n")
os.rmdir(path("dir.npy"))
expect(read("y.npy") == before, "y.npy was changed by a failed run")
expect(read("both.npz") == archive, "both.npz was changed by a failed run")
expect(sorted(os.listdir(path("."))) == listing, "a failed run left %r" % (set(os.listdir(path("."))) - set(listing)))

# several files: modes stay, links are followed, one archive under two names is one file
write("real.npy", before)
os.chmod(path("real.npy"), 0o600)
os.symlink("real.npy", path("link.npy"))
os.chmod(path("both.npz"), 0o640)
ev(two, "--in", "x=[5,6]", "--out", "link.npy", "--out", "both.npz:hi")
expect(os.path.islink(path("link.npy")) and os.stat(path("real.npy")).st_mode & 0o777 == 0o600, "a link or a mode was lost")
expect(os.stat(path("both.npz")).st_mode & 0o777 == 0o640, "the mode of an archive was lost")
ev("a + 10*b + 100*c", "--in", "a=real.npy", "--in", "b=both.npz:hi", "--in", "c=both.npz:more", out="[164. 175.]\n")
ev(two, "--in", "x=1", "--out", "new.npz:a", "--out", "./new.npz:b")
ev("a + 10*b", "--in", "a=new.npz:a", "--in", "b=new.npz:b", out="20.0\n")
name = "n" * 250 + ".npy"
ev(two, "--in", "x=1", "--out", name, "--out", "y.npy")
ev("x + y", "--in", "x=" + name, "--in", "y=y.npy", out="2.0\n")
os.mkfifo(path("pipe.npy"))
pipe = os.open(path("pipe.npy"), os.O_RDONLY | os.O_NONBLOCK)
ev(two, "--in", "x=1", "--out", "pipe.npy", "--out", "y.npy")
expect(npy_data(os.read(pipe, 4096))[1:] == ("<f8", struct.pack("<d", 0)), "the pipe did not get its result")
os.close(pipe)
expect(not [f for f in os.listdir(path(".")) if f.startswith(".fusejit")], "temporary files are left")

# ------------------------------------------------------------------ JSON
ev("x/0", "--in", "x=[1,-1,0]", "--json", out='{"shape":[3],"dtype":"f64","data":["inf","-inf","nan"]}\n')
ev(two, "--in", "x=[1]", "--json",
   out='[{"shape":[1],"dtype":"f64","data":[0.0]},{"shape":[1],"dtype":"f64","data":[2.0]}]\n')
ev("x", "--in", "x=[[true],[false]]", "--json", out='{"shape":[2,1],"dtype":"bool","data":[[true],[false]]}\n')
ev("x/3", "--in", "x=f32.npy", "--json", out='{"shape":[2],"dtype":"f32","data":[0.33333334,0.6666667]}\n')
ev("fn f(x) -> f16 = f16(x)", "--in", "x=0.1", "--json", out='{"shape":[],"dtype":"f16","data":0.1}\n')

# ------------------------------------------------------------------ printing
ev("x", "--in", "x=[0.1,1e-9]", out="[1.e-01 1.e-09]\n")
ev("x", "--in", "x=[1.5,nan,-inf]", out="[ 1.5  nan -inf]\n")
ev("x/3", "--in", "x=[1,2]", out="[0.3333333333333333 0.6666666666666666]\n")
ev("x + y", "--in", "x=[[[1],[2]],[[3],[4]]]", "--in", "y=[0,1]",
   out="[[[1. 2.]\n  [2. 3.]]\n\n [[3. 4.]\n  [4. 5.]]]\n")
write("many.npy", npy((1001,), "<i4", struct.pack("<1001i", *range(1001))))
ev("x", "--in", "x=many.npy", out="[   0    1    2 ...  998  999 1000]\n")
write("wide.npy", npy((40,), "<i4", struct.pack("<40i", *range(100, 140))))
ev("x", "--in", "x=wide.npy", out="[100 101 102 103 104 105 106 107 108 109 110 111 112 113 114 115 116 117\n"
   " 118 119 120 121 122 123 124 125 126 127 128 129 130 131 132 133 134 135\n 136 137 138 139]\n")

# ------------------------------------------------------------------ errors in the text
ev("sgmoid(x)", "--in", "x=1", code=1,
   err="-e:1:1: error[E0101]: unknown function 'sgmoid'\n  1 | sgmoid(x)\n    | ^^^^^^ did you mean 'sigmoid'?\n")
write("bad.fj", "fn act(x) {\n  let a = 2\n  let h = a * sgmoid(x)\n  return h\n}\n")
check("eval", "bad.fj", "--in", "x=1", code=1,
      err="bad.fj:3:15: error[E0101]: unknown function 'sgmoid'\n  3 |   let h = a * sgmoid(x)\n"
          "    |               ^^^^^^ did you mean 'sigmoid'?\n")
ev("x +", "--in", "x=1", code=1, err=Like(r"-e:1:\d+: error\[E00\d\d\]: .*"))
ev("", code=1, err=Like(r"-e:1:1: error\[E00\d\d\]: .*"))
ev("sgmoid(x)", "--in", "x=1", "--color", "always", code=1, err=Like(r".*\x1b\[.*"))
check("eval", "-e", "sgmoid(x)", "--in", "x=1", code=1, err=Like(r"[^\x1b]*"), env={"NO_COLOR": "1"})
ev("fn f(x: [n]) -> [n] = x", "--in", "x=1", code=1, err=Like(r"error\[E0532\]: argument 'x' of f has 0 axes: it needs at least 1\n"))
ev("fn f(x: [n], y: [n]) -> [n] = x + y", "--in", "x=[1,2]", "--in", "y=[1,2,3]", code=1,
   err=Like(r"error\[E0533\]: dimension 'n' is 2 by argument 'x' of f and 3 by argument 'y' of f\n"))

# ------------------------------------------------------------------ arrays
ev("sum[i](x[i])", "--in", "x=[1,2,3]", out="6.0\n")
ev("x @ w", "--in", "x=[1,2,3]", "--in", "w=[[1,2],[3,4],[5,6]]", out="[22. 28.]\n")
ev("x @ w + b", "--in", "x=[[1.,0],[0,1]]", "--in", "w=[[1,2],[3,4]]", "--in", "b=[1,2]", "--json",
   out='{"shape":[2,2],"dtype":"f64","data":[[2.0,4.0],[4.0,6.0]]}\n')
ev("x @ w", "--in", "x=[1,2,3]", "--in", "w=[[1,2],[3,4]]", code=1, err=Like(r"-e:1:3: error\[E0222\]: .*"))
ev("x[7]", "--in", "x=[1,2,3]", code=1, err=Like(r"-e:1:3: error\[E0221\]: .*"))
ev("fn f(x: [n]; k: dim) -> y: [k] { y[i] = x[i] }", "--in", "x=[1.,2,3]", "--set", "k=2", out="[1. 2.]\n")

# ------------------------------------------------------------------ running
ev("x // 0", "--in", "x=i32.npy", out="[0 0]\n", err=Like(r"fusejit: warning: an integer was divided by zero[^\n]*\n"))
ev("i8(x)", "--in", "x=[1,1000,nan]", out="[  1 127   0]\n", err=Like(r"fusejit: warning: [^\n]*cast[^\n]*\n"))
loop = "fn f(x) { var s = x  while s > 0 { s += 1 }  return s }"
ev(loop, "--in", "x=1", "--fuel", "1000", code=1, err=Like(r".*fuel.*"))
for option in (["--interpret"], ["--threads", "2"], ["--threads", "0"], ["--cpu", "x86-64"], ["--fuel", "0"]):
    ev("sqrt(x) + 1", "--in", "x=[4,9]", *option, out="[3. 4.]\n")
expect(run("eval", "-e", "rand()", "--seed", "1").stdout == run("eval", "-e", "rand()", "--seed", "1").stdout,
       "rand() with one seed differs")
expect(run("eval", "-e", "rand()", "--seed", "1").stdout != run("eval", "-e", "rand()", "--seed", "2").stdout,
       "rand() with two seeds agrees")
text = "sigmoid(x) + tanh(x)*erf(x) + exp(-x*x)"
write("line.npy", npy((999,), "<f4", struct.pack("<999f", *[i / 50 - 10 for i in range(999)])))
outputs = {run("eval", "-e", text, "--in", "x=line.npy", *o).stdout for o in ([], ["--interpret"], ["--threads", "2"])}
expect(len(outputs) == 1, "compiled, interpreted and threaded results differ")

finish("eval")
