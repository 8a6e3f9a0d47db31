"""The map of the engine in CONTRIBUTING is that of the code and of its import contracts."""

import re
import tomllib
from pathlib import Path

from tests.docs import pages

MAP = pages.sections((pages.ROOT / "CONTRIBUTING.md").read_text())["The map of `jobs/`"]
ROWS = [re.findall(r"`(\w+)`", line.split("|")[2]) for line in MAP.splitlines() if re.match(r"\| \d+ \|", line)]
# They belong to no layer: what Django starts, and what is public.
OUTSIDE = {"__init__", "apps", "migrations"}


def modules() -> set[str]:
    """The modules and packages that exist."""
    folder: Path = pages.ROOT / "jobs"
    packages = {path.parent.name for path in folder.glob("*/__init__.py")}
    return {path.stem for path in folder.glob("*.py")} | packages


def contract() -> list[set[str]]:
    """The layers of the import contract, from the top."""
    project = tomllib.loads((pages.ROOT / "pyproject.toml").read_text())
    layers = next(entry for entry in project["tool"]["importlinter"]["contracts"] if entry["type"] == "layers")
    return [set(re.findall(r"\w+", layer)) for layer in layers["layers"]]


def test_the_map_names_every_module_of_the_engine_once() -> None:
    named = [module for row in ROWS for module in row]
    assert sorted(named) == sorted(modules() - OUTSIDE)


def test_the_layers_of_the_map_are_those_of_the_import_contract() -> None:
    assert len(ROWS) == len(contract())
    for row, layer in zip(ROWS, contract(), strict=True):
        assert layer & modules() <= set(row)
    # What the contract does not know may stand only at the bottom, where there is nothing below to import.
    unknown = modules() - OUTSIDE - set().union(*contract())
    assert unknown <= set(ROWS[-1])


def test_the_folders_of_the_models_and_the_cluster_are_explained() -> None:
    explained = set(re.findall(r"`(\w+)`", MAP))
    for package, tables in (
        ("cluster", set()),
        ("models", {"event", "fields", "flow", "key", "run", "schedule", "step", "wait", "worker"}),
    ):
        parts = {path.stem for path in (pages.ROOT / "jobs" / package).glob("*.py")} - {"__init__"} - tables
        assert parts <= explained
