"""Several releases of one contracting process become what they say together, by the rules of the standard.

What an older release said stays until a newer one says otherwise, and null deletes. A release tagged "compiled" is the
whole already, so nothing before it counts.
"""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ocdsmerge import CompiledRelease
from ocdsmerge.exceptions import DuplicateIdValueWarning
from ocdsmerge.flatten import Flattened, IdValue

# Given word for word, so that no schema is fetched over the network. All other rules follow from the data.
_RULES = {("id",): "omitWhenMerged", ("date",): "omitWhenMerged", ("tag",): "omitWhenMerged"}
warnings.filterwarnings("ignore", category=DuplicateIdValueWarning)


def compiled(releases: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return what releases say together, the oldest first; id, date and tag are the newest one's."""
    whole = [number for number, release in enumerate(releases) if "compiled" in _list(release.get("tag"))]
    counting = releases[whole[-1] if whole else 0 :]
    if len(counting) == 1:
        return dict(counting[0])
    result = _Compiled(merge_rules=_RULES)
    for release in counting:
        result.append(release)
    own = {key: counting[-1][key] for key in ("id", "date", "tag") if key in counting[-1]}
    return {**result.asdict(), **own}


class _Compiled(CompiledRelease):
    """The library's merge, which also takes what publishers really send."""

    def append(self, release: Mapping[str, Any]) -> None:
        """Merge one release; a list whose entries cannot be told apart by their ids replaces the older one whole."""
        self.merge_rules = _RULES | dict.fromkeys(_without_ids(release), "wholeListMerge")
        super().append(dict(release))

    def flat_append(self, flat: Flattened, *about: Any) -> None:
        """Drop what a newer value cannot stand beside: the inside of what is null now, and another kind of thing."""
        inner = _inner(self.data)
        listed = _inner(flat)
        for path in [*flat, *listed]:
            other = path in listed and path in inner and listed[path] != inner[path]
            if other or (path in flat and path in inner) or (path in listed and path in self.data):
                for known in [known for known in self.data if known[: len(path)] == path]:
                    del self.data[known]
        super().flat_append(flat, *about)


def _inner(flat: Flattened) -> dict[tuple[Any, ...], bool]:
    """Return the paths that something lies below, and whether that is a list."""
    return {path[:n]: isinstance(path[n], IdValue) for path in flat for n in range(1, len(path))}


def _without_ids(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield where the lists stand whose entries have no ids, unusable ones, or the same."""
    if isinstance(value, list):
        ids = [entry.get("id") if isinstance(entry, dict) else None for entry in value]
        told = [each for each in ids if isinstance(each, str | int) and not isinstance(each, bool)]
        if len(set(map(str, told))) < len(value):
            yield path
            return
        for entry in value:
            yield from _without_ids(entry, path)
    elif isinstance(value, Mapping):
        for key, inside in value.items():
            yield from _without_ids(inside, (*path, key))


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
