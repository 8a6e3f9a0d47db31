"""What nobody shall read: values of secret keys in data, and what looks like one of them in plain text."""

import functools
import re
from typing import Any

from jobs import conf

HIDDEN = "•••"
_CREDENTIALS = re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]{6,}|(?<=://)[^/\s:@]*:[^/\s@]+(?=@)")


def redacted(value: Any) -> Any:
    """Return a value with that of each key in `JOBS["REDACT"]` hidden."""
    return _redacted(value, _secret(conf.settings().REDACT))


def blotted(text: str) -> str:
    """Return text without what follows such a key, and without passwords in addresses and headers."""
    text = _CREDENTIALS.sub(lambda found: f"{found[1]} {HIDDEN}" if found[1] else HIDDEN, text)
    pattern = _pairs(conf.settings().REDACT)
    return pattern.sub(lambda found: found[1] + HIDDEN, text) if pattern else text


def _redacted(value: Any, secret: frozenset[str]) -> Any:
    if isinstance(value, dict):
        return {key: HIDDEN if key.lower() in secret else _redacted(item, secret) for key, item in value.items()}
    if isinstance(value, list):
        return [_redacted(item, secret) for item in value]
    return value


@functools.cache
def _secret(keys: tuple[str, ...]) -> frozenset[str]:
    return frozenset(key.lower() for key in keys)


@functools.cache
def _pairs(keys: tuple[str, ...]) -> re.Pattern[str] | None:
    """Return what finds `key=value`, `key: value` and `"key": "value"`."""
    if not keys:
        return None
    names = "|".join(re.escape(key) for key in sorted(keys, key=len, reverse=True))
    return re.compile(
        rf"(?i)((?<![a-z])(?:{names})[\"']?\s*[:=]\s*)(?!{HIDDEN}|bearer|basic)(\"[^\"]*\"?|'[^']*'?|[^\s,;&\"']+)"
    )
