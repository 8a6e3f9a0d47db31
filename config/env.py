"""Reading the environment: an optional .env file and typed values that fail in words."""

import os
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TRUE = {"1", "true", "yes", "on"}
FALSE = {"0", "false", "no", "off"}


class SettingError(SystemExit):
    """A value in the environment cannot be used."""

    def __init__(self, message: str) -> None:
        # A string as the exit code makes Python print it as one line and exit with 1.
        super().__init__(f"Stepwell cannot start: {message}")


def load_project_file() -> None:
    """Read .env of the project, or the file that ENV_FILE names; every entry point does this first."""
    load_file(ROOT / os.environ.get("ENV_FILE", ".env"))


def load_file(path: Path) -> None:
    """Put the variables of a .env file into the environment; what is set already wins."""
    if path.is_file():
        for name, value in parse_lines(path.read_text(encoding="utf-8-sig")):
            os.environ.setdefault(name, value)


def parse_lines(text: str) -> Iterator[tuple[str, str]]:
    """Yield (name, value) for each `NAME=value` line; comments, `export` and quotes are understood."""
    for number, line in enumerate(text.splitlines(), start=1):
        content = line.strip().removeprefix("export ").strip()
        if not content or content.startswith("#"):
            continue
        name, separator, value = content.partition("=")
        if not separator or not name.strip().isidentifier():
            raise SettingError(f"line {number} of the .env file is not NAME=value.")
        yield name.strip(), _unquote(value.strip())


def _unquote(value: str) -> str:
    if value[:1] in {"'", '"'} and (end := value.find(value[0], 1)) > 0:
        return value[1:end]
    # Only a hash after a blank starts a comment: passwords may hold one.
    return "" if value.startswith("#") else value.split(" #", 1)[0].rstrip()


def text(name: str, default: str = "") -> str:
    """The stripped value; an empty variable counts as not set."""
    return os.environ.get(name, "").strip() or default


def flag(name: str, *, default: bool = False) -> bool:
    value = text(name).lower()
    if not value:
        return default
    if value not in TRUE | FALSE:
        raise SettingError(f"{name} is {value!r}; write true or false.")
    return value in TRUE


def number(name: str, default: int, *, least: int = 0) -> int:
    value = text(name)
    if not value:
        return default
    try:
        result = int(value)
    except ValueError:
        raise SettingError(f"{name} is {value!r}; write a whole number.") from None
    if result < least:
        raise SettingError(f"{name} is {result}; the least that works is {least}.")
    return result


def seconds(name: str, default: float) -> float:
    value = text(name)
    try:
        result = float(value) if value else default
    except ValueError:
        raise SettingError(f"{name} is {value!r}; write seconds, for example 2.5.") from None
    if not 0 < result < float("inf"):
        raise SettingError(f"{name} is {value!r}; it must be more than 0 seconds.")
    return result


def words(name: str, default: str = "") -> list[str]:
    """A list written with commas."""
    return [word.strip() for word in text(name, default).split(",") if word.strip()]
