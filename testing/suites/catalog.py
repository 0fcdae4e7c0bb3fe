"""The contract of `approvals.ports.ToolCatalog`.

The fixture `catalog` is a `CatalogUnderTest`: the implementation, and one tool that it knows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from countersign.approvals.errors import InvalidArgumentsError
from countersign.approvals.models import JsonObject
from countersign.approvals.ports import ToolCatalog
from countersign.approvals.rules.arguments import problems

__all__ = [
    "test_check_of_a_known_tool_says_something",
    "test_effective_arguments_are_what_fits_the_schema",
    "test_known_tool_has_a_schema_and_a_version",
    "test_unknown_tool_is_none",
    "test_values_that_do_not_fit_are_named",
]


@dataclass(frozen=True)
class CatalogUnderTest:
    """A catalogue, and what one of its tools takes."""

    catalog: ToolCatalog
    workflow: str
    tool: str
    right: JsonObject
    """Arguments that fit the tool."""
    wrong: tuple[str, Any]
    """An argument's name and a value that does not fit it."""


async def test_unknown_tool_is_none(catalog: CatalogUnderTest) -> None:
    known = catalog.catalog
    for workflow, tool in ((catalog.workflow, "no such tool"), ("no such workflow", "look")):
        assert known.schema(workflow, tool) is None
        assert known.forms().get((workflow, tool)) is None
        assert await known.effective(workflow, tool, {}) is None
        assert await known.checked(workflow, tool, {}) is None
    assert () == known.input_roles("no such workflow", "nobody")


def test_known_tool_has_a_schema_and_a_version(catalog: CatalogUnderTest) -> None:
    known, tool = catalog.catalog, catalog.tool
    schema = known.schema(catalog.workflow, tool)

    assert schema is not None
    assert {} == problems(schema, catalog.right)
    assert known.forms().get((catalog.workflow, tool)) in known.schema_versions()


async def test_effective_arguments_are_what_fits_the_schema(catalog: CatalogUnderTest) -> None:
    """And stay as they are when they are asked for again: what was signed is what runs."""
    known, tool = catalog.catalog, catalog.tool
    effective = await known.effective(catalog.workflow, tool, catalog.right)
    assert effective is not None
    again = await known.effective(catalog.workflow, tool, effective.arguments)

    assert catalog.right.items() <= effective.arguments.items()
    assert again is not None
    assert effective.arguments == again.arguments
    assert effective.schema_version == known.forms().get((catalog.workflow, tool))


async def test_values_that_do_not_fit_are_named(catalog: CatalogUnderTest) -> None:
    name, value = catalog.wrong
    with pytest.raises(InvalidArgumentsError) as caught:
        await catalog.catalog.effective(
            catalog.workflow, catalog.tool, {**catalog.right, name: value}
        )

    assert name in caught.value.problems


async def test_check_of_a_known_tool_says_something(catalog: CatalogUnderTest) -> None:
    """Or that there is nothing to say: None is for tools that are not known."""
    found = await catalog.catalog.checked(catalog.workflow, catalog.tool, catalog.right)

    assert found is not None
