"""Ctrl-C during a call. Python runs its signal handlers between instructions of the main thread, so not while the library
computes; but its C handler writes the number of the signal to a file descriptor at once. While a call runs on the main
thread, that is a pipe of ours, which a thread reads: at SIGINT it sets the flag that the call looks at, the call ends,
and Python raises KeyboardInterrupt. No handler is installed; what the descriptor was is put back after each call."""

import _thread
import ctypes as c
import os
import signal
import threading

SIZE = 4096  # elements of all arguments: smaller calls end soon by themselves
flag = c.c_int32(0)
address = c.addressof(flag)  # jit_args.cancel


class Watch:
    """The pipe and its thread: made for the first long call of a process."""

    def __init__(self):
        self.main, self.to, self.before = threading.main_thread().ident, None, -1

    def start(self):
        try:
            signal.set_wakeup_fd(signal.set_wakeup_fd(-1), warn_on_full_buffer=False)
        except ValueError:  # not the main interpreter
            self.main = None
            return
        given, self.to = os.pipe()
        os.set_blocking(self.to, False)
        _thread.start_new_thread(self.read, (given,))

    def read(self, given):
        while True:
            signals = os.read(given, 64)
            if signal.SIGINT in signals:
                flag.value = 1
            if self.before >= 0:  # who listened before us, an event loop for instance
                try:
                    os.write(self.before, signals)
                except OSError:
                    pass


def restart():
    """A child process has no thread of ours."""
    global watch
    watch = Watch()


watch = Watch()
os.register_at_fork(after_in_child=restart)


def run(call, error, stoppable):
    """call(error). stoppable: None, or the jit_args of a call that ends early at Ctrl-C if this is the main thread."""
    if stoppable is None or _thread.get_ident() != watch.main:
        return call(error)
    if watch.to is None:
        watch.start()
        return run(call, error, stoppable)
    flag.value, stoppable.cancel = 0, address
    watch.before = signal.set_wakeup_fd(watch.to, warn_on_full_buffer=False)
    try:
        return call(error)
    finally:
        stoppable.cancel = None
        signal.set_wakeup_fd(watch.before, warn_on_full_buffer=False)
