"""YAML in which nothing is overlooked, and nothing is another thing than it looks: a key that is
given twice is an error, and so is a number that YAML reads in base 8."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml
from yaml.constructor import ConstructorError

from countersign.approvals.errors import ConfigurationError

_TAG = "tag:yaml.org,2002:"
_IN_BASE_8 = re.compile(r"[-+]?0[0-7_]+")
_NO_TEXT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
"""What no ledger and no database keeps, and no person sees."""


class _UniqueKeys(yaml.SafeLoader):
    """A second rule for the same tool must not win quietly."""


def _unique_mapping(loader: _UniqueKeys, node: yaml.MappingNode) -> dict[Any, Any]:
    seen: set[str] = set()
    for key_node, _ in node.value:
        if key_node.tag == f"{_TAG}merge":
            raise ConstructorError(
                None, None, "<< is not read; write the keys themselves", key_node.start_mark
            )
        key = str(loader.construct_object(key_node, deep=True))
        if key in seen:
            raise ConstructorError(
                None, None, f"the key {key!r} is given twice", key_node.start_mark
            )
        seen.add(key)
    return loader.construct_mapping(node, deep=True)


def _number(loader: _UniqueKeys, node: yaml.ScalarNode) -> int:
    found: int = loader.construct_yaml_int(node)
    if _IN_BASE_8.fullmatch(node.value):
        said = f"{node.value} is {found} in YAML, which reads it in base 8"
        said += f"; write {found}, or quotes"
        raise ConstructorError(None, None, said, node.start_mark)
    return found


def _text(loader: _UniqueKeys, node: yaml.ScalarNode) -> str:
    found: str = loader.construct_yaml_str(node)
    if (bad := _NO_TEXT.search(found)) is not None:
        said = f"a text has the character {bad[0]!r}, which nobody can read; take it out"
        raise ConstructorError(None, None, said, node.start_mark)
    return found


_UniqueKeys.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _unique_mapping)
_UniqueKeys.add_constructor(f"{_TAG}int", _number)
_UniqueKeys.add_constructor(f"{_TAG}str", _text)


def parse(path: Path) -> dict[str, Any]:
    """The mapping in the file. Raises ConfigurationError."""
    try:
        document = yaml.load(path.read_text(encoding="utf-8"), Loader=_UniqueKeys)  # noqa: S506
    except OSError as exc:
        raise ConfigurationError([f"{path}: cannot be read: {exc.strerror}"]) from exc
    except (yaml.YAMLError, UnicodeDecodeError) as exc:
        raise ConfigurationError(
            [f"{path}: is not valid YAML: {' '.join(str(exc).split())}"]
        ) from exc
    except RecursionError as exc:
        raise ConfigurationError([f"{path}: is nested too deep to be read."]) from exc
    if not isinstance(document, dict):
        raise ConfigurationError([f"{path}: must be a mapping of sections."])
    return document
