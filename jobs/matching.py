"""What of a wait's condition an index can answer: `async.data.id == event.data.id` becomes a path and its value.

Thousands of runs may wait for one event name, each for another id. Evaluating every condition for every event would
take longer the more wait; with a path and a value the few that can match are looked up, and only they are evaluated.
"""

import re
from dataclasses import dataclass
from typing import Any

from jobs import serialize

_CONJUNCT = re.compile(r"(?P<left>.+?)==(?P<right>.+)", re.DOTALL)
_FIELD = re.compile(r"(event|async)((?:\.[A-Za-z_]\w*)+)")
_NUMBER = re.compile(r"-?\d+(\.\d+)?")
_STRING = re.compile(r"""'[^'\\]*'|"[^"\\]*\"""")
# A string that is never closed takes the rest, or every quote within it would be tried as its end.
_PARTS = re.compile(
    r"""'(?:[^'\\]|\\.)*'?|"(?:[^"\\]|\\.)*"?|&&|\|\||[?()\[\]{}!<>=]=?|[^'"&|?()\[\]{}!<>=]+|.""", re.DOTALL
)
_LONGEST = 200


@dataclass(frozen=True, slots=True)
class Match:
    """A field of the awaited event, as a dotted path, and the value it must have, as JSON; both empty for any."""

    path: str = ""
    value: str = ""


ANY = Match()


def match_of(condition: str | None, event: dict[str, Any]) -> Match:
    """Return what an event must have to meet a condition, given the event that started the run; ANY if unsure."""
    for conjunct in _conjuncts(condition or ""):
        found = _CONJUNCT.fullmatch(conjunct.strip())
        if found is None:
            continue
        for one, other in ((found["left"], found["right"]), (found["right"], found["left"])):
            field = _FIELD.fullmatch(one.strip())
            if field is not None and field[1] == "async":
                value = _constant(other.strip(), event)
                if value is not None and len(field[2]) <= _LONGEST:
                    return Match(field[2][1:], value)
    return ANY


def value_at(path: str, event: dict[str, Any]) -> str | None:
    """Return what an event has at a dotted path, as the text that waits are looked up by; None if none can be."""
    value: Any = event
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return _text(value)


def _conjuncts(condition: str) -> list[str]:
    """Return the parts that must all be true; none where the condition is more than a chain of `&&`."""
    conjuncts, depth = [""], 0
    for part in _PARTS.findall(condition):
        depth += (part in ("(", "[", "{")) - (part in (")", "]", "}"))
        if depth == 0 and part in ("||", "?"):
            return []
        if depth == 0 and part == "&&":
            conjuncts.append("")
        else:
            conjuncts[-1] += part
    return conjuncts


def _constant(operand: str, event: dict[str, Any]) -> str | None:
    field = _FIELD.fullmatch(operand)
    if field is not None:
        return value_at(field[2][1:], event) if field[1] == "event" else None
    if operand in ("true", "false", "null"):
        return operand
    if _NUMBER.fullmatch(operand):
        return _text(float(operand) if "." in operand else int(operand))
    return _text(operand[1:-1]) if _STRING.fullmatch(operand) else None


def _text(value: Any) -> str | None:
    if isinstance(value, dict | list):
        return None
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # 1 and 1.0 are equal
    text = serialize.visible(serialize.dumps(value))
    return text if len(text) <= _LONGEST else None
