"""Reading one JSON value after the other from a stream, so that a file of any size takes little memory."""

import codecs
import json
import re
from typing import Any, BinaryIO

CHUNK = 1 << 18
LARGEST_VALUE = 16 * 1024 * 1024
_BLANKS = re.compile(r"[ \t\n\r]*")
# An error this close to the end of what was read may only mean that the rest is missing.
_NEAR_END = 64


class BadPackage(ValueError):
    """A file that is no OCDS package; the message says what is wrong, and where."""


def _as_windows(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return error.object[error.start : error.end].decode("cp1252", errors="replace"), error.end


codecs.register_error("tenders.windows", _as_windows)


class Scanner:
    """A cursor in a stream of JSON text."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")("tenders.windows")
        self._decode = json.JSONDecoder().raw_decode
        self._buffer, self._at, self._line, self._ended = "", 0, 1, False

    @property
    def line(self) -> int:
        """The line the cursor is in, for words about what is wrong there."""
        return self._line + self._buffer.count("\n", 0, self._at)

    def peek(self) -> str:
        """Return the next character that is no blank, empty at the end."""
        while True:
            self._at = _BLANKS.match(self._buffer, self._at).end()  # type: ignore[union-attr]
            if self._at < len(self._buffer):
                return self._buffer[self._at]
            if not self._more():
                return ""

    def take(self, wanted: str) -> bool:
        """Step over this character if it is the next."""
        if self.peek() != wanted:
            return False
        self._at += 1
        return True

    def value(self, place: str) -> tuple[Any, str]:
        """Return the next value and its text, word for word; raises BadPackage, naming the place."""
        self.peek()
        while True:
            try:
                found, end = self._decode(self._buffer, self._at)
            except RecursionError:
                raise BadPackage(f"{place} is nested too deeply.") from None
            except json.JSONDecodeError as error:
                self._complete_or_fail(error, place)
                continue
            if end == len(self._buffer) and self._more():
                continue  # a number may go on
            raw, self._at = self._buffer[self._at : end], end
            return found, raw

    def _complete_or_fail(self, error: json.JSONDecodeError, place: str) -> None:
        unfinished = error.pos >= len(self._buffer) - _NEAR_END or error.msg.startswith("Unterminated string")
        if len(self._buffer) - self._at > LARGEST_VALUE:
            most = LARGEST_VALUE // 1024**2
            raise BadPackage(f"{place} is larger than {most} MB, or its JSON never ends (line {self.line}).")
        if not (unfinished and self._more()):
            line = self._line + self._buffer.count("\n", 0, error.pos)
            what = "the file ends in the middle of it" if self._ended and unfinished else error.msg.lower()
            raise BadPackage(f"{place} is not valid JSON (line {line}): {what}.") from None

    def _more(self) -> bool:
        if self._ended:
            return False
        # Large values are met with large reads, else they would be scanned anew for each small one.
        chunk = self._stream.read(max(CHUNK, len(self._buffer) - self._at))
        self._ended = not chunk
        self._line += self._buffer.count("\n", 0, self._at)
        self._buffer = self._buffer[self._at :] + self._decoder.decode(chunk, final=self._ended)
        self._at = 0
        return not self._ended
