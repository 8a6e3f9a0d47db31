"""A folder whose path is short enough for a server's socket."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def short_folder() -> Iterator[Path]:
    """A fresh folder that other accounts may pass through."""
    with tempfile.TemporaryDirectory(prefix="sw") as name:
        folder = Path(name).resolve()
        folder.chmod(0o711)
        yield folder
