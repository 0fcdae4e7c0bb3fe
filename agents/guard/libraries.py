"""Library code, and workflows, which are none although they may be installed like one.

In a container everything is in `site-packages`. A library there belongs to a distribution in which
there is no workflow, and nothing of it is registered with an agent.
"""

from __future__ import annotations

import csv
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from functools import lru_cache
from importlib.machinery import EXTENSION_SUFFIXES
from importlib.metadata import Distribution, distributions
from pathlib import PurePath

AUTOGEN = "autogen"
_ROOT = "countersign"
OURS = frozenset({_ROOT, f"{_ROOT}.agents", f"{_ROOT}.approvals"})
_STDLIB = tuple({sysconfig.get_path(name) for name in ("stdlib", "platstdlib")})
_SITES = tuple({sysconfig.get_path(name) for name in ("purelib", "platlib")})
_PYTHON = (".py", ".pyc")
_IMPORTED = (".py", *EXTENSION_SUFFIXES)
_workflows: set[str] = set()
"""Packages of workflows, as `package_of` says."""
_distributed: set[str] = set()
"""Top-level packages of every distribution; filled before the first workflow is looked at."""


def belongs_to_workflows(modules: Iterable[str]) -> bool:
    """These modules, their packages, and what was installed together with them are the workflows'.

    Returns whether something of it was taken for a library so far.
    """
    installed = [packages for folder in tuple(sys.path) for packages in _installed(folder)]
    _distributed.update(*installed)
    tops = {package_of(name) for name in modules} - _NEVER
    with_them = [packages for packages in installed if not packages.isdisjoint(tops)]
    tops = tops.union(*with_them) - _NEVER
    news = tops - _workflows
    _workflows.update(news)
    return bool(news)


_NEVER = frozenset({AUTOGEN, *OURS, *sys.stdlib_module_names, ""})


@lru_cache(maxsize=256)
def _installed(folder: str) -> tuple[frozenset[str], ...]:
    """The top-level packages of each distribution in a folder of the path.

    `importlib.metadata.packages_distributions` says the same, and takes a quarter of a second of a
    server's start: it parses all of their metadata for the names, which nobody needs here.
    """
    return tuple(frozenset(_top_level(each)) for each in distributions(path=[folder]))


def _top_level(distribution: Distribution) -> Iterator[str]:
    if declared := (distribution.read_text("top_level.txt") or "").split():
        yield from declared
        return
    record = distribution.read_text("RECORD")
    files = (
        [str(file) for file in distribution.files or ()]
        if record is None
        else [row[0] for row in csv.reader(record.splitlines()) if row]
    )
    for file in files:
        top, _, rest = file.replace("\\", "/").partition("/")
        if file.endswith(_IMPORTED) and top != "..":
            yield top if rest else top.partition(".")[0]


def package_of(module: str) -> str:
    """The top-level package of a module; ours holds several, each with a name of its own."""
    top, _, rest = module.partition(".")
    return ".".join([top, *rest.split(".")[:1]]) if top == _ROOT and rest else top


def is_a_librarys(module: str) -> bool:
    """Whether a module is the standard library's or an installed package's, and not AutoGen's."""
    top = package_of(module)
    if top == AUTOGEN or top in OURS or top in _workflows:
        return False
    known = sys.modules.get(module)
    if known is None:
        return False
    file = getattr(known, "__file__", None)
    return file is None or is_in_a_library(str(file))


def is_in_a_library(path: str) -> bool:
    """Whether a file is the standard library's or an installed package's, AutoGen's included."""
    for site in _SITES:
        if path.startswith(site):
            parts = PurePath(path).relative_to(site).parts
            top = parts[0].partition(".")[0]
            is_python = path.endswith(_PYTHON)
            package = package_of(".".join(parts[:2])) if top == _ROOT else top
            return package not in _workflows and (top in _distributed or not is_python)
    return path.startswith(_STDLIB)
