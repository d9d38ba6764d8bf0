#!/usr/bin/env python3
"""Run the scripts that make coefficients, of Sollya and our own, and print them as the shortest decimals that read back as the same
f64 or f32. --check: say which are not in the prelude."""
import glob
import os
import re
import struct
import subprocess
import sys

here = os.path.dirname(os.path.abspath(__file__))
NUMBER = re.compile(r"(?<![\w.])-?(?:\d+\.\d*|\d+)(?:e[+-]?\d+)?(?![\w.])")


def run(*command):
    return subprocess.run(command, cwd=here, stdout=subprocess.PIPE, text=True).stdout


def to_f32(v):
    return struct.unpack("f", struct.pack("f", v))[0]


def shortest(v, is_f32):
    if not is_f32:
        return repr(v)
    return next(s for s in (f"{v:.{n}g}" for n in range(1, 10)) if to_f32(float(s)) == v)


def value(text):
    """Sollya writes sums of powers of ten and, for some, a * 2^b."""
    return float(eval(text.replace("^", "**")))


def literals():
    found = set()
    prelude = os.path.join(here, "../../src/ir/prelude")
    for path in glob.glob(prelude + "/math_*.fj") + [prelude + "/activations.fj"]:
        with open(path, encoding="utf-8") as file:
            found.update(abs(float(n)) for n in NUMBER.findall(file.read()))
    return found


def main():
    check = "--check" in sys.argv
    known = literals() if check else set()
    is_f32, missing, title = False, 0, ""
    output = run("sollya", "coefficients.sollya") + run("sollya", "exact.sollya")
    output += "".join(run(sys.executable, name) for name in ("erfc_fit.py", "gamma_fit.py", "tangent_fit.py"))
    for line in output.splitlines():
        if line.startswith("#"):
            is_f32 = " f32 " in line
            title = re.sub(r"(\d\.\d{6})\d+", r"\1", line)
            print("" if check else title)
            continue
        power, text = line.split()[:2]
        number = shortest(value(text), is_f32)
        if not check:
            print(f"{power:>3}  {number}")
        elif abs(float(number)) not in known:
            missing += 1
            print(f"{title}\n  not in the prelude: {power} {number}")
    return missing > 0


sys.exit(main())
