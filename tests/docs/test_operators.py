"""The operators' page lists every setting that the code reads, with the default that the code has."""

import re
import runpy
from dataclasses import fields
from typing import Any

import pytest

from config import env
from jobs.cluster.command import Exit
from jobs.conf import JobsSettings
from tests.docs import pages

TEXT = (pages.DOCS / "operators.md").read_text()
SECTIONS = pages.sections(TEXT)
READ = re.compile(r"(?:env\.(?:text|flag|number|seconds|words)|environ\.get)\(\s*\"([A-Z_]+)\"(?:, ([^,)]+))?")
CODE = ("config", "jobs", "transcripts", "tenders", "imports", "clients", "pulls")
NOT_SETTINGS = {"PATH", "CONTENT_LENGTH"}


def documented(section: str) -> dict[str, str]:
    return {pages.unquoted(row[0]): pages.unquoted(row[1]) for row in pages.table(SECTIONS[section])}


def literal_reads() -> dict[str, str]:
    """Name and written default of every variable that the code asks for by name."""
    sources = [path for folder in CODE for path in (pages.ROOT / folder).rglob("*.py")]
    found = [match.groups() for path in sources for match in READ.finditer(path.read_text())]
    return {name: _as_listed(default or "") for name, default in found}


def _as_listed(default: str) -> str:
    if default.startswith("default="):
        return default.removeprefix("default=").lower()
    return default.strip('"').replace("_", "")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The variables that the settings ask for, those with a composed name included."""
    names: set[str] = set()
    read = env.text

    def recorded(name: str, default: str = "") -> str:
        names.add(name)
        return read(name, default)

    monkeypatch.setattr(env, "text", recorded)
    runpy.run_path(str(pages.ROOT / "config" / "settings.py"))
    return names


def test_every_variable_that_the_code_reads_is_listed_and_no_other(asked: set[str]) -> None:
    assert set(documented("Environment variables")) == (asked | set(literal_reads())) - NOT_SETTINGS


def test_the_defaults_of_variables_are_those_of_the_code() -> None:
    listed = documented("Environment variables")
    given = {name: default for name, default in literal_reads().items() if default and name not in NOT_SETTINGS}
    assert given
    assert {name: listed[name].replace("_", "") for name in given} == given


def test_variables_that_fill_in_jobs_have_the_engines_default() -> None:
    engine = {f"JOBS_{field.name}": field.default for field in fields(JobsSettings)}
    shared = {name: default for name, default in documented("Environment variables").items() if name in engine}
    assert len(shared) >= 8
    assert shared == {name: as_variable(engine[name]) for name in shared}


def as_variable(default: Any) -> str:
    """The value as one would write it in the environment."""
    return "" if default is None else str(default).lower().removesuffix(".0")


def test_the_engines_settings_are_listed_with_their_defaults() -> None:
    listed = documented("The engine's settings")
    code = {field.name: repr(field.default) for field in fields(JobsSettings)}
    # The site puts this folder into its own place.
    assert listed.pop("RUN_DIR") == "var/workers"
    del code["RUN_DIR"]
    assert listed == code


def test_the_example_file_names_only_variables_that_exist() -> None:
    named = set(re.findall(r"^# ?([A-Z_]+)=", (pages.ROOT / ".env.example").read_text(), re.MULTILINE))
    assert named
    # compose.yaml reads this one itself.
    assert named - {"POSTGRES_PASSWORD"} <= set(documented("Environment variables"))


def test_the_exit_codes_are_those_of_the_cluster() -> None:
    rows = [row for row in pages.table(SECTIONS["One machine: `make run`"]) if row[0][1].isdigit()]
    assert {pages.unquoted(row[1]): int(pages.unquoted(row[0])) for row in rows} == {code.name: code for code in Exit}
