"""The process that reads one upload: the file on standard input, its turns or a refusal as JSON on standard output."""

import json
import resource
import sys
from pathlib import Path
from typing import Any

MEMORY = 1024 * 1024 * 1024


def limit(seconds: int) -> None:
    """Bound processor time and memory; where the system has no such limit, the caller's clock remains."""
    for kind, bound in ((resource.RLIMIT_CPU, seconds), (resource.RLIMIT_AS, MEMORY)):
        try:
            resource.setrlimit(kind, (bound, bound))
        except (ValueError, OSError):
            continue


def answer(verb: str, content: bytes, filename: str) -> dict[str, Any]:
    """What the file holds, as plain values."""
    from transcripts import formats

    try:
        if verb == "sniff":
            return {"format": formats.sniff(content, filename)}
        reading = formats.read(content, filename)
    except formats.UnreadableTranscript as refusal:
        return {"refused": str(refusal)}
    return {
        "format": reading.format,
        "turns": [(turn.speaker, turn.text, turn.start) for turn in reading.turns],
        "title": reading.title,
        "participants": [(one.name, one.organization, one.role) for one in reading.participants],
    }


if __name__ == "__main__":
    # What is imported are the pure modules beside this file, and they need no more than the standard library.
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    limit(int(sys.argv[2]))
    sys.stdout.write(json.dumps(answer(sys.argv[1], sys.stdin.buffer.read(), sys.argv[3])))
