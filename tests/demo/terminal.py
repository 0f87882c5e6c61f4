"""A terminal for a program: what comes in here it reads as typed, what it shows goes out there.

usage: terminal.py COLUMNS LINES PROGRAM [ARGUMENT...]

Ends as the program does, or with 99 if the program leaves the terminal in another state than it found it in.
"""

import fcntl
import os
import pty
import select
import struct
import sys
import termios


def main() -> int:
    columns, lines = int(sys.argv[1]), int(sys.argv[2])
    ready, go = os.pipe()
    program, terminal = pty.fork()
    if program == 0:
        os.close(go)
        os.read(ready, 1)
        os.close(ready)
        os.execv(sys.argv[3], sys.argv[3:])
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
    before = termios.tcgetattr(terminal)
    os.close(ready)
    os.close(go)
    after = before
    sources = [0, terminal]
    while True:
        readable, _, _ = select.select(sources, [], [], 0.1)
        if 0 in readable:
            typed = os.read(0, 65536)
            if typed:
                os.write(terminal, typed)
            else:
                sources.remove(0)
        if terminal in readable:
            try:
                shown = os.read(terminal, 65536)
            except OSError:
                # Nobody has the terminal open any more.
                shown = b""
            if not shown:
                break
            os.write(1, shown)
        after = termios.tcgetattr(terminal)
    _, status = os.waitpid(program, 0)
    return os.waitstatus_to_exitcode(status) % 256 if after == before else 99


sys.exit(main())
