"""Expectations that are counted; finish() prints them and ends the process."""

import sys
import threading

import numpy as np

failures = []
checks = 0


def expect(condition, *message):
    global checks
    checks += 1
    if not condition:
        failures.append(" ".join(map(str, message)))


def same(got, wanted, *message):
    """Values, shape and type."""
    got, wanted = np.asarray(got), np.asarray(wanted)
    fine = got.shape == wanted.shape and got.dtype == wanted.dtype and np.array_equal(got, wanted)
    expect(fine, *message, "is", got, got.dtype, "not", wanted, wanted.dtype)


def raises(kind, text, function, *arguments, **options):
    """An exception of this kind whose text has these words."""
    try:
        got = function(*arguments, **options)
    except kind as e:
        expect(text in str(e), "the message is", repr(str(e)), "without", repr(text))
        return
    expect(False, "no", kind.__name__, "about", repr(text), "but", got)


def together(n, work):
    """work() in n threads at once."""
    threads = [threading.Thread(target=work) for _ in range(n)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()


def finish(name, detail=""):
    for f in failures[:30]:
        print(f)
    print("%s: %d checks, %d failures, NumPy %s%s" % (name, checks, len(failures), np.__version__, detail))
    sys.exit(1 if failures else 0)
