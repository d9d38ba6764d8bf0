#!/usr/bin/env python3
"""Writes the tables of docs/accuracy.md: accuracy_table.py docs/accuracy.md BENCH.json SWEEP.tsv...

SWEEP.tsv: output of tools/math/sweep; of a function in several files the line with most arguments
counts, the later one of equals. BENCH.json: of `bench --json FILE functions`."""
import json
import struct
import sys

BEGIN, END = "<!-- tables: tools/math/accuracy_table.py -->", "<!-- end of tables -->"
ALL = 1 << 32
TWO = ("pow", "atan2", "hypot", "fmod", "remainder", "logaddexp")


def read_sweeps(paths):
    """{(name, type, tier, width): fields}, in the order of first appearance"""
    found = {}
    for path in paths:
        for line in open(path, encoding="utf-8"):
            f = line.rstrip("\n").split("\t")
            if len(f) < 12:
                continue
            key = tuple(f[:4])
            row = {"ulp": float(f[4]), "x": float.fromhex(f[5]), "y": float.fromhex(f[6]),
                   "misrounded": int(f[7]), "wrong": int(f[8]), "differ": int(f[9]),
                   "tested": int(f[10])}
            if key not in found or found[key]["tested"] <= row["tested"]:
                found[key] = row
    return found


def read_bench(path):
    """{"exp f32": (ns of the tiers, ns of the fastest peer, its name)}"""
    found = {}
    for row in json.load(open(path, encoding="utf-8")):
        name = row["what"]
        if name.split(" ")[-1] not in ("f32", "f64") or "own" not in row:
            continue
        times = {k: v["best_ns"] for k, v in row.items() if isinstance(v, dict)}
        own = {"default": times.pop("own"), "@ulp(4)": times.pop("@ulp(4)", None),
               "@ulp(0.5)": times.pop("@ulp(0.5)", None)}
        peer = min(times, key=times.get) if times else None
        found[name] = own, times.get(peer), peer
    return found


def number(v, kind):
    """The shortest digits that mean this argument"""
    if kind == "f64":
        return repr(v)
    for digits in range(1, 18):
        text = "%.*g" % (digits, v)
        if struct.pack("f", float(text)) == struct.pack("f", v):
            return text
    return repr(v)


def place(row, name, kind, two):
    if row["ulp"] == 0:
        return ""
    text = number(row["x"], kind)
    return text + ", " + number(row["y"], kind) if two else text


def error(row):
    text = "0 (exact)" if row["ulp"] == 0 else "%.3f" % row["ulp"]
    return text + (" and %d wrong" % row["wrong"] if row["wrong"] else "")


def speed(bench, key, tier):
    own = bench.get(key, ({}, None, None))
    return "%.2f" % own[0][tier] if own[0].get(tier) else ""


def against(bench, key):
    own, peer, name = bench.get(key, ({}, None, None))
    return "%.2f (%s)" % (peer / own["default"], name) if peer else ""


def widest(found):
    return next(k[3] for k in found)


def names_of(found, kind, two):
    names = []
    for name, t, _, _ in found:
        row = found.get((name, t, "default", widest(found)))
        if t == kind and row and two == (name in TWO) and name not in names:
            names.append(name)
    return names


def rounding(found, name, wide):
    row = found.get((name, "f32", "@ulp(0.5)", wide))
    if not row:
        return ""
    of = "" if row["tested"] == ALL else " of 1 in %d" % round(ALL / row["tested"])
    return "%d%s" % (row["misrounded"], of)


def table(found, bench, kind, two):
    wide = widest(found)
    exact = kind == "f32" and not two
    head = ["function", "ulp", "at", "@ulp(4)", "at"]
    head += ["@ulp(0.5): misrounded"] if exact else []
    head += ["SSE2", "ns", "@ulp(4)"] + (["@ulp(0.5)"] if exact else [])
    lines = ["| " + " | ".join(head + ["times as fast as the fastest peer"]) + " |",
             "|---" * (len(head) + 1) + "|"]
    for name in names_of(found, kind, two):
        row = found[name, kind, "default", wide]
        four = found.get((name, kind, "@ulp(4)", wide))
        narrow = found.get((name, kind, "default", "SSE2"))
        key = name + " " + kind
        part = "" if not exact or row["tested"] == ALL else \
            " (1 in %d)" % round(ALL / row["tested"])
        other = four and (four["ulp"], four["x"]) != (row["ulp"], row["x"])
        cells = [name, error(row) + part, place(row, name, kind, two),
                 error(four) if other else "", place(four, name, kind, two) if other else ""]
        cells += [rounding(found, name, wide)] if exact else []
        cells += [error(narrow) if narrow else "", speed(bench, key, "default"),
                  speed(bench, key, "@ulp(4)") if other else ""]
        cells += [speed(bench, key, "@ulp(0.5)")] if exact else []
        lines.append("| " + " | ".join(cells + [against(bench, key)]) + " |")
    return "\n".join(lines)


def main():
    page, bench, found = sys.argv[1], read_bench(sys.argv[2]), read_sweeps(sys.argv[3:])
    text = open(page, encoding="utf-8").read()
    before, after = text.split(BEGIN)[0], text.split(END)[1]
    parts = [("f32, one argument", "f32", False), ("f64, one argument", "f64", False),
             ("f32, two arguments", "f32", True), ("f64, two arguments", "f64", True)]
    body = "\n\n".join("### %s\n\n%s" % (title, table(found, bench, kind, two))
                       for title, kind, two in parts)
    with open(page, "w", encoding="utf-8") as out:
        out.write(before + BEGIN + "\n\n" + body + "\n\n" + END + after)


main()
