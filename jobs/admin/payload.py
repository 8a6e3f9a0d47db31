"""JSON for people's eyes: pretty, cut, with secret keys hidden, and what was hidden put back after an edit."""

import json
from typing import Any

from jobs import serialize
from jobs.redaction import HIDDEN, blotted, redacted

LIMIT = 64 * 1024
"""Characters of one value that a page shows at most."""
SHORT = 20
"""Lines that are shown before "show all"."""


def editable(value: Any) -> str:
    """Return the JSON text of a value for a form: what is hidden stays hidden, and `restored` puts it back."""
    return pretty(redacted(value))


def restored(edited: Any, original: Any) -> Any:
    """Return an edited value in which everything still hidden has its original value again.

    UnreadableJSON tells of something hidden that was moved or changed, so that no run gets the dots for a secret.
    """
    return _restored(edited, original, "data")


def _restored(edited: Any, original: Any, where: str) -> Any:
    if edited == redacted(original):
        return original
    if isinstance(edited, dict):
        before = original if isinstance(original, dict) else {}
        hidden = redacted(before)
        return {
            key: before[key]
            if key in before and item == hidden[key]
            else _restored(item, before.get(key), f"{where}.{key}")
            for key, item in edited.items()
        }
    if isinstance(edited, list):
        return _restored_items(edited, original if isinstance(original, list) else [], where)
    if isinstance(edited, str) and HIDDEN in edited:
        raise UnreadableJSON(f"{where} holds {HIDDEN}, and what is hidden there was moved or changed: type the value.")
    return edited


def _restored_items(edited: list[Any], original: list[Any], where: str) -> list[Any]:
    """Return items each with what was hidden in it: that of the same place, or of the item that looks the same."""
    same = len(edited) == len(original)
    left = [(redacted(item), item) for item in original]
    found = []
    for place, item in enumerate(edited):
        at = f"{where}[{place}]"
        if same:
            found.append(_restored(item, original[place], at))
            continue
        alike = next((number for number, (shown, _) in enumerate(left) if shown == item), None)
        # Two that look the same may hide different secrets: taking one of them would be a guess.
        if alike is not None and sum(shown == item for shown, _ in left) == 1:
            found.append(left[alike][1])
        else:
            found.append(_restored(item, None, at))
    return found


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
    text = pretty(redacted(value)) if full else pretty(outline(value))
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
