"""JSON as the engine stores it: exact where JSON is, and a refusal where it cannot be."""

import enum
import json
from collections import OrderedDict, namedtuple
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from jobs import serialize

Pair = namedtuple("Pair", "a b")


class Level(enum.IntEnum):
    LOW = 1


class Word(enum.StrEnum):
    YES = "yes"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        ({"b": 1, "a": [True, None]}, '{"b":1,"a":[true,null]}'),
        (10**30, "1" + "0" * 30),
        (0.1, "0.1"),
        (1.0, "1.0"),
        ("ü🎈", '"ü🎈"'),
        ("\0", '"\\u0000"'),
        (chr(0xD83D) + "ü", '"\\ud83d\\u00fc"'),
        (Pair(1, 2), "[1,2]"),
        (OrderedDict(z=1, a=2), '{"z":1,"a":2}'),
        (Level.LOW, "1"),
        ([Word.YES], '["yes"]'),
        ({1: "a"}, '{"1":"a"}'),
        (Decimal("1.10"), '"1.10"'),
        (timedelta(hours=1, seconds=2), '"PT1H2S"'),
        (date(2026, 3, 1), '"2026-03-01"'),
        (time(9, 30), '"09:30:00"'),
        (datetime(2026, 3, 1, tzinfo=timezone(timedelta(hours=2))), '"2026-03-01T00:00:00+02:00"'),
        (frozenset([1]), "[1]"),
    ],
    ids=repr,
)
def test_values_become_compact_json(value: Any, text: str) -> None:
    assert serialize.dumps(value) == text
    assert serialize.loads(text) == json.loads(text)


@pytest.mark.parametrize(
    "value", [b"x", bytearray(b"x"), object(), float("nan"), -float("inf"), {(1, 2): 3}, Word, ...]
)
def test_what_json_cannot_carry_is_refused(value: Any) -> None:
    with pytest.raises((TypeError, ValueError)):
        serialize.dumps({"value": value})


@pytest.mark.parametrize("text", ["NaN", "[Infinity]", '{"a": -Infinity}', "1e999", "[-1e999]", "{", "'x'"])
def test_what_is_no_json_is_not_read(text: str) -> None:
    with pytest.raises(ValueError, match=r"JSON|too large|Expecting"):
        serialize.loads(text)


@pytest.mark.parametrize(("text", "size"), [("abc", 3), ("ü", 2), ("🎈", 4), ("", 0)])
def test_size_counts_bytes(text: str, size: int) -> None:
    assert serialize.size(text) == size


@pytest.mark.parametrize(
    ("text", "visible"),
    [
        ("plain", "plain"),
        ("ü🎈", "ü🎈"),
        ("a\0b", "a\\x00b"),
        (chr(0xDC00), "\\udc00"),
        ("ü\0" + chr(0xDC00), "ü\\x00\\udc00"),
    ],
    ids=repr,
)
def test_visible_is_text_that_a_text_column_takes(text: str, visible: str) -> None:
    assert serialize.visible(text) == visible
