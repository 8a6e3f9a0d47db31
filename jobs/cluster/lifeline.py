"""Ties every process of a cluster to its parent, so that no kill leaves an orphan at work."""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def tie_children() -> None:
    """Have each process that is forked from now on killed by the kernel when its parent dies.

    Linux only; elsewhere each worker's keeper looks for its parent once a second.
    """
    if not sys.platform.startswith("linux"):
        return
    libc = ctypes.CDLL(None, use_errno=True)
    parent = [os.getpid()]

    def before() -> None:
        parent[0] = os.getpid()

    def in_child() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent[0]:  # it died before the kernel knew
            os._exit(1)

    os.register_at_fork(before=before, after_in_child=in_child)
