"""Reads uploads in a process of their own: a crafted file costs that process some seconds, never a worker or a site.

Python holds its one interpreter while an expression searches or a library unpacks, so a thread beside it cannot even
send a heartbeat. Nothing here looks into a file; what comes back is the turns, or a refusal in words.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from jobs.errors import NonRetriableError
from transcripts.formats import Format, Participant, Reading, Turn
from transcripts.formats.base import named

SECONDS = 30
SNIFFING_SECONDS = 10
"""People wait for this one."""
_READER = Path(__file__).with_name("reading_process.py")


class Unreadable(NonRetriableError):
    """The file cannot be read as a transcript."""


def sniff(content: bytes, filename: str) -> Format:
    """The format by content, or Unreadable where it is no transcript."""
    return Format(_ask("sniff", content, filename, SNIFFING_SECONDS)["format"])


def read(content: bytes, filename: str) -> Reading:
    """The turns of a file whose text can be analyzed, or Unreadable in words."""
    answer = _ask("read", content, filename, SECONDS)
    return Reading(
        Format(answer["format"]),
        tuple(Turn(*turn) for turn in answer["turns"]),
        answer["title"],
        tuple(Participant(*listed) for listed in answer["participants"]),
    )


def _passed(filename: str) -> str:
    """The name as an argument: no NUL, no half characters, and never an option; its end tells the kind."""
    return "./" + filename.encode("utf-8", "replace").decode().replace("\x00", "")[-200:]


def _ask(verb: str, content: bytes, filename: str, seconds: int) -> dict[str, Any]:
    # -I: neither the environment nor the working directory decides what the process imports.
    command = [sys.executable, "-I", str(_READER), verb, str(seconds), _passed(filename)]
    try:
        done = subprocess.run(command, input=content, capture_output=True, timeout=2 * seconds, check=True)
        answer: dict[str, Any] = json.loads(done.stdout)
    except (subprocess.SubprocessError, ValueError) as failure:
        late = isinstance(failure, subprocess.TimeoutExpired) or getattr(failure, "returncode", 0) in (-9, -24)
        why = f"within {seconds} seconds" if late else "in the memory that a transcript may take"
        raise Unreadable(f"{named(filename)} could not be read {why}; upload a text export of the call.") from None
    if "refused" in answer:
        raise Unreadable(answer["refused"])
    return answer
