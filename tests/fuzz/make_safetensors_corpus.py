#!/usr/bin/env python3
"""Writes the seed corpus of fuzz_safetensors: small whole files, behind the byte that chooses the
format. Standard library only. The files are committed; run this after changing the target."""
import io
import json
import pathlib
import struct
import zipfile

SAFETENSORS, NPZ = b"\0", b"\1"
SIZES = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "I16": 2, "I8": 1,
         "U64": 8, "U32": 4, "U16": 2, "U8": 1, "BOOL": 1}


def safetensors(header, n):
    """A file with this header (a text or what becomes JSON) and n bytes of elements."""
    text = header if isinstance(header, str) else json.dumps(header)
    raw = text.encode()
    return SAFETENSORS + struct.pack("<Q", len(raw)) + raw + bytes(i % 2 for i in range(n))


def tensor(dtype, shape, begin):
    """One entry of a header."""
    n = SIZES[dtype]
    for extent in shape:
        n *= extent
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, begin + n]}


def npz(names):
    """A .npz archive of one small array under each name."""
    text = "{'descr': '|u1', 'fortran_order': False, 'shape': (3,), }"
    text += " " * (-(10 + len(text) + 1) % 64) + "\n"
    npy = b"\x93NUMPY\1\0" + struct.pack("<H", len(text)) + text.encode() + b"abc"
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as z:
        for name in names:
            z.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), npy)
    return NPZ + out.getvalue()


def seeds():
    """Yields (name, content)."""
    for dtype, size in SIZES.items():
        yield "type_" + dtype, safetensors({"w": tensor(dtype, [2, 3], 0)}, 6 * size)
    yield "empty", safetensors({}, 0)
    yield "metadata", safetensors({"__metadata__": {"format": "pt"}, "w": tensor("U8", [], 0)}, 1)
    yield "texts", safetensors({"__metadata__": {"b": "fn f(x) = x\n", "a": "\u00e9\"\\", "c": ""}}, 0)
    yield "texts_twice", safetensors('{"__metadata__":{"a":"1","\\u0061":"2"}}', 0)
    yield "two", safetensors({"b": tensor("F32", [1], 0), "a": tensor("U8", [0, 7], 4)}, 4)
    yield "escapes", safetensors({"\u00e9\n\"\\\U0001d11e": tensor("I8", [1] * 8, 0)}, 1)
    yield "raw_utf8", safetensors(json.dumps({"é€": tensor("I8", [1], 0)}, ensure_ascii=False), 1)
    yield "foreign", safetensors('{"w":{"dtype":"F8_E4M3","shape":[1],"data_offsets":[0,1]}}', 1)
    yield "huge", safetensors('{"w":{"dtype":"U8","shape":[9223372036854775807],'
                              '"data_offsets":[0,9223372036854775807]}}', 1)
    yield "overlap", safetensors({"a": tensor("U8", [2], 0), "b": tensor("U8", [2], 1)}, 3)
    yield "npz_two", npz(["a.npy", "b.npy"])
    yield "npz_text", npz(["a.npy", "readme"])


if __name__ == "__main__":
    folder = pathlib.Path(__file__).parent / "corpus" / "safetensors"
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in seeds():
        (folder / name).write_bytes(content)
