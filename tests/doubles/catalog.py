"""What the tools of the tests accept."""

from __future__ import annotations

from typing import Any

from countersign.approvals.errors import InvalidArgumentsError
from countersign.approvals.models import Checked, Effective, JsonObject
from countersign.approvals.ports import Forms
from countersign.approvals.rules.arguments import problems
from tests.doubles.transactions import outside

QUOTE_SCHEMA: JsonObject = {
    "type": "object",
    "properties": {
        "customer": {"type": "string"},
        "amount": {"type": "number", "minimum": 0},
    },
    "required": ["customer", "amount"],
}


def effective_by_schema(
    tool: str, schema: JsonObject | None, arguments: JsonObject, version: str = ""
) -> Effective | None:
    """The arguments with the defaults of the schema, if they fit it."""
    if schema is None:
        return None
    defaults = {
        name: known["default"]
        for name, known in schema.get("properties", {}).items()
        if name not in arguments and "default" in known
    }
    complete = {**arguments, **defaults}
    if wrong := problems(schema, complete):
        raise InvalidArgumentsError(tool, wrong)
    pointers = tuple(f"/{name}" for name in defaults)
    return Effective(arguments=complete, defaulted=pointers, schema_version=version)


class _Alike:
    """The same form for all tools of a schema, or for all that there could be."""

    def __init__(self, version: str, schemas: dict[str, Any] | None):
        self._version = version
        self._tools = None if schemas is None else frozenset(schemas)

    def get(self, key: tuple[str, str], /) -> str | None:
        """The form of a tool."""
        return self._version if self._tools is None or key[1] in self._tools else None


class FakeCatalog:
    """Implements `approvals.ports.ToolCatalog`.

    It knows the tools of `schemas`; without them every tool, each of which takes `every`.
    """

    def __init__(
        self,
        schemas: dict[str, Any] | None = None,
        input_roles: dict[str, tuple[str, ...]] | None = None,
        *,
        every: JsonObject = QUOTE_SCHEMA,
    ):
        self.schemas, self._every = schemas, every
        self.version = ""
        """Of every tool; that of requests which a test proposes without one."""
        self.finds: Checked | Exception = Checked()
        """What the check of every tool finds."""
        self.asked: list[JsonObject] = []
        """Of which arguments the check was asked, in order."""
        self._input_roles = input_roles or {}

    def schema(self, workflow: str, tool: str) -> JsonObject | None:
        """The schema of a tool's arguments."""
        outside("The catalog of tools")
        return self._every if self.schemas is None else self.schemas.get(tool)

    def forms(self) -> Forms:
        """The same for every tool that is known."""
        outside("The catalog of tools")
        return _Alike(self.version, self.schemas)

    def schema_versions(self) -> frozenset[str]:
        """The one that all tools have."""
        outside("The catalog of tools")
        return frozenset({self.version})

    async def effective(self, workflow: str, tool: str, arguments: JsonObject) -> Effective | None:
        """By the schema alone."""
        outside("The catalog of tools")
        return effective_by_schema(tool, self.schema(workflow, tool), arguments, self.version)

    async def checked(self, workflow: str, tool: str, arguments: JsonObject) -> Checked | None:
        """What the test says that there is to find, or raises what it says."""
        outside("The catalog of tools")
        if self.schema(workflow, tool) is None:
            return None
        self.asked.append(arguments)
        if isinstance(self.finds, Exception):
            raise self.finds
        return self.finds

    def input_roles(self, workflow: str, executor: str) -> tuple[str, ...]:
        """Who answers this proxy's questions."""
        outside("The catalog of tools")
        return self._input_roles.get(executor, ())
