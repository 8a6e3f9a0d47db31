"""The process that reads one PDF: the file on standard input, `{"state", "text"}` as JSON on standard output."""

import io
import json
import resource
import sys

MEMORY = 1024 * 1024 * 1024
MAX_PAGES = 3000
MAX_CHARACTERS = 400_000


def limit(seconds: int) -> None:
    """Bound processor time and memory; where the system has no such limit, the caller's clock remains."""
    for kind, bound in ((resource.RLIMIT_CPU, seconds), (resource.RLIMIT_AS, MEMORY)):
        try:
            resource.setrlimit(kind, (bound, bound))
        except (ValueError, OSError):
            continue


def read(content: bytes) -> dict[str, str]:
    """The text of all pages, or why there is none to give. Damage ends the process with an error."""
    from pypdf import PdfReader
    from pypdf.errors import DependencyError

    reader = PdfReader(io.BytesIO(content))
    try:
        # Many files are locked against changes only; they open with an empty password, as in every viewer.
        if reader.is_encrypted and not reader.decrypt(""):
            return {"state": "encrypted"}
    except (DependencyError, NotImplementedError):
        return {"state": "encrypted"}
    if len(reader.pages) > MAX_PAGES:
        return {"state": "too-long"}
    pages: list[str] = []
    length = 0
    for page in reader.pages:
        pages.append(page.extract_text())
        length += len(pages[-1])
        if length > MAX_CHARACTERS:
            return {"state": "too-long"}
    return {"state": "read", "text": "\n".join(pages)}


if __name__ == "__main__":
    limit(int(sys.argv[1]))
    sys.stdout.write(json.dumps(read(sys.stdin.buffer.read())))
