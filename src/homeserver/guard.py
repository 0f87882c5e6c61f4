"""Runs one program for another one, and ends it when that one is gone, however it went.

Usage: guard.py LOG FOLDER PROGRAM ARGUMENT...

Listens for one word a line on its input (start, term, kill, pause, resume) and answers "started PID" and
"exited CODE". When the input ends, because it was closed or because the process that held it died, the program is
killed and FOLDER, unless it is empty, removed.
"""

import ctypes
import os
import shutil
import signal
import subprocess
import sys
import threading

SIGNALS = {
    "term": signal.SIGTERM,
    "kill": signal.SIGKILL,
    "pause": signal.SIGSTOP,
    "resume": signal.SIGCONT,
}
PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


def die_with_the_guard():
    """Where the system offers it, the program doesn't outlive even a guard that is killed."""
    if LIBC is not None:
        LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def say(*words):
    print(*words, flush=True)


class Ward:
    """The program and the thread that waits for its end."""

    def __init__(self, log, command):
        with open(log, "ab") as output:
            # A session of its own: Ctrl-C in the terminal is for the one who guards, who then ends this in order.
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                preexec_fn=die_with_the_guard,
            )
        say("started", self.process.pid)
        self.waiter = threading.Thread(target=self.wait, daemon=True)
        self.waiter.start()

    def wait(self):
        code = self.process.wait()
        try:
            say("exited", code)
        except OSError:
            pass  # Nobody is left to hear it.

    def signal(self, number):
        self.process.send_signal(number)

    def end(self):
        self.process.kill()
        self.waiter.join()


def main():
    log, folder, *command = sys.argv[1:]
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    ward = None
    try:
        for line in sys.stdin:
            word = line.strip()
            if word != "start":
                ward.signal(SIGNALS[word])
                continue
            if ward:
                ward.end()
            ward = Ward(log, command)
    except OSError:
        pass  # The program can't be started, or the one who listens is gone; either way this is over.
    finally:
        if ward:
            ward.end()
        if folder:
            shutil.rmtree(folder, ignore_errors=True)
        # An ordinary exit would complain when the output is a closed pipe.
        os._exit(0)


main()
