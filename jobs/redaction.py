"""What nobody shall read: values of secret keys in data, and what looks like one of them in plain text."""

import functools
import re
from typing import Any

from django.conf import settings

from jobs import conf

HIDDEN = "•••"
_CREDENTIALS = re.compile(r"(?i)(\b(?:bearer|basic)\s+)[\w.~+/=-]{6,}|(://[^/\s:@]*:)(?!\*\*\*@)[^/\s@]+(?=@)")


def redacted(value: Any) -> Any:
    """Return a value with that of each key in `JOBS["REDACT"]` hidden."""
    return _redacted(value, _secret(_keys()))


def blotted(text: str) -> str:
    """Return text without what follows such a key, and without passwords in addresses and headers."""
    text = _CREDENTIALS.sub(lambda found: (found[1] or found[2]) + HIDDEN, text)
    pattern = _pairs(_keys())
    return pattern.sub(lambda found: found[1] + HIDDEN, text) if pattern else text


def _keys() -> tuple[str, ...]:
    # Logs are written before Django knows its settings, and must not be what makes it read them.
    return tuple(conf.settings().REDACT) if settings.configured else conf.JobsSettings.REDACT


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
