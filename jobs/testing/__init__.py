"""For tests of durable functions: run one in a line, stub its steps, let time pass, look at what was sent.

`run`, `drain` and `shift_clock` work inside a test's own transaction and in its one thread. `worker` is a real worker,
with threads and connections of its own, for tests whose writes are committed.
"""

from jobs import clock
from jobs.testing.ground import registry, shift_clock
from jobs.testing.inline import InlineRecorder, drain
from jobs.testing.live import LiveWorker, worker
from jobs.testing.running import Result, run
from jobs.testing.sending import assert_sent, sending, sent
from jobs.testing.stubs import Timeout

__all__ = [
    "InlineRecorder",
    "LiveWorker",
    "Result",
    "Timeout",
    "assert_sent",
    "clock",
    "drain",
    "registry",
    "run",
    "sending",
    "sent",
    "shift_clock",
    "worker",
]
