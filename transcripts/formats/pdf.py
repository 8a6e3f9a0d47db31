"""Reads PDF files in a process of its own, so that a crafted file can cost some seconds but never a worker."""

import json
import subprocess
import sys
from pathlib import Path

from transcripts.formats.base import UnreadableTranscript, named

SECONDS = 30
_READER = Path(__file__).with_name("pdf_process.py")


def text_of_pdf(content: bytes, filename: str) -> str:
    """The text of all pages; refused in words when there is none, or when pypdf cannot get at it."""
    name = named(filename)
    answer = _ask(content, name)
    match answer.get("state"):
        case "encrypted":
            raise UnreadableTranscript(f"{name} is protected by a password; remove the protection and upload it again.")
        case "too-long":
            raise UnreadableTranscript(f"{name} is too long for one transcript; split it and upload the parts.")
    text = str(answer.get("text", ""))
    if not text.strip():
        raise UnreadableTranscript(
            f"{name} has no text, only pictures of pages; upload a text export or run text recognition on it first."
        )
    return text


def _ask(content: bytes, name: str) -> dict[str, object]:
    # -I: neither the environment nor the working directory decides what the process imports.
    command = [sys.executable, "-I", str(_READER), str(SECONDS)]
    try:
        done = subprocess.run(command, input=content, capture_output=True, timeout=SECONDS, check=True)
        answer = json.loads(done.stdout)
    except subprocess.TimeoutExpired:
        raise UnreadableTranscript(
            f"{name} could not be read within {SECONDS} seconds; upload a text export of the call."
        ) from None
    except (subprocess.CalledProcessError, ValueError):
        raise UnreadableTranscript(
            f"{name} is a damaged PDF; open it, print it to a new PDF and upload that."
        ) from None
    return answer if isinstance(answer, dict) else {}
