"""Reads PDF files. A crafted one may take for ever, so uploads come here in a process of their own only."""

import io
from typing import TYPE_CHECKING

from transcripts.formats.base import UnreadableTranscript, named

if TYPE_CHECKING:
    from pypdf import PdfReader

MAX_PAGES = 3000
MAX_CHARACTERS = 400_000


def text_of_pdf(content: bytes, filename: str) -> str:
    """The text of all pages; refused in words when there is none, or when pypdf cannot get at it."""
    name = named(filename)
    try:
        text = "\n".join(_pages(content, name))
    except (UnreadableTranscript, MemoryError):
        raise
    except Exception:  # pypdf meets damage with errors of every kind
        raise UnreadableTranscript(
            f"{name} is a damaged PDF; open it, print it to a new PDF and upload that."
        ) from None
    if not text.strip():
        raise UnreadableTranscript(
            f"{name} has no text, only pictures of pages; upload a text export or run text recognition on it first."
        )
    return text


def _pages(content: bytes, name: str) -> list[str]:
    from pypdf import PdfReader

    reader = PdfReader(io.BytesIO(content))
    if _is_locked(reader):
        raise UnreadableTranscript(f"{name} is protected by a password; remove the protection and upload it again.")
    pages: list[str] = []
    length = 0
    for number, page in enumerate(reader.pages):
        pages.append(page.extract_text())
        length += len(pages[-1])
        if length > MAX_CHARACTERS or number >= MAX_PAGES:
            raise UnreadableTranscript(f"{name} is too long for one transcript; split it and upload the parts.")
    return pages


def _is_locked(reader: "PdfReader") -> bool:
    from pypdf.errors import DependencyError

    try:
        # Many files are locked against changes only; they open with an empty password, as in every viewer.
        return reader.is_encrypted and not reader.decrypt("")
    except (DependencyError, NotImplementedError):
        return True
