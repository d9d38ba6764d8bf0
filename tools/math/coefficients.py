#!/usr/bin/env python3
"""Run coefficients.sollya (or the file given) and print the coefficients as the shortest decimals
that read back as the same f64 or f32."""
import os
import re
import struct
import subprocess
import sys

here = os.path.dirname(os.path.abspath(__file__))
source = os.path.abspath(sys.argv[1]) if len(sys.argv) > 1 else "coefficients.sollya"
text = subprocess.run(["sollya", source], cwd=here, capture_output=True, text=True).stdout


def shortest_f32(v):
    for n in range(1, 10):
        s = f"{v:.{n}g}"
        if struct.pack("f", float(s)) == struct.pack("f", v):
            return s
    return repr(v)


f32 = False
for line in text.splitlines():
    if line.startswith("#"):
        f32 = " f32 " in line
        print(re.sub(r"(\d\.\d{6})\d+", r"\1", line))
        continue
    m = re.match(r"(\d+) (.*)$", line)
    if not m:
        print("?", line)
        continue
    v = eval(m.group(2).replace("^", "**"))
    print(f"{m.group(1):>3}  {shortest_f32(v) if f32 else repr(float(v))}")
