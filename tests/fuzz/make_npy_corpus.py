#!/usr/bin/env python3
"""Writes the seed corpus of fuzz_npy, small whole files of each format, behind the byte that
chooses it, and that of fuzz_update, archives behind a level of deflate. Standard library only. The files are committed; run this after changing the target."""
import gzip
import io
import pathlib
import struct
import zipfile

NPY, NPZ, IDX, CSV, ALL = (bytes([i]) for i in range(5))
CODES = {"b1": 1, "i1": 1, "u2": 2, "i4": 4, "u8": 8, "f2": 2, "f4": 4, "f8": 8}


def npy(descr="<f4", order="False", shape="(2, 3)", data=None, version=1):
    """One .npy file; `data` is 6 elements unless given."""
    text = "{'descr': %r, 'fortran_order': %s, 'shape': %s, }" % (descr, order, shape)
    length, width = (2, "<H") if version == 1 else (4, "<I")
    room = 8 + length
    text += " " * (-(room + len(text) + 1) % 64) + "\n"
    if data is None:
        data = bytes(range(CODES[descr[1:]] * 6))
    return b"\x93NUMPY" + bytes([version, 0]) + struct.pack(width, len(text)) + text.encode() + data


class Pipe(io.RawIOBase):
    """Has no places to go back to: sizes follow the data."""

    def __init__(self):
        self.written = b""

    def writable(self):
        return True

    def write(self, data):
        self.written += bytes(data)
        return len(data)


def npz(members, method, out=None):
    """A .npz archive of (name, bytes) members."""
    out = out or io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as z:
        for name, data in members:
            info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            info.compress_type = method
            with z.open(info, "w", force_zip64=True) as f:
                f.write(data)
    return out.written if isinstance(out, Pipe) else out.getvalue()


def idx(code, shape, data):
    """One IDX file."""
    return bytes([0, 0, code, len(shape)]) + b"".join(struct.pack(">I", n) for n in shape) + data


def seeds():
    """Yields (name, content)."""
    for code in CODES:
        yield "npy_" + code, NPY + npy(("|" if CODES[code] == 1 else "<") + code)
    yield "npy_big_endian", NPY + npy(">f8")
    yield "npy_fortran", NPY + npy(order="True")
    yield "npy_v2", NPY + npy(version=2)
    yield "npy_v3", NPY + npy(version=3)
    yield "npy_scalar", NPY + npy(shape="()", data=b"abcd")
    yield "npy_empty", NPY + npy(shape="(0, 7)", data=b"")
    yield "npy_vector", NPY + npy(shape="(6,)")
    yield "npy_rank8", NPY + npy(shape="(1, 1, 1, 2, 1, 3, 1, 1)")
    yield "npy_object", NPY + npy("|O", data=b"x")
    yield "npy_huge", NPY + npy(shape="(99999999999999, 99999999999999)")
    one = [("a.npy", npy())]
    yield "npz_stored", NPZ + npz(one, zipfile.ZIP_STORED)
    yield "npz_deflated", NPZ + npz(one, zipfile.ZIP_DEFLATED)
    yield "npz_two", NPZ + npz(one + [("b.npy", npy("<f8"))], zipfile.ZIP_STORED)
    yield "npz_text", NPZ + npz(one + [("readme", b"text")], zipfile.ZIP_DEFLATED)
    yield "npz_piped", NPZ + npz(one, zipfile.ZIP_DEFLATED, Pipe())
    for method, name in ((zipfile.ZIP_STORED, "stored"), (zipfile.ZIP_DEFLATED, "deflated")):
        yield "all_" + name, ALL + npz(one + [("b.npy", npy("<f8"))], method)
    yield "all_twice", ALL + npz(one + one, zipfile.ZIP_STORED)
    yield "all_text", ALL + npz(one + [("readme", b"text")], zipfile.ZIP_DEFLATED, Pipe())
    yield "all_name", ALL + npz(one, zipfile.ZIP_STORED).replace(b"a.npy", b"\xff.npy")
    pixels = idx(0x08, (2, 3), bytes(range(6)))
    yield "idx_u8", IDX + pixels
    yield "idx_f64", IDX + idx(0x0E, (2,), struct.pack(">dd", 1.5, -2))
    yield "idx_gzip", IDX + gzip.compress(pixels, mtime=0)
    yield "idx_gzip_two", IDX + gzip.compress(pixels[:9], mtime=0) + gzip.compress(pixels[9:], mtime=0)
    yield "csv_plain", CSV + b"1,2,3\n4,5,6\n"
    yield "csv_header", CSV + b"\xef\xbb\xbfa,\"b \"\"c\"\"\n\"\r\n1.5e-3,-0\r\n nan , inf\r\n"
    yield "csv_quoted", CSV + b"\"1\",\"2\"\n\n3,\"-4e400\""
    yield "csv_ragged", CSV + b"1,2\n3\n"


def write(target, named):
    """One folder of seeds."""
    folder = pathlib.Path(__file__).parent / "corpus" / target
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in named:
        (folder / name).write_bytes(content)


if __name__ == "__main__":
    write("npy", seeds())
    archives = [(name, content[1:]) for name, content in seeds() if content[0] in (NPZ[0], ALL[0])]
    write("update", [(name, bytes([6 * (i % 2)]) + content) for i, (name, content) in enumerate(archives)])
    write("update", [("nothing", b"\0"), ("own_name", b"\1" + npz([("new.npy", npy())], zipfile.ZIP_STORED))])
