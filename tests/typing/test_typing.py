"""The types of product code: mypy, as strict as in `jobs`, infers what steps return and refuses what cannot be."""

import re
from collections import defaultdict
from pathlib import Path

import pytest
from mypy import api

CASES = Path(__file__).parent / "cases"
ROOT = CASES.parents[2]
EXPECTED = re.compile(r"# expect: ([a-z-]+)$")
REPORTED = re.compile(r"^(?P<file>[^:]+):(?P<line>\d+): error: .*\[(?P<code>[a-z-]+)\]$")


@pytest.fixture(scope="module")
def reported(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[int, str]]:
    """What mypy has to say about each of the cases: error codes by line."""
    cache = tmp_path_factory.mktemp("mypy")
    options = [
        "--strict",
        "--no-error-summary",
        "--follow-imports=silent",
        "--config-file",
        str(ROOT / "pyproject.toml"),
    ]
    output, trouble, _ = api.run([*options, "--cache-dir", str(cache), *map(str, sorted(CASES.glob("*.py")))])
    assert trouble == ""
    found: dict[str, dict[int, str]] = defaultdict(dict)
    for line in output.splitlines():
        if (error := REPORTED.match(line)) is not None:
            found[Path(error["file"]).name][int(error["line"])] = error["code"]
        else:
            assert ": note: " in line, line
    return found


@pytest.mark.parametrize("case", ["plain.py", "coroutines.py"])
def test_results_are_inferred(reported: dict[str, dict[int, str]], case: str) -> None:
    assert reported[case] == {}


def test_mistakes_are_refused_where_they_are_made(reported: dict[str, dict[int, str]]) -> None:
    lines = (CASES / "mistakes.py").read_text().splitlines()
    expected = {number: found[1] for number, line in enumerate(lines, 1) if (found := EXPECTED.search(line))}
    assert reported["mistakes.py"] == expected
