"""Coverage of the product's lines and branches, without a tracer: `pytest -p tests.covered`.

SlipCover compiles each module with probes: a call of C at a line or branch. coverage.py needs
`sys.settrace` before Python 3.14, which costs at every call and every line (docs/adr/0026).

Each process writes what it has reached beside the file that COUNTERSIGN_COVERAGE names, and the one
that has started the others adds it up there, for `scripts/coverage_gate.py`.
"""

from __future__ import annotations

import ast
import gc
import importlib.util
import json
import os
import sys
from collections.abc import Callable, Generator
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

import pytest
import slipcover
from slipcover import branch
from slipcover.slipcover import add_summaries

REPORT = Path(os.environ["COUNTERSIGN_COVERAGE"])
ROOT = Path(__file__).resolve().parents[1]
MEASURED = ("agents", "approvals", "bot", "connectors", "examples", "sandbox", "testing")
NOT_CODE = [
    r"if TYPE_CHECKING:",
    r"if __name__ == .__main__.:",
    r"^\s*\.\.\.$",  # the bodies of protocols and overloads
    r"assert_never\(",
]


NEVER = 2**30
"""So often a probe says what is known before SlipCover takes it out: then it walks through all
modules, in whichever thread that was, while others change them. See `_forget`."""
FORGET_AFTER = (40, 150, 400, 800, 1_400, 2_200, 3_200, 5_000)
"""Tests of one process, after which what was reached needs no probe any more. It takes up to
seconds, as the bytecode of every module of which something new was reached is written anew."""


def _measure(source: list[str] | None = None) -> Any:
    return slipcover.Slipcover(
        branch=True, d_miss_threshold=NEVER, source=source, exclude_lines=NOT_CODE
    )


_reached = _measure()
_finished = 0


class _Probing(SourceFileLoader):
    """Compiles a module with probes."""

    def exec_module(self, module: ModuleType) -> None:
        tree = branch.preinstrument(ast.parse(self.get_data(self.path)))
        code = _reached.instrument(compile(tree, self.path, "exec", dont_inherit=True))
        exec(code, module.__dict__)  # noqa: S102 - what an import does


def _probed(spec: ModuleSpec | None) -> ModuleSpec | None:
    """The same, with probes if the module is measured."""
    if spec is not None and isinstance(spec.loader, SourceFileLoader):
        file = Path(spec.loader.path).resolve()
        if file.is_relative_to(ROOT) and file.relative_to(ROOT).parts[0] in MEASURED:
            spec.loader = _Probing(spec.loader.name, spec.loader.path)
    return spec


class _Finder(MetaPathFinder):
    """Stands before pytest's own finder, for which the whole product is a plugin to rewrite."""

    def find_spec(self, name: str, path: Any, target: Any = None) -> ModuleSpec | None:
        if name.partition(".")[0] not in ("countersign", *MEASURED):
            return None
        return _probed(PathFinder.find_spec(name, path, target))


def _from_file(plain: Callable[..., ModuleSpec | None]) -> Callable[..., ModuleSpec | None]:
    """Alembic imports migrations by their path."""
    return lambda *args, **kwargs: _probed(plain(*args, **kwargs))


sys.meta_path.insert(0, _Finder())
importlib.util.spec_from_file_location = _from_file(importlib.util.spec_from_file_location)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol() -> Generator[None, object, object]:
    """Between two tests nothing but what is shared by many of them is at work."""
    global _finished
    result = yield
    _finished += 1
    if _finished in FORGET_AFTER and sys.version_info < (3, 12):  # there `sys.monitoring` forgets
        _forget()
    return result


def _forget() -> None:
    """Take out the probes of what was reached: functions go on without them when they are called
    next. SlipCover's own way misses modules that were not imported by its importer."""
    for file, found in _reached._get_newly_seen().items():
        for code in list(_reached.instrumented[file]):
            _reached.deinstrument(code, found)
        _reached.all_seen[file].update(found)
    without = {id(old): new for old, new in _reached.replace_map.items()}
    gc.unfreeze()  # objects that the collector does not look at are no objects that it lists
    for each in gc.get_objects():
        if type(each) is FunctionType and id(each.__code__) in without:
            each.__code__ = without[id(each.__code__)]
    _reached.replace_map.clear()
    gc.collect()
    gc.freeze()


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write what was reached; in the end, with all that nobody has imported."""
    if hasattr(session.config, "workerinput"):
        REPORT.with_suffix(f".{os.getpid()}").write_text(json.dumps(_reached.get_coverage()))
        return
    found = _measure([str(ROOT / folder) for folder in MEASURED]).get_coverage()
    slipcover.merge_coverage(found, _reached.get_coverage())
    for part in REPORT.parent.glob(f"{REPORT.stem}.[0-9]*"):
        slipcover.merge_coverage(found, json.loads(part.read_text()))
        part.unlink()
    for file, entry in found["files"].items():
        _count_statements(entry, _first_lines(ast.parse((ROOT / file).read_bytes())))
    add_summaries(found)
    REPORT.write_text(json.dumps(found))


def _first_lines(tree: ast.Module) -> dict[int, int]:
    """The first line of the statement, of each line of one; of a compound one, its head only."""
    first: dict[int, int] = {}
    for node in ast.walk(tree):
        start: Any = node.pattern if isinstance(node, ast.match_case) else node
        if not isinstance(node, ast.stmt | ast.excepthandler | ast.match_case):
            continue
        inner = getattr(node, "body", None) or getattr(node, "cases", None)
        end = _starts(inner[0]) - 1 if inner else start.end_lineno or start.lineno
        first.update(dict.fromkeys(range(start.lineno, max(start.lineno, end) + 1), start.lineno))
        for decorator in getattr(node, "decorator_list", ()):
            lines = range(decorator.lineno, decorator.end_lineno + 1)
            first.update(dict.fromkeys(lines, decorator.lineno))
    return first


def _starts(node: Any) -> int:
    if isinstance(node, ast.match_case):
        return int(node.pattern.lineno)
    return min(
        [int(node.lineno), *(int(each.lineno) for each in getattr(node, "decorator_list", ()))]
    )


def _count_statements(entry: dict[str, list[int]], first: dict[int, int]) -> None:
    """A statement on several lines counts once, and was reached if one of its lines was."""
    reached = {first.get(line, line) for line in entry["executed_lines"]}
    missing = {first.get(line, line) for line in entry["missing_lines"]} - reached
    entry["executed_lines"], entry["missing_lines"] = sorted(reached), sorted(missing)
