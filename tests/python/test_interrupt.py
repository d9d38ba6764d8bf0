"""Ctrl-C during a call: KeyboardInterrupt arrives, whatever kind of call it is, and later calls are as ever."""

import subprocess
import sys
import textwrap

from checks import expect, finish

PRELUDE = """
import os, signal, sys, threading, time
import numpy as np
import fusejit
LONG = "fn f(x, y) { var s = x  for i in 0 .. 1000000000 { s = 0.5*s + y }  return s }"
x = np.ones(1 << 20)
def interrupt(after=0.2):
    threading.Timer(after, os.kill, (os.getpid(), signal.SIGINT)).start()
def expect_interrupt(call):
    interrupt()
    try:
        call()
        print("no interrupt")
    except KeyboardInterrupt:
        print("interrupted")
"""
CALLS = {  # each would take hours
    "a call": "f = fusejit.ufunc(LONG); expect_interrupt(lambda: f(x, x))",
    "few elements": "f = fusejit.ufunc(LONG); f(x[:0], 1.0); expect_interrupt(lambda: [f(x[:9], 1.0) for i in range(10**6)])",
    "threads": "f = fusejit.ufunc(LONG, threads=2); expect_interrupt(lambda: f(x, x))",
    "a mask": "f = fusejit.ufunc(LONG); expect_interrupt(lambda: f(x, x, where=x > 0))",
    "reduce": "f = fusejit.ufunc(LONG); expect_interrupt(lambda: f.reduce(x))",
    "at": "f = fusejit.ufunc(LONG); expect_interrupt(lambda: f.at(x.copy(), np.zeros(1 << 20, int), x))",
    "a program": "p = fusejit.compile(LONG); expect_interrupt(lambda: p.f(x, x))",
    "matrix products": "p = fusejit.compile('fn f(x: [n,n]) = sum(x @ x)'); a = np.ones((5000, 300, 300))\n"
                       "expect_interrupt(lambda: [p.f(a) for i in range(10**6)])",
    "a second one": "f = fusejit.ufunc(LONG); expect_interrupt(lambda: f(x, x)); expect_interrupt(lambda: f(x, x))",
    "an event loop": """
        import asyncio
        f = fusejit.ufunc(LONG)
        async def main():
            loop, seen = asyncio.get_running_loop(), []
            loop.add_signal_handler(signal.SIGUSR1, seen.append, 1)
            threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGUSR1)).start()
            p = fusejit.compile("fn g(x; n = 1) { var s = x  for i in 0 .. 3000000 { s = 0.5*s + n }  return s }")
            p.g(np.ones(1000))
            await asyncio.sleep(0.2)
            print("interrupted" if seen else "the loop's own signal was lost")
        asyncio.run(main())""",
    "another signal": """
        seen = []
        signal.signal(signal.SIGUSR1, lambda *a: seen.append(1))
        p = fusejit.compile("fn g(x; n = 1) { var s = x  for i in 0 .. 3000000 { s = 0.5*s + n }  return s }")
        wanted = p.g(np.ones(1000))
        threading.Timer(0.02, os.kill, (os.getpid(), signal.SIGUSR1)).start()
        while not seen:
            got = p.g(np.ones(1000))
        print("interrupted" if np.array_equal(got, wanted) else "another result")""",
    "a child process": """
        f = fusejit.ufunc(LONG)
        expect_interrupt(lambda: f(x, x))
        child = os.fork()
        if child == 0:
            expect_interrupt(lambda: f(x, x))
            sys.stdout.flush()
            os._exit(0)
        os.waitpid(child, 0)""",
}
for name, text in CALLS.items():
    program = PRELUDE + textwrap.dedent(text) + "\nexpected = fusejit.ufunc('x + y')(x, 1.0)\nassert (expected == 2).all()\n"
    try:
        run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120)
        lines = run.stdout.split("\n")[:-1]
        expect(lines and set(lines) == {"interrupted"} and run.returncode == 0, name, run.stdout, run.stderr)
    except subprocess.TimeoutExpired:
        expect(False, name, "was not interrupted")

# A worker thread is not touched: Python's handlers run on the main thread.
program = PRELUDE + textwrap.dedent("""
    p = fusejit.compile("fn g(x; n = 1) { var s = x  for i in 0 .. 3000000 { s = 0.5*s + n }  return s }")
    wanted, got = p.g(np.ones(1000)), []
    worker = threading.Thread(target=lambda: got.append(p.g(np.ones(1000))))
    worker.start()
    try:
        interrupt(0.01)
        time.sleep(30)
    except KeyboardInterrupt:
        pass
    worker.join()
    print(np.array_equal(got[0], wanted))""")
run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120)
expect(run.stdout == "True\n", "a thread of its own", run.stdout, run.stderr)
finish("interrupt")
