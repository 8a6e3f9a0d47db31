"""Collects every regular expression of the project, and how each is used."""

import ast
import importlib
import re
import types
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("common", "jobs", "transcripts", "tenders", "imports", "clients", "pulls", "config")
_VERBS = frozenset({"compile", "search", "match", "fullmatch", "split", "findall", "finditer", "sub", "subn"})
_AT_BEGINNING = frozenset({"match", "fullmatch"})
# Read for their text only: importing them would start something or ask for a terminal.
_NOT_IMPORTED = frozenset({"config.wsgi", "config.asgi", "config.gunicorn_conf"})


@dataclass(frozen=True)
class Use:
    """A pattern, where it stands, and the verbs it is called with."""

    place: str
    pattern: re.Pattern[str]
    verbs: frozenset[str]

    @property
    def searched(self) -> bool:
        """Whether a match is looked for at every place of a text."""
        return not self.verbs or not self.verbs <= _AT_BEGINNING

    @property
    def whole(self) -> bool:
        """Whether a match has to reach the end of the text."""
        return "fullmatch" in self.verbs


def modules() -> Iterator[tuple[str, Path]]:
    """Every module of the project that is ours to run, by name."""
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
            if "migrations" not in path.parts and name not in _NOT_IMPORTED:
                yield name, path


def uses() -> list[Use]:
    """Every pattern: those that modules hold, and those that stand in a call."""
    trees = {name: ast.parse(path.read_text()) for name, path in modules()}
    everywhere = _verbs_by_name(trees.values())
    found: dict[tuple[str, int], Use] = {}
    for name, tree in trees.items():
        module = importlib.import_module(name)
        here = _verbs_by_name([tree])
        for label, pattern in _held(module):
            owner = re.split(r"[.\[]", label, maxsplit=1)[0]
            verbs = (here if owner.startswith("_") else everywhere).get(owner, ())
            use = Use(f"{name}.{label}", pattern, frozenset(verbs))
            found.setdefault((pattern.pattern, pattern.flags), use)
        for use in _written(name, tree, vars(module)):
            found.setdefault((use.pattern.pattern, use.pattern.flags), use)
    return list(found.values())


def unread() -> list[str]:
    """The calls whose pattern is not known before they run, as `module: source`."""
    found = []
    for name, path in modules():
        known = vars(importlib.import_module(name))
        for call in _calls(ast.parse(path.read_text())):
            if call.args and _evaluated(call.args[0], known) is None:
                found.append(f"{name}: {ast.unparse(call)}")
    return found


def _calls(tree: ast.AST) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _VERBS:
            owner = node.func.value
            if isinstance(owner, ast.Name) and owner.id == "re":
                yield node


def _written(name: str, tree: ast.AST, known: dict[str, object]) -> Iterator[Use]:
    for call in _calls(tree):
        pattern = _evaluated(call.args[0], known) if call.args else None
        verb = call.func.attr  # type: ignore[attr-defined]
        if isinstance(pattern, str) and verb != "compile":
            flags = [_evaluated(k.value, known) for k in call.keywords if k.arg == "flags"]
            flags += (
                [_evaluated(call.args[2], known)] if verb in ("search", "match", "fullmatch") and call.args[2:] else []
            )
            compiled = re.compile(pattern, sum(int(flag) for flag in flags if flag))  # type: ignore[call-overload]
            yield Use(f"{name}:{call.lineno}", compiled, frozenset({verb}))


def _evaluated(node: ast.expr, known: dict[str, object]) -> object:
    try:
        return eval(compile(ast.Expression(node), "pattern", "eval"), dict(known))
    except NameError:
        return None


def _verbs_by_name(trees: object) -> dict[str, set[str]]:
    """What is done with each name anywhere: a pattern's name is as good as its own in this project."""
    verbs: dict[str, set[str]] = {}
    for tree in trees:  # type: ignore[attr-defined]
        called: set[int] = set()
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and node.attr in _VERBS:
                owner = node.value.attr if isinstance(node.value, ast.Attribute) else getattr(node.value, "id", "")
                verbs.setdefault(owner, set()).add(node.attr)
                called.add(id(node.value))
        for node in ast.walk(tree):
            # A name that is handed on may be searched elsewhere.
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and id(node) not in called:
                verbs.setdefault(node.id, set()).add("handed on")
    return verbs


def _held(module: types.ModuleType) -> Iterator[tuple[str, re.Pattern[str]]]:
    for name, value in list(vars(module).items()):
        yield from _within(name, value, 4)


def _within(label: str, value: object, depth: int) -> Iterator[tuple[str, re.Pattern[str]]]:
    if isinstance(value, re.Pattern):
        if isinstance(value.pattern, str):
            yield label, value
    elif depth and isinstance(value, dict):
        for key, item in list(value.items())[:2000]:
            yield from _within(f"{label}[{key!r}]", item, depth - 1)
    elif depth and isinstance(value, list | tuple | set | frozenset):
        for number, item in enumerate(list(value)[:2000]):
            yield from _within(f"{label}[{number}]", item, depth - 1)
    elif depth and type(value).__module__.partition(".")[0] in PACKAGES:
        for name in [*getattr(value, "__dict__", ()), *getattr(type(value), "__slots__", ())]:
            yield from _within(f"{label}.{name}", getattr(value, name, None), depth - 1)
