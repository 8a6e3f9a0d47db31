"""The ledger: what was acknowledged and what was done, in a file that no fault of the database can reach.

Each line is one write to a file opened for appending, so that lines of many processes do not mix and the line of a
process that is killed right afterwards stays. Machines do not fail in a campaign, so nothing waits for the disk.
Times are of the monotonic clock: it is the same for all processes, and no jump of a clock moves it.
"""

import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

VARIABLE = "CAMPAIGN_LEDGER"


@dataclass(frozen=True)
class Line:
    """One thing that happened: its word, when, and what belongs to it."""

    word: str
    at: float
    facts: dict[str, Any]


def write(word: str, path: str | None = None, **facts: Any) -> None:
    """Append one line."""
    descriptor = os.open(path or os.environ[VARIABLE], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(
            descriptor,
            json.dumps({"word": word, "at": time.monotonic(), "clock": round(time.time()), **facts}).encode() + b"\n",
        )
    finally:
        os.close(descriptor)


def read(path: Path, start: int = 0) -> Iterator[Line]:
    """Return the lines in the order in which they were written, from that byte on."""
    if not path.exists():
        return
    with path.open("rb") as lines:
        lines.seek(start)
        for line in lines:
            facts = json.loads(line)
            yield Line(facts.pop("word"), facts.pop("at"), facts)


def mark(name: str) -> bool:
    """Leave a mark beside the ledger; False if it was there before. It outlives the process that is about to die."""
    try:
        os.close(os.open(f"{os.environ[VARIABLE]}.{name}", os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        return False
    return True
