#!/usr/bin/env python3
"""Translate the scalar subset of the language that prelude/math_*.fj uses into C++.

One statement is one line, or goes on while a parenthesis is open or the next line starts with an
operator. Literals become objects of class `weak` (sweep.hpp), which take the type they meet.
"""
import re
import sys

NUMBER = re.compile(r"(?<![\w.])(0x[0-9a-fA-F]+|(?:\d+\.\d*|\.\d+|\d+)(?:[eE][+-]?\d+)?)(?![\w.])")


def literal(match):
    text = match.group(1)
    if text.startswith("0x"):
        return f"weak({text}ull)"
    if re.fullmatch(r"\d+", text):
        return f"weak({text}ull)"
    return f"weak({text})"


def expression(text):
    return NUMBER.sub(literal, text)


def statements(lines):
    """Join the lines of each statement."""
    held = ""
    for raw in lines:
        line = raw.split("#")[0].strip()
        if not line:
            continue
        open_paren = held.count("(") > held.count(")")
        if held and not open_paren and not re.match(r"[?:+*/&|^=<>]|-[^>]", line):
            yield held
            held = ""
        held = f"{held} {line}".strip()
    if held:
        yield held


def several(text):
    """Whether there is a comma outside parentheses."""
    depth = 0
    for c in text:
        depth += (c == "(") - (c == ")")
        if c == "," and depth == 0:
            return True
    return False


def arguments(text):
    names = []
    for arg in filter(None, (a.strip() for a in text.split(","))):
        name, kind = (s.strip() for s in arg.split(":"))
        names.append(f"{kind} {name}")
    return ", ".join(names)


def signature(line):
    match = re.match(r"fn (\w+)\((.*?)\) -> (\([^)]*\)|\w+)\s*(=.*|\{)$", line)
    if not match:
        sys.exit(f"cannot read: {line}")
    name, args, result, body = match.groups()
    before = ""
    if result.startswith("("):
        fields = arguments(result[1:-1]).split(", ")
        before = f"struct {name}_result {{ {' '.join(f + ';' for f in fields)} }};\n"
        result = f"{name}_result"
    head = f"{before}static inline {result} {name}({arguments(args)})"
    if body == "{":
        return head + " {"
    body = body[1:].strip()
    if before:
        return f"{head} {{ return {{{expression(body[1:-1])}}}; }}"
    return f"{head} {{ return {expression(body)}; }}"


def statement(line):
    if line.startswith("fn "):
        return signature(line)
    if line.startswith("const "):
        name, value = line[6:].split("=", 1)
        return f"static const auto {name.strip()} = {expression(value)};"
    match = re.match(r"let \(([^)]*)\) = (.*)$", line)
    if match:
        return f"auto [{match.group(1)}] = {expression(match.group(2))};"
    match = re.match(r"(?:let|var) (\w+)(?:: (\w+))? = (.*)$", line)
    if match:
        name, kind, value = match.groups()
        return f"{kind or 'auto'} {name} = {expression(value)};"
    match = re.match(r"(if|while) (.*) \{$", line)
    if match:
        return f"{match.group(1)} ({expression(match.group(2))}) {{"
    match = re.match(r"return (.*)$", line)
    if match:
        value = expression(match.group(1))
        return f"return {{{value}}};" if several(value) else f"return {value};"
    if line in ("}", "} else {"):
        return line
    return expression(line) + ";"


def main():
    print("/* made by sweep_to_cpp.py */")
    for path in sys.argv[1:]:
        for line in statements(open(path, encoding="utf-8")):
            print(statement(line))


main()
