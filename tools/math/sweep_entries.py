#!/usr/bin/env python3
"""The table of sweep.cpp for those functions that are defined in both types: name, arity, the
references, and the interval that half of the random arguments come from."""
import sys

TABLE = """
exp 1 exp expq -750 720
exp2 1 exp2 exp2_q -1080 1030
exp10 1 exp10 exp10_q -330 310
expm1 1 expm1 expm1q -40 40
log 1 log logq 0.3 3
log2 1 log2 log2q 0.3 3
log10 1 log10 log10q 0.3 3
log1p 1 log1p log1pq -1 2
sin 1 sin sinq -100 100
cos 1 cos cosq -100 100
tan 1 tan tanq -100 100
asin 1 asin asinq -1 1
acos 1 acos acosq -1 1
atan 1 atan atanq -5 5
atan2 2 atan2 atan2q -5 5
sinh 1 sinh sinhq -30 30
cosh 1 cosh coshq -30 30
tanh 1 tanh tanhq -20 20
asinh 1 asinh asinhq -5 5
acosh 1 acosh acoshq 1 5
atanh 1 atanh atanhq -1 1
cbrt 1 cbrt cbrtq -30 30
hypot 2 hypot hypotq -30 30
pow 2 pow powq -30 30
fmod 2 fmod fmodq -30 30
remainder 2 remainder remainderq -30 30
erf 1 erf erfq -6 6
erfc 1 erfc erfcq -6 27
lgamma 1 lgamma lgammaq -20 20
tgamma 1 tgamma tgammaq -20 20
"""

text = open(sys.argv[1], encoding="utf-8").read()
for line in TABLE.split("\n"):
    if not line:
        continue
    name, arity, libm, quad, lo, hi = line.split()
    if f" {name}_f32(" in text and f" {name}_f64(" in text:
        kind = "UNARY" if arity == "1" else "BINARY"
        print(f"{kind}({name}, {libm}, {quad}, {lo}, {hi})")
