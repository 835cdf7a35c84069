"""Brings forth processes that deliver: `touchloop deliver` without its seconds of imports.

For each line on standard input one is forked, in a session of its own, and its number printed. It
runs what the command runs, on this process's settings, until somebody kills it.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys

from touchloop.cli import runtime


def main() -> None:
    runtime.setup_django()
    from touchloop.channels import api as channels
    from touchloop.flow import api as flow

    channels.channels()  # whatever a delivering process loads is loaded before it is born
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with contextlib.suppress(KeyboardInterrupt):
        for _line in sys.stdin:
            child = os.fork()
            if child == 0:
                os.setsid()
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                flow.deliver(stop=lambda: False)
                os._exit(0)
            print(child, flush=True)


if __name__ == "__main__":
    main()
