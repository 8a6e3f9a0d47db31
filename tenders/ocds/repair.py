"""Parsing the JSON that portals send: strictly first, then with the two faults seen in the wild put right.

Find a Tender has sent numbers such as `000` and `12 000`; Python reads `1e9999` as infinity, which counts as none.
"""

import json
import re
from typing import Any

from common import encoding

# Outside of strings only: the first alternative eats whole strings and leaves them as they are.
# One that is never closed takes the rest.
_TOKENS = re.compile(r'"(?:[^"\\]|\\.)*"?|(?<![\w.+-])-?\d[\d ]{0,40}\d(?=\s{0,20}[,}\].eE])')


class BadJson(ValueError):
    """Text that is no JSON; the message says where."""


def loads(text: str) -> Any:
    """Parse JSON, with broken numbers put right; raises BadJson with line and column."""
    try:
        return json.loads(text)
    except ValueError as strict:
        try:
            return json.loads(_TOKENS.sub(_mended, text))
        except ValueError:
            raise BadJson(where(strict, text)) from None
    except RecursionError:
        raise BadJson("it is nested too deeply") from None


def _mended(found: re.Match[str]) -> str:
    token = found[0]
    if token.startswith('"'):
        return token
    digits = token.replace(" ", "").lstrip("-")
    sign = "-" if token.startswith("-") else ""
    return sign + (digits.lstrip("0") or "0")


def where(error: ValueError, text: str) -> str:
    """Say in words what is wrong with a JSON text, and where."""
    if text.lstrip()[:1] == "<":
        return "it is HTML, not JSON"
    if isinstance(error, json.JSONDecodeError):
        return f"line {error.lineno}, column {error.colno}: {error.msg.lower()}"
    return str(error)


def decoded(body: bytes) -> str:
    """Return a body as text: UTF-8, a stray byte in it as Windows means it, else the encoding that its letters tell."""
    try:
        return encoding.decoded(body)
    except encoding.UnknownEncoding:
        return body.decode("cp1252", errors="replace")
