"""JSON for people's eyes: pretty, cut, with secret keys hidden, and what was hidden put back after an edit."""

import json
from typing import Any

from jobs import serialize
from jobs.redaction import HIDDEN, blotted, redacted

LIMIT = 64 * 1024
"""Characters of one value that a page shows at most."""
SHORT = 20
"""Lines that are shown before "show all"."""


def restored(edited: Any, original: Any) -> Any:
    """Return an edited value in which everything still hidden has its original value again."""
    if isinstance(edited, dict) and isinstance(original, dict):
        return {
            key: original[key] if item == HIDDEN and key in original else restored(item, original.get(key))
            for key, item in edited.items()
        }
    if isinstance(edited, list) and isinstance(original, list):
        pairs = zip(edited, [*original, *[None] * len(edited)], strict=False)
        return [restored(item, before) for item, before in pairs]
    return edited


def outline(value: Any) -> Any:
    """Return a value's keys and the types of what they hold, for people who may not see the data."""
    if isinstance(value, dict):
        return {key: outline(item) for key, item in value.items()}
    if isinstance(value, list):
        return [outline(value[0]), f"… {len(value)} in all"] if len(value) > 1 else [outline(item) for item in value]
    return {bool: "true or false", int: "number", float: "number", str: "text"}.get(type(value), "empty")


def pretty(value: Any) -> str:
    """Return JSON text with sorted keys, without what a page cannot carry."""
    return printable(json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False, default=str))


def printable(text: str) -> str:
    """Return text that can be written into a page: lone surrogates as escapes, NUL as its picture."""
    return text.replace("\0", "␀").encode("utf-8", "backslashreplace").decode()


def shown(value: Any, *, full: bool) -> str:
    """Return the JSON text of a value for somebody who may see it in full, or only its outline."""
    text = blotted(pretty(redacted(value))) if full else pretty(outline(value))
    if len(text) <= LIMIT:
        return text
    return f"{text[:LIMIT]}\n… cut here: {len(text):,} characters in all"


def last_line(error: Any) -> str:
    """Return what people read of a stored error: the last line of its message, without secrets."""
    return printable(blotted(raw_line(error)))


def raw_line(error: Any) -> str:
    """Return the last line of a stored error's message as it is, or the error's name."""
    if not isinstance(error, dict):
        return ""
    lines = [line for line in str(error.get("message", "")).splitlines() if line.strip()]
    return lines[-1].strip() if lines else str(error.get("name", ""))


class UnreadableJSON(ValueError):
    """This is not the JSON of an object."""


def parsed(text: str) -> dict[str, Any]:
    """Return the object that a person typed; UnreadableJSON points at line and column."""
    value = read(text.strip() or "{}")
    if not isinstance(value, dict):
        raise UnreadableJSON("The data of an event is an object: begin with { and end with }.")
    return value


def read(text: str) -> Any:
    """Return the value that a person typed; UnreadableJSON points at line and column."""
    try:
        return serialize.loads(text.strip() or "null")
    except json.JSONDecodeError as error:
        raise UnreadableJSON(f"Line {error.lineno}, column {error.colno}: {_lower(error.msg)}.") from None
    except (ValueError, RecursionError) as error:
        raise UnreadableJSON(f"This is not JSON: {error}.") from None


def _lower(words: str) -> str:
    return words[:1].lower() + words[1:]
