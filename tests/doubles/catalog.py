"""What the tools of the tests accept."""

from __future__ import annotations

from typing import Any

from approvals.models import JsonObject

QUOTE_SCHEMA: JsonObject = {
    "type": "object",
    "properties": {
        "customer": {"type": "string"},
        "amount": {"type": "number", "minimum": 0},
    },
    "required": ["customer", "amount"],
}


class FakeCatalog:
    """Implements `approvals.ports.ToolCatalog`; every tool takes a customer and an amount."""

    def __init__(
        self,
        schemas: dict[str, Any] | None = None,
        input_roles: dict[str, tuple[str, ...]] | None = None,
    ):
        self.schemas = schemas
        self._input_roles = input_roles or {}

    def schema(self, workflow: str, tool: str) -> JsonObject | None:
        """The schema of a tool's arguments."""
        return QUOTE_SCHEMA if self.schemas is None else self.schemas.get(tool)

    def input_roles(self, workflow: str, executor: str) -> tuple[str, ...]:
        """Who answers this proxy's questions."""
        return self._input_roles.get(executor, ())
