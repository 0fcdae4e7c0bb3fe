"""Writes a small project: a workflow, its rules and people, a scripted model and a test."""

from __future__ import annotations

import importlib.util
import keyword
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from countersign.approvals.errors import ConfigurationError

TEMPLATE = Path(__file__).parent / "template"
SUFFIX = ".tmpl"
"""Of the files of the template: what tools must not take for a part of this program."""
PACKAGE = "package"
_PLACEHOLDER = "{{package}}"


def write_project(folder: Path, name: str | None = None) -> str:
    """Write the project into `folder`, which must not be there yet or be empty, and return the
    name of its package: `name`, else made from the folder's.

    Raises ConfigurationError, and has written nothing then.
    """
    package = _package_name(folder, name)
    try:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise ConfigurationError(
                [f"{folder}: there is something already; name a folder that is new or empty."]
            )
        for source in files():
            parts = [package if p == PACKAGE else p for p in source.relative_to(TEMPLATE).parts]
            target = folder.joinpath(*parts).with_suffix("")
            target.parent.mkdir(parents=True, exist_ok=True)
            text = source.read_text("utf-8").replace(_PLACEHOLDER, package)
            target.write_text(text, "utf-8")
    except OSError as exc:
        raise ConfigurationError([f"{folder}: cannot be written: {exc.strerror}."]) from exc
    return package


def files() -> Iterator[Path]:
    """The files of the template."""
    return (path for path in sorted(TEMPLATE.rglob(f"*{SUFFIX}")) if path.is_file())


def _package_name(folder: Path, name: str | None) -> str:
    package = name or re.sub(r"\W+", "_", folder.absolute().name.lower(), flags=re.ASCII).strip("_")
    if not re.fullmatch(r"[A-Za-z_]\w*", package, re.ASCII) or keyword.iskeyword(package):
        raise ConfigurationError(
            [f"{package!r} is no name for a Python package; give one with --name."]
        )
    if package in sys.stdlib_module_names or package == "tests" or _is_installed(package):
        raise ConfigurationError(
            [f"there is a Python package {package!r} already; give another name with --name."]
        )
    return package


def _is_installed(package: str) -> bool:
    try:
        spec = importlib.util.find_spec(package)
    except (ImportError, ValueError):
        return False
    # A folder of that name without a module in it is no package of anybody.
    return spec is not None and spec.origin is not None
