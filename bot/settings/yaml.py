"""YAML in which nothing is overlooked: a key that is given twice is an error."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from yaml.constructor import ConstructorError

from countersign.approvals.errors import ConfigurationError


class _UniqueKeys(yaml.SafeLoader):
    """A second rule for the same tool must not win quietly."""


def _unique_mapping(loader: _UniqueKeys, node: yaml.MappingNode) -> dict[Any, Any]:
    seen: set[str] = set()
    for key_node, _ in node.value:
        key = str(loader.construct_object(key_node, deep=True))
        if key in seen:
            raise ConstructorError(
                None, None, f"the key {key!r} is given twice", key_node.start_mark
            )
        seen.add(key)
    return loader.construct_mapping(node, deep=True)


_UniqueKeys.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _unique_mapping)


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
    if not isinstance(document, dict):
        raise ConfigurationError([f"{path}: must be a mapping of sections."])
    return document
