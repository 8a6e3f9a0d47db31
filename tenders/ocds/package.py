"""Release and record packages: their publisher and licence, and their releases one by one."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from json import dumps
from typing import Any, BinaryIO

from tenders.ocds.scanner import BadPackage, Scanner
from tenders.ocds.values import line

ARRAYS = ("releases", "records")
_LINKED = "is only a link to a release, which has to be imported by itself"
_KINDS = {"[": "a list", "{": "an object", '"': "text", "<": "HTML"}


@dataclass(frozen=True, slots=True)
class Publication:
    """Who published a package, and under which licence."""

    publisher: str = ""
    licence: str = ""


@dataclass(frozen=True, slots=True)
class Item:
    """One release of a package, where it stands, its text word for word, and why it is none, if so."""

    place: str
    data: Any
    raw: str
    problem: str = ""


def publication(stream: BinaryIO) -> Publication:
    """Return who published the package; the whole file is read only where that stands behind the releases."""
    found: dict[str, Any] = {}
    for key, value in _walk(stream):
        if isinstance(value, Item):
            if len(found) == 2:
                break
        elif key in ("publisher", "license"):
            found[key] = value
    return described(found)


def described(package: Mapping[str, Any]) -> Publication:
    """Return publisher and licence from a package's own fields."""
    publisher = package.get("publisher")
    name = publisher.get("name") if isinstance(publisher, Mapping) else publisher
    return Publication(line(name, 200), line(package.get("license"), 300))


def items(stream: BinaryIO) -> Iterator[Item]:
    """Yield the releases of a package; of a record, its compiled release, or the releases it holds in full."""
    for key, value in _walk(stream):
        if isinstance(value, Item):
            yield from (_of_record(value) if key == "records" else (value,))


def of_page(package: Any) -> list[Any]:
    """Return the releases of a package that is in memory; raises BadPackage."""
    if not isinstance(package, Mapping):
        raise BadPackage(f"The answer is no release package but {_kind_of(package)}.")
    releases = package.get("releases")
    if not isinstance(releases, list):
        raise BadPackage("The answer is no release package: it has no list “releases”.")
    return releases


def _walk(stream: BinaryIO) -> Iterator[tuple[str, Any]]:
    """Yield (key, value) of the package's fields, and (array, Item) for each entry of its arrays."""
    scanner = Scanner(stream)
    _enter(scanner)
    seen = False
    while not scanner.take("}"):
        key, _ = scanner.value("A field's name")
        if not isinstance(key, str) or not scanner.take(":"):
            raise BadPackage(f"Line {scanner.line} is not valid JSON: a field's name and a colon are expected.")
        if key in ARRAYS:
            seen = True
            yield from ((key, item) for item in _array(scanner, key))
        else:
            yield key, scanner.value(f"“{key}”")[0]
        if not scanner.take(",") and scanner.peek() != "}":
            raise BadPackage(f"Line {scanner.line} is not valid JSON: a comma or the end of the package is expected.")
    if scanner.peek():
        raise BadPackage(f"Line {scanner.line}: something follows the end of the package.")
    if not seen:
        raise BadPackage("This is no OCDS package: it has neither “releases” nor “records”.")


def _enter(scanner: Scanner) -> None:
    first = scanner.peek()
    if not first:
        raise BadPackage("The file is empty.")
    if not scanner.take("{"):
        kind = _KINDS.get(first, "no JSON")
        raise BadPackage(f"This is no OCDS package: a JSON object is expected, but the file is {kind}.")


def _array(scanner: Scanner, key: str) -> Iterator[Item]:
    if not scanner.take("["):
        value, _ = scanner.value(f"“{key}”")
        raise BadPackage(f"“{key}” must be a list, but it is {_kind_of(value)}.")
    number = 0
    while not scanner.take("]"):
        place = f"{key}[{number}]"
        data, raw = scanner.value(place)
        yield Item(place, data, raw)
        number += 1
        if not scanner.take(",") and scanner.peek() != "]":
            raise BadPackage(f"{place} is followed by something that is not valid JSON (line {scanner.line}).")


def _of_record(record: Item) -> Iterator[Item]:
    if not isinstance(record.data, Mapping):
        yield record
        return
    compiled = record.data.get("compiledRelease")
    if compiled is not None:
        yield Item(f"{record.place}.compiledRelease", compiled, dumps(compiled, ensure_ascii=False))
        return
    listed = record.data.get("releases")
    releases = listed if isinstance(listed, list) else []
    for number, release in enumerate(releases):
        place, linked = f"{record.place}.releases[{number}]", _is_linked(release)
        yield Item(place, release, dumps(release, ensure_ascii=False), f"{place} {_LINKED}" if linked else "")
    if not releases:
        yield Item(record.place, record.data, "", f"{record.place} has neither a compiled release nor releases")


def _is_linked(release: Any) -> bool:
    """Whether a release is only an address; what it holds is somewhere else."""
    return isinstance(release, Mapping) and "url" in release and "ocid" not in release


def _kind_of(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true or false"
        case dict():
            return "an object"
        case list():
            return "a list"
        case str():
            return "text"
        case _:
            return "a number"
