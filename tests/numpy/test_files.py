#!/usr/bin/env python3
"""Array files against NumPy: test_files.py LIBRARY. What NumPy writes is read, what the library writes
NumPy reads, with the same bits; what NumPy can write and the library has no type for is refused."""
import ctypes as c
import io
import os
import tempfile
import zipfile

import numpy as np

import fusejit_library as fj

ERR_FORMAT = 10
TYPES = "?bhilBHILefd"


class Named(c.Structure):
    _fields_ = [("name", c.c_char_p), ("array", fj.Array)]


L, folder = fj.LIBRARY, tempfile.TemporaryDirectory()
L.fusejit_array_load.argtypes = [c.POINTER(fj.Array), c.c_char_p, c.POINTER(fj.Error)]
L.fusejit_array_save.argtypes = [c.POINTER(fj.Array), c.c_char_p, c.POINTER(fj.Error)]
L.fusejit_array_save_deflated.argtypes = [c.POINTER(fj.Array), c.c_char_p, c.c_int32, c.POINTER(fj.Error)]
L.fusejit_arrays_load.argtypes = [c.POINTER(c.POINTER(Named)), c.POINTER(c.c_int32), c.c_char_p, c.POINTER(fj.Error)]
L.fusejit_arrays_save_deflated.argtypes = [c.POINTER(Named), c.c_int32, c.c_char_p, c.c_int32, c.POINTER(fj.Error)]
L.fusejit_arrays_free.argtypes = [c.POINTER(Named), c.c_int32]


def path(name):
    return os.path.join(folder.name, name)


def load(name):
    a, err = fj.Array(), fj.Error()
    if L.fusejit_array_load(c.byref(a), path(name).encode(), c.byref(err)) != 0:
        raise fj.refusal(err)
    return fj.take(a)


def save(x, name, level=0):
    err, a = fj.Error(), fj.describe(x)
    status = (L.fusejit_array_save_deflated(c.byref(a), path(name).encode(), level, c.byref(err)) if level
              else L.fusejit_array_save(c.byref(a), path(name).encode(), c.byref(err)))
    if status != 0:
        raise fj.refusal(err)


def load_all(name):
    items, n, err = c.POINTER(Named)(), c.c_int32(), fj.Error()
    if L.fusejit_arrays_load(c.byref(items), c.byref(n), path(name).encode(), c.byref(err)) != 0:
        raise fj.refusal(err)
    found = {}
    for i in range(n.value):
        a = items[i].array
        dtype, shape = np.dtype(fj.DTYPES[a.dtype]), tuple(a.shape[: a.rank])
        size = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
        found[items[i].name.decode()] = np.frombuffer(c.string_at(a.data, size) if size else b"", dtype).reshape(shape)
        found[items[i].name.decode()] = found[items[i].name.decode()].copy()
    L.fusejit_arrays_free(items, n)
    return found


def same(got, want, what):
    want = np.asarray(want)
    native = want.astype(want.dtype.newbyteorder("="))
    fj.expect(got.dtype == native.dtype and got.shape == want.shape and got.tobytes() == native.tobytes(), what)


def refused(what, do, *args, status=ERR_FORMAT, says=""):
    try:
        do(*args)
    except fj.Refused as e:
        fj.expect(e.args[0] == status and says in e.args[1], "%s: refused as %r" % (what, e.args))
        return
    fj.expect(False, what + " was accepted")


random = np.random.default_rng(1)


def sample(code, shape):
    bits = random.integers(0, 2 if code == "?" else 256, int(np.prod(shape)) * np.dtype(code).itemsize, np.uint8)
    return bits.view(code).reshape(shape)


def layouts():
    """(what, array): every type, byte orders and memory orders."""
    for code in TYPES:
        for shape in ((), (1,), (7,), (0, 3), (4, 5), (2, 3, 4), (1, 2, 1, 3, 1, 1, 2, 2)):
            x = sample(code, shape)
            yield "%s%s" % (code, shape), x
            yield "%s%s big-endian" % (code, shape), x.astype(x.dtype.newbyteorder(">"))
            yield "%s%s Fortran" % (code, shape), np.asfortranarray(x)
        yield code + " reversed", sample(code, (5, 6))[::-1, ::2]


def check_npy_read():
    for what, x in layouts():
        np.save(path("x.npy"), x)
        same(load("x.npy"), x, "npy of NumPy, " + what)
    for version in ((1, 0), (2, 0), (3, 0)):
        with open(path("v.npy"), "wb") as f:
            np.lib.format.write_array(f, np.arange(6.0).reshape(2, 3), version)
        same(load("v.npy"), np.arange(6.0).reshape(2, 3), "npy %d.%d" % version)


def check_npy_written():
    for what, x in layouts():
        if x.dtype.isnative:
            save(x, "y.npy")
            same(np.load(path("y.npy")), x, "npy for NumPy, " + what)
            np.save(path("z.npy"), np.ascontiguousarray(x))
            fj.expect(x.ndim == 0 or open(path("y.npy"), "rb").read() == open(path("z.npy"), "rb").read(),
                     "npy has NumPy's own bytes, " + what)


def check_foreign():
    foreign = {"complex": np.ones(3, complex), "object": np.array([1, "a"], object), "string": np.array(["a", "bc"]),
               "bytes": np.array([b"a"]), "structured": np.zeros(2, [("a", "f4"), ("b", "i4")]),
               "time": np.array(["2001-01-01"], "M8[D]"), "long double": np.ones(2, np.longdouble)}
    for what, x in foreign.items():
        np.save(path("f.npy"), x)
        np.savez(path("f.npz"), x=x)
        refused(what + " in npy", load, "f.npy", says="elements")
        refused(what + " in npz", load, "f.npz:x", says="elements")
        refused(what + " among arrays", load_all, "f.npz", says="elements")


def check_npz_read():
    arrays = {"x%d" % i: x for i, (_, x) in enumerate(layouts())}
    arrays["λ"] = np.arange(3.0)
    for writer in (np.savez, np.savez_compressed):
        writer(path("a.npz"), **arrays)
        found = load_all("a.npz")
        fj.expect(list(found) == list(arrays), "names of " + writer.__name__)
        for name, x in arrays.items():
            same(found[name], x, "%s of %s" % (name, writer.__name__))
        same(load("a.npz:λ.npy"), arrays["λ"], "one member of " + writer.__name__)
    with zipfile.ZipFile(path("l.npz"), "w", zipfile.ZIP_LZMA) as z:
        z.writestr("x.npy", open(path("x.npy"), "rb").read())
    refused("another packing", load, "l.npz", says="another method")


def check_npz_written():
    arrays = {"x%d" % i: x for i, (_, x) in enumerate(layouts()) if x.dtype.isnative}
    arrays["large"] = np.arange(300000) % 1000 / 8.0
    arrays["noise"] = sample("d", (50000,))
    items = (Named * len(arrays))(*[Named(k.encode(), fj.describe(x)) for k, x in arrays.items()])
    for level in (1, 6, 9):
        err = fj.Error()
        if L.fusejit_arrays_save_deflated(items, len(arrays), path("d.npz").encode(), level, c.byref(err)) != 0:
            raise fj.refusal(err)
        with np.load(path("d.npz")) as got:
            fj.expect(got.files == list(arrays), "names at level %d" % level)
            for name, x in arrays.items():
                same(got[name], x, "%s at level %d" % (name, level))
    np.savez_compressed(path("n.npz"), **arrays)
    fj.expect(os.path.getsize(path("d.npz")) < 1.02 * os.path.getsize(path("n.npz")), "as small as NumPy's")
    save(np.arange(4), "d.npz:more", 6)
    save(np.arange(5), "d.npz:x0")
    with np.load(path("d.npz")) as got:
        fj.expect(sorted(got.files) == sorted(list(arrays) + ["more"]), "names after an update")
        same(got["more"], np.arange(4), "a member that was added")
        same(got["x0"], np.arange(5), "a member that was replaced")
        same(got["large"], arrays["large"], "a member that was kept")
    fj.expect(zipfile.ZipFile(path("d.npz")).testzip() is None, "checksums of all members")


def members(*names):
    """The bytes of an archive with a member for each name, which may occur twice."""
    out, x = io.BytesIO(), io.BytesIO()
    np.save(x, np.arange(3.0))
    with zipfile.ZipFile(out, "w") as z:
        for name in names:
            z.writestr(zipfile.ZipInfo(name), x.getvalue())
    return out.getvalue()


def put(name, content):
    with open(path(name), "wb") as f:
        f.write(content)


def check_archives():
    import warnings
    warnings.simplefilter("ignore")
    good = members("a.npy", "b.npy")
    put("two.npz", members("a.npy", "b.npy", "a.npy"))
    refused("a name twice", load, "two.npz:a", says="two arrays")
    refused("a name twice among all", load_all, "two.npz", says="two arrays")
    same(load("two.npz:b"), np.arange(3.0), "another name")
    put("local.npz", good.replace(b"a.npy", b"c.npy", 1))
    refused("another name in the header", load, "local.npz:a", says="header")
    for count in (1, 3):
        end = bytearray(good)
        end[-12:-8] = count.to_bytes(2, "little") * 2
        put("count.npz", bytes(end))
        refused("%d entries said, 2 there" % count, load_all, "count.npz")
    put("gap.npz", good[:-22] + b"gap" + good[-22:])
    refused("a gap before the end", load, "gap.npz:a")
    put("front.npz", b"#!/bin/sh\n" + good)
    refused("something in front", load, "front.npz:a")
    for n in range(0, len(good), 7):
        put("cut.npz", good[:n])
        refused("an archive cut to %d bytes" % n, load, "cut.npz:a")
    put("nul.npz", good.replace(b"a.npy", b"a\0npy").replace(b"a\0npy", b"\0.npy"))
    refused("a name with a 0", load_all, "nul.npz", says="name")


def check_csv():
    x = sample("d", (40, 3))
    np.savetxt(path("x.csv"), x, delimiter=",", header="a,b,c", comments="", fmt="%.17g")
    got = load("x.csv")
    fj.expect(np.array_equal(np.isnan(got), np.isnan(x)) and np.array_equal(got[~np.isnan(x)], x[~np.isnan(x)]),
             "a table of numpy.savetxt")
    save(x, "y.csv")
    back = np.loadtxt(path("y.csv"), delimiter=",")
    fj.expect(np.array_equal(back, x, equal_nan=True), "a table for numpy.loadtxt")


def check_raw():
    x = sample("f", (9,))
    x.tofile(path("x.f32"))
    same(load("x.f32"), x, "numpy.tofile")
    save(x, "y.f64")
    fj.expect(np.array_equal(np.fromfile(path("y.f64")), x.astype("d"), equal_nan=True), "numpy.fromfile")


for run in (check_npy_read, check_npy_written, check_foreign, check_npz_read, check_npz_written, check_archives,
            check_csv, check_raw):
    run()
folder.cleanup()
fj.finish("files")
