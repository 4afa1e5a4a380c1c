"""`python -m bench.gradbench`: answer GradBench's messages on stdin, on stdout."""

import contextlib
import sys

from bench.gradbench.protocol import serve

if __name__ == "__main__":
    out = sys.stdout
    sys.stdin.reconfigure(encoding="utf-8", errors="replace")  # what is no text is no JSON either
    with contextlib.redirect_stdout(sys.stderr):  # nothing but answers may go to stdout
        serve(sys.stdin, out)
