"""What nobody shall read: the one place that decides it for pages, exports, logs, mails and searches.

Data loses the values of keys that name a secret; text loses what follows such a name, passwords in addresses, and what
has the form of a key. Each expression meets a character a bounded number of times, because anybody may have written the
text.
"""

import functools
import re
from typing import Any

from django.conf import settings

from jobs import conf

HIDDEN = "•••"
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_WORD = re.compile(r"[a-z]+|[0-9]+")
# What may follow the noun in a name without its value being another: passwordHash, token_value, secret2.
_AFTER = frozenset(
    [
        "hash",
        "digest",
        "value",
        "plain",
        "plaintext",
        "text",
        "raw",
        "old",
        "new",
        "confirm",
        "confirmation",
        "repeat",
        "base",
        "string",
        "str",
    ]
)
_HEADERS = ("authorization", "cookie")
_SCHEMES = frozenset(["bearer", "basic", "digest", "token", "negotiate", "apikey", "hawk"])
_NOTHING = frozenset(("none", "null", "true", "false", "undefined", "nil"))
_HINTS = (
    r"://",
    "bearer",
    "basic",
    r"/e/",
    "[?&](key|sig)",
    "[-_]pat_",
    "gh[a-z]_",
    "sk-",
    "xox",
    "akia",
    "aiza",
    "eyj",
    "-[0-9a-f]{32}",
)
_ADDRESS = re.compile(r"://[^\s\"<>]+")
_EVENT_API = re.compile(r"(?<=/e/)[\w-]{8,200}")
_SCHEME = re.compile(r"(?i)(?<![\w-])(bearer|basic)(\s{1,5})([\w.~+/=-]{6,})")
_FORMS = re.compile(
    r"(?<![\w-])(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{20,}|glpat-[\w-]{20,}|sk-[\w-]{20,}|sk_live_\w{10,}"
    r"|xox[abeoprs]-[\w-]{10,}|A[KS]IA[A-Z0-9]{16}|AIza[\w-]{30,}|eyJ[\w-]{8,}\.[\w.-]{8,})"
    # The link by which Django lets somebody choose a password.
    r"|(?<=/)[a-z0-9]{6}-[0-9a-f]{32}(?![\w-])"
    r"|-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY-----(?:[^-]|-(?!----))*(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY-----)?"
)
_PARAMETER = re.compile(r"(?i)[?&](?:key|sig|signature)=")
_REST_OF_NAME = re.compile(r"[\w-]*")
# A value begins on the same line, or on the next one with a quote or a bracket.
_GAP = re.compile(r"[:=>]{0,2}[ \t]{0,40}(?:\s{1,40}(?=[\\\"'{\[]))?")
_QUOTE = re.compile(r"(\\{0,16})([\"'`])")
_BARE = re.compile(r"[^\s,;&\"'<]+")
_OPTION = re.compile(r"(?<![\w-])--([A-Za-z][\w-]*)[ \t]{1,5}(?=[^\s-])")
_CLOSERS = ")]}\\"
_LONGEST_NAME = 130


def redacted(value: Any) -> Any:
    """Return a value in which each key that names a secret has its value hidden, and each text its secrets."""
    if isinstance(value, str):
        return blotted(value)
    if isinstance(value, list | tuple):
        return [redacted(item) for item in value]
    if not isinstance(value, dict):
        return value
    # Headers and variables are often written as {"name": "X-Api-Key", "value": "…"}.
    named = next((value[key] for key in ("name", "key", "Name", "Key") if isinstance(value.get(key), str)), "")
    told = named and is_secret(named)
    return {
        key: HIDDEN
        if item not in (None, "", True, False) and (is_secret(str(key)) or (told and str(key).lower() == "value"))
        else redacted(item)
        for key, item in value.items()
    }


def blotted(text: str) -> str:
    """Return text without passwords in addresses and headers, without keys of known forms, and without what follows
    the name of a secret."""
    if _hint(_keys()).search(_small(text)) is None:
        return text
    text = _ADDRESS.sub(_address, text)
    text = _EVENT_API.sub(HIDDEN, text)
    text = _SCHEME.sub(lambda found: f"{found[1]}{found[2]}{HIDDEN}" if _is_credential(found) else found[0], text)
    text = _FORMS.sub(HIDDEN, text)
    return _pairs(text)


def is_secret(name: str) -> bool:
    """Whether the value of this name is hidden: its last words are in `JOBS["REDACT"]`, however it is spelled."""
    return _is_secret(name[-_LONGEST_NAME:], _keys())


def hint() -> str:
    """Return an expression, of either case and for PostgreSQL too, without which no text has anything to hide."""
    return _hint(_keys()).pattern


@functools.cache
def _hint(keys: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join([*_stems(keys), *_HINTS]))


def _small(text: str) -> str:
    """Return text in small letters, each in its place: several times faster to search than either case."""
    small = text.lower()
    return small if len(small) == len(text) else "".join(sign.lower()[:1] for sign in text)


def _stems(keys: tuple[str, ...]) -> list[str]:
    return sorted({"[-_ ]?".join(_words(key)) for key in keys} - {""})


@functools.cache
def _named(keys: tuple[str, ...]) -> re.Pattern[str]:
    """Return what finds a secret name from its noun on, and the sign before its value."""
    nouns = "|".join(_stems(keys)) or "(?!)"
    return re.compile(rf"((?:{nouns})[\w-]{{0,60}})([\]\\\"'`]{{0,12}}\s{{0,5}})([:=>])")


def _keys() -> tuple[str, ...]:
    # Logs are written before Django knows its settings, and must not be what makes it read them.
    return tuple(conf.settings().REDACT) if settings.configured else conf.JobsSettings.REDACT


@functools.lru_cache(maxsize=20_000)
def _is_secret(name: str, keys: tuple[str, ...]) -> bool:
    words = _words(name)
    while len(words) > 1 and (words[-1] in _AFTER or words[-1].isdigit()):
        words.pop()
    return "".join(words).endswith(_spelled(keys))


@functools.cache
def _spelled(keys: tuple[str, ...]) -> tuple[str, ...]:
    plain = {"".join(_words(key)) for key in keys} - {""}
    # Many tokens are what a model counts; many of anything else are a list of secrets.
    return tuple(plain | {f"{key}s" for key in plain if key != "token"})


def _words(name: str) -> list[str]:
    return _WORD.findall(_HUMP.sub("_", name).lower())


def _address(found: re.Match[str]) -> str:
    """Hide the password of an address: whatever stands between its first colon and its last at sign."""
    whole = found[0]
    # A quoted address ends at its quote, if what follows is no password any more.
    end = min((spot for close in ("',", "')", "']", "'}", "';") if (spot := whole.find(close)) > 0), default=len(whole))
    address, rest = whole[:end], whole[end:]
    user, colon, after = address[3:].partition(":")
    password, at, host = after.rpartition("@")
    port = after.partition("/")[0].partition("?")[0]
    if not (colon and at and password) or any(sign in user for sign in "/?#@") or (port.isdigit() and len(port) < 6):
        return whole
    return f"://{user}:{HIDDEN}@{host}{rest}"


def _is_credential(found: re.Match[str]) -> bool:
    """Tell `Basic dXNlcjpwYXNz` from basic training, and `Bearer abcdef` from bearer tokens."""
    word = found[3].rstrip(".")
    odd = any(sign.isdigit() or sign in "=_/+~" for sign in word) or any(sign.isupper() for sign in word[1:])
    named = found[1] == "Bearer" and word.lower() not in ("token", "tokens", "scheme", "credentials", "authentication")
    return odd or len(word) >= 20 or named


def _pairs(text: str) -> str:
    """Hide what follows `name=`, `name:`, `"name":`, `<name>` and `--name` wherever the name says that it is secret."""
    shown: list[str] = []
    done = 0
    for start, header in _values(text):
        if start < done:
            continue
        begin, end = _extent(text, start, header)
        if end > begin:
            shown += [text[done:begin], HIDDEN]
            done = end
    return "".join([*shown, text[done:]])


def _values(text: str) -> list[tuple[int, str]]:
    """Return where values of secret names begin; for a header of free form also what quote its line is in."""
    found = [(parameter.end(), "") for parameter in _PARAMETER.finditer(text)]
    found += [(option.end(), "") for option in _OPTION.finditer(text) if is_secret(option[1])]
    for named in _named(_keys()).finditer(_small(text)):
        before = _REST_OF_NAME.match(text[max(0, named.start() - _LONGEST_NAME) : named.start()][::-1])
        start = named.start() - (before.end() if before else 0)
        name, sign, ahead = text[start : named.end(1)], named[3], text[max(0, start - 1) : start]
        if (sign == ">" and ahead != "<") or not is_secret(name):
            continue
        free = sign == ":" and not named[2].strip() and name.lower().endswith(_HEADERS)
        found.append((named.end(), (ahead if ahead in ('"', "'") else "\n") if free else ""))
    return sorted(found)


def _extent(text: str, start: int, header: str) -> tuple[int, int]:
    """Return begin and end of a value."""
    gap = _GAP.match(text, start)
    begin = gap.end() if gap else start
    if header:
        return _free(text, begin, header)
    if quote := _QUOTE.match(text, begin):
        return begin, _closed(text, quote)
    if text[begin : begin + 1] in ("{", "["):
        return begin, _balanced(text, begin)
    bare = _BARE.match(text, begin)
    if bare is None or bare[0].lower() in _NOTHING or bare[0].strip(_CLOSERS) == "":
        return begin, begin
    if bare[0].startswith(HIDDEN) and bare[0].rstrip(_CLOSERS) == HIDDEN:
        return begin, begin + len(HIDDEN)
    if bare[0].lower() in _SCHEMES and (after := _BARE.match(text, bare.end() + 1)):
        return bare.end() + 1, after.end()
    return begin, bare.end()


def _free(text: str, begin: int, close: str) -> tuple[int, int]:
    """Return the extent of a header, which goes to the end of its line or quote; the scheme stays."""
    ends = [at for sign in {close, "\n", "\r"} if (at := text.find(sign, begin)) >= 0]
    end = min(ends, default=len(text))
    scheme, blank, credentials = text[begin:end].partition(" ")
    if scheme.lower() in _SCHEMES and credentials.strip():
        begin += len(scheme) + len(blank)
    return begin, end


def _closed(text: str, quote: re.Match[str]) -> int:
    """Return the end of a quoted value, whose quotes may be escaped because it is in text inside JSON."""
    at = quote.end()
    while (at := text.find(quote[0], at)) >= 0:
        before = at
        while before > quote.end() and text[before - 1] == "\\":
            before -= 1
        # A quote that is escaped once more belongs to the value; a backslash that is escaped itself does not escape.
        if (at - before) % 2 == 0 if not quote[1] else at == before:
            return at + len(quote[0])
        at += len(quote[0])
    return len(text)


def _balanced(text: str, begin: int) -> int:
    depth = 0
    for bracket in re.compile(r"[\[\]{}]").finditer(text, begin):
        depth += 1 if bracket[0] in "[{" else -1
        if depth == 0:
            return bracket.end()
    return len(text)
