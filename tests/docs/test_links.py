"""Every link and picture of the documents leads somewhere."""

from pathlib import Path

import pytest

from tests.docs import pages


@pytest.mark.parametrize("document", pages.documents(), ids=lambda path: str(path.relative_to(pages.ROOT)))
def test_every_link_leads_to_a_file_and_a_heading_that_exist(document: Path) -> None:
    text = document.read_text()
    for link in pages.links(text):
        if link.startswith(("http://", "https://")) or link in pages.pictures(text):
            continue
        path, _, anchor = link.partition("#")
        target = (document.parent / path).resolve() if path else document
        assert target.exists(), f"{link} leads nowhere"
        if anchor:
            assert anchor in pages.anchors(target.read_text()), f"{link} names no heading"


def test_every_picture_of_the_readme_exists() -> None:
    pictures = pages.pictures((pages.ROOT / "README.md").read_text())
    assert len(pictures) == 6
    assert [picture for picture in pictures if not (pages.ROOT / picture).is_file()] == []


def test_links_pictures_and_headings_are_found() -> None:
    text = '# The one & only\n[a](b.md#c) ![d](e.png) <img src="f.png">\n```\n[no](link.md)\n```\n'
    assert pages.links(text) == ["b.md#c", "e.png", "f.png"]
    assert pages.pictures(text) == ["e.png", "f.png"]
    assert pages.anchors(text) == {"the-one--only"}


def test_every_decision_is_listed_in_the_index_under_its_own_title() -> None:
    index = (pages.DOCS / "adr" / "README.md").read_text()
    decisions = sorted((pages.DOCS / "adr").glob("[0-9]*.md"))
    assert [path.name[:4] for path in decisions] == [f"{number:04}" for number in range(1, len(decisions) + 1)]
    for path in decisions:
        title = path.read_text().splitlines()[0].removeprefix(f"# {int(path.name[:4])}. ")
        assert f"[{title}]({path.name})" in index
