"""Functions with parameters: eval with initial values, predict, info."""

from harness import Like, check, expect, finish, write

NET = """fn net(x: [k]) -> [2] {
  let h = dense(x; 3, relu)
  return dense(h; 2)
}
fn mlp(x: [784]) -> [10] {
  let h = dense(x; 128, relu)
  return dense(h; 10)
}
"""

write("net.fj", NET)

# initial values: of the seed, whatever runs them
x = ("--fn", "net", "--in", "x=[1.,2]")
first = check("eval", "net.fj", *x, out=Like(r"\[.* .*\]\n"))
check("eval", "net.fj", *x, "--interpret", out=first.stdout.decode())
other = check("eval", "net.fj", *x, "--seed", "1", out=Like(r"\[.* .*\]\n"))
expect(other.stdout != first.stdout, "the seed changes nothing")

# parameters by name
for name, value in (("net.h.W", "[[1.,0,1],[0,1,1]]"), ("net.h.b", "[0.,0,-1]"),
                    ("net.dense.W", "[[1.,0],[0,1],[1,1]]"), ("net.dense.b", "[0.5,-0.5]")):
    check("eval", "-e", "x", "--in", "x=" + value, "--out", "p.npz:" + name)
check("predict", "net.fj", *x, "--params", "p.npz", out="[3.5 3.5]\n")
check("eval", "net.fj", *x, "--params", "p.npz", out="[3.5 3.5]\n")
check("predict", "net.fj", "--fn", "net", "--params", "p.npz", "--in", "x=[[1.,2],[0,0]]",
      out="[[ 3.5  3.5]\n [ 0.5 -0.5]]\n")
check("predict", "net.fj", "--fn", "net", "--params", "p.npz", "--in", "x=[1.,2,3]", code=1,
      err="error[E0540]: parameter 'net.h.W' has the shape [3,3], not [2,3]\n")
check("predict", "net.fj", "--fn", "net", "--params", "q.npz", "--in", "x=[1.,2]", code=3,
      err=Like(r"error\[E0602\]: cannot open 'q.npz'.*"))

# weights in bf16: 1 + 2^-9 becomes 1, biases stay
check("eval", "-e", "x", "--in", "x=[[1.001953125,0,1],[0,1.,1]]", "--out", "w.npz:net.h.W")
for name, value in (("net.h.b", "[0.,0,-1]"), ("net.dense.W", "[[1.,0],[0,1],[1,1]]"),
                    ("net.dense.b", "[0.501953125,-0.5]")):
    check("eval", "-e", "x", "--in", "x=" + value, "--out", "w.npz:" + name)
exact = ("predict", "net.fj", *x, "--params", "w.npz")
check(*exact, out="[3.50390625 3.5       ]\n")
for how in ((), ("--interpret",), ("--threads", "2")):
    check(*exact, "--weights", "bf16", *how, out="[3.501953125 3.5        ]\n")
check("predict", "net.fj", *x, "--params", "w.npz", "--weights", "f16", code=2,
      err="fusejit: error: --weights takes bf16, not 'f16'\n")
check("eval", "-e", "x + 1", "--in", "x=[1.]", "--weights", "bf16", code=1,
      err=Like(r".* has no parameters for --weights\n"))

check("eval", "-e", "x", "--in", "x=[1.]", "--out", "p.npz:net.c")
check("predict", "net.fj", *x, "--params", "p.npz", code=1,
      err="error[E0539]: p.npz has 'net.c', which the program has not\n")
check("eval", "-e", "sum(w)", "--in", "w=p.npz:net.dense.W", out="[1. 1. 2.]\n")

# layers
check("info", "net.fj", out="""mlp(x: [784]) -> [10]
model   layer            shape                  params    flop/sample
        mlp.h            784 -> 128            100,480        200,704
        mlp.dense        128 -> 10               1,290          2,560
        all else                                     0            266
        total                                  101,770        203,530
""")
write("matrices.fj", "fn pair(x: [4]) -> [2] { param A: [4,3] = 0  param a: [3] = 0  param B: [3,2] = 0"
      "  return relu(x @ A + a) @ B }\n"
      "fn table(i: i32) -> [5] { param E: [1000,5] = 0  return E[i] }\n")
check("info", "matrices.fj", "--fn", "pair",
      out=Like(r"pair.*\n +pair\.A +4 -> 3 +15 +24\n +pair\.B +3 -> 2 +6 +12\n +all else +0 +6\n +total +21 +42\n"))
check("info", "matrices.fj", "--fn", "table", out=Like(r"table.*\n +table +1000 -> 5 +5,000 +-\n +total +5,000 +0\n"))
check("info", "net.fj", "--fn", "net", code=1, err=Like(r"error\[E0540\]: .*\n  here by --in x=VALUE\n"))
check("info", "net.fj", "--fn", "net", "--in", "x=[1.,2]",
      out=Like(r".*net\.h +2 -> 3 +9 +12\n.*all else +0 +8\n.*total +17 +32\n"))
write("plain.fj", "fn norms(x: [n,d]) -> y: [n] { y[i] = sqrt(sum[j](x[i,j]*x[i,j])) }\n")
check("info", "plain.fj", "--in", "x=[[1,2,3],[4,5,6]]", out=Like(r"norms.*all else +0 +14\n.*total +0 +14\n"))
check("info", "plain.fj", out=Like(r"norms.*total +0 +-\nflop/sample depends on dimensions: give arrays by --in\n"))
check("check", "net.fj", out=Like(r"ok +net.*same bits: f32 f64\nok +mlp.*same bits: f32 f64\n.*"))

finish("params")
