"""The title that people read: at most 80 characters, without the number in front."""

import re

MOST = 80
_LEADING = re.compile(r"^[\s:;,.–—-]+")


def display(title: str, description: str, number: str) -> str:
    """Return a title for lists: the description where the title is only the tender's number."""
    chosen = description if description and _is_number(title, number) else title or description or number
    chosen = " ".join(chosen.split())
    if number and len(chosen) > len(number) + 10 and chosen.lower().startswith(number.lower()):
        chosen = _LEADING.sub("", chosen[len(number) :])
    return shortened(chosen)


def shortened(words: str) -> str:
    """Cut at a word's end to at most 80 characters."""
    if len(words) <= MOST:
        return words
    cut = words[: MOST - 1]
    whole = cut.rsplit(" ", 1)[0].rstrip(" ,;:–-") if " " in cut[40:] else cut
    return f"{whole}…"


def _is_number(title: str, number: str) -> bool:
    if title == number:
        return True
    # "ZNTM01266W", "43G/2026/27": one or two words, and digits among them.
    return len(title.split()) <= 3 and bool(re.search(r"\d", title)) and len(title) <= 40
