"""The documents under test: their code blocks, tables, headings and links."""

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
_BLOCK = re.compile(r"^```(?P<language>\w*)\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"(?<!`)!?\[[^\]]*\]\((?P<target>[^)\s]+)\)|<img src=\"(?P<image>[^\"]+)\"")
_HEADING = re.compile(r"^#+ (?P<words>.+)$", re.MULTILINE)


def documents() -> list[Path]:
    """Return every document of the project."""
    return sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])


def blocks(text: str, language: str) -> list[str]:
    """Return the code blocks in this language, in order."""
    return [found["code"] for found in _BLOCK.finditer(text) if found["language"] == language]


def sections(text: str) -> dict[str, str]:
    """Return the text below each heading of the second level."""
    parts = re.split(r"^## (.+)$", text, flags=re.MULTILINE)[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))


def table(text: str) -> Iterator[list[str]]:
    """Yield the cells of each row of the tables in a text, without their heads."""
    for line in text.splitlines():
        if line.startswith("| `"):
            yield [cell.strip() for cell in line.strip().removeprefix("|").removesuffix("|").split("|")]


def unquoted(cell: str) -> str:
    """Return what a cell holds between backticks."""
    return cell.removeprefix("`").removesuffix("`")


def links(text: str) -> list[str]:
    """Return the targets of the links and pictures in a text, but not of those in code."""
    return [found["target"] or found["image"] for found in _LINK.finditer(_BLOCK.sub("", text))]


def pictures(text: str) -> list[str]:
    """Return the targets of the pictures among them."""
    return [target for target in links(text) if target.endswith(".png")]


def anchors(text: str) -> set[str]:
    """Return the anchors that a text's headings make, as code hosts build them."""
    return {re.sub(r"[^\w\- ]", "", found["words"].lower()).replace(" ", "-") for found in _HEADING.finditer(text)}
