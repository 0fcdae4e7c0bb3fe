"""Tools: what those of a workflow accept."""

from __future__ import annotations

from typing import Protocol

from countersign.approvals.models import Checked, Effective, JsonObject


class Forms(Protocol):
    """What tools take now, each form by a name; a value, which asks nobody."""

    def get(self, key: tuple[str, str], /) -> str | None:
        """Names what a (workflow, tool) takes and fills in; None if unknown."""


class Schemas(Protocol):
    """What the tools of a workflow accept, to be shown."""

    def schema(self, workflow: str, tool: str) -> JsonObject | None:
        """The JSON Schema of the tool's arguments as the tool takes them; None if unknown."""


class ToolCatalog(Schemas, Protocol):
    """What the tools of a workflow accept."""

    def forms(self) -> Forms:
        """What every tool takes and fills in, here and now."""

    def schema_versions(self) -> frozenset[str]:
        """Those of all tools here."""

    async def effective(self, workflow: str, tool: str, arguments: JsonObject) -> Effective | None:
        """What the tool's body would receive for `arguments`; None if the tool is unknown.

        Raises InvalidArgumentsError with a reason by argument. Runs the validators of the tool's
        parameters, for as long as their limit lets them, not the tool.
        """

    async def checked(self, workflow: str, tool: str, arguments: JsonObject) -> Checked | None:
        """What the tool's check and preview say of a call with these effective arguments; None if
        the tool is unknown.

        Runs code of the workflow's, for as long as its limit lets it. Raises
        PreconditionFailedError; CheckFailedError if they cannot say anything.
        """

    def input_roles(self, workflow: str, executor: str) -> tuple[str, ...]:
        """Who answers this user proxy's free-text questions; () for the policy's default."""
